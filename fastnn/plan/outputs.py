"""Several outputs side by side: the links, each on the columns of its own."""

from collections.abc import Sequence
from typing import Any

from fastnn.plan.tables import KINDS, MAX_INPUTS, MAX_OUTPUTS, PHASES
from fastnn.plan.tensor import Tensor

OpFields = dict[str, Any]


def side_by_side(
    outputs: Sequence[Tensor], links: Sequence[OpFields], raw: Tensor, joined: Tensor
) -> tuple[list[OpFields], list[OpFields]]:
    """The ops that make one output of several.

    Parameters
    ----------
    outputs : sequence of Tensor
    links : sequence of dict
        The ops that make predictions of raw outputs: for each output a softmax for each
        of its parts, an activation, or none. Those of other tensors are left out.
    raw, joined : Tensor
        A row for each sample, with room for all raw outputs and for all predictions.

    Returns
    -------
    copies : list of dict
        From the raw outputs to ``raw``.
    links : list of dict
        From there to ``joined``; empty if raw outputs are what is predicted.
    """
    copies, applied, first = [], [], 0
    for output in outputs:
        own = [link for link in links if link["output"][0] == output.number]
        source = own[0]["input"][0] if own else output.number
        copies.append(
            {
                **_copy(source, raw.number, output.size),
                "phase": PHASES["predict"] | PHASES["evaluate"],
                "lead": (output.size, raw.size, 0),
                "stride": (0, first, 0, 0),
            }
        )
        whole = {
            **_copy(raw.number, joined.number, output.size),
            "phase": PHASES["predict"],
            "lead": (raw.size, raw.size, 0),
            "stride": (first, first, 0, 0),
        }
        applied += [op for link in own for op in _in_columns(link, whole)] or [whole]
        first += output.size
    has_link = any(link["output"][0] in [t.number for t in outputs] for link in links)
    return copies, applied if has_link else []


def _copy(source: int, to: int, width: int) -> OpFields:
    """An op that copies so many columns of a row for each sample."""
    return {
        "kind": KINDS["copy_columns"],
        "params": 0,
        "input": [source] + [-1] * (MAX_INPUTS - 1),
        "output": [to] + [-1] * (MAX_OUTPUTS - 1),
        "dim": (1, 1, 1, width),
        "per_sample": 1 << 2,
    }


def _in_columns(link: OpFields, whole: OpFields) -> list[OpFields]:
    """A link of an output by itself, as ops on its columns among those of others."""
    if link["kind"] == KINDS["add"]:
        return [{**whole, "code": link["code"], "scalar": link["scalar"]}]
    # A softmax for each row that a sample has: those of two samples lie further apart.
    first, size = whole["stride"][0], whole["dim"][3]
    return [
        {
            **whole,
            "kind": link["kind"],
            "dim": (1, 1, 1, link["dim"][3]),
            "stride": (row + link["stride"][0], 0, 0, 0),
        }
        for row in range(first, first + size, link["lead"][0])
    ]
