"""device="cuda" and "auto" in the estimators."""

import pickle
import re
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from emulation import EmulatedDevice, device_under_test
from fake_cupy import CUDARuntimeError, fake_cupy
from pairs import in_pairs
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastnn
from fastnn import (
    Heads,
    MLPClassifier,
    MLPRegressor,
    NeuralNet,
    NeuralNetClassifier,
    NeuralNetRegressor,
    Sequential,
    Targets,
)
from fastnn.averaging import SWA
from fastnn.engine.cuda import cublas, find_device
from fastnn.engine.cuda import device as module
from fastnn.engine.cuda.gpu import GPU
from fastnn.engine.device import Matrix, Product
from fastnn.layers import BatchNorm, Dense, Dropout, LayerNorm, PReLU
from fastnn.losses import CustomLoss

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = StandardScaler().fit_transform(IRIS)


def forget():
    module.missing_piece.cache_clear()
    module._gpu.cache_clear()


def install(monkeypatch, device, **options):
    """Make a device the card that is found; returns CuPy."""
    cupy, library = fake_cupy(device, **options)
    monkeypatch.setattr(module, "import_cupy", lambda: cupy)
    for each in (module, cublas):
        monkeypatch.setattr(each, "load_library", lambda: library)
    forget()
    return cupy


@pytest.fixture
def card(monkeypatch):
    """The device that estimators find; whether it was used can be asked."""
    device = device_under_test()
    device.launches = 0
    find = GPU.kernel

    def kernel(self, stem, name):
        device.launches += 1
        return find(self, stem, name)

    monkeypatch.setattr(GPU, "kernel", kernel)
    if isinstance(device, EmulatedDevice):
        install(monkeypatch, device)
    forget()
    yield device
    device.check()
    monkeypatch.undo()
    forget()


@pytest.fixture
def broken(monkeypatch):
    """Makes CuPy raise an error when it is imported, or asked for cards."""

    def breaking(imported=None, asked=None, n_cards=0, libraries=None):
        def import_cupy():
            if imported is not None:
                raise imported
            cupy, _ = fake_cupy(None, n_cards)

            def ask(*_):
                raise asked

            if asked is not None:
                cupy.cuda.runtime.getDeviceCount = ask
            if libraries is not None:
                asked_for = libraries

                def version():
                    raise asked_for

                cupy.cuda.nvrtc.getVersion = version
            return cupy

        monkeypatch.setattr(module, "import_cupy", import_cupy)
        forget()

    yield breaking
    monkeypatch.undo()
    forget()


def squared(y, z):
    return ((z - y) ** 2).sum(axis=1), 2 * (z - y)


def layers(dropout=0.2):
    return Sequential(
        [
            *(Dense(8), BatchNorm(), PReLU(), Dropout(dropout)),
            *(Dense(6, "gelu"), LayerNorm()),
        ]
    )


ESTIMATORS = {
    "classifier": MLPClassifier((7, 5), max_iter=5),
    "regressor": MLPRegressor(
        hidden_layer_sizes=7, activation="tanh", solver="sgd", max_iter=5, momentum=0.9
    ),
    "stopped_early": MLPClassifier((7,), max_iter=6, early_stopping=True),
    "lbfgs": MLPClassifier((5,), solver="lbfgs", max_iter=8),
    "net": NeuralNetClassifier(layers(), epochs=5, batch_size=32),
    "averaged": NeuralNetClassifier(
        layers(0.0), epochs=4, batch_size=50,
        averaging=SWA(0.5),
        validation=0.2, metrics=["balanced_accuracy"],
    ),
    "own_loss": NeuralNetRegressor(
        Sequential([Dense(6, "silu")]), epochs=3, loss=CustomLoss(squared)
    ),
}  # fmt: skip


def fit(estimator, X=IRIS, **fixed):
    estimator = clone(estimator).set_params(dtype="float64", random_state=0, **fixed)
    y = SPECIES if hasattr(estimator, "predict_proba") else IRIS[:, :2].sum(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y, sample_weight=1 + np.arange(150) % 3)


def outputs(estimator, X=IRIS):
    return getattr(estimator, "predict_proba", estimator.predict)(X)


