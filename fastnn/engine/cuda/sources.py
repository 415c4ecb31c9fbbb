"""The sources of the kernels, and how NVRTC is to compile them."""

import hashlib
from functools import cache
from pathlib import Path


def source_folder() -> Path:
    """Where the kernels and the formulas that they share with the CPU lie.

    Installed they are part of the package; in a checkout they are beside it.
    """
    package = Path(__file__).resolve().parent.parent.parent
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
    folder = source_folder()
    (path,) = folder.rglob(f"{stem}.cu")
    return f'/* {_digest()} */\n#include "{path.relative_to(folder).as_posix()}"\n'


def compile_options() -> tuple[str, ...]:
    """Options of NVRTC, beside those that CuPy adds."""
    folder = source_folder()
    return "-std=c++17", f"-I{folder}", f"-I{folder / 'base' / 'cuda' / 'nvrtc'}"
