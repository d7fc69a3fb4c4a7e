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
from milvus_magics.errors import AuthenticationError, InUseError, MilvusException, UnknownRoleError, UserExistsError
from milvus_magics.forms import form_for, registered_forms
from milvus_magics.forms.panel import inside
from milvus_magics.forms.secret_fields import SecretText
from milvus_magics.session import session

PASSWORD = "right-password"


def state():
    return json.dumps(ipywidgets.Widget.get_manager_state()["state"])


def remarks(form):
    """What stands below the fields, by their names."""
    return {name: texts for name, field in form.fields.items() if any(texts := [each.text for each in field.remarks])}


def test_delete_form(root):
    """Disabled without a name; wrong: refused; right: gone, also from another thread; nothing keeps the password."""
    users.create_user(root, "bob", PASSWORD)
    form = DeleteUserForm()
    assert not form.is_ready
    form.fields["user"].value = "bob"
    assert form.is_ready, "one click is enough once the password is typed"
    assert "This will delete bob" in form.hint.text
    form.submit()
    assert remarks(form) == {"password": ["Type the password"]}
    assert form.status.text == ""
    form.fields["password"].value = "wrong-password"
    assert remarks(form) == {}
    assert "wrong-password" not in state(), "no password in the widget state, even while it stands in the field"
    form.submit()
    assert "is wrong; nothing was changed" in form.status.text
    assert form.fields["password"].widget.value == ""
    said = form.status.text
    form.submit()
    assert remarks(form) == {"password": ["Type the password"]}
    assert form.status.text == said, "what came of the action before stays"
    form.fields["password"].value = PASSWORD
    assert form.status.text == "", "what was said about another password is taken back"
    thread = threading.Thread(target=form.submit)
    thread.start()
    thread.join()
    assert "deleted user" in form.status.text
    assert utility.list_usernames() == ["root"]
    assert session.journal.entries()[-1].operation == "delete_user"
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
        ("default", "bob", "his is the last user with the role"),
        ("bobs", "bob", "his is the user you are connected as"),
        ("eves", "eve", ""),  # who may not look at anything
    ]:
        form = DeleteUserForm(using)
        form.fields["user"].value, form.fields["password"].value = name, PASSWORD
        assert said in form.hint.text
        assert form.fields["confirmation"].is_shown
        assert not form.is_ready
        form.submit()  # as a click that was under way already
        assert remarks(form) == {"confirmation": [f"Type {name} to confirm"]}
        assert form.status.text == ""
        form.close()
    assert utility.list_usernames() == ["bob", "eve", "root"]
    form = DeleteUserForm("bobs")
    form.fields["user"].value, form.fields["password"].value = "eve", PASSWORD
    assert (form.fields["confirmation"].is_shown, form.is_ready) == (False, True)
    form.fields["user"].value, form.fields["confirmation"].value = "bob", "bob"
    form.submit()
    assert "deleted user 'bob'" in form.status.text
    form.close()


def test_what_must_be_confirmed_meanwhile_is_asked_for(root):
    """The user became the last `admin` after their name was typed: the button finds that out, and shows the field."""
    users.create_user(root, "bob", PASSWORD, timeout=10)
    form = DeleteUserForm()
    form.fields["user"].value, form.fields["password"].value = "bob", PASSWORD
    roles.grant_role(root, "bob", "admin", timeout=10)
    form.submit()
    assert "the name was not retyped as 'bob'; nothing was changed" in form.status.text
    assert form.fields["confirmation"].is_shown
    assert not form.is_ready
    assert "⚠" in form.hint.value
    form.close()


def test_drop_form_wants_the_name_twice(root):
    """Another name than the user's leaves the button asleep."""
    users.create_user(root, "bob", PASSWORD)
    form = DropUserForm()
    form.fields["user"].value, form.fields["confirmation"].value = "bob", "bo"
    assert not form.is_ready
    form.fields["confirmation"].value = "bob"
    form.submit()
    assert "without checking a password" in form.status.text
    assert utility.list_usernames() == ["root"]
    form.close()


def test_form_whose_alias_leads_elsewhere_deletes_nothing(server, root):
    """It shows the new server first."""
    users.create_user(root, "bob", PASSWORD)
    form = DropUserForm()
    connections.connect(uri=f"http://{server.address}", user="root", password=server.password)
    form.fields["user"].value, form.fields["confirmation"].value = "bob", "bob"
    form.submit()
    assert "was bound anew meanwhile" in form.status.text
    assert server.address in form.heading.text
    assert "bob" in utility.list_usernames()
    form.close()


