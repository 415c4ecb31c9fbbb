"""Bad input: every message names what is wrong and what would be right."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError

from fastnn import MLPClassifier, MLPRegressor
from fastnn.losses import CrossEntropy, Huber, LogLoss, Quantile
from fastnn.plan.tables import ACTIVATIONS

pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer. Maximum iterations"
)

ESTIMATORS = [MLPClassifier, MLPRegressor]

rng = np.random.RandomState(0)
X = rng.standard_normal((30, 4))
y = np.arange(30) % 3


def fitted(Estimator):
    return Estimator(hidden_layer_sizes=(5,), max_iter=2, random_state=0).fit(X, y)


# ---------------------------------------------------------------------- parameters

BAD_PARAMETERS = {
    "hidden_layer_sizes": [0, -3, 2.5, "100", None],
    "activation": ["rleu", None, 1, ["rleu"], ["relu", "tanh"], [None]],
    "solver": ["adams", None, "Adam"],
    "alpha": [-1e-9, "0.1", None, np.nan],
    "batch_size": [0, -1, 2.5, "all", None],
    "learning_rate": ["const", 0.1, None],
    "learning_rate_init": [0, -0.1, "0.1", None],
    "power_t": [-1, "1"],
    "max_iter": [0, -1, 2.5, np.inf],
    "shuffle": ["yes", None, 2],
    "random_state": ["zero", -1, 1.5],
    "tol": [-1e-9, "small", None],
    "verbose": ["yes", -1],
    "warm_start": ["yes", None],
    "momentum": [-0.1, 1.1, None],
    "nesterovs_momentum": ["yes", None],
    "early_stopping": ["yes", None],
    "validation_fraction": [-0.1, 1, 1.5],
    "beta_1": [-0.1, 1.0],
    "beta_2": [-0.1, 1.0],
    "epsilon": [0, -1e-8],
    "n_iter_no_change": [0, -1, 2.5, np.nan],
    "max_fun": [0, -1, 2.5],
    "dropout": [-0.1, 1, "half", None, [1.0], [0.1, 0.1], ["half"], [np.nan]],
    "class_weight": [
        "balance",
        2,
        [],
        [{0: 1}, {1: 1}],
        [2],
        {0: -1},
        {0: "a"},
        {3: 1},
    ],
    "dtype": ["float16", "double", np.int64, 32],
    "n_jobs": [0, 1.5, "all"],
    "device": ["gpu", "cuda:0", None],
    "precision": ["float16", "float32", 16],
    "loss": ["squared", "log_loss", None, CrossEntropy(), LogLoss()],
}


def test_every_parameter_has_bad_values():
    parameters = set(MLPClassifier().get_params()) | set(MLPRegressor().get_params())
    assert set(BAD_PARAMETERS) == parameters


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in BAD_PARAMETERS.items() for value in values],
)
def test_bad_parameters(Estimator, name, value):
    if name not in Estimator().get_params():
        pytest.skip(f"{Estimator.__name__} has no {name}")
    model = Estimator(**{name: value})
    with pytest.raises((ValueError, TypeError)) as error:
        model.fit(X, y)
    assert name in str(error.value)
    shown = value if value is not np.int64 else "int64"
    assert str(shown) in str(error.value)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("name", BAD_PARAMETERS)
def test_partial_fit_checks_parameters_of_a_fitted_model_too(Estimator, name):
    model = fitted(Estimator)
    if name not in model.get_params() or name in ("solver", "random_state"):
        pytest.skip("not a parameter, or not read by a later partial_fit")
    model.set_params(**{name: BAD_PARAMETERS[name][0]})
    with pytest.raises((ValueError, TypeError), match=name):
        model.partial_fit(X, y)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("activation", ACTIVATIONS),
        ("solver", ("lbfgs", "sgd", "adam")),
        ("learning_rate", ("constant", "invscaling", "adaptive")),
        ("dtype", ("float32", "float64", "None")),
        ("device", ("cpu", "cuda", "auto")),
        ("precision", ("bf16", "high", "tf32", "None")),
    ],
)
def test_messages_list_the_options(Estimator, name, options):
    with pytest.raises(ValueError, match=name) as error:
        Estimator(**{name: "typo"}).fit(X, y)
    assert all(option in str(error.value) for option in options)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((5, 0), r"must be > 0, got \[5, 0\]"),
        ((5, -1), r"must be > 0, got \[5, -1\]"),
        ((5, 2.0), r"2.0 \(float\) at position 1"),
        (("5",), r"'5' \(str\) at position 0"),
        ((True,), r"True \(bool\) at position 0"),
        (np.array([5.0]), r"at position 0"),
        ([[5]], r"\[5\] \(list\) at position 0"),
    ],
)
def test_bad_hidden_layer_sizes(Estimator, sizes, message):
    with pytest.raises(ValueError, match=f"hidden_layer_sizes.*{message}"):
        Estimator(sizes if Estimator is MLPClassifier else "squared_error").set_params(
            hidden_layer_sizes=sizes
        ).fit(X, y)


# ---------------------------------------------------------------------- data


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("bad_X", "bad_y", "message"),
    [
        (np.where(X > 1, np.nan, X), y, "Input X contains NaN"),
        (np.where(X > 1, np.inf, X), y, "Input X contains infinity"),
        (sparse.csr_array(np.where(X > 1, np.nan, X)), y, "Input X contains NaN"),
        (X[:, 0], y, "Expected 2D array, got 1D array"),
        (X[:, :, None], y, "dim 3"),
        (X[:0], y[:0], "0 sample"),
        (X[:, :0], y, "0 feature"),
        (X + 1j, y, "Complex data not supported"),
        (X, y[:-1], "inconsistent numbers of samples"),
        (X, None, "requires y to be passed"),
        (np.full(X.shape, "a"), y, "could not convert string to float"),
    ],
)
def test_bad_training_data(Estimator, method, bad_X, bad_y, message):
    model = Estimator(max_iter=2)
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(bad_X, bad_y)
    assert not hasattr(model, "n_features_in_")


@pytest.mark.parametrize(
    ("bad_y", "message"),
    [
        (np.where(y == 1, np.nan, y), "Input y contains NaN"),
        (np.where(y == 1, np.inf, y), "Input y contains infinity"),
        (np.full(30, "a"), "y must hold real numbers for a regressor, got <U1"),
        (np.zeros((30, 2, 2)), r"y must have a row .* shape \(30, 2, 2\)"),
    ],
)
def test_bad_numbers(bad_y, message):
    with pytest.raises(ValueError, match=message):
        MLPRegressor().fit(X, bad_y)


@pytest.mark.parametrize(
    ("bad_y", "message"),
    [
        (np.where(y == 1, np.nan, y), "Input y contains NaN"),
        (X[:, 0], "Unknown label type"),
        (np.c_[y, X[:, 0]], "Unknown label type"),
        (
            np.array([[0, "a"], [1, "b"]] * 15, object),
            r"y must hold labels of one kind .*with y.astype\(str\)",
        ),
    ],
)
def test_bad_labels(bad_y, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier().fit(X, bad_y)


def test_poisson_needs_targets_of_zero_or_more():
    with pytest.raises(ValueError, match=r"loss='poisson' needs y >= 0, got -0\.5"):
        MLPRegressor("poisson").fit(X, y - 0.5)
    MLPRegressor("poisson", max_iter=1).fit(X, y)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.where(y == 1, -0.5, 1), "must not be negative, got -0.5 at position 1"),
        (np.zeros(30), "at least one non-zero"),
        (np.full(30, 1e-60), "a largest number from 1e-18 to 1e.18 where"),
        (np.ones(29), "sample_weight"),
        (np.ones((30, 2)), "1D array"),
        (np.where(y == 1, np.nan, 1), "sample_weight contains NaN"),
    ],
)
def test_bad_sample_weight(Estimator, method, weight, message):
    model = fitted(Estimator)
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(X, y, sample_weight=weight)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("method", ["predict", "score", "predict_proba"])
def test_predict_before_fit(Estimator, method):
    model = Estimator()
    if not hasattr(model, method):
        pytest.skip("not a method of regressors")
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(model, method)(*((X, y) if method == "score" else (X,)))


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("bad_X", "message"),
    [
        (X[:, :3], "X has 3 features, but .* is expecting 4 features"),
        (sparse.csr_array(X[:, :3]), "X has 3 features"),
        (X[:, 0], "Expected 2D array, got 1D array"),
        (X[:0], "0 sample"),
        (np.full(X.shape, np.nan), "contains NaN"),
    ],
)
def test_bad_data_to_predict(Estimator, bad_X, message):
    with pytest.raises(ValueError, match=message):
        fitted(Estimator).predict(bad_X)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_other_columns_by_name(Estimator):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    model = fitted(Estimator).fit(frame, y)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame.rename(columns={"a": "e"}))
    with pytest.raises(ValueError, match="feature names should match"):
        model.partial_fit(frame[list("bacd")], y)
    with pytest.raises(ValueError, match="X has 3 features"):
        fitted(Estimator).partial_fit(X[:, :3], y)


# ---------------------------------------------------------------------- calls


def test_partial_fit_needs_classes_at_first():
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        MLPClassifier().partial_fit(X, y)


@pytest.mark.parametrize(
    ("later_y", "classes", "message"),
    [
        (y, [0, 1, 3], "not the same as on last call"),
        (y + 1, None, "`y` has classes not in `self.classes_`"),
        (np.eye(3, dtype=int)[y], None, "y is multilabel-indicator, but the model was"),
    ],
)
def test_partial_fit_with_other_classes(later_y, classes, message):
    model = MLPClassifier().partial_fit(X, y, classes=[0, 1, 2])
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match=message):
        model.partial_fit(X, later_y, classes=classes)
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_the_first_partial_fit_checks_the_classes_in_y():
    model = MLPClassifier()
    with pytest.raises(ValueError, match="`y` has classes not in"):
        model.partial_fit(X, y, classes=[0, 1])
    assert not hasattr(model, "classes_")


def test_a_multi_label_model_needs_as_many_labels():
    labels = np.eye(3, dtype=int)[y]
    model = MLPClassifier().partial_fit(X, labels, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="has 4 labels"):
        model.partial_fit(X, np.eye(4, dtype=int)[y], classes=range(4))
    with pytest.raises(ValueError, match="has 2 labels"):
        model.partial_fit(X, labels[:, :2])


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_partial_fit_needs_a_stochastic_solver(Estimator):
    model = Estimator(solver="lbfgs")
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError) as error:
        model.partial_fit(X, y)
    assert "lbfgs is not stochastic" in f"{error.value} {error.value.__cause__}"


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_partial_fit_and_early_stopping(Estimator):
    with pytest.raises(ValueError, match="does not support early_stopping=True"):
        Estimator(early_stopping=True).partial_fit(X, y)


BAD_VALIDATION = [
    ({"X_val": X}, "X_val is provided, but y_val was not provided"),
    ({"y_val": y}, "y_val is provided, but X_val was not provided"),
    ({"sample_weight_val": y}, "sample_weight_val is provided, but X_val and y_val"),
    ({"X_val": X[:, :3], "y_val": y}, r"\(X_val, .*: X has 3 features, but MLP"),
    ({"X_val": X[:5], "y_val": y}, r"\(X_val, .*: .*inconsistent numbers of samples"),
    ({"X_val": X * np.nan, "y_val": y}, r"\(X_val, .*: Input X contains NaN"),
    ({"X_val": X, "y_val": y, "sample_weight_val": -y}, "must not be negative"),
    ({"X_val": X, "y_val": y, "sample_weight_val": 0 * y}, "at least one non-zero"),
    ({"X_val": X, "y_val": y, "sample_weight_val": y[:5]}, r"\(X_val, .*weight"),
]


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(("arguments", "message"), BAD_VALIDATION)
def test_bad_validation_data(Estimator, method, arguments, message):
    model = fitted(Estimator)
    before = model.predict(X)
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(X, y, **arguments)
    np.testing.assert_array_equal(model.predict(X), before)


def test_validation_targets_are_of_the_kind_of_y():
    for y_val, message in [
        (y + 1, "classes not in"),
        (np.eye(3, dtype=int)[y], "y is multilabel-indicator"),
        (np.c_[y, y], "y is multiclass-multioutput"),
    ]:
        with pytest.raises(ValueError, match=message):
            MLPClassifier().fit(X, y, X_val=X, y_val=y_val)
    with pytest.raises(ValueError, match="y has 2 outputs"):
        MLPRegressor().fit(X, y, X_val=X, y_val=np.c_[y, y])
    with pytest.raises(ValueError, match=r"needs y >= 0, got -2"):
        MLPRegressor("poisson").fit(X, y, X_val=X, y_val=-y)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_lbfgs_has_no_epochs_to_validate_after(Estimator):
    with pytest.raises(ValueError, match=r"X_val and y_val .* solver='lbfgs'"):
        Estimator(solver="lbfgs").fit(X, y, X_val=X, y_val=y)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("dropout", [0.5, [0.0, 0.1]])
def test_lbfgs_takes_no_dropout(Estimator, dropout):
    model = Estimator(solver="lbfgs", hidden_layer_sizes=(3, 3), dropout=dropout)
    with pytest.raises(ValueError, match=r"dropout=.*solver='lbfgs': its line search"):
        model.fit(X, y)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("name", ["activation", "dropout"])
def test_one_value_per_hidden_layer(Estimator, name):
    values = {"activation": ["relu", "tanh"], "dropout": (0.1, 0.2)}[name]
    model = Estimator(hidden_layer_sizes=(5, 4, 3), **{name: values})
    with pytest.raises(ValueError, match=f"{name} must .* got 2 .* asks for 3"):
        model.fit(X, y)


@pytest.mark.parametrize("loss", [Quantile(1.0), Quantile(None), Huber(0)])
def test_bad_options_of_a_loss(loss):
    name, value = loss.get_params().popitem()
    message = f"'{name}' parameter of {type(loss).__name__} .* Got {value}"
    with pytest.raises(ValueError, match=message):
        MLPRegressor(loss).fit(X, y)


def test_class_weight_in_partial_fit():
    model = MLPClassifier(class_weight="balanced")
    with pytest.raises(ValueError, match=r"'balanced' is not supported.*Pass a dict"):
        model.partial_fit(X, y, classes=[0, 1, 2])


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({0: 1, 5: 2}, r"The classes, \[1, 2\], are not in class_weight"),
        ({0: 0, 1: 0, 2: 0}, "multiplied by class_weight must contain at least one"),
        ({0: np.inf}, "class_weight must hold finite numbers >= 0, got inf"),
    ],
)
def test_bad_class_weights(class_weight, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(class_weight=class_weight).fit(X, y)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({0: 1, 1: 2}, "class_weight should be a list of dicts"),
        ([{0: 1}], "number of elements in class_weight should match number of outputs"),
        ([{0: 1}, {0: 1}, 3], r"class_weight must hold dicts, got 3 \(int\) at .* 2"),
    ],
)
def test_bad_class_weights_of_labels(class_weight, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(class_weight=class_weight).fit(X, np.eye(3, dtype=int)[y])


def test_warm_start_needs_the_same_targets():
    model = MLPClassifier(max_iter=2, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"same classes.*\[0 1 2\], `y` has \[0 1\]"):
        model.fit(X, y % 2)
    model = MLPRegressor(max_iter=2, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"y has 2 outputs.* fitted with 1"):
        model.fit(X, np.c_[y, y])


def test_small_validation_sets():
    with pytest.raises(ValueError, match="validation set is too small"):
        MLPRegressor(early_stopping=True).fit(X[:5], y[:5])
    with pytest.raises(ValueError, match="least populated class"):
        MLPClassifier(early_stopping=True).fit(X[:4], [0, 0, 0, 1])


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_a_batch_larger_than_the_data_is_clipped(Estimator):
    with pytest.warns(UserWarning, match="batch_size=31 is larger .* clipped to 30"):
        Estimator(batch_size=31, max_iter=1, random_state=0).fit(X, y)
