"""Arrays of CuPy and others that are on a card, in the estimators and out of them."""

import warnings
from types import SimpleNamespace

import fake_arrays
import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from emulation import EmulatedDevice, device_under_test
from pairs import in_pairs, in_turn
from predictors import PREDICTORS, WORDS, methods
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from test_cuda_estimators import ESTIMATORS, IRIS, SPECIES, forget, install

from fastnn import (
    HiddenLayerTransformer,
    MLPClassifier,
    MLPRegressor,
    NeuralNetClassifier,
)
from fastnn.engine.cuda import device as module


@pytest.fixture
def cupy(monkeypatch):
    """CuPy, over an emulated card unless that of this machine is asked for."""
    device = device_under_test()
    if isinstance(device, EmulatedDevice):
        yield install(monkeypatch, device)
        assert [fake_arrays.DEFAULT] == fake_arrays.PRESENT
    else:
        forget()
        yield module.import_cupy()
    device.check()
    monkeypatch.undo()
    forget()


def copies(cupy):
    """Sizes of what was copied to the host and from it, as the emulated card knows."""
    return getattr(cupy, "card", SimpleNamespace(to_host=[0], from_host=[]))


def tensor(array):
    """The same as PyTorch's, or what stands in for that."""
    if isinstance(array, fake_arrays.ndarray):
        return fake_arrays.from_dlpack(array)
    return pytest.importorskip("torch").from_dlpack(array)


@pytest.fixture(params=[False, True])
def dispatch(request, monkeypatch):
    """With array_api_dispatch and without it."""
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    with sklearn.config_context(array_api_dispatch=request.param):
        yield request.param


def targets(estimator):
    classifies = hasattr(estimator, "predict_proba")
    return SPECIES if classifies else IRIS[:, :2].sum(axis=1)


