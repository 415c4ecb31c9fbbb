"""``python -m fuzz SEED`` runs one case, ``python -m fuzz --cases N`` many."""

import argparse
import sys
import time
from collections import defaultdict

from fuzz.case import run
from fuzz.faults import Finding
from fuzz.runner import run_cases

MOST_SEEDS = 8  # of one fault that are listed


def summary(found: list[Finding]) -> str:
    """One paragraph for each kind and place, the most frequent first."""
    groups = defaultdict(list)
    for finding in found:
        groups[finding.kind, finding.place].append(finding)
    lines = []
    for (kind, place), group in sorted(groups.items(), key=lambda each: -len(each[1])):
        seeds = sorted(finding.seed for finding in group)
        listed = " ".join(map(str, seeds[1:MOST_SEEDS]))
        last = group[0].text.strip().splitlines()[-1]
        lines.append(f"{len(group):6} x {kind} at {place}\n         {last[:300]}")
        also = f"    # also {listed}" if listed else ""
        lines.append(f"         make fuzz N=1 SEED={seeds[0]}{also}")
    return "\n".join(lines)


def _run_many(first: int, n: int, jobs: int) -> int:
    start = time.monotonic()
    live = sys.stdout.isatty()
    told, known = start, set()

    def tell(done: int, found: list[Finding]) -> None:
        nonlocal told
        now = time.monotonic()
        for each in found:
            if (each.kind, each.place) not in known:
                known.add((each.kind, each.place))
                print(f"seed {each.seed}: {each.kind} at {each.place}", flush=True)
        if now - told < (0.5 if live else 30):
            return
        told = now
        rate = done / (now - start)
        text = f"{done} of {n} cases, {rate:.0f} a second, {len(known)} findings"
        print(text, end="\r" if live else "\n", flush=True)

    found = run_cases(range(first, first + n), jobs, tell)
    taken = time.monotonic() - start
    print(f"{n} cases from {first} on in {taken:.0f} s: {len(found)} failed")
    if found:
        print(summary(found))
    return int(bool(found))


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--cases", type=int, default=1, help="how many, from seed on")
    parser.add_argument("--jobs", type=int, default=1, help="processes that share them")
    options = parser.parse_args()
    if options.cases > 1:
        return _run_many(options.seed, options.cases, options.jobs)
    finding = run(options.seed)
    print("nothing found" if finding is None else finding.text)
    return int(finding is not None)


if __name__ == "__main__":
    sys.exit(main())
