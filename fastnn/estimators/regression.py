"""What regressors add to a network: a loss and numbers to predict."""

from typing import Any, ClassVar, Self

from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin, clone
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if

from fastnn.estimators.base import BaseNeuralNetwork, MatrixLike
from fastnn.estimators.data.arrays import on_host
from fastnn.estimators.data.prepare import Arguments
from fastnn.estimators.data.ranges import described_as_overflow
from fastnn.estimators.data.targets import RegressionTargets
from fastnn.losses import (
    AbsoluteError,
    CustomLoss,
    Gamma,
    Huber,
    LogCosh,
    Loss,
    Poisson,
    Quantile,
    SquaredError,
    Tweedie,
)
from fastnn.plan.records import CustomFunction
from fastnn.utils.error_state import ignoring_errors
from fastnn.utils.plain_numbers import plain

# What regressors can minimise, by the name of the loss with its default options.
LOSSES: dict[str, type[Any]] = {
    description.name: description
    for description in (
        SquaredError,
        Poisson,
        AbsoluteError,
        Huber,
        LogCosh,
        Quantile,
        Gamma,
        Tweedie,
    )
}


def regression_loss(loss: Loss | str | CustomFunction) -> Loss:
    """The loss of a regressor; "auto" is the squared error, a function a CustomLoss.

    Raises
    ------
    ValueError
        If it is one of classes, or there is none of this name.
    """
    if isinstance(loss, str):
        name = "squared_error" if loss == "auto" else loss
        if name not in LOSSES:
            raise ValueError(
                f"loss must be one of {sorted(LOSSES)} or an object of fastnn.losses, "
                f"got {loss!r}."
            )
        return LOSSES[name]()
    if not isinstance(loss, Loss):
        return CustomLoss(loss)
    if loss.reads_class_numbers:
        raise ValueError(
            f"loss={type(loss).__name__} reads class numbers, and a regressor has real "
            "targets. Use a classifier, or SoftCrossEntropy() for shares of classes."
        )
    loss._validate_params()
    # A copy, because the description of a trained network does not change.
    return plain(clone(loss))


class NetworkRegressor(RegressorMixin, BaseNeuralNetwork):
    """Base class of the regressors."""

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "loss": [StrOptions(set(LOSSES)), *LOSSES.values()]
    }

    loss: Any

    _targets: RegressionTargets
    _numeric_targets = True

    @available_if(lambda self: self._has_epochs())
    def partial_fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch over the given samples.

        It goes on from the last call, also after ``fit`` and after unpickling: weights,
        optimizer and learning rate are as they were. Only for "sgd" and "adam".

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.

        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the samples, not all zero. None is 1 for each.

        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Validation samples that the network is judged on after the epoch. They are
            required with ``early_stopping``, which then judges progress by their
            score; the weights stay those of the end of the epoch.

        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Targets of the validation samples. Both ``X_val`` and ``y_val`` must be
            passed, or neither.

        sample_weight_val : array-like of shape (n_val,), default=None
            Non-negative weights of the validation samples. None is 1 for each.

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
        )

    def predict(self, X: MatrixLike) -> NDArray:
        """Predict targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions, with a last axis of n_quantiles more where the loss asks for
            several. They are float32 if X is and the weights are, otherwise float64,
            although the layers are computed in the dtype of the weights. Where X is on
            a GPU, they are an array of its library there.
        """
        return self._predictions(X)

    def score(
        self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """R2 score of the predictions for X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
            The mean over outputs. Where the loss asks for several quantiles it is the
            mean of their D2 scores, by :func:`sklearn.metrics.d2_pinball_score`.
        """
        predictions = on_host(self.predict(X))
        weight = on_host(sample_weight, "sample_weight")
        with described_as_overflow("y"):
            return ignoring_errors(self._targets.score, on_host(y), predictions, weight)

    def _loss_of_name(self, name: str) -> Loss:
        return regression_loss(name)

    def _make_targets(
        self,
        y: NDArray,
        classes: None,
        previous: RegressionTargets | None,
        incremental: bool,
    ) -> RegressionTargets:
        n_columns = 1 if y.ndim == 1 else y.shape[1]
        targets = RegressionTargets(
            n_columns if previous is None else previous.n_columns,
            regression_loss(self.loss),
        )
        targets.check(y)
        return targets

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        positive = Poisson, Gamma, Tweedie
        tags.target_tags.positive_only = isinstance(self.loss, positive) or (
            self.loss in [loss.name for loss in positive]
        )
        return tags
