"""Connections by alias, adopting pymilvus's, and the forms without a browser, on a real Milvus."""

import json
import threading

import ipywidgets
import pymilvus
import pytest

from milvus_magics import DeleteUserForm, DropUserForm, connections, embedded, utility
from milvus_magics.client import users
from milvus_magics.errors import AliasError, AuthenticationError, ClosedError, MilvusException, ParameterError
from milvus_magics.session import journal

PASSWORD = "right-password"


@pytest.fixture(scope="module")
def server():
    with embedded.start(tcp_port=0) as server:
        yield server


@pytest.fixture
def root(server):
    """The connection `default`, as root."""
    connections.connect(uri=server.uri, user="root", password=server.password)
    conn = connections.get()
    yield conn
    conn = connections.get()
    for name in users.list_usernames(conn):
        if name != "root":
            users.drop_user(conn, name)
    connections.close_all()


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
    for stranger in ("nobody", 3):
        with pytest.raises(ParameterError):
            connections.adopt(stranger)


def test_changed_password_ends_other_connections(server, root):
    """Each call logs in anew: a connection of a deleted user is refused at its next call."""
    users.create_user(root, "bob", PASSWORD)
    connections.connect("bobs", "bob", PASSWORD, uri=server.uri)
    users.delete_user(root, "bob", PASSWORD)
    with pytest.raises(AuthenticationError, match="'bob'"):
        users.whoami(connections.get("bobs"))


def state():
    return json.dumps(ipywidgets.Widget.get_manager_state()["state"])


def test_delete_form(root):
    """Disabled until filled; wrong: refused; right: gone, also from another thread; nothing keeps the password."""
    users.create_user(root, "bob", PASSWORD)
    form = DeleteUserForm()
    assert form._button.disabled
    form._user.value = "bob"
    assert form._button.disabled
    assert "would delete user &#x27;bob&#x27;" in form._effect.value
    form._password.value = "wrong-password"
    assert not form._button.disabled
    assert "wrong-password" not in state(), "no password in the widget state, even while it stands in the field"
    form._button.click()
    assert "is wrong; nothing was changed" in form._status.value
    assert (form._password.value, form._button.disabled) == ("", True)
    form._password.value = PASSWORD
    thread = threading.Thread(target=form._button.click)
    thread.start()
    thread.join()
    assert "deleted user" in form._status.value
    assert utility.list_usernames() == ["root"]
    assert journal.entries()[-1].operation == "delete_user"
    assert PASSWORD not in state() + repr(form), "no password in the widget state or the text"
    assert "%milvus_delete_user" in form._repr_mimebundle_()["text/plain"]
    form.close()


def test_drop_form_wants_the_name_twice(root):
    """Another name than the user's leaves the button asleep."""
    users.create_user(root, "bob", PASSWORD)
    form = DropUserForm()
    form._user.value, form._retyped.value = "bob", "bo"
    assert form._button.disabled
    form._retyped.value = "bob"
    form._button.click()
    assert "without checking a password" in form._status.value
    assert utility.list_usernames() == ["root"]
    form.close()


def test_form_whose_alias_leads_elsewhere_deletes_nothing(server, root):
    """It shows the new server first."""
    users.create_user(root, "bob", PASSWORD)
    form = DropUserForm()
    connections.connect(uri=f"http://{server.address}", user="root", password=server.password)
    form._user.value, form._retyped.value = "bob", "bob"
    form._button.click()
    assert "leads elsewhere now" in form._status.value
    assert server.address in form._header.value
    assert "bob" in utility.list_usernames()
    form.close()


def test_form_escapes_what_the_server_says(root):
    """A name is text, never HTML."""
    form = DeleteUserForm()
    form._user.value = "<img src=x onerror=alert(1)>"
    form._password.value = PASSWORD
    form._button.click()
    for shown in (form._effect.value, form._status.value):
        assert "<img" not in shown
    assert "&lt;img" in form._status.value
    form.close()


def test_closed_form_leaves_no_widget(root):
    """Widgets live until they are closed; closing a form closes all of its own."""
    before = len(ipywidgets.Widget.get_manager_state()["state"])
    form = DeleteUserForm()
    assert len(ipywidgets.Widget.get_manager_state()["state"]) > before
    form.close()
    assert len(ipywidgets.Widget.get_manager_state()["state"]) == before
