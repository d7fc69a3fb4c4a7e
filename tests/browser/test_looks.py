"""How the console, forms and pictures look with many users, in narrow and wide windows, and without a mouse.

The server is the contract server, which holds 200 users at once. Leaves pictures in build/screenshots, to be looked at.
"""

import random
import re

import pytest
from contract import AnyNames, serve, serving
from lab import PICTURES, TREES, Console, Notebook, browser_page, jupyter_lab, tab_through, wait_for_focus

CONNECT = """import os
%load_ext milvus_magics
%milvus_connect {os.environ['TEST_URI']} --user root --password-env TEST_PASSWORD"""
PRIVILEGES = ("Search", "Query", "Insert", "Delete", "Load", "Release", "Flush", "CreateIndex", "DropIndex", "Upsert")
# What of the visible texts and fields is cut: by what holds them, or by themselves. Pictures and tables may scroll.
CUT = """root => [...root.querySelectorAll('.mm-panel :is(label, button, input, select, .lm-TabBar-tabLabel,'
    + '.widget-html-content, .widget-html-content > div), .jp-RenderedHTML > div')].filter(e => {
  const box = e.getBoundingClientRect();
  if (!box.width || !e.checkVisibility() || e.closest('.mm-scroll, .mm-table')) return false;
  let right = root.getBoundingClientRect().right;
  for (let holder = e.parentElement; holder !== root; holder = holder.parentElement)
    if (getComputedStyle(holder).overflowX !== 'visible')
      right = Math.min(right, holder.getBoundingClientRect().right);
  const tooSmall = e.tagName === 'INPUT' ? !['checkbox', 'radio'].includes(e.type) && box.width < 60
    : getComputedStyle(e).display !== 'inline' && e.scrollWidth > e.clientWidth + 1;
  return box.right > right + 1 || tooSmall;
}).map(e => e.tagName + ' ' + (e.textContent || e.placeholder).slice(0, 60))"""


EVIL = "<img src=x onerror=window.evil=1><script>window.evil=2</script>"
MADE = "document.querySelectorAll('img[src=x], [onerror], .jp-Notebook script').length"


@pytest.fixture(scope="module")
def milvus():
    """200 users with two of 48 roles each, which hold 2,000 grants on 24 collections in two databases."""
    numbers = random.Random(5)
    with serve("2.3.5") as (contract, address):
        places = []
        for db in ("default", "lab"):
            contract.collections[db] = [f"{db}_documents_{i:02}" for i in range(12)]
            places += [(db, name) for name in contract.collections[db]]
        names = [f"role_{i:02}" for i in range(48)]
        contract.roles.update(dict.fromkeys(names, ""))
        choices = [(privilege, *place) for privilege in PRIVILEGES for place in places]
        for role in names:
            for privilege, db, name in numbers.sample(choices, 42):
                contract.grants[(role, "Collection", name, privilege, db)] = "root"
        for i in range(199):
            contract.passwords[f"user_{i:03}"] = b"a-password"
            contract.bindings |= {(f"user_{i:03}", role) for role in numbers.sample(names, 2)}
        yield {"TEST_URI": f"http://{address}", "TEST_PASSWORD": "Milvus"}


def picture(cell, name):
    PICTURES.mkdir(parents=True, exist_ok=True)
    cell.page.wait_for_timeout(300)
    cell.screenshot(path=PICTURES / f"{name}.png")


