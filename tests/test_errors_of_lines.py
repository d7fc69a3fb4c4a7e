"""What is wrong with a line is said in a few words: comments, dashes, misspelled options, lists, addresses."""

import contract
import pytest

from milvus_magics import connections, utility
from milvus_magics.errors import AliasError, MilvusException, NotGrantedError, ParameterError, UnknownPrivilegeError

PASSWORD = "a-password"
ADVICE = "If there is a password on this line"


@pytest.fixture(params=["2.3.5", "2.6.18"])
def server(shell, request, monkeypatch):
    with contract.serve(request.param) as (server, address):
        server.passwords["bob"] = PASSWORD.encode()
        server.roles["analyst"] = ""
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        monkeypatch.setenv("PW", PASSWORD)
        shell.user_ns["uri"] = f"http://{address}"
        yield server
        connections.close_all()


def error_of(shell, line, kind=MilvusException):
    magic, _, rest = line.partition(" ")
    with pytest.raises(kind) as caught:
        shell.run_line_magic(magic, rest)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("line", ["milvus_list_users # all of them", "milvus_drop_user bob --yes # he left",
                                  "milvus_list_users #all of them", "milvus_list_grants # --of all"])  # fmt: skip
def test_a_comment_is_named_as_what_is_in_the_way(shell, server, line):
    """IPython gives a magic the whole line."""
    said = error_of(shell, line, ParameterError)
    assert "'#' begins no comment on the line of a magic: put it on a line of its own; see %" in said
    assert ADVICE not in said
    assert "bob" in server.passwords


def test_a_name_may_begin_with_a_number_sign(shell, server):
    """Where one more word is wanted, it is one."""
    assert "there is no user '#bob'" in error_of(shell, "milvus_drop_user #bob --yes")


@pytest.mark.parametrize("dash", ["\u2010", "\u2011", "\u2013", "\u2212", "\ufe58"])
def test_a_dash_of_a_word_processor_inside_an_option_is_told(shell, server, dash):
    """As at its beginning; also in the name of a source, which is no password."""
    for line, option in (("milvus_drop_user bob --dry{}run", "--dry-run"),
                         ("milvus_create_user bob --password{}env=PW", "--password-env"),
                         ("milvus_update_password bob --new{0}password{0}env PW", "--new-password-env"),
                         ("milvus_connect h --token{}env PW", "--token-env")):  # fmt: skip
        said = error_of(shell, line.format(dash), ParameterError)
        assert f"write {option} with plain hyphens: one of these is none; see %" in said
    said = error_of(shell, f"milvus_create_user bob --password{dash}hunterzwei", ParameterError)
    assert "so delete the cell" in said
    assert "hunterzwei" not in said
    assert "there is no user" in error_of(shell, f"milvus_drop_user 'a{dash}b' --yes")


@pytest.mark.parametrize("dash", ["\u2013-", "\u2014", "\u2013", "\u2212-", "-\u2013", "\u2010\u2010", "\u2015"])
def test_a_dash_of_a_word_processor_is_told(shell, server, dash):
    """In place of two hyphens, wherever the option stands; it is never taken for a name."""
    for line in ("milvus_drop_user bob {}yes", "milvus_drop_user {}yes", "milvus_list_users {}timeout 5",
                 "milvus_list_users {}timeout=5"):  # fmt: skip
        option = "--yes" if "yes" in line else "--timeout"
        said = error_of(shell, line.format(dash), ParameterError)
        assert f"write {option} with two plain hyphens, which these are not; see %" in said
    said = error_of(shell, f"milvus_delete_user bob {dash}password hunterzwei", ParameterError)
    assert "a password is never typed on the line" in said
    assert "hunterzwei" not in said
    if not dash.startswith("-"):
        assert "there is no user" in error_of(shell, f"milvus_drop_user {dash}nothing"), "else it is a name"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("milvus_drop_user bob --dryrun", "there is no option --dryrun (did you mean '--dry-run'?)"),
        ("milvus_drop_user bob --dryrun=x", "there is no option --dryrun (did you mean '--dry-run'?)"),
        ("milvus_list_users --tmeout 5", "there is no option --tmeout (did you mean '--timeout'?)"),
        ("milvus_drop_role analyst --forced x", "there is no option --forced (did you mean '--force'?)"),
        ("milvus_list_users all of them", "too many values; one with blanks goes in quotes"),
        ("milvus_list_users --zzz", "there is no option --zzz"),
        ("milvus_access --users bob", "there is no option --users (did you mean '--user'?)"),
    ],
)
def test_where_no_password_is_taken_there_is_no_advice_about_one(shell, server, line, hint):
    """One short line."""
    magic = line.partition(" ")[0]
    assert error_of(shell, line, ParameterError) == f"%{magic}: {hint}; see %{magic} --help; nothing was sent"


