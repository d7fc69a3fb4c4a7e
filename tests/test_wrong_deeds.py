"""What servers do wrong, or otherwise than they are asked, reaches nobody: what they are not to do isn't sent."""

import contextlib

import contract
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milvus_magics import bulk, client
from milvus_magics.client.results.roles import RoleSnapshot
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.errors import NOTHING_CHANGED, GroupExistsError, MilvusException, ParameterError
from milvus_magics.secret import PasswordHash, Secret
from milvus_magics.session import session
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

OLD, V25, V26, V30 = EVERY = ["2.3.5", "2.5.24", "2.6.18", "3.0.0-beta"]


@contextlib.contextmanager
def bench(version, server=None, user="root", password="Milvus"):
    """A server, and a connection to it whose changes can be undone."""
    with contract.serving(server or contract.ContractServer(version)) as (server, address):
        conn = Connection(Address.parse(uri=f"http://{address}", user=user, password=password))
        conn.on_change.append(session.undo)
        try:
            yield server, conn
        finally:
            conn.close()


def held_by(server, role):
    return {grant[1:] for grant in server.grants if grant[0] == role}


# 1: the grants of other roles


class Unnamed(contract.ContractServer):
    """Its version cannot be read."""

    def GetVersion(self, request, caller, metadata):
        return {"version": "latest"}


@pytest.mark.parametrize("server", [*map(contract.ContractServer, ["2.4.16", *EVERY[1:]]), Unnamed(V25)])
def test_dropping_a_role_by_force_keeps_the_grants_of_roles_whose_names_begin_like_it(server):
    with bench(None, server) as (server, conn):
        server.roles |= {"pp": "", "pp2": "", "pp_x": "", "bare": "", "bare2": ""}
        server.groups["readers"] = {"Query"}
        mine = {
            ("Collection", "docs", "Search", "default"),
            ("Collection", "*", "Load", "lab"),
            ("Global", "docs", "CollectionReadOnly", "default"),
            ("Global", "*", "readers", "gone"),
            ("Global", "*", "*", "*"),
            ("Collection", "docs", "*", "default"),
            ("User", "*", "SelectUser", "*"),
            ("Global", "docs", "ReadOnly", "default"),
        }
        if not server.has_method("OperatePrivilegeV2"):
            mine = {grant for grant in mine if grant[0] != "Global" or grant[1:3] == ("*", "*")}
        theirs = {("Collection", "docs", "Insert", "default"), ("Global", "docs", "CollectionReadOnly", "default")}
        for role, grants in {"pp": mine, "pp2": theirs, "pp_x": theirs, "bare2": theirs}.items():
            server.grants |= {(role, *grant): "root" for grant in grants}
        dropped = client.roles.drop_role(conn, "pp", force=True, timeout=10)
        client.roles.drop_role(conn, "bare", force=True, timeout=10)
        assert not held_by(server, "pp")
        assert "pp" not in server.roles
        assert {role: held_by(server, role) for role in ("pp2", "pp_x", "bare2")} == dict.fromkeys(
            ("pp2", "pp_x", "bare2"), theirs
        )
        assert {(g.object_type, g.object_name, g.privilege, g.db) for g in dropped.grants} == mine


# 2: another user, whose name has no blanks

