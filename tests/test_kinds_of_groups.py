"""Milvus's own groups of privileges, those of them that a server changed, and all others are told apart."""

import contextlib
from dataclasses import replace

import contract
import pytest
from contract.versions import RECORDED
from test_wrong_deeds import V25, V26, V30, Unnamed, bench

from milvus_magics.client.privilege_groups import list_privilege_groups

SERVERS = [*map(contract.ContractServer, ["2.4.18", "2.5.3", V25, "2.6.3", V26, "2.6.19", V30, "3.1.0"]), Unnamed(V26)]


@contextlib.contextmanager
def changed(server, **groups):
    """A server whose settings give some of Milvus's groups other contents."""
    before, server.rules = server.rules, replace(server.rules, groups={**server.rules.groups, **groups})
    with bench(None, server) as (server, conn):
        yield conn
    server.rules = before


def kinds(listed):
    return {group.name: group.kind for group in listed}


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: type(server).__name__ + server.rules.build)
def test_the_groups_of_every_version_are_built_in_and_others_ones_own(server):
    server.groups["readers"] = {"Query"}
    with changed(server) as conn:
        listed = list_privilege_groups(conn)
        assert kinds(listed) == {**dict.fromkeys(server.rules.groups, "built-in"), "readers": "own"}
        assert [group.kind for group in listed] == ["built-in"] * 9 + ["own"]
        assert "changed" not in listed.caption


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: type(server).__name__ + server.rules.build)
def test_a_group_that_the_server_changed_is_named_with_what_is_other(server):
    server.groups["readers"] = {"Query"}
    usual = server.rules.groups["CollectionReadOnly"]
    with changed(server, CollectionReadOnly=usual - {"Query"} | {"Insert"}, DatabaseAdmin=frozenset()) as conn:
        listed = list_privilege_groups(conn)
        expected = {**dict.fromkeys(server.rules.groups, "built-in"), "readers": "own"}
        assert kinds(listed) == {**expected, "CollectionReadOnly": "changed", "DatabaseAdmin": "changed"}
        assert [group.kind for group in listed] == ["built-in"] * 7 + ["changed"] * 2 + ["own"]
        assert "CollectionReadOnly (without Query; with Insert)" in listed.caption
        assert "DatabaseAdmin (without AlterDatabase, CreateCollection" in listed.caption


def test_what_a_newer_version_adds_is_no_change():
    server = contract.ContractServer("3.1.0")
    usual = server.rules.groups["CollectionReadOnly"]
    with changed(server, CollectionReadOnly=usual | {"ReadTheFuture"}) as conn:
        assert set(kinds(list_privilege_groups(conn)).values()) == {"built-in"}


@pytest.mark.parametrize("version", [V25, V26, V30])
def test_the_contents_are_those_that_were_recorded(version):
    """To the letter: one privilege more or less counts as changed."""
    for name, members in RECORDED[version].groups.items():
        for other in (members - {min(members)}, members | {"Search" if "Search" not in members else "DropDatabase"}):
            with changed(contract.ContractServer(version), **{name: frozenset(other)}) as conn:
                assert kinds(list_privilege_groups(conn))[name] == "changed"


def test_the_table_shows_them():
    with changed(contract.ContractServer(V26)) as conn:
        shown = repr(list_privilege_groups(conn))
        assert "kind" in shown
        assert "built-in" in shown
