"""What a notebook does, by magic, form and Python, on servers of every version: also dry runs, undo and audit."""

import pytest

from conformance import state
from milvus_magics import CreateUserForm, DeleteUserForm, Role, utility
from milvus_magics.client import privilege_groups, privileges, roles, users
from milvus_magics.errors import AuthenticationError, MilvusException, UnknownUserError, WrongPasswordError
from milvus_magics.session import connections, session

PASSWORD, NEW = "right-password", "new-password"
T = {"timeout": 30}


def test_a_teammate_from_start_to_end(run, on):
    """By magic: create, role, grant, show, change, take away, remove; each is in the audit."""
    bob, reader = on.names("bob reader")
    run(f"create_user {bob} --password-env PW")
    run(f"create_role {reader}")
    assert str(run(f"grant_role {bob} {reader}")).startswith(f"gave role '{reader}' to user '{bob}'")
    granted = str(run(f"grant_privilege {reader} Search --collection {on.docs}"))
    assert f"granted Search on collection '{on.docs}'" in granted
    assert run(f"list_user {bob}").roles == (reader,)
    assert bob in run("list_usernames")
    assert {role.name: role.users for role in run("list_roles")}[reader] == (bob,)
    assert run(f"list_role {reader}").grants[0].privilege == "Search"
    assert run(f"list_grants {reader}").to_dicts()[0]["object_name"] == on.docs
    assert reader in {grant.role for grant in run("list_grants")}
    run(f"update_password {bob} --password-env PW --new-password-env NEW")
    run(f"revoke_privilege {reader} Search --collection {on.docs}")
    run(f"revoke_role {bob} {reader}")
    with pytest.raises(WrongPasswordError):
        run(f"delete_user {bob} --password-env PW")
    run(f"drop_role {reader} --yes")
    assert run(f"delete_user {bob} --password-env NEW").verified
    with pytest.raises(UnknownUserError):
        run(f"drop_user {bob} --yes")
    assert [(entry["operation"], entry["outcome"]) for entry in reversed(run("audit").to_dicts())] == [
        *((name, "done") for name in ("create_user", "create_role", "grant_role", "grant_privilege",
                                      "update_password", "revoke_privilege", "revoke_role")),
        ("delete_user", "refused"), ("drop_role", "done"), ("delete_user", "done"), ("drop_user", "refused"),
    ]  # fmt: skip
    assert {entry["actor"] for entry in run("audit").to_dicts()} == {"root"}


def test_what_python_and_forms_do(run, on):
    """The documented functions, and two forms."""
    bob, eve, reader = on.names("bob eve reader")
    utility.create_user(bob, PASSWORD)
    role = Role(reader)
    role.create()
    role.add_user(bob)
    role.grant("Collection", on.docs, "Search")
    assert [group.privilege for group in role.list_grants().groups] == ["Search"]
    assert [group.roles for group in utility.list_user(bob, True).groups] == [(reader,)]
    with pytest.raises(MilvusException):
        role.drop()
    role.revoke("Collection", on.docs, "Search")
    role.drop()
    with pytest.raises(MilvusException):
        utility.delete_user(bob, "wrong-password")
    assert utility.delete_user(bob, PASSWORD) is None
    form = CreateUserForm()
    form.fields["user"].value, form.fields["password"].value = eve, PASSWORD
    form.submit()
    assert form.status.text.startswith(f"created user '{eve}'")
    form.close()
    form = DeleteUserForm()
    for password, said in (("wrong-password", "is wrong; nothing was changed"), (PASSWORD, f"deleted user '{eve}'")):
        form.fields["user"].value, form.fields["password"].value = eve, password
        form.submit()
        assert said in form.status.text
    form.close()
    assert on.usernames() == []


# The line of each magic that changes something, in an order in which all of them work.
LINES = [
    "create_user {p}bob --password-env PW", "create_role {p}reader", "grant_role {p}bob {p}reader",
    "grant_privilege {p}reader Search --collection {docs}", "grant_privilege {p}reader SelectUser",
    "grant_privilege {p}reader Insert --collection {docs} --db {lab}", "revoke_privilege {p}reader SelectUser",
    "revoke_role {p}bob {p}reader", "drop_role {p}reader --force --yes", "restore_role {p}reader",
    "drop_user {p}bob --yes", "restore_user {p}bob --password-env PW", "delete_user {p}bob --password-env PW",
    "create_users people", "delete_users people",
]  # fmt: skip
ON_GROUPS = [
    "create_privilege_group {p}g", "add_privileges_to_group {p}g Search Query",
    "remove_privileges_from_group {p}g Query", "drop_privilege_group {p}g --yes",
]  # fmt: skip
DESCRIBING = ["create_role {p}told --description x", "describe_role {p}told y", "drop_role {p}told --yes"]


