"""Measure what surrounds the epochs of a fit.

    python -m benchmarks.around_fit

Cross-validation in joblib's worker processes, the overhead of a tiny fit, the import,
the installed size and the peak memory, each in fresh processes that take turns.
"""

import sys
from statistics import median

from benchmarks import fresh
from benchmarks.options import new_parser, run
from benchmarks.tables import at_least, at_most, duration, table

from .cross_validation import LIBRARIES
from .memory import CASES
from .size import installed_bytes

IMPORTS = ("sklearn.base", "fastnn")
N_IMPORTS = 15

# Copies of the parameters in a fit: themselves, their gradients and Adam's two moments,
# which are also kept as they were at the start of the epoch, with the parameters.
COPIES, SNAPSHOTS = 4, 3


def measure(repeats):
    def each(module, *arguments, **options):
        print(module, *arguments, file=sys.stderr)
        return fresh.measure(f"benchmarks.around_fit.{module}", *arguments, **options)

    cross_validation = [
        each("cross_validation", library, "--n-jobs", n_jobs, threads=None)
        for n_jobs in (1, 2)
        for _ in range(repeats)
        for library in LIBRARIES
    ]
    return {
        "cross_validation": cross_validation,
        "overhead": [each("overhead") for _ in range(repeats)],
        "imports": import_seconds(),
        "size": installed_bytes(),
        "memory": [
            each("memory", case, "--threads", threads, threads=threads)
            for case in CASES
            for threads in (1, 2)
        ],
    }


def report(results):
    return [
        *cross_validation_table(results["cross_validation"]),
        *overhead_table(results["overhead"]),
        *import_and_size_table(results["imports"], results["size"]),
        *memory_table(results["memory"]),
    ]


def cross_validation_table(results):
    rows = []
    for n_jobs in (1, 2):
        found = {
            name: {
                key: median(
                    result[key]
                    for result in results
                    if result["n_jobs"] == n_jobs and result["library"] == name
                )
                for key in ("first", "warm", "cores", "score")
            }
            for name in LIBRARIES
        }
        ratio = found["sklearn"]["warm"] / found["fastnn"]["warm"]
        for name, values in found.items():
            rows.append(
                [
                    f"{n_jobs}",
                    name,
                    duration(values["first"]),
                    duration(values["warm"]),
                    at_least(ratio, 8) if name == "fastnn" else "",
                    f"{values['cores']:.2f}",
                    f"{values['score']:.3f}",
                ]
            )
    head = ["n_jobs", "", "first call", "later", "times faster", "cores used", "score"]
    return [
        "",
        "`cross_val_score(cv=5)`, net and data of W1, 20 epochs:",
        "",
        *table(head, rows, n_left=2),
    ]


def overhead_table(results):
    values = {name: median(result[name] for result in results) for name in results[0]}
    beyond = values["fastnn"] - values["validation"]
    rows = [
        ["fit of fastnn", duration(values["fastnn"])],
        [
            "scikit-learn's validation and encoding of X and y",
            duration(values["validation"]),
        ],
        ["the difference", at_most(beyond * 1e6, 300, "{:.0f} us")],
        ["scikit-learn's validation of the parameters", duration(values["parameters"])],
        ["fit of scikit-learn", duration(values["sklearn"])],
    ]
    return ["", "One epoch on 100 rows of 5 features:", "", *table(["", "time"], rows)]


def import_seconds():
    found = {module: [] for module in IMPORTS}
    for _ in range(N_IMPORTS):
        for module in IMPORTS:
            result = fresh.measure("benchmarks.around_fit.importing", module)
            found[module].append(result["seconds"])
    return found


def import_and_size_table(imports, size):
    seconds = {module: median(found) for module, found in imports.items()}
    ratio = seconds["fastnn"] / seconds["sklearn.base"]
    rows = [
        ["`import sklearn.base`", duration(seconds["sklearn.base"])],
        ["`import fastnn`", duration(seconds["fastnn"])],
        ["their ratio", at_most(ratio, 1.1)],
        ["installed size", at_most(size / 1e6, 5, "{:.2f} MB")],
    ]
    return ["", "Import and size:", "", *table(["", ""], rows)]


def memory_table(results):
    rows = []
    for result in results:
        copies = COPIES + SNAPSHOTS + result["threads"] - 1
        bound = result["X"] + copies * result["parameters"] + result["batch"] + 20e6
        fixed = result["X"] + result["batch"]
        rows.append(
            [
                result["case"].replace("_", " "),
                f"{result['threads']}",
                f"{result['X'] / 1e6:.0f} MB",
                f"{result['parameters'] / 1e6:.0f} MB",
                f"{result['batch'] / 1e6:.0f} MB",
                at_most(result["peak"] / 1e6, round(bound / 1e6), "{:.0f} MB"),
                f"{(result['peak'] - fixed) / result['parameters']:.2f}",
            ]
        )
    head = ["", "threads", "X", "parameters", "a batch", "peak", "in copies"]
    return [
        "",
        f"Peak memory of fit, at most X + ({COPIES} + extra threads + {SNAPSHOTS} for "
        "the start of an epoch) x parameters + a batch + 20 MB:",
        "",
        *table(head, rows),
    ]


def main(arguments=None):
    parser = new_parser("benchmarks.around_fit", __doc__)
    parser.add_argument("--repeats", type=int, default=3, help="fresh processes, each")
    chosen = parser.parse_args(arguments)
    run(chosen, lambda: measure(chosen.repeats), report)


if __name__ == "__main__":
    main()
