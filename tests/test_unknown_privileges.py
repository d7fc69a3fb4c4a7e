"""What is no privilege is refused before it is sent, with what is meant; what may be one is sent, and that is noted.

By every way in alike: function, dry run, `Role`, magic.
"""

from dataclasses import replace

import contract
import pytest
from contract.versions import RECORDED
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from milvus_magics.access.question import read_access
from milvus_magics.client import privilege_catalog as catalog
from milvus_magics.client import privilege_groups, privileges, roles
from milvus_magics.errors import (
    ParameterError,
    UnknownPrivilegeError,
)
from milvus_magics.role import Role
from milvus_magics.session import connections, session

OLD, V25, V26, V30 = RECORDED
EVERY, NEWER = (OLD, V25, V26, V30), (V25, V26, V30)
CHANGES = {"OperatePrivilege", "OperatePrivilegeV2", "OperatePrivilegeGroup", "CreatePrivilegeGroup"}


@pytest.fixture
def server(request):
    """A server with a role `reader` and a group of each level, and root's connection to it."""
    with contract.serve(request.param) as (server, address):
        server.roles["reader"] = ""
        server.groups |= {"reading": {"Search"}, "running": {"FlushAll"}} if request.param != OLD else {}
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        server.conn = connections.get()
        yield server
        connections.close_all()


def of(*versions):
    return pytest.mark.parametrize("server", versions, indirect=True)


@pytest.fixture(scope="module")
def magics():
    """Run a magic with values that stand on its line as variables, and options; a dry run is one of them."""
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "milvus_magics")

    def run(name, *values, dry_run=False, **options):
        words = {f"value_{index}": value for index, value in enumerate([*values, *options.values()])}
        shell.user_ns.update(words)
        names = [*[""] * len(values), *(f"--{option} " for option in options)]
        line = [f"{before}${word}" for before, word in zip(names, words, strict=True)]
        return shell.run_line_magic(f"milvus_{name}", " ".join([*line, *["--dry-run"] * dry_run]))

    yield run
    shell.run_line_magic("unload_ext", "milvus_magics")


def ways_to_grant(conn, magics, name, collection=None):
    """Every way to give a privilege in the newer way: with an answer, or an error."""
    on = {} if collection is None else {"collection": collection}
    return {
        "function": lambda: privileges.grant_privilege(conn, "reader", name, **on),
        "preview": lambda: privileges.preview_grant_privilege(conn, "reader", name, **on),
        "magic": lambda: magics("grant_privilege", "reader", name, **on),
        "dry run": lambda: magics("grant_privilege", "reader", name, **on, dry_run=True),
        **({"Role": lambda: Role("reader").grant_v2(name, collection)} if collection else {}),
    }


def ways_to_add(conn, magics, name, group="reading"):
    return {
        "function": lambda: privilege_groups.add_privileges_to_group(conn, group, [name]),
        "preview": lambda: privilege_groups.preview_change_privilege_group(conn, group, [name], added=True),
        "magic": lambda: magics("add_privileges_to_group", group, name),
        "dry run": lambda: magics("add_privileges_to_group", group, name, dry_run=True),
        "Role": lambda: Role("reader").add_privileges_to_group(group, [name]),
    }


def refused(server, ways, error=UnknownPrivilegeError):
    """The one line with which all ways refuse; nothing was sent."""
    server.calls.clear()
    texts = set()
    for way, act in ways.items():
        with pytest.raises(error) as found:
            pytest.fail(f"{way}: {act()}")
        texts.add(found.value.reason)
    assert len(texts) == 1, texts
    assert not CHANGES.intersection(server.calls)
    assert "\n" not in str(texts)
    return texts.pop()


# --- names that nobody knows ---


