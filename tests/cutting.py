"""A TCP proxy in front of a server that cuts, delays or swallows what passes, from a moment on."""

import contextlib
import socket
import threading
import time

SECONDS_LATE = {"late": 0.5, "too late": 2.5}
SECONDS_TO_ACT = 0.2  # a server whose client is gone too soon gives up what it began


class CuttingProxy:
    """Set `mode`: `pass`, or what happens to what a client sends next.

    `cut before`: the connection ends, and the server never sees it. `cut after`: the server gets it, and its answer is
    lost with the connection. `black hole`: it is swallowed, and nothing comes back. `late`: it arrives half a second
    later; `too late`: after whoever sent it has given up. After a cut everything passes again; what was swallowed stays
    so for its connection.
    """

    def __init__(self, upstream):
        self._upstream = upstream
        self.mode = "pass"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._open = set()
        threading.Thread(target=relay, args=(self._listener, self._begin), daemon=True).start()

    def _begin(self, client):
        pair = Pair(self, client, connect(self._upstream))
        self._open.add(pair)
        return pair

    def close(self):
        self._listener.close()
        for pair in list(self._open):
            pair.close()


def relay(listener, begin):
    """Take connections until the listener is closed; `begin(client)` makes the pair that passes both ways on."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        try:
            pair = begin(client)
        except OSError:  # the server is gone
            client.close()
            continue
        for way in (pair.upwards, pair.downwards):
            threading.Thread(target=way, daemon=True).start()


def connect(address):
    """A socket to HOST:PORT or unix:PATH."""
    if address.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(address.removeprefix("unix:"))
        return sock
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)))


class Pair:
    """One connection through the proxy."""

    def __init__(self, proxy, client, server):
        self._proxy, self._client, self._server = proxy, client, server
        self._swallows = self._loses_answer = False

    def upwards(self):
        with contextlib.suppress(OSError):
            while data := self._client.recv(65536):
                mode = self._proxy.mode
                self._proxy.mode = "pass"
                if mode == "cut before":
                    break
                self._swallows = self._swallows or mode == "black hole"
                time.sleep(SECONDS_LATE.get(mode, 0))
                self._loses_answer = self._loses_answer or mode == "cut after"
                if not self._swallows:
                    self._server.sendall(data)
        self.close()

    def downwards(self):
        with contextlib.suppress(OSError):
            while data := self._server.recv(65536):
                if self._loses_answer:
                    time.sleep(SECONDS_TO_ACT)
                    break
                if not self._swallows:
                    self._client.sendall(data)
        self.close()

    def close(self):
        for sock in (self._client, self._server):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


@contextlib.contextmanager
def cutting(upstream):
    """A proxy in front of a server."""
    proxy = CuttingProxy(upstream)
    try:
        yield proxy
    finally:
        proxy.close()
