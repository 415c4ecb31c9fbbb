"""What an estimator keeps of a trained network: one flat array and how to read it."""

from functools import lru_cache
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from fastnn.device import Device, DeviceArray
from fastnn.estimators.ranges import check_range
from fastnn.layers import Dense
from fastnn.losses import Loss, SquaredError
from fastnn.mirrored import MirroredArray
from fastnn.network import Sequential, lower
from fastnn.plan import Plan
from fastnn.predictor import Predictor


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
            for position, item in zip(positions, value, strict=True):
                self[position] = item
            return
        array, view = np.asarray(value), self[index]
        if array.shape != view.shape:
            raise ValueError(
                f"{self._name}[{index}] must have shape {view.shape}, got "
                f"{array.shape}. Assigning parameters cannot change the network: set "
                "hidden_layer_sizes and fit for another one."
            )
        check_range(f"{self._name}[{index}]", array, view.dtype)
        with np.errstate(under="ignore"):
            view[...] = array

    def __reduce__(self) -> tuple:
        return list, (list(self),)


class FittedNetwork:
    """A network, what it was trained for, and its parameters.

    It is never changed in place by ``predict``; training works on a copy and installs
    another object. The plan is not pickled but made again from the network's
    description, so that a pickle holds nothing about the layout of the engine.

    Parameters
    ----------
    network : Sequential
        Output layer included.
    input_shape : tuple of int
        Shape of one sample.
    loss : Loss
    """

    def __init__(
        self,
        network: Sequential,
        input_shape: tuple[int, ...],
        loss: Loss,
    ):
        self.network = network
        self.input_shape = input_shape
        self.loss = loss
        self.plan, self.predictor = self._lowered()
        self.weights = MirroredArray(np.empty(0))

    def _lowered(self) -> tuple[Plan, Predictor]:
        return _lowered(_Description(self.network, self.input_shape, self.loss))

    @property
    def parameters(self) -> NDArray:
        """All parameters; changing them in place changes the model."""
        return self.weights.host

    def initialize(self, random_state: np.random.RandomState, dtype: np.dtype) -> None:
        """Draw the parameters."""
        self.weights = MirroredArray(self.plan.initialize(random_state, dtype))

    def inherit(self, other: "FittedNetwork", dtype: np.dtype) -> None:
        """Copy the parameters of another network of the same shapes.

        Raises
        ------
        ValueError
            If the shapes differ.
        """
        here = [block.shape for block in self.plan.parameters]
        there = [block.shape for block in other.plan.parameters]
        if here != there:
            raise ValueError(
                f"cannot go on training: the parameters have the shapes {there}, but "
                f"the network and the data now ask for {here}. Restore the layers and "
                "their sizes, or call fit with warm_start=False to start afresh."
            )
        if other.weights.dtype == dtype:
            self.weights = other.weights.copy()
        else:
            self.weights = MirroredArray(other.parameters.astype(dtype))

    def over(self, weights: MirroredArray) -> "FittedNetwork":
        """The same network with these parameters."""
        other = FittedNetwork(self.network, self.input_shape, self.loss)
        other.weights = weights
        return other

    def copy(self) -> "FittedNetwork":
        """The same network with parameters of its own."""
        return self.over(self.weights.copy())

    def predict(self, X: Any, n_jobs: int | None, device: Device | None = None) -> Any:
        """Outputs of the network, of shape (n_samples, n_outputs), for checked X.

        They are an array of CuPy's where X is on the device.
        """
        predictor = self._predictor_on(device)
        return _predictions(predictor, self.weights, X, n_jobs, device)

    def predict_clean(
        self, X: Any, n_jobs: int | None, device: Device | None = None
    ) -> NDArray | None:
        """The same for X as a user passes it; None if it needs checks or conversion."""
        return self._predictor_on(device).predict_clean(self.weights, X, n_jobs)

    def _predictor_on(self, device: Device | None) -> Predictor:
        return self.predictor if device is None else Predictor(self.plan, device)

    def hidden_outputs(self, X: Any, number: int, device: Device | None = None) -> Any:
        """Outputs of the dense layer of this number, its activation applied."""
        layers = list(self.network.layers)
        dense = [i for i, layer in enumerate(layers) if isinstance(layer, Dense)]
        first_layers = Sequential(layers[: dense[number] + 1])
        # The squared error predicts its inputs. The parameters of the first layers come
        # first in the flat buffer.
        plan = lower(first_layers, input_shape=self.input_shape, loss=SquaredError())
        parameters = self.parameters[: plan.n_parameters]
        return _predictions(Predictor(plan, device), parameters, X, 1, device)

    def judge(
        self,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None,
        device: Device | None = None,
    ) -> tuple[NDArray, float]:
        """Outputs, and their mean loss without penalty against y, which is encoded."""
        outputs, (_, loss, weight) = self._predictor_on(device).judge(
            self.weights, X, y, sample_weight
        )
        return outputs, loss / weight

    def views(self, attribute: str, kind: str) -> ParameterViews:
        """Parameters whose name ends in ``/kind``, in the order of the layers."""
        views = zip(self.plan.parameters, self.plan.views(self.parameters), strict=True)
        return ParameterViews(
            attribute,
            [view for block, view in views if block.name.endswith(f"/{kind}")],
        )

    def replaced(
        self, attribute: str, kind: str, arrays: list[ArrayLike]
    ) -> "FittedNetwork":
        """The same network over a new buffer, in which ``arrays`` are of this kind."""
        other = self.copy()
        views = other.views(attribute, kind)
        if len(arrays) != len(views):
            raise ValueError(
                f"{attribute} must hold {len(views)} arrays, one per layer, got "
                f"{len(arrays)}."
            )
        views[:] = arrays
        return other

    def __getstate__(self) -> dict[str, Any]:
        state = dict(vars(self))
        del state["plan"], state["predictor"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.plan, self.predictor = self._lowered()
        if self.weights.shape != (self.plan.n_parameters,):
            raise ValueError(
                f"the model holds {self.weights.size} numbers, but this version of "
                f"fastnn lays its network out in {self.plan.n_parameters}. Load it "
                "with the version that saved it."
            )


def _predictions(
    predictor: Predictor,
    weights: NDArray | MirroredArray,
    X: Any,
    n_jobs: int | None,
    device: Device | None,
) -> Any:
    """An array of NumPy's, or of CuPy's where X is on the device."""
    if isinstance(X, DeviceArray) and device is not None:
        return device.give(predictor.predict_there(weights, X))
    return predictor.predict(weights, X, n_jobs)


class _Description:
    """What a plan is made from; equal to another one that says the same."""

    def __init__(self, network: Sequential, input_shape: tuple[int, ...], loss: Loss):
        self.network, self.input_shape, self.loss = network, input_shape, loss
        self._key = _key((network, input_shape, loss), {})

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Description) and self._key == other._key


def _key(value: Any, places: dict[int, int]) -> Any:
    """A description as nested tuples. What stands in it twice is named by its place."""
    if isinstance(value, list | tuple):
        return tuple(_key(item, places) for item in value)
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if not isinstance(value, BaseEstimator):
        # Of two functions only one and the same does the same for sure, and not every
        # callable object can be hashed. The description keeps it alive.
        return type(value), id(value) if callable(value) else value
    if id(value) in places:
        return "again", places[id(value)]
    places[id(value)] = len(places)
    return type(value), tuple(
        (name, _key(item, places)) for name, item in vars(value).items()
    )


# Searches, cross-validations and small calls of partial_fit fit the same network again
# and again, and writing its plan takes as long as an epoch of a thousand samples. Plans
# are immutable and hold no weights, so all may share one.
@lru_cache(maxsize=64)
def _lowered(description: _Description) -> tuple[Plan, Predictor]:
    plan = lower(
        description.network,
        input_shape=description.input_shape,
        loss=description.loss,
    )
    return plan, Predictor(plan)
