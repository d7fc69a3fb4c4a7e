"""The console without a browser, on a real Milvus."""

import json
import threading

import grpc
import ipywidgets
import pytest
from certificates import Issued
from contract import ContractServer, Denied, serving

from milvus_magics import Console, CreateUserForm, DeleteUserForm, DropRoleForm, connections
from milvus_magics.client import privileges, roles, users
from milvus_magics.errors import AliasError
from milvus_magics.forms import console as console_module

PASSWORD = "right-password"


@pytest.fixture
def team(root):
    roles.create_role(root, "reader", timeout=10)
    privileges.grant_privilege(root, "reader", "Search", collection="docs", timeout=10)
    for name, grant in {"ann": ["reader"], "bob": []}.items():
        users.create_user(root, name, PASSWORD, grant=grant, timeout=10)
    return root


@pytest.fixture
def console(team):
    console = Console()
    yield console
    console.close()


def state():
    return ipywidgets.Widget.get_manager_state()["state"]


def page(console, title):
    number = [page.TITLE for page in console._pages].index(title)
    console._tabs.selected_index = number
    return console._pages[number]


def labels(page):
    return [label for label, _ in page._list.options]


def press(page, text):
    (button,) = (
        button
        for row in page.box.children
        for button in getattr(row, "children", ())
        if getattr(button, "description", "") == text
    )
    button.click()


def test_it_says_where_one_is_and_who_is_there(console):
    """The header names server, version, user, authorization and TLS; lists filter, and show what somebody may do."""
    header = console._header.value
    for word in ("Milvus v2.3.5", "connected as &#x27;root&#x27;", "authorization on", "TLS off"):
        assert word in header
    listed = page(console, "Users")
    assert labels(listed) == ["ann", "bob", "root"]
    listed._filter.value = "AN"
    assert labels(listed) == ["ann"]
    assert "1 of 3 users" in listed._count.value
    assert "Search on collection &#x27;docs&#x27;" in listed._details.value
    listed._filter.value = "nobody"
    assert (labels(listed), listed._details.value) == ([], "")
    listed._filter.value = ""
    listed = page(console, "Roles")
    listed._list.value = "reader"
    assert "held by &#x27;ann&#x27;" in listed._details.value


class BehindAGateway(ContractServer):
    """Whoever comes without credentials is turned away by something that isn't Milvus."""

    def login(self, metadata):
        if "authorization" not in metadata:
            raise Denied(grpc.StatusCode.PERMISSION_DENIED, "the gateway wants a key")
        return super().login(metadata)


def header_on(contract, credentials=None, scheme="http", **options):
    with serving(contract, credentials) as (_, address):
        connections.connect(uri=f"{scheme}://{address}", **options)
        console = Console()
        header = console._header.value
        console.close()
        connections.close_all()
    return header


def test_header_where_authorization_is_off_or_unknown():
    """Off is written in capitals; with or without a login, nobody is taken to be safe."""
    off, gateway = ContractServer("2.3.5", authorization=False), BehindAGateway("2.3.5")
    root = {"user": "root", "password": "Milvus"}
    assert "connected as nobody · authorization OFF · TLS off" in header_on(off)
    assert "connected as &#x27;root&#x27; · authorization OFF · TLS off" in header_on(off, **root)
    assert "connected as &#x27;root&#x27; · authorization unknown · TLS off" in header_on(gateway, **root)


def test_header_with_tls(tmp_path):
    """The address says so, too."""
    issued = Issued("ip")
    (tmp_path / "ca.pem").write_bytes(issued.pem)
    header = header_on(
        ContractServer("2.6.4"), grpc.ssl_server_credentials([(issued.key_pem, issued.pem)]), "https",
        user="root", password="Milvus", ca_pem_path=str(tmp_path / "ca.pem"),
    )  # fmt: skip
    assert "Milvus v2.6.4 at https://127.0.0.1:" in header
    assert "authorization on · TLS on" in header


def test_forms_do_the_work(console, root):
    """A form comes with the selected name; the console reads again when it is done; no password stays."""
    listed = page(console, "Users")
    listed._list.value = "bob"
    press(listed, "Delete user…")
    form = listed._form
    assert isinstance(form, DeleteUserForm)
    assert form._chosen("user") == "bob"
    form._password.value = PASSWORD
    thread = threading.Thread(target=form._button.click)  # as newer notebooks do it
    thread.start()
    thread.join()
    assert "deleted user" in form._status.value
    assert labels(listed) == ["ann", "root"]
    assert console._status.value == ""
    assert "delete_user" in page(console, "History")._table.value
    assert PASSWORD not in json.dumps(state())
    press(listed, "Create user…")
    assert isinstance(listed._form, CreateUserForm)
    assert form.comm is None, "the form before is closed"
    listed.close_form()
    assert listed._slot.children == ()

    listed = page(console, "Roles")
    listed._list.value = "reader"
    press(listed, "Drop role…")
    assert isinstance(listed._form, DropRoleForm)
    listed._form._force.value = True
    assert listed._form._button.disabled, "a role's name is typed twice"
    listed._form._retyped.value = "reader"
    listed._form._button.click()
    assert labels(listed) == ["admin", "public"]


