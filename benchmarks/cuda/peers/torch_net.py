"""What the peers on PyTorch share: the net and its data on the device, and epochs."""

import time

import torch
from torch import nn

from benchmarks.peers.net import BETA_1, BETA_2, EPSILON, LEARNING_RATE
from benchmarks.peers.torch_net import new_layers, version

__all__ = [
    "cross_entropy",
    "epochs_of",
    "is_card",
    "new_adam",
    "new_net",
    "on_device",
    "version",
]

cross_entropy = nn.functional.cross_entropy


def is_card(device):
    return device == "cuda"


def on_device(device, *arrays):
    if device == "cuda" and not torch.cuda.is_available():
        raise NotImplementedError(f"PyTorch {torch.__version__} finds no card")
    torch.set_float32_matmul_precision("highest")  # no TF32
    return [torch.from_numpy(array).to(device) for array in arrays]


def new_net(net, device):
    return nn.Sequential(*new_layers(net)).to(device)


def new_adam(model, **options):
    return torch.optim.Adam(
        model.parameters(),
        lr=LEARNING_RATE,
        betas=(BETA_1, BETA_2),
        eps=EPSILON,
        fused=True,
        **options,
    )


def epochs_of(net, device, run_epoch):
    """A ``train`` of epochs: ``run_epoch(order)`` is the sum of the batches' losses."""

    def train(epochs, shuffle=True):
        ends = []
        for _ in range(epochs):
            make = torch.randperm if shuffle else torch.arange
            total = run_epoch(make(net.n_samples, device=device))
            loss = total.item() * net.batch_size / net.n_samples
            ends.append(time.perf_counter())
        return ends, loss

    return train
