"""Descriptions of users and roles are changed where the server keeps them, by all ways in, and come back."""

import contract
import pytest
from IPython.core.interactiveshell import InteractiveShell
from test_wrong_deeds import OLD, V25, V26, V30, Unnamed, bench
from traitlets.config import Config

from milvus_magics import client, connections
from milvus_magics.errors import (
    NOTHING_CHANGED,
    ParameterError,
    PermissionDeniedError,
    ProtectedRoleError,
    ServerTooOldError,
    UnknownRoleError,
    UnknownUserError,
)
from milvus_magics.forms import form_for
from milvus_magics.session import session

KEEPING = ["2.6.19", V30, "3.0.0"]
NOT_KEEPING = [OLD, "2.4.16", V25, V26]
KINDS = ["user", "role"]
NAMES = {"user": "bob", "role": "reader"}
MISSING = {"user": ("bobb", UnknownUserError), "role": ("raeder", UnknownRoleError)}
CHANGES = {"user": client.users.describe_user, "role": client.roles.describe_role}
WHOSE = {"user": "", "role": "the role "}
PREVIEWS = {"user": client.users.preview_describe_user, "role": client.roles.preview_describe_role}
SENT = {"user": "UpdateCredential", "role": "AlterRole"}


def description(server, kind):
    return (server.descriptions if kind == "user" else server.roles).get(NAMES[kind], "")


@pytest.fixture
def described(request):
    """A server where both have a description, and a connection whose changes can be undone."""
    session.undo.clear()
    version, kind = request.param
    with bench(None, version if isinstance(version, contract.ContractServer) else contract.ContractServer(version)) as (
        server,
        conn,
    ):
        server.passwords["bob"], server.roles["reader"] = b"bobs-password", "who reads"
        server.descriptions["bob"] = "team A"
        yield server, conn, kind
    session.undo.clear()


class Nameless(Unnamed):
    """As its base, for tests to be told apart by."""

    named = "unreadable"


def every(versions):
    pairs = [(version, kind) for version in versions for kind in KINDS]
    return pytest.mark.parametrize(
        "described",
        pairs,
        indirect=True,
        ids=[f"{getattr(version, 'named', version)}-{kind}" for version, kind in pairs],
    )


@every(KEEPING)
def test_a_description_is_changed_and_comes_back(described):
    server, conn, kind = described
    old, name = description(server, kind), NAMES[kind]
    foreseen = str(PREVIEWS[kind](conn, name, "new one"))
    assert f"This will change the description of {WHOSE[kind]}{name} to 'new one'" in foreseen
    assert f"he present one is {old!r}; you can undo it with %milvus_describe_{kind} --undo" in foreseen
    assert description(server, kind) == old
    told = str(CHANGES[kind](conn, name, "new one"))
    assert f"{kind} '{name}' on {conn.address.url} is described as 'new one' now; before: {old!r}" in told
    assert description(server, kind) == "new one"
    CHANGES[kind](conn, name, session.undo.find_description(conn, kind, name))
    assert description(server, kind) == old


@every(KEEPING)
def test_a_description_is_taken_away_by_an_empty_one(described):
    server, conn, kind = described
    assert "This will remove the description of " in str(PREVIEWS[kind](conn, NAMES[kind], ""))
    assert "has no description now" in str(CHANGES[kind](conn, NAMES[kind], ""))
    assert description(server, kind) == ""
    told = str(PREVIEWS[kind](conn, NAMES[kind], ""))
    assert "has no description; nothing will change" in told


@every(NOT_KEEPING)
def test_where_none_are_kept_one_line_says_so_and_nothing_is_sent(described):
    server, conn, kind = described
    for act in (PREVIEWS[kind], CHANGES[kind]):
        with pytest.raises(ServerTooOldError) as caught:
            act(conn, NAMES[kind], "new one")
        text = str(caught.value)
        assert "keeps no descriptions (Milvus 2.6.19 does); nothing was changed" in text
        assert server.rules.build in text
    assert SENT[kind] not in server.calls
    assert {*server.calls} <= {"GetVersion"}


@every([Nameless(V26)])
def test_it_is_too_old_also_where_the_version_cannot_be_read(described):
    server, conn, kind = described
    with pytest.raises(ServerTooOldError) as caught:
        CHANGES[kind](conn, NAMES[kind], "new one")
    assert caught.value.outcome == NOTHING_CHANGED
    assert "too old" in str(caught.value) or "keeps no descriptions" in str(caught.value)
    assert server.passwords["bob"] == b"bobs-password"


