"""Targets of all kinds, and weights of samples."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pandas
from numpy.random import Generator

from fuzz.data import laid_out, values
from fuzz.drawing import chance, count, pick
from fuzz.sparse_data import as_sparse


@dataclass(frozen=True)
class Targets:
    """Targets of one kind: a function from a number of samples, and all classes."""

    draw: Callable[[int], Any]
    classes: Any = None


# ---------------------------------------------------------------------------- classes

WORDS = np.array(["yes", "no", "maybe", "é", "", "a longer word", "x"])
LABELS: tuple[Callable[[int], np.ndarray], ...] = (
    *(np.arange, np.arange, np.arange, np.arange),
    lambda k: np.arange(k) * 10 - 5,
    lambda k: np.arange(k, dtype="u1"),
    lambda k: np.arange(k, dtype=">i4"),
    lambda k: np.arange(k, dtype="f4") * 2,
    lambda k: np.arange(k) + 2**62,
    lambda k: np.arange(k) + np.uint64(2**63),
    lambda k: np.arange(k) % 2 == 1,
    lambda k: WORDS[np.arange(k) % len(WORDS)],
    lambda k: WORDS[np.arange(k) % len(WORDS)].astype(object),
    lambda k: np.arange(k).astype("i2"),
    lambda k: np.arange(k).astype("M8[D]"),
    lambda k: np.arange(k).astype("m8[s]"),
)


def _one_column(rng: Generator) -> Targets:
    k = pick(rng, (1, 2, 2, 2, 2, 3, 3, 4, 7))
    labels = pick(rng, LABELS)(k)
    complete = chance(rng, 0.5)

    def draw(n: int) -> Any:
        numbers = rng.integers(0, k, n)
        if complete:
            numbers[: min(k, n)] = np.arange(k)[:n]
        return labels[numbers]

    return Targets(draw, np.unique(labels) if labels.dtype != object else labels)


def _indicators(rng: Generator) -> Targets:
    k, dtype = count(rng, 2, 5), pick(rng, ("i8", "?", "f4", "u1", "f8"))
    sparse, damaged = chance(rng, 0.3), pick(rng, (0, 0, 0.3))

    def draw(n: int) -> Any:
        y = (rng.random((n, k)) < 0.4).astype(dtype)
        return as_sparse(rng, y, damaged)[0] if sparse else y

    return Targets(draw, np.arange(k))


def _columns(rng: Generator) -> Targets:
    sizes = [pick(rng, (1, 2, 3, 4)) for _ in range(count(rng, 2, 3))]
    # Not all are 0 and 1, which would be indicators.
    first, words = pick(rng, (1, 5)), chance(rng, 0.2)

    def draw(n: int) -> Any:
        y = np.column_stack([first + rng.integers(0, k, n) for k in sizes])
        return y.astype(str) if words else y

    classes = [first + np.arange(k) for k in sizes]
    return Targets(draw, [each.astype(str) for each in classes] if words else classes)


def _shares(rng: Generator) -> Targets:
    k = count(rng, 2, 4)
    return Targets(lambda n: rng.dirichlet(np.ones(k), n))


def _wrong_labels(rng: Generator) -> Targets:
    makers: tuple[Callable[[int], Any], ...] = (
        lambda n: rng.standard_normal(n),
        lambda n: np.where(rng.random(n) < 0.2, np.nan, 1.0),
        lambda n: np.resize(np.array([1, "a", None], dtype=object), n),
        lambda n: np.resize(np.array([None, "a"], dtype=object), n),
        lambda n: np.resize(np.array(["NaT", "2020-01-01"], dtype="M8[D]"), n),
        lambda n: np.zeros((n, 2, 2), int),
        lambda n: np.ones((n, 0)),
        lambda n: rng.integers(0, 2, n + 1),
        lambda n: np.full(n, 1j),
        lambda n: np.arange(n).astype("S3"),
        lambda n: (np.arange(n) % 2).astype(object),
        lambda n: 3,
        lambda n: None,
        lambda n: "labels",
        lambda n: [[1, 2], [3]] * n,
        lambda n: [{1, 2}] * n,
        lambda n: np.zeros(n, "V4"),
        lambda n: np.full(n, np.inf),
        lambda n: rng.standard_normal((n, 2)),
        lambda n: [np.arange(2)] * n,
    )
    return Targets(pick(rng, makers), pick(rng, (None, [0, 1], np.arange(3))))


_CLASS_KINDS = (
    *(_one_column,) * 14,
    *(_indicators, _indicators, _indicators, _columns, _columns, _wrong_labels),
)


def classes(rng: Generator) -> Targets:
    return _wrapped(rng, pick(rng, _CLASS_KINDS)(rng))


# ---------------------------------------------------------------------------- numbers


def _real(rng: Generator) -> Targets:
    k, dtype = pick(rng, (0, 0, 0, 1, 2, 3)), pick(rng, ("f8", "f8", "f4", "i4", ">f8"))
    shape = (k,) if k else ()
    wild = pick(rng, (0, 0, 0, 0.7))
    return Targets(lambda n: values(rng, (n, *shape), wild).astype(dtype))


def _counts(rng: Generator) -> Targets:
    return Targets(lambda n: rng.poisson(2.0, n))


def _positive(rng: Generator) -> Targets:
    k = pick(rng, (0, 0, 2))
    shape = (k,) if k else ()
    return Targets(lambda n: rng.gamma(2.0, 1.0, (n, *shape)) + 1e-3)


def _bits(rng: Generator) -> Targets:
    k = pick(rng, (0, 0, 2))
    shape = (k,) if k else ()
    return Targets(lambda n: rng.integers(0, 2, (n, *shape)))


def _odd_numbers(rng: Generator) -> Targets:
    makers: tuple[Callable[[int], Any], ...] = (
        lambda n: rng.integers(0, 2, n).astype(bool),
        lambda n: rng.standard_normal(n).astype("f2"),
        lambda n: rng.standard_normal(n).astype("g"),
        lambda n: np.array([Fraction(i, 3) for i in range(n)], dtype=object),
        lambda n: np.array([10**400] * n, dtype=object),
        lambda n: WORDS[rng.integers(0, 7, n)],
        lambda n: np.arange(n).astype("M8[D]"),
        lambda n: np.arange(n).astype("m8[s]"),
        lambda n: rng.standard_normal(n) + 1j,
        lambda n: np.array([None] * n),
        lambda n: as_sparse(rng, rng.standard_normal((n, 2)), 0.5)[0],
        lambda n: rng.standard_normal(n + 1),
        lambda n: np.zeros((n, 2, 2)),
        lambda n: np.ones((n, 0)),
        lambda n: 3.0,
        lambda n: None,
        lambda n: np.array(["1.5"] * n),
        lambda n: pandas.Series([1, None] * n, dtype="Int64")[:n],
        lambda n: np.arange(n, dtype="u8") + np.uint64(2**63),
    )
    return Targets(pick(rng, makers))


NUMBER_KINDS = {
    "real": (*(_real,) * 10, _odd_numbers),
    "positive": (*(_positive,) * 6, _counts, _counts, _real, _odd_numbers),
    "bits": (*(_bits,) * 8, _real, _odd_numbers),
    "shares": (*(_shares,) * 8, _real, _odd_numbers),
}


def numbers(rng: Generator, suited: str) -> Targets:
    return _wrapped(rng, pick(rng, NUMBER_KINDS[suited])(rng))


# ------------------------------------------------------------------------- containers

WRAPPINGS = (
    lambda rng, y: y.tolist(),
    lambda rng, y: pandas.Series(y.tolist()) if y.ndim == 1 else y,
    lambda rng, y: pandas.DataFrame(y.tolist()) if y.ndim == 2 else y,
    lambda rng, y: y[:, np.newaxis] if y.ndim == 1 else y,
    lambda rng, y: y.astype(object),
    lambda rng, y: laid_out(rng, y, 1.0),
    lambda rng, y: laid_out(rng, y, 1.0),
)


def _wrapped(rng: Generator, targets: Targets) -> Targets:
    if not chance(rng, 0.2):
        return targets
    wrap = pick(rng, WRAPPINGS)

    def draw(n: int) -> Any:
        y = targets.draw(n)
        return wrap(rng, y) if isinstance(y, np.ndarray) else y

    return Targets(draw, targets.classes)


# ---------------------------------------------------------------------------- weights


def weights(rng: Generator, n: int, wild: float = 0.1) -> Any:
    if chance(rng, 0.7):
        return None
    if not chance(rng, wild):
        w = rng.uniform(0, 2, n)
        return np.where(rng.random(n) < pick(rng, (0.0, 0.0, 0.4)), 0.0, w)
    return pick(rng, _WEIGHTS)(rng, n)


_WEIGHTS: tuple[Callable[[Generator, int], Any], ...] = (
    lambda rng, n: np.zeros(n),
    lambda rng, n: np.ones(n, int),
    lambda rng, n: [1.0] * n,
    lambda rng, n: -rng.random(n),
    lambda rng, n: np.full(n, np.nan),
    lambda rng, n: np.full(n, np.inf),
    lambda rng, n: rng.random(n) * pick(rng, (1e-30, 1e-18, 1e18, 1e30, 1e300, 5e-324)),
    lambda rng, n: rng.random(n) * 10.0 ** rng.integers(-17, 17, n),
    lambda rng, n: np.ones(n + 1),
    lambda rng, n: np.ones((n, 2)),
    lambda rng, n: np.array(["a"] * n),
    lambda rng, n: 2.0,
    lambda rng, n: np.ones(n, "c8"),
    lambda rng, n: np.array([None] * n),
    lambda rng, n: pandas.Series(np.ones(n)),
    lambda rng, n: rng.random(n).astype(">f4")[::-1],
    lambda rng, n: as_sparse(rng, np.ones((n, 1)), 0.0)[0],
    lambda rng, n: "balanced",
)
