"""Files that a handler of a signal can leave neither open nor behind.

Compiled, as :mod:`fastnn.utils.commit`: a handler may raise between any two
instructions of the interpreter, so between the one that opens a file and the one that
keeps what was opened.
"""

import os
from functools import partial

try:
    import fcntl
except ImportError:  # Systems without such locks keep what a killed writer leaves.
    fcntl = None

_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_NO_WAITING = getattr(os, "O_NONBLOCK", 0)


cdef class TemporaryFile:
    """A new file, locked while the block lasts; removed then unless it was renamed.

    Parameters
    ----------
    start : str
        How its path begins; a number and ".tmp" follow. What killed writers have left
        of the numbers after it is removed.
    mode : int
        Permissions of the file.

    Attributes
    ----------
    name : str
    file : binary file

    Raises
    ------
    OSError
        If no file can be made there.
    """

    cdef str start
    cdef object opener
    cdef readonly str name
    cdef readonly object file

    def __init__(self, str start, int mode):
        self.start = start
        self.opener = partial(_open_own, mode=mode)

    def __enter__(self):
        cdef Py_ssize_t number = 0
        try:
            while not self._create(f"{self.start}{number}.tmp"):
                number += 1
            # Writers at the same time have numbers of their own; all may have died.
            number += 1
            while remove_if_left(f"{self.start}{number}.tmp"):
                number += 1
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, kind, error, traceback):
        self._remove()

    cdef bint _create(self, str name) except -1:
        """Whether there is now a file of this name, or another writer has one."""
        while True:
            try:
                self.name, self.file = name, open(name, "xb", opener=self.opener)
            except FileExistsError:
                if not remove_if_left(name):
                    return False
                continue
            _lock(self.file, True)
            if _is_at(self.file, name):
                return True
            # Somebody has taken it for left over before it was locked.
            self.file.close()

    cdef _remove(self):
        """Remove the file, unless it is elsewhere by now."""
        if self.file is None:
            return
        try:
            if not self.file.closed and _is_at(self.file, self.name):
                os.unlink(self.name)
        finally:
            try:
                self.file.close()
            except OSError:
                # What a full disk has not taken is not wanted any more.
                pass


def remove_if_left(str name):
    """Whether there was a temporary file that nobody writes any more; it is removed.

    Parameters
    ----------
    name : str
    """
    try:
        with open(name, "r+b", opener=_open_own) as file:
            if not _lock(file, False):
                return False
            if _is_at(file, name):
                os.unlink(name)
            return True
    except OSError:
        return False


def open_without_waiting(path, int flags):
    """Open a file, as :func:`os.open`; a pipe that nobody reads is an error.

    Parameters
    ----------
    path : str
    flags : int
    """
    descriptor = os.open(path, flags | _NO_WAITING, 0o666)
    if _NO_WAITING:
        try:
            os.set_blocking(descriptor, True)
        except BaseException:
            os.close(descriptor)
            raise
    return descriptor


def sync_folder(str folder):
    """Have the system write down a new name; some cannot, and it is there anyway.

    Parameters
    ----------
    folder : str
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        pass


def _open_own(name, int flags, int mode=0o600):
    return os.open(name, flags | _NO_LINKS, mode)


cdef bint _lock(file, bint wait) except -1:
    """Whether the file is locked now; not every file system has locks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


cdef bint _is_at(file, str name) except -1:
    """Whether an open file has this name."""
    try:
        ours, there = os.fstat(file.fileno()), os.lstat(name)
    except FileNotFoundError:
        return False
    return (ours.st_ino, ours.st_dev) == (there.st_ino, there.st_dev)
