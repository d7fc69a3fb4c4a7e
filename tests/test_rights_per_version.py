"""What `access` and dry runs told wrong of newer servers, each as somebody saw it; tests/rights_law.py has the law."""

from dataclasses import replace

import contract
import pytest
from contract.versions import RECORDED

from milvus_magics.access.question import read_access
from milvus_magics.client import privilege_groups, privileges, roles, users
from milvus_magics.display.marks import UNKNOWN
from milvus_magics.errors import MilvusException, ParameterError
from milvus_magics.secret import Secret
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

OLD, V25, V26, V30 = RECORDED
EVERY, NEWER = (OLD, V25, V26, V30), (V25, V26, V30)
PASSWORD = "ann's-password"


@pytest.fixture
def server(request):
    """A server with two databases and two collections in each; `ann` holds the role `mine`, `bob` holds nothing."""
    with contract.serve(request.param) as (server, address):
        server.collections = {"default": ["c1", "c2"], "dba": ["c1", "c2"]}
        server.passwords |= {"ann": PASSWORD.encode(), "bob": PASSWORD.encode()}
        server.roles["mine"] = ""
        server.bindings.add(("ann", "mine"))
        server.address, opened = address, []
        server.connect = lambda *login: opened.append(connect(address, *login)) or opened[-1]
        yield server
        for conn in opened:
            conn.close()


def connect(address, user="root", password="Milvus"):
    return Connection(Address.parse(address, user=user, password=password))


def of(versions):
    return pytest.mark.parametrize("server", versions, indirect=True)


def give(server, privilege, kind="Global", name="*", db="default", role="mine"):
    server.grants[role, kind, name, privilege, db] = "root"


def look(server, **asked):
    return read_access(server.connect(), timeout=10, **asked)


def findings(found):
    return {finding.concern: finding.text for finding in found.findings}


@of(EVERY)
def test_a_right_in_one_database_was_said_not_to_reach_another_that_it_reaches(server):
    """Up to 2.6 the connection's database decides, whatever the request names."""
    give(server, "Query", "Collection", "c1", "dba")
    found, separates = look(server), server.version == V30
    assert found.allows("ann", "Query", "c1", "default", connected_to="dba") is not separates
    assert found.allows("ann", "Query", "c1", "dba", connected_to="default") is separates
    assert found.allows("ann", "Query", "c1", "dba")
    assert found.allows("ann", "Query", "c1") is False
    who = look(server, privilege="Query", collection="c1", db="default")
    assert "ann" not in {right.user for right in who}
    text = "databases do not separate on this server, so from another one also these reach it: 'ann'"
    assert (text in who.caption) is not separates


@of(EVERY)
def test_every_right_on_a_collection_was_said_of_a_star_that_brings_none(server):
    """`*` in pymilvus's call for a collection: from 2.4.16 on it makes whoever holds it nearly an administrator."""
    give(server, "*", "Global" if server.version in NEWER else "Collection", "c1")
    found = look(server)
    is_old = server.version == OLD
    assert found.allows("ann", "Query", "c1") is is_old
    assert found.allows("ann", "DropCollection", "c2") is not is_old
    assert found.allows("ann", "CreateOwnership") is (server.version in (V25, V26))
    text = findings(found).get("grants with another effect", "")
    assert ("'*' brings every right on databases" in text) is not is_old
    assert ("and the cluster there" in text) is (server.version in (V25, V26))
    assert "grant groups like CollectionAdmin instead" in text or is_old


@of(EVERY)
def test_everything_everywhere_was_said_of_all_that_brings_nothing(server):
    """`All` in `*`; in 3.0 it brings the rights on the cluster."""
    give(server, "All", db="*")
    found = look(server)
    assert found.allows("ann", "Query", "c1") is False
    assert found.allows("ann", "DropCollection", db="dba") is False
    assert found.allows("ann", "CreateOwnership") is (server.version == V30)
    kind = "grants with another effect" if server.version == V30 else "grants without effect"
    assert "grant All in each database, or the role admin: All on everything in all databases" in findings(found)[kind]
    cells = {row.name: [cell.text() for cell in row.cells] for row in found.matrix().rows}
    assert (cells["ann"] != cells["(everybody)"]) is (server.version == V30)


