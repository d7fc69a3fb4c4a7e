"""Names and descriptions that want to be more than text, served by the contract server: everywhere they are text."""

import csv
import json
import logging
import re

import ipywidgets
import mistune
import nbformat
import pytest
from contract import AnyNames, serving
from nbconvert import MarkdownExporter

from milvus_magics import (
    Console,
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
)
from milvus_magics.access.question import read_access
from milvus_magics.bulk.plan import DELETE, make_plan
from milvus_magics.bulk.rows import rows_of
from milvus_magics.bulk.run import create_users, delete_users, drop_users
from milvus_magics.client import privileges, roles, users
from milvus_magics.errors import MilvusException
from milvus_magics.session import session
from milvus_magics.wording import printable, visible_text

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>**[x](http://evil.example)**`c`|a|b|\n\n# h\x1b[31mred"
    "\u202egnp\u200f"
)
ABLE_TO_LOG_IN = HOSTILE.replace("http:", "")  # a colon ends the name in a login
UNKNOWN = f"un{HOSTILE}"  # looks like the other one, so that it is named as what was meant
CONTROLS = {"\x1b", "\u202e", "\u200f"}
PASSWORD = "a-password"


@pytest.fixture
def contract():
    """A server on which everything has the hostile name: each user, role ... of that name is granted or held."""
    with serving(AnyNames("2.6.4")) as (contract, address):
        fill(contract)
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        session.journal.clear()
        yield contract
        connections.close_all()
        session.journal.clear()


@pytest.fixture
def conn(contract):
    return connections.get()


def fill(contract):
    contract.passwords |= dict.fromkeys((HOSTILE, ABLE_TO_LOG_IN, f"no roles {HOSTILE}"), PASSWORD.encode())
    contract.roles |= {HOSTILE: HOSTILE, f"of {HOSTILE}": HOSTILE}
    contract.bindings |= {(HOSTILE, HOSTILE), (HOSTILE, f"of {HOSTILE}"), (ABLE_TO_LOG_IN, HOSTILE)}
    contract.descriptions[HOSTILE] = HOSTILE
    contract.groups[HOSTILE] = {HOSTILE, "Insert"}
    contract.collections["default"].append(HOSTILE)
    contract.collections[HOSTILE] = [HOSTILE]
    for kind, where, privilege, db in (
        ("Collection", HOSTILE, "Search", "default"),
        ("Global", "*", "CreateRole", HOSTILE),
        ("Collection", HOSTILE, HOSTILE, "default"),
        ("Global", HOSTILE, HOSTILE, HOSTILE),
        (HOSTILE, f"gone {HOSTILE}", f"{HOSTILE} too", "default"),
    ):
        contract.grants[(HOSTILE, kind, where, privilege, db)] = "root"


class Seen:
    """What was shown: as text, as HTML, and as what a notebook exported as Markdown becomes."""

    def __init__(self):
        self.text, self.html, self.rendered = [], [], []

    def result(self, result):
        """A result, as a terminal and a notebook show it."""
        self.text += [repr(result), str(result)]
        if hasattr(result, "_repr_html_"):
            self.html.append(result._repr_html_())
            self.rendered.append(as_markdown_page(result))

    def error(self, function, *args, **options):
        """What an error says, and the server's words that come with it."""
        with pytest.raises(MilvusException) as caught:
            function(*args, **options)
        self.text += [str(caught.value), repr(caught.value)]

    def widgets(self):
        """All that the front end has now."""
        for widget in ipywidgets.Widget.get_manager_state()["state"].values():
            for key, value in widget["state"].items():
                if (widget["model_name"], key) == ("TextModel", "value"):
                    continue  # what somebody typed or pasted themselves
                if (widget["model_name"], key) == ("AnyModel", "selected"):
                    continue  # keys: the page compares them, and never shows them
                self.text += [value] if isinstance(value, str) else [str(one) for one in value] if many(value) else []
            if widget["model_name"] == "HTMLModel":
                self.html.append(widget["state"].get("value", ""))

    def is_text(self):
        """No tag and no Markdown of the names works, and control characters are shown as what they are."""
        for text in (*self.text, *self.html):
            assert not CONTROLS & set(text), text
        assert any("\\x1b[31mred\\u202egnp" in text for text in self.text)
        assert any("&lt;script&gt;" in text for text in self.html)
        for text in (*self.html, *self.rendered):
            assert not re.search("<(script|img|a href)", text), text
        for text in self.rendered:
            assert not re.search("<(a|strong|h1|code|em) ?", text.split("<pre>")[0]), "no Markdown in a name"


