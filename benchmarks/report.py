"""Measure everything that docs/performance.md shows, and write its tables.

    python -m benchmarks.report                  # what has not been measured yet
    python -m benchmarks.report --again          # everything anew
    python -m benchmarks.report --only predict --again
    python -m benchmarks.report --only ""        # only write the page

Each part is a command of its own, which the page names. Its measurements are kept in
benchmarks/.results, so that an interrupted run goes on where it was. The page keeps its
prose; what lies between the markers of a part is replaced.
"""

import argparse
import json
import subprocess
import sys
import time
from importlib import import_module
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / ".results"
PAGE = ROOT / "docs" / "performance.md"

# The module of each part, and its arguments.
PARTS = {
    "peers": ("benchmarks.peers", ()),
    "float64": (
        "benchmarks.peers",
        ("--dtype", "float64", "--peers", "sklearn,fastnn", "--only", "W1,W2,W7"),
    ),
    "fastest": ("benchmarks.peers", ("--peers", "sklearn,jax_scan,fastnn")),
    "predict": ("benchmarks.predict", ()),
    "around_fit": ("benchmarks.around_fit", ()),
    "roofline": ("benchmarks.roofline", ()),
    "pieces": ("benchmarks.pieces", ()),
    "graphs": ("benchmarks.graphs", ()),
    "images": ("benchmarks.images", ()),
    "sequences": ("benchmarks.sequences", ()),
}


def measure(part):
    module, arguments = PARTS[part]
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{part}.json"
    print(f"{part}: {command(part)}", file=sys.stderr)
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", module, *arguments, "--json", str(file)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    minutes = (time.perf_counter() - start) / 60
    print(f"{part}: {minutes:.1f} minutes", file=sys.stderr)


def command(part):
    module, arguments = PARTS[part]
    return " ".join(["python -m", module, *arguments])


def section(part):
    """Lines of the page: the command, and its tables."""
    found = json.loads((RESULTS / f"{part}.json").read_text())
    report = import_module(f"{PARTS[part][0]}.__main__").report
    lines = ["", f"`{command(part)}`", "", *report(found["results"]), ""]
    return [line for line, after in pairwise(lines) if line or after] + [""]


def machine():
    """What was measured on, as it was during the first part."""
    found = json.loads((RESULTS / "peers.json").read_text())
    return ["", *found["machine"], ""]


def fill(text, part, lines):
    """The text with these lines between the two markers of a part."""
    begin, end = f"<!-- {part} -->\n", f"<!-- /{part} -->"
    before, found, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found and found_end):
        raise ValueError(f"the page lacks the markers {begin.strip()} and {end}")
    return "".join([before, begin, *(f"{line}\n" for line in lines), end, after])


def write_page():
    text = PAGE.read_text()
    for part in PARTS:
        if (RESULTS / f"{part}.json").exists():
            text = fill(text, part, section(part))
    if (RESULTS / "peers.json").exists():
        text = fill(text, "machine", machine())
    PAGE.write_text(text)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only",
        default=",".join(PARTS),
        help=f"parts, with commas between: {', '.join(PARTS)}",
    )
    parser.add_argument(
        "--again", action="store_true", help="measure what has been measured before too"
    )
    chosen = parser.parse_args(arguments)
    parts = [part for part in chosen.only.split(",") if part]
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        parser.error(f"{', '.join(unknown)}: choose from {', '.join(PARTS)}")
    for part in parts:
        if chosen.again or not (RESULTS / f"{part}.json").exists():
            measure(part)
            write_page()
    write_page()


if __name__ == "__main__":
    main()
