"""From the ops of a plan to calls of kernels, for one walk over so many rows.

The kernels are the ``.cu`` files of ``csrc``, beside the loops of the CPU.
"""

from collections import deque

import numpy as np

from fastnn.engine.cuda.calls import Buffers, Rows
from fastnn.engine.cuda.op_calls import OpCalls, Walk
from fastnn.engine.cuda.ops import CALLS
from fastnn.engine.cuda.ops.random import add_dropout, is_dropped_by
from fastnn.engine.device import Call, Device
from fastnn.plan.records import Plan
from fastnn.plan.tables import KINDS, PHASES

_KINDS = {kind: name for name, kind in KINDS.items()}


def supports(kind: str) -> bool:
    """Whether an op can be run.

    Parameters
    ----------
    kind : str
        A name of the table of ops.
    """
    return kind in CALLS


def check_supported(plan: Plan) -> None:
    """Check that all ops of a plan can be run.

    Parameters
    ----------
    plan : Plan

    Raises
    ------
    ValueError
        If there are no kernels for one, samples are sequences, or gradients are rows,
        which none updates.
    """
    if plan.sequences:
        names = [each.name for each in plan.sequences]
        raise ValueError(
            f"the inputs {names} are sequences of different lengths, for which a GPU "
            "has no kernels. Use device='cpu', or pad them to one length."
        )
    if len(plan.row_gradients):
        raise ValueError(
            "a network with a table whose gradient is rows cannot be run on a GPU: "
            "set sparse_gradient=False of the Embedding, or use device='cpu'."
        )
    for kind in np.unique(plan.ops["kind"]):
        if not supports(_KINDS[kind]):
            raise ValueError(
                f"a network with the op {_KINDS[kind]!r} cannot be run on a GPU: there "
                "are no kernels for it. Use device='cpu'."
            )


class PhaseCalls:
    """The calls of one phase of a plan on a device."""

    def __init__(
        self,
        plan: Plan,
        device: Device,
        dtype: np.dtype,
        phase: int,
        buffers: Buffers,
        precision: str | None = None,
    ):
        name = "train_offset" if phase == PHASES["train"] else "predict_offset"
        self._walked = plan, device, dtype, plan.tensors[name], buffers, precision
        self._ops = [op for op in plan.ops if op["phase"] & phase]

    def calls(self, rows: Rows) -> list[Call]:
        """The calls of all ops, in order."""
        walk = Walk(*self._walked, rows)
        ops = deque(OpCalls(walk, op) for op in self._ops)
        while ops:
            op = ops.popleft()
            if ops and is_dropped_by(op, ops[0]):
                add_dropout(op, ops.popleft())
            else:
                CALLS[_KINDS[int(op.record["kind"])]](op)
        return walk.calls
