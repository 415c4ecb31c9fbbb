"""What is copied to undo an epoch: of tables that are read by rows, these alone."""

import tracemalloc

import numpy as np
import pytest
from cases import draw, plan_of
from engines import engine_of, table_of
from ops.embedding import BY_ROWS
from sklearn.exceptions import ConvergenceWarning

from fastnn import NeuralNetClassifier, NeuralNetRegressor, Sequential
from fastnn.engine.mirrored import MirroredArray
from fastnn.engine.snapshot import Snapshot
from fastnn.layers import Embedding, GlobalAveragePooling1D
from fastnn.optimizers import SGD, Adam

N_ROWS, N_COLUMNS = 100_000, 16


@pytest.mark.parametrize("name", ["deep", *BY_ROWS])
def test_an_epoch_can_be_undone(name):
    plan = plan_of(name)
    data = draw(plan, 9)
    state = np.zeros((2, plan.n_parameters))
    options = {"batch_size": 4, "optimizer": Adam(), "state": state}
    with engine_of(plan, data, **options) as engine:
        engine.epoch(table_of(Adam(), engine.n_steps))
        arrays = MirroredArray(data.parameters), MirroredArray(state)
        snapshot = Snapshot(*arrays, parts=engine.changing)
        assert not snapshot.taken
        snapshot.take()
        before = [array.host.copy() for array in arrays]
        engine.epoch(table_of(Adam(), engine.n_steps))
        assert not np.array_equal(arrays[0].host, before[0])
        snapshot.restore()
        for array, expected in zip(arrays, before, strict=True):
            np.testing.assert_array_equal(array.host, expected)
    assert (engine.changing is None) == (name == "deep")


@pytest.mark.parametrize("name", BY_ROWS)
def test_rows_that_steps_change_are_looked_at(name):
    plan = plan_of(name)
    data = draw(plan, 9)
    engine = engine_of(plan, data)
    assert engine.all_finite()
    for rows in engine.changing.tables:
        table = rows.table(data.parameters)
        assert np.shares_memory(table, data.parameters)
        table[rows.numbers[-1], 0] = np.nan
        assert not engine.all_finite()
        table[rows.numbers[-1], 0] = 1
    data.parameters[0] = np.inf
    assert not engine.all_finite()


def reader(Estimator=NeuralNetClassifier, **options):
    network = Sequential(
        [Embedding(N_ROWS, N_COLUMNS, sparse_gradient=True), GlobalAveragePooling1D()]
    )
    return Estimator(network, random_state=0, **options)


def test_memory_is_that_of_the_table_and_its_moments():
    X = np.random.default_rng(0).integers(1, N_ROWS, (64, 5))
    y = X[:, 0] % 2
    reader(epochs=1).fit(X[:8], y[:8])
    tracemalloc.start()
    reader(epochs=3).fit(X, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Weights and two moments; two more would be the copies of an epoch's start.
    assert peak < 3.5 * 4 * N_ROWS * N_COLUMNS


def diverging(epochs):
    """A model whose step is too large for the curvature of its loss."""
    return reader(
        NeuralNetRegressor, epochs=epochs, optimizer=SGD(8.0, momentum=0), batch_size=64
    )


def test_an_epoch_that_diverges_is_undone():
    X = np.random.default_rng(0).integers(1, 50, (64, 5))
    y = X[:, 0] * 100.0
    model = diverging(500)
    with pytest.warns(ConvergenceWarning, match="epoch [0-9]+ was not finite"):
        model.fit(X, y)
    # The weights at its start were already beyond use: those before are back.
    shorter = diverging(model.n_epochs_ - 2).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), shorter.predict(X))
    assert np.isfinite(model.predict(X)).all()
