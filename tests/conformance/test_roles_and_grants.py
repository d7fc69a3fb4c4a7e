"""Roles, what they hold, and groups of privileges, on servers of every version."""

from contextlib import nullcontext

import pytest

from milvus_magics.client import privilege_groups, privileges, roles, users
from milvus_magics.client.privileges import preview_grant_privilege, preview_revoke_privilege
from milvus_magics.errors import (
    GroupExistsError,
    InUseError,
    NotGrantedError,
    ParameterError,
    ProtectedRoleError,
    RoleExistsError,
    ServerTooOldError,
    UnknownPrivilegeError,
    UnknownRoleError,
    UnknownUserError,
)
from milvus_magics.transport.deadline import Deadline

PASSWORD = "right-password"
T = {"timeout": 30}


@pytest.fixture
def reader(on):
    [reader] = on.names("reader")
    roles.create_role(on.conn, reader, **T)
    return reader


def held(on, role):
    return [str(grant) for grant in privileges.list_grants(on.conn, role, **T)]


def test_roles(on):
    """Created, given, listed, taken, dropped; what is unknown comes with what may have been meant."""
    bob, bobb, reader, raeder = on.names("bob bobb reader raeder")
    users.create_user(on.conn, bob, PASSWORD, **T)
    created = roles.create_role(on.conn, reader, description="reads", **T)
    assert ("keeps no descriptions" in created.note) is not on.has("descriptions")
    with pytest.raises(RoleExistsError, match=f"'{reader}' exists already"):
        roles.create_role(on.conn, reader, **T)
    roles.grant_role(on.conn, bob, reader, **T)
    roles.grant_role(on.conn, bob, reader, **T)  # twice is no error
    listed = {role["name"]: role for role in roles.list_roles(on.conn, **T).to_dicts()}
    described = "reads" if on.has("descriptions") else ""
    assert listed[reader] == {"name": reader, "users": (bob,), "description": described}
    assert listed.keys() >= {"admin", "public"}
    assert users.list_user(on.conn, bob, **T).roles == (reader,)
    for bind in (roles.grant_role, roles.revoke_role):
        with pytest.raises(UnknownUserError, match=f"did you mean '{bob}'"):
            bind(on.conn, bobb, reader, **T)
        with pytest.raises(UnknownRoleError, match=f"did you mean '{reader}'"):
            bind(on.conn, bob, raeder, **T)
    with pytest.raises(NotGrantedError, match=f"they have '{reader}'; nothing was changed"):
        roles.revoke_role(on.conn, bob, "public", **T)
    assert f"held by {bob}" in str(roles.preview_drop_role(on.conn, reader, **T))
    assert not roles.revoke_role(on.conn, bob, reader, **T).granted
    with pytest.raises(NotGrantedError, match=f"'{bob}' does not have role '{reader}'; they have no roles"):
        roles.revoke_role(on.conn, bob, reader, **T)
    assert roles.drop_role(on.conn, reader, **T).role == reader
    assert on.rolenames() == []
    for act in (roles.list_role, roles.drop_role, roles.preview_drop_role):
        with pytest.raises(UnknownRoleError, match=f"no role '{reader}'"):
            act(on.conn, reader, **T)
    for role in ("admin", "public"):
        with pytest.raises(ProtectedRoleError, match=f"'{role}' cannot be dropped"):
            roles.drop_role(on.conn, role, force=True, **T)


def test_describing_a_role(on, reader):
    """Only where the server keeps it; its own roles stay."""
    if not on.has("descriptions"):
        with pytest.raises(ServerTooOldError, match=r"keeps no descriptions \(Milvus 2\.6\.19 does\)"):
            roles.describe_role(on.conn, reader, "reads", **T)
        return
    roles.describe_role(on.conn, reader, "reads", **T)
    assert roles.list_role(on.conn, reader, **T).description == "reads"
    with pytest.raises(ProtectedRoleError, match="'admin' cannot be changed"):
        roles.describe_role(on.conn, "admin", "reads", **T)
    with pytest.raises(UnknownRoleError):
        roles.describe_role(on.conn, f"{reader}s", "reads", **T)


