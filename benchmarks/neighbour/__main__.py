"""Train on two threads while another process wants a core as well.

    python -m benchmarks.neighbour

Samples per second with one thread, with two on a quiet machine, and with two beside one
process that computes all the time. Threads that wait by spinning lose more than the
half core that the neighbour takes.
"""

import subprocess
import sys
from contextlib import contextmanager, nullcontext
from statistics import median

from benchmarks import fresh
from benchmarks.options import new_parser, run
from benchmarks.tables import short, table

LIBRARIES = ("sklearn", "fastnn")
NAMES = ("W1", "W3", "W4")
SITUATIONS = {
    "1 thread": (1, False),
    "2 threads": (2, False),
    "2 threads, busy neighbour": (2, True),
}


@contextmanager
def busy_process():
    """A process that computes until the end of the block, on the cores of fits."""
    with fresh.pinned(2):
        process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def measure(repeats, seconds):
    results = []
    for name in NAMES:
        for _ in range(repeats):
            for situation, (threads, busy) in SITUATIONS.items():
                for library in LIBRARIES:
                    print(name, library, situation, file=sys.stderr)
                    with busy_process() if busy else nullcontext():
                        found = fresh.measure(
                            "benchmarks.peers.measure",
                            *(library, name, "--threads", threads),
                            *("--seconds", seconds),
                            threads=threads,
                        )
                    results.append(
                        {"workload": name, "library": library, "situation": situation}
                        | {"speed": found["samples_per_second"]}
                    )
    return results


def report(results):
    rows = []
    for name in NAMES:
        for library in LIBRARIES:
            speeds = [
                median(
                    result["speed"]
                    for result in results
                    if result["workload"] == name
                    and result["library"] == library
                    and result["situation"] == situation
                )
                for situation in SITUATIONS
            ]
            ratio = f"{speeds[-1] / speeds[0]:.2f}"
            rows.append([name, library, *map(short, speeds), ratio])
    head = ["", "", *SITUATIONS, "beside a neighbour / 1 thread"]
    lines = ["", "Samples per second, float32, medians:", ""]
    return lines + table(head, rows, n_left=2)


def main(arguments=None):
    parser = new_parser("benchmarks.neighbour", __doc__)
    parser.add_argument("--repeats", type=int, default=3, help="fresh processes, each")
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="how long each is to train, about"
    )
    chosen = parser.parse_args(arguments)
    run(chosen, lambda: measure(chosen.repeats, chosen.seconds), report)


if __name__ == "__main__":
    main()
