"""Many users: what can be known before the first change is known then, on all servers, and quotes no password."""

import builtins

import contract
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from milvus_magics import connections
from milvus_magics.bulk import run as bulk
from milvus_magics.bulk.look_alikes import plain_name
from milvus_magics.bulk.results import BulkError, BulkResult, RowOutcome
from milvus_magics.errors import AliasError, ParameterError

PASSWORD = "S3cret!pass"
PLAIN = "S3cretpass"  # could be a name


@pytest.fixture
def shell():
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "milvus_magics")
    yield shell
    shell.run_line_magic("unload_ext", "milvus_magics")
    connections.close_all()


@pytest.fixture
def run(shell):
    def run(line, **values):
        shell.user_ns |= values
        magic, _, rest = line.partition(" ")
        return shell.run_line_magic(f"milvus_{magic}", rest)

    return run


@pytest.fixture
def servers(shell):
    """Two servers, by the aliases `a` and `b`; `a` is the default."""
    with contract.serve("2.6.18") as (one, first), contract.serve("2.6.18") as (two, second):
        for alias, address in {"a": first, "b": second, "default": first}.items():
            connections.connect(alias, "root", "Milvus", uri=f"http://{address}")
        yield one, two


def problems(run, line, **values):
    with pytest.raises(BulkError) as caught:
        run(line, **values)
    return [tuple(problem) for problem in caught.value.problems]


def people(*servers, names=("ann", "bob")):
    for server in servers:
        server.passwords |= {name: PASSWORD.encode() for name in names}
    return list(names)


def test_outer_blanks_of_a_name_are_seen(run, servers):
    """In the problems, in the rows and in lists: `bob` is not taken for `bob `."""
    with pytest.raises(BulkError) as caught:
        run("drop_users who", who=["bob "])
    assert "\n1    'bob '  " in str(caught.value)
    rows = BulkResult([RowOutcome(1, "bob ", "missing"), RowOutcome(2, "bob", "done")], "dropped", 0.1)
    assert "\n1    'bob '  missing" in repr(rows)
    assert "\n2    bob     done" in repr(rows)
    assert "&#x27;bob &#x27;" in rows._repr_html_()
    servers[0].passwords |= {"bob ": b"a-password"}
    assert "\n'bob '" in repr(run("list_users"))


def test_an_alias_bound_anew_at_the_question_stops_all_servers(run, servers, monkeypatch):
    """Also those whose own alias is as it was."""
    one, two = servers
    names, other = people(one, two), connections.get("a").address.url

    def answer(_):
        connections.connect("b", "root", "Milvus", uri=other)
        return "4"

    monkeypatch.setattr(builtins, "input", answer)
    with pytest.raises(AliasError):
        run("drop_users names --using a,b", names=names)
    assert {"ann", "bob"} <= set(one.passwords) & set(two.passwords)


def test_two_aliases_of_one_server_are_one_too_many(run, servers):
    """Everything would be done twice."""
    with pytest.raises(ParameterError, match="'a' and 'default' are connections to the same server: name one of them"):
        run("create_users names --using a,default", names=["ann"])
    assert "ann" not in servers[0].passwords


def test_the_problems_of_all_servers_come_at_once(run, servers):
    """With where they are, unless they are the same everywhere."""
    one, two = servers
    one.roles["x1"] = two.roles["x2"] = ""
    rows = [{"user": "ann", "roles": ["x1"]}, {"user": "bob", "roles": ["x2"]}, {"user": "eve", "roles": ["nurse"]}]
    assert problems(run, "create_users rows --using a,b", rows=rows) == [
        (1, "ann", "roles", "on b: there is no role 'x1'"),
        (2, "bob", "roles", "on a: there is no role 'x2'"),
        (3, "eve", "roles", "there is no role 'nurse'"),
    ]


