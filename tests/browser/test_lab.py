"""The magic at its prompt and the form, in a real JupyterLab in Chromium on a real Milvus."""

import secrets

import pytest
from lab import Form, Notebook, browser_page, jupyter_lab

from milvus_magics import embedded
from milvus_magics.client import users
from milvus_magics.client.address import Address
from milvus_magics.client.connection import Connection

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
    conn = Connection(Address.of(milvus.uri, user="root", password=root_password))
    passwords = {name: secrets.token_urlsafe(12) for name in ("bob", "eve")}
    wrong = secrets.token_urlsafe(12)
    for name, password in passwords.items():
        users.create_user(conn, name, password, timeout=10)
    with jupyter_lab(tmp_path, TEST_URI=milvus.uri, TEST_PASSWORD=root_password) as url, browser_page() as page:
        notebook = Notebook(
            page, url, tmp_path, "test.ipynb", CONNECT, "%milvus_delete_user bob", "%milvus_delete_user --form",
            "import time; time.sleep(25)", DUMP,
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
        form.sees("would delete user 'eve'")
        form.button.click()
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
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        data = path.read_bytes()
        for password in (*passwords.values(), wrong):
            assert password.encode() not in data, f"no password in {path.relative_to(tmp_path)}"
    assert b"application/vnd.jupyter.widget-state+json" in (tmp_path / "test.ipynb").read_bytes(), "state was saved"
