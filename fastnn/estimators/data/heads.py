"""Targets of a network with several heads: for each by its name, of a kind of its own.

A sample may lack the target of a head. It then counts in the losses of the others.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import _safe_indexing, check_array, column_or_1d

from fastnn.estimators.data.arrays import check_kind, on_host
from fastnn.estimators.data.containers import Targets as NamedTargets
from fastnn.estimators.data.containers import named_columns
from fastnn.estimators.data.kinds import real_numbers
from fastnn.estimators.data.missing import array_of, of_one_kind, without_value
from fastnn.estimators.data.targets import (
    ClassTargets,
    ColumnsOfClasses,
    RegressionTargets,
    one_target_from_plain,
)
from fastnn.losses import Loss
from fastnn.losses.heads import HeadLosses
from fastnn.utils.plain import PlainState

OneTarget = RegressionTargets | ClassTargets | ColumnsOfClasses

# What y of several heads can be, which is what predictions then are.
CONTAINERS = "pandas", "polars", "Targets", "array"


@contextmanager
def naming_head(head: str) -> Iterator[None]:
    """Say in messages which head they are of."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"head {head!r}: {error}") from error


class HeadValues:
    """Checked targets of several heads, as scores compare with them.

    Parameters
    ----------
    values : dict of str to ndarray
        One for each head, of all samples. Where a target is missing stands another one.
    present : dict of str to ndarray of bool or None
        Which samples have one; None is all.
    numeric : dict of str to bool
        Whether they are numbers, and not classes.
    container : {"pandas", "polars", "Targets", "array"}
        What y was.
    """

    def __init__(
        self,
        values: Mapping[str, NDArray],
        present: Mapping[str, NDArray | None],
        numeric: Mapping[str, bool],
        container: str,
    ):
        self.values, self.present = dict(values), dict(present)
        self.numeric, self.container = dict(numeric), container
        self.shape = (len(next(iter(self.values.values()))), len(self.values))

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __getitem__(self, rows: Any) -> "HeadValues":
        present = {
            name: None if each is None else each[rows]
            for name, each in self.present.items()
        }
        values = {name: each[rows] for name, each in self.values.items()}
        return HeadValues(values, present, self.numeric, self.container)

    def shown(self) -> NamedTargets:
        """The targets as a user may have passed them: missing ones are NaN or None."""
        return NamedTargets.of({head: self._shown(head) for head in self.values})

    def _shown(self, head: str) -> NDArray:
        values, present = self.values[head], self.present[head]
        if present is None:
            return values
        fractions = values.dtype.kind == "f"
        found = values.copy() if fractions else values.astype(object)
        found[~present] = np.nan if fractions else None
        return found

    def lacks(self, head: str) -> bool:
        """Whether no sample has a target of a head."""
        present = self.present[head]
        return present is not None and not present.any()

    def of(self, head: str) -> NDArray:
        """The targets of a head, of the samples that have one."""
        present = self.present[head]
        return self.values[head] if present is None else self.values[head][present]


def columns_of_heads(y: Any, heads: Sequence[str], name: str) -> dict[str, Any]:
    """What a user passes as y, by the name of the head.

    Raises
    ------
    ValueError
        If it is no data frame, Targets or mapping, where there are several heads, or
        has other names than these.
    """
    columns = named_columns(y)
    if columns is None and len(heads) == 1:
        columns = {heads[0]: y}
    if columns is None:
        raise ValueError(
            f"{name} must have a column for each of the heads {list(heads)}: pass a "
            f"data frame, or fastnn.Targets({heads[0]}=...), got "
            f"{type(y).__name__}{_shape(y)}."
        )
    missing = [each for each in heads if each not in columns]
    surplus = [each for each in columns if each not in heads]
    if missing:
        raise ValueError(
            f"{name} has no targets for the heads {missing}, only {list(columns)}. "
            "Pass a column for each head, or take these heads out of the network."
        )
    if surplus:
        raise ValueError(
            f"{name} has targets {surplus}, for which the network has no head: its "
            f"heads are {list(heads)}. Leave them out, or add heads of these names."
        )
    return {each: on_host(columns[each], name) for each in heads}


