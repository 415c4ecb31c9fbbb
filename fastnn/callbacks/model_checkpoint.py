"""Saving the estimator while it trains."""

import glob
import os
import pickle
from string import Formatter
from typing import IO, Any, ClassVar

import joblib

from fastnn.callbacks.base import Run
from fastnn.callbacks.watch import WatchingCallback
from fastnn.utils.atomic_file import (
    check_folder,
    check_last_name,
    check_replaceable,
    remove_leftovers,
    replaced_file,
    starting_folder,
    try_folder,
)

# Most epochs whose paths are checked before the first one.
_N_CHECKED = 1000


class ModelCheckpoint(WatchingCallback):
    """Saves the estimator after each epoch, or after each one that is the best so far.

    The file is written under another name and then put in place, so that whoever reads
    it, at any time, finds a whole one. :func:`joblib.load` gives back an estimator that
    predicts, and that ``partial_fit`` trains on where it stopped. It holds the
    callbacks too, with what they know of the epochs so far; those that come later in
    the list have not seen the last one yet.

    The best so far is that of the whole training, and epochs are counted over all calls
    of it: ``partial_fit`` and warm-started ``fit`` replace no file of an earlier epoch
    where the path has the epoch in it.

    Parameters
    ----------
    path : str or path
        File to write. Names in braces stand for the epoch and for what was measured:
        ``"net-{epoch:03d}-{validation_loss:.3f}.joblib"``. Its folder must exist; those
        that have braces in their names, and those in them, are made. A symbolic link
        stays one, and what it leads to is replaced; a file that is replaced keeps its
        permissions. Other hard links to it still lead to the old file.
    monitor : str, default="auto"
        What tells the best epoch, where ``save_best_only``: see :class:`EarlyStopping`.
    save_best_only : bool, default=False
        Whether to save the estimator only when it is the best so far.

    Attributes
    ----------
    saved_path_ : str or None
        Absolute path of the file that was written last in this training.
    best_value_ : float or None
        What was measured in the best epoch; None if there was none.

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

    _memory_constraints: ClassVar[dict] = {
        **WatchingCallback._memory_constraints,
        "saved_path_": [str, None],
    }

    def on_fit_begin(self, run: Run) -> None:
        """Check the path; see :meth:`Callback.on_fit_begin`."""
        self._validate_params()
        self._folder = starting_folder(self._pattern)
        self._check_paths(run)
        known = self._watch(run)
        if self._training != run.training:
            self.saved_path_: str | None = None
        if not known or not run.incremental:
            remove_leftovers(_wildcard(os.path.dirname(self._pattern)), self._pattern)
        self._training = run.training

    def on_epoch_end(self, run: Run) -> None:
        """Save the estimator; see :meth:`Callback.on_epoch_end`."""
        before = dict(vars(self))
        improved = self._improved(run)
        if not improved and self.save_best_only:
            return
        path = self._filled(run.latest | {"epoch": run.epoch})
        # What is saved knows of itself.
        self.saved_path_ = path
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with replaced_file(path, self._pattern) as file:
                _dump(run.estimator(), file)
        except BaseException:
            self.__dict__.update(before)
            raise

    @property
    def _pattern(self) -> str:
        return os.fsdecode(self.path)

    def _check_paths(self, run: Run) -> None:
        """Raise what can be known to be wrong with paths before the first epoch."""
        if "\0" in self._pattern:
            raise ValueError(f"path={self._pattern!r} must not have a null character.")
        sample: dict[str, Any] = dict.fromkeys(run.history, 0.0)
        epochs = range(run.epoch + 1, run.n_epochs + 1)
        paths = {
            self._filled(sample | {"epoch": epoch}): None
            for epoch in (*epochs[:_N_CHECKED], run.n_epochs)
        }
        check_folder(os.path.dirname(_text_before_braces(self._pattern)), self._pattern)
        folders = dict.fromkeys(self._check_path(path) for path in paths)
        for folder in folders:
            try_folder(folder, self._pattern)

    def _check_path(self, path: str) -> str:
        """The folder in which a file or folder is made first to write to a path."""
        folder = os.path.dirname(path)
        if os.path.isdir(folder):
            check_replaceable(path)
            return os.path.dirname(os.path.realpath(path))
        while not os.path.lexists(folder):
            folder = os.path.dirname(folder)
        check_folder(folder, self._pattern)
        _check_names(path, folder)
        return folder

    def _filled(self, values: dict[str, Any]) -> str:
        try:
            return os.path.join(self._folder, self._pattern.format(**values))
        except (LookupError, ValueError, AttributeError, TypeError) as error:
            raise ValueError(
                f"path={self._pattern!r} must have names in its braces that are "
                f"among {sorted(values)}, with formats for numbers."
            ) from error


def _dump(estimator: Any, file: IO[bytes]) -> None:
    try:
        joblib.dump(estimator, file)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise pickle.PicklingError(
            f"ModelCheckpoint cannot save the estimator: {error}. Functions and "
            "classes among its parameters must be those of a module, no lambda and "
            "none that is made in a function."
        ) from error


def _text_before_braces(pattern: str) -> str:
    """What a pattern begins with before the first name in braces."""
    text = ""
    for literal, name, _, _ in Formatter().parse(pattern):
        text += literal
        if name is not None:
            break
    return text


def _wildcard(pattern: str) -> str:
    """A pattern with wildcards in place of names in braces, as :mod:`glob` reads it."""
    return "".join(
        glob.escape(literal) + ("" if name is None else "*")
        for literal, name, _, _ in Formatter().parse(pattern)
    )


def _check_names(path: str, folder: str) -> None:
    """Check the names of folders that are yet to be made in ``folder``."""
    check_last_name(path)
    longest = os.pathconf(folder, "PC_NAME_MAX")
    for name in path.split(os.sep):
        if len(os.fsencode(name)) > longest:
            raise OSError(
                f"path={path!r} has the name {name!r}, which is longer than the "
                f"{longest} bytes that the file system allows."
            )
