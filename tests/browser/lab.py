"""A real JupyterLab with a home of its own, in a real Chromium. Without Chromium the tests fail; they don't skip."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from pathlib import Path

import nbformat
from playwright.sync_api import sync_playwright

TREES = {"jupyterlab": "lab/tree", "notebook": "notebooks"}  # program -> where it opens a notebook
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SECONDS_TO_START = 60
SECONDS_TO_END = 30
MILLISECONDS = 60_000
PICTURES = Path(__file__).parent.parent.parent / "build" / "screenshots"


@contextlib.contextmanager
def jupyter_lab(home, *, program="jupyterlab", dark=False, saves_state=True, **variables):
    """A JupyterLab that keeps everything under `home`; yields its address. Its output goes to home/server.log.

    With `program="notebook"` it is a Jupyter Notebook 7.
    """
    port = free_port()
    home = Path(home)
    settings = home / "settings" / "@jupyter-widgets" / "jupyterlab-manager"
    settings.mkdir(parents=True)
    # The harder case for secrets: widget state goes into the notebook, which is not what everybody has.
    (settings / "plugin.jupyterlab-settings").write_text(json.dumps({"saveState": saves_state}))
    (settings.parents[1] / "@jupyterlab" / "apputils-extension").mkdir(parents=True)
    if dark:
        themes = settings.parents[1] / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
        themes.write_text(json.dumps({"theme": "JupyterLab Dark"}))
    notification = settings.parents[1] / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    notification.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
    environment = {**os.environ, **variables, "HOME": str(home), "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
                   "IPYTHONDIR": str(home / "ipython"), "JUPYTER_CONFIG_DIR": str(home / "config"),
                   "JUPYTER_DATA_DIR": str(home / "data"), "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
                   "JUPYTER_PREFER_ENV_PATH": "1"}  # fmt: skip
    options = [f"--port={port}", "--no-browser", "--allow-root", "--IdentityProvider.token=", f"--notebook-dir={home}",
               "--ServerApp.ip=127.0.0.1", "--LabApp.news_url=", "--LabApp.check_for_updates_class="
               "jupyterlab.NeverCheckForUpdate"]  # fmt: skip
    with open(home / "server.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", program, *options], env=environment, stdout=log, stderr=log, cwd=home
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/api", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()  # on a busy machine it may wait for a thread of its own for ever, with all else closed
                process.wait()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def wait_for(url, process):
    end = time.monotonic() + SECONDS_TO_START
    while True:
        assert process.poll() is None, "JupyterLab ended while it started"
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(url, timeout=2).close()
        assert time.monotonic() < end, "JupyterLab did not start"
        time.sleep(0.2)


@contextlib.contextmanager
def browser_page(**options):
    """A page of a headless Chromium."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, f"no Chromium found; looked for {', '.join(BROWSERS)}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=QUIET)
        try:
            page = browser.new_page(viewport={"width": 1200, "height": 900}, **options)
            page.set_default_timeout(MILLISECONDS)
            yield page
        finally:
            browser.close()


