"""What layers give in training, and the gradients that they pass on."""

import numpy as np
from cases import predict
from writers import parameter

from fastnn.engine.engine import Engine
from fastnn.losses import SquaredError
from fastnn.plan import ops
from fastnn.plan.tables import MASK_SEED, MASK_STEP, N_SCALARS
from fastnn.plan.tape import Tape


def scalars(seed=0, step=0):
    """A row of a step table that has nothing but what random numbers depend on."""
    row = np.zeros(N_SCALARS)
    row[[MASK_SEED, MASK_STEP]] = seed, step
    return row


def training_outputs(layers, X, *, seed=0, step=0, n_threads=1):
    """The outputs of layers without parameters, for each sample of one mini-batch.

    A shift that is added to them has their sum over the samples as its gradient, where
    it is 0 and so are the targets; a weight picks one sample out of the sum.
    """
    tape = Tape()
    y = tape.input(X.shape[1:])
    for i, layer in enumerate(layers):
        y = layer.lower(tape, y, f"layer_{i}")
    y = ops.add(tape, y, parameter(tape, "shift", y.shape))
    plan = tape.finish(SquaredError().lower(tape, y))
    n = len(X)
    rows, zeros = X.reshape(n, -1), np.zeros((n, plan.n_outputs), X.dtype)
    out = np.empty((n, *y.shape), X.dtype)
    for i in range(n):
        weight = np.eye(1, n, i, dtype=X.dtype)[0]
        with Engine(
            plan, np.zeros(plan.n_parameters, X.dtype), rows, zeros, weight,
            batch_size=n, n_threads=n_threads,
        ) as engine:  # fmt: skip
            engine.gradient(None, scalars(seed, step))
            out[i] = engine.gradients[: y.size].reshape(y.shape)
    return out


def outputs_and_gradients(write, x, values, dy):
    """What an op that ``write(tape, x, *parameters)`` writes gives and passes on.

    Parameters
    ----------
    write : callable
    x : ndarray of shape (...)
        Taken as one sample, so that every number has a gradient of its own.
    values : list of ndarray
        Of the parameters.
    dy : ndarray
        What the gradient of the outputs is to be.

    Returns
    -------
    y : ndarray
    dy : ndarray
        As it became by rounding.
    gradients : list of ndarray
        Of x and of the parameters.
    """
    tape = Tape()
    inner = ops.add(tape, tape.input(x.shape), parameter(tape, "x", x.shape))
    own = [parameter(tape, str(i), np.shape(v)) for i, v in enumerate(values)]
    plan = tape.finish(SquaredError().lower(tape, write(tape, inner, *own)))
    flat = np.zeros(plan.n_parameters, x.dtype)
    for view, value in zip(plan.views(flat)[1:], values, strict=True):
        view[...] = value
    row = x.reshape(1, -1)
    y = predict(plan, flat, row)
    target = y - dy.reshape(1, -1).astype(x.dtype)
    engine = Engine(plan, flat, row, target, batch_size=1)
    engine.gradient()
    with np.errstate(invalid="ignore"):  # of infinite outputs
        rounded = y - target
    gradients = [view.copy() for view in plan.views(engine.gradients)]
    return y.reshape(dy.shape), rounded.reshape(dy.shape), gradients
