"""The parameters of an estimator of any network, declared and documented once."""

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import StrOptions

from fastnn.averaging import Averaging
from fastnn.callbacks import Callback, EarlyStopping
from fastnn.estimators.parameters import CommonParameters
from fastnn.mixing import Mixing
from fastnn.network import Network
from fastnn.optimizers import OPTIMIZERS, Optimizer
from fastnn.schedules import Schedule
from fastnn.utils.plain_numbers import Interval


class NeuralNetParameters(CommonParameters):
    """The parameters of an estimator of any network.

    Parameters
    ----------
    optimizer : str or Optimizer, default="adam"
        How the weights are changed: an object of :mod:`fastnn.optimizers`, or the name
        of one with its default options: "sgd", "adam", "adamw", "nadam", "rmsprop",
        "adagrad", "adadelta" or "lion".

    epochs : int, default=20
        Passes over the samples.

    batch_size : int, default=32
        Samples per step; at most all of them.

    shuffle : bool, default=True
        Whether each epoch visits the samples in a new random order.

    batch_by_length : bool, default=False
        Whether samples of like length share a mini-batch, where they are sequences of
        different lengths. Nothing is computed for padding either way: it makes the work
        of mini-batches on several threads more even, and that of one step after another
        less so. Mini-batches come in a random order, and ``shuffle`` must be True. What
        each sample meets in its mini-batch is less random: sequences of one class may
        have like lengths.

    schedule : Schedule or callable, default=None
        How the learning rate changes: an object of :mod:`fastnn.schedules`, or a
        function from the number of a step to a factor. None keeps it.

    early_stopping : EarlyStopping, default=None
        When to stop before ``epochs``, and which weights to keep:
        :class:`fastnn.callbacks.EarlyStopping`.

    averaging : Averaging, default=None
        An average of the weights along the way, which is judged and kept in their
        place: an object of :mod:`fastnn.averaging`. None keeps the last weights.

    mixing : Mixing, default=None
        What mixes the samples of each mini-batch with one another while training, and
        their targets with them: :class:`fastnn.mixing.Mixup`, or
        :class:`fastnn.mixing.CutMix` of images. Classes become probabilities, a column
        for each, so that the loss must be the log loss or the cross-entropy. The
        targets of several heads are mixed alike, and none may be missing. X must be one
        dense array, and ``device`` the CPU. None mixes nothing.

    callbacks : list of Callback, default=()
        Objects of :mod:`fastnn.callbacks`, called after each epoch.

    dtype : {"float32", "float64"} or None, default="float32"
        Type of the weights and of all computing. None follows X: float32 for float32
        X, otherwise float64.

    precision : {"bf16", "high", "tf32"} or None, default=None
        How the larger matrix products of training are taken; see
        :class:`fastnn.MLPClassifier`.

    random_state : int, RandomState instance or None, default=None
        Draws the initial weights, the validation split, the order of the samples and
        random masks. An int gives the same result at every call, on one machine and
        with one number of threads.

    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights and the history of the previous call.

    verbose : bool or int, default=False
        Whether to print a line per epoch.

    Attributes
    ----------
    history_ : dict of str to list of float
        One number per epoch of all that was measured.

    loss_curve_, validation_loss_curve_, validation_scores_ : list of float
        The first three of these; the latter two are None without validation data.

    n_epochs_ : int
        Number of epochs of the last call.

    n_outputs_ : int
        Number of outputs of the network.

    out_activation_ : str
        What the loss makes of them.

    coefs_, intercepts_ : list of ndarray
        Kernels and biases of the dense layers. The arrays are views of the model:
        assigning an item, or into one, changes the model.
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **CommonParameters._parameter_constraints,
        "network": [object],  # _check_network does it
        "optimizer": [StrOptions(set(OPTIMIZERS)), Optimizer],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "batch_by_length": ["boolean"],
        "schedule": [Schedule, callable, None],
        "validation": [Interval(Real, 0, 1, closed="neither"), None],
        "early_stopping": [EarlyStopping, None],
        "averaging": [Averaging, None],
        "mixing": [Mixing, None],
        "metrics": [list, tuple],
        "callbacks": [list, tuple],
    }

    network: Network | None
    optimizer: str | Optimizer
    epochs: int
    batch_size: int
    batch_by_length: bool
    schedule: Schedule | Callable[[int], float] | None
    validation: float | None
    early_stopping: EarlyStopping | None
    averaging: Averaging | None
    mixing: Mixing | None
    metrics: Sequence[Any]
    callbacks: Sequence[Callback]
