"""What the estimators of any network share: its description, and how it is trained."""

import copy
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from fastnn.callbacks import Callback, Run
from fastnn.estimators.base import BaseNeuralNetwork
from fastnn.estimators.callback_support import FitTask
from fastnn.estimators.data.inputs import Reader, Shape
from fastnn.estimators.data.samples import Prepared, split
from fastnn.estimators.extraction import extracted, part_of
from fastnn.estimators.fitted import FittedNetwork
from fastnn.estimators.heads import heads_of
from fastnn.estimators.judge import Judge, Measure, check_usable
from fastnn.estimators.metrics import metrics_by_name
from fastnn.estimators.neural_net_parameters import NeuralNetParameters
from fastnn.estimators.output_layer import (
    with_outputs_of_numbers,
    with_raw_outputs,
)
from fastnn.estimators.reading import columns_of, reader_of
from fastnn.estimators.summary import summary
from fastnn.layers import Dense
from fastnn.network import (
    Network,
    Pretrained,
    Sequential,
    check_same_columns,
    selects_columns,
    with_positions,
)
from fastnn.network.checks import check_no_circle, described
from fastnn.optimizers import OPTIMIZERS, Optimizer
from fastnn.schedules import Constant, Schedule, as_schedule
from fastnn.training.monitoring import Monitor, MonitoredState
from fastnn.training.progress import Progress
from fastnn.training.running_statistics import refresh_statistics
from fastnn.utils.plain_numbers import plain, plain_number


