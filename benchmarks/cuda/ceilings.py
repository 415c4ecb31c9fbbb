"""``python -m benchmarks.cuda.ceilings``: what the card can do, by PyTorch and CuPy.

Everything is timed in CUDA graphs, by events. Prints one line of JSON.
"""

import json
from dataclasses import asdict
from statistics import median

import cupy
import torch

from benchmarks.roofline.prediction import products

from .nets import NETS
from .roofline import Ceilings

DEVICE = "cuda"
LARGE = 8192  # rows and columns of a product at the card's peak
COPIED = 2**30  # bytes
REPEATS = 20


def seconds_in_graph(work, times):
    """Of work that follows itself so many times in a CUDA graph: the median."""
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        work()  # compiles what is compiled, and finds its memory
    side.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(times):
            work()
    graph.replay()
    found = []
    for _ in range(REPEATS):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        graph.replay()
        end.record()
        end.synchronize()
        found.append(start.elapsed_time(end) / 1e3 / times)
    return median(found)


def product_seconds(m, k, n, transpose_a=False, transpose_b=False):
    """Of one product of float32 by cuBLAS, its operands warm."""
    a = torch.randn((k, m) if transpose_a else (m, k), device=DEVICE)
    b = torch.randn((n, k) if transpose_b else (k, n), device=DEVICE)
    c = torch.empty((m, n), device=DEVICE)
    a, b = a.T if transpose_a else a, b.T if transpose_b else b
    times = max(1, min(100, round(1e12 / (m * k * n))))
    return seconds_in_graph(lambda: torch.mm(a, b, out=c), times)


def copy_seconds():
    source = torch.zeros(COPIED, dtype=torch.uint8, device=DEVICE)
    target = torch.empty_like(source)
    return seconds_in_graph(lambda: target.copy_(source), 4)


def empty_kernel_seconds():
    kernel = cupy.RawKernel('extern "C" __global__ void nothing() {}', "nothing")

    def work():
        stream = cupy.cuda.ExternalStream(torch.cuda.current_stream().cuda_stream)
        with stream:
            kernel((1,), (32,), ())

    return seconds_in_graph(work, 1000)


def measure():
    torch.set_float32_matmul_precision("highest")  # no TF32
    ceilings = Ceilings(
        bytes=2 * COPIED / copy_seconds(),
        operations=2 * LARGE**3 / product_seconds(LARGE, LARGE, LARGE),
        stage=empty_kernel_seconds(),
    )
    found = {
        name: sum(product_seconds(*shape) for shape in products(net))
        for name, net in NETS.items()
    }
    return {"ceilings": asdict(ceilings), "products": found}


if __name__ == "__main__":
    if not torch.cuda.is_available():
        raise SystemExit(f"PyTorch {torch.__version__} finds no card")
    print(json.dumps(measure()))
