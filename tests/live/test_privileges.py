"""Grants on a real Milvus: given, listed over all databases, taken, and proven by logging in."""

import time

import pymilvus
import pytest
from conftest import empty

from milvus_magics import embedded
from milvus_magics.client import privilege_groups, privileges, roles, users
from milvus_magics.errors import (
    NotGrantedError,
    ParameterError,
    PermissionDeniedError,
    ServerTooOldError,
    UnknownPrivilegeError,
    UnknownRoleError,
)
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wire.privileges import OTHER_NAMES, PRIVILEGES, REPLACED_GROUPS

PASSWORD = "right-password"


@pytest.fixture
def reader(root):
    roles.create_role(root, "reader", timeout=10)
    return "reader"


def held(conn, role):
    return [str(grant) for grant in privileges.list_grants(conn, role, timeout=10)]


def test_grants_work(root, reader, server):
    """Who gets the privilege can do it, and cannot any more once it is revoked."""
    users.create_user(root, "bob", PASSWORD, grant=[reader], timeout=10)
    bob = Connection(Address.parse(server.uri, user="bob", password=PASSWORD))
    with pytest.raises(PermissionDeniedError, match="SelectOwnership"):
        users.list_usernames(bob, timeout=10)
    granted = privileges.grant_privilege(root, reader, "SelectOwnership", timeout=10)
    assert granted.grant.object_type == "Global"
    time.sleep(0.1)  # rights reach the proxy some milliseconds later
    assert users.list_usernames(bob, timeout=10) == ["bob", "root"]
    privileges.revoke_privilege(root, reader, "SelectOwnership", timeout=10)
    time.sleep(0.1)
    with pytest.raises(PermissionDeniedError):
        users.list_usernames(bob, timeout=10)
    bob.close()


def test_grants_are_listed_over_all_databases(root, reader, server):
    """Milvus 2.3 tells of each database only by name."""
    client = pymilvus.MilvusClient(uri=f"http://{server.address}", user="root", password=server.password.reveal())
    client.create_database("lab")
    try:
        privileges.grant_privilege(root, reader, "Search", collection="docs", db="lab", timeout=10)
        privileges.grant_privilege(root, reader, "Query", collection="*", db="*", timeout=10)
        privileges.grant_privilege(root, reader, "Insert", collection="docs", timeout=10)
        privileges.grant_privilege(root, reader, "SelectUser", timeout=10)
        assert held(root, reader) == [
            "Query on all collections in all databases",
            "Insert on collection 'docs' in database 'default'",
            "SelectUser on all users in database 'default'",
            "Search on collection 'docs' in database 'lab'",
        ]
        everybody = privileges.list_grants(root, timeout=10)
        assert {grant.role for grant in everybody} == {"public", reader}
        privileges.revoke_privilege(root, reader, "Search", collection="docs", db="lab", timeout=10)
        assert len(held(root, reader)) == 3
    finally:
        client.drop_database("lab")
        client.close()


def test_what_does_not_go_together_is_refused(root, reader):
    """Before anything is sent."""
    grant = privileges.grant_privilege
    for given, said in [
        ({"privilege": "Search"}, "name it .--collection NAME., or '\\*'"),
        ({"privilege": "Search", "collection": ""}, "name it"),
        ({"privilege": "SelectUser", "collection": "docs"}, "is not about one collection"),
        ({"privilege": ""}, "privilege name is empty"),
        ({"privilege": "Search", "object_type": "Collection"}, "needs an object name"),
        ({"privilege": "Search", "object_name": "docs"}, "needs an object type"),
        (
            {"privilege": "Search", "object_type": "Collection", "object_name": "a", "collection": "a"},
            "cannot be given",
        ),
        ({"privilege": "DescribeCollection", "collection": "docs"}, "on this server .* leave the collection out"),
        ({"privilege": "Search", "object_type": "Globl", "object_name": "*"}, "no object type 'Globl'"),
    ]:
        with pytest.raises(ParameterError, match=said):
            grant(root, reader, **given, timeout=10)
    assert held(root, reader) == []


