"""Any network with several heads, each of which learns targets of its own kind."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

from numpy.random import RandomState
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from fastnn.averaging import Averaging
from fastnn.callbacks import Callback, EarlyStopping
from fastnn.estimators import regression
from fastnn.estimators.data.arrays import as_array_of
from fastnn.estimators.data.head_weights import check_head_weights
from fastnn.estimators.data.heads import HeadTargets, has_probabilities
from fastnn.estimators.data.prepare import Arguments
from fastnn.estimators.documentation import documented
from fastnn.estimators.heads import head_values, heads_of, reads_numbers
from fastnn.estimators.many_heads import ManyHeads
from fastnn.losses import Loss
from fastnn.mixing import Mixing
from fastnn.optimizers import Optimizer
from fastnn.plan.records import CustomFunction
from fastnn.schedules import Schedule


@documented
class NeuralNet(ManyHeads):
    """Estimator that trains a network of several heads on targets of mixed kinds.

    The network ends in :class:`fastnn.Heads`; y has a column, or several, for each head
    by its name: classes, labels or numbers. A target that is missing leaves the sample
    out of that head's loss. What is minimised is the weighted sum of the heads' losses.

    Parameters
    ----------
    network : Network
        One that ends in :class:`fastnn.Heads`, or a Graph of several outputs. To each
        head an output layer is added that suits its targets and its loss, unless it
        ends in one.

    loss : dict or "auto", default="auto"
        The loss of each head, by its name: what :class:`fastnn.NeuralNetClassifier` and
        :class:`fastnn.NeuralNetRegressor` take. Heads that are not named, or all with
        "auto", have the log loss where their targets are words, booleans or categories,
        and the squared error where they are fractional numbers; of whole numbers, which
        may be either, a loss must be named.

    validation : float, default=None
        Share of the samples that ``fit`` holds out to judge the network on after each
        epoch, in (0, 1). Nothing is held out where ``fit`` is given ``X_val`` and
        ``y_val``.

    metrics : list of str or callable, default=()
        What else to measure on the validation data: scorers, such as
        :func:`fastnn.metrics.head_scorer` makes them for one head, or functions
        ``(estimator, X, y)``.

    class_weight : dict, default=None
        By the name of a head with classes its weights, ``{label: weight}`` or
        "balanced".

    Attributes
    ----------
    history_ : dict of str to list of float
        One number per epoch: "loss", penalties included; "loss_" followed by each head;
        with validation data "validation_loss", "validation_score", both also followed
        by "_" and each head, and "validation_" followed by each metric;
        "learning_rate", before the factor of the schedule's steps; "seconds".

    classes_ : dict of str to ndarray of shape (n_classes,)
        Class labels, sorted, of the heads that have such.

    See Also
    --------
    NeuralNetClassifier, NeuralNetRegressor : The same for one kind of targets.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from fastnn import Heads, NeuralNet, Sequential, Targets
    >>> from fastnn.layers import Dense
    >>> X, y = load_iris(return_X_y=True)
    >>> y = Targets(kind=np.array(["a", "b", "c"])[y], width=X[:, 3])
    >>> heads = Heads([("kind", Dense(16, "relu")), ("width", Dense(16, "relu"))])
    >>> network = Sequential([Dense(32, "relu"), heads])
    >>> model = NeuralNet(network, loss_weight={"width": 0.5}, random_state=0)
    >>> model.fit(X[:, :3], y).predict(X[:2, :3])
    Targets(kind=<U1 (2,), width=float64 (2,))
    >>> sorted(model.predict_proba(X[:2, :3]))
    ['kind']
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **ManyHeads._parameter_constraints,
        "loss": [dict, StrOptions({"auto"})],
        "class_weight": [dict, None],
    }

    _targets: HeadTargets
    _numeric_targets = False
    _score_is_loss = True

    def __init__(
        self,
        network: Any,
        *,
        loss: dict[str, str | Loss | CustomFunction] | Literal["auto"] = "auto",
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
        class_weight: dict[str, dict | Literal["balanced"]] | None = None,
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

    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        classes: Mapping[str, ArrayLike] | None = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train for one epoch over the given samples.

        It goes on from the last call, also after ``fit`` and after unpickling: weights,
        optimizer and learning rate are as they were.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.

        y : DataFrame, Targets or dict
            A column, or several, for each head. What is missing is NaN or None. After
            the first call all of a head may be, which then is not trained by this one,
            and whose loss in ``history_`` is NaN.

        sample_weight : array-like of shape (n_samples,) or dict of them, default=None
            Non-negative weights of the samples, of all heads or by the name of a head.
            None is 1 for each.

        classes : dict of str to array-like, default=None
            All classes that will ever be passed, by the name of the head. In the first
            call of an estimator that is not fitted each head of classes must be there.

        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Validation samples that the network is judged on after the epoch.

        y_val : DataFrame, Targets or dict, default=None
            Targets of the validation samples.

        sample_weight_val : array-like of shape (n_val,) or dict of them, default=None
            Non-negative weights of the validation samples.

        Returns
        -------
        self : object
            The trained estimator.

        Raises
        ------
        ValueError
            If a parameter or an input is not valid, or if the epoch is not finite. The
            model stays as it was.
        """
        return self._fit(
            Arguments(X, y, sample_weight),
            Arguments(X_val, y_val, sample_weight_val),
            incremental=True,
            classes=classes,
        )

    def predict(self, X: Any) -> Any:
        """Predict the targets of all heads.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : DataFrame, Targets or ndarray
            As y was in ``fit``, with a column for each head. Where it was an array, for
            the only head, an array; where it was a DataFrame, but a head has several
            numbers for each sample, such as quantiles, Targets.
        """
        return self._predictions(X)

    @available_if(lambda self: self._has_probabilities())
    def predict_proba(self, X: Any) -> Any:
        """Predict the probability of each class, of the heads that have such.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        probabilities : dict of str to ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``. A head of several columns of classes has a
            list of them. Heads of numbers, and those whose loss knows no
            probabilities, are not there. Where y was an array, for the only head, the
            array alone.
        """
        outputs = self._outputs(X)
        found = self._targets.probabilities(outputs)
        if self._targets.container == "array":
            return as_array_of(X, *found.values())
        return found

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Minus the weighted sum of the heads' mean losses: more is better.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        y : DataFrame, Targets or dict
            A column, or several, for each head. What is missing is NaN or None.

        sample_weight : array-like of shape (n_samples,) or dict of them, default=None
            Weights of the samples, of all heads or by the name of a head.

        Returns
        -------
        score : float
        """
        check_is_fitted(self)
        device = self._device_to_predict()
        X, targets = self._check_X(X, device), self._targets
        heads = list(targets.heads)
        values = head_values(y, {}, heads, targets, "y", self._reads_numbers)
        targets.check(values)
        dtype = self._fitted.weights.dtype
        weight = check_head_weights(sample_weight, {}, values, dtype)
        _, loss, _ = self._fitted.judge(
            X, targets.encode(values, dtype), weight, device
        )
        return -loss

    def _has_probabilities(self) -> bool:
        """Whether the loss of a head makes probabilities, as far as is known."""
        targets = vars(self).get("_targets")
        if targets is not None:
            heads = targets.heads
            return any(has_probabilities(heads[name].loss) for name in targets.classes)
        losses = self.loss if isinstance(self.loss, dict) else {}
        named = heads_of(self.network)
        return not all(losses.get(name) in regression.LOSSES for name in named)

    def _check_no_heads(self) -> None:
        raise ValueError(
            "the network of a NeuralNet must end in Heads, or be a Graph of several "
            f"outputs, got {self.network!r}. For one output without a name use "
            "NeuralNetClassifier or NeuralNetRegressor."
        )

    def _reads_numbers(self, head: str, loss: Any, values: Any) -> bool:
        return reads_numbers(head, loss, values)