@of(*EVERY)
def test_a_slip_of_the_pen_is_refused_with_what_is_meant(server, magics):
    for name in ("Serch", "search", "PrivilegeSearch", "SEARCH"):
        text = refused(server, ways_to_grant(server.conn, magics, name, "docs"))
        assert f"this server (Milvus {server.rules.build}) knows no privilege '{name}' (did you mean 'Search'?)" in text
        by_type = {"Role": lambda name=name: Role("reader").grant("Collection", "docs", name)}
        assert refused(server, by_type) == text
    if server.version != OLD:
        assert "(did you mean 'Search'?)" in refused(server, ways_to_add(server.conn, magics, "Serch"))


@of(V26)
@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("COLL_RO", "CollectionReadOnly"), ("COLL_RW", "CollectionReadWrite"), ("COLL_ADMIN", "CollectionAdmin"),
        ("DB_RO", "DatabaseReadOnly"), ("DB_RW", "DatabaseReadWrite"), ("DB_Admin", "DatabaseAdmin"),
        ("Cluster_RO", "ClusterReadOnly"), ("Cluster_RW", "ClusterReadWrite"), ("Cluster_Admin", "ClusterAdmin"),
        ("coll_ro", "CollectionReadOnly"), ("db_admin", "DatabaseAdmin"), ("cluster-admin", "ClusterAdmin"),
        ("PrivilegeGroupClusterReadOnly", "ClusterReadOnly"), ("PrivilegeBackupRBAC", "BackupRBAC"),
        ("HybridSearch", "Search"), ("LoadCollection", "Load"), ("DescribeIndex", "IndexDetail"),
        ("create_collection", "CreateCollection"), ("CreateUser", "CreateOwnership"), ("DropRole", "DropOwnership"),
        ("Compact", "Compaction"), ("BulkInsert", "Import"), ("Alias", "CreateAlias"),
        ("list_collections", "ShowCollections"),
    ],
)  # fmt: skip
def test_a_name_from_a_manual_is_refused_with_the_right_one(server, magics, name, meant):
    assert f"(did you mean '{meant}'?)" in refused(server, ways_to_grant(server.conn, magics, name, "docs"))
    assert catalog.suggest_privilege(name) == f" (did you mean {meant!r}?)"
    with pytest.raises(UnknownPrivilegeError, match=f"did you mean '{meant}'"):
        read_access(server.conn, privilege=name)


@of(OLD)
def test_what_is_meant_may_be_too_new_itself(server, magics):
    text = refused(server, ways_to_grant(server.conn, magics, "COLL_RO", "docs"))
    assert "(did you mean 'CollectionReadOnly'? No Milvus before 2.4.18 has it)" in text


@of(*EVERY)
def test_what_newer_servers_have_is_refused_and_says_since_when(server, magics):
    """The catalogue knows each privilege's first version; what this server has is granted."""
    for name, since in catalog.FIRST_VERSIONS.items():
        collection = "docs" if name in catalog.ON_COLLECTIONS else None
        ways = ways_to_grant(server.conn, magics, name, collection)
        if tuple(map(int, since.split("."))) > tuple(map(int, server.version.split("-")[0].split("."))):
            assert f"knows no privilege '{name}'; newer ones do, but none before {since}" in refused(server, ways)
        else:
            assert "This will grant" in str(ways["preview"]())
            assert "granted" in str(ways["function"]())
            assert ("reader", name) in {(role, held) for role, _, _, held, _ in server.grants}


def test_what_a_server_lacks_is_not_offered():
    for version in EVERY:
        offered = catalog.list_privileges(version)
        assert {"Search", "SelectUser"} <= set(offered)
        assert ("CollectionReadOnly" in offered, "CreateSnapshot" in offered) == (version != OLD, version == V30)
        assert "ManageRLS" not in offered
    assert catalog.list_privileges("") == sorted(catalog.KNOWN)


# --- names that may be some ---


