"""Files that only their owner can read."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from secrets import token_hex
from typing import TextIO

from milvus_magics.errors import ParameterError

CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
# What file systems without hard links answer.
NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}

Place = Callable[[int, str, str], str]  # (directory, temporary name, name) -> the name that it was given


def expand_path(path: str) -> str:
    """A path with the home directory for `~`, where there is one; OSError if no file can have that name."""
    with suppress(UnicodeEncodeError):
        if b"\0" not in os.fsencode(path):
            return os.path.expanduser(path)
    raise OSError(errno.EINVAL, "that is not a valid file name")


class PrivateFile:
    """A file that only its owner can read; it stands at its path as a whole, or not at all.

    It is written under a name of its own in the same directory, and then put in its place at once. Nothing that stands
    at a path is ever opened: it may lead elsewhere.

    Args:
        path: where; `~` is the home directory.

    Attributes:
        path: where it stands. After `replace` that may be beside the path that was given.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._directory = (0, 0)
        self._file: int | None = None  # stays open once it stands there, or another file could get its inode

    def __del__(self) -> None:
        if self._file is not None:
            os.close(self._file)

    @contextmanager
    def create(self, left_undone: str, *, force: bool = False, dry_run: bool = False) -> Iterator[TextIO]:
        """Open it for writing; when the block ends without an error it stands at its path.

        Args:
            left_undone: what has not happened where this fails, like `nothing was sent`.
            force: take the place of a regular file that is there.
            dry_run: only see whether it can be made; nothing is left behind.

        Raises:
            ParameterError: there is such a file already, or none can be made.
        """
        try:
            with self._write(_see_place if dry_run else _take_place if force else _link) as stream:
                yield stream
        except OSError as exc:
            why = "exists already" if isinstance(exc, FileExistsError) else f"cannot be made: {exc.strerror}"
            raise ParameterError(f"the file {self.path!r} {why}; {left_undone}") from exc

    @contextmanager
    def replace(self) -> Iterator[TextIO]:
        """Open it for writing anew; the new one takes the place of the one that `create` made.

        Where another file stands there by now, that one stays, and the new one is put beside it. After an error
        everything is as it was.

        Raises:
            OSError: it cannot be written, or its directory is another one now.
        """
        with self._write(self._take_own_place, self._directory) as stream:
            yield stream

    @property
    def is_in_place(self) -> bool:
        """Whether what stands at its path is this file."""
        with suppress(OSError):
            return self._is_own(os.lstat(expand_path(self.path)))
        return False

    def remove(self) -> None:
        """Take it away; another file that stands there by now stays."""
        if self.is_in_place:
            with suppress(OSError):
                os.unlink(expand_path(self.path))

    @contextmanager
    def _write(self, place: Place, expected: tuple[int, int] | None = None) -> Iterator[TextIO]:
        """Open a temporary file, and place it when the block ends without an error; it is gone otherwise."""
        folder, name = os.path.split(expand_path(self.path))
        directory = os.open(folder or os.curdir, os.O_RDONLY | os.O_DIRECTORY)
        temporary, file = f".{token_hex(8)}.private", None
        try:
            if expected not in (None, _identity(os.fstat(directory))):
                raise OSError(errno.ESTALE, "its directory is another one now")
            file = os.open(temporary, CREATE | os.O_NOFOLLOW, 0o600, dir_fd=directory)
            # Bytes of an environment variable that were no UTF-8 are written as they were.
            with os.fdopen(file, "w", encoding="utf-8", errors="surrogateescape", newline="", closefd=False) as stream:
                yield stream
            os.fsync(file)
            self.path = os.path.join(os.path.dirname(self.path), place(directory, temporary, name))
            self._directory = _identity(os.fstat(directory))
            self._file, file = file, self._file
            with suppress(OSError):  # not every file system can
                os.fsync(directory)
        finally:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=directory)
            os.close(directory)
            if file is not None:
                os.close(file)

    def _is_own(self, status: os.stat_result) -> bool:
        return self._file is not None and _identity(status) == _identity(os.fstat(self._file))

    def _take_own_place(self, directory: int, temporary: str, name: str) -> str:
        """Replace our own file; where another one stands, be put beside it."""
        with suppress(FileNotFoundError):
            if self._is_own(os.stat(name, dir_fd=directory, follow_symlinks=False)):
                return _rename(directory, temporary, name)
        try:
            return _link(directory, temporary, name)
        except FileExistsError:
            stem, suffix = os.path.splitext(name)
            return _link(directory, temporary, f"{stem}-{token_hex(4)}{suffix}")


def _link(directory: int, temporary: str, name: str) -> str:
    """Give a file its name; FileExistsError if anything has that name."""
    try:
        os.link(temporary, name, src_dir_fd=directory, dst_dir_fd=directory, follow_symlinks=False)
    except OSError as exc:
        if exc.errno not in NO_LINKS:
            raise
        os.close(os.open(name, CREATE, 0o600, dir_fd=directory))  # so that nothing of somebody else's is replaced
        _rename(directory, temporary, name)
    return name


def _see_place(directory: int, temporary: str, name: str) -> str:
    """See whether a file could get its name: FileExistsError if anything has it."""
    with suppress(FileNotFoundError):
        os.stat(name, dir_fd=directory, follow_symlinks=False)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    return name


def _take_place(directory: int, temporary: str, name: str) -> str:
    """Give a file its name, also in place of a regular file; OSError where something else has it."""
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        return _rename(directory, temporary, name)
    return _link(directory, temporary, name)


def _rename(directory: int, temporary: str, name: str) -> str:
    os.replace(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    return name


def _identity(status: os.stat_result) -> tuple[int, int]:
    """What tells a file from all others."""
    return status.st_dev, status.st_ino
