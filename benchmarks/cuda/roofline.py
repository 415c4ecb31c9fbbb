"""How long a step has to take: its arithmetic, its bytes, and one stage after another.

A stage is a kernel or a product, which starts when the one before it has ended; the
stages of a step are those that the engine launches (``stages.py``). Bytes are those
that ops read and write, and seven numbers for each parameter that Adam moves; on a card
whose cache holds all of a net, they cost less. The products cannot take less than their
arithmetic at the speed of a large one.
"""

from dataclasses import dataclass

from benchmarks.roofline.prediction import BYTES_PER_UPDATE, FLOAT, operations
from fastnn.plan.tables import PHASES

from .nets import NETS
from .stages import plan_of, stages


@dataclass(frozen=True)
class Ceilings:
    """What a card can do, per second; and the seconds that an empty stage takes."""

    bytes: float  # read and written, from and to its memory
    operations: float  # of a product of float32, without TF32
    stage: float


# NVIDIA's data sheet of the H100 SXM; the stage is an assumption: kernels in a graph
# follow each other by one to two microseconds on cards of its kind.
H100 = Ceilings(bytes=3.35e12, operations=67e12, stage=1.5e-6)


def bytes_moved(net):
    """Of a step, between its ops and memory."""
    plan = plan_of(net)
    numbers = 2 * (net.n_features + 1) * net.batch_size  # the gathered batch
    for op in plan.ops[plan.ops["phase"] & PHASES["train"] != 0]:
        used = {int(i) for i in (*op["input"], *op["output"]) if i >= 0}
        for tensor in plan.tensors[sorted(used)]:
            copies = net.batch_size if tensor["per_sample"] else 1
            numbers += int(tensor["size"]) * copies
    return FLOAT * numbers + BYTES_PER_UPDATE * plan.n_parameters


def predict(name, ceilings):
    """Seconds of a step of one of the nets, in parts."""
    net = NETS[name]
    return {
        "arithmetic": operations(net) / ceilings.operations,
        "bytes": bytes_moved(net) / ceilings.bytes,
        "stages": sum(stages(name).values()) * ceilings.stage,
    }
