"""Whatever comes in: no error but ours, no secret in any text, no HTML but ours, and no success that nobody gave."""

import json
import random
import re
import tempfile
from html.parser import HTMLParser

import grpc
import pandas
import pytest
from contract import serving
from hypothesis import example, given, settings
from hypothesis import strategies as st

from milvus_magics import wire
from milvus_magics.access.question import read_access
from milvus_magics.bulk.results import BulkError
from milvus_magics.bulk.rows import rows_of
from milvus_magics.bulk.run import drop_users
from milvus_magics.client import privilege_groups, privileges, roles, users
from milvus_magics.display.tables import html_table, text_table
from milvus_magics.errors import MilvusException
from milvus_magics.magics.bulk import read_rows
from milvus_magics.magics.line import Namespace
from milvus_magics.transport import reply_status
from milvus_magics.transport.address import Address
from milvus_magics.transport.call_errors import error_from_grpc
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.reply_status import error_from_status, status_of

MARKER = "hunterzwei"
PIECES = ["http://", "https://", "tcp://", "unix:", "//", ":", "@", "/", "?", "#", "%", "%2F", "[", "]", "::1",
          "localhost", "19530", "bob", " ", "\\", "\0", "\n", "é", "\ud800", ".db", "99999"]  # fmt: skip
URIS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
TEXTS = st.text(max_size=30) | st.sampled_from(["<b>x</b>", '"><script>', "'", "&lt;", "\x1b[31m", "\u202e", "|", "\0"])


def told(action):
    """What an action says where it fails; only errors of ours are caught."""
    try:
        action()
    except MilvusException as exc:
        lines = exc._render_traceback_()
        if len(lines) > 1 and not isinstance(exc, BulkError):
            pytest.fail("only many problems take many lines")
        return f"{exc} {exc!r} {lines}"
    return ""


@settings(max_examples=400, deadline=None)
@given(uri=URIS | st.text(max_size=40))
def test_any_uri_is_an_address_or_one_clear_line(uri):
    """And what may be its password is in no text: that stands between ':' and '@'."""
    text = told(lambda: Address.parse(uri=uri.replace("bob", "bob:" + MARKER + "@")))
    assert MARKER not in text


@settings(max_examples=300, deadline=None)
@given(legacy=st.integers(0, 70), code=st.integers(0, 2000) | st.just(65535), reason=TEXTS)
def test_any_status_is_an_error_of_ours(legacy, code, reason):
    """Unless it is a success."""
    said = reply_status.Status(legacy, code, reason)
    assert said.ok is (legacy == code == 0)
    if not said.ok:
        error = error_from_status(said)
        assert isinstance(error, MilvusException)
        assert error.code
        assert "\n" not in error._render_traceback_()[0]


class Failed(grpc.RpcError):
    """What gRPC raises."""

    def __init__(self, code, details):
        super().__init__()
        self._code, self._details = code, details

    def code(self):
        return self._code

    def details(self):
        return self._details


@settings(max_examples=300, deadline=None)
@given(
    code=st.sampled_from([code for code in grpc.StatusCode if code is not grpc.StatusCode.OK]),
    details=st.none() | TEXTS,
    uri=st.sampled_from(["localhost", "https://h", "unix:/s"]),
    method=st.sampled_from(sorted(wire.METHODS)),
)
def test_any_failure_of_grpc_is_an_error_of_ours(code, details, uri, method):
    """In one line, whatever it says."""
    error = error_from_grpc(Failed(code, details), method, Address.parse(uri=uri), 5)
    assert isinstance(error, MilvusException)
    assert len(error._render_traceback_()) == 1
    assert "\n" not in error._render_traceback_()[0]


NAMES = st.sampled_from(["user", "password", "roles", "description", "pasword", "USER ", "", MARKER]) | st.text(
    max_size=5
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["bob", MARKER]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)


