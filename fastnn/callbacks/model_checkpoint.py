"""Saving the estimator while it trains."""

import os
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import joblib

from fastnn.callbacks.base import Callback, Run
from fastnn.callbacks.watch import Watch


class ModelCheckpoint(Callback):
    """Saves the estimator after each epoch, or after each one that is the best so far.

    The file is written under another name and then put in place, so that whoever reads
    it, at any time, finds a whole one. :func:`joblib.load` gives back an estimator that
    predicts, and that ``partial_fit`` trains on where it stopped.

    Parameters
    ----------
    path : str or path
        File to write. Names in braces stand for the epoch and for what was measured:
        ``"net-{epoch:03d}-{validation_loss:.3f}.joblib"``. Its folder must exist.
    monitor : str, default="auto"
        What tells the best epoch, where ``save_best_only``: see :class:`EarlyStopping`.
    save_best_only : bool, default=False
        Whether to save the estimator only when it is the best so far.

    Attributes
    ----------
    saved_path_ : path or None
        File that was written last.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import joblib
    >>> from sklearn.datasets import load_iris
    >>> from fastnn import NeuralNetClassifier
    >>> from fastnn.callbacks import ModelCheckpoint
    >>> X, y = load_iris(return_X_y=True)
    >>> with TemporaryDirectory() as folder:
    ...     save = ModelCheckpoint(Path(folder) / "net-{epoch}.joblib")
    ...     model = NeuralNetClassifier(epochs=3, callbacks=[save]).fit(X, y)
    ...     files = sorted(path.name for path in Path(folder).iterdir())
    ...     saved = joblib.load(save.saved_path_)
    >>> files
    ['net-1.joblib', 'net-2.joblib', 'net-3.joblib']
    >>> bool((saved.predict(X) == model.predict(X)).all())
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "path": [str, os.PathLike],
        "monitor": [str],
        "save_best_only": ["boolean"],
    }

    def __init__(
        self,
        path: str | os.PathLike,
        monitor: str = "auto",
        save_best_only: bool = False,
    ):
        self.path = path
        self.monitor = monitor
        self.save_best_only = save_best_only

    def on_fit_begin(self, run: Run) -> None:
        """Check the path; see :meth:`Callback.on_fit_begin`."""
        self._validate_params()
        self._watch = Watch(run.history, self.monitor)
        self.saved_path_: Path | None = None
        self._filled(dict.fromkeys(run.history, 0.0) | {"epoch": 0})
        folder = Path(self.path).parent
        if not folder.is_dir():
            raise FileNotFoundError(
                f"path={os.fspath(self.path)!r} lies in a folder that does not exist. "
                f"Make {folder} first."
            )

    def on_epoch_end(self, run: Run) -> None:
        """Save the estimator; see :meth:`Callback.on_epoch_end`."""
        improved = self._watch.improved()
        if improved or not self.save_best_only:
            path = self._filled(run.latest | {"epoch": run.epoch})
            _replace(path, run.estimator())
            self.saved_path_ = path

    def on_fit_end(self, run: Run) -> None:
        """Forget the best value; see :meth:`Callback.on_fit_end`."""
        del self._watch

    def _filled(self, values: dict[str, float]) -> Path:
        try:
            return Path(os.fspath(self.path).format(**values))
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(
                f"path={os.fspath(self.path)!r} must have names in its braces that are "
                f"among {sorted(values)}, with formats for numbers."
            ) from error


def _replace(path: Path, estimator: object) -> None:
    """Write a whole file and put it in the place of ``path``."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            joblib.dump(estimator, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
