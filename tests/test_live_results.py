"""Long results are shown as widgets, too, in a notebook that somebody sits at; their HTML stays beside them."""

import json
import logging
import re
from datetime import datetime, timezone
from types import SimpleNamespace

import contract
import ipywidgets
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from milvus_magics import Secret, connections, utility
from milvus_magics.client.results.changes import Changes
from milvus_magics.client.results.table import Table
from milvus_magics.client.results.users import User, Users
from milvus_magics.display.tables import cell_text
from milvus_magics.forms.live_results import MAX_LIVE_RESULTS, MAX_LIVE_ROWS, make_table
from milvus_magics.forms.panel import VIEW, inside
from milvus_magics.forms.picture_widget import AccessPicture
from milvus_magics.forms.table_widget import TableWidget
from milvus_magics.session.generated_passwords import GeneratedPassword, PasswordList
from milvus_magics.transport.events import Change

PASSWORD = "Zq7-in-no-state-Kx3"


class NotebookShell(InteractiveShell):
    """A shell that knows of the request that it answers, as a kernel's does."""

    def __init__(self, **options):
        super().__init__(**options)
        self.request = {"content": {"allow_stdin": True}}

    def get_parent(self):
        return self.request


@pytest.fixture
def make_shell():
    """Make a shell with the extension; what it shows beside results is in its `display_pub.outputs`."""
    made = []

    def make(kind=NotebookShell, **settings):
        config = Config({"HistoryManager": {"enabled": False}, "MilvusMagics": {"quiet": True, **settings}})
        shell = kind(config=config)
        shell.display_formatter.active_types = ["text/plain", "text/html"]
        shell.display_pub = CapturingDisplayPublisher()
        shell.run_line_magic("load_ext", "milvus_magics")
        made.append(shell)
        return shell

    yield make
    for shell in made:
        shell.run_line_magic("unload_ext", "milvus_magics")


def make_users(count):
    return Users([User(f"user_{number}", ("reader",)) for number in range(count)], f"{count} users")


def show(shell, result):
    """The HTML of a result, and the widgets that were shown above it."""
    before = len(shell.display_pub.outputs)
    html = shell.display_formatter.format(result)[0]["text/html"]
    return html, [output["data"] for output in shell.display_pub.outputs[before:]]


def test_a_widget_stands_above_the_html_that_it_hides(make_shell):
    """In outputs of their own: the saved one has all of the HTML and no word of the widget."""
    users = make_users(11)
    html, shown = show(make_shell(), users)
    assert [sorted(each) for each in shown] == [[VIEW, "text/plain"]]
    assert shown[0]["text/plain"] == ""
    token = re.fullmatch(
        r'<div class="mm-static" data-mm-static="(\w+)">(.*)</div>', html.replace(users._repr_html_(), "HTML")
    )
    assert token[2] == "HTML"
    state = ipywidgets.Widget.get_manager_state()["state"]
    top = state[shown[0][VIEW]["model_id"]]["state"]
    styles = [each["state"]["value"] for each in state.values() if "<style>.mm-live" in each["state"].get("value", "")]
    assert f"mm-live-{token[1]}" in top["_dom_classes"]
    assert any(token[1] in style for style in styles)


ASKED = {"content": {"allow_stdin": True}}
NOBODY = {"content": {"allow_stdin": False}}


@pytest.mark.parametrize(
    ("rows", "request_", "settings"),
    [
        (10, ASKED, {}),
        (MAX_LIVE_ROWS + 1, ASKED, {}),
        (11, NOBODY, {}),
        (11, {}, {}),
        (11, None, {}),
        (11, ASKED, {"live_tables": False}),
    ],
)
def test_elsewhere_the_html_is_as_ever(make_shell, rows, request_, settings):
    """Few rows, very many, a program that runs the notebook, no request, or where nobody wants them."""
    shell, users = make_shell(**settings), make_users(rows)
    shell.request = request_
    assert show(shell, users) == (users._repr_html_(), [])


def test_a_terminal_has_no_widgets(make_shell):
    """Its shell answers no requests."""
    users = make_users(11)
    assert show(make_shell(InteractiveShell), users) == (users._repr_html_(), [])


class Odd(Table):
    """A result that no widget can be made of."""

    columns = ("name",)

    def shown_rows(self):
        return [{}] * 11

    def _repr_html_(self):
        return "<p>odd</p>"


def test_whatever_goes_wrong_the_html_is_there(make_shell, caplog):
    """And the log says why to those who look for it."""
    with caplog.at_level(logging.DEBUG, "milvus_magics"):
        assert show(make_shell(), Odd([])) == ("<p>odd</p>", [])
    assert "not shown as a widget" in caplog.text


