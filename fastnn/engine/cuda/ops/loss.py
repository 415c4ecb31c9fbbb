"""Losses of the tables, softmax, and the sums that losses end in."""

import numpy as np

from fastnn.engine.cuda.calls import NUMBERS_SUMMED, THREADS, blocks_for
from fastnn.engine.cuda.op_calls import OpCalls
from fastnn.plan.tables import LOSSES, ROW_LOSSES


def softmax(op: OpCalls) -> None:
    start = op.stride(0) * op.dtype.itemsize
    m, n, width = op.dim(2), op.dim(3), op.lead(0)
    (z, z_lead), (y, y_lead) = op.rows_in(0, width), op.rows_out(0, width)
    arguments = z + start, z_lead, y + start, y_lead
    op.each_row("row_loss", "softmax", m, n, *arguments)


def softmax_gradient(op: OpCalls) -> None:
    m, n = op.dim(2), op.dim(3)
    dy, y, dz = op.rows_in(0, n), op.rows_in(1, n), op.rows_out(0, n)
    op.each_row("row_loss", "softmax_gradient", m, n, *dy, *y, *dz)


def loss(op: OpCalls) -> None:
    name = LOSSES[op.code]
    m, n = op.dim(2), op.dim(3)
    itemsize = op.dtype.itemsize
    z, z_lead = op.rows_in(0, op.lead(0))
    y, (y_lead, y_apart) = op.input(1), _target_leads(op)
    dz, dz_lead = op.rows_out(0, op.lead(0))
    start = op.stride(0) * itemsize
    of_rows = name in ROW_LOSSES
    # Sums of its rows, or of blocks of threads.
    partial = op.buffers.partial.address
    parts = m if of_rows else blocks_for(m * n, NUMBERS_SUMMED)
    arguments = (
        n, z + start, z_lead, y + op.stride(1) * itemsize, y_lead, y_apart,
        op.own_weight(), int(op.record["dim"][2]),
        *map(op.real, (op.scalar(0), op.scalar(2), op.scalar(3))),
        dz + start if dz else 0, dz_lead, partial,
    )  # fmt: skip
    if of_rows:
        op.each_row("row_loss", f"loss_{name}", m, *arguments)
    else:
        name = f"loss_{name}"
        op.launch("loss", name, parts, (THREADS, 1), m, *arguments)
    finish_loss(op, parts, partial, op.scalar(1))


def _target_leads(op: OpCalls) -> tuple[int, int]:
    """From one row of a target to the next, and from one sample's to the next.

    The latter is 0 where all rows have one distance.
    """
    target = op.plan.tensors[op.record["input"][1]]
    lead, is_one = int(target["lead"]), int(op.record["dim"][2]) == 1
    if lead and (is_one or target["base"] >= 0):
        return lead, 0
    return op.lead(1), lead


def finish_loss(op: OpCalls, parts: int, partial: int, report: float) -> None:
    # In a step the first op of a loss adds up its weights as well.
    number, count = int(op.record["loss"]), 0
    is_first = not op.walk.weighed and op.buffers.scalars is not None
    if number not in op.walk.weighed and op.buffers.scalars is not None:
        count = op.rows.count
    op.walk.weighed.add(number)
    op.launch(
        "loss", "finish_loss", 1, (THREADS, 1),
        parts, partial, np.float64(report), count, op.own_weight(),
        int(is_first), op.weight(), op.buffers.sums.address, number,
    )  # fmt: skip


CALLS = {
    "softmax": softmax,
    "softmax_gradient": softmax_gradient,
    "loss": loss,
}
