"""What the compiled code means, in plain NumPy and float64: naive, and made to be read.

Rows are keyed by the names in the compiled tables, ops by the names of their kinds. A
walk over a plan keeps one array for each tensor and knows nothing of memory offsets,
batches in chunks, threads or in-place work: all that must not change a result.

Here are the rules of optimizers and the walk. What the ops mean is in tests/ops, a file
for each family, beside the networks that are written and tested for them.
"""

import numpy as np
from ops.attention import OPS as ATTENTION
from ops.augment import OPS as AUGMENT
from ops.batch_norm import OPS as BATCH_NORM
from ops.batch_norm import batch_norm, batch_norm_adjoint
from ops.conv import OPS as CONV
from ops.elementwise import ACTIVATIONS, add, add_adjoint, slope
from ops.elementwise import OPS as ELEMENTWISE
from ops.embedding import OPS as EMBEDDING
from ops.losses import LOSSES, ROW_LOSSES, cross_entropy, tweedie
from ops.losses import OPS as LOSS
from ops.mask import OPS as MASK
from ops.merge import OPS as MERGE
from ops.move import OPS as MOVE
from ops.noise import OPS as NOISE
from ops.noise import keeps, normal, philox
from ops.pool import OPS as POOL
from ops.positions import OPS as POSITIONS
from ops.prelu import OPS as PRELU
from ops.product import OPS as PRODUCT
from ops.recurrent import OPS as RECURRENT
from ops.reduce import OPS as REDUCE
from ops.row_norm import OPS as ROW_NORM
from ops.softmax import OPS as SOFTMAX
from ops.views import OPS as VIEWS
from walks import Walk, columns_of

from fastnn.plan import tables
from fastnn.utils.sequences import Sequences

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "OPS",
    "OPTIMIZERS",
    "ROW_LOSSES",
    "add",
    "add_adjoint",
    "batch_norm",
    "batch_norm_adjoint",
    "cross_entropy",
    "epoch",
    "keeps",
    "normal",
    "penalty",
    "philox",
    "predict",
    "shuffled",
    "slope",
    "tweedie",
    "update",
    "walk",
]

# ----------------------------------------------------------------------- optimizers


def sgd(w, g, slots, h, rate):
    """Momentum, plain or Nesterov's: Sutskever et al., ICML 2013, equations 1 to 4.

    The velocity is a sum of steps, then h[5] and h[2] are not 0, or one of gradients,
    then h[4] and h[6] are not.
    """
    velocity = slots[0]
    velocity[:] = h[1] * velocity + (h[4] - h[5] * rate) * g
    w += (h[2] - h[6] * rate) * velocity - h[3] * rate * g


def moments(g, slots, h):
    mean, square = slots[:2]
    mean[:] = h[1] * mean + h[2] * g
    square[:] = h[3] * square + h[4] * g**2
    return mean, square


def adam(w, g, slots, h, rate):
    """Kingma and Ba, ICLR 2015, algorithm 1 in the order of the end of section 2."""
    mean, square = moments(g, slots, h)
    w -= rate * mean / (np.sqrt(square) + h[5])


def amsgrad(w, g, slots, h, rate):
    """Reddi, Kale and Kumar, ICLR 2018, algorithm 2."""
    mean, square = moments(g, slots, h)
    slots[2][:] = np.maximum(slots[2], square)
    w -= rate * mean / (np.sqrt(slots[2]) + h[5])


def nadam(w, g, slots, h, rate):
    """Dozat, ICLR workshop 2016, algorithm 2: gradient and mean are mixed."""
    mean, square = moments(g, slots, h)
    w -= rate * (h[6] * g + h[7] * mean) / (np.sqrt(square) + h[5])


def rmsprop(w, g, slots, h, rate):
    """Tieleman and Hinton, 2012, with a running sum of the steps."""
    square, steps = slots[:2]
    square[:] = h[1] * square + h[2] * g**2
    steps[:] = h[3] * steps + g / (np.sqrt(square) + h[4])
    w -= rate * steps


def rmsprop_centered(w, g, slots, h, rate):
    """Graves, 2013, equations 38 to 41, but for where epsilon stands."""
    square, steps, mean = slots
    square[:] = h[1] * square + h[2] * g**2
    mean[:] = h[1] * mean + h[2] * g
    variance = np.maximum(square - mean**2, 0)
    steps[:] = h[3] * steps + g / (np.sqrt(variance) + h[4])
    w -= rate * steps


def adagrad(w, g, slots, h, rate):
    """Duchi, Hazan and Singer, JMLR 2011, with diagonal matrices."""
    slots[0] += g**2
    w -= rate * g / (np.sqrt(h[2] + slots[0]) + h[1])


