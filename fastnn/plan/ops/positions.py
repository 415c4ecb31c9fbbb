"""Rows of a table that are added to the steps of a sample, in their order."""

from fastnn.plan.tape import ALWAYS, TRAIN, Tape
from fastnn.plan.tensor import Tensor, samples_of


def positions(tape: Tape, x: Tensor, table: Tensor) -> Tensor:
    """x and, for each step, the row of a table that its place is the number of.

    Parameters
    ----------
    x : Tensor of shape (steps, dim)
        One for each sample; or, where samples are sequences, a row of shape (dim,) for
        each of their steps.
    table : Tensor of shape (n, dim)
        A parameter, with a row for each step at least.

    Raises
    ------
    ValueError
        If there are more steps than rows, or rows of another size.
    """
    rows, dim = table.shape
    steps = 0 if x.axis else x.shape[0]
    if x.shape[-1] != dim or steps > rows or len(x.shape) != (1 if x.axis else 2):
        raise ValueError(
            f"rows of a table of shape {table.shape} cannot be added to a value of "
            f"shape {x.shape}: it needs one of that size for each step"
        )
    x = tape.dense(x)
    if x.axis:
        tape.limit_steps(x, rows)
    y = tape.activation(x.shape, x, table, axis=x.axis)
    fields = {**samples_of(x), "params": [steps, rows, dim]}
    tape.emit("positions", (x, table), (y,), ALWAYS, **fields)

    def adjoint() -> None:
        dy = tape.dense_gradient_of(y)
        if table.needs_gradient:
            dtable, accumulate = tape.accumulator(table)
            tape.emit(
                "positions_gradient", (dy,), (dtable,), TRAIN,
                accumulate=accumulate, **fields,
            )  # fmt: skip
        tape.contribute(x, dy)

    tape.record(y, adjoint)
    return y
