"""The picture of who may do what in real front ends: why, and what to do about it, by mouse and by keyboard alone.

The server is the contract server. Leaves pictures in build/screenshots, to be looked at.
"""

import csv
import re
import struct
from xml.etree import ElementTree

import pytest
from contract import AnyNames, serving
from lab import MILLISECONDS, TREES, Console, Notebook, browser_page, jupyter_lab
from playwright.sync_api import expect
from test_looks import CUT
from test_table import CONNECT, SIDEWAYS, find_faults, focused

FORMULA = "=cmd|' /C calc'!A0"
TAGGED = "<b>&</b>"
MANY = 5_000
ROW_HEIGHT = 28
expect.set_options(timeout=MILLISECONDS)
CLICKS = """() => { window.clicks = 0;
addEventListener('pointerdown', event => { if (event.isTrusted) window.clicks += 1; }, true) }"""


@pytest.fixture
def server():
    """ann reads docs and loads it, bob and carl write to it, dana does both; some names are hostile."""
    with serving(AnyNames("2.6.18", max_users=2 * MANY)) as (contract, address):
        contract.collections["default"] = ["docs", "notes", "documents_of_2024", "documents_of_2025", "drafts"]
        contract.collections["lab"] = ["trials", TAGGED]
        held = {
            "ann": ["reader"],
            "bob": ["writer"],
            "carl": ["writer"],
            "dana": ["reader", "writer"],
            "gina": ["admin"],
        }
        contract.roles |= dict.fromkeys(["reader", "writer"], "")
        contract.passwords |= dict.fromkeys([*held, FORMULA, TAGGED], b"a-password")
        contract.bindings |= {(user, role) for user, roles in held.items() for role in roles}
        for role, privileges in {"reader": ("Search", "Query", "Load"), "writer": ("Insert", "Upsert")}.items():
            for privilege in privileges:
                contract.grants[role, "Collection", "docs", privilege, "default"] = "root"
        contract.variables = {"TEST_URI": f"http://{address}", "TEST_PASSWORD": "Milvus"}
        yield contract


def open_console(page, url, home, program="jupyterlab"):
    notebook = Notebook(page, url, home, "picture.ipynb", CONNECT, "%milvus_console", "1 + 1", tree=TREES[program])
    notebook.run(0)
    console = Console(notebook, 1)
    if program == "jupyterlab":
        page.keyboard.press("Control+b")  # no list of files beside it
    return notebook, console


def cell_of(console, user, collection):
    """The cell of the picture in somebody's row and below a heading."""
    grid = console.grid("users by collections")
    grid.get_by_role("rowheader", name=user, exact=True).wait_for()
    headings = [each.get_attribute("title") for each in grid.get_by_role("columnheader").all()]
    row = grid.get_by_role("row").filter(has=console.page.get_by_role("rowheader", name=user, exact=True))
    return row.get_by_role("gridcell").nth(headings.index(collection) - 1)


def privileges_of(contract, role):
    return {(grant[3], grant[2]) for grant in contract.grants if grant[0] == role}


def save(console, kind):
    """Press a button that saves the picture; the content of the file."""
    with console.page.expect_download() as found:
        console.press(f"Save as {kind}")
    assert found.value.suggested_filename == f"who_can_do_what.{kind.lower()}"
    return found.value.path().read_bytes()


