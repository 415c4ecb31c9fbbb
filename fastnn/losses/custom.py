"""Losses that are Python functions."""

from numbers import Integral
from typing import ClassVar

from sklearn.utils._param_validation import StrOptions

from fastnn.losses.base import Loss
from fastnn.plan import ops
from fastnn.plan.records import CustomFunction
from fastnn.plan.tables import ACTIVATION_ALIASES, ACTIVATIONS
from fastnn.plan.tape import PREDICT, Tape
from fastnn.plan.tensor import Tensor
from fastnn.utils.plain_numbers import Interval


class CustomLoss(Loss):
    """A loss that a Python function computes, once for each mini-batch.

    It costs the function's own time and some microseconds a step; the rest of the step
    runs without the GIL and on all threads, as with any loss. A mini-batch is worked on
    as a whole, so that memory grows with ``batch_size``, where other losses take large
    batches in parts. What the function raises ends the training and reaches the caller;
    the parameters are then those after the last full step.

    Parameters
    ----------
    function : callable
        ``function(y, z) -> (loss, gradient)``. It gets two read-only arrays of the
        dtype of the parameters: the targets ``y`` of shape (n, target_columns), class
        numbers as floats, and the raw outputs ``z`` of the network, of shape
        (n, n_outputs), all numbers of a sample in one row. They are copies, which it
        may keep. It returns ``loss``, of shape (n,), the loss of each sample, and
        ``gradient``, of the shape of z, the derivative of each sample's loss with
        respect to its own outputs. Neither is summed, averaged or weighed: sample
        weights are applied afterwards, and a sample of the weight 0, whose target may
        be missing, counts for nothing. Validation calls it too, for up to 512 samples
        at a time, and uses the loss only.

        A model that is to be pickled needs a function that can be: one that a module
        defines by name, and no lambda.
    link : str, default="identity"
        Name of the activation that turns raw outputs into predictions, or "softmax".
        The function sees outputs before it.
    target_columns : int, default=None
        Numbers in the target of one sample. None is as many as outputs. With 1, and
        "softmax" for a link, the targets are numbers of classes.

    Raises
    ------
    ValueError
        In training and validation, if what the function returns has other shapes.

    Examples
    --------
    An error that costs three times as much above the target as below it:

    >>> import numpy as np
    >>> from fastnn.engine.engine import Engine
    >>> from fastnn.layers import Dense
    >>> from fastnn.losses import CustomLoss
    >>> from fastnn.network import Sequential, lower
    >>> def asymmetric(y, z):
    ...     weight = np.where(z > y, 3.0, 1.0)
    ...     return (weight * (z - y) ** 2).sum(axis=1), 2 * weight * (z - y)
    >>> loss = CustomLoss(asymmetric)
    >>> plan = lower(Sequential([Dense(1)]), input_shape=(2,), loss=loss)
    >>> X, y = np.ones((4, 2)), np.array([[1.0], [1.0], [-1.0], [-1.0]])
    >>> zero = np.zeros(plan.n_parameters)  # predicts 0: twice too low, twice too high
    >>> engine = Engine(plan, zero, X, y, batch_size=4)
    >>> engine.gradient()[0]
    8.0
    """

    _parameter_constraints: ClassVar[dict] = {
        "function": [callable],
        "link": [StrOptions({*ACTIVATIONS, *ACTIVATION_ALIASES, "softmax"})],
        "target_columns": [Interval(Integral, 1, 2**31 - 1, closed="both"), None],
    }

    def __init__(
        self,
        function: CustomFunction,
        link: str = "identity",
        target_columns: int | None = None,
    ):
        self.function = function
        self.link = link
        self.target_columns = target_columns

    @property
    def reads_class_numbers(self) -> bool:
        """Whether a target is the number of a class, each of which has an output."""
        return self.link == "softmax" and self.target_columns == 1

    def lower(self, tape: Tape, z: Tensor) -> Tensor:
        """Write the loss of the raw outputs z; return the predictions."""
        self._validate_params()
        columns = self.target_columns
        target = tape.target(z.shape if columns is None else (columns,))
        ops.custom_loss(tape, self.function, z, target)
        if self.link == "softmax":
            return ops.softmax(tape, z, PREDICT)
        link = ACTIVATION_ALIASES.get(self.link, self.link)
        return ops.add(tape, z, None, link, PREDICT)
