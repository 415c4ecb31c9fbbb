"""Matrix products: one kernel may be used twice."""

from walks import matrices
from writers import by_hand, dense, parameter

from fastnn.plan import ops
from fastnn.regularizers import SklearnL2


def run_product(walk, op, dim, a, b, *_):
    count, m, n, k = dim
    shape_a = (k, m) if op["transpose"] & 1 else (m, k)
    shape_b = (n, k) if op["transpose"] & 2 else (k, n)
    a = matrices(a, count, *shape_a, op["stride"][0])
    b = matrices(b, count, *shape_b, op["stride"][1])
    if op["transpose"] & 1:
        a = a.transpose(0, 2, 1)
    if op["transpose"] & 2:
        b = b.transpose(0, 2, 1)
    return (a @ b,)


OPS = {
    "product": run_product,
}


def two_branches(tape, x):
    a = dense(tape, x, "a", 4, "tanh")
    b = dense(tape, x, "b", 4, "logistic")
    return dense(tape, ops.add(tape, a, b), "output", 2)


def used_twice(tape, x):
    """A hidden value goes into two products, and is added to itself and a function."""
    h = dense(tape, x, "hidden", 4, "tanh")
    doubled = ops.add(tape, ops.add(tape, h, h), dense(tape, h, "inner", 4, "relu"))
    return ops.add(
        tape, dense(tape, h, "left", 3), dense(tape, doubled, "right", 3), "tanh"
    )


def shared(tape, x):
    """One kernel and one bias, used twice."""
    kernel = parameter(tape, "kernel", (5, 5), regularizer=SklearnL2(0.2))
    bias = parameter(tape, "bias", (5,))
    for _ in range(2):
        x = ops.add(tape, ops.product(tape, x, kernel), bias, "tanh")
    return x


CASES = {
    "two_branches": lambda: by_hand(two_branches),
    "used_twice": lambda: by_hand(used_twice),
    "shared": lambda: by_hand(shared),
}
