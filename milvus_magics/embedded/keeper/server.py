"""Runs Milvus as a child process, and the relay to it."""

from __future__ import annotations

import contextlib
import http.client
import os
import select
import selectors
import socket
import subprocess
from typing import Any, NoReturn

from .admin import is_healthy, remove_dead_sessions, set_root_password
from .control import Control, StartError, Stop
from .isolation import die_with_parent
from .relay import Relay

TERMINATE_SECONDS = 5.0


class Server:
    """One Milvus process, and the relay to it.

    Args:
        job: what to run: argv, env, cwd, output (a file), run (a directory of its own), ports (proxy, etcd, metrics),
            password (root's new one, or empty), socket (path to open to the world, or None where Milvus's own port
            is open to it anyway).
        control: who started us.
        lock: descriptor of the data directory's lock; Milvus holds it too.
        tcp: bound socket of the host's network to open as well.
    """

    def __init__(self, job: dict[str, Any], control: Control, lock: int, tcp: socket.socket | None) -> None:
        self.job, self.control, self.lock, self.tcp = job, control, lock, tcp
        self.selector = selectors.DefaultSelector()
        self.relay = Relay(self.selector, job["ports"]["proxy"])
        self.has_exited = False
        for end in control.ends:
            self.stop_on(end)

    def stop_on(self, end: int) -> None:
        """Stop when a descriptor becomes readable or is closed on the other side."""

        def stop(mask: int) -> NoReturn:
            raise Stop

        self.selector.register(end, selectors.EVENT_READ, stop)

    def run(self) -> None:
        """Start Milvus, and wait until it ends or has to end."""
        milvus, exited = self._start()
        try:
            if not self._wait_until_ready():
                self.control.send(has_exited=True)
                return
            self._open()
            self.control.send(ready=True)
            while not self.has_exited:
                self._handle_events(1.0 if self.control.kernel < 0 else None)
        except (StartError, http.client.HTTPException, OSError, ValueError) as exc:
            self.control.send(error=str(exc))
        finally:
            self.relay.close()  # Milvus would wait for its clients to go
            _end(milvus, exited)

    def _start(self) -> tuple[subprocess.Popen[bytes], int]:
        exited, milvus_end = os.pipe()  # Milvus holds the one end, so the other ends with it
        with open(self.job["output"], "wb") as output:
            milvus = subprocess.Popen(
                self.job["argv"],
                env=self.job["env"],
                cwd=self.job["cwd"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(milvus_end, self.lock),
                preexec_fn=die_with_parent,
            )
        os.close(milvus_end)
        self.selector.register(exited, selectors.EVENT_READ, self._on_exit)
        return milvus, exited

    def _on_exit(self, mask: int) -> None:
        self.has_exited = True

    def _handle_events(self, timeout: float | None) -> None:
        for key, mask in self.selector.select(timeout):
            key.data(mask)
        if self.control.is_orphaned():
            raise Stop

    def _wait_until_ready(self) -> bool:
        ports = self.job["ports"]
        while not self.has_exited:
            # Refused until Milvus listens; what doesn't pass by is the starter's timeout.
            with contextlib.suppress(StartError, OSError, ValueError, http.client.HTTPException):
                remove_dead_sessions(ports["etcd"])
                if is_healthy(ports["metrics"]):
                    return True
            self._handle_events(0.03)
        return False

    def _open(self) -> None:
        # The order is the promise: root has its password before anybody can come in.
        ports = self.job["ports"]
        if self.job["password"]:
            set_root_password(ports, self.job["password"])
        if not self.job["socket"]:
            return
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.job["socket"])
        self.relay.listen(listener)
        if self.tcp:
            self.relay.listen(self.tcp)


def _end(milvus: subprocess.Popen[bytes], exited: int) -> None:
    poll = select.poll()
    poll.register(exited, select.POLLIN)
    milvus.terminate()
    if not poll.poll(TERMINATE_SECONDS * 1000):
        milvus.kill()
    milvus.wait()
