"""A notebook that is open for long: a thousand operations, good and bad, leave nothing behind."""

import contextlib
import gc
import os
import re
import socket
import threading
import time
from pathlib import Path
from typing import NamedTuple

import ipywidgets
import pytest

from milvus_magics import Console, CreateUserForm, DeleteUserForm, GrantRoleForm, connections
from milvus_magics.access.read import read_snapshot
from milvus_magics.client import roles, users
from milvus_magics.errors import MilvusException
from milvus_magics.transport.deadline import Deadline

PASSWORD = "right-password"
OPERATIONS = 1000
MEGABYTES = 40  # of the allocators' and the server's sessions' coming and going
SECONDS_TO_SETTLE = 40.0  # gRPC gives up a handshake that nobody answers after 20 s, also of a closed channel


class Count(NamedTuple):
    """What this process holds."""

    threads: int
    tasks: int
    descriptors: int
    widgets: int
    megabytes: float

    @classmethod
    def now(cls):
        gc.collect()
        status = Path("/proc/self/status").read_text()
        return cls(
            len(threading.enumerate()),
            len(os.listdir("/proc/self/task")),
            len(os.listdir("/proc/self/fd")),
            len(ipywidgets.Widget.get_manager_state()["state"]),
            int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024,
        )

    def left_over(self, seconds=SECONDS_TO_SETTLE):
        """What there is more of than at this count, after some time to settle: name -> how much."""
        end = time.monotonic() + seconds
        while True:
            more = {name: now - before for name, before, now in zip(self._fields, self, Count.now(), strict=True)}
            left = {name: count for name, count in more.items() if count > ROOM[name]}
            if not left or time.monotonic() > end:
                return left
            time.sleep(0.2)


# gRPC starts threads of its own as it needs them, some ten for the whole process, and keeps them.
ROOM = {"threads": 0, "tasks": 12, "descriptors": 2, "widgets": 0, "megabytes": MEGABYTES}


def refused(action):
    """Something that is expected to fail."""
    with pytest.raises(MilvusException):
        action()


def form_that_is_used(kind):
    form = kind(timeout=5)
    form.fill(user="ghost", role="ghost")
    if kind is DeleteUserForm:
        form.fields["password"].value = PASSWORD
    form.submit()
    form.close()


def console_that_is_used():
    console = Console(timeout=5)
    console.show_page("Access")
    console.refresh()
    console.close()


def connected_elsewhere(server, using="root", password=None):
    connections.connect("other", using, password or server.password, uri=server.uri, timeout=5)
    users.whoami(connections.get("other"), timeout=5)
    connections.disconnect("other")


def a_round(server, silent):
    """Twenty operations; what fails is meant to."""
    conn = connections.get()
    nowhere = f"http://127.0.0.1:{silent}"
    return [
        lambda: users.create_user(conn, "bob", PASSWORD, grant=["public"], timeout=5),
        lambda: refused(lambda: users.create_user(conn, "bob", PASSWORD, timeout=5)),
        lambda: refused(lambda: users.delete_user(conn, "bob", "wrong-password", timeout=5)),
        lambda: refused(lambda: users.delete_user(conn, "ghost", PASSWORD, timeout=5)),
        lambda: users.update_password(conn, "bob", PASSWORD, "new-password", timeout=5),
        lambda: connected_elsewhere(server, "bob", "new-password"),
        lambda: users.delete_user(conn, "bob", "new-password", timeout=5),
        lambda: refused(lambda: users.drop_user(conn, "bob", timeout=5)),
        lambda: users.list_users(conn, timeout=5),
        lambda: roles.list_roles(conn, timeout=5),
        lambda: read_snapshot(conn, Deadline(5)),
        lambda: users.whoami(conn, timeout=5),
        lambda: connected_elsewhere(server),
        lambda: refused(lambda: connections.connect("other", "root", "wrong-password", uri=server.uri, timeout=5)),
        lambda: refused(lambda: connections.connect("other", uri="http://127.0.0.1:1", timeout=1)),
        lambda: refused(lambda: connections.connect("other", uri=nowhere, timeout=0.05)),
        lambda: form_that_is_used(DeleteUserForm),
        lambda: form_that_is_used(CreateUserForm),
        lambda: form_that_is_used(GrantRoleForm),
        console_that_is_used,
    ]


@pytest.fixture
def silent():
    """A port where connections are taken, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_nothing_is_left_over(server, root, silent, figure):
    """Threads, descriptors, widgets and memory are the same before and after."""
    operations = a_round(server, silent)
    for _ in range(3):
        for operation in operations:
            operation()
    before, done = Count.now(), 0
    while done < OPERATIONS:
        for operation in operations:
            operation()
            done += 1
    left = before.left_over()
    after = Count.now()
    figure(
        "leftovers",
        operations=done,
        threads=after.threads - before.threads,
        descriptors=after.descriptors - before.descriptors,
    )
    assert not left, f"after {done} operations there is more: {left}; before: {before}"
    assert users.list_usernames(root, timeout=5) == ["root"]


@contextlib.contextmanager
def kept(*things):
    """Something that is forgotten to be closed."""
    yield
    for thing in things:
        thing.close()


class Waiting(threading.Thread):
    """A thread that nobody ends."""

    def __init__(self):
        super().__init__(daemon=True)
        self._end = threading.Event()
        self.start()

    def run(self):
        self._end.wait()

    def close(self):
        self._end.set()
        self.join()


class Memory:
    """A lot of it, written to."""

    def __init__(self):
        self._held = bytearray(os.urandom(1024)) * (1024 * 2 * MEGABYTES)

    def close(self):
        self._held = None


LEAKS = {
    "threads": lambda server: [Waiting()],
    # More than the handshakes of the round before that gRPC may still give up meanwhile.
    "descriptors": lambda server: [
        connections.open(connections.get().address, timeout=5) for _ in range(ROOM["descriptors"] + 10)
    ],
    "widgets": lambda server: [CreateUserForm()],
    "megabytes": lambda server: [Memory()],
}


@pytest.mark.parametrize("kind", LEAKS)
def test_the_count_can_fail(server, root, silent, kind):
    """One thread, a few connections, one form or much memory that are left behind are noticed."""
    for operation in a_round(server, silent):
        operation()
    before = Count.now()
    with kept(*LEAKS[kind](server)):
        assert kind in before.left_over(seconds=1)
    assert kind not in before.left_over()
