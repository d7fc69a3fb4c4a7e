"""The systematic hunt: each magic and function, with each kind of failure, leads to no password."""

import base64
import contextlib
import gc
import inspect
import io
import json
import os
import socket
from functools import partial
from urllib.parse import quote

import contract
import pytest
from cutting import cutting
from hunting import Hunt, printed
from processes import interrupts_after

from milvus_magics import (
    ConnectForm,
    CreateUserForm,
    DeleteUserForm,
    ResetPasswordForm,
    Role,
    Secret,
    UpdatePasswordForm,
    client,
    connections,
    utility,
)
from milvus_magics.bulk import files, rows, run
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.errors import ClosedError
from milvus_magics.forms import MANY, form_for, registered_forms
from milvus_magics.forms.console import Console
from milvus_magics.forms.secret_fields import SecretField
from milvus_magics.session import session
from milvus_magics.session.connection_aliases import Connections
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.credentials import Login
from milvus_magics.transport.deadline import Deadline

ROOT, RIGHT, WRONG, NEW = (f"Zq{n}-hunted-Kx{n}/ü$\"'{{x}}" for n in range(4))
NUMBER = 917465028391
PASSWORDS = (ROOT, RIGHT, WRONG, NEW, str(NUMBER))


class Holder:
    """Somebody's own object around a password."""

    def __init__(self):
        self.password = WRONG


WRONG_TYPES = {
    "bytes": WRONG.encode(), "a bytearray": bytearray(WRONG.encode()), "a list": [WRONG], "a tuple": (WRONG, 1),
    "a dict": {"password": WRONG}, "a number": NUMBER, "an object": Holder(), "a set": {WRONG},
}  # fmt: skip
# Texts that are refused before they are sent, or are hard to write: longer than any, with NUL, with half a character,
# and with a byte of an environment variable that is no UTF-8.
ODD_TEXTS = {
    "73 bytes": WRONG + "x" * (73 - len(WRONG.encode())), "200 bytes": WRONG.ljust(200, "x"), "NUL": f"{WRONG}\0x",
    "a surrogate": f"{WRONG}\ud800", "a byte": f"{WRONG}\udcff", "line end": f"{WRONG}\n",
}  # fmt: skip
ROWS = [{"user": "bob", "password": WRONG, "roles": "reader"}]

# Each magic with a line that is right but for its password. PW, NEW and ROWS are names of the notebook.
MAGICS = {
    "milvus": "",
    "milvus_access": "--user bob",
    "milvus_add_privileges_to_group": "ops Search",
    "milvus_audit": "--export /nowhere/audit.jsonl",
    "milvus_connect": "$uri --user bob --password-var PW --alias z",
    "milvus_connections": "",
    "milvus_console": "",
    "milvus_create_privilege_group": "ops",
    "milvus_create_role": "reader --description 'a text'",
    "milvus_create_user": "bob --password-var PW --role reader",
    "milvus_create_users": "ROWS",
    "milvus_delete_user": "bob --password-var PW",
    "milvus_delete_users": "ROWS",
    "milvus_describe_role": "reader 'a text'",
    "milvus_describe_user": "bob 'a text'",
    "milvus_disconnect": "nowhere",
    "milvus_drop_privilege_group": "ops --yes",
    "milvus_drop_role": "reader --yes",
    "milvus_drop_user": "bob --yes",
    "milvus_drop_users": "ROWS --yes",
    "milvus_grant_privilege": "reader Search --collection docs",
    "milvus_grant_role": "bob reader",
    "milvus_list_grants": "reader",
    "milvus_list_privilege_groups": "",
    "milvus_list_role": "reader",
    "milvus_list_roles": "",
    "milvus_list_user": "bob",
    "milvus_list_usernames": "",
    "milvus_list_users": "",
    "milvus_passwords": "bob --to /nowhere/passwords.csv",
    "milvus_remove_privileges_from_group": "ops Search --yes",
    "milvus_reset_password": "bob --password-var PW --new-password-var NEW",
    "milvus_restore_grants": "reader",
    "milvus_restore_role": "reader",
    "milvus_restore_user": "eve --password-var PW",
    "milvus_revoke_privilege": "reader Search --collection docs --yes",
    "milvus_revoke_role": "bob reader --yes",
    "milvus_update_password": "bob --password-var PW --new-password-var NEW",
    "milvus_use": "nowhere",
    "milvus_whoami": "",
}
# What is behind such a line by mistake; a variable's value, or put together in Python.
MISTAKES = [
    "--bogus", "--bogus $PW", "--bogus={PW}", "$PW", "{PW} {PW}", "-- {PW} {PW}", "--password $PW", "--timeout $PW",
    "--dry-run={PW}", "--password-env $PW", "--password-var {PW}", "--keyring $PW", "--token=$PW",
    "{1/0}", "$nobody", "{PW", "'{PW}", "--help=$PW", "--form --password-env $PW", "# $PW", "\u2014password $PW",
]  # fmt: skip
TYPED = [
    "--password-var '%s'",
    "--token-env='%s'",
    "--bogus '%s'",
    "--password '%s'",
    "'%s' '%s'",
    "'%s",
    "--token='%s'",
    "--keyring='%s' $nobody",
    "# '%s'",
]

