"""From a network and its loss to a plan."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from fastnn.layers.base import Part
from fastnn.losses import Loss, SquaredError
from fastnn.losses.heads import HeadLosses
from fastnn.network.base import Network, lower_part
from fastnn.network.branches import Branches
from fastnn.network.sequential import Sequential
from fastnn.network.tokens import make_input, tokens_of
from fastnn.plan import ops
from fastnn.plan.records import Plan
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor, shape_of_sample


def lower(
    network: Network,
    *,
    input_shape: Sequence[int | None] | Mapping[str, Sequence[int | None]],
    loss: Loss,
) -> Plan:
    """Lower a network and its loss for samples of one shape.

    Parameters
    ----------
    network : Network
        Ends in the raw outputs, before the loss's link.
    input_shape : sequence of int or mapping of str to sequence of int
        Shape of one sample, which begins with None for sequences of different lengths;
        of several inputs one for each, by name.
    loss : Loss
        A HeadLosses where the network has several outputs.

    Returns
    -------
    plan : Plan

    Raises
    ------
    ValueError
        If shapes do not fit, or the network has other inputs, or several outputs where
        the loss is of one, or gives a value for each step of sequences.

    Examples
    --------
    >>> from fastnn.layers import Dense
    >>> from fastnn.losses import CrossEntropy
    >>> from fastnn.network import Sequential, lower
    >>> plan = lower(Sequential([Dense(3)]), input_shape=(4,), loss=CrossEntropy())
    >>> [(p.name, p.shape) for p in plan.parameters]
    [('dense/kernel', (4, 3)), ('dense/bias', (3,))]
    """
    if network.many_outputs != isinstance(loss, HeadLosses):
        raise ValueError(
            f"the network is a {type(network).__name__} of several outputs, but the "
            "loss is taken of one."
        )
    tape = Tape()
    z = lower_part(tape, network, _read(tape, network, input_shape), "")
    for each in z.values() if isinstance(z, Mapping) else [z]:
        _check_output(tape, each)
    return tape.finish(loss.lower(tape, z))


def _check_output(tape: Tape, z: Tensor) -> None:
    """Refuse what a loss would read as if there were no steps, or none were masked."""
    shape = shape_of_sample(z)
    if None in shape or tape.mask_of(z) is not None:
        raise ValueError(
            f"the network gives a value for each step of sequences, of shape {shape}, "
            "but a loss is of one value for each sample, and of all of it. Let a layer "
            "make one of all steps: GlobalAveragePooling1D, or an LSTM that returns "
            "its last output."
        )


def lower_until(
    network: Network,
    place: str,
    *,
    input_shape: Sequence[int | None] | Mapping[str, Sequence[int | None]],
) -> Plan:
    """Lower what a part reads, and the part, whose numbers are then the predictions.

    Parameters
    ----------
    network : Network
    place : str
        The way to the part: "branches/numbers". It gives one value.
    input_shape : sequence of int or mapping of str to sequence of int
        As that of :func:`lower`.

    Returns
    -------
    plan : Plan
        Its parameters are some of those that :func:`lower` gives, by the same names.

    Raises
    ------
    ValueError
        If the part gives a value for each step of sequences.

    Examples
    --------
    >>> from fastnn.layers import Dense, Dropout
    >>> from fastnn.network import Sequential, lower_until
    >>> network = Sequential([("base", Dense(3, "relu")), Dropout(0.5), Dense(2)])
    >>> plan = lower_until(network, "base", input_shape=(4,))
    >>> [(p.name, p.shape) for p in plan.parameters], plan.n_outputs
    ([('base/kernel', (4, 3)), ('base/bias', (3,))], 3)
    """
    tape = Tape()
    named: dict[int, tuple[Part, str]] = {}
    given: dict[str, Callable[[], Any]] = {}

    def flow(network: Network, x: Any, way: str, there: str) -> Any:
        """Promises of what all parts give; they are named by the first place."""

        def apply(own: str, part: Part, value: Any) -> Any:
            name = named.setdefault(id(part), (part, f"{way}{own}"))[1]
            if isinstance(part, Network):
                y = flow(part, value, f"{name}/", f"{there}{own}/")
            else:
                y = cache(lambda: lower_part(tape, part, _kept(value), name))
            given[f"{there}{own}"] = y
            return y

        return network.forward(x, apply)

    x = _read(tape, network, input_shape)
    flow(network, _promised(x), "", "")
    z = given[place]()
    if None in shape_of_sample(z):
        raise ValueError(
            f"part {place!r} gives a value for each step of sequences, of shape "
            f"{shape_of_sample(z)}, and what is asked for is one for each sample. Name "
            "a part behind one that makes one value of all steps."
        )
    return tape.finish(SquaredError().lower(tape, ops.reshape(tape, z, (z.size,))))


def _promised(value: Any) -> Any:
    """A value, or each of several, as a function that gives it."""
    if isinstance(value, Mapping):
        return {name: _promised(each) for name, each in value.items()}
    return lambda: value


def _kept(value: Any) -> Any:
    """The value of a promise, or of each of several."""
    if isinstance(value, Mapping):
        return {name: _kept(each) for name, each in value.items()}
    return [_kept(each) for each in value] if isinstance(value, list) else value()


def _read(tape: Tape, network: Network, input_shape: Any) -> Any:
    """What the network takes: a value, or several by name."""
    names = network.input_names()
    if not isinstance(input_shape, Mapping):
        if network.many_inputs:
            raise ValueError(
                f"the network has several inputs, {names}, but X is one table. Pass "
                f"fastnn.Inputs({names[0]}=..., {names[1]}=...)."
            )
        return make_input(tape, input_shape, tokens=tokens_of(network))
    tokens = tokens_of(network, list(input_shape))
    values = {
        name: make_input(tape, each, name, tokens) for name, each in input_shape.items()
    }
    if network.many_inputs or (_begins_with_branches(network) and len(values) > 1):
        return values
    if len(values) > 1:
        raise ValueError(
            f"X has the inputs {list(values)}, but the network takes one. Let it begin "
            "with Branches that name them, or with a Graph of these inputs."
        )
    return next(iter(values.values()))


def _begins_with_branches(part: Part) -> bool:
    """Whether what reads the input are branches, which can say what of it."""
    if isinstance(part, Sequential):
        return any(_begins_with_branches(each) for _, each in part.named_parts()[:1])
    return isinstance(part, Branches)
