"""What the commands of the benchmarks have in common."""

import argparse
import json
from pathlib import Path

from benchmarks.machine import describe_machine


def new_parser(module, doc):
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="write every single measurement to this file",
    )
    parser.add_argument(
        "--show",
        action="store_true",
        help="measure nothing, print what the file of --json holds",
    )
    return parser


def run(chosen, measure, report):
    """Measure or read, and print the machine and the tables."""
    if chosen.show:
        if chosen.json is None or not chosen.json.exists():
            raise SystemExit("--show needs --json and a file that an earlier run wrote")
        found = json.loads(chosen.json.read_text())
    else:
        found = {"results": measure(), "machine": describe_machine()}
        if chosen.json:
            chosen.json.write_text(json.dumps(found, indent=1))
        found = json.loads(json.dumps(found))  # keys of dictionaries are now strings
    print("\n".join([*found["machine"], *report(found["results"])]))


def names(known):
    """Parse ``W1,W2`` into a list of known names."""

    def parse(text):
        chosen = text.split(",")
        unknown = sorted(set(chosen) - set(known))
        if unknown:
            raise argparse.ArgumentTypeError(
                f"{', '.join(unknown)}: choose from {', '.join(known)}"
            )
        return chosen

    return parse
