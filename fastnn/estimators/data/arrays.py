"""Arrays of other libraries, on a GPU or on the host.

What is on a GPU stays there: it is checked where it is, and predictions for it are
arrays of its library. What is on the host is read as NumPy's; predictions become
arrays of its library where scikit-learn's ``array_api_dispatch`` asks for that.
"""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.utils import check_X_y
from sklearn.utils.validation import validate_data

from fastnn.engine.cuda import find_device, missing_piece, worst_number
from fastnn.engine.device import Device, DeviceArray, downloaded

# DLPack's numbers of CUDA's memory: of a card, and of both the host and a card.
_CUDA = 2, 13


def on_gpu(array: Any) -> bool:
    """Whether an array of any library lies in the memory of an NVIDIA GPU."""
    if isinstance(array, np.ndarray):
        return False
    if hasattr(array, "__dlpack_device__"):
        return array.__dlpack_device__()[0] in _CUDA
    return hasattr(array, "__cuda_array_interface__")


def on_host(array: Any, name: str = "y") -> Any:
    """What is to be read on the host: labels, weights and the like.

    Arrays of a GPU are copied. Of those of the host nothing is copied that NumPy can
    read, and all that is no array stays what it is.
    """
    if isinstance(array, np.ndarray):
        return array
    if on_gpu(array):
        device = _gpu(array, name)
        return downloaded(device, _adopted(device, array, name))
    return _as_numpy(array) if _dispatched(array) else array


def where_it_computes(X: Any, device: Device | None, name: str, parameter: str) -> Any:
    """X as a network on this device, or on the CPU if None, takes it, not yet checked.

    Parameters
    ----------
    X : object
        As the user passed it.
    device : Device or None
    name : str
        What the user calls it.
    parameter : {"cpu", "cuda", "auto"}
        The estimator's ``device``.

    Returns
    -------
    X : DeviceArray or object
        Of any shape and dtype; a DeviceArray where X is on a GPU.

    Raises
    ------
    TypeError
        If X is on a GPU and ``device="cpu"``.
    RuntimeError
        If X is on a GPU and a piece is missing to use it there.
    ValueError
        If X is on another card than the present one.
    """
    if not on_gpu(X):
        return _as_numpy(X) if _dispatched(X) else X
    if parameter == "cpu":
        raise TypeError(
            f"{name} is on a GPU ({_described(X)}), and device='cpu' computes on the "
            "CPU. Set device='cuda' or 'auto', or pass an array of the host, such as "
            f"cupy.asnumpy({name})."
        )
    return _adopted(_gpu(X, name) if device is None else device, X, name)


def check_kind(values: Any, name: str, refused: str) -> None:
    """Refuse what scikit-learn's checks take for numbers of some unit, or do not name.

    Parameters
    ----------
    values : object
        An array, a series or a data frame; of what has no dtype nothing is known.
    name : str
        What the user calls them.
    refused : str
        Kinds of NumPy's dtypes: "c" is complex numbers, "M" dates and durations.

    Raises
    ------
    ValueError
        If they hold such, or records.
    """
    dtypes = getattr(values, "dtypes", None)
    if dtypes is None:
        dtypes = [getattr(values, "dtype", None)]
    for dtype in set(np.ravel(np.asarray(dtypes, dtype=object))):
        kind = getattr(dtype, "kind", "")
        if kind == "V" and getattr(dtype, "name", "") != "bfloat16":  # that of a card
            raise ValueError(
                f"{name} must hold plain values, got records of {dtype}. Pass its "
                "fields as columns, such as those of pandas.DataFrame(values)."
            )
        if kind == "c" and kind in refused:
            raise ValueError(
                f"Complex data not supported: {name} holds {dtype}. Pass real numbers, "
                f"such as {name}.real."
            )
        temporal = kind in ("m", "M") or getattr(dtype, "is_temporal", bool)()
        if temporal and "M" in refused:
            raise ValueError(
                f"{name} must hold real numbers, got {dtype}. Turn dates and durations "
                "into numbers of a unit of your choice, for example by "
                f"({name} - {name}.min()) / np.timedelta64(1, 'D')."
            )


def check_row_of_targets(y: Any, name: str) -> None:
    """Refuse targets of a sample that are no row, such as images.

    Raises
    ------
    ValueError
    """
    shape = tuple(getattr(y, "shape", ()))
    if len(shape) > 2:
        raise ValueError(
            f"{name} must have a row for each sample, got the shape {shape}. Pass "
            f"{name}.reshape(len({name}), -1)."
        )


