"""Files that only their owner can read."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TextIO

from milvus_magics.errors import ParameterError


def expand_path(path: str) -> str:
    """A path with the home directory for `~`, where there is one; OSError if no file can have that name."""
    with suppress(UnicodeEncodeError):
        if b"\0" not in os.fsencode(path):
            return os.path.expanduser(path)
    raise OSError(errno.EINVAL, "no file can have such a name")


def open_new(path: str, left_undone: str, *, force: bool = False) -> TextIO:
    """Open a file for writing that only its owner can read.

    Args:
        path: where; `~` is the home directory.
        left_undone: what has not happened where this fails, like `nothing was sent`.
        force: overwrite a file that is there.

    Raises:
        ParameterError: there is such a file already, or none can be made.
    """
    try:
        file = os.open(expand_path(path), os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL), 0o600)
        os.fchmod(file, 0o600)  # one that was there keeps its mode otherwise
    except OSError as exc:
        why = "exists already" if isinstance(exc, FileExistsError) else f"cannot be made: {exc.strerror}"
        raise ParameterError(f"the file {path!r} {why}; {left_undone}") from exc
    # Bytes of an environment variable that were no UTF-8 are written as they were.
    return os.fdopen(file, "w", encoding="utf-8", errors="surrogateescape", newline="")
