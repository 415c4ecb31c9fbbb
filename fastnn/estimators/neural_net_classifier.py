"""Any network for classification."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if

from fastnn.averaging import Averaging
from fastnn.callbacks import Callback, EarlyStopping
from fastnn.estimators.base import MatrixLike
from fastnn.estimators.class_losses import LOSSES
from fastnn.estimators.classification import NetworkClassifier
from fastnn.estimators.data.arrays import as_array_of
from fastnn.estimators.data.heads import has_probabilities
from fastnn.estimators.documentation import documented
from fastnn.estimators.many_heads import ManyHeads
from fastnn.estimators.output_layer import ends_in_softmax
from fastnn.losses import Loss
from fastnn.mixing import Mixing
from fastnn.network import Network
from fastnn.optimizers import Optimizer
from fastnn.plan.records import CustomFunction
from fastnn.schedules import Schedule


@documented
class NeuralNetClassifier(ManyHeads, NetworkClassifier):
    """Classifier that trains a network of any layers.

    Its parts are objects: a network of :mod:`fastnn.layers`, an optimizer, a schedule,
    a loss, callbacks. ``get_params``, ``clone`` and grid search reach into them:
    ``network__dropout__rate``, ``optimizer__learning_rate``.

    Parameters
    ----------
    network : Network, default=None
        Layers between the input and the output. An output layer that suits y and the
        loss is added, unless the network ends in one: a dense layer that is linear, or
        has a softmax, or a sigmoid and the units that y asks for. None is
        one hidden layer of 100 units, ``Sequential([Dense(100, "relu")])``.

    loss : {"auto", "log_loss", "focal", "hinge", "squared_hinge"}, Loss or \
            callable, default="auto"
        What training minimises: the name of a loss, or an object of
        :mod:`fastnn.losses` with options of its own. "auto" is "log_loss": of the
        softmax for three or more classes, of the logistic function for two and for
        labels. The hinge losses give no probabilities. A function ``(y, z) -> loss,
        gradient`` is called once for each mini-batch, with class numbers or zeros and
        ones; see :class:`fastnn.losses.CustomLoss`. A dict has the losses of heads, by
        name.

    validation : float, default=None
        Share of the samples that ``fit`` holds out to judge the network on after each
        epoch, in (0, 1), in the proportions of the
        classes where y is one column. Nothing is held out where
        ``fit`` is given ``X_val`` and ``y_val``.

    metrics : list of str or callable, default=()
        What else to measure on the validation data: names of scikit-learn's scorers,
        such as "roc_auc" or "neg_log_loss", scorers, or functions ``(estimator, X,
        y)``.

    class_weight : dict, list of dict or "balanced", default=None
        Weights of classes, ``{label: weight}``, that multiply ``sample_weight``; see
        :class:`fastnn.MLPClassifier`. Where the network ends in
        :class:`fastnn.Heads`, a dict of these by the name of the head,
        ``{"churn": {"yes": 3}}``, or "balanced" for all heads. They change which of a
        head's samples count, not how much the head does.

    Attributes
    ----------
    history_ : dict of str to list of float
        One number per epoch: "loss", penalties included; with validation data
        "validation_loss", without penalties, "validation_score", the
        accuracy, and "validation_" followed by each metric; "learning_rate", before the
        factor of the schedule's steps; "seconds". Of several heads also "loss_" and the
        name of each, its loss by itself, "validation_loss_" and "validation_score_" and
        the name; "validation_score" is then the mean of the accuracies.

    classes_ : ndarray of shape (n_classes,), or list or dict of them
        Class labels, sorted; a list of them by column where y has several of classes,
        and a dict by head where the network has several outputs.

    See Also
    --------
    NeuralNetRegressor : The same for regression.
    MLPClassifier : Dense networks under the parameters of scikit-learn.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from fastnn import NeuralNetClassifier, Sequential
    >>> from fastnn.layers import Dense, Dropout
    >>> from fastnn.optimizers import Adam
    >>> X, y = load_iris(return_X_y=True)
    >>> model = NeuralNetClassifier(
    ...     Sequential([Dense(32, "relu"), Dropout(0.2)]),
    ...     optimizer=Adam(0.01),
    ...     epochs=30,
    ...     random_state=0,
    ... )
    >>> model.fit(X, y).score(X, y) > 0.9
    True
    >>> search = GridSearchCV(model, {"network__dropout__rate": [0.0, 0.5]}, cv=3)
    >>> sorted(search.fit(X, y).best_params_)
    ['network__dropout__rate']
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **ManyHeads._parameter_constraints,
        **NetworkClassifier._parameter_constraints,
        "loss": [StrOptions({"auto", *LOSSES}), Loss, callable, dict],
    }

    def __init__(
        self,
        network: Network | None = None,
        *,
        loss: str | Loss | CustomFunction | dict[str, Any] = "auto",
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
        class_weight: dict | list[dict] | Literal["balanced"] | None = None,
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
        self.class_weight = class_weight
        self.callbacks = callbacks
        self.dtype = dtype
        self.device = device
        self.precision = precision
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy of the predictions for X, of several heads the mean of theirs.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_classes)
            Class labels, or a label indicator matrix, whose rows count when all of
            them is right. Of several heads a DataFrame or :class:`fastnn.Targets`.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
        """
        if self._has_heads():
            return self._scores(X, y, sample_weight)
        return super().score(X, y, sample_weight)

    @available_if(lambda self: not (self._has_heads() or self._has_probabilities()))
    def decision_function(self, X: MatrixLike) -> NDArray:
        """Raw outputs of a network that was trained without probabilities.

        Only for losses such as "hinge", which know no probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes one number, which speaks for the second where it is
            positive; else one for each class or label. Where X is on a GPU, an array of
            its library there.
        """
        # What a single class is compared with is no class.
        outputs = self._outputs(X)[:, : len(self.classes_)]
        scores = outputs[:, 0] if outputs.shape[1] == 1 else outputs
        return as_array_of(X, scores)

    def _has_probabilities(self) -> bool:
        fitted = vars(self).get("_targets")
        if fitted is not None:
            link = fitted.loss.link
            if isinstance(link, dict):  # of heads
                heads = fitted.heads.values()
                return any(has_probabilities(each.loss) for each in heads)
        elif isinstance(self.loss, dict):
            return True
        elif isinstance(self.loss, str):
            link = LOSSES["log_loss" if self.loss == "auto" else self.loss][0].link
        else:
            link = getattr(self.loss, "link", "logistic")
        return link in ("logistic", "softmax")

    def _loss_of_classes(self) -> tuple[Any, bool]:
        return self.loss, ends_in_softmax(self.network)
