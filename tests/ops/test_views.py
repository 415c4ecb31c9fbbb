"""Columns and values side by side, beside what all plans are tested for."""

import numpy as np
import pytest
import reference
from cases import draw, plan_of, predict
from engines import gradient_of
from ops.views import drawn
from scipy import sparse
from writers import by_hand, dense, parameter

from fastnn.engine.engine import Engine
from fastnn.engine.predictor import Predictor
from fastnn.plan import ops
from fastnn.plan.tables import FLAGS, KINDS, OP_FLAGS, PHASES, SPACES
from fastnn.plan.tape import TRAIN, Tape

READ_VIEWS = {
    *("product", "add", "add_gradient", "copy", "loss"),
    *("softmax", "softmax_gradient"),
    "attention",
    "attention_gradient",
}


def copies(plan, phase="train"):
    """Copies that are made, and columns that are filled with zeros."""
    found = plan.ops_of(phase)
    found = found[found["kind"] == KINDS["copy"]]
    absent = found["input"][:, 0] < 0
    return int((~absent).sum()), int(absent.sum())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("branches", (0, 0)),
        ("whole_is_output", (0, 0)),
        ("raw_columns-squared_error", (0, 2)),
        # Those of columns that overlap add up; they are zeros before, and
        # so are a column for nobody and two beside the columns of columns.
        ("some_columns", (2, 4)),
        ("apart", (0, 2)),
        # Columns of X and X itself are no activations.
        ("beside_input", (2, 0)),
        # What is there twice.
        ("used_again", (1, 0)),
        ("heads_of_columns", (0, 1)),
    ],
)
def test_only_what_must_be_is_copied(name, expected):
    assert copies(plan_of(name)) == expected


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_any_views_are_the_reference(first):
    for seed in range(first, first + 50):
        plan = drawn(seed)
        data = draw(plan)
        (loss, _, _), gradients = gradient_of(plan, data)
        expected = reference.walk(plan, data.parameters, data.X, data.y, data.weight)
        np.testing.assert_allclose(loss, expected.loss, rtol=1e-12)
        scale = 1e-12 * max(1, abs(gradients).max())
        np.testing.assert_allclose(
            gradients, expected.gradients, rtol=1e-10, atol=scale
        )
        np.testing.assert_allclose(
            predict(plan, data.parameters, data.X),
            reference.predict(plan, data.parameters, data.X),
            rtol=1e-12, atol=1e-14,
        )  # fmt: skip


def test_views_are_numpys():
    # Against NumPy itself, without a plan's reference: columns of columns of X.
    def write(tape, x):
        inner = ops.columns(tape, ops.columns(tape, x, 1, 4), 1, 2)
        both = ops.concatenate(tape, [inner, ops.columns(tape, x, 0, 3), inner])
        return ops.add(tape, both, None, "tanh")

    plan = by_hand(write, (2, 6))
    x = np.random.default_rng(0).normal(size=(5, 2, 6))
    expected = np.tanh(np.concatenate([x[..., 2:4], x[..., :3], x[..., 2:4]], axis=-1))
    actual = predict(plan, np.zeros(0), x.reshape(5, -1))
    np.testing.assert_allclose(actual, expected.reshape(5, -1), rtol=1e-14)


def test_a_view_of_a_view_is_one_of_its_base():
    tape = Tape()
    x = tape.input((2, 9))
    inner = ops.columns(tape, ops.columns(tape, x, 2, 6), 3, 2)
    record = tape._writer.tensors[inner.number]
    assert (record["base"], record["first"], record["lead"]) == (x.number, 5, 9)
    assert record["size"] == 4
    assert ops.columns(tape, inner, 0, 2) is inner
    assert ops.concatenate(tape, [inner]) is inner


def test_parts_of_parts_are_columns_of_the_outermost():
    plan = plan_of("nested")
    views = plan.tensors[plan.tensors["base"] >= 0]
    assert len(views)
    bases = plan.tensors[views["base"]]
    assert (bases["base"] == -1).all()
    assert (views["first"] + views["size"] <= bases["size"]).all()
    for field in ("space", "train_offset", "predict_offset"):
        np.testing.assert_array_equal(views[field], bases[field])