TRIMMED_BY_GO = "\t\n\v\f\r \x85\xa0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000"
BOBS, OTHERS, NEW = "bobs-password", "others-password", "newest-password"
WAYS = {
    "delete_user": lambda conn, user: client.users.delete_user(conn, user, OTHERS),
    "drop_user": lambda conn, user: client.users.drop_user(conn, user),
    "update_password": lambda conn, user: client.users.update_password(conn, user, OTHERS, NEW),
    "reset_password": lambda conn, user: client.users.reset_password(conn, user, OTHERS, NEW),
    "delete_users": lambda conn, user: bulk.run.delete_users(conn, {user: OTHERS}),
    "drop_users": lambda conn, user: bulk.run.drop_users(conn, [user]),
    "preview of delete_user": lambda conn, user: client.users.preview_delete_user(conn, user, OTHERS),
    "preview of drop_user": lambda conn, user: client.users.preview_drop_user(conn, user),
    "preview of update_password": lambda conn, user: client.user_passwords.preview_update_password(
        conn, user, Secret(OTHERS)
    ),
}
RESTORING = {
    "restore_user": lambda conn, user: client.restore.restore_user(conn, UserSnapshot(user, ()), NEW),
    "by hash": lambda conn, user: client.restore.restore_user_by_hash(
        conn, UserSnapshot(user, ()), PasswordHash(f"{contract.HASH}{NEW.encode().hex()}")
    ),
    "preview": lambda conn, user: client.restore.preview_restore_user(conn, UserSnapshot(user, ()), same_password=True),
}


@pytest.fixture
def two_bobs(request):
    """A server that has `bob`, and another whose name has blanks outside."""
    with bench(None, request.param) as (server, conn):
        server.roles["reader"] = ""
        server.passwords |= {"bob": BOBS.encode(), "bob ": OTHERS.encode()}
        server.bindings |= {("bob", "reader"), ("bob ", "reader")}
        yield server, conn


def state(server):
    return {**server.passwords}, {*server.bindings}


@pytest.mark.parametrize("two_bobs", [*map(contract.ContractServer, ["2.6.4", V26, V30]), Unnamed(V26)], indirect=True)
@pytest.mark.parametrize("way", WAYS)
def test_nobody_else_is_deleted_or_changed_by_a_name_with_outer_blanks(two_bobs, way):
    """The text says who it would be, and what can be done."""
    server, conn = two_bobs
    before = state(server)
    with pytest.raises(MilvusException) as caught:
        WAYS[way](conn, "bob ")
    assert state(server) == before
    assert caught.value.outcome == NOTHING_CHANGED or "preview" in way or "users" in way
    text = str(caught.value) + "".join(map(str, getattr(caught.value, "problems", ())))
    assert (
        "'bob ' begins or ends with a blank, and servers from Milvus 2.6 would delete or change 'bob' instead" in text
    )
    assert "%milvus_revoke_role" in text
    client.roles.revoke_role(conn, "bob ", "reader")
    assert server.bindings == {("bob", "reader")}


@pytest.mark.parametrize("two_bobs", [*map(contract.ContractServer, EVERY[:2])], indirect=True)
@pytest.mark.parametrize("way", WAYS)
def test_names_with_outer_blanks_are_taken_to_the_letter_up_to_25(two_bobs, way):
    server, conn = two_bobs
    WAYS[way](conn, "bob ")
    assert server.passwords["bob"] == BOBS.encode()
    assert ("bob", "reader") in server.bindings
    is_preview = "preview" in way
    assert (server.passwords.get("bob ") == OTHERS.encode()) is is_preview


@pytest.mark.parametrize("version", [V26, V30])
@pytest.mark.parametrize("way", RESTORING)
def test_nobody_is_restored_whom_the_server_could_not_delete(version, way):
    with bench(version) as (server, conn):
        with pytest.raises(ParameterError):
            RESTORING[way](conn, "bob ")
        assert list(server.passwords) == ["root"]


def test_all_blanks_count_that_the_server_drops():
    with bench(V26) as (server, conn):
        for blank in TRIMMED_BY_GO:
            for user in (f"bob{blank}", f"{blank}bob"):
                server.passwords |= {"bob": BOBS.encode(), user: OTHERS.encode()}
                with pytest.raises(ParameterError, match="would delete or change 'bob' instead"):
                    client.users.drop_user(conn, user)
        assert server.passwords["bob"] == BOBS.encode()


def test_the_version_is_asked_only_for_names_with_outer_blanks():
    with bench(V26) as (server, conn):
        server.passwords["bob"] = BOBS.encode()
        client.users.drop_user(conn, "bob")
        assert "GetVersion" not in server.calls


# 3: a role that comes back in part

