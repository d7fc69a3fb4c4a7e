"""A TCP proxy in front of a server whose behaviour is switched while connections are open."""

import contextlib
import random
import socket
import struct
import threading
import time

from cutting import connect, relay

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST
PAGE = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 37\r\nConnection: close\r\n\r\n"
    b"<html><h1>502 Bad Gateway</h1></html>"
)
BYTES_BEFORE_RESET = 20  # no answer is that short
HELD = ("frozen", "black hole")
INSTEAD = ("html", "garbage")


class FaultyProxy:
    """`become` one of these, for connections that are open and for new ones.

    `pass`: nothing is wrong. `refused`: nobody listens, and what was open is gone. `frozen`: connections are taken, and
    nothing passes. `black hole`: new connections get no answer to their first packet, and nothing passes on old ones.
    `reset`: RST in the middle of an answer. `slow`: one byte a second for the client. `html`: an HTTP/1.1 proxy's error
    page. `garbage`: random bytes. `elsewhere`: connections lead to `other`, another server.

    What was held back in `frozen` and `black hole` goes on its way later, as TCP would send it again.
    """

    def __init__(self, upstream, other=""):
        self._upstream, self._other = upstream, other
        self.mode, self._port = "", 0
        self._listener, self._unanswered = None, []
        self._pairs, self._changed = set(), threading.Condition()
        self.become("pass")
        self.address = f"127.0.0.1:{self._port}"

    def become(self, mode):
        """Behave so from now on."""
        with self._changed:
            before, self.mode = self.mode, mode
            self._changed.notify_all()
        self._stop_listening()
        if mode == "black hole":
            self._fill_backlog()
        elif mode != "refused":
            self._listen()
        if {mode, before} & {"refused", "elsewhere"}:
            for pair in list(self._pairs):
                pair.close(RESET)

    def wait_while(self, modes, seconds=None):
        """Until another mode is set, or the time is up."""
        with self._changed:
            self._changed.wait_for(lambda: self.mode not in modes, seconds)

    def close(self):
        """End everything."""
        self.become("refused")

    def _listen(self):
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        threading.Thread(target=relay, args=(self._listener, self._begin), daemon=True).start()

    def _stop_listening(self):
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            self._listener.close()
        for sock in self._unanswered:
            sock.close()
        self._listener, self._unanswered = None, []

    def _fill_backlog(self):
        """Listen, but accept nothing and have the queue full: Linux drops what else comes."""
        self._listener = socket.create_server(("127.0.0.1", self._port), backlog=0)
        for _ in range(3):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", self._port))
            self._unanswered.append(sock)

    def _begin(self, client):
        pair = _Pair(self, client, connect(self._other if self.mode == "elsewhere" else self._upstream))
        self._pairs.add(pair)
        return pair

    def forget(self, pair):
        """A connection is over."""
        self._pairs.discard(pair)


class _Pair:
    """One connection through the proxy."""

    def __init__(self, proxy, client, server):
        self._proxy, self._client, self._server = proxy, client, server
        self._random = random.Random(7)
        self._over = threading.Lock()

    def upwards(self):
        with contextlib.suppress(OSError):
            while data := self._client.recv(65536):
                self._proxy.wait_while(HELD)
                if self._proxy.mode in INSTEAD:
                    self._client.sendall(PAGE if self._proxy.mode == "html" else self._random.randbytes(300))
                    time.sleep(0.05)  # the client shall read it before it sees the end
                    break
                self._server.sendall(data)
        self.close()

    def downwards(self):
        passed = 0
        with contextlib.suppress(OSError):
            while data := self._server.recv(65536):
                self._proxy.wait_while(HELD)
                if self._proxy.mode in INSTEAD:
                    continue
                if self._proxy.mode == "reset":
                    self._client.sendall(data[: max(BYTES_BEFORE_RESET - passed, 0)])
                    passed += len(data)
                    if passed > BYTES_BEFORE_RESET:
                        return self.close(RESET)
                    continue
                while data and self._proxy.mode == "slow":
                    self._client.sendall(data[:1])
                    data = data[1:]
                    self._proxy.wait_while(("slow",), 1)
                self._client.sendall(data)
        return self.close()

    def close(self, linger=None):
        """End it; with `linger` as a crash would."""
        if not self._over.acquire(blocking=False):
            return
        self._proxy.forget(self)
        with contextlib.suppress(OSError):
            if linger is None:
                self._client.shutdown(socket.SHUT_RDWR)
            else:  # the thread that reads wakes up by it, and the system tells nobody
                self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self._client.shutdown(socket.SHUT_RD)
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._client.close()
        self._server.close()


@contextlib.contextmanager
def faulty(upstream, other=""):
    """A proxy in front of a server."""
    proxy = FaultyProxy(upstream, other)
    try:
        yield proxy
    finally:
        proxy.close()
