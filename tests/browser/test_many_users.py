"""The form for many users in JupyterLab: a file of 40, the table, the run, and the passwords, once.

The server is the contract server. Leaves pictures in build/screenshots, to be looked at.
"""

import csv

import contract
from axe_playwright_python.sync_playwright import Axe
from lab import PICTURES, Notebook, browser_page, jupyter_lab

CONNECT = """import os
%load_ext milvus_magics
%milvus_connect {os.environ['TEST_URI']} --user root --password-env TEST_PASSWORD"""
GIVEN = "Zq9-given-to-ann-Kx3"


def find_faults(page):
    """What axe-core calls serious or critical within the form."""
    found = Axe().run(page, context=".mm-panel").response["violations"]
    return [
        (fault["id"], [node["html"][:160] for node in fault["nodes"]][:3])
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]


def test_forty_users_from_a_file(tmp_path):
    """No password is in the notebook, in a state, or in a message; axe-core finds no serious fault."""
    with contract.serve("2.6.18") as (server, address):
        server.roles["reader"] = ""
        server.passwords["user_3"] = b"a-password"
        variables = {"TEST_URI": f"http://{address}", "TEST_PASSWORD": "Milvus"}
        lines = [
            f"ann,reader,{GIVEN}",
            *(f"user_{number},{'reader' if number % 3 else ''}," for number in range(1, 40)),
        ]
        (tmp_path / "class.csv").write_text("\n".join(["user,roles,password", *lines]))
        (tmp_path / "bad.csv").write_text("user,roles\nann,raeder\n1x,\nbob,reader\n")
        with jupyter_lab(tmp_path, **variables) as url, browser_page() as page:
            notebook = Notebook(page, url, tmp_path, "many.ipynb", CONNECT, "%milvus_create_users --form")
            notebook.run(0)
            notebook.run(1)
            page.keyboard.press("Control+b")  # no list of files beside it
            cell = notebook.cell(1)

            def look(name):
                page.wait_for_timeout(300)
                PICTURES.mkdir(parents=True, exist_ok=True)
                cell.screenshot(path=PICTURES / f"many-{name}.png")
                assert find_faults(page) == [], name

            def choose(file):
                with page.expect_file_chooser() as chooser:
                    cell.get_by_role("button", name="Choose a file…").click()
                chooser.value.set_files(tmp_path / file)

            choose("bad.csv")
            cell.get_by_text("2 problems in 3 rows, so nothing was sent").wait_for()
            look("problems")
            cell.get_by_role("textbox", name="Or paste lines").fill("bob\nann")
            cell.get_by_role("button", name="Check", exact=True).click()
            cell.get_by_text("This will create 2 users.").wait_for()
            assert cell.get_by_role("textbox", name="Or paste lines").input_value() == ""
            choose("class.csv")
            cell.get_by_text("This will create 39 users; 1 exists already.").wait_for()
            look("checks")
            cell.get_by_role("searchbox").fill("user_3")
            cell.get_by_text("11 of 40 users").wait_for()
            cell.get_by_role("searchbox").fill("")
            cell.get_by_role("button", name="Create 39 users").click()
            cell.get_by_text("Created 39 users in").wait_for()
            with page.expect_download() as download:
                cell.get_by_role("button", name="Download 38 passwords").click()
            with open(download.value.path(), newline="") as file:
                passwords = {row["user"]: row["password"] for row in csv.DictReader(file)}
            assert download.value.suggested_filename == "passwords.csv"
            cell.get_by_role("button", name="Downloaded").wait_for()
            page.set_viewport_size({"width": 500, "height": 1100})
            look("downloaded")
            notebook.save()
    assert passwords == {
        name: password.decode() for name, password in server.passwords.items() if name not in ("root", "user_3", "ann")
    }
    assert server.passwords["ann"].decode() == GIVEN
    saved = notebook.path.read_text()
    assert "Created 39 users in" in saved, "the states of widgets are saved, and searched"
    for password in (*passwords.values(), GIVEN):
        assert not notebook.heard(password), "no message has it"
        for path in (path for path in tmp_path.rglob("*") if path.is_file() and path.name != "class.csv"):
            assert password.encode() not in path.read_bytes(), f"no password in {path.relative_to(tmp_path)}"
