"""The largest, the mean or the sum of windows, and the adjoints."""

from fastnn.engine.cuda.op_calls import OpCalls


def pool(op: OpCalls) -> None:
    size = op.size_of_output(0)
    op.each(
        "pool", "pool_windows", size, op.code, op.params(), op.input(0),
        *map(op.output, range(2)),
    )  # fmt: skip


def pool_gradient(op: OpCalls) -> None:
    op.each(
        "pool", "pool_windows_gradient", op.size, op.code, op.params(),
        *map(op.input, range(2)), op.output(0),
    )  # fmt: skip


CALLS = {
    "pool": pool,
    "pool_gradient": pool_gradient,
}