@pytest.mark.parametrize(
    "row",
    [
        {"user": PASSWORD, "password": "ann"},
        {"user": PASSWORD, "password": "ann-the-user"},
        {"user": "ann", "password": "analyst", "roles": PLAIN},
        {"user": "ann", "password": PLAIN, "roles": PLAIN},
    ],
    ids=["exchanged", "exchanged, long", "shifted", "twice"],
)
def test_columns_that_are_mixed_up_show_no_password(run, servers, row):
    """The text of the error and its table name the row; whoever made it sees the rest."""
    servers[0].roles["analyst"] = ""
    for line in ("create_users rows", "create_users rows --dry-run"):
        with pytest.raises(BulkError) as caught:
            run(line, rows=[row])
        shown = "".join(map(str, (caught.value, caught.value.problems, caught.value.problems.to_dicts())))
        assert "S3cret" not in shown
        assert [problem.row for problem in caught.value.problems]
    assert set(servers[0].passwords) == {"root"}


def test_passwords_that_nobody_can_have_are_known_before(run, servers):
    """Too long for Milvus, or with NUL: nobody is deleted."""
    names = people(servers[0])
    rows = [{"user": name, "password": text} for name, text in zip(names, (PASSWORD, "x" * 73), strict=True)]
    assert problems(run, "delete_users rows", rows=rows) == [
        (2, "bob", "password",
         "the password given for user 'bob' is wrong: it has 73 bytes, and no password of Milvus has more than 72"),
    ]  # fmt: skip
    rows[1]["password"] = "x\0x"
    [(_, _, column, text)] = problems(run, "delete_users rows --dry-run", rows=rows)
    assert (column, "holds a NUL character" in text) == ("password", True)
    assert {*names} <= set(servers[0].passwords)


@pytest.mark.parametrize("way", ["create_users names", "create_users names --dry-run"])
def test_names_that_only_newer_servers_take(run, shell, way):
    """Known from the version, before anything is sent."""
    with contract.serve("2.5.24") as (server, address):
        connections.connect("default", "root", "Milvus", uri=f"http://{address}")
        found = problems(run, way, names=["a.b", "ann"])
        for line in ("create_user a.b --generate", "create_user a.b --generate --dry-run"):
            with pytest.raises(ParameterError, match=r"2\.5\.24.*'\.' and '-' need Milvus 2\.6; nothing was sent"):
                run(line)
        assert set(server.passwords) == {"root"}
    assert [(row, user, column) for row, user, column, _ in found] == [(1, "a.b", "user")]


def test_new_names_that_differ_by_case_only(run, servers):
    """Of many, that is rather a slip; who means it creates that user alone."""
    people(servers[0])
    assert problems(run, "create_users names --dry-run", names=["Ann", "eve"]) == [
        (1, "Ann", "user", "there is a user 'ann', and only the case differs"),
    ]
    assert run("create_users names --dry-run", names=["ann", "eve"]).counts == {"already": 1, "to do": 1}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Мax", "max"), ("j–doe", "j-doe"), ("j‐doe", "j-doe"), ("Zoé", "zoe"), ("Ζoe", "zoe"), ("ВOB", "bob"),
        ("lIlly", "l1lly"), ("'bob'", "bob"), (" bob\u200b", "bob"), ("ｂｏｂ", "bob"), ("“bob”", "bob"),
        ("b0b", "bob"),
    ],
)  # fmt: skip
def test_leavers_whose_names_look_like_others(run, servers, written, meant):
    """They are a problem, also with --missing-ok, and not gone already."""
    people(servers[0], names=(meant, "eve"))
    assert plain_name(written) == plain_name(meant) != plain_name(f"{meant}x")
    [(row, _, column, _)] = problems(run, "drop_users names --missing-ok --yes", names=[written])
    assert (row, column) == (1, "user")
    assert meant in servers[0].passwords


@pytest.mark.parametrize(
    "line", ["create_users names --passwords-to {}", "create_user ann --generate --password-to {}"]
)
def test_a_dry_run_looks_whether_the_file_can_be_made(run, servers, tmp_path, line):
    """As the run does; and leaves nothing there."""
    (tmp_path / "there.csv").write_text("somebody's")
    for place, why in (("there.csv", "exists already"), ("no/where.csv", "cannot be made: No such file")):
        for dry in ("", " --dry-run"):
            with pytest.raises(ParameterError, match=f"{why}.*nothing was sent"):
                run(line.format(tmp_path / place) + dry, names=["ann"])
    assert (
        "This will" in (said := str(run(line.format(tmp_path / "new.csv") + " --dry-run", names=["ann"])))
        or "to do" in said
    )
    assert [path.name for path in tmp_path.iterdir()] == ["there.csv"]
    assert set(servers[0].passwords) == {"root"}