def test_many_users_in_wide_and_narrow_windows(milvus, tmp_path):
    """Names and headings stay in sight, a row's explanation is whole and moves nothing, and no text is cut."""
    with jupyter_lab(tmp_path, **milvus) as url, browser_page() as page:
        notebook = Notebook(
            page, url, tmp_path, "many.ipynb", CONNECT,
            "%config MilvusMagics.live_tables = False\naccess = %milvus_access\naccess.matrix(columns='collections')",
            "%milvus_console", "%milvus_connect --form --alias other",
        )  # fmt: skip
        notebook.run(0)
        notebook.run(1)
        scroll = notebook.cell(1).get_by_role("region", name="users by collections")
        picture(notebook.cell(1), "many-collections")
        scroll.evaluate("e => e.scrollTo(300, 1000)")
        edge = scroll.bounding_box()
        for text in ("users", "default", "user_050"):
            box = scroll.get_by_text(text, exact=True).bounding_box()
            assert edge["x"] <= box["x"] < edge["x"] + edge["width"], f"{text} stays in sight"
        picture(notebook.cell(1), "many-scrolled")

        last = scroll.locator("td[tabindex]").last
        last.scroll_into_view_if_needed()
        heights = "e => [e.getBoundingClientRect().height, document.querySelector('.jp-WindowedPanel-outer').scrollTop]"
        before = notebook.cell(1).evaluate(heights)
        last.focus()
        assert notebook.cell(1).evaluate(heights) == before, "nothing jumps"
        said, height = page.evaluate(
            "(s => [s.content, parseFloat(s.height)])(getComputedStyle(document.activeElement, '::after'))"
        )
        assert "role 'role_" in said
        around = notebook.cell(1).locator(".mm-matrix").bounding_box()
        row = last.bounding_box()
        assert row["y"] + row["height"] <= around["y"] + around["height"] - height, (
            "a row isn't covered by what it says"
        )
        picture(notebook.cell(1), "many-explained")

        console = Console(notebook, 2)
        console.sees("200 users")
        console.search("user_12")
        console.sees("10 of 200 users")
        console.choose("Users", "user_120")
        form = notebook.cell(3)
        notebook.run(3)
        form.get_by_role("textbox", name="User", exact=True).fill("root")
        form.get_by_role("textbox", name="Alias").focus()
        assert tab_through(page, 1) == ["TLS files…"]
        page.keyboard.press("Space")
        form.get_by_role("textbox", name="CA certificate").wait_for()
        assert tab_through(page, 1) == ["PEM file of the authority behind the server's certificate"]
        form.get_by_role("button", name="Connect", exact=True).click()
        form.get_by_text("Type the password").wait_for()
        for width in (500, 820, 1800):
            page.set_viewport_size({"width": width, "height": 1000})
            page.wait_for_timeout(700)
            form.scroll_into_view_if_needed()
            assert not form.evaluate(CUT), f"nothing of the form is cut at {width}"
            picture(form, f"form-{width}")
            for tab in ("Users", "Roles", "Privileges", "Access", "History", "Connections"):
                console.open(tab)
                if tab == "Users":
                    console.press("Delete user_120…")
                    console.sees("This will delete user_120")
                page.wait_for_timeout(300)
                assert not console.cell.evaluate(CUT), f"nothing of {tab} is cut at {width}"
                console.picture(f"{tab}-{width}")


@pytest.mark.parametrize("program", ["notebook"])  # in JupyterLab test_table and test_panel press the same keys
def test_everything_by_keyboard_and_beside_a_second_console(milvus, tmp_path, program):
    """Tab and arrows lead through all pages; what is done in one console leaves the other as it was."""
    with jupyter_lab(tmp_path, program=program, **milvus) as url, browser_page() as page:
        notebook = Notebook(
            page, url, tmp_path, "keys.ipynb", CONNECT, "%milvus_console", "%milvus_console", tree=TREES[program]
        )
        notebook.run(0)
        first, second = Console(notebook, 1), Console(notebook, 2)
        first.cell.get_by_role("button", name="Refresh", exact=True).focus()
        assert tab_through(page, 3) == ["Close console", "Users", "Search users"]
        page.keyboard.type("user_007")
        page.keyboard.press("Enter")
        first.sees("user 'user_007'")
        reached = tab_through(page, 11)
        assert reached[0] == "user_007", "a table is one stop"
        assert "Release" in reached[1], "what somebody may do can be scrolled"
        assert reached[2:] == [f"{what}…" for what in (
            "Create user", "Create many users", "Grant role to user_007", "Revoke role from user_007",
            "Describe user_007", "Change password of user_007", "Reset password of user_007",
            "Delete user_007", "Delete user_007 without password",
        )]  # fmt: skip
        page.keyboard.press("Enter")  # on the last, which only opens its form
        wait_for_focus(page, "Confirm name")  # the user is there already
        page.keyboard.press("Shift+Tab")
        for expected in ("type user_007 to confirm", "Refresh names"):  # the button needs the name first
            assert expected in tab_through(page, 1)[0]

        for page_name, stops in (
            ("Roles", ["Search roles", "admin"]),
            ("Privileges", ["Search grants", "public", "Search groups"]),
            ("Access", ["users", "roles", "levels", "databases", "collections", "Filter users", "Filter columns"]),
            ("History", ["Search changes"]),
            ("Connections", ["Search connections", "default"]),
        ):
            first.cell.get_by_role("tab", selected=True).focus()
            page.keyboard.press("Control+ArrowRight")  # Notebook 7 keeps the arrow alone for itself
            page.keyboard.press("Enter")
            first.cell.get_by_role("tab", name=page_name, selected=True).wait_for()
            if page_name == "Access":
                first.grid("users by collections").get_by_role("row").nth(5).wait_for()
            page.wait_for_timeout(500)
            first.cell.get_by_role("tab", selected=True).focus()  # on a busy machine a late redrawing takes it away
            assert tab_through(page, len(stops)) == stops
            if page_name == "Access":
                reached = tab_through(page, 7)
                assert reached[2:5] == ["SVG", "PNG", "CSV"]
                assert (reached[5].splitlines()[0], reached[6]) == ("(everybody)", "any"), "a picture is one stop"
            if page_name == "History":
                first.sees("Nothing was changed in this session so far.")

        assert second.names("Users")[:2] == ["root", "user_000"], "the other console is as it was"
        second.search("user_199x")
        first.press("Close console")
        first.cell.get_by_role("button", name="Close console").wait_for(state="detached")
        second.press("Refresh")
        second.sees("0 of 200 users")


