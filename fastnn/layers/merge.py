"""The layers that make one value of several."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import reduce
from math import prod
from numbers import Integral
from typing import ClassVar

from fastnn.layers.base import Part
from fastnn.plan import ops
from fastnn.plan.broadcasting import broadcast_shape
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor, shape_of_sample
from fastnn.utils.plain_numbers import Interval

Shape = tuple[int, ...]  # of a sample; that of sequences begins with None


class Merge(Part, ABC):
    """Base class of the layers that take several inputs.

    As a :class:`Layer`, it holds its constructor arguments and nothing else. It stands
    where branches of a network meet, and not in a stack, which has one value to pass
    on.
    """

    _takes_sequences = True
    _masks = "uses"

    @property
    def many_inputs(self) -> bool:
        return True

    def _have_steps(self, shapes: Sequence[Shape]) -> bool:
        """Whether there is a value of each input for each step of sequences.

        Raises
        ------
        ValueError
            If there are fewer than two inputs, or such are to be merged with others.
        """
        if len(shapes) < 2:
            raise ValueError(f"{self!r} merges two inputs or more, got {len(shapes)}.")
        of_steps = [None in shape for shape in shapes]
        if any(of_steps) and not all(of_steps):
            raise ValueError(
                f"{self!r} cannot merge a value for each step of sequences with one "
                f"for each sample: the shapes are {[tuple(each) for each in shapes]}. "
                "Make one value of each sequence first, by a GlobalAveragePooling1D."
            )
        return all(of_steps)

    @abstractmethod
    def output_shape(self, input_shape: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        """Shape of one output sample.

        Parameters
        ----------
        input_shape : sequence of tuple of int
            Shapes of one sample of each input, of which there are two or more.

        Returns
        -------
        output_shape : tuple of int

        Raises
        ------
        ValueError
            If there are fewer inputs, or their shapes do not go together.
        """

    @abstractmethod
    def lower(self, tape: Tape, x: Sequence[Tensor], name: str) -> Tensor:
        """Write the layer's ops.

        Parameters
        ----------
        tape : Tape
            Takes the ops, and writes their adjoints.
        x : sequence of Tensor
            Two or more.
        name : str
            The layer's.

        Returns
        -------
        y : Tensor
            The layer's output.

        Raises
        ------
        ValueError
            If there are fewer inputs, or their shapes do not go together.
        """


class _ByNumber(Merge):
    """Merges number by number, where inputs broadcast along each other."""

    @abstractmethod
    def _pair(self, tape: Tape, a: Tensor, b: Tensor) -> Tensor:
        """Write what becomes of two inputs."""

    def output_shape(self, input_shape: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        """The shape that all inputs are broadcast to; see :meth:`Merge.output_shape`.

        Inputs of fewer axes get more of length 1 behind that of the samples, and axes
        of length 1 are repeated.
        """
        steps = (None,) if self._have_steps(input_shape) else ()
        try:
            of_step = reduce(broadcast_shape, (s[len(steps) :] for s in input_shape))
        except ValueError as wrong:
            raise ValueError(f"{self!r} cannot merge its inputs: {wrong}.") from None
        return (*steps, *of_step)

    def lower(self, tape: Tape, x: Sequence[Tensor], name: str) -> Tensor:
        """Write the layer's ops; see :meth:`Merge.lower`."""
        self.output_shape([shape_of_sample(each) for each in x])
        y = reduce(lambda a, b: self._pair(tape, a, b), x)
        return tape.masked(y, mask_of_any(tape, x))


class Add(_ByNumber):
    """The sum of its inputs, number by number.

    Shapes go together as NumPy's do: inputs of fewer axes get more of length 1 behind
    that of the samples, and axes of length 1 are repeated. So a residual connection
    adds what stands before some layers to what stands behind them.

    Examples
    --------
    >>> from fastnn.layers import Add
    >>> Add().output_shape([(8, 64), (8, 64)])
    (8, 64)
    """

    def _pair(self, tape: Tape, a: Tensor, b: Tensor) -> Tensor:
        return ops.broadcast_add(tape, a, b)


class Multiply(_ByNumber):
    """The product of its inputs, number by number.

    Shapes go together as those of :class:`Add`: a gate of one number for each position
    scales all that stands there.

    Examples
    --------
    >>> from fastnn.layers import Multiply
    >>> Multiply().output_shape([(8, 64), (8, 1)])
    (8, 64)
    """

    def _pair(self, tape: Tape, a: Tensor, b: Tensor) -> Tensor:
        return ops.multiply(tape, a, b)


