"""What the peers on PyTorch share: the net, its optimizer and the loop over batches.

In the form that costs PyTorch least: X and y are tensors and batches are gathered by
index, without a DataLoader; Adam is the fused one; the loss is read once an epoch.
"""

import time

import torch
from torch import nn

from .net import ALPHA, BETA_1, BETA_2, EPSILON, LEARNING_RATE, initial_weights


def version():
    return f"PyTorch {torch.__version__}"


def use_threads(threads):
    torch.set_num_threads(threads)
    if torch.get_num_interop_threads() != 1:
        torch.set_num_interop_threads(1)


def new_layers(workload):
    """Linear layers with scikit-learn's initial weights, and relu between them."""
    layers = []
    for kernel, bias in zip(*initial_weights(workload), strict=True):
        linear = nn.Linear(*kernel.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(kernel.T))
            linear.bias.copy_(torch.from_numpy(bias))
        layers += [linear, nn.ReLU()]
    return layers[:-1]


def new_loss(workload):
    if workload.is_regression:
        return lambda z, y: 0.5 * nn.functional.mse_loss(z, y)
    if workload.n_classes == 2:
        return nn.functional.binary_cross_entropy_with_logits
    return nn.functional.cross_entropy


def targets(workload, y):
    if workload.n_classes > 2:
        return torch.from_numpy(y)
    return torch.from_numpy(y).float().reshape(-1, 1)


def new_optimizer(net, workload, **options):
    """Adam, with scikit-learn's penalty on the kernels."""
    kernels = [p for p in net.parameters() if p.ndim == 2]
    biases = [p for p in net.parameters() if p.ndim == 1]
    return torch.optim.Adam(
        [
            {"params": kernels, "weight_decay": ALPHA / workload.batch_size},
            {"params": biases, "weight_decay": 0.0},
        ],
        lr=LEARNING_RATE,
        betas=(BETA_1, BETA_2),
        eps=EPSILON,
        **options,
    )


def loop(workload, step, n_samples):
    """A ``train`` that calls ``step(rows) -> mean loss`` for each batch."""

    def train(epochs, shuffle=True):
        start = time.perf_counter()
        for _ in range(epochs):
            order = torch.randperm(n_samples) if shuffle else torch.arange(n_samples)
            total = torch.zeros(())
            for rows in order.split(workload.batch_size):
                total += step(rows) * len(rows)
            loss = total.item() / n_samples
        return time.perf_counter() - start, loss

    return train
