"""What is said to be revoked is gone, and nothing else is, under whatever name the server keeps it."""

import contextlib

import contract
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_wrong_deeds import EVERY, GRANTS, OLD, V25, V26, V30, Unnamed, ask_to_grant, bench, held_by

from milvus_magics import connections
from milvus_magics.client.privileges import (
    grant_privilege,
    preview_grant_privilege,
    preview_revoke_privilege,
    revoke_privilege,
)
from milvus_magics.errors import NOTHING_CHANGED, MilvusException, NotGrantedError, OutcomeUnknownError, ParameterError
from milvus_magics.magics import MilvusMagics
from milvus_magics.role import Role

NEW = EVERY[1:]
RESOLVING = [V26, V30]  # a name that is an alias is taken for its collection
OPERATIONS = {"OperatePrivilege", "OperatePrivilegeV2"}
ON_DOCS = {"collection": "docs", "db": "default"}


@contextlib.contextmanager
def role_that_holds(version, *grants, server=None):
    """A server where `r` holds these, with an alias `al` of `docs` in `default`."""
    with bench(version, server) as (server, conn):
        server.roles["r"], server.aliases[("default", "al")] = "", "docs"
        server.grants |= {("r", *grant): "root" for grant in grants}
        server.calls.clear()
        yield server, conn


def is_sent(server):
    return bool(OPERATIONS & {*server.calls})


# By names of groups

KEPT = {
    # what it is granted by -> the type and the name that servers keep it under
    "GroupReadOnly": ("Global", "ReadOnly"),
    "GroupReadWrite": ("Global", "ReadWrite"),
    "GroupAdmin": ("Global", "Admin"),
    "ReadOnly": ("Collection", "ReadOnly"),
    "ReadWrite": ("Collection", "ReadWrite"),
    "Admin": ("Global", "Admin"),
    "GroupCollectionReadOnly": ("Global", "CollectionReadOnly"),
    "GroupClusterAdmin": ("Global", "ClusterAdmin"),
    "CollectionAdmin": ("Global", "CollectionAdmin"),
}


@pytest.mark.parametrize("version", NEW)
@pytest.mark.parametrize("asked", KEPT)
def test_a_group_is_gone_by_the_name_that_it_was_granted_by(version, asked):
    kind, name = KEPT[asked]
    with role_that_holds(version) as (server, conn):
        ask_to_grant(conn, asked, "", "docs", "default")
        assert held_by(server, "r") == {(kind, "docs", name, "default")}
        assert f"revoke {name} on" in str(preview_revoke_privilege(conn, "r", asked, **ON_DOCS))
        revoked = str(revoke_privilege(conn, "r", asked, **ON_DOCS))
        assert held_by(server, "r") == set()
        assert f"revoked {name} on" in revoked
        assert (f"that is how the server keeps '{asked}'" in revoked) is (asked != name)


@pytest.mark.parametrize("version", NEW)
@pytest.mark.parametrize("asked", KEPT)
def test_a_group_is_gone_by_the_name_that_it_is_listed_by(version, asked):
    kind, name = KEPT[asked]
    with role_that_holds(version, (kind, "docs", name, "default")) as (server, conn):
        scope = ON_DOCS if "Cluster" not in name else {"object_type": kind, "object_name": "docs", "db": "default"}
        revoke_privilege(conn, "r", name, **scope)
        assert held_by(server, "r") == set()


@pytest.mark.parametrize("version", NEW)
def test_of_two_grants_of_one_name_the_one_that_goes_is_named_and_so_is_the_other(version):
    both = [("Global", "docs", "ReadOnly", "default"), ("Collection", "docs", "ReadOnly", "default")]
    with role_that_holds(version, *both) as (server, conn):
        told = str(revoke_privilege(conn, "r", "ReadOnly", **ON_DOCS))
        assert held_by(server, "r") == {both[0]}
        assert "revoked ReadOnly on collection 'docs'" in told
        assert "it still has ReadOnly on 'docs' in database 'default': run it again to revoke that, too" in told
        revoke_privilege(conn, "r", "ReadOnly", **ON_DOCS)
        assert not held_by(server, "r")


