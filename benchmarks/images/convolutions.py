"""``python -m benchmarks.images.convolutions``: each convolution beside a product.

The product is that of a matrix of windows with the kernel, or with the gradient: as
many multiplications, at the speed that products reach alone on as many windows as a
near cache holds, with no window copied. A convolution is timed as what it adds to the
gradient of its network when it runs several times more, in turns. One thread. Prints
one line of JSON.
"""

import json
import time
from dataclasses import replace
from math import prod
from statistics import median

import numpy as np

from benchmarks.roofline.ceilings import peak_operations, product_seconds
from fastnn.engine.engine import Engine
from fastnn.losses import CrossEntropy
from fastnn.network import lower
from fastnn.plan.tables import KINDS

from .fastnn import network
from .net import NETS, Conv

# What each op computes, and whether it meets the layers in their order.
OPS = {
    "conv": ("forward", False),
    "conv_transposed": ("gradient of the input", True),
    "conv_kernel_gradient": ("gradient of the kernel", True),
}
TURNS = 9
# Numbers of the windows of a product: half a megabyte.
NUMBERS_OF_WINDOWS = 2**17


def products(workload):
    """Of each convolution by name, (m, k, n) of windows times kernel."""
    named = zip(workload.named_layers(), workload.with_shapes(), strict=True)
    for (name, layer), (_, shape) in named:
        if isinstance(layer, Conv):
            places = prod(n - layer.size + 1 for n in shape[:-1])
            window = layer.size**workload.n_axes * shape[-1]
            yield name, (workload.batch_size * places, window, layer.filters)


def alone(what, m, k, n):
    """Seconds of products of as many multiplications, a few windows at a time."""
    few = min(m, max(64, NUMBERS_OF_WINDOWS // k))
    if what == "forward":
        seconds = product_seconds(few, k, n)
    elif what == "gradient of the input":
        seconds = product_seconds(few, n, k, transpose_b=True)
    else:
        seconds = product_seconds(k, few, n, transpose_a=True)
    return seconds * m / few


def places_of_ops(plan, workload):
    """Where the ops of each convolution are in the plan: (layer, what) by place."""
    names = [name for name, _ in products(workload)]
    found = {}
    for kind, (what, backwards) in OPS.items():
        places = np.flatnonzero(plan.ops["kind"] == KINDS[kind])
        order = reversed(names) if backwards else names
        # The first layer's input needs no gradient.
        found |= {
            int(place): (name, what) for place, name in zip(places, order, strict=False)
        }
    return found


def new_engine(plan, workload):
    X, y = replace(workload, n_samples=workload.batch_size).data()
    parameters = plan.initialize(np.random.RandomState(0), np.float32)
    y = y.astype(np.float32)[:, np.newaxis]
    return Engine(plan, parameters, X, y, batch_size=workload.batch_size)


def seconds_of_ops(workload):
    """Of each op of a convolution, by (layer, what)."""
    plan = lower(network(workload), input_shape=workload.shape, loss=CrossEntropy())
    whole = new_engine(plan, workload)
    with whole:
        step = seconds(whole)
    found, shapes = {}, dict(products(workload))
    for place, key in places_of_ops(plan, workload).items():
        layer, what = key
        # About as long as a step, if it is as fast as the product.
        times = max(2, min(50, round(step / alone(what, *shapes[layer]))))
        ops = np.insert(plan.ops, [place] * times, plan.ops[place])
        found[key] = more_time(whole, replace(plan, ops=ops), workload, times)
    return found


def more_time(whole, plan, workload, times):
    """What each of so many further ops takes."""
    found = []
    with whole, new_engine(plan, workload) as longer:
        for _ in range(TURNS):
            found.append((seconds(longer) - seconds(whole)) / times)
    return median(found)


def seconds(engine):
    engine.gradient()
    start = time.perf_counter()
    engine.gradient()
    return time.perf_counter() - start


def measure():
    results = []
    for net, workload in NETS.items():
        shapes, taken = dict(products(workload)), seconds_of_ops(workload)
        for (layer, what), own in sorted(taken.items()):
            results.append(
                {
                    "net": net,
                    "layer": layer,
                    "what": what,
                    "operations": 2 * prod(shapes[layer]),
                    "seconds": own,
                    "product": alone(what, *shapes[layer]),
                }
            )
    return {"convolutions": results, "peak": peak_operations()}


if __name__ == "__main__":
    print(json.dumps(measure()))
