"""The files of one embedded Milvus: its data directory, settings and logs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import sys
from pathlib import Path

from milvus_magics.errors import EmbeddedServerError
from milvus_magics.private_file import expand_path

OUTPUT = "milvus.out"
LOCK = ".milvus-magics.lock"
# Alone in its network, Milvus keeps its default ports.
DEFAULT_PORTS = {"proxy": 19530, "etcd": 2379, "metrics": 9091}
SERVICES = ("ROOTCOORD", "PROXY", "QUERYCOORD", "QUERYNODE", "INDEXCOORD", "INDEXNODE", "DATACOORD", "DATANODE")
# At places Milvus takes its paths for URLs and lists; a template's braces are filled in; YAML knows no surrogate pairs.
ODD_IN_A_PATH = re.compile("[#%,?{\U00010000-\U0010ffff]")
ERROR_LINE = re.compile(r"^panic:|^fatal error:|\[(FATAL|ERROR)\]|\b[Ee]rror\b|[Ff]ailed|No space left")


def resolve_directory(given: str | os.PathLike[str]) -> Path:
    """The absolute path of a data directory, there or not yet; EmbeddedServerError if none can be called that."""
    if not os.fspath(given):
        raise EmbeddedServerError("the name of the data directory is empty: name one, or none for a temporary one")
    try:
        return Path(os.path.abspath(expand_path(os.fspath(given))))
    except OSError as exc:
        raise EmbeddedServerError(f"{os.fspath(given)!r} cannot be a data directory: {exc.strerror}") from exc


def claim_directory(given: str | os.PathLike[str]) -> Path:
    """Make a data directory private, unless it holds somebody else's files.

    Raises:
        EmbeddedServerError: when it cannot be used; the text says why.
    """
    directory = resolve_directory(given)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(directory.iterdir()) and not (directory / LOCK).exists():
            raise EmbeddedServerError(
                f"{directory} holds files that are not an embedded Milvus's: name an empty or a new directory"
            )
        directory.chmod(0o700)
        (directory / LOCK).touch(mode=0o600)
        for name in ("configs", "logs", "data"):
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
        config.set(key, json.dumps(_settings_path(directory, config.get(key))))
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


def is_plain(path: str | os.PathLike[str]) -> bool:
    """Whether Milvus, and other programs that take a path for a URL, understand it as it is."""
    text = os.fspath(path)
    return text.isprintable() and not ODD_IN_A_PATH.search(text)


def _settings_path(directory: Path, path: str) -> str:
    """A path in the data directory, as Milvus gets it.

    Milvus runs in that directory: what it wouldn't understand as a whole begins there. All else stays whole, as Milvus
    has stored it with the data that is there already.
    """
    return path if is_plain(directory) else os.path.relpath(path, directory)


def milvus_environment(directory: Path, libraries: Path, ports: dict[str, int]) -> dict[str, str]:
    """Milvus's environment, without the kernel's: it takes any variable for a setting."""
    variables = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    variables |= {
        "HOME": str(directory),
        "MILVUSCONF": _settings_path(directory, str(directory / "configs")),
        "DYLD_LIBRARY_PATH" if sys.platform == "darwin" else "LD_LIBRARY_PATH": str(libraries),
        "DEPLOY_MODE": "STANDALONE",
        "METRICS_PORT": str(ports["metrics"]),
        "LOG_STDOUT": "false",  # what goes to stdout is never rotated
    }
    if ports != DEFAULT_PORTS:
        variables["ETCD_CONFIG_PATH"] = _settings_path(directory, str(directory / "configs" / "etcd.yaml"))
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
        "data-dir": _settings_path(directory, str(directory / "data" / "etcd.data")),
        "listen-client-urls": own,
        "advertise-client-urls": own,
        "listen-peer-urls": others,
        "initial-advertise-peer-urls": others,
        "initial-cluster": f"default={others}",
        "enable-grpc-gateway": True,
        "log-outputs": [_settings_path(directory, str(directory / "logs" / "etcd.log"))],
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
