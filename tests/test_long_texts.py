"""Texts of a server that are longer than any that Milvus takes: cut for people, whole for programs.

Names of 10,000 characters, in one piece and with blanks and quotes, in every magic and form; names as long as Milvus
takes them are never cut.
"""

import csv
import html
import io
import re
import time

import contract
import ipywidgets
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_hostile_texts import LINES, Shown

from milvus_magics import connections
from milvus_magics.access.question import read_access
from milvus_magics.client import users
from milvus_magics.client.names import MAX_DESCRIPTION_BYTES, MAX_OBJECT_BYTES, MAX_ROLE_BYTES
from milvus_magics.client.results.roles import Role, Roles
from milvus_magics.errors import MilvusException
from milvus_magics.forms import registered_forms
from milvus_magics.magics.completion import quote
from milvus_magics.session import session
from milvus_magics.wording import MAX_TEXT, MAX_VALUE, join_parts, printable, shown_text, visible_text

PASSWORD = "a-password"
LENGTH = 10_000
LONG = {
    "one piece": "x" * LENGTH,
    "blanks": ("a b " * (LENGTH // 4)).strip(),
    "quotes": ('it\'s "so" ' * (LENGTH // 10)).strip(),
    "escapes": "\x1b" * LENGTH,
}


@pytest.fixture(params=LONG)
def server(request, monkeypatch):
    """Everything but `bob` and `role` is called by a long name."""
    name = LONG[request.param]
    with contract.serving(contract.AnyNames("2.6.18")) as (server, address):
        server.name = name
        server.passwords |= {name: PASSWORD.encode(), "bob": PASSWORD.encode(), "ann": PASSWORD.encode()}
        server.roles |= {name: name, "role": name}
        server.bindings |= {("root", name), ("bob", name), ("bob", "role")}
        server.descriptions |= {name: name, "bob": name}
        server.groups |= {name: {name, "Insert"}, "group": {name, "Search"}}
        server.collections["default"].append(name)
        server.collections[name] = [name]
        for role in (name, "role"):
            server.grants[role, "Collection", name, "Search", "default"] = name
            server.grants[role, name, name, name, name] = name
        monkeypatch.setenv("PW", PASSWORD)
        connections.connect("default", "root", "Milvus", uri=f"http://{address}")
        session.journal.clear()
        server.address = address
        yield server
        ipywidgets.Widget.close_all()
        connections.close_all()
        session.journal.clear()


def longest(shown):
    """The longest text between line ends, between tags, and in a tag, of all that is shown."""
    parts = [part for text in (*shown.texts, *shown.html) for part in re.split("<style>.*?</style>|[<>\n]", text)]
    return max(len(html.unescape(part)) for part in parts)


@pytest.mark.parametrize("magic", ["milvus_access", "milvus_console", "milvus_list_users", "milvus_list_roles",
                                   "milvus_list_grants", "milvus_list_privilege_groups", "milvus_list_role",
                                   "milvus_list_user", "milvus_drop_role", "milvus_drop_user", "milvus_create_user",
                                   "milvus_grant_role", "milvus_grant_privilege", "milvus_audit"])  # fmt: skip
def test_magics(shell, server, magic, monkeypatch):
    """Results, errors, questions: a few lines of a screen, however long the names are that they hold."""
    shown = Shown()
    monkeypatch.setattr("builtins.input", lambda question="": shown.texts.append(question) or "not it")
    shell.user_ns.update(n=server.name, at=server.address)
    for line in (line for line in LINES[magic] if "--export" not in line):
        try:
            shown.result(shell.run_line_magic(magic, line))
        except MilvusException as exc:
            shown.error(exc)
    shown.widgets()
    assert longest(shown) <= 2 * MAX_TEXT, "a line of a table has several columns"
    if server.name == LONG["one piece"]:
        assert not re.search(
            f"x{{{MAX_VALUE + 1}}}", "\n".join(re.sub('title="[^"]*"', "", html) for html in shown.html)
        )
        assert not re.search(f"x{{{MAX_VALUE + 1}}}", "\n".join(shown.texts))


@pytest.mark.parametrize("operation", [name for name in registered_forms() if name != "connect"])
def test_forms(server, operation):
    """They offer short texts that mean the long names, and act on the very name."""
    form = registered_forms()[operation]()
    form.fill(user=server.name, role=server.name)
    shown = Shown()
    shown.widgets()
    assert longest(shown) <= MAX_TEXT
    for field in form.fields.values():
        if field.kind and field.name in ("user", "role"):
            assert max(map(len, field.widget.options)) <= MAX_TEXT
            short = printable(server.name)
            field.widget.value = short
            assert field.value == (server.name if server.name != short else short)


def test_programs_get_all_of_it(server, tmp_path, shell, monkeypatch):
    """Rows, the audit and its files, and what Tab writes."""
    monkeypatch.chdir(tmp_path)
    found = users.list_users(connections.get())
    assert server.name in [row["name"] for row in found.to_dicts()]
    assert server.name in list(shell.run_line_magic("milvus_list_usernames", ""))
    assert server.name in {right.role for right in read_access(connections.get(), user="bob")}
    users.drop_user(connections.get(), server.name)
    assert session.journal.entries()[-1].target == server.name
    shell.run_line_magic("milvus_audit", "--export changes.csv")
    csv.field_size_limit(10 * LENGTH)
    (row,) = csv.DictReader(io.StringIO((tmp_path / "changes.csv").read_text(encoding="utf-8")))
    assert row["target"] == visible_text(server.name)
    assert len(quote(server.name)) >= LENGTH


def test_the_whole_name_is_there_on_hovering():
    """In a table and in a picture, up to what a notebook may hold."""
    name = "x" * (MAX_TEXT - 100)
    page = Roles([Role(name)])._repr_html_()
    assert f'title="{name}"' in page
    assert page.count(name) == 1
    assert "title" not in Roles([Role("x" * MAX_VALUE)])._repr_html_()


def test_what_milvus_takes_is_never_cut():
    """The longest names, of which each character may have to be escaped; the longest description; long lists."""
    for text in ("x" * MAX_DESCRIPTION_BYTES, "\x1b" * max(MAX_ROLE_BYTES, MAX_OBJECT_BYTES), "a b" * 300):
        assert Roles([Role(text)])._repr_html_().count(visible_text(text)) == 1
        for way in (printable, join_parts):
            assert visible_text(text) in way(f"would drop {text!r}".replace("\\\\", "\\")) or "\x1b" in text
    names = [f"user_{number}" for number in range(5000)]
    assert shown_text(repr(names)) == repr(names)


@given(st.text(max_size=3000), st.text(alphabet="ab '\"\\", min_size=0, max_size=3000))
def test_cutting_once_is_enough(text, other):
    """Errors are cut again where they are put into others, or come out of a pickle."""
    for one in (text, other, f"{other!r} and {text!r}"):
        for way in (printable, join_parts, shown_text):
            assert way(way(one)) == way(one)
            assert len(way(one)) <= max(len(visible_text(one)), MAX_TEXT)


def test_the_end_of_an_error_is_kept():
    """It says what was changed."""
    error = MilvusException(1, "a b " * LENGTH, outcome=None)
    assert len(error.message) <= MAX_TEXT
    assert printable("x " * LENGTH + "; nothing was changed").endswith("; nothing was changed")


@pytest.mark.parametrize("part", ["'", " '", "\\'", " \\'", "' \"", "'a ", "\\", "x ", " 'x\\", "x" * 1000 + " "])
def test_no_text_takes_long_to_cut(part):
    """Of a million characters; quadratic would take minutes."""
    began = time.monotonic()
    assert len(printable(part * (1_000_000 // len(part)))) <= MAX_TEXT
    assert time.monotonic() - began < 5
