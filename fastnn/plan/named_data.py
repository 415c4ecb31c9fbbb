"""Targets and losses by name, while a plan is being written."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite

from fastnn.plan.records import LossTerm, Target


class NamedData:
    """The columns of y and the losses that read them, in the order they are written.

    Attributes
    ----------
    targets : list of Target
    losses : list of LossTerm
    """

    def __init__(self) -> None:
        self.targets: list[Target] = []
        self.losses: list[LossTerm] = []
        self._blocks = [LossTerm("y", 1.0)]

    @contextmanager
    def block(self, name: str, weight: float) -> Iterator[None]:
        """What is written within has this name, and its losses this weight."""
        if not (isfinite(weight) and weight > 0):
            raise ValueError(
                f"the weight of the loss {name!r} must be a finite number above 0, got "
                f"{weight!r}. Leave out a head that is not to be trained, or freeze it."
            )
        self._blocks.append(LossTerm(name, float(weight)))
        try:
            yield
        finally:
            self._blocks.pop()

    @property
    def target_columns(self) -> int:
        """Columns of y so far."""
        return sum(target.size for target in self.targets)

    def target(
        self, shape: tuple[int, ...], n_classes: tuple[int, ...], name: str
    ) -> int:
        """Add a target; return its first column."""
        name, first = name or self._blocks[-1].name, self.target_columns
        if any(target.name == name for target in self.targets):
            raise ValueError(
                f"there is a target {name!r} already: each needs a name of its own"
            )
        self.targets.append(Target(name, first, shape, n_classes))
        return first

    def loss_term(self) -> tuple[int, float]:
        """Number and weight of the present block's loss."""
        term = self._blocks[-1]
        for number, known in enumerate(self.losses):
            if known == term:
                return number, term.weight
            if known.name == term.name:
                raise ValueError(
                    f"the loss {term.name!r} has the weight {known.weight} once and "
                    f"{term.weight} the other time"
                )
        self.losses.append(term)
        return len(self.losses) - 1, term.weight
