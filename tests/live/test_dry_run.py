"""`--dry-run` of every magic that changes something: the effect is told, and nothing that changes anything is sent."""

import io
import sys
from contextlib import nullcontext

import contract
import pytest

from milvus_magics.client import privilege_groups, privileges, roles, users
from milvus_magics.client.privileges import preview_grant_privilege
from milvus_magics.client.roles import preview_describe_role
from milvus_magics.errors import (
    ConfirmationError,
    MilvusException,
    ParameterError,
    ServerTooOldError,
    UserExistsError,
    WrongPasswordError,
)
from milvus_magics.magics import MilvusMagics
from milvus_magics.session import connections, session

PASSWORD = "right-password"
READING = {"GetVersion", "Connect", "ListCredUsers", "SelectUser", "SelectRole", "SelectGrant", "ListDatabases",
           "ShowCollections", "ListAliases", "DescribeAlias", "ListPrivilegeGroups"}  # fmt: skip
# Line -> what it says would happen. `bob` holds `reader`, which holds Search on docs; `g` holds Query.
LINES = {
    "create_user new --role reader --password-env PW": "This will create the user new (role: reader)",
    "delete_user bob --password-env PW": "This will delete bob",
    "drop_user bob": "This will delete bob (role: reader)",
    "update_password bob --password-env PW": "This will change the password of bob",
    "reset_password bob": "The old password was not checked",
    "reset_password": "This connection will go on with the new one",
    "create_users people": "dry run: create users on ",
    "delete_users secrets": "1 to do",
    "drop_users people": "there is no such user",
    "create_role new": "This will create the role new",
    "describe_user bob x": "This will change the description of bob to 'x'",
    "describe_role reader x": "This will change the description of the role reader to 'x'",
    "drop_role reader": "in database 'default'). The server will refuse it unless its privileges are revoked first",
    "drop_role reader --force": "held by bob, with Search on collection 'docs' in database 'default'",
    "grant_role bob public": "This will give bob (role: reader) the role public",
    "grant_role bob reader": "bob has that role already; nothing will change",
    "revoke_role bob reader": "This will take the role reader from bob",
    "grant_privilege reader Query --collection docs": "This will grant Query on collection 'docs'",
    "grant_privilege reader Search --collection docs": "in database 'default' already; nothing will change",
    "grant_privilege reader Query --collection dogs": "no collection 'dogs' in database 'default' (did you mean",
    "revoke_privilege reader Search --collection docs": "1 user will lose it",
    "create_privilege_group new": "This will create the privilege group new",
    "drop_privilege_group g": "This cannot be undone",
    "add_privileges_to_group g Search Query": "This will add Search to the privilege group g",
    "restore_user gone": "This will restore gone (role: reader) with a new password",
    "restore_grants searcher": "This will revoke held on everything in database 'default' from the role searcher",
    "restore_role lost": "This will restore the role lost (held by nobody",
    "remove_privileges_from_group g Query": "This will remove Query from the privilege group g",
}
REFUSED = [
    "create_user bob", "create_user new --role raeder", "update_password ghost",
    "create_role reader", "describe_user ghost x", "describe_role raeder x", "drop_role raeder",
    "grant_role ghost reader", "grant_role bob raeder", "revoke_role bob public",
    "grant_privilege raeder Search --collection docs",
    "grant_privilege reader Search", "revoke_privilege reader Query --collection docs", "create_privilege_group g",
    "drop_privilege_group x", "remove_privileges_from_group g Search", "drop_user ghost", "create_user 1x",
    "drop_user root", "delete_user root", "drop_role admin --force", "drop_role public", "drop_privilege_group held",
    "grant_privilege reader Qury --collection docs", "grant_privilege reader COLL_RO --collection docs",
    "add_privileges_to_group g Serch", "describe_role admin x",
    "create_user bob --role reader --password-env PW",
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

        roles.create_role(conn, "searcher")
        privilege_groups.create_privilege_group(conn, "held")
        privilege_groups.add_privileges_to_group(conn, "held", ["Search"])
        privileges.grant_privilege(conn, "searcher", "held", collection="*")

        users.create_user(conn, "gone", PASSWORD, grant=["reader"])
        users.drop_user(conn, "gone")
        roles.create_role(conn, "lost")
        roles.drop_role(conn, "lost")

        shell.user_ns |= {"people": [{"user": "new", "roles": "reader"}, {"user": "bob", "password": PASSWORD,
                                     "roles": "reader,public"}], "secrets": {"bob": PASSWORD}}  # fmt: skip

        def run(line):
            return shell.run_line_magic(*f"milvus_{line} ".split(" ", 1))

        run.server, run.names = server, shell.user_ns
        yield run
        connections.close_all()


@pytest.fixture
def untouched(run):
    """Afterwards the server was only read, and no change is recorded."""
    run.server.calls.clear()
    before = len(session.journal.entries())
    yield
    assert set(run.server.calls) <= READING, "also with authorization off, where only a change shows a password"
    assert len(session.journal.entries()) == before


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
        assert "hether the old password is right shows only when it is changed" in str(run(line))


def test_older_servers_refuse_in_a_dry_run_too(root):
    """One collection where the privilege is about everything; what they don't have."""
    roles.create_role(root, "reader")
    for act in (preview_grant_privilege, privileges.grant_privilege):
        with pytest.raises(ParameterError, match="is about everything, not one collection: leave the collection out"):
            act(root, "reader", "DescribeAlias", collection="docs")
    for act in (preview_describe_role, roles.describe_role):
        with pytest.raises(ServerTooOldError, match=r"keeps no descriptions \(Milvus 2\.6\.19 does\)"):
            act(root, "reader", "x")


def test_half_done_creation_is_told(run, untouched):
    """The real call would finish it; where only a change shows whether the password is the same, that is said."""
    told = str(run("create_user bob --role public --password-env PW --dry-run"))
    how = ", with this password" if run.server.authorization else " (the password was not checked"
    assert f"This will give bob the role 'public'; they exist already{how}" in told
    with pytest.raises(UserExistsError, match="give their password to add the roles that they lack"):
        run("create_user bob --role public --dry-run")


def test_everything_that_would_be_lost_is_told(run, monkeypatch):
    """However much it is; only the question is short."""
    asked = []
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or "no")
    for number in range(9):
        run(f"create_user user{number} --role reader --password-env PW")
        run(f"grant_privilege reader Search --collection docs{number}")
    run.names["people"] = [f"user{number}" for number in range(9)]
    for line in ("drop_role reader --force", "drop_users people"):
        told = str(run(f"{line} --dry-run"))
        assert all(f"user{number}" in told for number in range(9))
        assert "docs8" in told or "people" in line
        with pytest.raises(ConfirmationError):
            run(line)
        assert "more" in asked[-1]
    assert asked[0].count("docs") < 9


