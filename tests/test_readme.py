"""README says what is there: its table of magics is what the parsers take, its links and anchors exist."""

import re
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from milvus_magics.magics import MilvusMagics

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


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
        return {None: value, "+": f"{value} ..."}.get(action.nargs, f"[{value}]")
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
