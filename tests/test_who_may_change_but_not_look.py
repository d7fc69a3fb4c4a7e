"""Somebody who may change things but not look at them is told what is known, and what cannot be seen."""

import contract
import pytest
from contract.versions import RECORDED

from milvus_magics import bulk, connections
from milvus_magics.client import privilege_groups, restore, role_deletion, roles, user_passwords, users
from milvus_magics.client.privileges import preview_revoke_privilege, revoke_privilege
from milvus_magics.client.results.privileges import Grants
from milvus_magics.client.results.roles import RoleSnapshot
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.errors import (
    GroupExistsError,
    InUseError,
    NotGrantedError,
    OutcomeUnknownError,
    ParameterError,
    PermissionDeniedError,
    UnknownRoleError,
)
from milvus_magics.secret import Secret

OLD, V25, V26, V30 = RECORDED
EVERY, NEWER = (OLD, V25, V26, V30), (V25, V26, V30)
PASSWORD = "a-password-of-theirs"
UNSEEN = "cannot be seen without the privilege SelectOwnership"


@pytest.fixture
def server(request):
    """A server with the users `ann`, who holds the role `mine`, and `bob`; and with the role `r`."""
    with contract.serve(request.param) as (server, address):
        server.passwords |= {"ann": PASSWORD.encode(), "bob": PASSWORD.encode()}
        server.roles |= {"mine": "", "r": ""}
        server.bindings.add(("ann", "mine"))
        server.address = address
        yield server
        connections.close_all()


def of(versions):
    return pytest.mark.parametrize("server", versions, indirect=True)


def connect(server, *privileges, user="ann", password=PASSWORD):
    for privilege in privileges:
        server.grants["mine", "User" if privilege.endswith("User") else "Global", "*", privilege, "*"] = "root"
    connections.connect(uri=f"http://{server.address}", user=user, password=password)
    return connections.get()


@of(EVERY)
@pytest.mark.parametrize("force", [False, True])
def test_a_role_that_never_was_is_not_told_as_dropped(server, force):
    conn = connect(server, "DropOwnership", "ManageOwnership")
    # A server that dropped it twice would say the same.
    with pytest.raises(OutcomeUnknownError, match="whether role 'never' is dropped by this request, .*cannot") as found:
        role_deletion.drop_role(conn, "never", force=force)
    assert isinstance(found.value.__cause__, UnknownRoleError)
    assert f"hether there is such a role {UNSEEN}" in str(role_deletion.preview_drop_role(conn, "never", force=force))
    assert "such a role" not in str(role_deletion.preview_drop_role(conn, "mine"))
    role_deletion.drop_role(conn, "r", force=force)
    assert "r" not in server.roles


@pytest.mark.parametrize("force", [True, False])
@of(EVERY)
def test_a_role_that_may_hold_something_is_not_simply_dropped(server, force):
    """Before 2.6 what it holds is revoked first, which needs a look."""
    conn = connect(server, "DropOwnership", "ManageOwnership")
    server.grants["r", "Collection", "docs", "Search", "default"] = "root"
    is_forced = force and server.version in (V26, V30)
    said = str(role_deletion.preview_drop_role(conn, "r", force=force))
    assert (f"hether it holds privileges, so that the server will refuse, {UNSEEN}" in said) is not is_forced
    if not is_forced:
        with pytest.raises(InUseError):
            role_deletion.drop_role(conn, "r", force=force)
        assert "r" in server.roles


@of(NEWER)
def test_a_group_of_somebody_else_is_not_told_as_created(server):
    server.groups["theirs"] = set()
    conn = connect(server, "CreatePrivilegeGroup")
    with pytest.raises(OutcomeUnknownError, match="whether .*'theirs' is created by this request, .*cannot") as found:
        privilege_groups.create_privilege_group(conn, "theirs")
    assert isinstance(found.value.__cause__, GroupExistsError)


