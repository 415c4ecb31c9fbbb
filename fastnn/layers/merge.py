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
from fastnn.plan.tensor import Tensor
from fastnn.utils.plain_numbers import Interval


class Merge(Part, ABC):
    """Base class of the layers that take several inputs.

    As a :class:`Layer`, it holds its constructor arguments and nothing else. It stands
    where branches of a network meet, and not in a stack, which has one value to pass
    on.
    """

    @property
    def many_inputs(self) -> bool:
        return True

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
        if len(input_shape) < 2:
            raise ValueError(
                f"{self!r} merges two inputs or more, got {len(input_shape)}."
            )
        try:
            return reduce(broadcast_shape, input_shape)
        except ValueError as wrong:
            raise ValueError(f"{self!r} cannot merge its inputs: {wrong}.") from None

    def lower(self, tape: Tape, x: Sequence[Tensor], name: str) -> Tensor:
        """Write the layer's ops; see :meth:`Merge.lower`."""
        self.output_shape([each.shape for each in x])
        return reduce(lambda a, b: self._pair(tape, a, b), x)


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
        return ops.scale(tape, super().lower(tape, x, name), 1 / len(x))


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
        if len(input_shape) < 2:
            raise ValueError(
                f"{self!r} merges two inputs or more, got {len(input_shape)}."
            )
        first = input_shape[0]
        axis = self._axis_of(first)
        for shape in input_shape:
            others = [each[:axis] + each[axis + 1 :] for each in (first, shape)]
            if len(shape) != len(first) or others[0] != others[1]:
                raise ValueError(
                    f"{self!r} cannot put values of the shapes {first} and {shape} "
                    "side by side: all other axes must be equal."
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
        y = self.output_shape([each.shape for each in x])
        axis = self._axis_of(y)
        if axis == len(y) - 1:
            return ops.concatenate(tape, x)
        before = prod(y[:axis])
        rows = [ops.reshape(tape, each, (before, each.size // before)) for each in x]
        return ops.reshape(tape, ops.concatenate(tape, rows), y)
