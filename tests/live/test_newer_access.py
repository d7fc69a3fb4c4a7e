"""Who can do what on newer servers, whose groups of privileges are taken apart; and names that want to be more."""

import re
import threading

import ipywidgets
import mistune
import nbformat
import pytest
from contract import ContractServer, Denied, serve, serving
from nbconvert import MarkdownExporter

from milvus_magics import Console, GrantRoleForm, connections
from milvus_magics.client import access, matrix, roles, users
from milvus_magics.client.address import Address
from milvus_magics.client.connection import Connection
from milvus_magics.session import journal

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>**[x](http://evil.example)**`c`|a|b|\n\n# h\x1b[31mred"
    "\u202egnp\u200f"
)


@pytest.fixture
def newer():
    with serve("2.6.4") as (contract, address):
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        yield contract, connections.get()
        connections.close_all()


def give(contract, user, *grants):
    """A user with a role of their own; a grant is (object type, name, privilege, database)."""
    contract.passwords[user] = b"a-password"
    contract.roles[f"of {user}"] = ""
    contract.bindings.add((user, f"of {user}"))
    for grant in grants:
        contract.grants[(f"of {user}", *grant)] = "root"


def test_groups_are_taken_apart(newer):
    """A group brings what it holds, the server's own and those that somebody made; the row names it."""
    contract, conn = newer
    contract.groups["mine"] = {"Insert", "Flush"}
    give(contract, "ann", ("Global", "docs", "CollectionReadOnly", "default"), ("Global", "*", "mine", "lab"))
    found = access.access(conn, user="ann")
    held = {(right.privilege, right.object_name, right.db, right.group) for right in found if right.group}
    assert ("Search", "docs", "default", "CollectionReadOnly") in held
    assert ("Flush", "*", "lab", "mine") in held
    assert found.allows("ann", "Search", "docs")
    assert not found.allows("ann", "Search", "docs", "lab")
    assert found.allows("ann", "Insert", "docs", "lab")
    assert not found.allows("ann", "Insert", "docs")
    picture = found.matrix()
    assert ("Own groups", "mine") in [column[:2] for column in picture.columns]
    assert "(group CollectionReadOnly)" in picture._repr_html_()


def test_groups_of_24_and_all_everywhere(newer):
    """The groups of 2.4 stand for those of 2.5; `All` in all databases counts where it isn't taken literally."""
    contract, conn = newer
    give(contract, "ann", ("Collection", "docs", "GroupReadOnly", "default"))
    give(contract, "bob", ("Global", "*", "All", "*"))
    found = access.access(conn)
    assert found.allows("ann", "Query", "docs")
    assert not found.allows("ann", "Insert", "docs")
    assert found.allows("bob", "Insert", "docs", "lab")
    assert "grants without effect" not in [concern.concern for concern in found.concerns]


def test_dropping_by_groups(newer):
    """A group that holds the right to drop, and `*` on everything, reach the collections that are there."""
    contract, conn = newer
    give(contract, "ann", ("Global", "*", "DatabaseAdmin", "default"))
    give(contract, "bob", ("Global", "*", "*", "default"))
    give(contract, "cat", ("Global", "*", "DatabaseReadWrite", "default"))
    found = access.access(conn, collection="docs")
    assert {"ann", "bob"} <= {right.user for right in found if right.role != "public"}
    assert "cat" not in {right.user for right in found if right.role != "public"}
    drops = {row.name: row.cells[0].level & matrix.DROPS for row in found.matrix("users", "collections").rows}
    assert drops == {"(everybody)": 0, "ann": matrix.DROPS, "bob": matrix.DROPS, "cat": 0, "root": matrix.DROPS}
    picture = found.matrix("users", "collections")
    assert {row.name: row.why for row in picture.rows}["ann"] == ("role 'of ann': drops each",)
    assert "D</b> drops or renames it" in picture._repr_html_()


def test_aliases_may_count(newer):
    """Where a server may look up which collection an alias means, either counts, and grants on aliases are told."""
    contract, conn = newer
    contract.aliases["default", "latest"] = "docs"
    give(contract, "ann", ("Collection", "docs", "Search", "default"))
    give(contract, "bob", ("Global", "latest", "CollectionReadOnly", "default"))
    found = access.access(conn)
    assert (found.allows("ann", "Search", "latest"), found.allows("bob", "Search", "latest")) == (False, True)
    contract.version = "2.6.12"
    found = access.access(conn)
    assert (found.allows("ann", "Search", "latest"), found.allows("bob", "Search", "docs")) == (True, False)
    concerns = {concern.concern: concern for concern in found.concerns}
    assert "CollectionReadOnly on 'latest'" in concerns["grants on aliases"].text
    assert "grants on nothing" not in concerns


