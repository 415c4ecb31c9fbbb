"""What all estimators share: the way from ``fit`` to the trainer.

``fit`` and ``partial_fit`` validate, encode the targets, describe the network and
delegate. They work on copies and put the result in place at the end; when anything
fails, the estimator is as it was before the call.
"""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import _fit_context
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from fastnn.estimators.fitted import FittedNetwork
from fastnn.estimators.state import FittedState, restored_on_error
from fastnn.estimators.targets import ClassTargets, RegressionTargets
from fastnn.lbfgs import fit_lbfgs
from fastnn.network import Sequential
from fastnn.optimizers import Optimizer
from fastnn.schedules import Schedule
from fastnn.threads import effective_n_threads
from fastnn.training import OptimizerState, Trainer, TrainingState

Targets = ClassTargets | RegressionTargets
MatrixLike: TypeAlias = "ArrayLike | sparse.spmatrix | sparse.sparray"

# Names of out_activation_ where scikit-learn's differ from those of the table.
_SKLEARN_NAMES = {"exponential": "exp"}


class BaseNeuralNetwork(FittedState, ABC):
    """Base class of the estimators.

    A subclass has the parameters read below and describes, from its own, a network,
    an optimizer and a schedule.
    """

    hidden_layer_sizes: Any
    solver: str
    batch_size: Any
    max_iter: int
    max_fun: int
    shuffle: bool
    random_state: Any
    tol: float
    verbose: bool | int
    warm_start: bool
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: float
    dtype: str | None
    n_jobs: int | None

    _targets: Any
    _numeric_targets: ClassVar[bool]
    _score_predictions: ClassVar[Callable[..., float]]

    @abstractmethod
    def _describe_network(self, n_outputs: int) -> Sequential:
        """Network of the current parameters, output layer included."""

    @abstractmethod
    def _describe_optimizer(self) -> Optimizer:
        """Optimizer of the current parameters."""

    @abstractmethod
    def _describe_schedule(self) -> Schedule:
        """Schedule of the current parameters."""

    @abstractmethod
    def _make_targets(
        self, y: Any, classes: Any, previous: Any, incremental: bool
    ) -> Targets:
        """Targets of a fresh fit, or the previous ones checked against ``y``."""

    def fit(
        self, X: MatrixLike, y: MatrixLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples. float32 and float64 arrays of any memory order are not
            copied, and neither are CSR matrices, except that ``early_stopping`` splits
            them; sparse X is never made dense.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets: class labels or a label indicator matrix for a classifier, numbers
            for a regressor.

        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the samples, not all zero. None is 1 for each.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or an input is not valid, or if the first epoch is not
            finite. A model fitted before stays as it was.
        """
        return self._fit(X, y, sample_weight, incremental=False)

    @_fit_context(prefer_skip_nested_validation=True)
    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        incremental: bool,
        classes: Any = None,
    ) -> Self:
        with restored_on_error(self):
            self._train(X, y, sample_weight, incremental, classes)
        return self

    def _train(
        self, X: Any, y: Any, sample_weight: Any, incremental: bool, classes: Any
    ) -> None:
        if incremental and self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: it sees one batch "
                "of samples at a time. Use fit, or set early_stopping=False."
            )
        go_on = self.warm_start or incremental
        previous: FittedNetwork | None = vars(self).get("_fitted") if go_on else None
        X, y = self._check_X_y(X, y, reset=previous is None)
        targets = self._make_targets(
            y, classes, None if previous is None else self._targets, incremental
        )
        dtype = self._computing_dtype(X, previous)
        weight = self._check_weight(sample_weight, X, dtype)

        network = self._describe_network(targets.n_outputs)
        fitted = FittedNetwork(network, (X.shape[1],), targets.loss, previous)
        random_state = check_random_state(self.random_state)
        if previous is None:
            fitted.initialize(random_state, dtype)
        else:
            fitted.inherit(previous, dtype)

        if self.solver == "lbfgs":
            self._fit_lbfgs(fitted, targets, X, y, weight)
        else:
            state = self._start_state(fitted, previous, random_state, incremental)
            self._fit_stochastic(fitted, targets, X, y, weight, state, incremental)
        self._fitted = fitted
        self._targets = targets
        self.n_layers_ = len(network.layers) + 1
        self.n_outputs_ = targets.n_outputs
        link = targets.loss.link
        self.out_activation_ = _SKLEARN_NAMES.get(link, link)

    def _fit_lbfgs(
        self,
        fitted: FittedNetwork,
        targets: Targets,
        X: Any,
        y: Any,
        weight: NDArray | None,
    ) -> None:
        self.loss_, self.n_iter_ = fit_lbfgs(
            fitted.plan,
            fitted.parameters,
            X,
            targets.encode(y, fitted.parameters.dtype),
            weight,
            max_iter=self.max_iter,
            max_fun=self.max_fun,
            tol=self.tol,
            verbose=bool(self.verbose),
            n_threads=effective_n_threads(self.n_jobs),
        )
        self.t_ = 0
        # What describes epochs would otherwise tell of a fit by another solver.
        for attribute in (
            "_training_state",
            "loss_curve_",
            "best_loss_",
            "validation_scores_",
            "best_validation_score_",
        ):
            self.__dict__.pop(attribute, None)

    def _start_state(
        self,
        fitted: FittedNetwork,
        previous: FittedNetwork | None,
        random_state: np.random.RandomState,
        incremental: bool,
    ) -> TrainingState:
        """State to train from, as scikit-learn keeps it.

        A fresh fit starts anew. partial_fit goes on where the last call stopped.
        A warm start goes on with the curves, but with a new optimizer.
        """
        optimizer = self._describe_optimizer()
        state: TrainingState | None = vars(self).get("_training_state")
        if previous is None or state is None:
            return TrainingState(
                OptimizerState.start(optimizer, fitted.parameters), random_state
            )
        if incremental:
            return state.resume(
                state.optimizer.resume(optimizer, fitted.parameters),
                state.random_state,
            )
        return state.resume(
            OptimizerState.start(optimizer, fitted.parameters), random_state
        )

    def _fit_stochastic(
        self,
        fitted: FittedNetwork,
        targets: Targets,
        X: Any,
        y: Any,
        weight: NDArray | None,
        state: TrainingState,
        incremental: bool,
    ) -> None:
        encoded = targets.encode(y, fitted.parameters.dtype)
        score = None
        if self.early_stopping:
            rows, held_out = self._split(encoded, targets, state.random_state)
            score = self._validation_score(
                fitted,
                targets,
                X[held_out],
                y[held_out],
                None if weight is None else weight[held_out],
            )
            X, encoded = X[rows], encoded[rows]
            weight = None if weight is None else weight[rows]
        trainer = Trainer(
            fitted.plan,
            self._describe_optimizer(),
            self._describe_schedule(),
            batch_size=self._samples_per_step(X.shape[0]),
            max_epochs=self.max_iter,
            shuffle=self.shuffle,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            verbose=bool(self.verbose),
            n_threads=effective_n_threads(self.n_jobs),
        )
        data = fitted.parameters, X, encoded, weight, state
        if incremental:
            self.n_iter_ = trainer.partial_fit(*data)
        else:
            self.n_iter_ = trainer.fit(*data, score)
        self._training_state = state
        self.t_ = state.n_samples_seen
        self.loss_curve_ = state.loss_curve
        self.loss_ = state.loss
        self.best_loss_ = None if score else state.best_loss
        self.validation_scores_ = state.validation_scores if score else None
        self.best_validation_score_ = state.best_validation_score if score else None

    def _check_X_y(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Any]:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            y_numeric=self._numeric_targets,
            dtype=self._accepted_dtypes(),
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y

    def _accepted_dtypes(self) -> list[type]:
        """dtypes of X that need no copy; the first is what others are cast to."""
        if self.dtype == "float32" and self.solver != "lbfgs":
            return [np.float32, np.float64]
        return [np.float64, np.float32]

    def _computing_dtype(self, X: Any, previous: FittedNetwork | None) -> np.dtype:
        if self.solver == "lbfgs":
            return np.dtype(np.float64)
        if self.dtype is not None:
            return np.dtype(self.dtype)
        return X.dtype if previous is None else previous.parameters.dtype

    def _check_weight(
        self, sample_weight: Any, X: Any, dtype: np.dtype
    ) -> NDArray | None:
        if sample_weight is None:
            return None
        weight = _check_sample_weight(sample_weight, X, dtype=dtype)
        if weight.min() < 0:
            raise ValueError(
                "sample_weight must not be negative, got "
                f"{weight.min():g} at position {weight.argmin()}."
            )
        if not weight.any():
            raise ValueError(
                "sample_weight must contain at least one non-zero number, got zeros "
                f"only (as {dtype})."
            )
        return weight

    def _samples_per_step(self, n_samples: int) -> int:
        if self.batch_size == "auto":
            return min(200, n_samples)
        if self.batch_size > n_samples:
            warnings.warn(
                f"batch_size={self.batch_size} is larger than the number of training "
                f"samples and is clipped to {n_samples}.",
                stacklevel=2,
            )
        return min(int(self.batch_size), n_samples)

    def _split(
        self,
        encoded: NDArray,
        targets: Targets,
        random_state: np.random.RandomState,
    ) -> tuple[NDArray, NDArray]:
        """Rows to train on and rows to hold out, chosen as scikit-learn's MLP does."""
        stratify = None
        if not self._numeric_targets and targets.n_outputs == 1:
            # Only two classes are stratified, and an error names them as here.
            stratify = np.where(encoded[:, 0] > 0, "True", "False")
        rows, held_out = train_test_split(
            np.arange(len(encoded)),
            test_size=self.validation_fraction,
            stratify=stratify,
            random_state=random_state,
        )
        if len(held_out) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' (now "
                f"{self.validation_fraction}) or the size of your dataset "
                f"({len(encoded)} samples)."
            )
        return rows, held_out

    def _validation_score(
        self,
        fitted: FittedNetwork,
        targets: Targets,
        X: Any,
        y: Any,
        weight: NDArray | None,
    ) -> Callable[[], float]:
        def score() -> float:
            outputs = fitted.predict(X)
            if not np.isfinite(outputs).all():
                return np.nan
            return self._score_predictions(
                y, targets.decode(outputs), sample_weight=weight
            )

        return score

    def _check_X(self, X: Any) -> Any:
        """X for the fitted network, checked."""
        check_is_fitted(self)
        return validate_data(
            self, X, accept_sparse="csr", dtype=self._accepted_dtypes(), reset=False
        )

    def _outputs(self, X: Any) -> NDArray:
        """Outputs of the fitted network for unchecked X."""
        X = self._check_X(X)
        return self._fitted.predict(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