# Each function that takes what may be a password, and each documented one.
FUNCTIONS = {
    "utility.create_user": lambda conn, pw: utility.create_user("new", pw),
    "utility.delete_user": lambda conn, pw: utility.delete_user("bob", pw),
    "utility.update_password": lambda conn, pw: utility.update_password("bob", pw, pw),
    "utility.reset_password": lambda conn, pw: utility.reset_password("bob", pw, NEW),
    "utility.list_usernames": lambda conn, pw: utility.list_usernames(),
    "utility.list_user": lambda conn, pw: utility.list_user("bob", True),
    "utility.list_users": lambda conn, pw: utility.list_users(True),
    "utility.list_roles": lambda conn, pw: utility.list_roles(True),
    "Role.create": lambda conn, pw: Role("reader").create(),
    "Role.drop": lambda conn, pw: Role("reader").drop(),
    "Role.is_exist": lambda conn, pw: Role("reader").is_exist(),
    "Role.add_user": lambda conn, pw: Role("reader").add_user("bob"),
    "Role.remove_user": lambda conn, pw: Role("reader").remove_user("bob"),
    "Role.get_users": lambda conn, pw: Role("reader").get_users(),
    "Role.grant": lambda conn, pw: Role("reader").grant("Collection", "docs", "Search"),
    "Role.revoke": lambda conn, pw: Role("reader").revoke("Collection", "docs", "Search"),
    "Role.grant_v2": lambda conn, pw: Role("reader").grant_v2("Search", "docs"),
    "Role.revoke_v2": lambda conn, pw: Role("reader").revoke_v2("Search", "docs"),
    "Role.list_grant": lambda conn, pw: Role("reader").list_grant("Collection", "docs"),
    "Role.list_grants": lambda conn, pw: Role("reader").list_grants(),
    "Role.create_privilege_group": lambda conn, pw: Role("reader").create_privilege_group("ops"),
    "Role.drop_privilege_group": lambda conn, pw: Role("reader").drop_privilege_group("ops"),
    "Role.list_privilege_groups": lambda conn, pw: Role("reader").list_privilege_groups(),
    "Role.add_privileges_to_group": lambda conn, pw: Role("reader").add_privileges_to_group("ops", ["Search"]),
    "Role.remove_privileges_from_group": lambda conn, pw: Role("r").remove_privileges_from_group("ops", ["Search"]),
    "Connections.connect": lambda conn, pw: connections.connect("z", "bob", pw, uri=conn.address.url, timeout=5),
    "Connections.connect token": lambda conn, pw: connections.connect("z", token=pw, uri=conn.address.url, timeout=5),
    "Connections.connect uri": lambda conn, pw: connections.connect("z", uri=pw, timeout=5),
    "Connections.connect alias": lambda conn, pw: connections.connect("", "bob", pw, uri=conn.address.url, timeout=5),
    "Connections.add_connection": lambda conn, pw: connections.add_connection(a={"host": "h", "token": pw, "port": 0}),
    "Connections.adopt": lambda conn, pw: connections.adopt({"uri": conn.address.url, "token": pw}),
    "Connections.adopt anything": lambda conn, pw: connections.adopt([pw]),
    "Connections.bind": lambda conn, pw: connections.bind("", Address.parse("h", user="bob", password=pw)),
    "Connections.require_reachable": lambda conn, pw: connections.require_reachable(
        Address.parse("localhost:1", user="bob", password=pw), timeout=5
    ),
    "Connections.disconnect": lambda conn, pw: connections.disconnect(""),
    "Connections.remove_connection": lambda conn, pw: connections.remove_connection(""),
    "Connections.get_connection_addr": lambda conn, pw: connections.get_connection_addr("default"),
    "Connections.get": lambda conn, pw: connections.get("nowhere"),
    "Secret": lambda conn, pw: Secret(pw),
    "Secret.write_new_file": lambda conn, pw: Secret(pw).write_new_file("/nowhere/file"),
    "Secret.keep_in_keyring": lambda conn, pw: Secret(pw).keep_in_keyring("service", "bob"),
    "Address.parse": lambda conn, pw: Address.parse("localhost:1:2", user="bob", password=pw, token=pw),
    "ConnectForm": lambda conn, pw: ConnectForm(uri=pw).close(),
    "ConnectForm.fill": lambda conn, pw: ConnectForm().fill(uri=pw),
    "connect.submit": lambda conn, pw: submit(ConnectForm(uri=conn.address.url, user="bob"), pw),
    "delete_user.submit": lambda conn, pw: submit(DeleteUserForm(), pw),
    "create_user.submit": lambda conn, pw: submit(CreateUserForm(), pw),
    "update_password.submit": lambda conn, pw: submit(UpdatePasswordForm(), pw),
    "reset_password.submit": lambda conn, pw: submit(ResetPasswordForm(), pw),
    "users.create_user": lambda conn, pw: client.users.create_user(conn, "bob", pw, grant=["reader"]),
    "users.preview_create_user": lambda conn, pw: client.users.preview_create_user(conn, "bob", pw, grant=["reader"]),
    "user_deletion.delete_user": lambda conn, pw: client.users.delete_user(conn, "bob", pw),
    "user_deletion.preview_delete_user": lambda conn, pw: client.users.preview_delete_user(conn, "bob", pw),
    "user_passwords.update_password": lambda conn, pw: client.users.update_password(conn, "bob", pw, NEW),
    "user_passwords.reset_password": lambda conn, pw: client.users.reset_password(conn, "bob", RIGHT, pw),
    "user_passwords.preview_update_password": lambda conn, pw: client.user_passwords.preview_update_password(
        conn, "bob", pw
    ),
    "restore.restore_user": lambda conn, pw: client.restore.restore_user(conn, UserSnapshot("bob", ("reader",)), pw),
    "run.create_users": lambda conn, pw: run.create_users(conn, [{"user": "bob", "password": pw, "rolse": 1}]),
    "run.delete_users": lambda conn, pw: run.delete_users(conn, {"bob": pw, "": pw}).raise_for_failures(),
    "run.drop_users": lambda conn, pw: run.drop_users(conn, [{"user": "nobody", "password": pw}, 1]),
    "files.read_uploaded_rows": lambda conn, pw: files.read_uploaded_rows("a.json", file_of(pw, "rolse")),
    "files.read_pasted_rows": lambda conn, pw: files.read_pasted_rows(file_of(pw, "rolse")),
    "create_users.submit": lambda conn, pw: give(form_for("create_users")(timeout=1), pw),
    "delete_users.submit": lambda conn, pw: give(form_for("delete_users")(timeout=1), pw),
    "rows.rows_of": lambda conn, pw: rows.rows_of([{"user": "bob", "password": pw}, {"rolse": pw}]),
}


