"""Several grants of a role are one change: all checked before, what is taken goes first, and one undo takes it back."""

import contextlib

import contract
import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milvus_magics.client import privileges, roles
from milvus_magics.client.grants.changes import PrivilegeOn, change_grants, on_listed, preview_change_grants
from milvus_magics.errors import (
    NOTHING_CHANGED,
    MilvusException,
    NotGrantedError,
    Outcome,
    ParameterError,
    UnknownPrivilegeError,
    UnknownRoleError,
)
from milvus_magics.session import session
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

OLD, V25, V26, V30 = EVERY = ["2.3.5", "2.5.24", "2.6.18", "3.0.0-beta"]


@contextlib.contextmanager
def bench(version, server=None, user="root", password="Milvus"):
    """A server with a role `r`, and a connection to it whose changes can be undone and are written down."""
    session.undo.clear()
    with contract.serving(server or contract.ContractServer(version)) as (server, address):
        server.roles["r"] = ""
        conn = Connection(Address.parse(uri=f"http://{address}", user=user, password=password))
        conn.changes = []
        conn.on_change += [session.undo, conn.changes.append]
        try:
            yield server, conn
        finally:
            conn.close()
            session.undo.clear()


def held_by(server, role="r"):
    return {grant[1:] for grant in server.grants if grant[0] == role}


def names_held(server):
    return {grant[3] for grant in server.grants if grant[0] == "r"}


def hold(server, *names):
    server.grants.clear()
    server.grants.update({("r", "Collection", "docs", name, "default"): "root" for name in names})


def on_docs(*names):
    return [PrivilegeOn(name, "docs") for name in names]


@pytest.mark.parametrize("version", EVERY)
def test_one_change_with_an_entry_for_each_part(version):
    """Taken first, then given; the audit has each part and the whole, and the result says both."""
    with bench(version) as (server, conn):
        hold(server, "Insert", "Delete")
        foreseen = str(preview_change_grants(conn, "r", on_docs("Search", "Query"), on_docs("Insert")))
        assert "grant Search, Query on collection 'docs'" in foreseen
        assert "revoke Insert on collection 'docs'" in foreseen
        assert names_held(server) == {"Insert", "Delete"}
        changed = change_grants(conn, "r", on_docs("Search", "Query"), on_docs("Insert"))
        assert names_held(server) == {"Delete", "Search", "Query"}
        assert [change.operation for change in conn.changes] == [
            "revoke_privilege", "grant_privilege", "grant_privilege", "change_grants",
        ]  # fmt: skip
        assert "granted Search, Query on collection 'docs' in database 'default' to role 'r'" in str(changed)
        assert "and revoked Insert on collection 'docs' in database 'default' from it" in str(changed)


WRONG = {
    "unknown privilege": (on_docs("Search", "Serch"), [], UnknownPrivilegeError),
    "not held": (on_docs("Search"), on_docs("Insert", "Query"), NotGrantedError),
    "no collection": ([PrivilegeOn("Search")], on_docs("Insert"), ParameterError),
    "both": (on_docs("Insert"), on_docs("Insert"), ParameterError),
    "nothing": ([], [], ParameterError),
    "a bad database": ([PrivilegeOn("Search", "docs", "a b\0")], on_docs("Insert"), ParameterError),
}


@pytest.mark.parametrize("version", [OLD, V30])
@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_with_one_changes_nothing(version, kind):
    given_, taken, error = WRONG[kind]
    with bench(version) as (server, conn):
        hold(server, "Insert")
        for act in (preview_change_grants, change_grants):
            with pytest.raises(error) as raised:
                act(conn, "r", given_, taken)
            assert "\n" not in str(raised.value)
        assert names_held(server) == {"Insert"}
        assert {change.outcome for change in conn.changes} <= {"refused"}
        with pytest.raises(UnknownRoleError):
            change_grants(conn, "nobody", on_docs("Search"))


class Stubborn(contract.ContractServer):
    """Refuses one privilege."""

    refused = ""

    def operate(self, grant, kind_of_change, grantor):
        if grant[3] == self.refused:
            raise contract.Denied(grpc.StatusCode.PERMISSION_DENIED, "PrivilegeManageOwnership: permission deny")
        super().operate(grant, kind_of_change, grantor)


