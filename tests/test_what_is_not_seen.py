"""What the caller may not see is never told as empty, nor as not there."""

import contract
import pytest
from contract.versions import RECORDED

from milvus_magics.access.question import read_access
from milvus_magics.client import privileges, role_deletion, roles
from milvus_magics.client.grants import listing as grants
from milvus_magics.errors import InUseError, ParameterError, PermissionDeniedError
from milvus_magics.role import Role
from milvus_magics.session import connections
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

OLD, V25, V26, V30 = RECORDED
EVERY, NEWER = (OLD, V25, V26, V30), (V25, V26, V30)
PASSWORD = "ann's-password"
NO_LIST = "'ann' lacks the privilege SelectOwnership"


@pytest.fixture
def server(request):
    """A server with a user `ann`, who holds `mine`, and a role `other`, which holds Search on `docs`."""
    with contract.serve(request.param) as (server, address):
        server.passwords["ann"] = PASSWORD.encode()
        server.roles |= {"mine": "", "other": ""}
        server.bindings.add(("ann", "mine"))
        server.grants["other", "Collection", "docs", "Search", "default"] = "root"
        server.address = address
        yield server
        connections.close_all()


def of(versions):
    return pytest.mark.parametrize("server", versions, indirect=True)


def connect(server, user="ann", password=PASSWORD):
    connections.connect(uri=f"http://{server.address}", user=user, password=password)
    return connections.get()


def give(server, privilege, kind="Global", name="*", db="*", role="mine"):
    server.grants[role, kind, name, privilege, db] = "root"


@of(EVERY)
def test_who_may_not_look_is_told_so(server):
    """One's own roles are free; of the others it is said that they cannot be read, and why."""
    give(server, "Query", "Collection", "docs", "default")
    conn = connect(server)
    found = privileges.list_grants(conn)
    assert {(grant.role, grant.privilege) for grant in found} >= {("mine", "Query"), ("public", "IndexDetail")}
    assert not found.complete
    assert f"privileges of roles 'mine', 'public' on {conn.address.url}; " in found.caption
    assert found.caption.endswith(f"what other roles hold cannot be read: {NO_LIST}")
    with pytest.raises(PermissionDeniedError, match="SelectOwnership"):
        privileges.list_grants(conn, "other")
    server.bindings.clear()
    assert "of role 'public' on" in privileges.list_grants(conn).caption
    connections.close_all()
    root = privileges.list_grants(connect(server, "root", "Milvus"))
    assert root.complete
    assert "cannot be read" not in root.caption


class Closed(contract.ContractServer):
    """A server that refuses all questions about grants."""

    def SelectGrant(self, request, caller, metadata):
        raise contract.Denied(contract.server.grpc.StatusCode.PERMISSION_DENIED, "PrivilegeSelectOwnership: no")


def test_an_error_where_nothing_can_be_read():
    with contract.serving(Closed("2.6.18")) as (server, address):
        server.passwords["ann"] = PASSWORD.encode()
        conn = Connection(Address.parse(address, user="ann", password=PASSWORD))
        with pytest.raises(PermissionDeniedError, match=NO_LIST):
            privileges.list_grants(conn)
        assert "what role 'public' holds cannot be read" in read_access(conn).caption
        with pytest.raises(PermissionDeniedError, match="role 'public' cannot be looked at"):
            read_access(conn, role="public")
        conn.close()


@of([OLD])
def test_databases_that_may_not_be_listed_are_told_by_the_role_too(server):
    """As the documentation's class has it."""
    connect(server)
    assert (
        "in the databases default and * only: the others may not be listed" in Role("mine").list_grants("lab").caption
    )
    assert not Role("mine").list_grants("lab").complete
    assert not Role("mine").list_grant("Global", "*").complete


@of(EVERY)
def test_access_of_what_may_not_be_read(server):
    """Who may see users but not roles knows who has which role, and not what it brings."""
    give(server, "SelectUser", "User")
    server.passwords["bob"] = b"bob's-password"
    server.bindings.add(("bob", "other"))
    conn = connect(server)
    assert "what role 'other' holds cannot be read" in read_access(conn, user="bob").caption
    with pytest.raises(PermissionDeniedError, match="role 'other' cannot be looked at"):
        read_access(conn, role="other")
    server.roles["unheld"] = ""
    with pytest.raises(PermissionDeniedError, match="role 'unheld' cannot be looked at"):
        read_access(conn, role="unheld")


def note_of_grant(conn, db, collection="docs"):
    return privileges.preview_grant_privilege(conn, "other", "Query", collection=collection, db=db).caution