def test_form_escapes_what_the_server_says(root):
    """A name is text, never HTML."""
    form = DeleteUserForm()
    form.fields["user"].value = "<img src=x onerror=alert(1)>"
    form.fields["password"].value = PASSWORD
    form.submit()
    for shown in (form.hint.value, form.status.value):
        assert "<img" not in shown
    assert "&lt;img" in form.status.value
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
        form.fields[name].value = value


def test_connect_form_binds_what_it_tested(root, connect_form, server):
    """Test binds nothing; Connect takes the tested connection without the password being typed again."""
    form, password = connect_form, server.password.reveal()
    fill(form, user="root")
    form.submit("Test")
    assert remarks(form) == {"password": ["Type the password"]}
    fill(form, password="wrong-password")
    assert remarks(form) == {}
    form.submit("Test")
    assert form.failure is AuthenticationError
    assert form.fields["password"].widget.value == ""
    fill(form, password=password)
    assert form.status.text == "", "what was said about another password is taken back"
    assert password not in state(), "no password in the widget state, even while it stands in the field"
    form.submit("Test")
    assert "This works: user 'root'" in form.status.text
    assert not connections.has_connection("second")
    form.submit()
    assert "connected 'second': user 'root'" in form.status.text
    assert utility.list_usernames("second") == ["root"]
    assert connections.get() is root
    form.submit()
    assert remarks(form) == {"password": ["Type the password"]}, "it is gone"
    assert password not in state() + repr(form), "no password in the widget state or the text"


def test_connect_form_does_not_reuse_a_test_of_something_else(root, connect_form, server):
    """After a test as root, another user needs their own password."""
    users.create_user(root, "bob", PASSWORD)
    form = connect_form
    fill(form, user="root", password=server.password.reveal())
    form.submit("Test")
    tested = form._tested[1]
    fill(form, user="bob")
    form.submit()
    assert not connections.has_connection("second")
    fill(form, password=PASSWORD)
    form.submit()
    assert connections.get("second").user == "bob"
    with pytest.raises(MilvusException, match="closed"):
        users.whoami(tested, timeout=5)
    assert connections.get("second").on_change, "what the connection changes is recorded"


def test_connect_form_says_what_is_wrong_in_place(root, connect_form):
    """Each failure is one line, and the alias stays unbound."""
    form = connect_form
    good = form.fields["uri"].value
    for values, said in [
        ({"uri": "localhost:1"}, "nothing listens at http://localhost:1"),
        ({"uri": "ftp://host"}, "is no scheme of a Milvus address"),
        ({"uri": good, "ca_pem": "/nowhere/ca.pem"}, "ca_pem_path"),
        ({"ca_pem": "", "user": "nobody", "password": PASSWORD}, "refuses user"),
        ({"user": "", "password": "an-api-key"}, "refuses the token"),
        ({"user": "", "password": ""}, "requires a login: add --user NAME"),
        ({"db": "nowhere", "password": "root:wrong-password"}, "refuses the token"),
    ]:
        fill(form, **values)
        form.submit()
        assert said in form.status.text, form.status.text
        assert form.failure.__name__ not in form.status.text, "no names of classes"
        assert not connections.has_connection("second")
    fill(form, alias=" ")
    assert not form.is_ready
    assert remarks(form) == {"alias": ["Please fill this in"]}


def test_connect_form_takes_credentials_out_of_the_address(root, connect_form, server):
    """The address is no secret field: a password there is not kept, and the user moves to its own field."""
    form = connect_form
    fill(form, uri="http://b%40b:pass-word-1@localhost:19530")
    assert (form.fields["uri"].value, form.fields["user"].value) == ("http://localhost:19530", "b@b")
    assert "taken out" in form.status.text
    assert "pass-word-1" not in state(), "no password in the widget state"
    other = ConnectForm(uri="root:pass-word-2@localhost")
    assert other.fields["uri"].value == "localhost"
    assert "pass-word-2" not in state(), "no password in the widget state"
    other.close()


def test_connect_form_begins_with_the_usual_address(monkeypatch):
    """MILVUS_URI without its credentials, or localhost."""
    monkeypatch.setenv("MILVUS_URI", "https://eve:pass-word-3@milvus.example.com")
    form = ConnectForm()
    assert form.fields["uri"].value == "https://milvus.example.com:443"
    assert "pass-word-3" not in state(), "no password in the widget state"
    form.close()
    monkeypatch.setenv("MILVUS_URI", "what://ever")
    form = ConnectForm()
    assert form.fields["uri"].value == "http://localhost:19530"
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
    assert root.address.url in form.heading.text
    assert "connected as 'root'" in form.heading.text
    assert form.is_ready is form.BEGINS_WITH_ACTOR
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


def interrupted(*_, **values):
    raise KeyboardInterrupt