def test_unknown_names_come_with_what_may_have_been_meant(root, reader):
    """Privileges, roles; and a group, which only newer servers have."""
    grant = privileges.grant_privilege
    for name in ("Serch", "search", "PrivilegeSearch"):
        with pytest.raises(UnknownPrivilegeError, match=f"no privilege '{name}' .did you mean 'Search'"):
            grant(root, reader, name, collection="docs", timeout=10)
    with pytest.raises(UnknownPrivilegeError, match="no privilege 'CollectionReadOnly'; newer ones do"):
        grant(root, reader, "CollectionReadOnly", collection="docs", timeout=10)
    with pytest.raises(UnknownPrivilegeError, match="no privilege 'Search' for the object type 'Global'"):
        grant(root, reader, "Search", object_type="Global", timeout=10)
    for act in (lambda: grant(root, "raeder", "Search", collection="*"), lambda: held(root, "raeder")):
        with pytest.raises(UnknownRoleError, match="no role 'raeder'.*did you mean 'reader'"):
            act()


def test_the_catalogue_says_what_a_real_server_knows(root, reader):
    """Each name, on each type of object: taken where the catalogue says so, and refused where it doesn't."""
    taken = set()
    for name in [*PRIVILEGES, *REPLACED_GROUPS, *OTHER_NAMES]:
        for kind in ("Collection", "Global", "User"):
            entity = {"role": {"name": reader}, "object": {"name": kind}, "object_name": "*", "db_name": "default"}
            entity["grantor"] = {"privilege": {"name": name}}
            if not root.call("OperatePrivilege", deadline=Deadline(10), entity=entity, type=0).error_code:
                taken.add((name, kind))
    assert taken == {(name, kind) for name, (kind, _, since) in PRIVILEGES.items() if not since}


def test_targets_that_are_not_there_are_told(root, reader):
    """The server takes any name, so it is granted, with a note."""
    grant = privileges.grant_privilege
    assert "no collection 'docs' in database 'default'" in grant(root, reader, "Search", collection="docs").note
    assert (
        "no database 'defaul' (did you mean 'default'?)"
        in grant(root, reader, "Load", collection="*", db="defaul").note
    )
    assert grant(root, reader, "Load", collection="*").note == ""
    privileges.revoke_privilege(root, reader, "Load", collection="*", db="defaul", timeout=10)


def test_taking_what_was_not_given_is_an_error(root, reader):
    """The server says "done" to that."""
    with pytest.raises(NotGrantedError, match="'reader' does not have Search .*it has no privileges"):
        privileges.revoke_privilege(root, reader, "Search", collection="docs", timeout=10)
    privileges.grant_privilege(root, reader, "Search", collection="docs", timeout=10)
    with pytest.raises(NotGrantedError, match="it has Search on collection 'docs' in database 'default'; nothing"):
        privileges.revoke_privilege(root, reader, "Search", collection="dogs", timeout=10)
    assert len(held(root, reader)) == 1


def test_groups_need_a_newer_server(root):
    """Each of the functions says which."""
    for act in (
        lambda: privilege_groups.list_privilege_groups(root, timeout=10),
        lambda: privilege_groups.create_privilege_group(root, "g", timeout=10),
        lambda: privilege_groups.drop_privilege_group(root, "g", timeout=10),
        lambda: privilege_groups.add_privileges_to_group(root, "g", ["Search"], timeout=10),
        lambda: privilege_groups.remove_privileges_from_group(root, "g", ["Search"], timeout=10),
    ):
        with pytest.raises(ServerTooOldError, match=r"2\.3\.5.*PrivilegeGroups?, which needs Milvus 2\.4\.16"):
            act()


@pytest.fixture(scope="module")
def open_server():
    with embedded.start(authorization=False) as server:
        yield server


@pytest.mark.parametrize("login", [{}, {"user": "bob", "password": PASSWORD}, {"user": "ghost", "password": PASSWORD}])
def test_grants_without_authorization(open_server, login):
    """The server wants a name that exists all the same: the connection's own, or else root's, which is told."""
    conn = Connection(Address.parse(open_server.uri, **login))
    users.create_user(conn, "bob", PASSWORD, timeout=10)
    roles.create_role(conn, "reader", timeout=10)
    granted = privileges.grant_privilege(conn, "reader", "Search", collection="*", timeout=10)
    assert ("it was told 'root'" in granted.note) is (login.get("user") != "bob")
    [grant] = privileges.list_grants(conn, "reader", timeout=10)
    assert grant.grantor == ("bob" if login.get("user") == "bob" else "root")
    privileges.revoke_privilege(conn, "reader", "Search", collection="*", timeout=10)
    empty(conn)
    conn.close()
