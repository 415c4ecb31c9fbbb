"""Train the workloads with every peer and print how fast each was, as tables.

    python -m benchmarks.peers                        # everything, 1 and 2 threads
    python -m benchmarks.peers --only W1,W2 --threads 1
    python -m benchmarks.peers --dtype float64 --peers sklearn,fastnn --only W1,W2,W7

What a number means: samples per second of training, the median over fresh processes
that take turns (peer by peer, then again), each pinned to as many cores as it has
threads. The optimizer is Adam, nothing stops early, and the time around the epochs of a
fit is left out (see ``measure.py``). With k threads the BLAS and OpenMP environment
variables and the peers' own settings all say k. Peers that are not installed are left
out, with a line that says so; ``pip install fastnn[peers]`` brings them.
"""

import sys
from importlib.util import find_spec

from benchmarks import fresh
from benchmarks.options import names, new_parser, run
from benchmarks.suite.workloads import WORKLOADS
from benchmarks.tables import short

from .results import report

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
        able = list(peers)
        for threads in thread_counts:
            for _ in range(repeats):
                for peer in list(able):
                    result = fresh.measure(
                        "benchmarks.peers.measure",
                        peer,
                        workload,
                        *("--threads", threads),
                        *("--seconds", seconds),
                        *("--dtype", dtype),
                        threads=threads,
                    )
                    if "skipped" in result:
                        able.remove(peer)
                        skip(results, f"{peer}, {workload}: {result['skipped']}")
                        continue
                    results.append({"workload": workload} | result)
                    print(
                        f"{workload} {peer}, {threads} threads: "
                        f"{short(result['samples_per_second'])}/s",
                        file=sys.stderr,
                    )
    return results


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
    parser.add_argument("--repeats", type=int, default=3, help="fresh processes, each")
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="how long each is to train, about"
    )
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
