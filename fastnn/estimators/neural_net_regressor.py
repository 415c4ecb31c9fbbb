"""Any network for regression."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

from numpy.random import RandomState
from sklearn.utils._param_validation import StrOptions

from fastnn.averaging import Averaging
from fastnn.callbacks import Callback, EarlyStopping
from fastnn.estimators.documentation import documented
from fastnn.estimators.many_heads import ManyHeads
from fastnn.estimators.regression import LOSSES, NetworkRegressor
from fastnn.losses import Loss
from fastnn.mixing import Mixing
from fastnn.network import Network
from fastnn.optimizers import Optimizer
from fastnn.plan.records import CustomFunction
from fastnn.schedules import Schedule


@documented
class NeuralNetRegressor(ManyHeads, NetworkRegressor):
    """Regressor that trains a network of any layers.

    Its parts are objects: a network of :mod:`fastnn.layers`, an optimizer, a schedule,
    a loss, callbacks. ``get_params``, ``clone`` and grid search reach into them:
    ``network__dropout__rate``, ``optimizer__learning_rate``.

    Parameters
    ----------
    network : Network, default=None
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
        :class:`fastnn.losses.CustomLoss`. A dict has the losses of heads, by name.

    validation : float, default=None
        Share of the samples that ``fit`` holds out to judge the network on after each
        epoch, in (0, 1). Nothing is held out where
        ``fit`` is given ``X_val`` and ``y_val``.

    metrics : list of str or callable, default=()
        What else to measure on the validation data: names of scikit-learn's scorers,
        such as "neg_mean_absolute_error", scorers, or functions ``(estimator, X, y)``.

    Attributes
    ----------
    history_ : dict of str to list of float
        One number per epoch: "loss", penalties included; with validation data
        "validation_loss", without penalties, "validation_score", what ``score``
        returns, and "validation_" followed by each metric; "learning_rate", before the
        factor of the schedule's steps; "seconds". Of several heads also "loss_" and the
        name of each, its loss by itself, "validation_loss_" and "validation_score_" and
        the name; "validation_score" is then the mean of the scores.

    See Also
    --------
    NeuralNetClassifier : The same for classification.
    MLPRegressor : Dense networks under the parameters of scikit-learn.

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
        **ManyHeads._parameter_constraints,
        "loss": [StrOptions({"auto", *LOSSES}), Loss, callable, dict],
    }

    def __init__(
        self,
        network: Network | None = None,
        *,
        loss: str | Loss | CustomFunction | dict[str, Any] = "squared_error",
        loss_weight: dict[str, float] | None = None,
        optimizer: str | Optimizer = "adam",
        epochs: int = 20,
        batch_size: int = 32,
        shuffle: bool = True,
        batch_by_length: bool = False,
        schedule: Schedule | Callable[[int], float] | None = None,
        validation: float | None = None,
        early_stopping: EarlyStopping | None = None,
        averaging: Averaging | None = None,
        mixing: Mixing | None = None,
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
        self.loss_weight = loss_weight
        self.optimizer = optimizer
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.batch_by_length = batch_by_length
        self.schedule = schedule
        self.validation = validation
        self.early_stopping = early_stopping
        self.averaging = averaging
        self.mixing = mixing
        self.metrics = metrics
        self.callbacks = callbacks
        self.dtype = dtype
        self.device = device
        self.precision = precision
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R2 score of the predictions for X, of several heads the mean of theirs.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets. Of several heads a DataFrame or :class:`fastnn.Targets`.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
            The mean over outputs. Where the loss asks for several quantiles it is the
            mean of their D2 scores, by :func:`sklearn.metrics.d2_pinball_score`.
        """
        if self._has_heads():
            return self._scores(X, y, sample_weight)
        return super().score(X, y, sample_weight)