@pytest.mark.parametrize("device", ["cuda", "auto"])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_fit_is_that_of_the_cpu(name, device, card):
    expected = fit(ESTIMATORS[name])
    assert card.launches == 0
    actual = fit(ESTIMATORS[name], device=device)
    trained = card.launches
    assert trained > 0
    assert isinstance(actual._fitted.parameters, np.ndarray)
    rtol = 1e-3 if name == "lbfgs" else 1e-7  # whose line searches magnify rounding
    np.testing.assert_allclose(
        actual._fitted.parameters, expected._fitted.parameters, rtol=rtol, atol=rtol
    )
    np.testing.assert_allclose(outputs(actual), outputs(expected), atol=10 * rtol)
    assert card.launches > trained
    for curve in ("loss_curve_", "validation_loss_curve_", "validation_scores_"):
        own, other = (getattr(each, curve, None) for each in (actual, expected))
        assert (own is None) == (other is None)
        if own is not None:
            np.testing.assert_allclose(own, other, rtol=1e-6)
    assert actual.precision_ == "float64"
    assert (expected.device_, actual.device_) == ("cpu", "cuda")


def fit_in(precision, **options):
    options = {"max_iter": 5, "random_state": 0, "device": "cuda", **options}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = MLPClassifier((7,), precision=precision, **options)
        return model.fit(IRIS, SPECIES)


@pytest.mark.parametrize(("precision", "error"), [("tf32", 1e-3), ("bf16", 1e-2)])
def test_products_of_less_precision_are_taken_where_they_are_asked_for(
    precision, error, card
):
    exact, model = fit_in(None), fit_in(precision)
    assert (exact.precision_, model.precision_) == ("float32", precision)
    assert model.coefs_[0].dtype == np.float32
    difference = abs(outputs(model) - outputs(exact)).max()
    assert error / 1000 < difference < error


def test_a_precision_that_the_card_does_not_have_is_not_taken(card, monkeypatch):
    assert fit_in("high").precision_ == "float32"
    if isinstance(card, EmulatedDevice):
        install(monkeypatch, card, capability="75")
        assert fit_in("tf32").precision_ == "float32"


def test_a_precision_of_cards_is_none_of_processors():
    model, exact = fit_in("tf32", device="cpu"), fit_in(None, device="cpu")
    assert model.precision_ == "float32"
    np.testing.assert_array_equal(outputs(model), outputs(exact))


def test_less_precision_and_float64_exclude_each_other(card):
    with pytest.raises(ValueError, match="precision='tf32' is for computing in float3"):
        fit_in("tf32", dtype="float64")


def test_sparse_rows_train_and_predict(card):
    dense = fit(ESTIMATORS["classifier"], device="cuda")
    sparse = fit(ESTIMATORS["classifier"], sp.csr_array(IRIS), device="cuda")
    X = sp.csr_array(IRIS)
    np.testing.assert_allclose(outputs(sparse, X), outputs(dense), rtol=1e-9)


def test_partial_fit_goes_on_where_it_was(card):
    models = [
        MLPClassifier((6,), random_state=0, dtype="float64", device=device)
        for device in ("cpu", "cuda")
    ]
    for model in models:
        for rows in (slice(0, 80), slice(80, 150), slice(20, 90)):
            model.partial_fit(IRIS[rows], SPECIES[rows], classes=[0, 1, 2])
    for own, other in zip(*(model.coefs_ for model in models), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-8, atol=1e-11)


@pytest.fixture
def traffic(card, monkeypatch):
    """Numbers copied between host and card, by direction."""
    moved = {"upload": 0, "download": 0}

    def counting(name):
        move = getattr(GPU, name)

        def count(self, first, second):
            moved[name] += (first if name == "upload" else second).size
            move(self, first, second)

        monkeypatch.setattr(GPU, name, count)

    for name in moved:
        counting(name)
    return moved


@pytest.mark.parametrize(
    "model",
    [
        MLPClassifier((3000,), solver="adam", random_state=0),
        NeuralNetClassifier(Sequential([Dense(3000, "relu")]), random_state=0),
    ],
)
def test_parameters_stay_on_the_card_between_calls_of_partial_fit(model, traffic):
    model = clone(model).set_params(device="cuda")
    model.partial_fit(IRIS[:9], SPECIES[:9], classes=[0, 1, 2])
    traffic.update(upload=0, download=0)
    for _ in range(3):
        model.partial_fit(IRIS[:9], SPECIES[:9])
    proba = model.predict_proba(IRIS)
    n_parameters = 4 * 3000 + 3000 + 3000 * 3 + 3
    assert traffic["upload"] < n_parameters
    assert traffic["download"] < n_parameters
    copies = {n: [w.copy() for w in getattr(model, n)] for n in ("coefs_",)}
    assert traffic["download"] > n_parameters
    # Whoever looks may write, and does so to the model.
    model.coefs_[0][:] = 0
    assert not np.array_equal(model.predict_proba(IRIS), proba)
    model.coefs_[0][:] = copies["coefs_"][0]
    np.testing.assert_array_equal(model.predict_proba(IRIS), proba)
    model.partial_fit(IRIS[:9], SPECIES[:9])
    assert not np.array_equal(model.predict_proba(IRIS), proba)


