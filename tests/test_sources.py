"""Whatever rows come from, they are read rightly or named in a table of problems, which quotes no password."""

import csv
import io
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import numpy
import pandas
import polars
import pyarrow
import pytest
from contract import ContractServer, serving
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.ultratb import VerboseTB

from milvus_magics.bulk import files
from milvus_magics.bulk.plan import CREATE, DELETE, DROP, make_plan
from milvus_magics.bulk.results import BulkError, Problem, Problems
from milvus_magics.bulk.rows import rows_of
from milvus_magics.client.names import remark_on_password
from milvus_magics.errors import MilvusException, ParameterError
from milvus_magics.magics.bulk import read_rows
from milvus_magics.magics.line import Namespace
from milvus_magics.secret import Secret
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

MARKER = "hunterzwei"
PEOPLE = [{"user": "ann", "password": "secret-1"}, {"user": "bob", "password": "secret-2"}]
PAIRS = [("ann", "secret-1"), ("bob", "secret-2")]


class Holder:
    """It says that it is a table, and has nothing."""

    def __dataframe__(self, **options):
        raise ValueError(MARKER)


class Capsule:
    """A table of some library that hands it out in Arrow's way, and in no other."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def pairs_of(rows):
    return [(row.user, row.password.reveal() if row.password else None) for row in rows]


def problems_of(action, *args):
    """The problems that an action raises."""
    with pytest.raises(BulkError) as found:
        action(*args)
    assert str(found.value).startswith(f"{len(found.value.problems)} problem")
    return list(found.value.problems)


def file_of(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return str(path)


SOURCES = {
    "list": PEOPLE,
    "tuple": tuple(PEOPLE),
    "generator": (row for row in PEOPLE),
    "dict of passwords": dict(PAIRS),
    "dict of fields": {name: {"password": password} for name, password in PAIRS},
    "pandas DataFrame": pandas.DataFrame(PEOPLE),
    "pandas Series": pandas.Series(dict(PAIRS)),
    "polars DataFrame": polars.DataFrame(PEOPLE),
    "Arrow table": pyarrow.Table.from_pylist(PEOPLE),
    "Arrow reader": pyarrow.Table.from_pylist(PEOPLE).to_reader(),
    "Arrow capsule": Capsule(pyarrow.Table.from_pylist(PEOPLE)),
}
NAMES = {
    "list": ["ann", "bob"],
    "set": {"ann", "bob"},
    "pandas Series": pandas.Series(["ann", "bob"]),
    "filtered pandas Series": pandas.Series(["ann", "eve", "bob"])[lambda names: names != "eve"],
    "pandas Series with a gap": pandas.Series(["ann", None, "bob"]),
    "pandas Index": pandas.Index(["ann", "bob"]),
    "polars Series": polars.Series(["ann", "bob"]),
    "Arrow array": pyarrow.array(["ann", "bob"]),
    "numpy array": numpy.array(["ann", "bob"]),
    "numpy array of objects": numpy.array(["ann", "bob"], dtype=object),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_every_kind_of_table_is_read(kind):
    assert pairs_of(rows_of(SOURCES[kind])) == PAIRS


@pytest.mark.parametrize("kind", NAMES)
def test_every_kind_of_list_is_read(kind):
    assert sorted(pairs_of(rows_of(NAMES[kind]))) == [("ann", None), ("bob", None)]


def test_no_library_is_imported_to_know_its_objects():
    """Not for a list, and not for what cannot be read."""
    code = (
        "import sys; from milvus_magics.bulk.rows import rows_of; rows_of(['ann'])\n"
        "try: rows_of(7)\nexcept ValueError: pass\n"
        "print([name for name in ('pandas', 'polars', 'pyarrow', 'numpy') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_without_pyarrow_one_line_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ParameterError, match=r"a Capsule, install pyarrow, or pass .* df.to_dicts\(\)"):
        rows_of(SOURCES["Arrow capsule"])


def test_one_row_is_one_row():
    """As a dict, a Series and an object of JSON, whatever the case of its fields."""
    row = {"User": "ann", "password": "secret-1"}
    for source in (row, pandas.Series(row), pandas.DataFrame([row]).iloc[0]):
        assert pairs_of(rows_of(source)) == PAIRS[:1]


@pytest.mark.parametrize("source", [{"user": MARKER}, {"name": MARKER, "ann": "x"}, {"user": "ann", "pasword": MARKER}])
def test_a_dict_that_may_be_a_row_or_many_is_a_problem(source):
    """Else a password would become a name, or a misspelled field a user."""
    (problem,) = problems_of(rows_of, source)
    assert problem.row is None
    assert "may be one row, or names and passwords" in problem.problem
    assert MARKER not in problem.problem


def test_a_user_who_is_called_user_can_be_said():
    source = {"user": {"password": "secret-1"}, "ann": Secret("secret-2")}
    assert pairs_of(rows_of(source)) == [("user", "secret-1"), ("ann", "secret-2")]
    assert pairs_of(rows_of(dict.fromkeys(["user", "ann"]))) == [("user", None), ("ann", None)]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (io.StringIO(f"ann,{MARKER}\n"), "an open file: give its path"),
        (io.BytesIO(MARKER.encode()), "an open file: give its path"),
        (f"ann,{MARKER}", "not str; if it is a file, give its path"),
        (Secret(MARKER), "not Secret"),
        (7, "must be a list of names or dicts, a dict, or a DataFrame, not int"),
        (numpy.array(MARKER), "an array without a dimension"),
        (polars.LazyFrame({"user": [MARKER]}), r"it holds no rows yet: give \.collect\(\) of it"),
        (Holder(), "the Holder cannot be read"),
    ],
    ids=["text file", "binary file", "text", "Secret", "number", "point", "LazyFrame", "no table"],
)
def test_what_is_no_source_is_one_clear_line(source, words):
    with pytest.raises(ParameterError, match=words) as found:
        rows_of(source)
    assert MARKER not in shown(found.value)


def test_all_problems_of_all_rows_come_as_a_table():
    """Each with its row, user and column; all that can be known without a server."""
    rows = [
        {"user": "ann", "password": 7, "roles": ["reader", ""], "description": "é" * 513},
        {"user": "b\ud83d", "password": "\ud83d", "roles": "\ud83d", "description": "\ud83d"},
        {"user": "eve", "password": numpy.int64(7), "roles": [7], "description": ["x"]},
        {"user": f"ann:{MARKER}\ud83d"},
        {"user": None},
        {"user": 7},
        {"user": "ok", "pasword": MARKER},
        7,
    ]
    found = problems_of(rows_of, rows)
    assert [(row, user, column) for row, user, column, _ in found] == [
        (1, "ann", "password"), (1, "ann", "roles"), (1, "ann", "description"),
        *((2, "", column) for column in ("user", "password", "roles", "description")),
        *((3, "eve", column) for column in ("password", "roles", "description")),
        (4, "", "user"), (5, "", "user"), (6, "", "user"), (7, "", ""), (8, "", ""),
    ]  # fmt: skip
    words = [problem.problem for problem in found]
    assert (
        words[0]
        == words[7]
        == "the password must be text or a Secret, not int; read its column as text, or zeros get lost"
    )
    assert words[2] == "the description is too long: 1026 bytes, and the limit is 1024"
    assert all("UTF-8" in text for text in words[3:7])
    assert "did you mean 'password'?" in words[-2]


def test_an_error_shows_its_problems_and_keeps_them():
    """A first line, a table of at most 20, how many more; in a notebook too, and after pickling."""
    error = BulkError(
        "25 problems, so nothing was changed", problems=[Problem(n, "ann", "user", "<b>no") for n in range(25)]
    )
    lines = str(error).splitlines()
    assert lines[0] == "25 problems, so nothing was changed"
    assert lines[1].split() == ["row", "user", "column", "problem"]
    assert (len(lines), lines[-1]) == (24, "and 5 more")
    assert error._render_traceback_() == [f"BulkError: {lines[0]}", *lines[1:]]
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), list(again.problems), again.code) == (str(error), list(error.problems), error.code)
    assert "<b>" not in error.problems._repr_html_()
    assert repr(error.problems).startswith("25 problems\n")
    assert str(BulkError("3 refused")) == "3 refused"
    assert repr(Problems()) == "0 problems"


def test_columns_without_anything_are_left_out():
    (lines,) = [str(BulkError("no", problems=[Problem(None, "", "", "it is full")])).splitlines()]
    assert lines[1:] == ["problem", "----------", "it is full"]


@pytest.mark.parametrize("operation", [CREATE, DELETE, DROP])
def test_problems_of_a_plan_are_in_one_table(operation):
    """Those known without the server and those that it tells, together."""
    with serving(ContractServer("2.6.4")) as (contract, address):
        contract.passwords["ann"] = b"secret-1"
        conn = Connection(Address.parse(address, user="root", password="Milvus"))
        names = ("root", "bob", "bob", f"x:{MARKER}", f"y {MARKER}", f"Z={MARKER}", "Ann")
        rows = rows_of([{"user": name, "roles": "admn"} for name in names])
        found = problems_of(make_plan, conn, operation, rows)
        conn.close()
    text = "\n".join(map(str, found))
    assert MARKER not in text
    assert "the user is in row 2 already" in text
    assert [(p.row, p.user) for p in found if "a whole line of a file?" in p.problem] == [(4, ""), (5, ""), (6, "")]
    if operation == CREATE:
        assert text.count("there is no role 'admn' (did you mean 'admin'?)") == 7
    else:
        assert "never deletes 'root'" in text
        assert "there is no user 'Ann', but 'ann'" in text
    assert ("there is no password" in text) is (operation == DELETE)
    assert contract.passwords.keys() == {"root", "ann"}


def test_the_limit_belongs_to_no_row():
    with serving(ContractServer("2.6.4")) as (_, address):
        conn = Connection(Address.parse(address, user="root", password="Milvus"))
        with pytest.raises(BulkError, match="1 user is there and 1 would be added, but 1 is the limit") as found:
            make_plan(conn, CREATE, rows_of(["ann"]), limit=1)
        conn.close()
    assert [problem.row for problem in found.value.problems] == [None]


ODD_PASSWORDS = {
    "secret-1 ": "the password ends with a blank, which is part of it",
    "\tsecret-1": "the password begins with a blank, which is part of it",
    " secret-1 ": "the password begins and ends with a blank, which is part of it",
    "secret-1\r\n": "the password ends with a line end, which is part of it",
    '"secret-1"': "the password stands in quotes, which are part of it",
    "'secret-1'": "the password stands in quotes, which are part of it",
}


@pytest.mark.parametrize("password", ODD_PASSWORDS)
def test_what_stands_around_a_password_is_remarked_on(password):
    assert remark_on_password(Secret(password)) == ODD_PASSWORDS[password]


@pytest.mark.parametrize("password", ["secret-1", "a secret", '"secret', "'", '"', "", "se\ncret", "x\udc80"])
def test_other_passwords_get_no_remark(password):
    assert remark_on_password(Secret(password)) is None


def test_the_plan_lists_remarks_of_its_rows():
    """A few, with their rows; the passwords stay as they are."""
    with serving(ContractServer("2.6.4")) as (_, address):
        conn = Connection(Address.parse(address, user="root", password="Milvus"))
        planned = make_plan(conn, CREATE, rows_of({f"user{n}": f"secret-{n}\n" for n in range(8)} | {"ann": "secret"}))
        conn.close()
    assert planned.notes[0] == "row 1: the password ends with a line end, which is part of it"
    assert planned.notes[-1] == "and 3 more"
    assert "secret-0" not in str(planned)


SPREADSHEETS = {
    "a separator line": "sep=;\r\nuser;password\r\nann;secret-1\r\nbob;secret-2\r\n",
    "tabs": "user\tpassword\nann\tsecret-1\nbob\tsecret-2\n",
    "empty rows": "user,password\r\nann,secret-1\r\n,\r\nbob,secret-2\r\n,\r\n \r\n\r\n",
    "an index": ",user,password\n0,ann,secret-1\n1,bob,secret-2\n",
    "the index of some of a frame's rows": ",user,password\n3,ann,secret-1\n7,bob,secret-2\n",
    "an empty column": "user,password,\nann,secret-1,\nbob,secret-2,\n",
    "blanks behind commas": 'user, password\nann, "secret-1"\nbob, secret-2\n',
    "blanks around headings": " user ,Password \nann,secret-1\nbob,secret-2\n",
    "old line ends": "user,password\rann,secret-1\rbob,secret-2\r",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("kind", SPREADSHEETS)
def test_what_spreadsheets_write_is_read(tmp_path, kind, encoding):
    for ending in ("csv", "tsv", "CSV"):
        path = file_of(tmp_path, f"a.{ending}", SPREADSHEETS[kind], encoding)
        assert pairs_of(files.read_rows(path)) == PAIRS


def test_rows_are_numbered_as_in_a_spreadsheet(tmp_path):
    """Also behind empty ones, and behind a text with a line end in it."""
    rows = files.read_rows(file_of(tmp_path, "a.csv", 'user,description\nann,"a\nb"\n,\n\nbob,\n'))
    assert [(row.number, row.user, row.description) for row in rows] == [(2, "ann", "a\nb"), (5, "bob", "")]


@pytest.mark.parametrize("text", ["a, b", "a;b", "['a', 'b']", '["a", "b"]', "[a]"])
def test_lists_of_roles_are_read(tmp_path, text):
    """As Python and JSON write them, and with separators."""
    path = file_of(tmp_path, "a.csv", "")
    with open(path, "w", newline="") as stream:
        csv.writer(stream).writerows([["user", "roles"], ["ann", text]])
    if text == "[a]":
        assert "the roles must be a list of names" in problems_of(files.read_rows, path)[0].problem
    else:
        assert files.read_rows(path)[0].roles == ("a", "b")


@pytest.mark.parametrize(
    ("name", "text", "row", "words"),
    [
        ("a.csv", f"user,name\nann,{MARKER}\n", None, "fields 1 and 2 of the heading mean the same: 'user' and 'name'"),
        ("a.csv", f"user,User \nann,{MARKER}\n", None, "fields 1 and 2 of the heading mean the same: 'user' and"),
        ("a.csv", f"password\n{MARKER}\n", None, "no column for the user"),
        ("a.csv", f",user\nx,{MARKER}\ny,bob\n", None, "field 1 of the heading is unknown"),
        ("a.csv", f"ann,{MARKER}\nbob,x\n", None, "field 1 of the heading is unknown (is the heading missing?)"),
        ("a.csv", f"user,password\nann,{MARKER},x\n", 2, "it has 3 fields, but the heading has 2; a text with a sep"),
        ("a.csv", f"user,password,roles\n\nann,{MARKER}\n", 3, "it has 2 fields, but the heading has 3"),
        ("a.json", f'[{{"user": "ann", "password": "x", "password": "{MARKER}"}}]', 1,
         "fields 2 and 3 of an object have the same name: 'password'"),
        ("a.json", f'[{{"user": "ann", "name": "{MARKER}"}}]', 1, "fields 1 and 2 mean the same: 'user' and 'name'"),
        ("a.json", f'{{"ann": {{"user": "bob", "password": "{MARKER}"}}}}', 1, "the user is named twice"),
        ("a.jsonl", f'{{"user": "ann"}}\n\n{{"user": "{MARKER}\n', 3, "it is not valid JSON"),
    ],
)  # fmt: skip
def test_problems_of_files_name_their_row_and_no_value(tmp_path, name, text, row, words):
    (problem,) = problems_of(files.read_rows, file_of(tmp_path, name, text))
    assert problem.row == row
    assert words in problem.problem
    assert MARKER not in str(problem)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (
            "a.csv",
            f'user,password\nann,"{MARKER}\nbob,x\n'.encode(),
            "see line 3: a quote that nothing closes",
        ),
        ("a.csv", f'user,password\nann,"x"{MARKER}\n'.encode(), "not valid CSV, see line 2"),
        ("a.csv", f"user,password\nann,é{MARKER}\n".encode("latin-1"), "not text in UTF-8"),
        ("a.json", f'{{"{MARKER}": 1, "{MARKER}": 2}}'.encode(), "fields 1 and 2 of an object have the same name;"),
        ("a.json", f'["{MARKER}'.encode(), "it is not valid JSON; nothing was sent"),
        ("a.json", f'"{MARKER}"'.encode(), "it must hold a list"),
        ("a.txt", MARKER.encode(), "ends in .csv, .tsv, .json, .ndjson or .jsonl"),
    ],
)
def test_files_that_cannot_be_read_are_one_clear_line(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ParameterError) as found:
        files.read_rows(str(tmp_path / name))
    assert words in str(found.value)
    assert MARKER not in shown(found.value)


def test_lines_of_json_are_read(tmp_path):
    for ending in ("ndjson", "jsonl"):
        lines = "\n".join(map(json.dumps, PEOPLE)) + "\n\n"
        assert pairs_of(files.read_rows(file_of(tmp_path, f"a.{ending}", lines))) == PAIRS


@pytest.mark.parametrize("kind", ["pipe", "directory", "device"])
def test_only_regular_files_are_read(tmp_path, kind):
    """At once: a pipe isn't waited for, and a device never ends."""
    path = tmp_path / "rows.csv"
    {"pipe": os.mkfifo, "directory": os.mkdir, "device": lambda path: os.symlink("/dev/zero", path)}[kind](path)
    began = time.monotonic()
    with pytest.raises(ParameterError, match="not a regular file|Is a directory"):
        files.read_rows(str(path))
    assert time.monotonic() - began < 1


