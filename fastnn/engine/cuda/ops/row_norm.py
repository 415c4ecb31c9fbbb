"""The normalisation of rows."""

import numpy as np

from fastnn.engine.cuda.op_calls import OpCalls
from fastnn.plan.tables import ROW_NORMS


def row_norm(op: OpCalls) -> None:
    centered = int(op.code == ROW_NORMS["layer_norm"])
    m, n = op.dim(2), op.dim(3)
    op.each_row(
        "row_norm", "row_norm", m, centered, n, *map(op.input, range(3)),
        np.float64(op.scalar(0)), op.output(0), op.output(1),
    )  # fmt: skip


def row_norm_gradient(op: OpCalls) -> None:
    centered = int(op.code == ROW_NORMS["layer_norm"])
    m, n = op.dim(2), op.dim(3)
    dy, x, scale, saved = map(op.input, range(4))
    dx, dscale, doffset = map(op.output, range(3))
    if dscale or doffset:  # first: dx may be dy
        op.each_column(
            "row_norm", "row_norm_sums", n, centered, m, n, dy, x, saved,
            op.adds(1), dscale, op.adds(2), doffset,
        )  # fmt: skip
    if dx:
        name = "row_norm_gradient"
        op.each_row("row_norm", name, m, centered, n, dy, x, scale, saved, dx)


CALLS = {
    "row_norm": row_norm,
    "row_norm_gradient": row_norm_gradient,
}
