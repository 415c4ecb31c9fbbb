"""Writers that are killed, at any moment, leave files that are whole.

FASTNN_TEST_KILLS is how often each is killed.
"""

import csv
import multiprocessing
import os
import time
from itertools import cycle

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris

from fastnn import NeuralNetClassifier
from fastnn.callbacks import CSVLogger, ModelCheckpoint
from fastnn.utils.atomic_file import replaced_file

KILLS = int(os.environ.get("FASTNN_TEST_KILLS", 12))
X, y = load_iris(return_X_y=True)

pytest.importorskip("fcntl")


def save(path):
    model = NeuralNetClassifier(callbacks=[ModelCheckpoint(path)], random_state=0)
    while True:
        model.partial_fit(X, y, classes=[0, 1, 2])


def log(path):
    model = NeuralNetClassifier(epochs=2, callbacks=[CSVLogger(path, append=True)])
    while True:
        model.fit(X[:30], y[:30])


def replace(path):
    for byte in cycle([b"a", b"b"]):
        with replaced_file(str(path)) as file:
            for _ in range(20):
                file.write(byte * 10_000)


def is_saved(path):
    assert joblib.load(path).predict(X).shape == y.shape


def is_logged(path):
    names, *rows = csv.reader(path.read_text().splitlines())
    assert names == ["epoch", "loss", "learning_rate", "seconds"]
    assert all(len(row) == len(names) for row in rows[:-1])


def is_replaced(path):
    content = path.read_bytes()
    assert content in (b"a" * 200_000, b"b" * 200_000)


WRITERS = {"save": (save, is_saved), "log": (log, is_logged)}
WRITERS |= {"replace": (replace, is_replaced)}


PATIENCE = 60  # seconds until a writer has written something


def written(path):
    return path.exists() and path.stat().st_size > 0


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_killed_at_random_moments(writer, tmp_path):
    write, check = WRITERS[writer]
    path = tmp_path / "file"
    context = multiprocessing.get_context("fork")
    for seconds in np.random.default_rng(0).uniform(0, 0.03, KILLS):
        process = context.Process(target=write, args=(path,))
        before = path.stat().st_mtime_ns if written(path) else None
        process.start()
        end = time.monotonic() + PATIENCE
        try:
            while not written(path) or path.stat().st_mtime_ns == before:
                assert process.is_alive()
                assert time.monotonic() < end
                time.sleep(0.001)
            time.sleep(seconds)
        finally:
            process.kill()
            process.join()
        check(path)
        # What one leaves the next one removes.
        assert len(set(os.listdir(tmp_path)) - {"file"}) <= 1


WHOLE = "epoch,loss,learning_rate,seconds\r\n1,0.5,0.1,0.25\r\n"


@pytest.mark.parametrize(
    ("rest", "kept"),
    [
        ("", ""),
        ("2", ""),
        ("2,0.4,", ""),
        ("2,0.4,0.1", ""),
        ('2,"0.4,0.1,0.25', ""),
        ("2,0.4,0.1,0.25", "2,0.4,0.1,0.25\r\n"),
        ("2,0.4,0.1,0.25\n", "2,0.4,0.1,0.25\n"),
    ],
)
def test_a_log_goes_on_behind_its_last_whole_line(rest, kept, tmp_path):
    path = tmp_path / "log.csv"
    path.write_bytes((WHOLE + rest).encode())
    logger = CSVLogger(path, append=True)
    NeuralNetClassifier(epochs=1, callbacks=[logger]).fit(X, y)
    content = path.read_bytes().decode()
    assert content.startswith(WHOLE + kept)
    (line,) = csv.reader([content.removeprefix(WHOLE + kept)])
    assert len(line) == 4
    assert content.endswith("\r\n")


@pytest.mark.parametrize(
    "names", ["ep", "epoch,loss", "epoch,loss,learning_rate,secon"]
)
def test_a_log_without_all_names_is_refused(names, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(names)
    model = NeuralNetClassifier(epochs=1, callbacks=[CSVLogger(path, append=True)])
    with pytest.raises(
        ValueError, match=r"log.csv' has the columns .* and this fit has"
    ):
        model.fit(X, y)
    assert path.read_text() == names
    path.write_text(WHOLE.splitlines()[0])
    model.fit(X, y)
    assert len(path.read_text().splitlines()) == 2
