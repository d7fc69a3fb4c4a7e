"""Run the tests on a server that exists: `python -m conformance http://HOST:PORT docs/servers.md`.

root's password is in MILVUS_PASSWORD; without it a new server's is tried. Where there are users besides root, nothing is
begun unless FOREIGN_USERS=allowed. Whatever ends the run, names of ours are cleared away, and all that the server keeps of
users, roles, grants, groups, databases and collections is compared with what was there before.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

from conformance import page, state
from conformance.conftest import DEFAULT_PASSWORD
from conformance.server import Server, new_prefix

from milvus_magics.client import users
from milvus_magics.errors import MilvusException
from milvus_magics.secret import Secret

HERE = Path(__file__).parent
ALLOW = "FOREIGN_USERS"
MAX_NAMES = 10  # of failed tests in a row


def main(arguments):
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__.partition(":")[0])
    parser.add_argument("server", help="like http://localhost:19530")
    parser.add_argument("page", type=Path, help="the file to write the row into")
    options, more = parser.parse_known_args(arguments)
    try:
        server = Server(
            options.server, Secret.from_environment("MILVUS_PASSWORD") or Secret(DEFAULT_PASSWORD), new_prefix()
        )
    except MilvusException as exc:
        sys.exit(f"nothing was begun: {exc}")
    if foreign := [name for name in users.list_usernames(server.conn, timeout=30) if name != "root"]:
        if os.environ.get(ALLOW) != "allowed":
            sys.exit(
                f"nothing was begun: there are {len(foreign)} users besides root on {server.conn.address.url}, so it seems "
                f"to be in use; if the tests may run there all the same, say {ALLOW}=allowed"
            )
    name = page.name_of(server.version, server.mode, server.imitated)
    print(f"{name}; all names of this run begin with {server.prefix}", flush=True)
    with tempfile.TemporaryDirectory() as place:
        report = Path(place) / "junit.xml"
        ended, left = run(server, options.server, report, more)
        for line in left:
            print(line)
        if not ended or left or not report.exists():
            sys.exit(
                f"{options.page} is as it was: {'the tests did not end' if not left else 'something is left over'}"
            )
        row = row_of(server, name, report)
    if not more:
        page.write(options.page, row)
    print(row)
    sys.exit(0 if is_good(row) else 1)


def run(server, uri, report, more):
    """Run the tests; returns whether they ended by themselves, and what is not as it was before."""
    before = state.read(server.conn)
    command = [sys.executable, "-m", "pytest", "-q", "-c", HERE.parent.parent / "pyproject.toml", "-p", "no:cacheprovider",
               "-m", "conformance", "--server", uri, "--prefix", server.prefix, "--junitxml", report, *more, HERE]  # fmt: skip
    with ending_quietly(process := subprocess.Popen(command)) as told:
        code = process.wait()
    with ending_quietly(None) as again:
        wrong = state.clear(server.conn, server.places, server.prefix)
        wrong += state.differences(before, state.read(server.conn))
    server.close()
    return not told and not again and code in (0, 1), wrong


@contextlib.contextmanager
def ending_quietly(process):
    """Pass interrupts and terminations on to a process, or only note them, so that what is begun is cleared away."""
    told = []

    def pass_on(number, frame):
        told.append(number)
        print("interrupted; clearing away what is there", flush=True)
        if process and number == signal.SIGTERM:
            process.send_signal(signal.SIGINT)  # a terminal's Ctrl-C reaches it by itself

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def row_of(server, name, report):
    """What came of it, for the page."""
    suite = ElementTree.parse(report).getroot().find("testsuite")
    cases = suite.findall("testcase")
    failed = sorted({case.get("name").partition("[")[0] for case in cases if case.find("failure") is not None or
                     case.find("error") is not None})  # fmt: skip
    bad = [case for case in cases if any(case.find(kind) is not None for kind in ("failure", "error", "skipped"))]
    asked = {one.get("value") for case in cases for one in case.iter("property") if one.get("name") == "trait"}
    passed = f"{len(cases) - len(bad)} of {len(cases)}"
    if failed:
        more = f" and {len(failed) - MAX_NAMES} more" if len(failed) > MAX_NAMES else ""
        passed += f"; FAILED: {', '.join(failed[:MAX_NAMES])}{more}"
    different = [text for trait, text in server.without().items() if trait in asked]
    return page.Row(
        name, "on" if server.authorization else "off", time.strftime("%Y-%m-%d"), passed,
        "; ".join(different) or page.SAME,
    )  # fmt: skip


def is_good(row):
    """Whether all tests passed."""
    passed, _, count = row.passed.partition(" of ")
    return passed == count != "0"


if __name__ == "__main__":
    main(sys.argv[1:])
