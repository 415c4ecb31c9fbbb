"""PyTorch, eager, channels last; a sequence is an image of one row, which is faster
than ``Conv1d``: that has no channels last.

X is a tensor whose rows are gathered by index and seen with channels first, which
copies nothing; Adam is the fused one.
"""

import torch
from torch import nn

from benchmarks.peers.net import LEARNING_RATE
from benchmarks.peers.torch_net import loop, use_threads, version

from . import net

__all__ = ["new_module", "prepare", "version"]


def new_module(workload):
    modules, found = [], iter(workload.weights())
    for layer, shape in workload.with_shapes():
        match layer:
            case net.Conv(filters, size):
                size = (1,) * (2 - workload.n_axes) + (size,) * workload.n_axes
                module = nn.Conv2d(shape[-1], filters, size)
                kernel, bias = map(torch.from_numpy, next(found))
                kernel = kernel.permute(-1, -2, *range(workload.n_axes))
                modules += [loaded(module, kernel, bias), nn.ReLU()]
            case net.Pool():
                modules.append(nn.MaxPool2d(2))
            case net.Flatten():
                modules += [ChannelsLast(), nn.Flatten()]
            case net.Mean():
                modules += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
            case net.Dense(units):
                module = nn.Linear(shape[-1], units)
                kernel, bias = map(torch.from_numpy, next(found))
                modules += [loaded(module, kernel.T, bias), nn.ReLU()]
    return nn.Sequential(*modules[:-1]).to(memory_format=torch.channels_last)


def loaded(module, weight, bias):
    with torch.no_grad():
        module.weight.copy_(weight.reshape(module.weight.shape))
        module.bias.copy_(bias)
    return module


class ChannelsLast(nn.Module):
    """So that what follows is numbered as in the other libraries; copies nothing."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1)


def as_images(X):
    """A view of samples, channels last, with channels first."""
    if X.ndim == 3:
        X = X[:, None]
    return X.permute(0, 3, 1, 2)


def prepare(workload, X, y, threads):
    use_threads(threads)
    module = new_module(workload)
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    optimizer = torch.optim.Adam(module.parameters(), lr=LEARNING_RATE, fused=True)

    def step(rows):
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(module(as_images(X[rows])), y[rows])
        loss.backward()
        optimizer.step()
        return loss.detach()

    return loop(workload, step, len(X))
