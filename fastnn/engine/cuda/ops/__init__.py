"""The calls of kernels that ops make, a file for each family of ``csrc/ops``.

A function adds the calls of one op to those of its walk; ``CALLS`` of a file has the
function of each kind. A new family is a file here, and two lines below.
"""

from collections.abc import Callable

from fastnn.engine.cuda.op_calls import OpCalls
from fastnn.engine.cuda.ops import (
    attention,
    augment,
    batch_norm,
    broadcast,
    columns,
    conv,
    custom_loss,
    embedding,
    loss,
    mask,
    merge,
    move,
    pool,
    positions,
    prelu,
    product,
    random,
    reduce,
    row_norm,
)

# By the name of a kind.
CALLS: dict[str, Callable[[OpCalls], None]] = {
    **attention.CALLS,
    **augment.CALLS,
    **batch_norm.CALLS,
    **broadcast.CALLS,
    **columns.CALLS,
    **conv.CALLS,
    **custom_loss.CALLS,
    **embedding.CALLS,
    **loss.CALLS,
    **mask.CALLS,
    **merge.CALLS,
    **move.CALLS,
    **pool.CALLS,
    **positions.CALLS,
    **prelu.CALLS,
    **product.CALLS,
    **random.CALLS,
    **reduce.CALLS,
    **row_norm.CALLS,
}