def hidden(value, key=""):
    """The same with the marker only where a password stands: names are told, and may be."""
    if isinstance(value, dict):
        return {name.replace(MARKER, "m"): hidden(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [hidden(inner) for inner in value]
    return value.replace(MARKER, "m") if isinstance(value, str) and key.strip().lower() != "password" else value


@settings(max_examples=400, deadline=None)
@given(source=VALUES.map(hidden))
def test_any_rows_are_rows_or_one_clear_line(source):
    """And no password is in it."""
    assert MARKER not in told(lambda: rows_of(source))


@settings(max_examples=200, deadline=None)
@given(
    content=st.binary(max_size=60)
    | VALUES.map(lambda value: json.dumps(hidden(value)).encode())
    | st.lists(st.sampled_from(["user", "password", ",", ";", "\n", '"', "bob", "\t", "\ufeff"]), max_size=14).map(
        lambda parts: "".join(parts).encode()
    ),
    suffix=st.sampled_from(["csv", "tsv", "json", "jsonl"]),
)
@example(content=b"[" + b"1" * 5000 + b"]", suffix="json")
@example(content=b"[" * 100_000, suffix="json")
def test_any_file_is_rows_or_one_clear_line(content, suffix):
    """Whatever bytes it holds."""
    with tempfile.NamedTemporaryFile(suffix=f".{suffix}") as file:
        file.write(content)
        file.flush()
        assert MARKER not in told(lambda: read_rows(file.name, Namespace({}, None)))


@settings(max_examples=200, deadline=None)
@given(start=st.text(max_size=20), suffix=st.sampled_from(["", ".csv", ".json", ".CSV", ".ndjson"]))
@example(start="~nobody_of_this_name/rows", suffix=".csv")
@example(start="rows\0", suffix=".csv")
@example(start="rows\ud800", suffix=".json")
def test_any_name_of_a_source_is_rows_or_one_clear_line(start, suffix):
    """There is no such file."""
    assert told(lambda: read_rows(start + suffix, Namespace({}, None)))


class Ambiguous(list):
    """Neither equal nor different, as numpy's arrays and pandas's NA are."""

    def __eq__(self, other):
        return self

    __ne__ = __eq__

    def __bool__(self):
        raise ValueError("ambiguous")


@pytest.mark.parametrize("field", ["user", "password", "roles", "description"])
def test_a_value_that_is_neither_equal_nor_different_is_one_clear_line(field):
    """Or is taken: a description is any text."""
    told(lambda: rows_of([{"user": "bob", field: Ambiguous(["a", "b"])}]))


@pytest.mark.parametrize("missing", [None, "", float("nan"), pandas.NA, pandas.NaT], ids=str)
def test_what_is_left_out_is_left_out(missing):
    """In all the ways of tables."""
    fields = ("password", "roles", "description")
    (row,) = rows_of([{"user": "bob", **dict.fromkeys(fields, missing)}])
    assert (row.user, row.password, row.roles, row.description) == ("bob", None, (), "")


class Tags(HTMLParser):
    """The names of all tags and attributes."""

    def __init__(self):
        super().__init__(convert_charrefs=False)
        self.found = set()

    def handle_starttag(self, tag, attributes):
        self.found |= {tag, *(name for name, _ in attributes)}


@settings(max_examples=200, deadline=None)
@given(names=st.lists(TEXTS, min_size=1, max_size=3), value=TEXTS, caption=TEXTS)
def test_any_text_is_text_in_html(names, value, caption):
    """A table has the tags of a table, and none of what it shows."""
    rows = [dict.fromkeys(names, value)]
    plain, odd = Tags(), Tags()
    plain.feed(html_table(["a"], [{"a": "x" * 80}, {"a": "x"}], "x"))
    odd.feed(html_table(names, rows, caption))
    assert odd.found <= plain.found
    text = text_table(names, rows, caption)
    assert not {"\x1b", "\u202e", "\0"} & set(text)


class Anything(grpc.GenericRpcHandler):
    """Answers every call with a message of the right type and any content; remembers what statuses it gave."""

    CHANGING = ("Create", "Update", "Delete", "Alter", "Drop", "Operate", "Restore")

    def __init__(self):
        self.luck, self.succeeded, self.changed = random.Random(0), False, False

    def service(self, details):
        """Fill the reply."""
        name = details.method.rpartition("/")[2]

        def answer(data, context):
            reply = self.filled(wire.method(name).response.DESCRIPTOR)
            if name.startswith(self.CHANGING):
                self.changed, self.succeeded = True, self.succeeded or status_of(reply).ok
            return reply.SerializeToString()

        return grpc.unary_unary_rpc_method_handler(answer)

    def filled(self, descriptor, depth=0):
        """A message of that type."""
        made = wire.message(descriptor.name)()
        if descriptor.name == "Status":
            legacy, code = self.luck.choice([(0, 0)] * 6 + [(5, 1100), (1, 1400), (29, 65535), (0, 9), (41, 1401)])
            made.error_code, made.code, made.reason = (
                legacy,
                code,
                self.luck.choice(["", "no", "already exists", "<b>"]),
            )
            return made
        for field in descriptor.fields:
            if field.message_type is not None and field.message_type.GetOptions().map_entry:
                continue
            count = self.luck.randint(0, 3) if self.is_repeated(field) else 1
            for _ in range(count if depth < 4 else 0):
                self.put(made, field, depth)
        return made

    @staticmethod
    def is_repeated(field):
        return field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED

    def put(self, made, field, depth):
        if field.message_type is not None:
            value = self.filled(field.message_type, depth + 1)
            if self.is_repeated(field):
                getattr(made, field.name).append(value)
            else:
                getattr(made, field.name).CopyFrom(value)
            return
        text = self.luck.choice(
            ["", "bob", "root", "reader", "admin", "*", "default", "docs", "v2.6.4", "<b>", "\x1b[1m"]
        )
        value = {
            field.CPPTYPE_STRING: b"\0\xff" if field.type == field.TYPE_BYTES else text,
            field.CPPTYPE_BOOL: self.luck.random() < 0.5,
            field.CPPTYPE_ENUM: 0,
        }.get(field.cpp_type, self.luck.choice([0, 1, 7]))
        if self.is_repeated(field):
            getattr(made, field.name).append(value)
        else:
            setattr(made, field.name, value)


FUNCTIONS = {
    "list_users": lambda conn: users.list_users(conn, timeout=5),
    "list_user": lambda conn: users.list_user(conn, "bob", timeout=5),
    "list_roles": lambda conn: roles.list_roles(conn, timeout=5),
    "list_role": lambda conn: roles.list_role(conn, "reader", timeout=5),
    "list_grants": lambda conn: privileges.list_grants(conn, "reader", timeout=5),
    "list_privilege_groups": lambda conn: privilege_groups.list_privilege_groups(conn, timeout=5),
    "access": lambda conn: read_access(conn, timeout=5),
    "create_user": lambda conn: users.create_user(conn, "bob", "a-password", grant=["reader"], timeout=5),
    "delete_user": lambda conn: users.delete_user(conn, "bob", "a-password", timeout=5),
    "drop_user": lambda conn: users.drop_user(conn, "bob", timeout=5),
    "update_password": lambda conn: users.update_password(conn, "bob", "a-password", "another", timeout=5),
    "create_role": lambda conn: roles.create_role(conn, "reader", timeout=5),
    "drop_role": lambda conn: roles.drop_role(conn, "reader", force=True, timeout=5),
    "grant_role": lambda conn: roles.grant_role(conn, "bob", "reader", timeout=5),
    "revoke_role": lambda conn: roles.revoke_role(conn, "bob", "reader", timeout=5),
    "grant_privilege": lambda conn: privileges.grant_privilege(conn, "reader", "Search", collection="docs", timeout=5),
    "revoke_privilege": lambda conn: privileges.revoke_privilege(
        conn, "reader", "Search", collection="docs", timeout=5
    ),
    "create_privilege_group": lambda conn: privilege_groups.create_privilege_group(conn, "g", timeout=5),
    "drop_users": lambda conn: drop_users(conn, ["bob"], timeout=5),
}  # fmt: skip


@pytest.fixture(scope="module")
def anything():
    with serving(Anything()) as (server, address):
        conn = Connection(Address.parse(address, user="root", password="Milvus"))
        yield server, conn
        conn.close()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_any_answers_neither_crash_nor_pass_for_success(anything, name):
    """Every function returns or raises an error of ours; a change is called made only where a server said so."""
    server, conn = anything
    for seed in range(25):
        server.luck, server.succeeded, server.changed = random.Random(seed), False, False
        conn.version = ""
        found = []
        if told(lambda found=found: found.append(FUNCTIONS[name](conn))):
            continue
        (result,) = found
        text, page = repr(result), getattr(result, "_repr_html_", str)()
        assert "<b>" not in page
        assert "\x1b" not in text + page
        if server.changed and not server.succeeded and name != "drop_users":
            said = re.search("the server says that it is done|the server answered with an error", text)
            assert said, f"{name} with seed {seed}: nobody said so: {text[:200]}"
