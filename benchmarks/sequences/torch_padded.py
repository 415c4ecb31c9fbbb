"""PyTorch, where lengths differ, with padded batches in place of packed ones.

Each batch is as long as its longest sample, and oneDNN's LSTM computes all steps; the
output at the end of each sample is looked up.
"""

import torch

from . import torch as idiomatic
from .torch import version

__all__ = ["prepare", "version"]


class LookedUp(idiomatic.Last):
    """What a recurrent layer has put out at the last step of each sample."""

    def forward(self, x, lengths):
        return self.recurrent(x)[0][torch.arange(len(x)), lengths - 1]


def prepare(workload, X, y, threads):
    module = idiomatic.new_module(workload, LookedUp)
    return idiomatic.prepare_with(module, workload, X, y, threads)
