"""What an engine accepts: the compiled loops behind this door check nothing."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse

from fastnn.engine.device import DeviceArray
from fastnn.engine.mirrored import MirroredArray
from fastnn.mixing import Mixing
from fastnn.plan.records import Input, Plan
from fastnn.plan.tables import N_SCALARS
from fastnn.utils.sequences import Sequences


def check_parameters(plan: Plan, parameters: NDArray | MirroredArray) -> np.dtype:
    if parameters.dtype not in (np.float32, np.float64):
        raise ValueError(
            f"parameters must be float32 or float64, got {parameters.dtype}"
        )
    check_array("parameters", parameters, (plan.n_parameters,), parameters.dtype)
    return parameters.dtype


def check_samples(
    plan: Plan,
    tables: tuple[Any, ...],
    y: NDArray,
    sample_weight: NDArray | None,
    dtype: np.dtype,
) -> None:
    """Check what belongs to the rows of tables that :func:`tables_of` has found."""
    n_samples = tables[0].shape[0]
    if n_samples < 1:
        raise ValueError("X must hold at least one sample, got none")
    check_array("y", y, (n_samples, plan.target_columns), dtype)
    if sample_weight is not None:
        shape: tuple[int, ...] = (n_samples,)
        if getattr(sample_weight, "ndim", 1) == 2:
            shape = n_samples, 1 + len(plan.losses)
        check_array("sample_weight", sample_weight, shape, dtype)
        if not (sample_weight.min() >= 0 and np.isfinite(sample_weight).all()):
            raise ValueError("sample_weight must be finite and at least 0")
    check_labels(plan, y, sample_weight)


def mixed_as(
    plan: Plan, mixing: Mixing | None, tables: tuple[Any, ...]
) -> tuple[int, int, int] | None:
    """How samples are mixed: None is not at all.

    Else it is how many numbers they have, and, where windows are mixed, so do a line
    and a pixel of an image; where all numbers are mixed alike, these are 0.

    Raises
    ------
    ValueError
        If what the plan reads cannot be mixed.
    """
    if mixing is None:
        return None
    what = [each.name for each in plan.inputs]
    if len(what) > 1 or plan.inputs[0].n_tokens or plan.sequences:
        raise ValueError(
            f"mixing={mixing!r} needs one dense X of numbers, and cannot mix the "
            f"inputs {what}, which are several, tokens or sequences. Set mixing=None."
        )
    if sparse.issparse(tables[0]):
        raise ValueError(
            f"mixing={mixing!r} needs one dense X of numbers, and cannot mix sparse X. "
            "Set mixing=None, or pass X.toarray()."
        )
    if any(target.n_classes for target in plan.targets):
        raise ValueError(
            f"mixing={mixing!r} cannot mix class numbers: the loss must read "
            "probabilities, as SoftCrossEntropy does."
        )
    image, size = mixing.image(plan.inputs[0].shape), plan.inputs[0].size
    return (size, 0, 0) if image is None else (size, image[1] * image[2], image[2])


def check_array(
    name: str,
    array: NDArray | MirroredArray | None,
    shape: tuple[int, ...],
    dtype: np.dtype,
) -> None:
    if (
        not isinstance(array, np.ndarray | MirroredArray)
        or array.shape != shape
        or array.dtype != dtype
        or not _is_plain(array)
    ):
        got = (
            f"{array.dtype} of shape {array.shape}"
            if isinstance(array, np.ndarray | MirroredArray)
            else type(array).__name__
        )
        raise ValueError(
            f"{name} must be a C-contiguous {dtype} array of shape {shape}, got {got}"
        )


def _is_plain(array: NDArray | MirroredArray) -> bool:
    if isinstance(array, MirroredArray):
        return array.is_plain
    return array.flags.c_contiguous and array.flags.aligned


def as_numbers(name: str, values: Any, dtype: DTypeLike) -> NDArray:
    """A copy of what a user passes for parameters, as float32 or float64.

    Parameters
    ----------
    name : str
        What the user calls it.
    values : array-like
        Real numbers of any type, byte order and layout.
    dtype : dtype

    Returns
    -------
    numbers : ndarray, C-contiguous

    Raises
    ------
    ValueError
        If they are no real numbers, or one is too large for the dtype.
    """
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:  # rows of different lengths, say
        raise ValueError(f"{name} must be an array of numbers: {error}") from error
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"{name} must hold real numbers, got {array.dtype} ({type(values).__name__}"
            "). Convert it, for example with numpy.asarray(values, dtype=float)."
        )
    with np.errstate(over="ignore", under="ignore"):
        numbers = np.array(array, dtype=dtype, order="C")
    lost = np.isfinite(array) & ~np.isfinite(numbers)
    if lost.any():
        raise ValueError(
            f"{name} holds {array[lost][0]:g}, which is too large for "
            f"{np.dtype(dtype)}, in which the model keeps its weights. Fit the model "
            'with dtype="float64" to set it.'
        )
    return numbers


def tables_of(plan: Plan, X: Any) -> tuple[Any, ...]:
    """The tables that a plan reads, in the order of its inputs, of two axes each.

    Parameters
    ----------
    plan : Plan
    X : table or dict of str to table
        A table, where the plan has one input and that is named X; else one for each
        input, by name, of as many rows.

    Raises
    ------
    ValueError
        If one is missing, surplus, of another shape or number of rows than described,
        or sparse where that cannot be read, or holds tokens that are out of range.
    """
    if plan.reads_one_table and not isinstance(X, dict):
        return (_table(plan.inputs[0], X),)
    names = [each.name for each in plan.inputs]
    if not isinstance(X, dict):
        if names != ["X"]:
            raise ValueError(
                f"X must be a dict with a table for each of the inputs {names}, got "
                f"{type(X).__name__}"
            )
        X = {"X": X}
    missing = [name for name in names if name not in X]
    surplus = [name for name in X if name not in names]
    if missing or surplus:
        raise ValueError(
            f"X must have a table for each of the inputs {names}: {missing} are "
            f"missing, {surplus} are none of them"
        )
    tables = tuple(_table(each, X[each.name]) for each in plan.inputs)
    lengths = {name: X[name].shape[0] for name in names}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"the tables of X must have as many rows each, got {lengths}")
    return tables


def _table(described: Input, X: Any) -> Any:
    """What one input is read from, checked, a row of two axes for each sample."""
    name, size = described.name, described.size
    if described.axis:
        return _sequences(described, X)
    shape: tuple[int, ...] = getattr(X, "shape", ())
    if len(shape) != 2 or shape[1] != size:
        if shape and len(shape) != 2 and shape[1:] == described.shape:
            return _table(described, _with_rows(X, size))
        of_sample = ", ".join(map(str, described.shape))
        also = f" or (n_samples, {of_sample})" if len(described.shape) > 1 else ""
        raise ValueError(
            f"{name} must have shape (n_samples, {size}){also}, got {shape or type(X)}"
        )
    if described.n_tokens:
        _check_tokens(described, X)
    if sparse.issparse(X) and not described.accepts_sparse:
        raise ValueError(
            f"{name} is sparse, but the network's first layer cannot read sparse rows: "
            f"pass {name}.toarray(), or put a Dense layer first"
        )
    return X


def _sequences(described: Input, X: Any) -> Sequences:
    """What one input of sequences is read from, checked."""
    if not isinstance(X, Sequences) or X.shape[2:] != described.shape:
        got = X.shape if isinstance(X, Sequences) else type(X).__name__
        raise ValueError(
            f"{described.name} must be sequences of steps of shape "
            f"{described.shape}, got {got}"
        )
    if described.n_tokens:
        _check_tokens(described, X.values.reshape(len(X.values), -1))
    if described.most_steps:
        _check_lengths(described, X)
    return X


def _check_lengths(described: Input, X: Sequences) -> None:
    most, lengths = described.most_steps, X.lengths
    if lengths.max(initial=0) > most:
        sample = int(np.argmax(lengths > most))
        raise ValueError(
            f"sample {sample} of {described.name} has {lengths[sample]} steps, and the "
            f"network has a PositionEmbedding of max_length={most}. Raise max_length, "
            "or cut the sequences: fastnn.preprocessing.pad_sequences does it."
        )


def steps_of(plan: Plan, tables: tuple[Any, ...]) -> list[float]:
    """How many steps samples have on average, on each axis of steps."""
    return [
        len(table.values) / len(table)
        for each, table in zip(plan.inputs, tables, strict=True)
        if each.axis
    ]


def _with_rows(X: Any, size: int) -> Any:
    """Samples of any shape as rows, without a copy where the strides allow."""
    shape = X.shape[0], size
    if isinstance(X, DeviceArray):
        return DeviceArray(X.buffer, shape, X.dtype)
    return X.reshape(shape)


def _check_tokens(described: Input, X: Any) -> None:
    name, n = described.name, described.n_tokens
    if not isinstance(X, np.ndarray) or X.dtype.kind not in "iub":
        raise ValueError(
            f"{name} must be a NumPy array of integers, tokens from 0 to {n - 1}, got "
            f"{type(X).__name__} of {X.dtype}"
        )
    if X.size and not (X.min() >= 0 and X.max() < n):
        row, column = np.argwhere((X < 0) | (n <= X))[0]
        raise ValueError(
            f"{name} must hold tokens from 0 to {n - 1}, got {X[row, column]} in row "
            f"{row}"
        )


def check_rows(rows: NDArray, n_samples: int) -> None:
    chosen = np.unique(rows)  # sorted
    if (
        rows.dtype != np.intp
        or rows.ndim != 1
        or not rows.size
        or not rows.flags.c_contiguous
        or not 0 <= chosen[0] <= chosen[-1] < n_samples
        or chosen.size != rows.size
    ):
        raise ValueError(
            "rows must be a contiguous one-dimensional intp array that holds at least "
            f"one number from 0 to {n_samples - 1} and none twice"
        )


def check_table(part: NDArray, first: int, n_steps: int) -> None:
    """Check scalars of the steps of an epoch, from the one numbered first on."""
    if (
        part.ndim != 2
        or part.shape[1] != N_SCALARS
        or not 0 < len(part) <= n_steps - first
        or part.dtype != np.float64
    ):
        raise ValueError(
            f"table must be float64 of shape {(n_steps, N_SCALARS)}, got "
            f"{part.dtype} of shape {part.shape}"
            + (f" behind {first} rows" if first else "")
        )


def check_labels(plan: Plan, y: NDArray, sample_weight: NDArray | None) -> None:
    """Check class numbers that a loss reads: it has a weight for them."""
    for target in plan.targets:
        is_read: Any = slice(None)
        if target.n_classes and sample_weight is not None and sample_weight.ndim == 2:
            columns = [1 + number for number in plan.losses_of(target)]
            if columns:
                is_read = (sample_weight[:, columns] > 0).any(axis=1)
        for i in range(target.size if target.n_classes else 0):
            column = target.first + i
            n_classes = target.n_classes[i % len(target.n_classes)]
            labels = y[is_read, column]
            if labels.size and not (labels.min() >= 0 and labels.max() < n_classes):
                raise ValueError(
                    f"class numbers in column {column} of y must be from 0 to "
                    f"{n_classes - 1}, got {labels.min()} to {labels.max()}"
                )