def fit(estimator, X, y=None, weight=None, **options):
    fixed = {"random_state": 0, "device": "cuda"}
    estimator = clone(estimator).set_params(**fixed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(
            X, targets(estimator) if y is None else y, weight, **options
        )


def fitted(X=IRIS, y=None, **options):
    return fit(MLPClassifier((5,), max_iter=2, **options), X, y)


def values(array):
    """The numbers of an array, which those of the emulated card do not tell NumPy."""
    if isinstance(array, list):
        return [values(each) for each in array]
    if isinstance(array, fake_arrays.ndarray):
        return array._values
    if isinstance(array, fake_arrays.Tensor):
        return array.values
    return array.get() if hasattr(array, "get") else array.cpu().numpy()


# ------------------------------------------------------------------ fit


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_fit_to_what_is_on_the_card_is_the_same(name, cupy, dispatch):
    weight = 1 + np.arange(150) % 3
    expected = fit(ESTIMATORS[name], IRIS, weight=weight)
    X = cupy.asarray(IRIS)
    copied = copies(cupy)
    copied.to_host.clear()
    copied.from_host.clear()
    actual = fit(ESTIMATORS[name], X, weight=weight)
    # Neither X nor its part that is trained on was copied to the host or from it.
    assert max(copied.to_host, default=0) < 0.5 * IRIS.size
    assert not {IRIS.size, IRIS.size * 4 // 5} & set(copied.from_host)
    np.testing.assert_array_equal(
        actual._fitted.parameters, expected._fitted.parameters
    )
    for curve in ("loss_curve_", "validation_loss_curve_", "validation_scores_"):
        assert getattr(actual, curve, None) == getattr(expected, curve, None)
    assert actual.n_features_in_ == 4


@in_pairs(
    dtype=["float32", "float64", None],
    there=[np.float16, np.float32, np.float64, np.int8, bool],
    order=["C", "F", "odd rows"],
)
def test_numbers_and_layouts_are_those_of_the_host(dtype, there, order, cupy):
    X = (3 * IRIS).astype(there)
    own = cupy.asarray(np.array(X, order="F" if order == "F" else "C"))
    if order == "odd rows":
        X, own = X[1::2], own[1::2]
    assert own.flags.c_contiguous == (order == "C")
    y = SPECIES[: len(X)]
    expected, actual = (fitted(each, y, dtype=dtype) for each in (X, own))
    assert actual.coefs_[0].dtype == expected.coefs_[0].dtype
    np.testing.assert_array_equal(actual.coefs_[0], expected.coefs_[0])
    probabilities = actual.predict_proba(own)
    expected = expected.predict_proba(X)
    assert probabilities.dtype == expected.dtype
    np.testing.assert_array_equal(values(probabilities), expected)


def test_bfloat16_is_read_as_float32(cupy):
    types = pytest.importorskip("ml_dtypes")
    X = IRIS.astype(types.bfloat16)
    own = cupy.asarray(X)
    for dtype in ("float32", None):
        expected = fitted(X.astype(np.float32 if dtype else np.float64), dtype=dtype)
        actual = fitted(own, dtype=dtype)
        np.testing.assert_array_equal(actual.coefs_[0], expected.coefs_[0])
        assert actual.coefs_[0].dtype == expected.coefs_[0].dtype
    assert isinstance(actual.predict(own), cupy.ndarray)
    X[70, 2] = np.nan
    assert "contains NaN" in told(fitted, cupy.asarray(X))


def test_partial_fit_takes_arrays_of_the_card(cupy, dispatch):
    expected, actual = (
        MLPClassifier((5,), random_state=0, device="cuda") for _ in range(2)
    )
    weight = np.linspace(1, 2, 150)
    for rows in (slice(0, 90), slice(60, 150)):
        passed = IRIS[rows], SPECIES[rows], weight[rows]
        expected.partial_fit(*passed, classes=[0, 1, 2])
        classes = cupy.asarray(np.arange(3))
        actual.partial_fit(*map(cupy.asarray, passed), classes=classes)
    np.testing.assert_array_equal(actual.coefs_[0], expected.coefs_[0])
    columns = np.c_[SPECIES, np.arange(150) % 4]
    classes = [cupy.asarray(np.arange(n)) for n in (3, 4)]
    X, y = cupy.asarray(IRIS), cupy.asarray(columns)
    model = MLPClassifier((5,), device="cuda").partial_fit(X, y, classes=classes)
    assert [len(each) for each in model.classes_] == [3, 4]
    X, y = cupy.asarray(IRIS), cupy.asarray(IRIS[:, 0])
    MLPRegressor(device="cuda").partial_fit(X, y)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_only_X_decides_where_to_compute(device, cupy, dispatch):
    weight = np.linspace(1, 2, 150)
    model = MLPClassifier((5,), random_state=0, device=device)
    expected = clone(model).partial_fit(IRIS, SPECIES, weight, classes=[0, 1, 2])
    y, on_card = map(cupy.asarray, (SPECIES, weight))
    actual = model.partial_fit(IRIS, y, on_card, classes=[0, 1, 2])
    np.testing.assert_array_equal(actual.coefs_[0], expected.coefs_[0])
    assert isinstance(model.predict(IRIS), np.ndarray)
    assert model.score(IRIS, y, on_card) == expected.score(IRIS, SPECIES, weight)


def test_weights_may_be_a_number(cupy, dispatch):
    X = cupy.asarray(IRIS)
    one, two = (
        MLPClassifier((5,), random_state=0, device="cuda").partial_fit(
            X, SPECIES, weight, classes=[0, 1, 2]
        )
        for weight in (None, 2.0)
    )
    np.testing.assert_allclose(one.coefs_[0], two.coefs_[0], rtol=1e-5)


# ------------------------------------------------------------------ validation data

JUDGED = {
    "mlp": MLPClassifier((5,), max_iter=4),
    "net": NeuralNetClassifier(epochs=4, batch_size=50, metrics=["accuracy"]),
}


@pytest.mark.parametrize("model", JUDGED.values(), ids=JUDGED)
def test_validation_data_may_be_on_the_card(model, cupy, dispatch):
    X_val, y_val = IRIS[1::2], SPECIES[1::2]
    expected = fit(model, IRIS, X_val=X_val, y_val=y_val)
    X_val, y_val = cupy.asarray(X_val), cupy.asarray(y_val)
    for X in (IRIS, cupy.asarray(IRIS)):
        actual = fit(model, X, X_val=X_val, y_val=y_val)
        assert actual.validation_loss_curve_ == expected.validation_loss_curve_
        assert actual.validation_scores_ == expected.validation_scores_


# ------------------------------------------------------------------ outputs


@in_turn(name=PREDICTORS, library=["CuPy", "PyTorch"])
def test_outputs_are_where_X_is(library, name, cupy, dispatch):
    estimator, y = PREDICTORS[name]
    model = fit(estimator, IRIS, y)
    X = cupy.asarray(IRIS)
    X = X if library == "CuPy" else tensor(X)
    copied = copies(cupy)
    for method in methods(model):
        expected = getattr(model, method)(IRIS)
        copied.to_host.clear()
        actual = getattr(model, method)(X)
        # Whether all is finite, block by block, and the few sums of a pass over the
        # rows.
        assert max(copied.to_host, default=0) <= len(IRIS) / 10
        if isinstance(expected, list):
            assert len(actual) == len(expected)
        else:
            actual, expected = [actual], [expected]
        for own, other in zip(actual, expected, strict=True):
            assert type(own) is type(X)
            assert values(own).dtype == other.dtype
            np.testing.assert_array_equal(values(own), other)
            # It is used on that stream, and memory goes back to it.
            stream = getattr(own, "allocated_on", fake_arrays.DEFAULT)
            assert stream is fake_arrays.DEFAULT
    if name != "columns":
        assert model.score(X, y) == model.score(IRIS, y)


def test_words_are_told_on_the_host(cupy, dispatch):
    X = cupy.asarray(IRIS)
    model = fitted(X, WORDS[SPECIES])
    assert isinstance(model.predict_proba(X), cupy.ndarray)
    labels = model.predict(X)
    assert isinstance(labels, np.ndarray)
    np.testing.assert_array_equal(labels, model.predict(IRIS))
    assert model.score(X, WORDS[SPECIES]) == model.score(IRIS, WORDS[SPECIES])


def test_columns_of_words_are_told_on_the_host(cupy):
    y = np.c_[WORDS[SPECIES], WORDS[np.arange(150) % 3]]
    X = cupy.asarray(IRIS)
    model = fitted(X, y)
    labels = model.predict(X)
    assert isinstance(labels, np.ndarray)
    np.testing.assert_array_equal(labels, model.predict(IRIS))
    assert all(isinstance(each, cupy.ndarray) for each in model.predict_proba(X))


def test_sparse_labels_are_sparse(cupy):
    y = sp.csr_matrix(np.c_[SPECIES > 0, SPECIES > 1] * 1)
    X = cupy.asarray(IRIS)
    model = fitted(X, y)
    labels = model.predict(X)
    assert sp.issparse(labels)
    np.testing.assert_array_equal(labels.toarray(), model.predict(IRIS).toarray())
    assert model.score(X, y) == model.score(IRIS, y)


def test_a_hidden_layer_transforms_on_the_card(cupy, dispatch):
    X = cupy.asarray(IRIS)
    network = MLPClassifier((5, 3), max_iter=2, random_state=0, device="cuda")
    last = MLPClassifier((4,), max_iter=2, random_state=0, device="cuda")
    pipe = make_pipeline(HiddenLayerTransformer(network), last)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        expected = clone(pipe).fit(IRIS, SPECIES).predict_proba(IRIS)
        copied = copies(cupy)
        copied.to_host.clear()
        actual = pipe.fit(X, SPECIES).predict_proba(X)
    assert max(copied.to_host, default=0) < IRIS.size
    np.testing.assert_array_equal(values(actual), expected)


def test_work_of_another_stream_is_waited_for(cupy):
    model = fitted()
    expected = model.predict_proba(IRIS)
    source, busy = map(cupy.asarray, (IRIS, np.zeros((300, 300))))
    X = cupy.asarray(np.zeros_like(IRIS))
    with cupy.cuda.Stream(non_blocking=True) as stream:
        for _ in range(30):
            busy = busy @ busy
        X[...] = source
        actual = model.predict_proba(X)
        X[...] = busy[:150, :4]  # not before it is read
        stream.synchronize()
    np.testing.assert_array_equal(values(actual), expected)


# ------------------------------------------------------------------ what is refused

BAD = {
    "one dimension": IRIS[0],
    "a number": IRIS[0, 0],
    "three dimensions": IRIS.reshape(15, 10, 4),
    "complex numbers": IRIS[:3] + 1j,
    "no samples": IRIS[:0],
    "no features": IRIS[:, :0],
    "NaN": np.where(IRIS[70, 2] == IRIS, np.nan, IRIS),
    "infinity": np.where(IRIS[70, 2] == IRIS, -np.inf, IRIS),
    "both": np.where(IRIS[70, 2] == IRIS, np.nan, np.inf),
    "half of infinity": np.full((150, 4), np.inf, np.float16),
}  # fmt: skip


def told(call, *arguments):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        call(*arguments)
    return str(caught.value)


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_is_told_as_on_the_host(what, cupy, dispatch):
    X, own = BAD[what], cupy.asarray(BAD[what])
    model = fitted()
    expected = told(fitted, X)
    if "both" not in what:
        assert told(fitted, own) == expected
    for name in methods(model):
        method = getattr(model, name)
        assert told(method, own) == told(method, X)
    if np.ndim(X) == 2:
        validate = {"X_val": own, "y_val": SPECIES[: len(X)]}
        with pytest.raises(ValueError, match="Validation data"):
            fit(MLPClassifier(), IRIS, **validate)


def test_another_number_of_features_is_told_as_on_the_host(cupy):
    model = fitted()
    expected = told(model.predict, IRIS[:, :3])
    assert told(model.predict, cupy.asarray(IRIS[:, :3])) == expected
    model.set_params(warm_start=True)
    expected = told(model.fit, IRIS[:, :3], SPECIES)
    assert told(model.fit, cupy.asarray(IRIS[:, :3]), SPECIES) == expected


@pytest.mark.parametrize(
    "y",
    [SPECIES[:-1], np.where(SPECIES, np.nan, 1.0), np.where(SPECIES, np.inf, 1.0)],
    ids=["too few", "NaN", "infinity"],
)
@pytest.mark.parametrize("model", [MLPClassifier(), MLPRegressor()])
def test_wrong_targets_are_told_as_on_the_host(y, model, cupy):
    X = cupy.asarray(IRIS)
    expected = told(fit, model, IRIS, y)
    assert told(fit, model, X, y) == expected
    assert told(fit, model, X, cupy.asarray(y)) == expected
    with pytest.raises(ValueError, match="requires y to be passed, but the target y"):
        clone(model).set_params(device="cuda").fit(X, None)


def test_finite_numbers_may_be_assumed(cupy):
    model = fitted()
    X = cupy.asarray(BAD["infinity"])
    with sklearn.config_context(assume_finite=True), np.errstate(invalid="ignore"):
        assert np.isnan(values(model.predict_proba(X))).any()


def test_names_of_features_are_missed(cupy):
    pandas = pytest.importorskip("pandas")
    model = fitted(pandas.DataFrame(IRIS, columns=list("abcd")))
    X = cupy.asarray(IRIS)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(X)
    assert not hasattr(fitted(X), "feature_names_in_")


def test_a_model_that_is_not_fitted_says_so(cupy):
    with pytest.raises(sklearn.exceptions.NotFittedError):
        MLPClassifier(device="cuda").predict(cupy.asarray(IRIS))


def test_the_cpu_takes_no_arrays_of_a_card(cupy, dispatch):
    X = cupy.asarray(IRIS)
    message = (
        r"{} is on a GPU \(\w+.ndarray\), and device='cpu' computes on the CPU."
        r" Set device='cuda' or 'auto', .* cupy.asnumpy\({}\)"
    )
    model = fitted()
    for method in methods(model):
        with pytest.raises(TypeError, match=message.format("X", "X")):
            getattr(model.set_params(device="cpu"), method)(X)
    before = model.predict_proba(IRIS)
    with pytest.raises(TypeError, match=message.format("X", "X")):
        model.fit(X, SPECIES)
    with pytest.raises(TypeError, match=message.format("X_val", "X_val")):
        model.fit(IRIS, SPECIES, X_val=X, y_val=SPECIES)
    np.testing.assert_array_equal(model.predict_proba(IRIS), before)
