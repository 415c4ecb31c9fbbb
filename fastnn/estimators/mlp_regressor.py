"""Multi-layer perceptron for regression."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

from numpy.random import RandomState
from numpy.typing import ArrayLike

from fastnn.estimators.mlp import BaseMLP
from fastnn.estimators.regression import NetworkRegressor
from fastnn.losses import Loss
from fastnn.optimizers import Optimizer
from fastnn.schedules import Schedule


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

    early_stopping : bool, default=False
        Whether "sgd" and "adam" hold out samples, watch the R2 score on them in place
        of the loss, and end with the weights that scored best. Nothing is split off if
        ``fit`` is given ``X_val``.

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

    n_jobs : int or None, default=None
        Number of threads that share each mini-batch. None takes what OpenMP, the
        process's affinity and joblib's limits for nested parallelism allow; negative
        numbers count back from all that the process may use, -1 being all of them.

    device : {"cpu", "cuda", "auto"}, default="cpu"
        Where to train and to predict. "cuda" is an NVIDIA GPU, through CuPy (``pip
        install fastnn[cuda]``). "auto" is a GPU where one can be used, and the CPU
        elsewhere. A fitted model predicts on any machine. X may be larger than a GPU's
        memory: ``n_jobs`` threads then gather the mini-batches that are copied there
        next. The GPU is experimental: its kernels have been run in an emulation only.

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
        R2 score on the validation data after each epoch: on ``X_val`` when it was
        passed, or else on what ``early_stopping`` held out. None if the last call had
        neither. Only for "sgd" and "adam".

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

    out_activation_ : {"identity", "exp"}
        Activation of the output layer.

    device_ : {"cpu", "cuda"}
        Where the last call of ``fit`` or ``partial_fit`` computed.

    precision_ : {"float32", "float64", "bf16", "high", "tf32"}
        How the products of the last call of ``fit`` or ``partial_fit`` were taken:
        ``precision`` if some were, else the type of the computing.

    n_features_in_ : int
        Number of features of X in ``fit``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features of X in ``fit``; only if they are all strings.

    See Also
    --------
    MLPClassifier : The same for classification.

    Notes
    -----
    When the first epoch is not finite, ``fit`` raises a ValueError. When a later one
    is not, it warns, restores the weights of the start of that epoch and stops.

    References
    ----------
    .. [1] Kingma, D., and Ba, J. "Adam: a method for stochastic optimization". ICLR
       2015. https://arxiv.org/abs/1412.6980
    .. [2] Glorot, X., and Bengio, Y. "Understanding the difficulty of training deep
       feedforward neural networks". AISTATS 2010.
    .. [3] Srivastava, N., et al. "Dropout: a simple way to prevent neural networks from
       overfitting". JMLR 2014.

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
