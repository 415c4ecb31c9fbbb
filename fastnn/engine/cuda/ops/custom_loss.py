"""Losses that are Python functions, on the host."""

from collections.abc import Callable

import numpy as np

from fastnn.engine.cpu.meeting import checked, weighed
from fastnn.engine.cuda.op_calls import OpCalls
from fastnn.engine.cuda.ops.loss import finish_loss


def custom_loss(op: OpCalls) -> None:
    """A function of Python's, with copies."""
    function = op.plan.functions[op.code]
    numbers = [int(op.record["input"][i]) for i in range(2)]
    shapes = [(op.rows.count, n) for n in (op.dim(3), op.lead(0))]
    scale, own_weights = op.scalar(0), op.own_weights()
    sources = [
        (_download_from(op, number), shape)
        for number, shape in zip(numbers, shapes, strict=True)
    ]
    output = int(op.record["output"][0])
    gradient_at = op.view(output) if output >= 0 else None
    # Not the op: it has the calls, of which this is one.
    device, dtype, partial = op.device, op.dtype, op.buffers.partial
    count = op.rows.count

    def run() -> None:
        z, y = (read(np.empty(shape, dtype)) for read, shape in sources)
        weight = np.ones(count, dtype)
        if own_weights is not None:
            device.download(own_weights, weight)
        total, gradient = weighed(checked(function(y, z), z.shape), weight * scale)
        if gradient_at is not None:
            device.upload(gradient, gradient_at)
        device.upload(np.array([total], np.float64), partial)

    op.walk.calls.append(run)
    finish_loss(op, 1, partial.address, 1.0)


def _download_from(op: OpCalls, number: int) -> Callable[[np.ndarray], np.ndarray]:
    tensor = op.plan.tensors[number]
    first, lead = int(tensor["first"]), int(tensor["lead"])
    view = op.buffers.spaces["target"] if lead else op.view(number)
    device, dtype = op.device, op.dtype

    def read(array: np.ndarray) -> np.ndarray:
        if lead:  # a target among others
            rows = np.empty((len(array), lead), dtype)
            device.download(view, rows)
            array[:] = rows[:, first : first + array.shape[1]]
        else:
            device.download(view, array)
        array.setflags(write=False)
        return array

    return read


CALLS = {"custom_loss": custom_loss}
