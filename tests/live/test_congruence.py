"""The documented names do what pymilvus's do, on the same server; each deliberate difference is a row in README."""

import re
import warnings
from pathlib import Path

import grpc
import pymilvus
import pytest

import milvus_magics
from milvus_magics.client import users

PASSWORD, OTHER = "right-password", "other-password"
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


class Api:
    """Either library under the documented names."""

    def __init__(self, library):
        self.utility, self.Role = library.utility, library.Role
        self.MilvusException = library.MilvusException


@pytest.fixture
def theirs(root, server):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pymilvus.connections.connect(
            "default", uri=f"http://{server.address}", user="root", password=server.password.reveal()
        )
        yield Api(pymilvus)
        pymilvus.connections.disconnect("default")


@pytest.fixture
def ours(root):
    return Api(milvus_magics)


def plain(result):
    """A result as plain values, without what no document promises: order, and the class of a sequence."""
    if hasattr(result, "groups"):
        fields = (
            "username",
            "roles",
            "role_name",
            "users",
            "object",
            "object_name",
            "db_name",
            "privilege",
            "grantor_name",
        )
        rows = [{name: plain(getattr(row, name)) for name in fields if hasattr(row, name)} for row in result.groups]
        return sorted(rows, key=repr)
    return sorted(result) if isinstance(result, (list, tuple)) else result


def outcome(case, api):
    """What a case returns, or that it raises."""
    try:
        return plain(case(api))
    except api.MilvusException:
        return "MilvusException"
    except grpc.RpcError:
        return "RpcError"
    except TypeError:
        return "TypeError"


def with_bob(then):
    """A case on a user bob."""

    def case(api):
        api.utility.create_user("bob", PASSWORD)
        return then(api)

    return case


def with_role(then):
    """A case on a role `reader` and a user bob."""

    def case(api):
        api.utility.create_user("bob", PASSWORD)
        role = api.Role("reader")
        role.create()
        return then(api, role)

    return case


def does(*steps):
    """Several calls; the last one's result counts."""
    return steps[-1]


CASES = {
    "create_user": lambda api: api.utility.create_user("bob", PASSWORD),
    "create_user, there is one": with_bob(lambda api: api.utility.create_user("bob", OTHER)),
    "create_user, bad name": lambda api: api.utility.create_user("1 b", PASSWORD),
    "create_user, short password": lambda api: api.utility.create_user("bob", "short"),
    "create_user, long password": lambda api: api.utility.create_user("bob", "x" * 73),
    "delete_user without a password": with_bob(lambda api: api.utility.delete_user("bob")),
    "delete_user of an unknown user": lambda api: api.utility.delete_user(
        "nobody", *(["password"] if api.utility is milvus_magics.utility else [])
    ),
    "delete_user of root": lambda api: api.utility.delete_user(
        "root", *(["password"] if api.utility is milvus_magics.utility else [])
    ),
    "list_usernames": with_bob(lambda api: api.utility.list_usernames()),
    "list_user": with_bob(lambda api: api.utility.list_user("bob", True)),
    "list_user without roles": with_bob(lambda api: api.utility.list_user("bob", False)),
    "list_user of an unknown user": lambda api: api.utility.list_user("nobody", True),
    "list_user of nobody": lambda api: api.utility.list_user("", True),
    "list_users": with_bob(lambda api: api.utility.list_users(True)),
    "list_users without roles": with_bob(lambda api: api.utility.list_users(False)),
    "list_roles": with_role(lambda api, role: does(role.add_user("bob"), api.utility.list_roles(True))),
    "list_roles without users": with_role(lambda api, role: does(role.add_user("bob"), api.utility.list_roles(False))),
    "list_users with a role": with_role(lambda api, role: does(role.add_user("bob"), api.utility.list_users(True))),
    "update_password": with_bob(lambda api: api.utility.update_password("bob", PASSWORD, OTHER)),
    "update_password, wrong": with_bob(lambda api: api.utility.update_password("bob", OTHER, "third-password")),
    "update_password, too short": with_bob(lambda api: api.utility.update_password("bob", PASSWORD, "short")),
    "update_password of an unknown user": lambda api: api.utility.update_password("nobody", PASSWORD, OTHER),
    "update_password to the same": with_bob(lambda api: api.utility.update_password("bob", PASSWORD, PASSWORD)),
    "reset_password, wrong": with_bob(lambda api: api.utility.reset_password("bob", OTHER, "third-password")),
    "reset_password, then list": with_bob(
        lambda api: does(api.utility.reset_password("bob", PASSWORD, OTHER), api.utility.list_usernames())
    ),
    "unknown alias": lambda api: api.utility.list_usernames(using="nowhere"),
    "Role.create": lambda api: api.Role("reader").create(),
    "Role.create, there is one": with_role(lambda api, role: role.create()),
    "Role.create, bad name": lambda api: api.Role("1 b").create(),
    "Role.name": with_role(lambda api, role: role.name),
    "Role.is_exist": with_role(lambda api, role: role.is_exist()),
    "Role.is_exist, no": lambda api: api.Role("nothing").is_exist(),
    "Role.add_user": with_role(lambda api, role: does(role.add_user("bob"), role.get_users())),
    "Role.add_user, twice": with_role(lambda api, role: does(role.add_user("bob"), role.add_user("bob"))),
    "Role.add_user, unknown user": with_role(lambda api, role: role.add_user("nobody")),
    "Role.add_user, unknown role": with_bob(lambda api: api.Role("nothing").add_user("bob")),
    "Role.remove_user": with_role(
        lambda api, role: does(role.add_user("bob"), role.remove_user("bob"), role.get_users())
    ),
    "Role.remove_user who does not hold it": with_role(lambda api, role: role.remove_user("bob")),
    "Role.get_users, nobody": with_role(lambda api, role: role.get_users()),
    "Role.grant": with_role(lambda api, role: role.grant("Collection", "docs", "Search")),
    "Role.grant, twice": with_role(
        lambda api, role: does(role.grant("Global", "*", "ListDatabases"),
                               role.grant("Global", "*", "ListDatabases"))
    ),
    "Role.grant, unknown privilege": with_role(lambda api, role: role.grant("Collection", "docs", "Serch")),
    "Role.grant, unknown object": with_role(lambda api, role: role.grant("Thing", "docs", "Search")),
    "Role.grant, unknown role": lambda api: api.Role("nothing").grant("Collection", "docs", "Search"),
    "Role.revoke": with_role(
        lambda api, role: does(role.grant("Collection", "docs", "Search"), role.revoke("Collection", "docs", "Search"))
    ),
    "Role.revoke of what it does not hold": with_role(lambda api, role: role.revoke("Collection", "docs", "Search")),
    "Role.list_grants": with_role(
        lambda api, role: does(role.grant("Collection", "docs", "Search"), role.grant("User", "*", "SelectUser"),
                               role.list_grants())
    ),
    "Role.list_grants, nothing": with_role(lambda api, role: role.list_grants()),
    "Role.list_grants, unknown role": lambda api: api.Role("nothing").list_grants(),
    "Role.list_grant": with_role(
        lambda api, role: does(role.grant("Collection", "docs", "Search"), role.grant("Collection", "dogs", "Load"),
                               role.list_grant("Collection", "docs"))
    ),
    "Role.grant_v2 on an old server": with_role(lambda api, role: role.grant_v2("Search", "docs")),
    "Role.drop": with_role(lambda api, role: role.drop()),
    "Role.drop, holds privileges": with_role(
        lambda api, role: does(role.grant("Collection", "docs", "Search"), role.drop())
    ),
    "Role.drop, unknown": lambda api: api.Role("nothing").drop(),
    "Role.drop, admin": lambda api: api.Role("admin").drop(),
    "Role.create_privilege_group": lambda api: api.Role("x").create_privilege_group("g"),
    "Role.list_privilege_groups": lambda api: api.Role("x").list_privilege_groups(),
}  # fmt: skip