def test_it_stops_at_the_first_error_and_says_what_is_done():
    """Nothing behind it is tried; undo takes back what was done, and nothing else."""
    with bench(V26, Stubborn(V26)) as (server, conn):
        hold(server, "Insert", "Load")
        before, server.refused = held_by(server), "Query"
        with pytest.raises(MilvusException) as raised:
            change_grants(conn, "r", on_docs("Search", "Query", "Flush"), on_docs("Insert"))
        assert raised.value.outcome is Outcome.CHANGED
        said = str(raised.value)
        assert "granted Search on collection 'docs' in database 'default' to role 'r', and revoked Insert" in said
        assert "not begun: Flush on" in said
        assert "granting Query on" in said
        assert "%milvus_restore_grants" in said
        assert names_held(server) == {"Load", "Search"}
        assert conn.changes[-1].outcome == "partly"
        server.grants["r", "Collection", "docs", "Flush", "default"] = "somebody else"
        session.undo.restore_grants(conn, "r")
        assert held_by(server) == before | {("Collection", "docs", "Flush", "default")}


class Blinding(contract.ContractServer):
    """Shows no grants any more once one was revoked."""

    is_armed = is_blind = False

    def operate(self, grant, kind_of_change, grantor):
        super().operate(grant, kind_of_change, grantor)
        self.is_blind = self.is_armed

    def SelectGrant(self, request, caller, metadata):
        if self.is_blind:
            raise contract.Denied(grpc.StatusCode.PERMISSION_DENIED, "PrivilegeSelectOwnership: permission deny")
        return super().SelectGrant(request, caller, metadata)


def test_what_is_done_is_told_where_looking_in_between_fails():
    """Undo looks between its steps: that it may not any more hides nothing of what it revoked."""
    with bench(V26, Blinding(V26)) as (server, conn):
        hold(server, "Insert", "Load")
        change_grants(conn, "r", on_docs("Search"), on_docs("Insert"))
        server.is_armed = True
        with pytest.raises(
            MilvusException, match="^revoked Search on .* from role 'r': .*run it again to go on"
        ) as raised:
            session.undo.restore_grants(conn, "r")
        assert raised.value.outcome is Outcome.CHANGED
        assert names_held(server) == {"Load"}
        assert conn.changes[-1].outcome == "partly"


def test_an_error_before_anything_is_done_says_that_nothing_was_changed():
    with bench(V26, Stubborn(V26)) as (server, conn):
        server.refused = "Search"
        with pytest.raises(MilvusException) as raised:
            change_grants(conn, "r", on_docs("Search", "Query"))
        assert raised.value.outcome is NOTHING_CHANGED
        assert conn.changes[-1].outcome == "refused"
        with pytest.raises(ParameterError, match="no privileges of role 'r' were changed"):
            session.undo.restore_grants(conn, "r")


SINGLES = ["Search", "Query", "Load", "GetLoadState", "GetLoadingProgress", "Flush", "GetFlushState", "Insert"]
PLACES = [("docs", "default"), ("*", "default"), ("*", "*")]
WISHES = st.sets(st.tuples(st.sampled_from(SINGLES), st.sampled_from(PLACES)), max_size=6)


@pytest.mark.parametrize("version", EVERY)
def test_a_change_and_its_undo_leave_what_was_before(version):
    """The law: whatever a role holds and whatever is changed of it, by one change or singly, undo brings it back.

    What somebody else gives it meanwhile stays. Load and Flush bring others on newer servers, and take them along.
    """
    tried = 0
    with bench(version) as (server, conn):

        @settings(max_examples=30, deadline=None)
        @given(begin=WISHES, wanted=WISHES, is_single=st.booleans(), others=st.booleans())
        def keep(begin, wanted, is_single, others):
            nonlocal tried
            session.undo.clear()
            server.grants.clear()
            for name, (collection, db) in begin:
                server.grants["r", "Collection", collection, name, db] = "root"
            before = held_by(server)
            wishes = [PrivilegeOn(name, collection, db) for name, (collection, db) in sorted(wanted)]
            taken = [wish for wish in wishes if (wish.privilege, wish[1:3]) in begin]
            given_ = [wish for wish in wishes if wish not in taken]
            if is_single and wishes:
                given_, taken = (given_[:1], []) if given_ else ([], taken[:1])
            foreign = ("Global", "*", "ListDatabases", "*")
            if is_single and given_:
                privileges.grant_privilege(conn, "r", given_[0].privilege, **given_[0].scope._asdict())
            elif is_single and taken:
                privileges.revoke_privilege(conn, "r", taken[0].privilege, **taken[0].scope._asdict())
            elif wishes:
                change_grants(conn, "r", given_, taken)
            if held_by(server) == before:
                return  # nothing was changed, so there may be nothing to undo
            if others:
                server.grants[("r", *foreign)] = "somebody else"
            foreseen = str(session.undo.preview_restore_grants(conn, "r"))
            restored = session.undo.restore_grants(conn, "r")
            assert held_by(server) == before | ({foreign} if others else set()), (foreseen, str(restored))
            assert "ListDatabases" not in str(restored)
            tried += 1

        keep()
    assert tried > 10


