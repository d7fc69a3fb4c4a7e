"""The console without a browser, on a real Milvus."""

import json
import threading
import time

import grpc
import ipywidgets
import pytest
from certificates import Issued
from contract import ContractServer, Denied, serving

from milvus_magics import Console, CreateUserForm, DeleteUserForm, DropRoleForm, connections
from milvus_magics.client import privileges, roles, users
from milvus_magics.errors import AliasError, MilvusException
from milvus_magics.forms import console as console_module
from milvus_magics.session import session

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
    """The first cell of each row."""
    return [row["cells"][0] for row in page.table.rows]


def texts(page):
    """What stands on the buttons that can be seen."""
    return [button.description for button in page.buttons.values() if button.layout.display != "none"]


def press(page, text):
    (button,) = (button for button in page.buttons.values() if button.description == text)
    button.click()


def test_it_says_where_one_is_and_who_is_there(console):
    """The header names server, version, user, authorization and TLS; rows show roles, and details what one may."""
    header = console.heading.text
    for word in ("Milvus v2.3.5", "connected as 'root'", "authorization on", "TLS off"):
        assert word in header
    listed = console.show_page("Users")
    assert labels(listed) == ["ann", "bob", "root"]
    assert [row["cells"][1] for row in listed.table.rows] == [["reader"], [], []]
    more, fewer, everything = (row["cells"][2] for row in listed.table.rows)
    assert (more - fewer, everything) == (1, "all")
    assert "tick several" in listed.details.value
    listed.select("ann")
    assert "Search on collection &#x27;docs&#x27;" in listed.details.value
    listed.select("ann", "bob")
    assert "Search" not in listed.details.value
    assert "ann, bob" in listed.details.value
    listed = console.show_page("Roles")
    listed.select("reader")
    assert "held by ann" in listed.details.value
    held = [row["cells"][:3] for row in console.show_page("Privileges").table.rows]
    assert ["reader", "Search", "collection 'docs' in database 'default'"] in held


def test_buttons_say_whom(console):
    """And those that can't be about several are gone while several are selected."""
    listed = console.show_page("Users")
    assert texts(listed)[:3] == ["Create user…", "Create many users…", "Grant role…"]
    listed.select("bob")
    assert texts(listed) == [
        "Create user…", "Create many users…", "Grant role to bob…", "Revoke role from bob…", "Describe bob…",
        "Change password of bob…", "Reset password of bob…", "Delete bob…", "Delete bob without password…",
    ]  # fmt: skip
    listed.select("bob", "ann")
    assert texts(listed) == [
        "Create user…", "Create many users…", "Grant role to 2 users…", "Revoke role from 2 users…", "Delete 2 users…",
    ]  # fmt: skip


def test_an_open_form_follows_the_selection(console):
    """It is never about somebody else than the one who is selected, and keeps nothing that was typed for another."""
    listed = console.show_page("Users")
    listed.select("bob")
    press(listed, "Delete bob…")
    first = listed.form
    first.fields["password"].value = PASSWORD
    listed.select("ann")
    assert (listed.form.fields["user"].value, bool(listed.form.fields["password"].value)) == ("ann", False)
    assert first.comm is None
    listed.select("ann", "bob")
    assert listed.form is None, "there is no form to delete several with their passwords here"
    press(listed, "Delete 2 users…")
    listed.select()
    assert listed.form is None
    press(listed, "Create user…")
    form = listed.form
    listed.select("ann")
    assert listed.form is form, "it is about nobody who is there"


def test_actions_of_a_row(console):
    """A button in a row is about that row, whatever was selected; one for a row that is gone does nothing."""
    listed = console.show_page("Users")
    listed.select("ann")
    listed.table.act("grant_role", "bob")
    assert (listed.selected, listed.form.fields["user"].value) == (["bob"], "bob")
    listed.close_form()
    listed.table.act("delete_user", "nobody")
    assert listed.form is None


def test_several_are_deleted_by_one_confirmation(console, team):
    """Their number is retyped; each is told, and who cannot be deleted is so before."""
    users.create_user(team, "carl", PASSWORD, timeout=10)
    console.refresh()
    listed = console.show_page("Users")
    listed.select("ann", "carl", "root")
    press(listed, "Delete 3 users…")
    form = listed.form
    assert "root: the server never deletes &#x27;root&#x27;" in form.preview.value
    assert "ann: role &#x27;reader&#x27;" in form.preview.value
    assert (form.button.description, form.button.disabled) == ("Delete 2 users", True)
    form.submit()
    form.confirmation.value = "3"
    form.submit()
    assert labels(listed) == ["ann", "bob", "carl", "root"], "it is not confirmed"
    form.confirmation.value = "2"
    form.button.click()
    assert labels(listed) == ["bob", "root"]
    assert "2 of 2 users deleted" in form.status.text
    assert listed.form is form, "what came of it stays in sight"
    form.submit()
    assert "2 of 2 users deleted" in form.status.text, "there is nothing left that was confirmed"
    assert [change.outcome for change in session.journal.entries()[-2:]] == ["done", "done"]