def test_dropping_by_force(on, reader):
    """With all that it holds in every database, and nothing of roles whose names begin like it."""
    longer = f"{reader}2"
    roles.create_role(on.conn, longer, **T)
    privileges.grant_privilege(on.conn, longer, "Search", collection=on.docs, **T)
    privileges.grant_privilege(on.conn, reader, "Search", collection=on.docs, db=on.lab, **T)
    privileges.grant_privilege(on.conn, reader, "Query", collection="*", db="*", **T)
    with pytest.raises(InUseError, match=f"holds .*Search on collection '{on.docs}' in database '{on.lab}'.*--force"):
        roles.drop_role(on.conn, reader, **T)
    dropped = roles.drop_role(on.conn, reader, force=True, **T)
    assert len(dropped.grants) == 2
    assert ("one by one" in dropped.note) is not on.has("forced drop")
    roles.create_role(on.conn, reader, **T)
    assert held(on, reader) == [], "nothing is left for the next role of that name"
    assert held(on, longer) == [f"Search on collection '{on.docs}' in database 'default'"]


def test_grants(on, reader):
    """The same calls on every server, in the way that it has; mistakes come with what may have been meant."""
    for privilege, scope in [
        ("Search", {"collection": on.docs}), ("Query", {"collection": "*"}),
        ("Insert", {"collection": on.docs, "db": on.lab}),
        ("ListDatabases", {}), ("SelectUser", {}), ("CreateCollection", {}), ("DescribeCollection", {}),
    ]:  # fmt: skip
        granted = privileges.grant_privilege(on.conn, reader, privilege, **scope, **T)
        assert granted.grant.privilege == privilege
    found = privileges.list_grants(on.conn, reader, **T)
    assert {(grant.privilege, grant.object_name, grant.db) for grant in found} >= {
        ("Search", on.docs, "default"), ("Insert", on.docs, on.lab),
    }  # fmt: skip
    assert {grant.grantor for grant in found} == {"root"}
    assert len(found) == 7
    if on.inside:
        last = [method for method in on.inside.calls if method.startswith("OperatePrivilege")][-1]
        assert last == ("OperatePrivilegeV2" if on.has("newer grants") else "OperatePrivilege")
    with nullcontext() if on.has("newer grants") else pytest.raises(ServerTooOldError):
        on.conn.call("OperatePrivilegeV2", deadline=Deadline(30))  # refused where it is there: it names no role
    with pytest.raises(NotGrantedError):
        privileges.revoke_privilege(on.conn, reader, "Search", collection=f"{on.docs}2", **T)
    with pytest.raises(UnknownPrivilegeError, match="did you mean 'Search'"):
        privileges.grant_privilege(on.conn, reader, "Serch", collection=on.docs, **T)
    with pytest.raises(UnknownRoleError, match=f"did you mean '{reader}'"):
        privileges.grant_privilege(on.conn, f"{reader}s", "Search", collection=on.docs, **T)
    assert len(held(on, reader)) == 7
    for grant in found:
        kind = {"object_type": grant.object_type, "object_name": grant.object_name, "db": grant.db}
        privileges.revoke_privilege(on.conn, reader, grant.privilege, **kind, **T)
    assert held(on, reader) == []


def test_grants_are_told_as_they_are_made(on, reader):
    """A dry run says what the run then does; and what it says would be revoked is gone."""
    for privilege, where in [
        ("SelectUser", {}), ("SelectUser", {"db": "*"}), ("CreateOwnership", {}), ("DescribeCollection", {}),
        ("Search", {"collection": on.docs}), ("Query", {"collection": "*", "db": "*"}),
        ("Insert", {"collection": on.docs, "db": on.lab}), ("All", {}),
        ("Load", {"object_type": "Collection", "object_name": on.docs}),
        ("SelectUser", {"object_type": "User", "object_name": "*"}),
    ]:  # fmt: skip
        told = preview_grant_privilege(on.conn, reader, privilege, **where, **T)
        assert held(on, reader) == []
        made = privileges.grant_privilege(on.conn, reader, privilege, **where, **T)
        assert told.what == f"grant {made.grant} to the role {reader}"
        kept = {(one.privilege, one.object_name, one.db) for one in privileges.list_grants(on.conn, reader, **T)}
        assert (made.grant.privilege, made.grant.object_name, made.grant.db) in kept
        told = preview_revoke_privilege(on.conn, reader, privilege, **where, **T)
        gone = privileges.revoke_privilege(on.conn, reader, privilege, **where, **T)
        assert told.what == f"revoke {gone.grant} from the role {reader}"
        assert held(on, reader) == []


