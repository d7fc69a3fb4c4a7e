"""Runs Milvus as a child process, and the relay to it."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
from typing import Any

from .admin import is_healthy, lock_root, remove_dead_sessions, set_root_password
from .control import Control, StartError
from .isolation import die_with_parent
from .relay import Relay

TERMINATE_SECONDS = 5.0
# A queue at a port where none is: RootCoord waits for it before it makes its users, and is the only one that can.
WITHOUT_QUEUE = {"MQ_TYPE": "pulsar", "PULSAR_ADDRESS": "127.0.0.1", "PULSAR_PORT": "1"}


def run_server(job: dict[str, Any], control: Control, lock: int, tcp: socket.socket | None) -> None:
    """Start Milvus and the relay to it, and wait until it ends or has to end.

    Args:
        job: what to run: argv, env, cwd, output (a file), ports (proxy, etcd, metrics),
            password (root's new one, or empty), socket (path to open to the world, or None where Milvus's own port
            is open to it anyway).
        control: who started us.
        lock: descriptor of the data directory's lock; Milvus holds it too.
        tcp: bound socket of the host's network to open as well.
    """
    control.leashes.append(control.sock.fileno())  # the job was the last message
    if job["password"] and not job["socket"] and not _lock_root(job, control, lock):
        control.send(has_exited=True)
        return
    relay = Relay(job["ports"]["proxy"])
    milvus, exited = _start(job, lock)
    try:
        if not _wait_until_ready(job["ports"], control, exited):
            control.send(has_exited=True)
            return
        # The order is the promise: root has its password before anybody can come in.
        if job["password"]:
            set_root_password(job["ports"], job["password"])
        if job["socket"]:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(job["socket"])
            relay.listen(listener)
            if tcp:
                relay.listen(tcp)
        control.send(ready=True)
        while not control.wait(exited):
            pass
    except (StartError, http.client.HTTPException, OSError, ValueError) as exc:
        control.send(error=str(exc))
    finally:
        relay.close()  # Milvus would wait for its clients to go
        _end(milvus)


def _lock_root(job: dict[str, Any], control: Control, lock: int) -> bool:
    """Take root's password away where everybody can reach Milvus from its first moment; returns whether it was done.

    Else a new Milvus has a root with the well-known password until its own is set. Users are in etcd, which runs inside
    Milvus: so that runs first, for a moment, and without all else.
    """
    milvus, exited = _start({**job, "env": job["env"] | WITHOUT_QUEUE}, lock)
    try:
        while not control.wait(exited, 0.03):
            with contextlib.suppress(StartError, OSError, ValueError, http.client.HTTPException):
                lock_root(job["ports"]["etcd"])
                return True
        return False
    finally:
        milvus.kill()  # etcd has it on the disk before it answers
        milvus.wait()
        os.close(exited)


def _start(job: dict[str, Any], lock: int) -> tuple[subprocess.Popen[bytes], int]:
    exited, milvus_end = os.pipe()  # Milvus holds the one end, so the other ends with it
    with open(job["output"], "wb") as output:
        milvus = subprocess.Popen(
            job["argv"],
            env=job["env"],
            cwd=job["cwd"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(milvus_end, lock),
            preexec_fn=die_with_parent,
        )
    os.close(milvus_end)
    return milvus, exited


def _wait_until_ready(ports: dict[str, int], control: Control, exited: int) -> bool:
    while not control.wait(exited, 0.03):
        # Refused until Milvus listens; what doesn't pass by is the starter's timeout.
        with contextlib.suppress(StartError, OSError, ValueError, http.client.HTTPException):
            remove_dead_sessions(ports["etcd"])
            if is_healthy(ports["metrics"]):
                return True
    return False


def _end(milvus: subprocess.Popen[bytes]) -> None:
    milvus.terminate()
    try:
        milvus.wait(TERMINATE_SECONDS)
    except subprocess.TimeoutExpired:
        milvus.kill()
        milvus.wait()
