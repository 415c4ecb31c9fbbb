"""Augmentation against what PyTorch makes of the same draws, where it is installed."""

import numpy as np
import pytest
from cases import draw
from engines import gradient_of
from ops.augment import between, philox
from probes import training_outputs

from fastnn.layers import Dense, Flatten, RandomContrast, RandomRotation, RandomZoom
from fastnn.losses import SquaredError
from fastnn.network import Sequential, lower

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

N, SIZE, CHANNELS = 9, 6, 3
LAYERS = {
    "rotation": lambda fill_mode: RandomRotation((-0.2, 0.6), fill_mode),
    "zoom": lambda fill_mode: RandomZoom((-0.5, 0.8), (-0.1, 0.3), fill_mode),
}
# What PyTorch calls what stands beyond the edges; it has no other one in common.
PADDING = {"constant": "zeros", "nearest": "border"}


def matrices(kind):
    """From places of the output to those of the input, from -1 to 1: x first."""
    found = np.zeros((N, 2, 3))
    for sample in range(N):
        words = philox(0, sample)
        if kind == "zoom":
            found[sample, 1, 1] = 1 + between(words[0], -0.5, 0.8)
            found[sample, 0, 0] = 1 + between(words[1], -0.1, 0.3)
            continue
        angle = 2 * np.pi * between(words[0], -0.2, 0.6)
        c, s = np.cos(angle), np.sin(angle)
        found[sample, :, :2] = [[c, -s], [s, c]]
    return torch.tensor(found)


def warped(x, kind, fill_mode):
    """Of images with channels last."""
    grid = torch.nn.functional.affine_grid(
        matrices(kind), (N, CHANNELS, SIZE, SIZE), align_corners=True
    )
    y = torch.nn.functional.grid_sample(
        x.movedim(3, 1), grid, "bilinear", PADDING[fill_mode], align_corners=True
    )
    return y.movedim(1, 3)


def contrasted(x):
    factors = [between(philox(0, sample)[0], 0.4, 1.9) for sample in range(N)]
    factors = torch.tensor(np.reshape(factors, (N, 1, 1, 1)))
    mean = x.mean(dim=(1, 2), keepdim=True)
    return (mean + factors * (x - mean)).clamp(-0.5, 0.8)


AUGMENTED = {
    **{
        f"{kind}_{mode}": (
            LAYERS[kind](mode),
            lambda x, kind=kind, mode=mode: warped(x, kind, mode),
        )
        for kind in LAYERS
        for mode in PADDING
    },
    "contrast": (RandomContrast((0.6, 0.9), value_range=(-0.5, 0.8)), contrasted),
}


@pytest.mark.parametrize("name", AUGMENTED)
def test_outputs(name):
    ours, theirs = AUGMENTED[name]
    x = np.random.default_rng(0).normal(size=(N, SIZE, SIZE, CHANNELS))
    np.testing.assert_allclose(
        training_outputs([ours], x), theirs(torch.tensor(x)), atol=1e-10
    )


@pytest.mark.parametrize("name", AUGMENTED)
def test_gradients(name):
    ours, theirs = AUGMENTED[name]
    layers = [Dense(CHANNELS, "tanh"), ours, Flatten(), Dense(2)]
    plan = lower(Sequential(layers), input_shape=(SIZE, SIZE, 2), loss=SquaredError())
    data = draw(plan, N)
    weights = [
        torch.tensor(view.copy(), requires_grad=True)
        for view in plan.views(data.parameters)
    ]
    x = torch.tensor(data.X.reshape(N, SIZE, SIZE, 2))
    h = theirs(torch.tanh(x @ weights[0] + weights[1]))
    z = h.reshape(N, -1) @ weights[2] + weights[3]
    y, weight = torch.tensor(data.y), torch.tensor(data.weight)
    (weight * ((z - y) ** 2).sum(dim=1) / 2).sum().backward()
    _, gradients = gradient_of(plan, data)
    for own, other in zip(plan.views(gradients), weights, strict=True):
        np.testing.assert_allclose(own, other.grad, rtol=1e-9, atol=1e-10)
