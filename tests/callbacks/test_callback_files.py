"""What callbacks do with the paths that they are given."""

import os
import pickle
import stat
import threading
from tempfile import gettempdir

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris

from fastnn import NeuralNetClassifier
from fastnn.callbacks import Callback, CSVLogger, ModelCheckpoint
from fastnn.utils.atomic_file import replaced_file

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


class Move(Callback):
    """Goes to another folder after an epoch."""

    def on_epoch_end(self, run):
        os.makedirs("elsewhere", exist_ok=True)
        os.chdir("elsewhere")


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
        ("dir{epoch}/..", IsADirectoryError, "must end with the name of a file"),
        ("folder/.", IsADirectoryError, "must end with the name of a file"),
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


@pytest.mark.parametrize("path", ["net-{epoch}", "{epoch}/net"])
@pytest.mark.parametrize("epoch", [2, 3])
def test_the_paths_of_all_epochs_are_checked(path, epoch, tmp_path):
    there = tmp_path / path.format(epoch=epoch)
    there.mkdir(parents=True)
    counter, save = Counter(), ModelCheckpoint(tmp_path / path)
    model = NeuralNetClassifier(epochs=3, callbacks=[save, counter])
    with pytest.raises(IsADirectoryError, match=f"path='{there}' is a folder"):
        model.fit(X, y)
    assert counter.n_epochs == 0


def test_the_paths_of_very_many_epochs_are_checked_in_part(tmp_path):
    counter, save = Counter(), ModelCheckpoint(tmp_path / "net-{epoch}")
    (tmp_path / f"net-{10**9}").mkdir()
    model = NeuralNetClassifier(epochs=10**9, callbacks=[save, counter])
    with pytest.raises(IsADirectoryError, match="is a folder"):
        model.fit(X, y)
    assert counter.n_epochs == 0


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="has no /proc")
@pytest.mark.parametrize("path", ["/proc/net-{epoch}.joblib", "/proc/{epoch}x/net"])
def test_a_folder_must_take_files(path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: True)  # as for root
    refused(ModelCheckpoint(path), OSError, "/proc, where no file can be made")


@pytest.mark.parametrize("user", ["owner", "root", "other"])
def test_only_owners_replace_files_in_a_sticky_folder(user, tmp_path, monkeypatch):
    path = tmp_path / "net"
    path.touch()
    tmp_path.chmod(0o1777)
    owner = path.stat().st_uid
    users = {"owner": owner, "root": 0, "other": owner + 1}
    monkeypatch.setattr(os, "geteuid", lambda: users[user])
    if user == "other":
        refused(ModelCheckpoint(path), PermissionError, "is a file of another user")
    else:
        fit(ModelCheckpoint(path))


def test_a_checkpoint_stays_in_its_folder(tmp_path, monkeypatch):
    start = tmp_path / "{start}"
    start.mkdir()
    monkeypatch.chdir(start)
    save = ModelCheckpoint("net-{epoch}")
    NeuralNetClassifier(epochs=2, callbacks=[save, Move()]).fit(X, y)
    assert sorted(os.listdir(start)) == ["elsewhere", "net-1", "net-2"]
    assert save.saved_path_ == str(start / "net-2")


def test_an_estimator_that_cannot_be_saved(tmp_path):
    metric = lambda estimator, X, y: 0.5  # noqa: E731
    save = ModelCheckpoint(tmp_path / "net")
    with pytest.raises(pickle.PicklingError, match="ModelCheckpoint cannot save the"):
        fit(save, validation=0.2, metrics=[metric])
    assert os.listdir(tmp_path) == []


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
        ("no/log", FileNotFoundError, "folder that does not exist. Make"),
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
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


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


class Refuse(Callback):
    """Refuses each fit before its first epoch."""

    def on_fit_begin(self, run):
        raise ValueError("refused by the last callback")


