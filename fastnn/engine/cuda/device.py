"""Which device an estimator asks for, and what is missing where there is none."""

import importlib
from functools import cache
from types import ModuleType

from fastnn.engine.cuda.cublas import load_library
from fastnn.engine.cuda.gpu import GPU
from fastnn.engine.device import Device

# What a missing piece is, and what to do about it.
_NO_CUPY = (
    "CuPy is not installed: `pip install fastnn[cuda]` brings it, for drivers of CUDA "
    "13, and `pip install cupy-cuda12x[ctk]` the one for CUDA 12 (found: {})"
)
_NO_DRIVER = (
    "there is no NVIDIA driver, or one too old for this CuPy: install or update it "
    "(`nvidia-smi` shows its version and its CUDA version), or the CuPy of an older "
    "CUDA (found: {})"
)
_NO_CARD = (
    "the driver sees no NVIDIA card: look at `nvidia-smi`, at the environment variable "
    "CUDA_VISIBLE_DEVICES and, in a container, at whether it was given the card "
    "(found: {})"
)
_NO_LIBRARIES = (
    "CUDA's libraries, cuBLAS and NVRTC, are not all installed: `pip install "
    "cupy-cuda13x[ctk]` (or cupy-cuda12x[ctk], for a driver of CUDA 12) brings them "
    "(found: {})"
)


def import_cupy() -> ModuleType:
    """CuPy: when a GPU is asked for, as it takes a while to load."""
    return importlib.import_module("cupy")


@cache
def missing_piece() -> str | None:
    """What there must be before a GPU can be used, and is not; None if all is there."""
    try:
        cupy = import_cupy()
    except ImportError as error:
        return _NO_CUPY.format(error)
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        missing = _NO_CARD if "cudaErrorNoDevice" in str(error) else _NO_DRIVER
        return missing.format(error)
    if not count:
        return _NO_CARD.format("0 cards")
    try:
        # They are loaded when they are looked up.
        _ = cupy.cuda.cublas, cupy.cuda.nvrtc.getVersion()
        load_library()
    except (ImportError, RuntimeError) as error:
        return _NO_LIBRARIES.format(error)
    return None


def find_device(name: str) -> Device | None:
    """The device that an estimator's ``device`` names; None is the CPU.

    Parameters
    ----------
    name : {"cpu", "cuda", "auto"}

    Raises
    ------
    RuntimeError
        If "cuda" is asked for and CuPy, the driver or a card is missing.
    """
    if name == "cpu":
        return None
    missing = missing_piece()
    if missing is None:
        return _gpu(import_cupy().cuda.runtime.getDevice())
    if name == "cuda":
        raise RuntimeError(
            f'device="cuda" cannot be used, because {missing}. device="auto" computes '
            "on the CPU where there is no GPU."
        )
    return None


def describe() -> dict[str, str]:
    """Versions of CuPy, of CUDA and of the driver, and the card, for bug reports."""
    try:
        cupy = import_cupy()
    except ImportError as error:
        return {"cupy": f"missing ({error})"}
    runtime = cupy.cuda.runtime
    described = {"cupy": cupy.__version__}
    for name, ask in (
        ("CUDA runtime", runtime.runtimeGetVersion),
        ("CUDA of the driver", runtime.driverGetVersion),
    ):
        version = ask()
        described[name] = f"{version // 1000}.{version % 1000 // 10}"
    missing = missing_piece()
    if missing is None:
        properties = runtime.getDeviceProperties(runtime.getDevice())
        memory = properties["totalGlobalMem"] / 2**30
        described["card"] = f"{properties['name'].decode()}, {memory:.0f} GiB"
    else:
        described["card"] = f"missing: {missing}"
    return described


@cache
def _gpu(number: int) -> GPU:
    return GPU(import_cupy(), number)
