"""Recurrent layers: one sample after the other, step by step."""

import numpy as np
from ops.elementwise import ACTIVATIONS
from writers import by_hand, dense, parameter

from fastnn.losses import SquaredError
from fastnn.plan import ops
from fastnn.plan.ops.random import dropped_factors
from fastnn.plan.ops.recurrent import GATES, KEPT
from fastnn.plan.tables import ACTIVATIONS as NAMES
from fastnn.plan.tables import RECURRENT_CELLS, RECURRENT_RETURNS
from fastnn.plan.tape import Tape

TANH = ("tanh", 0.0), ("logistic", 0.0)


class Steps:
    """What the op says, and the steps of each sample in the order they are taken."""

    def __init__(self, walk, op, mask):
        length, self.units, backwards, returns, *codes = walk.params[op["params"] :][
            :6
        ].tolist()
        (self.cell,) = (n for n, code in RECURRENT_CELLS.items() if code == op["code"])
        (self.returns,) = (n for n, i in RECURRENT_RETURNS.items() if i == returns)
        self.act, self.gate = (
            (ACTIVATIONS[NAMES[code]], option)
            for code, option in zip(codes, op["scalar"][:2], strict=True)
        )
        n = len(walk.weight)
        self.starts = np.arange(n + 1) * length
        if op["across"]:
            self.starts = walk.starts[op["across"]]
        self.taken = []
        for first, end in zip(self.starts[:-1], self.starts[1:], strict=True):
            steps = list(range(first, end))
            self.taken.append(steps[::-1] if backwards else steps)
        self.mask = np.ones(self.starts[-1]) if mask is None else mask

    def place(self, sample, t):
        """Where the state after the step that is taken as the t-th comes out."""
        if self.returns == "as_taken":
            return self.starts[sample] + t
        return self.taken[sample][t]

    def value(self, which, x):
        (value, _), option = which
        return value(x, option)

    def slope(self, which, y):
        (_, slope), option = which
        return slope(y, option)


def forward_step(steps, x, h, c, kernel, bias, drop):
    """The next state and cell, the gates, and what else is kept of a step."""
    u, act, gate = steps.units, steps.act, steps.gate
    read = h * drop
    if steps.cell == "simple_rnn":
        h = steps.value(act, x + read @ kernel + bias[0])
        return h, c, h, ()
    if steps.cell == "lstm":
        z = x + read @ kernel + bias[0]
        i, f, g, o = np.split(z, 4)
        i, f, o = (steps.value(gate, each) for each in (i, f, o))
        g = steps.value(act, g)
        c = f * c + i * g
        return o * steps.value(act, c), c, np.concatenate([i, f, g, o]), ()
    second = bias[-1] if steps.cell == "gru" else np.zeros(3 * u)
    inner = (read @ kernel + second)[: 2 * u]
    z, r = np.split(steps.value(gate, (x + bias[0])[: 2 * u] + inner), 2)
    if steps.cell == "gru":
        kept = read @ kernel[:, 2 * u :] + second[2 * u :]
        added = r * kept
    else:
        kept = r * read
        added = kept @ kernel[:, 2 * u :]
    t = steps.value(act, (x + bias[0])[2 * u :] + added)
    return z * h + (1 - z) * t, c, np.concatenate([z, r, t]), kept


def backward_step(steps, dh, dc, gates, kept, kernel, drop):
    """The gradients of state and cell before, of the gates, and of what h U adds."""
    u, act, gate = steps.units, steps.act, steps.gate
    if steps.cell == "simple_rnn":
        d = dh * steps.slope(act, gates)
        return d @ kernel.T * drop, dc, d, ()
    if steps.cell == "lstm":
        i, f, g, o = np.split(gates, 4)
        before = kept[u:]
        value = steps.value(act, f * before + i * g)
        dc = dc + dh * o * steps.slope(act, value)
        d = np.concatenate(
            [
                dc * g * steps.slope(gate, i),
                dc * before * steps.slope(gate, f),
                dc * i * steps.slope(act, g),
                dh * value * steps.slope(gate, o),
            ]
        )
        return d @ kernel.T * drop, dc * f, d, ()
    z, r, t = np.split(gates, 3)
    h, own = np.split(kept, 2)
    dz = dh * (h - t) * steps.slope(gate, z)
    dt = dh * (1 - z) * steps.slope(act, t)
    before, rest = dh * z, kernel[:, 2 * u :]
    if steps.cell == "gru":
        dr, inner = dt * own * steps.slope(gate, r), dt * r
        before = before + inner @ rest.T * drop
    else:
        dread, inner = dt @ rest.T, dt
        dr = dread * h * drop * steps.slope(gate, r)
        before = before + dread * r * drop
    first = np.concatenate([dz, dr])
    before = before + first @ kernel[:, : 2 * u].T * drop
    return before, dc, np.concatenate([first, dt]), inner


def run_recurrent(walk, op, dim, x, input_kernel, kernel, bias, mask, dropped):
    steps = Steps(walk, op, mask)
    u, n = steps.units, len(walk.weight)
    x = x.reshape(len(steps.mask), -1)
    kernel, x = kernel.reshape(u, -1), x @ input_kernel.reshape(x.shape[1], -1)
    bias = np.zeros((1, x.shape[1])) if bias is None else bias.reshape(-1, x.shape[1])
    dropped = np.ones((n, u)) if dropped is None else dropped.reshape(n, u)
    gates = np.zeros_like(x)
    kept = np.zeros((len(x), KEPT[steps.cell] * u))
    states, last = np.zeros((len(x), u)), np.zeros((n, u))
    for sample, taken in enumerate(steps.taken):
        h, c = np.zeros(u), np.zeros(u)
        for t, at in enumerate(taken):
            if steps.mask[at]:
                before = h, c
                h, c, gates[at], own = forward_step(
                    steps, x[at], h, c, kernel, bias, dropped[sample]
                )
                beside = {"simple_rnn": (), "lstm": before[1]}.get(steps.cell, own)
                kept[at] = np.concatenate([before[0], beside])
            states[steps.place(sample, t)] = h
        last[sample] = h
    return gates, last if steps.returns == "last" else states, kept


