"""Whether what a caller has on a device is finite."""

import numpy as np

from fastnn.engine.cuda.calls import NUMBERS_SUMMED, THREADS, blocks_for
from fastnn.engine.device import Device, DeviceArray

# What csrc/base/cuda/finite.cu writes.
_WORST = (0.0, np.inf, np.nan)


def worst_number(device: Device, array: DeviceArray) -> float:
    """NaN if there is one among float32 or float64 numbers, else infinity, else 0."""
    grid = blocks_for(array.size, NUMBERS_SUMMED)
    worst = device.empty(grid, np.float64)
    suffix = "_f64" if array.dtype == np.float64 else "_f32"
    kernel = device.kernel("finite", f"worst_number{suffix}")
    kernel(grid, (THREADS, 1), (array.size, array.buffer.address, worst.address))
    codes = np.empty(grid)
    device.download(worst, codes)
    return _WORST[int(codes.max())]
