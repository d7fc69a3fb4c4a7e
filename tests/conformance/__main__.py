"""Run the tests on a server that exists: `python -m conformance http://HOST:PORT docs/servers.md`.

root's password is in MILVUS_PASSWORD; without it a new server's is tried. Where there are users besides root, nothing
is begun unless FOREIGN_USERS=allowed. Whatever ends the run, names of ours are cleared away, and all that the server
tells of users, roles, grants, groups, databases and collections is compared with what was there before.

What stands behind is for pytest, like `-k names`; then the page stays as it is.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

from conformance import page, state
from conformance.server import DEFAULT_PASSWORD, Server
from milvus_magics.client import users
from milvus_magics.errors import MilvusException
from milvus_magics.secret import Secret
from milvus_magics.wording import count_text

HERE = Path(__file__).parent
FAILING = ("failure", "error", "skipped")  # what is not passed, in a report
MAX_NAMES = 10  # of failed tests in a row


def main(arguments):
    first, *rest = __doc__.split("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m conformance", description=first.partition(":")[0], epilog=" ".join(rest)
    )
    parser.add_argument("server", help="like http://localhost:19530")
    parser.add_argument("page", type=Path, help="the file to write the row into")
    options, more = parser.parse_known_args(arguments)
    if "@" in options.server:
        sys.exit(
            "nothing was begun: an address with a login is seen by others; put root's password into MILVUS_PASSWORD"
        )
    if not more and (problem := page.problem_with(options.page)):
        sys.exit(f"nothing was begun: {problem}")
    try:
        server = Server(options.server, Secret.from_environment("MILVUS_PASSWORD") or Secret(DEFAULT_PASSWORD))
        foreign = len([name for name in users.list_usernames(server.conn, timeout=30) if name != "root"])
    except MilvusException as exc:
        sys.exit(f"nothing was begun: {exc}")
    if foreign and os.environ.get("FOREIGN_USERS") != "allowed":
        sys.exit(
            f"nothing was begun: {server.uri} has {count_text(foreign, 'user')} besides root, so it seems to be "
            "in use; to run the tests there all the same, say FOREIGN_USERS=allowed"
        )
    print(f"{name_of(server)}; all names of this run begin with {server.prefix}", flush=True)
    row = run(server, more)
    print(row)
    if not more:
        page.write(options.page, row)
    sys.exit(0 if is_good(row) else 1)


def name_of(server):
    return page.name_of(server.version, server.mode, server.imitated)


class Interrupts:
    """As a context: whatever wants to end this process is passed on to another one, and noted."""

    def __init__(self):
        self.process, self.came = None, False

    def __enter__(self):
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        self._before = {number: signal.signal(number, self._note) for number in numbers}
        return self

    def __exit__(self, *exc):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, *_):
        self.came = True
        print("interrupted: what was made is cleared away", flush=True)
        if self.process:
            self.process.send_signal(signal.SIGINT)


def run(server, more):
    """Run the tests and return their row; exits where they did not end, or something is not as it was before."""
    before = state.read(server.conn)
    with tempfile.TemporaryDirectory() as place, Interrupts() as interrupts:
        report = Path(place) / "junit.xml"
        command = [
            sys.executable, "-m", "pytest", "-q", "-c", HERE.parents[1] / "pyproject.toml", "-p", "no:cacheprovider",
            "-m", "conformance", "--server", server.uri, "--prefix", server.prefix, "--junitxml", report, *more, HERE,
        ]  # fmt: skip
        # In a session of its own, so that a terminal's Ctrl-C reaches it by us only.
        with subprocess.Popen(
            command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as interrupts.process:
            pass_on(interrupts.process.stdout, interrupts)
            code = interrupts.process.wait()
        interrupts.process = None
        try:
            left = state.clear(server.conn, server.places, server.prefix)
            left += state.differences(before, state.read(server.conn))
        except MilvusException as exc:
            left = [f"what is there now cannot be seen ({exc}); what is ours begins with {server.prefix}"]
        server.close()
        if left:
            sys.exit("\n".join([*left, "so the server is not as it was before; no row was written"]))
        if interrupts.came or code not in (0, 1):
            sys.exit("the tests did not end, and the server is as it was before; no row was written")
        return row_of(server, ElementTree.parse(report).getroot().findall("testsuite/testcase"))


def pass_on(output, interrupts):
    """Print what the tests print, but for what pytest has to say of an interrupt."""
    while chunk := output.read1():
        if not interrupts.came:
            sys.stdout.flush()
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()


def row_of(server, cases):
    """What came of it, for the page."""
    bad = [case for case in cases if any(case.find(kind) is not None for kind in FAILING)]
    asked = {one.get("value") for case in cases for one in case.iter("property") if one.get("name") == "trait"}
    names = sorted({case.get("name").partition("[")[0] for case in bad})
    more = [f"and {len(names) - MAX_NAMES} more"] if len(names) > MAX_NAMES else []
    failed = f"; FAILED: {', '.join([*names[:MAX_NAMES], *more])}" if names else ""
    different = [text for trait, text in server.without().items() if trait in asked]
    return page.Row(
        server=name_of(server),
        authorization="on" if server.authorization else "off",
        date=time.strftime("%Y-%m-%d"),
        passed=f"{len(cases) - len(bad)} of {len(cases)}{failed}",
        different="; ".join(different) or page.SAME,
    )


def is_good(row):
    """Whether there were tests, and all of them passed."""
    passed, _, count = row.passed.partition(" of ")
    return passed == count != "0"


if __name__ == "__main__":
    main(sys.argv[1:])
