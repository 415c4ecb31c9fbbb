"""Convolutions against PyTorch's, if it is installed: gradients and ten steps.

Kernels are turned to PyTorch's layout, padding is made explicit. All is float64.
"""

from math import ceil

import pytest
from beside_pytorch import Pair

from fastnn.layers import (
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    DepthwiseConv2D,
)

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
F = torch.nn.functional

N = 6


def pairs(value, n_axes):
    return value if isinstance(value, tuple) else (value,) * n_axes


def padding_of(layer, lengths):
    """Zeros at both ends of each axis, by Keras' rule, the last axis first."""
    n_axes, ends = len(lengths), []
    size, strides = pairs(layer.kernel_size, n_axes), pairs(layer.strides, n_axes)
    dilation = pairs(layer.dilation_rate, n_axes)
    for n, k, s, d in zip(lengths, size, strides, dilation, strict=True):
        reach = d * (k - 1) + 1
        total = max((ceil(n / s) - 1) * s + reach - n, 0)
        left = {"valid": 0, "same": total // 2, "causal": reach - 1}[layer.padding]
        right = total - left if layer.padding == "same" else 0
        ends = [left, right, *ends]
    return ends


def convolved(layer, p, x):
    """Channels first, padded, and back."""
    n_axes = x.ndim - 2
    kernel = p["layer/kernel"]
    groups = getattr(layer, "groups", 1)
    if isinstance(layer, DepthwiseConv2D):
        groups = x.shape[-1]
        kernel = kernel.reshape(*kernel.shape[:2], 1, -1)
    kernel = kernel.movedim((-1, -2), (0, 1)).contiguous()
    x = F.pad(x.movedim(-1, 1), padding_of(layer, x.shape[1:-1]))
    convolve = F.conv1d if n_axes == 1 else F.conv2d
    y = convolve(
        x, kernel, p.get("layer/bias"), stride=layer.strides,
        dilation=layer.dilation_rate, groups=groups,
    )  # fmt: skip
    return torch.tanh(y.movedim(1, -1))


def spread(layer, p, x):
    """The smallest transposed convolution, cut to what Keras' rule keeps of it."""
    y = F.conv_transpose2d(
        x.movedim(-1, 1), p["layer/kernel"].permute(3, 2, 0, 1).contiguous(),
        stride=layer.strides, dilation=layer.dilation_rate,
    )  # fmt: skip
    n_axes = 2
    ends = []
    options = zip(
        x.shape[1:-1], pairs(layer.kernel_size, n_axes), pairs(layer.strides, n_axes),
        pairs(layer.dilation_rate, n_axes), pairs(layer.output_padding, n_axes),
        strict=True,
    )  # fmt: skip
    for n, k, s, d, beyond in options:
        reach = d * (k - 1) + 1
        if layer.padding == "valid":
            length = (n - 1) * s + (max(reach, s) if beyond is None else reach + beyond)
            left = 0
        else:
            odd = reach % 2
            length = n * s if beyond is None else (n - 1) * s + odd + beyond
            total = s + reach - 2 if beyond is None else reach + odd - 2 + beyond
            left = reach - 1 - min(ceil(total / 2), reach - 1)
        whole = (n - 1) * s + reach
        ends = [-left, length + left - whole, *ends]
    y = F.pad(y, ends).movedim(1, -1)
    return torch.tanh(y + p["layer/bias"])


CASES = {
    "valid": (Conv2D(5, (3, 2), "tanh"), (7, 6, 3)),
    "same": (Conv2D(4, (3, 4), "tanh", padding="same"), (5, 6, 2)),
    "strides": (Conv2D(4, (3, 2), "tanh", strides=(2, 3)), (8, 9, 3)),
    "strides_same": (Conv2D(17, 3, "tanh", strides=2, padding="same"), (7, 8, 3)),
    "strides_beyond": (Conv2D(3, 2, "tanh", strides=3), (8, 7, 2)),
    "dilation": (Conv2D(4, 3, "tanh", dilation_rate=(2, 1)), (7, 6, 3)),
    "dilation_same": (
        Conv2D(4, (2, 3), "tanh", dilation_rate=3, padding="same"),
        (6, 5, 2),
    ),
    "groups": (Conv2D(6, 3, "tanh", groups=3, padding="same"), (5, 4, 6)),
    "groups_strides": (Conv2D(4, 2, "tanh", groups=2, strides=2), (6, 5, 4)),
    "no_bias": (Conv2D(33, 3, "tanh", use_bias=False), (4, 5, 2)),
    "one_channel": (Conv2D(16, 5, "tanh"), (9, 8, 1)),
    "one_filter": (Conv2D(1, 3, "tanh"), (6, 6, 5)),
    "one_pixel": (Conv2D(4, 3, "tanh", padding="same"), (1, 1, 3)),
    "all_pixels": (Conv2D(4, (4, 3), "tanh"), (4, 3, 2)),
    "one_place": (Conv2D(40, 1, "tanh"), (3, 3, 18)),
    "many_places": (Conv2D(2, 3, "tanh", padding="same"), (13, 12, 1)),
    "long_kernel": (Conv2D(2, 9, "tanh", padding="same"), (12, 11, 1)),
    "signal": (Conv1D(5, 4, "tanh"), (9, 3)),
    "signal_same": (Conv1D(5, 4, "tanh", strides=2, padding="same"), (9, 3)),
    "causal": (Conv1D(5, 3, "tanh", padding="causal", dilation_rate=2), (9, 3)),
    "causal_strides": (Conv1D(5, 3, "tanh", padding="causal", strides=2), (8, 2)),
    "depthwise": (DepthwiseConv2D(3, "tanh", padding="same"), (5, 6, 18)),
    "depthwise_maps": (
        DepthwiseConv2D((2, 3), "tanh", strides=2, depth_multiplier=2),
        (7, 6, 3),
    ),
    "depthwise_dilation": (
        DepthwiseConv2D(2, "tanh", dilation_rate=2, padding="same"),
        (5, 4, 2),
    ),
    "transposed": (Conv2DTranspose(4, 3, "tanh"), (4, 3, 2)),
    "transposed_strides": (Conv2DTranspose(3, 3, "tanh", strides=2), (4, 3, 5)),
    "transposed_same": (
        Conv2DTranspose(3, (3, 4), "tanh", strides=2, padding="same"),
        (4, 3, 5),
    ),
    "transposed_gaps": (Conv2DTranspose(3, 2, "tanh", strides=3), (3, 4, 2)),
    "transposed_beyond": (
        Conv2DTranspose(3, (3, 2), "tanh", strides=2, output_padding=1),
        (3, 3, 2),
    ),
    "transposed_same_beyond": (
        Conv2DTranspose(
            3, (3, 4), "tanh", strides=3, padding="same", output_padding=(0, 2)
        ),
        (3, 3, 2),
    ),
    "transposed_dilation": (
        Conv2DTranspose(3, 3, "tanh", dilation_rate=2, padding="same"),
        (4, 5, 2),
    ),
}


def theirs(layer, weights, X):
    forward = spread if isinstance(layer, Conv2DTranspose) else convolved
    return forward(layer, weights, X)


@pytest.mark.parametrize("name", CASES)
def test_losses_and_gradients(name):
    Pair(*CASES[name], N, theirs).check_losses_and_gradients()


@pytest.mark.parametrize("name", CASES)
def test_ten_steps(name):
    Pair(*CASES[name], N, theirs).check_ten_steps(0.02)