@of(EVERY)
def test_a_revocation_says_that_it_cannot_be_seen_whether_there_was_anything(server):
    """Servers say that it is done in any case."""
    conn = connect(server, "ManageOwnership")
    server.grants["r", "Collection", "docs", "Search", "default"] = "root"
    for name in ("Query", "Search"):
        for act in (preview_revoke_privilege, revoke_privilege):
            assert f"hether the role had it {UNSEEN}" in str(act(conn, "r", name, collection="docs"))
    assert not [grant for grant in server.grants if grant[0] == "r"]
    server.bindings.add(("bob", "r"))
    for user in ("nobody_there", "bob"):
        for act in (roles.preview_revoke_role, roles.revoke_role):
            assert f"hether they had it {UNSEEN}" in str(act(conn, user, "r"))
    assert ("bob", "r") not in server.bindings
    root = connect(server, user="root", password="Milvus")
    server.grants["r", "Collection", "docs", "Search", "default"] = "root"
    assert UNSEEN not in str(revoke_privilege(root, "r", "Search", collection="docs"))


@of(EVERY)
def test_who_sees_the_holders_of_a_role_is_told_who_does_not_hold_it(server):
    conn = connect(server, "ManageOwnership", "SelectOwnership")
    for act in (roles.preview_revoke_role, roles.revoke_role):
        with pytest.raises(NotGrantedError, match="user 'bob' does not have role 'r'; nothing was changed"):
            act(conn, "bob", "r")
    server.bindings.add(("bob", "r"))
    assert UNSEEN not in str(roles.revoke_role(conn, "bob", "r"))


NOT_KEPT_SO = {"ReadOnly": "GroupReadOnly", "ReadWrite": "GroupReadWrite", "GroupClusterAdmin": "ClusterAdmin"}


@of(NEWER)
@pytest.mark.parametrize("name", NOT_KEPT_SO)
def test_a_name_that_need_not_reach_what_is_kept_is_refused_with_one_that_does(server, name):
    conn = connect(server, "ManageOwnership")
    kept, db = name.removeprefix("Group"), "*" if "Cluster" in name else "default"
    server.grants["r", "Global", "*", kept, db] = "root"
    for act in (preview_revoke_privilege, revoke_privilege):
        with pytest.raises(ParameterError, match=f"revoke '{NOT_KEPT_SO[name]}'.*; nothing was changed"):
            act(conn, "r", name)
    assert not {"OperatePrivilege", "OperatePrivilegeV2"}.intersection(server.calls)
    revoke_privilege(conn, "r", NOT_KEPT_SO[name])
    assert not [grant for grant in server.grants if grant[0] == "r"]
    if name in ("ReadOnly", "ReadWrite"):
        server.grants["r", "Collection", "docs", name, "default"] = "root"
        revoke_privilege(conn, "r", name, object_type="Collection", object_name="docs")
        assert not [grant for grant in server.grants if grant[0] == "r"]


@of(EVERY)
def test_a_dry_run_does_not_refuse_where_the_run_works(server):
    """It says what cannot be seen, and nothing about rights that the user has."""
    conn = connect(server, "ManageOwnership", "DropOwnership")
    said = str(roles.preview_grant_role(conn, "bob", "r"))
    assert f"such a user {UNSEEN}; whether there is such a role {UNSEEN}" in said
    assert "will refuse" not in said
    assert "such a user" not in str(roles.preview_grant_role(conn, "ann", "r"))
    assert "cannot be seen" not in str(roles.preview_grant_role(conn, "ann", "mine"))
    roles.grant_role(conn, "bob", "r")
    assert "will refuse" not in str(roles.preview_revoke_role(conn, "bob", "r"))
    roles.revoke_role(conn, "bob", "r")
    for password, is_unseen in ((None, True), (PASSWORD, False)):
        foreseen = str(users.preview_delete_user(conn, "bob", password))
        assert (f"hether there is such a user {UNSEEN}" in foreseen) is is_unseen
    for user in ("bob", "ann"):
        for act in (users.preview_drop_user, users.drop_user):
            with pytest.raises(PermissionDeniedError, match="SelectOwnership"):
                act(conn, user)
    users.delete_user(conn, "bob", PASSWORD)
    assert "bob" not in server.passwords