@of([V30])
def test_whoever_holds_a_right_on_the_cluster_in_default_was_said_to_have_it(server):
    """Grants that were made before an upgrade to 3.0; `All` and `*` bring no right on the cluster there, either."""
    for privilege in ("CreateOwnership", "All", "*"):
        give(server, privilege)
    give(server, "SelectUser", "User")
    found = look(server)
    for privilege in ("CreateOwnership", "SelectUser", "ManageOwnership"):
        assert found.allows("ann", privilege) is False
        assert "ann" not in {right.user for right in read_access(server.connect(), privilege=privilege)}
    text = findings(found)["grants without effect"]
    assert "since Milvus 3.0: grant them there (--db '*') and revoke these" in text
    assert "CreateOwnership on everything in database 'default' by role 'mine'" in text
    assert "SelectUser on all users" in text


@of(NEWER)
def test_aliases_of_other_collections_were_said_to_be_safe(server):
    """What is Global counts in the whole database, also where a group brings it or it is granted on one collection."""
    give(server, "CollectionAdmin", name="c1")
    found = look(server)
    assert found.allows("ann", "Query", "c2") is False
    assert found.allows("ann", "CreateAlias", "c2")
    assert found.allows("ann", "CreateAlias", "c2", "dba") is False
    assert "grants with another effect" not in findings(found)
    assert {right.object_name for right in found if (right.user, right.privilege) == ("ann", "CreateAlias")} == {"*"}
    server.grants.clear()
    give(server, "DropAlias", name="c1")
    found = look(server)
    assert found.allows("ann", "DropAlias", "c2")
    assert "granted on one collection, but it counts in the whole database" in str(findings(found))


@of(NEWER)
def test_groups_of_24_were_said_to_bring_nothing(server):
    """They bring what they say in the whole database; what else is not known, and told so."""
    give(server, "ReadOnly", "Collection", "c1")
    give(server, "Admin", db="*")
    found = look(server)
    for privilege, collection in (("Query", "c1"), ("Query", "c2"), ("DescribeDatabase", None)):
        assert found.allows("ann", privilege, collection)
    assert found.allows("ann", "Insert", "c1") is False
    assert found.allows("ann", "AlterDatabase") is None
    assert found.allows("ann", "Query", "c1", "dba") is False
    assert "grant those of 2.5, like CollectionReadOnly" in findings(found)["grants with another effect"]
    assert "Admin on everything in all databases" in findings(found)["grants without effect"]
    row = next(row for row in look(server, user="ann", db="default").summary() if row["privileges"] == "(unknown)")
    assert "perhaps: what else the group 'ReadOnly' of Milvus 2.4 brings is not known" in row["on"]


@of([V26, V30])
def test_a_grant_under_an_alias_was_said_to_be_one_on_its_collection(server):
    """Such grants came by an upgrade, bring nothing by default, and can't be revoked by that name."""
    server.aliases["default", "al"] = "c1"
    give(server, "Query", "Collection", "al")
    give(server, "Insert", "Collection", "c1")
    found = look(server)
    assert found.allows("ann", "Query", "c1") is False
    assert found.allows("ann", "Query", "al") is None
    assert found.allows("ann", "Insert", "al")
    give(server, "Delete", "Collection", "c1", "dba")
    by_alias = look(server).allows("ann", "Delete", "al", "default", connected_to="dba")
    assert by_alias is (False if server.version == V30 else None), "in which database it is looked up is not known"
    text = findings(found)["grants on aliases"]
    assert "unless proxy.resolveAliasForPrivilege is off" in text
    assert "drop the alias, revoke it, and create the alias again" in text


@of(NEWER)
def test_groups_that_a_server_changed_were_told_as_milvus_has_them(server):
    """What a server lists as a group's privileges counts, whatever it usually holds."""
    groups = server.rules.groups | {"CollectionReadOnly": frozenset({"Query", "Insert", "BrandNew"})}
    server.rules = replace(server.rules, groups=groups)
    give(server, "CollectionReadOnly", name="c1")
    found = look(server)
    assert found.allows("ann", "Insert", "c1")
    assert found.allows("ann", "Search", "c1") is False
    assert found.allows("ann", "BrandNew", "c1")
    assert found.allows("ann", "BrandNew", "c2") is None, "of what type of object it is, is not known"