def test_who_holds_a_group(newer):
    """Who was granted a group, or one that brings all of it, is an answer to who may do what it brings."""
    contract, conn = newer
    contract.groups["mine"] = {"Query", "Search"}
    give(contract, "ann", ("Global", "*", "mine", "lab"))
    give(contract, "bob", ("Global", "docs", "CollectionReadOnly", "default"))
    give(contract, "cat", ("Collection", "docs", "Search", "default"))
    give(contract, "dan", ("Global", "*", "*", "default"))
    held = access.access(conn, privilege="mine")
    assert {right.user for right in held} == {"ann", "bob", "root"}
    assert {right.user for right in access.access(conn, privilege="mine", collection="docs")} == {"bob", "root"}
    assert {right.user for right in access.access(conn, privilege="CollectionReadOnly")} == {"bob", "root"}
    assert held.allows("ann", "mine", db="lab")
    assert not held.allows("ann", "CollectionReadOnly", db="lab")


def test_groups_on_nothing(newer):
    """A group is granted on a collection without that type; that it isn't there is told all the same."""
    contract, conn = newer
    give(contract, "ann", ("Global", "gone", "CollectionReadOnly", "default"))
    (concern,) = [concern for concern in access.access(conn).concerns if concern.concern == "grants on nothing"]
    assert "CollectionReadOnly on 'gone' in database 'default' by role 'of ann'" in concern.text


def test_who_may_not_look_sees_granted_collections():
    """The columns are then the collections that grants name, also where a group was granted."""
    contract = ContractServer("2.6.4")
    give(contract, "ann", ("Global", "docs", "CollectionReadOnly", "default"))
    with serving(contract) as (_, address):
        conn = Connection(Address.of(address, user="ann", password="a-password"))
        picture = access.access(conn, timeout=10).matrix("users", "collections")
        conn.close()
    assert [column[:2] for column in picture.columns] == [("default", "docs")]
    assert {row.name: row.cells[0].level for row in picture.rows}["ann"] == matrix.SOME


def test_how_near_the_limits_are(newer):
    """The overview says how many users and roles there are of how many, also where the limit was raised."""
    contract, conn = newer
    caption = access.access(conn).caption
    assert caption.startswith("1 user (of 100 unless proxy.maxUserNum is raised), 2 roles (of 10 unless proxy.max")
    contract.passwords |= {f"user{number}": b"a-password" for number in range(100)}
    caption = access.access(conn).caption
    assert caption.startswith("101 users (more than Milvus's default limit of 100, which was raised here), 2 roles")


def test_root_has_the_default_password(newer):
    """The contract server's root does."""
    concerns = access.access(newer[1]).concerns
    assert "default password" in [concern.concern for concern in concerns]


class InFlight(ContractServer):
    """Answers what is asked in the second round trip only once all of it is asked; counts failed logins."""

    TOGETHER = ("ShowCollections", "ListAliases", "SelectGrant")

    def __init__(self, version, **options):
        super().__init__(version, **options)
        self.came = {name: threading.Event() for name in self.TOGETHER}
        self.collections = {"lab": [], "default": ["docs"]}
        self.failed_logins = []

    def login(self, metadata):
        try:
            return super().login(metadata)
        except Denied:
            self.failed_logins += [metadata["authorization"]] if "authorization" in metadata else []
            raise

    def require(self, caller, method, request, db):
        super().require(caller, method, request, db)
        if method in self.came:
            self.came[method].set()
            assert all(event.wait(5) for event in self.came.values()), "not in flight together"


@pytest.mark.parametrize("authorization", [True, False])
def test_reading_takes_two_round_trips(authorization):
    """First who and what there is, then what they hold and whether root's password is the default, all together."""
    with serving(InFlight("2.6.4", authorization=authorization)) as (_, address):
        conn = Connection(Address.of(address, user="root", password="Milvus"))
        found = access.access(conn, timeout=10)
        conn.close()
    assert found.reading.enforced is authorization
    assert found.reading.default_password is (True if authorization else None)
    assert list(found.reading.collections) == ["default", "lab"], "in one order each time"


