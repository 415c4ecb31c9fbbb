"""Normalisation of each row by its own statistics."""

from fastnn.plan.tables import ROW_NORMS
from fastnn.plan.tape import ALWAYS, TRAIN, Tape
from fastnn.plan.tensor import Tensor, rows_of


def row_norm(
    tape: Tape,
    kind: str,
    x: Tensor,
    scale: Tensor | None = None,
    offset: Tensor | None = None,
    *,
    epsilon: float,
) -> Tensor:
    """``scale * h + offset`` with h the normalised rows of x along the last axis.

    Parameters
    ----------
    kind : {"layer_norm", "rms_norm"}
        Whether a row's mean is removed before it is divided by the root of its mean
        square.
    x : Tensor
    scale, offset : Tensor, default=None
        Parameters of the shape of a row. None is 1 and 0.
    epsilon : float
        Added to the mean square, above 0.
    """
    for row in (scale, offset):
        if row is not None and row.shape != x.shape[-1:]:
            raise ValueError(
                f"rows of shape {x.shape[-1:]} need a scale and an offset of that "
                f"shape, got {row.shape}"
            )
    x = tape.dense(x)
    y = tape.activation(x.shape, *(t for t in (x, scale, offset) if t is not None))
    per_row = 3 if kind == "layer_norm" else 1
    saved = tape.activation((*x.shape[:-1], per_row))
    fields = {"code": ROW_NORMS[kind], **rows_of(x, x.shape[-1])}
    tape.emit(
        "row_norm", (x, scale, offset), (y, saved), ALWAYS,
        scalar=(epsilon, 0, 0, 0), **fields,
    )  # fmt: skip

    def adjoint() -> None:
        dy = tape.dense_gradient_of(y)
        dx = tape.activation(x.shape) if x.needs_gradient else None
        for accumulate, sums in tape.accumulators(scale, offset):
            tape.emit(
                "row_norm_gradient", (dy, x, scale, saved), (dx, *sums), TRAIN,
                accumulate=accumulate, **fields,
            )  # fmt: skip
        if dx is not None:
            tape.contribute(x, dx)

    tape.record(y, adjoint)
    return y