@pytest.mark.parametrize("version", NEW)
def test_a_grant_of_another_type_is_not_taken_for_the_one_that_is_named(version):
    with role_that_holds(version, ("Global", "docs", "*", "default")) as (server, conn):
        scope = {"object_type": "Collection", "object_name": "docs", "db": "default"}
        for act in (preview_revoke_privilege, revoke_privilege):
            with pytest.raises(NotGrantedError, match=r"it has \* on 'docs' in database 'default'"):
                act(conn, "r", "*", **scope)
        assert not is_sent(server)


@pytest.mark.parametrize("version", NEW)
def test_what_is_kept_on_one_name_is_not_revoked_everywhere(version):
    """The older way would take what is granted on everything."""
    both = {("Global", "docs", "CreateAlias", "default"), ("Global", "*", "CreateAlias", "default")}
    with role_that_holds(version, *both) as (server, conn):
        scope = {"object_type": "Global", "object_name": "docs", "db": "default"}
        revoke_privilege(conn, "r", "CreateAlias", **scope)
        assert held_by(server, "r") == {("Global", "*", "CreateAlias", "default")}


@pytest.mark.parametrize("version", EVERY)
@pytest.mark.parametrize("act", [preview_grant_privilege, grant_privilege])
def test_what_is_granted_on_one_name_is_not_granted_on_everything(version, act):
    """Servers drop the name of an object of the type Global."""
    with role_that_holds(version) as (server, conn):
        scope = {"object_type": "Global", "object_name": "docs", "db": "default"}
        with pytest.raises(ParameterError, match="would grant it on everything: leave the object name out"):
            act(conn, "r", "CreateAlias", **scope)
        assert not server.calls
        grant_privilege(conn, "r", "CreateAlias", **{**scope, "object_name": "*"})
        assert held_by(server, "r") == {("Global", "*", "CreateAlias", "default")}


# By aliases

ON_ALIAS = {"collection": "al", "db": "default"}
UNDER_ALIAS, UNDER_DOCS = ("Collection", "al", "Search", "default"), ("Collection", "docs", "Search", "default")
BOTH_WAYS = [ON_ALIAS, {"object_type": "Collection", "object_name": "al", "db": "default"}]


@pytest.mark.parametrize("version", RESOLVING)
@pytest.mark.parametrize("scope", BOTH_WAYS)
@pytest.mark.parametrize("held", [[UNDER_ALIAS], [UNDER_DOCS], [UNDER_ALIAS, UNDER_DOCS]])
def test_a_revoke_on_an_alias_never_takes_what_is_on_the_collection(version, scope, held):
    with role_that_holds(version, *held) as (server, conn):
        for act in (preview_revoke_privilege, revoke_privilege):
            with pytest.raises(MilvusException) as caught:
                act(conn, "r", "Search", **scope)
            assert type(caught.value) is (ParameterError if UNDER_ALIAS in held else NotGrantedError)
            assert caught.value.outcome == NOTHING_CHANGED
            assert caught.value.details == "", "they are no words of the server"
            text = str(caught.value)
            assert "'al' is an alias of 'docs'" in text
            assert ("--collection docs" in text) is (UNDER_DOCS in held)
            assert ("drop the alias" in text) is (UNDER_ALIAS in held)
        assert not is_sent(server)
        assert held_by(server, "r") == {*held}


@pytest.mark.parametrize("version", RESOLVING)
def test_the_ways_that_are_said_for_a_grant_under_an_alias_work(version):
    with role_that_holds(version, UNDER_ALIAS, UNDER_DOCS) as (server, conn):
        revoke_privilege(conn, "r", "Search", **ON_DOCS)
        assert held_by(server, "r") == {UNDER_ALIAS}
        del server.aliases[("default", "al")]
        revoke_privilege(conn, "r", "Search", **ON_ALIAS)
        assert not held_by(server, "r")


@pytest.mark.parametrize("version", [OLD, V25, "2.6.11"])
@pytest.mark.parametrize("scope", BOTH_WAYS)
def test_a_grant_under_an_alias_is_revoked_by_it_before_2_6_12(version, scope):
    with role_that_holds(version, UNDER_ALIAS, UNDER_DOCS) as (server, conn):
        told = preview_revoke_privilege(conn, "r", "Search", **scope)
        assert "revoke Search on collection 'al'" in str(told)
        revoke_privilege(conn, "r", "Search", **scope)
        assert held_by(server, "r") == {UNDER_DOCS}


