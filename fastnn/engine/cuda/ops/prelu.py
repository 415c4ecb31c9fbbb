"""PReLU, whose slope is broadcast."""

from fastnn.engine.cuda.op_calls import OpCalls


def prelu(op: OpCalls) -> None:
    x, slope, y = op.input(0), op.input(1), op.output(0)
    size, axes = op.size, op.axes
    op.each("prelu", "prelu_forward", size, x, slope, *axes, y)


def prelu_gradient(op: OpCalls) -> None:
    dy, x, slope = map(op.input, range(3))
    dx, dslope = op.output(0), op.output(1)
    axes = op.axes
    if dslope:  # first: dx may be dy
        adds = op.adds(1)
        op.sum("prelu", "prelu_slope_gradient", dy, x, *axes, adds, dslope)
    if dx:
        name = "prelu_input_gradient"
        op.each("prelu", name, op.size, dy, x, slope, *axes, dx)


CALLS = {
    "prelu": prelu,
    "prelu_gradient": prelu_gradient,
}
