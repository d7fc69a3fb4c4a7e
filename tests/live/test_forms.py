"""The forms without a browser, on a real Milvus."""

import json
import threading

import ipywidgets
import pytest

from milvus_magics import ConnectForm, DeleteUserForm, DropUserForm, connections, utility
from milvus_magics.client import users
from milvus_magics.session import journal

PASSWORD = "right-password"


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


@pytest.fixture
def connect_form(server, root):
    """A form whose address is the server's."""
    form = ConnectForm("second", uri=server.uri)
    yield form
    form.close()


def fill(form, **values):
    for name, value in values.items():
        (form._secret if name == "secret" else form._texts[name]).value = value


def test_connect_form_binds_what_it_tested(root, connect_form, server):
    """Test binds nothing; Connect takes the tested connection without the password being typed again."""
    form, password = connect_form, server.password.reveal()
    fill(form, user="root")
    assert form._button.disabled
    assert form._test.disabled
    fill(form, secret="wrong-password")
    form._test.click()
    assert "AuthenticationError" in form._status.value
    assert (form._secret.value, form._test.disabled) == ("", True)
    fill(form, secret=password)
    assert password not in state(), "no password in the widget state, even while it stands in the field"
    form._test.click()
    assert "this works: user &#x27;root&#x27;" in form._status.value
    assert not connections.has_connection("second")
    form._button.click()
    assert "connected &#x27;second&#x27;: user &#x27;root&#x27;" in form._status.value
    assert utility.list_usernames("second") == ["root"]
    assert connections.get() is root
    assert form._button.disabled  # the secret is gone
    assert password not in state() + repr(form), "no password in the widget state or the text"


def test_connect_form_does_not_reuse_a_test_of_something_else(root, connect_form, server):
    """After a test as root, another user needs their own password."""
    users.create_user(root, "bob", PASSWORD)
    form = connect_form
    fill(form, user="root", secret=server.password.reveal())
    form._test.click()
    tested = form._tested[1]
    fill(form, user="bob")
    assert form._button.disabled
    fill(form, secret=PASSWORD)
    form._button.click()
    assert connections.get("second").user == "bob"
    assert not tested._open
    assert connections.get("second").on_change, "what the connection changes is recorded"


def test_connect_form_says_what_is_wrong_in_place(root, connect_form):
    """Each failure is one line, and the alias stays unbound."""
    form = connect_form
    good = form._texts["uri"].value
    for values, said in [
        ({"uri": "localhost:1"}, "RefusedError: nothing listens at http://localhost:1"),
        ({"uri": "ftp://host"}, "is no scheme of a Milvus address"),
        ({"uri": good, "ca_pem_path": "/nowhere/ca.pem"}, "ca_pem_path"),
        ({"ca_pem_path": "", "user": "nobody", "secret": PASSWORD}, "refuses user"),
        ({"user": "", "secret": "an-api-key"}, "refuses the token"),
        ({"user": "", "secret": ""}, "wants a user and password"),
        ({"db_name": "nowhere", "secret": "root:wrong-password"}, "refuses user"),
    ]:
        fill(form, **values)
        form._button.click()
        assert said in form._status.value, form._status.value
        assert not connections.has_connection("second")
    fill(form, alias=" ")
    assert form._button.disabled


def test_connect_form_takes_credentials_out_of_the_address(root, connect_form, server):
    """The address is no secret field: a password there is not kept, and the user moves to its own field."""
    form = connect_form
    fill(form, uri="http://b%40b:pass-word-1@localhost:19530")
    assert (form._texts["uri"].value, form._texts["user"].value) == ("http://localhost:19530", "b@b")
    assert "taken out" in form._status.value
    assert "pass-word-1" not in state(), "no password in the widget state"
    other = ConnectForm(uri="root:pass-word-2@localhost")
    assert other._texts["uri"].value == "localhost"
    assert "pass-word-2" not in state(), "no password in the widget state"
    other.close()


def test_connect_form_begins_with_the_usual_address(monkeypatch):
    """MILVUS_URI without its credentials, or localhost."""
    monkeypatch.setenv("MILVUS_URI", "https://eve:pass-word-3@milvus.example.com")
    form = ConnectForm()
    assert form._texts["uri"].value == "https://milvus.example.com:443"
    assert "pass-word-3" not in state(), "no password in the widget state"
    form.close()
    monkeypatch.setenv("MILVUS_URI", "what://ever")
    form = ConnectForm()
    assert form._texts["uri"].value == "http://localhost:19530"
    form.close()
