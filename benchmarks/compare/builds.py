"""Builds of a revision and of the working tree, each in a folder of its own."""

import os
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).parents[2]


def git(*arguments):
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True)
    if done.returncode:
        raise SystemExit(f"git {' '.join(arguments)}: {done.stderr.decode().strip()}")
    return done.stdout


def export_revision(revision, folder):
    with tarfile.open(fileobj=BytesIO(git("archive", revision))) as archive:
        archive.extractall(folder, filter="data")


def export_working_tree(folder):
    """What git tracks or would track, as it lies on the disk."""
    names = git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in names.decode().split("\0")[:-1]:
        if (ROOT / name).is_file():
            target = Path(folder) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())


def build(folder):
    """Compile in place."""
    done = subprocess.run(
        [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"],
        cwd=folder,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        last = "\n".join(done.stderr.splitlines()[-10:])
        raise SystemExit(f"the build in {folder} failed:\n{last}")
