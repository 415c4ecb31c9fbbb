"""What a callback is, and what it sees of a fit."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from fastnn.mirrored import MirroredArray


class Run:
    """A fit, as its callbacks see it.

    Parameters
    ----------
    n_epochs : int
        Most epochs that the fit takes.
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

    Attributes
    ----------
    epoch : int
        Number of epochs that this fit has done.
    parameters : ndarray of shape (n_parameters,)
        All weights of the network, as it is judged and as the estimator will keep it.
        What is written here takes effect.
    """

    def __init__(
        self,
        *,
        n_epochs: int,
        history: Mapping[str, list[float]],
        weights: Callable[[], MirroredArray],
        optimizer: Any,
        reconstruct: Callable[[], Any],
        say: Callable[[str], None],
    ):
        self.n_epochs = n_epochs
        self.history = history
        self.epoch = 0
        self.say = say
        self._weights = weights
        self._optimizer = optimizer
        self._reconstruct = reconstruct

    @property
    def parameters(self) -> NDArray:
        """The flat array of all weights, as they are judged and kept."""
        return self._weights().host

    def keep(self) -> MirroredArray:
        """Copy of all weights as they are now, where they are, for :meth:`restore`."""
        return self._weights().copy()

    def restore(self, kept: MirroredArray) -> None:
        """Set all weights back to those that :meth:`keep` has kept."""
        self._weights().assign(kept)

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
