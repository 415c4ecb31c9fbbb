"""Arrays of other libraries on the host, where array_api_dispatch is on."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import sklearn
from predictors import PREDICTORS, WORDS, methods
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score

from fastnn import MLPClassifier, MLPRegressor, NeuralNetClassifier

IRIS, SPECIES = load_iris(return_X_y=True)
LIBRARIES = ["array_api_strict", "torch"]


@pytest.fixture(params=LIBRARIES)
def xp(request):
    return pytest.importorskip(request.param)


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


@pytest.fixture
def dispatch(monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    with sklearn.config_context(array_api_dispatch=True):
        yield


def values(array):
    return (
        [values(each) for each in array]
        if isinstance(array, list)
        else (np.from_dlpack(array))
    )


@pytest.mark.parametrize("device", ["cpu", "auto"])
@pytest.mark.parametrize("name", PREDICTORS)
def test_predictions_are_of_the_library_that_X_is_of(name, device, xp, dispatch):
    estimator, y = PREDICTORS[name]
    estimator = clone(estimator).set_params(random_state=0, device=device)
    weight = 1 + np.arange(150) % 3
    expected = clone(estimator).fit(IRIS, y, weight)
    X = xp.asarray(IRIS)
    model = estimator.fit(X, xp.asarray(y), xp.asarray(weight))
    np.testing.assert_array_equal(model.coefs_[0], expected.coefs_[0])
    kind = type(X)
    for method in methods(model):
        actual, other = (
            getattr(each, method)(x) for each, x in ((model, X), (expected, IRIS))
        )
        if not isinstance(other, list):
            actual, other = [actual], [other]
        for one, two in zip(actual, other, strict=True):
            assert type(one) is kind
            assert values(one).dtype == two.dtype
            np.testing.assert_array_equal(values(one), two)
    if name != "columns":
        score = expected.score(IRIS, y, weight)
        assert model.score(X, xp.asarray(y), xp.asarray(weight)) == score
        assert model.score(IRIS, xp.asarray(y), weight) == score


def test_arrays_may_be_mixed(xp, dispatch):
    model = MLPClassifier((5,), random_state=0)
    expected = clone(model).partial_fit(
        IRIS, SPECIES, classes=[0, 1, 2], X_val=IRIS, y_val=SPECIES
    )
    X, y = xp.asarray(IRIS), xp.asarray(SPECIES)
    classes = xp.asarray(np.arange(3))
    model.partial_fit(IRIS, y, classes=classes, X_val=X, y_val=SPECIES)
    np.testing.assert_array_equal(model.coefs_[0], expected.coefs_[0])
    assert model.validation_loss_curve_ == expected.validation_loss_curve_
    assert isinstance(model.predict(IRIS), np.ndarray)


def test_words_stay_numpys(xp, dispatch):
    X = xp.asarray(IRIS)
    model = MLPClassifier((5,), random_state=0, max_iter=2).fit(X, WORDS[SPECIES])
    assert isinstance(model.predict_proba(X), type(X))
    np.testing.assert_array_equal(model.predict(X), model.predict(IRIS))


def test_early_stopping_splits_them(xp, dispatch):
    for model in (
        MLPRegressor(early_stopping=True, max_iter=3, random_state=0),
        NeuralNetClassifier(
            epochs=2, validation=0.2, metrics=["accuracy"], random_state=0
        ),
    ):
        expected = clone(model).fit(IRIS, SPECIES)
        model.fit(xp.asarray(IRIS), xp.asarray(SPECIES))
        assert model.validation_scores_ == expected.validation_scores_


def test_X_is_read_where_it_is(xp, dispatch, monkeypatch):
    model = MLPClassifier((5,), random_state=0, max_iter=2).fit(IRIS, SPECIES)
    X = xp.asarray(IRIS)
    seen = []
    predictor = type(model._fitted.predictor)
    predict = predictor.predict

    def watched(self, parameters, X, n_jobs=1):
        seen.append(X)
        return predict(self, parameters, X, n_jobs)

    monkeypatch.setattr(predictor, "predict", watched)
    model.predict(X)
    (array,) = seen
    assert np.shares_memory(array, np.from_dlpack(X))


def test_what_is_wrong_is_told_as_for_numpy(xp, dispatch):
    model = MLPClassifier((5,), random_state=0, max_iter=2).fit(IRIS, SPECIES)
    for X in (IRIS[:, :3], IRIS[0], np.full_like(IRIS, np.inf)):
        with pytest.raises(ValueError) as expected:  # noqa: PT011
            model.predict(X)
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            model.predict(xp.asarray(X))
        assert str(caught.value) == str(expected.value)


def test_a_users_tensors_become_tensors(dispatch):
    torch = pytest.importorskip("torch")

    class Labelled(torch.Tensor):
        pass

    model = MLPClassifier((5,), random_state=0, max_iter=2).fit(IRIS, SPECIES)
    actual = model.predict(torch.asarray(IRIS).as_subclass(Labelled))
    assert type(actual) is torch.Tensor
    np.testing.assert_array_equal(values(actual), model.predict(IRIS))


def test_a_tensor_with_a_gradient_says_what_to_do(dispatch):
    torch = pytest.importorskip("torch")
    X = torch.asarray(IRIS).requires_grad_()
    with pytest.raises(RuntimeError, match=r"Use tensor.detach\(\).numpy\(\) instead"):
        MLPClassifier().fit(X, SPECIES)


def test_without_dispatch_predictions_are_numpys():
    torch = pytest.importorskip("torch")
    X, y = torch.asarray(IRIS), torch.asarray(SPECIES)
    model = MLPClassifier((5,), random_state=0, max_iter=2).fit(X, y)
    for method in methods(model):
        assert isinstance(getattr(model, method)(X), np.ndarray)
    assert model.score(X, y) == model.score(IRIS, SPECIES)


def test_numpy_lists_and_frames_are_as_without_dispatch(dispatch):
    pandas = pytest.importorskip("pandas")
    model = MLPClassifier((5,), random_state=0, max_iter=2)
    for X in (IRIS, IRIS.tolist(), pandas.DataFrame(IRIS, columns=list("abcd"))):
        model.fit(X, SPECIES)
        for method in methods(model):
            assert isinstance(getattr(model, method)(X), np.ndarray)
    scores = cross_val_score(model, IRIS, SPECIES, cv=3)
    with sklearn.config_context(array_api_dispatch=False):
        np.testing.assert_array_equal(
            cross_val_score(model, IRIS, SPECIES, cv=3), scores
        )


# As a user has it: SciPy reads its variable when it is imported.
WHOLE = """
import importlib, sys
import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_iris
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from fastnn import MLPClassifier

xp = importlib.import_module(sys.argv[1])
sklearn.set_config(array_api_dispatch=True)
X, y = load_iris(return_X_y=True)
model = MLPClassifier((8,), learning_rate_init=0.05, max_iter=60, random_state=0)
pipe = make_pipeline(StandardScaler(), model)
own, labels = xp.asarray(X), xp.asarray(y)
pipe.fit(own, labels)
predicted = pipe.predict(own)
assert type(predicted) is type(own)
score = pipe.score(own, labels)
assert 0.8 < score == pytest.approx(accuracy_score(labels, predicted), rel=1e-6)
np.testing.assert_allclose(np.from_dlpack(pipe.predict_proba(own)),
                           pipe.fit(X, y).predict_proba(X), atol=1e-6)
"""


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_pipeline_works_as_users_have_it(library):
    pytest.importorskip(library)
    command = [sys.executable, "-W", "ignore", "-c", WHOLE, library]
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert not done.returncode, done.stderr
