"""The forms without a browser, on a real Milvus."""

import json
import threading

import ipywidgets
import pytest
from IPython.core.formatters import DisplayFormatter

from milvus_magics import (
    ConnectForm,
    CreateRoleForm,
    CreateUserForm,
    DeleteUserForm,
    DropRoleForm,
    DropUserForm,
    GrantRoleForm,
    ResetPasswordForm,
    RevokeRoleForm,
    UpdatePasswordForm,
    connections,
    utility,
)
from milvus_magics.client import privileges, roles, users
from milvus_magics.forms.form import close_all, inside
from milvus_magics.session import journal

PASSWORD = "right-password"


def state():
    return json.dumps(ipywidgets.Widget.get_manager_state()["state"])


def test_delete_form(root):
    """Disabled until filled; wrong: refused; right: gone, also from another thread; nothing keeps the password."""
    users.create_user(root, "bob", PASSWORD)
    form = DeleteUserForm()
    assert form._button.disabled
    form._boxes["user"].value = "bob"
    assert form._button.disabled
    assert "would delete user &#x27;bob&#x27;" in form._effect.value
    form._password.value = "wrong-password"
    assert not form._button.disabled
    assert "wrong-password" not in state(), "no password in the widget state, even while it stands in the field"
    form._button.click()
    assert "is wrong; nothing was changed" in form._status.value
    assert (form._password.value, form._button.disabled) == ("", True)
    form._password.value = PASSWORD
    assert form._status.value == "", "what was said about another password is taken back"
    thread = threading.Thread(target=form._button.click)
    thread.start()
    thread.join()
    assert "deleted user" in form._status.value
    assert utility.list_usernames() == ["root"]
    assert journal.entries()[-1].operation == "delete_user"
    assert PASSWORD not in state() + repr(form), "no password in the widget state or the text"
    assert "%milvus_delete_user" in form._repr_mimebundle_()["text/plain"]
    form.close()


def test_delete_form_wants_the_name_too_for_oneself_and_the_last_admin(server, root):
    """The password alone is not enough, whoever acts; with the name it goes."""
    users.create_user(root, "bob", PASSWORD, grant=["admin"], timeout=10)
    users.create_user(root, "eve", PASSWORD, timeout=10)
    connections.connect("bobs", "bob", PASSWORD, uri=server.uri)
    connections.connect("eves", "eve", PASSWORD, uri=server.uri)
    for using, name, said in [
        ("default", "bob", "this is the last user with the role"),
        ("bobs", "bob", "this is the user you are connected as"),
        ("eves", "eve", ""),  # who may not look at anything
    ]:
        form = DeleteUserForm(using)
        form._boxes["user"].value, form._password.value = name, PASSWORD
        assert said in form._effect.value
        assert form._retyped.layout.display == ""
        assert form._button.disabled
        form._button.disabled = False  # as a click that was under way already
        form._button.click()
        assert f"the name was not retyped as &#x27;{name}&#x27;; nothing was changed" in form._status.value
        assert form._password.value == ""
        form.close()
    assert utility.list_usernames() == ["bob", "eve", "root"]
    form = DeleteUserForm("bobs")
    form._boxes["user"].value, form._password.value = "eve", PASSWORD
    assert (form._retyped.layout.display, form._button.disabled) == ("none", False)
    form._boxes["user"].value, form._retyped.value = "bob", "bob"
    form._button.click()
    assert "deleted user &#x27;bob&#x27;" in form._status.value
    form.close()


def test_drop_form_wants_the_name_twice(root):
    """Another name than the user's leaves the button asleep."""
    users.create_user(root, "bob", PASSWORD)
    form = DropUserForm()
    form._boxes["user"].value, form._retyped.value = "bob", "bo"
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
    form._boxes["user"].value, form._retyped.value = "bob", "bob"
    form._button.click()
    assert "leads elsewhere now" in form._status.value
    assert server.address in form._header.value
    assert "bob" in utility.list_usernames()
    form.close()


