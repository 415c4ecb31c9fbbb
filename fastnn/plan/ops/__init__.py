"""The ops that layers and losses are written in, each beside its adjoint.

A function writes its forward op on the tape and keeps how to write the adjoint. It is
told what an op of its family does by ``csrc/ops/table.h`` and the folder of that name
in ``csrc/ops``. A new family is a file here and a line below.
"""

from fastnn.plan.ops.attention import attention
from fastnn.plan.ops.augment import contrast, crop, custom_augment, erase, warp
from fastnn.plan.ops.batch_norm import batch_norm
from fastnn.plan.ops.broadcast import add
from fastnn.plan.ops.columns import columns, concatenate
from fastnn.plan.ops.conv import conv, conv_transposed
from fastnn.plan.ops.embedding import embedding
from fastnn.plan.ops.loss import Head, custom_loss, loss, softmax
from fastnn.plan.ops.mask import masked, ones, token_mask, value_mask
from fastnn.plan.ops.merge import broadcast_add, maximum, multiply, scale
from fastnn.plan.ops.move import pad, permute
from fastnn.plan.ops.pool import pool, repeat
from fastnn.plan.ops.positions import positions
from fastnn.plan.ops.prelu import prelu
from fastnn.plan.ops.product import product
from fastnn.plan.ops.random import (
    dropout,
    dropped_factors,
    gaussian_noise,
    spatial_dropout,
)
from fastnn.plan.ops.recurrent import recurrent, step_dropout
from fastnn.plan.ops.reduce import reduce
from fastnn.plan.ops.reduce_steps import reduce_steps
from fastnn.plan.ops.reshape import reshape
from fastnn.plan.ops.row_norm import row_norm

__all__ = [
    "Head",
    "add",
    "attention",
    "batch_norm",
    "broadcast_add",
    "columns",
    "concatenate",
    "contrast",
    "conv",
    "conv_transposed",
    "crop",
    "custom_augment",
    "custom_loss",
    "dropout",
    "dropped_factors",
    "embedding",
    "erase",
    "gaussian_noise",
    "loss",
    "masked",
    "maximum",
    "multiply",
    "ones",
    "pad",
    "permute",
    "pool",
    "positions",
    "prelu",
    "product",
    "recurrent",
    "reduce",
    "reduce_steps",
    "repeat",
    "reshape",
    "row_norm",
    "scale",
    "softmax",
    "spatial_dropout",
    "step_dropout",
    "token_mask",
    "value_mask",
    "warp",
]
