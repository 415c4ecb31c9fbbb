"""Arrays of CuPy and others that are on a card, in the estimators and out of them."""

import gc
import warnings
import weakref

import fake_arrays
import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from emulation import emulated_device
from fake_arrays import DEFAULT, Tensor, ndarray
from fake_cupy import Bare
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from test_cuda_estimators import ESTIMATORS, IRIS, SPECIES, forget, install

from fastnn import (
    HiddenLayerTransformer,
    MLPClassifier,
    MLPRegressor,
    NeuralNetClassifier,
    NeuralNetRegressor,
)
from fastnn.cuda import device as module
from fastnn.device import downloaded
from fastnn.losses import MultiMargin, Quantile

METHODS = (
    "predict", "predict_proba", "predict_log_proba", "decision_function",
    "hidden_activations",
)  # fmt: skip


@pytest.fixture
def cupy(monkeypatch):
    """CuPy over an emulated card."""
    device = emulated_device()
    yield install(monkeypatch, device)
    device.check()
    monkeypatch.undo()
    forget()
    assert [DEFAULT] == fake_arrays.PRESENT


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
    """The numbers of an array of any library, by its back door."""
    if isinstance(array, list):
        return [values(each) for each in array]
    if isinstance(array, Tensor):
        return array.values
    assert isinstance(array, ndarray)
    return array._values


