"""Imports point one way, go in no circle, and loading the extension is cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import milvus_magics

PACKAGE = Path(milvus_magics.__file__).parent
# What may import what. A wing may import the wings below it and itself; leaves, which all may import, know only each
# other, from left to right.
LEAVES = ["lazy_modules", "wording", "display", "errors", "private_file", "secret"]
WINGS = {
    "wire": [],
    "transport": ["wire"],
    "client": ["wire", "transport"],
    "bulk": ["wire", "transport", "client"],
    "access": ["wire", "transport", "client"],
    "session": ["wire", "transport", "client", "embedded"],
    "embedded": [],
    "utility": ["transport", "client", "session"],
    "role": ["transport", "client", "session"],
    "forms": ["transport", "client", "bulk", "access", "session"],
    "magics": ["transport", "client", "bulk", "access", "session", "embedded", "forms"],
}
WITH_ANYWIDGET = (
    "check_list.__init__", "many.file_download", "many.source_input", "picture_widget.__init__", "table_widget.__init__"
)  # fmt: skip
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    # The keeper is a program of its own, and the root only names what there is.
    if path.relative_to(PACKAGE).parts[:2] not in (("embedded", "keeper"), ("__init__.py",))
}


def imports_of(path):
    """Every module that a file imports, also inside functions and for types."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module


def ours(path):
    return [name for name in imports_of(path) if name.partition(".")[0] == "milvus_magics"]


def wing(module):
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("module", MODULES)
def test_no_import_points_back(module):
    """Lower wings know nothing of higher ones, leaves know only leaves, and nobody imports the package's root."""
    part = wing(module)
    for name in ours(MODULES[module]):
        other = wing(name)
        assert other, f"{module} imports the package's root"
        if part in LEAVES:
            assert other in LEAVES[: LEAVES.index(part) + 1], f"{module} imports {name}"
        else:
            assert other in [*LEAVES, *WINGS[part], part], f"{module} imports {name}"


def test_no_circle():
    """No module needs itself, by whatever way: not by imports inside functions, and not by those for types."""
    needs = {module: {name for name in ours(path) if name != module} for module, path in MODULES.items()}
    while free := {module for module in needs if not needs[module] & needs.keys()}:
        for module in free:
            del needs[module]
    assert not needs, f"these modules import each other: {', '.join(sorted(needs))}"


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("google", {"wire.__init__"}),
        ("grpc", {"transport.connection", "transport.call_errors"}),
        ("keyring", {"secret"}),
        ("bcrypt", {"secret"}),
        ("getpass", {"secret"}),
        ("anywidget", {f"forms.{name}" for name in WITH_ANYWIDGET}),
    ],
)
def test_libraries_are_known_where_they_belong(library, allowed):
    """Only these files know that library."""
    found = {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        for path in MODULES.values()
        if any(name.partition(".")[0] == library for name in imports_of(path))
    }
    assert found - {"wire.regenerate"} == allowed


def test_only_the_console_brings_in_its_table():
    """A form needs no anywidget."""
    code = "import sys; from milvus_magics import DeleteUserForm; print('anywidget' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["False"]


def test_only_forms_know_widgets():
    """Magics, and all that is below, get along without ipywidgets."""
    knowing = {
        wing(module)
        for module, path in MODULES.items()
        if "ipywidgets" in {n.partition(".")[0] for n in imports_of(path)}
    }
    assert knowing == {"forms"}


def test_exported_names_are_the_ones_that_can_be_imported():
    """On first use, and `dir()` shows them."""
    assert set(milvus_magics.__all__) <= set(dir(milvus_magics))
    for name in milvus_magics.__all__:
        assert getattr(milvus_magics, name) is not None


LOAD = """
import sys
{}
heavy = "milvus_magics.client.results.users"  # all that make result classes import it, which takes their time
names = ("grpc", "google.protobuf", "ipywidgets", "anywidget", "IPython", "pandas", heavy)
print([name for name in names if name in sys.modules])
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
    assert output.splitlines()[-1] == loaded
