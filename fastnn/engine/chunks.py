"""How many rows of a mini-batch are worked on together."""

from collections.abc import Sequence
from typing import Any

from fastnn.engine.device import describe_bytes
from fastnn.plan.records import Plan

# Offsets of activations, multiplied by the rows of a chunk, stay on cache lines.
ROW_ALIGNMENT = 16


def chunk_rows(
    plan: Plan,
    batch_size: int,
    itemsize: int,
    most_bytes: int,
    steps: Sequence[float] = (),
) -> int:
    """Rows of a batch that are worked on together: parts of about equal size.

    Where they are sequences they have so many steps, on each axis.
    """
    if plan.needs_whole_batches:
        return -(-batch_size // ROW_ALIGNMENT) * ROW_ALIGNMENT
    numbers = (
        plan.train_size
        + plan.n_inputs
        + sum(
            own * (size + each.size)
            for own, size, each in zip(
                steps, plan.train_sizes_of_steps, plan.sequences, strict=True
            )
        )
    )
    most = max(ROW_ALIGNMENT, int(most_bytes // (itemsize * max(1, numbers))))
    n_chunks = -(-batch_size // most)
    rows = -(-batch_size // n_chunks)
    return -(-rows // ROW_ALIGNMENT) * ROW_ALIGNMENT


def too_large(
    plan: Plan,
    trained: list[Any],
    unit: int,
    batch_size: int,
    error: MemoryError,
) -> MemoryError:
    """What is said where not even ``unit`` rows fit into a device's memory."""
    itemsize = trained[0].dtype.itemsize
    numbers = sum(each.size for each in trained if each is not None)
    fixed = itemsize * (plan.n_parameters + numbers)
    moving = itemsize * unit * (plan.train_size + plan.n_inputs)
    # Where chunks will do, they are as small as they can be by now.
    advice = "make room there"
    if plan.needs_whole_batches:
        advice = f"lower batch_size (now {batch_size})"
    return MemoryError(
        "training does not fit into the device's memory: parameters, their gradients "
        f"and the optimizer's state take {describe_bytes(fixed)}, and "
        f"{min(unit, batch_size)} samples of a mini-batch {describe_bytes(moving)}; "
        f'{advice}, or pass device="cpu" ({error})'
    )