def test_several_get_and_lose_a_role(console, team):
    """The preview says who has it already or doesn't have it; where nothing is lost, nothing is confirmed."""
    listed = console.show_page("Users")
    listed.select("ann", "bob")
    press(listed, "Grant role to 2 users…")
    form = listed.form
    assert form.button.disabled, "no role is chosen"
    form.role.value = "reader"
    assert "has that role already; nothing will change" in form.preview.value
    form.button.click()
    assert roles.list_role(team, "reader", timeout=10).users == ("ann", "bob")
    users.create_user(team, "carl", PASSWORD, timeout=10)
    console.refresh()
    listed.select("ann")
    press(listed, "Revoke role from ann…")
    listed.form.fields["role"].value = "reader"
    listed.select("ann", "bob", "carl")
    form = listed.form
    assert (form.role.names, form.role.value) == (("reader",), "reader"), "what was chosen stays"
    assert "carl: user &#x27;carl&#x27; does not have role &#x27;reader&#x27;" in form.preview.value
    assert form.button.description == "Revoke role from 2 users"
    form.button.click()
    assert "2 of 2 users lost the role" in form.status.text
    assert roles.list_role(team, "reader", timeout=10).users == ()


def test_several_roles_are_dropped(console, team):
    """One that holds privileges only where they are revoked first; the server's own never."""
    roles.create_role(team, "idle", timeout=10)
    console.refresh()
    listed = console.show_page("Roles")
    listed.select("reader", "idle", "admin")
    press(listed, "Drop 3 roles…")
    form = listed.form
    assert form.button.description == "Drop 1 role"
    form.force.value = True
    assert form.button.description == "Drop 2 roles"
    assert "admin: role &#x27;admin&#x27; cannot be dropped" in form.preview.value
    form.confirmation.value = "2"
    form.button.click()
    assert labels(listed) == ["admin", "public"]


def test_history_undoes_and_exports(console, team, tmp_path):
    """The newest first, with why something was refused; what may be undone has a button, and that works."""
    users.drop_user(team, "ann", timeout=10)
    with pytest.raises(MilvusException):
        users.delete_user(team, "bob", "a-wrong-password", timeout=10)
    history = console.show_page("History")
    rows = {(row["cells"][1], row["cells"][2]): row for row in history.table.rows}
    outcome = rows["delete user", "bob"]["cells"][3]
    assert outcome.startswith("refused: ")
    assert "is wrong" in outcome
    assert (rows["drop user", "ann"]["actions"], rows["delete user", "bob"]["actions"]) == (["undo"], [])
    assert abs(rows["drop user", "ann"]["cells"][0] / 1000 - time.time()) < 60
    history.table.act("undo", rows["drop user", "ann"]["key"])
    form = history.form
    assert "restore ann (role: reader)" in form.hint.text
    form.fields["secret"].value = PASSWORD
    assert PASSWORD not in json.dumps(state()), "no password in the state of widgets"
    form.submit()
    assert "ann" in labels(console.show_page("Users"))
    history = console.show_page("History")
    assert not any(row["actions"] for row in history.table.rows if row["cells"][2] == "ann"), "it is undone"
    history.file.value = str(tmp_path / "changes.jsonl")
    history.export()
    assert "is wrong" in (tmp_path / "changes.jsonl").read_text(encoding="utf-8")
    history.export()
    assert "nothing was written" in history.status.text, "it is there already"


def test_history_brings_a_role_back(console, team):
    """With its privileges and holders."""
    roles.drop_role(team, "reader", force=True, timeout=10)
    history = console.show_page("History")
    # The newest: others of this process may have been on other servers.
    dropped = max((row["key"] for row in history.table.rows if row["cells"][1] == "drop role"), key=int)
    history.table.selected = [dropped]
    assert history.undo_button.description == "Undo drop role…"
    history.undo_button.click()
    history.form.submit()
    assert "restored role" in history.form.status.text
    assert roles.list_role(team, "reader", timeout=10).users == ("ann",)


def test_another_connection_is_used(console, server):
    """By the heading, and by the page of connections; what was open is closed."""
    assert console.switch.layout.display == "none", "there is only one"
    connections.connect("second", uri=server.uri, user="ann", password=PASSWORD)
    listed = console.show_page("Users")
    listed.select("bob")
    press(listed, "Delete bob…")
    console.refresh()
    console.switch.value = "second"
    assert "connected as 'ann'" in console.heading.text
    assert listed.form is None
    page = console.show_page("Connections")
    assert [(row["key"], row["actions"]) for row in page.table.rows] == [("default", ["use"]), ("second", [])]
    page.table.act("use", "default")
    assert ("connected as 'root'" in console.heading.text, console.switch.value) == (True, "default")


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
    listed.select("bob")
    press(listed, "Delete bob…")
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
    assert console.show_page("History").table.rows[-1]["cells"][1:4] == ["delete user", "bob", "done"]
    listed = console.show_page("Users")
    assert PASSWORD not in json.dumps(state())
    press(listed, "Create user…")
    assert isinstance(listed.form, CreateUserForm)
    assert form.comm is None, "the form before is closed"
    listed.close_form()
    assert listed.place.children == ()

    listed = console.show_page("Roles")
    listed.select("reader")
    press(listed, "Drop reader…")
    assert isinstance(listed.form, DropRoleForm)
    listed.form.fields["force"].value = True
    assert not listed.form.is_ready, "a role's name is typed twice"
    listed.form.fields["confirmation"].value = "reader"
    listed.form.submit()
    assert labels(listed) == ["admin", "public"]


