"""Bad networks: every magic and every form says what is wrong, in time, and the same connection goes on afterwards."""

import re
import socket
import sys
import threading
import time
from concurrent import futures

import grpc
import middleman
import pytest
from faulty import faulty

import milvus_magics
from milvus_magics import connections, embedded, errors
from milvus_magics.bulk.rows import rows_of
from milvus_magics.client import privileges, roles, users
from milvus_magics.errors import DeadlineError, MilvusException, NameResolutionError, NotMilvusError, UnavailableError
from milvus_magics.forms.console import Console
from milvus_magics.forms.many.users_form import UsersForm
from milvus_magics.forms.panel import Panel
from milvus_magics.magics import MilvusMagics
from milvus_magics.magics.overview import Overview
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

OLD, PASSWORD = "old-password", "right-password"
TIMEOUT = 0.4
ROOM = 8.0  # 2 s to ask what became of a change, 5 s that many at once wait for a server, and a busy machine
SECONDS_TO_RECOVER = 30.0  # gRPC waits longer before each further try
A_HUNDRED_MB = bytes(100_000_000)
DAY = 86_400.0

# Magic -> what it is called with; None where it talks to no server.
LINES = {
    "milvus": "",
    "milvus_access": "",
    "milvus_add_privileges_to_group": "g Search",
    "milvus_audit": None,
    "milvus_connect": "http://{address} --alias second --user root --password-env PW",
    "milvus_connections": None,
    "milvus_console": "",
    "milvus_create_privilege_group": "g",
    "milvus_create_role": "new",
    "milvus_create_user": "new --password-env PW",
    "milvus_create_users": "names",
    "milvus_delete_user": "bob --password-env PW --yes",
    "milvus_delete_users": "leavers --yes",
    "milvus_describe_role": "reader new",
    "milvus_describe_user": "bob new",
    "milvus_disconnect": None,
    "milvus_drop_privilege_group": "g --yes",
    "milvus_drop_role": "reader --force --yes",
    "milvus_drop_user": "bob --yes",
    "milvus_drop_users": "names --yes",
    "milvus_grant_privilege": "reader Search --collection docs",
    "milvus_grant_role": "bob reader",
    "milvus_list_grants": "reader",
    "milvus_list_privilege_groups": "",
    "milvus_list_role": "reader",
    "milvus_list_roles": "",
    "milvus_list_user": "bob",
    "milvus_list_usernames": "",
    "milvus_list_users": "",
    "milvus_passwords": None,
    "milvus_remove_privileges_from_group": "g Search --yes",
    "milvus_reset_password": "bob --password-env PW --new-password-env NEW",
    "milvus_restore_grants": "reader",
    "milvus_restore_role": "lost",
    "milvus_restore_user": "gone --password-env PW",
    "milvus_revoke_privilege": "reader Load --collection docs --yes",
    "milvus_revoke_role": "bob reader --yes",
    "milvus_update_password": "bob --password-env PW --new-password-env NEW",
    "milvus_use": None,
    "milvus_whoami": "",
}
# Without the one that says of this server, which has no privilege groups, that it is too old, and asks it nothing more.
FORMS = [
    name
    for name in milvus_magics.__all__
    if (name.endswith("Form") or name == "Console") and name != "PrivilegeGroupForm"
]
OF_SOME_CLASS = "MilvusException"  # the overview says an error without its class
NO_ANSWER = {"DeadlineError", "OutcomeUnknownError"}
BROKEN = {"UnavailableError", "RefusedError", *NO_ANSWER}
WRONG = {"ServerError", "CannotVerifyError", *BROKEN}
# Fault -> the errors that tell it.
FAULTS = {
    "refused": BROKEN,
    "frozen": NO_ANSWER,
    "black hole": {"UnavailableError", *NO_ANSWER},
    "reset": BROKEN,
    "slow": NO_ANSWER,
    "html": {"NotMilvusError", "CannotVerifyError", *BROKEN},
    "garbage": {"NotMilvusError", "CannotVerifyError", *BROKEN},
    "elsewhere": WRONG,
}


