"""Copies of the project whose core is compiled with a sanitizer, each in its folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BUILDS = REPOSITORY / "build" / "sanitize"
COPIED = (
    "setup.py", "pyproject.toml", "README.md", "LICENSE", "csrc", "fastnn", "tests",
)  # fmt: skip
# The -O3 that setup.py asks for comes before, and does not count any more.
FLAGS = ("-O1", "-g1", "-fno-omit-frame-pointer", "-DFASTNN_SANITIZE")

SANITIZERS = {
    "address": ("-fsanitize=address,undefined,float-cast-overflow",),
    "thread": ("-fsanitize=thread",),
}
# What has to be loaded before all else. The interpreter is no C++ program, but modules
# of others are, whose exceptions AddressSanitizer watches from the start.
PRELOADED = {
    "address": ("libasan.so", "libubsan.so", "libstdc++.so"),
    "thread": ("libtsan.so",),
}
# Of ours.
OWN = ("refusals.c", "undefined.c")
EXAMPLE = "#include <sanitizer/asan_interface.h>\nint answer(void) { return 42; }\n"


def compiler():
    return os.environ.get("CC", "cc")


def compiler_version():
    command = [compiler(), "--version"]
    return subprocess.run(command, capture_output=True, text=True).stdout


def library(name):
    """Where the compiler has a library; None where it does not."""
    done = subprocess.run(
        [compiler(), f"-print-file-name={name}"], capture_output=True, text=True
    )
    path = Path(done.stdout.strip())
    return path.resolve() if path.is_absolute() and path.exists() else None


def runs(kind):
    """What a process says that is loaded with a sanitizer; None if it runs."""
    libraries = ":".join(str(library(name)) for name in PRELOADED[kind])
    done = subprocess.run(
        [sys.executable, "-c", "pass"],
        env={**os.environ, "LD_PRELOAD": libraries, "ASAN_OPTIONS": "detect_leaks=1"},
        capture_output=True, text=True,
    )  # fmt: skip
    # Leaks of the interpreter's own are none of a sanitizer that cannot run.
    failed = "FATAL" in done.stderr or "LeakSanitizer has encountered" in done.stderr
    return done.stderr if failed or done.returncode < 0 else None


def missing(kind):
    """Why a sanitizer cannot be had here; None if it can."""
    if sys.platform != "linux":
        return "the sanitizers of gcc are loaded as they are on Linux alone"
    if shutil.which(compiler()) is None:
        return f"there is no C compiler {compiler()!r}"
    for name in PRELOADED[kind]:
        if library(name) is None:
            return f"{compiler()} does not bring {name}: gcc's packages have it"
    command = [compiler(), "-xc", "-", "-shared", "-fPIC", *FLAGS, *SANITIZERS[kind]]
    done = subprocess.run(
        [*command, "-o", os.devnull], input=EXAMPLE, capture_output=True, text=True
    )
    if done.returncode:
        return f"{compiler()} does not compile with {SANITIZERS[kind]}: {done.stderr}"
    said = runs(kind)
    return None if said is None else f"nothing runs with {SANITIZERS[kind]}: {said}"


def is_built(path, names):
    """Whether a file was made of one that is still among the names."""
    stem = path.name.split(".")[0]
    return path.suffix in (".so", ".c") and f"{stem}.pyx" in names


def mirror(source, target):
    """Brings a folder up to date, with the times of its files; built ones stay."""
    target.mkdir(parents=True, exist_ok=True)
    names = set()
    for path in source.iterdir():
        if path.name == "__pycache__" or path.suffix in (".so", ".pyd"):
            continue
        names.add(path.name)
        copy = target / path.name
        if path.is_dir():
            mirror(path, copy)
        elif not copy.exists() or copy.stat().st_mtime != path.stat().st_mtime:
            shutil.copy2(path, copy)
    for copy in target.iterdir():
        if copy.name not in names and not is_built(copy, names):
            shutil.rmtree(copy) if copy.is_dir() else copy.unlink()


def build(kind):
    """The folder of a sanitizer's build, after bringing it up to date."""
    folder = BUILDS / kind
    by = "\n".join([compiler_version(), *FLAGS, *SANITIZERS[kind]])
    made_by = folder / "made_by.txt"
    if not made_by.exists() or made_by.read_text() != by:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        source = REPOSITORY / name
        if source.is_dir():
            mirror(source, folder / name)
        else:
            shutil.copy2(source, folder / name)
    wrapper = folder / "cc"
    flags = " ".join((*FLAGS, *SANITIZERS[kind]))
    wrapper.write_text(f'#!/bin/sh\nexec {compiler()} "$@" {flags}\n')
    wrapper.chmod(0o755)
    environment = {**os.environ, "CC": str(wrapper), "PYTHONPATH": str(folder)}
    subprocess.run(
        [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"],
        cwd=folder, env=environment, check=True,
    )  # fmt: skip
    own = "tests/sanitizers"
    shared = ["-shared", "-fPIC", "-pthread", "-Icsrc"]
    for command in (
        [compiler(), *shared, "-o", "preloaded.so", *(f"{own}/{name}" for name in OWN)],
        [wrapper, *shared, "-o", "faults.so", f"{own}/faults.c", "csrc/base/memory.c"],
    ):
        subprocess.run(command, cwd=folder, check=True)
    made_by.write_text(by)
    return folder


if __name__ == "__main__":
    for kind in sys.argv[1:]:
        print(missing(kind) or build(kind))
