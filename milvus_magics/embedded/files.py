"""The files of the embedded Milvus: shared binaries, data directory, settings and logs."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import json
import lzma
import os
import platform
import re
import shutil
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from milvus_magics.errors import EmbeddedServerError
from milvus_magics.private_file import expand_path

VERSION = "2.3.5"
OUTPUT = "milvus.out"
LOCK = ".milvus-magics.lock"
SIZES = "sizes.json"
# Alone in its network, Milvus keeps its default ports.
DEFAULT_PORTS = {"proxy": 19530, "etcd": 2379, "metrics": 9091}
SERVICES = ("ROOTCOORD", "PROXY", "QUERYCOORD", "QUERYNODE", "INDEXCOORD", "INDEXNODE", "DATACOORD", "DATANODE")
ERROR_LINE = re.compile(r"^panic:|^fatal error:|\[(FATAL|ERROR)\]|\b[Ee]rror\b|[Ff]ailed|No space left")


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
    """Unpack the binaries into the user's cache, if they are not there; returns their directory.

    Args:
        packed: what `find_binaries` found.
        fallback: a directory to use when the cache cannot be written.
        progress: called before the long part.
    """
    name = f"milvus-{VERSION}-{sys.platform}-{platform.machine().lower()}"
    try:
        return _unpack_once(packed, cache_directory() / name, progress)
    except OSError:
        return _unpack_once(packed, fallback / name, progress)


def cache_directory() -> Path:
    """The directory in the user's cache that is ours."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "milvus-magics"
    given = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(given) if os.path.isabs(given) else Path.home() / ".cache") / "milvus-magics"


def _unpack_once(packed: Path, target: Path, progress: Callable[[str], None]) -> Path:
    if _is_complete(target):
        return target
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(target.parent / f"{target.name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_complete(target):  # another process may have done it while we waited
            progress(f"unpacking Milvus {VERSION} (once, 250 MB)…")
            _replace(packed, target)
    finally:
        os.close(lock)
    return target


def _replace(packed: Path, target: Path) -> None:
    partial = target.with_name(f"{target.name}.partial")
    for old in (partial, target):
        shutil.rmtree(old, ignore_errors=True)
    try:
        partial.mkdir(mode=0o700)
        _unpack_all(packed, partial)
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _unpack_all(packed: Path, target: Path) -> None:
    files = sorted(packed.glob("*.lzma"), key=lambda file: file.stat().st_size, reverse=True)
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=2) as pool:  # lzma lets go of the GIL
        try:
            sizes = list(pool.map(lambda file: _unpack_one(file, target / file.stem, stop), files))
        except BaseException:
            stop.set()  # the pool waits for those that are under way
            raise
    (target / SIZES).write_text(json.dumps({file.stem: size for file, size in zip(files, sizes, strict=True)}))


def _unpack_one(source: Path, target: Path, stop: threading.Event) -> int:
    with lzma.open(source) as packed, open(target, "wb") as out:
        while not stop.is_set() and (data := packed.read(1 << 20)):
            out.write(data)
        os.fchmod(out.fileno(), 0o700)
        return out.tell()


