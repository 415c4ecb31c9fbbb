"""PyTorch, eager, with the fused Adam."""

import torch

from .torch_net import cross_entropy, epochs_of, new_adam, new_net, on_device, version

__all__ = ["prepare", "version"]


def prepare(net, X, y, device):
    X, y = on_device(device, X, y)
    model = new_net(net, device)
    optimizer = new_adam(model)

    def run_epoch(order):
        total = torch.zeros((), device=device)
        for rows in order.split(net.batch_size):
            optimizer.zero_grad(set_to_none=True)
            loss = cross_entropy(model(X[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.detach()
        return total

    return epochs_of(net, device, run_epoch)
