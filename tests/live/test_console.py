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


def labels(page):
    return [label for label, _ in page.list.options]


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
    header = console.heading.text
    for word in ("Milvus v2.3.5", "connected as 'root'", "authorization on", "TLS off"):
        assert word in header
    listed = console.show_page("Users")
    assert labels(listed) == ["ann", "bob", "root"]
    listed.filter.value = "AN"
    assert labels(listed) == ["ann"]
    assert "1 of 3 users" in listed.count.value
    assert "Search on collection &#x27;docs&#x27;" in listed.details.value
    listed.filter.value = "nobody"
    assert (labels(listed), listed.details.value) == ([], "")
    listed.filter.value = ""
    listed = console.show_page("Roles")
    listed.list.value = "reader"
    assert "held by &#x27;ann&#x27;" in listed.details.value


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
        header = console.heading.text
        console.close()
        connections.close_all()
    return header


def test_header_where_authorization_is_off_or_unknown():
    """Off is written in capitals; with or without a login, nobody is taken to be safe."""
    off, gateway = ContractServer("2.3.5", authorization=False), BehindAGateway("2.3.5")
    root = {"user": "root", "password": "Milvus"}
    assert "connected as nobody · authorization OFF · TLS off" in header_on(off)
    assert "connected as 'root' · authorization OFF · TLS off" in header_on(off, **root)
    assert "connected as 'root' · authorization unknown · TLS off" in header_on(gateway, **root)


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
    listed = console.show_page("Users")
    listed.list.value = "bob"
    press(listed, "Delete user…")
    form = listed.form
    assert isinstance(form, DeleteUserForm)
    assert form.fields["user"].value == "bob"
    form.fields["password"].value = PASSWORD
    thread = threading.Thread(target=form.submit)  # as newer notebooks do it
    thread.start()
    thread.join()
    assert "deleted user" in form.status.text
    assert labels(listed) == ["ann", "root"]
    assert console.status.text == ""
    assert "delete_user" in console.show_page("History").table.value
    assert PASSWORD not in json.dumps(state())
    press(listed, "Create user…")
    assert isinstance(listed.form, CreateUserForm)
    assert form.comm is None, "the form before is closed"
    listed.close_form()
    assert listed.place.children == ()

    listed = console.show_page("Roles")
    listed.list.value = "reader"
    press(listed, "Drop role…")
    assert isinstance(listed.form, DropRoleForm)
    listed.form.fields["force"].value = True
    assert not listed.form.is_ready, "a role's name is typed twice"
    listed.form.fields["confirmation"].value = "reader"
    listed.form.submit()
    assert labels(listed) == ["admin", "public"]


def test_changes_elsewhere_are_told(console, team):
    """What a cell changed is said, and shown after a refresh; a thousand changes make no noise."""
    users.create_user(team, "new", PASSWORD, timeout=10)
    assert "Refresh shows it" in console.status.text
    assert labels(console.show_page("Users")) == ["ann", "bob", "root"]
    console.buttons["Refresh"].click()
    assert labels(console.show_page("Users")) == ["ann", "bob", "new", "root"]
    assert console.status.text == ""


def test_changes_while_it_reads_are_told(console, team, monkeypatch):
    """What was read may lack them; once it is read again, nothing is said any more."""
    read = console_module.read_snapshot

    def read_and_change(*args, **options):
        snapshot = read(*args, **options)
        users.create_user(team, "new", PASSWORD, timeout=10)
        return snapshot

    monkeypatch.setattr(console_module, "read_snapshot", read_and_change)
    console.buttons["Refresh"].click()
    assert "Refresh shows it" in console.status.text
    assert labels(console.show_page("Users")) == ["ann", "bob", "root"]
    monkeypatch.setattr(console_module, "read_snapshot", read)
    console.buttons["Refresh"].click()
    assert console.status.text == ""
    assert labels(console.show_page("Users")) == ["ann", "bob", "new", "root"]


def test_access_page(console):
    """A picture of everybody, other pictures, filtered; the answer to a question; a wrong question in place."""
    access = console.show_page("Access")
    assert "users by levels of privileges" in access.answer.value
    assert "grants on what doesn&#x27;t exist" in access.findings.value
    access.rows.value, access.columns.value = "roles", "levels"
    access.row_filter.value = "read"
    assert "roles by levels of privileges" in access.answer.value
    assert "reader" in access.answer.value
    assert "admin</th><td" not in access.answer.value
    access.fields["privilege"].value = "Search"
    assert "who can do Search" in access.answer.value
    assert access.findings.value == ""
    assert access.rows.disabled, "it is about the question now"
    access.fields["privilege"].value = "Serch"
    assert "did you mean &#x27;Search&#x27;" in access.answer.value
    access.fields["privilege"].value = ""
    assert "roles by levels of privileges" in access.answer.value
    access.row_filter.value = ""
    drawn = access.pictures["roles", "levels"]
    access.column_filter.value = "Clu"
    assert "Cluster" in access.answer.value
    assert "Databases" not in access.answer.value
    assert access.pictures["roles", "levels"] is drawn, "filtering works nothing out again"


def test_pages_are_made_when_they_are_seen(console):
    """A page costs nothing before its tab is opened, and a refresh works for the page that is seen only."""
    assert [len(page.box.children) > 0 for page in console.pages.values()] == [True, False, False, False]
    access = console.show_page("Access")
    shown = access.snapshot
    console.show_page("Users")
    console.buttons["Refresh"].click()
    assert access.snapshot is shown
    assert console.show_page("Access").snapshot is console.snapshot


def test_two_consoles_and_their_ends(team):
    """Neither disturbs the other; closing frees every widget and every listener."""
    listeners, before = len(team.on_change), len(state())
    first, second = Console(), Console()
    first.show_page("Users").filter.value = "ann"
    second.show_page("Users").list.value = "bob"
    press(first.show_page("Users"), "Drop user…")
    assert labels(second.show_page("Users")) == ["ann", "bob", "root"]
    assert second.show_page("Users").place.children == ()
    first.show_page("Access")
    first.buttons["Close console"].click()
    second.refresh()
    assert second.show_page("Users").list.value == "bob"
    second.close()
    assert (len(team.on_change), len(state())) == (listeners, before)


def test_when_the_connection_goes(console, team, server):
    """A line says so; with a new connection under the alias, the console shows and listens to that one."""
    connections.disconnect("default")
    console.buttons["Refresh"].click()
    assert "AliasError: no connection 'default'" in console.status.text
    connections.connect(uri=server.uri, user="ann", password=PASSWORD)
    console.buttons["Refresh"].click()
    assert "connected as 'ann'" in console.heading.text
    assert "only your own rights" in console.heading.text
    assert labels(console.show_page("Users")) == ["ann"]
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