def adadelta(w, g, slots, h, rate):
    """Zeiler, 2012, algorithm 1."""
    square, moved = slots
    square[:] = h[1] * square + h[2] * g**2
    move = np.sqrt(moved + h[3]) / np.sqrt(square + h[3]) * g
    moved[:] = h[1] * moved + h[2] * move**2
    w -= rate * move


def lion(w, g, slots, h, rate):
    """Chen et al., NeurIPS 2023, algorithm 2."""
    mean = slots[0]
    w -= rate * np.sign(h[1] * mean + h[2] * g)
    mean[:] = h[3] * mean + h[4] * g


OPTIMIZERS = {
    rule.__name__: rule
    for rule in (
        *(sgd, adam, amsgrad, nadam, rmsprop, rmsprop_centered),
        *(adagrad, adadelta, lion),
    )
}


def trained(blocks, touched=None):
    """Blocks that a step changes, and where: of some tables only a few rows.

    touched: numbers of these rows, by the number of a table's block.
    """
    touched = touched or {}
    for i, block in enumerate(blocks):
        if not block["trainable"]:
            continue
        first, size = block["offset"], block["size"]
        if i in touched:
            size = block["columns"]
            starts = [first + row * size for row in sorted(touched[i])]
        else:
            starts = [first]
        for start in starts:
            yield block, slice(start, start + size)


def penalty(blocks, parameters, weight, touched=None):
    """What regularizers add to the mean loss of samples, and the gradient of that.

    Keras' do so whatever the samples, scikit-learn's is divided by their weight.
    """
    value, gradient = 0.0, np.zeros_like(parameters)
    for block, at in trained(blocks, touched):
        w, l2 = parameters[at], block["l2"] + block["penalty"] / 2 / weight
        value += block["l1"] * np.sum(abs(w)) + l2 * np.sum(w**2)
        gradient[at] = block["l1"] * np.sign(w) + 2 * l2 * w
    return value, gradient


def limit_norms(blocks, parameters):
    """Srivastava et al., JMLR 2014, section 5.1, in place."""
    limited = (blocks["trainable"] == 1) & (blocks["max_norm"] > 0)
    for block in blocks[limited]:
        at = slice(block["offset"], block["offset"] + block["size"])
        w = parameters[at].reshape(-1, block["columns"])
        norm = np.linalg.norm(w, axis=0)
        w *= np.where(norm > block["max_norm"], block["max_norm"] / norm, 1)


def update(blocks, parameters, gradients, weight, rule, state, h, touched=None):
    """One step in place; returns the penalty of the mean loss from before it.

    The gradient is that of the mean over the sum of weights, penalty included. It is
    clipped before the optimizer's own weight decay is added, or stands beside the step.
    Running statistics make room for their gradients, whatever the optimizer. Of tables
    whose gradients are rows, those that were touched are all there is to a step.
    """
    for block in blocks[blocks["running"] > 0]:
        at = slice(block["offset"], block["offset"] + block["size"])
        parameters[at] = (1 - block["running"]) * parameters[at] + gradients[at]
    value, slope = penalty(blocks, parameters, weight, touched)
    pieces = [
        (block, at, gradients[at] / weight + slope[at])
        for block, at in trained(blocks, touched)
    ]
    factor = 1.0
    if h[tables.CLIP_NORM]:
        norm = np.sqrt(sum(np.sum(g**2) for _, _, g in pieces))
        factor = min(1, h[tables.CLIP_NORM] / (norm + 1e-6))
    for block, at, g in pieces:
        g, w = factor * g, parameters[at]
        if h[tables.CLIP_VALUE]:
            g = np.clip(g, -h[tables.CLIP_VALUE], h[tables.CLIP_VALUE])
        g += h[tables.COUPLED_DECAY] * block["weight_decay"] * w
        decay = h[tables.DECOUPLED_DECAY] * block["weight_decay"]
        w -= decay * block["learning_rate"] * w
        OPTIMIZERS[rule](w, g, state[:, at], h, h[0] * block["learning_rate"])
    limit_norms(blocks, parameters)
    return value


# ------------------------------------------------------------------- ops of a plan

OPS = {
    **PRODUCT,
    **ELEMENTWISE,
    **VIEWS,
    **SOFTMAX,
    **LOSS,
    **NOISE,
    **AUGMENT,
    **PRELU,
    **ROW_NORM,
    **BATCH_NORM,
    **REDUCE,
    **POOL,
    **MOVE,
    **MASK,
    **MERGE,
    **ATTENTION,
    **POSITIONS,
    **CONV,
    **RECURRENT,
    **EMBEDDING,
}