@every([V30])
def test_what_cannot_be_described_is_refused_before_anything_is_sent(described):
    server, conn, kind = described
    wrong, error = MISSING[kind]
    for act in (PREVIEWS[kind], CHANGES[kind]):
        with pytest.raises(error, match=f"did you mean '{NAMES[kind]}'"):
            act(conn, wrong, "new one")
        with pytest.raises(ParameterError, match="the limit is 1024"):
            act(conn, NAMES[kind], "x" * 1025)
        with pytest.raises(ParameterError, match="half a character"):
            act(conn, NAMES[kind], "\ud83d")
        if kind == "role":
            for role in ("admin", "public"):
                with pytest.raises(ProtectedRoleError, match=f"'{role}' cannot be changed"):
                    act(conn, role, "new one")
        else:
            with pytest.raises(ParameterError, match="would delete or change 'bob' instead"):
                act(conn, "bob ", "new one")
    assert SENT[kind] not in server.calls


@every([V30])
def test_who_may_change_but_not_look_changes_all_the_same(described):
    """What it was before is not known then, so that it cannot be undone, and that is said."""
    server, conn, kind = described
    server.passwords["eve"] = b"eves-password"
    server.roles["writer"] = ""
    server.bindings.add(("eve", "writer"))
    with contract.serving(server) as (_, address):
        eve = type(conn)(type(conn.address).parse(uri=f"http://{address}", user="eve", password="eves-password"))
        eve.on_change.append(session.undo)
        with pytest.raises(PermissionDeniedError):
            CHANGES[kind](eve, NAMES[kind], "new one")
        right = "UpdateUser" if kind == "user" else "CreateOwnership"
        assert f"lack the privilege {right}" in str(PREVIEWS[kind](eve, NAMES[kind], "new one"))
        server.grants[("writer", "User" if kind == "user" else "Global", "*", right, "*")] = "root"
        told = str(CHANGES[kind](eve, NAMES[kind], "new one"))
        assert "what it was before cannot be seen, so it cannot be undone" in told
        assert description(server, kind) == "new one"
        with pytest.raises(ParameterError, match="no description"):
            session.undo.find_description(eve, kind, NAMES[kind])
        eve.close()


@pytest.fixture
def notebook():
    """A shell on a server, by all of whose ways a description can be changed."""
    session.undo.clear()
    session.journal.clear()
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "milvus_magics")
    with contract.serve(V30) as (server, address):
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        server.passwords["bob"], server.roles["reader"] = b"bobs-password", "who reads"
        server.descriptions["bob"] = "team A"
        yield server, lambda line: shell.run_line_magic(*f"milvus_{line}".split(" ", 1))
    shell.run_line_magic("unload_ext", "milvus_magics")


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_done_undone_and_kept_in_the_audit_by_line_and_form(notebook, kind):
    server, run = notebook
    name, old = NAMES[kind], description(server, kind)
    assert "to 'a $x {1}'" in str(run(f"describe_{kind} {name} 'a $x {{1}}' --dry-run"))
    with pytest.raises(ParameterError, match=f"no description of {kind} '{name}' was changed .* in this session"):
        run(f"describe_{kind} {name} --undo")
    assert description(server, kind) == old
    run(f"describe_{kind} {name} 'two words'")
    assert description(server, kind) == "two words"
    assert f"{WHOSE[kind]}{name} to '{old}'" in str(run(f"describe_{kind} {name} --undo --dry-run"))
    run(f"describe_{kind} {name} --undo")
    assert description(server, kind) == old
    run(f"describe_{kind} {name} --undo")  # takes that back
    assert description(server, kind) == "two words"
    for line in (f"describe_{kind} {name}", f"describe_{kind} {name} x --undo"):
        with pytest.raises(ParameterError, match="give the new description, '' for none, or --undo"):
            run(line)
    run(f"describe_{kind} {name} ''")
    assert description(server, kind) == ""
    form = run(f"describe_{kind} {name} 'by form' --form")
    assert isinstance(form, form_for(f"describe_{kind}"))
    assert "here is none so far" in form.hint.text
    form.submit()
    assert "is described as 'by form' now" in form.status.text
    assert description(server, kind) == "by form"
    form.close()
    run(f"describe_{kind} {name} --undo")
    assert description(server, kind) == ""
    done = [(one.operation, one.target) for one in session.journal.entries() if one.outcome == "done"]
    assert done == [(f"describe_{kind}", name)] * 6


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_dropped_meanwhile_is_not_described_as_before(notebook, kind):
    """It comes back with the description that it had then."""
    server, run = notebook
    name = NAMES[kind]
    run(f"describe_{kind} {name} last")
    run(f"drop_{kind} {name} --yes")
    with pytest.raises(ParameterError, match="no description of"):
        run(f"describe_{kind} {name} --undo")
    if kind == "role":
        run("restore_role reader")
        assert description(server, kind) == "last"
