"""Each client function on each server: the real 2.3.5, and the contract server as 2.3.5, 2.5, 2.6 and 3.0."""

import contract
import pytest
from conftest import empty

from milvus_magics.client import privilege_groups, privileges, roles, users
from milvus_magics.errors import (
    GroupExistsError,
    InUseError,
    LimitReachedError,
    NotGrantedError,
    ParameterError,
    PermissionDeniedError,
    ProtectedRoleError,
    ProtectedUserError,
    RoleExistsError,
    ServerTooOldError,
    UnknownPrivilegeError,
    UnknownRoleError,
    UnknownUserError,
    UserExistsError,
    WrongPasswordError,
)
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

OLD, NEW = "old-password", "new-password"
VERSIONS = ["2.3.5", "2.5.11", "2.6.4", "3.0.0"]


class Server:
    """A server and a connection to it as root.

    Attributes:
        conn: the connection.
        number: its version, as a tuple.
        contract: the contract server; None for the real one.
    """

    def __init__(self, conn, version, contract=None):
        self.conn, self.contract = conn, contract
        self.number = tuple(map(int, version.split(".")))
        self.has_groups, self.has_descriptions = self.number >= (2, 5), self.number >= (3, 0)


CONTRACTS = [*VERSIONS, *(f"{version}, authorization off" for version in VERSIONS)]


@pytest.fixture(params=["real", *CONTRACTS])
def on(request):
    """One server after the other."""
    if request.param == "real":
        root = request.getfixturevalue("root")
        yield Server(root, "2.3.5")
        return
    version, _, off = request.param.partition(", ")
    with contract.serve(version, authorization=not off) as (server, address):
        conn = Connection(Address.parse(address, user="root", password="Milvus"))
        yield Server(conn, version, server)
        empty(conn)
        assert set(server.passwords) == {"root"}
        assert set(server.roles) == {"admin", "public"}
        assert len(server.grants) == len(contract.PUBLIC), "nothing is left of a role that was dropped"
        conn.close()


def test_users_come_and_go(on):
    """Created, listed, and deleted with the right password only."""
    created = users.create_user(on.conn, "bob", OLD, grant=["public"], description="a student", timeout=10)
    assert ("keeps no descriptions" in created.note) is not on.has_descriptions
    bob = users.list_user(on.conn, "bob", timeout=10)
    assert (bob.roles, bob.description) == (("public",), "a student" if on.has_descriptions else "")
    assert [user.name for user in users.list_users(on.conn, timeout=10)] == users.list_usernames(on.conn, timeout=10)
    with pytest.raises(UserExistsError, match="'bob' exists already"):
        users.create_user(on.conn, "bob", NEW, timeout=10)
    with pytest.raises(WrongPasswordError, match="'bob' is wrong; nothing was changed"):
        users.delete_user(on.conn, "bob", NEW, timeout=10)
    deleted = users.delete_user(on.conn, "bob", OLD, timeout=10)
    assert (deleted.verified, deleted.roles) == (True, ("public",))
    for delete in (users.delete_user, lambda conn, name, _, timeout: users.drop_user(conn, name, timeout=timeout)):
        with pytest.raises(UnknownUserError):
            delete(on.conn, "bob", OLD, timeout=10)
    with pytest.raises(ProtectedUserError, match="'root' cannot be deleted"):
        users.drop_user(on.conn, "root", timeout=10)


@pytest.mark.parametrize(
    "again",
    [users.delete_user, *(lambda conn, *args, change=change, **options: change(conn, *args, NEW, **options)
                          for change in (users.update_password, users.reset_password))],
    ids=["delete", "update password", "reset password"],
)  # fmt: skip
def test_what_follows_a_deletion_at_once(on, again):
    """Proxies let a deleted user in for some milliseconds: nobody is deleted twice, and nobody comes back."""
    for _ in range(1 if on.contract else 100):
        users.create_user(on.conn, "bob", OLD, timeout=10)
        assert users.delete_user(on.conn, "bob", OLD, timeout=10).verified
        if on.contract:
            on.contract.lagging["bob"] = OLD.encode()
        with pytest.raises(UnknownUserError, match="there is no user 'bob'"):
            again(on.conn, "bob", OLD, timeout=10)
        assert users.list_usernames(on.conn, timeout=10) == ["root"]


def test_names_that_newer_servers_take(on):
    """`.` and `-` from 2.6 on; before, the server says no."""
    if on.number >= (2, 6):
        assert users.create_user(on.conn, "bob.b-c", OLD, timeout=10).user == "bob.b-c"
        assert users.delete_user(on.conn, "bob.b-c", OLD, timeout=10).verified
        return
    with pytest.raises(ParameterError, match="'.' and '-' need Milvus 2.6; nothing was changed"):
        users.create_user(on.conn, "bob.b-c", OLD, timeout=10)
    assert users.list_usernames(on.conn, timeout=10) == ["root"]


