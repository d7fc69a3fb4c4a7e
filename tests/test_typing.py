"""A type checker sees the public interface as it is meant, through the mark of typed packages."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import milvus_magics

HERE = Path(__file__).parent / "typing"
HOME = Path(milvus_magics.__file__).parent.parent


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    """What mypy says about a file: line -> codes of the errors there."""
    # Beside the tests that make the cache anew: only the second run on a machine is quick.
    cache = HERE.parents[1] / "build" / "mypy"

    def check(name):
        options = ["--config-file=", "--strict", "--python-version", "3.10", "--cache-dir", str(cache)]
        # Where the tree is tested and not what is installed, mypy has to be told.
        found = {} if HOME.name == "site-packages" else {"MYPYPATH": str(HOME)}
        result = subprocess.run(
            [sys.executable, "-m", "mypy", *options, "--no-error-summary", str(HERE / name)],
            capture_output=True,
            text=True,
            env={**os.environ, **found},
            cwd=tmp_path_factory.mktemp("elsewhere"),
        )
        assert not result.stderr, result.stderr
        errors = {}
        for line in result.stdout.splitlines():
            path, number, code = re.fullmatch(r"(.*?):(\d+): (?:error: .*\[([\w-]+)\]|note: .*)", line).groups()
            assert Path(path).name == name, line
            if code:
                errors.setdefault(int(number), []).append(code)
        return errors

    return check


def test_package_is_marked_as_typed():
    """Else type checkers take everything in it for `Any`."""
    assert (HOME / "milvus_magics" / "py.typed").is_file()


def test_public_interface_has_the_types_that_it_promises(check):
    """No error in a file that uses all of it."""
    assert check("public.py") == {}


def test_mistakes_are_seen(check):
    """Each line that says so has that error, and no other line has one."""
    lines = (HERE / "wrong.py").read_text(encoding="utf-8").splitlines()
    expected = {number: [line.partition("# E: ")[2]] for number, line in enumerate(lines, 1) if "# E: " in line}
    assert check("wrong.py") == expected


def test_every_public_name_is_used():
    """A name that is added is added to the file, too."""
    tree = ast.parse((HERE / "public.py").read_text(encoding="utf-8"))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert set(milvus_magics.__all__) <= used
    methods = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for owner in (milvus_magics.utility, milvus_magics.Role):
        own = {
            name
            for name, value in vars(owner).items()
            if callable(value) and value.__module__ == owner.__dict__.get("__module__", owner.__name__)
        }
        assert {name for name in own if name[0].islower()} <= methods, owner
