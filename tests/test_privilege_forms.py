"""The forms for privileges: what a role holds is ticked, ticking grants, ticking off revokes, all by one change."""

import contextlib

import contract
import grpc
import pytest

from milvus_magics import Console, connections
from milvus_magics.forms import form_for
from milvus_magics.forms.restore import RestoreGrantsForm
from milvus_magics.session import session

OLD, V25, V26, V30 = EVERY = ["2.3.5", "2.5.24", "2.6.18", "3.0.0-beta"]


@contextlib.contextmanager
def bench(version, user="root", password="Milvus"):
    """A server with a role `reader`, who holds Insert and Delete on docs."""
    session.undo.clear()
    with contract.serve(version) as (server, address):
        server.roles["reader"] = ""
        server.collections["default"] = ["docs", "notes"]
        server.grants.update(
            {("reader", "Collection", "docs", name, "default"): "root" for name in ("Insert", "Delete")}
        )
        connections.connect("default", user, password, uri=f"http://{address}")
        try:
            yield server
        finally:
            session.close_panels()
            connections.close_all()
            session.undo.clear()


def held_by(server, role="reader"):
    return {(name, collection, db) for of, _, collection, name, db in server.grants if of == role}


def states(form):
    return form.fields["privileges"].keys


@pytest.mark.parametrize("version", EVERY)
def test_tick_and_tick_off(version):
    """What it holds is ticked; the hint says what will change; one button makes one change, with one undo."""
    with bench(version) as server:
        before = held_by(server)
        form = form_for("grant_privilege")()
        assert form.fields["db"].value == "default"
        form.fill(role="reader", collections=["docs"])
        assert {name for name, state in states(form).items() if state == "all"} == {"Insert", "Delete"}
        assert "ManageOwnership" not in states(form)
        assert ("CollectionReadOnly" in states(form)) is (version != OLD)
        form.fields["privileges"].widget.value = {"Search": True, "Query": True, "Insert": False}
        assert "grant Search, Query on collection 'docs' in database 'default' to the role reader" in form.hint.text
        assert "revoke Insert on collection 'docs'" in form.hint.text
        assert form.buttons[form.TITLE].button_style == "danger"
        form.submit()
        assert form.failure is None, form.status.text
        assert {name for name, *_ in held_by(server)} == {"Search", "Query", "Delete"}
        assert not form.fields["privileges"].wishes
        assert {name for name, state in states(form).items() if state == "all"} == {"Search", "Query", "Delete"}
        undo = RestoreGrantsForm()
        undo.fill(role="reader")
        undo.submit()
        assert held_by(server) == before, undo.status.text


@pytest.mark.parametrize("version", EVERY)
def test_values_that_are_given_are_ticked_where_they_can_be(version):
    """What isn't offered there, or would change nothing, is left out; revoking offers only what is held."""
    with bench(version) as server:
        form = form_for("grant_privilege")()
        form.fill(privileges=["Search", "Insert", "Bogus"], collections=["docs"], db="default", role="reader")
        assert form.fields["privileges"].wishes == {"Search": True}
        form = form_for("revoke_privilege")()
        form.fill(role="reader", db="default", collections=["docs"], privileges=["Search", "Insert"])
        assert states(form).keys() == {"Insert", "Delete"}
        assert form.fields["privileges"].wishes == {"Insert": False}
        form.submit()
        assert held_by(server) == {("Delete", "docs", "default")}


def test_several_collections_and_what_is_held_in_part():
    """A privilege on one of two is neither ticked nor not; granting adds what is missing, revoking takes all."""
    with bench(V26) as server:
        form = form_for("grant_privilege")()
        form.fill(role="reader", collections=["docs", "notes"], privileges=["Insert"])
        assert states(form)["Insert"] == "some"
        assert form.fields["privileges"].wishes == {"Insert": True}
        form.submit()
        assert {("Insert", "docs", "default"), ("Insert", "notes", "default")} <= held_by(server)
        form.fields["privileges"].widget.value = {"Delete": False}
        form.submit()
        assert held_by(server) == {("Insert", "docs", "default"), ("Insert", "notes", "default")}


