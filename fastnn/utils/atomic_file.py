"""Files that are replaced as a whole: written beside their place, then put into it.

A reader finds the old file or the new one, never a part. A writer that is killed
leaves its temporary file, which the next one removes: its name tells what was to be
written, and a lock that ends with the process tells whether it still is.
"""

import glob
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from fastnn.utils.files import TemporaryFile, remove_if_left, sync_folder


def starting_folder(path: str) -> str:
    """The folder that a relative path starts from now; "" for an absolute path.

    Raises
    ------
    FileNotFoundError
        If the working folder was removed.
    """
    if os.path.isabs(path):
        return ""
    try:
        return os.getcwd()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"path={path!r} is relative, and the working folder does not exist any "
            "more: give an absolute path."
        ) from error


def check_replaceable(path: str) -> None:
    """Check that a file can be written at a path, as far as can be known.

    Parameters
    ----------
    path : str

    Raises
    ------
    OSError
        If there is something other than a regular file, if the folder does not exist or
        cannot be written to, if the file is another user's in a folder where only
        owners may replace theirs, or if the system does not accept the path.
    """
    check_last_name(path)
    folder = os.path.dirname(os.path.realpath(path))
    with suppress(FileNotFoundError):
        there = os.stat(path)
        if stat.S_ISDIR(there.st_mode):
            raise IsADirectoryError(
                f"path={path!r} is a folder: give the path of a file in it."
            )
        if not stat.S_ISREG(there.st_mode):
            raise OSError(
                f"path={path!r} is no regular file but a device, a pipe or a socket, "
                "which cannot be replaced: choose another path."
            )
        around = os.stat(folder)
        if around.st_mode & stat.S_ISVTX and os.geteuid() not in (
            0, there.st_uid, around.st_uid,
        ):  # fmt: skip
            raise PermissionError(
                f"path={path!r} is a file of another user, and in {folder} only owners "
                "may replace theirs: choose another path."
            )
    check_folder(folder, path)


def check_last_name(path: str) -> None:
    """Check that a path ends with what may be the name of a file.

    Parameters
    ----------
    path : str

    Raises
    ------
    IsADirectoryError
        If it names a folder, whatever there is.
    """
    if os.path.basename(path) in ("", os.curdir, os.pardir):
        raise IsADirectoryError(
            f"path={path!r} names a folder: it must end with the name of a file."
        )


def try_folder(folder: str, path: str) -> None:
    """Make a temporary file in a folder and remove it, for the sake of ``path``.

    What permissions say is not all: some systems of files take none, from nobody.

    Parameters
    ----------
    folder : str
        One that :func:`check_folder` accepts.
    path : str
        As the user gave it, for messages.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    try:
        with TemporaryFile(os.path.join(folder, _prefix(path)), 0o600):
            pass
    except OSError as error:
        raise type(error)(
            f"path={path!r} lies in {folder or os.curdir}, where no file can be made "
            f"({error.strerror}): choose another path."
        ) from error


def check_folder(folder: str, path: str) -> None:
    """Check that files can be made in a folder, for the sake of ``path``.

    Parameters
    ----------
    folder : str
    path : str
        As the user gave it, for messages.

    Raises
    ------
    OSError
        If they cannot.
    """
    folder = folder or os.curdir
    if not os.path.isdir(folder):
        if os.path.exists(folder):
            raise NotADirectoryError(
                f"path={path!r} lies in {folder}, which is no folder: choose another "
                "path."
            )
        raise FileNotFoundError(
            f"path={path!r} lies in a folder that does not exist. Make {folder} first."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(
            f"path={path!r} lies in a folder that cannot be written to. Change the "
            f"permissions of {folder}, or choose another path."
        )


@contextmanager
def replaced_file(path: str, pattern: str | None = None) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of the one at ``path`` when the block ends.

    If the block fails, all is as before. A symbolic link stays one: what it leads to is
    replaced. A file that is there keeps its permissions; other hard links to it lead to
    what it was before.

    Parameters
    ----------
    path : str
    pattern : str, default=None
        What ``path`` was made from, where one file after another is written: each write
        removes what a killed writer of the same pattern has left. None is ``path``.

    Yields
    ------
    file : binary file

    Raises
    ------
    OSError
        As :func:`check_replaceable`, or if writing fails.
    """
    check_replaceable(path)
    target = os.path.realpath(path)
    try:
        before = os.stat(target)
    except FileNotFoundError:
        before = None
    # What replaces a private file must not be open to others while it is written.
    mode = 0o666 if before is None else 0o600
    start = os.path.join(os.path.dirname(target), _prefix(pattern or path))
    with TemporaryFile(start, mode) as temporary:
        file = temporary.file
        yield file
        file.flush()
        os.fsync(file.fileno())
        if before is not None:
            _inherit(temporary.name, before)
        if os.name == "nt":
            file.close()  # Windows renames no open files.
        os.replace(temporary.name, target)
    sync_folder(os.path.dirname(target))


def remove_leftovers(folders: str, pattern: str) -> None:
    """Remove temporary files of writers of a pattern that were killed.

    Parameters
    ----------
    folders : str
        Where to look; :mod:`glob`'s wildcards have their meaning.
    pattern : str
        As for :func:`replaced_file`.
    """
    for name in glob.glob(os.path.join(folders, f"{_prefix(pattern)}*.tmp")):
        remove_if_left(name)


def _prefix(pattern: str) -> str:
    """How the names of temporary files begin: short, whatever the pattern."""
    name = os.fsencode(os.path.basename(pattern))
    return f".fastnn-{hashlib.sha256(name).hexdigest()[:16]}-"


def _inherit(name: str, before: os.stat_result) -> None:
    """Give a file the permissions of another one, and its owners where we may."""
    here = os.stat(name)
    if here.st_gid != before.st_gid:
        with suppress(OSError):
            os.chown(name, -1, before.st_gid)
    if here.st_uid != before.st_uid:
        with suppress(OSError):
            os.chown(name, before.st_uid, -1)
    os.chmod(name, stat.S_IMODE(before.st_mode))
