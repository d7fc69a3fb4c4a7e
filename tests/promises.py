"""What is promised, how it is tested and what came of it last: `python promises.py TABLE.md`, after the tests.

The tests leave what they counted in build/figures.json (conftest.py).
"""

import json
import sys
from pathlib import Path
from typing import NamedTuple

from conftest import FIGURES

HERE = Path(__file__).parent


class Promise(NamedTuple):
    """What users are promised.

    Attributes:
        text: it, in words.
        how: how it is tested.
        files: the tests.
        figure: under which name they count; empty = tests alone.
    """

    text: str
    how: str
    files: tuple[str, ...]
    figure: str = ""


PROMISES = [
    Promise(
        "No password in the notebook, outputs, history, widget state, tracebacks, logs, files or arguments",
        "odd passwords through every magic, form and function in real kernels and in JupyterLab, right and wrong; then "
        "every file and message is searched in every spelling, and shown to be found where one is put on purpose",
        ("live/test_leaks.py", "live/test_kernel.py", "browser/test_lab.py", "test_secret.py", "test_frames.py"),
        "secrets",
    ),
    Promise(
        "No frame of ours leads to a password, whatever fails and whatever is given for one",
        "every magic, form and function that takes one, as they are registered, with wrong passwords, types, names and "
        "lines, and servers that are away, lose answers or never answer: variables, attributes and closures are "
        "searched, and what tracebacks of all kinds print",
        ("test_leak_hunt.py",),
        "frames",
    ),
    Promise(
        "No log of a debugging kernel has what is typed into a form or at a prompt",
        "a real kernel with everything switched on that Python, IPython, ipykernel, asyncio and gRPC can write down",
        ("live/test_debugging_kernel.py", "test_kernel_log.py"),
        "debugging",
    ),
    Promise(
        "What an error says to remove a typed password by removes it",
        "lines of many kinds in real kernels, with IPython's history written at once and with delay; and in "
        "JupyterLab, with its file and its copy",
        ("live/test_kernel.py", "browser/test_typed_password.py"),
    ),
    Promise(
        "Deleting wants the password, and checks it",
        "right, wrong, odd and too long ones, with authorization on and off, behind gateways that let everything pass",
        ("live/test_delete_user.py", "live/test_passwords.py"),
    ),
    Promise(
        "What is told is what happened",
        "every change with its request or its answer lost, late or cut, on the real server and on newer ones",
        ("live/test_faults.py",),
    ),
    Promise(
        "Server and model agree after every change",
        "random sequences of right and wrong changes with a model beside them",
        ("live/test_sequences.py",),
        "sequences",
    ),
    Promise(
        "What the access view says somebody may do is what happens when they try",
        "users, roles and grants at random; each is tried, by pymilvus, on collections that exist",
        ("live/test_access.py", "live/test_newer_access.py", "test_marks.py"),
        "access",
    ),
    Promise(
        "On each version, the access view says yes exactly where a call is let through",
        "rights at random on the real 2.3.5 and on the imitation of four versions, and every recorded call of a user",
        ("test_rights_law.py", "test_rights_as_recorded.py", "live/test_rights_of_a_real_server.py"),
        "rights",
    ),
    Promise(
        "As documented, and as pymilvus where that does what is documented",
        "each function of `utility` and `Role` beside pymilvus's on the same server",
        ("live/test_congruence.py", "live/test_beside_pymilvus.py"),
    ),
    Promise(
        "Every row of many users is told truly, and running it again finishes it",
        "a server killed in the middle, answers lost, late, refused or cut at random, interrupts, an alias bound anew; "
        "one and many beside each other on a restarted server; a dry run before the run",
        (
            "live/test_bulk.py",
            "test_pipeline.py",
            "test_random_faults.py",
            "live/test_one_and_many.py",
            "test_dry_run_of_many.py",
            "test_repeated_requests.py",
        ),
    ),
    Promise(
        "It works on each version of Milvus, with authorization on and off",
        "every operation on the real 2.3.5 and on the imitation of each version that was recorded; `make conformance` "
        "runs the same on any server: [servers.md](servers.md)",
        (
            "conformance/test_users.py",
            "conformance/test_roles_and_grants.py",
            "conformance/test_many_users.py",
            "conformance/test_session.py",
            "conformance/test_rights.py",
        ),
    ),
    Promise(
        "What was deleted comes back as it was",
        "users with their password or its hash, roles with their grants and holders",
        ("live/test_undo.py",),
    ),
    Promise(
        "A change of what a role holds is taken back exactly: what others changed meanwhile stays",
        "changes drawn by hypothesis, by one call or singly, on the imitation of each version",
        ("test_change_grants.py",),
    ),
    Promise(
        "Nothing is restored on another cluster than the one where it was, unless that is confirmed",
        "clusters that take each other's address, answer at two, are restarted or don't tell which one they are",
        ("test_undo_elsewhere.py", "live/test_undo.py"),
    ),
    Promise(
        "No check of a password changes one, also with authorization off",
        "dry runs, views, the console and refused deletions on imitations whose bcrypt takes more than 72 bytes",
        ("test_checks_that_write.py",),
    ),
    Promise(
        "TLS fails with a line that says why",
        "Milvus's own two TLS modes: foreign authority, expired, other name, no client certificate, plaintext mixed up",
        ("live/test_milvus_tls.py", "test_tls.py"),
    ),
    Promise(
        "Bad networks end within the deadline, with an error that says what, and the connection goes on",
        "every magic and form against servers that refuse, freeze, swallow, reset, dribble or talk nonsense; restarts, "
        "name servers that stop, clocks that jump; gateways, proxies that are down, TLS without HTTP/2, closing",
        ("live/test_networks.py", "live/test_status.py", "test_call_errors.py", "test_connection.py"),
        "faults",
    ),
    Promise(
        "What others would see of a password is said before it goes, and in no error",
        "plaintext to another machine, also as nobody, by magic, function and form; gRPC's traces; servers and "
        "gateways that quote the login in errors of every code",
        ("test_plaintext.py", "test_echoed_secrets.py", "test_grpc_process.py", "test_call_errors.py"),
    ),
    Promise(
        "What a server sends is read in bounded space and time, however much it is",
        "replies over 4 MiB, 3,000 calls to a slow server, patterns of 100,000 characters, two million names",
        ("test_bounds.py",),
        "bounds",
    ),
    Promise(
        "Interrupts leave nothing hanging, and tell what is known",
        "at random moments of calls, and in every changing operation of a real kernel",
        ("live/test_interrupts.py", "live/test_kernel_interrupts.py"),
        "interrupts",
    ),
    Promise(
        "Forms work on every kernel, once, by one click, with all that was typed, also beside a running cell",
        "a real kernel's forms, used by the messages of a front end, late and out of order; double clicks and a fast "
        "Enter on a slow server in JupyterLab; `make matrix`: on older kernels, too",
        ("live/test_kernel_forms.py", "browser/test_forms.py"),
    ),
    Promise(
        "Forking beside an open connection harms neither side",
        "`!command`, `subprocess`, `multiprocessing` and `os.fork` in a real kernel; beside threads in calls, too",
        ("live/test_forks.py", "test_grpc_process.py"),
        "forks",
    ),
    Promise(
        "Nothing is left over",
        "threads, descriptors, widgets and memory before and after operations that work and that fail",
        ("live/test_long_lived.py",),
        "leftovers",
    ),
    Promise(
        "It holds under load, and for long",
        "four kernels with random operations on one server, each compared with what should come (`make soak`: longer)",
        ("live/test_soak.py",),
        "soak",
    ),
    Promise(
        "Nobody logs in to the embedded server by the well-known password, at no moment",
        "without isolation, an attacker that tries it on every port of the server all the time, on new data and on "
        "data that has such a root; with isolation, no port can be reached",
        ("live/test_embedded_safety.py", "live/test_embedded.py"),
        "embedded",
    ),
    Promise(
        "What the embedded server runs and where it writes is its user's alone",
        "programs that are damaged in every way, or somebody else's; links and directories of others at Milvus's fixed "
        "paths, directories of any name, full disks",
        ("test_embedded_files.py", "live/test_embedded_safety.py"),
    ),
    Promise(
        "Text from the server is shown as text",
        "names and descriptions with HTML, scripts, Markdown, ANSI and right-to-left marks in every table, picture, "
        "error, form, the console, audit and bulk result, and in the page of a real JupyterLab",
        ("live/test_hostile_names.py", "browser/test_looks.py", "test_display.py"),
    ),
    Promise(
        "No text of a server acts, hides or looks like ours, whatever it is",
        "a server each of whose texts is hostile, its version and refusals included: every magic and form, results, "
        "questions, warnings, records of any logger and the audit's files are searched for what cannot be seen",
        ("test_hostile_texts.py",),
    ),
    Promise(
        "No text of a server is longer than a screen takes, nor cut for a program",
        "names of 10,000 characters in magics and forms; whole on hovering, in rows, files and what Tab writes; what "
        "Milvus itself takes is never cut",
        ("test_long_texts.py",),
    ),
    Promise(
        "What Tab inserts is one word that means that very name",
        "all characters of Unicode, and names at random, read by IPython and by the splitter; and in JupyterLab",
        ("test_completed_names.py", "browser/test_tab.py"),
    ),
    Promise(
        "A value on a line is expanded once",
        "names that look like options or code, in magics, aliases of them, automagic, cells within cells, functions, "
        "and magics of the user's own",
        ("test_expanded_once.py",),
    ),
    Promise(
        "Whatever comes in: no error but ours, no success that nobody gave",
        "random addresses, lines, files and statuses; servers that answer at random",
        ("test_fuzz.py", "test_arguments.py"),
    ),
    Promise(
        "The console can be used by keyboard and screen reader, with many users, too",
        "its tables in JupyterLab and Notebook by keys alone, which the notebook does not hear; axe-core looks for "
        "serious faults, light and dark; 5,000 users are shown, searched and selected; the picture of access likewise",
        ("browser/test_table.py", "browser/test_picture.py"),
        "table",
    ),
    Promise(
        "A long result is a table to search and sort, and is never lost with its kernel",
        "in JupyterLab, saved and opened again without the kernel, and in nbconvert's page: one table is seen; what it "
        "holds is what the HTML shows, whatever a server calls its things, and no password",
        ("test_live_results.py", "browser/test_live_tables.py"),
    ),
    Promise(
        "Why somebody may write, and taking that away, is at most 6 clicks from the open console",
        "each click counted in JupyterLab, from a cell of the picture to the form, in sight and filled in; and by "
        "keyboard",
        ("browser/test_picture.py",),
    ),
    Promise(
        "A form for many users keeps no password, and gives those that it made up to one browser, once",
        "files and pastes with passwords, read, refused, stopped and closed; all messages and states are searched, in "
        "JupyterLab with its file, and in a debugging kernel",
        ("test_many_users_form.py", "browser/test_many_users.py", "live/test_debugging_kernel.py"),
    ),
    Promise(
        "What is installed is what was tested",
        "the tests run on the wheel, made from the source distribution; both are looked into",
        ("test_package.py",),
    ),
]