def submit(form, pw):
    """Fill every field for a password in, press the button, and close the form; what it showed."""
    form.fill(user="bob")
    try:
        for field in form.fields.values():
            if isinstance(field, SecretField):
                field.value = pw
        form.submit()
        return form.status.text
    finally:
        form.close()


def file_of(pw, *more):
    """A file with a row of bob's, as a browser sends it; with the password under other names, too."""
    row = dict.fromkeys(("password", *more), pw.reveal() if isinstance(pw, Secret) else pw)
    return io.BytesIO(json.dumps([{"user": "bob", **row}], default=str).encode())


def give(form, pw):
    """Give a file to a form for many, press its button, and close it; what it showed."""
    try:
        form.read_file("class.json", file_of(pw))
        form.wait()
        form.submit()
        form.wait()
        return form.status.text + form.summary.text + form.notes.value + str(form.table.rows)
    finally:
        form.close()


# Methods of `connections` that are given nothing but aliases, and what is open already.
HARMLESS = {"open", "keep", "list_connections", "has_connection", "require_bound", "hold", "close_all"}
# A password in the wrong place: alone, behind a user, and in an address.
SPELLINGS = ("http://root:%s@h", "root:%s@h", "root:%s@h:1:2", "http://root:%s", "root:%s", "%s")
MISPLACED = {
    "connect": lambda text: connections.connect(text, timeout=1),
    "connect host": lambda text: connections.connect("z", host=text, timeout=1),
    "connect port": lambda text: connections.connect("z", port=text, timeout=1),
    "connect user": lambda text: connections.connect("z", text, uri="http://127.0.0.1:1", timeout=1),
    "connect user with a password": lambda text: connections.connect("z", text, "password", uri="http://127.0.0.1:1"),
    "connect db_name": lambda text: connections.connect("z", db_name=text, uri="http://127.0.0.1:1", timeout=1),
    "connect server_name": lambda text: connections.connect("z", server_name=text, uri="https://127.0.0.1:1"),
    "add_connection": lambda text: connections.add_connection(**{str(text): {"hots": "h"}}),
    "add_connection uri": lambda text: connections.add_connection(**{str(text): {"host": "h", "port": "x"}}),
    "add_connection host": lambda text: connections.add_connection(x={"host": text, "port": 0}),
    "add_connection port": lambda text: connections.add_connection(x={"host": "h", "port": text}),
    "add_connection user": lambda text: connections.add_connection(x={"host": "h", "user": text}),
    "get": lambda text: connections.get(text),
    "disconnect": lambda text: connections.disconnect(text),
    "remove_connection": lambda text: connections.remove_connection(text),
    "adopt": lambda text: connections.adopt(text),
    "adopt alias": lambda text: connections.adopt("nowhere", text),
    "bind": lambda text: connections.bind(text, Address.parse("127.0.0.1:1"), timeout=1),
    "Address.parse": lambda text: Address.parse(host=text, port=text, user=text, server_name=text),
    "CreateUserForm": lambda text: CreateUserForm(text),
    "ConnectForm": lambda text: ConnectForm(text, uri=5, user=text),
    "Console": lambda text: Console(text),
    "Role": lambda text: Role("reader", text).create(),
    "restore_user": lambda text: session.undo.restore_user(connections.get(), "nobody", text),
    **{
        f"utility.{name}": partial(lambda function, text: call_with_using(function, text), function)
        for name, function in vars(utility).items()
        if inspect.isfunction(function) and function.__module__ == utility.__name__
    },
}
# What the name `misplaced` holds stands there; `{0}` is it typed.
MISPLACED_LINES = {
    "milvus_connect": ["$m", "--host $m", "--host {m} --user root", "--port $m", "--adopt $m", "--adopt m", "--uri $m",
                       "127.0.0.1:1 --user $m", "127.0.0.1:1 --alias $m --timeout 1", "h --db $m --port 0",
                       "127.0.0.1:1 --server-name $m --timeout 1", "http://root:{m}@h"],
    "milvus_use": ["$m", "m"], "milvus_disconnect": ["$m"], "milvus_list_users": ["--using $m"],
    "milvus_drop_users": ["ROWS --using $m", "ROWS --using x,$m"], "milvus_passwords": ["bob --using $m"],
    "milvus_console": ["--using $m"], "milvus": ["--using $m"], "milvus_create_user": ["--form --using $m"],
}  # fmt: skip


