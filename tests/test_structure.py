"""The limits of the house: sizes of folders, files and functions, branches, names and first sentences."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest
from radon.complexity import cc_visit

import milvus_magics

PACKAGE = Path(milvus_magics.__file__).parent
WALK = Path(__file__).parent / "benchmarks" / "walk.py"
MAX_FILES_IN_A_FOLDER = 20
MAX_LINES_OF_A_FILE = 350
MAX_MEDIAN_LINES_OF_A_FUNCTION = 8
MAX_COMPLEXITY = 12  # as radon counts it: also `and`, `or`, comprehensions and conditional expressions are branches
MAX_WORDS_OF_A_FIRST_SENTENCE = 20

# Nobody sees from them what a thing is or does: say it with a noun, a verb and an object, or is_, has_, may_.
PARTICIPLES = set(
    "adopted asked begun bound broken built chosen closed done drawn expected filled forgotten found "
    "given gone granted guessed heard held hidden joined kept known left listed lost made marked meant missed named "
    "needed offered opened planned quoted refused restored revoked said seen sent shown shut spoken "
    "stored taken tested together told tried typed unkept unlisted verified wanted warned written".split()
)
SOURCES = {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
TREES = {file: ast.parse(source) for file, source in SOURCES.items()}
FOLDERS = sorted({path.parent for path in PACKAGE.rglob("*.py")})
DEFINITIONS = [
    (f"{file}:{node.lineno} {node.name}", node)
    for file, tree in TREES.items()
    for node in ast.walk(tree)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
]


def first_sentence(docstring):
    """Up to the first full stop that ends a sentence, or the end of the first paragraph."""
    paragraph = " ".join(docstring.strip().split("\n\n")[0].split())
    return re.split(r"(?<=[.?!:])\s+(?=[A-Z`%])", paragraph)[0]


def test_texts_need_no_unicode_where_they_may_be_printed():
    """An stdout of ASCII could not write them; forms, HTML and the signs of pictures are for front ends."""
    is_for_front_ends = re.compile("forms/|display/|access/matrix.py|bulk/look_alikes.py")
    found = [
        f"{file}: {line}"
        for file, source in SOURCES.items()
        if not is_for_front_ends.match(file)
        for line in source.splitlines()
        if not line.isascii()
    ]
    assert not found


def test_no_folder_holds_too_many_files():
    """Also files of data count, what Python leaves does not."""
    for folder in FOLDERS:
        files = [path.name for path in folder.iterdir() if path.is_file() and path.suffix != ".pyc"]
        assert len(files) <= MAX_FILES_IN_A_FOLDER, f"{folder.relative_to(PACKAGE)} holds {len(files)} files"


def test_no_file_is_too_long():
    """What is longer is about more than one thing."""
    found = {file: len(source.splitlines()) for file, source in SOURCES.items()}
    assert not {file: lines for file, lines in found.items() if lines > MAX_LINES_OF_A_FILE}


def test_half_of_the_functions_are_short():
    """With their decorators' lines left out, and their docstrings counted."""
    lengths = [node.end_lineno - node.lineno + 1 for _, node in DEFINITIONS if not isinstance(node, ast.ClassDef)]
    assert median(lengths) <= MAX_MEDIAN_LINES_OF_A_FUNCTION


def test_no_function_has_too_many_branches():
    """Also methods, and functions inside functions."""
    found = {}
    for file, source in SOURCES.items():
        for block in cc_visit(source):
            if type(block).__name__ == "Function" and block.complexity > MAX_COMPLEXITY:
                found[f"{file}:{block.lineno} {block.fullname}"] = block.complexity
    assert not found


def test_nothing_is_named_by_a_bare_participle():
    """Functions and classes; `read_user` says more than `told`."""
    found = [where for where, node in DEFINITIONS if node.name.strip("_").lower() in PARTICIPLES]
    assert not found


def test_no_call_reads_of():
    """`RowJob(...)` or `make_plan(...)`, not `Checks.of(...)`."""
    found = [where for where, node in DEFINITIONS if node.name == "of"]
    found += [
        f"{file}:{node.lineno}"
        for file, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "of"
    ]
    assert not found


def test_no_module_is_named_like_a_function_in_it():
    """Else the name means the one or the other, by what was imported last."""
    for file, tree in TREES.items():
        own = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        assert Path(file).stem not in own, file


@pytest.mark.parametrize("kind", ["modules", "classes and functions"])
def test_first_sentences_are_short(kind):
    """Whoever reads only those understands what there is."""
    places = TREES.items() if kind == "modules" else DEFINITIONS
    docs = {where: first_sentence(text) for where, node in places if (text := ast.get_docstring(node))}
    too_long = [f"{where}: {text}" for where, text in docs.items() if len(text.split()) > MAX_WORDS_OF_A_FIRST_SENTENCE]
    assert not too_long, "\n".join(too_long)


def test_every_module_says_what_it_is_for():
    """docs/architecture.md shows these sentences."""
    assert all(ast.get_docstring(tree) for tree in TREES.values())


def test_the_walk_of_a_deletion_is_short():
    """By magic and by form, as `make walk` counts it."""
    walked = subprocess.run([sys.executable, WALK], capture_output=True, text=True, timeout=100)
    assert walked.returncode == 0, walked.stdout + walked.stderr
