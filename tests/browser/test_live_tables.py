"""Results in front ends: tables to search and sort in a live notebook, and the HTML that was saved without a kernel.

The server is the contract server. Leaves pictures in build/screenshots, to be looked at.
"""

from contract import AnyNames, serving
from lab import PICTURES, Notebook, browser_page, jupyter_lab
from nbconvert import HTMLExporter

CELL = """import os
%load_ext milvus_magics
_ = get_ipython().run_line_magic("milvus_connect", f"{os.environ['TEST_URI']} --user root --password-env TEST_PASSWORD")
users = %milvus_list_users
users"""
SHUT_DOWN = """async () => {
  const token = /_xsrf=([^;]+)/.exec(document.cookie)[1];
  for (const session of await (await fetch('/api/sessions')).json())
    await fetch(`/api/sessions/${session.id}`, {method: 'DELETE', headers: {'X-XSRFToken': token}});
  return (await (await fetch('/api/sessions')).json()).length;
}"""


def test_a_long_result_is_searched_and_sorted_and_stays_without_its_kernel(tmp_path):
    """One table is seen: the widget while there is a kernel; the HTML when opened again, and in nbconvert's page."""
    with serving(AnyNames("2.6.18")) as (server, address):
        server.passwords |= {f"user_{number}": b"a-password" for number in range(1, 25)}
        server.roles["reader"] = ""
        server.bindings |= {(f"user_{number}", "reader") for number in range(1, 25, 2)}
        variables = {"TEST_URI": f"http://{address}", "TEST_PASSWORD": "Milvus"}
        with jupyter_lab(tmp_path, saves_state=False, **variables) as url, browser_page() as page:
            notebook = Notebook(page, url, tmp_path, "live.ipynb", CELL)
            notebook.run(0)
            page.keyboard.press("Control+b")  # no list of files beside it
            cell = notebook.cell(0)
            grid, plain = cell.get_by_role("grid", name="Users"), cell.locator(".mm-static")
            grid.wait_for()

            def picture(name):
                PICTURES.mkdir(parents=True, exist_ok=True)
                page.screenshot(path=PICTURES / f"live-table-{name}.png")

            picture("at-first")
            assert not plain.is_visible(), "one table is enough"
            assert cell.get_by_text("25 users", exact=True).is_visible()
            cell.get_by_role("searchbox").fill("reader user_1")
            cell.get_by_text("6 of 25 users").wait_for()
            grid.get_by_role("columnheader", name="name").dblclick()  # up, then down
            names = grid.locator(".mm-space .mm-cell:nth-child(2)")
            assert names.all_inner_texts() == [f"user_{number}" for number in (19, 17, 15, 13, 11, 1)]
            picture("sorted")

            notebook.save()
            assert page.evaluate(SHUT_DOWN) == 0
            page.goto(f"{url}/lab/tree/live.ipynb")
            plain.wait_for()
            error = page.get_by_text("Error displaying widget")
            error.wait_for(state="attached")
            picture("opened-again")
            assert not error.is_visible(), "what cannot be shown says nothing"
            assert plain.is_visible()
            assert plain.locator("tbody tr").count() == 25
            assert grid.count() == 0

            made = tmp_path / "live.html"
            made.write_text(HTMLExporter().from_filename(tmp_path / "live.ipynb")[0])
            page.goto(made.as_uri())
            assert page.locator(".mm-static table").is_visible()
            assert page.locator("table").count() == 1
            assert "widget" not in page.locator("main").inner_text().lower()
