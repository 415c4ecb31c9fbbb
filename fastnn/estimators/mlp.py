"""What drop-ins share: scikit-learn's parameters, solvers and stopping rules."""

import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from fastnn.estimators.base import BaseNeuralNetwork
from fastnn.estimators.callback_support import FitTask
from fastnn.estimators.conversion import to_sklearn
from fastnn.estimators.data.samples import Prepared, check_score_exists, split
from fastnn.estimators.data.targets import Targets
from fastnn.estimators.fitted import FittedNetwork
from fastnn.estimators.judge import Judge, check_usable
from fastnn.estimators.mlp_network import layers_of_parameters
from fastnn.estimators.mlp_parameters import MLPParameters
from fastnn.layers import Dense
from fastnn.network import Sequential
from fastnn.optimizers import Optimizer, SklearnAdam, SklearnSGD
from fastnn.schedules import (
    Constant,
    InverseScaling,
    ReduceOnPlateau,
    Schedule,
    as_schedule,
)
from fastnn.training.convergence import Convergence, ConvergenceState, Validate
from fastnn.training.history import History
from fastnn.training.lbfgs import fit_lbfgs
from fastnn.training.progress import Progress
from fastnn.utils.plain_numbers import plain, plain_number

# What validation data tell of each epoch.
_VALIDATION = "validation_loss", "validation_score"


