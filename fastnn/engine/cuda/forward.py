"""The forward half of a plan on a device: what ``cpu/predict.pyx`` is on the CPU."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse

from fastnn.engine.cpu.gather import Table
from fastnn.engine.cuda.calls import (
    LOSS,
    Buffers,
    Rows,
    n_sums,
    params_on,
    partial_sums,
    reports_in,
)
from fastnn.engine.cuda.walk import PhaseCalls, check_supported
from fastnn.engine.device import Device, DeviceArray, for_rows_that_fit
from fastnn.engine.mirrored import MirroredArray
from fastnn.plan.records import Plan
from fastnn.plan.tables import PHASES

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
        check_supported(plan)
        self._device, self._plan, self._link = device, plan.without_link(), plan.link()
        self._params = params_on(device, plan)

    def predict(
        self, parameters: MirroredArray, tables: tuple[Any, ...], dtype: np.dtype
    ) -> NDArray:
        """Predictions, of this dtype, for every row, of shape (n, n_outputs)."""
        result = np.empty((tables[0].shape[0], self._plan.n_outputs), dtype)
        self._pass(PHASES["predict"], parameters, tables, None, None, result)
        return result

    def predict_there(
        self, parameters: MirroredArray, tables: tuple[Any, ...], dtype: np.dtype
    ) -> DeviceArray:
        """The same on the device, where they stay, to be given."""
        shape = tables[0].shape[0], self._plan.n_outputs
        result = self._device.prepare(shape, dtype)
        self._pass(PHASES["predict"], parameters, tables, None, None, result)
        return result

    def _apply_link(self, outputs: DeviceArray) -> None:
        """Make predictions of raw outputs, in place."""
        if not len(self._link.ops):
            return
        buffers = Buffers(
            spaces={"activation": outputs.buffer},
            weight=None, scalars=None, sums=None, partial=None, capacity=len(outputs),
            params=self._params,
        )  # fmt: skip
        dtype = outputs.dtype
        walk = PhaseCalls(self._link, self._device, dtype, PHASES["predict"], buffers)
        for call in walk.calls(Rows(len(outputs))):
            call()

    def evaluate(
        self,
        parameters: MirroredArray,
        tables: tuple[Any, ...],
        y: NDArray,
        sample_weight: NDArray | None,
    ) -> tuple[float, NDArray[np.float64]]:
        """Sums over all rows: loss, and what is reported of each one of the plan."""
        return self._pass(
            PHASES["evaluate"], parameters, tables, y, sample_weight, None
        )

    def judge(
        self,
        parameters: MirroredArray,
        tables: tuple[Any, ...],
        y: NDArray,
        sample_weight: NDArray | None,
        result: NDArray,
    ) -> tuple[float, NDArray[np.float64]]:
        """Fills what :meth:`predict` returns; returns what :meth:`evaluate` does."""
        return self._pass(
            PHASES["evaluate"], parameters, tables, y, sample_weight, result
        )

    def _pass(
        self,
        phase: int,
        parameters: MirroredArray,
        tables: tuple[Any, ...],
        y: NDArray | None,
        sample_weight: NDArray | None,
        result: NDArray | DeviceArray | None,
    ) -> tuple[float, NDArray[np.float64]]:
        device, plan, dtype = self._device, self._plan, parameters.dtype
        n_rows = tables[0].shape[0]
        for X in filter(sparse.issparse, tables):
            Table(X)  # raises if the structure is damaged: its rows are sliced
        n_weights = 0 if sample_weight is None else sample_weight.size // n_rows
        buffers = self._buffers(parameters, n_rows, n_weights)
        spaces, capacity = buffers.spaces, buffers.capacity
        walk = PhaseCalls(plan, device, dtype, phase, buffers)
        place = int(plan.tensors[plan.output]["predict_offset"]) * capacity
        outputs = spaces["activation"].after(place)
        for first in range(0, n_rows, capacity):
            rows = slice(first, min(first + capacity, n_rows))
            for each, X, buffer in zip(
                plan.inputs, tables, spaces["input"], strict=True
            ):
                self._put(X[rows], buffer, np.int32 if each.n_tokens else dtype)
            if y is not None:
                device.upload(y[rows], spaces["target"])
            if sample_weight is not None and buffers.weight is not None:
                columns = sample_weight.reshape(n_rows, -1)[rows].T
                for i, column in enumerate(np.ascontiguousarray(columns)):
                    device.upload(column, buffers.weight.after(i * capacity))
            for call in walk.calls(Rows(rows.stop - rows.start)):
                call()
            if result is not None:
                self._predict(outputs, dtype, result[rows])
        found = np.empty(n_sums(plan))
        device.download(buffers.sums, found)
        return float(found[LOSS]), reports_in(found)[0, :, 0]

    def _buffers(
        self, parameters: MirroredArray, n_rows: int, n_weights: int
    ) -> Buffers:
        """For as many rows at once as the memory allows."""
        weights, plan = parameters.on(self._device), self._plan
        itemsize = parameters.dtype.itemsize
        bytes_per_row = itemsize * max(1, plan.predict_size + plan.n_inputs)
        capacity = max(1, min(n_rows, BYTES_AT_ONCE // bytes_per_row))
        return for_rows_that_fit(
            lambda rows: self._buffers_for(weights, parameters.dtype, rows, n_weights),
            capacity,
        )

    def _buffers_for(
        self, weights: Any, dtype: np.dtype, capacity: int, n_weights: int
    ) -> Buffers:
        device, plan = self._device, self._plan
        return Buffers(
            spaces={
                "input": tuple(
                    device.empty(
                        capacity * each.size, np.int32 if each.n_tokens else dtype
                    )
                    for each in plan.inputs
                ),
                "target": device.empty(capacity * plan.target_columns, dtype),
                "parameter": weights,
                "activation": device.empty(capacity * plan.predict_size, dtype),
                "statistic": device.empty(plan.statistic_size, dtype),
            },
            weight=device.empty(capacity * n_weights, dtype) if n_weights else None,
            scalars=None,
            sums=device.zeros(n_sums(plan), np.float64),
            partial=device.empty(partial_sums(plan, capacity), np.float64),
            capacity=capacity,
            params=self._params,
            weighs_losses=n_weights > 1,
        )

    def _put(self, part: Any, buffer: Any, dtype: DTypeLike) -> None:
        """Rows of an input, wherever they are, to where the plan reads them."""
        if isinstance(part, DeviceArray):
            part = self._device.cast(part, dtype)
            self._device.copy(part.buffer, buffer, part.size)
            return
        if sparse.issparse(part):
            part = part.toarray()
        self._device.upload(np.ascontiguousarray(part, dtype), buffer)

    def _predict(self, raw: Any, dtype: np.dtype, part: NDArray | DeviceArray) -> None:
        """Make predictions of rows of raw outputs, where they are wanted."""
        outputs = self._device.cast(DeviceArray(raw, part.shape, dtype), part.dtype)
        self._apply_link(outputs)
        if isinstance(part, DeviceArray):
            self._device.copy(outputs.buffer, part.buffer, part.size)
        else:
            self._device.download(outputs.buffer, part)
