"""The programs of the embedded Milvus: unpacked once, and checked by content before each start."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import lzma
import os
import platform
import shutil
import stat
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from milvus_magics.errors import EmbeddedServerError

VERSION = "2.3.5"
RECORD = "digests.json"
WRITABLE_FOR_OTHERS = stat.S_IWGRP | stat.S_IWOTH
# Whom the system shows as owner where a container doesn't know the real one, as of what is mounted into it.
UNKNOWN_OWNER = 65534
THREADS = 2


def find_binaries() -> Path:
    """Find the packed binaries in the installed wheel.

    Raises:
        EmbeddedServerError: when there is no Milvus for this platform, or it isn't installed.
    """
    if sys.platform not in ("linux", "darwin") or platform.machine().lower() not in ("x86_64", "amd64"):
        raise EmbeddedServerError(
            "the embedded Milvus exists for Linux x86_64 and macOS x86_64 only; "
            "connect to a server instead: %milvus_connect URI"
        )
    try:
        spec = importlib.util.find_spec("milvus")
    except (ImportError, ValueError):
        spec = None
    for place in (spec.submodule_search_locations or ()) if spec else ():
        binaries = Path(place) / "data" / "bin"
        if (binaries / "milvus.lzma").is_file():
            return binaries
    raise EmbeddedServerError(
        "the embedded Milvus isn't installed: pip install 'milvus-magics[embedded]', then try again"
    )


def unpack(packed: Path, fallback: Path, progress: Callable[[str], None]) -> Path:
    """Unpack the binaries into the user's cache, unless they are there as they should be; returns their directory.

    Args:
        packed: what `find_binaries` found.
        fallback: a directory to use when the cache cannot be used.
        progress: called before the long part.

    Raises:
        EmbeddedServerError: when there is no place for them; nothing half-written is left.
    """
    name = f"milvus-{VERSION}-{sys.platform}-{platform.machine().lower()}-sha256"
    reasons = []
    for place in (cache_directory(), fallback):
        try:
            return _unpack_once(packed, place / name, progress)
        except OSError as exc:
            reasons.append(f"{place}: {exc.strerror.lower() if exc.strerror else exc}")
        except (lzma.LZMAError, EOFError) as exc:
            raise EmbeddedServerError(
                f"the installed Milvus is damaged ({exc}): pip install --force-reinstall milvus=={VERSION}"
            ) from exc
    raise EmbeddedServerError(f"Milvus's programs (250 MB) can be unpacked nowhere: {'; '.join(reasons)}")


def cache_directory() -> Path:
    """The directory in the user's cache that is ours."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "milvus-magics"
    given = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(given) if os.path.isabs(given) else Path.home() / ".cache") / "milvus-magics"


def _unpack_once(packed: Path, target: Path, progress: Callable[[str], None]) -> Path:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    parent = target.parent.resolve()
    _require_own(parent)
    target = parent / target.name
    if _is_complete(packed, target):
        return target
    lock = os.open(parent / f"{target.name}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_complete(packed, target):  # another process may have done it while we waited
            progress(f"unpacking Milvus {VERSION} (once, 250 MB)...")
            _replace(packed, target)
    finally:
        os.close(lock)
    return target


def _require_own(directory: Path) -> None:
    """Raise OSError if anybody else could put programs of theirs into a directory, or another one in its place.

    If it is ours, and only its mode is too wide, that is mended.
    """
    status = directory.stat()
    if status.st_uid != os.geteuid():
        raise PermissionError("it belongs to somebody else")
    if status.st_mode & WRITABLE_FOR_OTHERS:
        directory.chmod(0o700)
    for above in directory.parents:
        status = above.stat()
        is_sticky = status.st_mode & stat.S_ISVTX  # as /tmp: everybody may only rename what is theirs
        if status.st_uid not in (0, os.geteuid(), UNKNOWN_OWNER) or (_is_writable_for_others(status) and not is_sticky):
            raise PermissionError(f"others could replace it, as they can write to {above}")


def _is_writable_for_others(status: os.stat_result) -> bool:
    """Whether somebody else may write; a group with the number of its directory's owner is that user alone."""
    is_group_of_others = status.st_gid not in (0, status.st_uid)
    return bool(status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and is_group_of_others))


def _replace(packed: Path, target: Path) -> None:
    partial = target.with_name(f"{target.name}.partial")
    for old in (partial, target):
        _remove(old)
    try:
        partial.mkdir(mode=0o700)
        _unpack_all(packed, partial)
        partial.rename(target)
    except BaseException:
        _remove(partial)
        raise


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()  # a link or a file; what a link leads to stays
    shutil.rmtree(path, ignore_errors=True)


def _unpack_all(packed: Path, target: Path) -> None:
    stop = threading.Event()
    with ThreadPoolExecutor(THREADS) as pool:  # lzma lets go of the GIL
        try:
            list(pool.map(lambda file: _unpack_one(file, target / file.stem, stop), _find_packed(packed)))
        except BaseException:
            stop.set()  # the pool waits for those that are under way
            raise
    (target / RECORD).write_text(_describe(packed, target))
    (target / RECORD).chmod(0o600)


def _unpack_one(source: Path, target: Path, stop: threading.Event) -> None:
    with lzma.open(source) as packed, open(target, "wb") as out:
        os.fchmod(out.fileno(), 0o700)
        while not stop.is_set() and (data := packed.read(1 << 20)):
            out.write(data)


def _find_packed(packed: Path) -> list[Path]:
    """The packed files; the largest comes first, so that no thread begins it when the others are done."""
    return sorted(packed.glob("*.lzma"), key=lambda file: file.stat().st_size, reverse=True)


def _is_complete(packed: Path, target: Path) -> bool:
    """Whether a directory holds exactly what was unpacked from these files, and it is all ours."""
    try:
        if not all(_is_own(path.lstat()) for path in (target, target / RECORD)):
            return False
        return (target / RECORD).read_bytes() == _describe(packed, target).encode()
    except OSError:
        return False


def _is_own(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & WRITABLE_FOR_OTHERS


def _describe(packed: Path, target: Path) -> str:
    """The text of the record: the digests of the packed files and of what lies in the directory.

    The record only tells damage. That nobody else wrote it, or the files, is seen from their owners and modes.
    """
    here = sorted(target.iterdir(), key=lambda file: file.lstat().st_size, reverse=True)
    files = [*_find_packed(packed), *(file for file in here if file.name != RECORD)]
    with ThreadPoolExecutor(THREADS) as pool:  # so does hashlib
        digests = list(pool.map(lambda file: _hash(file, is_ours=file.parent == target), files))
    named = {file.name: digest for file, digest in zip(files, digests, strict=True)}
    return json.dumps(named, indent=1, sort_keys=True)


def _hash(file: Path, is_ours: bool) -> str:
    digest = hashlib.sha256()
    with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW * is_ours), "rb", buffering=0) as stream:
        if is_ours and not _is_own(os.fstat(stream.fileno())):
            raise PermissionError(f"{file} belongs to somebody else, or others can write to it")
        while data := stream.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()