# ------------------------------------------------------------------ fit


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_fit_to_what_is_on_the_card_is_the_same(name, cupy, dispatch):
    weight = 1 + np.arange(150) % 3
    expected = fit(ESTIMATORS[name], IRIS, weight=weight)
    X = cupy.card.array(IRIS)
    cupy.card.to_host.clear()
    cupy.card.from_host.clear()
    actual = fit(ESTIMATORS[name], X, weight=weight)
    # Neither X nor its part that is trained on was copied to the host or from it.
    assert max(cupy.card.to_host) < 0.5 * IRIS.size
    assert not [n for n in cupy.card.from_host if n in (IRIS.size, IRIS.size * 4 // 5)]
    np.testing.assert_array_equal(
        actual._fitted.parameters, expected._fitted.parameters
    )
    for curve in ("loss_curve_", "validation_loss_curve_", "validation_scores_"):
        assert getattr(actual, curve, None) == getattr(expected, curve, None)
    assert actual.n_features_in_ == 4


@pytest.mark.parametrize("dtype", ["float32", "float64", None])
@pytest.mark.parametrize("there", [np.float16, np.float32, np.float64, np.int8, bool])
@pytest.mark.parametrize("order", ["C", "F", "odd rows"])
def test_numbers_and_layouts_are_those_of_the_host(dtype, there, order, cupy):
    X = (3 * IRIS).astype(there)
    X = X[1::2] if order == "odd rows" else np.array(X, order=order)
    own = ndarray(cupy.card, X)  # where it lies does not matter here
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
    own = ndarray(cupy.card, X)
    for dtype in ("float32", None):
        expected = fitted(X.astype(np.float32 if dtype else np.float64), dtype=dtype)
        actual = fitted(own, dtype=dtype)
        np.testing.assert_array_equal(actual.coefs_[0], expected.coefs_[0])
        assert actual.coefs_[0].dtype == expected.coefs_[0].dtype
    assert isinstance(actual.predict(own), ndarray)
    own[:1, :1] = ndarray(cupy.card, np.array([[np.nan]], types.bfloat16))
    assert "contains NaN" in told(fitted, own)


def test_partial_fit_takes_arrays_of_the_card(cupy, dispatch):
    expected, actual = (
        MLPClassifier((5,), random_state=0, device="cuda") for _ in range(2)
    )
    weight = np.linspace(1, 2, 150)
    for rows in (slice(0, 90), slice(60, 150)):
        passed = IRIS[rows], SPECIES[rows], weight[rows]
        expected.partial_fit(*passed, classes=[0, 1, 2])
        classes = cupy.card.array(np.arange(3))
        actual.partial_fit(*map(cupy.card.array, passed), classes=classes)
    np.testing.assert_array_equal(actual.coefs_[0], expected.coefs_[0])
    X, y = cupy.card.array(IRIS), cupy.card.array(IRIS[:, 0])
    MLPRegressor(device="cuda").partial_fit(X, y)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_only_X_decides_where_to_compute(device, cupy, dispatch):
    weight = np.linspace(1, 2, 150)
    model = MLPClassifier((5,), random_state=0, device=device)
    expected = clone(model).partial_fit(IRIS, SPECIES, weight, classes=[0, 1, 2])
    y, on_card = map(cupy.card.array, (SPECIES, weight))
    actual = model.partial_fit(IRIS, y, on_card, classes=[0, 1, 2])
    np.testing.assert_array_equal(actual.coefs_[0], expected.coefs_[0])
    assert isinstance(model.predict(IRIS), np.ndarray)
    assert model.score(IRIS, y, on_card) == expected.score(IRIS, SPECIES, weight)


def test_weights_may_be_a_number(cupy, dispatch):
    X = cupy.card.array(IRIS)
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
    X_val, y_val = cupy.card.array(X_val), cupy.card.array(y_val)
    for X in (IRIS, cupy.card.array(IRIS)):
        actual = fit(model, X, X_val=X_val, y_val=y_val)
        assert actual.validation_loss_curve_ == expected.validation_loss_curve_
        assert actual.validation_scores_ == expected.validation_scores_


@pytest.mark.parametrize("model", JUDGED.values(), ids=JUDGED)
@pytest.mark.parametrize(("free", "times"), [(2**30, 1), (2 * 19 * 16, 1), (600, 4)])
def test_validation_data_of_the_host_is_copied_once(model, free, times, cupy):
    X_val, y_val = IRIS[:19].astype(np.float32), SPECIES[:19]
    cupy.cuda.runtime.memGetInfo = lambda: (free, 2**30)
    model = clone(model)
    if "metrics" in model.get_params():
        model.set_params(metrics=[])  # a scorer predicts for what is on the host
    cupy.card.from_host.clear()
    model = fit(model, IRIS, X_val=X_val, y_val=y_val)
    assert cupy.card.from_host.count(X_val.size) == times
    again = fit(model.set_params(device="cpu"), IRIS, X_val=X_val, y_val=y_val)
    np.testing.assert_allclose(
        model.validation_loss_curve_, again.validation_loss_curve_, rtol=1e-4
    )


def test_a_limit_of_the_memory_pool_is_kept(cupy):
    gpu = module.find_device("cuda")
    cupy.cuda.runtime.memGetInfo = lambda: (1000, 2000)
    pool = cupy.get_default_memory_pool()
    cupy.get_default_memory_pool = lambda: pool
    pool.free_bytes = lambda: 50
    assert gpu.room() == 1050
    pool.get_limit, pool.used_bytes = lambda: 700, lambda: 300
    assert gpu.room() == 400


# ------------------------------------------------------------------ outputs

PREDICTORS = {
    "classes": (MLPClassifier((5,), max_iter=2), SPECIES),
    "two classes": (MLPClassifier((5,), max_iter=2), SPECIES > 0),
    "one class": (MLPClassifier((5,), max_iter=2), np.full(150, 3)),
    "far apart": (MLPClassifier((5,), max_iter=2), 1e3 * SPECIES - 7),
    "labels": (MLPClassifier((5,), max_iter=2), np.c_[SPECIES > 0, SPECIES > 1] * 1),
    "columns": (
        MLPClassifier((5,), max_iter=2),
        np.c_[SPECIES, np.arange(150) % 4],
    ),
    "margins": (NeuralNetClassifier(epochs=2, loss="hinge"), SPECIES > 0),
    "many margins": (NeuralNetClassifier(epochs=2, loss=MultiMargin()), SPECIES),
    "number": (MLPRegressor(hidden_layer_sizes=5, max_iter=2), IRIS[:, 0]),
    "numbers": (MLPRegressor(hidden_layer_sizes=5, max_iter=2), IRIS[:, :3]),
    "quantiles": (
        NeuralNetRegressor(epochs=2, loss=Quantile([0.1, 0.9])),
        IRIS[:, :2],
    ),
}  # fmt: skip


def methods(model):
    return [name for name in METHODS if hasattr(model, name)]


@pytest.mark.parametrize("library", [ndarray, Tensor])
@pytest.mark.parametrize("name", PREDICTORS)
def test_outputs_are_where_X_is(library, name, cupy, dispatch):
    estimator, y = PREDICTORS[name]
    model = fit(estimator, IRIS, y)
    X = cupy.card.array(IRIS)
    X = X if library is ndarray else fake_arrays.from_dlpack(X)
    for method in methods(model):
        expected = getattr(model, method)(IRIS)
        cupy.card.to_host.clear()
        actual = getattr(model, method)(X)
        # Whether all is finite, and no sums of losses.
        assert max(cupy.card.to_host) <= 6
        if isinstance(expected, list):
            assert len(actual) == len(expected)
        else:
            actual, expected = [actual], [expected]
        for own, other in zip(actual, expected, strict=True):
            assert isinstance(own, library)
            assert values(own).dtype == other.dtype
            np.testing.assert_array_equal(values(own), other)
            # It is used on that stream, and memory goes back to it.
            assert own.allocated_on is DEFAULT
    if name != "columns":
        assert model.score(X, y) == model.score(IRIS, y)


def test_a_numba_array_gives_arrays_of_cupy(cupy):
    model = fitted()
    X = Bare(cupy.card.array(IRIS))
    np.testing.assert_array_equal(values(model.predict(X)), model.predict(IRIS))
    np.testing.assert_array_equal(fitted(X).coefs_[0], model.coefs_[0])


WORDS = np.array(["setosa", "versicolor", "virginica"])


def test_words_are_told_on_the_host(cupy, dispatch):
    X = cupy.card.array(IRIS)
    model = fitted(X, WORDS[SPECIES])
    assert isinstance(model.predict_proba(X), ndarray)
    labels = model.predict(X)
    assert isinstance(labels, np.ndarray)
    np.testing.assert_array_equal(labels, model.predict(IRIS))
    assert model.score(X, WORDS[SPECIES]) == model.score(IRIS, WORDS[SPECIES])


def test_columns_of_words_are_told_on_the_host(cupy):
    y = np.c_[WORDS[SPECIES], WORDS[np.arange(150) % 3]]
    X = cupy.card.array(IRIS)
    model = fitted(X, y)
    labels = model.predict(X)
    assert isinstance(labels, np.ndarray)
    np.testing.assert_array_equal(labels, model.predict(IRIS))
    assert all(isinstance(each, ndarray) for each in model.predict_proba(X))


def test_sparse_labels_are_sparse(cupy):
    y = sp.csr_matrix(np.c_[SPECIES > 0, SPECIES > 1] * 1)
    X = cupy.card.array(IRIS)
    model = fitted(X, y)
    labels = model.predict(X)
    assert sp.issparse(labels)
    np.testing.assert_array_equal(labels.toarray(), model.predict(IRIS).toarray())
    assert model.score(X, y) == model.score(IRIS, y)


def test_a_hidden_layer_transforms_on_the_card(cupy, dispatch):
    X = cupy.card.array(IRIS)
    network = MLPClassifier((5, 3), max_iter=2, random_state=0, device="cuda")
    last = MLPClassifier((4,), max_iter=2, random_state=0, device="cuda")
    pipe = make_pipeline(HiddenLayerTransformer(network), last)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        expected = clone(pipe).fit(IRIS, SPECIES).predict_proba(IRIS)
        cupy.card.to_host.clear()
        actual = pipe.fit(X, SPECIES).predict_proba(X)
    assert max(cupy.card.to_host) < IRIS.size
    np.testing.assert_array_equal(values(actual), expected)


# ------------------------------------------------------------------ streams


@pytest.mark.parametrize("library", [ndarray, Tensor])
def test_streams_wait_for_each_other(library, cupy):
    model = fitted()
    gpu = module.find_device("cuda")
    theirs = DEFAULT if library is ndarray else Tensor.stream
    X = cupy.card.array(np.full_like(IRIS, np.nan))
    own = X._values
    X = X if library is ndarray else fake_arrays.from_dlpack(X)
    for use in (model.predict_proba, fitted):
        # X is written to when somebody waits for it.
        own[...] = np.nan
        theirs.late.append(lambda: np.copyto(own, IRIS))
        gpu._stream.waited_for.clear()
        theirs.waited_for.clear()
        result = use(X)
        assert theirs in gpu._stream.waited_for
        if use == model.predict_proba:
            # Whoever reads the outputs, on either stream, comes after ours.
            assert gpu._stream in DEFAULT.waited_for
            assert theirs is DEFAULT or DEFAULT in theirs.waited_for
            np.testing.assert_array_equal(values(result), model.predict_proba(IRIS))
        else:
            np.testing.assert_array_equal(result.coefs_[0], model.coefs_[0])


def test_a_named_stream_is_waited_for(cupy):
    model = fitted()
    X = cupy.card.array(np.full_like(IRIS, np.nan))
    DEFAULT.late.append(lambda: np.copyto(X._values, IRIS))
    actual = model.predict_proba(Bare(X))
    np.testing.assert_array_equal(values(actual), model.predict_proba(IRIS))


def test_an_adopted_array_is_not_copied_but_kept(cupy):
    gpu = module.find_device("cuda")
    array = cupy.card.array(IRIS)
    for each in (array, fake_arrays.from_dlpack(array), Bare(array)):
        adopted = gpu.adopt(each)
        assert adopted.buffer.address == array.data.ptr
        assert (adopted.shape, adopted.dtype) == (IRIS.shape, IRIS.dtype)
        assert gpu.holds(adopted.buffer)
    other = gpu.adopt(ndarray(cupy.card, IRIS[:, ::2]))
    np.testing.assert_array_equal(gpu.give(other)._values, IRIS[:, ::2])


def test_a_tensor_lives_as_long_as_it_is_used(cupy):
    gpu = module.find_device("cuda")
    tensor = fake_arrays.from_dlpack(cupy.card.array(IRIS))
    adopted = gpu.adopt(tensor)[20:30]
    seen = weakref.ref(tensor)
    del tensor
    gc.collect()
    assert seen() is not None
    np.testing.assert_array_equal(downloaded(gpu, adopted), IRIS[20:30])
    del adopted
    gc.collect()
    assert seen() is None


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
    X, own = BAD[what], cupy.card.array(BAD[what])
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
    assert told(model.predict, cupy.card.array(IRIS[:, :3])) == expected
    model.set_params(warm_start=True)
    expected = told(model.fit, IRIS[:, :3], SPECIES)
    assert told(model.fit, cupy.card.array(IRIS[:, :3]), SPECIES) == expected


@pytest.mark.parametrize(
    "y",
    [SPECIES[:-1], np.where(SPECIES, np.nan, 1.0), np.where(SPECIES, np.inf, 1.0)],
    ids=["too few", "NaN", "infinity"],
)
@pytest.mark.parametrize("model", [MLPClassifier(), MLPRegressor()])
def test_wrong_targets_are_told_as_on_the_host(y, model, cupy):
    X = cupy.card.array(IRIS)
    expected = told(fit, model, IRIS, y)
    assert told(fit, model, X, y) == expected
    assert told(fit, model, X, cupy.card.array(y)) == expected
    with pytest.raises(ValueError, match="requires y to be passed, but the target y"):
        clone(model).set_params(device="cuda").fit(X, None)


def test_finite_numbers_may_be_assumed(cupy):
    model = fitted()
    X = cupy.card.array(BAD["infinity"])
    with sklearn.config_context(assume_finite=True), np.errstate(invalid="ignore"):
        assert np.isnan(values(model.predict_proba(X))).any()


def test_names_of_features_are_missed(cupy):
    pandas = pytest.importorskip("pandas")
    model = fitted(pandas.DataFrame(IRIS, columns=list("abcd")))
    X = cupy.card.array(IRIS)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(X)
    assert not hasattr(fitted(X), "feature_names_in_")


def test_a_model_that_is_not_fitted_says_so(cupy):
    with pytest.raises(sklearn.exceptions.NotFittedError):
        MLPClassifier(device="cuda").predict(cupy.card.array(IRIS))


def test_the_cpu_takes_no_arrays_of_a_card(cupy, dispatch):
    X = cupy.card.array(IRIS)
    message = (
        r"{} is on a GPU \(fake_arrays.ndarray\), and device='cpu' computes on the CPU."
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


@pytest.mark.parametrize("library", [ndarray, Tensor, Bare])
def test_another_card_is_refused(library, cupy):
    model = fitted()
    X = cupy.card.array(IRIS)
    cupy.card.number = 3
    X = ndarray(cupy.card, X._values)
    if library is Tensor:
        X = fake_arrays.from_dlpack(X)
    elif library is Bare:
        X = Bare(X)
    message = r"X: the array is on card 3, .* is card 0: .*`with cupy.cuda.Device\(3\)"
    for call in (model.predict, lambda X: fitted(X)):
        with pytest.raises(ValueError, match=message):
            call(X)


def test_what_is_missing_is_named(cupy, monkeypatch):
    model = fitted()
    model.set_params(device="auto")
    X = fake_arrays.from_dlpack(cupy.card.array(IRIS))

    def missing():
        raise ImportError("No module named 'cupy'")

    with monkeypatch.context() as patch:
        patch.setattr(module, "import_cupy", missing)
        forget()
        message = (
            r"X is on a GPU \(fake_arrays.Tensor\), which cannot be used, because CuPy "
            "is not installed"
        )
        with pytest.raises(RuntimeError, match=message):
            model.predict(X)
        with pytest.raises(RuntimeError, match=message):
            clone(model).fit(X, SPECIES)
        with pytest.raises(RuntimeError, match=message.replace("X is", "y is")):
            clone(model).fit(IRIS, X)
