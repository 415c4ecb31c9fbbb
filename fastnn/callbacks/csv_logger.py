"""Writing the history to a file while it is made."""

import csv
import os
from io import StringIO
from typing import IO, ClassVar

from fastnn.callbacks.base import Callback, Run
from fastnn.utils.atomic_file import (
    check_replaceable,
    replaced_file,
    starting_folder,
    try_folder,
)
from fastnn.utils.files import open_without_waiting


class CSVLogger(Callback):
    """Writes a line of comma-separated values after each epoch.

    The first line has the names: "epoch", and those of ``history_``. Calls that go
    on with a training, ``partial_fit`` and warm-started ``fit``, go on with its file:
    where they measure more than before, as with validation data, it gets more columns,
    which are empty in earlier lines. A fit that fails before the end of its first epoch
    leaves the file as it was.

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

    _memory_constraints: ClassVar[dict] = {"_own": [tuple], "_columns": [tuple]}
    # Pairs of a training and the path of its file: that of the last row, and that of
    # the last call, which may have been refused before it had one.
    _own: tuple[tuple[str, str], ...] = ()
    _columns: tuple[str, ...] = ()

    def on_fit_begin(self, run: Run) -> None:
        """Check the path; see :meth:`Callback.on_fit_begin`."""
        self._validate_params()
        path = os.fsdecode(self.path)
        pair = run.training, path
        self._known = pair in self._own
        self._path = os.path.join(starting_folder(path), path)
        self._has_row = False
        before, columns = self._columns_before_and_now(run)
        _check_writable(self._path)
        if before and before != columns:
            check_replaceable(self._path)
        self._own = (*self._own[:1], pair)

    def on_epoch_end(self, run: Run) -> None:
        """Write a line; see :meth:`Callback.on_epoch_end`."""
        if not self._has_row:
            self._begin(run)
        values = {"epoch": run.epoch, **run.latest}
        with _open(self._path, "a") as file:
            csv.writer(file).writerow([values.get(name) for name in self._columns])
        self._has_row = True

    def _begin(self, run: Run) -> None:
        """Make the file one that has its names and ends where a line begins."""
        before, columns = self._columns_before_and_now(run)
        if before is None:
            with _open(self._path, "w") as file:
                csv.writer(file).writerow(columns)
        elif os.path.isfile(self._path):
            _end_last_line(self._path, len(before))
            if before != columns:
                _widen(self._path, columns)
        self._columns, self._own = columns, self._own[-1:]

    def _columns_before_and_now(
        self, run: Run
    ) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
        """Columns of what is there to go on with, if there is, and those to write."""
        names = ("epoch", *run.history)
        before = self._columns_there() if self._known or self.append else None
        if before is None:
            return None, names
        new = tuple(name for name in names if name not in before)
        regular = os.path.isfile(self._path)
        if new and not (self._known and regular and before == self._columns):
            remedy = "remove the file" if regular else "measure the same in all calls"
            raise ValueError(
                f"path={self._path!r} has the columns {list(before)}, and this fit has "
                f"{list(names)}. Choose another path, or {remedy}."
            )
        return before, before + new

    def _columns_there(self) -> tuple[str, ...] | None:
        """Columns of what is there to go on with; None if there is nothing."""
        if not os.path.exists(self._path):
            return None
        if not os.path.isfile(self._path):
            # A device or a pipe cannot be asked.
            return self._columns or None
        if not os.path.getsize(self._path):
            return None
        with open(self._path, newline="", encoding="utf-8", errors="replace") as file:
            try:
                return tuple(next(csv.reader(file)))
            except csv.Error as error:
                raise ValueError(
                    f"path={self._path!r} must be a log to go on with, and its first "
                    f"line has no names of columns: {error}. Choose another path, or "
                    "remove the file."
                ) from error


def _check_writable(path: str) -> None:
    """Raise what can be known of the first line; all stays as it is."""
    if os.path.exists(path):
        with _open(path, "a"):
            pass
    else:
        check_replaceable(path)
        try_folder(os.path.dirname(os.path.realpath(path)), path)


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
        try:
            torn = start and len(next(csv.reader([last]))) < n_values
        except csv.Error:  # a value that is too long for a number
            torn = False
        if torn:
            file.truncate(start)
        else:
            file.write(b"\r\n")


def _widen(path: str, columns: tuple[str, ...]) -> None:
    """Give a file more columns, which are empty in the lines that it has."""
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    # What others have written before may be no text; it stays what it is.
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
        rows = csv.reader(file)
        next(rows)
        writer.writerows(row + [""] * (len(columns) - len(row)) for row in rows)
    with replaced_file(path) as new:
        new.write(text.getvalue().encode(errors="surrogateescape"))


def _open(path: str, mode: str) -> IO[str]:
    return open(path, mode, newline="", encoding="utf-8", opener=open_without_waiting)