RESTORED = ["2.3.5", "2.4.16", "2.4.18", V25, "2.6.4", V26, V30]
PRIVILEGES = (
    "* All Search Load GetLoadState Flush Insert CreateAlias DescribeCollection RenameCollection CreateOwnership "
    "SelectUser UpdateUser CollectionReadOnly CollectionAdmin DatabaseReadOnly ClusterAdmin readers ReadOnly "
    "GroupReadOnly GroupReadWrite Admin GroupAdmin GroupCollectionReadOnly AddFileResource CreateSnapshot"
).split()
GRANTS = st.lists(
    st.tuples(
        st.sampled_from(PRIVILEGES),
        st.sampled_from(["", "Collection", "Global", "User"]),  # the older way with that type, or the newer one
        st.sampled_from(["docs", "notes", "al", "*"]),
        st.sampled_from(["default", "lab", "my-db", "*"]),
    ),
    min_size=1,
    max_size=12,
)


def ask_to_grant(conn, privilege, kind, name, db):
    """Whether the server takes it is its own business."""
    fields = {"role": {"name": "r"}, "grantor": {"privilege": {"name": privilege}}, "db_name": db}
    entity = {**fields, "object": {"name": kind}, "object_name": name}
    with contextlib.suppress(MilvusException):
        if kind:
            conn.call("OperatePrivilege", deadline=Deadline(10), entity=entity, type=0)
        else:
            conn.call("OperatePrivilegeV2", deadline=Deadline(10), **fields, collection_name=name, type=0)


@pytest.mark.parametrize("version", RESTORED)
def test_a_role_comes_back_whole(version):
    """Whatever it held, and whoever held it."""
    with bench(version) as (server, conn):
        server.collections["my-db"] = ["docs"]
        server.aliases[("default", "al")] = "docs"
        server.groups["readers"] = {"Query"}
        server.passwords |= dict.fromkeys(["ann", "bob", "eve"], BOBS.encode())

        @settings(max_examples=100, deadline=None)
        @given(wanted=GRANTS, holders=st.sets(st.sampled_from(["ann", "bob", "eve"])))
        def hold(wanted, holders):
            session.undo.clear()
            server.roles, server.grants = {"r": "", "r2": ""}, {}
            for one in wanted:
                ask_to_grant(conn, *one)
            before, server.bindings = held_by(server, "r"), {(user, "r") for user in holders}
            client.roles.drop_role(conn, "r", force=True, timeout=30)
            assert not held_by(server, "r")
            restored = session.undo.restore_role(conn, "r", timeout=30)
            assert held_by(server, "r") == before
            assert server.bindings == {(user, "r") for user in holders}
            assert not restored.refused
            assert not restored.note

        hold()


@pytest.mark.parametrize("version", EVERY[1:])
def test_a_role_comes_back_but_for_what_is_refused(version):
    """A database that is gone stops neither the other grants nor the holders; once it is back, the rest follows."""
    with bench(version) as (server, conn):
        server.roles["r"], server.passwords["bob"] = "", BOBS.encode()
        server.bindings.add(("bob", "r"))
        server.groups["readers"] = {"Query"}
        for one in [("Search", "", "docs", "default"), ("Search", "", "notes", "lab"), ("readers", "", "*", "*")]:
            ask_to_grant(conn, *one)
        before = held_by(server, "r")
        client.roles.drop_role(conn, "r", force=True)
        del server.collections["lab"], server.groups["readers"]
        foreseen = str(session.undo.preview_restore_role(conn, "r", timeout=10))
        may, not_any_more = foreseen.split("The server will refuse ")
        assert "held by bob" in may
        assert "readers on everything in all databases (" in not_any_more
        assert ("Search on collection 'notes' in database 'lab'" in not_any_more) is (version != V25)
        assert ("Search on collection 'notes' in database 'lab'" in may) is (version == V25)
        restored = session.undo.restore_role(conn, "r", timeout=10)
        gone = set() if version == V25 else {("Collection", "notes", "Search", "lab")}
        assert held_by(server, "r") == before - gone - {("Global", "*", "readers", "*")}
        assert server.bindings == {("bob", "r")}
        assert len(restored.refused) == len(gone) + 1
        assert "not restored: readers on everything in all databases (there is no such" in str(restored)
        assert ("Search on collection 'notes' in database 'lab' (" in str(restored)) is bool(gone)
        assert "run it again to go on" in str(restored)
        server.collections["lab"], server.groups["readers"] = [], {"Query"}
        assert not session.undo.restore_role(conn, "r", timeout=10).refused
        assert held_by(server, "r") == before


