"""Train the workloads with every peer and print how fast each was, as tables.

    python -m benchmarks.peers                        # everything, 1 and 2 threads
    python -m benchmarks.peers --only W1,W2 --threads 1

What a number means: samples per second of training, the median over fresh processes
that take turns (peer by peer, then again). Data are float32, the optimizer is Adam,
nothing stops early, and the time around the epochs of a fit is left out (see
``measure.py``). With k threads the BLAS and OpenMP environment variables and the
peers' own settings (``n_jobs``) all say k.
"""

import argparse
import json
import os
import subprocess
import sys
from statistics import median

from benchmarks.machine import describe_machine
from benchmarks.suite.workloads import WORKLOADS

PEERS = ("sklearn", "fastnn")
OURS = "fastnn"
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def run(peer, workload, threads, seconds):
    """One measurement in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.peers.measure", peer, workload]
    command += ["--threads", str(threads), "--seconds", str(seconds)]
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, check=True, text=True
    )
    return {"workload": workload} | json.loads(done.stdout)


def measure(workloads, peers, thread_counts, repeats, seconds):
    results = []
    for workload in workloads:
        for threads in thread_counts:
            for _ in range(repeats):
                for peer in peers:
                    result = run(peer, workload, threads, seconds)
                    results.append(result)
                    print(
                        f"{workload} {peer}, {threads} threads: "
                        f"{short(result['samples_per_second'])}/s",
                        file=sys.stderr,
                    )
    return results


def short(number):
    """6403211 -> 6.4M"""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.3g}"


def speeds(results, **wanted):
    """Samples per second of the results that have these values."""
    return [
        result["samples_per_second"]
        for result in results
        if all(result[key] == value for key, value in wanted.items())
    ]


def table(results, workloads, peers, threads, fewest_threads):
    """Markdown lines: a row per workload, our ratio to each peer, and each peer's gain
    from more threads."""
    others = [peer for peer in peers if peer != OURS]
    ours = [OURS] if OURS in peers else []
    scaled = threads != fewest_threads
    head = ["", "n x d, hidden, task, batch", *(f"{peer} (/s)" for peer in peers)]
    head += [f"{OURS} / {peer}" for peer in others if ours]
    head += [f"{peer}, {threads} / {fewest_threads} threads" for peer in peers * scaled]
    head += ["loss after one epoch in order"]
    rows = [head, ["---", "---", *["---:"] * (len(head) - 3), "---"]]
    for name in workloads:
        speed = {
            peer: median(speeds(results, workload=name, peer=peer, threads=threads))
            for peer in peers
        }
        row = [name, str(WORKLOADS[name]), *(short(speed[peer]) for peer in peers)]
        row += [f"{speed[OURS] / speed[peer]:.2f}" for peer in others if ours]
        for peer in peers * scaled:
            alone = speeds(results, workload=name, peer=peer, threads=fewest_threads)
            row.append(f"{speed[peer] / median(alone):.2f}")
        losses = {
            result["peer"]: f"{result['loss']:.4f}"
            for result in results
            if result["workload"] == name
        }
        row.append(" ".join(losses[peer] for peer in peers))
        rows.append(row)
    return [f"| {' | '.join(row)} |" for row in rows]


def largest_spread(results, workloads, peers, threads):
    """(max - min) / median of the repeats, at its worst."""
    return max(
        (max(found) - min(found)) / median(found)
        for name in workloads
        for peer in peers
        for found in [speeds(results, workload=name, peer=peer, threads=threads)]
    )


def report(results, workloads, peers, thread_counts, repeats):
    lines = describe_machine()
    lines += sorted({f"- {result['version']}" for result in results})
    libraries = {blas for result in results for blas in result["blas"]}
    lines += [f"- BLAS: {blas}" for blas in sorted(libraries)]
    fewest = min(thread_counts)
    for threads in thread_counts:
        spread = largest_spread(results, workloads, peers, threads)
        lines += [
            "",
            f"Samples per second with {threads} thread{'s' * (threads > 1)}, float32, "
            f"median of {repeats} (they differ by up to {spread:.0%}):",
            "",
            *table(results, workloads, peers, threads, fewest),
        ]
    return "\n".join(lines)


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


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
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
        "--seconds", type=float, default=2.0, help="how long each is to train, about"
    )
    parser.add_argument("--json", help="a file for every single measurement")
    chosen = parser.parse_args(arguments)
    results = measure(
        chosen.only, chosen.peers, chosen.threads, chosen.repeats, chosen.seconds
    )
    if chosen.json:
        with open(chosen.json, "w") as file:
            json.dump(results, file, indent=1)
    print(report(results, chosen.only, chosen.peers, chosen.threads, chosen.repeats))


if __name__ == "__main__":
    main()
