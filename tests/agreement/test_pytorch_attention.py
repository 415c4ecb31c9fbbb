"""Attention against PyTorch's, if it is installed, in float64: gradients and steps."""

from itertools import product

import numpy as np
import pytest
from beside_pytorch import Pair

from fastnn import Residual, Sequential
from fastnn.engine.engine import Engine
from fastnn.engine.predictor import Predictor
from fastnn.layers import Flatten, LayerNorm, MultiHeadAttention
from fastnn.losses import SquaredError
from fastnn.network import lower
from fastnn.plan import ops
from fastnn.plan.tape import Tape

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
F = torch.nn.functional

N = 5
EXACT = {"rtol": 1e-10, "atol": 1e-12}

# The last have more keys than a block of weights.
CASES = {
    "one_head": (MultiHeadAttention(1, 3), (6, 4)),
    "heads": (MultiHeadAttention(3, 2, value_dim=5), (7, 4)),
    "causal": (MultiHeadAttention(2, 4, use_causal_mask=True), (6, 5)),
    "no_bias": (MultiHeadAttention(2, 3, use_bias=False, output_dim=3), (4, 4)),
    "one_step": (MultiHeadAttention(2, 3), (1, 4)),
    "long": (MultiHeadAttention(2, 4), (265, 3)),
    "long_causal": (MultiHeadAttention(1, 2, use_causal_mask=True), (260, 2)),
}


def attended(layer, p, x, mask=None):
    """What the layer gives, from its weights by name."""

    def projected(which):
        y = torch.einsum("btd,dnh->bnth", x, p[f"{which}/kernel"])
        return y + p[f"{which}/bias"][:, None] if layer.use_bias else y

    heads = F.scaled_dot_product_attention(
        projected("query"), projected("key"), projected("value"),
        attn_mask=mask, is_causal=layer.use_causal_mask,
    )  # fmt: skip
    y = torch.einsum("bnth,nhd->btd", heads, p["attention_output/kernel"])
    return y + p["attention_output/bias"] if layer.use_bias else y


def theirs(layer, weights, X):
    own = {name.removeprefix("layer/"): value for name, value in weights.items()}
    return attended(layer, own, X)


@pytest.mark.parametrize("name", CASES)
def test_losses_and_gradients(name):
    Pair(*CASES[name], N, theirs).check_losses_and_gradients()


@pytest.mark.parametrize("name", CASES)
def test_ten_steps(name):
    pair = Pair(*CASES[name], N, theirs)
    pair.check_ten_steps(0.1 / pair.X.shape[1])


@pytest.mark.parametrize("causal", [False, True])
def test_an_encoder_is_that_of_their_layers(causal):
    # nn.MultiheadAttention: three products in one matrix, and heads in its rows.
    heads, size, steps = 3, 6, 8
    layer = MultiHeadAttention(heads, size // heads, use_causal_mask=causal)
    network = Sequential([Residual(Sequential([LayerNorm(), layer])), Flatten()])
    plan = lower(network, input_shape=(steps, size), loss=SquaredError())
    rng = np.random.default_rng(1)
    flat = rng.normal(size=plan.n_parameters)
    p = {
        parameter.name.rpartition("multiheadattention/")[2]: torch.tensor(view.copy())
        for parameter, view in zip(plan.parameters, plan.views(flat), strict=True)
    }
    theirs = torch.nn.MultiheadAttention(size, heads, batch_first=True).double()
    projections = "query", "key", "value"
    state = {
        "in_proj_weight": torch.cat(
            [p[f"{name}/kernel"].reshape(size, -1).T for name in projections]
        ),
        "in_proj_bias": torch.cat([p[f"{name}/bias"].ravel() for name in projections]),
        "out_proj.weight": p["attention_output/kernel"].reshape(-1, size).T,
        "out_proj.bias": p["attention_output/bias"],
    }
    theirs.load_state_dict(state)
    x = rng.normal(size=(4, steps, size))
    norm = {name.rpartition("/")[2]: p[name] for name in p if "layernorm" in name}
    h = F.layer_norm(torch.tensor(x), (size,), norm["scale"], norm["offset"])
    hidden = torch.ones(steps, steps, dtype=bool).triu(1) if causal else None
    expected = torch.tensor(x) + theirs(h, h, h, attn_mask=hidden)[0]
    actual = Predictor(plan).predict(flat, x.reshape(4, -1))
    np.testing.assert_allclose(
        actual.reshape(x.shape), expected.detach(), rtol=1e-10, atol=1e-12
    )


def attention_plan(steps, heads, key_dim, value_dim, causal):
    """Inputs that are queries, keys, values and masks; the adjoint is looked at too."""
    tape = Tape()
    widths = heads * key_dim, heads * key_dim, heads * value_dim
    inputs = [
        ops.product(
            tape, tape.input((steps, width), name),
            tape.parameter(name, (width, width), _Identity(), fan_in=1, fan_out=1),
        )
        for name, width in zip("qkv", widths, strict=True)
    ]  # fmt: skip
    mask = tape.input((steps,), "mask")
    y = ops.attention(tape, *inputs, heads, mask=mask, causal=causal, at_a_time=(3, 4))
    return tape.finish(SquaredError().lower(tape, ops.reshape(tape, y, (y.size,))))


class _Identity:
    def draw(self, shape, *_):
        return np.eye(*shape)


@pytest.mark.parametrize("causal", [False, True])
def test_masks_at_every_position(causal):
    # All patterns of five steps; a query whose keys are all masked gets zeros in both.
    steps, heads, key_dim, value_dim = 5, 2, 2, 3
    plan = attention_plan(steps, heads, key_dim, value_dim, causal)
    mask = np.array([*product([0.0, 1.0], repeat=steps)])
    n, rng = len(mask), np.random.default_rng(0)
    tables = {
        name: rng.normal(size=(n, steps, heads, dim))
        for name, dim in (("q", key_dim), ("k", key_dim), ("v", value_dim))
    }
    y = rng.normal(size=(n, steps * heads * value_dim))
    flat = plan.initialize(np.random.RandomState(0), np.float64)
    theirs = {
        name: torch.tensor(np.eye(each[0, 0].size), requires_grad=True)
        for name, each in tables.items()
    }
    q, k, v = (
        (torch.tensor(each.reshape(n, steps, -1)) @ theirs[name])
        .reshape(each.shape)
        .transpose(1, 2)
        for name, each in tables.items()
    )
    seen = torch.tensor(mask[:, None, None] != 0).expand(n, 1, steps, steps)
    if causal:
        seen = seen & torch.ones(steps, steps, dtype=bool).tril()
    heads_of = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
    expected = heads_of.transpose(1, 2).reshape(n, -1)
    X = {name: each.reshape(n, -1) for name, each in tables.items()} | {"mask": mask}
    actual = Predictor(plan).predict(flat, X)
    np.testing.assert_allclose(actual, expected.detach(), **EXACT)
    assert not actual[0].any()  # all of them are masked
    F.mse_loss(expected, torch.tensor(y), reduction="sum").div(2).backward()
    engine = Engine(plan, flat, X, y, batch_size=n)
    engine.gradient()
    for parameter, view in zip(
        plan.parameters, plan.views(engine.gradients), strict=True
    ):
        np.testing.assert_allclose(view, theirs[parameter.name].grad, **EXACT)