@of("2.6.23", "3.0.1", "4.0.0")
def test_a_newer_server_is_asked_and_that_is_said(server, magics):
    server.rules = replace(
        server.rules, types=server.rules.types | {"Global": {*server.rules.types["Global"], "Juggle"}}
    )
    ways = ways_to_grant(server.conn, magics, "Juggle", "*")
    for way in ("preview", "dry run", "function", "magic"):
        said = str(ways[way]())
        assert "nly the server knows what 'Juggle' is" in said, way
    assert ("reader", "Global", "*", "Juggle", "default") in server.grants
    server.calls.clear()
    with pytest.raises(UnknownPrivilegeError, match="knows no privilege 'Serch' .did you mean 'Search'"):
        privileges.grant_privilege(server.conn, "reader", "Serch", collection="docs")
    assert "OperatePrivilegeV2" in server.calls
    assert "(did you mean 'Search'?)" in str(
        privileges.preview_grant_privilege(server.conn, "reader", "Serch", collection="docs")
    )
    for way, act in ways_to_add(server.conn, magics, "Juggle", "running").items():
        if way in ("preview", "dry run"):
            assert "nly the server knows what 'Juggle' is" in str(act())
    with pytest.raises(UnknownPrivilegeError):
        privilege_groups.add_privileges_to_group(server.conn, "running", ["Juggle"])


@of(V30)
def test_a_server_whose_version_cannot_be_read_is_asked_too(server):
    server.rules = replace(server.rules, build="master-20260901")
    server.conn.version = ""
    with pytest.raises(UnknownPrivilegeError):
        privileges.grant_privilege(server.conn, "reader", "Serch", collection="docs")
    assert "OperatePrivilegeV2" in server.calls


@of(*NEWER)
def test_what_the_server_lists_is_known(server):
    """Somebody's own groups, and privileges that only this server's groups hold."""
    hidden = server.rules.groups["ClusterAdmin"] | {"Juggle"}
    types = server.rules.types | {"Global": {*server.rules.types["Global"], "Juggle"}}
    server.rules = replace(server.rules, groups=server.rules.groups | {"ClusterAdmin": hidden}, types=types)
    for name in ("running", "Juggle"):
        assert privileges.preview_grant_privilege(server.conn, "reader", name).note == ""
        assert privileges.grant_privilege(server.conn, "reader", name).note == ""


@of(*NEWER)
def test_who_may_not_see_the_groups_may_still_grant_one(server):
    """Nobody but the server knows whether it is one."""
    server.passwords["ann"] = b"anns-password"
    server.roles["keeper"] = ""
    server.bindings.add(("ann", "keeper"))
    for right in ("ManageOwnership", "SelectOwnership"):
        server.grants["keeper", "Global", "*", right, "*"] = "root"
        server.grants["keeper", "Global", "*", right, "default"] = "root"
    uri = server.conn.address.url
    connections.connect("anns", uri=uri, user="ann", password="anns-password")
    conn = connections.get("anns")
    done = privileges.grant_privilege(conn, "reader", "reading", collection="*")
    assert "only the server knows what 'reading' is" in str(done)
    with pytest.raises(UnknownPrivilegeError, match="knows no privilege 'COLL_RO' .did you mean 'CollectionReadOnly'"):
        privileges.grant_privilege(conn, "reader", "COLL_RO", collection="*")


# --- names that are taken for something else ---


@of(*NEWER)
def test_names_that_a_server_takes_for_something_else_are_refused(server, magics):
    """The groups of 2.4 bring rights in the whole database, and the protocol's names of today's bring none at first."""
    for name, meant in catalog.MISLEADING.items():
        text = refused(server, ways_to_grant(server.conn, magics, name, "docs"))
        assert f"gives '{name}' other rights than its name says: grant '{meant}' instead" in text
    assert {"ReadOnly", "GroupReadOnly", "GroupClusterAdmin", "GroupDatabaseReadWrite"} <= catalog.MISLEADING.keys()


@of(*NEWER)
def test_who_names_the_object_type_gets_the_old_group(server):
    """And who holds it, however they got it, can be rid of it."""
    on = {"object_type": "Collection", "object_name": "docs"}
    privileges.grant_privilege(server.conn, "reader", "ReadOnly", **on)
    assert ("reader", "Collection", "docs", "ReadOnly", "default") in server.grants
    privileges.revoke_privilege(server.conn, "reader", "ReadOnly", **on)
    assert not any(role == "reader" for role, *_ in server.grants)


