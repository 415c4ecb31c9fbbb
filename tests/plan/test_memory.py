"""Where activations lie: no value is overwritten while somebody will still read it."""

import numpy as np
import pytest
from cases import MAKERS, Data, draw, plan_of, predict
from ops.views import drawn
from writers import stack

from fastnn.engine.engine import Engine
from fastnn.plan.tables import ALIGNMENT, FLAGS, KINDS, OP_FLAGS, PHASES, SPACES

every_plan = pytest.mark.parametrize("name", MAKERS)
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
    together = tensors[one]["axis"] == tensors[other]["axis"]  # steps lie elsewhere
    return together and a < b + n and b < a + m


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
    sizes = getattr(plan, f"{phase}_size"), *getattr(plan, f"{phase}_sizes_of_steps")
    used = [0] * len(sizes)
    for tensor in plan.tensors[[*lives]]:
        end = tensor[f"{phase}_offset"] + tensor["size"]
        used[tensor["axis"]] = max(used[tensor["axis"]], end)
    assert used == [*sizes]


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
    # Those of normalisation, and one scratch that all others have.
    of_norm = [KINDS[kind] for kind in KINDS if kind.startswith(("batch_", "running_"))]
    normalises = np.isin(plan.ops["kind"], of_norm)
    written = plan.ops["output"][~normalises]
    written = np.unique(written[written >= 0])
    scratch = written[plan.tensors["space"][written] == SPACES["statistic"]]
    assert len(scratch) <= 1
    assert normalises.any() == (len(held) > len(scratch))


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
    backwards = slice(None, None, -1)
    # Leaves other numbers behind.
    run(
        plan,
        Data(
            data.parameters,
            data.X[backwards],
            data.y[backwards].copy(),
            data.weight[backwards].copy(),
        ),
    )
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
