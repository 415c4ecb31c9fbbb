"""Combinations of the values of several parameters: a few of them, or all.

What goes wrong does so with one value, or where two of them meet, and hardly ever where
it takes three. ``make test`` therefore takes a few of the combinations, in which each
value of a parameter meets each one of any other; ``make test-whole`` takes all of them.
Long lists whose entries come in families, as those of plans do, meet what else there is
by turns: a family meets all of it, and not each of its members.
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


def in_turn(**values):
    """Parametrize a test: ``@in_turn(name=NAMES, n_threads=[2, 3])``.

    Each of the first list is there with one combination of the others, and the next one
    with the next.
    """
    first, *others = (list(each) for each in values.values())
    others = list(product(*others))
    rows = [
        (each, *other)
        for i, each in enumerate(first)
        for other in (others if WHOLE else [others[i % len(others)]])
    ]

    def decorate(test):
        test = pytest.mark.parametrize(tuple(values), rows)(test)
        return pytest.mark.pairs(test)

    return decorate


def one_in(n, first=0, **values):
    """Parametrize a test by every n-th of a list: ``@one_in(3, name=NAMES)``."""
    ((name, each),) = values.items()
    each = list(each)

    def decorate(test):
        test = pytest.mark.parametrize(name, each if WHOLE else each[first::n])(test)
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