@of(NEWER)
def test_no_was_said_of_what_may_not_be_looked_into(server):
    """Own groups that are not listed to the caller, roles that they may not read, users whom they may not see."""
    server.groups["secret"] = {"Insert"}
    give(server, "secret", name="c1")
    give(server, "CollectionReadOnly", name="c2", db="dba")
    server.aliases["default", "al"] = "c1"
    found = read_access(server.connect("ann", PASSWORD), timeout=10)
    assert found.allows("ann", "Insert", "c1") is None
    assert found.allows("ann", "Insert", "c2") is False
    assert found.allows("ann", "Query", "c2", "dba")
    assert found.allows("bob", "Insert", "c1") is None
    assert found.allows("ann", "Insert", "al") is (False if server.version == V25 else None), "it may stand for c1"
    row = next(row for row in found.matrix().rows if row.name == "ann")
    assert UNKNOWN in {mark.extent for cell in row.cells for mark in cell.marks}
    assert "? cannot be told" in repr(found.matrix())
    server.roles["theirs"] = ""
    server.bindings.add(("bob", "theirs"))
    give(server, "SelectUser", "User", db="*")
    assert read_access(server.connect("ann", PASSWORD)).allows("bob", "Insert", "c1") is None
    assert look(server).allows("bob", "Insert", "c1") is False


@of([OLD])
def test_no_was_said_of_databases_that_may_not_be_listed(server):
    """2.3 tells only what is granted in a database that is asked about by name."""
    give(server, "Query", "Collection", "c1", "dba")
    found = read_access(server.connect("ann", PASSWORD))
    assert found.allows("ann", "Query", "c1", "dba") is None
    assert found.allows("ann", "Query", "c1") is False
    assert look(server).allows("ann", "Query", "c1", "dba")
    give(server, "Query", "Collection", "c1", "dropped")
    with pytest.raises(ParameterError, match="there is no database 'dropped'") as caught:
        look(server).allows("ann", "Query", "c1", "dropped")
    assert "no grant" not in str(caught.value), "of dropped ones it tells nothing"


@of(EVERY)
def test_root_was_said_to_need_no_role_where_it_does(server):
    """With the setting `rootShouldBindRole`, which shows in root being refused."""
    assert look(server).allows("root", "CreateOwnership")
    server.root_needs_roles = True
    found = look(server)
    assert found.allows("root", "CreateOwnership") is False
    assert "(root)" not in {right.role for right in found}


@of(EVERY)
def test_databases_were_said_to_need_a_right_to_be_listed(server):
    """From 2.5 everybody may, and is shown what their grants name."""
    found = look(server, privilege="ListDatabases")
    assert found.allows("ann", "ListDatabases") is (server.version != OLD)
    assert ("everybody may do that without it" in found.caption) is (server.version != OLD)
    assert found.allows("bob", "ShowCollections")


@of(NEWER)
def test_renaming_was_said_of_the_wrong_group(server):
    """Whoever may not list groups sees what they usually hold, which changed in 3.0."""
    give(server, "DatabaseAdmin")
    found = read_access(server.connect("ann", PASSWORD))
    assert (found.allows("ann", "RenameCollection") is True) is (server.version == V30)
    server.grants.clear()
    give(server, "ClusterAdmin", db="*")
    server.rules = replace(server.rules, groups=server.rules.groups | {"ClusterAdmin": frozenset()})
    found = read_access(server.connect("ann", PASSWORD))
    assert (found.allows("ann", "RenameCollection") is True) is (server.version != V30)


@of(EVERY)
def test_who_holds_a_group_on_another_collection_was_said_to_hold_it(server):
    """A group is held on a collection where all that it holds reaches it, by whatever grants."""
    if server.version == OLD:
        assert "ann" not in {right.user for right in look(server, privilege="Query", collection="c2")}
        return
    give(server, "CollectionReadOnly", name="c1")
    here, there = (look(server, privilege="CollectionReadOnly", collection=name) for name in ("c1", "c2"))
    assert "ann" in {right.user for right in here}
    assert "ann" not in {right.user for right in there}
    server.groups["both"] = {"Query", "Insert"}
    give(server, "Insert", "Collection", "c1")
    assert look(server).allows("ann", "both", "c1")
    assert "ann" in {right.user for right in look(server, privilege="both", collection="c1")}


