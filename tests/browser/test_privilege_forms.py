"""The forms for privileges in real front ends: by mouse from the console to its history, and by keyboard alone.

The server is the contract server. Leaves pictures in build/screenshots, to be looked at.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe
from contract import ContractServer, serving
from lab import PICTURES, TREES, Console, Notebook, browser_page, jupyter_lab
from test_looks import CUT

CONNECT = """import os
%load_ext milvus_magics
%milvus_connect {os.environ['TEST_URI']} --user root --password-env TEST_PASSWORD"""


@pytest.fixture
def milvus():
    """A role that may insert into docs."""
    with serving(ContractServer("2.6.18")) as (contract, address):
        contract.roles["reader"] = ""
        contract.collections["default"] = ["docs", "notes"]
        contract.grants["reader", "Collection", "docs", "Insert", "default"] = "root"
        contract.variables = {"TEST_URI": f"http://{address}", "TEST_PASSWORD": "Milvus"}
        yield contract


def held_by_reader(contract):
    return {(grant[3], grant[2]) for grant in contract.grants if grant[0] == "reader"}


def find_faults(page):
    """What axe-core calls serious or critical within panels."""
    found = Axe().run(page, context=".mm-panel").response["violations"]
    return [
        (fault["id"], [node["html"][:160] for node in fault["nodes"]][:3])
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]


def test_by_mouse_from_the_console_to_its_history(milvus, tmp_path):
    """Choose a role, tick and tick off, apply, undo: each a click; nothing is cut, and axe-core finds no fault."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with jupyter_lab(tmp_path, **milvus.variables) as url, browser_page() as page:
        notebook = Notebook(page, url, tmp_path, "privileges.ipynb", CONNECT, "%milvus_console")
        page.keyboard.press("Control+b")
        notebook.run(0)
        console = Console(notebook, 1)
        page.set_viewport_size({"width": 1400, "height": 1600})
        before = held_by_reader(milvus)
        console.open("Roles")
        console.choose("Roles", "reader")
        console.press("Change privileges of reader…")
        cell = console.cell
        cell.get_by_role("group", name="Collections").get_by_role("checkbox", name="docs").check()
        for name in ("Search search by vector", "Query read by filter or key"):
            cell.get_by_role("checkbox", name=name).check()
        cell.get_by_role("checkbox", name="Insert add rows has it").uncheck()
        cell.get_by_text("revoke Insert on collection 'docs'").wait_for()
        assert cell.get_by_role("checkbox", name="Insert add rows will be taken").count() == 1
        assert not find_faults(page)
        for width in (1400, 900, 500):
            page.set_viewport_size({"width": width, "height": 2400})
            page.wait_for_timeout(400)
            assert not cell.evaluate(CUT), f"nothing is cut at {width}"
            cell.screenshot(path=PICTURES / f"privileges-{width}.png")
        page.set_viewport_size({"width": 1400, "height": 1600})
        cell.get_by_role("button", name="Change privileges of reader", exact=True).click()
        cell.get_by_text("granted Search, Query on collection 'docs'").first.wait_for()
        assert held_by_reader(milvus) == {("Search", "docs"), ("Query", "docs")}
        console.open("History")
        console.grid("Changes").get_by_role("button", name="Undo").first.click()
        cell.get_by_role("button", name="Restore grants of reader", exact=True).click()
        cell.get_by_text("restored: granted Insert").first.wait_for()
        assert held_by_reader(milvus) == before


def test_by_keyboard_alone_in_a_dark_notebook(milvus, tmp_path):
    """Tab leads from list to list, arrows within one, Space ticks; the notebook hears none of it."""
    with jupyter_lab(tmp_path, dark=True, program="notebook", **milvus.variables) as url, browser_page() as page:
        line = "%milvus_grant_privilege reader --collection docs --form"
        notebook = Notebook(page, url, tmp_path, "keys.ipynb", CONNECT, line, "1 + 1", tree=TREES["notebook"])
        notebook.run(0)
        notebook.run(1)
        cell = notebook.cell(1)
        cell.get_by_role("combobox", name="Role").focus()
        for _ in range(12):  # over the lists of databases and collections
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.getAttribute('aria-label')") == "Search: Privileges":
                break
        page.keyboard.type("quer")
        page.keyboard.press("ArrowDown")
        for _ in range(3):  # the groups are named before
            if page.evaluate("document.activeElement.dataset.key") == "Query":
                break
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Space")
        cell.get_by_text("grant Query on collection 'docs'").wait_for()
        assert not find_faults(page)
        PICTURES.mkdir(parents=True, exist_ok=True)
        cell.screenshot(path=PICTURES / "privileges-dark.png")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.innerText") == "Change privileges of reader"
        page.keyboard.press("Enter")
        cell.get_by_text("granted Query on collection 'docs'").wait_for()
        assert held_by_reader(milvus) == {("Insert", "docs"), ("Query", "docs")}
        assert notebook.page.locator(".jp-Notebook .jp-CodeCell").count() == 3, "no key made or deleted a cell"
