"""Numbers of samples that are moved: axes in another order, zeros around them."""

from fastnn.engine.cuda.op_calls import OpCalls


def move(op: OpCalls) -> None:
    op.each("move", "move_numbers", op.size, op.params(), op.input(0), op.output(0))


CALLS = {"move": move}
