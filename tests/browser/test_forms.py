"""The forms in JupyterLab: one click is enough, Enter submits, faults are said beside their field, the focus leads on."""

import re
import time

import pytest
from contract import serve
from lab import Notebook, browser_page, jupyter_lab

CONNECT = """import os
%load_ext milvus_magics
%milvus_connect {os.environ['TEST_URI']} --user root --password-env TEST_PASSWORD"""
PASSWORD = "a-password-of-theirs"


@pytest.fixture
def milvus():
    """A contract server with somebody on it; what a browser types is seen in it."""
    with serve("2.3.5") as (contract, address):
        contract.passwords["ann"] = PASSWORD.encode()
        contract.roles.update(dict.fromkeys(("read", "reader"), ""))
        contract.variables = {"TEST_URI": f"http://{address}", "TEST_PASSWORD": "Milvus"}
        yield contract


def focused(page):
    """The label of the field that has the keyboard's focus, or the text of the button."""
    return page.evaluate("(e => (e.labels && e.labels[0] || e).innerText)(document.activeElement)")


def test_one_click_and_enter(milvus, tmp_path):
    """What is missing is said beside its field, which gets the focus; one click or Enter is enough then."""
    with jupyter_lab(tmp_path, **milvus.variables) as url, browser_page() as page:
        notebook = Notebook(
            page, url, tmp_path, "forms.ipynb", CONNECT, "%milvus_create_user --form", "%milvus_grant_role ann --form",
            "%milvus_delete_user bob --form", "%milvus_connect --form", "import time; time.sleep(4)",
        )  # fmt: skip
        notebook.run(0)
        notebook.run(1)
        create = notebook.cell(1)
        button = create.get_by_role("button", name="Create user")
        create.get_by_role("textbox", name="User").fill("bob")
        button.click()
        create.get_by_text("Type a new password").wait_for()
        page.wait_for_function("document.activeElement.type === 'password'")
        assert focused(page) == "Password"
        assert "bob" not in milvus.passwords
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        create.get_by_text("Type it again").wait_for()
        assert create.get_by_text("Type a new password").count() == 0
        page.wait_for_timeout(300)
        assert focused(page) == "Confirm password"
        page.keyboard.type(PASSWORD)
        button.click()
        create.get_by_text("created user 'bob'").wait_for()
        page.wait_for_timeout(300)
        assert focused(page) == "User"
