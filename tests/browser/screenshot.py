"""Take README's pictures from a real JupyterLab on a real Milvus: `python screenshot.py DIRECTORY`."""

import io
import re
import sys
import tempfile
from pathlib import Path

import pymilvus
from lab import Console, Form, Notebook, browser_page, jupyter_lab
from PIL import Image

from milvus_magics import embedded
from milvus_magics.client import privileges, roles, users
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

CONNECT = """%load_ext milvus_magics
%milvus_connect http://localhost:19530 --user root --password-env TEST_PASSWORD"""


PASSWORD = "a-password-of-theirs"
SECONDS_PER_STEP = 3
GRANTS = {
    "reader": [("Search", "docs", "default"), ("Query", "docs", "default"), ("Search", "trials", "lab")],
    "loader": [(privilege, "*", "*") for privilege in ("Insert", "Delete", "Load", "Release")],
    "owner": [("*", "images", "default"), ("*", "trials", "lab")],
}
USERS = {"ann": ["reader"], "bob": ["reader", "loader"], "carol": ["admin"], "dave": [], "eve": ["owner"]}


def fill(server):
    """A small team on two databases."""
    root = {"uri": f"http://{server.address}", "user": "root", "password": server.password.reveal()}
    pymilvus.MilvusClient(**root).create_database("lab")
    for db, names in {"default": ("docs", "images"), "lab": ("trials",)}.items():
        for name in names:
            pymilvus.MilvusClient(**root, db_name=db).create_collection(name, dimension=4)
    conn = Connection(Address.parse(server.uri, user="root", password=server.password))
    for role, grants in GRANTS.items():
        roles.create_role(conn, role, timeout=10)
        for privilege, collection, db in grants:
            privileges.grant_privilege(
                conn, role, privilege, object_type="Collection", object_name=collection, db=db, timeout=10
            )
    for name, grant in USERS.items():
        users.create_user(conn, name, PASSWORD, grant=grant, timeout=10)
    conn.close()


def main():
    target = Path(sys.argv[1]).resolve()
    target.mkdir(exist_ok=True)
    with embedded.start(tcp_port=19530) as server, tempfile.TemporaryDirectory() as home:
        fill(server)
        with jupyter_lab(home, TEST_PASSWORD=server.password.reveal()) as url:
            with browser_page(device_scale_factor=2) as page:
                take_single_pictures(page, url, home, target)
            with browser_page() as page:
                take_tour(page, url, home, target)
    print(target)


def take_single_pictures(page, url, home, target):
    """The form, the picture of access, and the console, as README shows them."""
    notebook = Notebook(
        page, url, home, "picture.ipynb", CONNECT, "%milvus_delete_user --form",
        "access = %milvus_access\naccess.matrix(columns='collections')", "%milvus_console",
    )  # fmt: skip
    notebook.run(0)
    notebook.run(1)
    form = Form(page)
    form.fill("bob", PASSWORD)
    page.wait_for_timeout(500)
    notebook.cell(1).screenshot(path=target / "delete_user_form.png")
    notebook.run(2)
    page.wait_for_timeout(500)
    notebook.cell(2).screenshot(path=target / "access.png")
    console = Console(notebook, 3)
    console.choose("Users", "bob")
    console.sees("user 'bob'")
    console.press("Grant role to bob…")
    console.cell.get_by_role("combobox", name="Role", exact=True).fill("owner")
    page.wait_for_timeout(500)
    console.cell.screenshot(path=target / "console.png")


def take_tour(page, url, home, target):
    """The console step by step: a role that may read one collection, and who has it; one animated picture."""
    page.set_viewport_size({"width": 1150, "height": 900})
    notebook = Notebook(page, url, home, "tour.ipynb", CONNECT, "%milvus_console")
    page.keyboard.press("Control+b")
    notebook.run(0)
    console, frames = Console(notebook, 1), []

    def take():
        page.wait_for_timeout(500)
        picture = Image.open(io.BytesIO(console.cell.locator(".jp-OutputArea").first.screenshot()))
        frames.append(picture.convert("RGB"))

    take()
    console.open("Roles")
    console.press("Create role…")
    console.wait_for_focus("Role")
    page.keyboard.type("docs_reader")
    take()
    console.press("Create docs_reader")
    console.sees("created role 'docs_reader'")
    console.press("Privileges docs_reader")
    for name in ("docs", "Search", "Query"):
        console.cell.get_by_role("checkbox", name=re.compile(f"^{name}( |$)")).first.click()
    take()
    console.press("Change privileges of docs_reader")
    console.sees("granted Search, Query")
    console.open("Users")
    console.choose("Users", "dave")
    console.press("Grant role to dave…")
    console.cell.get_by_role("combobox", name="Role", exact=True).fill("docs_reader")
    take()
    console.press("Grant docs_reader to dave")
    console.sees("gave role 'docs_reader'")
    console.open("Access")
    take()
    save_tour(frames, target / "console.gif")


def save_tour(frames, path):
    """Frames of one size, on white, as an animated GIF of few colours."""
    size = max(frame.width for frame in frames), max(frame.height for frame in frames)
    shown = []
    for frame in frames:
        canvas = Image.new("RGB", size, "white")
        canvas.paste(frame)
        shown.append(canvas.quantize(64))
    shown[0].save(path, save_all=True, append_images=shown[1:], duration=SECONDS_PER_STEP * 1000, loop=0)


if __name__ == "__main__":
    main()
