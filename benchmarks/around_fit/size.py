"""The installed size of the package: a wheel is built, and its files are summed."""

import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]


def installed_bytes():
    """Bytes of the package alone, uncompressed, in a wheel of the working tree."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    if find_spec("Cython") and find_spec("setuptools"):
        command.append("--no-build-isolation")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*command, "--wheel-dir", folder, str(ROOT)], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            return sum(info.file_size for info in archive.infolist())