def walk(plan, parameters, X, y=None, weight=None, phase="train", masks=(0, 0)):
    """Run the ops of one phase, in order, on all rows at once.

    masks: seed and step of the random masks.
    """
    n = len(X)
    named = X if isinstance(X, dict) else {plan.inputs[0].name: X}
    sequences = {each.axis: named[each.name] for each in plan.sequences}
    # How many there are for each sample, or for each step on an axis.
    counts = {0: n} | {axis: len(each.values) for axis, each in sequences.items()}
    parameters = np.asarray(parameters, np.float64)
    done = Walk(np.ones(n) if weight is None else weight, np.zeros(plan.n_parameters))
    done.seed, done.step = masks
    done.functions, done.params = plan.functions, plan.params
    done.factors = tuple(loss.weight for loss in plan.losses)
    sums = [done.weights_of(i).sum() for i in range(len(plan.losses))]
    done.reports = np.column_stack([np.zeros(len(sums)), sums])
    done.tensors = plan.tensors
    done.starts = {axis: each.starts for axis, each in sequences.items()}

    computed = ("activation", "statistic")  # spaces

    def space_of(number):
        (space,) = (
            name
            for name, code in tables.SPACES.items()
            if code == plan.tensors[number]["space"]
        )
        return space

    def read(number):
        if number < 0:
            return None
        tensor = plan.tensors[number]
        if tensor["base"] >= 0:
            base = read(tensor["base"])
            return columns_of(plan.tensors, number, base).ravel()
        at = slice(tensor["train_offset"], tensor["train_offset"] + tensor["size"])
        space = space_of(number)
        if space in computed:
            # What is written in parts is not a number where it is not written.
            copies = counts[tensor["axis"]] if tensor["per_sample"] else 1
            unknown = np.full(tensor["size"] * copies, np.nan)
            return done.values.setdefault(number, unknown)
        if space == "target":
            return y[:, tensor["first"] : tensor["first"] + tensor["size"]].ravel()
        return {
            "input": np.ravel(_values(named[plan.inputs[tensor["index"]].name])),
            "parameter": parameters[at],
            "gradient": done.gradients[at],
        }[space]

    done.read = read
    for op in plan.ops:
        if not op["phase"] & tables.PHASES[phase]:
            continue
        kind = {code: name for name, code in tables.KINDS.items()}[op["kind"]]
        rows = counts[op["axis"]]
        scaled = [rows if op["per_sample"] >> i & 1 else 1 for i in range(4)]
        outputs = OPS[kind](done, op, op["dim"] * scaled, *map(read, op["input"]))
        for number, value in zip(op["output"], outputs, strict=False):
            if number < 0:
                continue
            # What is added to is the gradient of a parameter, never a value that flows;
            # what moves running statistics has been added up.
            if plan.tensors[number]["base"] >= 0:
                base = read(plan.tensors[number]["base"])
                columns = columns_of(plan.tensors, number, base)
                columns[...] = np.reshape(value, columns.shape)
            elif space_of(number) in computed:
                done.values[number] = np.ravel(value)
            elif op["accumulate"] and kind != "batch_statistics":
                read(number)[:] += np.ravel(value)
            else:
                read(number)[:] = np.ravel(value)
    for use in plan.row_gradients if phase == "train" else ():
        block = plan.blocks[use["block"]]
        of_table = slice(block["offset"], block["offset"] + block["size"])
        table = done.gradients[of_table].reshape(-1, block["columns"])
        rows = done.values[use["gradient"]].reshape(-1, block["columns"])
        np.add.at(table, read(use["tokens"]), rows)
        done.touched.setdefault(use["block"], set()).update(read(use["tokens"]))
    return done


def _values(table):
    """The numbers or tokens of a table, of sequences step by step."""
    return table.values if isinstance(table, Sequences) else table


def predict(plan, parameters, X):
    """The network's outputs, the link applied."""
    values = walk(plan, parameters, X, phase="predict").values
    return values[plan.output].reshape(len(X), plan.n_outputs)


# --------------------------------------------------------------------------- epochs


def epoch(
    plan, parameters, X, y, weight, order, batch_size, rule, state, table, average=None
):
    """One step for each row of table, in place; returns the loss as it is reported.

    That is the mean over the rows of their batch's mean loss with its penalty, the sum
    that scikit-learn's multi-layer perceptrons keep in ``loss_curve_``.
    """
    total = 0.0
    for step, h in enumerate(table):
        rows = order[step * batch_size : (step + 1) * batch_size]
        weight_sum = weight[rows].reshape(len(rows), -1)[:, 0].sum()
        if weight_sum > 0:
            done = walk(plan, parameters, X[rows], y[rows], weight[rows])
            value = update(
                plan.blocks,
                parameters,
                done.gradients,
                weight_sum,
                rule,
                state,
                h,
                done.touched,
            )
            total += len(rows) * (done.reported / weight_sum + value)
        if rate := h[tables.AVERAGE_RATE]:
            earlier = (1 - rate) * average if rate < 1 else 0
            average[:] = earlier + rate * parameters
    return total / len(X)


def shuffled(n, seed):
    """The order in which an epoch visits n rows."""
    order = np.arange(n)
    np.random.RandomState(seed).shuffle(order)
    return order