class Notebook:
    """A notebook open in a page. Cells are counted from 0. Keeps what the kernel sends, each message as it came."""

    def __init__(self, page, url, home, name, *cells, tree="lab/tree"):
        self.page, self.path, self.published = page, Path(home) / name, []
        # On a slow machine the front end may ask something of its own, which is in the way of all else.
        page.add_locator_handler(page.locator("dialog.jp-Dialog"), self._accept)
        page.on("websocket", lambda channel: channel.on("framereceived", lambda frame: self.published.append(frame)))
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, self.path)
        page.goto(f"{url}/{tree}/{name}?reset")
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
        if tree == "lab/tree":
            page.get_by_text("| Idle").wait_for()

    def _accept(self, dialog):
        warnings.warn(f"a dialog of the front end: {dialog.inner_text()}", stacklevel=2)
        dialog.locator(".jp-mod-accept").click()

    def cell(self, number):
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(number)

    def start(self, number):
        """Run a cell, without waiting for its end."""
        self.cell(number).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        self.page.wait_for_timeout(500)

    def run(self, number):
        """Run a cell until it is done; its output as text."""
        for _ in range(10):
            self.start(number)
            if self.prompt_after(number) != "[ ]:":
                break  # else JupyterLab forgot it, which it does while it connects to the kernel
        return self.output(number)

    def done(self, number):
        """Wait until a cell is done; its output as text."""
        assert self.prompt_after(number) != "[ ]:", "the cell was never run"
        return self.output(number)

    def prompt_after(self, number):
        """What stands before a cell once it isn't running."""
        self.page.wait_for_function(
            """n => !document.querySelectorAll('.jp-Notebook .jp-CodeCell')[n]
                .querySelector('.jp-InputPrompt').textContent.includes('*')""",
            arg=number,
        )
        return self.cell(number).locator(".jp-InputPrompt").first.inner_text().strip()

    def output(self, number):
        return "\n".join(self.cell(number).locator(".jp-OutputArea-output").all_inner_texts())

    def answer(self, text):
        """Type at the prompt of the running cell."""
        field = self.page.locator(".jp-Stdin-input")
        field.fill(text)
        field.press("Enter")
        field.wait_for(state="detached")

    def heard(self, text):
        """Whether a message of the kernel holds this text."""
        return any(
            text in (each if isinstance(each, str) else each.decode(errors="replace")) for each in self.published
        )

    def complete(self, number, text):
        """Type into a cell and press Tab; what is offered."""
        self.cell(number).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)
        self.page.keyboard.press("Tab")
        popup = self.page.locator(".jp-Completer-item")
        popup.first.wait_for()
        offered = popup.locator(".jp-Completer-match").all_inner_texts()
        self.page.keyboard.press("Escape")
        return offered

    def save(self):
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("Control+s")
        self.page.wait_for_timeout(1500)


class Form:
    """The form in a notebook's page."""

    def __init__(self, page):
        self.page = page
        self.user = page.get_by_placeholder("choose or type a name")
        self.password = page.get_by_placeholder("that user's password")
        self.button = page.locator(".mm-panel").get_by_role(
            "button", name=re.compile("^Delete (?!.* without password$)")
        )
        self.user.wait_for()

    def fill(self, user, password):
        self.user.fill(user)
        self.password.fill(password)

    def sees(self, text):
        self.page.get_by_text(text).first.wait_for()


class Console:
    """The console in a notebook's page."""

    def __init__(self, notebook, number):
        self.page, self.cell = notebook.page, notebook.cell(number)
        notebook.run(number)
        self.cell.get_by_role("button", name="Close console").wait_for()

    def open(self, tab):
        self.cell.get_by_role("tab", name=tab).click()

    def press(self, name):
        self.cell.get_by_role("button", name=name, exact=True).click()

    def grid(self, label):
        return self.cell.get_by_role("grid", name=label)

    def names(self, label):
        """The first column of the rows that are drawn."""
        return self.grid(label).locator(".mm-space .mm-cell:nth-child(2)").all_inner_texts()

    def choose(self, label, name):
        """Select one row and no other, by a click."""
        self.grid(label).get_by_role("gridcell", name=name, exact=True).first.click()

    def tick(self, name):
        """Add a row to those selected, or take it out."""
        self.cell.get_by_role("checkbox", name=f"Select {name}", exact=True).click()

    def search(self, text):
        """Type into the search box of the page that is seen."""
        self.cell.get_by_role("searchbox").first.fill(text)

    def sees(self, text):
        self.cell.get_by_text(text).first.wait_for()

    def wait_for_focus(self, label):
        wait_for_focus(self.page, label)

    def picture(self, name):
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_timeout(300)
        self.cell.screenshot(path=PICTURES / f"{name}.png")


def focused(page):
    """The label of the field that has the keyboard's focus, or the text of the button."""
    return page.evaluate("(e => (e.labels && e.labels[0] || e).innerText)(document.activeElement)")


def wait_for_focus(page, label):
    """Wait until the field with this label has the keyboard's focus."""
    page.wait_for_function("label => document.activeElement.labels?.[0]?.innerText === label", arg=label)


def tab_through(page, times):
    """The texts of what Tab reaches, each with its focus to be seen."""
    reached = []
    for _ in range(times):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.matches(':focus-visible')")
        reached.append(page.evaluate("document.activeElement.placeholder || document.activeElement.innerText"))
    return reached
