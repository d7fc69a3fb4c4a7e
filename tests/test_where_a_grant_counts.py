"""Where a grant counts, and what servers refuse, is known before anything is sent: by the dry run and the real call."""

from dataclasses import replace

import contract
import pytest
from contract.versions import RECORDED

from milvus_magics.client import privileges
from milvus_magics.errors import MilvusException, NotGrantedError, ParameterError, UnknownPrivilegeError
from milvus_magics.role import Role
from milvus_magics.session import connections

OLD, V25, V26, V30 = RECORDED
EVERY, NEWER = (OLD, V25, V26, V30), (V25, V26, V30)
CHANGES = {"OperatePrivilege", "OperatePrivilegeV2"}


@pytest.fixture
def server(request):
    """A server with a role `reader`, and root's connection to it."""
    with contract.serve(request.param) as (server, address):
        server.roles["reader"] = ""
        server.collections["lab"] = ["notes"]
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        server.conn = connections.get()
        yield server
        connections.close_all()


def of(versions):
    return pytest.mark.parametrize("server", versions, indirect=True)


def held(server):
    """What the role holds: privilege, object's name, database."""
    return {(privilege, name, db) for role, _, name, privilege, db in server.grants if role == "reader"}


def grant(server, privilege, **on):
    """Grant what the dry run says would be granted, with the same place in both."""
    foreseen = str(privileges.preview_grant_privilege(server.conn, "reader", privilege, **on))
    before = held(server)
    done = privileges.grant_privilege(server.conn, "reader", privilege, **on)
    assert str(done.grant) in foreseen
    return held(server) - before


def refused(server, privilege, error=ParameterError, **on):
    """The one message with which dry run and real call refuse, without sending a change."""
    texts = []
    for function in (privileges.preview_grant_privilege, privileges.grant_privilege):
        with pytest.raises(error) as found:
            function(server.conn, "reader", privilege, **on)
        texts.append(found.value.reason)
    assert len(set(texts)) == 1
    assert not CHANGES.intersection(server.calls)
    return texts[0]


@of(NEWER)
def test_what_is_about_the_cluster_goes_to_all_databases(server):
    """Also what is newer than the catalogue, of which the server tells the level by its groups."""
    groups, types = server.rules.groups, server.rules.types
    server.rules = replace(
        server.rules,
        groups=groups | {"ClusterAdmin": groups["ClusterAdmin"] | {"NewOnCluster"}},
        types=types | {"Global": types["Global"] | {"NewOnCluster"}},
    )
    server.groups["running"] = {"FlushAll"}
    new = [] if server.version == V25 else ["AddFileResource", "UpdateReplicateConfiguration"]
    new += ["PinSnapshotData", "Expr"] if server.version == V30 else []
    for privilege in ("CreateOwnership", "NewOnCluster", "running", *new):
        assert grant(server, privilege) == {(privilege, "*", "*")}
        privileges.revoke_privilege(server.conn, "reader", privilege)
        assert held(server) == set()


@of(NEWER)
def test_renaming_is_about_the_cluster_before_3_0(server):
    """ClusterAdmin held it then; one in a database is still found by a revocation that names none."""
    assert grant(server, "RenameCollection") == {("RenameCollection", "*", "default" if server.version == V30 else "*")}
    privileges.revoke_privilege(server.conn, "reader", "RenameCollection")
    assert grant(server, "RenameCollection", db="lab") == {("RenameCollection", "*", "lab")}
    server.grants = {("reader", "Global", "*", "RenameCollection", "default"): "root"}
    privileges.revoke_privilege(server.conn, "reader", "RenameCollection")
    assert held(server) == set()


@of(EVERY)
def test_the_older_way_too_where_it_would_bring_nothing(server):
    Role("reader").grant("Global", "*", "CreateOwnership")
    assert held(server) == {("CreateOwnership", "*", "*" if server.version == V30 else "default")}


