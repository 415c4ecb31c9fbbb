"""Samples of steps, each of which is a row of numbers, or has more axes."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config

from fastnn.engine.snapshot import all_finite
from fastnn.utils.sequences import Sequences, starts_of


def rank_of(sample: Any) -> int:
    """How many axes a sample has, by the first of what it has along each."""
    if isinstance(sample, list | tuple):
        return 1 + (rank_of(sample[0]) if len(sample) else 0)
    return np.ndim(sample) if hasattr(sample, "ndim") else 0


def steps_of_samples(
    name: str, samples: Sequence[Any], dtypes: Sequence[type]
) -> Sequences:
    """Steps of numbers, one array of them for each sample, one after the other.

    Parameters
    ----------
    name : str
        What the user calls them.
    samples : sequence of array-like of shape (n_steps, ...)
        Their numbers of steps may differ, and nothing else.
    dtypes : sequence of type
        Of numbers that stay what they are, as integers do; the first is what others are
        cast to.

    Raises
    ------
    ValueError
        If they are something else, or one of them is empty.
    """
    lengths, values = None, None
    if set(map(type, samples)) <= {list, tuple}:
        lengths, values = _lengths(samples), _of_lists(samples)
    if values is None:
        arrays = [_array_of(name, *each) for each in enumerate(samples)]
        _check_alike(name, arrays)
        lengths, values = _lengths(arrays), np.concatenate(arrays)
    assert lengths is not None
    if not lengths.all():
        raise _empty(name, int(np.argmin(lengths)))
    return Sequences(_accepted(values, dtypes), starts_of(lengths))


def steps_of(name: str, sequences: Sequences, dtypes: Sequence[type]) -> Sequences:
    """Sequences that are such already, of numbers; see :func:`steps_of_samples`."""
    values, starts = sequences.values, sequences.starts
    if values.ndim < 2 or values.dtype.kind not in "fiub":
        raise ValueError(
            f"{name} holds sequences of {values.dtype}, of shape {values.shape[1:]} in "
            "each step, and the network's first layer reads steps of numbers. Tokens "
            "are read by an Embedding of fastnn.layers as its first layer."
        )
    return Sequences(_accepted(values, dtypes), starts)


def check_finite(name: str, steps: Sequences, *, or_masked: bool = False) -> None:
    """Refuse steps that hold NaN or infinity.

    Parameters
    ----------
    name : str
        What the user calls them.
    steps : Sequences
    or_masked : bool, default=False
        Whether a step may be NaN in all of its numbers, because it is masked then.

    Raises
    ------
    ValueError
    """
    values = steps.values
    if get_config()["assume_finite"] or all_finite(values):
        return
    wrong = ~np.isfinite(values).reshape(len(values), -1)
    if or_masked:
        wrong[np.isnan(values).reshape(wrong.shape).all(axis=1)] = False
    if not wrong.any():
        return
    at = int(np.argmax(wrong.any(axis=1)))
    sample, step = steps.place_of(at)
    got = values[at].ravel()[np.argmax(wrong[at])]
    what = "NaN" if np.isnan(got) else "infinity"
    remedy = (
        "A step that is to be left out is NaN in all of its numbers."
        if or_masked
        else "Fill what is missing, for example with the number of the step before, or "
        "let the network begin with Masking(mask_value=float('nan')) of fastnn.layers, "
        "which leaves out steps that are NaN in all of their numbers."
    )
    raise ValueError(
        f"Input {name} contains {what}, in sample {sample} at step {step}. {remedy}"
    )


def check_some_count(name: str, steps: Sequences, mask_value: float) -> None:
    """Refuse samples all of whose steps are masked.

    Parameters
    ----------
    name : str
        What the user calls them.
    steps : Sequences
    mask_value : float
        What a step consists of that is masked.

    Raises
    ------
    ValueError
    """
    values = steps.values.reshape(len(steps.values), -1)
    masked = np.isnan(values) if np.isnan(mask_value) else values == mask_value
    counted = np.add.reduceat(~masked.all(axis=1), steps.starts[:-1], dtype=np.intp)
    if not counted.all():
        raise ValueError(
            f"{name} has no step that counts in sample {int(np.argmin(counted))}: all "
            f"its numbers are {mask_value}, the mask_value of the network's Masking. "
            "Leave such samples out."
        )


def _accepted(values: NDArray, dtypes: Sequence[type]) -> NDArray:
    """Numbers of a type that is read, side by side."""
    if values.dtype.kind not in "iub" and values.dtype not in dtypes:
        values = values.astype(dtypes[0])
    return np.ascontiguousarray(values, values.dtype.newbyteorder("="))


def _lengths(samples: Sequence[Any]) -> NDArray[np.intp]:
    return np.fromiter(map(len, samples), np.intp, len(samples))


def _of_lists(samples: Sequence[Sequence]) -> NDArray | None:
    """All steps, of which each is a list; None if they are something else."""
    try:
        values = np.array(list(chain.from_iterable(samples)))
    except (TypeError, ValueError):  # of different lengths
        return None
    return values if values.ndim > 1 and values.dtype.kind in "fiub" else None


def _array_of(name: str, number: int, sample: Any) -> NDArray:
    wanted = (
        f"{name} must have an array of numbers for each sample, of shape (n_steps, "
        "n_features)"
    )
    try:
        found = np.asarray(sample)
        if found.dtype.kind == "O" and found.ndim:
            found = found.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{wanted}, got something else for sample {number}: {error}"
        ) from error
    if found.dtype.kind not in "fiub":
        raise ValueError(
            f"{wanted}, got {type(sample).__name__} of {found.dtype} for sample "
            f"{number}."
        )
    return found


def _check_alike(name: str, arrays: Sequence[NDArray]) -> None:
    """Refuse samples that differ in more than their numbers of steps."""
    # An empty list has no more axes.
    for number, each in enumerate(arrays):
        if each.size == 0 and each.ndim < 2:
            raise _empty(name, number)
    first = arrays[0].shape[1:]
    for number, each in enumerate(arrays):
        if each.ndim < 2:
            raise ValueError(
                f"{name} must have an array of shape (n_steps, n_features) for each "
                f"sample, got {each.shape} for sample {number}. Of one number for each "
                "step pass numpy.reshape(sample, (-1, 1))."
            )
        if each.shape[1:] != first:
            what = "features in each step" if each.ndim == 2 else "numbers in a step"
            raise ValueError(
                f"{name} must have steps of one shape in all samples, got {what} of "
                f"shape {each.shape[1:]} in sample {number}, and {first} in sample 0."
            )


def _empty(name: str, number: int) -> ValueError:
    return ValueError(
        f"{name} has no steps in sample {number}: each sample must have one at least. "
        "Leave empty samples out."
    )
