"""Batch normalisation, in passes over columns and over numbers."""

from fastnn.engine.cuda.op_calls import OpCalls


def batch_moments(op: OpCalls) -> None:
    m, n = op.dim(2), op.dim(3)
    arguments = m, n, op.input(0), op.output(0)
    op.each_column("batch_norm", "batch_moments", n, *arguments)


def batch_statistics(op: OpCalls) -> None:
    rows, n = op.dim(2), op.dim(3)
    mean, variance, scale, offset = map(op.input, range(4))
    square = mean + n * op.dtype.itemsize
    epsilon, momentum = op.scalar(0), op.scalar(1)
    _batch_table(op, n, mean, square, rows, epsilon, scale, offset)
    keep = op.real(1 - momentum if op.record["accumulate"] else 0)
    # One row has no variance: it leaves the running one alone.
    moved = [(mean, momentum, op.output(1))]
    if rows > 1:
        moved.append((square, momentum / (rows - 1), op.output(2)))
    else:
        moved.append((variance, momentum, op.output(2)))
    for x, part, to in moved:
        op.each("batch_norm", "move_running", n, keep, op.real(part), x, to)


def running_statistics(op: OpCalls) -> None:
    n = op.dim(3)
    mean, variance, scale, offset = map(op.input, range(4))
    _batch_table(op, n, mean, variance, 1, op.scalar(0), scale, offset)


def _batch_table(
    op: OpCalls,
    n: int,
    mean: int,
    square: int,
    rows: int,
    epsilon: float,
    scale: int,
    offset: int,
) -> None:
    op.each(
        "batch_norm", "batch_table", n, mean, square, op.real(rows),
        op.real(epsilon), scale, offset, op.output(0),
    )  # fmt: skip


def batch_norm(op: OpCalls) -> None:
    m, n = op.dim(2), op.dim(3)
    arguments = n, op.input(0), op.input(1), op.output(0)
    op.each("batch_norm", "batch_norm", m * n, *arguments)


def batch_norm_sums(op: OpCalls) -> None:
    m, n = op.dim(2), op.dim(3)
    arguments = *map(op.input, range(3)), op.output(0), op.output(1)
    op.each_column("batch_norm", "batch_norm_sums", n, m, n, *arguments)


def batch_correction(op: OpCalls) -> None:
    rows, n = op.dim(2), op.dim(3)
    arguments = *map(op.input, range(3)), op.output(0)
    op.each("batch_norm", "batch_correction", n, op.real(rows), *arguments)


def batch_norm_gradient(op: OpCalls) -> None:
    m, n = op.dim(2), op.dim(3)
    arguments = n, *map(op.input, range(4)), op.output(0)
    op.each("batch_norm", "batch_norm_gradient", m * n, *arguments)


CALLS = {
    "batch_moments": batch_moments,
    "batch_statistics": batch_statistics,
    "running_statistics": running_statistics,
    "batch_norm": batch_norm,
    "batch_norm_sums": batch_norm_sums,
    "batch_correction": batch_correction,
    "batch_norm_gradient": batch_norm_gradient,
}
