"""What a user says are all classes: one list of them, or one for each column of y."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.estimators.data.arrays import on_host


def as_classes(classes: Any) -> NDArray | list[NDArray] | None:
    """Classes as arrays, from any container.

    Parameters
    ----------
    classes : iterable, data frame or None
        Labels, such as an array, a series, an index, a set, a range or a generator; or
        an iterable of such, or the columns of a data frame, for several columns of y.

    Returns
    -------
    classes : ndarray, list of ndarray or None
        A list for several columns.

    Raises
    ------
    ValueError
        If it is no container of labels.
    """
    if classes is None:
        return None
    classes = on_host(classes, "classes")
    if hasattr(classes, "columns") and np.ndim(classes) == 2:
        columns = _columns(classes)
    elif not _is_container(classes):
        raise ValueError(_message(classes))
    else:
        listed = [on_host(each, "classes") for each in classes]
        if not any(_is_container(each) for each in listed):
            return _labels(classes if hasattr(classes, "__array__") else listed)
        columns = [_labels(each) for each in listed]
    return columns[0] if len(columns) == 1 else columns


def _columns(frame: Any) -> list[NDArray]:
    if hasattr(frame, "items"):  # names may occur twice
        return [_labels(column) for _, column in frame.items()]
    return [_labels(frame[name]) for name in frame.columns]


def _is_container(value: Any) -> bool:
    return (
        isinstance(value, Iterable)
        and not isinstance(value, str | bytes | Mapping)
        and getattr(value, "ndim", 1) > 0
    )


def _labels(values: Any) -> NDArray:
    if not _is_container(values):
        raise ValueError(_message(values))
    labels: Any = np.asarray(values) if hasattr(values, "__array__") else list(values)
    if isinstance(labels, list) or labels.dtype == object:
        # Objects are read as numbers or words, such as integers that may be missing.
        listed = list(labels)
        if len({isinstance(each, str) for each in listed}) > 1:
            raise ValueError(
                f"classes must be all words or all numbers, got {listed!r}."
            )
        labels = np.array(listed)
    if labels.ndim != 1 or not labels.size or labels.dtype.kind == "O":
        raise ValueError(_message(values))
    if labels.dtype.kind in "fmM" and np.isnan(labels).any():
        raise ValueError(f"classes must not be missing or NaN, got {labels}.")
    return labels


def _message(got: Any) -> str:
    return (
        "classes must hold all class labels, such as np.unique(y), or an array of them "
        f"for each of several columns of y, got {got!r}."
    )
