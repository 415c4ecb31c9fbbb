"""Agreement with scikit-learn: same weights, same losses, same lines."""

import numpy as np
import pytest
import sklearn
from sklearn import neural_network
from sklearn.datasets import load_iris, make_multilabel_classification, make_regression
from sklearn.preprocessing import scale
from sklearn.utils.fixes import parse_version

import fastnn

if parse_version(sklearn.__version__) < parse_version("1.9"):
    pytest.skip("older MLPs lack weights and losses", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X_iris, y_iris = load_iris(return_X_y=True)
X_iris = scale(X_iris)
X_labels, y_labels = make_multilabel_classification(n_samples=90, random_state=0)
X_numbers, y_numbers = make_regression(90, 6, n_targets=3, random_state=0)
y_numbers = scale(y_numbers)

PROBLEMS = {
    "multiclass": ("MLPClassifier", X_iris, y_iris, {}),
    "binary": ("MLPClassifier", X_iris, y_iris == 1, {}),
    "multi-label": ("MLPClassifier", scale(X_labels), y_labels, {}),
    "one output": ("MLPRegressor", X_numbers, y_numbers[:, 0], {}),
    "three outputs": ("MLPRegressor", X_numbers, y_numbers, {}),
    "poisson": (
        "MLPRegressor",
        X_numbers,
        np.abs(y_numbers).round(),
        {"loss": "poisson"},
    ),
}

STOCHASTIC = {
    "adam": {"solver": "adam"},
    "adam, other moments": {
        "solver": "adam",
        "beta_1": 0.7,
        "beta_2": 0.9,
        "epsilon": 1e-3,
    },
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.1},
    "momentum": {
        "solver": "sgd",
        "learning_rate_init": 0.1,
        "nesterovs_momentum": False,
        "momentum": 0.8,
    },
    "plain": {"solver": "sgd", "momentum": 0.0},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3},
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.1,
        "tol": 0.05,
        "n_iter_no_change": 1,
    },
}


def fit_both(problem, sample_weight=None, **params):
    name, X, y, more = PROBLEMS[problem]
    params = {
        "hidden_layer_sizes": (7, 5),
        "random_state": 3,
        "max_iter": 10,
        "batch_size": 32,
        "shuffle": False,
        **more,
        **params,
    }
    theirs = getattr(neural_network, name)(**params)
    ours = getattr(fastnn, name)(**params, dtype="float64")
    theirs.fit(X, y, sample_weight=sample_weight)
    return theirs, ours.fit(X, y, sample_weight=sample_weight)


def assert_same_weights(theirs, ours, atol=1e-8):
    assert len(theirs.coefs_) == len(ours.coefs_)
    for one, other in zip(
        theirs.coefs_ + theirs.intercepts_, ours.coefs_ + ours.intercepts_, strict=True
    ):
        np.testing.assert_allclose(other, one, rtol=0, atol=atol)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("solver", STOCHASTIC)
def test_ten_epochs(problem, solver):
    theirs, ours = fit_both(problem, **STOCHASTIC[solver])
    assert_same_weights(theirs, ours)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=0, atol=1e-8)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_seed_means_the_same_fit(problem, early_stopping):
    # Weights, the samples held out and the order of each epoch are drawn alike.
    theirs, ours = fit_both(problem, shuffle=True, early_stopping=early_stopping)
    assert_same_weights(theirs, ours)
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=0, atol=1e-8)
    if early_stopping:
        np.testing.assert_allclose(
            ours.validation_scores_, theirs.validation_scores_, rtol=0, atol=1e-8
        )


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("problem", ["binary", "three outputs"])
def test_activations_and_penalty(problem, activation):
    theirs, ours = fit_both(problem, activation=activation, alpha=0.5)
    assert_same_weights(theirs, ours)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=0, atol=1e-8)


