"""What the commands of the benchmarks have in common."""

import argparse
import json
import sys
from importlib.util import find_spec
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


def add_turns(parser, seconds):
    """Arguments of processes that take turns, and train for so long by default."""
    parser.add_argument("--repeats", type=int, default=3, help="fresh processes, each")
    parser.add_argument(
        "--seconds",
        type=float,
        default=seconds,
        help="how long each is to train, about",
    )


def some_of(known):
    """Parse as :func:`names` does; nothing is none of them."""
    parse = names(known)
    return lambda text: parse(text) if text else []


def installed(packages, results):
    """Names of those whose packages are all there; the others are told."""
    able = []
    for name, needed in packages.items():
        missing = [each for each in needed if find_spec(each) is None]
        if not missing:
            able.append(name)
            continue
        reason = f"{name}: left out, {missing[0]} is not installed"
        print(reason, file=sys.stderr)
        if {"skipped": reason} not in results:
            results.append({"skipped": reason})
    return able


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
