"""Roles on a real Milvus: what is told, what is refused, and that "done" is only said of what was done."""

import pymilvus
import pytest

from milvus_magics.client import privileges, roles, users
from milvus_magics.errors import (
    InUseError,
    LimitReachedError,
    NotGrantedError,
    ParameterError,
    ProtectedRoleError,
    RoleExistsError,
    ServerTooOldError,
    UnknownRoleError,
    UnknownUserError,
)
from milvus_magics.session import session

PASSWORD = "right-password"


def names(conn):
    return [role.name for role in roles.list_roles(conn, timeout=10)]


def test_roles_come_and_go(root):
    """Create, give, list, take, drop; each is in the journal."""
    users.create_user(root, "bob", PASSWORD, timeout=10)
    assert roles.create_role(root, "reader", timeout=10).role == "reader"
    assert roles.grant_role(root, "bob", "reader", timeout=10).granted
    assert users.list_user(root, "bob", timeout=10).roles == ("reader",)
    listed = {role.name: role.users for role in roles.list_roles(root, timeout=10)}
    assert listed == {"admin": (), "public": (), "reader": ("bob",)}
    assert roles.list_role(root, "reader", timeout=10).users == ("bob",)
    assert not roles.revoke_role(root, "bob", "reader", timeout=10).granted
    assert users.list_user(root, "bob", timeout=10).roles == ()
    assert roles.drop_role(root, "reader", timeout=10).users == ()
    assert names(root) == ["admin", "public"]
    operations = [(entry.operation, entry.outcome) for entry in session.journal.entries()[-5:]]
    assert operations == [
        (name, "done") for name in ("create_user", "create_role", "grant_role", "revoke_role", "drop_role")
    ]


def test_creating_is_checked(root):
    """Names that cannot be, and one that there is."""
    roles.create_role(root, "reader", timeout=10)
    with pytest.raises(RoleExistsError, match="'reader' exists already"):
        roles.create_role(root, "reader", timeout=10)
    for name, said in [
        ("", "empty"), ("1a", "must begin"), (" a", "blank"), ("a ", "blank"), ("a b", "server says"),
        ("x" * 256, "255 is the most"), ("ü", "must begin"), (3, "must be text"),
    ]:  # fmt: skip
        with pytest.raises(ParameterError, match=said):
            roles.create_role(root, name, timeout=10)
    assert names(root) == ["admin", "public", "reader"]


def test_description_that_the_server_drops_is_told(root):
    """Milvus 2.3 takes it without a word and keeps nothing."""
    assert "keeps no descriptions" in roles.create_role(root, "reader", description="reads", timeout=10).note
    assert "keeps no descriptions" in users.create_user(root, "bob", PASSWORD, description="x", timeout=10).note
    with pytest.raises(ServerTooOldError, match=r"2\.3\.5.*keeps no descriptions: that needs Milvus 2\.6\.19"):
        roles.describe_role(root, "reader", "reads", timeout=10)


def test_limit_is_explained(root):
    """Ten by default, admin and public included."""
    for number in range(8):
        roles.create_role(root, f"role{number}", timeout=10)
    with pytest.raises(LimitReachedError, match=r"proxy\.maxRoleNum.*'one_more' is not created"):
        roles.create_role(root, "one_more", timeout=10)
    with pytest.raises(RoleExistsError):
        roles.create_role(root, "role1", timeout=10)


def test_giving_and_taking_say_what_is_unknown(root):
    """User or role, and what may have been meant; taking what was not given is an error."""
    users.create_user(root, "bob", PASSWORD, timeout=10)
    roles.create_role(root, "reader", timeout=10)
    for bind in (roles.grant_role, roles.revoke_role):
        with pytest.raises(UnknownUserError, match="no user 'bbo'.*did you mean 'bob'"):
            bind(root, "bbo", "reader", timeout=10)
        with pytest.raises(UnknownRoleError, match="no role 'raeder'.*did you mean 'reader'"):
            bind(root, "bob", "raeder", timeout=10)
    with pytest.raises(NotGrantedError, match="'bob' does not have role 'reader'; they have no roles"):
        roles.revoke_role(root, "bob", "reader", timeout=10)
    roles.grant_role(root, "bob", "reader", timeout=10)
    roles.grant_role(root, "bob", "reader", timeout=10)  # twice is no error
    with pytest.raises(NotGrantedError, match="they have 'reader'; nothing was changed"):
        roles.revoke_role(root, "bob", "admin", timeout=10)


def test_unknown_role_is_an_error(root):
    """Milvus answers with an empty list, or with "maybe"."""
    for act in (roles.list_role, roles.drop_role, roles.preview_drop_role):
        with pytest.raises(UnknownRoleError, match="no role 'admn'.*did you mean 'admin'"):
            act(root, "admn", timeout=10)


def test_own_roles_are_protected(root):
    """admin and public."""
    for role in ("admin", "public"):
        with pytest.raises(ProtectedRoleError, match="cannot be dropped") as raised:
            roles.drop_role(root, role, force=True, timeout=10)
        assert raised.value.code == 1401


@pytest.fixture
def lab(server):
    """A database beside the default one."""
    client = pymilvus.MilvusClient(uri=f"http://{server.address}", user="root", password=server.password.reveal())
    client.create_database("lab")
    yield "lab"
    client.drop_database("lab")
    client.close()


def test_role_with_privileges_is_dropped_by_force_only(root, lab):
    """Over all databases, which Milvus 2.3 does not look into: nothing is left for the next role of that name."""
    roles.create_role(root, "reader", timeout=10)
    privileges.grant_privilege(root, "reader", "Search", collection="docs", db=lab, timeout=10)
    privileges.grant_privilege(root, "reader", "Query", collection="*", db="*", timeout=10)
    privileges.grant_privilege(root, "reader", "Load", collection="docs", timeout=10)
    preview = roles.preview_drop_role(root, "reader", timeout=10)
    assert "refused unless its privileges are revoked first" in str(preview)
    with pytest.raises(InUseError, match="holds .*Load on collection 'docs' in database 'default'.*--force"):
        roles.drop_role(root, "reader", timeout=10)
    assert "reader" in names(root)
    assert "revoked before, one by one: 3" in str(roles.drop_role(root, "reader", force=True, timeout=10))
    roles.create_role(root, "reader", timeout=10)
    assert len(privileges.list_grants(root, "reader", timeout=10)) == 0


def test_dropping_tells_who_loses_it(root):
    """The server unbinds without a word."""
    users.create_user(root, "bob", PASSWORD, timeout=10)
    roles.create_role(root, "reader", timeout=10)
    roles.grant_role(root, "bob", "reader", timeout=10)
    assert "held by 'bob'" in str(roles.preview_drop_role(root, "reader", timeout=10))
    assert roles.drop_role(root, "reader", timeout=10).users == ("bob",)
