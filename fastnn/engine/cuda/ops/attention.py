"""Attention, a head of a query or a key at a time."""

from typing import Any

import numpy as np

from fastnn.engine.cuda.op_calls import OpCalls
from fastnn.plan.tables import CHANCES


def attention(op: OpCalls) -> None:
    queries, _, heads, _, value_dim = map(int, op.own_params(5))
    y = op.rows_out(0, heads * (value_dim + 2))
    rows = op.rows.count * queries * heads
    op.each_row("attention", "attention", rows, *_read(op, 0), *y)


def attention_gradient(op: OpCalls) -> None:
    queries, keys, heads, key_dim, value_dim = map(int, op.own_params(5))
    y = op.rows_in(4, heads * (value_dim + 2))
    dy = op.rows_in(0, heads * value_dim)
    dq, dk, dv = (
        op.rows_out(i, heads * size)
        for i, size in enumerate((key_dim, key_dim, value_dim))
    )
    read = *_read(op, 1), *y, *dy
    n = op.rows.count * heads
    if dq[0]:
        op.each_row("attention", "attention_queries", n * queries, *read, *dq)
    if dk[0] or dv[0]:
        op.each_row("attention", "attention_keys", n * keys, *read, *dk, *dv)


def _read(op: OpCalls, first: int) -> tuple[Any, ...]:
    """Queries, keys, values and mask of an op, and how it draws."""
    _, _, heads, key_dim, value_dim = map(int, op.own_params(5))
    sizes = enumerate((key_dim, key_dim, value_dim))
    rows = [n for i, size in sizes for n in op.rows_in(first + i, heads * size)]
    mask = op.input(3 if first == 0 else 5)
    scale, rate, kept = map(op.scalar, range(3))
    dropped = min(int(rate * CHANCES + 0.5), CHANCES - 1)
    scalars = op.step_scalars() if dropped else 0
    return (
        op.params(), *rows, mask, np.float64(scale),
        scalars, op.code, op.rows.first, dropped, op.real(kept),
    )  # fmt: skip


CALLS = {
    "attention": attention,
    "attention_gradient": attention_gradient,
}
