"""The batch normalisation layer."""

from numbers import Real
from typing import ClassVar

from fastnn.initializers import Constant, Initializer, Zeros
from fastnn.layers.base import Layer
from fastnn.plan import ops
from fastnn.plan.tape import Tape
from fastnn.plan.tensor import Tensor
from fastnn.utils.plain_numbers import Interval


class BatchNorm(Layer):
    """Gives every feature mean 0 and variance 1 over the mini-batch.

    ``scale * (x - mean) / sqrt(variance + epsilon) + offset``, where a feature is an
    entry of the last axis: mean and variance are those over all samples of the batch
    and, for inputs of more axes, over all positions on these. They count samples and
    not their weights. The gradient takes into account that they depend on all samples.

    Each training step moves running statistics by a share of ``momentum`` towards the
    mean and the unbiased variance of its batch; predictions and validation use those,
    and so depend on no other sample. A batch of a single row has no variance: it
    becomes the offset, and leaves the running variance as it is. A layer that stands in
    a network twice moves its running statistics twice in a step, in order.

    A mini-batch is worked on as a whole, so that memory grows with ``batch_size``,
    where other networks take large batches in parts. The bias of a layer right in front
    has no effect, because the mean is taken off.

    Parameters
    ----------
    momentum : float, default=0.1
        Weight of a batch in the running statistics, in (0, 1]. This is PyTorch's
        convention; Keras' momentum is 1 less this.
    epsilon : float, default=1e-5
        Added to the variance, above 0.
    affine : bool, default=True
        Whether there are trained parameters ``scale`` and ``offset``, one of each for
        every feature, with initial values of 1 and 0 and without weight decay.
    trainable : bool, default=True
        Whether the layer is trained. One that is not normalises by its running
        statistics in training as well, and keeps these and its scale and offset to the
        last bit.
    learning_rate : float, default=1.0
        A factor on the optimizer's learning rate, above 0, for scale and offset.

    References
    ----------
    Ioffe, S., and Szegedy, C. "Batch normalization: accelerating deep network training
    by reducing internal covariate shift". ICML 2015.

    Examples
    --------
    >>> from fastnn.layers import Activation, BatchNorm, Dense
    >>> from fastnn.losses import SquaredError
    >>> from fastnn.network import Sequential, lower
    >>> network = Sequential([Dense(8), BatchNorm(), Activation("relu"), Dense(1)])
    >>> plan = lower(network, input_shape=(4,), loss=SquaredError())
    >>> [(p.name, p.shape) for p in plan.parameters[2:4]]
    [('batchnorm/scale', (8,)), ('batchnorm/offset', (8,))]
    >>> [(p.name, p.shape) for p in plan.parameters[4:6]]
    [('batchnorm/running_mean', (8,)), ('batchnorm/running_variance', (8,))]
    """

    _takes_sequences = True
    _masks = "keeps"
    _parameter_constraints: ClassVar[dict] = {
        "momentum": [Interval(Real, 0, 1, closed="right")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "affine": ["boolean"],
        **Layer._of_training,
    }

    def __init__(
        self,
        momentum: float = 0.1,
        epsilon: float = 1e-5,
        affine: bool = True,
        *,
        trainable: bool = True,
        learning_rate: float = 1.0,
    ):
        self.momentum = momentum
        self.epsilon = epsilon
        self.affine = affine
        self.trainable = trainable
        self.learning_rate = learning_rate

    def lower(self, tape: Tape, x: Tensor, name: str) -> Tensor:
        """Write the parameters and the ops of the layer; see :meth:`Layer.lower`."""
        self._validate_params()
        shape, one = x.shape[-1:], Constant(1.0)

        def trained(role: str, initializer: Initializer) -> Tensor | None:
            if not self.affine:
                return None
            return tape.parameter(
                f"{name}/{role}",
                shape,
                initializer,
                fan_in=1,
                fan_out=1,
                weight_decay=0.0,
            )

        scale, offset = trained("scale", one), trained("offset", Zeros())
        return ops.batch_norm(
            tape,
            x,
            tape.running_statistic(f"{name}/running_mean", shape, Zeros()),
            tape.running_statistic(f"{name}/running_variance", shape, one),
            scale,
            offset,
            momentum=float(self.momentum),
            epsilon=float(self.epsilon),
        )