class BaseMLP(MLPParameters, BaseNeuralNetwork):
    """Dense layers and dropout, described and trained as scikit-learn's are."""

    _training_state_type: ClassVar[type[ConvergenceState]] = ConvergenceState

    @property
    def loss_curve_(self) -> list[float]:
        """Loss of each epoch."""
        return self._epochs_of("loss_curve_").measured("loss")

    @property
    def validation_loss_curve_(self) -> list[float] | None:
        """Loss on the validation data after each epoch; None without any."""
        return self._validation("validation_loss_curve_", "validation_loss")

    @property
    def validation_scores_(self) -> list[float] | None:
        """Score on the validation data after each epoch; None without any."""
        return self._validation("validation_scores_", "validation_score")

    def to_sklearn(self) -> Any:
        """Convert to the fitted estimator of scikit-learn that predicts the same.

        Tools that know scikit-learn's multi-layer perceptron, such as exporters, then
        know this model. Parameters that scikit-learn lacks (``dtype``, ``precision``
        and so on) do not change predictions and are left out. Training may go on there,
        but with a new optimizer.

        Returns
        -------
        model : sklearn.neural_network.MLPClassifier or \
                sklearn.neural_network.MLPRegressor
            It shares no array with this estimator.

        Raises
        ------
        NotFittedError
            If this estimator is not fitted.
        ValueError
            If scikit-learn has no such model: hidden layers of different activations,
            an activation or a loss of ours alone, or several columns of classes.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from fastnn import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = MLPClassifier(solver="lbfgs", tol=0.01, random_state=0).fit(X, y)
        >>> copy = model.to_sklearn()
        >>> type(copy).__module__.startswith("sklearn.")
        True
        >>> (copy.predict(X) == model.predict(X)).all()
        np.True_
        """
        return to_sklearn(self)

    def _validation(self, attribute: str, name: str) -> list[float] | None:
        history = self._epochs_of(attribute)
        return history.measured(name) if name in history else None

    def _epochs_of(self, attribute: str) -> History:
        state: ConvergenceState | None = vars(self).get("_training_state")
        if state is None:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {attribute!r}: it is "
                "there after a fit by epochs, which 'lbfgs' has not"
            )
        return state.history

    def _install(self, fitted: FittedNetwork, targets: Targets) -> None:
        super()._install(fitted, targets)
        parts = fitted.network.named_parts()
        self.n_layers_ = sum(isinstance(part, Dense) for _, part in parts) + 1

    def _describe_network(self, targets: Any) -> Sequential:
        return layers_of_parameters(
            self.hidden_layer_sizes,
            self.activation,
            self.dropout,
            plain_number(self.alpha),
            self.solver,
            targets.n_outputs,
        )

    def _describe_optimizer(self) -> Optimizer:
        if isinstance(self.solver, Optimizer):
            return plain(self.solver)
        if self.solver == "sgd":
            return SklearnSGD(
                float(self.learning_rate_init),
                momentum=float(self.momentum),
                nesterov=self.nesterovs_momentum,
            )
        return SklearnAdam(
            float(self.learning_rate_init),
            beta_1=float(self.beta_1),
            beta_2=float(self.beta_2),
            epsilon=float(self.epsilon),
        )

    def _describe_schedule(self) -> Schedule:
        if not isinstance(self.learning_rate, str):
            return plain(as_schedule(self.learning_rate))
        # Adam adapts its steps by itself: scikit-learn's schedules are for sgd.
        if self.solver == "sgd" and self.learning_rate == "invscaling":
            return InverseScaling(float(self.power_t))
        if self.solver == "sgd" and self.learning_rate == "adaptive":
            return ReduceOnPlateau()
        return Constant()

    def _check_call(self, validated: bool, incremental: bool) -> None:
        if incremental and self.early_stopping and not validated:
            raise ValueError(
                "partial_fit does not support early_stopping=True without validation "
                "data: it sees one batch of samples at a time. Pass X_val and y_val, "
                "use fit, or set early_stopping=False."
            )

    def _max_epochs(self) -> int:
        return 0 if self.solver == "lbfgs" else int(self.max_iter)

    def _optimize(
        self,
        fitted: FittedNetwork,
        prepared: Prepared,
        start_state: Callable[[], ConvergenceState],
        incremental: bool,
        task: FitTask | None,
    ) -> None:
        if self.solver == "lbfgs":
            self._fit_lbfgs(fitted, prepared)
            return
        state = start_state()
        if self.early_stopping and prepared.held_out is None:
            prepared = self._split(prepared, state.random_state)
        validate: Validate | None = None
        if prepared.held_out is not None:
            if self.early_stopping:
                check_score_exists(prepared.targets, prepared.held_out)
            judge = Judge(prepared.targets, prepared.held_out, prepared.device)

            def validate() -> tuple[float, float]:
                found = judge(fitted)
                return found["loss"], found["score"]

        state.history.names = ("loss", *(_VALIDATION if validate else ()))
        self._fit_stochastic(fitted, prepared, validate, state, incremental, task)
        self._training_state = state
        self.precision_ = state.precision
        self.t_ = state.n_samples_seen
        self.loss_ = state.loss
        self.best_loss_ = None if self.early_stopping else state.best_loss
        self.best_validation_score_ = state.best_validation_score if validate else None

    def _split(
        self, prepared: Prepared, random_state: np.random.RandomState
    ) -> Prepared:
        """With samples held out that are chosen as scikit-learn's MLP does."""
        samples = prepared.samples
        stratified = not self._numeric_targets and prepared.targets.n_outputs == 1
        # The error of a class with too few members names the classes by these words.
        words = np.where(samples.encoded[:, 0] > 0, "True", "False")
        return split(
            prepared,
            stratify=words if stratified else None,
            fraction=plain_number(self.validation_fraction),
            parameter="validation_fraction",
            random_state=random_state,
        )

    def _fit_stochastic(
        self,
        fitted: FittedNetwork,
        prepared: Prepared,
        validate: Validate | None,
        state: ConvergenceState,
        incremental: bool,
        task: FitTask | None,
    ) -> None:
        optimizer, schedule = self._describe_optimizer(), self._describe_schedule()
        samples, device = prepared.samples, prepared.device

        def describe(epoch: int) -> dict[str, Any]:
            return {
                "_fitted": fitted.copy(),
                "_targets": prepared.targets,
                "_training_state": state.fork(optimizer, fitted.weights),
                "n_iter_": epoch,
                "t_": state.n_samples_seen,
                "loss_": state.loss,
            }

        schedule.check()
        n_samples = samples.X.shape[0]
        max_epochs = 1 if incremental else self._max_epochs()
        patience, min_delta = schedule.plateau() or (None, None)
        convergence = Convergence(
            schedule,
            state,
            tol=float(self.tol) if min_delta is None else min_delta,
            n_iter_no_change=self.n_iter_no_change if patience is None else patience,
            early_stopping=self.early_stopping,
            progress=Progress(bool(self.verbose), max_epochs, n_samples),
            validate=validate,
            after_epoch=None if task is None else task.watch(describe, max_epochs),
        )
        trainer = self._trainer(fitted, prepared, optimizer, schedule)
        # Later calls of partial_fit go on from the end of the epoch, whatever its
        # validation score.
        if not incremental:
            convergence.keep_best(fitted.weights)
        outcome = trainer.train(
            fitted.weights,
            samples.X,
            samples.encoded,
            samples.weight,
            state,
            convergence,
            max_epochs,
        )
        self.n_iter_ = outcome.n_epochs
        convergence.finish(self._max_epochs(), outcome.ended or incremental)
        if outcome.diverged:
            check_usable(fitted, samples, device)

    def _fit_lbfgs(self, fitted: FittedNetwork, prepared: Prepared) -> None:
        samples = prepared.samples
        self.loss_, self.n_iter_ = fit_lbfgs(
            fitted.plan,
            fitted.parameters,
            samples.X,
            samples.encoded,
            samples.weight,
            max_iter=int(self.max_iter),
            max_fun=int(self.max_fun),
            tol=float(self.tol),
            verbose=bool(self.verbose),
            n_threads=self.n_jobs,
            device=prepared.device,
        )
        self.t_ = 0
        self.precision_ = str(fitted.weights.dtype)
        # What describes epochs would otherwise tell of a fit by another solver.
        for attribute in (
            "_training_state",
            "best_loss_",
            "best_validation_score_",
        ):
            self.__dict__.pop(attribute, None)

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

    def _has_epochs(self) -> bool:
        if self.solver == "lbfgs":
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. "
                f"{self.solver} is not stochastic: set solver to 'adam' or 'sgd'."
            )
        return True
