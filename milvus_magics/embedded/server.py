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
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from milvus_magics.embedded import files
from milvus_magics.secret import Secret

KEEPER = Path(__file__).with_name("keeper")
SOCKET = "milvus.sock"
SHORT_DIRECTORY = "/tmp"  # noqa: S108 - mkdtemp makes a private one in it
LONGEST_SOCKET_PATH = 100  # the system allows 108 bytes, macOS 104
SECONDS_TO_LOCK = 20.0
SECONDS_TO_END = 15.0  # of which Milvus gets 5 to end by itself


class EmbeddedMilvus:
    """A running embedded Milvus, made by `start`. As a context manager it stops at the end of the block.

    Attributes:
        uri: where to connect: `unix:/…/milvus.sock`, or `http://127.0.0.1:PORT` where it isn't isolated.
        address: `127.0.0.1:PORT` where it has a TCP port, else None.
        user: the administrator, `root`.
        password: root's password, new at every start; empty when authorization is off.
        data_dir: where its data and logs are.
        isolated: whether it has a network of its own.
        warning: one line on what is exposed where it isn't isolated, else None.
    """

    user = "root"

    def __init__(
        self, keeper: Keeper, *, uri: str, address: str | None, password: Secret, data_dir: Path, warning: str | None
    ) -> None:
        self._keeper = keeper
        self.uri, self.address, self.password = uri, address, password
        self.data_dir, self.isolated, self.warning = data_dir, warning is None, warning

    @property
    def temporary(self) -> bool:
        """Whether its data goes when it ends."""
        return self._keeper.places.temporary_data

    def keeps(self, data_dir: str | os.PathLike[str]) -> bool:
        """Whether its data is in this directory."""
        return os.path.realpath(os.path.expanduser(data_dir)) == os.path.realpath(self.data_dir)

    @property
    def pid(self) -> int:
        """Process id of the keeper, the process that ends last."""
        return self._keeper.process.pid

    def alive(self) -> bool:
        """Whether it runs."""
        return self._keeper.alive()

    def stop(self) -> None:
        """End it and wait until all its processes are gone. Doing it again does nothing."""
        self._keeper.end()

    def __enter__(self) -> EmbeddedMilvus:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<EmbeddedMilvus {self.uri} in {self.data_dir}, {'running' if self.alive() else 'stopped'}>"


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
        progress: is told what goes on, in a few words.
        timeout: seconds that Milvus may take, not counting the unpacking of its binaries.

    Raises:
        EmbeddedServerError: when it cannot be started; nothing is left running.
    """
    began = time.monotonic()
    tell = progress or (lambda text: None)
    packed = files.find_binaries()
    places = _Places(data_dir)
    keeper = None
    try:
        places.make()
        keeper = Keeper(places)
        state = keeper.lock(tcp_port, isolate)
        binaries = files.unpack(packed, places.data, tell)
        tell("starting Milvus…")
        ports = files.write_settings(places.data, state["isolated"], state["port"])
        environment = files.environment(places.data, binaries, ports)
        environment["COMMON_SECURITY_AUTHORIZATIONENABLED"] = str(authorization).lower()
        environment |= {str(name): str(value) for name, value in (settings or {}).items()}
        password = Secret(secrets.token_urlsafe(24) if authorization else "")
        keeper.run(binaries / "milvus", environment, ports, password, timeout)
    except BaseException:
        if keeper:
            keeper.end()
        places.remove()
        raise
    tell(f"ready in {time.monotonic() - began:.1f} s")
    return _describe(keeper, environment, ports, password, state["port"])


class _Places:
    """The directories of one server, and which of them go with it."""

    def __init__(self, data_dir: str | os.PathLike[str] | None) -> None:
        self._given = data_dir
        self.temporary_data = data_dir is None
        self.temporary: list[Path] = []

    def make(self) -> None:
        if self._given is None:
            self.data = files.claim_directory(self._temporary_directory(tempfile.gettempdir(), "milvus-magics-"))
        else:
            self.data = files.claim_directory(self._given)
        base = tempfile.gettempdir()
        longest = len(os.fsencode(base)) + len("/milvus-12345678/") + len(SOCKET)
        self.socket = (
            self._temporary_directory(base if longest < LONGEST_SOCKET_PATH else SHORT_DIRECTORY, "milvus-") / SOCKET
        )

    def _temporary_directory(self, base: str, prefix: str) -> Path:
        try:
            path = Path(tempfile.mkdtemp(prefix=prefix, dir=base))
        except OSError as exc:
            raise files.problem(f"no temporary directory can be made in {base}: {exc.strerror}") from exc
        self.temporary.append(path)
        return path

    def remove(self) -> None:
        for path in self.temporary:
            shutil.rmtree(path, ignore_errors=True)


class Keeper:
    """The program that keeps one server, seen from here; see `keeper/__init__.py`."""

    def __init__(self, places: _Places) -> None:
        self.places = places
        self.why_not = ""
        self._owner = os.getpid()
        self._ending = threading.Lock()
        self._log = places.data / "logs" / "keeper.log"
        self._sock, other = socket.socketpair()
        with other, _pidfd() as kernel, open(self._log, "ab") as log:
            handed = (other.fileno(), *([kernel] if kernel >= 0 else []))
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", KEEPER, str(other.fileno()), str(kernel), str(self._owner)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                pass_fds=handed,
                start_new_session=True,  # "interrupt kernel" is for the kernel
            )
        _running.add(self)

    def lock(self, tcp_port: int | None, isolate: bool | None) -> dict[str, Any]:
        """Take the data directory and enter the namespaces; the answer says what came of it."""
        answer = self._ask(
            SECONDS_TO_LOCK,
            lock=str(self.places.data / files.LOCK),
            tcp_port=tcp_port,
            isolate=isolate,
            remove=[str(path) for path in self.places.temporary],
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
            cwd=str(self.places.data),
            output=str(self.places.data / "logs" / files.OUTPUT),
            run=str(self.places.data / "run"),
            ports=ports,
            password=password,
            socket=None if self.why_not else str(self.places.socket),
        )
        if "died" in answer:
            raise files.problem(f"Milvus ended while it started; {self._last_words()}")

    def _ask(self, seconds: float, **message: object) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        line = b""
        try:
            self._sock.sendall(json.dumps(message, default=Secret.reveal).encode() + b"\n")
            while not line.endswith(b"\n"):
                self._sock.settimeout(max(0.001, deadline - time.monotonic()))
                data = self._sock.recv(65536)
                if not data:
                    raise ConnectionResetError
                line += data
        except TimeoutError as exc:
            raise files.problem(
                f"Milvus isn't ready after {seconds:g} s, so it was ended; {self._last_words()}"
            ) from exc
        except OSError as exc:
            raise files.problem(f"the program that keeps Milvus ended; see {self._log}") from exc
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise files.problem(answer["error"])
        return answer

    def _last_words(self) -> str:
        try:
            log, line = files.last_words(self.places.data)
        except OSError:
            return f"it left nothing in {self.places.data / 'logs'}"
        gone = (
            " (removed with its temporary directory; name a directory to keep it)" if self.places.temporary_data else ""
        )
        return f"its log {log}{gone} says: {line}"

    def alive(self) -> bool:
        """Whether the program runs, and with it Milvus."""
        return self.process.poll() is None

    def end(self) -> None:
        """Have it end everything, and wait for that."""
        if os.getpid() != self._owner:  # a forked child must not end its parent's server
            return
        with self._ending:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)  # unlike close: also where a forked child has a copy
            self._sock.close()
            try:
                self.process.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.places.remove()
            _running.discard(self)


_running: set[Keeper] = set()


@atexit.register
def _end_all() -> None:
    for keeper in list(_running):
        keeper.end()


@contextlib.contextmanager
def _pidfd() -> Iterator[int]:
    if not hasattr(os, "pidfd_open"):
        yield -1
        return
    try:
        kernel = os.pidfd_open(os.getpid())
    except OSError:
        yield -1
        return
    try:
        yield kernel
    finally:
        os.close(kernel)


def _describe(
    keeper: Keeper, environment: Mapping[str, str], ports: Mapping[str, int], password: Secret, tcp: int | None
) -> EmbeddedMilvus:
    tcp = ports["proxy"] if keeper.why_not else tcp
    address = f"127.0.0.1:{tcp}" if tcp else None
    scheme = "http" if environment.get("COMMON_SECURITY_TLSMODE", "0") == "0" else "https"
    return EmbeddedMilvus(
        keeper,
        uri=f"{scheme}://{address}" if keeper.why_not else f"unix:{keeper.places.socket}",
        address=address,
        password=password,
        data_dir=keeper.places.data,
        warning=_warning(keeper.why_not) if keeper.why_not else None,
    )


def _warning(why_not: str) -> str:
    return (
        f"this Milvus is not isolated ({why_not}): other people on this machine and on its network can reach Milvus's "
        "internal ports, which ask for no password, and so read and change everything in it, users included"
    )
