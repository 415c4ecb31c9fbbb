"""The nets that are trained on a GPU, and how fast that has to be."""

from benchmarks.suite.workloads import Workload

# The samples are a multiple of the batch: a graph has one size.
NETS = {
    "G1": Workload(500 * 200, 20, (64, 64), 3, 200),
    "G2": Workload(300 * 200, 784, (100,), 10, 200),
    "G3": Workload(234 * 256, 784, (512, 512), 10, 256),
    "G4": Workload(48 * 4096, 100, (1024, 1024), 10, 4096),
}

# Most microseconds of a step.
MICROSECONDS = {"G1": 10, "G2": 8, "G3": 25}
# Most of a step over the sum of the times that cuBLAS takes for its products.
OVER_PRODUCTS = {"G4": 1.15}
# How many times as fast as PyTorch, eager, and as its graph of a step.
FASTER_THAN = {
    "torch": {"G1": 5, "G2": 5},
    "torch_graph": dict.fromkeys(NETS, 1),
}


def n_steps(net):
    """Steps of an epoch."""
    return net.n_samples // net.batch_size