def test_a_file_of_passwords_that_nobody_got_is_taken_away(run, servers, tmp_path):
    """So that the same line can be run again."""
    servers[0].max_users = 1
    line = f"create_users names --passwords-to {tmp_path}/made.csv"
    assert set(run(line, names=["ann", "bob"]).counts) <= {"refused", "not tried"}
    assert not list(tmp_path.iterdir())
    servers[0].max_users = 100
    assert run(line, names=["ann", "bob"]).counts == {"done": 2}
    assert len((tmp_path / "made.csv").read_text().splitlines()) == 3


def test_a_generator_that_was_read_is_no_success(run, servers):
    """A dry run reads it to its end."""
    names = (name for name in ["ann", "bob"])
    assert run("create_users names --dry-run", names=names).counts == {"to do": 2}
    [(row, _, _, text)] = problems(run, "create_users names", names=names)
    assert (row, text.startswith("it is empty")) == (None, True)


def test_a_dry_run_says_which_right_is_missing(run, servers):
    """The one that the run would need, in whatever way."""
    server = servers[0]
    server.passwords["looker"] = PASSWORD.encode()
    server.roles["looks"] = ""
    server.bindings.add(("looker", "looks"))
    for privilege in ("SelectUser", "SelectOwnership"):
        server.grants["looks", "Global", "*", privilege, "*"] = "root"
    connections.connect("default", "looker", PASSWORD, uri=connections.get("a").address.url)
    people(server)
    for line, privilege in (
        ("create_users rows", "CreateOwnership"),
        ("create_users rows --at-once", "RestoreRBAC"),
        ("drop_users names", "DropOwnership"),
    ):
        said = str(run(f"{line} --dry-run", rows=["new"], names=["ann"]))
        assert f"ou lack the privilege {privilege}, so the server will refuse this" in said


class Stop(BaseException):
    """What is no Exception."""


@pytest.mark.parametrize("error", [ZeroDivisionError, Stop])
def test_the_result_hangs_on_what_progress_raises(servers, error):
    """By one request, too: nothing was sent, and the passwords that were made up are there."""

    def progress(count):
        raise error

    with pytest.raises(error) as caught:
        bulk.create_users(connections.get("a"), ["ann", "bob"], at_once=True, progress=progress)
    assert [row.user for row in caught.value.result] == ["ann", "bob"]
    assert not {"done", "unknown"} & set(caught.value.result.counts)
    assert set(servers[0].passwords) == {"root"}


class Frame:
    """A table that hands itself out by the older protocol, and by no other."""

    def __init__(self, table):
        self._table = table

    def __dataframe__(self, **options):
        return self._table.__dataframe__(**options)


class Batch:
    """One array of Arrow, and no stream."""

    def __init__(self, batch):
        self._batch = batch

    def __arrow_c_array__(self, requested_schema=None):
        return self._batch.__arrow_c_array__(requested_schema)


def test_tables_of_any_library_are_read(run, servers):
    """By what they can do, not by what they are called."""
    import pyarrow

    table = pyarrow.table({"user": ["ann", "bob"]})
    for frame in (Frame(table), Batch(table.to_batches()[0]), Batch(pyarrow.array(["ann", "bob"]))):
        assert run("create_users frame --dry-run", frame=frame).counts == {"to do": 2}


def test_a_quote_behind_a_blank_is_no_part_of_a_password(run, servers, tmp_path):
    """Where the heading has no blanks, it is told instead of guessed."""
    file = tmp_path / "class.csv"
    file.write_text('user,password\nann, "Secret 99x"\n')
    assert problems(run, f"create_users {file}") == [
        (2, "", "password", "it begins with a blank before a quote: leave the blank out")
    ]