class BaseNeuralNet(NeuralNetParameters, BaseNeuralNetwork):
    """Any network, trained for a number of epochs."""

    _training_state_type: ClassVar[type[MonitoredState]] = MonitoredState
    _score_is_loss: ClassVar[bool] = False
    _takes_any_shape: ClassVar[bool] = True

    @property
    def history_(self) -> dict[str, list[float]]:
        """One number per epoch of all that was measured."""
        self._require_fitted("history_")
        return self._training_state.history.as_dict()

    @property
    def loss_curve_(self) -> list[float]:
        """Loss of each epoch."""
        self._require_fitted("loss_curve_")
        return self.history_["loss"]

    @property
    def validation_loss_curve_(self) -> list[float] | None:
        """Loss on the validation data after each epoch; None without any."""
        self._require_fitted("validation_loss_curve_")
        return self.history_.get("validation_loss")

    @property
    def validation_scores_(self) -> list[float] | None:
        """Score on the validation data after each epoch; None without any."""
        self._require_fitted("validation_scores_")
        return self.history_.get("validation_score")

    def _reader(self, fitted: FittedNetwork | None = None) -> Reader:
        if fitted is None:
            return reader_of(self.network)
        return reader_of(fitted.network, fitted.input_shape)

    def _names_of_heads(self) -> list[str]:
        """Names of the heads, in their order; none where there is one output."""
        return heads_of(self.network)

    def extract(self, part: str) -> Pretrained:
        """A fitted part of the network, to build other networks of.

        Parameters
        ----------
        part : str
            Its name, as ``network.get_params()`` has it: "block", "block__dense".

        Returns
        -------
        part : Pretrained
            A description of the part whose weights start as they are now, running
            statistics included. ``trainable=False`` freezes it, ``learning_rate=0.1``
            fine-tunes it slowly.

        Raises
        ------
        ValueError
            If there is no part of this name, or it has several inputs or outputs.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from fastnn import NeuralNetClassifier, Sequential
        >>> from fastnn.layers import Dense
        >>> X, y = load_iris(return_X_y=True)
        >>> network = Sequential([("base", Dense(16, "relu")), Dense(8, "relu")])
        >>> NeuralNetClassifier(network).fit(X, y).extract("base")
        Pretrained(Dense(activation='relu', units=16), <80 weights>)
        """
        check_is_fitted(self)
        return extracted(self._fitted, part_of(self._fitted, self.network, part))

    def summary(self) -> None:
        """Print a table of the fitted network's layers, and what training it takes.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from fastnn import NeuralNetClassifier, Sequential
        >>> from fastnn.layers import Dense, Dropout
        >>> X, y = load_iris(return_X_y=True)
        >>> network = Sequential([Dense(16, "relu"), Dropout(0.2)])
        >>> NeuralNetClassifier(network, epochs=1).fit(X, y).summary()
        layer    kind     output shape  parameters
        ------------------------------------------
        dense    Dense    (16,)                 80
        dropout  Dropout  (16,)                  0
        dense_1  Dense    (3,)                  51
        ------------------------------------------
        total                                  131
        memory: 5.12 kB for a batch of 32, 2.1 kB for weights and optimizer
        """
        check_is_fitted(self)
        fitted = self._fitted
        text = summary(
            fitted.network,
            fitted.plan,
            batch_size=self.batch_size,
            n_slots=self._describe_optimizer().n_slots,
            itemsize=fitted.weights.dtype.itemsize,
        )
        print(text)

    def _describe_network(self, targets: Any) -> Network:
        network: Network | None = self.network
        if network is None:
            network = Sequential([Dense(100, "relu")])
        complete = (
            with_outputs_of_numbers if self._numeric_targets else with_raw_outputs
        )
        return plain(complete(network, targets.n_outputs, targets.loss.link))

    def _resolved(
        self, network: Network, X: Any, shape: Shape, previous: Network | None
    ) -> Network:
        if not selects_columns(network):
            return network
        names = vars(self).get("feature_names_in_")
        network = with_positions(network, columns_of(X, shape, names))
        if previous is not None:
            check_same_columns(network, previous)
        return network

    def _describe_optimizer(self) -> Optimizer:
        if isinstance(self.optimizer, str):
            return OPTIMIZERS[self.optimizer]()
        return plain(self.optimizer)

    def _describe_schedule(self) -> Schedule:
        if self.schedule is None:
            return Constant()
        return plain(as_schedule(self.schedule))

    def _max_epochs(self) -> int:
        return int(self.epochs)

    def _check_network(self) -> None:
        """Refuse what is no network, or one that contains itself."""
        network = self.network
        if network is None:
            return
        if not isinstance(network, Network):
            raise ValueError(
                "network must be a network, such as Sequential, Branches or Graph, got "
                f"{described(network)}. Layers become one by Sequential([...])."
            )
        check_no_circle(network)

    def _check_call(self, validated: bool, incremental: bool) -> None:
        self._check_network()
        for position, callback in enumerate(self.callbacks):
            if not isinstance(callback, Callback):
                raise ValueError(
                    "callbacks must hold objects of fastnn.callbacks, got "
                    f"{callback!r} at position {position}. Those of scikit-learn are "
                    "set by set_callbacks()."
                )
        if self.batch_by_length and not self.shuffle:
            raise ValueError(
                "batch_by_length=True brings samples into an order of its own, and "
                "shuffle=False keeps that of X. Set shuffle=True, or "
                "batch_by_length=False."
            )
        if incremental and self.validation is not None and not validated:
            raise ValueError(
                f"validation={self.validation} holds samples out of all of them, and "
                "partial_fit sees one batch of samples at a time. Pass X_val and "
                "y_val, use fit, or set validation=None."
            )
        metrics_by_name(self.metrics, self._names_of_heads())
        if self.metrics and not validated and self.validation is None:
            raise ValueError(
                f"metrics={list(self.metrics)!r} are taken on validation data. Pass "
                "X_val and y_val to fit, or set validation to a share of the samples."
            )

    def _optimize(
        self,
        fitted: FittedNetwork,
        prepared: Prepared,
        start_state: Callable[[], MonitoredState],
        incremental: bool,
        task: FitTask | None,
    ) -> None:
        fitted.check_trainable()
        state = start_state()
        if prepared.held_out is None and self.validation is not None:
            y = prepared.samples.y
            one_column = not self._numeric_targets and y.ndim == 1
            prepared = split(
                prepared,
                stratify=y if one_column else None,
                fraction=plain_number(self.validation),
                parameter="validation",
                random_state=state.random_state,
            )
        heads = self._names_of_heads()
        names = ["loss", *(f"loss_{head}" for head in heads)]
        if prepared.held_out is not None:
            for name in ("validation_loss", "validation_score"):
                names += [name, *(f"{name}_{head}" for head in heads)]
            names += [f"validation_{name}" for name in metrics_by_name(self.metrics)]
        state.history.names = (*names, "learning_rate", "seconds")
        self._run_epochs(fitted, prepared, state, incremental, task)
        self._training_state = state
        self.precision_ = state.precision

    def _run_epochs(
        self,
        fitted: FittedNetwork,
        prepared: Prepared,
        state: MonitoredState,
        incremental: bool,
        task: FitTask | None,
    ) -> None:
        samples, targets, device = prepared.samples, prepared.targets, prepared.device
        schedule, optimizer = self._describe_schedule(), self._describe_optimizer()
        schedule.check()
        n_samples = len(samples.encoded)
        epochs = 1 if incremental else self._max_epochs()

        def describe(epoch: int) -> dict[str, Any]:
            resumable = state.fork(optimizer, fitted.weights)
            if self.averaging is not None:
                resumable.live = fitted.weights.copy()
            return {
                "_fitted": fitted.over(state.model_weights(fitted.weights).copy()),
                "_targets": targets,
                "_training_state": resumable,
                "n_epochs_": epoch,
                "precision_": str(fitted.weights.dtype),
            }

        progress = Progress(bool(self.verbose), epochs, n_samples)
        before = state.history.n_epochs
        run = Run(
            training=state.training,
            n_epochs_before=before,
            n_epochs=epochs,
            incremental=incremental,
            history=state.history,
            weights=lambda: state.model_weights(fitted.weights),
            layout=lambda: fitted.layout,
            optimizer=state.optimizer,
            reconstruct=lambda: self._stopped(describe(run.epoch - before)),
            say=progress.say,
        )
        validate: Callable[[], dict[str, float]] | None = None
        if prepared.held_out is not None:
            judge = Judge(
                targets, prepared.held_out, device, score_is_loss=self._score_is_loss
            )
            measure = Measure(
                judge,
                metrics_by_name(self.metrics),
                lambda over: self._stopped({"_fitted": over, "_targets": targets}),
            )

            def validate() -> dict[str, float]:
                return measure(fitted.over(state.model_weights(fitted.weights)))

        stopping = [] if self.early_stopping is None else [self.early_stopping]
        monitor = Monitor(
            schedule,
            state,
            run,
            [*stopping, *self.callbacks],
            progress,
            validate,
            None if task is None else task.watch(describe, epochs),
        )
        trainer = self._trainer(
            fitted,
            prepared,
            optimizer,
            schedule,
            averaging=plain(self.averaging),
            mixing=plain(self.mixing),
            batch_by_length=bool(self.batch_by_length),
        )
        averaged = self.averaging is not None
        state.resume_averaging(
            fitted.weights, averaged=averaged, frozen=fitted.plan.frozen
        )
        outcome = trainer.train(
            fitted.weights,
            samples.X,
            samples.encoded,
            samples.weight,
            state,
            monitor,
            epochs,
            state.average,
        )
        self.n_epochs_ = outcome.n_epochs
        monitor.finish()
        if state.average is not None and self.averaging is not None:
            state.live = fitted.weights.copy()
            fitted.weights.assign(state.model_weights(fitted.weights))
            if state.average.started and self.averaging.refreshes_statistics:
                refresh_statistics(
                    fitted.plan,
                    fitted.parameters,
                    samples.X,
                    samples.encoded,
                    batch_size=trainer.batch_size,
                    n_threads=self.n_jobs,
                    device=device,
                )
                state.average.values.assign(fitted.weights)
        if outcome.diverged:
            check_usable(fitted, samples, device)

    def _stopped(self, attributes: dict[str, Any]) -> Any:
        """Copy of this estimator with these attributes of a fit.

        It shares no object that training, or whoever has the copy, may change.
        """
        other = type(self)(
            **{
                name: _apart(value)
                for name, value in self.get_params(deep=False).items()
            }
        )
        learned = "n_features_in_", "feature_names_in_", "_input_columns", "classes_"
        for name in learned:
            if name in vars(self):
                setattr(other, name, vars(self)[name])
        other._install(attributes.pop("_fitted"), attributes.pop("_targets"))
        for name, value in attributes.items():
            setattr(other, name, value)
        return other

    def _samples_per_step(self, n_samples: int) -> int:
        # A batch of all samples is what smaller data sets have to be content with.
        return min(int(self.batch_size), n_samples)


def _apart(value: Any) -> Any:
    """A parameter that may be changed without changing this one."""
    if isinstance(value, Callback):
        return copy.copy(value)  # a clone would have forgotten what it knows
    if isinstance(value, list | tuple):
        return type(value)(map(_apart, value))
    if isinstance(value, dict | np.random.RandomState):
        return copy.deepcopy(value)
    # What else there may be, such as functions and what they refer to, need not have
    # copies.
    return clone(value) if isinstance(value, BaseEstimator) else value