def container_of(y: Any) -> str:
    """What predictions shall be, because y is."""
    if hasattr(y, "columns"):
        module = type(y).__module__.partition(".")[0]
        return module if module in CONTAINERS else "Targets"
    return "Targets" if isinstance(y, NamedTargets | Mapping) else "array"


def check_head(
    head: str, values: Any, name: str, *, numeric: bool
) -> tuple[NDArray, NDArray | None]:
    """Checked targets of a head, and which samples have one.

    Parameters
    ----------
    head : str
    values : array-like
        As the user passed them. NaN, None and what else means so is missing.
    name : str
        What the user calls y.
    numeric : bool
        Whether they must be numbers.

    Returns
    -------
    values : ndarray of shape (n_samples,) or (n_samples, n_columns)
        Where a target is missing stands the first one that is there.
    present : ndarray of bool of shape (n_samples,) or None
        None is all.

    Raises
    ------
    ValueError
        If all are missing, or they are something else than targets.
    """
    what = f"{name}[{head!r}]"
    check_kind(values, what, "cM" if numeric else "c")
    values = with_samples(values, what)
    missing = without_value(values)
    if missing.all():
        raise ValueError(
            f"{what} has no targets: all of the {len(missing)} are missing. Pass some, "
            "or take the head out of the network."
        )
    present = None if not missing.any() else ~missing
    some = (
        values if present is None else _safe_indexing(values, np.flatnonzero(present))
    )
    some = of_one_kind(np.asarray(some))
    try:
        checked = check_array(some, ensure_2d=False, dtype=None, input_name=what)
    except ValueError as error:
        if what in str(error):
            raise
        raise ValueError(f"{what}: {error}") from error
    if numeric:
        checked = real_numbers(checked, what)
    if checked.ndim == 2 and checked.shape[1] == 1:
        checked = column_or_1d(checked)
    if present is None:
        return checked, None
    full = np.empty((len(missing), *checked.shape[1:]), checked.dtype)
    full[present], full[missing] = checked, checked[0]
    return full, present


def with_samples(values: Any, what: str) -> Any:
    """An array, a series or a data frame of one row for each sample."""
    if sparse.issparse(values):
        raise ValueError(
            f"{what} is sparse, and heads take dense targets. Pass {what}.toarray()."
        )
    try:
        values = array_of(values)
    except ValueError as error:  # such as rows of unequal lengths
        raise ValueError(
            f"{what} must have as many numbers or labels for each sample: {error}"
        ) from error
    shape = tuple(values.shape)
    if len(shape) not in (1, 2) or 0 in shape[1:]:
        raise ValueError(
            f"{what} must be an array of shape (n_samples,) or (n_samples, n_columns), "
            f"got {f'the shape {shape}' if shape else type(values[()]).__name__}."
        )
    return values


