"""Which ops a network becomes, and which it does not."""

import numpy as np
import pytest
from cases import MAKERS, plan_of
from writers import ALL_LOSSES, by_hand, dense, parameter, stack

from fastnn.initializers import GlorotUniform, Initializer, Zeros
from fastnn.layers import ELU, Activation, Dense, LeakyReLU
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.plan import ops
from fastnn.plan.records import LossTerm, Output, Target
from fastnn.plan.tables import ALIGNMENT, KINDS, PHASES, SPACES
from fastnn.plan.tape import Tape

every_plan = pytest.mark.parametrize("name", MAKERS)


def kinds(plan, phase):
    names = {code: name for name, code in KINDS.items()}
    return [names[op["kind"]] for op in plan.ops if op["phase"] & PHASES[phase]]


def test_ops_of_a_dense_network():
    plan = stack([4, 3], "tanh", "cross_entropy")
    forward = ["product", "add", "product", "add"]
    assert kinds(plan, "predict") == [*forward, "softmax"]
    assert kinds(plan, "train") == [
        *forward,
        "loss",
        "add_gradient",  # the sum over the bias
        "product",  # kernel of the second layer
        "product",  # hidden values
        "add_gradient",
        "product",  # kernel of the first layer; nobody wants the gradient of X
    ]


def test_identity_needs_no_op():
    tape = Tape()
    x = tape.input((3,))
    assert ops.add(tape, x) is x
    assert kinds(stack([2]), "predict") == ["product", "add"]


@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_link_runs_at_predict_only(loss):
    plan = stack([3], loss=loss)
    link = {"identity": [], "softmax": ["softmax"]}.get(ALL_LOSSES[loss].link, ["add"])
    assert kinds(plan, "predict") == ["product", "add", *link]
    assert kinds(plan, "train")[:3] == ["product", "add", "loss"]


def test_frozen_parameters_have_no_gradient():
    def write(tape, x):
        x = dense(tape, x, "frozen", 4, "tanh", trainable=False)
        return dense(tape, x, "trained", 2)

    plan = by_hand(write)
    # Backward ends at the last trained layer.
    assert kinds(plan, "train")[-3:] == ["loss", "add_gradient", "product"]
    written = plan.ops["output"][plan.ops["output"] >= 0]
    gradients = plan.tensors[written]
    gradients = gradients[gradients["space"] == SPACES["gradient"]]
    trained = [p.offset for p in plan.parameters if p.name.startswith("trained")]
    assert sorted(gradients["train_offset"]) == sorted(trained)
    assert [bool(t) for t in plan.blocks["trainable"]] == [False, False, True, True]


def test_nothing_trained_means_nothing_backward():
    plan = by_hand(lambda tape, x: dense(tape, x, "fixed", 2, trainable=False))
    assert kinds(plan, "train") == ["product", "add", "loss"]


def test_values_that_lead_nowhere_have_no_gradient():
    def write(tape, x):
        dense(tape, x, "unused", 7, "tanh")
        return dense(tape, x, "used", 2)

    plan = by_hand(write)
    assert kinds(plan, "train").count("add_gradient") == 1


def test_shared_parameter_adds_up():
    plan = plan_of("shared")
    products = plan.ops[plan.ops["kind"] == KINDS["product"]]
    into_kernel = [
        op for op in products
        if plan.tensors[op["output"][0]]["space"] == SPACES["gradient"]
    ]  # fmt: skip
    assert [op["accumulate"] for op in into_kernel] == [0, 1]


@every_plan
def test_records_are_consistent(name):
    plan = plan_of(name)
    n_tensors = len(plan.tensors)
    written = {
        i for i, t in enumerate(plan.tensors)
        if t["space"] in (SPACES["input"], SPACES["target"], SPACES["parameter"])
    }  # fmt: skip
    base = np.where(plan.tensors["base"] < 0, range(n_tensors), plan.tensors["base"])
    for op in plan.ops:
        reads = {int(base[i]) for i in op["input"] if i >= 0}
        writes = {int(base[i]) for i in op["output"] if i >= 0}
        assert max(reads | writes) < n_tensors
        assert reads <= written, "an op reads what nobody has written"
        assert writes or op["kind"] in (KINDS["loss"], KINDS["custom_loss"])
        for i in writes:
            assert plan.tensors[i]["space"] in (
                SPACES["activation"],
                SPACES["gradient"],
                SPACES["statistic"],
            )
        written |= writes
    assert plan.output in written


@every_plan
def test_parameters_are_aligned_and_apart(name):
    plan = plan_of(name)
    end = 0
    for parameter_, block in zip(plan.parameters, plan.blocks, strict=True):
        assert parameter_.offset % ALIGNMENT == 0
        assert parameter_.offset >= end
        assert (block["offset"], block["size"]) == (parameter_.offset, parameter_.size)
        end = parameter_.offset + parameter_.size
    assert plan.n_parameters >= end
    assert plan.n_parameters % ALIGNMENT == 0


def test_records_cannot_be_changed():
    plan = stack([2])
    for records in (plan.ops, plan.tensors, plan.blocks):
        with pytest.raises(ValueError, match="read-only"):
            records[0] = records[0]
    with pytest.raises(AttributeError):
        plan.output = 0