def test_names_are_text_in_the_page(tmp_path):
    """Names that are HTML make no element and run nothing, in tables, the console, its forms and error lines."""
    with serving(AnyNames("2.3.5")) as (contract, address), browser_page() as page:
        contract.passwords[EVIL], contract.roles[EVIL] = b"a-password", ""
        contract.bindings.add((EVIL, EVIL))
        contract.collections["default"].append(EVIL)
        contract.grants[(EVIL, "Collection", EVIL, "Search", "default")] = "root"
        variables = {"TEST_URI": f"http://{address}", "TEST_PASSWORD": "Milvus"}
        with jupyter_lab(tmp_path, **variables) as url:
            notebook = Notebook(page, url, tmp_path, "evil.ipynb", CONNECT, "%milvus_list_users", "%milvus_console")
            notebook.run(0)
            assert EVIL in notebook.run(1)
            page.set_viewport_size({"width": 1600, "height": 1000})  # where rows have buttons
            console = Console(notebook, 2)
            for kind, form, about, said in (
                ("Users", "Delete", f"roles: {EVIL}", "This will delete"),
                ("Roles", "Drop", f"held by '{EVIL}'", "This will drop the role"),
            ):
                console.open(kind)
                console.choose(kind, EVIL)
                console.sees(about)
                console.cell.get_by_role("button", name=f"{form} {EVIL}", exact=True).click()
                console.sees(f"{said} '{EVIL}'")
            console.cell.get_by_role("textbox", name="Confirm name").fill(EVIL)
            console.cell.get_by_role("button", name=re.compile("^Drop ")).last.click()
            console.sees(f"role '{EVIL}' holds")
            console.open("Access")
            console.press("levels")
            console.grid("users by what they may do").get_by_text(EVIL, exact=False).first.wait_for()
            console.press("collections")
            console.cell.get_by_role("combobox", name="Collection").fill(EVIL)
            page.keyboard.press("Enter")
            console.sees(f"who can access collection '{EVIL}'")
            console.open("History")
            console.grid("Changes").get_by_text("drop role").first.wait_for()
            assert EVIL in console.grid("Changes").inner_text()
            console.open("Privileges")
            console.grid("Grants").get_by_text("Search", exact=True).first.wait_for()
            assert EVIL in console.grid("Grants").inner_text()
            assert (page.evaluate(MADE), page.evaluate("window.evil")) == (0, None)
            page.evaluate("name => document.body.insertAdjacentHTML('beforeend', name)", EVIL)
            page.wait_for_function("window.evil === 1")
            assert page.evaluate(MADE), "both would have been seen"