class HeadTargets:
    """Targets of several heads.

    Parameters
    ----------
    heads : dict of str to RegressionTargets, ClassTargets or ColumnsOfClasses
    weights : dict of str to float
        Factors of the heads' losses in what is minimised.
    container : {"pandas", "polars", "Targets", "array"}
        What y was.

    Attributes
    ----------
    loss : HeadLosses
    n_outputs : int
        Of all heads together.
    classes : dict of str to ndarray
        Of the heads that are asked for classes.
    """

    kind: ClassVar[str] = "heads"

    def __init__(
        self,
        heads: Mapping[str, OneTarget],
        weights: Mapping[str, float],
        container: str,
    ):
        self.heads, self.container = dict(heads), container
        self.loss = HeadLosses(
            [(name, each.loss, weights[name]) for name, each in heads.items()]
        )
        self.n_outputs = sum(each.n_outputs for each in heads.values())
        self.classes = {
            name: each.classes
            for name, each in heads.items()
            if not isinstance(each, RegressionTargets)
        }
        self._ends = np.cumsum([each.n_outputs for each in heads.values()])[:-1]

    def to_plain(self) -> dict[str, Any]:
        """What is saved of them beside the loss."""
        return {
            "kind": self.kind,
            "container": self.container,
            "names": list(self.heads),
            "heads": [each.to_plain() for each in self.heads.values()],
        }

    @classmethod
    def from_plain(cls, saved: PlainState, loss: HeadLosses) -> "HeadTargets":
        """The same from what was saved; ValueError if that is damaged."""
        names, states = saved.words("names"), saved.get("heads", list)
        container = saved.get("container", str)
        terms = {name: (each, weight) for name, each, weight in loss.losses}
        if list(terms) != names or len(states) != len(names):
            raise saved.damaged("heads", f"those of {list(terms)}", names)
        if container not in CONTAINERS:
            raise saved.damaged("container", f"one of {CONTAINERS}", repr(container))
        heads = {
            name: one_target_from_plain(state, terms[name][0])
            for name, state in zip(names, states, strict=True)
        }
        return cls(
            heads, {name: weight for name, (_, weight) in terms.items()}, container
        )

    def check(
        self, y: HeadValues, classes: Any = None, *, complete: bool = False
    ) -> None:
        """Check further targets against these, as far as there are some."""
        for name, each in self.heads.items():
            if y.lacks(name):
                continue
            with naming_head(name):
                if isinstance(each, RegressionTargets):
                    each.check(y.of(name))
                else:
                    known = None if classes is None else classes.get(name)
                    each.check(y.of(name), known, complete=complete)

    def encode(self, y: HeadValues, dtype: np.dtype) -> NDArray:
        """Targets of all heads side by side, as their losses read them."""
        parts = [
            each.encode(y.values[name], dtype) for name, each in self.heads.items()
        ]
        return np.ascontiguousarray(np.hstack(parts))

    def split(self, outputs: NDArray) -> dict[str, NDArray]:
        """Outputs of each head."""
        parts = np.split(outputs, self._ends, axis=1)
        return dict(zip(self.heads, parts, strict=True))

    def decode(self, outputs: NDArray) -> dict[str, Any]:
        """Predictions of each head."""
        parts = self.split(outputs)
        return {name: each.decode(parts[name]) for name, each in self.heads.items()}

    def probabilities(self, outputs: NDArray) -> dict[str, Any]:
        """Probabilities of classes, of the heads whose loss makes such."""
        parts = self.split(outputs)
        return {
            name: each.probabilities(parts[name])
            for name, each in self.heads.items()
            if not isinstance(each, RegressionTargets) and has_probabilities(each.loss)
        }

    def scores(
        self, y: HeadValues, predictions: Mapping[str, Any], weight: NDArray | None
    ) -> dict[str, float]:
        """Accuracy or R2 of each head, on the samples that have its target."""
        found = {}
        for number, (name, each) in enumerate(self.heads.items()):
            present, own = y.present[name], weight
            if weight is not None and weight.ndim == 2:
                own = weight[:, 1 + number]
            predicted = predictions[name]
            if present is not None:
                predicted = predicted[present]
                own = None if own is None else own[present]
            found[name] = each.score(y.of(name), predicted, own)
        return found

    def score(
        self, y: HeadValues, predictions: Mapping[str, Any], weight: NDArray | None
    ) -> float:
        """The mean of the heads' scores."""
        return mean_score(self.scores(y, predictions, weight))


def mean_score(scores: Mapping[str, float]) -> float:
    """One number for the scores of several heads."""
    return float(np.mean(list(scores.values())))


def has_probabilities(loss: Any) -> bool:
    """Whether a loss makes probabilities of raw outputs."""
    return loss.link in ("logistic", "softmax")


def _shape(y: Any) -> str:
    shape = getattr(y, "shape", None)
    return "" if shape is None else f" of shape {tuple(shape)}"


def targets_from_plain(state: Any, loss: Loss) -> OneTarget | HeadTargets:
    """Targets from what was saved of them, and the loss; ValueError if damaged."""
    saved = PlainState("what the model was trained for", state)
    if saved.get("kind", str) != HeadTargets.kind:
        return one_target_from_plain(state, loss)
    if not isinstance(loss, HeadLosses):
        raise saved.damaged("kind", "that of one output", repr(HeadTargets.kind))
    return HeadTargets.from_plain(saved, loss)
