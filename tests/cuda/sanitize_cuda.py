"""Short fits on a GPU under compute-sanitizer: nothing beyond a buffer, and no race.

    python tests/cuda/sanitize_cuda.py

Ends with an error where a tool finds something, or where the fits do not come to their
end. See https://docs.nvidia.com/compute-sanitizer for the tools and their options.
"""

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from short_cuda_fit import DONE

SCRIPT = Path(__file__).with_name("short_cuda_fit.py")

# An error of the fits themselves ends with another number.
FOUND = 86

TOOLS = {
    # Calls of the API that fail are told by CuPy; libraries try some that may fail.
    # Memory behind each allocation belongs to nobody.
    "memcheck": ("--report-api-errors", "no", "--padding", "512"),
    # Of the memory that the threads of a block share.
    "racecheck": (),
}
CLEAN = {
    "memcheck": re.compile(r"ERROR SUMMARY: 0 errors"),
    "racecheck": re.compile(
        r"RACECHECK SUMMARY: 0 hazards? displayed \(0 errors, 0 warnings\)"
    ),
}


def find_sanitizer():
    """The tool of the toolkit, or that of the package; None where there is neither."""
    found = shutil.which("compute-sanitizer")
    if found is None and Path("/usr/local/cuda/bin/compute-sanitizer").exists():
        found = "/usr/local/cuda/bin/compute-sanitizer"
    packages = Path(sysconfig.get_path("purelib"), "nvidia")
    return found or next(
        map(str, sorted(packages.glob("cu*/bin/compute-sanitizer"))), None
    )


def command(sanitizer, tool):
    return [
        sanitizer, "--tool", tool, "--error-exitcode", str(FOUND), *TOOLS[tool],
        sys.executable, str(SCRIPT),
    ]  # fmt: skip


def verdict(tool, code, output):
    """What is wrong, or None."""
    if code == FOUND:
        return f"{tool} has found errors"
    if code or DONE not in output:
        return f"the fits did not come to their end under {tool} (exit status {code})"
    # Warnings alone may leave the exit status as it is.
    if not CLEAN[tool].search(output):
        return f"{tool} does not say that there is nothing to find"
    return None


def main():
    sanitizer = find_sanitizer()
    if sanitizer is None:
        raise SystemExit(
            "compute-sanitizer is not installed: it is a part of the CUDA toolkit, and "
            "`pip install nvidia-cuda-sanitizer-api` brings it for CUDA 13 "
            "(nvidia-cuda-sanitizer-api-cu12 for CUDA 12)"
        )
    for tool in TOOLS:
        called = command(sanitizer, tool)
        print(" ".join(called), flush=True)
        done = subprocess.run(
            called, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        print(done.stdout, flush=True)
        wrong = verdict(tool, done.returncode, done.stdout)
        if wrong is not None:
            raise SystemExit(wrong)


if __name__ == "__main__":
    main()
