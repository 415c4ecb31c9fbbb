"""Fitted models of scikit-learn's own perceptron, from ours and to ours.

Both store the same weights under the same names. What else scikit-learn needs to
predict and to go on training lives in private attributes, which are set here alone.
"""

import copy
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse
from sklearn import neural_network
from sklearn.base import is_classifier
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from fastnn.engine.arguments import as_numbers
from fastnn.engine.mirrored import MirroredArray
from fastnn.estimators.base import BaseNeuralNetwork
from fastnn.estimators.fitted import FittedNetwork
from fastnn.layers import Dense
from fastnn.layers.activation import activation_name
from fastnn.training.convergence import ConvergenceState
from fastnn.training.history import History
from fastnn.training.state import OptimizerState
from fastnn.utils.plain import check_attributes

# Public attributes that mean the same in both libraries.
_SHARED = (
    "classes_",
    "loss_",
    "best_loss_",
    "best_validation_score_",
    "t_",
    "n_iter_",
    "n_layers_",
    "n_outputs_",
    "out_activation_",
    "n_features_in_",
    "feature_names_in_",
)
_COUNT = [Interval(Integral, 0, None, closed="left")]
_SIZE = [Interval(Integral, 1, None, closed="left")]
_RATE = [Interval(Real, 0, None, closed="neither")]
# What attributes of scikit-learn's models must be, described as parameters are: of all,
# of classifiers, of those that may go on training, and of the two optimizers.
_OF_ALL = {
    "coefs_": [list, tuple],
    "intercepts_": [list, tuple],
    "n_features_in_": _SIZE,
    "n_outputs_": _SIZE,
}
_OF_CLASSIFIERS = {"classes_": [np.ndarray], "_label_binarizer": [LabelBinarizer]}
_OF_TRAINING = {
    "_optimizer.learning_rate_init": _RATE,
    "_random_state": [np.random.RandomState],
    "_no_improvement_count": _COUNT,
    "t_": _COUNT,
    "loss_": [Real],
    "loss_curve_": [list],
    "validation_scores_": [list, None],
}
_OF_ADAM = {"_optimizer.ms": [list], "_optimizer.vs": [list], "_optimizer.t": _COUNT}
_OF_SGD = {"_optimizer.velocities": [list], "_optimizer.learning_rate": _RATE}
_SKLEARN_ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
_SKLEARN_LOSSES = ("squared_error", "poisson")


def to_sklearn(estimator: BaseNeuralNetwork) -> Any:
    """The fitted estimator of scikit-learn that predicts the same.

    See :meth:`fastnn.MLPClassifier.to_sklearn`.
    """
    check_is_fitted(estimator)
    Model: Any = neural_network.MLPRegressor
    if is_classifier(estimator):
        Model = neural_network.MLPClassifier
    parameters = estimator.get_params(deep=False)
    parameters["activation"] = _sklearn_activation(estimator)
    # Only what trains, which is left out: predictions do not depend on it.
    for name, usual in (("solver", "adam"), ("learning_rate", "constant")):
        if not isinstance(parameters[name], str):
            parameters[name] = usual
    if is_classifier(estimator):
        _check_one_column_of_classes(estimator)
    else:
        parameters["loss"] = _sklearn_loss(estimator, Model)
    known = Model().get_params()
    # Copied, because a random_state may be an object with a state.
    model = Model(**{name: copy.deepcopy(parameters[name]) for name in known})
    _copy_attributes(estimator, model)
    for curve in ("loss_curve_", "validation_scores_"):
        if hasattr(estimator, curve):
            setattr(model, curve, getattr(estimator, curve))
    model.coefs_ = [np.array(kernel) for kernel in estimator.coefs_]
    model.intercepts_ = [np.array(bias) for bias in estimator.intercepts_]
    _complete(model, estimator)
    return model


def adopt(estimator: BaseNeuralNetwork, model: Any) -> BaseNeuralNetwork:
    """Make of an estimator the fitted ``model`` of scikit-learn, and return it."""
    _copy_attributes(model, estimator)
    targets = estimator._make_targets(_targets_of(model), None, None, False)
    network = estimator._describe_network(targets)
    fitted = FittedNetwork(network, (model.n_features_in_,), targets.loss)
    names = "coefs_", "intercepts_"
    flat = _flat(
        fitted, names, model.coefs_, model.intercepts_, np.dtype(estimator.dtype)
    )
    fitted.weights = MirroredArray(flat)
    estimator._targets = targets
    estimator._fitted = fitted
    estimator.device_ = "cpu"
    estimator.precision_ = str(fitted.weights.dtype)
    if "_optimizer" in vars(model):
        estimator._training_state = _training_state(model, fitted)
    return estimator


