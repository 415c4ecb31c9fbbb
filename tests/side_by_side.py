"""The suite, two processes at a time: what ``make test`` runs.

    python tests/side_by_side.py [options of pytest]

Nearly all of it is one busy thread, so that two cores take half as long. What looks at
the process itself, at its threads, its memory or how soon Ctrl-C is noticed, runs last,
when nothing else does. ``pytest`` alone runs the same tests in one process.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

TESTS = Path(__file__).resolve().parent
# Folders that run together, those that take long first; others, and doctests, are last.
# Each group is a process, which imports all of it again.
GROUPS = [
    ["estimators", "callbacks"],
    ["cuda"],
    ["ops"],
    ["project"],
    ["agreement", "engine"],
]
ALONE = ["process"]
NOTHING_CHOSEN = 5  # of the exit statuses of pytest: options may choose other tests


def groups():
    """Paths of the groups that run side by side."""
    named = {folder for group in [*GROUPS, ALONE] for folder in group}
    others = {path.parent.name for path in TESTS.glob("*/test_*.py")} - named
    paths = [[str(TESTS / folder) for folder in group] for group in GROUPS]
    paths.append([*(str(TESTS / folder) for folder in sorted(others)), "fastnn"])
    return paths


def run(paths, options, **variables):
    """Whether the tests of some folders pass; prints what they say when they end."""
    cache = f"cache_dir=.pytest_cache/{Path(paths[0]).name}"
    command = [sys.executable, "-m", "pytest", "-o", cache, *options, *paths]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=TESTS.parent,
        env=os.environ | variables,
    )  # fmt: skip
    sys.stdout.buffer.write(done.stdout)
    sys.stdout.buffer.flush()
    return done.returncode in (0, NOTHING_CHOSEN)


def main(options):
    # Threads of BLAS, which scikit-learn has products of, would wait for each other.
    side_by_side = partial(run, options=options, OPENBLAS_NUM_THREADS="1")
    with ThreadPoolExecutor(2) as pool:
        passed = list(pool.map(side_by_side, groups()))
    passed.append(run([str(TESTS / folder) for folder in ALONE], options))
    return 0 if all(passed) else "some tests failed: see above"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