@pytest.mark.parametrize("on", CONTRACTS, indirect=True)
def test_limits(on):
    """Told apart from "exists already", on old servers by looking first. The real one: in test_roles.py."""
    on.contract.max_users = on.contract.max_roles = 3
    users.create_user(on.conn, "bob", OLD, timeout=10)
    users.create_user(on.conn, "eve", OLD, timeout=10)
    roles.create_role(on.conn, "reader", timeout=10)
    with pytest.raises(LimitReachedError, match="it has 3 .setting proxy.maxUserNum"):
        users.create_user(on.conn, "ann", OLD, timeout=10)
    with pytest.raises(UserExistsError):
        users.create_user(on.conn, "eve", OLD, timeout=10)
    with pytest.raises(LimitReachedError, match="proxy.maxRoleNum"):
        roles.create_role(on.conn, "writer", timeout=10)
    with pytest.raises(RoleExistsError):
        roles.create_role(on.conn, "reader", timeout=10)


def test_passwords(on):
    """Checked, changed, proven; nobody is made."""
    users.create_user(on.conn, "bob", OLD, timeout=10)
    for change in (users.update_password, users.reset_password):
        with pytest.raises(WrongPasswordError, match="wrong; nothing was changed"):
            change(on.conn, "bob", "wrong-password", NEW, timeout=10)
        with pytest.raises(WrongPasswordError, match="superUsers names may leave it out"):
            change(on.conn, "bob", "", NEW, timeout=10)
        with pytest.raises(UnknownUserError):
            change(on.conn, "ghost", OLD, NEW, timeout=10)
    users.update_password(on.conn, "bob", OLD, NEW, timeout=10)
    assert users.reset_password(on.conn, "bob", NEW, OLD, timeout=10).proven is True
    assert users.delete_user(on.conn, "bob", OLD, timeout=10).verified


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("authorization", [True, False])
def test_superusers(version, authorization):
    """They may leave the old password out; a wrong one is refused all the same, and nobody is made."""
    with contract.serve(version, authorization=authorization, superusers=("root",)) as (server, address):
        conn = Connection(Address.parse(address, user="root", password="Milvus"))
        users.create_user(conn, "bob", OLD, timeout=10)
        with pytest.raises(WrongPasswordError):
            users.update_password(conn, "bob", "wrong-password", NEW, timeout=10)
        assert server.passwords["bob"] == OLD.encode()
        for old in ("", OLD):
            with pytest.raises(UnknownUserError):
                users.update_password(conn, "ghost", old, NEW, timeout=10)
        users.update_password(conn, "bob", "", NEW, timeout=10)
        assert server.passwords == {"root": b"Milvus", "bob": NEW.encode()}
        conn.close()


def test_roles(on):
    """Created, given, listed, taken, dropped."""
    users.create_user(on.conn, "bob", OLD, timeout=10)
    created = roles.create_role(on.conn, "reader", description="reads", timeout=10)
    assert ("keeps no descriptions" in created.note) is not on.has_descriptions
    with pytest.raises(RoleExistsError, match="'reader' exists already"):
        roles.create_role(on.conn, "reader", timeout=10)
    roles.grant_role(on.conn, "bob", "reader", timeout=10)
    described = "reads" if on.has_descriptions else ""
    assert roles.list_roles(on.conn, timeout=10).to_dicts() == [
        {"name": "admin", "users": (), "description": ""},
        {"name": "public", "users": (), "description": ""},
        {"name": "reader", "users": ("bob",), "description": described},
    ]
    shown = repr(roles.list_roles(on.conn, timeout=10))
    assert ("description" in shown) is on.has_descriptions
    for bind in (roles.grant_role, roles.revoke_role):
        with pytest.raises(UnknownUserError, match="did you mean 'bob'"):
            bind(on.conn, "bobb", "reader", timeout=10)
        with pytest.raises(UnknownRoleError, match="did you mean 'reader'"):
            bind(on.conn, "bob", "raeder", timeout=10)
    with pytest.raises(NotGrantedError):
        roles.revoke_role(on.conn, "bob", "public", timeout=10)
    roles.revoke_role(on.conn, "bob", "reader", timeout=10)
    assert roles.drop_role(on.conn, "reader", timeout=10).role == "reader"
    with pytest.raises(ProtectedRoleError, match="'public' cannot be dropped"):
        roles.drop_role(on.conn, "public", timeout=10)


