"""The losses of several heads, of which a weighted sum is minimised."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastnn.losses.base import Loss
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor


class HeadLosses(Loss):
    """A loss for each head of a network, by the head's name.

    Parameters
    ----------
    losses : list of (str, Loss, float) tuples
        Name, loss, and the factor of that in the sum.
    """

    def __init__(self, losses: Sequence[tuple[str, Loss, float]]):
        self.losses = losses

    @property
    def link(self) -> Any:  # type: ignore[override] # one for each head
        """Function from raw outputs to predictions, by the name of the head."""
        return {name: loss.link for name, loss, _ in self.losses}

    def lower(self, tape: Tape, z: Any) -> Any:
        """Write the losses of all heads; return the predictions of each by name."""
        outputs: Mapping[str, Tensor] = z
        predictions = {}
        for name, loss, weight in self.losses:
            with tape.named(name, weight):
                predictions[name] = loss.lower(tape, outputs[name])
        return predictions
