"""Means, sums and maxima over axes of a sample."""

from fastnn.engine.cuda.op_calls import OpCalls


def reduce(op: OpCalls) -> None:
    size = op.size_of_output(0)
    op.each(
        "reduce", "reduce_axes", size, op.code, op.params(),
        *map(op.input, range(2)), *map(op.output, range(2)),
    )  # fmt: skip


def reduce_gradient(op: OpCalls) -> None:
    op.each(
        "reduce", "reduce_axes_gradient", op.size, op.code,
        op.params(), *map(op.input, range(5)), op.output(0),
    )  # fmt: skip


CALLS = {
    "reduce": reduce,
    "reduce_gradient": reduce_gradient,
}
