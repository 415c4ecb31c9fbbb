"""States that go through the steps of a sample, of LSTM, GRU and simple layers."""

from math import prod

from fastnn.plan.ops.broadcast import as_it_is_elsewhere
from fastnn.plan.ops.random import dropped_factors
from fastnn.plan.tables import (
    ACTIVATION_READS,
    ACTIVATIONS,
    RECURRENT_CELLS,
    RECURRENT_RETURNS,
    RECURRENT_SCRATCH,
)
from fastnn.plan.tape import ALWAYS, EVALUATE, PREDICT, TRAIN, Tape
from fastnn.plan.tensor import Tensor, aligned, samples_of

# Gates of each cell, and rows of units numbers that the backward pass reads of a step
# beside them: what the state is before it, and something that is the cell's own.
GATES = {"simple_rnn": 1, "lstm": 4, "gru": 3, "gru_reset_before": 3}
KEPT = {"simple_rnn": 1, "lstm": 2, "gru": 2, "gru_reset_before": 2}

# The slopes of these are known by their values, which is all that is kept of a gate.
RECURRENT_ACTIVATIONS = tuple(
    name for name in ACTIVATIONS if ACTIVATION_READS[name] != "input"
)


def recurrent(
    tape: Tape,
    cell: str,
    x: Tensor,
    input_kernel: Tensor,
    kernel: Tensor,
    bias: Tensor | None = None,
    *,
    mask: Tensor | None = None,
    dropped: Tensor | None = None,
    activations: tuple[tuple[str, float], tuple[str, float]],
    backwards: bool = False,
    returns: str = "last",
) -> Tensor:
    """The states of a recurrent layer.

    Parameters
    ----------
    cell : {"simple_rnn", "lstm", "gru", "gru_reset_before"}
        What is done at a step: the formulas are in csrc/ops/recurrent/recurrent.h.
    x : Tensor of shape (steps, features)
        Of sequences one of shape (features,) for each step.
    input_kernel : Tensor of shape (features, gates * units)
    kernel : Tensor of shape (units, gates * units)
        What the states are multiplied by.
    bias : Tensor of shape (gates * units,), default=None
        Of "gru" (2, gates * units): the second row is added to products of states.
    mask : Tensor of shape (steps,), default=None
        Where it is 0 a step is left out: the state stays what it was.
    dropped : Tensor of shape (units,), default=None
        Factors of a sample's states in products, in training.
    activations : tuple of (str, float) tuples
        Activation and recurrent activation, each with its own option.
    backwards : bool, default=False
        Whether steps are taken from the last to the first.
    returns : {"last", "as_input", "as_taken"}, default="last"
        The last state, or that after each step, in the order of the input or in that in
        which steps are taken.

    Returns
    -------
    y : Tensor of shape (units,) or (steps, units)
    """
    units, gates, features = kernel.shape[0], GATES[cell], x.shape[-1]
    width = gates * units
    if kernel.shape[1:] != (width,) or input_kernel.shape != (features, width):
        raise ValueError(
            f"{cell} has {gates} gates, and kernels of shape (features, {gates} * "
            f"units) and (units, {gates} * units), got {input_kernel.shape} and "
            f"{kernel.shape} for values of shape {x.shape}"
        )
    of_bias = (2, width) if cell == "gru" else (width,)
    if bias is not None and bias.shape != of_bias:
        raise ValueError(f"the bias must have shape {of_bias}, got {bias.shape}")
    x, mask = tape.dense(x), None if mask is None else tape.dense(mask)
    steps, axis = x.shape[:-1], x.axis
    sources = [t for t in (x, input_kernel, kernel, bias) if t is not None]
    if returns == "last":
        y = tape.activation((units,), *sources)
    else:
        y = tape.activation((*steps, units), *sources, axis=axis)
    (activation, option), (of_gates, option_of_gates) = activations
    group, rows, blocks = RECURRENT_SCRATCH
    lead = aligned(units)
    scratch = tape.scratch(
        gates * (units + features) * lead + group * (rows * lead + blocks * aligned(1))
    )
    fields = {
        "code": RECURRENT_CELLS[cell],
        "dim": (1, prod(steps), width, units + features),
        "per_sample": 1 << 1,
        "scalar": (option, option_of_gates, 0, 0),
        "params": [
            prod(steps), units, int(backwards), RECURRENT_RETURNS[returns],
            ACTIVATIONS.index(activation), ACTIVATIONS.index(of_gates), features,
        ],
    }  # fmt: skip
    read = x, input_kernel, kernel, bias, mask
    if not y.needs_gradient and dropped is None:
        tape.emit("recurrent", read, (None, y, None, scratch), ALWAYS, **fields)
        return y
    values = tape.activation((*steps, width), axis=axis)
    kept = tape.activation((*steps, KEPT[cell] * units), axis=axis)
    tape.emit(
        "recurrent", (*read, dropped), (values, y, kept, scratch), TRAIN, **fields
    )
    tape.emit("recurrent", read, (None, y, None, scratch), PREDICT | EVALUATE, **fields)

    def adjoint() -> None:
        dy, dz = tape.dense_gradient_of(y), tape.activation(values.shape, axis=axis)
        inner = None
        if cell == "gru":
            inner = tape.activation((*steps, units), axis=axis)
        tape.emit(
            "recurrent_gradient", (values, dy, kept, kernel, mask, dropped),
            (dz, inner, None, scratch), TRAIN, **fields,
        )  # fmt: skip
        for accumulate, sums in tape.accumulators(input_kernel, kernel, bias):
            if any(each is not None for each in sums):
                tape.emit(
                    "recurrent_weights", (dz, kept, inner, dropped, x),
                    (*sums, scratch), TRAIN, accumulate=accumulate, **fields,
                )  # fmt: skip
        if x.needs_gradient:
            dx = tape.activation(x.shape, axis=axis)
            tape.emit(
                "product", (dz, input_kernel), (dx,), TRAIN,
                dim=(1, prod(steps), features, width), per_sample=1 << 1, transpose=2,
            )  # fmt: skip
            tape.contribute(x, dx)

    tape.record(y, adjoint)
    return y


def step_dropout(tape: Tape, x: Tensor, rate: float, scale: float) -> Tensor:
    """In training ``scale * x``, or 0 for a number of all steps at this rate; else x.

    Parameters
    ----------
    x : Tensor of shape (steps, numbers)
        Of sequences one of shape (numbers,) for each step.
    rate : float
        A multiple of one over ``CHANCES`` of the compiled tables, below 1.
    scale : float
        Of the numbers that are kept.
    """
    x = tape.dense(x)
    y = tape.activation(x.shape, x, axis=x.axis)
    n = x.shape[-1]
    factor = dropped_factors(tape, n, rate, scale)
    fields = {**samples_of(x), "lead": (n, 0, 0), "params": [prod(x.shape[:-1])]}
    tape.emit("scale_steps", (x, factor), (y,), TRAIN, **fields)
    as_it_is_elsewhere(tape, x, y)

    def adjoint() -> None:
        dy, dx = tape.dense_gradient_of(y), tape.activation(x.shape, axis=x.axis)
        tape.emit("scale_steps", (dy, factor), (dx,), TRAIN, **fields)
        tape.contribute(x, dx)

    tape.record(y, adjoint)
    return y
