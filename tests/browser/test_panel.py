"""The console in JupyterLab 4 and Notebook 7: by mouse, by keyboard, for screen readers, dark and narrow.

Leaves pictures of each state in build/screenshots, to be looked at.
"""

import pytest
from lab import PICTURES, TREES, Console, Notebook, browser_page, jupyter_lab, tab_through, wait_for_focus
from processes import frozen, pid_of_milvus

from milvus_magics import embedded
from milvus_magics.client import privileges, roles, users
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

PASSWORD = "a-password-of-theirs"
CONNECT = """import os
%load_ext milvus_magics
%milvus_connect {os.environ['TEST_URI']} --user root --password-env TEST_PASSWORD"""


@pytest.fixture(scope="module")
def milvus():
    with embedded.start(settings={"PROXY_MAXROLENUM": "60"}) as server:
        yield server


@pytest.fixture
def root(milvus):
    """ann reads docs; bob has no role."""
    conn = Connection(Address.parse(milvus.uri, user="root", password=milvus.password))
    roles.create_role(conn, "reader", timeout=10)
    privileges.grant_privilege(conn, "reader", "Search", collection="docs", timeout=10)
    for name, grant in {"ann": ["reader"], "bob": []}.items():
        users.create_user(conn, name, PASSWORD, grant=grant, timeout=10)
    yield conn
    for name in users.list_usernames(conn, timeout=10):
        if name != "root":
            users.drop_user(conn, name, timeout=10)
    roles.drop_role(conn, "reader", force=True, timeout=10)
    conn.close()


# The console in the other front end is tried by keyboard below, and in test_table, test_picture and test_walks.
@pytest.mark.parametrize("program", ["jupyterlab"])
def test_a_day_with_the_console(milvus, root, tmp_path, program):
    """Find somebody, create, give a role, look at the picture, delete with wrong and right password, by mouse."""
    with jupyter_lab(tmp_path, program=program) as url, browser_page() as page:
        notebook = Notebook(
            page, url, tmp_path, "console.ipynb", "%load_ext milvus_magics\n%milvus_connect --form", "%milvus_console",
            "import time; time.sleep(8)", tree=TREES[program],
        )  # fmt: skip
        notebook.run(0)
        form = notebook.cell(0)
        form.get_by_role("textbox", name="Address").fill(milvus.uri)
        form.get_by_role("textbox", name="User").fill("root")
        for password, button, said in (
            ("a-wrong-password", "Test", "refuses user 'root'"),
            (milvus.password.reveal(), "Connect", "connected 'default': user 'root'"),
        ):
            form.get_by_role("textbox", name="Password").fill(password)
            form.get_by_role("button", name=button, exact=True).click()
            form.get_by_text(said).wait_for()
        console = Console(notebook, 1)
        assert console.names("Users") == ["ann", "bob", "root"]
        console.open("History")
        console.picture(f"{program}-empty")
        console.sees("Nothing was changed in this session so far.")
        console.open("Users")
        console.search("an")
        console.sees("1 of 3 users")
        console.choose("Users", "ann")
        console.sees("Search on collection 'docs' in database 'default' by role 'reader'")
        console.search("")
        console.sees("3 users")

        console.press("Create user…")
        form = console.cell
        form.get_by_role("textbox", name="User", exact=True).fill("carl")
        form.get_by_role("textbox", name="Password", exact=True).fill(PASSWORD)
        form.get_by_role("textbox", name="Confirm password").fill(PASSWORD)
        form.get_by_role("button", name="Create carl", exact=True).click()
        console.sees("created user 'carl'")
        console.picture(f"{program}-success")
        assert console.names("Users") == ["ann", "bob", "carl", "root"]

        console.choose("Users", "carl")
        console.press("Grant role to carl…")
        form.get_by_role("combobox", name="Role", exact=True).fill("reader")
        form.get_by_role("button", name="Grant reader to carl", exact=True).click()
        console.sees("gave role 'reader' to user 'carl'")
        console.sees("roles: reader")

        console.open("Access")
        console.press("roles")
        console.grid("roles by what they may do").wait_for()
        console.press("users")
        row = console.grid("users by what they may do").get_by_role("row").filter(has_text="carl")
        row.get_by_role("gridcell").first.click()
        console.cell.get_by_role("region", name="Why").get_by_text("Role public").wait_for()
        console.picture(f"{program}-access")

        console.open("Users")
        console.press("Delete carl…")
        button = form.get_by_role("button", name="Delete carl", exact=True).last  # the row has one, too
        for password, said in (
            ("a-wrong-password", "is wrong; nothing was changed"),
            (PASSWORD, "deleted user 'carl'"),
        ):
            form.get_by_placeholder("that user's password").fill(password)
            button.click()
            console.sees(said)
            console.picture(f"{program}-{'error' if 'wrong' in password else 'deleted'}")
        assert users.list_usernames(root, timeout=10) == ["ann", "bob", "root"]
        assert console.names("Users") == ["ann", "bob", "root"]
        console.press("Close form")

        notebook.run(1)
        notebook.start(2)  # a busy kernel: a console that was just shown works beside it
        console.search("bo")
        console.sees("1 of 3 users")
        console.press("Refresh")
        console.open("History")
        console.grid("Changes").get_by_text("delete user").first.wait_for()
        assert "*" in notebook.cell(2).locator(".jp-InputPrompt").first.inner_text(), "the cell still runs"
        notebook.done(2)
        with frozen(pid_of_milvus(milvus)):
            console.press("Refresh")
            console.sees("Refreshing…")
            console.picture(f"{program}-busy")
        console.cell.get_by_role("button", name="Refresh", exact=True).wait_for()
        console.press("Close console")
        console.cell.get_by_role("button", name="Refresh", exact=True).wait_for(state="detached")
        notebook.save()
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert milvus.password.reveal().encode() not in path.read_bytes(), (
            f"no password in {path.relative_to(tmp_path)}"
        )
        assert PASSWORD.encode() not in path.read_bytes(), f"no password in {path.relative_to(tmp_path)}"