@pytest.mark.parametrize("hidden_layer_sizes", [(), 4, [3], np.array([4, 3])])
def test_hidden_layer_sizes(hidden_layer_sizes):
    theirs, ours = fit_both("multiclass", hidden_layer_sizes=hidden_layer_sizes)
    assert_same_weights(theirs, ours)
    assert ours.n_layers_ == theirs.n_layers_


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_sample_weight(problem, solver):
    rng = np.random.RandomState(0)
    sample_weight = rng.uniform(0, 3, len(PROBLEMS[problem][1]))
    sample_weight[::7] = 0
    theirs, ours = fit_both(problem, sample_weight, solver=solver)
    assert_same_weights(theirs, ours)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=0, atol=1e-8)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_early_stopping_takes_the_same_path(problem, weighted, solver):
    n_samples = len(PROBLEMS[problem][1])
    sample_weight = np.random.RandomState(0).uniform(1, 2, n_samples)
    theirs, ours = fit_both(
        problem,
        sample_weight if weighted else None,
        solver=solver,
        early_stopping=True,
        validation_fraction=0.2,
        n_iter_no_change=3,
        max_iter=30,
    )
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.best_loss_ is None
    np.testing.assert_allclose(
        ours.validation_scores_, theirs.validation_scores_, atol=1e-8
    )
    assert ours.best_validation_score_ == pytest.approx(theirs.best_validation_score_)
    assert_same_weights(theirs, ours)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_lbfgs_reaches_the_same_loss(problem, alpha):
    theirs, ours = fit_both(
        problem, solver="lbfgs", alpha=alpha, max_iter=3000, hidden_layer_sizes=(4,)
    )
    if problem == "three outputs":
        # scikit-learn's objective is a mean over outputs and its gradient a sum, which
        # upsets its line search: ours may only be better.
        assert ours.loss_ < theirs.loss_ * 1.01 + 1e-6
    else:
        assert ours.loss_ == pytest.approx(theirs.loss_, rel=0.02, abs=1e-3)


def test_lbfgs_first_steps_are_the_same():
    theirs, ours = fit_both("multiclass", solver="lbfgs", max_iter=5)
    assert_same_weights(theirs, ours)
    assert ours.loss_ == pytest.approx(theirs.loss_, abs=1e-12)
    assert ours.n_iter_ == theirs.n_iter_ == 5