def test_form_escapes_what_the_server_says(root):
    """A name is text, never HTML."""
    form = DeleteUserForm()
    form._boxes["user"].value = "<img src=x onerror=alert(1)>"
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
    assert "need the password of user &#x27;root&#x27;" in form._effect.value
    fill(form, secret="wrong-password")
    assert form._effect.value == ""
    form._test.click()
    assert "AuthenticationError" in form._status.value
    assert (form._secret.value, form._test.disabled) == ("", True)
    fill(form, secret=password)
    assert form._status.value == "", "what was said about another password is taken back"
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
        ({"db_name": "nowhere", "secret": "root:wrong-password"}, "refuses the token"),
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


FORMS = [
    CreateRoleForm, CreateUserForm, DeleteUserForm, DropRoleForm, DropUserForm, GrantRoleForm, ResetPasswordForm,
    RevokeRoleForm, UpdatePasswordForm,
]  # fmt: skip


@pytest.mark.parametrize("form_class", FORMS)
def test_every_form_says_where_and_what_else_would_do(root, form_class):
    """Server and user in its heading, its button asleep, a text with the magic, and nothing left when it is closed."""
    before = len(ipywidgets.Widget.get_manager_state()["state"])
    form = form_class()
    assert root.address.url in form._header.value
    assert "connected as &#x27;root&#x27;" in form._header.value
    assert form._button.disabled
    bundle, _ = DisplayFormatter().format(form)
    assert bundle["text/plain"].endswith(form.MAGIC), "not cut"
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == form.model_id
    form.close()
    assert len(ipywidgets.Widget.get_manager_state()["state"]) == before


def test_the_connect_form_says_what_else_would_do():
    """It needs no connection, and leaves nothing behind either."""
    before = len(ipywidgets.Widget.get_manager_state()["state"])
    form = ConnectForm()
    bundle, _ = DisplayFormatter().format(form)
    assert bundle["text/plain"].endswith("%milvus_connect URI --user NAME")
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == form.model_id
    form.close()
    assert len(ipywidgets.Widget.get_manager_state()["state"]) == before


SECRET_FIELDS = {ConnectForm: 1, CreateUserForm: 2, DeleteUserForm: 1, ResetPasswordForm: 3, UpdatePasswordForm: 3}


@pytest.mark.parametrize("form_class", [*FORMS, ConnectForm])
def test_secret_fields_keep_what_is_typed_for_themselves(root, form_class):
    """Sent when the field is left, never sent back, not in the state; and empty once the form is closed, or all are."""
    for close in (form_class.close, lambda form: close_all()):
        form = form_class()
        fields = [field for field in inside(form) if isinstance(field, ipywidgets.Password)]
        assert len(fields) == SECRET_FIELDS.get(form_class, 0)
        for field in fields:
            assert field.continuous_update is False
            assert field.trait_metadata("value", "echo_update") is False
            field.value = PASSWORD
            assert field.get_state()["value"] == field.get_state("value")["value"] == ""
        assert PASSWORD not in state() + repr(form)
        close(form)
        assert [field.value for field in fields] == [""] * len(fields)


def test_create_user_form(root):
    """Awake with a good name and the same password twice; the roles are given, and nothing keeps the password."""
    roles.create_role(root, "reader", timeout=10)
    form = CreateUserForm()
    first, again = form._password.fields
    form._name.value = "1bob"
    assert "must begin with a letter" in form._effect.value
    form._name.value = "bob"
    first.value = "short"
    assert "6 is the least" in form._effect.value
    first.value, again.value = PASSWORD, "other-password"
    assert "not the same" in form._effect.value
    assert form._button.disabled
    again.value = PASSWORD
    assert form._roles.options == ("admin", "public", "reader")
    form._roles.value = "reader, "
    assert form._roles.options == ("reader, admin", "reader, public"), "what is there already is not offered again"
    form._roles.value = "reader, pubic"
    assert "there is no role &#x27;pubic&#x27; in the list" in form._effect.value
    form._roles.value = "reader, public,reader, "
    assert PASSWORD not in state(), "no password in the widget state, even while it stands in the field"
    form._button.click()
    assert "created user &#x27;bob&#x27;" in form._status.value
    assert users.list_user(root, "bob").roles == ("public", "reader")
    assert form._roles.value == ""
    assert (first.value, again.value, form._name.value, form._button.disabled) == ("", "", "", True)
    form._name.value, first.value, again.value = "bob", PASSWORD, PASSWORD
    form._button.click()
    assert "UserExistsError" in form._status.value
    assert first.value == again.value == ""
    assert PASSWORD not in state() + repr(form), "no password in the widget state or the text"
    form.close()


