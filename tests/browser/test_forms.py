"""The forms in JupyterLab: one click is enough, Enter submits, faults are said beside their field, the focus leads on.

Leaves pictures of all forms in build/screenshots, to be looked at.
"""

import json
import re
import time

import pytest
from contract import ContractServer, serving
from lab import PICTURES, Console, Notebook, browser_page, jupyter_lab, wait_for_focus
from test_looks import CUT

CONNECT = """import os
%load_ext milvus_magics
%milvus_connect {os.environ['TEST_URI']} --user root --password-env TEST_PASSWORD"""
PASSWORD = "a-password-of-theirs"
ALL_FORMS = """from ipywidgets import VBox
from milvus_magics.forms import registered_forms
forms = [form() for form in registered_forms().values()]
for form in forms:
    form.fill(user="ann", role="reader", description="reads all")
VBox(forms)"""
PRESS_ALL = "for form in forms: form.submit()"


class SlowServer(ContractServer):
    """Takes `delay` seconds to tell about a user."""

    delay = 0.0

    def SelectUser(self, request, caller, metadata):
        time.sleep(self.delay)
        return super().SelectUser(request, caller, metadata)


@pytest.fixture
def milvus():
    """A contract server with somebody on it; what is done in the browser is seen in it."""
    with serving(SlowServer("2.3.5")) as (contract, address):
        contract.passwords["ann"] = PASSWORD.encode()
        contract.roles.update(dict.fromkeys(("read", "reader"), ""))
        contract.variables = {"TEST_URI": f"http://{address}", "TEST_PASSWORD": "Milvus"}
        yield contract


def test_one_click_and_enter(milvus, tmp_path):
    """What is missing is said beside its field, which gets the focus; then one click or Enter is enough."""
    with jupyter_lab(tmp_path, **milvus.variables) as url, browser_page() as page:
        notebook = Notebook(
            page, url, tmp_path, "forms.ipynb", CONNECT, "%milvus_create_user --form", "%milvus_grant_role ann --form",
            "%milvus_delete_user bob --form", "%milvus_console",
        )  # fmt: skip
        notebook.run(0)
        notebook.run(1)
        create = notebook.cell(1)
        button = create.get_by_role("button", name=re.compile("^Create (user|bob)$"))
        create.get_by_role("textbox", name="User").fill("bob")
        button.click()
        create.get_by_role("alert").get_by_text("Type a new password").wait_for()
        wait_for_focus(page, "Password")
        assert "bob" not in milvus.passwords
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        create.get_by_text("Type it again").wait_for()
        wait_for_focus(page, "Confirm password")
        assert create.get_by_text("Type a new password").count() == 0
        page.keyboard.type(PASSWORD)
        button.click()
        create.get_by_text("created user 'bob'").wait_for()
        wait_for_focus(page, "User")

        notebook.run(2)
        grant = notebook.cell(2)
        milvus.delay = 0.3  # every letter takes so long, and the others are kept back meanwhile, but not Enter
        grant.get_by_role("combobox", name="Role").press_sequentially("reader", delay=20)
        page.keyboard.press("Enter")
        grant.get_by_text("gave role 'reader' to user 'ann'").wait_for()
        assert milvus.bindings >= {("ann", "reader")}
        assert ("ann", "read") not in milvus.bindings
        wait_for_focus(page, "Role")
        milvus.delay = 0

        notebook.run(3)
        delete = notebook.cell(3)
        assert delete.get_by_role("combobox", name="User").input_value() == "bob"
        delete.get_by_text("This will delete bob").wait_for()
        delete.get_by_role("textbox", name="Password").fill("a-wrong-password")
        page.keyboard.press("Enter")
        page.wait_for_timeout(500)
        assert delete.get_by_text("wrong").count() == 0, "Enter never deletes"
        said = delete.get_by_text("the password given for user 'bob' is wrong; nothing was changed")
        delete.get_by_role("button", name="Delete bob").dblclick()
        said.wait_for()
        wait_for_focus(page, "Password")
        page.wait_for_timeout(500)
        assert said.count() == 1, "the second click leaves it"
        assert delete.get_by_text("Type the password").count() == 0
        page.keyboard.type(PASSWORD)
        delete.get_by_role("button", name="Delete bob").click()
        delete.get_by_text("deleted user 'bob'").wait_for()
        assert "bob" not in milvus.passwords

        console = Console(notebook, 4)
        console.choose("Users", "ann")
        console.press("Revoke role from ann…")
        wait_for_focus(page, "Role")
        assert console.cell.get_by_role("combobox", name="User", exact=True).last.input_value() == "ann"


def test_how_they_look(milvus, tmp_path):
    """All forms, light before they are pressed and dark afterwards, in wide and narrow windows: nothing is cut."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with jupyter_lab(tmp_path, **milvus.variables) as url, browser_page() as page:
        settings = tmp_path / "settings" / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
        for theme in ("Light", "Dark"):
            settings.write_text(json.dumps({"theme": f"JupyterLab {theme}"}))
            notebook = Notebook(page, url, tmp_path, f"{theme}.ipynb", CONNECT, ALL_FORMS, PRESS_ALL)
            page.keyboard.press("Control+b")  # without the list of files
            for cell in (0, 1) if theme == "Light" else (0, 1, 2):
                notebook.run(cell)
            for width in (1100, 720, 500):
                page.set_viewport_size({"width": width, "height": 5500})  # else only what is in sight is drawn
                page.wait_for_timeout(500)
                assert not notebook.cell(1).evaluate(CUT), f"nothing is cut at {width}"
                notebook.cell(1).screenshot(path=PICTURES / f"forms-{theme.lower()}-{width}.png")
            page.set_viewport_size({"width": 1200, "height": 1000})
