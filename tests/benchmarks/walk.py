"""The walk of one verified deletion: how many functions of the package it enters, how often it moves between files.

Usage: walk.py [--list]

A user is deleted on the in-process server, once by `%milvus_delete_user bob --password-env PW` in a shell and once by
pressing the button of a filled in form; each is done once before, so that nothing is imported or filled any more.
Counted is what the thread that asks enters in the package, as `sys.setprofile` reports it: plain functions, methods and
properties, lambdas, comprehensions, and generators each time that they are resumed. A function counts once, by its file
and qualified name. A move is an entry whose file is not the one of the entry before it. `--list` prints the walk. It
ends with 1 if a walk is longer than it may be.
"""

import os
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

sys.path.insert(0, str(Path(__file__).parents[1]))

import contract

import milvus_magics
from milvus_magics import DeleteUserForm, connections

PACKAGE = Path(milvus_magics.__file__).parent
PASSWORD = "right-password"
MOST_FUNCTIONS = {"magic": 85, "form": 106}
MOST_MOVES = {"magic": 120}


class Walk:
    """What was entered, in order: file and qualified name of each function."""

    def __init__(self, act: Callable[[], object]):
        self.entered: list[tuple[str, str]] = []
        sys.setprofile(self._note)
        try:
            act()
        finally:
            sys.setprofile(None)

    def _note(self, frame, event, arg):
        path = Path(frame.f_code.co_filename)
        if event == "call" and PACKAGE in path.parents:
            name = getattr(frame.f_code, "co_qualname", frame.f_code.co_name)  # Python 3.10 has no qualified names
            self.entered.append((path.relative_to(PACKAGE).as_posix(), name))

    @property
    def functions(self) -> int:
        """How many different functions were entered."""
        return len(set(self.entered))

    @property
    def moves(self) -> int:
        """How often the file changed from one entry to the next."""
        return sum(one[0] != other[0] for one, other in pairwise(self.entered))

    def __str__(self) -> str:
        lines, last = [], ""
        for file, name in self.entered:
            lines += [file] if file != last else []
            lines.append(f"    {name}")
            last = file
        return "\n".join(lines)


def walk_by_magic(shell: InteractiveShell) -> Walk:
    """Delete bob by the magic."""
    shell.run_line_magic("milvus_create_user", "bob --password-env PW")
    # The last expression of a cell: what it shows of the result is IPython's affair.
    line = "get_ipython().run_line_magic('milvus_delete_user', 'bob --password-env PW')"
    cell = compile(line, "cell", "single")
    return Walk(lambda: exec(cell, shell.user_ns))


def walk_by_form(shell: InteractiveShell) -> Walk:
    """Delete bob by the form; only the press of its button counts."""
    shell.run_line_magic("milvus_create_user", "bob --password-env PW")
    form = DeleteUserForm()
    form.fields["user"].value, form.fields["password"].value = "bob", PASSWORD
    time.sleep(1)  # else more letters might be on their way, and it would wait for those
    walk = Walk(form.buttons[form.TITLE].click)
    assert "deleted user" in form.status.text, form.status.text
    form.close()
    return walk


def measure(version: str = "2.3.5") -> dict[str, Walk]:
    """The walks of a deletion by magic and by form."""
    os.environ["PW"] = PASSWORD
    with contract.serve(version) as (_, address):
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
        shell.run_line_magic("load_ext", "milvus_magics")
        walks = {"magic": walk_by_magic, "form": walk_by_form}
        sys.displayhook = lambda result: None
        for walk in walks.values():
            walk(shell)
        found = {way: walk(shell) for way, walk in walks.items()}
        shell.run_line_magic("unload_ext", "milvus_magics")
    return found


def main() -> None:
    """Print the figures, and with `--list` the walks."""
    walks = measure()
    for way, walk in walks.items() if "--list" in sys.argv else ():
        print(f"\n{way}\n{walk}\n")
    print("| one verified deletion by | functions | moves between files | files |")
    print("|---|---|---|---|")
    for way, walk in walks.items():
        print(f"| {way} | {walk.functions} | {walk.moves} | {len({file for file, _ in walk.entered})} |")
    sys.exit(
        any(walks[way].functions > most for way, most in MOST_FUNCTIONS.items())
        or any(walks[way].moves > most for way, most in MOST_MOVES.items())
    )


if __name__ == "__main__":
    main()
