"""What servers do wrong, or otherwise than they are asked, reaches nobody: what they are not to do isn't sent."""

import contextlib

import contract
import pytest

from milvus_magics import bulk, client
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.errors import NOTHING_CHANGED, MilvusException, ParameterError
from milvus_magics.secret import PasswordHash, Secret
from milvus_magics.session import session
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

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
