"""A relay between Milvus's port and sockets outside its namespaces."""

from __future__ import annotations

import contextlib
import socket
import time
from threading import Thread

CHUNK = 64 * 1024


class Relay:
    """Accepts on listening sockets and passes bytes on to a port on this network's loopback.

    Each direction of a connection has a thread: nothing more is read than the other side takes.

    Args:
        port: the port to pass everything on to.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._socks: set[socket.socket] = set()
        self._is_closed = False

    def listen(self, listener: socket.socket) -> None:
        """Accept connections on a bound socket."""
        listener.listen(128)
        self._socks.add(listener)
        Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while not self._is_closed:
            try:
                client, _ = listener.accept()
                Thread(target=self._carry, args=(client,), daemon=True).start()
            except (OSError, RuntimeError):  # gone again, or no descriptor or thread is free
                time.sleep(0.1)

    def _carry(self, client: socket.socket) -> None:
        """Pass on what both sides send, until both have ended."""
        with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 2) as server:
            server.settimeout(None)
            for sock in (client, server):
                self._socks.add(sock)
                if sock.family == socket.AF_INET:  # a small message must not wait to fill a packet
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = Thread(target=_pass_on, args=(server, client), daemon=True)
            back.start()
            _pass_on(client, server)
            back.join()
            self._socks -= {client, server}

    def close(self) -> None:
        """Stop listening, and end all connections."""
        self._is_closed = True
        _shut_down(*self._socks)


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    """Pass on bytes, and their end; what breaks ends both directions."""
    try:
        while data := source.recv(CHUNK):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        _shut_down(source, sink)


def _shut_down(*socks: socket.socket) -> None:
    """Make what waits for one of these sockets in a thread go on; closing them would not."""
    for sock in socks:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
