"""A real Milvus on this machine, for trying out and for tests.

    with embedded.start() as server:
        connections.connect(uri=server.uri, user=server.user, password=server.password)

On Linux it has a network of its own: nothing but a unix socket, in a directory that only this user can enter, and, if
asked for, one TCP port of 127.0.0.1 lead to it. It ends with this process, however that ends.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from milvus_magics.embedded import binaries, files
from milvus_magics.errors import EmbeddedServerError
from milvus_magics.secret import Secret
from milvus_magics.wording import visible_text

KEEPER = Path(__file__).with_name("keeper")
SOCKET = "milvus.sock"
SHORT_DIRECTORY = "/tmp"  # noqa: S108 - mkdtemp makes a private one in it
MAX_SOCKET_PATH_BYTES = 100  # the system allows 108 bytes, macOS 104
LOCK_SECONDS = 20.0
END_SECONDS = 15.0  # of which Milvus gets 5 to end by itself
WARNING = (
    "this Milvus is not isolated ({why_not}): other people on this machine and on its network can reach Milvus's "
    "internal ports, which ask for no password, and so read and change everything in it, users included"
)


class EmbeddedMilvus:
    """A running embedded Milvus, made by `start`. As a context manager it stops at the end of the block.

    Attributes:
        uri: where to connect: `unix:/.../milvus.sock`, or `http://127.0.0.1:PORT` where it isn't isolated.
        address: `127.0.0.1:PORT` where it has a TCP port, else None.
        user: the administrator, `root`.
        password: root's password, new at every start; empty when authorization is off.
        data_dir: where its data and logs are.
        isolated: whether it has a network of its own.
        warning: one line on what is exposed where it isn't isolated, else None.
    """

    user = "root"

    def __init__(self, keeper: KeeperProcess, password: Secret, scheme: str, tcp_port: int | None) -> None:
        self._keeper, self.password = keeper, password
        self.data_dir, self.isolated = keeper.directories.data, not keeper.why_not
        self.address = f"127.0.0.1:{tcp_port}" if tcp_port else None
        self.uri = f"unix:{keeper.directories.socket}" if self.isolated else f"{scheme}://{self.address}"
        self.warning = None if self.isolated else WARNING.format(why_not=keeper.why_not)

    def has_data_in(self, data_dir: str | os.PathLike[str] | None) -> bool:
        """Whether its data is in this directory, or in a temporary one for None; EmbeddedServerError if none can be."""
        if data_dir is None:
            return self._keeper.directories.is_data_temporary
        return os.path.realpath(files.resolve_directory(data_dir)) == os.path.realpath(self.data_dir)

    @property
    def pid(self) -> int:
        """Process id of the keeper, which ends last."""
        return self._keeper.process.pid

    def alive(self) -> bool:
        """Whether it is running."""
        return self._keeper.alive()

    def stop(self) -> None:
        """Stop it and wait until all its processes are gone. Doing it again does nothing."""
        self._keeper.end()

    def __enter__(self) -> EmbeddedMilvus:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "running" if self.alive() else "stopped"
        return visible_text(f"<EmbeddedMilvus {self.uri} in {self.data_dir}, {state}>")


def start(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    authorization: bool = True,
    tcp_port: int | None = None,
    settings: Mapping[str, str] | None = None,
    isolate: bool | None = None,
    progress: Callable[[str], None] | None = None,
    timeout: float = 120.0,
) -> EmbeddedMilvus:
    """Start a Milvus and wait until it can be used.

    Args:
        data_dir: where its data is and stays; None for a directory that goes when the server goes.
        authorization: whether Milvus demands a user and password.
        tcp_port: port of 127.0.0.1 to open as well, for tools that know no unix sockets; 0 for a free one.
        settings: settings of Milvus as environment variables, e.g. `{"PROXY_MAXUSERNUM": "1000"}`; file names absolute.
        isolate: give it a network of its own: True to insist, False not to, None where it can be had.
        progress: called with a few words at every step.
        timeout: seconds that Milvus may take, not counting the unpacking of its binaries.

    Raises:
        EmbeddedServerError: when it cannot be started; nothing is left running.
    """
    started = time.monotonic()
    show = progress or (lambda text: None)
    packed = binaries.find_binaries()
    directories = _Directories(data_dir)
    keeper = None
    try:
        directories.make()
        keeper = KeeperProcess(directories)
        state = keeper.lock(tcp_port, isolate)
        programs = binaries.unpack(packed, directories.data, show)
        show("starting Milvus...")
        ports = files.write_settings(directories.data, state["isolated"], state["port"])
        environment = files.milvus_environment(directories.data, directories.find_library_path(programs), ports)
        environment["COMMON_SECURITY_AUTHORIZATIONENABLED"] = str(authorization).lower()
        environment |= {str(name): str(value) for name, value in (settings or {}).items()}
        password = Secret.generate() if authorization else Secret("")
        keeper.run(programs / "milvus", environment, ports, password, timeout)
    except BaseException as exc:
        if keeper:
            keeper.end()
        directories.remove()
        if isinstance(exc, OSError):
            why = f"{(exc.strerror or str(exc)).lower()}: {exc.filename or directories.data}"
            raise EmbeddedServerError(f"the embedded Milvus cannot be started: {why}") from exc
        raise
    show(f"ready in {time.monotonic() - started:.1f} s")
    scheme = "http" if environment.get("COMMON_SECURITY_TLSMODE", "0") == "0" else "https"
    return EmbeddedMilvus(keeper, password, scheme, state["port"] if state["isolated"] else ports["proxy"])


class _Directories:
    """The directories of one server, and which of them are removed with it."""

    def __init__(self, data_dir: str | os.PathLike[str] | None) -> None:
        self._given = data_dir
        self.is_data_temporary = data_dir is None
        self.temporary: list[Path] = []

    def make(self) -> None:
        base = tempfile.gettempdir()
        given = self._make_temporary(base, "milvus-magics-") if self._given is None else self._given
        self.data = files.claim_directory(given)
        length = len(os.fsencode(base)) + len("/milvus-12345678/") + len(SOCKET)
        # Many programs take what follows `unix:` for a URL.
        base = base if length < MAX_SOCKET_PATH_BYTES and files.is_plain(base) else SHORT_DIRECTORY
        self.socket = self._make_temporary(base, "milvus-") / SOCKET

    def find_library_path(self, programs: Path) -> Path:
        """A path of a directory that the dynamic linker takes for one path, without expanding anything in it."""
        if not set(":;$") & set(str(programs)):
            return programs
        link = self.socket.with_name("lib")
        link.symlink_to(programs)
        return link

    def _make_temporary(self, base: str, prefix: str) -> Path:
        try:
            path = Path(tempfile.mkdtemp(prefix=prefix, dir=base))
        except OSError as exc:
            raise EmbeddedServerError(f"no temporary directory can be made in {base}: {exc.strerror}") from exc
        self.temporary.append(path)
        return path

    def remove(self) -> None:
        for path in self.temporary:
            shutil.rmtree(path, ignore_errors=True)


class KeeperProcess:
    """The program that runs one server, as its starter sees it; see `keeper/__init__.py`."""

    def __init__(self, directories: _Directories) -> None:
        self.directories = directories
        self.why_not = ""
        self._owner = os.getpid()
        self._end_lock = threading.Lock()
        self._log = directories.data / "logs" / "keeper.log"
        self._sock, other = socket.socketpair()
        with other, open(self._log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", KEEPER, str(other.fileno()), str(self._owner)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                pass_fds=(other.fileno(),),
                start_new_session=True,  # "interrupt kernel" is for the kernel
            )
        _running.add(self)

    def lock(self, tcp_port: int | None, isolate: bool | None) -> dict[str, Any]:
        """Lock the data directory and enter the namespaces; returns the keeper's answer."""
        answer = self._ask(
            LOCK_SECONDS,
            lock=str(self.directories.data / files.LOCK),
            tcp_port=tcp_port,
            isolate=isolate,
            remove=[str(path) for path in self.directories.temporary],
        )
        self.why_not = answer["why_not"]
        return answer

    def run(
        self, program: Path, environment: dict[str, str], ports: dict[str, int], password: Secret, timeout: float
    ) -> None:
        """Start Milvus and wait until it can be used."""
        answer = self._ask(
            timeout,
            argv=[str(program), "run", "standalone"],
            env=environment,
            cwd=str(self.directories.data),
            output=str(self.directories.data / "logs" / files.OUTPUT),
            ports=ports,
            password=password,
            socket=None if self.why_not else str(self.directories.socket),
        )
        if "has_exited" in answer:
            raise EmbeddedServerError(f"Milvus ended while it started; {self._describe_log()}")

    def _ask(self, seconds: float, **message: object) -> dict[str, Any]:
        self._sock.settimeout(seconds)
        try:
            self._sock.sendall(json.dumps(message, default=Secret.reveal).encode() + b"\n")
            with self._sock.makefile("rb") as answers:
                line = answers.readline()
            if not line.endswith(b"\n"):
                raise ConnectionResetError
        except TimeoutError as exc:
            raise EmbeddedServerError(
                f"Milvus isn't ready after {seconds:g} s, so it was ended; {self._describe_log()}"
            ) from exc
        except OSError as exc:
            raise EmbeddedServerError(f"the program that keeps Milvus ended; see {self._log}") from exc
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise EmbeddedServerError(answer["error"])
        return answer

    def _describe_log(self) -> str:
        try:
            log, line = files.find_error_line(self.directories.data)
        except OSError:
            return f"it left nothing in {self.directories.data / 'logs'}"
        is_temporary = self.directories.is_data_temporary
        note = " (removed with its temporary directory; name a directory to keep it)" if is_temporary else ""
        return f"its log {log}{note} says: {line}"

    def alive(self) -> bool:
        """Whether the program, and with it Milvus, is running."""
        return self.process.poll() is None

    def end(self) -> None:
        """Make it end everything, and wait for that."""
        if os.getpid() != self._owner:  # a forked child must not end its parent's server
            return
        with self._end_lock:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)  # unlike close: also where a forked child has a copy
            self._sock.close()
            try:
                self.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.directories.remove()
            _running.discard(self)


_running: set[KeeperProcess] = set()


@atexit.register
def _end_all() -> None:
    for keeper in list(_running):
        keeper.end()
