"""From a network and its loss to a plan."""

from collections.abc import Sequence

from fastnn.losses import HeadLosses, Loss
from fastnn.network.base import Network, lower_part
from fastnn.plan.records import Plan
from fastnn.plan.tape import Tape


def lower(network: Network, *, input_shape: Sequence[int], loss: Loss) -> Plan:
    """Lower a network and its loss for samples of one shape.

    Parameters
    ----------
    network : Network
        Ends in the raw outputs, before the loss's link.
    input_shape : sequence of int
        Shape of one sample.
    loss : Loss
        A :class:`fastnn.losses.HeadLosses` where the network has several outputs.

    Returns
    -------
    plan : Plan

    Raises
    ------
    ValueError
        If shapes do not fit, the network has several inputs, or several outputs where
        the loss is of one.

    Examples
    --------
    >>> from fastnn.layers import Dense
    >>> from fastnn.losses import CrossEntropy
    >>> from fastnn.network import Sequential, lower
    >>> plan = lower(Sequential([Dense(3)]), input_shape=(4,), loss=CrossEntropy())
    >>> [(p.name, p.shape) for p in plan.parameters]
    [('dense/kernel', (4, 3)), ('dense/bias', (3,))]
    """
    one_output = not isinstance(loss, HeadLosses)
    if network.many_inputs or network.many_outputs == one_output:
        many = "inputs" if network.many_inputs else "outputs"
        raise ValueError(
            f"the network is a {type(network).__name__} of several {many}, but the "
            "loss is taken of one output for one input."
        )
    tape = Tape()
    z = lower_part(tape, network, tape.input(input_shape), "")
    return tape.finish(loss.lower(tape, z))
