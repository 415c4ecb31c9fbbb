"""What a step launches on a device, counted without one.

A device that has no card behind it takes note of the kernels and products that the
engine calls, in their order.
"""

from collections import Counter
from functools import cache

import numpy as np

from fastnn.engine.engine import Engine
from fastnn.layers import Dense
from fastnn.losses import CrossEntropy
from fastnn.network import Sequential, lower
from fastnn.optimizers import Adam

from .nets import NETS

PRODUCT = "product"


class Nowhere:
    """A buffer: an address and nothing behind it."""

    def __init__(self, address):
        self.address = address

    def after(self, first):
        return Nowhere(self.address + first)


class Log:
    """A device that does nothing, and writes down what it was asked to."""

    precisions = frozenset()

    def __init__(self):
        self.launched = []
        self._next = 4096

    def holds(self, buffer):
        return isinstance(buffer, Nowhere)

    def empty(self, size, dtype):
        address = self._next
        self._next += (size * np.dtype(dtype).itemsize // 256 + 1) * 256
        return Nowhere(address)

    zeros = empty

    def free_bytes(self):
        return 2**40

    def upload(self, array, buffer):
        pass

    def download(self, buffer, array):
        array[...] = 0

    def copy(self, source, target, size):
        pass

    def kernel(self, stem, name):
        return lambda *_: self.launched.append(name.removesuffix("_f32"))

    def product(self, *_):
        return lambda: self.launched.append(PRODUCT)

    def record(self, calls):
        def run():
            for call in calls:
                call()

        return run


def plan_of(net):
    layers = [Dense(width, "relu") for width in net.hidden]
    return lower(
        Sequential([*layers, Dense(net.n_classes)]),
        input_shape=(net.n_features,),
        loss=CrossEntropy(),
    )


def launched(net, n_steps):
    """By name, how often each kernel is launched in an epoch of so many steps."""
    plan, device, adam = plan_of(net), Log(), Adam()
    n = n_steps * net.batch_size
    parameters = np.zeros(plan.n_parameters, np.float32)
    engine = Engine(
        plan,
        parameters,
        np.zeros((n, net.n_features), np.float32),
        np.zeros((n, 1), np.float32),
        batch_size=net.batch_size,
        optimizer=adam,
        state=np.zeros((adam.n_slots, plan.n_parameters), np.float32),
        device=device,
    )
    with engine:
        engine.epoch(adam.table(1, n_steps, adam.learning_rate))
    return Counter(device.launched)


@cache
def stages(name):
    """By name, how often a step of one of the nets launches each kernel."""
    few, many = (launched(NETS[name], n) for n in (2, 6))
    return {kernel: (many[kernel] - few[kernel]) / 4 for kernel in many}


def in_words(name):
    """``12: 8 products, 4 kernels``, as a table shows it."""
    counts = stages(name)
    products = counts.get(PRODUCT, 0)
    total = sum(counts.values())
    return f"{total:g}: {products:g} products, {total - products:g} kernels"