@pytest.mark.parametrize("version", EVERY)
def test_what_was_granted_twice_is_not_taken_by_undo(version):
    """The second grant changed nothing, so the last change is the one before it."""
    with bench(version) as (server, conn):
        hold(server, "Search")
        privileges.grant_privilege(conn, "r", "Query", collection="docs")
        privileges.grant_privilege(conn, "r", "Search", collection="docs")
        session.undo.restore_grants(conn, "r")
        assert names_held(server) == {"Search"}
        with pytest.raises(ParameterError):
            session.undo.restore_grants(conn, "r")


def test_groups_and_aliases_are_taken_back_as_the_server_keeps_them():
    with bench(V26) as (server, conn):
        server.aliases[("default", "al")] = "docs"
        change_grants(conn, "r", [PrivilegeOn("CollectionReadOnly", "al"), PrivilegeOn("ClusterReadOnly")])
        assert len(held_by(server)) == 2
        session.undo.restore_grants(conn, "r")
        assert not held_by(server)


def test_undo_needs_the_role_and_forgets_with_it():
    with bench(V26) as (_, conn):
        change_grants(conn, "r", on_docs("Search"))
        roles.drop_role(conn, "r", force=True)
        with pytest.raises(ParameterError):
            session.undo.preview_restore_grants(conn, "r")


def test_who_may_not_look_changes_what_they_name():
    """They are told no false things, and there is nothing to undo, since what was before is not known."""
    with bench(V26) as (server, root):
        server.passwords["mia"] = b"mias-password"
        server.roles["m"], server.bindings = "", {("mia", "m")}
        server.grants["m", "Global", "*", "ManageOwnership", "*"] = "root"
        conn = Connection(Address.parse(uri=root.address.url, user="mia", password="mias-password"))
        conn.on_change.append(session.undo)
        change_grants(conn, "r", on_docs("Search"))
        assert names_held(server) == {"Search"}
        change_grants(conn, "r", on_docs("Query"), on_docs("Search"))
        assert names_held(server) == {"Query"}
        with pytest.raises(ParameterError):
            session.undo.restore_grants(conn, "r")
        conn.close()


def test_exactly_what_is_listed_is_revoked():
    """Of two that only their types tell apart, the one that is meant; and both, if both are."""
    with bench(OLD) as (server, conn):
        server.grants["r", "Global", "*", "*", "default"] = "root"
        server.grants["r", "Collection", "*", "*", "default"] = "root"
        listed = privileges.list_grants(conn, "r")
        one = next(grant for grant in listed if grant.object_type == "Global")
        change_grants(conn, "r", revoked=[on_listed(one)])
        assert held_by(server) == {("Collection", "*", "*", "default")}
        session.undo.restore_grants(conn, "r")
        assert len(held_by(server)) == 2
        change_grants(conn, "r", revoked=map(on_listed, listed))
        assert not held_by(server)


KEPT = {
    "by a group": ([("Global", "docs", "CollectionReadWrite", "default")], "by CollectionReadWrite on"),
    "by a wildcard": ([("Collection", "*", "Insert", "*")], "by Insert on all collections in all databases"),
    "by an own group": ([("Global", "docs", "g1", "default")], "by g1 on"),
}