@of(EVERY)
def test_only_who_sees_all_says_that_there_is_none(server):
    """Lists hold what the caller may see, from 2.5 on, so a role manager sees hardly anything."""
    for privilege in ("ManageOwnership", "SelectOwnership", "ListDatabases", "ListAliases"):
        give(server, privilege)
    server.passwords["eve"] = PASSWORD.encode()
    server.bindings.add(("eve", "admin"))
    manager, admin, root = connect(server), connect_as(server, "eve"), connect_as(server, "root", "Milvus")
    for conn in (admin, root):
        assert "there is no collection 'dogs' in database 'default' (did you mean 'docs'?)" in note_of_grant(
            conn, "default", "dogs"
        )
        assert "there is no" not in note_of_grant(conn, "default")
    note = note_of_grant(manager, "default", "dogs")
    if server.version == OLD:
        assert "there is no collection 'dogs' in database 'default'" in note
    else:
        assert "collection 'dogs' in database 'default' is not there, or not visible to you" in note
        assert "there is no" not in note
        done = privileges.grant_privilege(manager, "other", "Query", collection="dogs", db="default")
        assert "is not there, or not visible to you" in done.note
    for conn in (admin, root):
        conn.close()


def connect_as(server, user, password=PASSWORD):
    return Connection(Address.parse(server.address, user=user, password=password))


@of(NEWER)
def test_access_says_nothing_of_what_it_cannot_know(server):
    """Who may see rights, but no collection, learns them all the same; and no finding claims that there is none."""
    for privilege in ("SelectOwnership", "SelectUser"):
        give(server, privilege, "User" if privilege == "SelectUser" else "Global")
    server.grants["other", "Collection", "gone", "Search", "default"] = "root"
    server.aliases["default", "al1"] = "docs"
    conn = connect(server)
    found = read_access(conn)
    assert "grants on nothing" not in [finding.concern for finding in found.findings]
    assert "only those databases and collections are counted that are visible to you" in found.caption
    asked = read_access(conn, collection="dcos")
    assert "collection 'dcos' in database 'default' is not there, or not visible to you" in asked.caption
    assert (
        "collection 'docs' in database 'default'" not in read_access(conn, collection="docs").caption.partition(";")[2]
    )
    assert "database 'lba' is not there, or not visible to you" in read_access(conn, db="lba").caption
    by_alias = read_access(conn, collection="al1").caption
    assert "not there" not in by_alias
    assert "which collection alias 'al1' stands for is not visible to you" in by_alias
    assert "docs" in repr(found.matrix(columns="collections"))
    root = connect_as(server, "root", "Milvus")
    assert "grants on nothing" in [finding.concern for finding in read_access(root).findings]
    with pytest.raises(ParameterError, match="there is no collection 'dcos' .* and no grant on it"):
        read_access(root, collection="dcos")
    root.close()


@of([V26, V30])
def test_rights_that_a_hidden_alias_may_reach_are_shown_with_their_doubt(server):
    """`allows` doesn't know, so that the table doesn't say no, either."""
    give(server, "Query", "Collection", "docs", "default")
    give(server, "Search", "Collection", "docs", "default")
    server.aliases["default", "al1"] = "docs"
    conn = connect(server)
    found = read_access(conn, privilege="Query", collection="al1")
    assert found.allows("ann", "Query", "al1") is None
    assert [(right.privilege, right.object_name) for right in found] == [("Query", "docs")]
    assert "perhaps: whether 'al1' is an alias of it is not visible to you" in repr(found)
    assert {right.privilege for right in read_access(conn, collection="al1") if right.doubt} == {"Query", "Search"}
    server.groups["both"] = {"Query", "Insert"}
    give(server, "ListPrivilegeGroups")
    assert list(read_access(conn, privilege="both", collection="al1")) == []
    assert not any(right.doubt for right in read_access(conn, privilege="Query", collection="docs"))
    root = connect_as(server, "root", "Milvus")
    assert [right.doubt for right in read_access(root, user="ann", privilege="Query", collection="al1")] == [""]
    root.close()


@of(EVERY)
def test_a_dry_run_says_that_the_acting_user_may_not_grant(server):
    """Where their own grants tell; not without authorization, nor of a group that they may not look into."""
    says = "you lack the privilege ManageOwnership"
    conn = connect(server)
    assert says in note_of_grant(conn, "default")
    give(server, "ManageOwnership", db="lab")
    assert says in note_of_grant(conn, "default")
    if server.version != OLD:
        server.groups["secret"] = {"ManageOwnership"}
        give(server, "secret")
        assert says not in note_of_grant(conn, "default")
        del server.grants["mine", "Global", "*", "secret", "*"]
        give(server, "ClusterAdmin")
        assert says not in note_of_grant(conn, "default")
        del server.grants["mine", "Global", "*", "ClusterAdmin", "*"]
    give(server, "ManageOwnership", db="default")
    assert (says in note_of_grant(conn, "default")) is (server.version == V30)
    give(server, "ManageOwnership")
    assert says not in note_of_grant(conn, "default")
    del server.grants["mine", "Global", "*", "ManageOwnership", "*"]
    server.authorization = False
    assert says not in note_of_grant(conn, "default")


