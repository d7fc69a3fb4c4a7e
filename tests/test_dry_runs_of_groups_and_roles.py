"""What a server always refuses of groups, roles and users, a dry run doesn't say it would do."""

import contract
import pytest
from contract.versions import RECORDED

from milvus_magics.client import privilege_groups, roles, users
from milvus_magics.errors import (
    GroupExistsError,
    InUseError,
    LimitReachedError,
    MilvusException,
    ParameterError,
    UnknownPrivilegeError,
)
from milvus_magics.session import connections

OLD, V25, V26, V30 = RECORDED
EVERY, NEWER = (OLD, V25, V26, V30), (V25, V26, V30)
CHANGES = {"CreatePrivilegeGroup", "OperatePrivilegeGroup", "CreateRole"}


@pytest.fixture
def server(request):
    with contract.serve(request.param) as (server, address):
        server.groups |= {"reading": {"Search"}, "empty": set()}
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        server.conn = connections.get()
        yield server
        connections.close_all()


def of(versions):
    return pytest.mark.parametrize("server", versions, indirect=True)


def foresee_addition(server, group, *names):
    return privilege_groups.preview_change_privilege_group(server.conn, group, names, added=True)


@of(NEWER)
def test_names_that_no_group_can_have(server):
    for name in ("e$g", "9g", "a b", "x" * 256):
        for function in (privilege_groups.preview_create_privilege_group, privilege_groups.create_privilege_group):
            with pytest.raises(ParameterError, match="the group name"):
                function(server.conn, name)
    assert not CHANGES.intersection(server.calls)
    with pytest.raises(GroupExistsError, match="has the name of a privilege"):
        privilege_groups.preview_create_privilege_group(server.conn, "Search")


@of(NEWER)
def test_what_no_group_can_hold(server):
    """Other levels than what it holds, and groups beside single ones; the real call is refused as well."""
    for group, names, says in (
        ("reading", ["CreateCollection"], r"'Search' \(Collection\).*'CreateCollection' \(Database\)"),
        ("empty", ["Search", "FlushAll"], r"'Search' \(Collection\).*'FlushAll' \(Cluster\)"),
        ("reading", ["CollectionReadOnly"], r"'CollectionReadOnly' \(a group\)"),
        ("reading", ["empty"], r"'empty' \(a group\)"),
        ("reading", ["ReadOnly"], r"'ReadOnly' \(a group\)"),
        ("reading", ["All"], r"'All' \(a group\)"),
    ):
        with pytest.raises(UnknownPrivilegeError, match=says):
            foresee_addition(server, group, *names)
        with pytest.raises(MilvusException):
            privilege_groups.add_privileges_to_group(server.conn, group, names)
    assert server.groups == {"reading": {"Search"}, "empty": set()}
    assert "This will add Query" in str(foresee_addition(server, "reading", "Query"))
    assert "This will add FlushAll, SelectUser" in str(foresee_addition(server, "empty", "FlushAll", "SelectUser"))


@of(EVERY)
def test_a_server_that_may_be_full_of_roles(server):
    """Its limit isn't told: Milvus's own is said where it is just reached."""
    for number in range(7):
        server.roles[f"r{number}"] = ""
    assert "proxy.maxRoleNum" not in str(roles.preview_create_role(server.conn, "new"))
    server.roles["r7"] = ""
    assert "There are 10 roles, the default limit (setting proxy.maxRoleNum)" in str(
        roles.preview_create_role(server.conn, "new")
    )
    with pytest.raises(LimitReachedError):
        roles.create_role(server.conn, "new")
    server.roles["r8"] = ""
    assert "proxy.maxRoleNum" not in str(roles.preview_create_role(server.conn, "new"))


@of(EVERY)
def test_a_server_that_may_be_full_of_users(server):
    for number in range(98):
        server.passwords[f"u{number}"] = b"a-password"
    full = "There are 100 users, the default limit (setting proxy.maxUserNum)"
    assert full not in str(users.preview_create_user(server.conn, "new"))
    server.passwords["u98"] = b"a-password"
    assert full in str(users.preview_create_user(server.conn, "new"))
    with pytest.raises(LimitReachedError):
        users.create_user(server.conn, "new", "a-password")


@of(NEWER)
def test_what_a_group_holds_already_is_not_said_to_be_added(server):
    foreseen = str(foresee_addition(server, "reading", "Search"))
    done = str(privilege_groups.add_privileges_to_group(server.conn, "reading", ["Search"]))
    assert "The privilege group reading holds Search already; nothing will change" in foreseen
    assert "nothing new added to privilege group 'reading'" in done
    done = str(privilege_groups.add_privileges_to_group(server.conn, "reading", ["Search", "Query"]))
    assert "Query added to privilege group 'reading' on" in done
    assert "; it holds Search already" in done


@of(NEWER)
def test_the_roles_that_hold_a_group_are_named_by_the_run_as_by_the_dry_run(server):
    for role in ("r1", "r2"):
        server.roles[role] = ""
        server.grants[role, "Global", "docs", "reading", "default"] = "root"
    told = []
    for act in (privilege_groups.preview_drop_privilege_group, privilege_groups.drop_privilege_group):
        with pytest.raises(InUseError, match="'reading' cannot be dropped: it is granted to 'r1', 'r2'") as found:
            act(server.conn, "reading")
        told.append(str(found.value))
    assert told[0] == told[1]
    assert "reading" in server.groups


@of(NEWER)
def test_a_change_of_a_group_says_who_gains_or_loses_by_it(server):
    """The roles that hold the group, and their users; nobody where no role does, everybody where `public` does."""

    def foresee(*names, added):
        return str(privilege_groups.preview_change_privilege_group(server.conn, "reading", names, added=added))

    assert "o role holds this group" in foresee("Query", added=True)
    server.roles["r1"] = ""
    server.passwords["ann"], server.bindings = b"anns-password", {("ann", "r1")}
    server.grants["r1", "Global", "docs", "reading", "default"] = "root"
    assert "eld by r1: 1 user will gain Query" in foresee("Query", "Search", added=True)
    assert "eld by r1: 1 user will lose Search, unless another grant gives it" in foresee("Search", added=False)
    server.grants["public", "Global", "docs", "reading", "default"] = "root"
    assert "everybody will gain Query" in foresee("Query", added=True)


@of(NEWER)
def test_the_address_is_not_part_of_what_a_group_held(server):
    """It is said of the change; what the group held, or that it is empty yet, comes behind it."""
    url = server.conn.address.url
    created = str(privilege_groups.create_privilege_group(server.conn, "gg"))
    assert created == f"created privilege group 'gg' on {url}; it is empty so far"
    dropped = str(privilege_groups.drop_privilege_group(server.conn, "reading"))
    assert dropped == f"dropped privilege group 'reading' on {url}; it held Search"