@pytest.mark.parametrize("form_class", [UpdatePasswordForm, ResetPasswordForm])
def test_password_forms(root, server, form_class):
    """Wrong: refused, and all fields empty; right: changed. One's own password is what it begins with."""
    users.create_user(root, "bob", PASSWORD, timeout=10)
    connections.connect("bobs", "bob", PASSWORD, uri=server.uri)
    form = form_class("bobs")
    assert form._boxes["user"].value == "bob"
    first, again = form._new.fields
    form._old.value, first.value, again.value = "wrong-password", "new-password", "new-password"
    assert "this connection goes on with the new password" in form._effect.value
    form._button.click()
    assert "is wrong; nothing was changed" in form._status.value
    assert (form._old.value, first.value, again.value) == ("", "", "")
    form._old.value, first.value, again.value = PASSWORD, "new-password", "new-password"
    form._button.click()
    assert "changed the password of user &#x27;bob&#x27;" in form._status.value
    assert ("is refused" in form._status.value) is (form_class is ResetPasswordForm)
    assert users.whoami(connections.get("bobs")).user == "bob"
    for password in (PASSWORD, "new-password"):
        assert password not in state() + repr(form), "no password in the widget state or the text"
    form.close()


def test_role_forms(root):
    """Create, give, take, drop; what a user holds and what would go is said before."""
    users.create_user(root, "bob", PASSWORD, timeout=10)
    create, give = CreateRoleForm(), GrantRoleForm()
    create._name.value = "reader"
    create._button.click()
    assert "created role &#x27;reader&#x27;" in create._status.value
    give._refresh.click()
    assert "reader" in give._boxes["role"].options
    give._boxes["user"].value = "bob"
    assert "with no roles" in give._effect.value
    give._boxes["role"].value = "raeder"
    assert "there is no role &#x27;raeder&#x27; in the list" in give._effect.value
    give._button.click()
    assert "UnknownRoleError" in give._status.value
    give._boxes["role"].value = "reader"
    give._button.click()
    assert "gave role &#x27;reader&#x27; to user &#x27;bob&#x27;" in give._status.value
    assert "with role &#x27;reader&#x27;" in give._effect.value

    take = RevokeRoleForm()
    take._boxes["user"].value, take._boxes["role"].value = "bob", "reader"
    take._button.click()
    assert "took role &#x27;reader&#x27; from" in take._status.value

    privileges.grant_privilege(root, "reader", "Search", collection="docs", timeout=10)
    drop = DropRoleForm()
    drop._boxes["role"].value = "reader"
    assert "refused unless its privileges are revoked first" in drop._effect.value
    drop._retyped.value = "reader"
    drop._button.click()
    assert "InUseError" in drop._status.value
    drop._force.value, drop._retyped.value = True, "reader"
    drop._button.click()
    assert "dropped role &#x27;reader&#x27;" in drop._status.value
    assert [role.name for role in roles.list_roles(root)] == ["admin", "public"]
    for form in (create, give, take, drop):
        form.close()


def test_last_admin_is_typed_twice(root):
    """Only then the field for it is shown."""
    for name in ("bob", "eve"):
        users.create_user(root, name, PASSWORD, grant=["admin"], timeout=10)
    form = RevokeRoleForm()
    form._boxes["user"].value, form._boxes["role"].value = "eve", "admin"
    assert form._retyped.layout.display == "none"
    form._button.click()
    form._boxes["user"].value, form._boxes["role"].value = "bob", "admin"
    assert form._retyped.layout.display != "none"
    assert "this is the last user with the role" in form._effect.value
    assert form._button.disabled
    form._retyped.value = "bob"
    form._button.click()
    assert users.list_user(root, "bob").roles == ()
    form.close()
