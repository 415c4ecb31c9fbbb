"""``python -m benchmarks.scaling.measure``: seconds per step of nets of many sizes.

One thread, float32, Adam. Prints one line of JSON.
"""

import json

from benchmarks.steps import seconds_per_step

ROWS = (64, 128, 256, 512, 1_024, 2_048, 4_096, 6_400)
WIDTHS = (64, 96, 128, 192, 256, 320, 448, 640)
DEPTHS = (2, 3, 5, 9, 17, 33, 65, 101)


def by_rows(rows):
    return seconds_per_step(64, (256, 256), 10, rows)


def by_width(width):
    return seconds_per_step(width, (width,) * 4, width, 128)


def by_depth(depth):
    return seconds_per_step(64, (64,) * depth, 10, 64)


# What grows, with its overhead: the time at one row, at width one, with one layer.
SERIES = {
    "rows": (by_rows, 1, [(n, n) for n in ROWS]),
    "width²": (by_width, 1, [(n * n, n) for n in WIDTHS]),
    "depth": (by_depth, 1, [(n - 1, n) for n in DEPTHS]),
}

# A net of about 40,000 parameters, and one thing about it that changes, to a size and
# from the rounder one beside it.
BASE = {"n_features": 64, "width": 128, "n_outputs": 10, "batch_size": 64}
NEIGHBOURS = (
    ("batch_size", 1, 2),
    ("batch_size", 7, 8),
    ("batch_size", 33, 32),
    ("width", 63, 64),
    ("width", 65, 64),
    ("n_features", 63, 64),
    ("n_features", 65, 64),
    ("n_outputs", 1, 2),
)


def operations(n_features, width, n_outputs, batch_size):
    """Floating-point operations of a step: products, and a dozen per parameter.

    Nothing needs the gradient of X, so the first kernel counts twice, others thrice.
    """
    first, others = n_features * width, width * width + width * n_outputs
    return 2 * batch_size * (2 * first + 3 * others) + 12 * (first + others)


def one_of(n_features, width, n_outputs, batch_size):
    return seconds_per_step(n_features, (width, width), n_outputs, batch_size)


def measure():
    series = {}
    for name, (step, least, sizes) in SERIES.items():
        overhead = step(least)
        points = [(size, step(argument)) for size, argument in sizes]
        series[name] = {"overhead": overhead, "points": points}
    neighbours = []
    for name, size, beside in NEIGHBOURS:
        per_operation = []
        for value in (size, beside):
            net = BASE | {name: value}
            per_operation.append(one_of(**net) / operations(**net))
        neighbours.append((name, size, beside, *per_operation))
    return {"series": series, "neighbours": neighbours}


if __name__ == "__main__":
    print(json.dumps(measure()))
