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
        kernel: pidfd of the process, or -1.
        starter: its pid.
    """

    def __init__(self, control: int, kernel: int, starter: int) -> None:
        self.sock = socket.socket(fileno=control)
        self.kernel, self.starter = kernel, starter
        # A forked child of the kernel may hold the socket open; the pidfd doesn't mind.
        self.ends = [control] + ([kernel] if kernel >= 0 else [])

    def receive(self) -> dict[str, Any]:
        """Wait for the next message; raises `Stop` if the other side is gone."""
        poll = select.poll()
        for end in self.ends:
            poll.register(end, select.POLLIN)
        line = b""
        while not line.endswith(b"\n"):
            ready = [fd for fd, _ in poll.poll(1000 if self.kernel < 0 else None)]
            if self.kernel in ready or self.is_orphaned():
                raise Stop
            if ready:
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
        """Whether the kernel is gone, where only the parent's pid tells, for want of a pidfd."""
        return self.kernel < 0 and self.starter > 0 and os.getppid() != self.starter