@pytest.mark.parametrize("version", RESOLVING)
@pytest.mark.parametrize("scope", BOTH_WAYS)
def test_a_grant_on_an_alias_is_told_to_be_on_the_collection(version, scope):
    with role_that_holds(version) as (server, conn):
        for act in (preview_grant_privilege, grant_privilege):
            told = str(act(conn, "r", "Search", **scope))
            assert "Search on collection 'docs' in database 'default'" in told
            assert "'al' is an alias of 'docs'" in told
        assert held_by(server, "r") == {UNDER_DOCS}
        assert "already; nothing will change" in str(preview_grant_privilege(conn, "r", "Search", **scope))


class Blind(contract.ContractServer):
    """Aliases may be listed, but not looked into, as it is for whoever has no right on collections."""

    def DescribeAlias(self, request, caller, metadata):
        raise contract.Denied("PrivilegeDescribeAlias", "permission deny")


@pytest.mark.parametrize("version", RESOLVING)
def test_that_it_is_an_alias_is_seen_by_somebody_who_may_not_look_into_it(version):
    with role_that_holds(None, UNDER_DOCS, server=Blind(version)) as (server, conn):
        with pytest.raises(MilvusException, match="'al' is an alias"):
            revoke_privilege(conn, "r", "Search", **ON_ALIAS)
        assert not is_sent(server)
        assert "'al' is an alias" in str(grant_privilege(conn, "r", "Query", **ON_ALIAS))


# All that goes, and what does not

COMPANIONS = {"Load": {"GetLoadState", "GetLoadingProgress"}, "Flush": {"GetFlushState"}}


@pytest.mark.parametrize("version", EVERY)
@pytest.mark.parametrize("name", COMPANIONS)
def test_what_goes_and_comes_with_a_privilege_is_said(version, name):
    on = {"collection": "docs", "db": "default"}
    others = COMPANIONS[name] if version != OLD else set()
    with role_that_holds(version) as (server, conn):
        told = [str(act(conn, "r", name, **on)) for act in (preview_grant_privilege, grant_privilege)]
        assert {grant[2] for grant in held_by(server, "r")} == {name, *others}
        told += [str(act(conn, "r", name, **on)) for act in (preview_revoke_privilege, revoke_privilege)]
        assert not held_by(server, "r")
        for text in told:
            assert {other for other in COMPANIONS[name] if other in text} == others


class Deaf(contract.ContractServer):
    """Says of every revocation that it is done."""

    def operate(self, grant, kind_of_change, grantor):
        if kind_of_change == 0:
            super().operate(grant, kind_of_change, grantor)


class Astray(contract.ContractServer):
    """Takes another grant than it is told."""

    def operate(self, grant, kind_of_change, grantor):
        super().operate((*grant[:2], "notes", *grant[3:]), kind_of_change, grantor)


@pytest.mark.parametrize("version", EVERY)
def test_what_is_still_there_is_not_said_to_be_revoked(version):
    held = [UNDER_DOCS, ("Collection", "notes", "Search", "default")]
    for kind in (Deaf, Astray):
        with role_that_holds(None, *held, server=kind(version)) as (_, conn):
            changes = []
            conn.on_change.append(changes.append)
            with pytest.raises(OutcomeUnknownError) as caught:
                revoke_privilege(conn, "r", "Search", **ON_DOCS)
            text = str(caught.value)
            assert "Search on collection 'docs' in database 'default' is still listed" in text
            assert ("'notes'" in text) is (kind is Astray)
            assert changes[-1].outcome == "unknown"


# By all ways in


def ways(conn, shell):
    """Every way to revoke a privilege; each raises or returns what it says."""
    magics = MilvusMagics(shell)
    line = "r {} --collection {} --db default --yes"
    return {
        "function": lambda name, on: revoke_privilege(conn, "r", name, collection=on, db="default"),
        "dry run": lambda name, on: preview_revoke_privilege(conn, "r", name, collection=on, db="default"),
        "magic": lambda name, on: magics.revoke_privilege(line.format(name, on)),
        "Role.revoke": lambda name, on: Role("r").revoke("Collection", on, name, "default"),
        "Role.revoke_v2": lambda name, on: Role("r").revoke_v2(name, on, "default"),
    }


