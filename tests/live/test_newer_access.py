"""Who can do what on newer servers, whose groups of privileges are taken apart; and names that want to be more."""

import ipywidgets
import pytest
from contract import serve

from milvus_magics import Console, connections
from milvus_magics.client import access
from milvus_magics.session import journal

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>**[x](javascript:y)**\x1b[31mred\u202egnp"


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
    matrix = found.matrix()
    assert ("Own groups", "mine") in [column[:2] for column in matrix.columns]
    assert "(group CollectionReadOnly)" in matrix._repr_html_()


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


def test_root_has_the_default_password(newer):
    """The contract server's root does."""
    concerns = access.access(newer[1]).concerns
    assert "default password" in [concern.concern for concern in concerns]


def test_names_are_text_everywhere(newer):
    """HTML, markdown, ANSI escapes and marks that turn a line around are shown, and do nothing."""
    contract, conn = newer
    give(contract, HOSTILE, ("Collection", HOSTILE, "Search", "default"), ("Global", "*", "CreateRole", HOSTILE))
    contract.roles[HOSTILE] = HOSTILE
    contract.descriptions[HOSTILE] = HOSTILE
    contract.groups[HOSTILE] = {HOSTILE}
    contract.collections["default"].append(HOSTILE)
    contract.collections[HOSTILE] = [HOSTILE]
    shown, html = [], []
    for result in (
        access.access(conn),
        access.access(conn, user=HOSTILE),
        access.access(conn, role=HOSTILE),
        access.access(conn, privilege="Search", collection=HOSTILE),
        access.access(conn).concerns,
        *(
            access.access(conn).matrix(rows, columns)
            for rows in ("users", "roles")
            for columns in ("levels", "collections")
        ),
    ):
        shown.append(repr(result))
        html.append(result._repr_html_())
    console = Console()
    for page in console._pages[:2]:
        page._list.value = HOSTILE
        html.append(page._details.value)
        shown += [label for label, _ in page._list.options]
    for widget in ipywidgets.Widget.get_manager_state()["state"].values():
        if widget["model_name"] == "HTMLModel":
            html.append(widget["state"].get("value", ""))
    shown.append(console._repr_mimebundle_()["text/plain"])
    console.close()
    html.append(journal.audit()._repr_html_())
    for text in (*shown, *html):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert any("&lt;script&gt;" in text for text in html)
    for text in html:
        assert "<script" not in text
        assert "<img" not in text
