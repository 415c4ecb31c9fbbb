"""Measure networks that are not a stack, and print the tables.

    python -m benchmarks.graphs                     # everything, 1 and 2 threads
    python -m benchmarks.graphs --peers fastnn,jax_scan --repeats 5
    python -m benchmarks.graphs --peers ""          # our own networks only

Two branches: what samples per second mean, and how processes take turns, is as in
``benchmarks.peers``. Stacks and heads: medians of the time per step, from networks that
take turns in one process.
"""

import sys
from functools import reduce
from operator import getitem
from statistics import median

import numpy as np

from benchmarks import fresh
from benchmarks.options import add_turns, installed, new_parser, run, some_of
from benchmarks.tables import at_least, at_most, duration, short, table

from .net import WORKLOAD
from .steps import N_HEADS, STACK, TRUNK

OURS = "fastnn"
# Which packages each peer needs, and how many times as fast fastnn is to be.
PEERS = {
    "keras_torch": (("keras", "torch"), None),
    "keras_jax": (("keras", "jax"), 10),
    "jax_scan": (("jax",), 3),
    OURS: ((), None),
}
THREADS = 1, 2
# The most that a stack may take of the time of the plain one.
SAME = 1.02


def measure(peers, repeats, seconds):
    results = []
    peers = installed({peer: PEERS[peer][0] for peer in peers}, results)
    for _ in range(repeats):
        for threads in THREADS:
            for peer in peers:
                print(f"{peer}, {threads} threads", file=sys.stderr)
                found = fresh.measure(
                    "benchmarks.graphs.measure",
                    *(peer, "--threads", threads, "--seconds", seconds),
                    threads=threads,
                )
                results.append(found)
            print(f"steps, {threads} threads", file=sys.stderr)
            found = fresh.measure("benchmarks.graphs.steps", threads, threads=threads)
            results.append({"threads": threads} | found)
    return results


def middle(results, threads, *keys):
    """Median over the processes of what these keys lead to."""
    return median(
        reduce(getitem, keys, each) for each in results if each["threads"] == threads
    )


def branches_table(results):
    by_peer = {}
    for each in results:
        if "peer" in each:
            by_peer.setdefault(each["peer"], []).append(each)
    rows = []
    for peer, found in by_peer.items():
        row = [found[0]["version"], peer, f"{found[0]['loss']:.4f}"]
        for threads in THREADS:
            speed, ours = (
                middle(each, threads, "samples_per_second")
                for each in (found, by_peer[OURS])
            )
            goal, ratio = PEERS[peer][1], ours / speed
            told = f"{ratio:.2f}" if goal is None else at_least(ratio, goal)
            row += [short(speed), told]
        rows.append(row)
    head = ["", "peer", "loss after an epoch"]
    for threads in THREADS:
        head += [f"{_threads(threads)}, samples/s", f"{OURS} / peer"]
    return table(head, rows, n_left=2)


def stacks_table(results):
    rows = []
    for name in ("plain", "nested", "Graph"):
        row = [name]
        for threads in THREADS:
            step, plain = (
                middle(results, threads, "stacks", each) for each in (name, "plain")
            )
            row += [duration(step), at_most(step / plain, SAME)]
        rows.append(row)
    head = [""]
    for threads in THREADS:
        head += [_threads(threads), "over plain"]
    return table(head, rows)


def heads_table(results):
    rows = []
    for n_heads in N_HEADS:
        row = [str(n_heads)]
        for threads in THREADS:
            one, step = (
                middle(results, threads, "heads", str(number))
                for number in (1, n_heads)
            )
            row += [duration(step), f"{step / one:.2f}", f"{n_heads * one / step:.2f}"]
        rows.append(row)
    for name in ("each further head", "a head by itself"):
        row = [name]
        for threads in THREADS:
            steps = [middle(results, threads, "heads", str(n)) for n in N_HEADS]
            alone = middle(results, threads, "heads", "alone")
            cost = alone if "itself" in name else np.polyfit(N_HEADS, steps, 1)[0]
            row += [duration(cost), f"{cost / steps[0]:.2f}", ""]
        rows.append(row)
    head = ["heads"]
    for threads in THREADS:
        head += [
            f"{_threads(threads)}, a step",
            "over one",
            "as many networks over this",
        ]
    return table(head, rows)


def _threads(count):
    return f"{count} thread{'s' * (count > 1)}"


def report(results):
    """Lines of Markdown."""
    skipped = list(dict.fromkeys(r["skipped"] for r in results if "skipped" in r))
    lines = [f"- {reason}" for reason in skipped]
    if any(each.get("peer") == OURS for each in results):
        lines += [
            "",
            f"Two branches, each on half of the columns: {WORKLOAD}, Adam, float32.",
            "",
            *branches_table(results),
        ]
    results = [each for each in results if "stacks" in each]
    return [
        *lines,
        "",
        f"Time per step of one stack, written in three ways: {STACK}.",
        "",
        *stacks_table(results),
        "",
        f"Time per step of heads on one trunk, each of 64 and {TRUNK.n_classes} units: "
        f"{TRUNK}.",
        "",
        *heads_table(results),
    ]


def main(arguments=None):
    parser = new_parser("benchmarks.graphs", __doc__)
    parser.add_argument(
        "--peers",
        type=some_of(PEERS),
        default=list(PEERS),
        help="such as fastnn,jax_scan",
    )
    add_turns(parser, seconds=1.0)
    chosen = parser.parse_args(arguments)
    run(
        chosen,
        lambda: measure(chosen.peers, chosen.repeats, chosen.seconds),
        report,
    )


if __name__ == "__main__":
    main()