def test_describing_a_role(on):
    """Only where the server has it; its own roles stay."""
    roles.create_role(on.conn, "reader", timeout=10)
    if not on.has_descriptions:
        with pytest.raises(ServerTooOldError, match=r"keeps no descriptions: that needs Milvus 2\.6\.19"):
            roles.describe_role(on.conn, "reader", "reads", timeout=10)
        return
    roles.describe_role(on.conn, "reader", "reads", timeout=10)
    assert roles.list_role(on.conn, "reader", timeout=10).description == "reads"
    with pytest.raises(ProtectedRoleError, match="'admin' cannot be changed"):
        roles.describe_role(on.conn, "admin", "reads", timeout=10)
    with pytest.raises(UnknownRoleError):
        roles.describe_role(on.conn, "raeder", "reads", timeout=10)


def test_grants(on):
    """The same calls on every server; only newer ones are asked in the newer way."""
    roles.create_role(on.conn, "reader", timeout=10)
    lab = "lab" if on.contract else "default"  # a real 2.3.5 would keep the grant for ever, out of everybody's sight
    for privilege, scope in [
        ("Search", {"collection": "docs"}), ("Query", {"collection": "*"}),
        ("Insert", {"collection": "docs", "db": lab}),
        ("ListDatabases", {}), ("SelectUser", {}), ("CreateCollection", {}), ("DescribeCollection", {}),
    ]:  # fmt: skip
        granted = privileges.grant_privilege(on.conn, "reader", privilege, **scope, timeout=10)
        assert granted.grant.privilege == privilege
    held = privileges.list_grants(on.conn, "reader", timeout=10)
    assert {(grant.privilege, grant.object_name) for grant in held} >= {("Search", "docs"), ("SelectUser", "*")}
    if on.contract:
        assert len(held) == 7
        last = [method for method in on.contract.calls if method.startswith("OperatePrivilege")][-1]
        assert last == ("OperatePrivilegeV2" if on.has_groups else "OperatePrivilege")
    with pytest.raises(NotGrantedError):
        privileges.revoke_privilege(on.conn, "reader", "Search", collection="dogs", timeout=10)
    with pytest.raises(UnknownPrivilegeError, match="did you mean 'Search'"):
        privileges.grant_privilege(on.conn, "reader", "Serch", collection="docs", timeout=10)
    with pytest.raises(UnknownRoleError, match="did you mean 'reader'"):
        privileges.grant_privilege(on.conn, "raeder", "Search", collection="docs", timeout=10)
    for grant in held:
        kind = {"object_type": grant.object_type, "object_name": grant.object_name, "db": grant.db}
        privileges.revoke_privilege(on.conn, "reader", grant.privilege, **kind, timeout=10)
    assert not list(privileges.list_grants(on.conn, "reader", timeout=10))


def test_built_in_groups(on):
    """Granted like privileges where there are any."""
    roles.create_role(on.conn, "reader", timeout=10)

    def grant(name, **scope):
        return privileges.grant_privilege(on.conn, "reader", name, **scope, timeout=10)

    if not on.has_groups:
        with pytest.raises(UnknownPrivilegeError, match="'CollectionReadOnly'; newer ones do"):
            grant("CollectionReadOnly", collection="docs")
        return
    grant("CollectionReadOnly", collection="docs")
    grant("DatabaseReadOnly", db="lab")
    assert str(grant("ClusterReadOnly").grant) == "ClusterReadOnly on everything in all databases"
    note = grant("CollectionReadWrite", collection="dogs").note
    assert note == "note that there is no collection 'dogs' in database 'default' (did you mean 'docs'?)"
    on.contract.aliases["default", "latest"] = "docs"
    follows = on.number >= (2, 6, 12)  # from then on, what is granted on an alias is kept on its collection
    kept = "'latest' is an alias of 'docs', where the server keeps it" if follows else ""
    assert grant("CollectionReadOnly", collection="latest").note == kept, "an alias is there, too"
    with pytest.raises(ParameterError, match="is not about one collection"):
        grant("DatabaseReadOnly", collection="docs")
    with pytest.raises(ParameterError, match="is about the whole server: leave out --db"):
        grant("ClusterReadOnly", db="lab")
    count = 4 if follows else 5
    assert len(privileges.list_grants(on.conn, "reader", timeout=10)) == count
    privileges.revoke_privilege(on.conn, "reader", "CollectionReadOnly", collection="docs", timeout=10)
    assert len(privileges.list_grants(on.conn, "reader", timeout=10)) == count - 1