def main(target):
    """Write the table; what was not run, or failed, ends it."""
    found = json.loads(FIGURES.read_text(encoding="utf-8"))
    missing = sorted({file for promise in PROMISES for file in promise.files if f"tests/{file}" not in found})
    if missing:
        sys.exit(f"no figures of {', '.join(missing)}: run `make test` first")
    rows = [row(promise, [found[f"tests/{file}"] for file in promise.files]) for promise in PROMISES]
    target.write_text("\n".join([HEAD, *rows, ""]), encoding="utf-8")
    print(f"{len(rows)} promises written to {target}")
    failed = [file for file, entry in found.items() if entry["failed"]]
    sys.exit(f"there are failures in {', '.join(failed)}" if failed else 0)


HEAD = """# What is promised, and how it is tested

Written by `make promises` from what the tests of a whole run told.

| promise | how it is tested | files | last figures |
|---|---|---|---|"""


def row(promise, entries):
    """One line of the table."""
    passed, failed = (sum(entry[key] for entry in entries) for key in ("passed", "failed"))
    numbers = {}
    for entry in entries:
        for name, number in entry["figures"].get(promise.figure, {}).items():
            numbers[name] = numbers.get(name, 0) + number
    counted = [f"{passed:,} tests passed", *([f"{failed} FAILED"] if failed else [])]
    counted += [f"{number:,} {name.replace('_', ' ')}" for name, number in numbers.items()]
    files = ", ".join(f"`{file}`" for file in promise.files)
    return f"| {promise.text} | {promise.how} | {files} | {'; '.join(counted)} ({max(e['day'] for e in entries)}) |"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
