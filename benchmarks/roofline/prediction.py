"""The seconds that a step of one thread needs at least, in parts."""

from itertools import pairwise

from benchmarks.peers.net import widths

from . import ceilings

FLOAT = 4
# Parameter, gradient and two moments are read; all but the gradient are written back.
BYTES_PER_UPDATE = 7 * FLOAT
BYTES_PER_PARAMETER = 4 * FLOAT


def layers(workload):
    """Inputs and outputs of each layer."""
    return list(pairwise(widths(workload)))


def products(workload):
    """The dense products of a step: m, k, n and what is transposed."""
    rows = workload.batch_size
    for number, (inputs, outputs) in enumerate(layers(workload)):
        if number == 0 and workload.density < 1:
            continue
        yield rows, inputs, outputs, False, False
        yield inputs, rows, outputs, True, False  # gradient of the kernel
        if number > 0:
            yield rows, outputs, inputs, False, True  # of the layer's input


def n_parameters(workload):
    return sum((inputs + 1) * outputs for inputs, outputs in layers(workload))


def operations(workload):
    """Of all products, the sparse ones too."""
    dense = sum(2 * m * k * n for m, k, n, _, _ in products(workload))
    if workload.density == 1:
        return dense
    return dense + 2 * 2 * nonzeros(workload) * workload.hidden[0]


def nonzeros(workload):
    return workload.batch_size * workload.n_features * workload.density


def sparse_seconds(workload):
    """A number of X meets a row of the kernel, and later one of its gradient, which is
    set to zero before."""
    if workload.density == 1:
        return 0.0
    vectors = workload.hidden[0] / 16
    kernel = workload.n_features * workload.hidden[0] * FLOAT
    per_number = ceilings.seconds_per_sparse_number(workload.n_features)
    return nonzeros(workload) * vectors * per_number + kernel / ceilings.bandwidth(
        kernel
    )


def element_wise_seconds(workload):
    """Two passes over each layer's outputs forward, three backward."""
    numbers = workload.batch_size * sum(outputs for _, outputs in layers(workload))
    n_bytes = 5 * FLOAT * numbers
    return n_bytes / ceilings.bandwidth(2 * FLOAT * numbers)


def gather_seconds(workload):
    """Rows of X are read from where all of X fits, and written as a batch."""
    if workload.density < 1:
        return 0.0
    whole = FLOAT * workload.n_samples * workload.n_features
    batch = FLOAT * workload.batch_size * workload.n_features
    return 2 * batch / ceilings.bandwidth(whole)


def update_seconds(workload):
    """Arithmetic or traffic, whichever takes longer."""
    n = n_parameters(workload)
    traffic = n * BYTES_PER_UPDATE / ceilings.bandwidth(n * BYTES_PER_PARAMETER)
    return max(n * ceilings.seconds_per_update(), traffic)


def predict(workload):
    return {
        "products": sum(
            ceilings.product_seconds(*shape) for shape in products(workload)
        )
        + sparse_seconds(workload),
        "element-wise": element_wise_seconds(workload),
        "update": update_seconds(workload),
        "gather": gather_seconds(workload),
        "overhead": ceilings.step_overhead(),
    }
