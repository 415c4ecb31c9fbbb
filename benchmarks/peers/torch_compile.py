"""PyTorch, compiled: forward, backward and Adam's step are one graph.

``torch.compile`` needs a C++ compiler. What it takes is the first fit's extra time.
"""

from functools import partial

import torch
from scipy import sparse
from torch.func import functional_call, grad_and_value

from .net import ALPHA, BETA_1, BETA_2, EPSILON, LEARNING_RATE
from .torch_net import loop, new_layers, new_loss, targets, use_threads, version

__all__ = ["prepare", "version"]


def prepare(workload, X, y, threads):
    if sparse.issparse(X):
        raise NotImplementedError("Inductor does not compile sparse tensors")
    use_threads(threads)
    net = torch.nn.Sequential(*new_layers(workload))
    loss_function = new_loss(workload)
    weights = {name: p.detach().clone() for name, p in net.named_parameters()}
    first = {name: torch.zeros_like(w) for name, w in weights.items()}
    second = {name: torch.zeros_like(w) for name, w in weights.items()}
    t = torch.zeros(())
    X, y = torch.from_numpy(X), targets(workload, y)

    def mean_loss(weights, x, target):
        return loss_function(functional_call(net, weights, (x,)), target)

    @partial(torch.compile, fullgraph=True)
    def compiled(weights, first, second, t, rows):
        gradients, loss = grad_and_value(mean_loss)(weights, X[rows], y[rows])
        t.add_(1)
        scale = LEARNING_RATE * torch.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
        for name, w in weights.items():
            gradient = gradients[name]
            if w.ndim == 2:
                gradient = gradient + ALPHA / len(rows) * w
            first[name].lerp_(gradient, 1 - BETA_1)
            second[name].lerp_(gradient * gradient, 1 - BETA_2)
            w.sub_(scale * first[name] / (second[name].sqrt() + EPSILON))
        return loss

    def step(rows):
        return compiled(weights, first, second, t, rows)

    return loop(workload, step, len(X))