class Huge(grpc.GenericRpcHandler):
    """Answers everything with a hundred megabytes."""

    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: A_HUNDRED_MB)


@pytest.fixture(scope="module")
def huge():
    running = grpc.server(futures.ThreadPoolExecutor(4))
    running.add_generic_rpc_handlers((Huge(),))
    port = running.add_insecure_port("127.0.0.1:0")
    running.start()
    yield f"127.0.0.1:{port}"
    running.stop(0).wait()


@pytest.fixture
def proxy(shell, server, huge):
    """Between the connection `default` and the server; there is something to change, and something to bring back."""
    with faulty(server.uri, huge) as proxy:
        connections.connect(uri=f"http://{proxy.address}", user="root", password=server.password)
        conn = connections.get()
        for name in ("bob", "gone"):
            users.create_user(conn, name, PASSWORD, timeout=10)
        for name in ("reader", "lost"):
            roles.create_role(conn, name, timeout=10)
        privileges.grant_privilege(conn, "reader", "Load", collection="docs", timeout=10)
        users.drop_user(conn, "gone", timeout=10)
        roles.drop_role(conn, "lost", timeout=10)
        shell.user_ns |= {"names": ["bob", "new"], "leavers": {"bob": PASSWORD}}
        yield proxy
        conn.close()


def test_every_magic_is_tried():
    """A new magic needs a line of its own above."""
    assert sorted(LINES) == sorted(MilvusMagics.magics["line"])
    assert len(FORMS) == 17


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_told_in_time(shell, proxy, server, fault, figure):
    """Every magic and every form: an error that names the server, never a success; then all is well again."""
    conn = connections.get()
    panels = [ready(name, proxy.address) for name in FORMS]
    doings = {f"{name} (form)": lambda panel=panel: pressed(panel) for name, panel in zip(FORMS, panels, strict=True)}
    doings |= {
        name: lambda name=name, line=line: run(
            shell.find_line_magic(name), f"{line.format(address=proxy.address)} --timeout {TIMEOUT}"
        )
        for name, line in LINES.items()
        if line is not None
    }
    conn.version = ""  # else what the server is too old for is told without asking it
    proxy.become(fault)
    with futures.ThreadPoolExecutor(12) as pool:
        told = dict(zip(doings, pool.map(timed, doings.values()), strict=True))
    proxy.become("pass")
    late = [name for name, (_, seconds) in told.items() if seconds > TIMEOUT + ROOM]
    figure("faults", tried=len(told), hangs=len(late))
    assert not late
    for name, (text, _) in told.items():
        assert_tells(text, FAULTS[fault], proxy.address, name)
        for secret in (OLD, PASSWORD, "new-password", server.password.reveal()):
            assert secret not in text, "no password in what is said"
    assert seconds_until_it_works(conn) < SECONDS_TO_RECOVER
    assert connections.get() is conn
    for panel in panels:
        panel.close()


def ready(name, address):
    """A form with everything filled in; the console, and those for many users, as they are at first."""
    if name == "ConnectForm":
        form = milvus_magics.ConnectForm("third", uri=f"http://{address}", user="root", timeout=TIMEOUT)
    else:
        form = getattr(milvus_magics, name)(timeout=TIMEOUT)
    if name == "Console" or isinstance(form, UsersForm):
        return form
    first = form.FIELDS[0].name
    if name != "ConnectForm":
        privilege = "Load" if name == "RevokePrivilegeForm" else "Search"
        form.fill(user="bob", role="reader", group="g", collections=["docs"], privileges=[privilege])
    if name in ("CreateUserForm", "CreateRoleForm"):
        form.fill(**{first: "new"})
    typed = {"password": PASSWORD, "new_password": PASSWORD, "old_password": OLD}
    for field in form.fields.values():
        if field.is_secret:
            field.value = typed.get(field.name, form.fields[first].value)
    assert form.is_ready, f"{name} has a field that this test doesn't fill in"
    return form


def pressed(panel):
    if isinstance(panel, Console):
        panel.buttons["Refresh"].click()
    elif isinstance(panel, UsersForm):
        panel.fill(rows_of([{"user": "bob", "password": PASSWORD}]))  # it asks what would become of each row
        panel.wait(TIMEOUT + 2 * ROOM)
    else:
        panel.submit()
    return said_by(panel)


