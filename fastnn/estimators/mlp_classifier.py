"""Multi-layer perceptron for classification."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

from numpy.random import RandomState
from numpy.typing import ArrayLike

from fastnn.estimators.classification import NetworkClassifier
from fastnn.estimators.documentation import documented
from fastnn.estimators.mlp import BaseMLP
from fastnn.optimizers import Optimizer
from fastnn.schedules import Schedule


@documented
class MLPClassifier(NetworkClassifier, BaseMLP):
    """Multi-layer perceptron classifier trained by a compiled engine.

    A drop-in for :class:`sklearn.neural_network.MLPClassifier`: the same parameters,
    meanings, defaults and attributes, with ``dropout``, ``class_weight``, ``dtype``,
    ``n_jobs``, ``device`` and ``precision`` besides. With the same ``random_state`` it
    starts from the same weights.

    It minimizes the log loss: of the softmax for three or more classes, of the logistic
    function for two, of one logistic function per label when y is a label indicator
    matrix, and of one softmax per column when y has several columns of classes.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Units of each hidden layer. ``()`` is logistic regression.

    early_stopping : bool, default=False
        Whether "sgd" and "adam" hold out samples, watch the accuracy on them in
        place of the loss, and end with the weights that scored best. Two classes are
        split in proportion; nothing is split off if ``fit`` is given ``X_val``. Of
        several columns of classes the mean accuracy is watched.

    class_weight : dict, list of dict or "balanced", default=None
        Weights of classes, ``{label: weight}``, that multiply ``sample_weight``, in
        validation data too. None is 1 for each. "balanced" is
        ``n_samples / (n_classes * np.bincount(y))``. With several labels or columns of
        classes a list holds a dict for each column, ``[{0: 1, 1: 5}, {0: 1, 1: 1}]``,
        and the weights of the columns are multiplied.

    Attributes
    ----------
    validation_scores_ : list of float or None
        Accuracy on the validation data after each epoch: on ``X_val`` when it was
        passed, or else on what ``early_stopping`` held out. None if the last call had
        neither. Only for "sgd" and "adam".

    n_outputs_ : int
        Number of output units: 1 for two classes, otherwise one per class or label, in
        all columns together.

    out_activation_ : {"logistic", "softmax"}
        Activation of the output layer.

    See Also
    --------
    MLPRegressor : The same for regression.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import train_test_split
    >>> from fastnn import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> model = MLPClassifier(random_state=0, learning_rate_init=0.01, max_iter=500)
    >>> model.fit(X_train, y_train).predict(X_test[:3])
    array([2, 1, 0])
    >>> model.predict_proba(X_test[:3]).shape
    (3, 3)
    >>> model.score(X_test, y_test) > 0.9
    True
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **BaseMLP._parameter_constraints,
        **NetworkClassifier._parameter_constraints,
    }

    def __init__(
        self,
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
        class_weight: dict | list[dict] | Literal["balanced"] | None = None,
        dtype: Literal["float32", "float64"] | None = "float32",
        n_jobs: int | None = None,
        device: Literal["cpu", "cuda", "auto"] = "cpu",
        precision: Literal["bf16", "high", "tf32"] | None = None,
    ):
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
        self.class_weight = class_weight
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.device = device
        self.precision = precision
