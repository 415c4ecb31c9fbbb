"""``python -m benchmarks.pieces.measure THREADS``: seconds per step of W4's variants.

All of them take turns in one process. Prints one line of JSON.
"""

import json
import sys
import time
from dataclasses import replace
from statistics import median

import numpy as np

from benchmarks.suite.workloads import WORKLOADS
from fastnn.averaging import EMA
from fastnn.constraints import MaxNorm
from fastnn.engine.engine import Engine
from fastnn.layers import (
    Activation,
    AlphaDropout,
    BatchNorm,
    Dense,
    Dropout,
    GaussianNoise,
    LayerNorm,
    PReLU,
    RMSNorm,
)
from fastnn.losses import CrossEntropy
from fastnn.network import Sequential, lower
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
from fastnn.plan.tables import AVERAGE_RATE
from fastnn.regularizers import L1, L2

WORKLOAD = replace(WORKLOADS["W4"], n_samples=5 * WORKLOADS["W4"].batch_size)
ROUNDS = 40


def hidden(width, after=(), norm=(), **options):
    """A hidden layer of relu units, normalised before them, something behind them."""
    if not norm:
        return [Dense(width, "relu", **options), *after]
    return [Dense(width, **options), *norm, Activation("relu"), *after]


def stack(make):
    return [layer for width in WORKLOAD.hidden for layer in make(width)]


# Layers of W4, and its optimizer.
VARIANTS = {
    "plain": (stack(hidden), Adam()),
    "Dropout(0.5)": (stack(lambda n: hidden(n, [Dropout(0.5)])), Adam()),
    "BatchNorm": (stack(lambda n: hidden(n, norm=[BatchNorm()])), Adam()),
    "BatchNorm and Dropout(0.5)": (
        stack(lambda n: hidden(n, [Dropout(0.5)], [BatchNorm()])),
        Adam(),
    ),
    "LayerNorm": (stack(lambda n: hidden(n, norm=[LayerNorm()])), Adam()),
    "RMSNorm": (stack(lambda n: hidden(n, norm=[RMSNorm()])), Adam()),
    "GaussianNoise(0.1)": (stack(lambda n: hidden(n, [GaussianNoise(0.1)])), Adam()),
    "AlphaDropout(0.1)": (stack(lambda n: hidden(n, [AlphaDropout(0.1)])), Adam()),
    "PReLU": (stack(lambda n: [Dense(n), PReLU()]), Adam()),
    "gelu": (stack(lambda n: [Dense(n, "gelu")]), Adam()),
    "L2": (stack(lambda n: hidden(n, kernel_regularizer=L2())), Adam()),
    "L1": (stack(lambda n: hidden(n, kernel_regularizer=L1())), Adam()),
    "MaxNorm": (stack(lambda n: hidden(n, kernel_constraint=MaxNorm())), Adam()),
    "EMA": (stack(hidden), Adam()),
    "AdamW": (stack(hidden), AdamW()),
    "SGD, momentum": (stack(hidden), SGD(momentum=0.9)),
    "NAdam": (stack(hidden), NAdam()),
    "RMSprop": (stack(hidden), RMSprop()),
    "Adagrad": (stack(hidden), Adagrad()),
    "Adadelta": (stack(hidden), Adadelta()),
    "Lion": (stack(hidden), Lion()),
    "Adam, clip_norm": (stack(hidden), Adam(clip_norm=1.0)),
}


def prepare(layers, optimizer, threads, averaged=False):
    """An engine, and the table of an epoch of a few steps."""
    network = Sequential([*layers, Dense(WORKLOAD.n_classes)])
    shape = (WORKLOAD.n_features,)
    plan = lower(network, input_shape=shape, loss=CrossEntropy())
    X, y = WORKLOAD.data()
    parameters = plan.initialize(np.random.RandomState(0), np.float32)
    engine = Engine(
        plan,
        parameters,
        X,
        y.astype(np.float32)[:, np.newaxis],
        batch_size=WORKLOAD.batch_size,
        optimizer=optimizer,
        state=np.zeros((optimizer.n_slots, plan.n_parameters), np.float32),
        n_threads=threads,
        average=np.zeros_like(parameters) if averaged else None,
    )
    table = optimizer.table(1, engine.n_steps, 1e-5)
    if averaged:
        table[:, AVERAGE_RATE] = EMA().rates(np.arange(engine.n_steps), 1, 1)
    return engine, table


def measure(threads):
    """Median seconds per step of each variant."""
    ready = {
        name: prepare(layers, optimizer, threads, averaged=name == "EMA")
        for name, (layers, optimizer) in VARIANTS.items()
    }
    seconds = {name: [] for name in ready}
    for _ in range(ROUNDS):
        for name, (engine, table) in ready.items():
            with engine:
                engine.epoch(table)  # its buffers come into the caches
                start = time.perf_counter()
                engine.epoch(table)
                seconds[name].append((time.perf_counter() - start) / engine.n_steps)
    return {name: median(values) for name, values in seconds.items()}


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
