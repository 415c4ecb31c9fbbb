"""Predict the time of a training step from what the machine can do, and compare.

    python -m benchmarks.roofline

One thread. A step needs at least: its products, at the speed that the door to products
reaches alone on the very shapes; the bytes of element-wise passes, of gathering the
batch and of the update, at the bandwidth of copies in a cache, or memory, of their
size; or the arithmetic of the update, where it takes longer; and the cost of a step
that computes nothing. The products of a sparse X need as long as a plain C loop takes
to read, and to add to, rows of 16 numbers in a random order. What is reached is the sum
of these over the measured time of a step.
"""

import sys
from statistics import median

from benchmarks import fresh
from benchmarks.options import new_parser, run
from benchmarks.suite.workloads import WORKLOADS
from benchmarks.tables import at_least, duration, table

PARTS = ("products", "element-wise", "update", "gather", "overhead")


def measure(repeats):
    results = []
    for _ in range(repeats):
        for name in WORKLOADS:
            print(name, file=sys.stderr)
            results.append(fresh.measure("benchmarks.roofline.measure", name))
    return results


def report(results):
    peak = median(result["peak"] for result in results)
    rows = []
    for name in WORKLOADS:
        found = [result for result in results if result["workload"] == name]
        parts = {p: median(result["parts"][p] for result in found) for p in PARTS}
        step = median(result["step"] for result in found)
        needed = sum(parts.values())
        operations = found[0]["operations"]
        rows.append(
            [
                name,
                *(duration(parts[part]) for part in PARTS),
                duration(needed),
                duration(step),
                at_least(needed / step, 0.7),
                f"{operations / step / 1e9:.0f}",
                f"{operations / step / peak:.2f}",
            ]
        )
    head = ["", *PARTS, "sum", "measured", "reached", "GFLOP/s", "of the peak"]
    return [
        f"- peak of one core: {peak / 1e9:.0f} GFLOP/s (fused multiply-adds, float32)",
        "",
        "Least and measured time of a step, one thread, float32:",
        "",
        *table(head, rows),
    ]


def main(arguments=None):
    parser = new_parser("benchmarks.roofline", __doc__)
    parser.add_argument("--repeats", type=int, default=3, help="fresh processes, each")
    chosen = parser.parse_args(arguments)
    run(chosen, lambda: measure(chosen.repeats), report)


if __name__ == "__main__":
    main()
