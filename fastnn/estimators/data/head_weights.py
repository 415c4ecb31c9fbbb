"""Weights of samples in the losses of several heads."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.estimators.data.arrays import on_host
from fastnn.estimators.data.containers import named_columns
from fastnn.estimators.data.heads import HeadValues, naming_head
from fastnn.estimators.data.weights import ClassWeights, check_weights


def shown_weights(weight: NDArray | None, y: HeadValues) -> Any:
    """Checked weights as a user may have passed them: by head where they differ."""
    if weight is None or weight.ndim == 1:
        return weight
    return dict(zip(y.values, weight.T[1:], strict=True))


def check_head_weights(
    sample_weight: Any,
    class_weights: Mapping[str, ClassWeights],
    y: HeadValues,
    dtype: np.dtype,
) -> NDArray | None:
    """Weights of samples for the engine, or None where all are 1.

    The loss of a head is the mean over the samples that have its target. So that this
    holds for the mean over mini-batches, which may have few of them or none, weights
    of a head are scaled to the sum of those that the samples have by themselves.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), mapping, data frame or None
        What has names has weights by the name of the head; the others' are 1.
    class_weights : dict of str to ClassWeights
        Of some heads.
    y : HeadValues
    dtype : dtype

    Returns
    -------
    weight : ndarray of shape (n_samples,) or (n_samples, 1 + n_heads), or None
        The weights of all heads; or, if they differ, what the sum of losses is divided
        by, and those of each head.

    Raises
    ------
    ValueError
        If a head is unknown, or the weights of one cannot train a network; see
        :func:`fastnn.estimators.data.weights.check_weights`.
    """
    heads, n_samples = list(y.values), len(y)
    named = named_columns(sample_weight)
    of_heads = {} if named is None else named
    if named is not None:
        sample_weight = None
        unknown = [name for name in of_heads if name not in heads]
        if unknown:
            raise ValueError(
                f"sample_weight has weights of {unknown}, which are no heads of the "
                f"network: these are {heads}."
            )
    wide = np.dtype(np.float64)
    common = on_host(sample_weight, "sample_weight")
    base = check_weights(common, None, y, dtype)
    all_present = all(each is None for each in y.present.values())
    if all_present and not of_heads and not class_weights:
        return base
    weights = np.ones((n_samples, 1 + len(heads)))
    if base is not None:
        weights[:] = base[:, np.newaxis]
    for number, name in enumerate(heads, start=1):
        own = on_host(of_heads.get(name), f"sample_weight[{name!r}]")
        with naming_head(name):
            found = check_weights(own, class_weights.get(name), y.values[name], wide)
        if found is not None:
            weights[:, number] *= found
        present = y.present[name]
        if present is not None:
            weights[~present, number] = 0
    trained = [name for name in heads if not y.lacks(name)]
    return scaled_by_head(weights, heads, trained=trained).astype(dtype)


def scaled_by_head(
    weights: NDArray,
    heads: Sequence[str],
    among: str = "",
    trained: Sequence[str] | None = None,
) -> NDArray:
    """Weights of each head, scaled to the sum of those that samples have themselves.

    Raises
    ------
    ValueError
        If a head, of those that are trained, has none; ``among`` says of which samples.
    """
    scaled = weights.astype(np.float64)
    for number, name in enumerate(heads, start=1):
        if trained is not None and name not in trained:
            continue
        total = scaled[:, number].sum()
        if total == 0:
            raise ValueError(
                f"head {name!r} has no sample with a target and a weight above 0"
                f"{among}. Pass some, or take the head out of the network."
            )
        scaled[:, number] *= scaled[:, 0].sum() / total
    return scaled.astype(weights.dtype)
