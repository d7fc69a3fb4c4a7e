"""What is recorded of changes, shown, exported and logged, on a real Milvus."""

import csv
import json
import logging
import re
import stat

import pytest

from milvus_magics import DropUserForm, utility
from milvus_magics.display.tables import MAX_ROWS
from milvus_magics.errors import MilvusException, ParameterError
from milvus_magics.session import session

PASSWORD = "right-password"


@pytest.fixture
def run(shell):
    session.journal.clear()
    return lambda line: shell.run_line_magic(*f"milvus_{line} ".split(" ", 1))


@pytest.fixture
def some_changes(run):
    """One by magic, one by Python, one by form, and one that is refused."""
    run("create_user bob --password-env PW")
    utility.create_user("eve", PASSWORD)
    form = DropUserForm()
    form.fields["user"].value = form.fields["confirmation"].value = "eve"
    form.submit()
    form.close()
    with pytest.raises(MilvusException):
        utility.delete_user("bob", "wrong-password")


def test_every_way_of_changing_is_an_entry(run, some_changes, root):
    """Who, what, where, what came of it, and a time in UTC."""
    rows = run("audit").to_dicts()
    assert [(row["operation"], row["target"], row["outcome"], row["code"]) for row in reversed(rows)] == [
        ("create_user", "bob", "done", 0),
        ("create_user", "eve", "done", 0),
        ("drop_user", "eve", "done", 0),
        ("delete_user", "bob", "refused", 1400),
    ]
    assert {(row["server"], row["actor"]) for row in rows} == {(root.address.url, "root")}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["when"]) for row in rows)
    assert all(0 < row["seconds"] < 10 for row in rows)
    assert "4 changes made or tried in this session" in repr(run("audit"))


def test_long_histories_show_what_just_happened(run, some_changes):
    """A table is cut at its end, so the newest change comes first."""
    first = session.journal.entries()[0]
    for _ in range(MAX_ROWS + 50):
        session.journal.record(first)
    run("drop_user bob --yes")
    shown = run("audit")
    assert "drop_user" in repr(shown)
    assert "drop_user" in shown._repr_html_()


def test_each_operation_has_its_entry(run):
    """Roles, grants and passwords, too; what is only looked at has none."""
    for line in (
        "create_role reader", "create_user bob --password-env PW", "grant_role bob reader", "list_users", "whoami",
        "grant_privilege reader Search --collection docs", "revoke_privilege reader Search --collection docs",
        "update_password bob --password-env PW --new-password-env NEW", "list_role reader",
        "reset_password bob --password-env NEW --new-password-env PW", "revoke_role bob reader",
        "drop_role reader --yes", "drop_user bob --dry-run",
    ):  # fmt: skip
        run(line)
    assert [entry.operation for entry in session.journal.entries()] == [
        "create_role", "create_user", "grant_role", "grant_privilege", "revoke_privilege", "update_password",
        "reset_password", "revoke_role", "drop_role",
    ]  # fmt: skip
    assert {entry.outcome for entry in session.journal.entries()} == {"done"}


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_export(run, some_changes, tmp_path, suffix, capsys):
    """A private file that is never overwritten by accident."""
    path = tmp_path / f"changes.{suffix}"
    run(f"audit --export {path}")
    assert "4 changes written to" in capsys.readouterr().out
    text = path.read_text()
    rows = (
        [json.loads(line) for line in text.splitlines()]
        if suffix == "jsonl"
        else list(csv.DictReader([*text.splitlines()]))
    )
    assert [row["target"] for row in rows] == ["bob", "eve", "eve", "bob"]
    assert set(rows[0]) == {"when", "server", "actor", "operation", "target", "outcome", "code", "seconds", "reason"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert PASSWORD not in text, "no password in an export"
    with pytest.raises(ParameterError, match="exists already"):
        run(f"audit --export {path}")
    path.chmod(0o644)
    run(f"audit --export {path} --force")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == text


def test_targets_say_what_was_given_and_no_cell_is_a_formula(run, root, tmp_path):
    """The privilege with its scope, as the server has it; a role that is not there; a name like a formula."""
    run("create_role reader")
    run("grant_privilege reader Search --collection docs")
    run("grant_privilege reader SelectUser")
    for line in ("drop_role ghost --yes", "drop_user '=HYPERLINK(1)' --yes", "drop_user @x --yes",
                 "add_privileges_to_group g Search Query"):  # fmt: skip
        with pytest.raises(MilvusException):
            run(line)
    run("drop_role reader --force --yes")
    assert [(entry.operation, entry.target, entry.outcome) for entry in session.journal.entries()[1:]] == [
        ("grant_privilege", "reader Search on collection 'docs' in database 'default'", "done"),
        ("grant_privilege", "reader SelectUser on all users in database 'default'", "done"),
        ("drop_role", "ghost", "refused"),
        ("drop_user", "=HYPERLINK(1)", "refused"),
        ("drop_user", "@x", "refused"),
        ("add_privileges_to_group", "g + Search, Query", "refused"),
        ("revoke_privilege", "reader Search on collection 'docs' in database 'default'", "done"),
        ("revoke_privilege", "reader SelectUser on all users in database 'default'", "done"),
        ("drop_role", "reader", "done"),
    ]
    run(f"audit --export {tmp_path}/changes.csv")
    with open(tmp_path / "changes.csv", newline="") as stream:
        cells = [cell for row in csv.reader(stream) for cell in row]
    assert "'=HYPERLINK(1)" in cells
    assert "'@x" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_bad_exports_write_nothing(run, tmp_path):
    """Another suffix, a directory that is not there, --force alone."""
    for line, said in [
        (f"audit --export {tmp_path}/x.txt", "must end in .jsonl or .csv"),
        (f"audit --export {tmp_path}/no/x.csv", "cannot be made"),
        ("audit --export ~nobody_of_this_name/x.csv", "cannot be made"),
        ("audit --force", "goes with --export"),
    ]:
        with pytest.raises(ParameterError, match=said):
            run(line)
    assert not list(tmp_path.iterdir())


def test_logger_gets_every_change(run, some_changes, caplog):
    """One record per change, with its fields, at INFO."""
    with caplog.at_level(logging.INFO, logger="milvus_magics.audit"):
        run("create_role reader")
        with pytest.raises(MilvusException):
            utility.delete_user("bob", "wrong-password")
    first, second = (record for record in caplog.records if record.name == "milvus_magics.audit")
    assert first.getMessage().startswith("create_role reader: done (code 0) on ")
    assert second.change["outcome"] == "refused"
    assert "wrong-password" not in caplog.text, "no password in a log"
