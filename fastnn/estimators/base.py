"""What all estimators share: the way from ``fit`` to the trainer.

``fit`` and ``partial_fit`` validate, encode the targets, describe the network and
delegate. They work on another object and take its attributes over at the end, all at
once; when anything fails, the estimator is as it was before the call.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils.validation import check_is_fitted

from fastnn.averaging import Averaging
from fastnn.engine.cuda import find_device
from fastnn.engine.device import Device
from fastnn.estimators.callback_support import CallbackSupportMixin, FitTask, fit_task
from fastnn.estimators.data.arrays import as_array_of
from fastnn.estimators.data.heads import HeadValues
from fastnn.estimators.data.inputs import Reader, Shape, shape_of
from fastnn.estimators.data.prepare import Arguments, Previous, check_X, prepare
from fastnn.estimators.data.samples import Prepared
from fastnn.estimators.data.targets import Targets
from fastnn.estimators.documentation import DocumentationLink
from fastnn.estimators.fitted import FittedNetwork
from fastnn.estimators.hidden_activations import HiddenActivations
from fastnn.estimators.output_layer import sklearn_name
from fastnn.estimators.parameter_views import ParametersOfKind
from fastnn.estimators.parameters import CommonParameters
from fastnn.estimators.resuming import source_of_draws, start_state
from fastnn.estimators.state import (
    apart,
    deep_copy,
    memory_of_callbacks,
    restored_state,
    saved_state,
    take_over,
)
from fastnn.estimators.validated import are_validated, parameters_of
from fastnn.losses import Loss
from fastnn.mixing import Mixing
from fastnn.network import Network, forget_weights
from fastnn.optimizers import Optimizer, optimizer_of_name
from fastnn.schedules import Schedule
from fastnn.training.trainer import Trainer
from fastnn.utils.commit import call_or_put_back
from fastnn.utils.error_state import ignoring_errors
from fastnn.utils.named_parts import with_objects

MatrixLike: TypeAlias = ArrayLike | sparse.spmatrix | sparse.sparray


class BaseNeuralNetwork(
    CommonParameters,
    CallbackSupportMixin,
    HiddenActivations,
    DocumentationLink,
    BaseEstimator,
    ABC,
):
    """Base class of the estimators.

    A subclass has the parameters read below and describes, from its own, a network,
    an optimizer and a schedule.
    """

    # What an estimator without this parameter does: it trains by epochs.
    solver: Any = None

    # The trained network is one object, whose flat array holds all parameters.
    _fitted: FittedNetwork
    _targets: Any
    _numeric_targets: ClassVar[bool]
    # Whether a sample may have any shape, or be several arrays.
    _takes_any_shape: ClassVar[bool] = False
    _training_state_type: ClassVar[type[Any]]

    @abstractmethod
    def _describe_network(self, targets: Any) -> Network:
        """Network of the current parameters, output layer included."""

    def _resolved(
        self, network: Network, X: Any, shape: Shape, previous: Network | None
    ) -> Network:
        """The network with positions in place of names of columns of X."""
        return network

    @abstractmethod
    def _describe_optimizer(self) -> Optimizer:
        """Optimizer of the current parameters."""

    @abstractmethod
    def _describe_schedule(self) -> Schedule:
        """Schedule of the current parameters."""

    @abstractmethod
    def _samples_per_step(self, n_samples: int) -> int:
        """Samples of a mini-batch, out of so many."""

    @abstractmethod
    def _check_call(self, validated: bool, incremental: bool) -> None:
        """Check parameters that depend on whether there is validation data."""

    @abstractmethod
    def _max_epochs(self) -> int:
        """Most epochs that ``fit`` takes."""

    @abstractmethod
    def _optimize(
        self,
        fitted: FittedNetwork,
        prepared: Prepared,
        start_state: Callable[[], Any],
        incremental: bool,
        task: FitTask | None,
    ) -> None:
        """Train the parameters of ``fitted``; set the attributes that tell how."""

    @abstractmethod
    def _make_targets(
        self, y: Any, classes: Any, previous: Any, incremental: bool
    ) -> Targets:
        """Targets of a fresh fit, or the previous ones checked against ``y``."""

    def _validate_params(self) -> None:
        """As scikit-learn's, unless all parameters are the objects of the last fit."""
        if not are_validated(self):
            super()._validate_params()

    def _loss_of_name(self, name: str) -> Loss:
        """What the name of a loss stands for, where that is one thing."""
        raise ValueError(f"loss={name!r} has no options.")

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also those of parts such as the network or the optimizer.

        Parameters
        ----------
        **params : dict
            Names and values, such as ``optimizer__learning_rate=0.01`` or
            ``network__dropout__rate=0.5``. The name of an optimizer or of a loss
            becomes an object where an option of it is set.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If there is no such parameter or part, or the part has no options.
        """
        makers = {"optimizer": optimizer_of_name, "loss": self._loss_of_name}
        return super().set_params(**with_objects(self, params, makers))

    def _check_heads(
        self, y: Any, name: str, previous: Any, *, batch: bool
    ) -> HeadValues | None:
        """Targets of several heads; None where there is one output."""
        return None

    def _class_weights(self, targets: Any, y: Any, incremental: bool) -> Any:
        """Weights of classes; regressors have none."""
        return None

    def _reader(self, fitted: FittedNetwork | None = None) -> Reader:
        """How the network reads X, or that which is fitted: here it is a table."""
        return Reader(lambda _: {}, lambda _: False)

    def fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: MatrixLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples. float32 and float64 arrays of any memory order are not
            copied, and neither are CSR matrices, except that ``early_stopping`` splits
            them; sparse X is never made dense. An array on a GPU, of CuPy or another
            library with DLPack, is for ``device="cuda"`` and stays there; y and the
            weights may be there as well, and are copied to the host.
            The networks of ``NeuralNetClassifier``, ``NeuralNetRegressor`` and
            ``NeuralNet`` also take samples of more axes, several arrays
            (:class:`fastnn.Inputs`), and sequences of different lengths: a list, an
            array of objects or a column of arrays of shape (n_steps, n_features), or
            of lists of integers, tokens, which an ``Embedding`` reads.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets: class labels in one column or several, or a label indicator matrix,
            which holds 0 and 1, for a classifier; numbers for a regressor.

        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the samples, not all zero. None is 1 for each.

        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Validation samples, which are not trained on. After each epoch of "sgd" or
            "adam" the network is judged on them: see ``validation_scores_`` and
            ``validation_loss_curve_``. ``early_stopping`` then splits nothing off.

        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Targets of the validation samples, of the kind of ``y``. Both ``X_val`` and
            ``y_val`` must be passed, or neither.

        sample_weight_val : array-like of shape (n_val,), default=None
            Non-negative weights of the validation samples. None is 1 for each.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or an input is not valid, or if the first epoch is not
            finite. A model fitted before stays as it was.
        TypeError
            If X is on a GPU and ``device="cpu"``.
        RuntimeError
            If ``device="cuda"`` or X is on a GPU, and CuPy, the driver or a card is
            missing.
        """
        return self._fit(
            Arguments(X, y, sample_weight),
            Arguments(X_val, y_val, sample_weight_val),
            incremental=False,
        )

    coefs_ = ParametersOfKind("kernel", "Weight matrices of the layers.")
    intercepts_ = ParametersOfKind("bias", "Bias vectors of the layers.")

    def _require_fitted(self, attribute: str) -> None:
        if not self.__sklearn_is_fitted__():
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {attribute!r} before "
                "fit"
            )

    @_fit_context(prefer_skip_nested_validation=True)
    def _fit(
        self,
        training: Arguments,
        validation: Arguments,
        *,
        incremental: bool,
        classes: Any = None,
    ) -> Self:
        before = dict(vars(self))
        worker = apart(self)
        memory = memory_of_callbacks(self)

        def train() -> None:
            watched = fit_task(self, worker, training, incremental=incremental)
            with watched as task:
                draws = ignoring_errors(
                    worker._train, training, validation, incremental, classes, task
                )
            take_over(self, worker, before, draws, memory)

        call_or_put_back(train, memory)
        return self

    def _train(
        self,
        training: Arguments,
        validation: Arguments,
        incremental: bool,
        classes: Any,
        task: FitTask | None,
    ) -> tuple[np.random.RandomState, np.random.RandomState] | None:
        """Train, and become the trained estimator.

        Returns what was drawn from, and the source of the user's that it is a copy of.
        """
        self._validated = parameters_of(self)
        goes_on = self.warm_start or incremental
        previous: FittedNetwork | None = vars(self).get("_fitted") if goes_on else None
        prepared = prepare(
            self,
            training,
            validation,
            None
            if previous is None
            else Previous(
                self._targets, previous.weights.dtype, self._reader(previous)
            ),
            incremental=incremental,
            classes=classes,
        )
        shape, targets = shape_of(prepared.samples.X), prepared.targets
        network = self._resolved(
            self._describe_network(targets),
            training.X,
            shape,
            None if previous is None else previous.network,
        )
        if previous is not None:
            forget_weights(network)  # it goes on from those of the previous one
        fitted = FittedNetwork(network, shape, targets.loss)
        random_state, drawn_from = source_of_draws(self, previous, incremental)
        if previous is None:
            fitted.initialize(random_state, prepared.dtype)
        else:
            fitted.inherit(previous, prepared.dtype)

        self._optimize(
            fitted,
            prepared,
            partial(start_state, self, fitted, previous, random_state, incremental),
            incremental,
            task,
        )
        if not incremental:
            fitted.weights.store()
        self._install(fitted, targets)
        if drawn_from is None:
            return None
        if "_training_state" in vars(self):
            self._training_state.random_state = drawn_from
        return random_state, drawn_from

    def _trainer(
        self,
        fitted: FittedNetwork,
        prepared: Prepared,
        optimizer: Optimizer,
        schedule: Schedule,
        averaging: Averaging | None = None,
        mixing: Mixing | None = None,
        batch_by_length: bool = False,
    ) -> Trainer:
        """What trains the network by epochs."""
        return Trainer(
            fitted.plan,
            fitted.predictor_on(prepared.device),
            optimizer,
            schedule,
            batch_size=self._samples_per_step(len(prepared.samples.encoded)),
            max_epochs=self._max_epochs(),
            shuffle=self.shuffle,
            n_threads=self.n_jobs,
            precision=self.precision,
            averaging=averaging,
            mixing=mixing,
            batch_by_length=batch_by_length,
            device=prepared.device,
        )

    def _install(self, fitted: FittedNetwork, targets: Targets) -> None:
        """Become an estimator of the trained network."""
        self._fitted = fitted
        self._targets = targets
        self.device_ = "cpu" if find_device(self.device) is None else "cuda"
        self.n_outputs_ = targets.n_outputs
        self.out_activation_ = sklearn_name(targets.loss.link)

    def _check_X(self, X: Any, device: Device | None) -> Any:
        """X for the fitted network on this device, checked."""
        check_is_fitted(self)
        return check_X(self, X, device)

    def _outputs(self, X: Any) -> Any:
        """Outputs of the fitted network for unchecked X.

        They are float64 if X is no float32 or the weights are float64, and an array of
        CuPy's where X is on a GPU.
        """
        attributes = vars(self)
        # scikit-learn's validation takes many times longer than a small prediction. A
        # plain array has little to check, unless names of columns must be compared.
        if "_fitted" in attributes and "feature_names_in_" not in attributes:
            outputs = self._fitted.predict_clean(
                X, self.n_jobs, self._device_to_predict()
            )
            if outputs is not None:
                return outputs
        device = self._device_to_predict()
        X = self._check_X(X, device)
        return self._fitted.predict(X, self.n_jobs, device)

    def _predictions(self, X: Any) -> Any:
        """What outputs for unchecked X mean, where X is."""
        outputs = self._outputs(X)  # first: it tells whether there is a fitted network
        return as_array_of(X, self._targets.decode(outputs))

    def _device_to_predict(self) -> Device | None:
        """A GPU where there is one: what was trained there predicts anywhere."""
        return None if self.device == "cpu" else find_device("auto")

    def _has_epochs(self) -> bool:
        """Whether training can stop after one pass, as partial_fit has to."""
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return "_fitted" in vars(self)

    # Not by what is saved: what is on a device is copied there.
    __copy__ = apart
    __deepcopy__ = deep_copy

    def __getstate__(self) -> dict[str, Any]:
        """What is saved: arrays, builtins and objects of public classes."""
        return saved_state(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(restored_state(self, state))