@pytest.mark.parametrize(
    "line",
    ["milvus_delete_user bob --pasword hunterzwei", "milvus_drop_user bob --pasword hunterzwei",
     "milvus_drop_user bob --passwort=hunterzwei", "milvus_create_user bob --roles hunterzwei",
     "milvus_create_user b hunterzwei", "milvus_create_user b # hunterzwei"],
)  # fmt: skip
def test_what_may_be_a_password_comes_with_the_advice(shell, server, line):
    """Where a password is taken, or an option looks like one for it; JupyterLab's own copy is named."""
    said = error_of(shell, line, ParameterError)
    assert ADVICE in said
    assert ".ipynb_checkpoints" in said
    assert "hunterzwei" not in said


def test_a_misspelled_option_is_suggested_where_passwords_are_taken_too(shell, server):
    """`--roles` of a magic that takes `--role`."""
    assert "no option --roles (did you mean '--role'?)" in error_of(shell, "milvus_create_user bob --roles public")


def test_lists_with_commas(shell, server):
    """What takes one name at a time says so."""
    said = error_of(shell, "milvus_create_user new --password-env PW --role public,admin")
    assert "there is no role 'public,admin'" in said
    assert "one role by itself, without a comma" in said
    said = error_of(shell, "milvus_grant_privilege analyst Search,Query --collection docs", UnknownPrivilegeError)
    assert "one privilege by itself, without a comma" in said
    assert "new" not in server.passwords


def test_revoking_what_is_not_there(shell, server):
    """The role, the right spelling of a privilege, and names that no collection has, as granting says it."""
    for magic in ("milvus_grant_privilege", "milvus_revoke_privilege"):
        said = error_of(shell, f"{magic} nosuch Search --collection docs")
        assert "there is no role 'nosuch'" in said
        assert "there are: admin, analyst, public; nothing was changed" in said
    shell.run_line_magic("milvus_grant_privilege", "analyst Search --collection docs")
    said = error_of(shell, "milvus_revoke_privilege analyst search --collection docs", NotGrantedError)
    assert "does not have search on collection 'docs'" in said
    assert "(did you mean 'Search'?)" in said
    assert "did you mean" not in error_of(shell, "milvus_revoke_privilege analyst Query --collection docs")


@pytest.mark.parametrize("name", ["doc*", "my-docs", "9docs", "a b"])
def test_a_name_that_no_collection_has(shell, server, name):
    """Servers say of it that a role's name is wrong."""
    said = error_of(shell, f"milvus_grant_privilege analyst Search --collection '{name}'", ParameterError)
    assert "role name" not in said
    assert repr(name) in said
    assert not [grant for grant in server.grants if grant[0] == "analyst"]


ADDRESSES = [
    "http://milvus.example:19530", "https://root:hunterzwei@milvus.example", "milvus.example:19530",
    "unix:/tmp/hunterzwei", "root:hunterzwei@milvus.example", "127.0.0.1:19530", "[::1]:19530", "tcp://x",
    "milvus.example:19530/db", "./milvus.db", "milvus_demo.db", "/run/milvus.sock", "~/milvus.db",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_in_the_place_of_an_alias(shell, server, address):
    """As `MilvusClient` takes it: the password that stands behind would go to another server. Nothing is quoted."""
    server.calls.clear()
    for act in (
        lambda: connections.connect(address, "root", "Milvus"),
        lambda: connections.connect(address, "root", "Milvus", uri=shell.user_ns["uri"]),
        lambda: connections.add_connection(**{address: {"host": "localhost"}}),
        lambda: connections.get(address),
        lambda: utility.create_user("new", PASSWORD, using=address),
        lambda: shell.run_line_magic("milvus_connect", f"{{uri}} --user root --password-env PW --alias {address}"),
        lambda: shell.run_line_magic("milvus_list_users", f"--using {address}"),
    ):
        with pytest.raises(ParameterError, match="looks like an address.*(uri|URI)") as caught:
            act()
        assert "hunterzwei" not in str(caught.value)
    assert server.calls == []
    for alias in ("prod", "prod-2", "bob@prod", "milvus.example", "a b", "über", "prod/eu"):
        with pytest.raises(AliasError, match="no connection"):
            connections.get(alias)
