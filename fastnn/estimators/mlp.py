"""The parameters of scikit-learn's multi-layer perceptron, and what they describe."""

from numbers import Integral, Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, Options, StrOptions

from fastnn._core.tables import ACTIVATIONS
from fastnn.estimators.base import BaseNeuralNetwork
from fastnn.initializers import GlorotUniform
from fastnn.layers import Dense
from fastnn.network import Sequential
from fastnn.optimizers import SGD, Adam, Optimizer
from fastnn.schedules import Constant, InverseScaling, ReduceOnPlateau, Schedule


class BaseMLP(BaseNeuralNetwork):
    """Dense layers of one activation, under scikit-learn's parameter names."""

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": SGD._parameter_constraints["learning_rate"],
        "power_t": InverseScaling._parameter_constraints["power"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": SGD._parameter_constraints["momentum"],
        "nesterovs_momentum": SGD._parameter_constraints["nesterov"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": Adam._parameter_constraints["beta_1"],
        "beta_2": Adam._parameter_constraints["beta_2"],
        "epsilon": Adam._parameter_constraints["epsilon"],
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
        "device": [StrOptions({"cpu"})],
    }

    activation: str
    alpha: float
    learning_rate: str
    learning_rate_init: float
    power_t: float
    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    epsilon: float
    device: str

    def _describe_network(self, n_outputs: int) -> Sequential:
        # scikit-learn draws kernels and biases from one range, narrower for logistic.
        glorot = GlorotUniform(2.0 if self.activation == "logistic" else 6.0)

        def dense(units: int, activation: str) -> Dense:
            return Dense(
                units,
                activation,
                kernel_initializer=glorot,
                bias_initializer=glorot,
                kernel_penalty=self.alpha,
            )

        hidden = [dense(units, self.activation) for units in self._hidden_sizes()]
        return Sequential([*hidden, dense(n_outputs, "identity")])

    def _hidden_sizes(self) -> list[int]:
        sizes: Any = self.hidden_layer_sizes
        if isinstance(sizes, Integral):
            sizes = [sizes]
        for position, size in enumerate(sizes):
            if not isinstance(size, Integral) or isinstance(size, bool):
                raise ValueError(
                    "hidden_layer_sizes must hold one integer > 0 per hidden layer, "
                    f"got {size!r} ({type(size).__name__}) at position {position}."
                )
            if size <= 0:
                raise ValueError(f"hidden_layer_sizes must be > 0, got {list(sizes)}.")
        return [int(size) for size in sizes]

    def _describe_optimizer(self) -> Optimizer:
        if self.solver == "sgd":
            return SGD(
                self.learning_rate_init,
                momentum=self.momentum,
                nesterov=self.nesterovs_momentum,
            )
        return Adam(
            self.learning_rate_init,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
        )

    def _describe_schedule(self) -> Schedule:
        # Adam adapts its steps by itself: scikit-learn's schedules are for sgd.
        if self.solver == "sgd" and self.learning_rate == "invscaling":
            return InverseScaling(self.power_t)
        if self.solver == "sgd" and self.learning_rate == "adaptive":
            return ReduceOnPlateau()
        return Constant()

    def _has_epochs(self) -> bool:
        """Whether the solver can stop after one pass, as partial_fit has to."""
        if self.solver == "lbfgs":
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. "
                f"{self.solver} is not stochastic: set solver to 'adam' or 'sgd'."
            )
        return True