@pytest.mark.parametrize("version", EVERY)
def test_whole_databases_and_the_cluster(version):
    """All collections of all databases: there everything is offered, each on what it is about."""
    with bench(version) as server:
        form = form_for("grant_privilege")()
        form.fill(role="reader", db="*", collections=["*"], privileges=["SelectUser", "Search", "CreateCollection"])
        form.submit()
        assert form.failure is None, form.status.text
        assert {name for name, _, db in held_by(server) if db == "*"} == {"SelectUser", "Search", "CreateCollection"}


def test_a_role_of_ones_own_is_retyped():
    """Where something is taken from it, and only there."""
    with bench(V26) as server:
        server.passwords["bob"] = b"bobs-password"
        server.bindings |= {("bob", "reader"), ("bob", "admin")}
        connections.connect("bobs", "bob", "bobs-password", uri=connections.get().address.url)
        form = form_for("revoke_privilege")("bobs")
        form.fill(role="reader", collections=["docs"], privileges=["Insert"])
        assert form.fields["confirmation"].is_shown
        form.submit()
        assert ("Insert", "docs", "default") in held_by(server)
        form.fields["confirmation"].value = "reader"
        form.submit()
        assert ("Insert", "docs", "default") not in held_by(server)
        form.fields["privileges"].widget.value = {"Delete": False}
        assert form.fields["confirmation"].is_shown
        form.fields["privileges"].widget.value = {}
        assert not form.fields["confirmation"].is_shown


def test_who_may_not_look_is_told_that_it_is_not_known():
    with bench(V26) as server:
        server.passwords["mia"] = b"mias-password"
        server.roles["m"], server.bindings = "", {("mia", "m")}
        server.grants["m", "Global", "*", "ManageOwnership", "*"] = "root"
        connections.connect("mias", "mia", "mias-password", uri=connections.get().address.url)
        form = form_for("revoke_privilege")("mias")
        form.fill(role="reader", collections=["docs"], privileges=["Insert"])
        assert set(states(form).values()) == {"some"}
        form.submit()
        assert held_by(server) == {("Delete", "docs", "default")}, form.status.text


def test_names_that_cannot_be_are_one_clear_line():
    with bench(V26) as server:
        before = held_by(server)
        form = form_for("grant_privilege")()
        form.fill(role="reader", collections=["a b"], privileges=["Search"])
        form.submit()
        assert form.failure is not None
        assert "a b" in form.status.text
        assert held_by(server) == before


def test_a_group_is_made_filled_changed_and_dropped():
    """All in one form; what is not there yet is created, and dropping wants the name retyped."""
    with bench(V26) as server:
        form = form_for("create_privilege_group")()
        form.fill(group="readers", privileges=["Search", "Query", "ClusterAdmin"])
        assert "This will create the privilege group readers and add" in form.hint.text
        form.submit()
        assert form.failure is None, form.status.text
        assert server.groups["readers"] == {"Search", "Query"}
        form = form_for("remove_privileges_from_group")()
        form.fill(group="readers", privileges=["Query", "Insert"])
        assert form.fields["privileges"].wishes == {"Query": False}
        assert form.buttons[form.TITLE].button_style == "danger"
        form.fields["privileges"].widget.value = {"Query": False, "Insert": True}
        form.submit()
        assert server.groups["readers"] == {"Search", "Insert"}, form.status.text
        drop = form_for("drop_privilege_group")()
        drop.fill(group="readers")
        drop.submit()
        assert "readers" in server.groups
        drop.fields["confirmation"].value = "readers"
        drop.submit()
        assert "readers" not in server.groups, drop.status.text


def test_adding_to_a_group_needs_one_and_one_level():
    """A name that is not there is not created by the way, and nothing is changed where levels differ."""
    with bench(V26) as server:
        form = form_for("add_privileges_to_group")()
        form.fill(group="nobodys", privileges=["Search"])
        form.submit()
        assert not server.groups
        server.groups["readers"] = {"Search"}
        form = form_for("add_privileges_to_group")()
        form.fill(group="readers", privileges=["SelectUser"])
        assert "of several" in form.hint.text
        form.submit()
        assert server.groups == {"readers": {"Search"}}


def test_groups_need_a_newer_server():
    with bench(OLD):
        form = form_for("create_privilege_group")()
        assert "2.4.16 or 2.5" in form.status.text


