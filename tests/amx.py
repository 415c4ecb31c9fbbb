"""The kernels for AMX over an emulation of its instructions: see amx_emulation.h."""

import ctypes
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
CSRC = HERE.parent / "csrc"
SOURCES = (
    "base/instructions.c",
    "base/memory.c",
    "ops/product/bf16.c",
    "ops/product/bf16_amx.c",
    "ops/product/bf16_avx512.c",
    "ops/product/product.c",
)


class MatrixUnit(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("kernel", ctypes.c_void_p),
        ("least", ctypes.c_ssize_t),
        ("workspace_bytes", ctypes.c_size_t),
    )


def compile_all(compiler, folder):
    """The path of a library; None if something does not compile."""
    flags = ["-Og", "-w", "-fPIC", *os.environ.get("CFLAGS", "").split()]
    flags += ["-include", str(HERE / "amx_emulation.h"), f"-I{CSRC}"]

    def compile_one(source):
        target = folder / f"{source.stem}.o"
        command = [compiler, *flags, "-c", str(source), "-o", str(target)]
        done = subprocess.run(command, capture_output=True)
        return None if done.returncode else str(target)

    sources = [HERE / "amx_emulation.c", *(CSRC / name for name in SOURCES)]
    with ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(compile_one, sources))
    if None in objects:
        return None
    path = folder / "amx.so"
    command = [compiler, *flags, "-shared", *objects, "-lm", "-o", str(path)]
    subprocess.run(command, check=True)
    return path


@cache
def load_library():
    compiler = shutil.which("cc")
    if compiler is None:
        return "there is no C compiler"
    if not (CSRC / "ops").exists():
        return "needs the checkout"
    with tempfile.TemporaryDirectory() as folder:
        path = compile_all(compiler, Path(folder))
        if path is None:
            return "the compiler knows no AMX, or is for another system"
        library = ctypes.CDLL(str(path))
    if not hasattr(library, "product_amx_bf16"):
        return "the compiler knows no AMX, or is for another system"
    if not library.runs_here():
        return "the processor has no AVX-512"
    for find in (library.find_matrix_unit_bf16, library.find_matrix_unit_high):
        find.restype = MatrixUnit
    return library


def emulation():
    """The library; skips where it cannot be built or run."""
    library = load_library()
    if isinstance(library, str):
        pytest.skip(library)
    return library


def counters():
    """Configurations that were loaded, and released; and mistakes in between."""
    names = ("amx_loads", "amx_releases", "amx_mistakes")
    return [ctypes.c_int.in_dll(emulation(), name).value for name in names]


def emulated_product(precision):
    """A function as fastnn.engine.cpu.blas.matrix_product, for one matrix each."""
    kernel = getattr(emulation(), f"product_amx_{precision}")
    size, pointer = ctypes.c_ssize_t, ctypes.c_void_p
    matrix = [pointer, size, size]
    kernel.argtypes = [*[size] * 3, *matrix, *matrix, ctypes.c_float]
    kernel.argtypes += [pointer, size, pointer]
    kernel.restype = None

    def multiply(a, b, c, *, transpose_a=False, transpose_b=False, beta=0):
        workspace = np.empty(4 * 2**20, np.uint8)
        aligned = -(-workspace.ctypes.data // 64) * 64
        (m, n), k = c.shape, a.shape[0 if transpose_a else 1]
        leads = [x.strides[0] // x.itemsize for x in (a, b, c)]
        a_steps = (1, leads[0]) if transpose_a else (leads[0], 1)
        b_steps = (1, leads[1]) if transpose_b else (leads[1], 1)
        kernel(
            m, n, k, a.ctypes.data, *a_steps, b.ctypes.data, *b_steps,
            beta, c.ctypes.data, leads[2], aligned,
        )  # fmt: skip

    return multiply