def test_lbfgs_reports_the_mean_over_outputs():
    _, ours = fit_both("three outputs", solver="lbfgs", alpha=0.0)
    expected = 0.5 * np.mean((ours.predict(X_numbers) - y_numbers) ** 2)
    assert ours.loss_ == pytest.approx(expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_same_initial_weights(problem, dtype):
    name, X, y, more = PROBLEMS[problem]
    params = {"max_iter": 1, "learning_rate_init": 1e-30, "random_state": 7, **more}
    theirs = getattr(neural_network, name)(**params).fit(X, y)
    ours = getattr(fastnn, name)(**params, dtype=dtype).fit(X, y)
    assert_same_weights(theirs, ours, atol=0 if dtype == "float64" else 1e-7)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_warm_start_with_assigned_weights(problem):
    name, X, y, more = PROBLEMS[problem]
    params = {"warm_start": True, "shuffle": False, "max_iter": 1, **more}
    theirs = getattr(neural_network, name)(random_state=0, **params).fit(X, y)
    ours = getattr(fastnn, name)(random_state=9, dtype="float64", **params).fit(X, y)
    ours.coefs_ = theirs.coefs_
    ours.intercepts_ = theirs.intercepts_
    theirs.set_params(max_iter=10).fit(X, y)
    ours.set_params(max_iter=10).fit(X, y)
    assert_same_weights(theirs, ours)


def test_warm_start_with_other_parameters():
    models = []
    for model in (
        neural_network.MLPClassifier(max_iter=2),
        fastnn.MLPClassifier(max_iter=2, dtype="float64"),
    ):
        model.set_params(warm_start=True, shuffle=False, random_state=0)
        model.fit(X_iris, y_iris)
        model.set_params(activation="tanh", alpha=1.0, solver="sgd", max_iter=5)
        model.set_params(learning_rate="invscaling", learning_rate_init=0.5)
        models.append(model.fit(X_iris, y_iris))
    assert_same_weights(*models)
    np.testing.assert_allclose(
        models[1].predict_proba(X_iris), models[0].predict_proba(X_iris)
    )


@pytest.mark.parametrize("learning_rate", ["constant", "invscaling", "adaptive"])
def test_partial_fit(learning_rate):
    params = {
        "solver": "sgd",
        "learning_rate": learning_rate,
        "learning_rate_init": 0.05,
        "tol": 0.1,
        "n_iter_no_change": 2,
        "shuffle": False,
        "random_state": 0,
    }
    theirs = neural_network.MLPClassifier(**params)
    ours = fastnn.MLPClassifier(**params, dtype="float64")
    for start in range(0, 150, 10):
        batch = slice(start, start + 40)
        for model in (theirs, ours):
            model.partial_fit(X_iris[batch], y_iris[batch], classes=[0, 1, 2])
        assert ours.n_iter_ == theirs.n_iter_ == 1
        assert ours.t_ == theirs.t_
    assert_same_weights(theirs, ours)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    "params",
    [
        {"solver": "sgd", "tol": 1e-2, "n_iter_no_change": 2, "max_iter": 300},
        {"solver": "adam", "tol": 1e-1, "n_iter_no_change": 1},
        {**STOCHASTIC["adaptive"], "max_iter": 300, "tol": 0.3},
        {"early_stopping": True, "tol": 0.3, "n_iter_no_change": 2, "max_iter": 50},
        {
            **STOCHASTIC["adaptive"],
            "early_stopping": True,
            "tol": 0.3,
            "max_iter": 100,
        },
    ],
)
def test_verbose_prints_the_same_lines(capsys, params):
    outputs = []
    for model in (
        neural_network.MLPClassifier(random_state=0, shuffle=False, verbose=True),
        fastnn.MLPClassifier(
            random_state=0, shuffle=False, verbose=True, dtype="float64"
        ),
    ):
        model.set_params(**params).fit(X_iris, y_iris)
        outputs.append(capsys.readouterr().out)
    assert outputs[1] == outputs[0]
    assert "topping." in outputs[1]


@pytest.mark.parametrize("Estimator", ["MLPClassifier", "MLPRegressor"])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_fitted_attributes_are_the_same(Estimator, solver):
    fitted = [
        getattr(module, Estimator)(solver=solver, max_iter=20, random_state=0).fit(
            X_iris, y_iris
        )
        for module in (neural_network, fastnn)
    ]
    theirs, ours = (
        {name for name in dir(model) if name.endswith("_") and name[0] != "_"}
        for model in fitted
    )
    epochs = solver != "lbfgs"
    alone = {"device_", "precision_"}
    if epochs:
        alone.add("validation_loss_curve_")
    assert ours == theirs | alone
    for name in theirs - {"coefs_", "intercepts_", "loss_curve_"}:
        one, other = (getattr(model, name) for model in fitted)
        if isinstance(one, float):
            assert other == pytest.approx(one, abs=0.1)
        else:
            np.testing.assert_array_equal(other, one)


@pytest.mark.parametrize("Estimator", ["MLPClassifier", "MLPRegressor"])
def test_parameters_and_defaults_are_the_same(Estimator):
    theirs = getattr(neural_network, Estimator)().get_params()
    ours = getattr(fastnn, Estimator)().get_params()
    extras = {"dropout": 0.0, "dtype": "float32", "n_jobs": None, "device": "cpu"}
    extras["precision"] = None
    if Estimator == "MLPClassifier":
        extras["class_weight"] = None
    for name, value in extras.items():
        assert ours.pop(name) == value
    assert theirs == ours
