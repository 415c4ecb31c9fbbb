"""The layer that augments mini-batches by a Python function while training."""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fastnn.layers.base import Layer
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor


class Augment(Layer):
    """Sends mini-batches through a Python function while training; else passes them on.

    For whatever the other layers do not do. It is slower: it costs the function's own
    time, in which one thread works and all others wait, and a mini-batch is worked on
    as a whole, so that memory grows with ``batch_size``. What the function raises ends
    the training and reaches the caller; the parameters are then those after the last
    full step.

    No gradient passes through a function. The layer stands in front of all layers that
    are trained.

    Parameters
    ----------
    function : callable
        ``function(x, rng) -> y``. It gets a copy of the mini-batch, of shape (n, ...)
        where samples have the shape (...), and of the dtype of the parameters, which it
        may change; and a :class:`numpy.random.Generator`, which is another one in every
        step, and the same for one ``random_state``, whatever the number of threads. It
        returns an array of the same shape and dtype, of finite numbers.

        A model that is to be pickled needs a function that can be: one that a module
        defines by name, and no lambda.

    Raises
    ------
    ValueError
        In training, if what the function returns is something else. When the network
        is built, if something that is trained stands in front of the layer.

    Examples
    --------
    Images that are darker or brighter, each by a factor of its own:

    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from fastnn import NeuralNetClassifier, Sequential
    >>> from fastnn.layers import Augment, Dense
    >>> def brightness(x, rng):
    ...     factors = rng.uniform(0.7, 1.3, size=(len(x), 1))
    ...     return x * factors.astype(x.dtype)
    >>> X, y = load_digits(return_X_y=True)
    >>> network = Sequential([Augment(brightness), Dense(64, "relu")])
    >>> model = NeuralNetClassifier(network, epochs=30, random_state=0)
    >>> model.fit(X / 16, y).score(X / 16, y) > 0.95
    True
    """

    _parameter_constraints: ClassVar[dict] = {"function": [callable]}

    def __init__(self, function: Callable[[NDArray, np.random.Generator], NDArray]):
        self.function = function

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the op; see :meth:`Layer.lower`."""
        self._validate_params()
        if x.needs_gradient:
            raise ValueError(
                f"the layer {name!r}, an Augment, stands behind something that is "
                "trained, and no gradient passes through a Python function. Put it in "
                "front of all trained layers, or set trainable=False on those before."
            )
        return ops.custom_augment(tape, self.function, x)
