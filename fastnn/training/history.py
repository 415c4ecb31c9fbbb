"""What was measured of each epoch."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np

from fastnn.utils.plain import PlainState


class History(Mapping[str, list[float]]):
    """Numbers of each epoch: a mapping of names to lists with one number per epoch.

    An epoch is added whole or not at all, so that the lists are of one length at any
    moment. A copy takes no time, however long the history is: epochs that both have in
    common are kept once, because they never change.

    Parameters
    ----------
    names : sequence of str, default=()
        What the mapping shows, in this order.

    Attributes
    ----------
    names : tuple of str
    n_epochs : int
    """

    def __init__(self, names: Sequence[str] = ()):
        self.names = tuple(names)
        self.n_epochs = 0
        self._epochs: list[dict[str, float]] = []
        # Lists that have been asked for, of the first of these epochs.
        self._lists: dict[str, list[float]] = {}
        self._dict: dict[str, list[float]] | None = None

    def copy(self) -> Self:
        """The same epochs; what is added to one of the two is not seen by the other."""
        other = type(self)(self.names)
        other.n_epochs = self.n_epochs
        other._epochs, other._lists = self._epochs, self._lists
        return other

    def append(self, measured: Mapping[str, float]) -> None:
        """Add an epoch.

        Parameters
        ----------
        measured : mapping of str to float
            What was measured; the rest is NaN.
        """
        if len(self._epochs) != self.n_epochs:
            # Somebody else has gone on from here.
            self._epochs, self._lists = self._epochs[: self.n_epochs], {}
        self._dict = None
        self._epochs.append({name: float(each) for name, each in measured.items()})
        self.n_epochs += 1

    def measured(self, name: str) -> list[float]:
        """The numbers of one name, without the epochs that it was not measured in."""
        epochs = self._epochs[: self.n_epochs]
        return [each[name] for each in epochs if name in each]

    @property
    def latest(self) -> dict[str, float]:
        """What was measured in the last epoch; empty before the first one."""
        if not self.n_epochs:
            return {}
        epoch = self._epochs[self.n_epochs - 1]
        return {name: epoch.get(name, math.nan) for name in self.names}

    def __getitem__(self, name: str) -> list[float]:
        if name not in self.names:
            raise KeyError(name)
        known = self._lists.setdefault(name, [])
        epochs = self._epochs[len(known) : self.n_epochs]
        known += [each.get(name, math.nan) for each in epochs]
        return known[: self.n_epochs] if len(known) > self.n_epochs else known

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def as_dict(self) -> dict[str, list[float]]:
        """The lists in a dict, the same one until there is another epoch."""
        if self._dict is None:
            self._dict = {name: list(self[name]) for name in self.names}
        return self._dict

    def to_plain(self) -> dict[str, Any]:
        """What is saved of it: a row of numbers for each epoch."""
        epochs = self._epochs[: self.n_epochs]
        known = [*self.names, *(name for each in epochs for name in each)]
        names = list(dict.fromkeys(known))
        shape = len(epochs), len(names)
        values = [[each.get(name, math.nan) for name in names] for each in epochs]
        measured = [[name in each for name in names] for each in epochs]
        return {
            "shown": list(self.names),
            "names": names,
            "values": np.array(values, dtype=np.float64).reshape(shape),
            "measured": np.array(measured, dtype=bool).reshape(shape),
        }

    @classmethod
    def from_plain(cls, state: Any) -> Self:
        """The same from what was saved; ValueError if that is damaged."""
        saved = PlainState("the history of training", state)
        names = saved.words("names")
        measured = saved.get("measured", np.ndarray)
        if measured.dtype != bool or measured.shape[1:] != (len(names),):
            expected = f"of bool, with {len(names)} columns"
            got = f"{measured.dtype} of shape {measured.shape}"
            raise saved.damaged("measured", expected, got)
        values = saved.array("values", measured.shape)
        shown = saved.words("shown")
        if not set(shown) <= set(names):
            raise saved.damaged("shown", f"some of {names}", shown)
        history = cls(shown)
        for numbers, there in zip(values.tolist(), measured.tolist(), strict=True):
            epoch = zip(names, numbers, there, strict=True)
            history.append({name: number for name, number, known in epoch if known})
        return history

    def __reduce__(self) -> tuple:
        return type(self).from_plain, (self.to_plain(),)
