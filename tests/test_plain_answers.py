"""What was told wrong, or said so that nobody understood it, each as somebody saw it."""

import contract
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from milvus_magics import connections
from milvus_magics.access.question import read_access
from milvus_magics.client import roles
from milvus_magics.errors import ParameterError, UnknownUserError
from milvus_magics.forms.privileges import GrantPrivilegeForm
from milvus_magics.session import connections as bound


@pytest.fixture(scope="module", params=["2.3.5", "2.5.24", "2.6.18"])
def shell(request):
    """A shell on a server with a role `reader`, a collection `docs` that `wide` may search, and who holds what."""
    with contract.serve(request.param) as (server, address):
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
        shell.run_line_magic("load_ext", "milvus_magics")
        server.passwords |= {"ann": b"password-of-ann", "bob": b"password-of-bob"}
        server.roles |= {"reader": "", "wide": ""}
        server.passwords["eve"], server.roles["unused"] = b"password-of-eve", ""
        server.bindings |= {("ann", "wide"), ("bob", "wide"), ("ann", "reader")}
        server.grants["wide", "Collection", "*", "Search", "*"] = "root"
        server.collections["default"] = ["docs"]
        shell.server = server
        yield shell
        shell.run_line_magic("unload_ext", "milvus_magics")


def run(shell, line):
    name, _, rest = line.partition(" ")
    return shell.run_line_magic(f"milvus_{name}", rest)


@pytest.mark.parametrize(
    ("line", "first", "again"),
    [
        ("grant_role bob reader", "gave role 'reader' to user 'bob'", "user 'bob' has role 'reader' already on"),
        ("grant_privilege reader Insert --collection docs", "granted Insert on collection 'docs'",
         "role 'reader' has Insert on collection 'docs' in database 'default' already on"),
    ],
)  # fmt: skip
def test_what_is_there_already_is_not_said_to_be_given(shell, line, first, again):
    """As the dry run foretells it; the server itself takes it both times."""
    assert str(run(shell, line)).startswith(first)
    said = str(run(shell, line))
    assert said.startswith(again)
    assert "; nothing was changed" in said
    assert "already; nothing will change" in str(run(shell, f"{line} --dry-run"))


def test_a_new_user_gets_roles_without_a_look_before(shell):
    """Many at once take no call more for each."""
    shell.server.calls.clear()
    roles.bind_role(bound.get("default"), "eve", "wide")
    shell.server.bindings.remove(("eve", "wide"))
    assert shell.server.calls == ["OperateUserRole"]


def test_everybody_holds_public(shell):
    for line in ("access --role public", "list_role public"):
        said = repr(run(shell, line))
        assert "held by everybody" in said
        assert "nobody" not in said
    found = run(shell, "list_roles")
    assert "public  (everybody)" in repr(found)
    assert "(everybody)" in found._repr_html_()
    assert {row.name: row.users for row in found}["public"] == (), "rows are what the server tells"


@pytest.mark.parametrize(
    ("error", "asked", "on"),
    [
        (ParameterError, ("ann", "Search", "docs", "nodb"), {}),
        (ParameterError, ("ann", "Search", None, "nodb"), {}),
        (ParameterError, ("ann", "Search", "nothing"), {}),
        (ParameterError, ("ann", "Search", "docs", ""), {}),
        (ParameterError, ("ann", "Search", ""), {}),
        (ParameterError, ("ann", None, "docs"), {}),
        (ParameterError, (None, "Search", "docs"), {}),
        (ParameterError, ("ann", "Search", "docs"), {"connected_to": "nodb"}),
        (ParameterError, ("ann", "Search", "docs"), {"connected_to": ""}),
        (ParameterError, ("ann", "SelectUser"), {"target_user": ""}),
        (UnknownUserError, ("ann", "SelectUser"), {"target_user": "nobody"}),
        (UnknownUserError, ("nobody", "Search", "docs"), {}),
    ],
)
def test_of_what_is_not_there_nothing_is_answered(shell, error, asked, on):
    """Yes or no would mislead, also where a wildcard reaches whatever there will be."""
    found = read_access(bound.get("default"))
    assert found.allows("ann", "Search", "docs", connected_to="default") is True
    assert found.allows("ann", "SelectUser", target_user="ann") is True
    with pytest.raises(error):
        found.allows(*asked, **on)


def test_words_are_sentences(shell):
    """With what is meant in them, and the same thing said once."""
    assert "who can access something in database 'default' on" in run(shell, "access --db default").caption
    assert "who can access collection 'docs' in database 'default' on" in run(shell, "access --collection docs").caption
    found = run(shell, "access")
    assert "1 user has no role and may do only what everybody may: eve" in say_findings(found, "users without a role")
    assert "nobody holds 1 role: unused" in say_findings(found, "roles without a holder")
    for asked, says in (
        ({"collection": "nope"}, "there is no collection 'nope' on"),
        ({"db": "nope"}, "there is no collection in database 'nope' on"),
        ({"collection": "nope", "db": "default"}, "there is no collection 'nope' in database 'default' on"),
    ):
        with pytest.raises(ParameterError, match=says):
            found.matrix(columns="collections", **asked)


def say_findings(found, concern):
    return next(finding.text for finding in found.findings if finding.concern == concern)


def test_nobody_is_told_to_be_asked_where_nobody_can_be(shell, monkeypatch):
    def nobody(_):
        raise EOFError

    monkeypatch.setattr("getpass.getpass", nobody)
    for line in ("delete_user ann", "create_user new", "update_password ann"):
        with pytest.raises(ParameterError, match="nobody can be asked here: use --.*password-env VAR") as caught:
            run(shell, line)
        assert "to be asked" not in str(caught.value)


def test_passwords_say_that_they_may_be_old(shell):
    run(shell, "create_user gone --generate")
    run(shell, "drop_user gone --yes")
    assert "whose user was deleted, no longer works" in run(shell, "passwords").caption


def test_what_is_missing_is_named(shell):
    with pytest.raises(ParameterError, match="name the privilege, like Search, .*or give --form"):
        run(shell, "grant_privilege reader")


def test_a_form_says_once_that_a_database_is_not_there(shell):
    """Not in the server's raw words, and each sentence by itself."""
    form = GrantPrivilegeForm()
    form.fill(role="reader", db="nodb")
    said = form.hint.text
    assert "code" not in said
    form.fill(collections=["docs"], privileges=["Query"])
    said = form.hint.text
    is_refused = shell.server.version == "2.6.18"  # it looks the collection up
    assert said.startswith("there is no database 'nodb'" if is_refused else "This will grant Query")
    assert "; This" not in said
    assert said.count("no database 'nodb'") == 1
