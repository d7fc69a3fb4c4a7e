"""The fixed paths at which Milvus insists on writing: hidden with isolation, claimed without."""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .control import StartError

# Milvus takes the first that it can write for its process number, and the last for its session's number.
FIXED_PATHS = ("/run/milvus", "/tmp/milvus")  # noqa: S108 - Milvus chose these
PARENTS = tuple(map(os.path.dirname, FIXED_PATHS))
MS_NOSUID_NODEV, MS_BIND_RECURSIVELY, MNT_DETACH = 2 | 4, 4096 | 16384, 2


@contextlib.contextmanager
def hide_parents(needed: Iterable[str] = ()) -> Iterator[None]:
    """Mount empty directories where Milvus insists on writing, with only what is needed in them, until the end.

    What stands at the fixed paths may be somebody else's, or a link of theirs into our own directories, and is theirs
    to change at any time. So it isn't the paths that are covered but the directories that they are in.

    Args:
        needed: paths that have to stay reachable; those elsewhere are left out.

    Raises:
        OSError: the system doesn't allow it.
    """
    bases = [base for base in {*PARENTS, *map(os.path.realpath, PARENTS)} if os.path.isdir(base)]
    with contextlib.ExitStack() as stack:
        kept = {}
        spellings = {spelling for one in needed for spelling in (one, os.path.realpath(one))}
        for path in sorted(spellings):
            if path.startswith(tuple(f"{base}/" for base in bases)) and os.path.exists(path):
                kept[path] = os.open(path, os.O_PATH)
                stack.callback(os.close, kept[path])
        for base in bases:
            if not os.path.islink(base):
                _mount(b"tmpfs", base, b"tmpfs", MS_NOSUID_NODEV, b"mode=700")
                stack.callback(ctypes.CDLL(None).umount2, os.fsencode(base), MNT_DETACH)
        for path, descriptor in kept.items():
            _put_back(path, descriptor)
        yield


def _put_back(path: str, descriptor: int) -> None:
    if os.path.lexists(path):  # it is in what was put back before
        return
    is_directory = stat.S_ISDIR(os.fstat(descriptor).st_mode)
    os.makedirs(path if is_directory else os.path.dirname(path), exist_ok=True)
    if not is_directory:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    _mount(f"/proc/self/fd/{descriptor}".encode(), path, None, MS_BIND_RECURSIVELY, None)


def _mount(source: bytes, target: str, kind: bytes | None, flags: int, options: bytes | None) -> None:
    if ctypes.CDLL(None, use_errno=True).mount(source, os.fsencode(target), kind, ctypes.c_ulong(flags), options):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), target)


def find_needed(job: dict[str, Any]) -> list[str]:
    """Find the paths that a job, and this program, need to reach."""
    directories = [job["cwd"], os.path.dirname(job["socket"]), sys.base_prefix]
    return [*directories, job["argv"][0], *(value for value in job["env"].values() if os.path.isabs(value))]


def claim_paths(paths: Sequence[str] = FIXED_PATHS) -> None:
    """Make the fixed paths private directories of ours.

    Args:
        paths: where Milvus wants to write; it passes over what it cannot write, but for the last.

    Raises:
        StartError: something of somebody else's stands there, or could be put there.
    """
    for path in paths:
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            is_passed_over = path != paths[-1] and not os.path.islink(path) and not os.access(path, os.W_OK)
            if not is_passed_over:
                _take_over(path)
        except OSError:
            continue  # an ordinary user can make nothing in /run, but neither can another
        parent = os.stat(os.path.dirname(path)).st_mode
        if parent & stat.S_IWOTH and not parent & stat.S_ISVTX:
            raise _refusal(path, "could be replaced by anybody")


def _take_over(path: str) -> None:
    status = os.lstat(path)
    if not stat.S_ISDIR(status.st_mode):
        raise _refusal(path, "is no directory")
    if status.st_uid != os.geteuid():
        raise _refusal(path, "belongs to somebody else")
    os.chmod(path, 0o700)
    for entry in (os.path.join(path, name) for name in os.listdir(path)):
        if os.path.islink(entry) or os.lstat(entry).st_uid != os.geteuid():
            raise _refusal(entry, "is a link, or belongs to somebody else")


def _refusal(path: str, why: str) -> StartError:
    return StartError(f"{path} {why}, and Milvus would write there: have it removed, then try again")