@pytest.mark.parametrize("append", [True, False])
@pytest.mark.parametrize("content", [None, "", "epoch,loss,learning_rate,seconds\n1,"])
def test_a_fit_that_is_refused_leaves_the_log(content, append, tmp_path):
    path = tmp_path / "log"
    if content is not None:
        path.write_text(content)
    model = NeuralNetClassifier(callbacks=[CSVLogger(path, append), Refuse()])
    with pytest.raises(ValueError, match="by the last callback"):
        model.fit(X, y)
    assert (path.read_text() if path.exists() else None) == content


def test_a_training_goes_on_with_its_log_after_a_fit_that_was_refused(tmp_path):
    path = tmp_path / "log"
    model = fit(CSVLogger(path))
    (log,) = model.callbacks
    with pytest.raises(ValueError, match="by the last callback"):
        model.set_params(callbacks=[log, Refuse()]).fit(X, y)
    model.set_params(callbacks=[log]).partial_fit(X, y)
    assert [line.split(",")[0] for line in path.read_text().split()[1:]] == [*"1234"]


def test_a_checkpoint_goes_on_with_the_log_of_its_first_epoch(tmp_path):
    log, save = CSVLogger(tmp_path / "log"), ModelCheckpoint(tmp_path / "{epoch}")
    NeuralNetClassifier(epochs=1, callbacks=[save, log]).fit(X, y)
    joblib.load(tmp_path / "1").partial_fit(X, y)
    lines = log.path.read_text().split()
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2"]


@pytest.mark.parametrize("append", [True, False])
def test_a_log_gets_the_columns_of_later_calls(append, tmp_path):
    path = tmp_path / "log"
    model = NeuralNetClassifier(callbacks=[CSVLogger(path, append)])
    model.partial_fit(X, y, classes=[0, 1, 2])
    first = path.read_text().split()
    with path.open("a") as file:
        file.write("2,0.5")  # a writer was killed
    for _ in range(2):
        model.partial_fit(X, y, X_val=X, y_val=y).partial_fit(X, y)
    names, *lines = path.read_text().split()
    assert names == f"{first[0]},validation_loss,validation_score"
    assert lines[0] == f"{first[1]},,"
    assert [line.split(",")[0] for line in lines] == [*"12345"]
    assert [line.endswith(",,") for line in lines] == [True, False, True, False, True]
    assert {line.count(",") for line in lines} == {5}
    assert os.listdir(tmp_path) == ["log"]


def test_the_file_of_somebody_else_gets_no_columns(tmp_path):
    path = tmp_path / "log"
    model = NeuralNetClassifier(callbacks=[CSVLogger(path)])
    model.partial_fit(X, y, classes=[0, 1, 2])
    path.write_text("name,size\n")
    with pytest.raises(ValueError, match="Choose another path, or remove the file"):
        model.partial_fit(X, y)
    assert path.read_text() == "name,size\n"


def test_a_device_gets_no_columns():
    model = NeuralNetClassifier(callbacks=[CSVLogger(os.devnull)])
    model.partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="or measure the same in all calls"):
        model.partial_fit(X, y, X_val=X, y_val=y)


def test_a_log_whose_first_line_is_no_list_of_names(tmp_path):
    path = tmp_path / "log"
    path.write_text("n" * 200_000 + "\n")
    refused(CSVLogger(path, append=True), ValueError, "path='.*log' must be a log")


def test_a_log_may_end_in_a_line_of_any_length(tmp_path):
    path = tmp_path / "log"
    path.write_text("epoch,loss,learning_rate,seconds\n" + "n" * 200_000)
    fit(CSVLogger(path, append=True))
    assert [line[0] for line in path.read_text().split()] == [*"en123"]


def test_a_log_stays_in_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    NeuralNetClassifier(epochs=2, callbacks=[CSVLogger("log"), Move()]).fit(X, y)
    assert len((tmp_path / "log").read_text().split()) == 3


@pytest.mark.parametrize("kind", [CSVLogger, ModelCheckpoint])
def test_a_relative_path_needs_a_folder(kind, tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    refused(kind("file"), FileNotFoundError, "path='file' is relative, and the working")
    fit(kind(tmp_path / "file"))


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
