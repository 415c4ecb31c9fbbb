"""What each piece of the toolbox adds to a step of W4, beside the plain net.

    python -m benchmarks.pieces

W4 is a net of three layers of 256 relu units, trained by Adam in batches of 256 in
float32. Each variant adds one thing to each hidden layer, or has another optimizer. All
take turns in one process, and processes take turns on one thread and two.
"""

import sys
from statistics import median

from benchmarks import fresh
from benchmarks.options import new_parser, run
from benchmarks.tables import at_most, duration, table

THREADS = (1, 2)
# The most that a variant may take of the plain net's time.
GOALS = {"BatchNorm and Dropout(0.5)": 1.25, "AdamW": 1.05}


def measure(repeats):
    results = []
    for _ in range(repeats):
        for threads in THREADS:
            print(f"{threads} threads", file=sys.stderr)
            seconds = fresh.measure(
                "benchmarks.pieces.measure", threads, threads=threads
            )
            results.append({"threads": threads, "seconds": seconds})
    return results


def report(results):
    rows = []
    for name in results[0]["seconds"]:
        row = [name]
        for threads in THREADS:
            found = [each for each in results if each["threads"] == threads]
            step = median(each["seconds"][name] for each in found)
            ratio = median(
                each["seconds"][name] / each["seconds"]["plain"] for each in found
            )
            goal = GOALS.get(name)
            row.append(duration(step))
            row.append(f"{ratio:.2f}" if goal is None else at_most(ratio, goal))
        rows.append(row)
    head = ["", "1 thread", "over plain", "2 threads", "over plain"]
    return ["", "Time per step of W4, float32:", "", *table(head, rows)]


def main(arguments=None):
    parser = new_parser("benchmarks.pieces", __doc__)
    parser.add_argument("--repeats", type=int, default=3, help="fresh processes, each")
    chosen = parser.parse_args(arguments)
    run(chosen, lambda: measure(chosen.repeats), report)


if __name__ == "__main__":
    main()