def test_wrong_guesses_of_the_default_password_are_few():
    """Who isn't root tries the default password once per connection, and root not at all; a hit is looked at again."""
    contract = InFlight("2.6.4")
    give(contract, "ann", ("Global", "*", "All", "*"))
    with serving(contract) as (_, address):
        conn = Connection(Address.of(address, user="ann", password="a-password"))
        assert access.access(conn, timeout=10).reading.default_password
        contract.passwords["root"] = b"another one"
        contract.failed_logins.clear()
        assert access.access(conn, timeout=10).reading.default_password is False
        assert len(contract.failed_logins) == 3
        access.access(conn, timeout=10)
        assert len(contract.failed_logins) == 3, "no more guesses: they are failed logins"
        conn.close()
        conn = Connection(Address.of(address, user="root", password="another one"))
        assert access.access(conn, timeout=10).reading.default_password is False
        assert len(contract.failed_logins) == 3
        conn.close()


def test_names_are_text_everywhere(newer):
    """HTML, Markdown, ANSI escapes and marks that turn a line around are shown, and do nothing."""
    contract, conn = newer
    fill_with(contract, HOSTILE)
    shown, html, rendered = [], [], []
    everything = access.access(conn)
    for result in (
        everything,
        access.access(conn, user=HOSTILE),
        access.access(conn, privilege=HOSTILE),
        access.access(conn, db=HOSTILE),
        users.list_users(conn),
        roles.list_roles(conn),
        roles.list_role(conn, HOSTILE),
        access.access(conn, role=HOSTILE),
        access.access(conn, privilege="Search", collection=HOSTILE),
        everything.concerns,
        *(everything.matrix(rows, columns) for rows in ("users", "roles") for columns in ("levels", "collections")),
    ):
        shown.append(repr(result))
        html.append(result._repr_html_())
        rendered.append(as_markdown_page(result))
    shown += [str(one) for rows in (everything, everything.reading.grants) for one in rows]
    shown += [concern.text for concern in everything.concerns]
    shown += [str(users.list_user(conn, HOSTILE)), str(roles.list_role(conn, HOSTILE))]
    console = Console()
    for number, page in enumerate(console._pages):
        console._tabs.selected_index = number
        if number < 2:
            page._list.value = HOSTILE
            page._open(GrantRoleForm)
            assert page._form._chosen(page.KIND) == HOSTILE, "what is shown differently is still meant"
    for widget in ipywidgets.Widget.get_manager_state()["state"].values():
        for value in widget["state"].values():
            shown += [value] if isinstance(value, str) else [str(one) for one in value] if is_many(value) else []
        if widget["model_name"] == "HTMLModel":
            html.append(widget["state"].get("value", ""))
    shown.append(console._repr_mimebundle_()["text/plain"])
    console.close()
    html.append(journal.audit()._repr_html_())
    for text in (*shown, *html):
        assert not {"\x1b", "\u202e", "\u200f"} & set(text), text
    assert any("&lt;script&gt;" in text for text in html)
    for text in (*html, *rendered):
        assert "<script" not in text
        assert "<img" not in text
    for text in rendered:
        assert not re.search("<(a|strong|h1|code|em) ?", text.split("<pre>")[0]), "no Markdown in a name"


def fill_with(contract, name):
    """A user, role, description, collection, database, privilege and group of that name, each granted or held."""
    give(contract, name, ("Collection", name, "Search", "default"), ("Global", "*", "CreateRole", name))
    contract.roles[name] = name
    contract.bindings.add((name, name))
    contract.descriptions[name] = name
    contract.groups[name] = {name, "Insert"}
    contract.passwords[f"no roles {name}"] = b"a-password"
    contract.collections["default"].append(name)
    contract.collections[name] = [name]
    for kind, where, privilege, db in (
        ("Collection", name, name, "default"),
        ("Global", name, name, name),
        (name, f"gone {name}", f"{name} too", "default"),
    ):
        contract.grants[(name, kind, where, privilege, db)] = "root"


def as_markdown_page(result):
    """What a result becomes in a notebook that is exported as Markdown and shown by whoever renders that."""
    data = {"text/html": result._repr_html_(), "text/plain": repr(result)}
    output = nbformat.v4.new_output("execute_result", data, execution_count=1)
    cell = nbformat.v4.new_code_cell("1", execution_count=1, outputs=[output])
    text, _ = MarkdownExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    return mistune.create_markdown(escape=False, plugins=["table", "url"])(text)


def is_many(value):
    return isinstance(value, (list, tuple))
