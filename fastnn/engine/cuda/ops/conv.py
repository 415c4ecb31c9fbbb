"""Convolutions and their adjoints."""

from fastnn.engine.cuda.op_calls import OpCalls


def conv(op: OpCalls) -> None:
    _each_of_output(op, "conv")


def conv_transposed(op: OpCalls) -> None:
    _each_of_output(op, "conv_transposed")


def _each_of_output(op: OpCalls, kernel: str) -> None:
    size = op.size_of_output(0)
    op.each("conv", kernel, size, op.params(), *map(op.input, range(2)), op.output(0))


def conv_kernel_gradient(op: OpCalls) -> None:
    op.each(
        "conv", "conv_kernel_gradient", op.size_of_output(0),
        op.params(), op.rows.count, *map(op.input, range(2)), op.adds(0), op.output(0),
    )  # fmt: skip


CALLS = {
    "conv": conv,
    "conv_transposed": conv_transposed,
    "conv_kernel_gradient": conv_kernel_gradient,
}
