"""Imports point one way, and loading the extension is cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import milvus_magics

PACKAGE = Path(milvus_magics.__file__).parent
# From the ground up; a module may import what stands before it. Leaves may be imported by all.
LAYERS = ["wire", "client", "session", "utility", "role", "embedded", "forms", "magics"]
LEAVES = {
    "errors": set(),
    "private_file": {"errors"},
    "secret": {"errors", "private_file"},
    "display": {"errors"},
    "embedded_files": {"errors", "secret"},
}


def imports_of(path):
    """Every module that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sources():
    """(file, its layer) of every file but the top and the keeper, which is a program of its own."""
    for path in sorted(PACKAGE.rglob("*.py")):
        part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if part not in ("__init__", "embedded_keeper"):
            yield path, part


@pytest.mark.parametrize(("path", "part"), list(sources()), ids=lambda value: getattr(value, "name", value))
def test_no_import_points_back(path, part):
    """Lower layers know nothing of higher ones, leaves know only leaves."""
    for name in imports_of(path):
        pieces = name.split(".")
        if pieces[0] != "milvus_magics" or len(pieces) < 2:
            continue
        other = pieces[1]
        if part in LEAVES:
            assert other == part or other in LEAVES[part], name
        elif other in LAYERS:
            assert LAYERS.index(other) <= LAYERS.index(part), name
        elif part == "wire":
            raise AssertionError(f"wire stands alone, but imports {name}")


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("google", {"wire/__init__.py"}),
        ("grpc", {"client/connection.py", "client/grpc_errors.py"}),
        ("keyring", {"secret.py"}),
        ("getpass", {"secret.py"}),
        ("ipywidgets", {f"forms/{path.name}" for path in (PACKAGE / "forms").glob("[!_]*.py")}),
    ],
)
def test_libraries_are_known_where_they_belong(library, allowed):
    """Only these files know that library."""
    found = {
        str(path.relative_to(PACKAGE))
        for path, _ in sources()
        if any(name.split(".")[0] == library for name in imports_of(path))
    }
    assert found - {"wire/regenerate.py"} == allowed


def test_exported_names_are_the_ones_that_can_be_imported():
    """`__all__` and what is found on first use are the same."""
    assert sorted(milvus_magics.__all__) == sorted(milvus_magics._HOMES)
    for name in milvus_magics.__all__:
        assert getattr(milvus_magics, name) is not None


LOAD = """
import sys
{}
heavy = "milvus_magics.client.models"  # all that make result classes import it, which takes their time
print([name for name in ("grpc", "google.protobuf", "ipywidgets", "IPython", "pandas", heavy) if name in sys.modules])
"""


@pytest.mark.parametrize(
    ("code", "loaded"),
    [
        ("import milvus_magics", "[]"),
        (
            "from IPython.core.interactiveshell import InteractiveShell as Shell; Shell.instance().run_line_magic("
            "'load_ext', 'milvus_magics')",
            "['IPython']",
        ),
    ],
)
def test_nothing_is_imported_before_it_is_needed(code, loaded, tmp_path):
    """Loading the extension brings in neither grpc nor protobuf nor widgets, nor what asks servers."""
    output = subprocess.check_output(
        [sys.executable, "-c", LOAD.format(code)], text=True, env={"IPYTHONDIR": str(tmp_path), "HOME": str(tmp_path)}
    )
    assert output.strip() == loaded
