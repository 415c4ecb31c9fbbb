"""The parameters of scikit-learn's multi-layer perceptron, and what they describe."""

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Options, StrOptions

from fastnn.engine.cpu.precision import PRECISIONS
from fastnn.estimators.base import MatrixLike
from fastnn.estimators.conversion import SklearnConversion
from fastnn.estimators.data.arrays import as_array_of
from fastnn.estimators.data.targets import Targets
from fastnn.estimators.fitted import FittedNetwork
from fastnn.estimators.solvers import SolverTraining
from fastnn.initializers import GlorotUniform
from fastnn.layers import Dense, Dropout, Layer
from fastnn.layers.activation import ACTIVATION_NAMES, activation_name
from fastnn.layers.dense import MOST_UNITS
from fastnn.network import Sequential
from fastnn.optimizers import Optimizer, SklearnAdam, SklearnSGD
from fastnn.regularizers import SklearnL2
from fastnn.schedules import (
    Constant,
    InverseScaling,
    ReduceOnPlateau,
    Schedule,
    as_schedule,
)
from fastnn.utils.plain_numbers import Interval, plain, plain_number

_SHARE = Interval(Real, 0, 1, closed="left")


class BaseMLP(SklearnConversion, SolverTraining):
    """Dense layers and dropout, under scikit-learn's parameter names."""

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions(set(ACTIVATION_NAMES)), list, tuple],
        "dropout": [_SHARE, list, tuple],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"}), Optimizer],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "learning_rate": [
            StrOptions({"constant", "invscaling", "adaptive"}),
            Schedule,
            callable,
        ],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": InverseScaling._parameter_constraints["power"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {float("inf")}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "dtype": [StrOptions({"float32", "float64"}), None],
        "n_jobs": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Integral, None, -1, closed="right"),
            None,
        ],
        "device": [StrOptions({"cpu", "cuda", "auto"})],
        "precision": [StrOptions(set(PRECISIONS)), None],
    }

    hidden_layer_sizes: Any
    activation: str | Sequence[str]
    dropout: float | Sequence[float]
    alpha: float
    learning_rate: str | Schedule | Callable[[int], float]
    learning_rate_init: float
    power_t: float
    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    epsilon: float
    device: str

    def _install(self, fitted: FittedNetwork, targets: Targets) -> None:
        super()._install(fitted, targets)
        dense = [each for each in fitted.network.layers if isinstance(each, Dense)]
        self.n_layers_ = len(dense) + 1

    def _describe_network(self, targets: Any) -> Sequential:
        sizes = self._hidden_sizes()
        layers: list[Layer] = []
        activations, rates = self._activations(len(sizes)), self._rates(len(sizes))
        for units, activation, rate in zip(sizes, activations, rates, strict=True):
            layers.append(self._dense(units, activation, activation))
            if rate:
                layers.append(Dropout(rate))
        # In scikit-learn the hidden activation sets the output layer's range as well.
        alone = self.activation if isinstance(self.activation, str) else "identity"
        last = activations[-1] if activations else alone
        return Sequential([*layers, self._dense(targets.n_outputs, "identity", last)])

    def _dense(self, units: int, activation: str, initialized_for: str) -> Dense:
        # scikit-learn draws kernels and biases from one range, narrower for logistic.
        narrow = activation_name(initialized_for) == "logistic"
        glorot = GlorotUniform(2.0 if narrow else 6.0)
        return Dense(
            units,
            activation,
            kernel_initializer=glorot,
            bias_initializer=glorot,
            kernel_regularizer=SklearnL2(plain_number(self.alpha)),
        )

    def _activations(self, n_hidden: int) -> list[str]:
        """Name of the activation of each hidden layer."""
        names = _one_per_layer("activation", self.activation, n_hidden)
        for position, name in enumerate(names):
            if name not in ACTIVATION_NAMES:
                raise ValueError(
                    f"activation must hold names among {sorted(ACTIVATION_NAMES)}, got "
                    f"{name!r} at position {position} of {self.activation!r}."
                )
        return names

    def _rates(self, n_hidden: int) -> list[float]:
        """Share of the outputs of each hidden layer that is dropped in training."""
        rates = _one_per_layer("dropout", self.dropout, n_hidden)
        for position, rate in enumerate(rates):
            if not _SHARE.is_satisfied_by(rate):
                raise ValueError(
                    f"dropout must hold numbers in [0, 1), got {rate!r} at position "
                    f"{position} of {self.dropout!r}."
                )
        if self.solver == "lbfgs" and any(rates):
            raise ValueError(
                f"dropout={self.dropout!r} cannot be used with solver='lbfgs': its "
                "line search compares losses at different weights, and random masks "
                "would change them too. Set dropout=0.0, or solver to 'adam' or 'sgd'."
            )
        return [float(rate) for rate in rates]

    def _hidden_sizes(self) -> list[int]:
        sizes: Any = self.hidden_layer_sizes
        if isinstance(sizes, Integral):
            sizes = [sizes]
        if np.ndim(sizes) == 0:
            raise ValueError(
                "hidden_layer_sizes must be an integer or hold one for each hidden "
                f"layer, got {sizes!r}."
            )
        for position, size in enumerate(sizes):
            if not isinstance(size, int | np.integer) or isinstance(size, bool):
                raise ValueError(
                    "hidden_layer_sizes must hold one integer > 0 per hidden layer, "
                    f"got {size!r} ({type(size).__name__}) at position {position}."
                )
            if size <= 0:
                raise ValueError(f"hidden_layer_sizes must be > 0, got {list(sizes)}.")
            if size > MOST_UNITS:
                raise ValueError(
                    f"hidden_layer_sizes must be at most {MOST_UNITS}, got {size} at "
                    f"position {position}."
                )
        return [int(size) for size in sizes]

    def hidden_activations(self, X: MatrixLike, layer: int = -1) -> NDArray:
        """Outputs of a hidden layer, as at predict: without dropout.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        layer : int, default=-1
            Number of the hidden layer, from 0; negative numbers count from the last.

        Returns
        -------
        activations : ndarray of shape (n_samples, n_units)
            float32 if X is and the weights are, otherwise float64. Where X is on a GPU,
            an array of its library there.

        Raises
        ------
        ValueError
            If the network has no such hidden layer.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from fastnn import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = MLPClassifier((16, 3), solver="lbfgs", tol=0.01, random_state=0)
        >>> model.fit(X, y).hidden_activations(X).shape
        (150, 3)
        """
        device = self._device_to_predict()
        checked = self._check_X(X, device)
        number = self._layer_number(layer)
        outputs = self._fitted.hidden_outputs(checked, number, device)
        return as_array_of(X, outputs)

    def _layer_number(self, layer: int) -> int:
        """Number of a hidden layer of the fitted network, counted from the first."""
        n_hidden = self.n_layers_ - 2
        if not isinstance(layer, Integral) or isinstance(layer, bool):
            raise ValueError(
                f"layer must be an integer, got {layer!r} ({type(layer).__name__})."
            )
        if not -n_hidden <= layer < n_hidden:
            raise ValueError(
                f"layer must be from {-n_hidden} to {n_hidden - 1} in a network of "
                f"{n_hidden} hidden layers, got {layer}."
                if n_hidden
                else f"the network has no hidden layers, got layer={layer}. Set "
                "hidden_layer_sizes and fit to have some."
            )
        return int(layer) % n_hidden

    def _describe_optimizer(self) -> Optimizer:
        if isinstance(self.solver, Optimizer):
            return plain(self.solver)
        if self.solver == "sgd":
            return SklearnSGD(
                float(self.learning_rate_init),
                momentum=float(self.momentum),
                nesterov=self.nesterovs_momentum,
            )
        return SklearnAdam(
            float(self.learning_rate_init),
            beta_1=float(self.beta_1),
            beta_2=float(self.beta_2),
            epsilon=float(self.epsilon),
        )

    def _describe_schedule(self) -> Schedule:
        if not isinstance(self.learning_rate, str):
            return plain(as_schedule(self.learning_rate))
        # Adam adapts its steps by itself: scikit-learn's schedules are for sgd.
        if self.solver == "sgd" and self.learning_rate == "invscaling":
            return InverseScaling(float(self.power_t))
        if self.solver == "sgd" and self.learning_rate == "adaptive":
            return ReduceOnPlateau()
        return Constant()


def _one_per_layer(name: str, value: Any, n_hidden: int) -> list:
    """A parameter that is one value for all hidden layers, or one for each."""
    if not isinstance(value, list | tuple):
        return [value] * n_hidden
    if len(value) != n_hidden:
        raise ValueError(
            f"{name} must be one value or have as many as there are hidden layers: "
            f"got {len(value)} in {name}={value!r}, and hidden_layer_sizes asks for "
            f"{n_hidden}."
        )
    return list(value)
