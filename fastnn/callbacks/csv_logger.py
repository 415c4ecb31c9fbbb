"""Writing the history to a file while it is made."""

import csv
import os
from pathlib import Path
from typing import ClassVar

from fastnn.callbacks.base import Callback, Run


class CSVLogger(Callback):
    """Writes a line of comma-separated values after each epoch.

    The first line has the names: "epoch", and those of ``history_``.

    Parameters
    ----------
    path : str or path
        File to write. Its folder must exist.
    append : bool, default=False
        Whether to go on with a file that is there, which must have the same columns,
        instead of replacing it.

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

    def on_fit_begin(self, run: Run) -> None:
        """Write the names; see :meth:`Callback.on_fit_begin`."""
        self._validate_params()
        names = ["epoch", *run.history]
        path = Path(self.path)
        if self.append and path.exists() and path.stat().st_size:
            with path.open(newline="") as file:
                there = next(csv.reader(file))
            if there != names:
                raise ValueError(
                    f"{path} has the columns {there}, and this fit has {names}. Choose "
                    "another path, or append=False to replace the file."
                )
            return
        with path.open("w", newline="") as file:
            csv.writer(file).writerow(names)

    def on_epoch_end(self, run: Run) -> None:
        """Write a line; see :meth:`Callback.on_epoch_end`."""
        with Path(self.path).open("a", newline="") as file:
            csv.writer(file).writerow([run.epoch, *run.latest.values()])