def test_the_connections_database_counts_where_none_is_named(on, reader):
    """Of what it is about a database at all."""
    conn = on.log_in("root", None, db=on.lab)
    privileges.grant_privilege(conn, reader, "Search", collection=on.docs, **T)
    privileges.grant_privilege(conn, reader, "CreateCollection", **T)
    assert {grant.db for grant in privileges.list_grants(on.conn, reader, **T)} == {on.lab}
    with pytest.raises(NotGrantedError):
        privileges.revoke_privilege(on.conn, reader, "Search", collection=on.docs, **T)
    privileges.revoke_privilege(conn, reader, "Search", collection=on.docs, **T)
    privileges.revoke_privilege(on.conn, reader, "CreateCollection", db=on.lab, **T)
    assert held(on, reader) == []


def test_what_is_held_is_what_is_revoked(on, reader):
    """Given in the older way, which newer servers keep apart, or in another database: that, or an error."""
    privileges.grant_privilege(on.conn, reader, "SelectUser", object_type="User", object_name="*", **T)
    where = "in all databases" if on.has("cluster in *") else "in database 'default'"
    assert f"on all users {where}" in str(preview_revoke_privilege(on.conn, reader, "SelectUser", **T))
    privileges.revoke_privilege(on.conn, reader, "SelectUser", **T)
    assert held(on, reader) == []
    privileges.grant_privilege(on.conn, reader, "Search", collection="*", db="*", **T)
    for act in (preview_revoke_privilege, privileges.revoke_privilege):
        with pytest.raises(NotGrantedError, match=r"it has Search on .* in all databases"):
            act(on.conn, reader, "Search", collection="*", **T)


def test_what_is_not_there_is_said(on, reader):
    """A collection and a database, by somebody who sees everything; with what may have been meant."""
    note = privileges.grant_privilege(on.conn, reader, "Search", collection=f"{on.docs}s", **T).note
    assert f"there is no collection '{on.docs}s' in database 'default' (did you mean '{on.docs}'?)" in note
    assert privileges.grant_privilege(on.conn, reader, "Search", collection=on.docs, **T).note == ""
    told = preview_grant_privilege(on.conn, reader, "Load", collection="*", db=f"{on.lab}s", **T)
    assert f"there is no database '{on.lab}s' (did you mean '{on.lab}'?)" in str(told)
    for db in ("my-db", "9db", ""):
        with pytest.raises(ParameterError):
            privileges.grant_privilege(on.conn, reader, "Search", collection="*", db=db, **T)


def test_grants_on_aliases(on, reader):
    """Kept where the server keeps them, and taken back from there."""
    [latest] = on.names("latest")
    on.places.create_alias("default", on.docs, latest)
    try:
        kept = on.docs if on.has("aliases") else latest
        note = f"{latest!r} is an alias of {kept!r}, where the server keeps it" if on.has("aliases") else ""
        assert privileges.grant_privilege(on.conn, reader, "Search", collection=latest, **T).note == note
        assert [grant.object_name for grant in privileges.list_grants(on.conn, reader, **T)] == [kept]
        if on.has("aliases"):
            with pytest.raises(NotGrantedError, match=f"if that is meant, name it \\(--collection {kept}\\)"):
                privileges.revoke_privilege(on.conn, reader, "Search", collection=latest, **T)
            assert len(held(on, reader)) == 1
        privileges.revoke_privilege(on.conn, reader, "Search", collection=kept, **T)
        assert held(on, reader) == []
    finally:
        on.places.drop_alias("default", latest)