def broken(*_, **values):
    raise RuntimeError("a fault of ours")


def end_connection(form, monkeypatch):
    connections.disconnect("default")
    form.submit()


def interrupt(form, monkeypatch):
    monkeypatch.setattr(type(form), "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        form.submit()


def break_down(form, monkeypatch):
    monkeypatch.setattr(type(form), "_run", broken)
    form.submit()
    assert "Something went wrong" in form.status.text


ENDINGS = {
    "done, or refused by the server": lambda form, _: form.submit(),
    "no connection": end_connection,
    "interrupted": interrupt,
    "a fault of ours": break_down,
    "closed": lambda form, _: form.close(),
    "all closed": lambda form, _: session.close_panels(),
}


# Of the others, which ask for ticks, nothing is secret.
ASKING = [name for name, form in registered_forms().items() if "privileges" not in form.FILLABLE]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("operation", ASKING)
def test_no_form_holds_a_secret_afterwards(root, server, monkeypatch, operation, ending):
    """Whatever fails, what was typed into a secret field is gone, here and in the widgets; for every form there is."""
    users.create_user(root, "bob", "another-password", timeout=10)
    form = form_for(operation)()
    form.fill(user="bob", role="nobodys_role", group="nobodys_group", uri=server.uri)
    secrets = [field for field in form.fields.values() if field.is_secret]
    assert {SecretText} >= {type(widget) for widget in inside(form) if isinstance(widget, ipywidgets.Password)}
    typed = [widget for field in secrets for widget in field.widgets]
    assert set(typed) >= {widget for widget in inside(form) if isinstance(widget, ipywidgets.Password)}
    for field in secrets:
        field.value = form.fields[form.FIELDS[0].name].value if field.name == "confirmation" else PASSWORD
    assert all(widget.value for widget in typed)
    ENDINGS[ending](form, monkeypatch)
    assert [widget.value for widget in typed] == [""] * len(typed)
    assert PASSWORD not in state() + repr(form) + str(vars(form)), "no password in the form once it is over"
    form.close()


SECRET_FIELDS = {ConnectForm: 1, CreateUserForm: 2, DeleteUserForm: 1, ResetPasswordForm: 3, UpdatePasswordForm: 3}


@pytest.mark.parametrize("form_class", [*FORMS, ConnectForm])
def test_secret_fields_keep_what_is_typed_for_themselves(root, form_class):
    """Sent when the field is left, never sent back, not in the state; and empty once the form is closed, or all are."""
    for close in (form_class.close, lambda form: session.close_panels()):
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
    first, again = form.fields["password"].widgets
    form.fields["user"].value = "1bob"
    assert "must begin with a letter" in remarks(form)["user"][0]
    assert not form.is_ready
    form.fields["user"].value = "bob"
    assert form.is_ready
    form.submit()
    assert remarks(form) == {"password": ["Type a new password", ""]}
    first.value = "short"
    assert "at least 6 are needed" in remarks(form)["password"][0]
    first.value, again.value = PASSWORD, "other-password"
    assert remarks(form) == {"password": ["", "The two passwords are not the same"]}
    form.submit()
    assert utility.list_usernames() == ["root"]
    again.value = PASSWORD
    assert remarks(form) == {}
    assert form.fields["roles"].widget.options == ("admin", "public", "reader")
    form.fields["roles"].widget.value = "reader, "
    assert form.fields["roles"].widget.options == ("reader, admin", "reader, public"), (
        "what is there already is not offered again"
    )
    form.fields["roles"].widget.value = "reader, pub"
    assert remarks(form) == {}, "it may become one"
    form.fields["roles"].widget.value = "reader, pubic"
    assert remarks(form) == {"roles": ["there is no role 'pubic' in the list"]}
    form.fields["roles"].widget.value = "reader, public,reader, "
    assert PASSWORD not in state(), "no password in the widget state, even while it stands in the field"
    form.submit()
    assert "created user 'bob'" in form.status.text
    assert users.list_user(root, "bob").roles == ("public", "reader")
    assert form.fields["roles"].widget.value == ""
    assert (first.value, again.value, form.fields["user"].value, form.is_ready) == ("", "", "", False)
    form.fields["user"].value, first.value, again.value = "bob", PASSWORD, PASSWORD
    form.submit()
    assert form.failure is UserExistsError
    assert first.value == again.value == ""
    assert PASSWORD not in state() + repr(form), "no password in the widget state or the text"
    form.close()


@pytest.mark.parametrize("form_class", [UpdatePasswordForm, ResetPasswordForm])
def test_password_forms(root, server, form_class):
    """Wrong: refused, and all fields empty; right: changed. One's own password is what it begins with."""
    users.create_user(root, "bob", PASSWORD, timeout=10)
    connections.connect("bobs", "bob", PASSWORD, uri=server.uri)
    form = form_class("bobs")
    assert form.fields["user"].value == "bob"
    first, again = form.fields["new_password"].widgets
    form.fields["old_password"].value, first.value, again.value = "wrong-password", "new-password", "new-password"
    assert "This connection will go on with the new password" in form.hint.text
    form.submit()
    assert "is wrong; nothing was changed" in form.status.text
    assert (form.fields["old_password"].widget.value, first.value, again.value) == ("", "", "")
    form.fields["old_password"].value, first.value, again.value = PASSWORD, "new-password", "new-password"
    form.submit()
    assert "changed the password of user 'bob'" in form.status.text
    assert ("is refused" in form.status.text) is (form_class is ResetPasswordForm)
    assert users.whoami(connections.get("bobs")).user == "bob"
    for password in (PASSWORD, "new-password"):
        assert password not in state() + repr(form), "no password in the widget state or the text"
    form.close()


def test_role_forms(root):
    """Create, give, take, drop; what a user holds and what would go is said before."""
    users.create_user(root, "bob", PASSWORD, timeout=10)
    create, give = CreateRoleForm(), GrantRoleForm()
    create.fields["role"].value = "reader"
    create.submit()
    assert "created role 'reader'" in create.status.text
    give.buttons["Refresh names"].click()
    assert "reader" in give.fields["role"].widget.options
    give.fields["user"].value = "bob"
    assert "(no roles)" in give.hint.text
    give.fields["role"].value = "raeder"
    assert remarks(give) == {"role": ["there is no role 'raeder' in the list"]}
    give.submit()
    assert give.failure is UnknownRoleError
    give.fields["role"].value = "reader"
    give.submit()
    assert "gave role 'reader' to user 'bob'" in give.status.text
    assert "(role: reader)" in give.hint.text

    take = RevokeRoleForm()
    take.fields["user"].value, take.fields["role"].value = "bob", "reader"
    take.submit()
    assert "took role 'reader' from" in take.status.text

    privileges.grant_privilege(root, "reader", "Search", collection="docs", timeout=10)
    drop = DropRoleForm()
    drop.fields["role"].value = "reader"
    assert "refuse it unless its privileges are revoked first" in drop.hint.text
    drop.fields["confirmation"].value = "reader"
    assert "⚠" in drop.hint.value
    drop.submit()
    assert drop.failure is InUseError
    drop.fields["force"].value, drop.fields["confirmation"].value = True, "reader"
    drop.submit()
    assert "dropped role 'reader'" in drop.status.text
    assert [role.name for role in roles.list_roles(root)] == ["admin", "public"]
    for form in (create, give, take, drop):
        form.close()


def test_last_admin_is_typed_twice(root):
    """Only then the field for it is shown."""
    for name in ("bob", "eve"):
        users.create_user(root, name, PASSWORD, grant=["admin"], timeout=10)
    form = RevokeRoleForm()
    form.fields["user"].value, form.fields["role"].value = "eve", "admin"
    assert not form.fields["confirmation"].is_shown
    form.submit()
    form.fields["user"].value, form.fields["role"].value = "bob", "admin"
    assert form.fields["confirmation"].is_shown
    assert "his is the last user with the role" in form.hint.text
    assert not form.is_ready
    form.fields["confirmation"].value = "bob"
    form.submit()
    assert users.list_user(root, "bob").roles == ()
    form.close()


def test_a_description_that_would_be_lost_is_said_before(root):
    """This server keeps none: a warning while it is typed, and not a success without a blemish afterwards."""
    form = CreateRoleForm()
    form.fields["role"].value = "reader"
    assert form.hint.text == ""
    form.fields["description"].value = "reads all"
    assert "will be lost" in form.hint.text
    assert "⚠" in form.hint.value
    form.submit()
    assert "is lost" in form.status.text
    assert "⚠" in form.status.value
    form.close()


def test_names_are_read_again_while_one_is_typed(root, monkeypatch):
    """A list that is older than some seconds; one that cannot be read stays."""
    form = GrantRoleForm()
    utility.create_user("bob", PASSWORD, using="default")
    session.names.list_names(root, "user", timeout=10)  # as somebody else's change: this notebook has heard of nothing
    form.fields["user"].offer(["root"])
    form.fields["user"].value = "b"
    assert form.fields["user"].names == ("bob", "root")
    monkeypatch.setattr(session.names, "cached_names", lambda *_: [])
    form.fields["user"].value = "bo"
    assert form.fields["user"].names == ("bob", "root")
    form.close()
