"""The table of a network's parts."""

from collections.abc import Iterator
from typing import Any

from fastnn.network import Network, trace
from fastnn.network.trace import Node, Trace
from fastnn.plan.records import Plan


def summary(
    network: Network, plan: Plan, *, batch_size: int, n_slots: int, itemsize: int
) -> str:
    """Parts with their shapes and parameters, and the memory that training takes.

    Parameters
    ----------
    network : Network
        Output layer included.
    plan : Plan
        What it was lowered to.
    batch_size : int
        Samples per step.
    n_slots : int
        Numbers that the optimizer remembers for each parameter.
    itemsize : int
        Bytes of a number.

    Returns
    -------
    text : str
    """
    total, not_trained, frozen = _counts(plan, "")
    rows = [("layer", "kind", "output shape", "parameters")]
    for depth, node in _places(trace(network, _input_shape(network, plan))):
        count, _, held = _counts(plan, f"{node.path}/")
        kind = type(node.part).__name__ + (
            ", frozen" if count and held == count else ""
        )
        number = "shared" if node.again else f"{count:,}"
        rows.append((f"{'  ' * depth}{node.name}", kind, str(node.shape), number))
    rows.append(("total", "", "", f"{total:,}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            [each.ljust(width) for each, width in zip(row[:3], widths, strict=False)]
            + [row[3].rjust(widths[3])]
        )
        for row in rows
    ]
    rule = "-" * len(lines[0])
    lines = [lines[0], rule, *lines[1:-1], rule, lines[-1]]
    if not_trained:
        of_which = f", of which frozen: {frozen:,}" if frozen else ""
        lines.append(f"not trained: {not_trained:,}{of_which}")
    sample = plan.train_size + plan.n_inputs + plan.target_columns
    step = sum(plan.train_sizes_of_steps) + sum(each.size for each in plan.sequences)
    of_steps = f", {_bytes(itemsize * step)} for each of its steps" if step else ""
    lines.append(
        f"memory: {_bytes(itemsize * sample * batch_size)} for a batch of {batch_size}"
        f"{of_steps}, {_bytes(itemsize * total * (2 + n_slots))} for weights and "
        "optimizer"
    )
    return "\n".join(lines)


def _places(traced: Trace, depth: int = 0) -> Iterator[tuple[int, Node]]:
    """Places of parts, each with how deep it is in the network."""
    for node in traced.nodes:
        if node.listed:
            yield depth, node
        if node.inner is not None:
            yield from _places(node.inner, depth + 1)


def _counts(plan: Plan, prefix: str) -> tuple[int, int, int]:
    """Numbers under a name: all, those not trained, and those of these frozen."""
    count = not_trained = frozen = 0
    for parameter, block in zip(plan.parameters, plan.blocks, strict=True):
        if parameter.name.startswith(prefix):
            count += parameter.size
            not_trained += 0 if block["trainable"] else parameter.size
            # What is not trained but moves are running statistics.
            held = not block["trainable"] and not block["running"]
            frozen += parameter.size if held else 0
    return count, not_trained, frozen


def _bytes(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"


def _input_shape(network: Network, plan: Plan) -> Any:
    """Shape of one sample, by name where the network has several inputs."""
    shapes: dict[str, tuple[int | None, ...]] = {
        each.name: (None, *each.shape) if each.axis else each.shape
        for each in plan.inputs
    }
    return shapes if len(shapes) > 1 else next(iter(shapes.values()))