# Case -> how its row in README's table begins.
DIFFERENCES = {
    "delete_user without a password": "`delete_user` wants the password",
    "delete_user of an unknown user": "`delete_user` of an unknown user",
    "list_user of nobody": "`list_user` with an empty name",
    "update_password to the same": "`update_password` to the same password",
    "reset_password, then list": "`reset_password` of somebody else",
    "Role.remove_user who does not hold it": "`Role.remove_user`, `Role.revoke`",
    "Role.revoke of what it does not hold": "`Role.remove_user`, `Role.revoke`",
    "Role.grant_v2 on an old server": "`Role.grant_v2`, `Role.revoke_v2`",
    "Role.create_privilege_group": "a missing privilege, an operation that the server lacks",
    "Role.list_privilege_groups": "a missing privilege, an operation that the server lacks",
}


@pytest.fixture
def from_scratch(root, server):
    """Run a case where there is nothing but the server's own, connected as root."""
    from conftest import empty

    def run(case, api, library):
        connect = {"uri": f"http://{server.address}", "user": "root", "password": server.password.reveal()}
        library.connections.connect("default", **connect)
        try:
            return outcome(case, api)
        finally:
            milvus_magics.connections.connect("default", **connect)
            empty(milvus_magics.connections.get())

    return run


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_same_as_pymilvus(name, theirs, ours, from_scratch):
    """The same result, or an error from both; where not, README says so."""
    their, our = from_scratch(CASES[name], theirs, pymilvus), from_scratch(CASES[name], ours, milvus_magics)
    if name in DIFFERENCES:
        assert their != our
        assert f"| {DIFFERENCES[name]}" in README, "each difference has its row in README"
    else:
        assert their == our


def test_table_of_differences_has_no_row_of_its_own():
    """Each row of the table that speaks of a documented name is seen by a case."""
    table = re.search(r"\| differs from pymilvus \|.*?\n\n", README, re.DOTALL)[0]
    rows = [row for row in table.splitlines()[2:] if row.strip()]
    for row in rows:
        assert any(row.startswith(f"| {begin}") for begin in (*DIFFERENCES.values(), "codes")), row


def test_codes_are_told_apart(ours, root):
    """The row about codes: what 2.3 calls 65535 has the code of newer servers."""
    users.create_user(root, "bob", PASSWORD, timeout=10)
    for act, code in [
        (lambda: ours.utility.create_user("bob", PASSWORD), 1100),
        (lambda: ours.Role("nothing").drop(), 1100),
        (lambda: ours.utility.update_password("bob", OTHER, "third-password"), 1400),
        (lambda: ours.Role("admin").drop(), 1401),
    ]:
        with pytest.raises(ours.MilvusException) as raised:
            act()
        assert raised.value.code == code
