"""Which tests need a server, and figures that tests tell, kept in build/figures.json for `make promises`."""

import json
import time
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
FIGURES = TESTS.parent / "build" / "figures.json"
OURS = "figure of "


def pytest_addoption(parser):
    """What `make conformance` gives."""
    parser.addoption("--server", help="where the tests of tests/conformance run: a server that exists")
    parser.addoption("--prefix", default="", help="with what all names begin that are made there")


def pytest_collection_modifyitems(items):
    """Mark what starts a real Milvus or a browser, so that `-m "not live"` leaves it out."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in ("live", "browser", "conformance"):
            item.add_marker("live")
        if folder == "conformance":
            item.add_marker("conformance")


@pytest.fixture(scope="module")
def shell():
    """IPython in this process, with the magics."""
    from IPython.core.interactiveshell import InteractiveShell  # not wanted by tests without magics
    from traitlets.config import Config

    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "milvus_magics")
    yield shell
    shell.run_line_magic("unload_ext", "milvus_magics")


@pytest.fixture
def figure(record_property):
    """`figure("faults", tried=40, hangs=0)`: what a test counted for a promise, kept if it passes."""
    return lambda promise, **numbers: record_property(OURS + promise, numbers)


def pytest_terminal_summary(terminalreporter):
    """Keep the figures of this run, and of files that it left out. With several workers, only the main process asks."""
    reports = [report for report in terminalreporter.stats.get("passed", []) if report.when == "call"]
    failed = {report.nodeid for key in ("failed", "error") for report in terminalreporter.stats.get(key, [])}
    files = {nodeid.partition("::")[0] for nodeid in {report.nodeid for report in reports} | failed}
    if not files or terminalreporter.config.getoption("server"):
        return
    kept = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    found = {file: {"day": time.strftime("%Y-%m-%d"), "passed": 0, "failed": 0, "figures": {}} for file in files}
    for nodeid in failed:
        found[nodeid.partition("::")[0]]["failed"] += 1
    for report in reports:
        entry = found[report.nodeid.partition("::")[0]]
        entry["passed"] += 1
        for name, numbers in report.user_properties:
            if name.startswith(OURS):
                _add(entry["figures"].setdefault(name.removeprefix(OURS), {}), numbers)
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps({**kept, **found}, indent=1, sort_keys=True), encoding="utf-8")


def _add(total, numbers):
    for name, number in numbers.items():
        total[name] = total.get(name, 0) + number
