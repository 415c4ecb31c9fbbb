"""What classifiers add to a network: classes, probabilities and weights of classes."""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if

from fastnn.estimators.base import BaseNeuralNetwork, MatrixLike
from fastnn.estimators.class_losses import losses_of_name
from fastnn.estimators.data.arrays import as_array_of, on_host
from fastnn.estimators.data.class_targets import ClassTargets, ColumnsOfClasses
from fastnn.estimators.data.given_classes import as_classes
from fastnn.estimators.data.prepare import Arguments
from fastnn.estimators.data.sparse_structure import check_structure
from fastnn.estimators.data.targets import class_targets
from fastnn.estimators.data.weights import ClassWeights
from fastnn.losses import Loss


class NetworkClassifier(ClassifierMixin, BaseNeuralNetwork):
    """Base class of the classifiers.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or list of them
        Class labels, sorted. One array for each column if y has several columns of
        classes.
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "class_weight": [StrOptions({"balanced"}), dict, list, None]
    }

    class_weight: dict | list[dict] | str | None

    _targets: ClassTargets | ColumnsOfClasses
    _numeric_targets = False

    @available_if(lambda self: self._has_epochs())
    def partial_fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | list[ArrayLike] | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: MatrixLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch over the given samples.

        It goes on from the last call, also after ``fit`` and after unpickling: weights,
        optimizer and learning rate are as they were. Only for "sgd" and "adam".

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.

        y : {array-like, sparse matrix} of shape (n_samples,), (n_samples, n_classes) \
                or (n_samples, n_columns)
            Class labels, a label indicator matrix, which holds 0 and 1, or several
            columns of class labels.

        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the samples, not all zero. None is 1 for each.

        classes : iterable of shape (n_classes,) or list of them, default=None
            All classes that will ever be passed, in any order and container; one for
            each column, or a data frame, when y has several columns of classes.
            Required in the first call of an estimator that is not fitted; y may lack
            some.

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
            classes=classes,
        )

    def predict(self, X: MatrixLike) -> Any:
        """Predict classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_columns), or \
                {ndarray, CSR matrix} of shape (n_samples, n_classes)
            Class labels, or a label indicator matrix, sparse if it was so in ``fit``.
            Where X is on a GPU, numbers are an array of its library there.
        """
        return self._predictions(X)

    @available_if(lambda self: self._has_probabilities())
    def predict_proba(self, X: MatrixLike) -> NDArray | list[NDArray]:
        """Predict the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes) or list of them
            In the order of ``classes_``, float32 if X is and the weights are, otherwise
            float64, which the logistic function or the softmax is then taken in. Rows
            sum to 1, except in the multi-label case, where each label has a probability
            by itself. Several columns of classes give a list of one array for each.
            Where X is on a GPU, they are arrays of its library there.
        """
        return as_array_of(X, self._probabilities(X))

    @available_if(lambda self: self._has_probabilities())
    def predict_log_proba(self, X: MatrixLike) -> NDArray | list[NDArray]:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes) or list of them
            Logarithm of ``predict_proba(X)``; minus infinity where that is 0. Where X
            is on a GPU, it is an array of its library there.
        """
        with np.errstate(divide="ignore"):
            return as_array_of(X, _logarithms(self._probabilities(X)))

    def score(
        self, X: MatrixLike, y: MatrixLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Accuracy of the predictions for X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_classes)
            Class labels, or a label indicator matrix, whose rows count when all of
            them is right.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
        """
        y = on_host(y)
        check_structure("y", y)
        return accuracy_score(
            y,
            on_host(self.predict(X)),
            sample_weight=on_host(sample_weight, "sample_weight"),
        )

    def _probabilities(self, X: Any) -> Any:
        outputs = self._outputs(X)
        return self._targets.probabilities(outputs)

    def _make_targets(
        self,
        y: Any,
        classes: Any,
        previous: ClassTargets | ColumnsOfClasses | None,
        incremental: bool,
    ) -> ClassTargets | ColumnsOfClasses:
        if previous is None and incremental and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        classes = as_classes(classes)
        targets = previous
        if targets is None:
            loss, output_per_class = self._loss_of_classes()
            targets = class_targets(y, classes, loss, output_per_class)
        if previous is not None or incremental:
            targets.check(y, classes, complete=not incremental)
        self.classes_ = targets.classes
        return targets

    def _loss_of_name(self, name: str) -> Loss:
        means = " or ".join(f"{type(each).__name__}()" for each in losses_of_name(name))
        raise ValueError(
            f"loss={name!r} means {means}, as y asks for, so that its options can only "
            "be set of an object. Set loss to one of these first, or in the same call."
        )

    def _has_probabilities(self) -> bool:
        """Whether the loss makes probabilities of the outputs."""
        return True

    def _loss_of_classes(self) -> tuple[Loss | str, bool]:
        """Loss, and whether two classes shall have an output each."""
        return "auto", False

    def _class_weights(
        self, targets: Any, y: Any, incremental: bool
    ) -> ClassWeights | None:
        if self.class_weight is None:
            return None
        if incremental and self.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit, which sees "
                "one batch of samples at a time. Pass a dict of weights by class, for "
                "example from sklearn.utils.class_weight.compute_class_weight and a "
                "large sample of the targets."
            )
        return ClassWeights(self.class_weight, targets, y)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.classifier_tags.multi_label = True
        return tags


def _logarithms(probabilities: Any) -> Any:
    """Those of arrays, in place, of several heads or columns too."""
    if isinstance(probabilities, dict):
        return {name: _logarithms(each) for name, each in probabilities.items()}
    if isinstance(probabilities, list):
        return [_logarithms(each) for each in probabilities]
    return np.log(probabilities, out=probabilities)