def test_find_out_why_and_take_it_away_by_mouse(server, tmp_path):
    """At most 6 clicks from the open console; then grant, filter, sort, fold, hide and save, at any width."""
    with jupyter_lab(tmp_path, **server.variables) as url, browser_page(accept_downloads=True) as page:
        _, console = open_console(page, url, tmp_path)
        page.set_viewport_size({"width": 1400, "height": 900})
        why = console.cell.get_by_role("region", name="Why")
        form = console.cell.locator(".mm-form-place")
        change = form.get_by_role("button", name="Change privileges of writer", exact=True)
        page.evaluate(CLICKS)
        console.open("Access")
        cell_of(console, "dana", "default docs").click()
        revoke = why.get_by_role("button", name="Revoke Insert, Upsert on collection 'docs'")
        expect(revoke).to_be_in_viewport(ratio=1)
        console.picture("picture-why")
        revoke.click()
        console.sees("This will revoke Insert, Upsert on collection 'docs'")
        expect(change).to_be_in_viewport(ratio=1)
        assert form.get_by_role("combobox", name="Role").input_value() == "writer"
        console.picture("picture-revoke")
        change.click()
        console.sees("revoked Insert, Upsert on collection 'docs'")
        assert page.evaluate("window.clicks") <= 6
        assert privileges_of(server, "writer") == set()
        assert ("Load", "docs") in privileges_of(server, "reader"), "another role's grant stays"
        expect(cell_of(console, "bob", "default docs")).to_have_attribute("aria-label", "partly sees")
        expect(why).to_contain_text("writes: Load on collection 'docs'")
        expect(why).not_to_contain_text("Upsert")  # it is said anew

        server.passwords["aaron"] = b"a-password"  # by somebody else: every row moves down
        console.press("Refresh")
        cell_of(console, "aaron", "default docs").wait_for()
        expect(why).to_contain_text("dana · default · docs")
        why.get_by_role("button", name="Take role reader away…").click()
        assert form.get_by_role("combobox", name="User").input_value() == "dana"
        del server.passwords["aaron"]
        cell_of(console, "ann", "lab trials").click()
        expect(why).to_contain_text("ann · lab · trials")
        why.get_by_role("button", name="Grant…", exact=True).click()
        for chosen in (
            console.cell.get_by_role("radio", name="lab"), console.cell.get_by_role("checkbox", name="trials")
        ):  # fmt: skip
            expect(chosen).to_be_checked()
        console.cell.get_by_role("checkbox", name=re.compile("^Query")).check()
        form.get_by_role("button", name="Change privileges of reader", exact=True).click()
        console.sees("granted Query on collection 'trials'")
        expect(cell_of(console, "ann", "lab trials")).to_have_attribute("aria-label", re.compile("reads"))
        console.press("Close form")

        grid, count = console.grid("users by collections"), console.cell.locator(".mm-picture .mm-count")
        search = console.cell.get_by_role("searchbox", name="Filter users")
        search.fill("dan")
        expect(count).to_have_text("1 of 9 rows")
        search.fill("")
        grid.get_by_role("columnheader").nth(1).click()
        expect(grid.get_by_role("columnheader").nth(1)).to_have_attribute("aria-sort", "ascending")
        assert set(grid.get_by_role("rowheader").all_inner_texts()[:2]) == {"gina\nadmin", "root"}, (
            "who may most is first"
        )
        console.cell.get_by_label("Fold rows with equal rights").check()
        assert "2 users: gina, root" in grid.get_by_role("rowheader").all_inner_texts()
        console.cell.get_by_label("Hide rows with nothing").check()
        expect(count).to_have_text("4 of 9 rows")
        console.picture("picture-folded")
        for box in ("Fold rows with equal rights", "Hide rows with nothing"):
            console.cell.get_by_label(box).uncheck()
        console.cell.get_by_role("searchbox", name="Filter columns").fill("2024")
        page.keyboard.press("Tab")
        expect(grid.get_by_role("columnheader")).to_have_count(2)
        console.cell.get_by_role("searchbox", name="Filter columns").fill("")
        page.keyboard.press("Tab")
        expect(grid.get_by_role("columnheader")).to_have_count(8)

        rows = list(csv.reader(save(console, "CSV").decode().splitlines()))
        assert rows[0][:3] == ["users", "roles", "default docs"]
        assert {f"'{FORMULA}", TAGGED} <= {row[0] for row in rows}, "a spreadsheet runs no name"
        svg = ElementTree.fromstring(save(console, "SVG"))
        assert {FORMULA, TAGGED, "gina"} <= {text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")}
        png = save(console, "PNG")
        (tmp_path / "picture.png").write_bytes(png)
        assert struct.unpack(">II", png[16:24]) == tuple(2 * int(svg.get(side)) for side in ("width", "height"))
        assert page.evaluate(
            "async bytes => (await createImageBitmap(new Blob([new Uint8Array(bytes)]))).width", list(png)
        )
        assert find_faults(page) == []
        for width in (1400, 900, 500):
            page.set_viewport_size({"width": width, "height": 1100})
            page.wait_for_timeout(500)
            assert not console.cell.evaluate(CUT), f"nothing is cut at {width}"
            assert [each for each in console.cell.evaluate(SIDEWAYS) if each != "mm-grid"] == [], f"sideways at {width}"
            console.picture(f"picture-{width}")


def test_by_keyboard_among_five_thousand_in_a_dark_notebook(server, tmp_path):
    """Arrows stay inside, Enter leads to why, Escape back; the notebook hears none. Only rows in sight are drawn."""
    for number in range(MANY - 8):
        server.passwords[f"user_{number}"] = b"a-password"
        server.bindings.add((f"user_{number}", "reader"))
    home = tmp_path
    with jupyter_lab(home, program="notebook", dark=True, **server.variables) as url, browser_page() as page:
        notebook, console = open_console(page, url, home, "notebook")
        page.set_viewport_size({"width": 1400, "height": 900})
        console.open("Access")
        grid, why = console.grid("users by collections"), console.cell.get_by_role("region", name="Why")
        grid.get_by_role("rowheader", name="bob").wait_for()
        assert grid.get_attribute("aria-rowcount") == str(MANY + 2)
        press, names = page.keyboard.press, sorted(server.passwords)
        grid.locator("[tabindex='0']").focus()
        for key, what in (("Control+Home", "(everybody)"), ("ArrowUp", "users"), ("ArrowDown", "(everybody)"),
                          ("b", "(everybody)"), ("x", "(everybody)"), ("d", "(everybody)"), ("d", "(everybody)"),
                          ("Control+End", names[-1]), ("PageUp", names[-13]), ("Control+Home", "(everybody)"),
                          ("ArrowDown", TAGGED), ("ArrowUp", "(everybody)")):  # fmt: skip
            press(key)
            assert focused(page)[1].splitlines()[0] == what, key
        assert page.locator(".jp-Notebook .jp-CodeCell").count() == 3, "no shortcut of the notebook was pressed"
        for _ in ("formula", "hostile", "ann", "bob"):
            press("ArrowDown")
        press("ArrowRight")
        assert focused(page) == ["gridcell", "partly sees, partly writes"]
        expect(why).to_contain_text("Role writer")
        press("Enter")
        assert focused(page) == ["button", "Take role writer away…"]
        press("Escape")
        expect(why).to_have_text("Choose a cell to see why.")
        assert focused(page) == ["gridcell", "partly sees, partly writes"]
        press("Enter")
        expect(why).to_contain_text("Insert, Upsert on collection 'docs'")
        console.picture("picture-dark-why")
        press("Tab")
        assert focused(page)[1].startswith("Revoke Insert, Upsert")
        press("Enter")
        form = console.cell.locator(".mm-form-place")
        change = form.get_by_role("button", name="Change privileges of writer", exact=True)
        expect(change).to_be_in_viewport(ratio=1)
        expect(form).to_be_focused()
        press("Tab")
        assert page.evaluate("document.activeElement.value") == "writer"
        assert find_faults(page) == []
        console.picture("picture-dark-form")
        console.cell.get_by_role("button", name="Close form").focus()
        press("Enter")
        page.wait_for_function("document.activeElement.getAttribute('role') === 'gridcell'")
        assert privileges_of(server, "writer") == {("Insert", "docs"), ("Upsert", "docs")}, "nothing was changed"
        grid.evaluate("e => e.scrollTo(0, 90000)")
        grid.get_by_role("rowheader", name=names[90_000 // ROW_HEIGHT + 5]).wait_for()
        assert grid.get_by_role("row").count() < 60, "memory is bounded"
        assert page.locator(".jp-Notebook .jp-CodeCell").count() == 3
        notebook.run(2)
        assert "2" in notebook.output(2), "the notebook works as before"
