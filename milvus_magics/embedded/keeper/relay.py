"""A relay between Milvus's port and sockets outside its namespaces.

One thread and one selector carry every connection. What a slow reader doesn't take is buffered here, at most
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
        selector: whose owner calls `key.data(mask)` for every key that `select` returns.
        port: the port to pass everything on to.
    """

    def __init__(self, selector: selectors.BaseSelector, port: int) -> None:
        self._selector, self._port = selector, port
        self._listeners: list[socket.socket] = []
        self._links: set[Link] = set()

    def listen(self, listener: socket.socket) -> None:
        """Accept connections on a bound socket."""
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
        """Stop listening, and close all connections."""
        for listener in self._listeners:
            self._selector.unregister(listener)
            listener.close()
        for link in list(self._links):
            link.close()


class Link:
    """One connection: passes bytes, and the end of either direction, to the other side."""

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
                if mask & READ and not end.has_ended:
                    end.carry_to(peer)
                self._update()
            except BlockingIOError:
                return
            except OSError:
                self.close()

        return handle

    def _update(self) -> None:
        first, second = self._ends
        if first.has_ended and second.has_ended and not first.buffer and not second.buffer:
            self.close()
            return
        for end, peer in (self._ends, self._ends[::-1]):
            end.watch(self._selector, readable=not end.has_ended and not peer.buffer)

    def close(self) -> None:
        """Close both sides."""
        self._on_close(self)
        for end in self._ends:
            if end.events:
                self._selector.unregister(end.sock)
            end.events = 0
            end.sock.close()


class End:
    """One side of a connection, and the bytes that wait to be sent to it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = b""
        self.has_ended = False  # it will send nothing more
        self.should_end = False  # nothing more will be sent to it
        self.events = READ
        self.handler: Callable[[int], None] | None = None
        sock.setblocking(False)
        if sock.family == socket.AF_INET:  # a small message must not wait to fill a packet
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def carry_to(self, peer: End) -> None:
        """Pass on what can be read; `peer` buffers what it cannot send at once."""
        data = self.sock.recv(CHUNK)
        if data:
            peer.buffer += data
        else:
            self.has_ended = peer.should_end = True
        peer.flush()

    def flush(self) -> None:
        """Send the buffer, then the end of the stream if that has come."""
        if self.buffer:
            try:
                self.buffer = self.buffer[self.sock.send(self.buffer) :]
            except BlockingIOError:
                return
        if self.should_end and not self.buffer:
            self.should_end = False
            self.sock.shutdown(socket.SHUT_WR)

    def watch(self, selector: selectors.BaseSelector, *, readable: bool) -> None:
        """Ask the selector for the events that matter now, if any."""
        wanted = (READ if readable else 0) | (WRITE if self.buffer else 0)
        if wanted == self.events:
            return
        if not wanted:
            selector.unregister(self.sock)
        elif not self.events:
            selector.register(self.sock, wanted, self.handler)
        else:
            selector.modify(self.sock, wanted, self.handler)
        self.events = wanted