@of("2.4.16")
def test_where_there_is_nothing_else_the_old_groups_are_granted(server):
    privileges.grant_privilege(server.conn, "reader", "ReadOnly", collection="docs")
    assert ("reader", "Collection", "docs", "ReadOnly", "default") in server.grants


# --- what is about collections ---


@of(V30)
@pytest.mark.parametrize("name", sorted(catalog.ON_COLLECTIONS))
def test_what_is_about_collections_asks_for_one(server, magics, name):
    for collection in (None, ""):
        ways = ways_to_grant(server.conn, magics, name, collection)
        if collection == "":
            ways = {
                "function": ways["function"],
                "preview": ways["preview"],
                "Role": lambda: Role("reader").grant_v2(name, ""),
            }
        said = "is granted on a collection: name it (--collection NAME), or '*' for all of them"
        assert refused(server, ways, ParameterError) == f"{name!r} {said}"
    with pytest.raises(ParameterError, match="is granted on a collection"):
        privileges.revoke_privilege(server.conn, "reader", name)


@of(*NEWER)
def test_so_does_what_only_the_server_knows_to_be(server, magics):
    """Somebody's own groups of that level, and what is newer than the catalogue."""
    groups, types = server.rules.groups, server.rules.types
    server.rules = replace(
        server.rules,
        groups=groups | {"CollectionAdmin": groups["CollectionAdmin"] | {"Juggle"}},
        types=types | {"Collection": types["Collection"] | {"Juggle"}},
    )
    for name in ("reading", "Juggle"):
        ways = ways_to_grant(server.conn, magics, name)
        assert "is granted on a collection: name it" in refused(server, ways, ParameterError)
        assert privileges.grant_privilege(server.conn, "reader", name, collection="*").grant.object_name == "*"


@of(*EVERY)
def test_an_empty_name_is_not_taken_for_all(server):
    for on in (
        {"collection": ""}, {"object_type": "Collection", "object_name": ""},
        {"object_type": "Global", "object_name": ""},
    ):  # fmt: skip
        for act in (privileges.grant_privilege, privileges.preview_grant_privilege, privileges.revoke_privilege):
            with pytest.raises(ParameterError, match="name is empty"):
                act(server.conn, "reader", "DescribeCollection", **on)
    assert not CHANGES.intersection(server.calls)


@of(V30)
def test_a_role_comes_back_with_what_nobody_knows(server):
    """Undo asks for nothing: it grants what was there."""
    server.rules = replace(
        server.rules, types=server.rules.types | {"Collection": {*server.rules.types["Collection"], "Juggle"}}
    )
    for name in ("Juggle", "CreateSnapshot"):
        server.grants["reader", "Collection", "*", name, "default"] = "root"
    before = set(server.grants)
    roles.drop_role(server.conn, "reader", force=True)
    assert before - set(server.grants) == {grant for grant in before if grant[0] == "reader"}
    session.undo.restore_role(server.conn, "reader", timeout=10)
    assert set(server.grants) == before


# --- names of groups ---


@of(*NEWER)
def test_no_group_has_a_dollar_in_its_name(server, magics):
    for name in ("e$g", "$eg", "eg$"):
        ways = {
            "function": lambda name=name: privilege_groups.create_privilege_group(server.conn, name),
            "preview": lambda name=name: privilege_groups.preview_create_privilege_group(server.conn, name),
            "magic": lambda name=name: magics("create_privilege_group", name),
            "dry run": lambda name=name: magics("create_privilege_group", name, dry_run=True),
            "Role": lambda name=name: Role("reader").create_privilege_group(name),
        }
        assert f"the group name '{name}'" in refused(server, ways, ParameterError)
        for ways in (
            ways_to_add(server.conn, magics, "Search", name),
            {"drop": lambda name=name: Role("reader").drop_privilege_group(name)},
        ):
            assert f"there is no privilege group '{name}'" in refused(server, ways)
    assert roles.create_role(server.conn, "r$1"), "roles may have one"
