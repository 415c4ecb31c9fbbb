"""Biases and activations, whose second operand is broadcast."""

from fastnn.engine.cuda.calls import COLUMN_BLOCK
from fastnn.engine.cuda.op_calls import OpCalls, RowsAt
from fastnn.plan.tables import ACTIVATIONS

# The rows of a bias' gradient are divided into slabs of at least so many, of which at
# most so many blocks of threads are made: two for each processor of a card. Fewer rows
# are summed sooner by one block for some columns than by a second launch.
SLAB_ROWS, SLAB_BLOCKS = 512, 256


def add(op: OpCalls) -> None:
    a, y = op.rows_in(0, op.dim(3)), op.rows_out(0, op.dim(3))
    b = op.input(1)
    name = ACTIVATIONS[op.code]
    if a == y and not b and name == "identity":
        return
    option = op.real(op.scalar(0))
    name = f"add_{name}"
    op.each("broadcast", name, op.size, *a, b, *op.axes, option, *y)


def add_gradient(op: OpCalls) -> None:
    n = op.dim(3)
    dy, saved = op.rows_in(0, n), op.rows_in(1, n)
    da, db = op.rows_out(0, n), op.output(1)
    if db and list(map(op.stride, range(4))) == [0, 0, 0, 1]:
        _bias_gradient(op, dy, saved, da, db)
        return
    if da[0]:
        name = f"slope_{ACTIVATIONS[op.code]}"
        option = op.real(op.scalar(0))
        op.each("broadcast", name, op.size, n, *dy, *saved, option, *da)
    if db:
        d = da if da[0] else dy
        op.sum("broadcast", "reduce", *d, *op.axes, op.adds(1), db)


def _bias_gradient(op: OpCalls, dy: RowsAt, saved: RowsAt, da: RowsAt, db: int) -> None:
    n = op.dim(3)
    m, strips = op.size // n, -(-n // COLUMN_BLOCK[0])
    slabs = max(1, min(m // SLAB_ROWS, SLAB_BLOCKS // strips))
    parts = op.buffers.partial.address if slabs > 1 else 0
    option, adds = op.real(op.scalar(0)), op.adds(1)
    name = f"bias_gradient_{ACTIVATIONS[op.code]}"
    op.launch(
        "bias", name, strips * slabs, COLUMN_BLOCK, m, n, -(-m // slabs), *dy,
        *saved, option, *da, adds, db, parts,
    )  # fmt: skip
    if parts:
        op.each("bias", "join_slabs", n, slabs, parts, adds, db)


CALLS = {
    "add": add,
    "add_gradient": add_gradient,
}