def test_changes_elsewhere_are_told(console, team):
    """What a cell changed is said, and shown after a refresh; a thousand changes make no noise."""
    users.create_user(team, "new", PASSWORD, timeout=10)
    assert "Press Refresh to see it" in console.status.text
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
    assert "Press Refresh to see it" in console.status.text
    assert labels(console.show_page("Users")) == ["ann", "bob", "root"]
    monkeypatch.setattr(console_module, "read_snapshot", read)
    console.buttons["Refresh"].click()
    assert console.status.text == ""
    assert labels(console.show_page("Users")) == ["ann", "bob", "new", "root"]


def test_access_page(console):
    """A picture of everybody, other pictures, filtered; the answer to a question; a wrong question in place."""
    access = console.show_page("Access")
    picture = access.picture
    assert picture.caption == "users by what they may do", "there are no collections"
    assert "grants on what doesn&#x27;t exist" in access.findings.value
    access.rows.value, access.columns.value = "roles", "levels"
    assert picture.caption == "roles by what they may do"
    assert {"reader", "admin"} <= {row["name"] for row in picture.rows}
    access.fields["privilege"].value = "Search"
    assert "who has Search" in access.answer.value
    access.fields["privilege"].value = "Serch"
    assert "did you mean &#x27;Search&#x27;" in access.answer.value
    access.fields["privilege"].value = ""
    assert access.answer.value == ""
    drawn = access.pictures["roles", "levels"]
    picture.column_filter = "clu"
    assert [column["name"] for column in picture.columns] == ["Cluster"]
    assert access.pictures["roles", "levels"] is drawn, "filtering works nothing out again"
    access.columns.value = "databases"
    assert (picture.column_filter, [column["name"] for column in picture.columns]) == ("", ["default"]), (
        "a filter that was about other columns leaves them all"
    )


def test_a_cell_says_why_and_opens_the_form(team, console):
    """By which grant of which role, whom else that reaches; taking the role away is filled in."""
    privileges.grant_privilege(team, "reader", "Search", collection="*", timeout=10)
    console.refresh()
    access = console.show_page("Access")
    row = [row["name"] for row in access.picture.rows].index("ann")
    cell = access.picture.name_cell(row, 0)  # all collections
    why = access.picture.explain(cell)
    assert why["words"].endswith("partly reads")
    source = next(one for one in why["sources"] if one["role"] == "reader")
    assert "Search" in source["text"]
    assert (source["can_revoke"], source["can_take"]) == (True, True)
    access.picture.act("revoke_role", cell, "reader")
    assert (access.form.fields["user"].value, access.form.fields["role"].value) == ("ann", "reader")
    access.picture.act("revoke", cell, source["key"])
    filled = {name: access.form.fields[name].value for name in ("role", "db", "collections")}
    assert filled == {"role": "reader", "db": "default", "collections": ("*",)}
    assert access.form.fields["privileges"].wishes == {"Search": False}
    access.picture.act("grant", cell, "reader")
    assert access.form.fields["role"].value == "reader"
    access.picture.act("grant_role", cell)
    assert (access.form.fields["user"].value, access.form.fields["role"].value) == ("ann", "")
    access.close_form()
    assert access.form is None


def test_pages_are_made_when_they_are_seen(console):
    """A page costs nothing before its tab is opened, and a refresh works for the page that is seen only."""
    assert [len(page.box.children) > 0 for page in console.pages.values()] == [True, *[False] * 5]
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
    first.show_page("Users").select("ann")
    second.show_page("Users").select("bob")
    press(first.show_page("Users"), "Delete ann without password…")
    assert labels(second.show_page("Users")) == ["ann", "bob", "root"]
    assert second.show_page("Users").place.children == ()
    first.show_page("Access")
    first.buttons["Close console"].click()
    second.refresh()
    assert second.show_page("Users").selected == ["bob"]
    second.close()
    assert (len(team.on_change), len(state())) == (listeners, before)


def test_when_the_connection_goes(console, team, server):
    """A line says so; with a new connection under the alias, the console shows and listens to that one."""
    connections.disconnect("default")
    console.buttons["Refresh"].click()
    assert "no connection 'default'" in console.status.text
    assert "what is shown was read at" in console.status.text
    assert console.show_page("Users").table.is_old
    connections.connect(uri=server.uri, user="ann", password=PASSWORD)
    console.buttons["Refresh"].click()
    assert "connected as 'ann'" in console.heading.text
    assert not console.show_page("Users").table.is_old
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