def _is_complete(target: Path) -> bool:
    # After a power cut a renamed directory may hold empty files.
    try:
        sizes: dict[str, int] = json.loads((target / SIZES).read_text())
        return all((target / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError):
        return False


def claim_directory(given: str | os.PathLike[str]) -> Path:
    """Make a data directory private, unless it holds somebody else's files.

    Raises:
        EmbeddedServerError: when it cannot be used; the text says why.
    """
    try:
        directory = Path(os.path.abspath(expand_path(os.fspath(given))))
    except OSError as exc:
        raise EmbeddedServerError(f"{os.fspath(given)!r} cannot be a data directory: {exc.strerror}") from exc
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(directory.iterdir()) and not (directory / LOCK).exists():
            raise EmbeddedServerError(
                f"{directory} holds files that are not an embedded Milvus's: name an empty or a new directory"
            )
        directory.chmod(0o700)
        (directory / LOCK).touch(mode=0o600)
        for name in ("configs", "logs", "data", "run"):
            (directory / name).mkdir(mode=0o700, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as exc:
        raise EmbeddedServerError(f"{exc.filename} is a file, not a directory: name a directory for the data") from exc
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        raise EmbeddedServerError(f"{directory} cannot be used as a data directory: {reason}") from exc
    return directory


def write_settings(directory: Path, isolated: bool, proxy_port: int | None) -> dict[str, int]:
    """Write Milvus's configuration files; returns the ports that are needed later.

    Args:
        directory: the data directory.
        isolated: whether Milvus has a network of its own and so keeps its default ports; else all get free ones.
        proxy_port: where it hasn't, the proxy's port (None = a free one).
    """
    from milvus import MilvusServerConfig

    config = MilvusServerConfig(data_dir=str(directory))
    config.resolve_storage()
    # A path may hold what YAML takes for its own; in JSON's quotes it stays a text.
    for key in ("etcd_log_path", "system_log_path", "etcd_data_dir", "local_storage_dir", "rocksmq_data_dir"):
        config.set(key, json.dumps(config.get(key)))
    ports = DEFAULT_PORTS
    if not isolated:
        keys = [key for key in config.configurable_items if key.endswith("_port")]
        *chosen, metrics, peer = _free_ports(len(keys) + 2)
        for key, port in zip(keys, chosen, strict=True):
            config.set(key, port)
        config.set("proxy_port", proxy_port or config.get("proxy_port"))
        ports = {"proxy": config.get("proxy_port"), "etcd": config.get("etcd_port"), "metrics": metrics}
        _write_etcd_settings(directory, ports["etcd"], peer)
    config.write_config()
    return ports


def milvus_environment(directory: Path, binaries: Path, ports: dict[str, int]) -> dict[str, str]:
    """Milvus's environment, without the kernel's: it takes any variable for a setting."""
    variables = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    variables |= {
        "HOME": str(directory),
        "DYLD_LIBRARY_PATH" if sys.platform == "darwin" else "LD_LIBRARY_PATH": str(binaries),
        "DEPLOY_MODE": "STANDALONE",
        "METRICS_PORT": str(ports["metrics"]),
        "LOG_STDOUT": "false",  # what goes to stdout is never rotated
    }
    if ports != DEFAULT_PORTS:
        variables["ETCD_CONFIG_PATH"] = str(directory / "configs" / "etcd.yaml")
    # Else Milvus talks to itself over the machine's first address, which a laptop loses.
    return variables | {f"{service}_IP": "127.0.0.1" for service in SERVICES}


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in socks:
            sock.bind(("", 0))
        return [sock.getsockname()[1] for sock in socks]


def _write_etcd_settings(directory: Path, client: int, peer: int) -> None:
    # Without this file etcd's peers' port stays 2380, and two servers collide there. JSON is YAML too.
    own, others = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    settings = {
        "name": "default",
        "data-dir": str(directory / "data" / "etcd.data"),
        "listen-client-urls": own,
        "advertise-client-urls": own,
        "listen-peer-urls": others,
        "initial-advertise-peer-urls": others,
        "initial-cluster": f"default={others}",
        "enable-grpc-gateway": True,
        "log-outputs": [str(directory / "logs" / "etcd.log")],
    }
    (directory / "configs" / "etcd.yaml").write_text(json.dumps(settings, indent=1))


def find_error_line(directory: Path) -> tuple[Path, str]:
    """Find the last line that tells an error in Milvus's logs, and its file."""
    logs = directory / "logs"
    newest = sorted(logs.glob("standalone-*.log"), key=lambda log: log.stat().st_mtime)[-1:]
    last = ""
    for log in (logs / OUTPUT, *newest):
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
        errors = [line for line in lines if ERROR_LINE.search(line)]
        if errors:
            return log, errors[-1][:300]
        last = last or "".join(lines[-1:])
    return logs / OUTPUT, last[:300]
