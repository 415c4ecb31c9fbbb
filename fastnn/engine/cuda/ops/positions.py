"""Rows of a table that are added to the steps of samples."""

from fastnn.engine.cuda.op_calls import OpCalls


def positions(op: OpCalls) -> None:
    steps, _, dim = map(int, op.own_params(3))
    arguments = steps * dim, *map(op.input, range(2)), op.output(0)
    op.each("positions", "positions", op.size_of_output(0), *arguments)


def positions_gradient(op: OpCalls) -> None:
    steps, rows, dim = map(int, op.own_params(3))
    op.each(
        "positions", "positions_gradient", rows * dim, steps * dim, op.rows.count,
        op.input(0), op.adds(0), op.output(0),
    )  # fmt: skip


CALLS = {
    "positions": positions,
    "positions_gradient": positions_gradient,
}
