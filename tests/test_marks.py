"""The marks of the picture: each says what `allows` says, and those that mean different things look different."""

import itertools
import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from milvus_magics import AccessPicture
from milvus_magics.access.matrix import build_matrix
from milvus_magics.access.reasons import reach_text
from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.client import privilege_catalog as catalog
from milvus_magics.client.results.privileges import Grant
from milvus_magics.client.rights.rules import usual_groups
from milvus_magics.display.long_names import cut_names
from milvus_magics.display.marks import EVERY, NONE, SOME, UNKNOWN

VERSIONS = ("v2.3.5", "2.5.24", "2.6.18", "3.0.0")
NAMES = ("docs", "docs2", "al", "*", "doc*", "gone")
ROLES = ("one", "two", "public")


def make_snapshot(grants=(), version="2.6.18", groups=None, users=None, **others):
    return AccessSnapshot(
        server="http://milvus:19530", version=version,
        users=users or {"ann": ("one",), "bob": ("one", "two"), "eve": (), "root": ()},
        roles={"one": ("ann", "bob"), "two": ("bob",), "public": (), "admin": ()}, grants=list(grants),
        groups=(usual_groups(version) if version != "v2.3.5" else {}) if groups is None else groups,
        collections={"default": ("docs", "docs2"), "lab": ("docs",)},
        aliases={"default": {"al": "docs"}, "lab": {}},
        enforced=True, secure=True, default_password=False, **others,
    )  # fmt: skip


GRANTS = st.builds(
    Grant, st.sampled_from(ROLES), st.sampled_from(sorted({*catalog.KNOWN, "*", "All", "ReadOnly", "mine"})),
    st.sampled_from(["Global", "Collection", "User"]), st.sampled_from(NAMES), st.sampled_from(["default", "lab", "*"]),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(GRANTS, max_size=12), st.sampled_from(VERSIONS), st.booleans())
def test_each_mark_agrees_with_what_is_allowed(grants, version, hides):
    """None, some, every one or unknown of its privileges, at as many places, for rows of users, in all pictures."""
    groups = {} if version == "v2.3.5" else {**usual_groups(version), "mine": ("Search", "Insert", "CreateRole")}
    snapshot = make_snapshot(grants, version, groups, unread=["two"] if hides else [])
    for columns in ("levels", "databases", "collections"):
        picture = build_matrix(snapshot, "users", columns)
        for row in picture.rows[1:]:
            for column, cell in zip(picture.columns, row.cells, strict=True):
                finder = picture._builder.finders[column]
                for mark, names in zip(cell.marks, finder.kinds, strict=True):
                    extents = [said_of(snapshot, row.name, names, place) for place in finder.places]
                    some = [extent for extent in extents if extent in (SOME, EVERY)]
                    what = (row.name, column, names, grants)
                    assert mark.number == len(some), what
                    expected = max(extents, default=NONE) if not some else min(some)
                    assert mark.extent == expected, what
                    assert bool(cell.reasons) or mark.extent == NONE, what


def said_of(snapshot, user, names, place):
    """What `allows` says of some privileges at a place, by any of its names."""
    aliases = snapshot.aliases[place.db]
    there = [place.collection, *(alias for alias, target in aliases.items() if target == place.collection)]
    answers = set()
    for name in names:
        said = [snapshot.allows(user, name, each, place.db) for each in there]
        answers.add(True if True in said else None if None in said else False)
    if True in answers:
        return EVERY if answers == {True} else SOME
    return UNKNOWN if None in answers else NONE


def test_what_means_different_things_looks_different():
    """Writing without reading, seeing only, and dropping each have a place, a letter and a shape of their own."""
    of = {
        "reads": [("Collection", "Query"), ("Collection", "Search")],
        "writes": [("Collection", name) for name in catalog.USUAL["Collection", "ReadWrite"].split()],
        "sees": [("Global", "DescribeCollection"), ("Collection", "IndexDetail")],
        "drops": [("Global", "DropCollection"), ("Global", "RenameCollection")],
        "all": [("Collection", "*"), ("Global", "*")],
    }
    grants = [Grant(role, name, kind, "*", "*") for role, rights in of.items() for kind, name in rights]
    snapshot = make_snapshot(
        grants, "v2.3.5", users={"writer": ("writes",), "both": ("reads", "writes"), "seer": ("sees",),
                                 "dropper": ("drops",), "all": ("all",), "all but": ("reads", "writes", "sees")},
    )  # fmt: skip
    snapshot = replace(snapshot, roles=dict.fromkeys([*of, "public"], ()))
    picture = build_matrix(snapshot, "users", "collections")
    assert {row.name: row.cells[0].text() for row in picture.rows} == {
        "(everybody)": "·", "writer": "·W··", "both": "RW··", "seer": "s···", "dropper": "···D", "all": "RWAD",
        "all but": "RW··",
    }  # fmt: skip
    html = picture._repr_html_()
    assert '<i>·</i><b class="mm-w2">W</b><i>·</i><i>·</i>' in html
    assert 'title="sees docs' not in html
    assert {"mm-s1", "mm-r2", "mm-w2", "mm-a2", "mm-d2"} <= set(re.findall(r'class="(mm-\w\d)"', html))
    assert "? cannot be told" not in repr(picture), "the legend holds what there is"