def call_with_using(function, text):
    """Call a documented function with nothing but its connection wrong."""
    values = dict.fromkeys(inspect.signature(function).parameters, "right-password")
    return function(**values | {"using": text, "timeout": 1})


MODULES = {
    "utility": utility, "run": run, "rows": rows, "files": files, "users": client.users, "restore": client.restore,
    "user_deletion": client.user_deletion, "user_passwords": client.user_passwords, "roles": client.roles,
}  # fmt: skip


def functions_to_hunt():
    """The documented functions, and those of operations that take what may be a password."""
    found = set()
    for name, module in MODULES.items():
        for function in vars(module).values():
            if inspect.isfunction(function) and function.__module__ == module.__name__ and function.__name__[0] != "_":
                types = inspect.signature(function).parameters
                takes_secret = "timeout" in types and any("Secret" in str(one.annotation) for one in types.values())
                if module is utility or takes_secret or {"source", "data"} & types.keys():
                    found.add(f"{name}.{function.__name__}")
    for cls in (Role, Connections):
        methods = [name for name, method in vars(cls).items() if inspect.isfunction(method) and name[0] != "_"]
        found |= {f"{cls.__name__}.{name}" for name in methods if cls is Role or name not in HARMLESS}
    for operation, form in registered_forms().items():
        if any(isinstance(field, SecretField) for field in form.FIELDS):
            found.add(f"{operation}.submit")
    return found | {f"{operation}.submit" for operation in MANY}


