"""PyTorch, compiled: gather, forward, backward and Adam's step are one function.

Weights, moments and all else that a step changes are buffers of a module, so that
Inductor may put the step into a CUDA graph, as the two modes ask it to.
"""

import torch
from torch import nn
from torch.func import functional_call, grad_and_value

from benchmarks.peers.net import BETA_1, BETA_2, EPSILON, LEARNING_RATE

from .torch_net import cross_entropy, epochs_of, new_net, on_device, version

__all__ = ["prepare", "version"]


class Step(nn.Module):
    """A step with all that it reads and writes."""

    def __init__(self, net, X, y, device):
        super().__init__()
        self.net = new_net(net, device).requires_grad_(False)
        order = torch.arange(net.n_samples, device=device).view(-1, net.batch_size)
        for name, value in {
            "X": X,
            "y": y,
            "order": order,
            "number": torch.zeros(1, dtype=torch.int64, device=device),
            "total": torch.zeros((), device=device),
            "t": torch.zeros((), device=device),
        }.items():
            self.register_buffer(name, value)
        self.names = [name for name, _ in self.net.named_parameters()]
        for i, weight in enumerate(self.net.parameters()):
            self.register_buffer(f"first{i}", torch.zeros_like(weight))
            self.register_buffer(f"second{i}", torch.zeros_like(weight))

    def forward(self):
        rows = self.order.index_select(0, self.number)[0]
        x, target = self.X[rows], self.y[rows]
        weights = dict(self.net.named_parameters())

        def mean_loss(weights):
            return cross_entropy(functional_call(self.net, weights, (x,)), target)

        gradients, loss = grad_and_value(mean_loss)(weights)
        self.t.add_(1)
        rate = LEARNING_RATE / (1 - BETA_1**self.t)
        root = torch.sqrt(1 - BETA_2**self.t)
        for i, name in enumerate(self.names):
            gradient = gradients[name]
            first, second = getattr(self, f"first{i}"), getattr(self, f"second{i}")
            first.lerp_(gradient, 1 - BETA_1)
            second.lerp_(gradient * gradient, 1 - BETA_2)
            weights[name].sub_(rate * first / (second.sqrt() / root + EPSILON))
        self.total.add_(loss)
        self.number.add_(1)


def prepare(net, X, y, device, mode="reduce-overhead"):
    step = Step(net, *on_device(device, X, y), device)
    run = torch.compile(step, fullgraph=True, mode=mode)

    def run_epoch(order):
        step.order.copy_(order.view_as(step.order))
        step.number.zero_()
        step.total.zero_()
        for _ in range(len(step.order)):
            torch.compiler.cudagraph_mark_step_begin()
            run()
        return step.total

    return epochs_of(net, device, run_epoch)