def test_counts_instead_of_one_level_for_many():
    """Reading 1 of 3 is said as such, in the sign and in words."""
    snapshot = make_snapshot([Grant("one", name, "Collection", "docs", "lab") for name in ("Query", "Search")])
    picture = build_matrix(snapshot, "users", "levels")
    cell = next(row for row in picture.rows if row.name == "ann").cells[0]
    assert (cell.text(), cell.words()) == ("R1···", "reads 1 of 3")
    assert "Collections (3)" in repr(picture)
    databases = build_matrix(snapshot, "users", "databases")
    texts = next(row for row in databases.rows if row.name == "ann").cells
    assert [cell.text() for cell in texts] == ["·", "R···"]


def test_a_number_is_explained_by_one_that_is_there():
    """In text; nothing where no number is shown."""
    grants = [Grant("one", name, "Collection", "docs", "lab") for name in ("Query", "Search")]
    assert "1 behind a letter: on 1 of them, not on all" in repr(build_matrix(make_snapshot(grants), "users", "levels"))
    assert "behind a letter" not in repr(build_matrix(make_snapshot(grants), "users", "databases"))


def test_there_is_one_cluster():
    """Up to 2.6 it is asked for in each database: words say so, and the heading has no count."""
    snapshot = make_snapshot([Grant("one", "CreateOwnership", "Global", "*", "lab")])
    picture = build_matrix(snapshot, "users", "levels")
    cell = next(row for row in picture.rows if row.name == "ann").cells[2]
    assert (picture.columns[2].size, cell.words()) == ("", "partly administers in 1 of 2 databases")
    assert "Cluster (in 1 of 2 databases)" in picture.rows[1].why[0]
    assert "Cluster (" not in repr(picture)
    newer = build_matrix(
        make_snapshot([Grant("one", "CreateOwnership", "Global", "*", "*")], "3.0.0"), "users", "levels"
    )
    assert newer.rows[1].cells[2].words() == "partly administers"


def test_what_reads_can_be_revoked_apart_from_what_writes():
    """Grants of one role on one thing are told apart by what they bring; groups that bring both stay one."""
    names = ("Query", "Insert", "Search", "DescribeCollection", "CollectionReadWrite")
    snapshot = make_snapshot([Grant("one", name, "Collection", "docs", "default") for name in names])
    picture = build_matrix(snapshot, "roles", "collections")
    row = [row.name for row in picture.rows].index("one")
    found = {source.verbs: source.privileges for source in picture.find_sources(row, 0)}
    assert found == {
        ("sees",): ("DescribeCollection",),
        ("reads",): ("Query", "Search"),
        ("writes",): ("Insert",),
        ("sees", "reads", "writes"): ("CollectionReadWrite",),
    }


def test_why_names_the_grants_as_they_would_be_revoked():
    """Group or privilege, on what, in which database; and whom else taking it away would reach."""
    snapshot = make_snapshot([
        Grant("one", "CollectionReadWrite", "Collection", "docs", "default"),
        Grant("two", "Insert", "Collection", "docs2", "default"),
        Grant("two", "Insert", "Collection", "*", "*"),
    ])  # fmt: skip
    picture = build_matrix(snapshot, "users", "collections")
    row = [row.name for row in picture.rows].index("bob")
    first, second = picture.find_sources(row, 0)
    assert (first.role, first.privileges, first.object_name, first.db) == (
        "one", ("CollectionReadWrite",), "docs", "default",
    )  # fmt: skip
    assert first.verbs == ("sees", "reads", "writes")
    assert (second.role, second.privileges, second.object_name, second.db) == ("two", ("Insert",), "*", "*")
    assert reach_text(snapshot, "one", "bob") == "also held by ann"
    assert reach_text(snapshot, "two", "bob") == "held by nobody else"
    (root,) = picture.find_sources([row.name for row in picture.rows].index("root"), 0)
    assert root.privileges == (), "there is no grant to revoke"


