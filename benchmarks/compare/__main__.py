"""Compare the speed of the working tree with that of another revision.

    python -m benchmarks.compare --base main~1

Both are built in temporary folders and timed in fresh processes that take turns. A
timing that is 10% slower by the median of the turns is repeated, with twice as many
turns, before it counts. The exit status is 1 if one still is.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.fresh import THREAD_VARIABLES

from .builds import build, export_revision, export_working_tree
from .verdict import TOLERANCE, report, slower

MEASURE = Path(__file__).with_name("measure.py")


def one_turn(folder, wanted):
    """Seconds by name, in a process that imports the fastnn of this folder."""
    variables = dict.fromkeys(THREAD_VARIABLES, "2") | {"PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, str(MEASURE), *wanted],
        cwd=folder,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    result = json.loads(done.stdout)
    if Path(folder).resolve() not in Path(result["file"]).resolve().parents:
        raise SystemExit(f"{result['file']} was timed, which is not in {folder}")
    return result["seconds"]


def take_turns(base, new, turns, wanted=()):
    found = {base: {}, new: {}}
    for turn in range(turns):
        print(f"turn {turn + 1} of {turns}", file=sys.stderr)
        # Who is first changes, in case the second of a pair is at an advantage.
        for folder in (base, new) if turn % 2 == 0 else (new, base):
            for name, seconds in one_turn(folder, wanted).items():
                found[folder].setdefault(name, []).append(seconds)
    return found[base], found[new]


def compare(base, new, turns, tolerance):
    """Print the tables; the names of what is slower, twice."""
    timings = take_turns(base, new, turns)
    print("\n".join(report(*timings, tolerance)))
    late = slower(*timings, tolerance)
    if not late:
        return []
    print(f"\nOnce more, to be sure: {'; '.join(late)}\n")
    timings = take_turns(base, new, 2 * turns, late)
    print("\n".join(report(*timings, tolerance)))
    return slower(*timings, tolerance)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--base", default="main~1", help="a revision git knows")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--tolerance", type=float, default=TOLERANCE)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as base, tempfile.TemporaryDirectory() as new:
        export_revision(chosen.base, base)
        export_working_tree(new)
        for folder in (base, new):
            build(folder)
        late = compare(base, new, chosen.turns, chosen.tolerance)
    if late:
        print(f"\nslower than {chosen.base}: {'; '.join(late)}")
        return 1
    print(f"\nnothing is {chosen.tolerance:.0%} slower than {chosen.base}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