def test_every_magic_and_function_is_hunted(shell):
    """A new one needs its row here."""
    assert {name for name in shell.magics_manager.magics["line"] if name.startswith("milvus")} == MAGICS.keys()
    missing = functions_to_hunt() - {name.partition(" ")[0] for name in FUNCTIONS}
    assert not missing, "each function that is documented, or takes a password, has a row"


def fill(server):
    """What a server holds before each try."""
    server.passwords.clear()
    server.passwords |= {"root": ROOT.encode(), "bob": RIGHT.encode(), "eve": RIGHT.encode()}
    server.roles |= {"reader": "", "other": ""}
    return contextlib.nullcontext()


@contextlib.contextmanager
def bound(address):
    """The connection of the notebook, as root, without asking the server."""
    conn = Connection(Address.parse(f"http://{address}", user="root", password=ROOT))
    connections.keep("default", conn)
    try:
        yield conn
    finally:
        connections.close_all()


@contextlib.contextmanager
def working():
    """A server on which nothing is wrong but what it is asked for."""
    server = contract.ContractServer("2.6.18")
    fill(server)
    with contract.serving(server) as (_, address), bound(address) as conn:
        yield conn, lambda: fill(server)


@contextlib.contextmanager
def not_there():
    """Nobody listens there any more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with bound(f"127.0.0.1:{port}") as conn:
        yield conn, contextlib.nullcontext


@contextlib.contextmanager
def closed():
    """The connection was closed on this side, and its alias still has it."""
    with working() as (conn, around):
        conn.close()
        yield conn, around


@contextlib.contextmanager
def losing_answers():
    """Each first request arrives, and its answer does not."""
    server = contract.ContractServer("2.6.18")
    fill(server)

    @contextlib.contextmanager
    def cut(proxy):
        fill(server)
        proxy.mode = "cut after"
        yield

    with contract.serving(server) as (_, address), cutting(address) as proxy, bound(proxy.address) as conn:
        yield conn, lambda: cut(proxy)


@contextlib.contextmanager
def interrupted():
    """A server that never answers, and somebody who does not wait."""

    @contextlib.contextmanager
    def impatient():
        with contextlib.suppress(KeyboardInterrupt), interrupts_after(0.03):
            yield

    gc.freeze()  # what is collected before each interrupt is only what that left
    with socket.create_server(("127.0.0.1", 0)) as listener, bound(f"127.0.0.1:{listener.getsockname()[1]}") as conn:
        try:
            yield conn, impatient
        finally:
            gc.unfreeze()


CONDITIONS = [working, not_there, closed, losing_answers, interrupted]


@pytest.fixture
def hunt(shell):
    values = [*WRONG_TYPES.values(), *ODD_TEXTS.values()]
    types = {f"TYPE{number}": value for number, value in enumerate(values)}
    names = {"PW": WRONG, "NEW": NEW, "ROWS": ROWS, "types": types, **types}
    shell.user_ns.update(names)
    return Hunt(PASSWORDS, ignored=[shell, shell.user_ns, MAGICS, FUNCTIONS, os.environ, *names.values()])


def outcome(action, around):
    """What a call printed and returned, and what it raised."""
    said, error, result = io.StringIO(), None, None
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), around():
        try:
            result = action()
        except (Exception, KeyboardInterrupt) as exc:
            error = exc
    return said.getvalue(), result, error


def leaks(hunt, action, around, name):
    """Where a call shows a password: in what it says, or in what its error leads to."""
    said, result, error = outcome(action, around)
    found = [f"{name} shows {said}"] if hunt.in_text(said + repr(result)) else []
    return found if error is None else [*found, *(f"{name}: {one}" for one in hunt.in_error(error))]


def run_line(shell, magic, line):
    return partial(shell.run_line_magic, magic, line)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_no_frame_of_a_failing_magic_leads_to_a_password(shell, hunt, condition, figure):
    """Wrong passwords, names that nobody has, passwords of wrong types; and everything that can befall a call."""
    found, tried = [], 0
    with condition() as (conn, around):
        shell.user_ns["uri"] = conn.address.url
        for magic, line in MAGICS.items():
            lines = [line]
            if condition in (working, closed):
                lines += [line.replace("bob", "nobody").replace("reader", "none").replace("ops", "none")]
                lines += [line.replace(" PW", f" {name}") for name in shell.user_ns["types"]] if " PW" in line else []
            for one in lines:
                found += leaks(hunt, run_line(shell, magic, one), around, f"%{magic} {one}")
            tried += len(lines)
        found += [*hunt.in_value(conn, "the connection"), *hunt.in_value(session, "the session")]
    assert not found, "no frame of ours leads to a password: " + "\n".join(found[:200])
    figure("frames", failures_hunted=tried)


def test_no_mistake_on_a_line_leads_to_a_password(shell, hunt, figure):
    """Misspelled and misplaced, from a variable, or put together in Python."""
    found, tried = [], 0
    with working() as (conn, around):
        shell.user_ns["uri"] = conn.address.url
        for magic, line in MAGICS.items():
            mistakes = [*MISTAKES, *(typed.replace("%s", WRONG.replace("'", "")) for typed in TYPED)]
            for mistake in mistakes:
                if magic.endswith("_group") and not mistake.startswith(("--b", "--p", "--t", "--d")):
                    continue  # what is one more name there
                one = f"{line} {mistake}"
                found += leaks(hunt, run_line(shell, magic, one), around, f"%{magic} {one}")
            tried += len(mistakes)
    assert not found, "no frame of ours leads to a password: " + "\n".join(found[:200])
    figure("frames", failures_hunted=tried)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_no_frame_of_a_failing_function_leads_to_a_password(hunt, condition, figure):
    """Text, a `Secret`, and everything that is no password."""
    found, tried = [], 0
    with condition() as (conn, around):
        values = {"text": WRONG, "bytes": WRONG.encode()}
        if condition is working:
            values |= {"a Secret": Secret(WRONG), **WRONG_TYPES, **ODD_TEXTS}
        elif condition is interrupted:
            del values["bytes"]
        for function, call in FUNCTIONS.items():
            for name, value in values.items():
                found += leaks(hunt, partial(call, conn, value), around, f"{function} with {name}")
            tried += len(values)
        found += [*hunt.in_value(conn, "the connection"), *hunt.in_value(session, "the session")]
    assert not found, "no frame of ours leads to a password: " + "\n".join(found[:200])
    figure("frames", failures_hunted=tried)


def test_no_password_in_the_wrong_place_is_shown(shell, hunt, figure):
    """In place of an alias, a host, a port, a user: in no text and in no frame, neither alone nor in an address."""
    found, tried = [], 0
    with working() as (_, around):
        for spelling in SPELLINGS:
            text = spelling.replace("%s", WRONG)
            values = [text, text.encode(), [text]] if spelling.startswith("http://root:%s@") else [text]
            for value in values:
                # By itself it is a name like any other, but for a port.
                calls = [name for name in MISPLACED if spelling != "%s" or "port" in name]
                for name in calls:
                    found += leaks(hunt, partial(MISPLACED[name], value), around, f"{name} with {value!r:.20}")
                tried += len(calls)
            if spelling == "%s":
                continue
            shell.user_ns["m"] = text
            for magic, lines in MISPLACED_LINES.items():
                for line in lines:
                    found += leaks(hunt, run_line(shell, magic, line), around, f"%{magic} {line} with {spelling}")
                tried += len(lines)
    assert not found, "no frame of ours leads to a password: " + "\n".join(found[:200])
    figure("frames", failures_hunted=tried)


class ClosedBeside(Connection):
    """Another thread closes it when a call has all that it needs."""

    def _options(self, *arguments):
        options = super()._options(*arguments)
        self.close()
        return options


@pytest.mark.parametrize("way", ["call", "begin"])
def test_a_call_on_a_channel_closed_beside_it_leads_to_no_password(hunt, way):
    """gRPC's own error has the login in its frames."""
    with working() as (conn, _):
        beside = ClosedBeside(conn.address)
        with pytest.raises(ClosedError) as caught:
            getattr(beside, way)("GetVersion", deadline=Deadline(5), login=Login("bob", Secret(WRONG)))
    assert not hunt.in_error(caught.value), "no frame leads to a password"


