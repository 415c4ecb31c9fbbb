"""What layers that move a window over samples have in common: arguments and shapes."""

from collections.abc import Sequence
from math import prod
from typing import Any

from fastnn.layers.base import Layer
from fastnn.plan.windows import Windows, windows
from fastnn.utils.plain_numbers import is_integer

# Numbers of a sample at most, as of a layer's units.
MOST_NUMBERS = 2**31 - 1

AXES = {1: ("steps",), 2: ("height", "width")}


def per_axis(
    layer: str, name: str, value: object, n_axes: int, least: int = 1
) -> tuple[int, ...]:
    """An argument for each axis: one for all, or as many as there are axes.

    Raises
    ------
    ValueError
        If it is neither, or below the least.
    """
    several: Sequence[Any] = (
        value if isinstance(value, list | tuple) else [value] * n_axes
    )
    if len(several) != n_axes or not all(is_integer(n, least) for n in several):
        many = "" if n_axes == 1 else f", or {n_axes} of them, for {_named(n_axes)}"
        raise ValueError(
            f"The {name!r} parameter of {layer} must be an integer of at least {least}"
            f"{many}. Got {value!r}."
        )
    return tuple(int(n) for n in several)


def steps_of(layer: Layer, n_axes: int) -> tuple[tuple[int, ...], ...]:
    """Size, strides and dilation of a layer's windows along each axis.

    Raises
    ------
    ValueError
        If one of them is not an integer above 0 for each axis, or windows are dilated
        and more than a place apart.
    """
    name, params = type(layer).__name__, layer.get_params(deep=False)
    size, strides, dilation = (
        per_axis(name, parameter, params[parameter], n_axes)
        for parameter in ("kernel_size", "strides", "dilation_rate")
    )
    if max(strides) > 1 and max(dilation) > 1:
        raise ValueError(
            f"{name} takes strides or a dilation_rate above 1, not both: got strides="
            f"{params['strides']!r} and dilation_rate={params['dilation_rate']!r}."
        )
    return size, strides, dilation


def check_rank(layer: str, input_shape: Sequence[int | None], n_axes: int) -> None:
    """Refuse samples that have other axes than places and channels.

    Raises
    ------
    ValueError
        With the shape that samples must have, and how to get there.
    """
    if len(input_shape) != n_axes + 1:
        shape = f"({', '.join((*AXES[n_axes], 'channels'))})"
        raise ValueError(
            f"{layer} takes samples of shape {shape}, got {tuple(input_shape)}. "
            f"Reshape({shape}) in front of it gives them this shape; samples of a "
            "single channel need an axis of length 1 for it."
        )


def check_size(layer: str, shape: tuple[int, ...]) -> None:
    """Refuse samples of more numbers than any memory holds.

    Raises
    ------
    ValueError
        With the shape.
    """
    if prod(shape) > MOST_NUMBERS:
        raise ValueError(
            f"{layer} would make samples of shape {shape}, more than {MOST_NUMBERS} "
            "numbers each. Give it smaller arguments."
        )


def windows_of(
    layer: str,
    input_shape: Sequence[int],
    size: Sequence[int],
    strides: Sequence[int],
    padding: str,
    dilation: Sequence[int] | None = None,
) -> tuple[Windows, ...]:
    """Windows along each axis of a sample but the last, its channels.

    Raises
    ------
    ValueError
        If samples have other axes, or no window fits into them.
    """
    n_axes = len(size)
    check_rank(layer, input_shape, n_axes)
    apart = (1,) * n_axes if dilation is None else dilation
    along = tuple(
        windows(*axis, padding)
        for axis in zip(input_shape[:-1], size, strides, apart, strict=True)
    )
    if not all(axis.count for axis in along):
        reach = tuple(axis.reach for axis in along)
        raise ValueError(
            f"{layer} has no output for samples of shape {tuple(input_shape)}: a "
            f"window reaches over {reach if n_axes > 1 else reach[0]} of "
            f"{_named(n_axes)}. Take a smaller one or padding='same', or smaller "
            "strides and less pooling before."
        )
    return along


def _named(n_axes: int) -> str:
    return " and ".join(AXES[n_axes])
