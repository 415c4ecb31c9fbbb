"""Where activations lie: no value is overwritten while somebody will still read it."""

import numpy as np
import pytest
from cases import MAKERS, draw, plan_of, predict
from ops.views import drawn
from writers import stack

from fastnn.engine.engine import Engine
from fastnn.plan.tables import ALIGNMENT, FLAGS, KINDS, OP_FLAGS, PHASES, SPACES

every_plan = pytest.mark.parametrize("name", MAKERS)
CONVOLUTIONS = "conv", "conv_transposed", "conv_kernel_gradient"
phases = pytest.mark.parametrize("phase", ["train", "predict"])
# Evaluation shares its places with predict.
SHARING = {"train": PHASES["train"], "predict": PHASES["predict"] | PHASES["evaluate"]}


def lifetimes(plan, phase):
    """{number: (first step, last step)} of the activations."""
    lives = {}
    running = [op for op in plan.ops if op["phase"] & SHARING[phase]]
    for step, op in enumerate(running):
        for number in map(int, [*op["input"], *op["output"]]):
            number = owner(plan, number)
            if number >= 0 and plan.tensors[number]["space"] == SPACES["activation"]:
                lives[number] = (lives.get(number, (step,))[0], step)
    if phase == "predict" and plan.output in lives:
        lives[plan.output] = (lives[plan.output][0], len(running))
    return running, lives


def owner(plan, number):
    """Whose place a tensor is in: its base's, if it is a view."""
    base = plan.tensors[number]["base"] if number >= 0 else -1
    return int(number if base < 0 else base)


def overlap(tensors, field, one, other):
    (a, m), (b, n) = ((tensors[i][field], tensors[i]["size"]) for i in (one, other))
    return a < b + n and b < a + m


@phases
@every_plan
def test_values_that_live_together_lie_apart(name, phase):
    check_apart(plan_of(name), phase)


@phases
@pytest.mark.parametrize("first", range(0, 300, 50))
def test_values_of_any_views_lie_apart(first, phase):
    for seed in range(first, first + 50):
        check_apart(drawn(seed), phase)


def check_apart(plan, phase):
    field = f"{phase}_offset"
    running, lives = lifetimes(plan, phase)
    for one, (first, last) in lives.items():
        for other, (begin, end) in lives.items():
            if one >= other or not overlap(plan.tensors, field, one, other):
                continue
            if last < begin or end < first:
                continue
            # They may meet in one op that writes the one where it read the other.
            step = max(first, begin)
            assert step == min(last, end), (one, other)
            assert may_be_in_place(plan, running[step], one, other, field)


def may_be_in_place(plan, op, one, other, field):
    elementwise = OP_FLAGS[op["kind"]] & FLAGS["in_place"] != 0
    source, *others = (owner(plan, number) for number in op["input"])
    pair = {source, owner(plan, op["output"][0])}
    same_place = plan.tensors[field][one] == plan.tensors[field][other]
    same_range = all(
        plan.tensors[part][op["input"][0]] == plan.tensors[part][op["output"][0]]
        for part in ("first", "lead", "size")
    )
    fits = same_place and same_range and source not in others
    return elementwise and pair == {one, other} and fits


@phases
@every_plan
def test_size_is_what_is_used(name, phase):
    plan = plan_of(name)
    _, lives = lifetimes(plan, phase)
    ends = [plan.tensors[i][f"{phase}_offset"] + plan.tensors[i]["size"] for i in lives]
    assert getattr(plan, f"{phase}_size") == max(ends)


@every_plan
def test_statistics_lie_apart(name):
    plan = plan_of(name)
    held = plan.tensors[plan.tensors["space"] == SPACES["statistic"]]
    assert not held["per_sample"].any()
    np.testing.assert_array_equal(held["train_offset"], held["predict_offset"])
    ends = held["train_offset"] + held["size"]
    assert (held["train_offset"] % ALIGNMENT == 0).all()
    assert (held["train_offset"][1:] >= ends[:-1]).all()
    assert plan.statistic_size >= max(ends, default=0)
    # Those of normalisation, and one scratch that all convolutions have.
    normalised = np.isin(plan.ops["kind"], KINDS["running_statistics"]).any()
    convolutions = np.isin(plan.ops["kind"], [KINDS[kind] for kind in CONVOLUTIONS])
    scratch = set(plan.ops["output"][convolutions, 1]) - {-1}
    assert len(scratch) == convolutions.any()
    assert normalised == (len(held) > len(scratch))


def test_predicting_takes_two_layers_of_memory():
    plan = stack([50] * 20 + [3])
    assert plan.predict_size == 100
    # Training keeps the output of every layer, in whose place gradients then go.
    assert 20 * 50 <= plan.train_size <= 22 * 50


@every_plan
@pytest.mark.usefixtures("dirty_memory")
def test_results_do_not_depend_on_what_memory_held(name):
    plan = plan_of(name)
    data = draw(plan)
    first = run(plan, data)
    tables = data.X.values() if isinstance(data.X, dict) else [data.X]
    for array in (*tables, data.y, data.weight):
        array[:] = array[::-1].copy()
    run(plan, data)  # leaves other numbers behind
    tables = data.X.values() if isinstance(data.X, dict) else [data.X]
    for array in (*tables, data.y, data.weight):
        array[:] = array[::-1].copy()
    for one, other in zip(first, run(plan, data), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def dirty_memory():
    # Frees blocks full of NaN, for the next allocations to find.
    blocks = [np.full(size, np.nan) for size in (100, 1000, 10_000) for _ in range(20)]
    del blocks


def run(plan, data):
    with Engine(
        plan, data.parameters, data.X, data.y, data.weight, batch_size=len(data.X)
    ) as engine:
        loss = engine.gradient()
        return loss, engine.gradients.copy(), predict(plan, data.parameters, data.X)
