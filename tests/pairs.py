"""Combinations of the values of several parameters: each pair once, or all of them.

What goes wrong does so with one value, or where two of them meet, and hardly ever where
it takes three. ``make test`` therefore takes a few of the combinations, in which each
value of a parameter meets each one of any other; ``make test-whole`` takes all of them.
"""

import os
from itertools import combinations, product

import pytest

WHOLE = "FASTNN_TEST_WHOLE" in os.environ


def in_pairs(**values):
    """Parametrize a test: ``@in_pairs(name=NAMES, m=ROWS, n=COLUMNS)``."""
    assert len(values) > 2, "the pairs of two parameters are all combinations"
    lists = [list(each) for each in values.values()]
    if WHOLE:
        rows = list(product(*lists))
    else:
        rows = [
            tuple(each[i] for each, i in zip(lists, row, strict=True))
            for row in cover_pairs([len(each) for each in lists])
        ]

    def decorate(test):
        test = pytest.mark.parametrize(tuple(values), rows)(test)
        return pytest.mark.pairs(test)

    return decorate


def cover_pairs(sizes):
    """Rows of one number below each size, in which all pairs of numbers occur.

    A row begins with the first pair that no row has yet, and each further number is the
    one that makes up most of the pairs that are missing.
    """
    missing = {
        (i, a, j, b): None
        for i, j in combinations(range(len(sizes)), 2)
        for a, b in product(range(sizes[i]), range(sizes[j]))
    }

    def pair(one, other):
        (i, a), (j, b) = sorted([one, other])
        return i, a, j, b

    def gain(row, new):
        return sum(pair(new, old) in missing for old in row.items())

    rows = []
    while missing:
        i, a, j, b = next(iter(missing))
        row = {i: a, j: b}
        for k, size in enumerate(sizes):
            if k not in row:
                row[k] = max(range(size), key=lambda a: gain(row, (k, a)))
        for one, other in combinations(row.items(), 2):
            missing.pop(pair(one, other), None)
        rows.append(tuple(row[k] for k in range(len(sizes))))
    return rows