def test_the_live_picture_without_the_console():
    """It shows a matrix, says why, filters its columns, and offers nothing that nobody would do."""
    snapshot = make_snapshot([Grant("one", name, "Collection", "docs", "default") for name in ("Query", "Search")])
    picture = AccessPicture(build_matrix(snapshot, "users", "collections"))
    assert repr(picture) == "AccessPicture of users by collections; it needs a live notebook with widgets"
    count = len(picture.columns)
    picture.column_filter = "LAB"
    assert {column["above"] for column in picture.columns} == {"lab"}
    assert (picture.column_count, len(picture.columns) < count) == (count, True)
    picture.column_filter = ""
    row = [row["name"] for row in picture.rows].index("ann")
    why = picture.explain(picture.name_cell(row, 0))
    assert [(source["role"], source["verbs"]) for source in why["sources"]] == [("one", "reads")]
    assert picture.actions == []


def show_live(grants, rows="users", **options):
    """A picture with buttons, what was asked for by them, and what the page was told."""
    matrix = build_matrix(make_snapshot(grants, **options), rows, "collections")
    picture, asked, told = AccessPicture(matrix, ("grant", "revoke", "grant_role", "revoke_role")), [], []
    picture.on_action(asked.append)
    picture.send = told.append
    return picture, asked, told


def test_buttons_act_on_whom_they_were_shown_for():
    """Rows that came before them change nothing; what is gone meanwhile says so in one line, and nothing is asked."""
    grants = [Grant(role, "Insert", "Collection", "docs", "default") for role in ("one", "two")]
    users = {"bob": ("one",), "carl": ("two",)}
    picture, asked, told = show_live(grants, users=users)
    cell = picture.name_cell([row["name"] for row in picture.rows].index("carl"), 0)
    assert cell == ("users", "carl", "default", "docs")
    [source] = picture.explain(cell)["sources"]

    def press(name, key):
        picture._handle_custom_msg({"type": name, "cell": list(cell), "key": key}, [])

    edition = picture.edition
    more = make_snapshot(grants, users={"aaron": ("one",), **users})
    picture.show(build_matrix(more, "users", "collections"))
    assert picture.edition > edition, "the page asks again"
    for name, key in (("revoke", source["key"]), ("revoke_role", "two"), ("grant", "two"), ("grant_role", "")):
        press(name, key)
    assert {(action.name, action.user, action.role) for action in asked} == {
        ("revoke", "carl", "two"), ("revoke_role", "carl", "two"), ("grant", "carl", "two"), ("grant_role", "carl", "")
    }  # fmt: skip
    asked.clear()
    for changed in (
        build_matrix(make_snapshot(grants[:1], users=users | {"carl": ("one",)}), "users", "collections"),
        build_matrix(make_snapshot(grants, users={"bob": ("one",)}), "users", "collections"),
        build_matrix(more, "roles", "collections"),
        build_matrix(more, "users", "levels"),
    ):
        picture.show(changed)
        for name, key in (("revoke", source["key"]), ("revoke_role", "two"), ("grant", "two")):
            told.clear()
            press(name, key)
            assert [(message["type"], "\n" in message["text"]) for message in told] == [("gone", False)]
    assert asked == []
    odd = {"type": "why", "cell": [1, None, {}, []]}
    for content in (None, [], {"type": "grant"}, {"type": "why", "cell": "carl"}, odd):
        picture._handle_custom_msg(content, [])
    assert told[-1]["text"] == "None · {} · [] is no longer in the picture; choose another cell"


def test_reasons_are_asked_for_again_also_where_no_cell_differs():
    """One of two grants that bring the same was revoked: the cells are alike, and why is not."""
    grants = [Grant("one", "Query", "Collection", name, "default") for name in ("docs", "*")]
    picture, _, _ = show_live(grants)
    cell, edition = picture.name_cell(1, 0), picture.edition
    rows, count = picture.rows, len(picture.explain(cell)["sources"])
    picture.show(build_matrix(make_snapshot(grants[1:]), "users", "collections"))
    assert (picture.rows, len(picture.explain(cell)["sources"])) == (rows, count - 1)
    assert picture.edition > edition


NAME = st.text("ab_", min_size=1, max_size=60)


@given(st.lists(NAME, max_size=8), st.lists(st.sampled_from(["reader", "writer", "r", ""]), max_size=3))
def test_names_that_are_cut_differ_in_what_is_left(names, ends):
    """Also where they differ only in their middles."""
    names += [f"{'x' * 40}{end}{'y' * 40}" for end in ends]
    shown = cut_names(names, 24)
    assert all(name == text or len(text) <= 24 for name, text in shown.items() if name[0] != "x")
    for one, other in itertools.combinations(shown, 2):
        assert shown[one] != shown[other]