@pytest.mark.parametrize("version", RESOLVING)
def test_every_way_refuses_an_alias_and_takes_a_group(version):
    from IPython.core.interactiveshell import InteractiveShell

    with role_that_holds(version) as (server, conn):
        connections.connect(uri=conn.address.url, user="root", password="Milvus")
        try:
            for way, act in ways(conn, InteractiveShell.instance()).items():
                server.grants = {("r", *UNDER_ALIAS): "root", ("r", *UNDER_DOCS): "root"}
                with pytest.raises(ParameterError, match="is an alias of 'docs'"):
                    act("Search", "al")
                assert held_by(server, "r") == {UNDER_ALIAS, UNDER_DOCS}, way
                server.grants = {("r", "Global", "docs", "ReadOnly", "default"): "root"}
                if way != "Role.revoke":  # which names a type, and that is another one
                    act("GroupReadOnly", "docs")
                    assert bool(server.grants) is (way == "dry run"), way
        finally:
            connections.disconnect("default")


# The law

NAMES = ["*", "All", "Search", "Load", "GetLoadState", "SelectUser", "CollectionReadOnly", "ClusterAdmin", "readers"]
SCOPES = st.fixed_dictionaries({}, optional={
    "collection": st.sampled_from(["docs", "notes", "al", "*"]),
    "db": st.sampled_from(["default", "lab", "my-db", "*"]),
    "object_type": st.sampled_from(["Collection", "Global", "User"]),
    "object_name": st.sampled_from(["docs", "al", "*"]),
})  # fmt: skip


def requests_for(grant):
    """How one may ask for a held grant to be revoked, and for some other one."""
    kind, on, name, db = grant
    same = st.sampled_from([
        (name, {"collection": on, "db": db}),
        (name.removeprefix("Group"), {"collection": on, "db": db}),
        (f"Group{name}", {"collection": on, "db": db}),
        (name, {"db": db}),
        (name, {"object_type": kind, "object_name": on, "db": db}),
    ])  # fmt: skip
    return same | st.tuples(st.sampled_from([*NAMES, name]), SCOPES)


@pytest.mark.parametrize("server", [*map(contract.ContractServer, ["2.4.18", "2.6.11", *EVERY]), Unnamed(V26)])
def test_what_is_said_to_be_revoked_is_gone_and_all_else_is_there(server):
    """Of whatever a role holds, also under aliases; and an error, which its dry run has too, changes nothing."""
    with bench(None, server) as (server, conn):
        server.collections["my-db"] = ["docs"]
        server.groups["readers"] = {"Query"}
        answers = {True: 0, False: 0}

        @settings(max_examples=80, deadline=None)
        @given(wanted=GRANTS, data=st.data())
        def hold(wanted, data):
            server.roles, server.grants, server.aliases = {"r": ""}, {}, {}
            for one in [("Search", "Collection", "docs", "default"), *wanted]:
                ask_to_grant(conn, *one)
            server.aliases[("default", "al")] = "docs"  # so that what is granted on it is from before
            before = held_by(server, "r")
            some = data.draw(st.sampled_from(sorted(before)))
            name, scope = data.draw(requests_for(some))
            foreseen, told = (attempt(act, conn, name, scope) for act in (preview_revoke_privilege, revoke_privilege))
            gone = before - held_by(server, "r")
            is_done = not isinstance(told, MilvusException)
            answers[is_done] += 1
            assert held_by(server, "r") <= before
            if not is_done:
                assert type(foreseen) is type(told)
                assert not gone
                return
            mine = told.grant
            assert (mine.object_type, mine.object_name, mine.privilege, mine.db) in gone
            for kind, on, privilege, db in gone:
                assert (kind, on, db) == (mine.object_type, mine.object_name, mine.db)
                assert privilege in str(told)
                assert privilege in str(foreseen)

        hold()
        assert all(answers.values())


def attempt(act, conn, name, scope):
    try:
        return act(conn, "r", name, **scope)
    except MilvusException as exc:
        return exc