@of(NEWER)
def test_an_error_says_that_the_right_is_wanted_in_all_databases(server):
    """3.0 looks for rights on the cluster in `*`, and says so; before, it is the header's database."""
    conn = connect(server)
    with pytest.raises(PermissionDeniedError) as found:
        privileges.grant_privilege(conn, "other", "Query", collection="docs", db="default")
    assert ("lacks the privilege ManageOwnership in database '*'" in str(found.value)) is (server.version == V30)


@of(NEWER)
def test_root_who_needs_roles_says_nothing_of_what_it_cannot_know(server):
    """With the setting `rootShouldBindRole`, root sees what its roles bring, as everybody does."""
    server.roles["rights"] = ""
    server.grants["other", "Collection", "gone", "Search", "default"] = "root"
    root = connect(server, "root", "Milvus")
    assert "there is no collection 'dogs'" in note_of_grant(root, "default", "dogs")
    server.root_needs_roles = True
    server.bindings.add(("root", "rights"))
    for group in ("", "ClusterAdmin", "CollectionReadOnly"):
        if group:
            give(server, group, db="*" if group == "ClusterAdmin" else "default", role="rights")
        assert "is not there, or not visible to you" in note_of_grant(root, "default", "dogs"), group
        assert "grants on nothing" not in [finding.concern for finding in read_access(root).findings], group
        server.grants.pop(("rights", "Global", "*", group, "*"), None)
    server.bindings.add(("root", "admin"))
    assert "there is no collection 'dogs'" in note_of_grant(root, "default", "dogs")
    assert "grants on nothing" in [finding.concern for finding in read_access(root).findings]


@of([OLD])
def test_a_role_is_not_said_to_hold_nothing_where_the_server_cannot_tell(server):
    """2.3 keeps grants in databases that are gone, tells of them only by name, and gives them to a later such role."""
    server.roles["r"] = ""
    server.grants["r", "Collection", "docs", "Search", "gone"] = "root"
    root = connect_as(server, "root", "Milvus")
    says = "held by nobody, without privileges in the databases that there are"
    assert says.partition(", ")[2] in str(roles.list_role(root, "r"))
    assert says in str(role_deletion.preview_drop_role(root, "r"))
    assert says in str(role_deletion.drop_role(root, "r"))
    assert "no privileges" not in str(roles.create_role(root, "r")), "it may have what the one before had"
    root.close()


@of([OLD])
def test_what_a_connection_granted_in_a_database_that_is_gone_is_asked_for(server):
    """So that the role isn't dropped without it."""
    root = connect_as(server, "root", "Milvus")
    server.roles["r"] = ""
    privileges.grant_privilege(root, "r", "Search", collection="docs", db="later")
    assert [grant.db for grant in grants.list_grants(root, "r")] == ["later"]
    assert [right.db for right in read_access(root, role="r") if right.role == "r"] == ["later"]
    with pytest.raises(InUseError, match="role 'r' holds Search on collection 'docs' in database 'later'"):
        role_deletion.drop_role(root, "r")
    role_deletion.drop_role(root, "r", force=True)
    assert not [grant for grant in server.grants if grant[0] == "r"]
    root.close()


@of(NEWER)
def test_newer_servers_are_asked_once_for_what_a_role_holds(server):
    """They tell everything in `*`, of databases that are gone, too: 300 roles in 60 databases took 10 s."""
    server.collections |= {f"db{number}": [] for number in range(5)}
    server.roles["r"] = ""
    server.grants["r", "Collection", "docs", "Search", "gone"] = "root"
    root = connect_as(server, "root", "Milvus")
    server.calls.clear()
    assert "gone" in {grant.db for grant in grants.list_grants(root)}
    assert server.calls.count("SelectGrant") == len(server.roles)
    server.calls.clear()
    assert {right.db for right in read_access(root, role="r") if right.role == "r"} == {"gone"}
    assert server.calls.count("SelectGrant") == len(server.roles) - 1, "of `admin`, who may everything, nothing is read"
    del server.grants["r", "Collection", "docs", "Search", "gone"]
    assert str(role_deletion.drop_role(root, "r")).endswith("held by nobody, without privileges")
    root.close()
