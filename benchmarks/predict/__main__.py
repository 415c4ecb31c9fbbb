"""Time predict_proba of fitted nets: one row, a thousand, a hundred thousand.

    python -m benchmarks.predict

Seconds per call are medians over fresh processes that take turns. The ONNX model is
made by ``to_sklearn`` and skl2onnx. A second table has two Python threads that predict
at once on one estimator, which itself may use one thread. Libraries that are not
installed are left out.
"""

import sys
from importlib.util import find_spec
from statistics import median

from benchmarks import fresh
from benchmarks.options import new_parser, run
from benchmarks.tables import at_most, duration, table

from .libraries import LIBRARIES
from .measure import ROWS

NETS = ("W1", "W3", "W4")
ONE_ROW = {"W1": 10e-6, "W3": 30e-6, "W4": 15e-6}  # seconds at most, one thread
CALLERS = (1, 2)


def measure(repeats, seconds):
    results = []
    able = [
        name
        for name, (_, packages) in LIBRARIES.items()
        if all(find_spec(package) for package in packages)
    ]
    for name in LIBRARIES.keys() - set(able):
        missing = " or ".join(LIBRARIES[name][1])
        results.append({"skipped": f"{name}: left out, no {missing} installed"})
    for net in NETS:
        for threads in (1, 2):
            for _ in range(repeats):
                for library in able:
                    results.append(one(library, net, threads, seconds, ()))
        for _ in range(repeats):
            for library in able:
                if library != "torch":
                    results.append(one(library, net, 1, seconds, CALLERS))
    return results


def one(library, net, threads, seconds, callers):
    print(f"{net} {library}, {threads} threads", file=sys.stderr)
    result = fresh.measure(
        "benchmarks.predict.measure",
        *(library, net, "--threads", threads, "--seconds", seconds),
        *(("--callers", *callers) if callers else ()),
        threads=threads,
        cores=max(threads, *callers, 1),
    )
    return result | {"callers": list(callers)}


def found(results, rows, **wanted):
    """The measurements that have these values."""
    return [
        result["found"][str(rows)]
        for result in results
        if all(result[key] == value for key, value in wanted.items())
    ]


def report(results):
    skipped = [result["skipped"] for result in results if "skipped" in result]
    results = [result for result in results if "skipped" not in result]
    libraries = list(dict.fromkeys(result["library"] for result in results))
    lines = [f"- {v}" for v in sorted({result["version"] for result in results})]
    lines += [f"- {reason}" for reason in skipped]
    for threads in (1, 2):
        head = ["net", "rows", *libraries, "fastnn / onnxruntime"]
        rows = [row(results, libraries, net, n, threads) for net in NETS for n in ROWS]
        lines += ["", f"Seconds per call, {threads} thread{'s' * (threads > 1)}:", ""]
        lines += table(head, rows)
    callers = [library for library in libraries if library != "torch"]
    lines += ["", "Two Python threads at once over one, calls per second:", ""]
    rows = []
    for net in NETS:
        for n in ROWS:
            gains = []
            for library in callers:
                pairs = found(results, n, library=library, net=net, callers=[1, 2])
                gains.append(f"{median(two / one for one, two in pairs):.2f}")
            rows.append([net, f"{n:,}", *gains])
    return [*lines, *table(["net", "rows", *callers], rows)]


def row(results, libraries, net, n, threads):
    seconds = {
        library: median(
            found(results, n, library=library, net=net, threads=threads, callers=[])
        )
        for library in libraries
    }
    cells = [duration(seconds[library]) for library in libraries]
    if n == 1 and threads == 1:
        goal = ONE_ROW[net]
        cells[-1] = at_most(seconds["fastnn"] * 1e6, goal * 1e6, "{:.3g} us")
    if "onnxruntime" not in seconds:
        ratio = "-"
    elif n == 1:
        ratio = f"{seconds['fastnn'] / seconds['onnxruntime']:.2f}"
    else:
        ratio = at_most(seconds["fastnn"] / seconds["onnxruntime"], 1)
    return [net, f"{n:,}", *cells, ratio]


def main(arguments=None):
    parser = new_parser("benchmarks.predict", __doc__)
    parser.add_argument("--repeats", type=int, default=3, help="fresh processes, each")
    parser.add_argument(
        "--seconds", type=float, default=0.2, help="how long each is to call, about"
    )
    chosen = parser.parse_args(arguments)
    run(chosen, lambda: measure(chosen.repeats, chosen.seconds), report)


if __name__ == "__main__":
    main()
