"""Bad networks and bad servers: every magic and form ends in time, says what is wrong, and the connection goes on."""

import html
import itertools
import re
import socket
import time
from types import SimpleNamespace

import grpc
import pytest
from badnet import FAULTS, bad_network
from IPython.core.interactiveshell import InteractiveShell
from test_status import grpc_server
from traitlets.config import Config

import milvus_magics
from milvus_magics import connections, embedded, errors
from milvus_magics.client import access, privileges, roles, users
from milvus_magics.client.address import Address
from milvus_magics.client.connection import Connection
from milvus_magics.magics import MilvusMagics

PASSWORD = "right-password"
TIMEOUT = 0.3
SECONDS = 9  # bulk work waits 5 s for a server that is gone; the rest is for a busy machine
SECONDS_TO_RECOVER = 10
NETWORK = (
    errors.UnavailableError, errors.DeadlineError, errors.NotMilvusError, errors.OutcomeUnknownError,
)  # fmt: skip
# Every magic that asks a server, with a line that works where all is well.
LINES = {
    "milvus_access": "--user bob",
    "milvus_add_privileges_to_group": "g Search",
    "milvus_alter_role": "reader --description text",
    "milvus_connect": "{address} --user root --password-env ROOT --alias other",
    "milvus_create_privilege_group": "g",
    "milvus_create_role": "new",
    "milvus_create_user": "eve --password-env PW",
    "milvus_create_users": "names",
    "milvus_delete_user": "bob --password-env PW",
    "milvus_delete_users": "people --yes",
    "milvus_drop_privilege_group": "g",
    "milvus_drop_role": "reader --force --yes",
    "milvus_drop_user": "bob --yes",
    "milvus_drop_users": "names --yes",
    "milvus_grant_privilege": "reader Load --collection docs",
    "milvus_grant_role": "bob reader",
    "milvus_list_grants": "reader",
    "milvus_list_privilege_groups": "",
    "milvus_list_role": "reader",
    "milvus_list_roles": "",
    "milvus_list_user": "bob",
    "milvus_list_usernames": "",
    "milvus_list_users": "",
    "milvus_remove_privileges_from_group": "g Search --yes",
    "milvus_reset_password": "bob --password-env PW --new-password-env NEW",
    "milvus_restore_role": "gone",
    "milvus_restore_user": "gone --password-env PW",
    "milvus_revoke_privilege": "reader Search --collection docs --yes",
    "milvus_revoke_role": "bob public --yes",
    "milvus_update_password": "bob --password-env PW --new-password-env NEW",
    "milvus_whoami": "",
}
# These ask none, or show the error instead of raising it: `milvus` is the overview, `milvus_console` a panel.
OTHERS = {"milvus", "milvus_audit", "milvus_connections", "milvus_console", "milvus_disconnect", "milvus_use"}


def fill(form, **values):
    """Set fields by the names of their attributes."""
    for name, value in values.items():
        getattr(form, f"_{name}").value = value


def new_secret(form, field):
    for box in getattr(form, field).fields:
        box.value = "new-password"


FORMS = {
    "CreateRoleForm": lambda form: fill(form, name="new"),
    "CreateUserForm": lambda form: (fill(form, name="eve"), new_secret(form, "_password")),
    "DeleteUserForm": lambda form: (choose(form, user="bob"), fill(form, password=PASSWORD)),
    "DropRoleForm": lambda form: (choose(form, role="reader"), fill(form, retyped="reader")),
    "DropUserForm": lambda form: (choose(form, user="bob"), fill(form, retyped="bob")),
    "GrantRoleForm": lambda form: choose(form, user="bob", role="reader"),
    "ResetPasswordForm": lambda form: (choose(form, user="bob"), fill(form, old=PASSWORD), new_secret(form, "_new")),
    "RevokeRoleForm": lambda form: choose(form, user="bob", role="public"),
    "UpdatePasswordForm": lambda form: (choose(form, user="bob"), fill(form, old=PASSWORD), new_secret(form, "_new")),
}


def choose(form, **names):
    for what, name in names.items():
        form._boxes[what].value = name


@pytest.fixture(scope="module")
def server():
    with embedded.start(tcp_port=0) as server:
        conn = Connection(Address.of(server.uri, user="root", password=server.password))
        roles.create_role(conn, "reader", timeout=10)
        users.create_user(conn, "bob", PASSWORD, grant=["public"], timeout=10)
        privileges.grant_privilege(conn, "reader", "Search", collection="docs", timeout=10)
        yield server
        assert users.delete_user(conn, "bob", PASSWORD, timeout=10).verified, "bob is who he was"
        conn.close()


@pytest.fixture
def network(server, monkeypatch):
    """The network, with a connection through it, on which a user and a role were dropped."""
    monkeypatch.setenv("PW", PASSWORD)
    monkeypatch.setenv("NEW", "new-password")
    monkeypatch.setenv("ROOT", server.password.reveal())
    with bad_network(server.address) as proxy:
        connections.connect(uri=proxy.address, user="root", password=server.password)
        conn = connections.get()
        users.create_user(conn, "gone", PASSWORD, timeout=10)
        users.drop_user(conn, "gone", timeout=10)
        roles.create_role(conn, "gone", timeout=10)
        roles.drop_role(conn, "gone", timeout=10)
        yield proxy
        connections.close_all()


