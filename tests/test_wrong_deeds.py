"""What servers do wrong, or otherwise than they are asked, reaches nobody: what they are not to do isn't sent."""

import contextlib

import contract
import pytest

from milvus_magics import client
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