class Average(_ByNumber):
    """The mean of its inputs, number by number.

    Shapes go together as those of :class:`Add`.

    Examples
    --------
    >>> from fastnn.layers import Average
    >>> Average().output_shape([(64,), (64,), (1,)])
    (64,)
    """

    def _pair(self, tape: Tape, a: Tensor, b: Tensor) -> Tensor:
        return ops.broadcast_add(tape, a, b)

    def lower(self, tape: Tape, x: Sequence[Tensor], name: str) -> Tensor:
        """Write the layer's ops; see :meth:`Merge.lower`."""
        y = super().lower(tape, x, name)
        return tape.masked(ops.scale(tape, y, 1 / len(x)), tape.mask_of(y))


class Maximum(_ByNumber):
    """The largest of its inputs, number by number.

    Shapes go together as those of :class:`Add`. The gradient goes to the largest; two
    that are equal have half of it each.

    Examples
    --------
    >>> from fastnn.layers import Maximum
    >>> Maximum().output_shape([(8, 64), (64,)])
    (8, 64)
    """

    def _pair(self, tape: Tape, a: Tensor, b: Tensor) -> Tensor:
        return ops.maximum(tape, a, b)


class Concatenate(Merge):
    """Its inputs side by side along an axis.

    All other axes must be equal. Nothing is copied where layers can write and read
    columns of what they make together.

    Parameters
    ----------
    axis : int, default=-1
        The axis along which inputs may differ. That of the samples is axis 0 and cannot
        be it; negative numbers count from the last.

    Examples
    --------
    >>> from fastnn.layers import Concatenate
    >>> Concatenate().output_shape([(8, 64), (8, 3)])
    (8, 67)
    >>> Concatenate(axis=1).output_shape([(8, 64), (2, 64)])
    (10, 64)
    """

    _parameter_constraints: ClassVar[dict] = {
        "axis": [Interval(Integral, None, None, closed="neither")]
    }

    def __init__(self, axis: int = -1):
        self.axis = axis

    def output_shape(self, input_shape: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        """Shape with the lengths along the axis added up."""
        has_steps, first = self._have_steps(input_shape), input_shape[0]
        axis = self._axis_of(first)
        for shape in input_shape:
            others = [each[:axis] + each[axis + 1 :] for each in (first, shape)]
            if len(shape) != len(first) or others[0] != others[1]:
                raise ValueError(
                    f"{self!r} cannot put values of the shapes {first} and {shape} "
                    "side by side: all other axes must be equal."
                )
        if has_steps and axis == 0:
            raise ValueError(
                f"{self!r} cannot put sequences of different lengths one after the "
                f"other: the shapes are {[tuple(each) for each in input_shape]}. Bring "
                "them to one length, or merge them along the last axis."
            )
        length = sum(shape[axis] for shape in input_shape)
        return (*first[:axis], length, *first[axis + 1 :])

    def _axis_of(self, shape: tuple[int, ...]) -> int:
        """The axis of a sample."""
        self._validate_params()
        axis = int(self.axis) - 1 if self.axis >= 0 else len(shape) + int(self.axis)
        if not 0 <= axis < len(shape):
            raise ValueError(
                f"{self!r} needs an axis of its inputs other than that of the samples, "
                f"which have the shape {shape}: one of 1 to {len(shape)}, or of -1 to "
                f"-{len(shape)}."
            )
        return axis

    def lower(self, tape: Tape, x: Sequence[Tensor], name: str) -> Tensor:
        """Put the last axis side by side, which others become; see :meth:`Merge.lower`.

        Numbers along an axis and all behind it are a row.
        """
        y = self.output_shape([shape_of_sample(each) for each in x])
        axis = self._axis_of(y) - len(y) + len(x[0].shape)
        y = y[-len(x[0].shape) :]
        if axis == len(y) - 1:
            return tape.masked(ops.concatenate(tape, x), mask_of_any(tape, x))
        joined = _side_by_side(tape, x, axis, y)
        masks = [tape.mask_of(each) for each in x]
        if any(mask is not None for mask in masks):
            passing = [
                ops.ones(tape, each.shape[:-1]) if mask is None else mask
                for mask, each in zip(masks, x, strict=True)
            ]
            tape.masked(joined, _side_by_side(tape, passing, axis, y[:-1]))
        return joined


def _side_by_side(
    tape: Tape, values: Sequence[Tensor], axis: int, shape: tuple[int, ...]
) -> Tensor:
    """Values along an axis, as this shape: numbers along it and behind are a row."""
    before = prod(shape[:axis])
    rows = [ops.reshape(tape, each, (before, each.size // before)) for each in values]
    return ops.reshape(tape, ops.concatenate(tape, rows), shape)


def mask_of_any(tape: Tape, values: Sequence[Tensor]) -> Tensor | None:
    """The steps at which any of several values counts; None if all steps of one do."""
    masks = {}
    for each in values:
        mask = tape.mask_of(each)
        if mask is None:
            return None
        masks[mask.number] = mask
    return reduce(lambda a, b: ops.maximum(tape, a, b), masks.values())
