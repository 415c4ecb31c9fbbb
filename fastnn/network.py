"""Networks: layers wired together, and how they become a plan."""

from collections.abc import Sequence

from sklearn.base import BaseEstimator

from fastnn.layers import Layer
from fastnn.losses import Loss
from fastnn.lowering import Lowering, Tensor
from fastnn.plan import Plan


class Sequential(BaseEstimator):
    """A stack of layers, each fed by the one before.

    Parameters
    ----------
    layers : list of Layer
        From the input to the output.

    Examples
    --------
    >>> from fastnn.layers import Dense
    >>> from fastnn.network import Sequential
    >>> Sequential([Dense(64, "relu"), Dense(10)]).output_shape((784,))
    (10,)
    """

    def __init__(self, layers: Sequence[Layer]):
        self.layers = layers

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one output sample.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of one input sample.

        Returns
        -------
        output_shape : tuple of int
        """
        shape = input_shape
        for layer in self.layers:
            shape = layer.output_shape(shape)
        return shape

    def lower(self, lowering: Lowering, x: Tensor) -> Tensor:
        """Write the ops of all layers; return the last one's output.

        Parameters are named after the layer's kind and its place among those of the
        same kind: ``"dense_0/kernel"``.
        """
        seen: dict[str, int] = {}
        for layer in self.layers:
            kind = type(layer).__name__.lower()
            number = seen.get(kind, 0)
            seen[kind] = number + 1
            x = layer.lower(lowering, x, f"{kind}_{number}")
        return x


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
    [('dense_0/kernel', (4, 3)), ('dense_0/bias', (3,))]
    """
    lowering = Lowering()
    z = network.lower(lowering, lowering.input(input_shape))
    return lowering.finish(loss.lower(lowering, z))