def many(value):
    return isinstance(value, (list, tuple))


def as_markdown_page(result):
    """What a result becomes in a notebook that is exported as Markdown and shown by whoever renders that."""
    data = {"text/html": result._repr_html_(), "text/plain": repr(result)}
    output = nbformat.v4.new_output("execute_result", data, execution_count=1)
    cell = nbformat.v4.new_code_cell("1", execution_count=1, outputs=[output])
    text, _ = MarkdownExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    return mistune.create_markdown(escape=False, plugins=["table", "url"])(text)


def test_what_is_looked_at(conn):
    """Tables, pictures, what is strange, and each single thing in words."""
    seen = Seen()
    everything = read_access(conn)
    for result in (
        everything,
        read_access(conn, user=HOSTILE),
        read_access(conn, privilege=HOSTILE),
        read_access(conn, db=HOSTILE),
        users.list_users(conn),
        roles.list_roles(conn),
        roles.list_role(conn, HOSTILE),
        read_access(conn, role=HOSTILE),
        read_access(conn, privilege="Search", collection=HOSTILE),
        everything.findings,
        *(everything.matrix(rows, columns) for rows in ("users", "roles") for columns in ("levels", "collections")),
    ):
        seen.result(result)
    seen.text += [str(one) for rows in (everything, everything.snapshot.grants) for one in rows]
    seen.text += [finding.text for finding in everything.findings]
    seen.result(users.list_user(conn, HOSTILE))
    for asked in ("user", "role", "privilege", "collection", "db"):
        seen.error(read_access, conn, **{asked: UNKNOWN})
    seen.is_text()


def test_changes_and_their_history(conn, tmp_path, caplog):
    """What changes say, done or refused, the audit, its logger, and the console's page; exports have the names."""
    seen = Seen()
    caplog.set_level(logging.INFO, "milvus_magics.audit")
    for result in (
        roles.grant_role(conn, f"no roles {HOSTILE}", HOSTILE),
        roles.revoke_role(conn, f"no roles {HOSTILE}", HOSTILE),
        privileges.grant_privilege(conn, HOSTILE, "Query", collection="docs"),
        users.preview_drop_user(conn, HOSTILE),
        roles.preview_drop_role(conn, HOSTILE),
        users.drop_user(conn, f"no roles {HOSTILE}"),
    ):
        seen.result(result)
    for function, *args in (
        (users.create_user, HOSTILE, PASSWORD),
        (roles.create_role, HOSTILE),
        (roles.create_role, f"r{HOSTILE}"),
        (roles.grant_role, UNKNOWN, HOSTILE),
        (roles.grant_role, HOSTILE, UNKNOWN),
        (roles.drop_role, HOSTILE),
        (users.delete_user, HOSTILE, PASSWORD),
        (users.delete_user, ABLE_TO_LOG_IN, "a-wrong-password"),
        (users.drop_user, UNKNOWN),
        (privileges.grant_privilege, HOSTILE, UNKNOWN),
        (privileges.revoke_privilege, HOSTILE, UNKNOWN),
    ):
        seen.error(function, conn, *args)
    seen.error(privileges.grant_privilege, conn, HOSTILE, "Query", collection=HOSTILE)
    seen.result(roles.drop_role(conn, HOSTILE, force=True))
    seen.result(session.journal.audit())
    seen.text += [str(change) for change in session.journal.entries()]
    seen.text += caplog.messages
    console = Console()
    assert "drop role" in [row["cells"][1] for row in console.show_page("History").table.rows]
    seen.widgets()
    console.close()
    seen.is_text()

    targets = [change.target for change in session.journal.entries()]
    assert targets.count(HOSTILE) >= 3
    session.journal.export(tmp_path / "changes.jsonl")
    session.journal.export(tmp_path / "changes.csv")
    lines = (tmp_path / "changes.jsonl").read_text(encoding="utf-8").split("\n")
    assert [json.loads(line)["target"] for line in lines if line] == targets
    with open(tmp_path / "changes.csv", newline="", encoding="utf-8") as stream:
        assert [row["target"] for row in csv.DictReader(stream)] == [visible_text(target) for target in targets]


