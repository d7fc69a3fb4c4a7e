"""Text from the server cannot act in a page or a terminal."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milvus_magics.access.answer import Access
from milvus_magics.access.findings import Findings
from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.client.results.privileges import Grant
from milvus_magics.client.results.users import User, Users
from milvus_magics.display.columns import display_width
from milvus_magics.display.marks import Cell, Mark, find_legend
from milvus_magics.display.matrix import Column, Row, text_matrix
from milvus_magics.display.messages import html_line
from milvus_magics.errors import ParameterError

HOSTILE = "<img src=x onerror=alert(1)>\x1b[2J"


def test_html_escapes_names_roles_and_caption():
    """Every value in an HTML table is escaped."""
    shown = Users([User(HOSTILE, (HOSTILE,))], caption=HOSTILE)._repr_html_()
    assert "<img" not in shown, "text from the server is never HTML"
    assert shown.count("&lt;img") == 4  # also in the label for screen readers


def test_text_holds_no_control_characters():
    """No value reaches a terminal as an escape sequence."""
    assert "\x1b" not in repr(Users([User(HOSTILE)]))


def test_long_tables_say_what_they_leave_out():
    """HTML is capped, with a count; the result itself is whole."""
    users = Users([User(f"u{i}") for i in range(205)])
    assert "and 5 more" in users._repr_html_()
    assert len(users) == 205
    assert users.to_dicts()[204] == {"name": "u204", "roles": (), "description": ""}


def test_captions_do_not_wrap_to_the_width_of_a_narrow_table():
    """They stand above the table, which is called by them where it is read aloud."""
    shown = Users([User("ann")], caption="a <long> sentence")._repr_html_()
    assert "<caption" not in shown, "a caption is no wider than its table"
    assert shown.index("a &lt;long&gt; sentence") < shown.index("<table")
    assert '<table aria-label="a &lt;long&gt; sentence">' in shown


def test_a_sentence_in_the_last_column_gets_a_short_rule():
    """Where there is little room, a line of dashes as long as the sentence would take several lines."""
    _, heading, rule, _ = repr(Users([User("ann", description="x" * 200)], caption="who")).splitlines()
    assert heading.split()[-1] == "description"
    assert rule.split()[-1] == "-" * 40


def test_colours_of_lines_can_be_read_on_light_and_dark():
    """Mixed with the colour of the text around, they have a contrast of 4.5 on white and on the dark panel."""
    for kind in ("done", "error"):
        found = re.search(r"color-mix\(in srgb,#(\w{6}) (\d+)%,currentColor\)", html_line("x", kind))
        own, share = [int(found[1][i : i + 2], 16) for i in (0, 2, 4)], int(found[2]) / 100
        for text, behind in ((0x21, 0xFF), (0xE1, 0x21), (0xFF, 0x21), (0xFF, 0x11)):
            mixed = [share * channel + (1 - share) * text for channel in own]
            darker, lighter = sorted((luminance(mixed), luminance([behind] * 3)))
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, f"{kind} on {behind:x}"


def luminance(colour):
    """As WCAG 2 defines it."""
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def everybody(users=200, roles=50, grants=40, collections=24):
    """An access view of many: each user has two roles, each role some grants on two databases' collections."""
    there_are = {db: tuple(f"{db}_documents_{i:02}" for i in range(collections // 2)) for db in ("default", "lab")}
    places = [(db, name) for db, names in there_are.items() for name in names]
    privileges = ["Search", "Query", "Insert", "Delete", "Load", "Release", "Flush", "CreateIndex", "Upsert"]
    names = [f"role_{i:02}" for i in range(roles)]
    snapshot = AccessSnapshot(
        server="http://milvus:19530",
        version="v2.3.5",
        users={f"user_{i:03}": (names[i % roles], names[(7 * i + 3) % roles]) for i in range(users)},
        roles=dict.fromkeys(names, ("somebody",)),
        grants=[
            Grant(name, privileges[(i * j) % 9], "Collection", places[(5 * i + 3 * j) % len(places)][1],
                  places[(5 * i + 3 * j) % len(places)][0])
            for i, name in enumerate(names) for j in range(grants)
        ],
        groups={}, collections=there_are, aliases={}, enforced=True, secure=True, default_password=False,
    )  # fmt: skip
    return Access([], "everybody", snapshot, Findings([]), is_overview=True, require_known=print)


def test_pictures_of_many_are_small_and_have_one_tab_stop_a_row():
    """200 users in a third of a megabyte by levels and a whole one by 24 collections; each row is reached by Tab."""
    access = everybody()
    for columns, most in (("levels", 300_000), ("collections", 1_000_000)):
        html = access.matrix(columns=columns)._repr_html_()
        assert len(html) < most
        assert html.count("tabindex") == 200
    assert "role &#x27;role_03&#x27;" not in html, "quotes in titles are not blown up"
    assert "role 'role_03': " in html, "a row says what each of its roles brings to it"


def test_pictures_in_text_fit_a_terminal(monkeypatch):
    """Headings that don't fit become numbers, with a key; columns that don't fit even so are counted."""
    monkeypatch.setenv("COLUMNS", "120")
    text = repr(everybody(users=3).matrix(columns="collections"))
    assert max(map(len, text.splitlines())) <= 120
    assert re.search(r"^users +roles +1 +2 +3 .* 1[0-9]$", text, re.MULTILINE)
    assert "12 default default_documents_11" in " ".join(text.split())
    monkeypatch.setenv("COLUMNS", "80")
    text = repr(everybody(users=3).matrix(columns="collections"))
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(r"and \d+ more columns; .* access.matrix\(...\)\.filter\(column='part'\)", " ".join(text.split()))
    chosen = everybody(users=3).matrix(columns="collections").filter(column="documents_11")
    assert "documents_11 " in repr(chosen), "what is advised shows them"
    monkeypatch.setenv("COLUMNS", "120")
    assert repr(everybody(users=3)).count("Collections (24)") == 1, "headings that fit stay"


TEXTS = st.text(max_size=60) | st.sampled_from(["\u65e5\u672c\u8a9e" * 9, "x" * 5000, "a_name" * 5, "two words " * 5])
CELLS = st.lists(st.builds(Mark, st.integers(0, 3), st.integers(1, 45)), min_size=5, max_size=5).map(tuple)


@settings(max_examples=60, deadline=None)
@given(st.integers(30, 130), st.lists(TEXTS, max_size=15), st.lists(st.tuples(TEXTS, TEXTS), max_size=5), st.data())
def test_no_line_of_a_picture_is_wider_than_the_terminal(width, headings, names, data):
    """Whatever names are, at every width; what is left out is counted, and the line that says so fits, too."""
    cells = {marks: Cell(marks, 45, tuple) for marks in data.draw(st.lists(CELLS, min_size=1, max_size=3))}
    rows = [
        Row(name, note, tuple(data.draw(st.sampled_from([*cells.values()])) for _ in headings)) for name, note in names
    ]
    columns = [Column(f"db{number}", heading, 45) for number, heading in enumerate(headings)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        text = text_matrix("users by collections", ("users", "roles"), columns, rows, find_legend(cells.values()))
    assert max(map(display_width, text.splitlines())) <= width


def test_a_narrow_terminal_shows_all_levels(monkeypatch):
    """Names and notes give way before columns do."""
    monkeypatch.setenv("COLUMNS", "40")
    text = repr(everybody(users=3))
    assert "1 Collections (24), 2 Databases (2), 3 Cluster" in " ".join(text.split())
    assert "more column" not in text


def test_pictures_of_more_collections_than_fit():
    """The first 40 are shown, which is said; all can be reached by name, database or pattern."""
    access = everybody(users=3, collections=120)
    picture = access.matrix(columns="collections")
    assert len(picture.columns) == 40
    assert "(the first 40 of 120; narrow them down)" in picture.caption
    names = [column.name for column in access.matrix(columns="collections", db="lab", collection="*_5?").columns]
    assert names == [f"lab_documents_{i}" for i in range(50, 60)]
    assert [column.name for column in picture.filter("", "lab_documents_59").columns] == ["lab_documents_59"]
    for asked in ({"columns": "levels", "db": "lab"}, {"columns": "collections", "collection": "nothing"}):
        with pytest.raises(ParameterError):
            access.matrix(**asked)
