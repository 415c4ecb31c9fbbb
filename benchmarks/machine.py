"""The facts that a timing means nothing without."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import numpy
import scipy

import fastnn.engine.cuda


def processor():
    """The processor's name, with what of AVX-512, AVX2 and AMX it has."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    fields = {}
    for line in info.read_text().splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    flags = set(fields.get("flags", "").split())
    sets = {
        "avx2": "AVX2",
        "avx512f": "AVX-512",
        "avx512_bf16": "AVX-512 BF16",
        "amx_tile": "AMX",
    }
    found = [name for flag, name in sets.items() if flag in flags]
    return f"{fields.get('model name', platform.machine())} ({', '.join(found)})"


def caches():
    """Sizes of the data caches that the first core sees, as in ``L1 48K, L2 1024K``."""
    found = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (
            (folder / name).read_text().strip() for name in ("level", "type", "size")
        )
        if kind != "Instruction":
            found[f"L{level}"] = size
    return ", ".join(f"{level} {size}" for level, size in found.items())


def usable_cores():
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def describe_machine():
    """Lines of a Markdown list."""
    lines = [f"- {processor()}, {usable_cores()} cores usable"]
    if hasattr(os, "getloadavg"):
        lines[0] += f", load {os.getloadavg()[0]:.1f} at the end"
    if caches():
        lines.append(f"- caches: {caches()}")
    lines.append(
        f"- {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, NumPy {numpy.__version__}, "
        f"SciPy {scipy.__version__}"
    )
    return lines


def describe_card():
    """Name, driver and versions of the NVIDIA card that CuPy uses; None without one."""
    found = fastnn.engine.cuda.describe()
    card = found.get("card", "missing")
    if card.startswith("missing"):
        return None
    return {
        "card": card,
        "driver": _driver() or f"of CUDA {found['CUDA of the driver']}",
        "cuda": found["CUDA runtime"],
        "cupy": found["cupy"],
    }


def _driver():
    """The driver's version, where its tool is on the path."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    query = [tool, "--query-gpu=driver_version", "--format=csv,noheader"]
    done = subprocess.run(query, capture_output=True, text=True)
    return done.stdout.partition("\n")[0].strip() if not done.returncode else None
