"""Measure how the time of a step grows with rows, width and depth.

    python -m benchmarks.scaling --plot docs/scaling.png

From each series the time at its smallest size (one row, width one, one layer) is
subtracted; the exponent is the slope through the logarithms of the rest. A second table
has sizes beside rounder ones, per floating-point operation.
"""

from pathlib import Path
from statistics import median

from benchmarks import fresh
from benchmarks.options import new_parser, run
from benchmarks.tables import at_most, duration, table

from .exponents import fitted_exponent
from .plot import draw


def measure(repeats):
    """Medians over fresh processes."""
    runs = [fresh.measure("benchmarks.scaling.measure") for _ in range(repeats)]
    series = {}
    for name, found in runs[0]["series"].items():
        every = [one["series"][name] for one in runs]
        sizes = [size for size, _ in found["points"]]
        seconds = zip(
            *([value for _, value in one["points"]] for one in every), strict=True
        )
        series[name] = {
            "overhead": median(one["overhead"] for one in every),
            "points": list(zip(sizes, map(median, seconds), strict=True)),
        }
    neighbours = []
    for same in zip(*(one["neighbours"] for one in runs), strict=True):
        name, size, beside = same[0][:3]
        ratio = median(values[3] / values[4] for values in same)
        neighbours.append((name, size, beside, ratio))
    return {"series": series, "neighbours": neighbours}


def report(results):
    rows = []
    for name, found in results["series"].items():
        sizes = [size for size, _ in found["points"]]
        seconds = [value for _, value in found["points"]]
        exponent = fitted_exponent(
            sizes, [value - found["overhead"] for value in seconds]
        )
        verdict = "" if abs(exponent - 1) <= 0.1 else ", missed"
        rows.append(
            [
                name,
                f"{sizes[0]:,} to {sizes[-1]:,}",
                duration(found["overhead"]),
                f"{duration(seconds[0])} to {duration(seconds[-1])}",
                f"{exponent:.3f} (1 ± 0.1{verdict})",
            ]
        )
    lines = ["", "Time per step, one thread, float32:", ""]
    lines += table(["", "from, to", "overhead", "time", "exponent"], rows)
    rows = [
        [name.replace("_", " "), f"{size}", f"{beside}", at_most(ratio, 1.3)]
        for name, size, beside, ratio in results["neighbours"]
    ]
    lines += ["", "Time per floating-point operation against the neighbour's:", ""]
    return lines + table(["", "size", "neighbour", "ratio"], rows)


def main(arguments=None):
    parser = new_parser("benchmarks.scaling", __doc__)
    parser.add_argument("--repeats", type=int, default=3, help="fresh processes")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw it there")
    chosen = parser.parse_args(arguments)

    def report_and_draw(results):
        if chosen.plot:
            draw(results["series"], chosen.plot)
        return report(results)

    run(chosen, lambda: measure(chosen.repeats), report_and_draw)


if __name__ == "__main__":
    main()
