"""Networks that are a stack of layers."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from sklearn.base import clone

from fastnn.layers import Layer
from fastnn.layers.base import Part
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor

# Parameters of a network, beside which its layers have theirs.
_OWN = ("layers", "trainable", "learning_rate")


class Sequential(Part):
    """A stack of layers, each fed by the one before.

    Layers can be named, as the steps of a :class:`sklearn.pipeline.Pipeline` are.
    Others are called after their kind, and from the second of a kind on also by number:
    "dense", "dense_1". Under these names ``get_params`` and ``set_params`` reach their
    parameters. A layer object that stands in the stack twice is one layer, with one set
    of weights, and stays so in a clone.

    Parameters
    ----------
    layers : list of Layer or of (str, Layer) tuples
        From the input to the output.
    trainable : bool, default=True
        Whether the layers are trained; where this is False, none of them is. Masks and
        noise of layers such as Dropout are drawn all the same. An output layer that an
        estimator adds is none of these layers, and is trained.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0, beside those of the layers.

    Examples
    --------
    >>> from fastnn import Sequential
    >>> from fastnn.layers import Dense, Dropout
    >>> network = Sequential([Dense(64, "relu"), Dropout(0.5), ("scores", Dense(10))])
    >>> network.output_shape((784,))
    (10,)
    >>> network.set_params(dropout__rate=0.2, scores__units=3).layers[1:]
    [Dropout(rate=0.2), ('scores', Dense(units=3))]
    """

    _parameter_constraints: ClassVar[dict] = {
        "layers": "no_validation",  # named_layers does it
        **Part._of_training,
    }

    def __init__(
        self,
        layers: Sequence[Layer | tuple[str, Layer]],
        *,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.layers = layers
        self.trainable = trainable
        self.learning_rate = learning_rate

    def named_layers(self) -> list[tuple[str, Layer]]:
        """Name and layer of each place in the stack.

        Returns
        -------
        named : list of (str, Layer) tuples
            A layer that stands in several places has one name.

        Raises
        ------
        TypeError
            If something else than a layer stands in the stack.
        ValueError
            If a name is given to two layers, or cannot be one.

        Examples
        --------
        >>> from fastnn import Sequential
        >>> from fastnn.layers import Dense
        >>> network = Sequential([Dense(4), Dense(3), ("last", Dense(2))])
        >>> [name for name, layer in network.named_layers()]
        ['dense', 'dense_1', 'last']
        """
        if not isinstance(self.layers, list | tuple):
            raise TypeError(
                "layers must be a list of objects of fastnn.layers, got "
                f"{self.layers!r}."
            )
        given = [_name_and_layer(self.layers, i) for i in range(len(self.layers))]
        names = {id(layer): name for name, layer in given if name is not None}
        if len(set(names.values())) < len(names):
            taken = list(names.values())
            raise ValueError(f"layers must have names of their own, got {taken}.")
        counts: dict[str, int] = {}
        for _, layer in given:
            if id(layer) in names:
                continue
            kind = type(layer).__name__.lower()
            name = kind
            while name in names.values():
                counts[kind] = counts.get(kind, 0) + 1
                name = f"{kind}_{counts[kind]}"
            names[id(layer)] = name
        return [(names[id(layer)], layer) for _, layer in given]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters of the network and, by the names of the layers, of these.

        Parameters
        ----------
        deep : bool, default=True
            Whether to add the layers and their parameters.

        Returns
        -------
        params : dict
        """
        params: dict[str, Any] = {name: getattr(self, name) for name in _OWN}
        if deep:
            for name, layer in self.named_layers():
                params[name] = layer
                for key, value in layer.get_params().items():
                    params[f"{name}__{key}"] = value
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters of layers, ``dropout__rate=0.5``, or replace whole layers.

        Parameters
        ----------
        **params : dict
            ``layers``, ``trainable``, ``learning_rate``, a name of a layer, or one with
            a parameter of it.

        Returns
        -------
        self : Sequential

        Raises
        ------
        ValueError
            If there is no such layer, or it has no such parameter.
        """
        for name in _OWN:
            if name in params:
                setattr(self, name, params.pop(name))
        of_layers: dict[str, dict[str, Any]] = {}
        for key, value in params.items():
            name, _, parameter = key.partition("__")
            layer = dict(self.named_layers()).get(name)
            if layer is None:
                raise ValueError(
                    f"Invalid parameter {name!r} for {type(self).__name__}. Its layers "
                    f"are called {sorted(set(dict(self.named_layers())))}."
                )
            if parameter:
                of_layers.setdefault(name, {})[parameter] = value
            else:
                self.layers = [_replaced(each, layer, value) for each in self.layers]
        for name, values in of_layers.items():
            dict(self.named_layers())[name].set_params(**values)
        return self

    def __sklearn_clone__(self) -> Self:
        if not isinstance(self.layers, list | tuple):  # fit will tell
            return self._of(clone(self.layers, safe=False))
        copies: dict[int, Layer] = {}
        layers: list[Layer | tuple[str, Layer]] = []
        for each in self.layers:
            layer = each[1] if isinstance(each, tuple) and len(each) == 2 else each
            if id(layer) not in copies:
                copies[id(layer)] = clone(layer, safe=False)
            layers.append(_replaced(each, layer, copies[id(layer)]))
        return self._of(layers)

    def _of(self, layers: Any) -> Self:
        """A network of other layers, with the other options of this one."""
        other = type(self)(layers)
        other.trainable, other.learning_rate = self.trainable, self.learning_rate
        return other

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one output sample.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of one input sample.

        Returns
        -------
        output_shape : tuple of int
        """
        shape = input_shape
        for _, layer in self.named_layers():
            shape = layer.output_shape(shape)
        return shape

    def lower(self, tape: Tape, x: Tensor) -> Tensor:
        """Write the ops of all layers; return the last one's output.

        Parameters are named after their layer: ``"dense/kernel"``.
        """
        self._validate_params()
        with tape.part(self.trainable, self.learning_rate):
            for name, layer in self.named_layers():
                with tape.part(layer.trainable, layer.learning_rate):
                    x = layer.lower(tape, x, name)
        return x


def _name_and_layer(layers: Sequence, position: int) -> tuple[str | None, Layer]:
    each = layers[position]
    name, layer = each if isinstance(each, tuple) and len(each) == 2 else (None, each)
    if not isinstance(layer, Layer):
        kind = f"the class {layer.__name__}" if isinstance(layer, type) else repr(layer)
        raise TypeError(
            "layers must hold objects of fastnn.layers, or tuples of a name and one, "
            f"got {kind} at position {position}."
        )
    if name is not None and (not isinstance(name, str) or not name or "__" in name):
        raise ValueError(
            f"names of layers must be strings without '__', got {name!r} at position "
            f"{position}."
        )
    if name == "layers":
        raise ValueError("a layer cannot be named 'layers': the network's list is.")
    if name in _OWN:
        raise ValueError(
            f"a layer cannot be named {name!r}: an option of the network is. It is at "
            f"position {position}."
        )
    return name, layer


def _replaced(each: Layer | tuple[str, Layer], old: Layer, new: Layer) -> Any:
    """An entry of a list of layers, with another layer in place of ``old``."""
    if each is old:
        return new
    if isinstance(each, tuple) and len(each) == 2 and each[1] is old:
        return each[0], new
    return each