@pytest.mark.parametrize("kind", KEPT)
def test_a_revocation_says_what_the_role_keeps(kind):
    """Nobody loses what stays by a group or a wider grant; with that, or where it is elsewhere, they do."""
    others, by = KEPT[kind]
    with bench(V26) as (server, conn):
        server.groups["g1"] = {"Insert"}
        server.passwords["ann"], server.bindings = b"anns-password", {("ann", "r")}
        hold(server, "Insert", "Delete")
        server.grants.update({("r", *other): "root" for other in others})
        for foreseen in (
            privileges.preview_revoke_privilege(conn, "r", "Insert", collection="docs"),
            preview_change_grants(conn, "r", [], on_docs("Insert")),
            privileges.revoke_privilege(conn, "r", "Insert", collection="docs"),
        ):
            assert f"the role keeps it {by}" in str(foreseen).replace("The role", "the role")
            assert "will lose it" not in str(foreseen)
        hold(server, "Insert", "Delete")
        server.grants.update({("r", *other): "root" for other in others})
        both = on_docs("Insert", "Delete")
        foreseen, changed = preview_change_grants(conn, "r", [], both), change_grants(conn, "r", [], both)
        is_part = kind != "by a group"
        assert ("1 user will lose the rest" in str(foreseen)) is is_part, str(foreseen)
        assert f"keeps {'Insert' if is_part else 'it'} {by}" in str(changed)


def test_what_goes_by_the_same_change_is_not_kept():
    """Neither by what is taken with it, nor by what is on another collection."""
    with bench(V26) as (server, conn):
        server.passwords["ann"], server.bindings = b"anns-password", {("ann", "r")}
        hold(server, "Insert")
        server.grants["r", "Global", "docs", "CollectionReadWrite", "default"] = "root"
        server.grants["r", "Collection", "notes", "Insert", "default"] = "root"
        taken = on_docs("Insert", "CollectionReadWrite")
        foreseen, changed = preview_change_grants(conn, "r", [], taken), change_grants(conn, "r", [], taken)
        assert "1 user will lose it" in str(foreseen)
        assert "keeps" not in f"{foreseen} {changed}"


def test_undo_goes_back_change_by_change():
    """Each step of it takes back one change, the newest first, until none is left; then it says so."""
    with bench(V26) as (server, conn):
        hold(server, "Load")
        for name in ("Search", "Query"):
            privileges.grant_privilege(conn, "r", name, collection="docs")
        change_grants(conn, "r", on_docs("Insert", "Delete"), on_docs("Load"))
        privileges.revoke_privilege(conn, "r", "Query", collection="docs")
        for left in (
            {"Search", "Query", "Insert", "Delete"},
            {"Search", "Query", "Load"},
            {"Search", "Load"},
            {"Load"},
        ):
            undoable = [change for change in conn.changes if session.undo.may_undo(change)]
            assert len(undoable) == 1
            session.undo.restore_grants(conn, "r")
            assert names_held(server) - {"GetLoadState", "GetLoadingProgress"} == left
            assert not session.undo.may_undo(undoable[0])
        with pytest.raises(ParameterError, match="or all of that is undone"):
            session.undo.restore_grants(conn, "r")


def test_a_group_that_changed_meanwhile_is_told():
    """It comes back with other rights, so both the preview and the result say which; a group that is gone doesn't."""
    with bench(V26) as (server, conn):
        server.groups["g1"] = {"Search", "Query"}
        server.grants["r", "Global", "docs", "g1", "default"] = "root"
        privileges.revoke_privilege(conn, "r", "g1", collection="docs")
        del server.groups["g1"]
        for act in (session.undo.preview_restore_grants, session.undo.restore_grants):
            with pytest.raises(UnknownPrivilegeError, match="knows no privilege 'g1'"):
                act(conn, "r")
        server.groups["g1"] = {"Insert"}
        foreseen, restored = session.undo.preview_restore_grants(conn, "r"), session.undo.restore_grants(conn, "r")
        for said in (str(foreseen), str(restored)):
            assert "g1 holds Insert now; when it was revoked, it held Query, Search" in said
        assert foreseen.is_warning
        assert names_held(server) == {"g1"}


def test_what_would_go_with_it_and_is_not_held_is_not_missed():
    """Load takes two others along; where the role has only itself, and a group with it, nothing is lost."""
    with bench(V26) as (server, conn):
        server.groups["g1"] = {"Load"}
        hold(server, "Load")
        server.grants["r", "Global", "docs", "g1", "default"] = "root"
        foreseen = str(privileges.preview_revoke_privilege(conn, "r", "Load", collection="docs"))
        assert "The role keeps it by g1 on 'docs'" in foreseen
        assert "the role keeps it by g1" in str(privileges.revoke_privilege(conn, "r", "Load", collection="docs"))
