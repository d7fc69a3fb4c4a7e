"""Many users at once, on a real Milvus: planned, done, run again, and every row told rightly when things go wrong."""

import csv
import io
import json
import os
import random
import signal
import stat
import sys
import threading
import time
from dataclasses import replace
from importlib import import_module

import contract
import pandas
import pytest
from cutting import cutting
from processes import interrupt_after, pid_of_milvus

from milvus_magics import connections, embedded
from milvus_magics.bulk import run
from milvus_magics.bulk.plan import CREATE, DELETE, make_plan
from milvus_magics.bulk.results import BulkError
from milvus_magics.bulk.rows import rows_of
from milvus_magics.bulk.run import create_users, delete_users, drop_users, execute
from milvus_magics.client import roles, users
from milvus_magics.client.password_check import check_password
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.errors import AliasError, ConfirmationError, ParameterError
from milvus_magics.secret import Secret
from milvus_magics.session import session
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

PASSWORD = "a-password-of-theirs"
MANY = {"PROXY_MAXUSERNUM": "5000", "PROXY_MAXROLENUM": "50"}


@pytest.fixture(scope="module", params=[True, False], ids=["authorization on", "authorization off"])
def milvus(request):
    with embedded.start(tcp_port=0, authorization=request.param, settings=MANY) as server:
        yield server


@pytest.fixture
def conn(milvus):
    conn = connect(milvus)
    roles.create_role(conn, "reader", timeout=10)
    yield conn
    for name in names_on(conn):
        users.drop_user(conn, name, timeout=10)
    roles.drop_role(conn, "reader", force=True, timeout=10)
    conn.close()


def connect(server, uri=None):
    return Connection(Address.parse(uri or server.uri, user="root", password=server.password or "junk"))


def names_on(conn):
    return [name for name in users.list_usernames(conn, timeout=10) if name != "root"]


def people(count, **fields):
    return [{"user": f"user{number}", "password": f"{PASSWORD}{number}", **fields} for number in range(count)]


def test_a_class_comes_and_goes(conn):
    """Created with roles and passwords, again: nothing to do; deleted by their passwords, again: nobody is left."""
    made = create_users(conn, people(60, roles="reader"))
    assert made.counts == {"done": 60}
    listed = {user.name: user.roles for user in users.list_users(conn, timeout=10)}
    assert sum(held == ("reader",) for held in listed.values()) == 60
    again = create_users(conn, people(60, roles="reader"))
    assert again.counts == {"already": 60}
    told = []
    gone = delete_users(conn, people(60), progress=told.append)
    assert gone.counts == {"done": 60}
    assert told == list(range(1, 61))
    assert names_on(conn) == []
    again = delete_users(conn, people(60))
    assert again.counts == {"missing": 60}
    with pytest.raises(BulkError, match="60 not found"):
        again.raise_for_failures()
    assert execute(conn, make_plan(conn, DELETE, rows_of(people(60)), missing_ok=True)).counts == {"already": 60}


def test_a_wrong_password_deletes_nobody_and_stops_nobody(conn):
    """Wrong in two rows: those stay and say why, as for one user; the others go."""
    rows = people(130)
    create_users(conn, rows)
    rows[7]["password"] = rows[111]["password"] = "not-the-right-one"
    found = delete_users(conn, rows)
    assert found.counts == {"done": 128, "refused": 2}
    assert {row.user for row in found if row.outcome == "refused"} == {"user7", "user111"}
    assert {row.reason for row in found if row.outcome == "refused"} == {
        f"the password given for user {name!r} is wrong" for name in ("user7", "user111")
    }
    assert names_on(conn) == ["user111", "user7"]
    with pytest.raises(BulkError, match=r"128 done, 2 refused .* row 8 \('user7'\): refused, the password given for"):
        found.raise_for_failures()
    assert drop_users(conn, ["user7", "user111"]).counts == {"done": 2}


def test_stop_on_error(conn):
    """With the first refusal no more rows are begun; those say so."""
    rows = people(200)
    create_users(conn, rows)
    rows[0]["password"] = "not-the-right-one"
    found = delete_users(conn, rows, stop_on_error=True)
    assert found.counts["refused"] == 1
    assert found.counts["not tried"] > 100
    assert found.counts["done"] == 200 - len(names_on(conn))