@pytest.mark.parametrize("version", EVERY)
def test_holders_who_are_gone_are_not_foreseen(version):
    with bench(version) as (server, conn):
        server.roles["r"], server.passwords["bob"], server.passwords["eve"] = "", BOBS.encode(), BOBS.encode()
        server.bindings |= {("bob", "r"), ("eve", "r")}
        client.roles.drop_role(conn, "r")
        client.users.drop_user(conn, "bob")
        foreseen = str(session.undo.preview_restore_role(conn, "r", timeout=10))
        assert "held by eve, without privileges" in foreseen
        assert "ot there any more: bob" in foreseen
        assert session.undo.restore_role(conn, "r", timeout=10).gone == ("bob",)
        with bench(None, server, "eve", BOBS) as (_, blind):
            lost = RoleSnapshot("lost", ("bob",), ())
            assert "held by bob" in str(client.restore.preview_restore_role(blind, lost, timeout=10))


def test_a_grant_that_comes_back_on_a_collection_is_named():
    """It was granted on an alias, which 2.6.12 and later take for its collection."""
    with bench(V26) as (server, conn):
        server.roles["r"], server.aliases[("default", "al")] = "", "docs"
        server.grants[("r", "Collection", "al", "Search", "default")] = "root"
        client.roles.drop_role(conn, "r", force=True)
        restored = str(session.undo.restore_role(conn, "r", timeout=10))
        assert "not listed after it: Search on collection 'al' in database 'default'" in restored
        assert "listed now and not before: Search on collection 'docs' in database 'default'" in restored


# 4: groups that are Milvus's own

GROUPS = client.privilege_groups
GROUP_WAYS = {
    "drop_privilege_group": GROUPS.drop_privilege_group,
    "preview of drop": GROUPS.preview_drop_privilege_group,
    "add": lambda conn, group: GROUPS.add_privileges_to_group(conn, group, ["Search"]),
    "remove": lambda conn, group: GROUPS.remove_privileges_from_group(conn, group, ["Search"]),
    "preview of add": lambda conn, group: GROUPS.preview_change_privilege_group(conn, group, ["Search"], added=True),
    "preview of remove": lambda conn, group: GROUPS.preview_change_privilege_group(
        conn, group, ["Search"], added=False
    ),
}


@pytest.mark.parametrize("version", EVERY[1:])
def test_a_group_of_milvus_is_not_said_to_be_dropped_or_changed(version):
    with bench(version) as (server, conn):
        for way, act in GROUP_WAYS.items():
            for group in server.rules.groups:
                deed = "dropped" if "drop" in way else "changed"
                words = f"privilege group '{group}' cannot be {deed}: it is one of Milvus's own; nothing was sent"
                with pytest.raises(ParameterError, match=words):
                    act(conn, group)
        assert not server.calls


@pytest.mark.parametrize("version", EVERY[1:])
@pytest.mark.parametrize("create", [GROUPS.create_privilege_group, GROUPS.preview_create_privilege_group])
def test_no_group_is_created_under_the_name_of_a_privilege(version, create):
    with bench(version) as (server, conn):
        for name in ("Search", "SelectUser", "All", "CollectionReadOnly", "ReadOnly"):
            with pytest.raises(GroupExistsError, match=f"privilege group '{name}' exists already, or has the name of"):
                create(conn, name)
        assert "CreatePrivilegeGroup" not in server.calls
        create(conn, "readers")
