"""What callbacks do with the paths that they are given."""

import os
import stat
import threading
from tempfile import gettempdir

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris

from fastnn import NeuralNetClassifier
from fastnn.atomic_file import replaced_file
from fastnn.callbacks import Callback, CSVLogger, ModelCheckpoint

X, y = load_iris(return_X_y=True)
usual_names = pytest.mark.skipif(
    os.pathconf(gettempdir(), "PC_NAME_MAX") != 255, reason="names have another length"
)
needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes")


class Counter(Callback):
    """Counts epochs."""

    n_epochs = 0

    def on_epoch_end(self, run):
        self.n_epochs += 1


def fit(callback, **params):
    model = NeuralNetClassifier(epochs=3, random_state=0, **params)
    return model.set_params(callbacks=[callback]).fit(X, y)


def refused(callback, error, message):
    """Before there is an epoch."""
    counter = Counter()
    with pytest.raises(error, match=message):
        NeuralNetClassifier(epochs=1, callbacks=[callback, counter]).fit(X, y)
    assert counter.n_epochs == 0


# ------------------------------------------------------------------- checkpoints


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("net-{epoch}/net", ["net-1/net", "net-2/net", "net-3/net"]),
        ("{epoch}/{epoch:02d}/net", ["1/01/net", "2/02/net", "3/03/net"]),
        ("{epoch}{{}}/net-{epoch}", ["1{}/net-1", "2{}/net-2", "3{}/net-3"]),
        ("{epoch}" + "n" * 254, [f"{epoch}{'n' * 254}" for epoch in (1, 2, 3)]),
    ],
)
@usual_names
def test_where_checkpoints_are_written(path, names, tmp_path):
    save = ModelCheckpoint(tmp_path / path)
    model = fit(save)
    files = [each for each in tmp_path.rglob("*") if each.is_file()]
    assert sorted(str(each.relative_to(tmp_path)) for each in files) == names
    saved = joblib.load(save.saved_path_)
    np.testing.assert_array_equal(saved.coefs_[0], model.coefs_[0])


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("a\0b", ValueError, "must not have a null character"),
        ("net-{epoch.x}", ValueError, "must have names in its braces"),
        ("net-{loss[0]}", ValueError, "must have names in its braces"),
        ("net-{epoch", ValueError, "must have names in its braces"),
        (
            "no/{epoch}",
            FileNotFoundError,
            "folder that does not exist. Make .*no first",
        ),
        ("no/{epoch}/net", FileNotFoundError, "folder that does not exist"),
        ("file/net", NotADirectoryError, "which is no folder"),
        ("file/{epoch}/net", NotADirectoryError, "which is no folder"),
        ("{epoch}/", IsADirectoryError, "must end with the name of a file"),
        ("folder", IsADirectoryError, "is a folder"),
        ("n" * 256, OSError, "too long"),
        ("{epoch}/" + "n" * 256, OSError, "longer than the 255 bytes"),
        ("{epoch}" + "n" * 255, OSError, "too long"),
    ],
)
@usual_names
def test_paths_that_cannot_work_are_refused(path, error, message, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    refused(ModelCheckpoint(f"{tmp_path}/{path}"), error, message)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


@pytest.mark.parametrize("name", ["net", "{epoch}/net"])
def test_a_folder_must_be_one_to_write_to(name, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    path = tmp_path / name
    refused(ModelCheckpoint(path), PermissionError, "Change the permissions of")


@pytest.mark.parametrize("path", [os.devnull, "pipe"])
@needs_pipes
def test_a_checkpoint_replaces_files_alone(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    before = os.lstat(path)
    refused(ModelCheckpoint(path), OSError, "is no regular file")
    assert os.path.samestat(before, os.lstat(path))


def test_what_is_there_stays_what_it_is(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.touch()
    target.chmod(0o600)
    link.symlink_to(target)
    fit(ModelCheckpoint(link))
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert joblib.load(target).n_epochs_ == 3


@pytest.mark.parametrize("path", ["net", "{epoch}/net", "[net]-{epoch}/{loss}"])
def test_a_fit_removes_what_others_have_left(path, tmp_path):
    pattern = f"{tmp_path}/{path}"
    written = pattern.format(epoch=7, loss=0.1)
    os.makedirs(os.path.dirname(written), exist_ok=True)
    with replaced_file(written, pattern):
        (left,) = [each for each in tmp_path.rglob("*") if each.is_file()]
    left.touch()
    fit(ModelCheckpoint(pattern))
    assert not left.exists()


# ------------------------------------------------------------------- logs


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("folder", IsADirectoryError, "Is a directory"),
        ("no/log", FileNotFoundError, "No such file"),
        ("file/log", NotADirectoryError, "Not a directory"),
        ("n" * 5000, OSError, "too long"),
        ("a\0b", ValueError, "null byte"),
    ],
)
@pytest.mark.parametrize("append", [True, False])
def test_paths_of_logs_are_checked(path, error, message, append, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    refused(CSVLogger(f"{tmp_path}/{path}", append), error, message)


def test_a_log_that_is_not_to_be_written_to(tmp_path, monkeypatch):
    path = tmp_path / "log"
    fit(CSVLogger(path))
    before = path.read_text()

    def deny(*arguments):
        raise PermissionError("denied")

    monkeypatch.setattr(os, "open", deny)
    refused(CSVLogger(path, append=True), PermissionError, "denied")
    assert path.read_text() == before


@needs_pipes
def test_a_log_may_go_to_a_device_or_a_pipe(tmp_path):
    fit(CSVLogger(os.devnull)).partial_fit(X, y)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    refused(CSVLogger(pipe), OSError, "No such device")  # nobody reads
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fit(CSVLogger(pipe)).partial_fit(X, y)
        lines = os.read(reader, 10**5).decode().split()
    finally:
        os.close(reader)
    assert [line.split(",")[0] for line in lines] == ["epoch", *"1234"]


def test_a_log_goes_on_with_more_columns_than_it_needs(tmp_path):
    path = tmp_path / "log"
    fit(CSVLogger(path), validation=0.2)
    fit(CSVLogger(path, append=True))
    lines = path.read_text().split()
    assert len(lines) == 7
    assert len({line.count(",") for line in lines}) == 1


def test_two_fits_may_save_to_one_path(tmp_path):
    path, wrong = tmp_path / "net", []

    def train():
        try:
            NeuralNetClassifier(epochs=10, callbacks=[ModelCheckpoint(path)]).fit(X, y)
            joblib.load(path)
        except Exception as error:  # whatever half a file may raise
            wrong.append(error)

    threads = [threading.Thread(target=train) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert os.listdir(tmp_path) == ["net"]