def _sklearn_activation(estimator: BaseNeuralNetwork) -> str:
    parts = estimator._fitted.network.named_parts()
    dense = [layer for _, layer in parts if isinstance(layer, Dense)]
    names = [activation_name(layer.activation) for layer in dense[:-1]]
    if len(set(names)) > 1:
        raise ValueError(
            f"scikit-learn has one activation for all hidden layers, this model "
            f"has activation={names}. Fit it with one activation to convert it."
        )
    name = names[0] if names else "identity"
    if name not in _SKLEARN_ACTIVATIONS:
        raise ValueError(
            f"scikit-learn has no activation={name!r}. Fit the model with one of "
            f"{_SKLEARN_ACTIVATIONS} to convert it."
        )
    return name


def _sklearn_loss(estimator: BaseNeuralNetwork, Model: Any) -> str:
    name = getattr(
        estimator._fitted.loss, "name", type(estimator._fitted.loss).__name__
    )
    # Before 1.7, scikit-learn had the squared error alone, and no parameter.
    known = _SKLEARN_LOSSES if "loss" in Model().get_params() else ("squared_error",)
    if name not in known:
        raise ValueError(
            f"this version of scikit-learn has no loss={name!r}. Fit the model "
            f"with one of {known} to convert it."
        )
    return name


def _check_one_column_of_classes(estimator: BaseNeuralNetwork) -> None:
    classes: Any = vars(estimator)["classes_"]
    if isinstance(classes, list):
        raise ValueError(
            "scikit-learn's MLPClassifier has no multi-class multi-output targets, "
            f"this model was fitted with {len(classes)} columns of classes. Fit "
            "one classifier per column to convert it."
        )


def _copy_attributes(source: Any, target: Any) -> None:
    for name in _SHARED:
        if name in vars(source):
            setattr(target, name, copy.deepcopy(vars(source)[name]))


def _complete(model: Any, estimator: BaseNeuralNetwork) -> None:
    """Give ``model`` what scikit-learn needs besides its public attributes."""
    if is_classifier(model):
        # Set, not fitted: labels that y did not hold are classes as well.
        binarizer = LabelBinarizer()
        binarizer.y_type_ = estimator._targets.kind
        binarizer.sparse_input_ = estimator._targets.sparse
        binarizer.classes_ = model.classes_
        model._label_binarizer = binarizer
    state: ConvergenceState | None = vars(estimator).get("_training_state")
    if state is not None:
        model._no_improvement_count = state.n_stalled_epochs
        model._random_state = copy.deepcopy(state.random_state)
    model._best_coefs = [np.array(kernel) for kernel in model.coefs_]
    model._best_intercepts = [np.array(bias) for bias in model.intercepts_]


def _targets_of(model: Any) -> Any:
    """A small y of the kind that ``model`` was fitted with."""
    if not is_classifier(model):
        shape = (1,) if model.n_outputs_ == 1 else (1, model.n_outputs_)
        return np.zeros(shape)
    if model._label_binarizer.y_type_ != "multilabel-indicator":
        return model.classes_
    labels = np.zeros((1, model.n_outputs_), dtype=int)
    return sparse.csr_array(labels) if model._label_binarizer.sparse_input_ else labels


def check_model(model: Any) -> None:
    """Check the attributes of scikit-learn's model that are read here.

    Raises
    ------
    ValueError
        If one is missing, or is not what scikit-learn makes.
    """
    expected: dict[str, list] = dict(_OF_ALL)
    if is_classifier(model):
        expected |= _OF_CLASSIFIERS
    if "_optimizer" in vars(model):
        expected |= _OF_TRAINING
        expected |= _OF_ADAM if hasattr(model._optimizer, "ms") else _OF_SGD
        watched = getattr(model, "validation_scores_", None) is not None
        expected["best_validation_score_" if watched else "best_loss_"] = [Real]
    found = {name: _attribute(model, name) for name in expected}
    for name in ("loss_curve_", "validation_scores_"):
        numbers = found.get(name)
        if isinstance(numbers, list) and not all(isinstance(n, Real) for n in numbers):
            raise ValueError(
                f"model is damaged: The '{name}' attribute of {type(model).__name__} "
                f"must hold real numbers. Got {numbers!r} instead. Fit or load it "
                "again."
            )
    owner = type(model).__name__
    check_attributes(owner, expected, found, "model", "Fit or load it again.")


