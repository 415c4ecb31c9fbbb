"""The parameters of a network as lists of arrays, attributes of an estimator."""

from typing import Any, Self, SupportsIndex, overload

from numpy.typing import ArrayLike, NDArray

from fastnn.engine.arguments import as_numbers


class ParameterViews(list):
    """Views of the flat parameters as a list: assigning an item changes the model.

    It pickles and copies as a plain list of independent arrays.

    Parameters
    ----------
    name : str
        Name of the attribute, for messages.
    views : list of ndarray
    """

    def __init__(self, name: str, views: list[NDArray]):
        super().__init__(views)
        self._name = name

    def __setitem__(self, index: SupportsIndex | slice, value: Any) -> None:
        if isinstance(index, slice):
            positions = range(*index.indices(len(self)))
            self._set(dict(zip(positions, value, strict=True)))
        else:
            self._set({index: value})

    def _set(self, values: dict[Any, Any]) -> None:
        """Change some of the views, or none of them if a value does not fit."""
        checked = [(self[at], self._checked(at, item)) for at, item in values.items()]
        for view, array in checked:
            view[...] = array

    def _checked(self, index: SupportsIndex, value: Any) -> NDArray:
        view = self[index]
        array = as_numbers(f"{self._name}[{index}]", value, view.dtype)
        if array.shape != view.shape:
            raise ValueError(
                f"{self._name}[{index}] must have shape {view.shape}, got "
                f"{array.shape}. Assigning parameters cannot change the network: set "
                "hidden_layer_sizes and fit for another one."
            )
        return array

    def __reduce__(self) -> tuple:
        return list, (list(self),)


class ParametersOfKind:
    """An attribute of estimators: the parameters of one kind, in the order of layers.

    Parameters
    ----------
    kind : str
        How their names end: "kernel", "bias".
    doc : str
        What the attribute is.
    """

    def __init__(self, kind: str, doc: str):
        self._kind = kind
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, estimator: None, owner: type) -> Self: ...

    @overload
    def __get__(self, estimator: Any, owner: type) -> ParameterViews: ...

    def __get__(self, estimator: Any, owner: type) -> Self | ParameterViews:
        if estimator is None:
            return self
        estimator._require_fitted(self._name)
        return estimator._fitted.views(self._name, self._kind)

    def __set__(self, estimator: Any, arrays: list[ArrayLike]) -> None:
        estimator._require_fitted(self._name)
        estimator._fitted = estimator._fitted.replaced(self._name, self._kind, arrays)