@of(EVERY)
def test_star_and_all_were_granted_without_a_word(server):
    """The dry run and the real call say in the same words what such a grant brings."""
    newer = server.version in NEWER
    asked = [
        ({"privilege": "All", "object_type": "Global", "db": "*"}, "All counts only" if server.version != V30
         else "All in '*' brings the rights on the cluster, and no others"),
        ({"privilege": "Query", "collection": "c1"}, ""),
    ]  # fmt: skip
    if newer:
        asked += [
            ({"privilege": "*", "collection": "c1"}, "'*' brings every right on databases"),
            ({"privilege": "CreateAlias", "collection": "c1"}, "granted on one collection, but it counts in the whole"),
            ({"privilege": "CollectionReadOnly", "collection": "c1"}, ""),
        ]
    for on, says in asked:
        foreseen = privileges.preview_grant_privilege(server.connect(), "mine", **on).caution
        assert says in foreseen
        assert ("note that" in foreseen) is bool(says)
        assert privileges.grant_privilege(server.connect(), "mine", **on).note == foreseen


@of(EVERY)
def test_a_dry_run_was_silent_where_all_in_all_databases_does_not_help(server):
    """Who holds `All` in `*` may not grant, but in 3.0."""
    give(server, "All", db="*")
    note = privileges.preview_grant_privilege(server.connect("ann", PASSWORD), "mine", "Query", collection="c1").caution
    assert ("you lack the privilege ManageOwnership" in note) is (server.version != V30)


@of(EVERY)
def test_dry_runs_said_would_of_what_the_acting_user_may_not_do(server):
    """Of roles, users and groups: whoever may look, but not change."""
    for privilege in ("SelectOwnership", "ListPrivilegeGroups"):
        give(server, privilege, db="*")
    give(server, "SelectUser", "User", db="*")
    server.groups["theirs"] = {"Query"}
    conn = server.connect("ann", PASSWORD)
    lacking = {
        "CreateOwnership": [
            roles.preview_create_role(conn, "new"), users.preview_create_user(conn, "eve", Secret(PASSWORD)),
        ],
        "ManageOwnership": [
            roles.preview_grant_role(conn, "bob", "mine"), roles.preview_revoke_role(conn, "ann", "mine"),
        ],
    }  # fmt: skip
    if server.version != OLD:
        lacking |= {
            "CreatePrivilegeGroup": [privilege_groups.preview_create_privilege_group(conn, "new")],
            "DropPrivilegeGroup": [privilege_groups.preview_drop_privilege_group(conn, "theirs")],
            "OperatePrivilegeGroup": [
                privilege_groups.preview_change_privilege_group(conn, "theirs", ["Insert"], added=True),
                privilege_groups.preview_change_privilege_group(conn, "theirs", ["Query"], added=False),
            ],
        }
    for privilege, previews in lacking.items():
        for preview in previews:
            assert f"ou lack the privilege {privilege}, so the server will refuse this" in str(preview)
    for privilege in lacking:
        give(server, privilege, db="*")
    assert "lacks" not in str(roles.preview_create_role(conn, "new"))
    assert "lacks" not in str(roles.preview_create_role(server.connect(), "new"))


@pytest.mark.parametrize("server", [OLD, V26], indirect=True)
def test_what_is_not_there_is_no_answer(server):
    """A name that is misspelled would be a "no" that means nothing."""
    found = look(server)
    for asked, says in (
        (("anna", "Query", "c1"), r"there is no user 'anna' on .* \(did you mean 'ann'\?\)"),
        (("ann", "Qeury", "c1"), r"there is no privilege 'Qeury'.*\(did you mean 'Query'\?\)"),
        (("ann", "Query", "c11"), r"there is no collection 'c11' in database 'default' on .*\(did you mean 'c1'\?\)"),
    ):
        with pytest.raises(MilvusException, match=says):
            found.allows(*asked)
    assert read_access(server.connect("ann", PASSWORD)).allows("anna", "Query", "c1") is None, "ann may not look"
