"""Which tensors are columns of others, while a plan is being written."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from fastnn.plan.broadcasting import broadcast_axes, keeps_rows
from fastnn.plan.records import LOSS_KINDS
from fastnn.plan.tables import FLAGS, OP_FLAGS, PHASES, SPACES
from fastnn.plan.tensor import Tensor, width_of

Fields = dict[str, Any]  # of a record


class Views:
    """What views there are among the tensors of a tape, and who may read them.

    Parameters
    ----------
    tensors : list of dict
        The records so far, which the tape's writer goes on to write.
    """

    def __init__(self, tensors: list[Fields]):
        self._tensors = tensors
        # How many numbers a row of each tensor has for those that read and write it.
        self._widths: dict[int, set[int]] = {}

    def has(self, value: Tensor) -> bool:
        """Whether a value is a range of columns of another one."""
        return bool(self._tensors[value.number]["base"] >= 0)

    def add(self, x: Tensor, start: int, width: int) -> Tensor:
        """Columns of the last axis of x; of a view they are columns of its base."""
        of = self._tensors[x.number]
        shape = (*x.shape[:-1], width)
        place = {
            "base": of["base"] if self.has(x) else x.number,
            "size": prod(shape),
            "first": of["first"] + start,
            "lead": of["lead"] or x.shape[-1],
        }
        record = {**of, **place}
        self._tensors.append(record)
        number = len(self._tensors) - 1
        y = replace(x, number=number, shape=shape, record=record)
        for value in (x, y):
            self.note(value)
        return y

    def note(self, value: Tensor) -> None:
        """Take note of the rows that a value is seen in."""
        self._widths.setdefault(value.number, set()).add(width_of(value))

    def check(self, name: str, kind: int, operands: Iterable[Tensor | None]) -> None:
        """Check that an op can read and write its operands; take note of them.

        Raises
        ------
        AssertionError
            If it meets a view, and needs tensors that are none, or rows of another
            width. Whoever writes the op has to ask for `Tape.dense`.
        """
        for value in operands:
            if value is None:
                continue
            width = width_of(value)
            if self.has(value) and not (
                _reads_views(kind) and width in self._widths[value.number]
            ):
                raise AssertionError(
                    f"the op {name!r} cannot read or write columns of another tensor "
                    f"in rows of {width}, got such of shape {value.shape}: it needs "
                    "tape.dense() of them"
                )
            self.note(value)

    def may_become(self, value: Tensor, ops: Sequence[Fields]) -> bool:
        """Whether all ops so far can do with a value that is columns of another."""
        record = self._tensors[value.number]
        if record["space"] != SPACES["activation"] or self.has(value):
            return False
        if not self._widths.get(value.number, set()) <= {width_of(value)}:
            return False
        return all(
            _reads_views(op["kind"])
            and op["phase"] != PHASES["predict"]  # raw outputs are read where they lie
            and ("axes" not in op or keeps_rows(*op["axes"]))
            for op in ops
            if value.number in (*op["input"], *op["output"])
        )

    def become(self, value: Tensor, whole: Tensor, start: int) -> None:
        """Have a value, and what are views of it, be columns of a whole."""
        self.note(value)
        whole.record["axis"] = value.axis
        place = {"base": whole.number, "lead": whole.shape[-1]}
        for number, tensor in enumerate(self._tensors):
            if value.number in (number, tensor["base"]):
                tensor |= {**place, "first": tensor["first"] + start}

    def spread_targets(self, columns: int, ops: Sequence[Fields]) -> None:
        """Have targets read among others, where rows of a sample lie side by side.

        Raises
        ------
        ValueError
            If an op reads one that cannot do so.
        """
        for number, tensor in enumerate(self._tensors):
            if tensor["space"] != SPACES["target"]:
                continue
            tensor["lead"] = columns
            is_row = self._widths.get(number) == {tensor["size"]}
            for op in ops:
                of_loss = op["kind"] in LOSS_KINDS and tensor["base"] < 0
                reads = of_loss or (is_row and _reads_views(op["kind"]))
                if number in op["input"] and not reads:
                    raise ValueError(
                        "one of several targets can be read by losses, and as a single "
                        f"row by others, got rows of {self._widths[number]} of its "
                        f"{tensor['size']} numbers"
                    )

    def separate_rows(self, ops: Sequence[Fields]) -> None:
        """Keep the last axis by itself where ops along axes read or write views."""
        for op in ops:
            if "axes" not in op:
                continue
            a, b = op.pop("axes")
            numbers = [i for i in (*op["input"], *op["output"]) if i >= 0]
            if any(self._tensors[i]["lead"] for i in numbers):
                lead = self._tensors[b.number]["lead"] if b is not None else 0
                op |= broadcast_axes(a, b, True, lead)


def _reads_views(kind: int) -> bool:
    return bool(OP_FLAGS[kind] & FLAGS["reads_views"])
