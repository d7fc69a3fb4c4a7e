"""Tab completion in a real shell on a real Milvus: what it offers, where it is silent, and how long it takes."""

import time

import pytest
from IPython.core import completer
from processes import frozen, pid_of_milvus

from milvus_magics import embedded
from milvus_magics.client import roles, users
from milvus_magics.magics import completion
from milvus_magics.secret import Secret
from milvus_magics.session import connections, session
from milvus_magics.session.name_cache import QUERIES
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

PASSWORD = "right-password"
# IPython before 8.6 does less, as docs/front-ends.md says; `make matrix` runs these tests there.
OLD = not hasattr(completer, "context_matcher")


@pytest.fixture
def complete(shell):
    """The lines that a Tab at the end of a line could make of it."""

    def lines(text):
        with completer.provisionalcompleter():
            found = list(shell.Completer.completions(text, len(text)))
        return [text[: each.start] + each.text for each in found]

    return lines


@pytest.fixture
def people(root):
    for name in ("alice", "alan", "bob"):
        users.create_user(root, name, PASSWORD, timeout=10)
    roles.create_role(root, "reader", timeout=10)


def test_names_of_users(complete, people):
    """By their beginning, also after an assignment, on an indented line, and in a cell with several lines."""
    assert complete("%milvus_list_user al") == ["%milvus_list_user alan", "%milvus_list_user alice"]
    assigned, indented = complete("x = %milvus_list_user al"), complete("if True:\n    %milvus_delete_user bo")
    if OLD:
        assert not [line for line in assigned + indented if line.endswith((" alice", " bob"))]
    else:
        assert assigned == ["x = %milvus_list_user alan", "x = %milvus_list_user alice"]
        assert indented == ["if True:\n    %milvus_delete_user bob"]
    everybody = [f"x = 1\n%milvus_list_user {name}" for name in ("alan", "alice", "bob", "root")]
    offered = complete("x = 1\n%milvus_list_user ")
    assert offered == everybody or (OLD and set(offered) > set(everybody))
    assert complete("%milvus_delete_user --yes bo") == ["%milvus_delete_user --yes bob"]
    assert complete("%milvus_list_user 'bo") == ["%milvus_list_user 'bob" if OLD else "%milvus_list_user bob"]


def test_each_argument_has_its_own_kind_of_name(complete, people):
    """Users, roles, privileges, collections, databases, aliases, object types."""
    assert complete("%milvus_grant_role bob re") == ["%milvus_grant_role bob reader"]
    assert complete("%milvus_create_user new --role re") == ["%milvus_create_user new --role reader"]
    assert complete("%milvus_grant_privilege reader Sea") == ["%milvus_grant_privilege reader Search"]
    assert complete("%milvus_grant_privilege reader CollectionR") == [], "this server has no groups"
    assert "%milvus_grant_privilege reader Search --db default" in complete(
        "%milvus_grant_privilege reader Search --db d"
    )
    assert complete("%milvus_grant_privilege reader Search --object Co")[0].endswith("--object Collection")
    assert complete("%milvus_list_users --using de") == ["%milvus_list_users --using default"]
    assert complete("%milvus_use de") == ["%milvus_use default"]
    assert complete("%milvus_add_privileges_to_group g Search Qu")[0].endswith(" Search Query")


def test_options(complete):
    """All of the magic's, without those that stand there already; repeatable ones stay."""
    offered = complete("%milvus_drop_user bob --d")
    assert offered == ["%milvus_drop_user bob --dry-run"] or (OLD and "%milvus_drop_user bob --dry-run" in offered)
    assert "%milvus_drop_user bob --dry-run --dry-run" not in complete("%milvus_drop_user bob --dry-run --d")
    offered = complete("%milvus_create_user bob --role a --")
    assert "%milvus_create_user bob --role a --role" in offered
    assert "%milvus_create_user bob --role a --password-env" in offered
    assert not [line for line in offered if not line.rsplit(" ", 1)[1].startswith("--")]
    assert "%milvus_list_users --timeout" in complete("%milvus_list_users ")


def test_where_it_is_silent(complete, people):
    """New names, values that are no names, other magics, and Python."""
    assert "%milvus_create_user alice" not in complete("%milvus_create_user al")
    assert "%milvus_create_role reader" not in complete("%milvus_create_role re")
    assert not [line for line in complete("%milvus_list_users --timeout ") if "alice" in line]
    assert not [line for line in complete("al") if "alice" in line]
    assert not [line for line in complete("%timeit al") if "alice" in line]
    assert not [line for line in complete("%milvus_nonsense al") if "alice" in line]