@of(EVERY)
def test_a_database_where_it_brings_nothing(server):
    """From 3.0 on, rights on the cluster are looked for in `*` alone."""
    by_name = {"object_type": "Global", "object_name": "*"}
    for on in ({"db": "default"}, {"db": "default", **by_name}):
        if server.version == V30:
            text = refused(server, "CreateOwnership", **on)
            assert "brings nothing in database 'default'" in text
            assert "database '*'" in text
        else:
            grant(server, "CreateOwnership", **on)
    server.grants["reader", "Global", "*", "CreateOwnership", "default"] = "root"
    privileges.revoke_privilege(server.conn, "reader", "CreateOwnership", db="default")
    assert held(server) == set()


@of(NEWER)
def test_groups_in_a_scope_of_another_level(server):
    """Servers refuse these, of groups that somebody made as well."""
    server.groups |= {"running": {"FlushAll"}, "keeping": {"CreateCollection"}, "reading": {"Search"}}
    for group, on, says in (
        ("ClusterReadOnly", {"db": "default"}, "whole server"),
        ("running", {"db": "default"}, "whole server"),
        ("running", {"collection": "docs"}, "whole server"),
        ("keeping", {"collection": "docs"}, "not about one collection"),
        ("reading", {"collection": "docs", "db": "*"}, "name its database"),
        ("CollectionReadOnly", {"collection": "docs", "db": "*"}, "name its database"),
    ):
        assert says in refused(server, group, **on)


@of(EVERY)
def test_databases_that_cannot_be(server):
    for db, says in (
        ("", "is empty"), ("my-db", "letters, digits and _"), ("9db", "begin with"), ("a b", "letters, digits and _"),
        ("d*", "letters, digits and _"), ("default ", "letters, digits and _"), ("x" * 256, "255"),
    ):  # fmt: skip
        for on in ({"collection": "docs"}, {"object_type": "Collection", "object_name": "docs"}):
            server.calls.clear()
            text = refused(server, "Search", db=db, **on)
            assert says in text
            assert "\n" not in text
            assert server.calls == []
        with pytest.raises(ParameterError, match=says):
            privileges.revoke_privilege(server.conn, "reader", "Search", collection="docs", db=db)
    assert grant(server, "Search", collection="*", db="*") == {("Search", "*", "*")}


@of(EVERY)
def test_what_was_granted_in_a_strange_database_can_be_revoked(server):
    """The older way takes any name, and takes it away again."""
    server.grants["reader", "Collection", "*", "Search", "d*"] = "root"
    on = {"object_type": "Collection", "object_name": "*", "db": "d*"}
    privileges.revoke_privilege(server.conn, "reader", "Search", **on)
    assert held(server) == set()
    with pytest.raises(NotGrantedError):
        privileges.revoke_privilege(server.conn, "reader", "Search", **on)


@of(NEWER)
def test_a_named_collection_in_an_unknown_database(server):
    """Aliases are looked up from 2.6.12 on, for which its database must be there, and be named."""
    for on, says in (
        ({"collection": "docs", "db": "lba"}, "there is no database 'lba' on .* (did you mean 'lab'?)"),
        ({"collection": "docs", "db": "nowhere"}, "there is no database 'nowhere' on .*; there are: default, lab"),
        ({"collection": "docs", "db": "*"}, "name its database"),
    ):
        if server.version == V25:
            assert grant(server, "Search", **on)
            continue
        for function in (privileges.preview_grant_privilege, privileges.grant_privilege):
            with pytest.raises(ParameterError, match=says.replace("(", r"\(").replace(")", r"\)").replace("?", r"\?")):
                function(server.conn, "reader", "Search", **on)
        assert held(server) == set()
    assert grant(server, "Query", collection="*", db="nowhere") == {("Query", "*", "nowhere")}


@of([V26, V30])
def test_who_does_not_see_all_is_not_refused_by_the_dry_run(server):
    """The database may be there; what the real call says is the server's word."""
    server.passwords["ann"] = b"ann's-password"
    server.roles["mine"] = ""
    server.bindings.add(("ann", "mine"))
    server.grants["mine", "Global", "*", "SelectOwnership", "*"] = "root"
    server.grants["mine", "Global", "*", "ManageOwnership", "*"] = "root"
    connections.connect("ann", uri=server.conn.address.url, user="ann", password="ann's-password")
    conn = connections.get("ann")
    text = str(privileges.preview_grant_privilege(conn, "reader", "Search", collection="docs", db="lba"))
    assert "database 'lba' is not there, or not visible to you" in text
    with pytest.raises(MilvusException, match="there is no database 'lba'"):
        privileges.grant_privilege(conn, "reader", "Search", collection="docs", db="lba")