@pytest.mark.parametrize("program", TREES)
def test_keyboard_screen_reader_dark_and_narrow(milvus, root, tmp_path, program):
    """Everything has a name and can be reached by Tab, with the focus to be seen; nothing is wider than the window."""
    variables = {"TEST_URI": milvus.uri, "TEST_PASSWORD": milvus.password.reveal()}
    with jupyter_lab(tmp_path, program=program, dark=True, **variables) as url, browser_page() as page:
        notebook = Notebook(
            page,
            url,
            tmp_path,
            "keys.ipynb",
            CONNECT,
            "%milvus_console",
            "%config MilvusMagics.live_tables = False\n%milvus_access",
            tree=TREES[program],
        )
        notebook.run(0)
        console = Console(notebook, 1)
        snapshot = console.cell.aria_snapshot()
        tab = (
            'tab "Users" [selected]', 'searchbox "Search users"', 'grid "Users"', 'checkbox "Select ann"',
            'gridcell "ann"', 'button "Delete user…"',
        )  # fmt: skip
        for part in ('button "Refresh"', *tab):
            assert part in snapshot, snapshot
        console.picture(f"{program}-dark")

        console.cell.get_by_role("button", name="Refresh", exact=True).focus()
        reached = tab_through(page, 13)
        assert reached[:2] == ["Close console", "Users"], reached
        for name in ("Create user…", "Delete user…", "Drop user…"):
            assert name in reached, reached
        console.cell.get_by_role("searchbox").focus()
        page.keyboard.type("bob")
        page.keyboard.press("Enter")
        console.sees("user 'bob'")
        console.cell.get_by_role("button", name="Delete bob…").focus()
        page.keyboard.press("Enter")
        wait_for_focus(page, "Password")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_timeout(700)
        assert "bob" in users.list_usernames(root, timeout=10), "Enter never deletes"
        assert tab_through(page, 1) == ["Delete bob"]
        page.keyboard.press("Space")
        console.sees("deleted user 'bob'")

        notebook.run(2)
        region = notebook.cell(2).get_by_role("region", name="users by what they may do")
        region.locator("td[tabindex]").first.focus()
        shown = page.evaluate("getComputedStyle(document.activeElement, '::after').content")
        assert "role 'public': " in shown, "a focused row says what comes by which role"
        page.wait_for_timeout(300)
        notebook.cell(2).screenshot(path=PICTURES / f"{program}-access-dark.png")

        page.set_viewport_size({"width": 640, "height": 900})
        page.wait_for_timeout(1000)
        console.picture(f"{program}-narrow")
        for control in console.cell.locator("input, select, button").all():
            box = control.bounding_box()
            assert box is None or box["x"] + box["width"] <= 640, control.evaluate("e => e.outerHTML")
