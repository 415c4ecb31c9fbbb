"""The forward half of a plan on a device: what ``_core/predict.pyx`` is on the CPU."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from fastnn._core.tables import PHASES
from fastnn.cuda.calls import Room, Rows, partial_sums
from fastnn.cuda.device import Device
from fastnn.cuda.walk import Walk
from fastnn.plan import Plan

# The activations of the rows that are worked on together take at most so many bytes.
BYTES_AT_ONCE = 256 * 2**20


class DeviceForward:
    """Predictions and losses of tables of rows, on a device.

    It has no state: every call has its own buffers.

    Parameters
    ----------
    device : Device
    plan : Plan
    """

    def __init__(self, device: Device, plan: Plan):
        self._device, self._plan = device, plan

    def predict(self, parameters: NDArray, X: Any) -> NDArray:
        """The network's outputs for every row of X, of shape (n, n_outputs)."""
        result = np.empty((X.shape[0], self._plan.n_outputs), parameters.dtype)
        self._pass(PHASES["predict"], parameters, X, None, None, result)
        return result

    def evaluate(
        self, parameters: NDArray, X: Any, y: NDArray, sample_weight: NDArray | None
    ) -> tuple[float, float]:
        """Sums over all rows: loss and reported loss."""
        return self._pass(PHASES["evaluate"], parameters, X, y, sample_weight, None)

    def judge(
        self,
        parameters: NDArray,
        X: Any,
        y: NDArray,
        sample_weight: NDArray | None,
        result: NDArray,
    ) -> tuple[float, float]:
        """Fills what :meth:`predict` returns; returns what :meth:`evaluate` does."""
        phase = PHASES["predict"] | PHASES["evaluate"]
        return self._pass(phase, parameters, X, y, sample_weight, result)

    def _pass(
        self,
        phase: int,
        parameters: NDArray,
        X: Any,
        y: NDArray | None,
        sample_weight: NDArray | None,
        result: NDArray | None,
    ) -> tuple[float, float]:
        device, plan, dtype = self._device, self._plan, parameters.dtype
        n_rows = X.shape[0]
        bytes_per_row = dtype.itemsize * max(1, plan.predict_size + plan.n_inputs)
        capacity = max(1, min(n_rows, BYTES_AT_ONCE // bytes_per_row))
        spaces = {
            "input": device.empty(capacity * plan.n_inputs, dtype),
            "target": device.empty(capacity * plan.target_columns, dtype),
            "parameter": device.empty(plan.n_parameters, dtype),
            "activation": device.empty(capacity * plan.predict_size, dtype),
            "statistic": device.empty(plan.statistic_size, dtype),
        }
        if parameters.size:
            device.upload(parameters, spaces["parameter"])
        sums = device.empty(2, np.float64)
        device.upload(np.zeros(2), sums)
        room = Room(
            spaces=spaces,
            weight=None if sample_weight is None else device.empty(capacity, dtype),
            scalars=None,
            sums=sums,
            partial=device.empty(partial_sums(plan, capacity), np.float64),
            capacity=capacity,
        )
        walk = Walk(plan, device, dtype, phase, room)
        place = int(plan.tensors[plan.output]["predict_offset"]) * capacity
        outputs = spaces["activation"].after(place)
        for first in range(0, n_rows, capacity):
            rows = slice(first, min(first + capacity, n_rows))
            part = X[rows].toarray() if sparse.issparse(X) else X[rows]
            device.upload(np.ascontiguousarray(part, dtype), spaces["input"])
            if y is not None:
                device.upload(y[rows], spaces["target"])
            if sample_weight is not None:
                device.upload(sample_weight[rows], room.weight)
            for call in walk.calls(Rows(len(part))):
                call()
            if result is not None:
                device.download(outputs, result[rows])
        loss = np.zeros(2)
        device.download(sums, loss)
        return float(loss[0]), float(loss[1])