def test_all_problems_at_once_and_nothing_is_changed(conn):
    """Every row that is wrong is named with its number, before anything is sent that changes anything."""
    users.create_user(conn, "ann", PASSWORD, timeout=10)
    before = len(session.journal.entries())
    rows = [
        {"user": "bob", "roles": "raeder"}, {"user": "1x"}, {"user": "bob"}, {"user": "eve", "password": "short"},
        {"user": "ok"},
    ]  # fmt: skip
    with pytest.raises(BulkError) as found:
        create_users(conn, rows)
    assert str(found.value).startswith("4 problems, so nothing was changed\n")
    for problem, row, words in zip(
        found.value.problems,
        [(1, "bob", "roles"), (2, "1x", "user"), (3, "bob", "user"), (4, "eve", "password")],
        [
            "there is no role 'raeder' (did you mean 'reader'?)",
            "the user name '1x' must begin",
            "the user is in row 1 already",
            "the password is too short: 5 bytes",
        ],
        strict=True,
    ):
        assert problem[:3] == row
        assert words in problem.problem
        assert words in str(found.value)
    for rows, words in [
        ([{"user": "root", "password": PASSWORD}], "never deletes 'root'"),
        (["ann"], r"1 +ann +password +there is no password; %milvus_drop_users needs none"),
        ([{"user": "ann", "pasword": PASSWORD}], r"field 2 is unknown \(did you mean 'password'\?\); there are user,"),
        ([{"user": ""}], "the user name is empty"),
        ([7], "a name or a dict is needed, not int"),
        ([{"user": "ann", "roles": 7}], "the roles must be"),
    ]:
        with pytest.raises(BulkError, match=words):
            delete_users(conn, rows)
    with pytest.raises(BulkError, match="2 users are there and 1 would be added, but 2 is the limit"):
        create_users(conn, ["new"], limit=2)
    with pytest.raises(ParameterError, match="must be a list"):
        rows_of("ann")
    assert names_on(conn) == ["ann"]
    assert len(session.journal.entries()) == before


def test_the_servers_own_limit(tmp_path):
    """It tells by refusing: those rows say so, and no more are sent."""
    with embedded.start(settings={"PROXY_MAXUSERNUM": "20"}) as server:
        conn = connect(server)
        planned = make_plan(conn, CREATE, rows_of(people(150)))
        assert "151 users, and the default limit is 100" in str(planned)
        found = create_users(conn, people(150))
        assert found.counts["done"] == 19
        assert found.counts["not tried"] > 0
        assert sum(found.counts.values()) == 150
        assert len(names_on(conn)) == 19
        assert any("takes no more users" in row.reason for row in found if row.outcome == "refused")
        conn.close()


def test_half_done_creations_are_finished(conn):
    """A user with this password who lacks a role gets it; one with another password keeps what they have."""
    for name, password in {"ann": PASSWORD, "bob": "another password"}.items():
        users.create_user(conn, name, password, timeout=10)
    found = create_users(conn, {"ann": {"password": PASSWORD, "roles": ["reader"]},
                                     "bob": {"password": PASSWORD, "roles": ["reader"]}})  # fmt: skip
    assert {row.user: row.outcome for row in found} == {"ann": "done", "bob": "refused"}
    listed = {user.name: user.roles for user in users.list_users(conn, timeout=10)}
    assert (listed["ann"], listed["bob"]) == (("reader",), ())


def role_that_goes(conn, monkeypatch):
    """A role that somebody drops between the plan and its execution; everything after the plan is as it comes."""
    roles.create_role(conn, "fleeting", timeout=10)
    module = import_module("milvus_magics.bulk.run")  # what stands for it here only reads
    execute = module.execute

    def after_its_end(*args, **options):
        roles.drop_role(conn, "fleeting", timeout=10)
        return execute(*args, **options)

    monkeypatch.setattr(module, "execute", after_its_end)
    monkeypatch.setattr(run, "execute", after_its_end)
    return "fleeting"


