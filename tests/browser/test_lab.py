"""The magic at its prompt and the form, in a real JupyterLab in Chromium on a real Milvus."""

import re

import pytest
from kernels import assert_nowhere, odd_password
from lab import Form, Notebook, browser_page, focused, jupyter_lab, tab_through

from milvus_magics import embedded
from milvus_magics.client import users
from milvus_magics.secret import Secret
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

CONNECT = """import os
%load_ext milvus_magics
%milvus_connect {os.environ['TEST_URI']} --user root --password-env TEST_PASSWORD"""
DUMP = """names = {k: repr(v) for k, v in list(globals().items())}
_ = open("dump.txt", "w").write(repr([In, list(Out.items()), names]))"""


@pytest.fixture(scope="module", params=[True, False], ids=["authorization on", "authorization off"])
def milvus(request):
    with embedded.start(authorization=request.param) as server:
        yield server


def test_prompt_and_form_delete_with_the_right_password_only(milvus, tmp_path):
    """Wrong: refused, still there. Right: gone. And no password is anywhere afterwards."""
    root_password = milvus.password.reveal() or "junk-password"
    conn = Connection(Address.parse(milvus.uri, user="root", password=root_password))
    passwords = {name: odd_password() for name in ("bob", "eve")}
    wrong = odd_password()
    for name, password in passwords.items():
        users.create_user(conn, name, password, timeout=10)
    with jupyter_lab(tmp_path, TEST_URI=milvus.uri, TEST_PASSWORD=root_password) as url, browser_page() as page:
        notebook = Notebook(
            page, url, tmp_path, "test.ipynb", CONNECT, "%milvus_delete_user bob", "%milvus_delete_user --form",
            "import time; time.sleep(10)", DUMP,
        )  # fmt: skip
        assert "user 'root'" in notebook.run(0)

        notebook.start(1)
        notebook.answer(wrong)
        assert "WrongPasswordError: the password given for user 'bob' is wrong" in notebook.done(1)
        assert "bob" in users.list_usernames(conn)
        page.wait_for_timeout(300)
        notebook.start(1)
        notebook.answer(passwords["bob"])
        page.get_by_text("deleted user 'bob'").first.wait_for()
        assert users.list_usernames(conn) == ["eve", "root"]

        notebook.run(2)
        form = Form(page)
        assert form.button.is_disabled()
        form.fill("eve", wrong)
        form.button.click()  # once: the password arrives before it
        form.sees("This will delete eve")
        form.sees("the password given for user 'eve' is wrong; nothing was changed")
        assert form.password.input_value() == ""
        assert "eve" in users.list_usernames(conn)

        notebook.start(3)  # a busy kernel: the form works beside it
        form.fill("eve", passwords["eve"])
        form.button.click()
        form.sees("deleted user 'eve'")
        assert users.list_usernames(conn) == ["root"]
        notebook.done(3)
        notebook.run(4)
        notebook.save()
    conn.close()
    assert notebook.heard("Password of bob")
    assert notebook.heard("deleted user &#x27;eve&#x27;")
    assert_nowhere((*passwords.values(), wrong), tmp_path, notebook.published)
    assert b"application/vnd.jupyter.widget-state+json" in (tmp_path / "test.ipynb").read_bytes(), "state was saved"


STRANGE = "<b>x</b>$u {v}"


