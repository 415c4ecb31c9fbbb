"""Train the workloads with every peer and print how fast each was, as tables.

    python -m benchmarks.peers                        # everything, 1 and 2 threads
    python -m benchmarks.peers --only W1,W2 --threads 1
    python -m benchmarks.peers --dtype float64 --peers sklearn,fastnn --only W1,W2,W7

What a number means: samples per second of training, the median over fresh processes
that take turns (peer by peer, then again), each pinned to as many cores as it has
threads. A peer less than half as fast as the fastest one other than fastnn takes a
single turn, unless it is scikit-learn, or lost half its speed to more threads. The
optimizer is Adam, nothing stops early, and the time around the epochs of a fit is left
out (see ``measure.py``). With k threads the BLAS and OpenMP environment variables and
the peers' own settings all say k. Peers that are not installed are left out, with a
line that says so; ``pip install fastnn[peers]`` brings them.
"""

import sys
from importlib.util import find_spec

from benchmarks import fresh
from benchmarks.options import add_turns, names, new_parser, run
from benchmarks.suite.workloads import WORKLOADS
from benchmarks.tables import short

from .results import OURS, REFERENCE, report

# Which package each peer needs.
PEERS = {
    "sklearn": "sklearn",
    "torch": "torch",
    "torch_compile": "torch",
    "torch_bf16": "torch",
    "jax_scan": "jax",
    "skorch": "skorch",
    "fastnn": "fastnn",
}


def measure(workloads, peers, thread_counts, repeats, seconds, dtype="float32"):
    results = []
    for peer in peers:
        if find_spec(PEERS[peer]) is None:
            skip(results, f"{peer}: left out, {PEERS[peer]} is not installed")
    peers = [peer for peer in peers if find_spec(PEERS[peer])]
    for workload in workloads:
        able, fewest = list(peers), {}
        for threads in thread_counts:
            turn = {}
            for number in range(repeats):
                for peer in able if number == 0 else contenders(turn, fewest):
                    result = one(peer, workload, threads, seconds, dtype)
                    if "skipped" in result:
                        skip(results, f"{peer}, {workload}: {result['skipped']}")
                        continue
                    results.append(result)
                    if number == 0:
                        turn[peer] = result["samples_per_second"]
            able, fewest = list(turn), fewest or turn
    return results


def one(peer, workload, threads, seconds, dtype):
    """One measurement in a fresh process."""
    result = fresh.measure(
        "benchmarks.peers.measure",
        *(peer, workload, "--threads", threads),
        *("--seconds", seconds, "--dtype", dtype),
        threads=threads,
    )
    if "skipped" not in result:
        speed = short(result["samples_per_second"])
        print(f"{workload} {peer}, {threads} threads: {speed}/s", file=sys.stderr)
    return {"workload": workload} | result


def contenders(speeds, fewest):
    """Whom it pays to measure again: those that a ratio may be taken to, and those that
    collapsed with more threads than the fewest, which another process may have caused.
    """
    others = [peer for peer in speeds if peer != OURS]
    fastest = max((speeds[peer] for peer in others), default=0)
    return [
        peer
        for peer, speed in speeds.items()
        if peer in (OURS, REFERENCE)
        or speed > fastest / 2
        or speed < fewest.get(peer, 0) / 2
    ]


def skip(results, reason):
    print(reason, file=sys.stderr)
    results.append({"skipped": reason})


def main(arguments=None):
    parser = new_parser("benchmarks.peers", __doc__)
    parser.add_argument(
        "--only", type=names(WORKLOADS), default=list(WORKLOADS), help="such as W1,W2"
    )
    parser.add_argument(
        "--peers", type=names(PEERS), default=list(PEERS), help="such as sklearn,fastnn"
    )
    parser.add_argument(
        "--threads",
        type=lambda text: [int(count) for count in text.split(",")],
        default=[1, 2],
        help="such as 1 or 1,2 (the default)",
    )
    add_turns(parser, seconds=0.6)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    chosen = parser.parse_args(arguments)
    run(
        chosen,
        lambda: measure(
            chosen.only,
            chosen.peers,
            chosen.threads,
            chosen.repeats,
            chosen.seconds,
            chosen.dtype,
        ),
        report,
    )


if __name__ == "__main__":
    main()
