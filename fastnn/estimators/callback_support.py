"""scikit-learn's callbacks, for which its experimental protocol is spoken here alone.

Since 1.9 an estimator can be given callbacks, such as a progress bar, and is handed
those of a pipeline or a search around it. They see a tree of tasks: ``fit``, and under
it the epochs. Older versions have no callbacks, and no ``set_callbacks``.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fastnn.estimators.data.prepare import Arguments

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in for scikit-learn's, which versions before 1.9 lack."""


class FitTask:
    """What callbacks are told about one call of ``fit``.

    Parameters
    ----------
    estimator : CallbackSupportMixin
    worker : CallbackSupportMixin
        What the call works on.
    context : CallbackContext
        That of the whole fit.
    data : dict
        X, y and, unless it is None, the sample weight, as they were passed to ``fit``.
    """

    def __init__(self, estimator: Any, worker: Any, context: Any, data: dict[str, Any]):
        self._estimator, self._worker = estimator, worker
        self._context = context
        self._data = data
        self._epoch: Any = None

    def watch(
        self, describe: Callable[[int], dict[str, Any]], max_epochs: int
    ) -> Callable[[int], bool]:
        """Begin the first epoch; return what to call at the end of each.

        Parameters
        ----------
        describe : callable
            Takes the number of an epoch that has just ended, and returns the attributes
            of an estimator that had stopped there.
        max_epochs : int

        Returns
        -------
        after_epoch : callable
            Takes the number of the epoch. Tells whether a callback wants training to
            stop.
        """

        def begin() -> None:
            self._epoch = self._context.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(estimator=self._estimator, **self._data)

        def after_epoch(epoch: int) -> bool:
            stop = self._epoch.call_on_fit_task_end(
                estimator=self._estimator,
                **self._data,
                # A function: it is called if a callback asks for the estimator.
                reconstruction_attributes=lambda: self._changed() | describe(epoch),
            )
            self._epoch = None
            if not stop and epoch < max_epochs:
                begin()
            return stop

        begin()
        return after_epoch

    def end(self) -> None:
        """End the fit, and the epoch that was begun but not needed any more."""
        if self._epoch is not None:
            self._epoch.call_on_fit_task_end(estimator=self._estimator)
        self._context.call_on_fit_task_end(
            estimator=self._estimator,
            **self._data,
            reconstruction_attributes=self._changed(),
        )

    def _changed(self) -> dict[str, Any]:
        """What the estimator will take over."""
        before = vars(self._estimator)
        return {
            name: value
            for name, value in vars(self._worker).items()
            if name not in before or before[name] is not value
        }


@contextmanager
def fit_task(
    estimator: Any, worker: Any, arguments: Arguments, *, incremental: bool
) -> Iterator[FitTask | None]:
    """Tell the callbacks of ``estimator`` that a fit begins, and that it has ended.

    Parameters
    ----------
    estimator : CallbackSupportMixin
    worker : CallbackSupportMixin
        What the call works on, whose attributes the estimator takes over in the end.
    arguments : Arguments
        As they were passed to ``fit``.
    incremental : bool
        Whether this is ``partial_fit``, a step of a loop of the user's own: as nowhere
        in scikit-learn, callbacks do not see it.

    Yields
    ------
    task : FitTask or None
        None when there is nobody to tell.
    """
    if incremental or not vars(estimator).get("_skl_callbacks"):
        yield None
        return
    data = {"X": arguments.X, "y": arguments.y}
    if arguments.sample_weight is not None:
        data["metadata"] = {"sample_weight": arguments.sample_weight}
    context = estimator._init_callback_context(max_subtasks=estimator._max_epochs())
    context.call_on_fit_task_begin(estimator=estimator, **data)
    task = FitTask(estimator, worker, context, data)
    yield task
    task.end()
