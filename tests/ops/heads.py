"""Networks with several outputs."""

from ops.elementwise import ACTIVATIONS
from ops.losses import quartic
from writers import ALL_LOSSES, dense

from fastnn.losses import CrossEntropies, CustomLoss
from fastnn.plan import ops
from fastnn.plan.tape import Tape


def heads_of(*named, input_shape=(5,)):
    """A layer, and on it a head for each (name, loss, outputs, weight of the loss)."""
    tape = Tape()
    h = dense(tape, tape.input(input_shape), "hidden", 6, "tanh")
    outputs = {}
    for name, loss, n_outputs, weight in named:
        z = dense(tape, h, name, n_outputs)
        with tape.named(name, weight):
            outputs[name] = loss.lower(tape, z)
    return tape.finish(outputs)


def losses_of_two_names():
    """Two losses of one output, and an auxiliary one whose predictions nobody wants."""
    tape = Tape()
    h = dense(tape, tape.input((5,)), "hidden", 4, "tanh")
    z = dense(tape, h, "main", 2)
    prediction = ALL_LOSSES["log_loss"].lower(tape, z)
    with tape.named("auxiliary", 0.3):
        ALL_LOSSES["poisson"].lower(tape, dense(tape, h, "auxiliary", 3))
    return tape.finish(prediction)


def one_target():
    """Two outputs of one target: raw outputs are what is predicted."""
    tape = Tape()
    x = tape.input((5,))
    h = dense(tape, x, "hidden", 4, "tanh")
    target = tape.target((3,))
    near, far = (dense(tape, h, name, 3) for name in ("near", "far"))
    with tape.named("near"):
        ops.loss(tape, "squared_error", near, target)
    with tape.named("far", 2.0):
        ops.loss(tape, "absolute_error", far, target)
    return tape.finish({"far": far, "inputs": x, "near": near})


CASES = {
    "heads": lambda: heads_of(
        ("kind", ALL_LOSSES["cross_entropy"], 3, 1.0),
        ("sizes", ALL_LOSSES["squared_error"], 2, 0.3),
    ),
    "heads_of_every_link": lambda: heads_of(
        ("counts", ALL_LOSSES["poisson"], 2, 0.5),
        ("shares", ALL_LOSSES["kl_divergence"], 4, 1.0),
        ("labels", ALL_LOSSES["log_loss"], 3, 2.0),
        ("angle", ALL_LOSSES["cosine_similarity"], 2, 1.0),
        ("columns", CrossEntropies([2, 3]), 5, 0.7),
    ),
    "heads_rank_2": lambda: heads_of(
        ("kinds", ALL_LOSSES["cross_entropy"], 3, 1.0),
        ("sizes", ALL_LOSSES["quantiles"], 3, 0.3),
        ("shares", ALL_LOSSES["soft_cross_entropy"], 2, 0.3),
        input_shape=(4, 5),
    ),
    "heads_with_custom": lambda: heads_of(
        ("own", CustomLoss(quartic, "leaky_relu"), 2, 0.4),
        ("kind", ALL_LOSSES["focal"], 3, 1.0),
    ),
    "heads_of_every_activation": lambda: heads_of(
        *((name, CustomLoss(quartic, name), 1, 1.0) for name in ACTIVATIONS)
    ),
    "losses_of_two_names": losses_of_two_names,
    "one_target": one_target,
}
