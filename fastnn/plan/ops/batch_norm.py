"""Normalisation of each column by the statistics of a mini-batch.

The shares of a step meet there: each brings the numbers of its rows, one thread makes
of them what belongs to the batch, and all go on with that.
"""

from fastnn.plan.tape import ALWAYS, EVALUATE, PREDICT, TRAIN, Tape
from fastnn.plan.tensor import Tensor, rows_of


def batch_norm(
    tape: Tape,
    x: Tensor,
    running_mean: Tensor,
    running_variance: Tensor,
    scale: Tensor | None,
    offset: Tensor | None,
    *,
    momentum: float,
    epsilon: float,
) -> Tensor:
    """``scale * (x - mean) / sqrt(variance + epsilon) + offset``, by column of x.

    A column is an entry of the last axis. Its mean and variance are those over all
    rows of the mini-batch in training, and the running ones elsewhere, or also in
    training where these do not move.

    Parameters
    ----------
    x : Tensor
    running_mean, running_variance : Tensor
        Of :meth:`Tape.running_statistic`, of shape (columns,). Several uses move them
        one after another, in the order in which they are written. Parameters that
        nothing trains do not move.
    scale, offset : Tensor or None
        Parameters of shape (columns,); None is 1 and 0.
    momentum : float
        Weight of a batch's statistics in the running ones, above 0.
    epsilon : float
        Above 0.
    """
    x = tape.dense(x)
    columns = x.shape[-1]
    # Ops that read statistics alone are told whose steps they are of.
    rows = {**rows_of(x, columns), "axis": x.axis}
    sources = [t for t in (x, scale, offset) if t is not None]
    y = tape.activation(x.shape, *sources)
    table = tape.statistic(4, columns)
    moves = tape.moves(running_mean)
    if moves:
        _batch_statistics(
            tape,     x, running_mean, running_variance, scale, offset, table,
            momentum=momentum, epsilon=epsilon,
        )  # fmt: skip
    tape.emit(
        "running_statistics",
        (running_mean, running_variance, scale, offset),
        (table,),
        PREDICT | EVALUATE if moves else ALWAYS,
        scalar=(epsilon, 0, 0, 0),
        **rows,
    )
    tape.emit("batch_norm", (x, table), (y,), ALWAYS, **rows)

    def adjoint() -> None:
        dy = tape.dense_gradient_of(y)
        trained = [t for t in (scale, offset) if t is not None and t.needs_gradient]
        sums = products = None
        if trained or moves:
            sums, products = tape.statistic(columns), tape.statistic(columns)
            tape.emit(
                "batch_norm_sums", (dy, x, table), (sums, products), TRAIN, **rows
            )
        for value, own in ((offset, sums), (scale, products)):
            if value is not None and value.needs_gradient:
                gradient, adds = tape.accumulator(value)
                tape.emit(
                    "add_gradient", (own,), (None, gradient), TRAIN,
                    dim=(1, 1, 1, columns), stride=(0, 0, 0, 1), accumulate=adds,
                )  # fmt: skip
        if x.needs_gradient and moves:
            correction = tape.statistic(2, columns)
            tape.emit(
                "batch_correction", (sums, products, table), (correction,), TRAIN,
                **rows,
            )  # fmt: skip
            dx = tape.activation(x.shape)
            tape.emit(
                "batch_norm_gradient", (dy, x, table, correction), (dx,), TRAIN,
                **rows,
            )  # fmt: skip
            tape.contribute(x, dx)
        elif x.needs_gradient:
            # The adjoint of a fixed affine map is that map without its constants.
            slope = tape.statistic(4, columns)
            tape.emit(
                "running_statistics", (None, running_variance, scale, None),
                (slope,), TRAIN, scalar=(epsilon, 0, 0, 0), **rows,
            )  # fmt: skip
            dx = tape.activation(x.shape)
            tape.emit("batch_norm", (dy, slope), (dx,), TRAIN, **rows)
            tape.contribute(x, dx)

    tape.record(y, adjoint)
    return y


def _batch_statistics(
    tape: Tape,
    x: Tensor,
    running_mean: Tensor,
    running_variance: Tensor,
    scale: Tensor | None,
    offset: Tensor | None,
    table: Tensor,
    *,
    momentum: float,
    epsilon: float,
) -> None:
    """Write the table of a mini-batch, and how running statistics move there."""
    columns = x.shape[-1]
    rows = {**rows_of(x, columns), "axis": x.axis}
    moments = tape.statistic(2, columns)
    tape.emit("batch_moments", (x,), (moments,), TRAIN, **rows)
    mean_moved, accumulate = tape.accumulator(running_mean)
    variance_moved, _ = tape.accumulator(running_variance)
    for statistic in (running_mean, running_variance):
        tape.move(statistic, momentum)
    tape.emit(
        "batch_statistics",
        (moments, running_variance, scale, offset),
        (table, mean_moved, variance_moved),
        TRAIN,
        scalar=(epsilon, momentum, 0, 0), accumulate=accumulate, **rows,
    )  # fmt: skip
