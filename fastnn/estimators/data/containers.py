"""Several arrays of the same samples under one name each, as scikit-learn takes one.

Splitters, searches and pipelines ask of X and y how many samples there are, and for
some of these. Both answer here for all arrays at once.
"""

from collections.abc import Iterator, KeysView, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from fastnn.estimators.data.missing import array_of


class NamedArrays:
    """Arrays of as many samples each, by name; base of Inputs and Targets.

    Parameters
    ----------
    **arrays : array-like
        Arrays of any shape whose first axis is the samples, data frames, series or
        sparse matrices, none of which is copied. Lists become arrays.
    """

    _what = "arrays"

    def __init__(self, /, **arrays: Any):
        self._arrays = {
            name: self._indexable(name, each) for name, each in arrays.items()
        }
        if not arrays:
            raise ValueError(
                f"{type(self).__name__} needs at least one array, by its name: "
                f"{type(self).__name__}(name=array)."
            )
        lengths = {name: _num_samples(each) for name, each in self._arrays.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(
                f"{self._what} must be of the same samples, got arrays of "
                f"{_listed(lengths)} samples. Pass as many of each, in one order."
            )
        self._n_samples = next(iter(lengths.values()))

    @classmethod
    def of(cls, arrays: Mapping[str, Any]) -> Self:
        """The same of a mapping, whose keys may be any words."""
        for name in arrays:
            if not isinstance(name, str):
                raise ValueError(f"names of {cls._what} must be words, got {name!r}.")
        return cls(**arrays)

    @staticmethod
    def _indexable(name: str, array: Any) -> Any:
        """An array that samples can be taken of."""
        if sparse.issparse(array):
            return array if array.format == "csr" else array.tocsr()
        array = array_of(array)
        if not len(array.shape):
            raise ValueError(
                f"{name} must be an array whose first axis is the samples, got "
                f"{array!r}."
            )
        return array

    @property
    def shape(self) -> tuple[int]:
        """The number of samples, which is what scikit-learn looks for here."""
        return (self._n_samples,)

    def __len__(self) -> int:
        return self._n_samples

    def keys(self) -> KeysView[str]:
        """The names, in their order."""
        return self._arrays.keys()

    def values(self) -> list[Any]:
        """The arrays, in the order of the names."""
        return list(self._arrays.values())

    def items(self) -> list[tuple[str, Any]]:
        """Names and arrays."""
        return list(self._arrays.items())

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def __getitem__(self, which: Any) -> Any:
        """The array of a name, or some of the samples of all.

        Parameters
        ----------
        which : str, slice, int or array-like
            A name; or numbers of samples, or one truth value for each of them.
        """
        if isinstance(which, str):
            if which not in self._arrays:
                raise KeyError(
                    f"there is no array named {which!r} among {list(self._arrays)}."
                )
            return self._arrays[which]
        if isinstance(which, tuple):  # as of an array: rows, and all that they have
            which, *rest = which
            if any(each not in (Ellipsis, slice(None)) for each in rest):
                raise IndexError(
                    f"{type(self).__name__} has one axis to choose from, the samples; "
                    f"choose columns of an array by its name, got {rest!r}."
                )
        if isinstance(which, int | np.integer):
            which = [which]
        return type(self)(
            **{name: _safe_indexing(each, which) for name, each in self.items()}
        )

    def __repr__(self) -> str:
        parts = [f"{name}={_described(each)}" for name, each in self.items()]
        return f"{type(self).__name__}({', '.join(parts)})"


class Inputs(NamedArrays):
    """X of a network with several inputs: arrays of the same samples, by name.

    It has as many samples as scikit-learn's splitters, searches and pipelines ask for,
    and hands out some of them, so that X may be such an object wherever it is handed on
    as a whole.

    Parameters
    ----------
    **arrays : array-like
        Arrays of any shape whose first axis is the samples, data frames or sparse
        matrices, none of which is copied. Lists become arrays; those of samples of
        different lengths, which are sequences, become arrays of objects.

    Raises
    ------
    ValueError
        If there is none, or they have unequal numbers of samples.

    See Also
    --------
    Targets : The same for y.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import train_test_split
    >>> from fastnn import Inputs
    >>> X = Inputs(image=np.zeros((10, 8, 8, 1)), table=np.ones((10, 3)))
    >>> len(X), X["image"].shape
    (10, (10, 8, 8, 1))
    >>> X_train, X_test = train_test_split(X, test_size=0.2, random_state=0)
    >>> X_test
    Inputs(image=float64 (2, 8, 8, 1), table=float64 (2, 3))
    """

    _what = "inputs"

    @staticmethod
    def _indexable(name: str, array: Any) -> Any:
        if _are_sequences(array):
            return np.fromiter(array, object, len(array))
        return NamedArrays._indexable(name, array)


class Targets(NamedArrays):
    """y of a network with several heads: a column, or several, for each by its name.

    Parameters
    ----------
    **arrays : array-like of shape (n_samples,) or (n_samples, n_columns)
        Class labels, label indicators or numbers; what is missing is NaN or None.

    Raises
    ------
    ValueError
        If there is none, or they have unequal numbers of samples.

    See Also
    --------
    Inputs : The same for X.

    Examples
    --------
    >>> from fastnn import Targets
    >>> y = Targets(churn=["yes", "no", "no"], value=[[1.5, 2.0], [0.0, 3.5], [2.5, 1]])
    >>> y[1:]
    Targets(churn=<U3 (2,), value=float64 (2, 2))
    """

    _what = "targets"

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray:
        """All columns side by side: for who asks of what kind they are.

        Where they are of several kinds, or some are missing, they are words, which can
        be compared.
        """
        columns = [np.asarray(each) for each in self.values()]
        if not all(each.dtype.kind in "biuf" and _all_there(each) for each in columns):
            columns = [each.astype(str) for each in columns]
        return np.asarray(
            np.hstack([each.reshape(len(each), -1) for each in columns]), dtype
        )


def named_columns(values: Any) -> dict[str, Any] | None:
    """Columns by their names, of what has such; None of an array and the like.

    Raises
    ------
    ValueError
        If a data frame has several columns of a name.
    """
    if isinstance(values, NamedArrays | Mapping):
        return {name: values[name] for name in values}
    if not hasattr(values, "columns"):
        return None
    names = list(values.columns)
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ValueError(
            f"a data frame must have one column of each name, got several of {twice}. "
            f"Pass several columns of a name as one array: Targets({twice[0]}=array)."
        )
    return {name: values[name] for name in names}


def _are_sequences(samples: Any) -> bool:
    """Whether a list holds samples of different lengths, of which there is no array."""
    if not isinstance(samples, list | tuple):
        return False
    try:
        lengths = set(map(len, samples))
    except TypeError:  # numbers among them
        return False
    return len(lengths) > 1 and not any(isinstance(e, str | bytes) for e in samples)


def _all_there(array: NDArray) -> bool:
    return array.dtype.kind != "f" or not np.isnan(array).any()


def _described(array: Any) -> str:
    dtype = getattr(array, "dtype", type(array).__name__)
    return f"{dtype} {tuple(array.shape)}"


def _listed(lengths: dict[str, int]) -> str:
    return ", ".join(f"{n} ({name})" for name, n in lengths.items())