def test_a_huge_file_is_not_read(tmp_path):
    with open(tmp_path / "rows.csv", "wb") as stream:
        stream.truncate(2**40)
    with pytest.raises(ParameterError, match="it is larger than 64 MiB"):
        files.read_rows(str(tmp_path / "rows.csv"))


def test_the_value_of_a_variable_is_no_path():
    """`$people` instead of `people`: what it holds comes as a text."""
    with pytest.raises(ParameterError, match=r"the source is neither a Python name .* \(without \$\)") as found:
        read_rows(str({"ann": MARKER}), Namespace({}, None))
    assert MARKER not in str(found.value)


NAME = st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,15}", fullmatch=True)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
ROW = st.fixed_dictionaries(
    {"user": NAME, "password": ANY_TEXT, "roles": st.lists(NAME, max_size=3, unique=True), "description": ANY_TEXT}
)


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(ROW, max_size=5),
    separator=st.sampled_from(",;\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    heading=st.permutations(["user", "password", "roles", "description"]),
)
def test_what_a_csv_writer_writes_is_read_back(rows, separator, encoding, quoting, heading):
    """With every separator, and whatever stands in a password or description."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        with open(path, "w", encoding=encoding, newline="") as stream:
            table = csv.DictWriter(stream, heading, delimiter=separator, quoting=quoting)
            table.writeheader()
            table.writerows(row | {"roles": ",".join(row["roles"])} for row in rows)
        found = files.read_rows(str(path))
    assert [row.number for row in found] == list(range(2, len(rows) + 2))
    assert [
        (row.user, row.password.reveal() if row.password else "", list(row.roles), row.description) for row in found
    ] == [tuple(row[name] for name in ("user", "password", "roles", "description")) for row in rows]


def shown(error):
    """All that an error shows: as text, in a notebook, and with what its frames of ours hold, also as a cause."""
    texts = [str(error), repr(error), *error._render_traceback_(), "".join(traceback.format_exception(error))]
    if isinstance(error, BulkError):
        texts += [repr(error.problems), error.problems._repr_html_()]
    return "\n".join([*texts, locals_of(error)])


def shown_by(action, *args):
    """All that the error of an action shows; empty if it raises none. Only errors of ours are caught."""
    try:
        action(*args)
    except MilvusException as exc:
        return shown(exc)
    return ""


def locals_of(error):
    """What the variables of our frames show, and those of the errors behind it."""
    lines = []
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if "/milvus_magics/" in frame.f_code.co_filename:
                lines += [f"{name} = {value!r}" for name, value in frame.f_locals.items()]
        error = error.__cause__ or error.__context__
    return "\n".join(lines)


HOSTILE = st.sampled_from(
    [
        MARKER,
        f" {MARKER}",
        f"{MARKER}\n",
        f'"{MARKER}',
        f"{MARKER}\ud83d",
        f"<b>{MARKER}",
        f"{MARKER},{MARKER}",
        f"['{MARKER}",
    ]
)
CELLS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.lists(st.text(max_size=3), max_size=2)
)
LINE = st.builds("ann{}{}".format, st.sampled_from([",", ";", ":", "|", "\t", "\n", " "]), HOSTILE)
SECRET = (
    HOSTILE | st.builds(lambda text: [text], HOSTILE) | st.builds(lambda text: text.encode("utf-8", "replace"), HOSTILE)
)
HOSTILE_ROW = LINE | st.fixed_dictionaries(
    {},
    optional={
        "user": CELLS | LINE,
        "password": CELLS | SECRET,
        "pasword": SECRET,
        "roles": CELLS,
        "description": CELLS | HOSTILE,
        MARKER: CELLS,
    },
)


@settings(max_examples=400, deadline=None)
@given(
    rows=st.lists(HOSTILE_ROW, max_size=4),
    shape=st.sampled_from(
        [
            list,
            tuple,
            iter,
            lambda rows: {"ann": rows[0]} if rows else {},
            lambda rows: rows[0] if rows and MARKER not in rows[0] else [],
        ]
    ),
)
def test_no_hostile_cell_brings_a_password_to_light(rows, shape):
    """Not in the error, its table, its HTML, and not in the frames of its traceback."""
    assert MARKER not in shown_by(rows_of, shape(rows))


@settings(max_examples=400, deadline=None)
@given(
    rows=st.lists(
        st.lists(HOSTILE.filter(lambda text: "\ud83d" not in text) | st.text("ab,;\"' \n", max_size=4), max_size=4),
        max_size=4,
    ),
    heading=st.sampled_from(["user,password", "user;password", "user, password", MARKER, "sep=;", "password", ""]),
    ending=st.sampled_from(["csv", "tsv", "json", "jsonl"]),
)
def test_no_hostile_file_brings_a_password_to_light(rows, heading, ending):
    """Whatever stands in it; the column of the user has none."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [heading, *(",".join(["ann", *row]) for row in rows)]
        if "json" in ending:
            lines = [json.dumps({"user": "ann", "password": "".join(row), "pasword": row}) for row in rows]
        path = file_of(Path(folder), f"a.{ending}", "\n".join(lines))
        assert MARKER not in shown_by(files.read_rows, path)


