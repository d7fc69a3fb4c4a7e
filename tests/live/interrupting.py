"""Interrupts calls at random moments, over and over, and goes on with the same connection: a program for a test.

`python interrupting.py URI COUNT`, root's password in TEST_ROOT. Prints how many were interrupted. A lock that was left
behind would make it hang.
"""

import contextlib
import os
import random
import signal
import sys
import threading
import time
from queue import SimpleQueue

from milvus_magics.client import users
from milvus_magics.errors import MilvusException
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

LONGEST = 0.006  # a refused deletion takes about half of it
when, sent = SimpleQueue(), []


def interrupt():
    """Send interrupts, each after the time that is asked for."""
    while True:
        time.sleep(when.get())
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.001)  # by then it has been met
        sent.append(None)


def interrupted(action, seconds):
    """Do something while an interrupt comes; whether it met it."""
    expected, met = len(sent) + 1, False
    when.put(seconds)
    try:
        with contextlib.suppress(MilvusException):
            action()
    except KeyboardInterrupt:
        met = True
    while True:
        try:
            while len(sent) < expected:
                time.sleep(0.0005)
            return met
        except KeyboardInterrupt:
            continue


def main(uri, count):
    """Interrupt, and look whether the connection still answers."""
    luck = random.Random(7)
    conn = Connection(Address.parse(uri, user="root", password=os.environ["TEST_ROOT"]))
    users.list_usernames(conn, timeout=5)
    threading.Thread(target=interrupt, daemon=True).start()
    met = 0
    for _ in range(count):
        met += interrupted(lambda: users.delete_user(conn, "ghost", "no", timeout=5), luck.uniform(0.0002, LONGEST))
        assert users.list_usernames(conn, timeout=5) == ["root"]
    conn.close()
    print(met)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
