"""The table of a network's layers."""

from fastnn.network import Sequential
from fastnn.plan.records import Plan


def summary(
    network: Sequential, plan: Plan, *, batch_size: int, n_slots: int, itemsize: int
) -> str:
    """Layers with their shapes and parameters, and the memory that training takes.

    Parameters
    ----------
    network : Sequential
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
    counts: dict[str, int] = {}
    frozen: dict[str, int] = {}
    not_trained = 0
    for parameter, block in zip(plan.parameters, plan.blocks, strict=True):
        layer, size = parameter.name.partition("/")[0], parameter.size
        counts[layer] = counts.get(layer, 0) + size
        not_trained += 0 if block["trainable"] else size
        # What is not trained but moves are running statistics.
        if not block["trainable"] and not block["running"]:
            frozen[layer] = frozen.get(layer, 0) + size
    rows = [("layer", "kind", "output shape", "parameters")]
    shape, seen = plan.input_shape, set()
    for name, layer in network.named_layers():
        shape = layer.output_shape(shape)
        count = "shared" if name in seen else f"{counts.get(name, 0):,}"
        seen.add(name)
        kind = type(layer).__name__ + (", frozen" if name in frozen else "")
        rows.append((name, kind, str(shape), count))
    total = sum(counts.values())
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
        of_which = f", of which frozen: {sum(frozen.values()):,}" if frozen else ""
        lines.append(f"not trained: {not_trained:,}{of_which}")
    sample = plan.train_size + plan.n_inputs + plan.target_columns
    lines.append(
        f"memory: {_bytes(itemsize * sample * batch_size)} for a batch of {batch_size}"
        f", {_bytes(itemsize * total * (2 + n_slots))} for weights and optimizer"
    )
    return "\n".join(lines)


def _bytes(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
