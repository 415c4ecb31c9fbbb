"""Convolutions over one axis or two, channels last, and their adjoints."""

from collections.abc import Sequence
from math import prod

from fastnn.plan.tape import ALWAYS, TRAIN, Tape
from fastnn.plan.tensor import Tensor, aligned
from fastnn.plan.windows import Windows

# Numbers and windows of the samples that the gradient of a kernel is summed over at a
# time, and places of those that windows are summed of.
NUMBERS_AT_A_TIME, WINDOWS_AT_A_TIME, PLACES_AT_A_TIME = 2**16, 192, 384
# Channels that lie side by side where they are read often: as many as a tile has rows.
# Often is what one is multiplied by, in all filters of its group.
BLOCK_OF_CHANNELS, OFTEN = 8, 128
# What an op reads along an axis: the first place and how many.
Cut = tuple[int, int]


def conv(
    tape: Tape, x: Tensor, kernel: Tensor, along: Sequence[Windows], groups: int = 1
) -> Tensor:
    """The sum over each window of x times the kernel, for each filter.

    Parameters
    ----------
    x : Tensor of shape (steps, channels) or (height, width, channels)
        One for each sample.
    kernel : Tensor of shape (*size, channels // groups, filters)
    along : sequence of Windows
        Along each axis but the last.
    groups : int, default=1
        Each group of channels leads to a group of filters of its own.

    Returns
    -------
    y : Tensor of shape (*windows, filters)
    """
    return _Convolution(kernel, along, groups).conv(tape, x)


def conv_transposed(
    tape: Tape, y: Tensor, kernel: Tensor, along: Sequence[Windows], groups: int = 1
) -> Tensor:
    """The gradient that :func:`conv` would have with respect to x, from that of y.

    Parameters
    ----------
    y : Tensor of shape (*windows, filters)
        One for each sample.
    kernel : Tensor of shape (*size, channels // groups, filters)
    along : sequence of Windows
        Of that convolution.
    groups : int, default=1

    Returns
    -------
    x : Tensor of shape (*lengths, channels)
    """
    return _Convolution(kernel, along, groups).transposed(tape, y)


