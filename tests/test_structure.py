"""The limits of the house: sizes of folders, files and functions, branches, names and first sentences."""

import ast
from pathlib import Path
from statistics import median

from radon.complexity import cc_visit

import milvus_magics

PACKAGE = Path(milvus_magics.__file__).parent
MAX_FILES_IN_A_FOLDER = 20
MAX_LINES_OF_A_FILE = 350
MAX_MEDIAN_LINES_OF_A_FUNCTION = 8
MAX_COMPLEXITY = 12  # as radon counts it: also `and`, `or`, comprehensions and conditional expressions are branches

SOURCES = {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
TREES = {file: ast.parse(source) for file, source in SOURCES.items()}
FOLDERS = sorted({path.parent for path in PACKAGE.rglob("*.py")})
DEFINITIONS = [
    (f"{file}:{node.lineno} {node.name}", node)
    for file, tree in TREES.items()
    for node in ast.walk(tree)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
]


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


def test_every_module_says_what_it_is_for():
    """docs/architecture.md shows these sentences."""
    assert all(ast.get_docstring(tree) for tree in TREES.values())
