"""What an estimator keeps of a trained network: one flat array and how to read it."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.engine.arguments import check_parameters
from fastnn.engine.device import Device, DeviceArray
from fastnn.engine.mirrored import MirroredArray
from fastnn.engine.predictor import Predictor
from fastnn.estimators.data.inputs import Shape
from fastnn.estimators.parameter_views import ParameterViews
from fastnn.estimators.plans import plan_of
from fastnn.losses import Loss
from fastnn.network import Network, forget_weights, lower_until
from fastnn.plan.layout import Layout, Move
from fastnn.plan.records import Plan
from fastnn.training.trainer import mean_losses
from fastnn.utils.cache_lines import aligned_copy
from fastnn.utils.plain import PlainState
from fastnn.utils.plain_numbers import check_held


class FittedNetwork:
    """A network, what it was trained for, and its parameters.

    It is never changed in place by ``predict``; training works on a copy and installs
    another object. The plan is not pickled but made again from the network's
    description, so that a pickle holds nothing about the layout of the engine.

    Parameters
    ----------
    network : Network
        Output layer included.
    input_shape : tuple of int or dict of str to tuple of int
        Shape of one sample; of several inputs by their names.
    loss : Loss
    """

    def __init__(
        self,
        network: Network,
        input_shape: Shape,
        loss: Loss,
    ):
        self.network = network
        self.input_shape = input_shape
        self.loss = loss
        self.plan, self.predictor = plan_of(network, input_shape, loss)
        for output in self.plan.outputs:
            if len(output.shape) != 1:
                one = len(self.plan.outputs) == 1
                raise ValueError(
                    f"{'the network' if one else f'head {output.name!r}'} gives each "
                    f"sample outputs of shape {output.shape}, where y has one row for "
                    "each. Put Flatten() of fastnn.layers before its last Dense layer, "
                    "or at its end."
                )
        self.weights = MirroredArray(np.empty(0))

    @property
    def parameters(self) -> NDArray:
        """All parameters; changing them in place changes the model."""
        return self.weights.host

    def initialize(self, random_state: np.random.RandomState, dtype: np.dtype) -> None:
        """Draw the parameters, or take those that the network starts from.

        Neither the network nor its plan holds these any longer: what is pickled would
        have them twice.
        """
        self._check_held(dtype)
        self.weights = MirroredArray(self.plan.initialize(random_state, dtype))
        if forget_weights(self.network):
            self.plan, self.predictor = plan_of(
                self.network, self.input_shape, self.loss
            )

    @property
    def layout(self) -> Layout:
        """Where the parameters lie in the flat array."""
        return Layout.of(self.plan)

    def move_from(self, other: "FittedNetwork") -> Move | None:
        """How arrays of another network become arrays of this one, by name.

        Returns
        -------
        move : callable or None
            None if they are so already.

        Raises
        ------
        ValueError
            If the two have other names, or other shapes of the same names.
        """
        if other.plan is self.plan:
            return None
        here, there = self.layout, other.layout
        try:
            return here.move_from(there)
        except ValueError:
            raise ValueError(
                f"cannot go on training: the fitted parameters are {there}, but the "
                f"network and the data now ask for {here}. Restore the layers, their "
                "names and their sizes, or call fit with warm_start=False to start "
                "afresh."
            ) from None

    def inherit(self, other: "FittedNetwork", dtype: np.dtype) -> None:
        """Copy the parameters of another network of the same names and shapes.

        Raises
        ------
        ValueError
            If they differ; see :meth:`move_from`.
        """
        move = self.move_from(other)
        self._check_held(dtype)
        if move is not None:
            weights = move(other.parameters)
            self.weights = MirroredArray(aligned_copy(weights, dtype))
        elif other.weights.dtype == dtype:
            self.weights = other.weights.copy()
        else:
            self.weights = MirroredArray(aligned_copy(other.parameters, dtype))

    def check_trainable(self) -> None:
        """Refuse a network of which training would change nothing."""
        if self.plan.blocks.size and len(self.plan.frozen) == self.plan.blocks.size:
            raise ValueError(
                "there is nothing to train: all layers of the network with weights are "
                "frozen, by trainable=False of their own or of the network. Set "
                "trainable=True for one of them, or predict with the network as it is, "
                "without another fit."
            )

    def _check_held(self, dtype: np.dtype) -> None:
        """Refuse options of the network and the loss that ``dtype`` cannot hold."""
        check_held(self.network, dtype)
        check_held(self.loss, dtype)

    def over(self, weights: MirroredArray) -> "FittedNetwork":
        """The same network with these parameters."""
        other = FittedNetwork.__new__(FittedNetwork)
        vars(other).update(vars(self), weights=weights)
        return other

    def copy(self) -> "FittedNetwork":
        """The same network with parameters of its own."""
        return self.over(self.weights.copy())

    def predict(self, X: Any, n_jobs: int | None, device: Device | None = None) -> Any:
        """Outputs of the network, of shape (n_samples, n_outputs), for checked X.

        They are an array of CuPy's where X is on the device.
        """
        predictor = self.predictor_on(device)
        return _predictions(predictor, self.weights, X, n_jobs, device)

    def predict_clean(
        self, X: Any, n_jobs: int | None, device: Device | None = None
    ) -> NDArray | None:
        """The same for X as a user passes it; None if it needs checks or conversion."""
        if self.plan.masks_steps_of_inputs:  # which may be all of a sample's
            return None
        return self.predictor_on(device).predict_clean(self.weights, X, n_jobs)

    def predictor_on(self, device: Device | None) -> Predictor:
        """The forward half of the plan, where it is to be computed."""
        return self.predictor if device is None else Predictor(self.plan, device)

    def plan_until(self, place: str) -> Plan:
        """The plan whose predictions are what a part gives: see :meth:`features`."""
        return lower_until(self.network, place, input_shape=self.input_shape)

    def features(
        self, X: Any, place: str, n_jobs: int | None, device: Device | None = None
    ) -> Any:
        """What a part gives, for checked X: ``place`` is the way to it in the network.

        A row for each sample; see :meth:`predict`.
        """
        plan = self.plan_until(place)
        weights = Layout.of(plan).taken_from(self.layout, self.parameters)
        return _predictions(Predictor(plan, device), weights, X, n_jobs, device)

    def judge(
        self,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None,
        device: Device | None = None,
    ) -> tuple[NDArray, float, dict[str, float]]:
        """Outputs, and their mean loss without penalty against y, which is encoded.

        Where there are several heads, also the mean loss of each, by name.
        """
        reports = np.empty((len(self.plan.losses), 2))
        outputs, (_, loss, weight) = self.predictor_on(device).judge(
            self.weights, X, y, sample_weight, reports=reports
        )
        return outputs, loss / weight, mean_losses(self.plan, reports)

    def is_finite(
        self,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None,
        device: Device | None = None,
    ) -> bool:
        """Whether the loss and the predictions are, in the dtype of the weights."""
        data = self.weights, X, y, sample_weight
        return self.predictor_on(device).is_finite(*data)

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
        try:
            arrays = list(arrays)
        except TypeError as error:
            raise ValueError(
                f"{attribute} must be a list of {len(views)} arrays, one per layer, "
                f"got {type(arrays).__name__}."
            ) from error
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
        self.plan, self.predictor = plan_of(self.network, self.input_shape, self.loss)
        check_parameters(self.plan, self.weights)

    def to_plain(self) -> dict[str, Any]:
        """What is saved of it."""
        return {
            "network": self.network,
            "input_shape": self.input_shape,
            "loss": self.loss,
            "weights": self.weights.saved(),
            "parameters": self.layout.to_plain(),
        }

    @classmethod
    def from_plain(cls, state: Any) -> tuple["FittedNetwork", Layout]:
        """The same from what was saved, and the layout of arrays that come with it.

        Raises
        ------
        ValueError
            If it is damaged, or this version lays the network out in other ways.
        """
        saved = PlainState("the trained network", state)
        network, loss = saved.get("network", Network), saved.get("loss", Loss)
        input_shape = _saved_shape(saved)
        weights = saved.get("weights", np.ndarray)
        try:
            fitted = cls(network, input_shape, loss)
        except (AttributeError, TypeError) as error:
            raise saved.damaged("network", "a whole one", str(error)) from error
        here = there = fitted.layout
        if "parameters" in state:  # versions that saved no names had one layout
            there = Layout.from_plain(saved, "parameters", weights.size)
        if there.places == here.places and weights.size != here.size:
            raise ValueError(
                f"the model holds {weights.size} numbers, but this version of fastnn "
                f"lays its network out in {here.size}. Load it with the version "
                "that saved it."
            )
        try:
            move = here.move_from(there)
        except ValueError:
            raise ValueError(
                f"the model was saved with the parameters {there}, but this version of "
                f"fastnn makes of its network {here}. Load it with the version that "
                "saved it."
            ) from None
        numbers = saved.array("weights", (there.size,))
        numbers = numbers if move is None else move(numbers)
        fitted.weights = MirroredArray(aligned_copy(numbers))
        return fitted, there


def _saved_shape(saved: PlainState) -> Shape:
    shape = saved.get("input_shape", tuple, list, dict)
    if not isinstance(shape, dict):
        return saved.shape("input_shape")
    if not shape:
        raise saved.damaged("input_shape", "lengths, of one input at least", shape)
    inputs = PlainState("the shapes of the inputs", shape)
    return {name: inputs.shape(name) for name in shape}


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
