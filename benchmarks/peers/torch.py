"""PyTorch, eager. Batches of a sparse X are sparse CSR tensors: COO tensors, dense
batches and an EmbeddingBag are all slower."""

import contextlib
import warnings

import torch
from scipy import sparse
from torch import nn

from .torch_net import (
    loop,
    new_layers,
    new_loss,
    new_optimizer,
    targets,
    use_threads,
    version,
)

__all__ = ["prepare", "version"]


def prepare(workload, X, y, threads, context=contextlib.nullcontext):
    """``context`` surrounds the forward pass."""
    use_threads(threads)
    layers = new_layers(workload)
    if sparse.issparse(X):
        layers[0] = SparseLinear(layers[0])
        batch = sparse_rows(X)
    else:
        batch = torch.from_numpy(X).__getitem__
    net = nn.Sequential(*layers)
    y = targets(workload, y)
    optimizer = new_optimizer(net, workload, fused=True)
    loss_function = new_loss(workload)

    def step(rows):
        optimizer.zero_grad(set_to_none=True)
        with context():
            loss = loss_function(net(batch(rows)), y[rows])
        loss.backward()
        optimizer.step()
        return loss.detach()

    return loop(workload, step, X.shape[0])


class SparseLinear(nn.Module):
    """A linear layer over the rows of a sparse CSR tensor."""

    def __init__(self, linear):
        super().__init__()
        self.weight = nn.Parameter(linear.weight.detach().T.contiguous())
        self.bias = linear.bias

    def forward(self, x):
        return torch.sparse.mm(x, self.weight) + self.bias


def sparse_rows(X):
    """A function that gathers rows of X."""
    warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")

    def batch(rows):
        chosen = X[rows.numpy()]
        return torch.sparse_csr_tensor(
            torch.from_numpy(chosen.indptr),
            torch.from_numpy(chosen.indices),
            torch.from_numpy(chosen.data),
            chosen.shape,
            check_invariants=False,
        )

    return batch
