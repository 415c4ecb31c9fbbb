"""PyTorch, eager, with products in bfloat16 by autocast."""

from functools import partial

import torch

from . import torch as eager
from .torch import version

__all__ = ["prepare", "version"]

prepare = partial(
    eager.prepare, context=partial(torch.autocast, "cpu", dtype=torch.bfloat16)
)
