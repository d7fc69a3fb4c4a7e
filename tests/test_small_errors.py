"""Input that nobody expects ends in one line of ours, and changes nothing."""

import csv
import io
import itertools
import re
import time
from datetime import datetime, timezone

import contract
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from milvus_magics import connections
from milvus_magics.errors import MilvusException
from milvus_magics.session import journal
from milvus_magics.transport.events import Change
from milvus_magics.wire.versions import is_older

HALF = "x\ud83d"
LINES = [
    "create_user bob --password-env PW --description $half", "create_role q --description $half",
    "describe_role r $half", "grant_privilege r Search --collection $half",
    "grant_privilege r Search --collection docs --db $half", "revoke_privilege r Search --collection $half",
    "grant_role root $half", "create_user bob --password-env PW --role $half", "access --user $half",
    "access --collection $half", "create_privilege_group $half", "connect $half", "connect --host $half",
    "connect http://h --ca-pem $half", "connect --embedded $half", "use $half", "restore_user $half",
    "create_users $half", "delete_user $half",
]  # fmt: skip


@pytest.fixture(scope="module")
def shell():
    with contract.serve("3.0.0") as (server, address):
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
        shell.run_line_magic("load_ext", "milvus_magics")
        shell.user_ns["half"] = HALF
        server.roles["r"] = ""
        shell.server = server
        yield shell
        shell.run_line_magic("unload_ext", "milvus_magics")


@pytest.mark.parametrize("line", LINES)
def test_half_a_character_is_told(shell, line, monkeypatch):
    """As JSON's `\\ud83d` leaves it where a text was cut; nothing raw, and nothing is made."""
    monkeypatch.setenv("PW", "a-password")
    before = [dict(shell.server.passwords), dict(shell.server.roles), dict(shell.server.grants)]
    name, _, rest = line.partition(" ")
    with pytest.raises(MilvusException) as caught:
        shell.run_line_magic(f"milvus_{name}", rest)
    assert "codec" not in str(caught.value), "these are Python's own words"
    assert before == [dict(shell.server.passwords), dict(shell.server.roles), dict(shell.server.grants)]


def test_a_version_with_thousands_of_digits_cannot_be_read():
    """So the server counts as a new one; Python refuses to read such a number."""
    assert not is_older("v" + "9" * 5000 + ".0.0", "2.4")
    assert is_older("v2.3.5-lite", "2.4")


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("x;=1+1", "x;'=1+1"),
        ("y\t=1+1", "y\t'=1+1"),
        ("y; -1", "y; '-1"),
        ('x;"=1+1;"', 'x;"\'=1+1;"'),
        ("\uff1d1", "'\uff1d1"),
        ('x, " @y', "x, \" '@y"),
        ("a-b", "a-b"),
        ('a"=b', 'a"=b'),
        ("bob", "bob"),
    ],
)
def test_no_cell_of_an_audit_is_a_formula(name, cell):
    """Whatever separator a spreadsheet splits at."""
    assert journal._as_cell(name) == cell


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text("=+-@\uff1d\uff0b\uff0d\uff20;,|\t\r\n\"' \u00a0\u2028\x0b\0\u200bx1"), min_size=1, max_size=3))
def test_no_cell_of_an_audit_is_a_formula_whatever_it_is_split_at(names):
    """Read by any separator, with its quotes or as they stand."""
    now = datetime.now(timezone.utc)
    rows = [Change(now, "s", name, "drop_user", name, "done", 0, 1.0).to_dict() for name in names]
    text = journal._write_csv(rows)
    for delimiter in ",;\t|":
        for cell in itertools.chain(*csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)):
            assert not re.match(r"""[\s"]*[=+\-@\uff1d\uff0b\uff0d\uff20]""", cell), (delimiter, text)


def test_a_long_name_takes_no_longer_to_write():
    """Of what may stand before a sign."""
    began = time.monotonic()
    for sign in ("\n", "\t", '"', " ", ";", "\r", "\x0b"):
        journal._as_cell(sign * 200_000 + "x")
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("minutes", ["1e12", "float('inf')", "float('nan')", "-1"])
def test_passwords_are_kept_for_a_week_at_most(shell, minutes, caplog):
    """What no timer takes is refused in a line, and the setting stays."""
    shell.run_line_magic("config", f"MilvusMagics.undo_minutes = {minutes}")
    assert "undo_minutes" in caplog.text
    assert shell.magics_manager.registry["MilvusMagics"].undo_minutes == 0