def test_dropping_a_group_wants_its_name(run, monkeypatch):
    """Nothing brings it back, and that is said before."""
    asked = []
    for typed in ("grp", "g"):
        monkeypatch.setattr("builtins.input", lambda text, typed=typed: asked.append(text) or typed)
        with nullcontext() if typed == "g" else pytest.raises(ConfirmationError):
            run("drop_privilege_group g")
        assert "the privilege group g (Query)" in asked[-1]
        assert "This cannot be undone" in asked[-1]
        assert ("g" in [group.name for group in run("list_privilege_groups")]) is (typed != "g")
    run("create_privilege_group g")
    run("drop_privilege_group g --yes")
    assert len(asked) == 2


def test_who_may_not_look_is_told_so(run):
    """That holders cannot be seen is not that there are none; a group may be in use."""
    if not run.server.authorization:
        return
    run("create_user eve --role searcher --password-env PW")
    connections.connect("eves", "eve", PASSWORD, uri=connections.get().address.url)
    for line, said in [
        ("create_role reader", "hether there is such a role already cannot be seen"),
        ("drop_privilege_group held", "(privileges unknown: you lack permission"),
        ("remove_privileges_from_group g Search", "This will remove Search from the privilege group g"),
    ]:
        assert said in str(run(f"{line} --using eves --dry-run"))
    told = str(run("revoke_privilege reader Search --collection docs --using eves --dry-run"))
    assert "ho will lose it cannot be seen without the privilege SelectOwnership" in told
    assert "cannot be seen without the privilege SelectOwnership" in str(
        run("drop_privilege_group held --using eves --dry-run")
    )


def test_weakening_oneself_is_confirmed_without_a_right_to_look(run, monkeypatch):
    """One's own roles, and the groups that they hold, everybody may see."""
    for privilege in ("ManageOwnership", "ListPrivilegeGroups", "OperatePrivilegeGroup", "DropOwnership"):
        run(f"grant_privilege searcher {privilege}")
    run("create_user eve --role searcher --password-env PW")
    connections.connect("eves", "eve", PASSWORD, uri=connections.get().address.url)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    for line, said in [
        ("revoke_privilege searcher ManageOwnership", "You hold this role yourself, and will lose that"),
        ("remove_privileges_from_group held Search", "One of your own roles holds this group, and you will lose that"),
        ("drop_role searcher --force", "You hold this role yourself, and will lose what it gives"),
        ("drop_user eve" if not run.server.authorization else "delete_user eve", "so the connection will end"),
    ]:
        with pytest.raises(ConfirmationError, match=said):
            run(f"{line} --using eves")
        assert said in str(run(f"{line} --using eves --dry-run"))
    assert "This will add Query" in str(run("add_privileges_to_group held Query --using eves --dry-run"))
    run("add_privileges_to_group g Search --using eves")
    run("remove_privileges_from_group g Search --using eves")  # one that they don't hold
    run("remove_privileges_from_group held Search --using eves --yes")


def test_every_magic_that_changes_something_has_it():
    """No changing magic without --dry-run, and each of them is tried above."""
    reading = ("milvus", "list_", "whoami", "connect", "use", "disconnect", "audit", "access", "console", "passwords")
    for name, method in MilvusMagics.magics["line"].items():
        short = name.removeprefix("milvus_")
        if short.startswith(reading):
            continue
        options = {
            option for action in getattr(MilvusMagics, method).parser()._actions for option in action.option_strings
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
        ("revoke_role bob reader --using bobs", "the user you are connected as, so you will lose what the role gives"),
        ("revoke_role bob admin --using bobs", "is the last user with the role admin"),
        (
            "revoke_privilege reader Search --collection docs --using bobs",
            "You hold this role yourself, and will lose that",
        ),
    ]:
        with pytest.raises(ConfirmationError, match=said):
            run(line)
        assert said in str(run(f"{line} --dry-run"))
    run("revoke_privilege reader Search --collection docs --using bobs --yes")
    monkeypatch.setattr("builtins.input", lambda label: "bob")
    run("revoke_role bob reader --using bobs")
    assert users.list_user(connections.get(), "bob").roles == ("admin",)
