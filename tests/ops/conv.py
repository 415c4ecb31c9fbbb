"""Convolutions of one axis and of two, tap by tap."""

from itertools import product
from math import prod

import numpy as np
from writers import by_hand, dense, parameter

from fastnn.layers import Conv1D, Conv2D, Conv2DTranspose, Dense, DepthwiseConv2D
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower
from fastnn.plan import ops
from fastnn.plan.windows import Windows, windows


class Geometry:
    """What the op says of its windows, and how images are padded for them."""

    def __init__(self, walk, op):
        numbers = walk.params[op["params"] :][:19].tolist()
        self.axes = [
            Windows(n, *rest, m) for n, m, *rest in (numbers[:6], numbers[8:14])
        ]
        self.channels, self.filters, self.groups = numbers[16:]
        self.size = [axis.size for axis in self.axes]
        self.counts = [axis.count for axis in self.axes]

    def images(self, n, x=None):
        """Images, zeros if there are none, with zeros around; and without these."""
        lengths = [axis.length for axis in self.axes]
        before = [axis.before for axis in self.axes]
        whole = np.zeros(
            (
                n,
                *(
                    b + axis.length + axis.after
                    for b, axis in zip(before, self.axes, strict=True)
                ),
                self.channels,
            )
        )
        inner = whole[:, before[0] :, before[1] :][:, : lengths[0], : lengths[1]]
        if x is not None:
            inner[...] = x.reshape(inner.shape)
        return whole, inner

    def taps(self, whole, kernel):
        """For each tap and group: what windows read there, its kernel, its filters."""
        kernel = kernel.reshape(*self.size, -1, self.filters)
        channels, filters = self.channels // self.groups, self.filters // self.groups
        for i, j in product(*map(range, self.size)):
            at = [
                slice(
                    place * a.dilation,
                    place * a.dilation + (a.count - 1) * a.stride + 1,
                    a.stride,
                )
                for place, a in zip((i, j), self.axes, strict=True)
            ]
            for g in range(self.groups):
                mine = slice(g * filters, (g + 1) * filters)
                read = whole[:, at[0], at[1], g * channels : (g + 1) * channels]
                yield read, kernel[i, j, :, mine], mine


def run_conv(walk, op, dim, x, kernel, *_):
    geometry, n = Geometry(walk, op), len(walk.weight)
    y = np.zeros((n, *geometry.counts, geometry.filters))
    for read, k, mine in geometry.taps(geometry.images(n, x)[0], kernel):
        y[..., mine] += read @ k
    return (y,)


def run_conv_transposed(walk, op, dim, dy, kernel, *_):
    geometry, n = Geometry(walk, op), len(walk.weight)
    dy = dy.reshape(n, *geometry.counts, geometry.filters)
    whole, image = geometry.images(n)
    for read, k, mine in geometry.taps(whole, kernel):
        read += dy[..., mine] @ k.T
    return (image,)


def run_conv_kernel_gradient(walk, op, dim, x, dy, *_):
    geometry, n = Geometry(walk, op), len(walk.weight)
    dy = dy.reshape(n, *geometry.counts, geometry.filters)
    gradient = np.zeros(
        prod(geometry.size) * geometry.channels * geometry.filters // geometry.groups
    )
    for read, k, mine in geometry.taps(geometry.images(n, x)[0], gradient):
        k += np.einsum("nhwc,nhwf->cf", read, dy[..., mine])
    return (gradient,)


OPS = {
    "conv": run_conv,
    "conv_transposed": run_conv_transposed,
    "conv_kernel_gradient": run_conv_kernel_gradient,
}


def convolved(
    kind, size, filters, groups=1, each=2, lengths=None, along=None, **options
):
    """A layer in front, so that images have a gradient; then a convolution.

    each: channels of a group. along: its windows, if they are not those of all places,
    or so many lengths.
    """

    def write(tape, x):
        x = dense(tape, x, "before", each * groups, "tanh")
        places = lengths or x.shape[:-1]
        axes = along or [
            windows(*axis, **options) for axis in zip(places, size, strict=True)
        ]
        if kind == "conv":
            kernel = parameter(tape, "kernel", (*size, each, filters))
            y = ops.conv(tape, x, kernel, axes, groups)
        else:
            kernel = parameter(
                tape, "kernel", (*size, filters // groups, each * groups)
            )
            y = ops.conv_transposed(tape, x, kernel, axes, groups)
        return dense(tape, ops.reshape(tape, y, (y.size,)), "output", 2)

    return write


def layers_of_images():
    network = [
        *(Conv2D(3, 2, "tanh"), DepthwiseConv2D(2, "tanh", padding="same")),
        *(Conv2DTranspose(2, 2, "tanh", strides=2, use_bias=False), Dense(1)),
    ]
    return lower(Sequential(network), input_shape=(4, 3, 2), loss=SquaredError())


def layers_of_signals():
    network = [Conv1D(3, 2, "tanh", padding="causal"), Conv1D(1, 3, groups=1)]
    return lower(Sequential(network), input_shape=(6, 2), loss=SquaredError())


SHAPES = {
    "valid": ("conv", (3, 2), 4, {}),
    "same": ("conv", (3, 2), 17, {"padding": "same"}),
    "strides": ("conv", (2, 3), 3, {"stride": 2, "padding": "same"}),
    "dilation": ("conv", (2, 2), 3, {"dilation": 2}),
    "gaps": ("conv", (1, 1), 3, {"stride": 3}),
    "depthwise": ("conv", (3, 2), 3, {"groups": 3, "each": 1, "padding": "same"}),
    "depthwise_maps": ("conv", (2, 3), 6, {"groups": 3, "each": 1, "stride": 2}),
    "groups": ("conv", (2, 2), 4, {"groups": 2, "padding": "same"}),
}
CASES = {
    **{
        f"conv_{name}": (
            lambda kind=kind, size=size, filters=filters, options=options: by_hand(
                convolved(kind, size, filters, **options), (5, 4, 1)
            )
        )
        for name, (kind, size, filters, options) in SHAPES.items()
    },
    "layers_of_images": layers_of_images,
    "layers_of_signals": layers_of_signals,
    "conv_causal": lambda: by_hand(
        convolved("conv", (3,), 3, dilation=2, padding="causal"), (7, 1)
    ),
    "conv_transposed": lambda: by_hand(
        convolved("transposed", (3, 2), 3, lengths=(7, 6), stride=2), (3, 3, 1)
    ),
    "conv_transposed_groups": lambda: by_hand(
        convolved("transposed", (3, 3), 4, groups=2, lengths=(4, 4), padding="same"),
        (4, 4, 1),
    ),
}
