"""`--dry-run` of every magic that changes something: the effect is told, and nothing that changes anything is sent."""

import io
import sys

import contract
import pytest

from milvus_magics.client import privilege_groups, privileges, roles, users
from milvus_magics.errors import ConfirmationError, MilvusException, WrongPasswordError
from milvus_magics.magics import MilvusMagics
from milvus_magics.session import journal
from milvus_magics.session.connections import connections

PASSWORD = "right-password"
READING = {"GetVersion", "Connect", "ListCredUsers", "SelectUser", "SelectRole", "SelectGrant", "ListDatabases",
           "ShowCollections", "ListPrivilegeGroups"}  # fmt: skip
# Line -> what it says would happen. `bob` holds `reader`, which holds Search on docs; `g` holds Query.
LINES = {
    "create_user new --role reader --password-env PW": "would create user 'new' with role 'reader' on ",
    "delete_user bob --password-env PW": "would delete user 'bob'",
    "drop_user bob": "who has role 'reader'",
    "update_password bob --password-env PW": "would change the password of user 'bob' on ",
    "reset_password bob": "the old password was not looked into",
    "reset_password": "this connection would go on with the new one",
    "create_users people": "would create 2 users on ",
    "delete_users secrets": "would delete 1 user on ",
    "drop_users people": "nothing is left to do for 1: 'new'",
    "create_role new": "would create role 'new' on ",
    "alter_role reader --description x": "would describe role 'reader' as 'x'",
    "drop_role reader": "held by 'bob', with Search on collection 'docs' in database 'default'; it is refused unless",
    "drop_role reader --force": "held by 'bob', with Search on collection 'docs' in database 'default'",
    "grant_role bob public": "would give role 'public' to user 'bob', who has role 'reader'",
    "grant_role bob reader": "they have it already, so nothing would change",
    "revoke_role bob reader": "would take role 'reader' from user 'bob'",
    "grant_privilege reader Query --collection docs": "would grant Query on collection 'docs' in database 'default'",
    "grant_privilege reader Search --collection docs": "it has that already",
    "grant_privilege reader Query --collection dogs": "no collection 'dogs' in database 'default' (did you mean",
    "grant_privilege reader Qury --collection docs": "seen only by granting it (did you mean 'Query'?)",
    "revoke_privilege reader Search --collection docs": "1 user would lose it",
    "create_privilege_group new": "would create privilege group 'new'",
    "drop_privilege_group g": "it cannot be undone",
    "add_privileges_to_group g Search Query": "would add Search to privilege group 'g'",
    "restore_user gone": "would restore user 'gone' with role 'reader' and a password given anew",
    "restore_role lost": "would restore role 'lost', held by nobody",
    "remove_privileges_from_group g Query": "would remove Query from privilege group 'g'",
}
REFUSED = [
    "create_user bob", "create_user new --role raeder", "update_password ghost",
    "create_role reader", "alter_role raeder --description x", "drop_role raeder", "grant_role ghost reader",
    "grant_role bob raeder", "revoke_role bob public", "grant_privilege raeder Search --collection docs",
    "grant_privilege reader Search", "revoke_privilege reader Query --collection docs", "create_privilege_group g",
    "drop_privilege_group x", "remove_privileges_from_group g Search", "drop_user ghost", "create_user 1x",
]  # fmt: skip


@pytest.fixture(params=[True, False], ids=["authorization on", "authorization off"])
def run(shell, request):
    """Run a line on a contract server, which keeps count of what it is asked."""
    with contract.serve("3.0.0", authorization=request.param) as (server, address):
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        conn = connections.get()
        roles.create_role(conn, "reader")
        users.create_user(conn, "bob", PASSWORD, grant=["reader"])
        privileges.grant_privilege(conn, "reader", "Search", collection="docs")
        privilege_groups.create_privilege_group(conn, "g")
        privilege_groups.add_privileges_to_group(conn, "g", ["Query"])

        users.create_user(conn, "gone", PASSWORD, grant=["reader"])
        users.drop_user(conn, "gone")
        roles.create_role(conn, "lost")
        roles.drop_role(conn, "lost")

        shell.user_ns |= {"people": [{"user": "new", "roles": "reader"}, {"user": "bob", "password": PASSWORD,
                                     "roles": "reader,public"}], "secrets": {"bob": PASSWORD}}  # fmt: skip

        def run(line):
            return shell.run_line_magic(*f"milvus_{line} ".split(" ", 1))

        run.server = server
        yield run
        connections.close_all()


@pytest.fixture
def untouched(run):
    """Afterwards the server was only read, and no change is recorded."""
    run.server.calls.clear()
    before = len(journal.entries())
    yield
    changing = set(run.server.calls) - READING
    if not run.server.authorization:
        changing -= {"UpdateCredential"}  # the check of a password, into one that no server can store
    assert not changing
    assert len(journal.entries()) == before


@pytest.mark.parametrize("line", LINES)
def test_effect_is_told_and_nothing_is_changed(run, untouched, line):
    """For each line with --dry-run."""
    passwords = dict(run.server.passwords)
    assert LINES[line] in str(run(f"{line} --dry-run"))
    assert run.server.passwords == passwords


@pytest.mark.parametrize("line", REFUSED)
def test_what_would_be_refused_is_refused(run, untouched, line):
    """The same error as without --dry-run, as far as reading tells."""
    with pytest.raises(MilvusException):
        run(f"{line} --dry-run")


def test_wrong_old_password_is_told_where_that_writes_nothing(run, untouched):
    """With authorization a login tells; without, this version tells only by writing, and that is said."""
    line = "update_password bob --password-env NEW --dry-run"
    if run.server.authorization:
        with pytest.raises(WrongPasswordError):
            run(line)
    else:
        assert "shows only by a change whether it is right" in str(run(line))


def test_every_magic_that_changes_something_has_it():
    """No changing magic without --dry-run, and each of them is tried above."""
    reading = ("milvus", "list_", "whoami", "connect", "use", "disconnect", "audit", "access", "console")
    for name, method in MilvusMagics.magics["line"].items():
        short = name.removeprefix("milvus_")
        if short.startswith(reading):
            continue
        options = {
            option for action in getattr(MilvusMagics, method).parser._actions for option in action.option_strings
        }
        assert "--dry-run" in options, name
        assert any(line.split()[0] == short for line in LINES), name


def test_weakening_oneself_is_confirmed(run, monkeypatch):
    """The role that one holds, and what one's role holds: the name retyped, or --yes."""
    address = connections.get().address.url
    connections.connect("bobs", "bob", PASSWORD, uri=address)
    run("grant_role bob admin")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    for line, said in [
        ("revoke_role bob reader --using bobs", "the user you are connected as, who would lose what the role holds"),
        ("revoke_role bob admin --using bobs", "this is the last user with the role 'admin'"),
        ("revoke_privilege reader Search --collection docs --using bobs", "holds this role, and would lose that"),
    ]:
        with pytest.raises(ConfirmationError, match=said):
            run(line)
        assert said in str(run(f"{line} --dry-run"))
    run("revoke_privilege reader Search --collection docs --using bobs --yes")
    monkeypatch.setattr("builtins.input", lambda label: "bob")
    run("revoke_role bob reader --using bobs")
    assert users.list_user(connections.get(), "bob").roles == ("admin",)
