"""Where windows lie along an axis: of convolutions and pooling, by Keras' rules."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Windows:
    """Windows along one axis of a sample.

    Window i reads the places ``i * stride - before + j * dilation`` for j from 0 to
    ``size - 1``; those outside of the axis are padding.
    """

    length: int
    size: int
    stride: int
    dilation: int
    before: int
    count: int

    @property
    def reach(self) -> int:
        """Places from the first that a window reads to the last."""
        return (self.size - 1) * self.dilation + 1

    @property
    def after(self) -> int:
        """Places behind the axis that the last window reads."""
        end = (self.count - 1) * self.stride - self.before + self.reach
        return max(end - self.length, 0)


def windows(
    length: int, size: int, stride: int = 1, dilation: int = 1, padding: str = "valid"
) -> Windows:
    """Windows along an axis of so many places.

    Parameters
    ----------
    length, size, stride, dilation : int
        Of the axis; of a window; between windows; between what a window reads.
    padding : {"valid", "same", "causal"}, default="valid"
        "valid" has the windows that lie within the axis, of which there may be none or
        fewer. "same" has one for each stride that begins within it, and pads by as many
        places at both ends, by one more at the end where that is odd. "causal" pads at
        the beginning alone, such that no window reads what comes after its last place.
    """
    reach = (size - 1) * dilation + 1
    if padding == "same":
        count = -(-length // stride)
        total = max((count - 1) * stride + reach - length, 0)
        return Windows(length, size, stride, dilation, total // 2, count)
    before = reach - 1 if padding == "causal" else 0
    count = (length + before - reach) // stride + 1
    return Windows(length, size, stride, dilation, before, max(count, 0))


def spread_windows(
    count: int,
    size: int,
    stride: int,
    dilation: int,
    beyond: int | None,
    padding: str = "valid",
) -> Windows:
    """Windows of a transposed convolution, which has one for each place of its input.

    Parameters
    ----------
    count, size, stride, dilation : int
        Of windows; of a window; between windows; between what a window reads.
    beyond : int or None
        Places that the output has behind those that it needs; None is as many as the
        stride asks for.
    padding : {"valid", "same"}, default="valid"
        "valid" has all places that a window reaches. "same" has a stride for each
        window, or as many as ``beyond`` says, and leaves out those at both ends, one
        more at the end where that is odd.
    """
    reach = (size - 1) * dilation + 1
    if padding == "valid":
        length = (count - 1) * stride
        length += max(reach, stride) if beyond is None else reach + beyond
        return Windows(length, size, stride, dilation, 0, count)
    odd = reach % 2
    beyond = stride - odd if beyond is None else beyond
    length = (count - 1) * stride + odd + beyond
    # What the smallest output would have too many, or lack.
    kept = (reach + odd + beyond - 1) // 2
    return Windows(length, size, stride, dilation, max(reach - 1 - kept, 0), count)
