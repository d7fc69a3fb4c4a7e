"""The main function, and all that lasts from the plan to the end of the server."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import shutil
import signal
import socket
import sys
import time
from typing import Any, NoReturn

from .control import Control, StartError, Stop
from .fixed_paths import claim_paths, find_needed, hide_parents
from .isolation import isolate, mount_proc
from .server import run_server

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
OPEN_FILES = 65536


def main() -> None:
    """Run as a program."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for one in SIGNALS:
        signal.signal(one, _on_signal)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.umask(0o077)
    _set_limits()
    control = Control(*map(int, sys.argv[1:3]))
    try:
        _run(control)
    except Stop:
        pass
    except (StartError, OSError) as exc:
        control.send(error=str(exc))


def _run(control: Control) -> None:
    plan = control.receive()
    try:
        _run_plan(plan, control)
    finally:
        for path in plan["remove"]:
            shutil.rmtree(path, ignore_errors=True)


def _run_plan(plan: dict[str, Any], control: Control) -> None:
    lock = _lock(plan["lock"], control.starter)
    tcp = _bind(plan["tcp_port"])  # before isolating: this one is the host's
    why_not = "not asked for" if plan["isolate"] is False else isolate()
    if why_not and plan["isolate"]:
        raise StartError(f"the embedded Milvus cannot be isolated: {why_not}")
    control.send(isolated=not why_not, why_not=why_not, port=tcp.getsockname()[1] if tcp else None)
    job = control.receive()
    if not why_not:
        with hide_parents(find_needed(job)):
            _run_isolated(job, control, lock, tcp)
        return
    if tcp:
        tcp.close()  # it has only kept the port free for Milvus
    claim_paths()
    run_server(job, control, lock, None)


def _run_isolated(job: dict[str, Any], control: Control, lock: int, tcp: socket.socket | None) -> None:
    leash, leash_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(leash_end)
        control.starter = 0  # whose pid means nothing in here; the leash ends with our parent
        control.leashes.append(leash)
        mount_proc()
        run_server(job, control, lock, tcp)
        return  # to clean up as our parent does, in case that was killed
    control.sock.close()
    if tcp:
        tcp.close()
    try:
        _wait(child, control)
    except Stop:
        os.close(leash_end)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)  # in case it waits for an answer of Milvus
        os.waitpid(child, 0)


def _wait(child: int, control: Control) -> None:
    if control.has_pidfd:
        os.waitpid(child, 0)
        return
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if control.is_orphaned():
            raise Stop
        time.sleep(0.5)


def _lock(path: str, starter: int) -> int:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(lock, 20).decode().strip()
        by = f" of process {owner}" if owner else ""
        directory = os.path.dirname(path)
        raise StartError(
            f"{directory} is in use by another embedded Milvus{by}: stop that one, or name another directory"
        ) from None
    os.ftruncate(lock, 0)
    os.write(lock, f"{starter}\n".encode())
    return lock


def _bind(port: int | None) -> socket.socket | None:
    # Bound but not listening: until the relay listens, nobody can connect.
    if port is None:
        return None
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("127.0.0.1", port))
    except OSError as exc:
        raise StartError(f"TCP port {port} of 127.0.0.1 cannot be used: {exc.strerror}") from None
    return sock


def _set_limits() -> None:
    # A dying Milvus aborts; nobody wants its core file.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _on_signal(signum: int, frame: object) -> NoReturn:
    for one in SIGNALS:
        signal.signal(one, signal.SIG_IGN)  # ending is under way; a second signal changes nothing
    raise Stop
