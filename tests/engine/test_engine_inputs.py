"""Several inputs by name, tokens, and integers that are read where they lie."""

import re
import tracemalloc

import numpy as np
import pytest
from cases import Tables, draw, plan_of, predict
from emulation import emulated_device
from engines import engine_of, gradient_of, table_of, whole_gradients
from scipy import sparse
from writers import ALL_LOSSES, dense, parameter, stack

from fastnn.engine.engine import Engine
from fastnn.engine.predictor import Predictor
from fastnn.optimizers import SGD, Adam
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.training.lbfgs import Objective

INTEGERS = [np.bool_, *"bBhHiIlLqQ"]


def two_tables():
    """The plan of a network that reads two tables of numbers, of five columns each."""
    tape = Tape()
    left, right = tape.input((5,), "left"), tape.input((5,), "right")
    z = ops.add(
        tape, dense(tape, left, "left", 4, "tanh"), dense(tape, right, "right", 4)
    )
    z = dense(tape, z, "output", 2)
    return tape.finish(ALL_LOSSES["squared_error"].lower(tape, z))


# ------------------------------------------------------------------------- integers


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("source", INTEGERS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_integers_are_the_numbers_that_they_are(source, order, dtype):
    plan = stack([4, 2])
    data = draw(plan, 23).astype(dtype)
    numbers = np.random.default_rng(0).integers(0, 100, (23, 5))
    X = np.asarray(numbers.astype(source), order=order)
    data.X[...] = X
    expected = gradient_of(plan, data)
    given = Engine(plan, data.parameters, X, data.y, data.weight, batch_size=23)
    assert given.gradient() == expected[0]
    np.testing.assert_array_equal(given.gradients, expected[1])
    predictions = predict(plan, data.parameters, X)
    assert predictions.dtype == np.float64  # as scikit-learn has it
    wide = data.X.astype(np.float64)
    np.testing.assert_array_equal(predictions, predict(plan, data.parameters, wide))


def test_integers_are_not_copied():
    plan = stack([2], input_shape=(1000,))
    data = draw(plan, 1)
    X = np.zeros((20_000, 1000), np.uint8)
    y = np.zeros((len(X), 2))
    tracemalloc.start()
    with Engine(plan, data.parameters, X, y, batch_size=16) as engine:
        engine.gradient(np.arange(16))
    predict(plan, data.parameters, X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < X.nbytes / 2


def test_images_have_their_own_shape():
    plan = stack([4, 2], input_shape=(3, 2, 5))
    data = draw(plan, 11)
    expected = predict(plan, data.parameters, data.X)
    for X in (
        data.X.reshape(11, 3, 2, 5),
        np.asfortranarray(data.X.reshape(11, 3, 2, 5)),
    ):
        np.testing.assert_array_equal(predict(plan, data.parameters, X), expected)
    with pytest.raises(
        ValueError, match=r"\(n_samples, 30\) or \(n_samples, 3, 2, 5\)"
    ):
        predict(plan, data.parameters, data.X.reshape(11, 5, 6))


# ---------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X["left"], "X must be a dict with a table for each of the inputs"),
        (lambda X: {"left": X["left"]}, r"\['right'\] are missing, \[\] are none"),
        (lambda X: {**X, "top": 1}, r"\[\] are missing, \['top'\] are none of them"),
        (
            lambda X: {**X, "right": X["right"][:-1]},
            r"as many rows each, got \{'left': 7, 'right': 6\}",
        ),
        (lambda X: {**X, "right": X["right"][:, :4]}, r"right must have shape"),
        (lambda X: {**X, "right": [1, 2]}, r"right must have shape"),
        (lambda X: {**X, "right": X["right"].astype(complex)}, "right must be a two-"),
    ],
)
def test_tables_must_be_those_of_the_plan(change, message):
    plan = two_tables()
    data = draw(plan)
    X = change(dict(data.X))
    for call in (
        lambda: predict(plan, data.parameters, X),
        lambda: Engine(plan, data.parameters, X, data.y, batch_size=2),
        lambda: Predictor(plan).judge(data.parameters, X, data.y),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_a_dict_will_do_for_one_table():
    plan = stack([2])
    data = draw(plan)
    np.testing.assert_array_equal(
        predict(plan, data.parameters, {"X": data.X}),
        predict(plan, data.parameters, data.X),
    )


def test_what_is_not_one_table_is_not_predicted_in_haste():
    plan = two_tables()
    data = draw(plan)
    assert Predictor(plan).predict_clean(data.parameters, data.X, 1) is None
    assert Predictor(plan).predict_clean(data.parameters, data.X["left"], 1) is None


@pytest.mark.parametrize("n_threads", [1, 3])
def test_any_of_them_may_be_sparse(n_threads, monkeypatch):
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    plan = two_tables()
    assert [each.accepts_sparse for each in plan.inputs] == [True, True]
    data = draw(plan, 23)
    for table in data.X.values():
        table[abs(table) < 0.5] = 0
    expected = gradient_of(plan, data)
    predictions = predict(plan, data.parameters, data.X)
    for names in (["left"], ["right"], ["left", "right"]):
        X = dict(data.X) | {name: sparse.csr_array(data.X[name]) for name in names}
        options = {"batch_size": 23, "n_threads": n_threads}
        with Engine(plan, data.parameters, X, data.y, data.weight, **options) as engine:
            np.testing.assert_allclose(engine.gradient(), expected[0], rtol=1e-12)
        np.testing.assert_allclose(engine.gradients, expected[1], atol=1e-12)
        actual = predict(plan, data.parameters, X)
        np.testing.assert_allclose(actual, predictions, rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((3,), "X"), "a word that no other one has"),
        (((3,), ""), "an input needs a name"),
        (((3,), "words", 0), r"tokens must be None or from 1 to 2147483648, got 0"),
        (((3,), "words", 2**31 + 1), "tokens must be None or from 1"),
    ],
)
def test_inputs_have_names_and_some_tokens(arguments, message):
    tape = Tape()
    tape.input((2,))
    with pytest.raises(ValueError, match=message):
        tape.input(*arguments)