def said_by(panel):
    """The error of a panel, with its class, which it doesn't show."""
    return f"{panel.failure.__name__}: {panel.status.text}"


def run(magic, line):
    """What the user is told."""
    try:
        done = magic(line)
    except MilvusException as exc:
        (shown,) = exc._render_traceback_()
        return shown
    if isinstance(done, Overview):
        return f"{OF_SOME_CLASS}: {done.problem}"
    if isinstance(done, Panel):
        text = said_by(done)
        done.close()
        return text
    return f"a success: {done}"


def timed(action):
    began = time.monotonic()
    return action(), time.monotonic() - began


def assert_tells(text, classes, address, name):
    """The class of an error of ours, and words on one line that name the server."""
    found = re.fullmatch(r"(\w+): (.+)", text)
    assert found, f"{name} says: {text!r}"
    assert found[1] in (classes if name != "milvus" else {OF_SOME_CLASS}), f"{name} says: {text}"
    assert issubclass(getattr(errors, found[1]), MilvusException)
    assert address in found[2], f"{name} doesn't say which server: {text}"


def seconds_until_it_works(conn):
    """How long a connection takes to find its server again."""
    began = time.monotonic()
    while time.monotonic() - began < SECONDS_TO_RECOVER:
        try:
            assert "root" in users.list_usernames(conn, timeout=5)
            break
        except MilvusException:
            time.sleep(0.2)
    return time.monotonic() - began


def test_server_that_hangs_is_not_called_something_else(server):
    """It takes connections and never says anything: whoever waits longer than gRPC's 20 s is told just that."""
    with faulty(server.uri) as proxy:
        proxy.become("frozen")
        conn = Connection(Address.parse(proxy.address, user="root", password=server.password))
        with pytest.raises(UnavailableError, match=f"{proxy.address} takes connections and says nothing") as raised:
            users.list_usernames(conn, timeout=60)
        assert not isinstance(raised.value, NotMilvusError)
        proxy.become("pass")
        assert seconds_until_it_works(conn) < SECONDS_TO_RECOVER
        conn.close()


def test_restarted_server_is_found_again(tmp_path):
    """Stopped under an open connection: said so; started again on the same port: the next call works by itself."""
    with embedded.start(tmp_path / "data", tcp_port=0) as first:
        root = Connection(Address.parse(first.uri, user="root", password=first.password))
        users.create_user(root, "ann", PASSWORD, grant=["admin"], timeout=20)
        root.close()
        conn = Connection(Address.parse(first.address, user="ann", password=PASSWORD))
        assert "ann" in users.list_usernames(conn, timeout=10)
    for _ in range(3):
        with pytest.raises(UnavailableError, match=first.address):
            users.list_usernames(conn, timeout=5)
    with embedded.start(tmp_path / "data", tcp_port=int(first.address.rpartition(":")[2])):
        assert seconds_until_it_works(conn) < SECONDS_TO_RECOVER
        assert users.list_usernames(conn, timeout=10) == ["ann", "root"]
        conn.close()


