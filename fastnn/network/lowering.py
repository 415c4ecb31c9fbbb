"""From a network and its loss to a plan."""

from collections.abc import Sequence

from fastnn.losses import Loss
from fastnn.network.sequential import Sequential
from fastnn.plan.records import Plan
from fastnn.plan.tape import Tape


def lower(network: Sequential, *, input_shape: Sequence[int], loss: Loss) -> Plan:
    """Lower a network and its loss for samples of one shape.

    Parameters
    ----------
    network : Sequential
        Ends in the raw outputs, before the loss's link.
    input_shape : sequence of int
        Shape of one sample.
    loss : Loss

    Returns
    -------
    plan : Plan

    Examples
    --------
    >>> from fastnn.layers import Dense
    >>> from fastnn.losses import CrossEntropy
    >>> from fastnn.network import Sequential, lower
    >>> plan = lower(Sequential([Dense(3)]), input_shape=(4,), loss=CrossEntropy())
    >>> [(p.name, p.shape) for p in plan.parameters]
    [('dense/kernel', (4, 3)), ('dense/bias', (3,))]
    """
    tape = Tape()
    z = network.lower(tape, tape.input(input_shape))
    return tape.finish(loss.lower(tape, z))
