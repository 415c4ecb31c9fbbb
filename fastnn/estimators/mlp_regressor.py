"""Multi-layer perceptron for regression."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

from numpy.random import RandomState
from numpy.typing import ArrayLike

from fastnn.estimators.documentation import documented
from fastnn.estimators.mlp import BaseMLP
from fastnn.estimators.regression import NetworkRegressor
from fastnn.losses import Loss
from fastnn.optimizers import Optimizer
from fastnn.schedules import Schedule


@documented
class MLPRegressor(NetworkRegressor, BaseMLP):
    """Multi-layer perceptron regressor trained by a compiled engine.

    A drop-in for :class:`sklearn.neural_network.MLPRegressor`: the same parameters,
    meanings, defaults and attributes, with more losses and ``dropout``, ``dtype``,
    ``n_jobs``, ``device`` and ``precision`` besides. With the same ``random_state`` it
    starts from the same weights.

    Parameters
    ----------
    loss : {"squared_error", "poisson", "absolute_error", "huber", "log_cosh", \
            "quantile", "gamma", "tweedie"} or Loss, default="squared_error"
        What is minimized. A name stands for the default options of a class of
        :mod:`fastnn.losses`; an instance brings its own.

        - "squared_error": half the squared error, which predicts the mean;
        - "poisson": half the Poisson deviance, which predicts the mean through the
          exponential and needs ``y >= 0``;
        - "absolute_error": the absolute error, which predicts the median;
        - "huber" or ``Huber(delta=1.0)``: half the squared error up to ``delta`` and
          linear beyond, for targets with outliers;
        - "log_cosh": nearly the same with a smooth bend;
        - "quantile" or ``Quantile(quantile=0.5)``: the pinball loss, which predicts a
          quantile, or several of them, ``Quantile([0.1, 0.5, 0.9])``;
        - "gamma": half the gamma deviance, through the exponential, for ``y > 0``;
        - "tweedie" or ``Tweedie(power=1.5)``: half the Tweedie deviance, through the
          exponential, for ``y >= 0``, zeros among them.

    hidden_layer_sizes : int or array-like of int, default=(100,)
        Units of each hidden layer. ``()`` is a linear model.

    early_stopping : bool, default=False
        Whether "sgd" and "adam" hold out samples, watch the R2 score on them in place
        of the loss, and end with the weights that scored best. Nothing is split off if
        ``fit`` is given ``X_val``.

    Attributes
    ----------
    validation_scores_ : list of float or None
        R2 score on the validation data after each epoch: on ``X_val`` when it was
        passed, or else on what ``early_stopping`` held out. None if the last call had
        neither. Only for "sgd" and "adam".

    out_activation_ : {"identity", "exp"}
        Activation of the output layer.

    See Also
    --------
    MLPClassifier : The same for classification.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from sklearn.model_selection import train_test_split
    >>> from fastnn import MLPRegressor
    >>> X, y = make_regression(n_samples=400, n_features=8, random_state=0)
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     X, y / y.std(), random_state=0
    ... )
    >>> model = MLPRegressor(random_state=0, learning_rate_init=0.01)
    >>> model.fit(X_train, y_train).predict(X_test[:3]).shape
    (3,)
    >>> model.score(X_test, y_test) > 0.95
    True
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **BaseMLP._parameter_constraints,
        **NetworkRegressor._parameter_constraints,
    }

    def __init__(
        self,
        loss: str | Loss = "squared_error",
        hidden_layer_sizes: int | ArrayLike = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        solver: Literal["lbfgs", "sgd", "adam"] | Optimizer = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: Literal["constant", "invscaling", "adaptive"]
        | Schedule
        | Callable[[int], float] = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: float | Sequence[float] = 0.0,
        dtype: Literal["float32", "float64"] | None = "float32",
        n_jobs: int | None = None,
        device: Literal["cpu", "cuda", "auto"] = "cpu",
        precision: Literal["bf16", "high", "tf32"] | None = None,
    ):
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.device = device
        self.precision = precision
