"""What an epoch is made of: matrix products, broadcasts, losses and updates."""

import numpy as np

from fastnn.engine.cpu.blas import matrix_product
from fastnn.engine.engine import Engine
from fastnn.initializers import Zeros
from fastnn.losses import SquaredError
from fastnn.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    NAdam,
    RMSprop,
)
from fastnn.plan import ops
from fastnn.plan.tables import ACTIVATIONS, LOSSES
from fastnn.plan.tape import Tape

from .timed import Timed

OPTIMIZERS = {
    "SGD": SGD(momentum=0.9),
    "Adam": Adam(),
    "Adam, amsgrad": Adam(amsgrad=True),
    "Adam, clip_norm": Adam(clip_norm=1.0),
    "Adam, clip_value": Adam(clip_value=1.0),
    "AdamW": AdamW(),
    "NAdam": NAdam(),
    "RMSprop": RMSprop(),
    "RMSprop, centered": RMSprop(centered=True),
    "Adagrad": Adagrad(),
    "Adadelta": Adadelta(),
    "Lion": Lion(),
}


class Product(Timed):
    """a @ b for the first layer of W1, the second of W2, W3's first and W5's second;
    forward, for the gradient of the kernel, and for the gradient of the input."""

    params = (
        ["200x10x100", "32x64x64", "128x784x512", "1024x1024x1024"],
        ["forward", "kernel", "input"],
    )
    param_names = ("m x k x n", "product")

    def setup(self, shape, product):
        m, k, n = map(int, shape.split("x"))
        rng = np.random.default_rng(0)
        x, kernel, dy = (
            rng.standard_normal((1, *shape), dtype=np.float32)
            for shape in ((m, k), (k, n), (m, n))
        )
        self.arguments, self.transposed = {
            "forward": ((x, kernel, np.empty_like(dy)), {}),
            "kernel": ((x, dy, np.empty_like(kernel)), {"transpose_a": True}),
            "input": ((dy, kernel, np.empty_like(x)), {"transpose_b": True}),
        }[product]

    def time_product(self, shape, product):
        matrix_product(*self.arguments, **self.transposed)


class Rows(Timed):
    """Forward and backward of one op over 1,024 rows of 256 values."""

    def build(self, op):
        """An engine whose plan adds a bias, then does what op writes."""
        tape = Tape()
        x = tape.input((256,))
        bias = tape.parameter("bias", (256,), Zeros(), fan_in=1, fan_out=1)
        y = op(tape, x, bias)
        plan = tape.finish(y)
        rng = np.random.default_rng(0)
        X = rng.standard_normal((1024, 256), dtype=np.float32)
        parameters = np.zeros(plan.n_parameters, np.float32)
        self.engine = Engine(plan, parameters, X, np.abs(X), batch_size=1024)


class Activation(Rows):
    params = (list(ACTIVATIONS),)
    param_names = ("activation",)

    def setup(self, activation):
        self.build(
            lambda tape, x, bias: SquaredError().lower(
                tape, ops.add(tape, x, bias, activation)
            )
        )

    def time_gradient(self, activation):
        self.engine.gradient()


class Loss(Rows):
    params = (list(LOSSES),)
    param_names = ("loss",)

    def setup(self, loss):
        def op(tape, x, bias):
            z = ops.add(tape, x, bias)
            ops.loss(tape, loss, z, tape.target((256,)))
            return z

        self.build(op)

    def time_gradient(self, loss):
        self.engine.gradient()


class Update(Timed):
    """One step over a million parameters that no op reads."""

    params = (list(OPTIMIZERS),)
    param_names = ("optimizer",)

    def setup(self, name):
        optimizer = OPTIMIZERS[name]
        tape = Tape()
        x = tape.input((1,))
        bias = tape.parameter("bias", (1,), Zeros(), fan_in=1, fan_out=1)
        tape.parameter("idle", (10**6,), Zeros(), fan_in=1, fan_out=1)
        plan = tape.finish(SquaredError().lower(tape, ops.add(tape, x, bias)))
        self.table = optimizer.table(1, 1, 0.001)
        self.engine = Engine(
            plan,
            np.zeros(plan.n_parameters, np.float32),
            np.ones((1, 1), np.float32),
            np.ones((1, 1), np.float32),
            batch_size=1,
            optimizer=optimizer,
            state=np.zeros((optimizer.n_slots, plan.n_parameters), np.float32),
        )

    def time_step(self, name):
        self.engine.epoch(self.table)
