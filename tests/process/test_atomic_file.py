"""Files that are replaced as a whole, whatever lies at their path and whoever dies."""

import os
import signal
import socket
import stat
import subprocess
import sys

import pytest

from fastnn.utils import atomic_file
from fastnn.utils.atomic_file import check_replaceable, remove_leftovers, replaced_file

pytest.importorskip("fcntl")


def write(path, content=b"new", pattern=None):
    with replaced_file(str(path), pattern and str(pattern)) as file:
        file.write(content)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask():
    """Set for one test what is taken from new files."""
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_a_file_is_made_and_replaced(tmp_path, umask):
    path = tmp_path / "file"
    write(path, b"old")
    assert mode(path) == 0o640
    write(path)
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("bits", [0o600, 0o664, 0o444])
def test_permissions_are_kept(bits, tmp_path, umask):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(bits)
    with replaced_file(str(path)) as file:
        (name,) = [each for each in tmp_path.iterdir() if each != path]
        assert mode(name) == 0o600  # what was private is so meanwhile
        file.write(b"new")
    assert (path.read_bytes(), mode(path)) == (b"new", bits)


@pytest.mark.parametrize("there", [True, False])
def test_links_stay_links(there, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "links").mkdir()
    target = tmp_path / "other" / "file"
    if there:
        target.write_bytes(b"old")
    (tmp_path / "links" / "inner").symlink_to("../other/file")
    link = tmp_path / "links" / "outer"
    link.symlink_to("inner")
    write(link)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path / "other") == ["file"]


def test_hard_links_lead_to_the_old_file(tmp_path):
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"old")
    os.link(path, link)
    write(path)
    assert (path.read_bytes(), link.read_bytes()) == (b"new", b"old")


def test_names_may_be_as_long_as_the_system_allows(tmp_path):
    path = tmp_path / ("n" * os.pathconf(tmp_path, "PC_NAME_MAX"))
    write(path)
    assert path.read_bytes() == b"new"
    with pytest.raises(OSError, match="too long"):
        check_replaceable(str(path) + "n")


def unreachable(kind, folder):
    """A path of this kind."""
    path = folder / kind
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(folder)
    elif kind == "circle":
        path.symlink_to(path)
    elif kind == "nowhere":
        path.symlink_to(folder / "no" / "file")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            os.chdir(folder)  # the paths of sockets are short
            made.bind(kind)
    elif kind == "device":
        path.symlink_to(os.devnull)
    elif kind == "file/file":
        path.parent.write_bytes(b"")
    elif kind == "slash":
        return f"{folder}/file/"
    return str(path)


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("folder", IsADirectoryError, "is a folder: give the path of a file in it"),
        ("link", IsADirectoryError, "is a folder"),
        ("slash", IsADirectoryError, "must end with the name of a file"),
        ("circle", OSError, "symbolic links"),
        ("nowhere", FileNotFoundError, "lies in a folder that does not exist. Make"),
        ("no/file", FileNotFoundError, "lies in a folder that does not exist. Make"),
        ("file/file", NotADirectoryError, "Not a directory"),
        ("pipe", OSError, "is no regular file but a device, a pipe or a socket"),
        ("socket", OSError, "is no regular file"),
        ("device", OSError, "is no regular file"),
    ],
)
def test_what_cannot_be_replaced_is_refused(
    kind, error, message, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    path = unreachable(kind, tmp_path)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(error, match=message):
        check_replaceable(path)
    with pytest.raises(error, match=message):
        write(path)
    assert sorted(os.listdir(tmp_path)) == before


def test_a_folder_that_is_not_to_be_written_to(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: path != str(tmp_path))
    with pytest.raises(PermissionError, match="Change the permissions of"):
        write(tmp_path / "file")


# ---------------------------------------------------------------------- who dies


# An interrupt while the file is closed leaves that to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("there", [True, False])
def test_an_interrupt_anywhere_leaves_nothing(there, tmp_path):
    """Raised before each line of the module in turn."""
    path = tmp_path / "file"
    n_lines = left = 0

    def trace(frame, event, argument):
        nonlocal left
        if frame.f_code.co_filename != atomic_file.__file__:
            return None
        if event == "line":
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
        return trace

    interrupted = True
    while interrupted:
        path.unlink(missing_ok=True)
        if there:
            path.write_bytes(b"old")
        n_lines += 1
        left, interrupted = n_lines, False
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            write(path)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            sys.settrace(before)
        assert set(os.listdir(tmp_path)) <= {"file"}
        assert not there or path.read_bytes() in (b"old", b"new")
    assert n_lines > 30
    assert path.read_bytes() == b"new"


def test_writers_at_the_same_time(tmp_path):
    path = tmp_path / "file"
    with replaced_file(str(path)) as first:
        first.write(b"first")
        with replaced_file(str(path)) as second:
            second.write(b"second")
            remove_leftovers(str(tmp_path), str(path))
            assert len(os.listdir(tmp_path)) == 2  # neither is left over
        assert path.read_bytes() == b"second"
        write(path, b"third")
    assert path.read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["file"]


WRITER = """
import sys
from contextlib import ExitStack
from fastnn.utils.atomic_file import replaced_file
with ExitStack() as files:
    for name in sys.argv[2:]:
        files.enter_context(replaced_file(name, sys.argv[1])).write(b"half")
    print("written", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_writer_leaves_is_removed(tmp_path):
    pattern = f"{tmp_path}/file-{{epoch}}"
    # The same file twice, as by two writers that are killed at once.
    command = [sys.executable, "-c", WRITER, pattern, *[f"{tmp_path}/file-3"] * 2]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout.readline() == b"written\n"
        left = list(tmp_path.iterdir())
        assert len(left) == 2
        remove_leftovers(str(tmp_path), pattern)
        write(tmp_path / "file-1", pattern=pattern)
        assert all(each.exists() for each in left)  # it lives
        writer.send_signal(signal.SIGKILL)
    write(tmp_path / "another")  # of another pattern
    assert all(each.exists() for each in left)
    write(tmp_path / "file-2", pattern=pattern)
    written = {"another", "file-1", "file-2"}
    assert set(os.listdir(tmp_path)) == written
    for each in left:
        each.touch()
    remove_leftovers(str(tmp_path), pattern)
    assert set(os.listdir(tmp_path)) == written


def test_what_others_put_at_a_temporary_name(tmp_path):
    """Is neither written to nor removed."""
    path = tmp_path / "file"
    with replaced_file(str(path)):
        (name,) = tmp_path.iterdir()
    path.write_bytes(b"mine")
    name.symlink_to(path)
    write(tmp_path / "file")
    assert name.is_symlink()
    assert path.read_bytes() == b"new"
