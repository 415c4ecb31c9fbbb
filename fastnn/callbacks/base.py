"""What a callback is, and what it sees of a fit."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar

from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from fastnn.engine.mirrored import MirroredArray
from fastnn.plan.layout import Layout
from fastnn.utils.plain import PlainState, check_attributes


class Run:
    """A fit, as its callbacks see it.

    Several calls may be one training: those of ``partial_fit``, and those of ``fit``
    with ``warm_start=True``. Each has a run of its own, whose epochs are counted from
    the first call on.

    Parameters
    ----------
    training : str
        Names the training that this call begins or goes on with. It is the same in all
        calls of one training, also after the estimator was saved and loaded, and
        another in each other one.
    n_epochs_before : int
        Number of epochs that earlier calls of the training have done.
    n_epochs : int
        Most epochs that this call takes.
    incremental : bool
        Whether this call is ``partial_fit``, one epoch in a loop of the user's own.
    history : mapping of str to list of float
        What was measured, one number per epoch.
    weights : callable
        Gives the flat array of all weights, as they are judged and kept.
    optimizer : object
        Its ``learning_rate`` is that of the next epoch.
    reconstruct : callable
        Makes a copy of the estimator as if it had stopped now.
    say : callable
        Prints a line among those of a verbose fit.
    layout : callable
        Tells where in the flat array each parameter lies.

    Attributes
    ----------
    epoch : int
        Number of epochs that the training has done, those of earlier calls included.
        That of an epoch is its place in the history, from 1.
    n_epochs : int
        What ``epoch`` will be at the end of this call, unless something ends it before.
    resumed : bool
        Whether this call goes on with the training of an earlier one.
    parameters : ndarray of shape (n_parameters,)
        All weights of the network, as it is judged and as the estimator will keep it.
        What is written here takes effect.
    """

    def __init__(
        self,
        *,
        training: str,
        n_epochs_before: int,
        n_epochs: int,
        incremental: bool,
        history: Mapping[str, list[float]],
        weights: Callable[[], MirroredArray],
        optimizer: Any,
        reconstruct: Callable[[], Any],
        say: Callable[[str], None],
        layout: Callable[[], Layout],
    ):
        self.training = training
        self.resumed = n_epochs_before > 0
        self.incremental = incremental
        self.epoch = n_epochs_before
        self.n_epochs = n_epochs_before + n_epochs
        self.history = history
        self.say = say
        self._weights = weights
        self._optimizer = optimizer
        self._reconstruct = reconstruct
        self._layout = layout

    @cached_property
    def layout(self) -> list[tuple[str, int, tuple[int, ...]]]:
        """Name, place in the flat array and shape of each parameter."""
        return self._layout().to_plain()

    @property
    def parameters(self) -> NDArray:
        """The flat array of all weights, as they are judged and kept."""
        return self._weights().host

    def keep(self) -> MirroredArray:
        """Copy of all weights as they are now, where they are, for :meth:`restore`."""
        return self._weights().copy()

    def restore(self, kept: MirroredArray, layout: Any = None) -> None:
        """Set all weights back to those that :meth:`keep` has kept.

        Parameters
        ----------
        kept : MirroredArray
        layout : list of tuple, default=None
            What :attr:`layout` was then, if it may be that of an earlier call: weights
            find their places by name. None is what it is now.

        Raises
        ------
        ValueError
            If they are not those of this network.
        """
        weights = self._weights()
        if layout is not None and layout != self.layout:
            kept = self._by_name(kept, layout)
        if kept.shape != weights.shape:
            raise ValueError(
                f"kept must hold all {weights.shape[0]} weights of the network, got an "
                f"array of shape {kept.shape}. Save the model again."
            )
        if kept.dtype != weights.dtype:  # they may be of an earlier call
            kept = MirroredArray(kept.host.astype(weights.dtype))
        weights.assign(kept)

    def _by_name(self, kept: MirroredArray, layout: Any) -> MirroredArray:
        saved = PlainState("what a callback has kept", {"layout": layout})
        here, there = self._layout(), Layout.from_plain(saved, "layout", kept.size)
        try:
            move = here.move_from(there)
        except ValueError:
            raise ValueError(
                f"the kept weights are those of the parameters {there}, but the "
                f"network has {here}. Restore its layers and their names, or set "
                "another callback."
            ) from None
        return kept if move is None else MirroredArray(move(kept.saved()))

    @property
    def latest(self) -> dict[str, float]:
        """What was measured in the last epoch; empty before the first one."""
        return {name: values[-1] for name, values in self.history.items() if values}

    @property
    def learning_rate(self) -> float:
        """Learning rate of the next epoch, before the schedule's factor; can be set."""
        return self._optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if not 0 < value < float("inf"):
            raise ValueError(
                f"learning_rate must be a finite number above 0, got {value!r}."
            )
        self._optimizer.learning_rate = float(value)

    def estimator(self) -> Any:
        """Copy of the estimator, fitted as if training had stopped now."""
        return self._reconstruct()


class Callback(BaseEstimator):
    """Base class of the callbacks; each method does nothing.

    A callback is told of each call of ``fit`` and ``partial_fit``. What it keeps of one
    for the next goes with the estimator where that is saved; it should be given up when
    ``run.training`` is another than before. A clone has kept nothing.

    Examples
    --------
    A callback that halves the learning rate after each epoch:

    >>> from sklearn.datasets import load_iris
    >>> from fastnn import NeuralNetClassifier
    >>> from fastnn.callbacks import Callback
    >>> class Halve(Callback):
    ...     def on_epoch_end(self, run):
    ...         run.learning_rate /= 2
    >>> X, y = load_iris(return_X_y=True)
    >>> model = NeuralNetClassifier(epochs=3, callbacks=[Halve()]).fit(X, y)
    >>> model.history_["learning_rate"]
    [0.001, 0.0005, 0.00025]
    """

    _parameter_constraints: ClassVar[dict] = {}
    # What it keeps for the next call, described as parameters are.
    _memory_constraints: ClassVar[dict] = {}

    def check_memory(self) -> None:
        """Check what was kept and then loaded from a file.

        Raises
        ------
        ValueError
            If it is damaged.
        """
        name = type(self).__name__
        check_attributes(
            name, self._memory_constraints, vars(self), name, "Save the model again."
        )

    def on_fit_begin(self, run: Run) -> None:
        """Called before the first epoch.

        Parameters
        ----------
        run : Run
            Its history has the names of all that will be measured.
        """

    def on_epoch_end(self, run: Run) -> bool | None:
        """Called after each epoch.

        Parameters
        ----------
        run : Run

        Returns
        -------
        stop : bool or None
            True ends training.
        """
        return None

    def on_fit_end(self, run: Run) -> None:
        """Called after the last epoch, unless the fit has failed.

        Parameters
        ----------
        run : Run
        """
