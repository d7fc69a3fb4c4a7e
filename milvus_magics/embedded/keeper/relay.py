"""Joins the embedded Milvus's port to sockets outside its namespaces.

One thread and one selector carry every connection. What a slow reader doesn't take waits here, at most
one `CHUNK` per direction: until then nothing more is read from the other side.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable

CHUNK = 256 * 1024
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Relay:
    """Accepts on listening sockets and passes bytes on to a port on this network's loopback.

    Args:
        selector: whose owner calls `key.data(mask)` for every key that `select_grants` returns.
        port: the port to pass everything on to.
    """

    def __init__(self, selector: selectors.BaseSelector, port: int) -> None:
        self._selector, self._port = selector, port
        self._listeners: list[socket.socket] = []
        self._links: set[Link] = set()

    def listen(self, listener: socket.socket) -> None:
        """Take connections from a bound socket from now on."""
        listener.setblocking(False)
        listener.listen(128)
        self._listeners.append(listener)
        self._selector.register(listener, READ, lambda mask: self._accept(listener))

    def _accept(self, listener: socket.socket) -> None:
        try:
            client, _ = listener.accept()
        except OSError:  # gone again, or no descriptor is free
            return
        try:
            server = socket.create_connection(("127.0.0.1", self._port), timeout=2)
        except OSError:
            client.close()
            return
        self._links.add(Link(self._selector, client, server, self._links.discard))

    def close(self) -> None:
        """Let nobody in any more, and everybody go."""
        for listener in self._listeners:
            self._selector.unregister(listener)
            listener.close()
        for link in list(self._links):
            link.close()


class Link:
    """One connection: bytes from either side to the other, a closed direction told on as such."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        client: socket.socket,
        server: socket.socket,
        on_close: Callable[[Link], None],
    ) -> None:
        self._selector, self._on_close = selector, on_close
        self._ends = (End(client), End(server))
        for end, peer in (self._ends, self._ends[::-1]):
            end.handler = self._handler(end, peer)
            selector.register(end.sock, READ, end.handler)

    def _handler(self, end: End, peer: End) -> Callable[[int], None]:
        def handle(mask: int) -> None:
            if end.sock.fileno() == -1:  # closed while this event was under way
                return
            try:
                if mask & WRITE:
                    end.flush()
                if mask & READ and not end.ended:
                    end.carry_to(peer)
                self._settle()
            except BlockingIOError:
                return
            except OSError:
                self.close()

        return handle

    def _settle(self) -> None:
        first, second = self._ends
        if first.ended and second.ended and not first.waiting and not second.waiting:
            self.close()
            return
        for end, peer in (self._ends, self._ends[::-1]):
            end.watch(self._selector, readable=not end.ended and not peer.waiting)

    def close(self) -> None:
        """End both sides."""
        self._on_close(self)
        for end in self._ends:
            if end.watched:
                self._selector.unregister(end.sock)
            end.watched = 0
            end.sock.close()


class End:
    """One side of a connection, and the bytes that wait to be sent to it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.waiting = b""
        self.ended = False  # it will send nothing more
        self.last = False  # nothing more will be sent to it
        self.watched = READ
        self.handler: Callable[[int], None] | None = None
        sock.setblocking(False)
        if sock.family == socket.AF_INET:  # a small message must not wait to fill a packet
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def carry_to(self, peer: End) -> None:
        """Pass on what there is to read; `peer` keeps what it cannot send at once."""
        data = self.sock.recv(CHUNK)
        if data:
            peer.waiting += data
        else:
            self.ended = peer.last = True
        peer.flush()

    def flush(self) -> None:
        """Send what waits, then the end if that has come."""
        if self.waiting:
            try:
                self.waiting = self.waiting[self.sock.send(self.waiting) :]
            except BlockingIOError:
                return
        if self.last and not self.waiting:
            self.last = False
            self.sock.shutdown(socket.SHUT_WR)

    def watch(self, selector: selectors.BaseSelector, *, readable: bool) -> None:
        """Ask for the events that matter now, also none."""
        wanted = (READ if readable else 0) | (WRITE if self.waiting else 0)
        if wanted == self.watched:
            return
        if not wanted:
            selector.unregister(self.sock)
        elif not self.watched:
            selector.register(self.sock, wanted, self.handler)
        else:
            selector.modify(self.sock, wanted, self.handler)
        self.watched = wanted
