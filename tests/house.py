"""The picture of the house, read from the code: `python house.py docs/architecture.md`, or `make house`.

Between the marks stand which wing imports which, and what each folder and file is for: its docstring's first sentence.
"""

import ast
import sys
from pathlib import Path

from test_layers import LEAVES, MODULES, PACKAGE, WINGS, ours, wing

PICTURE = ("<!-- picture: written by `make house` -->", "<!-- end of picture -->")
FILES = ("<!-- files: written by `make house` -->", "<!-- end of files -->")
WIDTH = 100
DATA = {
    ".css": "A style sheet, which its Python file puts into HTML.",
    ".js": "The part of a widget that runs in the page.",
    ".proto": "The messages that we speak, in our own words; regenerate.py compiles them.",
    ".binpb": "The messages, compiled; read when the first one is made.",
    ".typed": "Tells type checkers that the package is typed.",
}


def needs():
    """Wing -> the wings that it really imports; leaves are left out, since everybody may import them."""
    found = {name: set() for name in WINGS}
    for module, path in MODULES.items():
        own = wing(module)
        if own in found:
            found[own] |= {wing(name) for name in ours(path)} & WINGS.keys() - {own}
    return found


def levels():
    """The wings from the top to the ground; each stands on wings below it only."""
    left, placed, found = needs(), set(), []
    while left:
        level = [name for name in left if left[name] <= placed]
        placed |= set(level)
        left = {name: below for name, below in left.items() if name not in level}
        found.insert(0, level)
    return found


def picture():
    """The wings as boxes, one level above the other."""
    lines = []
    for level in levels():
        boxes = [f"| {name} |" for name in level]
        edges = "   ".join(f"+{'-' * (len(box) - 2)}+" for box in boxes)
        lines += [edges.center(WIDTH), "   ".join(boxes).center(WIDTH), edges.center(WIDTH)]
    lines += ["", f"for all: {', '.join(LEAVES)}".center(WIDTH)]
    rows = [f"| `{name}` | {', '.join(f'`{one}`' for one in WINGS if one in below) or '–'} |"
            for name, below in needs().items()]  # fmt: skip
    drawn = "\n".join(line.rstrip() for line in lines)
    return "\n".join(["```text", drawn, "```", "", "| wing | imports |", "|---|---|", *rows])


def first_sentence(text):
    """Up to the end of the first sentence or paragraph, on one line."""
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    end = paragraph.find(". ")
    return paragraph if end < 0 else paragraph[: end + 1]


def purpose(path):
    """What a file is for."""
    if path.suffix == ".py":
        return first_sentence(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))))
    return DATA[path.suffix]


def files():
    """A table for each folder: its files, and what they are for."""
    folders = sorted({path.parent for path in PACKAGE.rglob("*.py")}, key=rank)
    parts = []
    for folder in folders:
        name = folder.relative_to(PACKAGE.parent).as_posix()
        about = purpose(folder / "__init__.py")
        own = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix != ".pyc")
        rows = [f"| `{path.name}` | {purpose(path)} |" for path in own if path.name != "__init__.py" or has_code(path)]
        parts += ["", f"### `{name}/`", "", about, "", "| file | is for |", "|---|---|", *rows]
    return "\n".join(parts[1:])


def has_code(package):
    """Whether a package's own file does more than import its modules on first use."""
    tree = ast.parse(package.read_text(encoding="utf-8"))
    return any(isinstance(node, (ast.ClassDef, ast.FunctionDef)) for node in tree.body)


def rank(folder):
    """The order of folders in the text: the root, the wings from the ground up, then what all import."""
    parts = folder.relative_to(PACKAGE).parts
    return [*WINGS, *LEAVES].index(parts[0]) if parts else -1, parts


def written(text):
    """The page with what is between the marks written anew."""
    for (begin, end), content in ((PICTURE, picture()), (FILES, files())):
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n{content}\n{end}{after}"
    return text


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