@of(NEWER)
def test_a_dry_run_of_a_group_that_may_not_be_listed(server):
    conn = connect(server, "CreatePrivilegeGroup")
    said = str(privilege_groups.preview_create_privilege_group(conn, "g"))
    assert "hether there is such a group already cannot be seen without the privilege ListPrivilegeGroups" in said
    assert "will refuse" not in said
    privilege_groups.create_privilege_group(conn, "g")


@of([V30])
def test_ones_own_description_needs_no_right(server):
    conn = connect(server)
    assert "will refuse" not in str(users.preview_describe_user(conn, "ann", "new"))
    users.describe_user(conn, "ann", "new")
    assert "lack the privilege UpdateUser" in str(users.preview_describe_user(conn, "bob", "new"))


def foresee(conn):
    """Dry runs, by what is needed for them and what for; then what is said of none of them."""
    gone, lost = UserSnapshot("gone", ("r",)), RoleSnapshot("lost", ("bob",), Grants([]))
    rows = bulk.rows.make_rows([(1, {"user": "new", "password": PASSWORD, "roles": ["r"]})])
    many = bulk.run.preview(conn, bulk.plan.make_plan(conn, bulk.plan.CREATE, rows))
    return {
        "DropOwnership": [
            role_deletion.preview_drop_role(conn, "r"), users.preview_drop_user(conn, "bob"),
            users.preview_delete_user(conn, "bob"), users.preview_delete_user(conn, "bob", PASSWORD),
        ],
        "UpdateUser": [
            user_passwords.preview_update_password(conn, "bob"),
            user_passwords.preview_update_password(conn, "bob", Secret(PASSWORD)),
        ],
        "CreateOwnership": [
            restore.preview_restore_role(conn, lost), restore.preview_restore_user(conn, gone, same_password=False),
        ],
        "ManageOwnership": [
            users.preview_create_user(conn, "new", Secret(PASSWORD), grant=["r"]), " ".join(map(str, many.notes)),
            restore.preview_restore_role(conn, lost), restore.preview_restore_user(conn, gone, same_password=True),
        ],
    }  # fmt: skip


@of(EVERY)
def test_every_dry_run_says_which_right_is_missing(server):
    conn = connect(server, "SelectOwnership", "SelectUser")
    for privilege, previews in foresee(conn).items():
        for preview in previews:
            assert f"ou lack the privilege {privilege}, so the server will refuse " in str(preview), preview
    assert "lacks" not in str(user_passwords.preview_update_password(conn, "ann"))
    later = str(users.preview_create_user(conn, "new", Secret(PASSWORD), grant=["r"]))
    assert "lack the privilege ManageOwnership, so the server will refuse to give role 'r'" in later
    conn = connect(server, "CreateOwnership", "DropOwnership", "ManageOwnership", "UpdateUser")
    assert "lacks" not in str(foresee(conn))


@of(EVERY)
def test_forcing_a_role_out_needs_the_right_to_revoke_where_it_is_done_one_by_one(server):
    conn = connect(server, "SelectOwnership", "DropOwnership")
    server.grants["r", "Collection", "docs", "Search", "default"] = "root"
    said = str(role_deletion.preview_drop_role(conn, "r", force=True))
    assert ("lack the privilege ManageOwnership" in said) is (server.version in (OLD, V25))
    assert "lacks" not in str(role_deletion.preview_drop_role(conn, "r"))


@of(NEWER)
def test_a_user_is_restored_by_their_hash_with_another_right(server):
    conn = connect(server, "CreateOwnership", "ManageOwnership")
    gone = UserSnapshot("gone", ("r",))
    said = str(restore.preview_restore_user(conn, gone, same_password=True))
    assert f"hether there is such a user already {UNSEEN}" in said
    assert "lacks" not in said
    with pytest.raises(PermissionDeniedError, match="SelectOwnership"):
        restore.preview_restore_user(conn, gone, same_password=True, by_hash=True)
    conn = connect(server, "SelectOwnership")
    by_hash = str(restore.preview_restore_user(conn, gone, same_password=True, by_hash=True))
    assert "You lack the privilege RestoreRBAC, so the server will refuse this" in by_hash
    assert "CreateOwnership" not in by_hash
