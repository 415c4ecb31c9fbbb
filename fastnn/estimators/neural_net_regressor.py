"""Any network for regression."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

from numpy.random import RandomState
from sklearn.utils._param_validation import StrOptions

from fastnn.averaging import Averaging
from fastnn.callbacks import Callback, EarlyStopping
from fastnn.estimators.neural_net import BaseNeuralNet
from fastnn.estimators.regression import LOSSES, NetworkRegressor
from fastnn.losses import Loss
from fastnn.network import Sequential
from fastnn.optimizers import Optimizer
from fastnn.plan.records import CustomFunction
from fastnn.schedules import Schedule


class NeuralNetRegressor(NetworkRegressor, BaseNeuralNet):
    """Regressor that trains a network of any layers.

    Its parts are objects: a network of :mod:`fastnn.layers`, an optimizer, a schedule,
    a loss, callbacks. ``get_params``, ``clone`` and grid search reach into them:
    ``network__dropout__rate``, ``optimizer__learning_rate``.

    Parameters
    ----------
    network : Sequential, default=None
        Layers between the input and the output. An output layer that suits y and the
        loss is added, unless the network ends in one: a linear dense layer, or one of
        as many units as y asks for, whose activation then bounds predictions. None is
        one hidden layer of 100 units, ``Sequential([Dense(100, "relu")])``.

    loss : str, Loss or callable, default="squared_error"
        What training minimises: "squared_error", "absolute_error", "huber",
        "log_cosh", "quantile", "poisson", "gamma" or "tweedie", or an object of
        :mod:`fastnn.losses` with options of its own, which may ask for shares of
        classes (:class:`~fastnn.losses.SoftCrossEntropy`) or directions
        (:class:`~fastnn.losses.CosineSimilarity`). "auto" is "squared_error". A
        function ``(y, z) -> loss, gradient`` is called once for each mini-batch; see
        :class:`fastnn.losses.CustomLoss`.

    optimizer : str or Optimizer, default="adam"
        How the weights are changed: an object of :mod:`fastnn.optimizers`, or the name
        of one with its default options: "sgd", "adam", "adamw", "nadam", "rmsprop",
        "adagrad", "adadelta" or "lion".

    epochs : int, default=20
        Passes over the samples.

    batch_size : int, default=32
        Samples per step; at most all of them.

    shuffle : bool, default=True
        Whether each epoch visits the samples in a new random order.

    schedule : Schedule or callable, default=None
        How the learning rate changes: an object of :mod:`fastnn.schedules`, or a
        function from the number of a step to a factor. None keeps it.

    validation : float, default=None
        Share of the samples that ``fit`` holds out to judge the network on after each
        epoch, in (0, 1). Nothing is held out where
        ``fit`` is given ``X_val`` and ``y_val``.

    early_stopping : EarlyStopping, default=None
        When to stop before ``epochs``, and which weights to keep:
        :class:`fastnn.callbacks.EarlyStopping`.

    averaging : Averaging, default=None
        An average of the weights along the way, which is judged and kept in their
        place: an object of :mod:`fastnn.averaging`. None keeps the last weights.

    metrics : list of str or callable, default=()
        What else to measure on the validation data: names of scikit-learn's scorers,
        such as "neg_mean_absolute_error", scorers, or functions ``(estimator, X, y)``.

    callbacks : list of Callback, default=()
        Objects of :mod:`fastnn.callbacks`, called after each epoch.

    dtype : {"float32", "float64"} or None, default="float32"
        Type of the weights and of all computing. None follows X: float32 for float32
        X, otherwise float64.

    device : {"cpu", "cuda", "auto"}, default="cpu"
        Where to train and to predict. "cuda" is an NVIDIA GPU, through CuPy (``pip
        install fastnn[cuda]``). "auto" is a GPU where one can be used, and the CPU
        elsewhere. A fitted model predicts on any machine. X may be larger than a GPU's
        memory: ``n_jobs`` threads then gather the mini-batches that are copied there
        next. The GPU is experimental: its kernels have been run in an emulation only.

    precision : {"bf16", "high", "tf32"} or None, default=None
        How the larger matrix products of training are taken; see
        :class:`fastnn.MLPClassifier`.

    n_jobs : int or None, default=None
        Number of threads that share each mini-batch. None takes what OpenMP, the
        process's affinity and joblib's limits for nested parallelism allow; negative
        numbers count back from all that the process may use, -1 being all of them.

    random_state : int, RandomState instance or None, default=None
        Draws the initial weights, the validation split, the order of the samples and
        random masks. An int gives the same result at every call, on one machine and
        with one number of threads.

    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights and the history of the previous call.

    verbose : bool or int, default=False
        Whether to print a line per epoch.

    Attributes
    ----------
    history_ : dict of str to list of float
        One number per epoch: "loss", penalties included; with validation data
        "validation_loss", without penalties, "validation_score", what ``score``
        returns, and "validation_" followed by each metric; "learning_rate", before the
        factor of the schedule's steps; "seconds".

    loss_curve_, validation_loss_curve_, validation_scores_ : list of float
        The first three of these; the latter two are None without validation data.

    n_epochs_ : int
        Number of epochs of the last call.

    n_outputs_ : int
        Number of outputs of the network.

    out_activation_ : str
        What the loss makes of them.

    coefs_, intercepts_ : list of ndarray
        Kernels and biases of the dense layers. The arrays are views of the model:
        assigning an item, or into one, changes the model.

    device_ : {"cpu", "cuda"}
        Where the last call of ``fit`` or ``partial_fit`` computed.

    precision_ : {"float32", "float64", "bf16", "high", "tf32"}
        How the products of the last call were taken.

    n_features_in_ : int
        Number of features of X in ``fit``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features of X in ``fit``; only if they are all strings.

    See Also
    --------
    NeuralNetClassifier : The same for classification.
    MLPRegressor : Dense networks under the parameters of scikit-learn.

    Notes
    -----
    When the first epoch is not finite, ``fit`` raises a ValueError. When a later one
    is not, it warns, restores the weights of the start of that epoch and stops.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> from fastnn import NeuralNetRegressor, Sequential
    >>> from fastnn.layers import Dense
    >>> from fastnn.schedules import CosineDecay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = NeuralNetRegressor(
    ...     Sequential([Dense(64, "silu")]),
    ...     optimizer="adamw",
    ...     schedule=CosineDecay(),
    ...     random_state=0,
    ... )
    >>> model.fit(scale(X), scale(y)).score(scale(X), scale(y)) > 0.5
    True
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **BaseNeuralNet._parameter_constraints,
        "loss": [StrOptions({"auto", *LOSSES}), Loss, callable],
    }

    def __init__(
        self,
        network: Sequential | None = None,
        *,
        loss: str | Loss | CustomFunction = "squared_error",
        optimizer: str | Optimizer = "adam",
        epochs: int = 20,
        batch_size: int = 32,
        shuffle: bool = True,
        schedule: Schedule | Callable[[int], float] | None = None,
        validation: float | None = None,
        early_stopping: EarlyStopping | None = None,
        averaging: Averaging | None = None,
        metrics: Sequence[str | Callable] = (),
        callbacks: Sequence[Callback] = (),
        dtype: Literal["float32", "float64"] | None = "float32",
        device: Literal["cpu", "cuda", "auto"] = "cpu",
        precision: Literal["bf16", "high", "tf32"] | None = None,
        n_jobs: int | None = None,
        random_state: int | RandomState | None = None,
        warm_start: bool = False,
        verbose: bool | int = False,
    ):
        self.network = network
        self.loss = loss
        self.optimizer = optimizer
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.schedule = schedule
        self.validation = validation
        self.early_stopping = early_stopping
        self.averaging = averaging
        self.metrics = metrics
        self.callbacks = callbacks
        self.dtype = dtype
        self.device = device
        self.precision = precision
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