def test_strange_names_are_quoted(monkeypatch, complete):
    """So that the line, once completed, means that very name."""
    conn = connections.get()
    strange = ["a b", "$x", "it's {me}", "-dash", "plain.name"]
    monkeypatch.setitem(QUERIES, "user", lambda conn, timeout: strange)
    session.names.forget(conn)
    offered = [line.removeprefix("%milvus_list_user ") for line in complete("%milvus_list_user ")]
    assert {"'a b'", "'$x'", '"it\'s \\{me\\}"', "'-dash'", "plain.name"} <= set(offered)
    begun = complete("%milvus_list_user 'a ")
    assert ("%milvus_list_user 'a b'" not in begun) if OLD else begun == ["%milvus_list_user 'a b'"]


def test_strange_names_come_back_whole(complete):
    """A name that only a superuser can make: completed, and then found by the magic."""
    with embedded.start(settings={"COMMON_SECURITY_SUPERUSERS": "root"}) as server:
        connections.connect(uri=server.uri, user="root", password=server.password)
        conn = connections.get()
        conn.call_checked(
            "UpdateCredential", deadline=Deadline(10), username="it's $x {me}", newPassword=Secret(PASSWORD)
        )
        if OLD:
            assert not [line for line in complete("%milvus_list_user it") if "me" in line]
            return
        [line] = complete("%milvus_list_user it")
        shell = complete.__closure__[0].cell_contents
        assert shell.run_line_magic("milvus_list_user", line.partition(" ")[2]).name == "it's $x {me}"


def test_own_changes_are_seen_at_once(complete, people, root):
    """The names that are remembered are forgotten with each change."""
    assert complete("%milvus_list_user bo") == ["%milvus_list_user bob"]
    users.create_user(root, "bonnie", PASSWORD, timeout=10)
    assert complete("%milvus_list_user bo") == ["%milvus_list_user bob", "%milvus_list_user bonnie"]
    users.drop_user(root, "bob", timeout=10)
    assert complete("%milvus_list_user bo") == ["%milvus_list_user bonnie"]


def test_what_is_known_is_not_asked_again(complete, people, root, monkeypatch):
    """One question per kind of name in half a minute."""
    complete("%milvus_list_user ")
    asked = []
    monkeypatch.setitem(QUERIES, "user", lambda conn, timeout: asked.append(1))
    assert complete("%milvus_list_user al")
    assert not asked


def test_frozen_server_is_asked_once_and_then_left_alone(complete):
    """The first Tab comes back within the half second, the next ones at once; the names are there afterwards."""
    with embedded.start() as server:
        connections.connect(uri=server.uri, user="root", password=server.password)
        complete("import o")  # what IPython itself has to load first is not ours
        with frozen(pid_of_milvus(server)):
            start = time.monotonic()
            assert "root" not in "".join(complete("%milvus_list_user ro"))
            first = time.monotonic() - start
            start = time.monotonic()
            complete("%milvus_list_role ad")
            second = time.monotonic() - start
        assert 0.4 < first < 1.5, "asked, and given up after half a second"
        assert second < 0.4, "not asked again"
        session.names.forget(connections.get())
        assert complete("%milvus_list_user ro") == ["%milvus_list_user root"]


def test_no_rights_no_names(complete, server, root):
    """A user who may not list gets no names, and no error."""
    users.create_user(root, "bob", PASSWORD, timeout=10)
    connections.connect("bobs", "bob", PASSWORD, uri=server.uri)
    assert not [line for line in complete("%milvus_list_user --using bobs bo") if line.endswith("bob")]


def test_unloading_takes_it_away(shell, complete, people):
    """Afterwards nobody of ours is asked, and loading twice does not ask twice."""

    def ours():
        if OLD:
            return [each for each in shell.strdispatchers["complete_command"].regexs if each.pattern == completion.HOOK]
        matchers = shell.Completer.custom_matchers
        return [each for each in matchers if completion.IDENTIFIER in str(each.matcher_identifier)]

    shell.run_line_magic("reload_ext", "milvus_magics")
    assert len(ours()) == 1
    shell.run_line_magic("unload_ext", "milvus_magics")
    assert ours() == []
    assert "%milvus_list_user alice" not in complete("%milvus_list_user al")
    shell.run_line_magic("load_ext", "milvus_magics")


def test_broken_completion_is_silent(shell, complete, monkeypatch, capsys):
    """Whatever goes wrong inside, the user sees nothing of it."""
    monkeypatch.setattr(completion, "suggest", lambda *args: 1 / 0)
    complete("%milvus_list_user al")
    captured = capsys.readouterr()
    assert captured.err == captured.out == ""


def test_connection_that_is_gone_is_silent(complete, server, root):
    """A closed connection under an alias that is in use offers nothing and raises nothing."""
    dead = Connection(Address.parse(server.uri, user="root", password=server.password))
    connections.keep("dead", dead)
    dead.close()
    assert not [line for line in complete("%milvus_list_user --using dead ro") if line.endswith("root")]
