"""Writing the history to a file while it is made."""

import csv
import os
from typing import IO, ClassVar

from fastnn.callbacks.base import Callback, Run


class CSVLogger(Callback):
    """Writes a line of comma-separated values after each epoch.

    The first line has the names: "epoch", and those of ``history_``. Calls that go
    on with a training, ``partial_fit`` and warm-started ``fit``, go on with its file.

    Parameters
    ----------
    path : str or path
        File to write, or a device or a pipe, as ``"/dev/stdout"``. Its folder must
        exist.
    append : bool, default=False
        Whether a fresh fit goes on with a file that is there instead of replacing it.
        The file must have a column for all that is measured. A last line that lacks
        some of its values, because its writer was killed or the disk was full, is
        removed.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.datasets import load_iris
    >>> from fastnn import NeuralNetClassifier
    >>> from fastnn.callbacks import CSVLogger
    >>> X, y = load_iris(return_X_y=True)
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "log.csv"
    ...     model = NeuralNetClassifier(epochs=2, callbacks=[CSVLogger(file)])
    ...     lines = model.fit(X, y) and file.read_text().splitlines()
    >>> lines[0]
    'epoch,loss,learning_rate,seconds'
    >>> len(lines)
    3
    """

    _parameter_constraints: ClassVar[dict] = {
        "path": [str, os.PathLike],
        "append": ["boolean"],
    }

    def __init__(self, path: str | os.PathLike, append: bool = False):
        self.path = path
        self.append = append

    _kept_constraints: ClassVar[dict] = {
        "_training": [str, None],
        "_columns": [tuple],
        "_written": [str, None],
    }
    _training: str | None = None
    _columns: tuple[str, ...] = ()
    _written: str | None = None

    def on_fit_begin(self, run: Run) -> None:
        """Write the names; see :meth:`Callback.on_fit_begin`."""
        self._validate_params()
        path, names = os.fsdecode(self.path), ("epoch", *run.history)
        known = self._training == run.training and self._written == path
        columns = self._columns_there(path) if known or self.append else None
        if columns is None:
            columns = names
            with _open(path, "w") as file:
                csv.writer(file).writerow(names)
        elif set(names) <= set(columns):
            with _open(path, "a"):
                pass
            if os.path.isfile(path):
                _end_last_line(path, len(columns))
        else:
            raise ValueError(
                f"{path} has the columns {list(columns)}, and this fit has "
                f"{list(names)}. Choose another path, or append=False to replace the "
                "file with that of a fresh fit."
            )
        self._columns, self._written = columns, path
        self._training = run.training

    def on_epoch_end(self, run: Run) -> None:
        """Write a line; see :meth:`Callback.on_epoch_end`."""
        values = {"epoch": run.epoch, **run.latest}
        with _open(os.fsdecode(self.path), "a") as file:
            csv.writer(file).writerow([values.get(name) for name in self._columns])

    def _columns_there(self, path: str) -> tuple[str, ...] | None:
        """Columns of what is there to go on with; None if there is nothing."""
        if not os.path.exists(path):
            return None
        if not os.path.isfile(path):
            # A device or a pipe cannot be asked.
            return self._columns or None
        if not os.path.getsize(path):
            return None
        with open(path, newline="", encoding="utf-8", errors="replace") as file:
            return tuple(next(csv.reader(file)))


def _end_last_line(path: str, n_values: int) -> None:
    """Have the next line begin where a line begins."""
    with open(path, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        if file.read() == b"\n":
            return
        file.seek(0)
        content = file.read()
        start = content.rfind(b"\n") + 1
        last = content[start:].decode(errors="replace")
        if start and len(next(csv.reader([last]))) < n_values:
            file.truncate(start)
        else:
            file.write(b"\r\n")


def _open(path: str, mode: str) -> IO[str]:
    return open(path, mode, newline="", encoding="utf-8", opener=_without_waiting)


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe that nobody reads is an error, and nothing to wait for."""
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
    os.set_blocking(descriptor, True)
    return descriptor
