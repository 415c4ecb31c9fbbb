"""PyTorch with a whole step as a CUDA graph: gather, forward, backward and update.

The order of the samples and the number of the step are on the device, so that a step is
one launch and nothing else. See "Whole-network capture" in PyTorch's notes on CUDA.
"""

import torch

from .torch_net import (
    cross_entropy,
    epochs_of,
    is_card,
    new_adam,
    new_net,
    on_device,
    version,
)

__all__ = ["prepare", "version"]

WARM_UP = 3


def prepare(net, X, y, device):
    X, y = on_device(device, X, y)
    model = new_net(net, device)
    optimizer = new_adam(model, capturable=is_card(device))
    order = torch.arange(net.n_samples, device=device).view(-1, net.batch_size)
    number = torch.zeros(1, dtype=torch.int64, device=device)
    total = torch.zeros((), device=device)

    def step():
        optimizer.zero_grad(set_to_none=True)
        rows = order.index_select(0, number)[0]
        loss = cross_entropy(model(X[rows]), y[rows])
        loss.backward()
        optimizer.step()
        total.add_(loss.detach())
        number.add_(1)

    run = captured(step, model, optimizer, number) if is_card(device) else step

    def run_epoch(new_order):
        order.copy_(new_order.view_as(order))
        number.zero_()
        total.zero_()
        for _ in range(len(order)):
            run()
        return total

    return epochs_of(net, device, run_epoch)


def captured(step, model, optimizer, number):
    """A function that launches the step's graph; its warm-up leaves no trace."""
    weights = [p.detach().clone() for p in model.parameters()]
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UP):
            number.zero_()
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    with torch.no_grad():
        for p, before in zip(model.parameters(), weights, strict=True):
            p.copy_(before)
            for moment in optimizer.state[p].values():
                moment.zero_()
    return graph.replay