def test_built_in_groups(on, reader):
    """Granted like privileges where there are any, and never dropped or changed."""

    def grant(name, **scope):
        return privileges.grant_privilege(on.conn, reader, name, **scope, **T)

    if not on.has("groups"):
        with pytest.raises(UnknownPrivilegeError, match="'CollectionReadOnly'; newer ones do"):
            grant("CollectionReadOnly", collection=on.docs)
        return
    grant("CollectionReadOnly", collection=on.docs)
    grant("DatabaseReadOnly", db=on.lab)
    assert str(grant("ClusterReadOnly").grant) == "ClusterReadOnly on everything in all databases"
    with pytest.raises(ParameterError, match="is not about one collection"):
        grant("DatabaseReadOnly", collection=on.docs)
    with pytest.raises(ParameterError, match="is about the whole server: leave out --db"):
        grant("ClusterReadOnly", db=on.lab)
    assert len(held(on, reader)) == 3
    privileges.revoke_privilege(on.conn, reader, "CollectionReadOnly", collection=on.docs, **T)
    assert len(held(on, reader)) == 2
    with pytest.raises(ParameterError):
        privilege_groups.drop_privilege_group(on.conn, "CollectionReadOnly", **T)


def test_groups_of_privileges(on, reader):
    """Made, filled, granted, emptied, dropped; each mistake is told before anything is changed."""
    conn, groups, (searching, serching) = on.conn, privilege_groups, on.names("searching serching")
    if not on.has("groups"):
        for act in (
            lambda: groups.list_privilege_groups(conn, **T),
            lambda: groups.create_privilege_group(conn, searching, **T),
            lambda: groups.drop_privilege_group(conn, searching, **T),
            lambda: groups.add_privileges_to_group(conn, searching, ["Search"], **T),
            lambda: groups.remove_privileges_from_group(conn, searching, ["Search"], **T),
        ):  # fmt: skip
            with pytest.raises(ServerTooOldError, match=r"PrivilegeGroups?, which needs Milvus 2\.4\.16"):
                act()
        return
    others = len(groups.list_privilege_groups(conn, **T))
    groups.create_privilege_group(conn, searching, **T)
    with pytest.raises(GroupExistsError, match=f"'{searching}' exists already"):
        groups.create_privilege_group(conn, searching, **T)
    with pytest.raises(ParameterError, match="may hold only letters"):
        groups.create_privilege_group(conn, f"{searching} b", **T)
    groups.add_privileges_to_group(conn, searching, ["Search", "Query"], **T)
    with pytest.raises(UnknownPrivilegeError, match="did you mean 'Search'"):
        groups.add_privileges_to_group(conn, searching, ["Serch"], **T)
    with pytest.raises(UnknownPrivilegeError, match="not the same privilege level"):
        groups.add_privileges_to_group(conn, searching, ["CreateOwnership"], **T)
    with pytest.raises(UnknownPrivilegeError, match=f"no privilege group '{serching}'.*did you mean '{searching}'"):
        groups.add_privileges_to_group(conn, serching, ["Search"], **T)
    with pytest.raises(NotGrantedError, match="does not hold 'Load'; it holds Query, Search"):
        groups.remove_privileges_from_group(conn, searching, ["Load"], **T)
    groups.remove_privileges_from_group(conn, searching, ["Query"], **T)
    listed = {group.name: group.privileges for group in groups.list_privilege_groups(conn, **T)}
    assert (listed[searching], len(listed)) == (("Search",), others + 1)
    privileges.grant_privilege(conn, reader, searching, collection=on.docs, **T)
    with pytest.raises(InUseError, match=f"it is granted to '{reader}'"):
        groups.drop_privilege_group(conn, searching, **T)
    privileges.revoke_privilege(conn, reader, searching, collection=on.docs, **T)
    assert "it held Search" in str(groups.drop_privilege_group(conn, searching, **T))
    with pytest.raises(UnknownPrivilegeError):
        groups.drop_privilege_group(conn, searching, **T)
