"""The records of a plan's tensors and ops while they are being written."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from fastnn.plan.broadcasting import broadcast_axes
from fastnn.plan.steps import on_axes
from fastnn.plan.tables import (
    FLAGS,
    KINDS,
    MAX_INPUTS,
    MAX_OUTPUTS,
    OP_FLAGS,
    SPACES,
)
from fastnn.plan.tensor import Tensor, aligned, rows_of
from fastnn.plan.views import Fields, Views


class Writer:
    """Writes tensors and ops, and knows nothing of gradients.

    Attributes
    ----------
    tensors, ops : list of dict
        Fields of the records so far.
    params : list of int
        Integers that ops have of their own.
    functions : list of callable
        Losses and augmentations that are Python functions.
    statistic_size : int
        Numbers that statistics take.
    views : Views
        Which tensors are columns of others.
    """

    def __init__(self) -> None:
        self.tensors: list[Fields] = []
        self.ops: list[Fields] = []
        self.params: list[int] = []
        self.functions: list[Callable[..., Any]] = []
        self.statistic_size = 0
        self.views = Views(self.tensors)
        self._scratch: Tensor | None = None
        self._n_masks = 0

    def tensor(
        self,
        space: str,
        shape: tuple[int, ...],
        *,
        per_sample: bool = True,
        needs_gradient: bool = False,
        offset: int = 0,
        index: int = 0,
        axis: int = 0,
    ) -> Tensor:
        record = {
            "space": SPACES[space],
            "per_sample": int(per_sample),
            "base": -1,
            "index": index,
            "axis": axis,
            "size": prod(shape),
            "first": 0,
            "lead": 0,
            "train_offset": offset,
            "predict_offset": offset,
        }
        self.tensors.append(record)
        number = len(self.tensors) - 1
        return Tensor(number, shape, per_sample, needs_gradient, record=record)

    def activation(
        self, shape: tuple[int, ...], *sources: Tensor, axis: int = 0
    ) -> Tensor:
        """A value that an op is going to write.

        Parameters
        ----------
        shape : tuple of int
            Of one sample, or of one step.
        *sources : Tensor
            What it has a gradient for, if one of these has.
        axis : int, default=0
            Whose steps there is one copy for. An op that does not cross them gives its
            outputs that of its inputs.
        """
        needs_gradient = any(source.needs_gradient for source in sources)
        return self.tensor(
            "activation", shape, needs_gradient=needs_gradient, axis=axis
        )

    def statistic(self, *shape: int) -> Tensor:
        """Numbers of all rows, of which each share of a step has its own."""
        offset = self.statistic_size
        self.statistic_size += aligned(prod(shape))
        return self.tensor("statistic", shape, per_sample=False, offset=offset)

    def scratch(self, size: int) -> Tensor | None:
        """So many numbers for an op to use while it runs, None of none.

        All ops have the same ones, and each share of a step its own.
        """
        if not size:
            return None
        if self._scratch is None:
            self._scratch = self.tensor("statistic", (0,), per_sample=False)
        record = self.tensors[self._scratch.number]
        record["size"] = max(size, record["size"])
        return self._scratch

    def place_scratch(self) -> None:
        """Give it its place, when all ops are written, behind all statistics."""
        if self._scratch is not None:
            record = self.tensors[self._scratch.number]
            record["train_offset"] = record["predict_offset"] = self.statistic_size
            self.statistic_size += aligned(record["size"])

    def view(self, x: Tensor, start: int, width: int) -> Tensor:
        """Columns of the last axis of x, where they lie.

        It has no adjoint, as `fastnn.plan.ops.columns` has.
        """
        return self.views.add(x, start, width)

    def emit(
        self,
        kind: str,
        inputs: Sequence[Tensor | None],
        outputs: Sequence[Tensor | None],
        phase: int,
        params: Sequence[int] = (),
        axes: tuple[Tensor, Tensor | None] | None = None,
        **fields: Any,
    ) -> None:
        """Write an op.

        Parameters
        ----------
        kind : str
        inputs, outputs : sequence of Tensor or None
        phase : int
        params : sequence of int, default=()
            Integers of its own.
        axes : tuple of Tensor, default=None
            Instead of the fields that say so: what it runs over, and what is broadcast
            along that, or None.
        **fields
            Others of its record.

        Raises
        ------
        ValueError
            If ``axes`` do not broadcast, or the kind of op reads no tokens, and gets
            some, or values of steps meet others.
        AssertionError
            If the kind of op needs tensors that are no views, and gets one.
        """
        reads_tokens = OP_FLAGS[KINDS[kind]] & FLAGS["reads_tokens"]
        for place, read in enumerate(inputs):
            if read is not None and read.n_tokens and (place or not reads_tokens):
                raise ValueError(
                    f"{kind} needs numbers, and this input of the network is tokens: "
                    "look them up in an embedding first"
                )
        self.views.check(kind, KINDS[kind], (*inputs, *outputs))
        fields |= on_axes(kind, inputs, outputs, self.tensors)
        if axes is not None:
            fields |= {"axes": axes, **broadcast_axes(*axes)}
        self.ops.append(
            {
                "kind": KINDS[kind],
                "phase": phase,
                "params": len(self.params),
                "input": _numbers(inputs, MAX_INPUTS),
                "output": _numbers(outputs, MAX_OUTPUTS),
                **fields,
            }
        )
        self.params += params

    def copy(
        self, x: Tensor | None, y: Tensor, phase: int, accumulate: bool = False
    ) -> None:
        """Write that y becomes, or adds, x of the same shape; None is zeros."""
        rows = rows_of(y, y.shape[-1])
        self.emit("copy", (x,), (y,), phase, accumulate=accumulate, **rows)

    def dense(self, x: Tensor, phase: int) -> Tensor:
        """x for ops that cannot read views: itself, or a copy of one."""
        if not self.views.has(x):
            return x
        y = self.activation(x.shape, x, axis=x.axis)
        self.copy(x, y, phase)
        return y

    def function(self, function: Callable[..., Any]) -> int:
        """The number of a function that an op calls."""
        self.functions.append(function)
        return len(self.functions) - 1

    def mask(self) -> int:
        """A number for the random draws of one op, apart from those of the others."""
        self._n_masks += 1
        return self._n_masks - 1


def _numbers(tensors: Sequence[Tensor | None], count: int) -> list[int]:
    numbers = [-1 if tensor is None else tensor.number for tensor in tensors]
    return numbers + [-1] * (count - len(numbers))
