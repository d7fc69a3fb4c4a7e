"""Connections by alias, and adopting pymilvus's, on a real Milvus."""

import asyncio
import gc

import pymilvus
import pytest
from contract import serve
from processes import wait_until

from milvus_magics import Console, connections, utility
from milvus_magics.client import users
from milvus_magics.errors import AliasError, AuthenticationError, ClosedError, MilvusException, ParameterError
from milvus_magics.session import session

PASSWORD = "right-password"


def test_failed_connect_leaves_the_alias_as_it_was(server, root):
    """Wrong password, wrong address, wrong database: the old connection still works."""
    for given in (
        {"uri": server.uri, "user": "root", "password": "wrong-password"},
        {"uri": "localhost:1"},
        {"uri": server.uri, "user": "root", "password": server.password, "db_name": "nowhere"},
    ):
        with pytest.raises(MilvusException):
            connections.connect(**given)
        assert connections.get() is root
    assert utility.list_usernames() == ["root"]


def test_replaced_connection_is_closed(server, root):
    """Nobody can go on with it by accident."""
    connections.connect(uri=server.uri, user="root", password=server.password)
    with pytest.raises(ClosedError, match="is closed: connect again"):
        users.list_usernames(root)


def test_known_addresses(server, root):
    """`add_connection` is remembered, `connect(alias)` uses it, and nothing shows the password."""
    connections.add_connection(later={"uri": server.uri, "user": "root", "password": server.password.reveal()})
    assert not connections.has_connection("later")
    assert connections.get_connection_addr("later")["user"] == "root"
    connections.connect("later")
    assert utility.list_usernames("later") == ["root"]
    shown = repr(connections.list_connections()) + repr(connections.get_connection_addr("later"))
    assert server.password.reveal() not in shown, "no password in what connections show"
    connections.remove_connection("later")
    assert connections.get_connection_addr("later") == {}
    with pytest.raises(AliasError, match="there are: 'default'"):
        connections.get("later")


def test_pymilvus_connections_are_adopted(server, root):
    """By client and by alias: same server, same user, a channel of our own."""
    users.create_user(root, "bob", "pass:word{$}")
    uri = f"http://{server.address}"
    client = pymilvus.MilvusClient(uri=uri, user="bob", password="pass:word{$}")
    connections.adopt(client, "bobs")
    assert connections.get("bobs").user == "bob"
    client.close()
    pymilvus.connections.connect("orm", uri=uri, token=f"root:{server.password.reveal()}")
    connections.adopt("orm", "orm")
    assert utility.list_usernames("orm") == ["bob", "root"]
    pymilvus.connections.disconnect("orm")

    client = pymilvus.MilvusClient(uri=uri, token=f"root:{server.password.reveal()}")
    client.create_database("lab")
    in_lab = pymilvus.MilvusClient(uri=uri, token=f"root:{server.password.reveal()}", db_name="lab")
    connections.adopt(in_lab, "lab")
    assert connections.get("lab").address.db_name == "lab"
    in_lab.close()
    pymilvus.connections.connect("orm", uri=uri, token=f"root:{server.password.reveal()}", db_name="lab")
    connections.adopt("orm", "lab orm")
    assert connections.get("lab orm").address.db_name == "lab"
    pymilvus.connections.disconnect("orm")
    client.drop_database("lab")
    client.close()
    for stranger in ("nobody", 3):
        with pytest.raises(ParameterError):
            connections.adopt(stranger)


def test_a_client_that_cannot_be_adopted_is_told_in_one_line(server, recwarn):
    """A closed one, and one for coroutines; without a warning of Python's."""
    arguments = {"uri": f"http://{server.address}", "token": f"root:{server.password.reveal()}"}
    derived = type("AsyncInName", (pymilvus.MilvusClient,), {})
    clients = [(f"this {kind.__name__} is closed", kind(**arguments)) for kind in (pymilvus.MilvusClient, derived)]
    for _, client in clients:
        client.close()
    if hasattr(pymilvus, "AsyncMilvusClient"):  # from 2.5 on

        async def make(kind):
            opened, closed = kind(**arguments), kind(**arguments)
            await closed.close()
            return opened, closed

        for kind in (pymilvus.AsyncMilvusClient, type("Own", (pymilvus.AsyncMilvusClient,), {})):
            said = f"{kind.__name__} works for coroutines only"
            clients += [(said, client) for client in asyncio.run(make(kind))]
    recwarn.clear()
    for said, client in clients:
        with pytest.raises(ParameterError, match=said):
            connections.adopt(client, "adopted")
    gc.collect()
    assert not recwarn.list
    assert not connections.has_connection("adopted")


def test_changed_password_ends_other_connections(server, root):
    """Each call logs in anew: a connection of a deleted user is refused as soon as the server knows."""

    def refusal():
        try:
            users.whoami(connections.get("bobs"))
        except AuthenticationError as exc:
            return str(exc)
        return ""

    users.create_user(root, "bob", PASSWORD)
    connections.connect("bobs", "bob", PASSWORD, uri=server.uri)
    assert not refusal()
    users.delete_user(root, "bob", PASSWORD)
    wait_until(refusal)  # 2.3.5 may let a deleted user in for a moment
    assert "'bob'" in refusal()


@pytest.mark.parametrize("authorization", [True, False], ids=["authorization on", "authorization off"])
def test_what_a_token_begins_with_is_told_where_the_server_looked_at_it(authorization):
    """Elsewhere it may be a password that was typed into the wrong field, and the server takes everything."""
    token = "root:Milvus" if authorization else "half-of-it:other-half"
    before = len(session.journal.entries())
    with serve("2.6.4", authorization=authorization) as (_, address):
        connections.connect("token", token=token, uri=f"http://{address}")
        conn = connections.get("token")
        users.create_user(conn, "ann", "a-password")
        console = Console("token")
        told = [
            conn.user, conn.actor, repr(conn), str(users.whoami(conn)), connections.get_connection_addr("token"),
            console.heading.text, repr(console), *(entry.to_dict() for entry in session.journal.entries()[before:]),
        ]  # fmt: skip
        console.close()
        connections.remove_connection("token")
    shown = repr(told)
    assert (conn.user == "root") is authorization
    assert ("connected as 'root'" in shown) is authorization
    assert "half" not in shown
    assert len(session.journal.entries()) == before + 1
