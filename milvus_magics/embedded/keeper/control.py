"""The socket to the process that started the keeper."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
from typing import Any


class Stop(BaseException):
    """The server has to end now."""


class StartError(Exception):
    """The server cannot be started; the text says why."""


class Control:
    """Messages to and from the starter, and whether that is still running.

    Args:
        control: descriptor of the socket.
        starter: pid of the process that started the keeper.

    Attributes:
        has_pidfd: whether the system has pidfds; else only the parent's pid tells when the starter is gone.
        leashes: descriptors of which the first that becomes readable, or ends, means: stop.
    """

    def __init__(self, control: int, starter: int) -> None:
        self.sock, self.starter = socket.socket(fileno=control), starter
        self.leashes: list[int] = []
        # A forked child of the starter may hold the socket open; the pidfd doesn't mind.
        with contextlib.suppress(AttributeError, OSError):
            self.leashes.append(os.pidfd_open(starter))
        self.has_pidfd = bool(self.leashes)

    def wait(self, descriptor: int, seconds: float | None = None) -> bool:
        """Wait for a descriptor, and return whether it can be read; raises `Stop` if the server has to end.

        Args:
            descriptor: what is waited for.
            seconds: how long; None = until it can be read, but 1 s where the starter's pid has to be looked at.
        """
        if self.is_orphaned():
            raise Stop
        poll = select.poll()
        for one in (descriptor, *self.leashes):
            poll.register(one, select.POLLIN)
        if seconds is None and not self.has_pidfd:
            seconds = 1.0
        ready = [one for one, _ in poll.poll(None if seconds is None else seconds * 1000)]
        if any(leash in ready for leash in self.leashes):
            raise Stop
        return descriptor in ready

    def receive(self) -> dict[str, Any]:
        """Wait for the next message; raises `Stop` if the other side is gone."""
        line = b""
        while not line.endswith(b"\n"):
            if self.wait(self.sock.fileno()):
                data = self.sock.recv(65536)
                if not data:
                    raise Stop
                line += data
        message: dict[str, Any] = json.loads(line)
        return message

    def send(self, **message: object) -> None:
        """Send a message, if the other side is still there."""
        with contextlib.suppress(OSError):
            self.sock.sendall(json.dumps(message).encode() + b"\n")

    def is_orphaned(self) -> bool:
        """Whether the starter is no longer this process's parent; never in a pid namespace, where `starter` is 0."""
        return self.starter > 0 and os.getppid() != self.starter
