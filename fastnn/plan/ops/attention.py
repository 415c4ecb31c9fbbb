"""What each step of a sample reads of all steps, by scores of queries and keys."""

from math import sqrt
from typing import Any

from fastnn.plan.tape import ALWAYS, EVALUATE, PREDICT, TRAIN, Tape
from fastnn.plan.tensor import Tensor

# Weights that there are at a time, in scratch: of so many queries, for so many keys.
AT_A_TIME = 64, 128
# What each head keeps of a query for the adjoint.
KEPT = 2


def attention(
    tape: Tape,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    heads: int,
    *,
    mask: Tensor | None = None,
    causal: bool = False,
    rate: float = 0.0,
    at_a_time: tuple[int, int] = AT_A_TIME,
) -> Tensor:
    """``softmax(q @ k.T / sqrt(key_dim)) @ v`` of each sample and head.

    Parameters
    ----------
    q : Tensor of shape (queries, heads * key_dim)
        One for each sample, with heads side by side. Where samples are sequences it
        has a row for each of their steps, and so have all others.
    k : Tensor of shape (keys, heads * key_dim)
    v : Tensor of shape (keys, heads * value_dim)
    heads : int
    mask : Tensor of shape (keys,), default=None
        0 for keys that no query sees. A query that sees none gets zeros.
    causal : bool, default=False
        Whether a query sees the keys up to its own place only; there are as many.
    rate : float, default=0
        Of the weights that are dropped in training: a multiple of one over ``CHANCES``
        of the compiled tables, below 1. The others are divided by ``1 - rate``.
    at_a_time : tuple of int, default=AT_A_TIME
        Of how many queries, and for how many keys, there are weights at a time.

    Returns
    -------
    y : Tensor of shape (queries, heads * value_dim)
    """
    key_dim, value_dim = k.shape[-1] // heads, v.shape[-1] // heads
    assert q.axis == k.axis == v.axis
    # Of sequences: a query, as the fields count, and as many keys as may be expected.
    queries, keys = (1, at_a_time[0]) if q.axis else (q.shape[0], k.shape[0])
    assert q.shape[-1] == k.shape[-1] == heads * key_dim
    assert v.shape[-1] == heads * value_dim
    assert q.axis or (v.shape[0] == keys and (queries == keys or not causal))
    if mask is not None:
        mask = tape.dense(mask)
    # Behind the values of a query is what its heads keep, so that they are one tensor.
    size = heads * (value_dim + KEPT)
    attended = tape.activation((*q.shape[:-1], size), q, k, v, axis=q.axis)
    y = tape.view(attended, 0, heads * value_dim)
    block = (
        at_a_time if q.axis else (min(at_a_time[0], queries), min(at_a_time[1], keys))
    )
    room = block[0] * block[1]
    fields: dict[str, Any] = {
        "dim": (1, queries, keys, heads * (key_dim + value_dim)),
        "per_sample": 1 << 1,
        "params": [queries, keys, heads, key_dim, value_dim, int(causal), *block],
    }
    factor = 1 / sqrt(key_dim)
    kept, drops = (factor, 0, 0, 0), (factor, rate, 1 / (1 - rate), 0)
    if rate:
        fields["code"] = tape.mask()
    phases = {TRAIN: drops, PREDICT | EVALUATE: kept} if rate else {ALWAYS: kept}
    for phase, scalar in phases.items():
        tape.emit(
            "attention", (q, k, v, mask), (attended, tape.scratch(room)), phase,
            scalar=scalar, **fields,
        )  # fmt: skip

    def adjoint() -> None:
        gradients = [
            tape.activation(each.shape, axis=each.axis) if each.needs_gradient else None
            for each in (q, k, v)
        ]
        tape.emit(
            "attention_gradient", (tape.gradient_of(y), q, k, v, attended, mask),
            (*gradients, tape.scratch(2 * room)), TRAIN,
            scalar=drops if rate else kept, **fields,
        )  # fmt: skip
        for each, gradient in zip((q, k, v), gradients, strict=True):
            if gradient is not None:
                tape.contribute(each, gradient)

    tape.record(y, adjoint)
    return y