def test_an_epoch_of_fit_copies_no_parameters(traffic):
    options = {"batch_size": 50, "tol": 0, "random_state": 0, "device": "cuda"}
    stop = {"early_stopping": True, "n_iter_no_change": 100}
    moved = []
    for max_iter in (5, 10):
        traffic.update(upload=0, download=0)
        model = MLPClassifier((300,), max_iter=max_iter, **options, **stop)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(IRIS, SPECIES)
        moved.append(traffic["upload"] + traffic["download"])
    # The order of the samples, tables of steps, and what the validation data take.
    assert moved[1] - moved[0] < 5 * 400


def test_cross_validation_works_unchanged(card):
    model = MLPClassifier((8,), max_iter=20, random_state=0, tol=0, device="cuda")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        pipe = make_pipeline(StandardScaler(), model)
        scores = cross_val_score(pipe, IRIS, SPECIES, cv=3)
        other = pipe.set_params(mlpclassifier__device="cpu")
        np.testing.assert_allclose(
            scores, cross_val_score(other, IRIS, SPECIES, cv=3), atol=0.03
        )


def test_hidden_activations_come_from_the_card(card):
    model = fit(ESTIMATORS["classifier"], device="cuda")
    before = card.launches
    actual = model.hidden_activations(IRIS)
    assert card.launches > before
    expected = model.set_params(device="cpu").hidden_activations(IRIS)
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)


def test_a_model_of_the_card_predicts_without_one(card, monkeypatch):
    model = fit(ESTIMATORS["net"], device="cuda")
    expected = outputs(model)
    stored = pickle.dumps(model)

    def missing():
        raise ImportError("No module named 'cupy'")

    monkeypatch.setattr(module, "import_cupy", missing)
    forget()
    loaded = pickle.loads(stored)
    assert loaded.device == "cuda"
    np.testing.assert_allclose(outputs(loaded), expected, rtol=1e-9, atol=1e-12)
    with pytest.raises(RuntimeError, match="CuPy is not installed"):
        loaded.fit(IRIS, SPECIES)
    np.testing.assert_allclose(outputs(loaded), expected, rtol=1e-9, atol=1e-12)


def test_a_first_epoch_that_is_not_finite_leaves_the_model_as_it_was(card):
    model = fit(ESTIMATORS["classifier"], device="cuda")
    before = outputs(model)
    model.set_params(learning_rate_init=1e300, solver="sgd", max_iter=3)
    with pytest.raises(ValueError, match="non-finite"), np.errstate(all="ignore"):
        model.fit(IRIS * 1e100, SPECIES)
    np.testing.assert_array_equal(outputs(model), before)


def test_values_that_are_not_finite_are_told_as_on_the_cpu(card):
    model = fit(ESTIMATORS["classifier"], device="cuda")
    X = IRIS.copy()
    X[3, 1] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        model.predict(X)


# ------------------------------------------------------------------ what is missing

MISSING = {
    "CuPy": (
        {"imported": ImportError("No module named 'cupy'")},
        r"CuPy is not installed: `pip install fastnn\[cuda\]`",
    ),
    "driver": (
        {"asked": CUDARuntimeError("cudaErrorInsufficientDriver: too old")},
        r"there is no NVIDIA driver, or one too old .*cudaErrorInsufficientDriver",
    ),
    "card": (
        {"asked": CUDARuntimeError("cudaErrorNoDevice: none is detected")},
        r"the driver sees no NVIDIA card: .*CUDA_VISIBLE_DEVICES",
    ),
    "any card": ({"n_cards": 0}, "the driver sees no NVIDIA card"),
    "libraries": (
        {"n_cards": 1, "libraries": RuntimeError("libnvrtc.so.13 not found")},
        r"cuBLAS and NVRTC, are not all installed.*\[ctk\]",
    ),
}