def _attribute(model: Any, path: str) -> Any:
    """An attribute of a model or of its optimizer; "nothing" where there is none."""
    value = model
    for name in path.split("."):
        value = getattr(value, name, "nothing")
    return value


def computing_dtype(model: Any) -> np.dtype:
    """float32 where no weight of scikit-learn's model loses by it, else float64."""
    dtypes = [np.asarray(each).dtype for each in (*model.coefs_, *model.intercepts_)]
    small = all(dtype.kind == "f" and dtype.itemsize <= 4 for dtype in dtypes)
    return np.dtype(np.float32 if small else np.float64)


def _unboxed(array: Any) -> Any:
    """Real numbers in an array of objects as float64; what else there is as it is."""
    if not isinstance(array, np.ndarray) or array.dtype != object:
        return array
    real = all(isinstance(each, Real) for each in array.flat)
    return array.astype(np.float64) if real else array


def _flat(
    fitted: FittedNetwork,
    names: tuple[str, str],
    kernels: Sequence[Any],
    biases: Sequence[Any],
    dtype: DTypeLike,
) -> NDArray:
    """Flat array of the network's parameters, or of one moment for each of them.

    Raises
    ------
    ValueError
        If they are no numbers, or do not have the shapes that the network asks for.
    """
    flat = np.zeros(fitted.plan.n_parameters, dtype)
    views = list(zip(fitted.plan.parameters, fitted.plan.views(flat), strict=True))
    given = zip(names, ("kernel", "bias"), (kernels, biases), strict=True)
    for name, role, arrays in given:
        own = [view for block, view in views if block.name.endswith(f"/{role}")]
        if len(arrays) != len(own):
            raise ValueError(
                f"{name} of the model must hold {len(own)} arrays, as its "
                f"hidden_layer_sizes say, got {len(arrays)}."
            )
        for number, (view, array) in enumerate(zip(own, arrays, strict=True)):
            numbers = as_numbers(f"{name}[{number}]", _unboxed(array), dtype)
            if numbers.shape != view.shape:
                raise ValueError(
                    f"{name}[{number}] of the model must have shape {view.shape}, as "
                    "its hidden_layer_sizes and its numbers of features and outputs "
                    f"say, got {numbers.shape}."
                )
            view[...] = numbers
    return flat


def _training_state(model: Any, fitted: FittedNetwork) -> ConvergenceState:
    """State from which training goes on as scikit-learn's would."""
    optimizer, n_layers = model._optimizer, len(model.coefs_)
    adam = hasattr(optimizer, "ms")
    slots = []
    for name in ("ms", "vs") if adam else ("velocities",):
        moments = getattr(optimizer, name)
        names = f"_optimizer.{name}", f"_optimizer.{name}[{n_layers}:]"
        slots.append(
            _flat(
                fitted,
                names,
                moments[:n_layers],
                moments[n_layers:],
                fitted.weights.dtype,
            )
        )
    initial = float(optimizer.learning_rate_init)
    watched = model.validation_scores_ is not None
    history = History(["loss"])
    if watched:
        # scikit-learn keeps no loss on the validation data.
        history.names = ("loss", "validation_loss", "validation_score")
    for epoch, loss in enumerate(model.loss_curve_):
        measured = {"loss": loss}
        if watched and epoch < len(model.validation_scores_):
            score = model.validation_scores_[epoch]
            measured |= {"validation_loss": np.nan, "validation_score": score}
        history.append(measured)
    return ConvergenceState(
        OptimizerState(
            "adam" if adam else "sgd",
            MirroredArray(np.stack(slots)),
            initial,
            # That of Adam's is the rate after the correction of the moments' bias.
            initial if adam else float(optimizer.learning_rate),
            optimizer.t if adam else 0,
        ),
        copy.deepcopy(model._random_state),
        n_samples_seen=int(model.t_),
        n_stalled_epochs=model._no_improvement_count,
        history=history,
        loss=float(model.loss_),
        best_loss=float(
            min(model.loss_curve_, default=np.inf) if watched else model.best_loss_
        ),
        best_validation_score=float(model.best_validation_score_)
        if watched
        else -np.inf,
    )