def test_no_kind_of_traceback_prints_a_password(shell, hunt):
    """IPython's modes and Python's own with variables, of our error and of the user's own that is raised from it."""
    printing = 0
    with working() as (conn, around):
        shell.user_ns["uri"] = conn.address.url
        calls = {magic: run_line(shell, magic, line + " --bogus={PW}") for magic, line in MAGICS.items()}
        calls |= {f"{magic} PW": run_line(shell, magic, line) for magic, line in MAGICS.items() if "PW" in line}
        calls |= {name: partial(call, conn, WRONG.encode()) for name, call in FUNCTIONS.items()}
        for name, call in calls.items():
            error = outcome(call, around)[2]
            if error is not None:
                printing += 1
                assert not hunt.in_text(printed(shell, error)), name
    assert printing > len(MAGICS) + 20


def test_the_hunt_finds_what_frames_lead_to(shell, hunt):
    """In a text, in bytes, in base64, in a number, in attributes, in closures, in a `repr`, behind a cause."""
    source = """def careless(value):
    raise ValueError"""
    exec(compile(source, "/milvus_magics/careless.py", "exec"), names := {})
    encoded = base64.b64encode(f"bob:{WRONG}".encode())
    for value in (WRONG, encoded, quote(WRONG), repr(WRONG), [[{"a": [WRONG]}]], {WRONG: 1}, partial(print, WRONG),
                  Holder(), lambda given=encoded: given, (lambda kept: lambda: kept)(encoded), NUMBER):  # fmt: skip
        hunted = Hunt(PASSWORDS)
        error = outcome(partial(names["careless"], value), contextlib.nullcontext)[2]
        assert hunted.in_error(error), value
        outer = RuntimeError("another")
        outer.__context__ = error
        assert hunted.in_error(outer), value
    assert not Hunt(PASSWORDS).in_value([Secret(WRONG)], "a list with a Secret")
    error = outcome(partial(names["careless"], [WRONG]), contextlib.nullcontext)[2]
    assert hunt.in_text(printed(shell, error)), "a traceback that shows variables shows it"