@pytest.mark.parametrize("piece", MISSING)
@pytest.mark.parametrize("model", [MLPClassifier((3,)), NeuralNetClassifier(layers())])
def test_what_is_missing_is_named(model, piece, broken):
    options, message = MISSING[piece]
    broken(**options)
    with pytest.raises(RuntimeError, match=message) as caught:
        clone(model).set_params(device="cuda").fit(IRIS, SPECIES)
    assert 'device="auto"' in str(caught.value)


@pytest.mark.parametrize("piece", MISSING)
def test_auto_is_the_cpu_where_something_is_missing(piece, broken):
    broken(**MISSING[piece][0])
    assert find_device("auto") is None
    expected = fit(ESTIMATORS["classifier"])
    actual = fit(ESTIMATORS["classifier"], device="auto")
    np.testing.assert_array_equal(outputs(actual), outputs(expected))
    assert actual.device_ == "cpu"


@pytest.mark.parametrize("device", ["gpu", "cuda:0", None])
def test_other_devices_are_refused(device):
    with pytest.raises(ValueError, match="'device' parameter of MLPClassifier must be"):
        MLPClassifier(device=device).fit(IRIS, SPECIES)


def test_versions_tell_of_the_card(card, capsys):
    fastnn.show_versions()
    printed = capsys.readouterr().out
    if not isinstance(card, EmulatedDevice):
        assert re.search("^card: .+, [0-9]+ GiB$", printed, re.MULTILINE)
        return
    for line in (
        "cupy: 14.0.fake",
        "CUDA runtime: 13.2",
        "CUDA of the driver: 13.0",
        "card: Emulated card, 80 GiB",
    ):
        assert line in printed


@pytest.mark.parametrize("piece", MISSING)
def test_versions_tell_what_is_missing(piece, broken, capsys):
    broken(**MISSING[piece][0])
    fastnn.show_versions()
    line = next(
        line for line in capsys.readouterr().out.splitlines() if "missing" in line
    )
    assert line.startswith("cupy: " if piece == "CuPy" else "card: ")


@in_pairs(
    dtype=[np.float32, np.float64],
    count=[1, 3],
    transposed=[(0, 0), (1, 0), (0, 1), (1, 1)],
    beta=[0.0, 1.0],
)
def test_products_of_cublas_are_those_of_numpy(card, dtype, count, transposed, beta):
    # Row by row on our side, column by column on its side, with room between rows.
    m, n, k = 5, 7, 3
    rng = np.random.default_rng(0)
    gpu = GPU(module.import_cupy(), 0)
    operands, buffers = [], []
    shapes = [(m, k), (k, n), (m, n)]
    for shape, transpose in zip(shapes, (*transposed, 0), strict=True):
        rows, columns = shape[::-1] if transpose else shape
        table = rng.normal(size=(count, rows, columns + 2)).astype(dtype)
        buffer = gpu.empty(table.size, dtype)
        gpu.upload(table, buffer)
        buffers.append((table, buffer))
        where = buffer.address, columns + 2, rows * (columns + 2)
        operands.append((where, table[:, :, :columns]))
    (a_where, a), (b_where, b), (c_where, c) = operands
    turned = map(bool, (*transposed, 0))
    where = map(Matrix, *zip(a_where, b_where, c_where, strict=True), turned)
    gpu.product(Product(np.dtype(dtype), count, m, n, k, *where, beta))()
    a, b = (
        each.transpose(0, 2, 1) if transpose else each
        for each, transpose in zip((a, b), transposed, strict=True)
    )
    table, buffer = buffers[2]
    expected = table.copy()
    expected[:, :, :n] = a @ b + beta * c
    actual = np.empty_like(table)
    gpu.download(buffer, actual)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


def test_a_batch_without_targets_of_a_head_on_the_card(card):
    heads = Heads([("kind", Dense(3, "relu")), ("width", Dense(2, "relu"))])
    network = Sequential([("base", Dense(4, "relu")), heads])
    kinds = np.array(["a", "b", "c"])
    X, words = IRIS[:60], kinds[np.arange(60) % 3]
    y = Targets(kind=words, width=IRIS[:60, 3])
    lacking = Targets(kind=np.full(60, None), width=IRIS[:60, 3])
    found = []
    for device in ("cuda", "cpu"):
        model = NeuralNet(
            network, batch_size=60, dtype="float64", device=device, random_state=0
        )
        model.partial_fit(X, y, classes={"kind": kinds}).partial_fit(X, lacking)
        assert np.isnan(model.history_["loss_kind"][-1])
        found.append((model.coefs_, model.hidden_activations(X, "base")))
    for own, other in zip(found[0][0], found[1][0], strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-9, atol=1e-12)
