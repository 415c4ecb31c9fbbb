"""Values that ops read and write, while a plan is being written."""

from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from fastnn.plan.tables import ALIGNMENT


@dataclass(frozen=True)
class Tensor:
    """A value that ops read or write.

    Parameters
    ----------
    number : int
        Its place in the plan's records.
    shape : tuple of int
        Its shape; of one sample, when there is one copy for each.
    per_sample : bool
        Whether there is one copy for each sample of the batch.
    needs_gradient : bool
        Whether a trained parameter stands behind it.
    n_tokens : int, default=0
        Above 0 it is integers from 0 to ``n_tokens - 1``, which only ops read that say
        so in the table of ops.
    record : dict
        Its fields in the plan's records, as far as they are written.
    """

    number: int
    shape: tuple[int, ...]
    per_sample: bool
    needs_gradient: bool
    n_tokens: int = 0
    record: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def axis(self) -> int:
        """Whose steps there is one copy for: from 1 on; 0 is one for each sample."""
        return int(self.record.get("axis", 0))

    def reshaped(self, shape: tuple[int, ...]) -> "Tensor":
        """The same numbers, seen in another shape.

        Raises
        ------
        ValueError
            If that has more numbers, or fewer.
        """
        if prod(shape) != self.size:
            raise ValueError(
                f"{self.size} numbers of shape {self.shape} are not the {prod(shape)} "
                f"of shape {shape}"
            )
        return replace(self, shape=shape)


def aligned(n: int) -> int:
    """So many numbers, and others up to where rows begin at a cache line again."""
    return -(-n // ALIGNMENT) * ALIGNMENT


def width_of(value: Tensor) -> int:
    """Numbers in a row of the last axis."""
    return value.shape[-1] if value.shape else 1


def shape_of_sample(value: Tensor) -> tuple[Any, ...]:
    """What layers call its shape: of a value for each step it begins with None."""
    return (None, *value.shape) if value.axis else value.shape


def samples_of(z: Tensor) -> dict[str, Any]:
    """The samples of z, of which an op looks at all numbers."""
    return {"dim": (1, 1, 1, z.size), "per_sample": 1 << 2}


def rows_of(z: Tensor, width: int) -> dict[str, Any]:
    """The rows of z over all samples, of which an op looks at so many columns."""
    return {"dim": (1, 1, prod(z.shape[:-1]), width), "per_sample": 1 << 2}