class Resolver:
    """A DNS server that knows every name as 127.0.0.1, as long as `answers`."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.answers, self.asked = True, 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            query, sender = self._socket.recvfrom(4096)
            if not query:
                return
            self.asked += 1
            end = query.index(b"\0", 12) + 5
            is_ipv4 = query[end - 3] == 1
            if self.answers:
                head = query[:2] + b"\x81\x80\0\1\0" + bytes([is_ipv4]) + b"\0\0\0\0"
                found = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\x7f\0\0\1" if is_ipv4 else b""
                self._socket.sendto(head + query[12:end] + found, sender)

    def close(self):
        self._socket.sendto(b"", self._socket.getsockname())


def resolved_at(resolver, address):
    """The same address, but its host is asked for at a certain DNS server."""

    class Resolved(Address):
        target = property(lambda self: f"dns://{resolver.address}/{self.address}")

    return Resolved(**vars(address))


def test_dns_that_stops_answering(server, monkeypatch):
    """What is open goes on; what has to ask ends in its time, with words."""
    monkeypatch.setenv("no_grpc_proxy", "milvus.test")
    resolver = Resolver()
    with faulty(server.uri) as proxy:
        uri = f"http://milvus.test:{proxy.address.rpartition(':')[2]}"
        address = resolved_at(resolver, Address.parse(uri, user="root", password=server.password))
        conn, late = Connection(address), Connection(address)
        assert users.list_usernames(conn, timeout=10) == ["root"]
        resolver.answers, asked = False, resolver.asked
        assert users.list_usernames(conn, timeout=10) == ["root"]
        for action in (lambda: users.list_usernames(late, timeout=1), lambda: users.drop_user(late, "bob", timeout=1)):
            began = time.monotonic()
            with pytest.raises((DeadlineError, NameResolutionError), match=r"milvus\.test"):
                action()
            assert time.monotonic() - began < 1 + ROOM
        assert resolver.asked > asked, "the DNS server was asked"
        proxy.become("refused")
        with pytest.raises((DeadlineError, UnavailableError), match=r"milvus\.test"):
            users.list_usernames(conn, timeout=1)
        proxy.become("pass")
        resolver.answers = True
        assert seconds_until_it_works(conn) < SECONDS_TO_RECOVER
        assert seconds_until_it_works(late) < SECONDS_TO_RECOVER
        conn.close()
        late.close()
    resolver.close()


def test_name_server_that_never_answers(monkeypatch):
    """With time enough it is told what doesn't answer, and not that the name is wrong."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        target = f"dns://127.0.0.1:{silent.getsockname()[1]}/milvus.example:19530"
        monkeypatch.setattr(Address, "target", target)
        conn = Connection(Address.parse("milvus.example"))
        with pytest.raises(NameResolutionError, match=r"'milvus\.example' cannot be looked up: no name server"):
            users.list_usernames(conn, timeout=60)
        conn.close()


class Clock:
    """The time of day, which jumps when `by` is set."""

    def __init__(self, monkeypatch):
        self.by, self._real = 0.0, time.time
        monkeypatch.setattr(time, "time", self)

    def __call__(self):
        # gRPC hands its time on to code in C, which reads the real clock.
        ours = not sys._getframe(1).f_globals["__name__"].startswith("grpc")
        return self._real() + self.by * ours


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_clock_jumps_change_nothing(shell, server, monkeypatch, jump):
    """A day forth or back, between operations and within one: deadlines and kept passwords don't care."""
    clock = Clock(monkeypatch)
    before = time.time()
    with middleman.between(server.uri) as (between, address):
        connections.connect(uri=f"http://{address}", user="root", password=server.password)
        shell.run_line_magic("config", "MilvusMagics.undo_minutes = 5")

        def jumping(method, metadata, forward, context):
            clock.by = jump - clock.by
            return forward()

        between.rule = jumping
        magic = shell.run_line_magic
        magic("milvus_create_user", "bob --password-env PW --timeout 10")
        magic("milvus_delete_user", "bob --password-env PW --timeout 10")
        clock.by = jump
        assert abs(time.time() - before) > DAY / 2, "the clock has jumped"
        assert "restored user 'bob'" in str(magic("milvus_restore_user", "bob"))
        magic("milvus_delete_user", "bob --password-env PW")
        between.rule = lambda method, metadata, forward, context: time.sleep(3)
        for clock.by in (0.0, jump):
            began = time.monotonic()
            with pytest.raises(DeadlineError, match=address):
                magic("milvus_list_usernames", "--timeout 0.5")
            assert 0.4 < time.monotonic() - began < 0.5 + ROOM
        between.rule = jumping
        shell.run_line_magic("config", "MilvusMagics.undo_minutes = 0.02")
        magic("milvus_create_user", "eve --password-env PW")
        magic("milvus_delete_user", "eve --password-env PW")
        clock.by = -jump
        time.sleep(1.5)
        with pytest.raises(MilvusException, match="nobody can be asked here"):
            magic("milvus_restore_user", "eve")
        shell.run_line_magic("config", "MilvusMagics.undo_minutes = 0")
