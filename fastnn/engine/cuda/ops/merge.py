"""Two values that are broadcast along each other, and a value that is scaled."""

from fastnn.engine.cuda.calls import MOST_BLOCKS, PLACES_AT_ONCE, THREADS
from fastnn.engine.cuda.op_calls import OpCalls
from fastnn.plan.ops.merge import MERGES


def merge(op: OpCalls) -> None:
    name = f"merge_rows_{MERGES[op.code]}"
    a, b, y = op.input(0), op.input(1), op.output(0)
    op.each("merge", name, op.size, op.params(), a, b, y)


def merge_gradient(op: OpCalls) -> None:
    name = MERGES[op.code]
    dy, *values = map(op.input, range(3))
    for operand in (1, 0):  # in this order: the first gradient may be dy
        d = op.output(operand)
        if not d:
            continue
        # A sum's gradient reads neither value.
        own, other = (values[i] or dy for i in (operand, 1 - operand))
        arguments = op.params(), operand, dy, own, other
        places = op.size_of_output(operand)
        if places == op.size and not op.adds(operand):
            op.each("merge", f"merge_gradient_{name}", places, *arguments, d)
            continue
        columns = PLACES_AT_ONCE if _moves_along_rows(op, operand) else 1
        grid = min(-(-places // columns), MOST_BLOCKS)
        op.launch(
            "merge", f"merge_sums_{name}", grid, (THREADS, 1),
            places, op.size // places, columns, *arguments,
            op.adds(operand), d,
        )  # fmt: skip


def _moves_along_rows(op: OpCalls, operand: int) -> bool:
    """Whether an operand of a merge has numbers of its own along the last axis."""
    first = int(op.record["params"])
    rank = int(op.plan.params[first])
    return bool(op.plan.params[first + (2 + operand) * rank])


def scale(op: OpCalls) -> None:
    x, y = op.input(0), op.output(0)
    factor, shift = (op.real(op.scalar(i)) for i in range(2))
    op.each("merge", "scale", op.size, x, factor, shift, y)


CALLS = {
    "merge": merge,
    "merge_gradient": merge_gradient,
    "scale": scale,
}
