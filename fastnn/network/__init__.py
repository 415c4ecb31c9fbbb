"""Networks: layers wired together, and how they become a plan.

A network infers every shape and writes itself down as a plan; it neither holds weights
nor trains. Each kind is a file that says how values flow through its parts.
"""

from fastnn.network.base import Network
from fastnn.network.branches import Branches
from fastnn.network.graph import Graph
from fastnn.network.heads import Heads
from fastnn.network.lowering import lower, lower_until
from fastnn.network.pretrained import Pretrained, Weights, forget_weights
from fastnn.network.readers import readers_of
from fastnn.network.residual import Residual
from fastnn.network.resolving import (
    Table,
    check_same_columns,
    selects_columns,
    with_positions,
)
from fastnn.network.sequential import Sequential
from fastnn.network.tokens import masks_zeros, tokens_of
from fastnn.network.trace import Trace, trace

__all__ = [
    "Branches",
    "Graph",
    "Heads",
    "Network",
    "Pretrained",
    "Residual",
    "Sequential",
    "Table",
    "Trace",
    "Weights",
    "check_same_columns",
    "forget_weights",
    "lower",
    "lower_until",
    "masks_zeros",
    "readers_of",
    "selects_columns",
    "tokens_of",
    "trace",
    "with_positions",
]