def run_recurrent_gradient(walk, op, dim, gates, dy, kept, kernel, mask, dropped):
    steps = Steps(walk, op, mask)
    u, n = steps.units, len(walk.weight)
    kernel = kernel.reshape(u, -1)
    gates, kept = (each.reshape(len(steps.mask), -1) for each in (gates, kept))
    dropped = np.ones((n, u)) if dropped is None else dropped.reshape(n, u)
    dy, dx = dy.reshape(-1, u), np.zeros_like(gates)
    inner = np.zeros((len(gates), u))
    for sample, taken in enumerate(steps.taken):
        dh, dc = np.zeros(u), np.zeros(u)
        if steps.returns == "last":
            dh = dh + dy[sample]
        for t, at in reversed([*enumerate(taken)]):
            if steps.returns != "last":
                dh = dh + dy[steps.place(sample, t)]
            if steps.mask[at]:
                dh, dc, dx[at], own = backward_step(
                    steps, dh, dc, gates[at], kept[at], kernel, dropped[sample]
                )
                if steps.cell == "gru":
                    inner[at] = own
    return dx, inner


def run_recurrent_weights(walk, op, dim, dx, kept, inner, dropped, x, *_):
    steps = Steps(walk, op, None)
    u, n, length = steps.units, len(walk.weight), len(steps.mask)
    dx, kept = dx.reshape(length, -1), kept.reshape(length, -1)
    read, own, dinput = kept[:, :u], kept[:, u:], x.reshape(length, -1).T @ dx
    if dropped is not None:
        for sample in range(n):
            at = slice(*steps.starts[sample : sample + 2])
            read = read.copy()
            read[at] *= dropped.reshape(n, u)[sample]
    if steps.cell == "gru":
        second = np.hstack([dx[:, : 2 * u], inner.reshape(length, u)])
        dbias = np.vstack([dx.sum(axis=0), second.sum(axis=0)])
        return dinput, read.T @ second, dbias
    dkernel = read.T @ dx
    if steps.cell == "gru_reset_before":
        dkernel[:, 2 * u :] = own.T @ dx[:, 2 * u :]
    return dinput, dkernel, dx.sum(axis=0)


def run_scale_steps(walk, op, dim, x, factor, *_):
    steps, n = walk.params[op["params"]], len(walk.weight)
    starts = walk.starts[op["across"]] if op["across"] else np.arange(n + 1) * steps
    return (
        x.reshape(starts[-1], -1)
        * np.repeat(factor.reshape(n, -1), np.diff(starts), 0),
    )


OPS = {
    "recurrent": run_recurrent,
    "recurrent_gradient": run_recurrent_gradient,
    "recurrent_weights": run_recurrent_weights,
    "scale_steps": run_scale_steps,
}


def recurrent_layer(
    tape, x, name, cell, units, *, use_bias=True, activations=TANH, **options
):
    """A product over the steps of x, and the states."""
    width = GATES[cell] * units
    kernel = parameter(tape, f"{name}/kernel", (x.shape[-1], width))
    recurrent = parameter(tape, f"{name}/recurrent_kernel", (units, width))
    shape = (2, width) if cell == "gru" else (width,)
    bias = parameter(tape, f"{name}/bias", shape) if use_bias else None
    return ops.recurrent(
        tape, cell, x, kernel, recurrent, bias, activations=activations, **options
    )


def three(cell, units, *, masked=False, rate=0.0, **options):
    """Layers of all states below one that gives the last."""

    def write(tape, x):
        mask, dropped = None, {}
        if masked:  # a function that is not trained lets some of the steps pass
            mask = dense(tape, x, "mask", 1, "relu", trainable=False)
            mask = ops.reshape(tape, mask, mask.shape[:-1])
        x = dense(tape, x, "before", 3, "tanh")
        if rate:
            x = ops.step_dropout(tape, x, rate, 1 / (1 - rate))
            dropped = {"dropped": dropped_factors(tape, units, rate, 1 / (1 - rate))}
        options["mask"] = mask
        x = recurrent_layer(
            tape, x, "first", cell, units, returns="as_taken", backwards=True,
            **options, **dropped,
        )  # fmt: skip
        x = recurrent_layer(
            tape, x, "second", cell, 4, returns="as_input", backwards=True, **options
        )
        x = recurrent_layer(tape, x, "third", cell, 3, **options)
        return dense(tape, x, "output", 2)

    return write


def of_sequences(write, shape):
    """The plan of a network that reads one such value for each step."""
    tape = Tape()
    z = write(tape, tape.input(shape, steps=True))
    return tape.finish(SquaredError().lower(tape, z))


CASES = {
    # Of several vectors, with something behind the last, and of less than one.
    **{cell: lambda cell=cell: by_hand(three(cell, 35), (3, 2)) for cell in GATES},
    **{
        f"{cell}_masked": (
            lambda cell=cell: by_hand(
                three(cell, 2, masked=True, rate=0.25, use_bias=False), (4, 2)
            )
        )
        for cell in GATES
    },
    **{
        f"{cell}_sequences": (
            lambda cell=cell: of_sequences(three(cell, 3, masked=True, rate=0.25), (2,))
        )
        for cell in GATES
    },
    "recurrent_activations": lambda: by_hand(
        three("lstm", 3, activations=(("softsign", 0.0), ("hard_sigmoid", 0.0))), (3, 2)
    ),
}