@pytest.fixture
def run(network):
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "milvus_magics")
    shell.user_ns.update(names=["bob"], people=[{"user": "bob", "password": PASSWORD}])
    shell.run_line_magic("config", f"MilvusMagics.timeout = {TIMEOUT}")
    yield lambda magic: shell.run_line_magic(magic, LINES[magic].format(address=network.address))
    shell.run_line_magic("unload_ext", "milvus_magics")


def test_no_magic_and_no_form_is_forgotten():
    """A new one needs a line here."""
    assert {*LINES, *OTHERS} == set(MilvusMagics.magics["line"])
    forms = {name for name in milvus_magics.__all__ if name.endswith("Form")}
    assert {*FORMS, "ConnectForm"} == forms


@pytest.mark.parametrize("fault", FAULTS)
def test_everything_ends_in_time_and_goes_on_afterwards(run, network, server, fault, figure):
    """An error of ours on one line, which holds no password; nothing succeeds; and then the next call works."""
    forms = [(name, opened(name)) for name in FORMS]
    network.become(fault)
    for magic in LINES:
        began = time.monotonic()
        with pytest.raises(errors.MilvusException) as caught:
            run(magic)
        assert_told(magic, str(caught.value), time.monotonic() - began, server)
        assert isinstance(caught.value, NETWORK), f"{magic}: {caught.value!r}"
    for name, form in forms:
        began = time.monotonic()
        form._button.click()
        text = html.unescape(re.sub(r"<[^>]*>", "", form._status.value)).removeprefix("✗ ")
        assert_told(name, text, time.monotonic() - began, server)
        assert issubclass(getattr(errors, text.partition(":")[0]), NETWORK), f"{name}: {text}"
        form.close()
    network.become("pass")
    assert seconds_until_it_works() < SECONDS_TO_RECOVER
    figure("faults", tried=len(LINES) + len(forms), hangs=0)


def opened(name):
    """A form, filled while all was well."""
    form = getattr(milvus_magics, name)(timeout=TIMEOUT)
    FORMS[name](form)
    return form


def assert_told(what, text, took, server):
    assert took < SECONDS, f"{what} took {took:.1f} s: {text}"
    assert text, what
    assert "\n" not in text, f"{what}: {text}"
    for secret in (PASSWORD, "new-password", server.password.reveal()):
        assert secret not in text, what


def seconds_until_it_works():
    """How long the very connection that met the fault needs."""
    began = time.monotonic()
    while time.monotonic() - began < 2 * SECONDS_TO_RECOVER:
        try:
            users.list_usernames(connections.get(), timeout=1)
            break
        except errors.MilvusException:
            time.sleep(0.1)
    return time.monotonic() - began


def test_name_server_that_does_not_answer(monkeypatch):
    """Within the deadline; with more time it is told what doesn't answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        target = f"dns://127.0.0.1:{silent.getsockname()[1]}/milvus.example:19530"
        monkeypatch.setattr(Address, "target", target)
        conn = Connection(Address.of("milvus.example"))
        began = time.monotonic()
        with pytest.raises(errors.DeadlineError, match="did not answer within 0.3 s"):
            users.list_usernames(conn, timeout=TIMEOUT)
        assert time.monotonic() - began < SECONDS
        with pytest.raises(errors.NameResolutionError, match="'milvus.example' cannot be looked up: no name server"):
            users.list_usernames(conn, timeout=60)
        conn.close()


@pytest.mark.parametrize("jump", [-86_400, 86_400])
def test_clock_that_jumps(server, monkeypatch, jump):
    """A day back or ahead, whenever somebody looks at it: deadlines don't. gRPC's look at it is followed by another
    one beneath Python, which cannot be made to jump here.
    """
    conn = Connection(Address.of(server.uri, user="root", password=server.password))
    real, steps = time.time, itertools.count()
    monkeypatch.setattr(grpc._channel, "time", SimpleNamespace(**{**vars(time), "time": real}))
    monkeypatch.setattr(time, "time", lambda: real() + jump * (next(steps) % 2))
    for _ in range(3):
        assert "bob" in users.list_usernames(conn, timeout=5)
        with pytest.raises(errors.WrongPasswordError):
            users.delete_user(conn, "bob", "wrong-password", timeout=5)
    conn.close()


class Huge(grpc.GenericRpcHandler):
    """Answers everything with 100 MB."""

    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: bytes(100 << 20))


def test_an_answer_of_100_mb_is_refused():
    """It isn't read into memory, and the next call is made."""
    with grpc_server(Huge()) as port:
        conn = Connection(Address.of(f"127.0.0.1:{port}"))
        for ask in (users.list_users, users.list_usernames, roles.list_roles, access.access):
            with pytest.raises(errors.MilvusException, match="larger"):
                ask(conn, timeout=20)
        conn.close()
