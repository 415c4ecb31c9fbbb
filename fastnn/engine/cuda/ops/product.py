"""Products, which a library of the device makes."""

from fastnn.engine.cuda.op_calls import OpCalls
from fastnn.engine.device import Matrix, Product


def product(op: OpCalls) -> None:
    transpose = int(op.record["transpose"])
    count, m, n, k = map(op.dim, range(4))
    rows = (
        op.rows_in(0, m if transpose & 1 else k),
        op.rows_in(1, k if transpose & 2 else n),
        op.rows_out(0, n),
    )
    a, b, c = (
        Matrix(address, lead, op.stride(i), bool(transpose & 1 << i))
        for i, (address, lead) in enumerate(rows)
    )
    beta = float(op.adds(0))
    product = Product(op.dtype, count, m, n, k, a, b, c, beta, op.walk.precision)
    op.walk.calls.append(op.device.product(product))


CALLS = {"product": product}
