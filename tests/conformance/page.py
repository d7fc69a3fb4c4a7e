"""The page that says on which servers the tests ran: read, a row added or replaced, written."""

from dataclasses import dataclass
from pathlib import Path

from conformance.expected import TRAITS

BEGIN, END = "<!-- servers: written by `make conformance` -->", "<!-- end of servers -->"
HEADING = [
    "| server | authorization | date | passed | what is different there |",
    "|---|---|---|---|---|",
]
WORDS = ("<!-- words: written by `make conformance` -->", "<!-- end of words -->")
SAME = "–"


@dataclass(frozen=True)
class Row:
    """What came of one server.

    Attributes:
        server: which it is; together with `authorization` there is one row for it.
        authorization: "on" or "off".
        date: of the run.
        passed: how many tests of how many, and the names of those that did not.
        different: words for what the tests expect otherwise than of the newest server with authorization on.
    """

    server: str
    authorization: str
    date: str
    passed: str
    different: str

    @property
    def key(self):
        return self.server, self.authorization

    def __str__(self):
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in vars(self).values()) + " |"


def name_of(version, mode, imitated):
    """How a server is called on the page."""
    if imitated:
        return f"imitation of {imitated}, answers as recorded"
    return ", ".join(filter(None, [f"Milvus {version}", mode]))


def rows_of(text):
    """The rows between the marks."""
    table = text[text.index(BEGIN) : text.index(END)].splitlines()
    lines = [line for line in table if line.startswith("| ") and line not in HEADING]
    return [Row(*(cell.replace("\\|", "|") for cell in line[2:-2].split(" | "))) for line in lines]


def with_row(text, row):
    """The page with one more row, or with that server's replaced; and with what the words mean."""
    rows = {other.key: other for other in rows_of(text)} | {row.key: row}
    ordered = sorted(
        rows.values(), key=lambda one: (one.server.startswith("imitation"), one.server, one.authorization != "on")
    )
    words = ["| word | what it means |", "|---|---|"]
    words += [f"| {trait.without} | {trait.meaning} |" for trait in TRAITS.values()]
    return between(between(text, (BEGIN, END), [*HEADING, *map(str, ordered)]), WORDS, words)


def between(text, marks, lines):
    """A text with other lines between two marks."""
    begin, end = marks
    return "\n".join([text[: text.index(begin)] + begin, *lines, text[text.index(end) :]])


def problem_with(path):
    """Why no row can be put into a page, or None."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        return f"{path} cannot be read: {exc}"
    missing = [mark for mark in (BEGIN, END, *WORDS) if mark not in text]
    return f"{path} has no line {missing[0]!r}, which says where the rows stand" if missing else None


def write(path, row):
    """Put a row into the page."""
    page = Path(path)
    page.write_text(with_row(page.read_text(encoding="utf-8"), row), encoding="utf-8")