def test_console(conn):
    """Lists, details, a form on each page; the questions and answers; a question about what isn't there."""
    seen = Seen()
    console = Console()
    for title in console.pages:
        page = console.show_page(title)
        if title in ("Users", "Roles"):
            page.select(HOSTILE)
            page.show_form("grant_role")
            assert page.form.fields[page.KIND].value == HOSTILE, "what is shown differently is still meant"
        seen.widgets()
    questions = console.show_page("Access")
    for field in questions.fields.values():
        for name, said in ((HOSTILE, "alert(1)"), (printable(UNKNOWN), "there is no")):
            field.value = name
            assert said in questions.answer.value
            seen.widgets()
        field.clear()
    questions.picture.column_filter = "script"
    seen.widgets()
    seen.text.append(console._repr_mimebundle_()["text/plain"])
    console.close()
    seen.is_text()


FORMS = (
    CreateRoleForm, CreateUserForm, DeleteUserForm, DropRoleForm, DropUserForm, GrantRoleForm, ResetPasswordForm,
    RevokeRoleForm, UpdatePasswordForm,
)  # fmt: skip


@pytest.mark.parametrize("form_class", FORMS)
def test_forms(conn, form_class):
    """What they offer, the hint about names that are there or not, what comes of pressing, and the error line."""
    seen = Seen()
    form = form_class()
    for name in (HOSTILE, ABLE_TO_LOG_IN, printable(UNKNOWN)):
        form.fill(user=name, role=HOSTILE if name == ABLE_TO_LOG_IN else name)
        if form_class in (CreateRoleForm, CreateUserForm):
            form.fields[form.FIELDS[0].name].value = "9<script>\x1b[31mred\u202egnp"
        seen.widgets()
        press(form, name)
        assert form.status.text or any(line.text for field in form.fields.values() for line in field.remarks)
        seen.widgets()
    form.close()
    seen.is_text()


def press(form, name):
    """Fill what else the form wants, and press its button."""
    for field in form.fields.values():
        if field.is_secret:
            field.value = name if field.name == "confirmation" else PASSWORD
    form.submit()


def test_many_users_at_once(conn):
    """Plans, rows that went well or were refused, and all problems with the rows."""
    seen = Seen()
    rows = [{"user": ABLE_TO_LOG_IN, "password": "a-wrong-password"}, {"user": "<b>gone</b>", "password": PASSWORD}]
    seen.result(make_plan(conn, DELETE, rows_of(rows)))
    refused = delete_users(conn, rows)
    assert refused.counts == {"refused": 1, "missing": 1}
    seen.result(refused)
    seen.error(refused.raise_for_failures)
    for rows in ([{"user": HOSTILE}], [{"user": "ok", "roles": UNKNOWN}], [{"user": "ok", HOSTILE: "1"}]):
        seen.error(create_users, conn, rows)
    seen.error(delete_users, conn, [HOSTILE])
    seen.error(drop_users, conn, [UNKNOWN])  # it looks like a line of a file
    seen.result(drop_users(conn, [f"no roles {HOSTILE}", HOSTILE]))
    seen.is_text()