def test_a_dry_run_changes_nothing_and_the_run_does(run, on):
    """For each line: what would happen is said, the server is as it was; then it is another."""
    run.names["people"] = [{"user": name, "password": PASSWORD} for name in on.names("ann eve")]
    lines = [*LINES, *(ON_GROUPS if on.has("groups") else ()), *(DESCRIBING if on.has("descriptions") else ())]
    before = state.read(on.conn)
    for line in (line.format(p=on.prefix, lab=on.lab, docs=on.docs) for line in lines):
        said = str(run(f"{line} --dry-run"))
        assert "This will" in said or "to do" in said
        assert state.read(on.conn) == before, line
        run(line)
        after = state.read(on.conn)
        assert after != before, line
        before = after


def test_a_dry_run_of_a_new_password(run, on):
    """The old one stays."""
    [bob] = on.names("bob")
    run(f"create_user {bob} --password-env PW")
    for magic in ("update_password", "reset_password"):
        said = str(run(f"{magic} {bob} --password-env PW --new-password-env NEW --dry-run"))
        assert f"This will change the password of {bob}" in said
    assert run(f"delete_user {bob} --password-env PW").verified


@pytest.mark.parametrize("line", ["delete_user {} --password-env PW", "drop_user {} --yes"])
def test_a_deleted_user_comes_back(run, on, line):
    """With roles and description; with the same password where it was verified, or the server gives its hash."""
    bob, reader = on.names("bob reader")
    session.undo.keep_passwords(10)
    run(f"create_role {reader}")
    run(f"create_user {bob} --role {reader} --password-env PW --description 'a student'")
    run(line.format(bob))
    # Over a plain connection to another machine no hash is asked for.
    same = "delete" in line or (on.has("backup") and (on.conn.address.secure or on.conn.address.is_local))
    line = f"restore_user {bob}{'' if same else ' --password-env NEW'}"
    assert ("with the password they had" in str(run(f"{line} --dry-run"))) is same
    run(line)
    user = users.list_user(on.conn, bob, **T)
    assert (user.roles, user.description) == ((reader,), "a student" if on.has("descriptions") else "")
    if on.has("authorization"):
        with pytest.raises(AuthenticationError):
            on.bind("theirs", bob, "another-password")
    on.bind("theirs", bob, PASSWORD if same else NEW)
    assert run("whoami --using theirs").roles == (reader,)
    assert run(f"delete_user {bob} --password-env {'PW' if same else 'NEW'}").verified


def test_a_dropped_role_comes_back_whole(run, on):
    """Single grants, wildcards, groups, in several databases, and who held it; whoever is gone meanwhile is told."""
    bob, eve, reader, own = on.names("bob eve reader own")
    run(f"create_role {reader} --description 'reads all'")
    for name in (bob, eve):
        run(f"create_user {name} --role {reader} --password-env PW")
    scopes = [("Search", {"collection": on.docs, "db": on.lab}), ("Query", {"collection": "*", "db": "*"}),
              ("SelectUser", {}), ("Load", {"collection": on.docs}), ("ShowCollections", {})]  # fmt: skip
    if on.has("groups"):
        privilege_groups.create_privilege_group(on.conn, own, **T)
        privilege_groups.add_privileges_to_group(on.conn, own, ["Insert", "Delete"], **T)
        scopes += [("CollectionReadOnly", {"collection": on.docs}), ("ClusterReadOnly", {}),
                   (own, {"collection": "*", "db": on.lab})]  # fmt: skip
    for privilege, scope in scopes:
        privileges.grant_privilege(on.conn, reader, privilege, **scope, **T)
    before = privileges.list_grants(on.conn, reader, **T).to_dicts()
    assert len(before) >= len(scopes)
    run(f"drop_role {reader} --force --yes")
    run(f"drop_user {eve} --yes")
    assert f"not there any more: {eve}" in str(run(f"restore_role {reader}"))
    assert privileges.list_grants(on.conn, reader, **T).to_dicts() == before
    role = roles.list_role(on.conn, reader, **T)
    assert (role.users, role.description) == ((bob,), "reads all" if on.has("descriptions") else "")


def test_closing_a_connection_ends_it(run, on):
    """It is gone from the list, and others stay."""
    on.bind("second")
    assert {row.alias for row in run("connections")} == {"default", "second"}
    run("disconnect second")
    assert connections.get("default").address.url == run("whoami").server
