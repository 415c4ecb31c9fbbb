"""scikit-learn's own tests of its multi-layer perceptron, run against ours.

They ship inside scikit-learn. Loading their file while the names of its classes mean
ours makes every test, parametrised or not, a test of ours. ``dtype=None`` computes in
the type of X, as scikit-learn does.
"""

import functools
import importlib.util
import inspect
from unittest import mock

import pytest
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.fixes import parse_version

import fastnn

SUITE = "sklearn.neural_network.tests.test_mlp"

# Tests that read or write private attributes of scikit-learn's implementation.
PRIVATE = {
    "test_fit": "builds a fitted model out of _coef_grads, _no_improvement_count and "
    "so on; tests/agreement/test_sklearn_agreement.py compares what steps do to "
    "the weights",
    "test_gradient": "calls _loss_grad_lbfgs; tests/ops/test_gradients.py compares "
    "gradients with central differences",
    "test_learning_rate_warmstart": "reads _optimizer.learning_rate; "
    "tests/training/test_training.py tests the schedules",
    "test_adaptive_learning_rate": "reads _optimizer.learning_rate; "
    "tests/training/test_training.py tests the schedules",
    "test_n_iter_no_change": "reads _no_improvement_count; see the tests below",
    "test_n_iter_no_change_inf": "reads _no_improvement_count; see the tests below",
}

if parse_version(sklearn.__version__) < parse_version("1.9"):
    pytest.skip("the tests of scikit-learn 1.9 or newer", allow_module_level=True)
try:
    spec = importlib.util.find_spec(SUITE)
except ModuleNotFoundError:
    spec = None
if spec is None:
    pytest.skip("scikit-learn is installed without tests", allow_module_level=True)

# They were written for a run that does not turn warnings into errors.
pytestmark = pytest.mark.filterwarnings("default")


def following_X(Estimator):
    """The estimator with ``dtype=None`` as default."""

    class Following(Estimator):
        @functools.wraps(Estimator.__init__)
        def __init__(self, *args, dtype=None, **parameters):
            super().__init__(*args, dtype=dtype, **parameters)

        signature = inspect.signature(Estimator.__init__)
        __init__.__signature__ = signature.replace(
            parameters=[
                parameter.replace(default=None) if name == "dtype" else parameter
                for name, parameter in signature.parameters.items()
            ]
        )

    Following.__name__ = Following.__qualname__ = Estimator.__name__
    Following.__module__ = __name__
    return Following


MLPClassifier = following_X(fastnn.MLPClassifier)
MLPRegressor = following_X(fastnn.MLPRegressor)

suite = importlib.util.module_from_spec(spec)
with mock.patch.multiple(
    "sklearn.neural_network", MLPClassifier=MLPClassifier, MLPRegressor=MLPRegressor
):
    spec.loader.exec_module(suite)

for name, function in vars(suite).items():
    if name.startswith("test_") and inspect.isfunction(function):
        if name in PRIVATE:
            function = pytest.mark.skip(reason=PRIVATE[name])(function)
        globals()[name] = function


@pytest.fixture
def global_random_seed():
    """What scikit-learn's conftest.py gives by default."""
    return 42


def test_the_suite_is_complete_and_ours():
    assert PRIVATE.keys() <= vars(suite).keys()
    assert suite.MLPClassifier is MLPClassifier
    assert suite.MLPRegressor is MLPRegressor
    tests = [name for name in globals() if name.startswith("test_")]
    assert len(tests) > 40


@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_the_default_is_to_follow_X(Estimator):
    model = sklearn.clone(Estimator(alpha=0.1))
    assert model.dtype is None
    assert repr(model) == f"{Estimator.__name__}(alpha=0.1)"
    assert isinstance(model, getattr(fastnn, Estimator.__name__))


# What test_n_iter_no_change and test_n_iter_no_change_inf check without a private name.
X, y = suite.X_digits_binary[:100], suite.y_digits_binary[:100]


@pytest.mark.parametrize("n_iter_no_change", [2, 5, 10, 50, 100])
def test_training_stops_at_a_plateau(n_iter_no_change):
    model = MLPClassifier(
        tol=0.01,
        max_iter=3000,
        solver="sgd",
        n_iter_no_change=n_iter_no_change,
        random_state=0,
    ).fit(X, y)
    best, stalled = float("inf"), 0
    for epoch, loss in enumerate(model.loss_curve_, start=1):
        assert stalled <= n_iter_no_change, epoch
        stalled = stalled + 1 if loss > best - model.tol else 0
        best = min(best, loss)
    assert stalled == n_iter_no_change + 1
    assert model.n_iter_ == epoch < model.max_iter


def test_infinite_patience_trains_to_the_end():
    model = MLPClassifier(
        tol=1e9, max_iter=300, solver="sgd", n_iter_no_change=float("inf")
    )
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    assert model.n_iter_ == 300
