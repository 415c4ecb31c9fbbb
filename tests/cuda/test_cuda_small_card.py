"""Estimators on a card whose memory is small."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from emulation import EmulatedDevice, emulated_device
from pairs import WHOLE
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from test_cuda_estimators import (
    ESTIMATORS,
    IRIS,
    SPECIES,
    fit,
    forget,
    install,
    outputs,
)

from fastnn import MLPClassifier, MLPRegressor
from fastnn.engine.cuda import device as module
from fastnn.engine.cuda import streaming


@pytest.fixture
def card_of(monkeypatch):
    """Makes a device of so many bytes the card that is found."""
    devices = []

    def make(n_bytes=2**40):
        device = EmulatedDevice(emulated_device().library, n_bytes)
        cupy = install(monkeypatch, device)
        device.n_pinned = 0
        allocate = cupy.cuda.alloc_pinned_memory

        def counted(n_bytes):
            device.n_pinned += 1
            return allocate(n_bytes)

        cupy.cuda.alloc_pinned_memory = counted
        devices.append(device)
        return device

    yield make
    for device in devices:
        device.check()
    monkeypatch.undo()
    forget()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_fit_is_that_of_a_large_card(name, card_of, monkeypatch):
    device = card_of()
    expected = fit(ESTIMATORS[name], device="cuda")
    assert device.n_pinned == 0
    device = card_of()
    monkeypatch.setattr(streaming, "SHARE_LEFT", 1)
    actual = fit(ESTIMATORS[name], device="cuda")
    assert device.n_pinned > 0
    np.testing.assert_array_equal(
        actual._fitted.parameters, expected._fitted.parameters
    )
    np.testing.assert_array_equal(outputs(actual), outputs(expected))
    for curve in ("loss_curve_", "validation_loss_curve_", "validation_scores_"):
        assert getattr(actual, curve, None) == getattr(expected, curve, None)


def test_sparse_rows_and_less_precision(card_of, monkeypatch):
    options = {"dtype": "float32", "precision": "tf32", "random_state": 0}
    model = MLPClassifier((7,), max_iter=4, device="cuda", **options)
    X = sp.csr_array(IRIS * (abs(IRIS) > 0.5))
    results = []
    for share in (streaming.SHARE_LEFT, 1):
        device = card_of()
        monkeypatch.setattr(streaming, "SHARE_LEFT", share)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            results.append(clone(model).fit(X, SPECIES).predict_proba(X))
    assert device.n_pinned > 0
    np.testing.assert_array_equal(*results)


def test_partial_fit_goes_on_in_parts(card_of, monkeypatch):
    results = []
    for share in (streaming.SHARE_LEFT, 1):
        card_of()
        monkeypatch.setattr(streaming, "SHARE_LEFT", share)
        model = MLPClassifier((6,), random_state=0, batch_size=16, device="cuda")
        for rows in (slice(0, 80), slice(80, 150), slice(20, 90)):
            model.partial_fit(IRIS[rows], SPECIES[rows], classes=[0, 1, 2])
        results.append(np.concatenate([each.ravel() for each in model.coefs_]))
    np.testing.assert_array_equal(*results)


def held_by_a_fit(card_of, model):
    device = card_of()
    fit(model, device="cuda")
    return device.most_held


def test_samples_larger_than_the_memory_are_trained_on_in_parts(card_of):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 20))
    y = X[:, :2].sum(axis=1)
    model = MLPRegressor(
        hidden_layer_sizes=4, max_iter=2, batch_size=100, device="cuda", random_state=0
    )
    results, held = [], 2**40
    for missing in (0, 0.3, 0.5, 0.7):
        device = card_of(int(held - missing * X.size * 4))
        with pytest.warns(ConvergenceWarning):
            model.fit(X, y)
        assert device.most_held <= device.n_bytes
        assert (device.n_pinned > 0) == (missing > 0)
        results.append(model.predict(X[:50]))
        held = held if missing else device.most_held
    for actual in results[1:]:
        np.testing.assert_array_equal(actual, results[0])


@pytest.mark.parametrize("name", ["classifier", "net", "stopped_early", "lbfgs"])
def test_a_fit_keeps_within_the_memory_or_says_that_it_cannot(name, card_of):
    # As the memory gets smaller: all of it fits, parts do, nothing does.
    model = ESTIMATORS[name]
    held = held_by_a_fit(card_of, model)
    expected = fit(model)
    rtol = 1e-3 if name == "lbfgs" else 1e-7
    seen = []
    step = 2000 if WHOLE else 4000
    for n_bytes in (held * 2, *range(held, held - 12_000, -step), 2**20):
        device = card_of(n_bytes)
        try:
            actual = fit(model, device="cuda")
        except MemoryError as error:
            assert 'pass device="cpu"' in str(error)  # noqa: PT017
            seen.append("nothing")
        else:
            np.testing.assert_allclose(
                actual._fitted.parameters,
                expected._fitted.parameters,
                rtol=rtol,
                atol=rtol,
            )
            seen.append("parts" if device.n_pinned else "all")
        assert device.most_held <= n_bytes
    assert seen[0] == "all"
    assert seen[-1] == "nothing"


def granting(device, n_times):
    """Have the memory end after so many times that some was asked for."""
    make = device.empty

    def empty(size, dtype):
        device.n_asked += 1
        if device.n_asked > n_times:
            device.n_bytes = min(device.n_bytes, device.held)
        return make(size, dtype)

    device.empty, device.n_asked = empty, 0
    return device


@pytest.mark.parametrize("name", ["classifier", "net", "stopped_early", "lbfgs"])
def test_a_fit_that_memory_ends_for_leaves_the_model(name, card_of):
    # At the door, for the start of a later epoch, for the best weights, and so on.
    device = granting(card_of(), np.inf)
    model = fit(ESTIMATORS[name], device="cuda")
    n_asked = device.n_asked
    before, attributes = outputs(model), set(vars(model))
    n_failures = 0
    for n_granted in range(0, n_asked, 5 if WHOLE else max(5, n_asked // 7)):
        granting(card_of(), n_granted)
        n_failed = n_failures
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            try:
                model.fit(IRIS, SPECIES)
            except MemoryError as error:
                assert 'pass device="cpu"' in str(error)  # noqa: PT017
                n_failures += 1
        card_of()
        if n_failed == n_failures:  # there was enough after all
            before = outputs(model)
        assert set(vars(model)) == attributes
        np.testing.assert_array_equal(outputs(model), before)
    assert n_failures > 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_of_the_card_for_which_there_is_no_memory(dtype, card_of):
    device = card_of()
    card = module.import_cupy().card
    X, y = card.array(IRIS.astype(dtype)), card.array(SPECIES)
    model = MLPClassifier((7,), max_iter=2, device="cuda", random_state=0)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    before, n_failures = model.predict_proba(X)._values, 0
    for call in (model.predict_proba, lambda X: model.fit(X, y)):
        for free in (0, 600, 1500, 3000):
            device.n_bytes = device.held + free
            try:
                call(X)
            except MemoryError as error:
                assert 'pass device="cpu"' in str(error)  # noqa: PT017
                n_failures += 1
            device.n_bytes = 2**40
    assert n_failures > 4
    np.testing.assert_array_equal(model.predict_proba(X)._values, before)


def test_a_host_without_pinned_memory_says_so(card_of, monkeypatch):
    monkeypatch.setattr(streaming, "SHARE_LEFT", 1)
    card_of()
    cupy = module.import_cupy()

    def refuse(n_bytes):
        raise cupy.cuda.runtime.CUDARuntimeError("cudaErrorMemoryAllocation")

    cupy.cuda.alloc_pinned_memory = refuse
    with pytest.raises(MemoryError, match="gives no page-locked memory for another"):
        fit(ESTIMATORS["classifier"], device="cuda")