def test_older_widgets_are_closed_and_all_of_them_with_the_extension(make_shell):
    """Only the newest keep memory; the HTML of the others is seen again."""
    before = set(ipywidgets.Widget.get_manager_state()["state"])
    shell = make_shell()
    made = [show(shell, make_users(11))[1][0][VIEW]["model_id"] for _ in range(MAX_LIVE_RESULTS + 2)]
    open_ones = set(ipywidgets.Widget.get_manager_state()["state"]) - before
    assert [each for each in made if each in open_ones] == made[2:]
    shell.run_line_magic("unload_ext", "milvus_magics")
    assert set(ipywidgets.Widget.get_manager_state()["state"]) <= before
    users = make_users(11)
    assert show(shell, users) == (users._repr_html_(), [])
    shell.run_line_magic("load_ext", "milvus_magics")
    assert len(show(shell, users)[1]) == 1


def test_a_magic_and_a_plain_value_show_alike(make_shell):
    """Also the documented functions, and a value of an earlier cell."""
    with contract.serve("2.6.18") as (server, address):
        server.passwords |= {f"user_{number}": b"a-password" for number in range(20)}
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        shell = make_shell()
        for result in (shell.run_line_magic("milvus_list_users", ""), utility.list_users(True)):
            assert len(show(shell, result)[1]) == 1
        answer = shell.run_line_magic("milvus_access", "--privilege Search")
        assert len(show(shell, answer)[1]) == (len(answer.shown_rows()) > 10)


def table_of(result):
    return next(each for each in inside(make_table(result)) if isinstance(each, TableWidget))


def test_no_password_gets_into_the_state(make_shell):
    """Results are masked there, too: passwords that were made up, and a list of them."""
    with contract.serve("2.6.18") as (_, address):
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        shell = make_shell()
        shell.user_ns["names"] = [f"new_{number}" for number in range(12)]
        made = shell.run_line_magic("milvus_create_users", "names")
        passwords = [secret.reveal() for secret in made.passwords.values()]
        listed = shell.run_line_magic("milvus_passwords", "")
        own = PasswordList([GeneratedPassword("ann", "a server", Secret(PASSWORD))] * 11)
        for result in (made, listed, own):
            assert len(show(shell, result)[1]) == 1
        state = json.dumps(ipywidgets.Widget.get_manager_state()["state"])
    assert "new_11" in state
    assert len(passwords) == 12
    assert not [each for each in [*passwords, PASSWORD] if each in state], "no password in the state of widgets"


def test_numbers_stay_numbers_where_they_are_fractions():
    """They are sorted by their value; whole ones are text, as codes have no commas."""
    at = datetime(2026, 1, 2, tzinfo=timezone.utc)
    changes = [Change(at, "server", "root", "create_user", f"u{n}", "refused", 1100, n / 8) for n in range(11)]
    table = table_of(Changes(changes))
    kinds = {column["name"]: column["kind"] for column in table.columns}
    assert (kinds["seconds"], kinds["code"], kinds["when"]) == ("number", "text", "text")
    assert [row["cells"][7] for row in table.rows] == [n / 8 for n in range(11)]
    assert table.rows[0]["cells"][6] == "1100"


TEXTS = st.text(min_size=1, max_size=20)
CELLS = st.none() | st.just("") | TEXTS | st.integers() | st.booleans() | st.lists(TEXTS, max_size=3)
MORE_THAN_CHIPS = [f"role_{number}" for number in range(40)]


@given(cells=st.lists(CELLS, max_size=3).map(lambda cells: [*cells, *range(11)]))
@example(cells=[MORE_THAN_CHIPS, *range(11)])
@example(cells=["x" * 5_000, *range(11)])
def test_cells_say_what_the_html_says(cells):
    """Whatever a server calls its things: nothing is left out, and nothing stands in it that the HTML doesn't show."""
    result = Users([SimpleNamespace(name=cell, roles=(), description="") for cell in cells])
    widget = make_table(result)
    table = next(each for each in inside(widget) if isinstance(each, TableWidget))
    shown = [row["cells"][0] for row in table.rows]
    assert len({row["key"] for row in table.rows}) == len(cells)
    texts = [", ".join(each) if isinstance(each, list) else each for each in shown]
    assert texts == [cell_text(each) for each in cells]
    widget.close()


def test_pictures_are_live_as_well(make_shell):
    """The picture of access by itself, and with the findings in an overview; an answer of few rows is a plain table."""
    with contract.serving(contract.ContractServer("2.6.18")) as (server, address):
        server.passwords["ann"] = b"a-password"
        shell = make_shell()
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        access = shell.run_line_magic("milvus_access", "")
        for result in (access, access.matrix(columns="collections")):
            html, shown = show(shell, result)
            assert 'class="mm-static"' in html
            box = ipywidgets.Widget.get_manager_state()["state"]
            top = ipywidgets.widgets.widget._instances[shown[0][VIEW]["model_id"]]
            picture = next(each for each in inside(top) if isinstance(each, AccessPicture))
            assert {"ann", "root"} <= {row["name"] for row in picture.rows}
            assert top.model_id in box
        answer = shell.run_line_magic("milvus_access", "--user ann")
        assert show(shell, answer) == (answer._repr_html_(), [])
