"""Networks on an NVIDIA GPU: the same plans, walked by launching kernels.

The formulas are those of the CPU's loops: the ``.cu`` files include them.
"""

from fastnn.engine.cuda.device import describe, find_device, missing_piece
from fastnn.engine.cuda.engine import DeviceEngine
from fastnn.engine.cuda.finite import worst_number
from fastnn.engine.cuda.forward import DeviceForward

__all__ = [
    "DeviceEngine",
    "DeviceForward",
    "describe",
    "find_device",
    "missing_piece",
    "worst_number",
]
