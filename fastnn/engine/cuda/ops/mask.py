"""Masks of tokens and of values, and what they let pass."""

from fastnn.engine.cuda.op_calls import OpCalls


def token_mask(op: OpCalls) -> None:
    op.each("mask", "token_mask", op.size, op.input(0), op.output(0))


def value_mask(op: OpCalls) -> None:
    m, n, value = op.dim(2), op.dim(3), op.real(op.scalar(0))
    op.each("mask", "value_mask", m, n, op.input(0), value, op.output(0))


def masked(op: OpCalls) -> None:
    op.each("mask", "masked", op.size, op.dim(3), *map(op.input, (0, 1)), op.output(0))


CALLS = {
    "token_mask": token_mask,
    "value_mask": value_mask,
    "masked": masked,
}