def test_the_console_opens_them_and_reads_again():
    """For a role, for a grant with that ticked off, and for a group; history takes the change back."""
    with bench(V26) as server:
        server.groups["readers"] = {"Query"}
        before = held_by(server)
        console = Console()
        page = console.show_page("Roles")
        page.select("reader")
        page.buttons["grant_privilege"].click()
        assert page.form.fields["role"].value == "reader"
        page = console.show_page("Privileges")
        (key,) = (row["key"] for row in page.table.rows if row["cells"][:2] == ["reader", "Insert"])
        page.table.act("revoke_privilege", key)
        assert page.form.fields["privileges"].wishes == {"Insert": False}
        page.form.submit()
        assert held_by(server) == before - {("Insert", "docs", "default")}
        assert ["reader", "Insert"] not in [row["cells"][:2] for row in page.table.rows], "all was read again"
        page.groups.act("add_privileges_to_group", "readers")
        page.form.fill(privileges=["Search"])
        page.form.submit()
        assert ["readers", ["Query", "Search"]] in [row["cells"] for row in page.groups.rows]
        built_in = next(row for row in page.groups.rows if row["key"] == "ClusterAdmin")
        assert built_in["actions"] == []
        page = console.show_page("History")
        (row,) = (row for row in page.table.rows if row["actions"])
        assert row["cells"][1:3] == ["change grants", "reader"], "one change, one undo"
        page.table.act("undo", row["key"])
        page.form.submit()
        assert held_by(server) == before
        assert not [row for row in page.table.rows if row["actions"]]


def notes(form):
    return {item["key"]: item["note"] for group in form.fields["privileges"].widget.groups for item in group["items"]}


def remark(form):
    return form.fields["privileges"].remarks[0].text


@pytest.mark.parametrize("version", EVERY[1:])
def test_what_the_role_has_by_others_is_noted(version):
    """By a group, or on more than what is chosen; nothing is said where only a part of it is so."""
    with bench(version) as server:
        server.groups["g1"] = {"Search"}
        server.grants["reader", "Global", "docs", "g1", "default"] = "root"
        server.grants["reader", "Collection", "*", "Query", "*"] = "root"
        server.grants["reader", "Global", "*", "CollectionReadOnly", "other"] = "root"
        form = form_for("grant_privilege")()
        form.fill(role="reader", collections=["docs"])
        said = notes(form)
        assert said["Search"] == "has it by g1"
        assert said["Query"] == "has it in all databases"
        assert {name for name, note in said.items() if note} == {"Search", "Query"}
        form.fill(collections=["docs", "notes"])
        assert not notes(form)["Search"]


def test_after_a_failure_it_shows_what_is_so_now():
    """Of a change that is half made, only the other half is still wished; pressing again goes on there."""
    with bench(V26) as server:
        form = form_for("grant_privilege")()
        form.fill(role="reader", collections=["docs"])
        form.fields["privileges"].widget.value = {"Search": True, "Query": True, "Insert": False}
        operate = server.operate

        def refuse(grant, *others):
            if grant[3] == "Query":
                raise contract.Denied(grpc.StatusCode.PERMISSION_DENIED, "PrivilegeManageOwnership: permission deny")
            return operate(grant, *others)

        server.operate = refuse
        form.submit()
        assert form.failure is not None
        assert form.fields["privileges"].wishes == {"Query": True}
        assert states(form)["Search"] == "all"
        assert states(form)["Insert"] == "none"
        server.operate = operate
        form.submit()
        assert form.failure is None, form.status.text
        assert {name for name, *_ in held_by(server)} == {"Search", "Query", "Delete"}


def test_a_change_by_others_is_seen_after_the_failure():
    with bench(V26) as server:
        form = form_for("grant_privilege")()
        form.fill(role="reader", collections=["docs"])
        form.fields["privileges"].widget.value = {"Insert": False, "Search": True}
        del server.grants["reader", "Collection", "docs", "Insert", "default"]
        form.submit()
        assert form.failure is not None
        form.submit()
        assert form.failure is None, form.status.text
        assert {name for name, *_ in held_by(server)} == {"Search", "Delete"}