def by_type(kind, name):
    return {"object_type": kind, "object_name": name}


@of(EVERY)
def test_object_types_that_there_are_not(server):
    text = refused(server, "Search", **by_type("Colection", "docs"))
    assert "no object type 'Colection' (did you mean 'Collection'?); there are: Collection, Global, User" in text
    with pytest.raises(ParameterError, match="no object type 'collection'"):
        Role("reader").grant("collection", "docs", "Search")
    assert not CHANGES.intersection(server.calls)


@of(EVERY)
def test_a_privilege_of_another_object_type(server):
    for privilege, kind, own in (
        ("Search", "Global", "Collection"), ("Search", "User", "Collection"), ("SelectUser", "Collection", "User"),
        ("CreateCollection", "Collection", "Global"), ("All", "Collection", "Global"), ("All", "User", "Global"),
    ):  # fmt: skip
        text = refused(server, privilege, UnknownPrivilegeError, **by_type(kind, "*"))
        assert f"knows no privilege '{privilege}' for the object type '{kind}': it is of the type '{own}'" in text
        with pytest.raises(UnknownPrivilegeError, match=f"of the type '{own}'"):
            Role("reader").grant(kind, "*", privilege)
        assert grant(server, privilege, **by_type(own, "*"))
        server.grants.clear()
        server.calls.clear()
    assert grant(server, "*", **by_type("Collection", "*")) == {("*", "*", "default")}


@of(NEWER)
def test_groups_have_no_object_type(server):
    """Only those of 2.4 do."""
    server.groups["reading"] = {"Search"}
    for group, kind in (("CollectionReadOnly", "Collection"), ("ClusterAdmin", "Global"), ("reading", "Collection")):
        for db in ("default", "*", None):
            assert "leave out --object" in refused(server, group, **by_type(kind, "*"), db=db)
    assert "of the type 'Collection'" in refused(server, "ReadOnly", UnknownPrivilegeError, **by_type("Global", "*"))
    assert grant(server, "ReadOnly", **by_type("Collection", "docs")) == {("ReadOnly", "docs", "default")}


@of(EVERY)
def test_collections_that_cannot_be(server):
    """What newer servers take if they are set up for it is foreseen with that."""
    for name in ("x y", "c*", "c?", "9c", "x" * 256, "c-1", "c.1"):
        may_be = name in ("c-1", "c.1") and server.version in (V26, V30)
        for on in ({"collection": name}, by_type("Collection", name)):
            if may_be:
                foreseen = str(privileges.preview_grant_privilege(server.conn, "reader", "Search", **on))
                assert f"refuses the name '{name}' unless proxy.nameValidation.allowedChars" in foreseen
                with pytest.raises(ParameterError, match=f"no collection can be called '{name}'"):
                    privileges.grant_privilege(server.conn, "reader", "Search", **on)
                server.calls.clear()
            else:
                assert "name" in refused(server, "Search", **on)
        assert held(server) == set()
    assert "the user name 'x y' may hold no blanks" in refused(server, "SelectUser", **by_type("User", "x y"))
    assert grant(server, "Search", collection=" docs$_1") == {("Search", " docs$_1", "default")}


@of([V26, V30])
def test_privileges_that_only_the_newer_way_takes(server):
    for privilege in ("AddFileResource", "ListFileResources", "RemoveFileResource"):
        if server.version == V30:
            assert grant(server, privilege, **by_type("Global", "*"))
        else:
            text = refused(server, privilege, UnknownPrivilegeError, **by_type("Global", "*"))
            assert "leave out --object" in text
        server.grants.clear()
        assert grant(server, privilege)
        server.calls.clear()


@of([OLD])
def test_groups_of_2_4_before_them(server):
    for on in ({}, by_type("Collection", "docs")):
        text = refused(server, "ReadOnly", UnknownPrivilegeError, **on)
        assert "knows no privilege 'ReadOnly'; newer ones do, but none before 2.4.10" in text