def test_blocks_carry_what_the_update_needs():
    plan = plan_of("frozen")
    np.testing.assert_array_equal(plan.blocks["penalty"], [0.3, 0.3, 0.1, 0.1, 0, 0])
    np.testing.assert_array_equal(plan.blocks["learning_rate"], [1, 1, 0.5, 0.5, 1, 1])
    kernels = stack([4, 2]).blocks
    np.testing.assert_array_equal(kernels["penalty"], [0.1, 0, 0, 0])


def test_sizes_and_names():
    plan = stack([4, 3], loss="cross_entropy", input_shape=(2, 5))
    assert [p.name for p in plan.parameters] == [
        "dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias",
    ]  # fmt: skip
    assert (plan.n_inputs, plan.n_outputs) == (10, 6)
    assert (plan.input_shape, plan.output_shape) == ((2, 5), (2, 3))
    assert plan.target_columns == 2
    assert plan.targets == (Target("y", 0, (2, 1), (3,)),)
    assert plan.outputs == (Output("y", 0, (2, 3)),)
    assert plan.losses == (LossTerm("y", 1.0),)
    assert stack([4, 3]).targets == (Target("y", 0, (3,), ()),)


def test_initial_values_are_drawn_in_order():
    class Counting(Initializer):
        def draw(self, shape, fan_in, fan_out, random_state):
            return np.full(shape, random_state.uniform())

    layers = [Dense(3, kernel_initializer=Counting()), Dense(2)]
    plan = lower(Sequential(layers), input_shape=(4,), loss=SquaredError())
    flat = plan.initialize(np.random.RandomState(0), np.float32)
    assert flat.dtype == np.float32
    random_state = np.random.RandomState(0)
    first = random_state.uniform()
    bound = np.sqrt(6 / (3 + 2))
    second = random_state.uniform(-bound, bound, (3, 2))
    kernel, bias, other_kernel, _ = plan.views(flat)
    np.testing.assert_array_equal(kernel, np.float32(first))
    np.testing.assert_array_equal(bias, 0)
    np.testing.assert_array_equal(other_kernel, second.astype(np.float32))
    assert np.count_nonzero(flat) == kernel.size + other_kernel.size  # gaps are zero


def test_precision_does_not_change_the_draws():
    plan = stack([4, 2])
    double, single = (
        plan.initialize(np.random.RandomState(0), dtype)
        for dtype in (float, np.float32)
    )
    np.testing.assert_array_equal(single, double.astype(np.float32))


def test_views_share_memory():
    plan = stack([4, 2])
    flat = np.zeros(plan.n_parameters)
    for view, p in zip(plan.views(flat), plan.parameters, strict=True):
        assert view.shape == p.shape
        view += 1
    assert flat.sum() == sum(p.size for p in plan.parameters)


def test_glorot_and_zeros():
    values = GlorotUniform(2.0).draw((300, 200), 300, 200, np.random.RandomState(0))
    bound = np.sqrt(2 / 500)
    assert abs(values).max() <= bound
    assert abs(values).max() > 0.999 * bound
    assert not Zeros().draw((3, 2), 3, 2, np.random.RandomState(0)).any()


@pytest.mark.parametrize("shape", [(4, 2), (1, 5), (3,)])
def test_product_needs_a_matrix_that_fits(shape):
    tape = Tape()
    x = tape.input((5,))
    with pytest.raises(ValueError, match=r"last axis of shape \(5,\) needs a matrix"):
        ops.product(tape, x, parameter(tape, "w", shape))


@pytest.mark.parametrize("missing", ["input", "target"])
def test_plan_needs_an_input_and_a_target(missing):
    tape = Tape()
    value = getattr(tape, {"input": "target", "target": "input"}[missing])((3,))
    with pytest.raises(ValueError, match="needs an input and a target"):
        tape.finish(value)


def test_activation_must_be_known():
    with pytest.raises(ValueError, match="relu"):
        lower(Sequential([Dense(2, "rely")]), input_shape=(3,), loss=SquaredError())
    with pytest.raises(ValueError, match="units"):
        lower(Sequential([Dense(0)]), input_shape=(3,), loss=SquaredError())


@pytest.mark.parametrize(
    "layer", [Activation("sigmoid"), LeakyReLU(-0.1), ELU(-1), Dense(2, "softmx")]
)
def test_layers_check_their_options(layer):
    def plan():
        return lower(Sequential([layer]), input_shape=(3,), loss=SquaredError())

    if layer.get_params().get("activation") == "sigmoid":
        assert kinds(plan(), "predict") == ["add"]
    else:
        with pytest.raises(ValueError, match=r"negative_slope|alpha|activation"):
            plan()


def test_aliases_are_the_same_op():
    one, other = stack([3, 2], "swish"), stack([3, 2], "silu")
    np.testing.assert_array_equal(one.ops, other.ops)


def test_a_slope_of_the_input_keeps_it():
    # relu works in place; silu's slope needs what stood there.
    in_place, kept = (stack([9, 9, 9, 1], name) for name in ("relu", "silu"))
    assert kept.train_size > in_place.train_size
    assert kept.predict_size == in_place.predict_size
