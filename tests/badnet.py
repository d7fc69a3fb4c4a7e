"""A TCP proxy in front of a server that turns bad, for connections that are open and for new ones."""

import contextlib
import random
import socket
import struct
import threading
import time

PAGE = b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 19\r\n\r\n<html>no way</html>"
FAULTS = ("refused", "frozen", "black hole", "reset", "slow", "HTML", "garbage")


class BadNetwork:
    """Set what happens by `become`: `pass`, or one of FAULTS.

    `refused`: nobody listens. `frozen`: connections are accepted, and nothing comes. `black hole`: not even that.
    `reset`: a part of the answer, then the connection is reset. `slow`: a byte a second. `HTML`: a web page.
    `garbage`: random bytes instead of the answer.
    """

    def __init__(self, upstream):
        host, _, port = upstream.rpartition(":")
        self._upstream = host, int(port)
        self._open, self._fillers = set(), []
        self.mode = "pass"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._at = self._listener.getsockname()
        self.address = f"127.0.0.1:{self._at[1]}"
        self._accept_later()

    def become(self, mode):
        """From now on; what is open goes on as the new mode says, but for `pass` and `refused`, which end it."""
        before, self.mode = self.mode, mode
        if "refused" in (before, mode) or "black hole" in (before, mode):
            self._listen_anew()
        if mode in ("pass", "refused"):
            self._end_all()

    def close(self):
        self.mode = "refused"
        self._stop_listening()
        self._end_all()

    def _listen_anew(self):
        self._stop_listening()
        if self.mode == "refused":
            return
        full = self.mode == "black hole"
        self._listener = socket.create_server(self._at, backlog=0 if full else 16)
        if not full:
            self._accept_later()
            return
        for _ in range(4):  # who comes after these gets no answer
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(self._at)
            self._fillers.append(sock)

    def _stop_listening(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # closing alone leaves a thread in accept()
        for sock in (self._listener, *self._fillers):
            sock.close()
        self._fillers.clear()

    def _accept_later(self):
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection(self._upstream)
            except OSError:
                return
            pair = client, server
            self._open.add(pair)
            for way in (self._upwards, self._downwards):
                threading.Thread(target=way, args=pair, daemon=True).start()

    def _upwards(self, client, server):
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self.mode == "HTML":
                    client.sendall(PAGE)
                    break
                if self.mode not in ("frozen", "black hole"):
                    server.sendall(data)
        self._end(client, server)

    def _downwards(self, client, server):
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if not self._answer(client, data):
                    break
        self._end(client, server)

    def _answer(self, client, data):
        """Pass on, or what the mode makes of it; whether the connection goes on."""
        if self.mode == "reset":
            client.sendall(data[: len(data) // 2])
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            return False
        if self.mode == "slow":
            for byte in data:
                if self.mode != "slow":
                    return False
                client.sendall(bytes([byte]))
                time.sleep(1)
        elif self.mode == "garbage":
            client.sendall(random.Random(len(data)).randbytes(len(data)))
        elif self.mode == "pass":
            client.sendall(data)
        return True

    def _end(self, client, server):
        self._open.discard((client, server))
        for sock in (client, server):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _end_all(self):
        for pair in list(self._open):
            self._end(*pair)


@contextlib.contextmanager
def bad_network(upstream):
    """A proxy in front of a server at HOST:PORT."""
    proxy = BadNetwork(upstream)
    try:
        yield proxy
    finally:
        proxy.close()