def test_a_generator_that_fails_says_so_itself():
    """With its own error; our frames hold only what is masked, also where IPython shows variables."""

    def failing():
        yield {"user": "ann", "password": MARKER}
        yield f"bob:{MARKER}"
        raise LookupError("no more people")

    with pytest.raises(LookupError, match="no more people") as found:
        rows_of(failing())
    assert MARKER not in locals_of(found.value)


def test_a_mapping_that_fails_is_a_problem_of_its_row():
    """It belongs to somebody else, and its error may quote what it holds."""

    class Failing(dict):
        def items(self):
            raise LookupError(MARKER)

    found = problems_of(rows_of, ["ann", Failing(user="bob")])
    assert [(problem.row, problem.problem) for problem in found] == [(2, "the Failing cannot be read (LookupError)")]


def test_a_verbose_traceback_shows_no_row_of_a_plan():
    """IPython shows what our frames hold where our error is the cause of another one."""
    with serving(ContractServer("2.6.4")) as (_, address):
        conn = Connection(Address.parse(address, user="root", password="Milvus"))
        rows = rows_of([f"ann:{MARKER}", {"user": "bob", "password": MARKER, "description": MARKER}])
        try:
            try:
                make_plan(conn, CREATE, rows)
            except BulkError as exc:
                raise RuntimeError("my own error") from exc
        except RuntimeError:
            text = VerboseTB(include_vars=True).text(*sys.exc_info())
        conn.close()
    frames = text[text.index("plan.py") :]
    assert "UserRow(number=1" in frames, "the traceback shows variables"
    assert MARKER not in "\n".join(line for line in frames.splitlines() if "rows_of([" not in line)


def seconds_of(action):
    """The processor's time that an action takes: the least of a few, as what else runs here only adds to it."""
    times = []
    for _ in range(4):
        began = time.process_time()
        action()
        times.append(time.process_time() - began)
    return min(times)


def test_ten_thousand_rows_take_less_than_half_a_second(tmp_path):
    """From a list and from a file; and so does the error where all are wrong."""
    rows = [{"user": f"user{n}", "password": f"secret-{n}", "roles": "a,b", "description": "x"} for n in range(10_000)]
    lines = "".join(f"user{n},secret-{n}\n" for n in range(10_000))
    path = file_of(tmp_path, "a.csv", f"user,password\n{lines}")
    assert seconds_of(lambda: rows_of(rows)) < 0.5
    assert seconds_of(lambda: files.read_rows(path)) < 0.5
    assert seconds_of(lambda: problems_of(rows_of, [7] * 10_000)) < 0.5
    assert (len(rows_of(rows)), len(files.read_rows(path))) == (10_000, 10_000)