def check_on_device(
    estimator: BaseEstimator,
    device: Device,
    X: DeviceArray,
    dtypes: list[type],
    *,
    reset: bool,
) -> Any:
    """X checked as by scikit-learn's ``validate_data``, without copying it to the host.

    scikit-learn is shown a row of the same width and dtype, with the worst of the
    numbers of X in it. What is no table of real numbers it is shown as it is, because
    its messages print it.
    """
    options: dict[str, Any] = {"dtype": dtypes, "reset": reset}
    # Kernels read neither kind of half precision, and NumPy does not know bfloat16.
    half = X.dtype.name in ("float16", "bfloat16")
    dtype = np.dtype(np.float16) if half else X.dtype
    if X.ndim != 2 or dtype.kind not in "fiub":
        shown = X[:1] if X.ndim > 2 else X
        return validate_data(estimator, downloaded(device, shown), **options)
    worst: float = 0
    if dtype.kind == "f" and X.size and not get_config()["assume_finite"]:
        worst = worst_number(device, device.cast(X, np.float32) if half else X)
    few = np.full((1 if X.size else len(X), X.shape[1]), worst, dtype)
    return device.cast(X, validate_data(estimator, few, **options).dtype)


def check_targets(estimator: BaseEstimator, X: Any, y: Any, **options: Any) -> Any:
    """Y checked as by ``check_X_y``, for an X that is checked already."""
    nothing = np.empty((X.shape[0], 0))
    _, y = check_X_y(nothing, y, ensure_min_features=0, estimator=estimator, **options)
    return y


def look_up(classes: NDArray, numbers: Any) -> Any:
    """``classes[numbers]``, where the numbers are unless the classes are no numbers."""
    if isinstance(numbers, np.ndarray):
        return classes[numbers]
    if classes.dtype.kind not in "fiub":
        return classes[on_host(numbers)]
    return np.asarray(classes, like=numbers)[numbers]


def empty_beside(outputs: Any, shape: tuple[int, ...]) -> Any:
    """Room of the dtype of outputs, where they are."""
    if isinstance(outputs, np.ndarray):
        return np.empty(shape, outputs.dtype)
    return np.empty_like(outputs, shape=shape)


def as_array_of(X: Any, result: Any) -> Any:
    """A prediction as an array of the library that X is of, on its device.

    Parameters
    ----------
    X : object
        As the user passed it.
    result : {ndarray, CSR matrix, CuPy's ndarray} or list of them

    Returns
    -------
    result : array or list of them
        What is no number stays NumPy's, and so does what is sparse SciPy's.
    """
    if isinstance(X, np.ndarray):
        return result
    if isinstance(result, list):
        return [as_array_of(X, each) for each in result]
    if isinstance(result, np.ndarray):
        if not _dispatched(X) or on_gpu(X) or result.dtype.kind not in "fiub":
            return result
        convert = _function_of(X, "asarray")
        return result if convert is None else convert(result, device=X.device)
    if sparse.issparse(result) or isinstance(X, type(result)):
        return result
    # A library that cannot take arrays from others has to do with CuPy's.
    convert = _function_of(X, "from_dlpack")
    return result if convert is None else convert(result)


def _dispatched(array: Any) -> bool:
    """Whether an array is of another library, and dispatch on that asked for."""
    return (
        get_config()["array_api_dispatch"]
        and hasattr(array, "__dlpack__")
        and not isinstance(array, np.ndarray | np.generic)
    )


def _as_numpy(array: Any) -> NDArray:
    """An array of the host, the same memory where NumPy can read it."""
    try:
        return np.from_dlpack(array)
    except (AttributeError, BufferError, RuntimeError, TypeError, ValueError):
        return np.asarray(array)  # or an error that says why not


def _function_of(array: Any, name: str) -> Any:
    """A function of the library that an array is of; None if it has none."""
    if hasattr(array, "__array_namespace__"):
        return getattr(array.__array_namespace__(), name, None)
    # PyTorch's arrays do not name their functions, and may be of a user's class.
    for kind in type(array).__mro__:
        library = sys.modules.get(kind.__module__.partition(".")[0])
        if hasattr(library, name):
            return getattr(library, name)
    return None


def _adopted(device: Device, array: Any, name: str) -> DeviceArray:
    try:
        return device.adopt(array)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _gpu(array: Any, name: str) -> Device:
    missing = missing_piece()
    if missing is not None:
        raise RuntimeError(
            f"{name} is on a GPU ({_described(array)}), which cannot be used, because "
            f"{missing}."
        )
    device = find_device("cuda")
    assert device is not None
    return device


def _described(array: Any) -> str:
    kind = type(array)
    return f"{kind.__module__}.{kind.__qualname__}"
