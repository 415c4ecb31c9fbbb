"""The parameters of scikit-learn's perceptron, declared and documented once."""

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Options, StrOptions

from fastnn.estimators.mlp_network import SHARE
from fastnn.estimators.parameters import CommonParameters
from fastnn.layers.activation import ACTIVATION_NAMES
from fastnn.optimizers import Optimizer
from fastnn.schedules import InverseScaling, Schedule
from fastnn.utils.plain_numbers import Interval


class MLPParameters(CommonParameters):
    """The parameters of scikit-learn's multi-layer perceptron, and some more.

    Parameters
    ----------
    activation : str or list of str, default="relu"
        Activation of the hidden layers, or a list with one for each.

        - "identity": ``x``, for a linear bottleneck;
        - "logistic": ``1 / (1 + exp(-x))``;
        - "tanh": the hyperbolic tangent;
        - "relu": ``max(x, 0)``;
        - "leaky_relu": ``x`` where it is positive, ``0.01 x`` elsewhere;
        - "elu": ``x`` where it is positive, ``exp(x) - 1`` elsewhere;
        - "selu": the elu whose scale keeps mean and variance from layer to layer;
        - "gelu": ``x P(X <= x)`` for a normal variable X; "gelu_tanh" approximates it;
        - "silu": ``x logistic(x)``;
        - "mish": ``x tanh(softplus(x))``;
        - "softplus": ``log(1 + exp(x))``;
        - "softsign": ``x / (1 + |x|)``;
        - "hard_sigmoid": ``x / 6 + 1 / 2``, cut off at 0 and 1;
        - "hard_swish": ``x hard_sigmoid(x)``;
        - "exponential": ``exp(x)``;
        - "softmax": ``exp(x)`` over its sum in the layer.

        "linear", "sigmoid" and "swish" are other names of "identity", "logistic" and
        "silu".

    solver : {"lbfgs", "sgd", "adam"} or Optimizer, default="adam"
        How the weights are found.

        - "lbfgs": SciPy's L-BFGS-B on all samples at once. It computes and stores
          float64 whatever ``dtype`` says, and suits small data sets;
        - "sgd": stochastic gradient descent with momentum;
        - "adam": Adam [1]_, which needs little tuning on large data sets.

        An object of :mod:`fastnn.optimizers` brings its own options, and
        ``learning_rate_init``, ``momentum``, ``nesterovs_momentum``, ``beta_1``,
        ``beta_2`` and ``epsilon`` are not read.

    alpha : float, default=0.0001
        Strength of the L2 penalty on the weight matrices, at least 0. It is divided
        by the sum of the sample weights of a mini-batch.

    batch_size : int or "auto", default="auto"
        Samples per step of "sgd" and "adam". "auto" is ``min(200, n_samples)``; more
        than the number of samples is clipped, with a warning.

    learning_rate : {"constant", "invscaling", "adaptive"}, Schedule or callable, \
            default="constant"
        How the learning rate changes; the names are for "sgd" alone.

        - "constant": it stays ``learning_rate_init``;
        - "invscaling": after each epoch it becomes
          ``learning_rate_init / (t_ + 1) ** power_t``;
        - "adaptive": it is divided by 5 whenever training stalls, and training stops
          at the first plateau where it is not above 1e-6.

        An object of :mod:`fastnn.schedules`, or a function from the number of a step to
        a factor, changes it at every step, whatever the solver.

    learning_rate_init : float, default=0.001
        Initial learning rate of "sgd" and "adam", > 0.

    power_t : float, default=0.5
        Exponent of "invscaling", at least 0.

    max_iter : int, default=200
        Most epochs ("sgd", "adam") or iterations ("lbfgs").

    shuffle : bool, default=True
        Whether "sgd" and "adam" visit the samples in a new random order each epoch.

    random_state : int, RandomState instance or None, default=None
        Draws the initial weights, the validation split and the order of the samples.
        An int gives the same result at every call, on one machine and with one number
        of threads.

    tol : float, default=1e-4
        Improvement of the loss, or of the validation score with ``early_stopping``,
        that an epoch must bring to count as progress. For "lbfgs", the largest
        component of the gradient at which training stops.

    verbose : bool or int, default=False
        Whether to print a line per epoch or iteration.

    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights of the previous call. The shapes of
        the network must be the same then.

    momentum : float, default=0.9
        Momentum of "sgd", between 0 and 1.

    nesterovs_momentum : bool, default=True
        Whether "sgd" uses Nesterov's momentum.

    validation_fraction : float, default=0.1
        Share of the samples that ``early_stopping`` holds out, in [0, 1).

    beta_1 : float, default=0.9
        Decay rate of Adam's mean of the gradient, in [0, 1).

    beta_2 : float, default=0.999
        Decay rate of Adam's mean of the squared gradient, in [0, 1).

    epsilon : float, default=1e-8
        Number that Adam adds to its denominator, > 0.

    n_iter_no_change : int or inf, default=10
        Consecutive epochs without progress that "sgd" and "adam" tolerate.

    max_fun : int, default=15000
        Most evaluations of the loss by "lbfgs".

    dropout : float or list of float, default=0.0
        Share of the outputs of a hidden layer that "sgd" and "adam" set to zero at
        random in each step, in [0, 1), or a list with one for each hidden layer. The
        rest is scaled up to make up for it [3]_; nothing is dropped at predict.

    dtype : {"float32", "float64"} or None, default="float32"
        Type of the weights and of all computing. None follows X, as scikit-learn
        does: float32 for float32 X, otherwise float64.

    precision : {"bf16", "high", "tf32"} or None, default=None
        How "sgd" and "adam" take the matrix products of training. Weights, activations,
        gradients and sums are float32 all the same, and so are products too small to
        gain by it, ``predict`` and the validation data. What the processor cannot do
        faster than float32 is done in float32: see ``precision_``. Not for float64.

        - None: in ``dtype``;
        - "bf16": operands are rounded to bfloat16, which has 8 bits, on processors with
          AMX or AVX512-BF16, and on GPUs from Ampere (2020) on;
        - "tf32": operands are rounded to TensorFloat-32, which has 11 bits, on the same
          GPUs;
        - "high": each operand is split into three bfloat16, about as exact as float32,
          on processors with AMX.

    Attributes
    ----------
    coefs_ : list of ndarray
        Weight matrix of each layer, of shape (n_inputs, n_units). The arrays are
        views of the model: assigning an item, or into one, changes the model.

    intercepts_ : list of ndarray
        Bias of each layer, of shape (n_units,). Views as well.

    loss_ : float
        Loss of the last finite epoch, penalty included, or of the solution of "lbfgs".

    loss_curve_ : list of float
        Loss of each epoch; only for "sgd" and "adam". The last one is NaN if training
        diverged there.

    best_loss_ : float or None
        Lowest loss; None with ``early_stopping``. Only for "sgd" and "adam".

    validation_scores_ : list of float or None
        Score on the validation data after each epoch.

    validation_loss_curve_ : list of float or None
        Loss on the validation data after each epoch, without penalty and dropout; None
        where ``validation_scores_`` is.

    best_validation_score_ : float or None
        Highest validation score; None where ``validation_scores_`` is.

    t_ : int
        Number of training samples seen, repetitions included.

    n_iter_ : int
        Number of epochs or iterations of the last call.

    n_layers_ : int
        Number of layers, input and output included.

    n_outputs_ : int
        Number of outputs.

    out_activation_ : str
        Activation of the output layer.

    precision_ : {"float32", "float64", "bf16", "high", "tf32"}
        How the products of the last call of ``fit`` or ``partial_fit`` were taken:
        ``precision`` if some were, else the type of the computing.

    References
    ----------
    .. [1] Kingma, D., and Ba, J. "Adam: a method for stochastic optimization". ICLR
       2015. https://arxiv.org/abs/1412.6980
    .. [2] Glorot, X., and Bengio, Y. "Understanding the difficulty of training deep
       feedforward neural networks". AISTATS 2010.
    .. [3] Srivastava, N., et al. "Dropout: a simple way to prevent neural networks from
       overfitting". JMLR 2014.
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **CommonParameters._parameter_constraints,
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions(set(ACTIVATION_NAMES)), list, tuple],
        "dropout": [SHARE, list, tuple],
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
        "tol": [Interval(Real, 0, None, closed="left")],
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
    solver: Any
    batch_size: Any
    max_iter: int
    max_fun: int
    tol: float
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: float