class _Convolution:
    """Writes three ops, of which each is needed in the adjoint of another one.

    Attributes
    ----------
    image, maps : tuple of int
        The shapes of what windows lie in, and of what they lead to.
    """

    def __init__(self, kernel: Tensor, along: Sequence[Windows], groups: int):
        *size, per_group, filters = kernel.shape
        assert size == [axis.size for axis in along]
        assert filters % groups == 0
        assert all(axis.stride == 1 or axis.dilation == 1 for axis in along)
        self.kernel, self.groups = kernel, groups
        self.channels, self.filters = per_group * groups, filters
        self.image = (*(axis.length for axis in along), self.channels)
        self.maps = (*(axis.count for axis in along), filters)
        # Of a single axis, the rows are one.
        self.along = (*[Windows(1, 1, 1, 1, 0, 1)] * (2 - len(along)), *along)

    def conv(self, tape: Tape, x: Tensor) -> Tensor:
        x, y = tape.dense(x), tape.activation(self.maps, x, self.kernel)
        self._sum_windows(tape, x, y, ALWAYS)

        def adjoint() -> None:
            dy = tape.dense_gradient_of(y)
            self._sum_samples(tape, x, dy)
            if x.needs_gradient:
                dx = tape.activation(x.shape)
                self._spread(tape, dy, dx, TRAIN)
                tape.contribute(x, dx)

        tape.record(y, adjoint)
        return y

    def transposed(self, tape: Tape, y: Tensor) -> Tensor:
        y, x = tape.dense(y), tape.activation(self.image, y, self.kernel)
        self._spread(tape, y, x, ALWAYS)

        def adjoint() -> None:
            dx = tape.dense_gradient_of(x)
            self._sum_samples(tape, dx, y)
            if y.needs_gradient:
                dy = tape.activation(y.shape)
                self._sum_windows(tape, dx, dy, TRAIN)
                tape.contribute(y, dy)

        tape.record(x, adjoint)
        return x

    def _sum_windows(self, tape: Tape, x: Tensor, y: Tensor, phase: int) -> None:
        cuts = [_of_windows(axis) for axis in self.along]
        copied = self._copied(cuts, [axis.length for axis in self.along], x)
        kernel = self._with_gaps(self.kernel, self.filters)
        samples = max(1, PLACES_AT_A_TIME // prod(y.shape[:-1]))
        self._emit(
            tape, "conv", (x, self.kernel), y, phase, cuts, samples, copied, kernel
        )

    def _spread(self, tape: Tape, y: Tensor, x: Tensor, phase: int) -> None:
        cuts = [_of_places(axis) for axis in self.along]
        copied = self._copied(cuts, [axis.count for axis in self.along], y)
        channels = self.channels // self.groups
        turned = self.kernel.size // channels * aligned(channels)
        samples = max(1, PLACES_AT_A_TIME // prod(x.shape[:-1]))
        self._emit(
            tape, "conv_transposed", (y, self.kernel), x, phase, cuts, samples, copied,
            turned,
        )  # fmt: skip

    def _sum_samples(self, tape: Tape, x: Tensor, y: Tensor) -> None:
        if not self.kernel.needs_gradient:
            return
        place, accumulate = tape.accumulator(self.kernel)
        cuts = [_of_windows(axis) for axis in self.along]
        block = self.channels // self.groups
        if self.kernel.size // block // self.groups >= OFTEN:
            block = min(block, BLOCK_OF_CHANNELS)
        if block == self.channels:
            copied = self._copied(cuts, [axis.length for axis in self.along], x)
        else:
            blocks = self.groups * -(-self.channels // self.groups // block)
            copied = prod(n for _, n in cuts) * blocks * block
        windows = prod(y.shape[:-1])
        samples = min(
            WINDOWS_AT_A_TIME // windows, NUMBERS_AT_A_TIME // (x.size + y.size)
        )
        samples = max(1, samples)
        self._emit(
            tape, "conv_kernel_gradient", (x, y), place, TRAIN, cuts, samples, copied,
            samples * self._with_gaps(y, self.filters), accumulate, block,
        )  # fmt: skip

    def _emit(
        self,
        tape: Tape,
        kind: str,
        inputs: Sequence[Tensor],
        output: Tensor,
        phase: int,
        cuts: Sequence[Cut],
        samples: int,
        copied: int,
        packed: int,
        accumulate: bool = False,
        block: int = 0,
    ) -> None:
        """Write an op, with what csrc/ops/conv/conv.h reads in its integers.

        Its scratch has numbers of so many samples that are copied, and then others.
        """
        params = [
            number
            for axis, cut in zip(self.along, cuts, strict=True)
            for number in (
                axis.length, axis.count, axis.size, axis.stride, axis.dilation,
                axis.before, *cut,
            )
        ]  # fmt: skip
        second = aligned(samples * copied)
        params += [self.channels, self.filters, self.groups, samples, second, block]
        windows, of_window = prod(self.maps[:-1]), prod(self.kernel.shape[:-1])
        tape.emit(
            kind, inputs, (output, tape.scratch(second + packed)), phase, params,
            dim=(1, windows, self.filters, of_window), per_sample=1 << 1,
            accumulate=accumulate,
        )  # fmt: skip

    def _with_gaps(self, x: Tensor, width: int) -> int:
        """Numbers of a copy of x in which products can read a group's; 0 for none."""
        group = width // self.groups
        return 0 if group == aligned(group) else x.size // group * aligned(group)

    def _copied(self, cuts: Sequence[Cut], lengths: Sequence[int], x: Tensor) -> int:
        """Numbers of a sample's copy, which has places that are missing; 0 for none."""
        within = zip(cuts, lengths, strict=True)
        if all(first >= 0 and first + n <= length for (first, n), length in within):
            return 0
        return prod(n for _, n in cuts) * x.shape[-1]


def _of_windows(axis: Windows) -> Cut:
    return -axis.before, (axis.count - 1) * axis.stride + axis.reach


def _of_places(axis: Windows) -> Cut:
    """The windows that the places of an axis are in, from those of the first place."""
    first = -((axis.size - 1) // axis.stride) * axis.dilation
    return first, (axis.length - 1 + axis.before) // axis.stride + 1 - first
