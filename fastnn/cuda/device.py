"""What a device must be able to do, and the GPU, which does it through CuPy."""

import hashlib
import importlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Places and sizes: of C's ptrdiff_t and pointers. Numbers have the type that a kernel
# declares.
Argument = int | np.float32 | np.float64


class Buffer(Protocol):
    """Numbers in the device's memory, for as long as this object lives."""

    @property
    def address(self) -> int: ...

    def after(self, first: int) -> "Buffer":
        """The same memory from a number on."""


class Kernel(Protocol):
    """A function of ``csrc/cuda``, ready to run."""

    def __call__(
        self, grid: int, block: tuple[int, int], arguments: tuple[Argument, ...]
    ) -> None: ...


class Device(Protocol):
    """Memory, kernels and matrix products, in the order in which they are called."""

    def empty(self, size: int, dtype: DTypeLike) -> Any:
        """A :class:`Buffer` of so many numbers, whatever they are; never of none."""

    def upload(self, array: NDArray, buffer: Any) -> None:
        """Copy a C-contiguous array to the beginning of a buffer."""

    def download(self, buffer: Any, array: NDArray) -> None:
        """Copy the beginning of a buffer to an array, when all before it is done."""

    def kernel(self, stem: str, name: str) -> Kernel:
        """A kernel of the file ``csrc/cuda/stem.cu``."""

    def product(
        self,
        dtype: np.dtype,
        size: tuple[int, int, int, int],
        a: tuple[int, int, int, bool],
        b: tuple[int, int, int, bool],
        c: tuple[int, int, int],
        beta: float,
    ) -> Callable[[], None]:
        """Prepare ``c = beta c + op(a) @ op(b)``, count times.

        size: count, m, n, k. a, b: address, row stride, stride over the count, and
        whether it is transposed; c: the same but for that.
        """


def source_folder() -> Path:
    """Where the kernels and the formulas that they share with the CPU lie.

    Installed they are part of the package; in a checkout they are beside it.
    """
    package = Path(__file__).resolve().parent.parent
    installed = package / "csrc"
    return installed if installed.is_dir() else package.parent / "csrc"


@cache
def _digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(source_folder().rglob("*")):
        if path.suffix in (".h", ".cu"):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def source_of(stem: str) -> str:
    """What NVRTC is given. CuPy's cache knows that, and not what it includes."""
    return f'/* {_digest()} */\n#include "cuda/{stem}.cu"\n'


def compile_options() -> tuple[str, ...]:
    """Options of NVRTC, beside those that CuPy adds."""
    folder = source_folder()
    return "-std=c++17", f"-I{folder}", f"-I{folder / 'cuda' / 'nvrtc'}"


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
        return _gpu()
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
def _gpu() -> "GPU":
    return GPU()


class _Memory:
    """A :class:`Buffer` of CuPy's."""

    def __init__(self, array: Any):
        self.array = array

    @property
    def address(self) -> int:
        return int(self.array.data.ptr)

    def after(self, first: int) -> "_Memory":
        return _Memory(self.array[first:])


class GPU:
    """The present CUDA device and stream of CuPy.

    Kernels are compiled for the card by NVRTC when they are first used; CuPy keeps them
    in its cache on disk.
    """

    def __init__(self) -> None:
        self._cupy = import_cupy()
        self._modules: dict[str, Any] = {}

    def empty(self, size: int, dtype: DTypeLike) -> _Memory:
        return _Memory(self._cupy.empty(max(size, 1), dtype))

    def upload(self, array: NDArray, buffer: _Memory) -> None:
        flat = array.reshape(-1)
        buffer.array[: flat.size].set(flat)

    def download(self, buffer: _Memory, array: NDArray) -> None:
        array.reshape(-1)[...] = buffer.array[: array.size].get()

    def kernel(self, stem: str, name: str) -> Kernel:
        if stem not in self._modules:
            self._modules[stem] = self._cupy.RawModule(
                code=source_of(stem), options=compile_options()
            )
        function = self._modules[stem].get_function(name)

        def run(
            grid: int, block: tuple[int, int], arguments: tuple[Argument, ...]
        ) -> None:
            function((grid,), block, arguments)

        return run

    def product(
        self,
        dtype: np.dtype,
        size: tuple[int, int, int, int],
        a: tuple[int, int, int, bool],
        b: tuple[int, int, int, bool],
        c: tuple[int, int, int],
        beta: float,
    ) -> Callable[[], None]:
        cublas = self._cupy.cuda.cublas
        get_handle = self._cupy.cuda.device.get_cublas_handle
        single = dtype == np.float32
        one, beta_of_type = np.array(1, dtype), np.array(beta, dtype)
        count, m, n, k = size
        transposed = {False: cublas.CUBLAS_OP_N, True: cublas.CUBLAS_OP_T}
        # In cuBLAS' order of columns, c is its own transpose: op(b)' @ op(a)'.
        operations = transposed[b[3]], transposed[a[3]], n, m, k
        if count == 1:
            multiply = cublas.sgemm if single else cublas.dgemm
            operands: tuple[int, ...] = (b[0], b[1], a[0], a[1])
            result: tuple[int, ...] = (c[0], c[1])
        else:
            multiply = (
                cublas.sgemmStridedBatched if single else cublas.dgemmStridedBatched
            )
            operands = (*b[:3], *a[:3])
            result = (*c, count)

        def run() -> None:
            multiply(
                get_handle(), *operations, one.ctypes.data, *operands,
                beta_of_type.ctypes.data, *result,
            )  # fmt: skip

        return run