def test_changes_elsewhere_are_told(console, team):
    """What a cell changed is said, and shown after a refresh; a thousand changes make no noise."""
    users.create_user(team, "new", PASSWORD, timeout=10)
    assert "Refresh shows it" in console._status.value
    assert labels(page(console, "Users")) == ["ann", "bob", "root"]
    console._refresh.click()
    assert labels(page(console, "Users")) == ["ann", "bob", "new", "root"]
    assert console._status.value == ""


def test_changes_while_it_reads_are_told(console, team, monkeypatch):
    """What was read may lack them; once it is read again, nothing is said any more."""
    read = console_module.read_snapshot

    def read_and_change(*args):
        reading = read(*args)
        users.create_user(team, "new", PASSWORD, timeout=10)
        return reading

    monkeypatch.setattr(console_module, "read_snapshot", read_and_change)
    console._refresh.click()
    assert "Refresh shows it" in console._status.value
    assert labels(page(console, "Users")) == ["ann", "bob", "root"]
    monkeypatch.setattr(console_module, "read_snapshot", read)
    console._refresh.click()
    assert console._status.value == ""
    assert labels(page(console, "Users")) == ["ann", "bob", "new", "root"]


def test_access_page(console):
    """A picture of everybody, other pictures, filtered; the answer to a question; a wrong question in place."""
    access = page(console, "Access")
    assert "users by levels of privileges" in access._answer.value
    assert "granted on what is not there" in access._concerns.value
    access._rows.value, access._columns.value = "roles", "levels"
    access._filter.value = "read"
    assert "roles by levels of privileges" in access._answer.value
    assert "reader" in access._answer.value
    assert "admin</th><td" not in access._answer.value
    access._asked["privilege"].value = "Search"
    assert "who may do Search" in access._answer.value
    assert access._concerns.value == ""
    assert access._rows.disabled, "it is about the question now"
    access._asked["privilege"].value = "Serch"
    assert "did you mean &#x27;Search&#x27;" in access._answer.value
    access._asked["privilege"].value = ""
    assert "roles by levels of privileges" in access._answer.value
    access._filter.value = ""
    drawn = access._pictures["roles", "levels"]
    access._columns_filter.value = "Clu"
    assert "Cluster" in access._answer.value
    assert "Databases" not in access._answer.value
    assert access._pictures["roles", "levels"] is drawn, "filtering works nothing out again"


def test_pages_are_made_when_they_are_seen(console):
    """A page costs nothing before its tab is opened, and a refresh works for the page that is seen only."""
    assert [len(page.box.children) > 0 for page in console._pages] == [True, False, False, False]
    access = page(console, "Access")
    shown = access._shown
    page(console, "Users")
    console._refresh.click()
    assert access._shown is shown
    assert page(console, "Access")._shown is console._reading


def test_two_consoles_and_their_ends(team):
    """Neither disturbs the other; closing frees every widget and every listener."""
    listeners, before = len(team.on_change), len(state())
    first, second = Console(), Console()
    page(first, "Users")._filter.value = "ann"
    page(second, "Users")._list.value = "bob"
    press(page(first, "Users"), "Drop user…")
    assert labels(page(second, "Users")) == ["ann", "bob", "root"]
    assert page(second, "Users")._slot.children == ()
    first._close.click()
    second.refresh()
    assert page(second, "Users")._list.value == "bob"
    second.close()
    assert (len(team.on_change), len(state())) == (listeners, before)


def test_when_the_connection_goes(console, team, server):
    """A line says so; with a new connection under the alias, the console shows and listens to that one."""
    connections.disconnect("default")
    console._refresh.click()
    assert "AliasError: no connection &#x27;default&#x27;" in console._status.value
    connections.connect(uri=server.uri, user="ann", password=PASSWORD)
    console._refresh.click()
    assert "connected as &#x27;ann&#x27;" in console._header.value
    assert "only your own rights" in console._header.value
    assert labels(page(console, "Users")) == ["ann"]
    assert console._on_change in connections.get().on_change
    with pytest.raises(AliasError):
        Console("nowhere")


def test_magic_and_text(shell):
    """`%milvus_console` shows it; without widgets it says what it is, and which magics do the same."""
    console = shell.run_line_magic("milvus_console", "--timeout 5")
    text = console._repr_mimebundle_()["text/plain"]
    assert text.startswith("Console: a panel on unix:")
    for magic in ("%milvus_list_users", "%milvus_list_roles", "%milvus_access", "%milvus_audit"):
        assert magic in text
    assert repr(console) == text
    shell.run_line_magic("reload_ext", "milvus_magics")
    assert console.comm is None, "reloading closes what is open"
