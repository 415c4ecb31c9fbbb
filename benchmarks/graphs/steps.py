"""``python -m benchmarks.graphs.steps THREADS``: seconds per step of our networks.

All of a kind take turns in one process. Prints one line of JSON.
"""

import json
import sys
import time
from dataclasses import replace
from statistics import median

import numpy as np

from benchmarks.suite.workloads import WORKLOADS
from fastnn.engine.engine import Engine
from fastnn.layers import Dense
from fastnn.losses import CrossEntropy
from fastnn.losses.heads import HeadLosses
from fastnn.network import Graph, Heads, Sequential, lower
from fastnn.optimizers import Adam

from .net import WORKLOAD

STACK = replace(WORKLOAD, n_samples=50 * WORKLOAD.batch_size, n_classes=10)
TRUNK = replace(WORKLOADS["W4"], n_samples=5 * WORKLOADS["W4"].batch_size)
N_HEADS = 1, 2, 4, 8
ROUNDS = 40


def stacks(workload):
    """The same stack of layers, written in three ways."""
    first, second = (Dense(units, "relu") for units in workload.hidden)
    output = Dense(workload.n_classes)
    nodes = [("a", first, "x"), ("b", second, "a"), ("c", output, "b")]
    return {
        "plain": Sequential([first, second, output]),
        "nested": Sequential([Sequential([first, Sequential([second])]), output]),
        "Graph": Graph(nodes),
    }


def head(workload):
    return Sequential([Dense(64, "relu"), Dense(workload.n_classes)])


def with_heads(workload, n_heads):
    """Several heads on one trunk."""
    trunk = [Dense(units, "relu") for units in workload.hidden]
    heads = [(f"head_{number}", head(workload)) for number in range(n_heads)]
    return Sequential([*trunk, Heads(heads)])


def prepare(network, workload, threads, n_heads=None):
    """An engine, and the table of an epoch of a few steps."""
    loss = CrossEntropy()
    if n_heads is not None:
        names = [f"head_{number}" for number in range(n_heads)]
        loss = HeadLosses([(name, CrossEntropy(), 1.0) for name in names])
    plan = lower(network, input_shape=(workload.n_features,), loss=loss)
    X, y = workload.data()
    y = np.repeat(y.astype(np.float32)[:, np.newaxis], n_heads or 1, axis=1)
    optimizer = Adam()
    engine = Engine(
        plan,
        plan.initialize(np.random.RandomState(0), np.float32),
        X,
        y,
        batch_size=workload.batch_size,
        optimizer=optimizer,
        state=np.zeros((optimizer.n_slots, plan.n_parameters), np.float32),
        n_threads=threads,
    )
    return engine, optimizer.table(1, engine.n_steps, 1e-5)


def seconds_per_step(ready):
    """Medians, by name."""
    seconds = {name: [] for name in ready}
    for _ in range(ROUNDS):
        for name, (engine, table) in ready.items():
            with engine:
                engine.epoch(table)  # its buffers come into the caches
                start = time.perf_counter()
                engine.epoch(table)
                seconds[name].append((time.perf_counter() - start) / engine.n_steps)
    return {name: median(values) for name, values in seconds.items()}


def measure(threads):
    written = {
        name: prepare(network, STACK, threads)
        for name, network in stacks(STACK).items()
    }
    heads = {
        n_heads: prepare(with_heads(TRUNK, n_heads), TRUNK, threads, n_heads)
        for n_heads in N_HEADS
    }
    alone = replace(TRUNK, n_features=TRUNK.hidden[-1])
    heads["alone"] = prepare(head(alone), alone, threads)
    return {"stacks": seconds_per_step(written), "heads": seconds_per_step(heads)}


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