def test_keyboard_strange_names_and_the_connect_form(tmp_path):
    """The forms without a mouse, a name that looks like HTML, the name retyped at the prompt, and connecting."""
    password = odd_password()
    with embedded.start(settings={"COMMON_SECURITY_SUPERUSERS": "root"}) as server:
        conn = Connection(Address.parse(server.uri, user="root", password=server.password))
        for name in (STRANGE, STRANGE + "2"):  # only a superuser can make these
            conn.call_checked("UpdateCredential", deadline=Deadline(10), username=name, newPassword=Secret(password))
        users.create_user(conn, "bob", password, timeout=10)
        users.create_user(conn, "boss", password, grant=["admin"], timeout=10)
        with jupyter_lab(tmp_path) as url, browser_page() as page:
            notebook = Notebook(
                page, url, tmp_path, "keys.ipynb", "%load_ext milvus_magics\n%milvus_connect --form",
                "%milvus_delete_user --form", f"%milvus_drop_user '{STRANGE}'", "%milvus_drop_user --form",
            )  # fmt: skip
            notebook.run(0)
            page.get_by_role("textbox", name="Address").fill(server.uri)
            page.get_by_role("textbox", name="User").fill("boss")
            page.get_by_role("textbox", name="Password").fill(password)
            page.keyboard.press("Enter")
            page.get_by_text("connected 'default': user 'boss'").wait_for()

            notebook.run(1)
            form = Form(page)
            form.user.fill("bob")
            page.keyboard.press("Tab")
            page.keyboard.type(password)
            page.keyboard.press("Enter")
            page.wait_for_timeout(700)
            assert "bob" in users.list_usernames(conn), "Enter never deletes"
            page.keyboard.press("Tab")
            assert focused(page) == "Delete bob"
            page.keyboard.press("Tab")
            assert focused(page) == "Refresh names"
            page.keyboard.press("Shift+Tab")
            page.keyboard.press("Space")
            form.sees("deleted user 'bob'")

            form.user.fill(STRANGE)
            form.sees(f"This will delete '{STRANGE}'")

            notebook.start(2)
            notebook.answer("something else")
            assert "ConfirmationError: the name was not retyped as" in notebook.done(2)
            assert STRANGE in users.list_usernames(conn)
            page.wait_for_timeout(300)
            notebook.start(2)
            notebook.answer(STRANGE)
            form.sees(f"deleted user '{STRANGE}' on {server.uri} without")

            notebook.run(3)
            drop = page.get_by_role("button", name=re.compile("^Drop user$|without password$"))
            page.get_by_placeholder("choose or type a name").last.fill(STRANGE + "2")
            again = page.get_by_role("textbox", name="Confirm name")
            again.fill(STRANGE)
            assert drop.is_disabled()
            again.fill(STRANGE + "2")
            page.wait_for_function("b => !b.disabled", arg=drop.element_handle())
            drop.click()
            form.sees(f"deleted user '{STRANGE}2' on {server.uri} without")
            assert users.list_usernames(conn) == ["boss", "root"]
            notebook.save()
        conn.close()
    assert notebook.heard("connected &#x27;default&#x27;: user &#x27;boss&#x27;")
    assert_nowhere((password, server.password.reveal()), tmp_path, notebook.published)


def test_new_passwords_in_forms_are_nowhere(tmp_path):
    """Created with a role, changed by its own user, wrong and right; with widget state saved, no trace is left."""
    first, second, wrong = (odd_password() for _ in range(3))
    with embedded.start() as server:
        conn = Connection(Address.parse(server.uri, user="root", password=server.password))
        variables = {"TEST_URI": server.uri, "TEST_PASSWORD": server.password.reveal()}
        with jupyter_lab(tmp_path, **variables) as url, browser_page() as page:
            notebook = Notebook(
                page, url, tmp_path, "new.ipynb", CONNECT, "%milvus_create_user --form",
                "%milvus_reset_password --form", DUMP,
            )  # fmt: skip
            notebook.run(0)
            notebook.run(1)
            page.get_by_role("textbox", name="User").fill("bob")
            page.get_by_role("textbox", name="Password", exact=True).fill(first)
            page.get_by_role("textbox", name="Confirm password").fill(first)
            # From here on by keyboard alone.
            assert tab_through(page, 1) == ["names, separated by commas; or none"]
            page.keyboard.type("public")
            page.keyboard.press("Enter")
            page.get_by_text("created user 'bob'").wait_for()
            assert users.list_user(conn, "bob", timeout=10).roles == ("public",)

            notebook.run(2)
            button = page.get_by_role("button", name="Reset password")
            for old, said in ((wrong, "is wrong; nothing was changed"), (first, "the old one is refused")):
                page.get_by_role("combobox", name="User").fill("bob")
                page.get_by_role("textbox", name="Old password").fill(old)
                page.get_by_role("textbox", name="New password").fill(second)
                page.get_by_role("textbox", name="Confirm password").last.fill(second)
                button.click()  # once
                page.get_by_text(said).wait_for()
                assert page.get_by_role("textbox", name="New password").input_value() == ""
            notebook.run(3)
            notebook.save()
        assert users.delete_user(conn, "bob", second, timeout=10).verified
        conn.close()
    assert notebook.heard("the old one is refused")
    assert_nowhere((first, second, wrong, server.password.reveal()), tmp_path, notebook.published)
    assert b"application/vnd.jupyter.widget-state+json" in (tmp_path / "new.ipynb").read_bytes(), "state was saved"