@pytest.mark.parametrize("place", ["role", "db", "collections", "group"])
def test_what_was_ticked_for_one_place_is_not_for_another(place):
    """What somebody ticked goes when they choose another role, database, collections or group; so does the colour."""
    with bench(V26) as server:
        server.roles["writer"] = ""
        server.collections["other"] = ["docs"]
        server.groups.update(g1={"Search"}, g2={"Search"})
        server.grants.update({("writer", *grant[1:]): "root" for grant in server.grants})
        is_group = place == "group"
        form = form_for("remove_privileges_from_group" if is_group else "grant_privilege")()
        form.fill(**({"group": "g1"} if is_group else {"role": "reader", "collections": ["docs"]}))
        taken = "Search" if is_group else "Insert"
        form.fields["privileges"].widget.value = {"Query": True, taken: False}
        assert form.buttons[form.TITLE].button_style == "danger"
        other = {"role": "writer", "db": {"other": True}, "collections": {"notes": True}, "group": "g2"}[place]
        form.fields[place].widget.value = other
        assert not form.fields["privileges"].wishes
        assert form.buttons[form.TITLE].button_style == "primary"


def test_values_that_cannot_be_ticked_are_told():
    """A slip, what is so already, what isn't so, and what nobody can tell yet: below the boxes, until one is ticked."""
    with bench(V26) as server:
        server.groups["g1"] = {"Insert"}
        form = form_for("grant_privilege")()
        form.fill(role="reader", collection="docs", privilege="Serch")
        assert "no privilege 'Serch' (did you mean 'Search'?)" in remark(form)
        form.fields["privileges"].widget.value = {"Search": True}
        assert not remark(form)
        form.fill(privilege="Insert")
        assert "the role has 'Insert' there already" in remark(form)
        form.fill(privilege="SelectUser")
        assert "'SelectUser' is nothing that can be ticked here" in remark(form)
        form = form_for("grant_privilege")()
        form.fill(role="reader", privilege="Search")
        assert "'Search' can be ticked once" in remark(form)
        form = form_for("revoke_privilege")()
        form.fill(role="reader", collection="docs", privilege="ReadOnly")
        assert "the role doesn't have 'ReadOnly' there" in remark(form)
        form.fill(privilege="Instert")
        assert "the role doesn't have 'Instert' there (did you mean 'Insert'?)" in remark(form)
        form = form_for("add_privileges_to_group")()
        form.fill(group="g1", privileges=["Search", "Insert", "Bogus"])
        assert form.fields["privileges"].wishes == {"Search": True}
        assert "'Insert' is in it already" in remark(form)
        assert "no privilege 'Bogus'" in remark(form)


@pytest.mark.parametrize("action", ["create", "drop"])
def test_a_server_without_groups_is_told_once(action):
    """Nothing can be typed there, and no name is asked for."""
    with bench(OLD):
        form = form_for(f"{action}_privilege_group")()
        assert "has no privilege groups: they need" in form.status.text
        assert "2.4.16 or 2.5" in form.status.text
        assert form.fields["group"].widget.disabled
        form.fill(group="g1")
        assert not form.is_ready


def test_a_form_that_undid_something_wants_a_name_again():
    with bench(V26):
        form = form_for("grant_privilege")()
        form.fill(role="reader", collections=["docs"], privileges=["Search"])
        form.submit()
        undo = RestoreGrantsForm()
        assert not undo.is_ready
        undo.fill(role="reader")
        assert undo.is_ready
        undo.submit()
        assert undo.failure is None
        assert not undo.is_ready


def test_no_role_that_there_is_no_hint():
    """It was about a role with an empty name."""
    with bench(V26):
        form = form_for("grant_privilege")()
        form.fill(role="nobody", collections=["docs"], privileges=["Search"])
        form.submit()
        assert "name is empty" not in form.hint.text + form.status.text


def test_a_group_that_was_made_and_not_filled_is_filled_by_pressing_again():
    with bench(V26) as server:
        form = form_for("create_privilege_group")()
        form.fill(group="g1", privileges=["Search"])
        check, server.check_alteration = server.check_alteration, refuse_all
        form.submit()
        assert server.groups == {"g1": set()}
        assert form.failure is not None
        server.check_alteration = check
        form.submit()
        assert form.failure is None, form.status.text
        assert server.groups == {"g1": {"Search"}}


def refuse_all(*_):
    raise contract.Denied(grpc.StatusCode.PERMISSION_DENIED, "PrivilegeOperatePrivilegeGroup: permission deny")
