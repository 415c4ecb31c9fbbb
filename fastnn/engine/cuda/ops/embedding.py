"""Rows of tables."""

from fastnn.engine.cuda.op_calls import OpCalls


def embedding(op: OpCalls) -> None:
    n = op.dim(3)
    arguments = n, *map(op.input, range(2)), op.output(0)
    op.each("embedding", "embedding", op.dim(2) * n, *arguments)


def embedding_gradient(op: OpCalls) -> None:
    m, n = op.dim(2), op.dim(3)
    dtable = op.output(0)
    if not op.adds(0):
        table = op.plan.tensors[op.record["output"][0]]
        op.each("embedding", "embedding_zeros", int(table["size"]), dtable)
    arguments = n, *map(op.input, range(2)), dtable
    op.each_row("embedding", "embedding_gradient", m, *arguments)


CALLS = {
    "embedding": embedding,
    "embedding_gradient": embedding_gradient,
}
