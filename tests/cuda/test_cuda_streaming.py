"""Training sets that do not fit into a device's memory, and go through it in parts."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from cases import draw, plan_of
from emulation import EmulatedDevice, device_under_test, emulated_device
from engines import engine_of, table_of, trained
from pairs import in_pairs
from writers import stack

from fastnn.engine.cpu.gather import Table
from fastnn.engine.cuda import streaming
from fastnn.engine.cuda.samples import parts_of
from fastnn.engine.cuda.streaming import StreamedSamples
from fastnn.engine.engine import Engine
from fastnn.optimizers import SGD, Adam

# As many samples as several parts of the least size have, and some.
N = 103


@pytest.fixture
def scarce(monkeypatch):
    """Leaves no room for samples, so that parts are as small as they can be."""
    return lambda: monkeypatch.setattr(streaming, "SHARE_LEFT", 1)


def samples_of(engine):
    return engine._compiled._samples


def assert_same(actual, expected):
    for own, other in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(own, other)


def ragged(n_rows=N, n_columns=40, dtype=np.float64):
    """A sparse table with rows of very different lengths, some of them empty."""
    rng = np.random.default_rng(0)
    X = sp.random_array(
        (n_rows, n_columns), density=0.1, format="lil", rng=rng, dtype=dtype
    )
    X[7] = rng.normal(size=n_columns)
    X[[0, 20, n_rows - 1]] = 0
    return X.tocsr()


# ------------------------------------------------------------------ same bits


# One for each shape of targets, and ops of each kind.
PLANS = [
    *("deep", "regularized", "norms_limited", "classes", "tanh-poisson"),
    *("tanh-quantiles", "tanh-log_loss", "tanh-soft_cross_entropy", "custom_loss"),
    *("batch_norm", "dropout", "alpha_dropout", "noise_rank_2", "prelu_2x3x4"),
    *("embedding", "embedding_beside_numbers", "embedding_used_twice"),
]


@pytest.mark.parametrize("name", PLANS)
def test_epochs_are_those_of_samples_that_fit(name, scarce):
    # X is float64, and computed in float32.
    plan = plan_of(name)
    wide = draw(plan, N)
    data = wide.astype(np.float32)
    data = replace(data, X=wide.X)
    expected = trained(plan, data, device_under_test(), Adam(0.01), 3, average=True)
    scarce()
    actual = trained(plan, data, device_under_test(), Adam(0.01), 3, average=True)
    assert np.isfinite(actual[0]).all()
    assert_same(actual, expected)


@pytest.mark.parametrize("batch_size", [3, 16, 40, N])
@pytest.mark.parametrize(
    "name", ["deep", "batch_norm", "dropout", "regularized", "custom_loss"]
)
def test_any_size_of_a_mini_batch(name, batch_size, scarce, monkeypatch):
    # Many in a part, or several parts of one, where that may be taken in chunks.
    monkeypatch.setattr("fastnn.engine.engine.DEVICE_CHUNK_BYTES", 1)
    plan = plan_of(name)
    data = draw(plan, N)
    options = {"n_epochs": 2, "batch_size": batch_size}
    expected = trained(plan, data, device_under_test(), Adam(0.01), **options)
    scarce()
    device = device_under_test()
    assert_same(trained(plan, data, device, Adam(0.01), **options), expected)


def test_epochs_of_very_many_steps(scarce, monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.STEPS_AT_ONCE", 7)
    plan = plan_of("deep")
    data = draw(plan, N)
    expected = trained(plan, data, device_under_test(), SGD(0.1), batch_size=5)
    scarce()
    actual = trained(plan, data, device_under_test(), SGD(0.1), batch_size=5)
    assert_same(actual, expected)


@in_pairs(dtype=[np.float32, np.float64], index=[np.int32, np.int64], n_threads=[1, 3])
def test_sparse_rows_stay_sparse(dtype, index, n_threads, scarce):
    plan = stack([6, 2], input_shape=(40,))
    data = draw(plan, N).astype(dtype)
    X = ragged()
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    twice = sp.csr_array((N, 40))  # each number in two parts
    twice.data = np.repeat(X.data / 2, 2)
    twice.indices, twice.indptr = np.repeat(X.indices, 2), X.indptr * 2
    results = []
    for table in (X, X, twice):
        weights = data.parameters.copy()
        state = np.zeros((2, plan.n_parameters), dtype)
        device = device_under_test()
        engine = Engine(
            plan, weights, table, data.y, batch_size=7, n_threads=n_threads,
            optimizer=Adam(0.01), state=state, device=device,
        )  # fmt: skip
        random_state = np.random.RandomState(0)
        with engine:
            for _ in range(3):
                engine.shuffle(random_state)
                loss = engine.epoch(table_of(Adam(0.01), engine.n_steps))
            results.append((loss, weights, *engine.gradient()))
        device.check()
        scarce()
    for actual in results[1:]:
        assert_same(actual, results[0])
    assert twice.nnz == 2 * X.nnz  # the caller's, and left alone


def test_a_sparse_table_without_numbers(scarce):
    plan = stack([2], input_shape=(4,))
    data = draw(plan, N)
    data = replace(data, X=sp.csr_array((N, 4)))
    expected = trained(plan, data, device_under_test(), SGD(0.1))
    scarce()
    assert_same(trained(plan, data, device_under_test(), SGD(0.1)), expected)


@pytest.mark.parametrize("layout", ["C", "F", "strided", "mapped"])
@pytest.mark.parametrize("weighs", [False, True])
def test_x_of_any_layout(layout, weighs, scarce, tmp_path):
    plan = plan_of("deep")
    data = draw(plan, N)
    if not weighs:
        data = replace(data, weight=None)
    scarce()
    expected = trained(plan, data, None, Adam(0.01))
    if layout == "strided":
        wider = np.repeat(np.repeat(data.X, 2, axis=0), 3, axis=1)
        data = replace(data, X=wider[::2, ::3])
    elif layout == "mapped":
        np.save(tmp_path / "X.npy", data.X)
        data = replace(data, X=np.load(tmp_path / "X.npy", mmap_mode="r"))
    else:
        data = replace(data, X=np.asarray(data.X, order=layout))
    actual = trained(plan, data, device_under_test(), Adam(0.01))
    for own, other in zip(actual[:3], expected[:3], strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["deep", "dropout", "batch_norm"])
def test_gradients_of_any_rows(name, scarce, monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.DEVICE_CHUNK_BYTES", 1)
    plan = plan_of(name)
    data = draw(plan, N)
    order = np.random.RandomState(0).permutation(N)
    results = []
    for _ in range(2):
        device = device_under_test()
        own = draw(plan, N)
        state = np.zeros((2, plan.n_parameters))
        engine = engine_of(
            plan, own, device, batch_size=50, optimizer=Adam(0.01), state=state
        )
        found = []
        with engine:
            for rows in (order[:50], order[:1], order[50:83]):
                found += [*engine.gradient(rows), engine.gradients.copy()]
            row = table_of(Adam(0.01), 1)[0]
            found += [engine.update(row), engine.penalty(3.0)]
            found.append(engine.epoch(table_of(Adam(0.01), engine.n_steps)))
            if not plan.needs_whole_batches:
                found += [*engine.gradient(), engine.gradients.copy()]
        results.append([*found, own.parameters, state])
        device.check()
        scarce()
    assert isinstance(samples_of(engine), StreamedSamples)
    assert not np.array_equal(results[1][-2], data.parameters)
    assert_same(results[1], results[0])


def test_steps_are_recorded_all_the_same(scarce):
    recorded = []

    class Recording(EmulatedDevice):
        def record(self, calls):
            recorded.append(len(calls))
            return super().record(calls)

    plan = plan_of("deep")
    data = draw(plan, N)
    library = emulated_device().library
    expected = trained(plan, data, Recording(library), SGD(0.01), batch_size=2)
    of_samples_that_fit = list(recorded)
    assert len(of_samples_that_fit) >= 2
    recorded.clear()
    scarce()
    assert_same(
        trained(plan, data, Recording(library), SGD(0.01), batch_size=2), expected
    )
    assert recorded[0] == of_samples_that_fit[0]
    assert set(recorded) <= set(of_samples_that_fit)


# ------------------------------------------------------------------ pieces


@pytest.mark.parametrize("together", [1, 4, 16, 64, 1000])
@pytest.mark.parametrize("batch_size", [1, 5, 16, 37, 200])
@pytest.mark.parametrize("n_rows", [1, 5, 100])
def test_parts_have_each_row_once(n_rows, batch_size, together):
    parts = list(parts_of(n_rows, batch_size, together))
    rows = np.concatenate([np.arange(n_rows)[part.rows] for part in parts])
    np.testing.assert_array_equal(rows, np.arange(n_rows))
    sizes = [part.rows.stop - part.rows.start for part in parts]
    assert max(sizes) <= together
    last = [part for part in parts if part.last == part.count]
    assert sum(part.n_steps for part in last) == -(-n_rows // batch_size)
    for part in parts:
        assert part.n_steps == 1 or part.is_whole
        assert part.count in (batch_size, n_rows % batch_size)


@pytest.mark.parametrize("source", [np.float32, np.float64])
@pytest.mark.parametrize("target", [np.float32, np.float64])
def test_taking_rows_of_a_table(source, target):
    X = np.random.default_rng(0).normal(size=(9, 4)).astype(source)
    rows = np.array([3, 0, 3, 8])
    for table in (X, np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]):
        out = np.zeros((4, 4), target)
        Table(table).take(rows, out)
        np.testing.assert_array_equal(out, X[rows].astype(target))
    Table(X).take(rows[:0], out[:0])
    for bad in (out[:3], out[:, :3].copy()):
        with pytest.raises(ValueError, match="shape of rows"):
            Table(X).take(rows, bad)
    with pytest.raises(ValueError, match="of a dense table"):
        Table(sp.csr_array(X)).take(rows, out)
