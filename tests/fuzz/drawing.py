"""Drawing one of several things."""

from typing import Any

from numpy.random import Generator


def chance(rng: Generator, share: float) -> bool:
    return bool(rng.random() < share)


def pick(rng: Generator, options: Any) -> Any:
    """One of a sequence, each as likely as the others; what is repeated is likelier."""
    return options[int(rng.integers(len(options)))]


def weighted(rng: Generator, options: list[tuple[float, Any]]) -> Any:
    """One of (share, option); the shares sum to 1."""
    at = rng.random()
    for share, option in options:
        at -= share
        if at < 0:
            return option
    return options[-1][1]


def number(rng: Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def count(rng: Generator, low: int, high: int) -> int:
    """From low to high, both included."""
    return int(rng.integers(low, high + 1))
