"""README says what is there: its table of magics is what the parsers take, its links and anchors exist."""

import re
import sys
from importlib import metadata
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from milvus_magics.magics import MilvusMagics

sys.path.insert(0, str(Path(__file__).parent / "matrix"))

import matrix

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


VERSIONS = re.search(f"{re.escape(matrix.BEGIN)}(.*){re.escape(matrix.END)}", README, re.DOTALL)
SOURCES = {"--password-env": "[SOURCE]", "--new-password-env": "[NEW SOURCE]"}
OTHER_SOURCES = ("--password-var", "--keyring", "--new-password-var", "--new-keyring")
EVERYWHERE = ("--help", "--using", "--timeout")  # told once, above the table


def usage(parser):
    """A magic with its arguments, on one line, as the table shows it."""
    return " ".join([parser.prog, *filter(None, map(shown, parser._actions))])


def shown(action):
    option = action.option_strings[-1] if action.option_strings else ""
    if option in EVERYWHERE or option in OTHER_SOURCES:
        return ""
    if option in SOURCES:
        return SOURCES[option]
    value = "" if action.nargs == 0 else action.metavar or action.dest.upper()
    if not option:
        several = f"[{value} ...]" if action.default == [] else f"[{value}]"
        return {None: value, "+": f"{value} ...", "*": several}.get(action.nargs, f"[{value}]")
    if action.required:
        return f"{option} {value}"
    return f"[{option}]" if not value else f"[{option} [{value}]]" if action.nargs == "?" else f"[{option} {value}]"


def parsers():
    return {name: getattr(MilvusMagics, method).parser() for name, method in MilvusMagics.magics["line"].items()}


def test_table_of_magics_is_what_the_parsers_take():
    """Every magic has a row whose first cell is its usage, and there is no row without its magic."""
    rows = re.findall(r"^\| `(%milvus[^`]*)` \|", README, re.MULTILINE)
    assert sorted(rows) == sorted(usage(parser) for parser in parsers().values())


def test_quick_start_has_five_lines_that_name_real_magics():
    """The quick start is short, and each of its magics exists with those options."""
    block = re.search(r"## Quick start.*?```python\n(.*?)```", README, re.DOTALL)[1]
    lines = block.strip().splitlines()
    assert len(lines) == 5
    for name in re.findall(r"^%(milvus\w*)", block, re.MULTILINE):
        assert name in parsers()


def test_files_that_it_names_exist():
    """No link and no picture leads nowhere."""
    for target in re.findall(r"\]\(((?!https?:)[^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_a_question_mark_shows_the_help_and_its_examples(tmp_path, monkeypatch):
    """`%magic?` in IPython shows what `--help` prints."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "milvus_magics")
    shown = shell.object_inspect_text("%milvus_delete_user")
    assert "%milvus_delete_user bob --password-env BOB_PASSWORD" in shown
    assert "take the password from this environment variable" in shown
    shell.run_line_magic("unload_ext", "milvus_magics")


def test_table_of_versions_is_of_these_environments():
    """Each has its row, with the Python and the versions that it asks for, and all its tests passed."""
    heading, _, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in VERSIONS[1].strip().splitlines()]
    columns = [name.lower() for name in heading]
    environments = matrix.environments()
    assert len(rows) == len(environments)
    for environment, row in zip(environments, rows, strict=True):
        found = dict(zip(columns, row, strict=True))
        assert found["python"] == environment.python
        assert found["protobuf"].endswith("pure Python") is (environment.implementation == "python")
        assert re.fullmatch(r"\d+ passed", found["tests"])
        for name, _, version in (pin.partition("==") for pin in environment.pins if "==" in pin):
            shown = found["beside"].removeprefix("pymilvus ") if name == "pymilvus" else found.get(name)
            assert shown is None or f"{shown.split(',')[0]}.".startswith(version.removesuffix("*")), (name, shown)


def test_the_floors_are_those_of_the_package():
    """The oldest environment pins every dependency to the least that pyproject.toml allows."""
    pins = dict(pin.split("==") for pin in matrix.floors())
    requirements = [line for line in metadata.requires("milvus-magics") if "embedded" not in line]
    assert {re.match(r"[a-z]+", line)[0] for line in requirements} == set(pins)
    for line in requirements:
        name = re.match(r"[a-z]+", line)[0]
        assert f">={pins[name].removesuffix('.*')}" in line