def test_a_user_who_lacks_a_role_is_partly_done(conn, monkeypatch):
    """They are there, so their password is kept; the entries say what was done and what was refused."""
    fleeting, changes = role_that_goes(conn, monkeypatch), []
    conn.on_change.append(changes.append)
    found = create_users(conn, [{"user": "ann", "roles": ["reader", fleeting]}, "bob"])
    assert {row.user: row.outcome for row in found} == {"ann": "partly", "bob": "done"}
    assert "user 'ann' is created, but without 'fleeting': there is no role 'fleeting'" in found[0].reason
    assert "nothing was changed" not in found[0].reason
    assert list(found.passwords) == ["ann", "bob"]
    assert check_password(conn, "ann", found.passwords["ann"], Deadline(10), may_rewrite=True).right
    assert [(one.operation, one.target, one.outcome) for one in changes if "ann" in one.target] == [
        ("create_user", "ann", "done"),
        ("grant_role", "ann reader", "done"),
        ("grant_role", "ann fleeting", "refused"),
    ]
    with pytest.raises(BulkError, match=r"'ann'\): partly"):
        found.raise_for_failures()


def test_the_file_keeps_the_password_of_who_lacks_a_role(shell, root, monkeypatch, tmp_path):
    """Dropping it would leave a user whose password nobody knows."""
    shell.user_ns["people"] = [{"user": "ann", "roles": [role_that_goes(root, monkeypatch)]}]
    made = shell.run_line_magic("milvus_create_users", f"people --passwords-to '{tmp_path}/passwords.csv'")
    assert made.counts == {"partly": 1}
    assert (tmp_path / "passwords.csv").read_text().splitlines()[1] == f"ann,{made.passwords['ann'].reveal()}"


def test_nobody_gets_a_role_for_a_password_that_was_just_made_up(conn):
    """Whether somebody of that name is meant cannot be told, so it is said what they lack."""
    users.create_user(conn, "ann", PASSWORD, timeout=10)
    (row,) = create_users(conn, [{"user": "ann", "roles": ["reader"]}])
    assert row.outcome == "refused"
    assert "reader" in row.reason
    assert users.list_user(conn, "ann", timeout=10).roles == ()


def test_passwords_are_made_up_and_masked(conn, milvus):
    """Who has none gets one that works; it is in no text of the result."""
    found = create_users(conn, ["ann", {"user": "bob", "password": PASSWORD}])
    assert list(found.passwords) == ["ann"]
    secret = found.passwords["ann"]
    for text in (repr(found), found._repr_html_(), str(found.to_dicts()), str(list(found))):
        assert secret.reveal() not in text
    assert check_password(conn, "ann", secret, Deadline(10), may_rewrite=True).right
    assert delete_users(conn, {"ann": secret, "bob": PASSWORD}).counts == {"done": 2}


def test_every_row_is_in_the_audit(shell):
    """One entry per change, with its target; undo knows who went."""
    conn = connections.get()
    before = len(session.journal.entries())
    create_users(conn, people(3, roles="public"))
    drop_users(conn, ["user0", "user1"])
    entries = session.journal.entries()[before:]
    assert sorted((entry.operation, entry.target, entry.outcome) for entry in entries) == sorted(
        [*(("create_user", f"user{n}", "done") for n in range(3)), *(("grant_role", f"user{n} public", "done") for n in
         range(3)), ("drop_user", "user0", "done"), ("drop_user", "user1", "done")]
    )  # fmt: skip
    assert "role 'public'" in str(shell.run_line_magic("milvus_restore_user", "user0 --password-env PW"))


