"""Results in a terminal: tables that fit it, colours where it has them, and neither in what is kept."""

import re
import sys
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milvus_magics.access.findings import Findings, find_problems
from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.client.results.changes import Changes
from milvus_magics.client.results.privileges import Grant, Grants
from milvus_magics.client.results.roles import RoleDetails
from milvus_magics.client.results.users import DeletedUser, User, Users
from milvus_magics.display.columns import display_width, fit_columns, wrap_lines
from milvus_magics.display.messages import html_line
from milvus_magics.display.tables import text_table
from milvus_magics.errors import ParameterError
from milvus_magics.magics.overview import MagicList, list_magics
from milvus_magics.transport.events import Change


class Printer:
    """What IPython gives a result to write to."""

    def __init__(self, result):
        self.said = ""
        result._repr_pretty_(self, False)

    def text(self, text):
        self.said += text


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    return monkeypatch


@settings(max_examples=200, deadline=None)
@given(st.integers(20, 140), st.lists(st.lists(st.text(max_size=90), min_size=4, max_size=4), max_size=6), st.text())
def test_no_line_is_wider_than_the_terminal(width, values, caption):
    """Whatever the texts are: letters that take two columns, or none, included."""
    rows = [dict(zip("abcd", each, strict=True)) for each in values]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        patch.setenv("COLUMNS", str(width))
        lines = text_table(list("abcd"), rows, caption).split("\n")
    assert max(map(display_width, lines)) <= width


@given(st.lists(st.text("ab_%", min_size=1, max_size=40), min_size=1), st.integers(14, 30))
def test_no_name_is_cut(names, width):
    """What is too long for its column goes on below."""
    fitted = fit_columns([[name] for name in names], width)
    assert ["".join(line for (line,) in row) for row in fitted] == names


REFUSED = "there is no role 'nope' on http://127.0.0.1:39971; there are: admin, data_science_readers, public, reader"
CHANGE = Change(
    when=datetime(2026, 11, 28, 1, 31, 22, 123000, timezone.utc), server="http://127.0.0.1:39971", actor="root",
    operation="create_user", target="nobody2", outcome="refused", code=1100, seconds=0.0036, reason=REFUSED,
)  # fmt: skip
LONG = "customer_support_tickets_2025"
GRANTS = Grants([Grant("data_science_readers", "Search", "Collection", LONG, "default", "root")])


def shown_at(terminal, width, table):
    terminal.setenv("COLUMNS", str(width))
    return repr(table).splitlines()


@pytest.mark.parametrize("width", [40, 80, 100])
def test_a_table_that_does_not_fit_is_stacked(terminal, width):
    """Value by value: columns so narrow that nothing can be read in them help nobody."""
    lines = shown_at(terminal, width, Changes([CHANGE]))
    assert "when: 2026-11-28T01:31:22.123Z" in lines
    assert "server: http://127.0.0.1:39971" in lines
    assert len(lines) <= 9 + 2 * len(REFUSED) // width
    assert max(map(len, lines)) <= width


def test_a_table_that_can_be_read_is_not_stacked(terminal):
    """Long names go on below, broken where their parts end."""
    assert wrap_lines("DescribeCollection", 15) == ["Describe", "Collection"]
    lines = shown_at(terminal, 80, GRANTS)
    assert lines[0].split() == ["role", "privilege", "object", "type", "object", "name", "db", "grantor"]
    assert "..." not in "".join(lines)
    assert "customer_support_  default" in "\n".join(lines)
    assert lines[-1].split() == ["readers", "tickets_2025"]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("topic", [None, "users", "roles", "privileges and groups"])
def test_a_magic_is_never_broken(terminal, width, topic):
    """Else it can be neither read nor copied."""
    magics = list_magics()
    lines = shown_at(terminal, width, MagicList([row for row in magics if topic in (None, row.topic)]))
    shown = {word for line in lines for word in line.split() if word.startswith("%")}
    assert shown <= {row.magic for row in magics}
    assert max(map(len, lines)) <= width
    assert width < 80 or topic is not None or lines[0].startswith("topic  "), "at 80 columns all fit"


def test_what_no_terminal_shows_is_whole(terminal):
    """A notebook, a file or a pipe gets each value on one line, also where COLUMNS was inherited."""
    users = Users([User("ann", description="x " * 100)])
    assert max(map(len, repr(users).splitlines())) <= 60
    terminal.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert max(map(len, repr(users).splitlines())) > 180


DELETED = DeletedUser("ann", "http://milvus", ("reader",), True)


def test_colours_are_for_terminals_that_have_them(terminal):
    """Done is green, an error red, headings bold; texts that may be kept have none."""
    assert Printer(DELETED).said.startswith("\x1b[32m")
    assert Printer(Users([User("ann")], "1 user")).said.startswith("\x1b[1m1 user\x1b[0m")
    assert ParameterError("no")._render_traceback_() == ["\x1b[31mParameterError: no\x1b[0m"]
    assert "\x1b" not in f"{DELETED!r}{DELETED}{Users([User('ann')], '1 user')!r}"
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with terminal.context() as patch:
            patch.setenv(name, value)
            assert "\x1b" not in Printer(DELETED).said
    terminal.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert "\x1b" not in Printer(DELETED).said


def test_a_name_brings_no_colour(terminal):
    """Only our own codes reach the terminal."""
    hostile = "\x1b[2Jann\x1b[31m"
    said = Printer(Users([User(hostile)], hostile)).said + Printer(DeletedUser(hostile, hostile, None, True)).said
    assert "\x1b" not in re.sub(r"\x1b\[(0|1|32)m", "", said)
    assert "\\x1b[31m" in said, "it is shown as text"


def snapshot(**options):
    plain = {"enforced": True, "secure": True, "default_password": False}
    return AccessSnapshot(
        "http://milvus", "v2.6.4", {"root": (), "ann": ()}, {"admin": (), "reader": ()},
        [Grant("reader", "Search", "Collection", "gone", "default")], {}, {"default": ()}, {"default": {}},
        **{**plain, **options},
    )  # fmt: skip


def test_findings_come_by_weight():
    """What leaves everything open comes first, what is merely unused last; each looks as it weighs."""
    found = find_problems(snapshot(enforced=False, default_password=True, is_private=False))
    assert [finding.weight for finding in found] == ["serious"] * 2 + ["warning"] * 2 + ["note"] * 2
    html = found.to_html_lines()
    assert html.startswith(html_line(found[0].text, "serious"))
    assert len({html_line("x", weight) for weight in ("serious", "warning", "note")}) == 3
    assert found.to_lines(lambda text, _: text)[0].startswith("serious: authorization is off")
    assert isinstance(found, Findings)


def test_who_may_do_everything_is_not_told_to_have_nothing():
    """The role admin holds no grants, and root no roles; neither needs any."""
    assert "may do everything" in str(RoleDetails("admin", ("root",), Grants([])))
    assert "without privileges" in str(RoleDetails("reader", (), Grants([])))
    assert "may do everything" in str(User("root"))
    shown = Users([User("root"), User("ann")])
    assert "may do everything" in shown._repr_html_()
    assert shown.to_dicts()[0]["roles"] == (), "the data stay what the server said"
    assert "everything" not in str(User("root", ("admin",)))
