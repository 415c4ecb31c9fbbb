"""What happens to images in training: each sample is shown in a way that is drawn."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.plan.ops.broadcast import as_it_is_elsewhere
from fastnn.plan.tables import FILL_MODES, WARPS
from fastnn.plan.tape import EVALUATE, PREDICT, TRAIN, Tape
from fastnn.plan.tensor import Tensor, samples_of

# What random words of 32 bits are compared with.
WORDS = 2**32


def warp(
    tape: Tape,
    x: Tensor,
    kind: str,
    ranges: Sequence[float],
    *,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
) -> Tensor:
    """In training x under an affine map that is drawn for each sample; x otherwise.

    Parameters
    ----------
    x : Tensor
        Of shape (height, width, channels).
    kind : str
        A name of the table of maps.
    ranges : sequence of float
        From where to where the numbers of the map are drawn, four at most: see
        ``csrc/ops/augment/warp.h``.
    interpolation : {"bilinear", "nearest"}, default="bilinear"
        What is read where a map leads between pixels.
    fill_mode : {"constant", "nearest", "reflect", "wrap"}, default="reflect"
        What is read beyond the edges.
    fill_value : float, default=0
        The constant.
    """
    x = tape.dense(x)
    y = tape.activation(x.shape, x)
    options = interpolation, fill_mode, fill_value
    fields = _emit_warp(tape, x, y, kind, ranges, TRAIN, *options)
    _record_warp(tape, x, y, fields)
    as_it_is_elsewhere(tape, x, y)
    return y


def crop(tape: Tape, x: Tensor, height: int, width: int) -> Tensor:
    """A window of each sample: drawn in training, and the one in the middle otherwise.

    Parameters
    ----------
    x : Tensor
        Of shape (height, width, channels), at least as large as the window.
    height, width : int
    """
    x = tape.dense(x)
    y = tape.activation((height, width, x.shape[2]), x)
    rest = [own - n for own, n in zip(x.shape, (height, width), strict=False)]
    # A shift to the nearest pixel: each has a range of one.
    drawn = [edge for n in rest for edge in (-0.5, n + 0.5)]
    middle = [edge for n in rest for edge in (n // 2, n // 2)]
    options = "nearest", "nearest", 0.0
    fields = _emit_warp(tape, x, y, "shift", drawn, TRAIN, *options)
    _record_warp(tape, x, y, fields)
    _emit_warp(tape, x, y, "shift", middle, PREDICT | EVALUATE, *options)
    return y


def contrast(
    tape: Tape, x: Tensor, factors: Sequence[float], limits: Sequence[float]
) -> Tensor:
    """In training x drawn away from the mean of its channel; x otherwise.

    Parameters
    ----------
    x : Tensor
        Of shape (height, width, channels).
    factors : sequence of float
        From where to where the factor is drawn, for each sample.
    limits : sequence of float
        The least and the greatest number of the result.
    """
    x = tape.dense(x)
    y = tape.activation(x.shape, x)
    fields = {
        **_fields(tape, y, x.shape[2:]),
        "scalar": (*factors, *limits),
    }
    tape.emit("contrast", (x,), (y,), TRAIN, **fields)

    def adjoint() -> None:
        dx = tape.activation(x.shape)
        dy = tape.dense_gradient_of(y)
        tape.emit("contrast_gradient", (dy, x), (dx,), TRAIN, **fields)
        tape.contribute(x, dx)

    tape.record(y, adjoint)
    as_it_is_elsewhere(tape, x, y)
    return y


def erase(
    tape: Tape, x: Tensor, rate: float, scale: Sequence[float], fill: Sequence[float]
) -> Tensor:
    """In training x without a rectangle of it, at this rate; x otherwise.

    Parameters
    ----------
    x : Tensor
        Of shape (height, width, channels).
    rate : float
        How many of the samples lose one, from 0 to 1.
    scale : sequence of float
        From where to where the squares are drawn of what its sides are, of the whole
        ones.
    fill : sequence of float
        The least and the greatest number of what stands there: normal noise times the
        latter, or that number where they are one.
    """
    x = tape.dense(x)
    y = tape.activation(x.shape, x)
    chances = round(rate * WORDS)
    fields = _fields(tape, y, (*x.shape, chances))
    tape.emit("erase", (x,), (y,), TRAIN, scalar=(*scale, *fill), **fields)

    def adjoint() -> None:
        dx = tape.activation(x.shape)
        dy = tape.dense_gradient_of(y)
        tape.emit("erase", (dy,), (dx,), TRAIN, scalar=(*scale, 0, 0), **fields)
        tape.contribute(x, dx)

    tape.record(y, adjoint)
    as_it_is_elsewhere(tape, x, y)
    return y


def custom_augment(
    tape: Tape,
    function: Callable[[NDArray, np.random.Generator], NDArray],
    x: Tensor,
) -> Tensor:
    """In training what a Python function makes of the mini-batch x; x otherwise.

    It has no adjoint: x must have no gradient.

    Parameters
    ----------
    function : callable
        See :class:`fastnn.layers.Augment`.
    x : Tensor
    """
    assert not x.needs_gradient
    x = tape.dense(x)
    y = tape.activation(x.shape)
    fields: dict[str, Any] = {
        "code": tape.function(function),
        **samples_of(x),
        "params": [tape.mask(), len(x.shape), *x.shape],
    }
    tape.emit("custom_augment", (x,), (y,), TRAIN, **fields)
    as_it_is_elsewhere(tape, x, y)
    return y


def _emit_warp(
    tape: Tape,
    x: Tensor,
    y: Tensor,
    kind: str,
    ranges: Sequence[float],
    phase: int,
    interpolation: str,
    fill_mode: str,
    fill_value: float,
) -> dict[str, Any]:
    params = [
        *(WARPS[kind], *x.shape, *y.shape[:2]),
        *(int(interpolation == "bilinear"), FILL_MODES[fill_mode]),
        int(np.float64(fill_value).view(np.int64)),
    ]
    fields = {
        **_fields(tape, y, params),
        "scalar": (*ranges, *[0.0] * (4 - len(ranges))),
    }
    tape.emit("warp", (x,), (y,), phase, **fields)
    return fields


def _record_warp(tape: Tape, x: Tensor, y: Tensor, fields: dict[str, Any]) -> None:
    """Keep the adjoint of a map, which is drawn once more."""

    def adjoint() -> None:
        dx = tape.activation(x.shape)
        dy = tape.dense_gradient_of(y)
        tape.emit("warp_gradient", (dy,), (dx,), TRAIN, **fields)
        tape.contribute(x, dx)

    tape.record(y, adjoint)


def _fields(tape: Tape, y: Tensor, params: Sequence[int]) -> dict[str, Any]:
    return {
        "code": tape.mask(),
        **samples_of(y),
        "params": list(params),
    }