def test_magics_with_every_kind_of_source(shell, tmp_path, monkeypatch):
    """Files and Python names; the passwords' file is private, never overwritten, and holds what is needed."""
    run = shell.run_line_magic
    (tmp_path / "class.csv").write_text('\ufeffuser,roles,password\nann,public,\nbob,"public, admin",secret-of-bob\n')
    target = tmp_path / "passwords.csv"
    made = run("milvus_create_users", f"'{tmp_path}/class.csv' --passwords-to '{target}'")
    assert made.counts == {"done": 2}
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with open(target, newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row == {"user": "ann", "password": made.passwords["ann"].reveal()}
    with pytest.raises(ParameterError, match="exists already"):
        run("milvus_create_users", f"'{tmp_path}/class.csv' --passwords-to '{target}'")
    (tmp_path / "leavers.json").write_text(json.dumps({"ann": row["password"], "bob": "secret-of-bob"}))
    assert run("milvus_delete_users", f"'{tmp_path}/leavers.json' --yes").counts == {"done": 2}

    shell.user_ns |= {"names": ["ann", "bob"], "frame": pandas.DataFrame([{"user": "eve", "password": None}])}
    assert run("milvus_create_users", "names").counts == {"done": 2}
    assert run("milvus_create_users", "frame").counts == {"done": 1}
    answers = iter(["3", "2"])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    with pytest.raises(ConfirmationError, match="number of users was not retyped as '2'"):
        run("milvus_drop_users", "names")
    assert run("milvus_drop_users", "names").counts == {"done": 2}
    assert run("milvus_drop_users", "frame --yes").counts == {"done": 1}


LAST_ADMINS = "obody else has the role admin"


@pytest.fixture
def leavers(shell, monkeypatch):
    """Ann and bob, admins both, and eve, who is none; run a line about those that are named."""
    create_users(connections.get(), {
        name: {"password": PASSWORD, "roles": roles}
        for name, roles in {"ann": ["admin"], "bob": ["admin"], "eve": []}.items()
    })  # fmt: skip
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # nobody is there to be asked

    def run(line, *names):
        shell.user_ns["leavers"] = dict.fromkeys(names, PASSWORD)
        return shell.run_line_magic(f"milvus_{line.split()[0]}", f"leavers {line.partition(' ')[2]}")

    return run


@pytest.mark.parametrize("line", ["delete_users", "drop_users"])
def test_all_admins_are_asked_about(leavers, monkeypatch, line):
    """How many go is retyped, or --yes is given; who takes only some of them is told nothing of that."""
    assert LAST_ADMINS in str(leavers(f"{line} --dry-run", "ann", "bob", "eve"))
    assert LAST_ADMINS not in str(leavers(f"{line} --dry-run", "bob", "eve"))
    with pytest.raises(ConfirmationError, match=f"{LAST_ADMINS}.*Nobody can be asked here"):
        leavers(line, "ann", "bob")
    asked = []
    monkeypatch.setattr("builtins.input", lambda label: asked.append(label) or "1")
    with pytest.raises(ConfirmationError, match="the number of users was not retyped as '2'; nothing was changed"):
        leavers(line, "ann", "bob")
    assert LAST_ADMINS in asked[0]
    assert names_on(connections.get()) == ["ann", "bob", "eve"]
    monkeypatch.setattr("builtins.input", lambda label: "2")
    assert leavers(line, "ann", "bob").counts == {"done": 2}
    assert names_on(connections.get()) == ["eve"]


def test_some_admins_are_deleted_unasked(leavers):
    """With their passwords, as anybody; dropping always asks. The one who is left is the last one then."""
    assert leavers("delete_users", "ann", "eve").counts == {"done": 2}
    with pytest.raises(ConfirmationError, match=LAST_ADMINS):
        leavers("delete_users", "bob")
    assert leavers("delete_users --yes", "bob").counts == {"done": 1}


def test_all_admins_of_one_of_several_servers_are_asked_about(leavers):
    """Nothing is changed on any of them before that is answered."""
    with contract.serve("2.6.4") as (other, address):
        connections.connect("other", "root", "Milvus", uri=f"http://{address}")
        create_users(connections.get("other"), {"eve": {"password": PASSWORD, "roles": ["admin"]}})
        assert LAST_ADMINS not in str(leavers("delete_users --dry-run", "eve"))
        with pytest.raises(ConfirmationError, match=LAST_ADMINS):
            leavers("delete_users --using default,other", "eve")
        assert "eve" in other.passwords
        assert "eve" in names_on(connections.get())
        assert leavers("delete_users --using default,other --yes", "eve").counts == {"done": 2}


@pytest.mark.parametrize("line", ["delete_users", "drop_users", "delete_users --yes", "drop_users --yes"])
def test_nobody_deletes_themselves_among_many(leavers, line):
    """Not even confirmed: nobody could be told any more what became of the rest."""
    connections.connect("anns", "ann", PASSWORD, uri=connections.get().address.url)
    with pytest.raises(BulkError, match=r"2 +ann +user +you are connected as 'ann': delete that one by itself, with"):
        leavers(f"{line} --using anns", "eve", "ann")
    assert names_on(connections.get()) == ["ann", "bob", "eve"]


def test_bad_files_are_told_without_what_they_hold(shell, tmp_path):
    """One line; no password of the file in it."""
    secret = "secret-in-a-file"
    for name, text, words in [
        ("a.csv", f"user,pasword\nann,{secret}\n", "field 2 of the heading is unknown (did you mean 'password'?)"),
        ("b.csv", f"user,password\nann,{secret},too,many\n", "it has 4 fields, but the heading has 2"),
        ("c.json", f'[{{"user": "ann", "password": "{secret}"', "it is not valid JSON"),
        ("d.json", '"ann"', "it must hold a list"),
        ("e.json", f'[{{"user": "ann", "password": ["{secret}"]}}]', "the password must be text"),
        ("f.txt", secret, "neither a Python name"),
        ("g.csv", None, "No such file"),
        *(
            (
                f"h{number}.csv",
                f"{line}\neve,other\n",
                f"field {field} of the heading is unknown (is the heading missing?)",
            )
            for number, (line, field) in enumerate(
                [
                    (f"bob,{secret}", 1),
                    (f"{secret},bob", 1),
                    (f"bob;{secret}", 1),
                    (f"bob:{secret}", 1),
                    (f"bob\t{secret}", 1),
                    (secret, 1),
                    (f"user,{secret}", 2),
                ]
            )
        ),
        ("i.csv", f"bob;password-{secret}\n", "field 1 of the heading is unknown"),
        ("j.csv", f"user;{secret[:6]}password\n", "field 2 of the heading is unknown"),
        ("k.json", f'[{{"user": "ann", "{secret}": 1}}]', "field 2 is unknown; there are"),
    ]:
        if text is not None:
            (tmp_path / name).write_text(text)
        with pytest.raises((ParameterError, BulkError)) as found:
            shell.run_line_magic("milvus_create_users", f"'{tmp_path}/{name}'")
        assert words in str(found.value)
        assert secret not in str(found.value)
    assert users.list_usernames(connections.get(), timeout=10) == ["root"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_files_of_any_spreadsheet(shell, tmp_path, separator):
    """Separated by commas, semicolons or tabs, as the heading shows."""
    rows = [["user", "password", "roles"], ["ann", '"pass;word,1"', '"public,admin"'], ["bob", "password2", ""]]
    (tmp_path / "class.csv").write_text("".join(separator.join(row) + "\r\n" for row in rows))
    assert shell.run_line_magic("milvus_create_users", f"'{tmp_path}/class.csv'").counts == {"done": 2}
    assert users.list_user(connections.get(), "ann", timeout=10).roles == ("admin", "public")
    assert check_password(connections.get(), "ann", Secret("pass;word,1"), Deadline(10), may_rewrite=False).right


def test_several_servers(shell, server):
    """The same on each, planned for all before anything is changed; a column says where."""
    with embedded.start() as other:
        connections.connect("north", uri=other.uri, user="root", password=other.password)
        shell.user_ns["names"] = ["ann", "bob"]
        made = shell.run_line_magic("milvus_create_users", "names --using default,north")
        assert made.counts == {"done": 4}
        assert {row.server for row in made} == {server.uri, other.uri}
        assert "server" in made.shown_columns()
        assert len({secret.reveal() for secret in made.passwords.values()}) == 2
        seen = shell.run_line_magic("milvus_drop_users", "names --using default,north --dry-run")
        assert [row.server for row in seen] == [server.uri] * 2 + [other.uri] * 2
        assert seen.counts == {"to do": 4}
        assert shell.run_line_magic("milvus_drop_users", "names --using default,north --yes").counts == {"done": 4}
        connections.disconnect("north")


def test_an_interrupt_settles_what_is_under_way(conn):
    """No more rows are begun, each row says what came of it, and Python's own handler is back."""
    rows = people(800)
    interrupt_after(0.4)
    found = create_users(conn, rows)
    assert found.interrupted
    assert "interrupted; " in found.caption
    assert set(found.counts) == {"done", "not tried"}
    assert set(names_on(conn)) == {row.user for row in found if row.outcome == "done"}
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_killed_server_and_the_same_line_again(tmp_path):
    """Killed in the middle, started again on its data: no row is told wrongly, and the second run ends it."""
    rows = people(1500)
    with embedded.start(str(tmp_path / "data"), settings=MANY) as server:
        conn = connect(server)
        assert create_users(conn, rows).counts == {"done": 1500}
        pid = pid_of_milvus(server)
        first = delete_users(conn, rows, progress=lambda count: count == 300 and os.kill(pid, signal.SIGKILL))
        conn.close()
    with embedded.start(str(tmp_path / "data"), settings=MANY) as server:
        conn = connect(server)
        second = delete_users(conn, rows)
        assert names_on(conn) == []
        conn.close()
    assert set(first.counts) <= {"done", "refused", "unknown"}
    assert set(second.counts) <= {"done", "already", "missing"}
    for before, after in zip(first, second, strict=True):
        done = [row.outcome for row in (before, after)].count("done")
        settled = before.outcome == "unknown" and after.outcome in ("already", "missing")
        assert done == 1 or settled, (before, after)


def test_answers_that_are_lost_at_random(milvus, conn):
    """Through a proxy that cuts: what is said to be done is done, what is refused is not, and all come to an end."""
    luck = random.Random(5)
    with cutting(milvus.uri) as proxy:
        through = connect(milvus, proxy.address)
        stop, cuts = threading.Event(), []

        def cut():
            pause = 0.2
            while not stop.wait(pause):
                pause = 1.3 + luck.uniform(0.05, 0.4)  # gRPC waits a second or more before it connects anew
                proxy.mode = luck.choice(["cut before", "cut after"])
                cuts.append(proxy.mode)
                while proxy.mode != "pass" and not stop.wait(0.01):
                    pass

        thread = threading.Thread(target=cut)
        thread.start()
        try:
            made = create_users(through, people(400, roles="reader"))
            listed = {user.name: user.roles for user in users.list_users(conn, timeout=10)}
            for row in made:
                assert (row.user in listed) is (row.outcome == "done") or row.outcome == "unknown", row
                assert row.outcome != "done" or listed[row.user] == ("reader",), row
            gone = delete_users(through, people(400))
            there = set(names_on(conn))
        finally:
            stop.set()
            thread.join()
        for row in gone:
            assert (row.user in there) is (row.outcome == "refused") or row.outcome == "unknown", row
        through.close()
    assert len(cuts) > 1, "both were cut"


def test_secrets_in_the_rows_are_masked():
    """Neither a row nor a plan shows a password."""
    (row,) = rows_of({"ann": "a-secret-password"})
    assert "a-secret-password" not in repr(row)
    assert row.password == Secret("a-secret-password")


@pytest.mark.parametrize("line", ["delete_users", "drop_users"])
def test_names_that_are_nearly_there_are_problems(leavers, line):
    """A blank, another case, a letter that looks alike: such a leaver would stay; nothing is sent."""
    for name in ("ann ", "Ann", "bob\n", "\u0430nn", "bo\u200bb"):
        with pytest.raises(BulkError, match=r"2 .*there is no user .*, but '(ann|bob)': they differ in"):
            leavers(f"{line} --yes", "eve", name)
    with pytest.raises(BulkError) as found:
        leavers(f"{line} --yes", f"nobody,{PASSWORD}")
    assert "1    user    a name holds no blank and no separator; is this a whole line of a file?" in str(found.value)
    assert PASSWORD not in str(found.value)
    assert names_on(connections.get()) == ["ann", "bob", "eve"]


def test_who_is_missing_is_said_and_may_be_meant(leavers):
    """Without --missing-ok it is a failure; and no name is suggested that goes with the same line."""
    result = leavers("drop_users --yes", "eve", "evee")
    assert [(row.user, row.outcome, row.reason) for row in result] == [
        ("eve", "done", ""), ("evee", "missing", "there is no such user"),
    ]  # fmt: skip
    assert leavers("drop_users --dry-run", "evee").counts == {"missing": 1}
    assert leavers("drop_users --yes --missing-ok", "evee").counts == {"already": 1}


def test_looking_for_what_was_meant_is_bounded_in_time(conn, monkeypatch):
    """With 2,000 rows that are gone and 5,000 users."""
    there = {name: UserSnapshot(name) for name in (f"student_{number:05d}_of_class_a" for number in range(5000))}
    monkeypatch.setattr(sys.modules["milvus_magics.bulk.plan"], "read_all_users", lambda conn, deadline: there)
    rows = rows_of([f"student_{number:05d}_of_class_b" for number in range(2000)])
    began = time.monotonic()
    planned = make_plan(conn, DELETE, [replace(row, password=Secret(PASSWORD)) for row in rows])
    assert time.monotonic() - began < 2
    assert {outcome.outcome for outcome in planned.done} == {"missing"}


def test_two_columns_of_one_meaning_are_a_problem(shell, tmp_path):
    """In a file, a table and JSON; nobody guesses which is meant."""
    (tmp_path / "a.csv").write_text("user,name\nann,bob\n")
    (tmp_path / "b.json").write_text('{"ann": "x", "ann": "y"}')
    shell.user_ns["frame"] = pandas.DataFrame({"user": ["ann"], "Name ": ["bob"]})
    for source, words in [
        (f"'{tmp_path}/a.csv'", "fields 1 and 2 of the heading mean the same: 'user' and 'name'"),
        (f"'{tmp_path}/b.json'", "fields 1 and 2 of an object have the same name"),
        ("frame", "fields 1 and 2 of the heading mean the same: 'user' and 'Name'"),
    ]:
        with pytest.raises((ParameterError, BulkError), match=words):
            shell.run_line_magic("milvus_create_users", source)
    assert names_on(connections.get()) == []


def test_what_was_shown_is_what_is_done(shell, server, monkeypatch):
    """The alias is bound to another server while the question stands: nothing is deleted there, nor elsewhere."""
    create_users(connections.get(), {"ann": PASSWORD})
    with contract.serve("2.6.4") as (other, address):
        other.passwords["ann"] = PASSWORD.encode()

        def bind_anew(_):
            connections.connect("default", "root", "Milvus", uri=f"http://{address}")
            return "1"

        monkeypatch.setattr("builtins.input", bind_anew)
        shell.user_ns["leavers"] = ["ann"]
        with pytest.raises(AliasError, match="'default' was bound anew meanwhile .*; nothing was sent"):
            shell.run_line_magic("milvus_drop_users", "leavers")
        assert "ann" in other.passwords
        connections.connect("default", "root", server.password, uri=server.uri)
        assert names_on(connections.get()) == ["ann"]


def test_a_server_that_cannot_verify_loses_no_result_of_another(shell):
    """Those of the first come back; the rows of the second say why they were not tried."""
    create_users(connections.get(), {"ann": PASSWORD})

    class Gateway(contract.ContractServer):
        def UpdateCredential(self, request, caller, metadata):
            """Whatever the old password is."""

    with contract.serving(Gateway("2.6.4", authorization=False)) as (other, address):
        other.passwords["ann"] = PASSWORD.encode()
        connections.connect("other", "root", "Milvus", uri=f"http://{address}")
        shell.user_ns["leavers"] = {"ann": PASSWORD}
        result = shell.run_line_magic("milvus_delete_users", "leavers --using default,other --yes")
        assert [row.outcome for row in result] == ["done", "refused"]
        assert "cannot be verified" in result[1].reason
        assert "ann" in other.passwords
        connections.disconnect("other")
