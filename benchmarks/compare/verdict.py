"""Which timings got slower, told from interleaved repeats."""

from statistics import median

from benchmarks.tables import duration, table

TOLERANCE = 0.10


def ratio(base, new):
    """New over base: the median of the ratios of turns, each taken close together."""
    return median(n / b for b, n in zip(base, new, strict=True))


def slower(base, new, tolerance=TOLERANCE):
    """Names of the timings whose median is more than ``tolerance`` above the base's.

    Parameters
    ----------
    base, new : dict of list of float
        Seconds by name, of as many turns each.
    """
    return [name for name in base if ratio(base[name], new[name]) > 1 + tolerance]


def report(base, new, tolerance=TOLERANCE):
    """Lines of a table."""
    late = slower(base, new, tolerance)
    rows = [
        [
            name,
            duration(median(base[name])),
            duration(median(new[name])),
            f"{ratio(base[name], new[name]):.2f}" + " slower" * (name in late),
        ]
        for name in base
    ]
    return table(["", "base", "working tree", "ratio"], rows)
