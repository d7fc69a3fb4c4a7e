"""Walks through the console by mouse, each click counted: what people do every day takes few of them.

The server is the contract server. Leaves a picture of each step in build/screenshots, to be looked at.
"""

import pytest
from contract import ContractServer, serving
from lab import TREES, Console, Notebook, browser_page, jupyter_lab

CONNECT = """import os
%load_ext milvus_magics
%milvus_connect {os.environ['TEST_URI']} --user root --password-env TEST_PASSWORD"""
PASSWORD = "a-password-of-theirs"
MAX_CLICKS = {"onboard": 12, "leavers": 5}


@pytest.fixture
def milvus():
    """A small team on two collections."""
    with serving(ContractServer("2.6.18")) as (contract, address):
        contract.collections["default"] = ["docs", "images"]
        contract.passwords |= dict.fromkeys(["ann", "bob", "carol", "dave", "eve"], b"a-password")
        contract.roles |= {"writer": ""}
        contract.bindings |= {("bob", "writer"), ("eve", "admin")}
        contract.variables = {"TEST_URI": f"http://{address}", "TEST_PASSWORD": "Milvus"}
        yield contract


class Walk:
    """Clicks in a console, counted; a picture after each that leads somewhere."""

    def __init__(self, console, name):
        self.console, self.cell, self.name, self.clicks = console, console.cell, name, 0

    def click(self, what):
        """Click, and take a picture of what it leads to."""
        what.click()
        self.clicks += 1
        self.console.picture(f"walk-{self.name}-{self.clicks:02}")

    def press(self, name):
        self.click(self.cell.get_by_role("button", name=name, exact=True))

    def tab(self, name):
        self.click(self.cell.get_by_role("tab", name=name))

    def row(self, label, name):
        self.click(self.console.grid(label).get_by_role("gridcell", name=name, exact=True).first)

    def box(self, name, **options):
        self.click(self.cell.get_by_role("checkbox", name=name, **options))


def open_console(page, url, home, program):
    page.set_viewport_size({"width": 1400, "height": 1500})
    notebook = Notebook(page, url, home, "walk.ipynb", CONNECT, "%milvus_console", tree=TREES[program])
    notebook.run(0)
    return Console(notebook, 1)


def test_a_colleague_gets_read_access_to_one_collection(milvus, tmp_path):
    """A role, its privilege, and a user with it, in JupyterLab."""
    with jupyter_lab(tmp_path, **milvus.variables) as url, browser_page() as page:
        console = open_console(page, url, tmp_path, "jupyterlab")
        walk = Walk(console, "onboard")
        walk.tab("Roles")
        walk.press("Create role…")
        console.wait_for_focus("Role")
        page.keyboard.type("docs_reader")
        walk.press("Create docs_reader")
        console.sees("created role 'docs_reader'")
        walk.press("Privileges docs_reader")
        walk.box("docs", exact=True)
        walk.box("CollectionReadOnly")
        walk.press("Change privileges of docs_reader")
        console.sees("granted CollectionReadOnly on collection 'docs'")
        walk.tab("Users")
        walk.press("Create user…")
        console.wait_for_focus("User")
        page.keyboard.type("gina")
        for text in (PASSWORD, PASSWORD, "docs_reader"):
            page.keyboard.press("Tab")
            page.keyboard.type(text)
        walk.press("Create gina")
        console.sees("created user 'gina'")
        assert walk.clicks <= MAX_CLICKS["onboard"]
        assert ("gina", "docs_reader") in milvus.bindings
        assert any({"docs_reader", "docs", "CollectionReadOnly"} <= {*grant} for grant in milvus.grants)


def test_three_leave_at_once(milvus, tmp_path):
    """One preview, one confirmation, in a dark Jupyter Notebook."""
    options = {"program": "notebook", "dark": True, **milvus.variables}
    with jupyter_lab(tmp_path, **options) as url, browser_page() as page:
        console = open_console(page, url, tmp_path, "notebook")
        walk = Walk(console, "leavers")
        for name in ("bob", "carol", "dave"):
            walk.box(f"Select {name}")
        walk.press("Delete 3 users…")
        console.cell.get_by_placeholder("type 3 to confirm").fill("3")
        walk.press("Delete 3 users")
        console.sees("3 of 3 users deleted")
        assert walk.clicks <= MAX_CLICKS["leavers"]
        assert milvus.passwords.keys() == {"root", "ann", "eve"}