# --------------------------------------------------------------------------- tokens


@pytest.mark.parametrize("source", INTEGERS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_tokens_are_integers_of_any_type(source, order):
    plan = plan_of("embedding")
    data = draw(plan, 23)
    data.X[...] %= 2 if source is np.bool_ else 9
    X = np.asarray(data.X.astype(source), order=order)
    with Engine(plan, data.parameters, X, data.y, data.weight, batch_size=23) as engine:
        sums = engine.gradient()
    expected, gradients = gradient_of(plan, data)
    assert sums == expected
    np.testing.assert_array_equal(engine.gradients, gradients)


@pytest.mark.parametrize("token", [-1, 9, 2**40, -(2**40)])
def test_a_token_out_of_range_is_found_at_the_door(token):
    plan = plan_of("embedding")
    data = draw(plan)
    data.X[3, 2] = token
    message = re.escape(f"X must hold tokens from 0 to 8, got {token} in row 3")
    for call in (
        lambda: predict(plan, data.parameters, data.X),
        lambda: engine_of(plan, data),
        lambda: engine_of(plan, data, emulated_device()),
        lambda: Predictor(plan).evaluate(data.parameters, data.X, data.y),
    ):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize("wrong", [np.float32, np.complex64, object])
def test_tokens_are_no_other_numbers(wrong):
    plan = plan_of("embedding")
    data = draw(plan)
    with pytest.raises(ValueError, match="X must be a NumPy array of integers, tokens"):
        predict(plan, data.parameters, data.X.astype(wrong))
    with pytest.raises(ValueError, match="X must be a NumPy array of integers, tokens"):
        predict(plan, data.parameters, sparse.csr_array(data.X))


def test_a_table_that_changes_behind_the_door_leads_nowhere_else():
    plan = plan_of("embedding")
    data = draw(plan)
    engine = engine_of(plan, data)
    data.X[2] = 2**31
    with engine:
        actual = engine.gradient()
    data.X[2] = 0
    assert actual == gradient_of(plan, data)[0]


def test_tokens_are_looked_up_first():
    tape = Tape()
    tokens, table = tape.input((3,), tokens=5), parameter(tape, "table", (4, 2))
    with pytest.raises(ValueError, match="add needs numbers, and this input"):
        ops.add(tape, tokens, None, "tanh")
    with pytest.raises(ValueError, match=r"needs a matrix of as many rows.*\(4, 2\)"):
        ops.embedding(tape, tokens, table)
    with pytest.raises(ValueError, match="reads an input of tokens"):
        ops.embedding(tape, tape.input((3,), "numbers"), table)


# ------------------------------------------------------------------------- by rows


def of_few(rows, n_tokens=50, dim=3):
    """A table of which a mini-batch of two reads six rows at most."""
    tape = Tape()
    tokens = tape.input((3,), "words", tokens=n_tokens)
    table = parameter(tape, "table", (n_tokens, dim), rows=rows)
    h = ops.reduce(tape, "sum", ops.embedding(tape, tokens, table), (0,))
    z = dense(tape, h, "output", 2)
    return tape.finish(ALL_LOSSES["squared_error"].lower(tape, z))


@pytest.mark.parametrize("by_rows", [True, False])
def test_a_step_changes_the_rows_that_it_has_read(by_rows):
    plan = of_few(rows=by_rows)
    data = draw(plan, 6)
    data.X["words"][:4] %= 10
    data.X["words"][4:] = data.X["words"][4:] % 10 + 10
    state = np.zeros((2, plan.n_parameters))
    engine = engine_of(
        plan, data, batch_size=2, optimizer=Adam(weight_decay=0.1), state=state
    )
    table = plan.views(data.parameters)[-1 if by_rows else 0]
    before = table.copy()
    with engine:
        engine.gradient(np.array([0, 4]))
        engine.update(table_of(Adam(weight_decay=0.1), 1)[0])
    touched = np.unique(data.X["words"][[0, 4]])
    changed = (table != before).any(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(changed[touched]), range(len(touched)))
    assert changed.all() == (not by_rows)
    if by_rows:
        numbers, rows = engine.row_gradients()["table"]
        np.testing.assert_array_equal(numbers, touched)
        assert rows.shape == (len(touched), 3)
        moments = plan.views(state[0])[-1]
        np.testing.assert_array_equal(np.flatnonzero(moments.any(axis=1)), touched)


def test_rows_are_the_dense_gradient():
    data = {}
    for rows in (True, False):
        plan = of_few(rows)
        own = draw(plan, 9)
        words, y = own.X["words"], own.y
        views = plan.views(own.parameters)
        for view, p in zip(views, plan.parameters, strict=True):
            rng = np.random.default_rng(len(p.name))
            view[...] = rng.normal(size=view.shape)
        _, gradients = gradient_of(plan, own)
        named = zip(plan.parameters, plan.views(gradients), strict=True)
        data[rows] = words, y, {p.name: view for p, view in named}
    np.testing.assert_array_equal(data[True][0], data[False][0])
    for name, gradient in data[True][2].items():
        np.testing.assert_allclose(gradient, data[False][2][name], rtol=1e-12)


@pytest.mark.parametrize("n_threads", [2, 3])
def test_sums_do_not_depend_on_threads(n_threads, monkeypatch):
    # Of rows that come without products of any size.
    monkeypatch.setattr("fastnn.engine.engine.OPERATIONS_PER_THREAD", 1)
    plan = of_few(rows=True, n_tokens=7)
    data = draw(plan, 40).astype(np.float32)
    results = []
    for threads in (1, n_threads):
        with engine_of(plan, data, n_threads=threads) as engine:
            assert engine.n_threads == threads
            engine.gradient()
            results.append(engine.row_gradients()["table"])
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_averages_are_of_all_rows():
    plan = of_few(rows=True)
    data = draw(plan, 8)
    average, state = np.zeros(plan.n_parameters), np.zeros((1, plan.n_parameters))
    optimizer = SGD(0.1)
    engine = engine_of(
        plan, data, batch_size=2, optimizer=optimizer, state=state, average=average
    )
    expected = None
    with engine:
        for rate in (1, 0.25):
            table = table_of(optimizer, 4, [0, 0, 0, rate])
            engine.epoch(table)
            if expected is None:
                expected = data.parameters.copy()
            else:
                expected += 0.25 * (data.parameters - expected)
            np.testing.assert_allclose(average, expected, rtol=1e-14)


def test_memory_of_gradients_is_that_of_dense_ones():
    plan = of_few(rows=True, n_tokens=200_000, dim=8)
    data = draw(plan, 4)
    table = plan.views(data.parameters)[-1]
    assert plan.n_gradients < 100
    tracemalloc.start()
    state = np.zeros((2, plan.n_parameters))
    with engine_of(plan, data, optimizer=Adam(), state=state, n_threads=2) as engine:
        engine.epoch(table_of(Adam(), 1))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert engine.gradients.size == plan.n_gradients
    assert peak < 2.2 * table.nbytes


def test_more_rows_than_a_mini_batch_are_refused():
    plan = of_few(rows=True)
    data = draw(plan, 9)
    with pytest.raises(ValueError, match="looks at whole mini-batches"):
        engine_of(plan, data, batch_size=4).gradient()


def test_lbfgs_needs_a_dense_gradient():
    plan = of_few(rows=True)
    data = draw(plan)
    with pytest.raises(ValueError, match="lbfgs needs the gradient of all parameters"):
        Objective(engine_of(plan, data), plan, data.parameters)


def test_there_are_no_kernels_for_rows():
    plan = of_few(rows=True)
    data = draw(plan)
    with pytest.raises(
        ValueError, match=r"sparse_gradient=False .*, or use device='cpu'"
    ):
        engine_of(plan, data, emulated_device())


def test_errors_of_tables():
    tape = Tape()
    with pytest.raises(ValueError, match="is a matrix without a constraint"):
        parameter(tape, "table", (4,), rows=True)
    x, table = tape.input((4,)), parameter(tape, "kernel", (4, 2), rows=True)
    z = ops.product(tape, x, table)
    with pytest.raises(ValueError, match="the gradient of kernel is rows"):
        tape.finish(ALL_LOSSES["squared_error"].lower(tape, z))
    with pytest.raises(ValueError, match="rows=True once and rows=False"):
        parameter(tape, "kernel", (4, 2))


def test_gradients_are_whole_with_their_rows():
    # Tests rely on it.
    plan = plan_of("embedding_used_twice_by_rows")
    data = draw(plan)
    with engine_of(plan, data) as engine:
        engine.gradient()
    assert set(engine.row_gradients()) == {"table", "wide"}
    whole = whole_gradients(plan, engine)
    assert whole.size == plan.n_parameters > plan.n_gradients
    assert isinstance(data.X, Tables)