def test_dropping_by_force(on):
    """Newer servers do it in one call, older ones don't know how: there it is revoked before."""
    roles.create_role(on.conn, "reader", timeout=10)
    privileges.grant_privilege(on.conn, "reader", "Search", collection="docs", timeout=10)
    privileges.grant_privilege(on.conn, "reader", "Query", collection="*", timeout=10)
    with pytest.raises(InUseError, match="holds .*Search on collection 'docs' in database 'default'.*--force"):
        roles.drop_role(on.conn, "reader", timeout=10)
    if on.contract:
        on.contract.calls.clear()
    dropped = roles.drop_role(on.conn, "reader", force=True, timeout=10)
    assert len(dropped.grants) == 2
    assert ("one by one" in dropped.note) is (on.number < (2, 6))
    if on.contract:
        revoked = [method for method in on.contract.calls if method == "OperatePrivilege"]
        assert len(revoked) == (0 if on.has_groups else 2)


def test_groups_of_privileges(on):
    """Made, filled, granted, emptied, dropped; each mistake is told before anything is changed."""
    if not on.has_groups:
        with pytest.raises(ServerTooOldError, match="is Milvus v2.3.5.*needs Milvus 2.4.16 or 2.5|needs Milvus 2.4.16"):
            privilege_groups.list_privilege_groups(on.conn, timeout=10)
        return
    conn, groups = on.conn, privilege_groups
    groups.create_privilege_group(conn, "searching", timeout=10)
    with pytest.raises(GroupExistsError, match="'searching' exists already"):
        groups.create_privilege_group(conn, "searching", timeout=10)
    with pytest.raises(ParameterError, match="the group name 'a b' may hold only letters"):
        groups.create_privilege_group(conn, "a b", timeout=10)
    groups.add_privileges_to_group(conn, "searching", ["Search", "Query"], timeout=10)
    with pytest.raises(UnknownPrivilegeError, match="did you mean 'Search'"):
        groups.add_privileges_to_group(conn, "searching", ["Serch"], timeout=10)
    with pytest.raises(UnknownPrivilegeError, match="not the same privilege level"):
        groups.add_privileges_to_group(conn, "searching", ["CreateOwnership"], timeout=10)
    with pytest.raises(UnknownPrivilegeError, match="no privilege group 'serching'.*did you mean 'searching'"):
        groups.add_privileges_to_group(conn, "serching", ["Search"], timeout=10)
    with pytest.raises(ParameterError, match="no privileges are named"):
        groups.add_privileges_to_group(conn, "searching", [], timeout=10)
    with pytest.raises(NotGrantedError, match="does not hold 'Load'; it holds Query, Search"):
        groups.remove_privileges_from_group(conn, "searching", ["Load"], timeout=10)
    groups.remove_privileges_from_group(conn, "searching", ["Query"], timeout=10)
    listed = {group.name: group.privileges for group in groups.list_privilege_groups(conn, timeout=10)}
    assert listed["searching"] == ("Search",)
    assert len(listed) == 10
    roles.create_role(conn, "reader", timeout=10)
    privileges.grant_privilege(conn, "reader", "searching", collection="docs", timeout=10)
    with pytest.raises(InUseError, match="a role holds it"):
        groups.drop_privilege_group(conn, "searching", timeout=10)
    privileges.revoke_privilege(conn, "reader", "searching", collection="docs", timeout=10)
    assert "which held Search" in str(groups.drop_privilege_group(conn, "searching", timeout=10))
    with pytest.raises(UnknownPrivilegeError):
        groups.drop_privilege_group(conn, "searching", timeout=10)


def test_missing_rights_are_named(on, request):
    """A user without roles may ask about themselves, and is told which privilege the rest needs."""
    users.create_user(on.conn, "bob", OLD, timeout=10)
    address = on.conn.address.target
    bob = Connection(Address.parse(address, user="bob", password=OLD))
    assert users.list_user(bob, "bob", timeout=10).name == "bob"
    if on.contract and not on.contract.authorization:
        bob.close()
        return
    for act, privilege in [
        (lambda: users.list_users(bob), "SelectUser"), (lambda: users.list_usernames(bob), "SelectOwnership"),
        (lambda: users.create_user(bob, "eve", OLD), "CreateOwnership"),
        (lambda: roles.list_roles(bob), "SelectOwnership"),
        (lambda: roles.create_role(bob, "reader"), "CreateOwnership"),
        (lambda: roles.grant_role(bob, "bob", "admin"), "ManageOwnership"),
        (lambda: privileges.grant_privilege(bob, "public", "Search", collection="*"), "ManageOwnership"),
        (lambda: privileges.list_grants(bob, "admin"), "SelectOwnership"),
    ]:  # fmt: skip
        with pytest.raises(PermissionDeniedError, match=f"'bob' lacks the privilege {privilege}"):
            act()
    assert users.reset_password(bob, "bob", OLD, NEW, timeout=10).reauthenticated
    bob.close()