def test_ops_write_in_place_of_the_same_columns():
    # The gradient of half of an activation lies over what it is made of.
    def write(tape, x):
        parts = [dense(tape, x, name, 50, "tanh") for name in "ab"]
        return dense(tape, ops.concatenate(tape, parts), "output", 1)

    plan = by_hand(write)
    # Two raw values, the whole, its gradient, and that of what was activated.
    assert plan.train_size <= 3 * 100 + 2
    assert plan.predict_size <= 150


@pytest.mark.parametrize("kind", KINDS)
def test_only_some_ops_may_meet_views(kind):
    tape = Tape()
    view = tape.view(tape.activation((6,)), 1, 3)
    reads = OP_FLAGS[KINDS[kind]] & FLAGS["reads_views"]
    assert bool(reads) == (kind in READ_VIEWS)
    for operands in (((view,), ()), ((), (view,))):
        if reads:
            tape.emit(kind, *operands, TRAIN)
        else:
            with pytest.raises(AssertionError, match=f"{kind}.*tape.dense"):
                tape.emit(kind, *operands, TRAIN)


def test_no_plan_has_views_where_they_cannot_be_read():
    for seed in range(100):
        plan = drawn(seed)
        is_view = np.append(plan.tensors["base"] >= 0, False)
        meets = is_view[plan.ops["input"]].any(1) | is_view[plan.ops["output"]].any(1)
        flags = OP_FLAGS[plan.ops["kind"][meets]]
        assert (flags & FLAGS["reads_views"] != 0).all()
        assert not is_view[plan.output]


def test_what_reads_rows_that_are_apart_does_not_read_beyond_them():
    # A share's rows end where its memory does: the sanitizers see more of it.
    plan = plan_of("beside_input")
    data = draw(plan, 33)
    whole = predict(plan, data.parameters, data.X)
    for i in range(33):
        one = predict(plan, data.parameters, data.X[i : i + 1].copy())
        np.testing.assert_allclose(one[0], whole[i], rtol=1e-12)


def test_columns_of_the_input_are_not_sparse():
    def write(tape, x):
        return dense(tape, ops.columns(tape, x, 1, 3), "dense", 2)

    plan = by_hand(write)
    assert not plan.accepts_sparse
    assert by_hand(lambda tape, x: dense(tape, x, "dense", 2)).accepts_sparse
    data = draw(plan)
    with pytest.raises((ValueError, TypeError), match="sparse"):
        Engine(plan, data.parameters, sparse.csr_array(data.X), data.y, batch_size=7)


def test_raw_outputs_that_are_columns_are_judged():
    plan = plan_of("raw_columns_rank_2")
    data = draw(plan, 600)
    outputs, _ = Predictor(plan).judge(data.parameters, data.X, data.y, data.weight)
    expected = reference.predict(plan, data.parameters, data.X)
    np.testing.assert_allclose(outputs, expected, rtol=1e-12, atol=1e-15)
    assert copies(plan, "predict") == (1, 0)


@pytest.mark.parametrize(
    ("start", "width"), [(-1, 2), (0, 0), (0, 6), (4, 2), (2, -1), (5, 1)]
)
def test_columns_must_be_there(start, width):
    tape = Tape()
    with pytest.raises(ValueError, match=rf"start={start}, width={width} must lie"):
        ops.columns(tape, tape.input((5,)), start, width)
    with pytest.raises(ValueError, match="a value of each sample"):
        ops.columns(tape, parameter(tape, "w", (3, 5)), 0, 2)


@pytest.mark.parametrize("shapes", [(), [(3,), (2, 3)], [(2, 3), (3, 3)], [(), ()]])
def test_parts_must_fit(shapes):
    tape = Tape()
    with pytest.raises(ValueError, match="must be one or more of each sample"):
        ops.concatenate(tape, [tape.activation(shape) for shape in shapes])
    with pytest.raises(ValueError, match="of each sample"):
        ops.concatenate(tape, [parameter(tape, "w", (3,)), tape.input((3,))])


def test_a_link_reads_raw_outputs_where_they_lie():
    # A part of which predictions were made before stays where it is.
    tape = Tape()
    z = dense(tape, tape.input((5,)), "raw", 3)
    ops.add(tape, z, None, "logistic", PHASES["predict"])
    ops.concatenate(tape, [z, dense(tape, z, "more", 2)])
    assert not tape.is_view(z)
    assert tape._writer.tensors[z.number]["space"] == SPACES["activation"]
