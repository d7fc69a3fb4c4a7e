"""What CONTRIBUTING.md and docs/architecture.md say of the code is so."""

import re
from pathlib import Path

import house
import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "milvus_magics"
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("CONTRIBUTING.md", "docs/architecture.md")}
ARCHITECTURE = PAGES["docs/architecture.md"]


def test_picture_of_the_house_is_the_house():
    """The same as the code makes it now."""
    assert house.written(ARCHITECTURE) == ARCHITECTURE, "the code has changed since: run `make house`"


def test_every_folder_and_file_is_in_a_table():
    """By its name, under its folder."""
    for path in PACKAGE.rglob("*.py"):
        if path.name != "__init__.py":
            folder = path.parent.relative_to(ROOT).as_posix()
            table = ARCHITECTURE.partition(f"### `{folder}/`")[2].partition("###")[0]
            assert f"| `{path.name}` |" in table, path


@pytest.mark.parametrize("page", PAGES)
def test_files_that_they_name_exist(page):
    """By their place in the repository, in the package, or in the same folder."""
    text = PAGES[page]
    for name in re.findall(r"`([\w./-]+/[\w.-]*|[\w-]+\.(?:py|md|css|proto))`", text):
        places = (ROOT, PACKAGE, *(path for path in PACKAGE.rglob("*") if path.is_dir()))
        assert any((place / name).exists() for place in places), f"{page} names {name}"
    for target in re.findall(r"\]\(((?!https?:)[^)#]+)\)", text):
        assert ((ROOT / page).parent / target).exists(), f"{page} leads to {target}"


def test_names_beside_a_file_are_in_it():
    """In the table that says where to change what: "`file`, `name`"."""
    table = ARCHITECTURE.partition("## Where to change what")[2].partition("##")[0]
    pairs = re.findall(r"`([\w/]+\.py)`(?:, the row of its RPC in|,) `([\w.]+)`", table)
    assert len(pairs) > 3
    for file, name in pairs:
        assert name.rpartition(".")[2] in (PACKAGE / file).read_text(encoding="utf-8"), f"{name} is not in {file}"


def test_commands_that_they_name_exist():
    """Each `make` target of CONTRIBUTING.md and README.md."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for text in (*PAGES.values(), (ROOT / "README.md").read_text(encoding="utf-8")):
        for target in re.findall(r"`make (\w+)", text):
            assert re.search(f"^{target}:", makefile, re.MULTILINE), target
