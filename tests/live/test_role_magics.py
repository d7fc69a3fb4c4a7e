"""The magics for passwords, roles and privileges, in a real shell on a real Milvus."""

import io
import sys

import pytest

from milvus_magics.client import users
from milvus_magics.errors import (
    ConfirmationError,
    InUseError,
    MilvusException,
    NotGrantedError,
    ParameterError,
    ServerTooOldError,
    UnknownUserError,
    WrongPasswordError,
)
from milvus_magics.forms import registered_forms
from milvus_magics.forms.check_list import CheckList
from milvus_magics.forms.panel import inside
from milvus_magics.magics import MilvusMagics
from milvus_magics.magics.line import CLEAR_HISTORY
from milvus_magics.session import connections

PASSWORD = "right-password"


@pytest.fixture
def run(shell):
    """Run a line: `run("list_roles")`."""
    return lambda line: shell.run_line_magic(*f"milvus_{line} ".split(" ", 1))


def test_stars_in_quotes_mean_all(run):
    """As the help shows it."""
    run("create_role reader")
    assert str(run("grant_privilege reader Search --collection '*' --db '*'").grant) == (
        "Search on all collections in all databases"
    )
    assert run("grant_privilege reader Query --object Collection --object-name '*'").grant.db == "default"


def test_own_password_by_default(run):
    """Without a name it is the acting user's, and the connection goes on."""
    run("create_user bob --password-env PW")
    conn = connections.get()
    connections.connect("bobs", "bob", PASSWORD, uri=conn.address.url)
    changed = run("reset_password --using bobs --password-env PW --new-password-env NEW")
    assert (changed.user, changed.proven, changed.reauthenticated) == ("bob", True, True)
    assert run("whoami --using bobs").user == "bob"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "update_password bob --password-env PW --password-var x --new-password-env NEW",
            "one source for the password",
        ),
        (
            "update_password bob --password-env PW --new-password-env NEW --new-password-var x",
            "the new password, not two",
        ),
        ("update_password bob --password-env EMPTY --new-password-env NEW", "not set, or empty"),
        ("update_password bob --password-env PW --new-password-env NOTHING", "'NOTHING' of this kernel is not set"),
        ("update_password bob --password-env PW", "--new-password-env VAR"),
        ("update_password bob --new-password-env NEW", "--password-env VAR"),
        ("update_password bob --password-env PW --without-old --new-password-env NEW", "leave its source out"),
        ("update_password '' --password-env PW --new-password-env NEW", "user name is empty"),
        ("update_password bob --password-env PW --new-password-env PW", "is the old one"),
        ("update_password bob --new-password secret", "never typed on the line"),
        ("update_password bob --old-password=secret", "never typed on the line"),
        ("create_role", "name the role, or give --form"),
        ("create_role ''", "role name is empty"),
        ("create_role 'a b'", "server says"),
        ("describe_role reader", "'' for none, or --undo"),
        ("grant_role bob", "name the role, or give --form"),
        ("grant_privilege reader Search", "name it"),
        ("grant_privilege reader Search --collection ''", "name it"),
        ("add_privileges_to_group g", "name the privileges, or give --form"),
        ("list_role reader --timeout 0", "more than 0"),
        ("drop_role reader --frce", "no option"),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(run, monkeypatch, line, said):
    """What, why, what to do next."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    run("create_user bob --password-env PW")
    with pytest.raises(ParameterError, match=said) as raised:
        run(line)
    assert len("".join(raised.value._render_traceback_()).splitlines()) == 1
    assert users.list_usernames(connections.get()) == ["bob", "root"]
    assert [role.name for role in run("list_roles")] == ["admin", "public"]
    with pytest.raises(WrongPasswordError):
        run("delete_user bob --password-env NEW")


def test_unknown_user_comes_with_who_may_have_been_meant(run):
    """Whatever the passwords are."""
    with pytest.raises(UnknownUserError, match="did you mean 'root'"):
        run("reset_password rot --password-env PW --new-password-env NEW")


def test_dropping_a_role_is_confirmed(run, monkeypatch):
    """The name retyped or --yes; a role with privileges is refused, and not asked about."""
    run("create_role reader")
    run("grant_privilege reader Search --collection docs")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(InUseError, match="holds Search on collection 'docs'"):
        run("drop_role reader")
    with pytest.raises(ConfirmationError, match="--yes"):
        run("drop_role reader --force")
    monkeypatch.setattr("builtins.input", lambda label: "raeder")
    with pytest.raises(ConfirmationError, match="not retyped"):
        run("drop_role reader --force")
    assert "This will drop the role reader" in str(run("drop_role reader --force --dry-run"))
    assert "reader" in [role.name for role in run("list_roles")]
    monkeypatch.setattr("builtins.input", lambda label: "reader")
    assert run("drop_role reader --force").grants[0].privilege == "Search"


def test_last_admin_is_asked_about(run, monkeypatch):
    """Taking the role from the last one who has it; another one goes without asking."""
    run("create_user bob --role admin --password-env PW")
    run("create_user eve --role admin --password-env PW")
    run("revoke_role eve admin")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(ConfirmationError, match="This is the last user with the role admin. .*Nobody can be asked"):
        run("revoke_role bob admin")
    assert run("list_user bob").roles == ("admin",)
    run("revoke_role bob admin --yes")
    with pytest.raises(NotGrantedError):
        run("revoke_role bob admin")


LAST_ADMIN = "is the last user with the role admin"


@pytest.mark.parametrize("line", ["delete_user bob --password-env PW", "drop_user bob"])
def test_name_of_the_last_admin_is_retyped(run, monkeypatch, line):
    """Before they are deleted, with or without their password; root, who needs no role, doesn't count."""
    run("create_user bob --role admin --password-env PW")
    assert LAST_ADMIN in str(run(f"{line} --dry-run"))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(ConfirmationError, match=f"{LAST_ADMIN}.*Nobody can be asked here"):
        run(line)
    for answer in ("bop", "", "y"):
        asked = []
        monkeypatch.setattr("builtins.input", lambda label, answer=answer, asked=asked: asked.append(label) or answer)
        with pytest.raises(ConfirmationError, match="the name was not retyped as 'bob'; nothing was changed"):
            run(line)
        assert LAST_ADMIN in asked[0]
    assert run("list_user bob").roles == ("admin",)
    monkeypatch.setattr("builtins.input", lambda label: "bob")
    assert run(line).user == "bob"
    assert run("list_usernames") == ["root"]


@pytest.mark.parametrize("line", ["delete_user bob --password-env PW --yes", "drop_user bob --yes"])
def test_yes_deletes_the_last_admin_unasked(run, monkeypatch, line):
    """Who gives it has said that it is meant."""
    run("create_user bob --role admin --password-env PW")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert run(line).roles == ("admin",)


def test_one_of_two_admins_is_not_warned_about(run, monkeypatch):
    """Deleted with the password, nobody is asked; dropped, nothing is said of a last one. Then the other one is it."""
    for name in ("ann", "bob", "eve"):
        run(f"create_user {name} --role admin --password-env PW")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert run("delete_user ann --password-env PW").verified
    with pytest.raises(ConfirmationError) as raised:
        run("drop_user eve")
    assert LAST_ADMIN not in str(raised.value)
    run("drop_user eve --yes")
    with pytest.raises(ConfirmationError, match=LAST_ADMIN):
        run("delete_user bob --password-env PW")


def test_retyping_the_name_replaces_no_password(run, monkeypatch):
    """The last admin stays where the password is wrong, confirmed or not."""
    run("create_user bob --role admin --password-env PW")
    monkeypatch.setattr("builtins.input", lambda label: "bob")
    for line in ("delete_user bob --password-env NEW", "delete_user bob --password-env NEW --yes"):
        with pytest.raises(WrongPasswordError):
            run(line)
    assert run("list_user bob").roles == ("admin",)


@pytest.mark.parametrize("line", ["delete_user bob --password-env PW", "drop_user bob"])
def test_own_name_is_retyped(run, monkeypatch, line):
    """Who deletes the user that they are connected as is told that the connection ends with it."""
    address = connections.get().address.url
    for name in ("bob", "eve"):
        run(f"create_user {name} --role admin --password-env PW")
    connections.connect("bobs", "bob", PASSWORD, uri=address)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(ConfirmationError, match="This is the user you are connected as, so the connection will end"):
        run(f"{line} --using bobs")
    assert run("list_user bob").roles == ("admin",)
    monkeypatch.setattr("builtins.input", lambda label: "bob")
    assert run(f"{line} --using bobs").disconnected


def test_new_servers_only(run):
    """Each says what it needs and what the server is."""
    run("create_role reader")
    for line in (
        "list_privilege_groups", "create_privilege_group g", "drop_privilege_group g",
        "add_privileges_to_group g Search", "remove_privileges_from_group g Search",
        "describe_role reader x", "describe_user root x",
    ):  # fmt: skip
        with pytest.raises(ServerTooOldError, match=r"is Milvus v2\.3\.5.*(needs Milvus 2\.|\(Milvus 2\.6\.19 does\))"):
            run(line)


def test_every_magic_has_help_with_an_example(run, capsys):
    """`--help` shows the usage and an example with the magic's own name, and asks nobody."""
    for name, method in MilvusMagics.magics["line"].items():
        run(f"{name.removeprefix('milvus_')} --help" if name != "milvus" else "connections --help")
        shown = capsys.readouterr().out
        assert "usage: " in shown
        parser = getattr(MilvusMagics, method).parser()
        assert f"%{name}" in parser.description.partition("Example")[2], name


def test_every_magic_refuses_a_typed_password_alike(run):
    """With how to get rid of the line; those that take no password, too."""
    for name in MilvusMagics.magics["line"]:
        for option in ("--password", "--new-password", "-p"):
            with pytest.raises(ParameterError, match="a password is never typed on the line") as raised:
                run(
                    f"{name.removeprefix('milvus_')} x {option} hunter2"
                    if name != "milvus"
                    else f"use {option} hunter2"
                )
            assert CLEAR_HISTORY in str(raised.value)
            assert "hunter2" not in str(raised.value), "what was typed is not echoed"


def test_errors_are_ours(run):
    """Whatever is unknown, it is one of our errors."""
    for line in ("grant_role nobody admin", "list_role x", "list_grants x", "revoke_privilege x Search --collection a"):
        with pytest.raises(MilvusException):
            run(line)


FORMS = {
    "create_user bob --role reader": ("CreateUserForm", {"User": "bob", "Roles": "reader"}),
    "delete_user bob": ("DeleteUserForm", {"User": "bob"}),
    "drop_user 'b ob'": ("DropUserForm", {"User": "b ob"}),
    "update_password bob": ("UpdatePasswordForm", {"User": "bob"}),
    "reset_password": ("ResetPasswordForm", {"User": "root"}),
    "create_role reader --description 'reads all'": ("CreateRoleForm", {"Role": "reader", "Description": "reads all"}),
    "drop_role reader --force": ("DropRoleForm", {"Role": "reader", "Revoke its privileges first": True}),
    "grant_role bob reader": ("GrantRoleForm", {"User": "bob", "Role": "reader"}),
    "revoke_role bob": ("RevokeRoleForm", {"User": "bob", "Role": ""}),
    "describe_user bob 'reads all'": ("DescribeUserForm", {"User": "bob", "Description": "reads all"}),
    "describe_role reader": ("DescribeRoleForm", {"Role": "reader", "Description": ""}),
    "grant_privilege reader Search --collection docs": (
        "GrantPrivilegeForm", {"Role": "reader", "Collections": {"docs": True}, "Privileges": {"Search": True}}
    ),
    "revoke_privilege reader Load --collection docs": (
        "RevokePrivilegeForm", {"Role": "reader", "Collections": {"docs": True}, "Privileges": {"Load": False}}
    ),
    "create_privilege_group g": ("CreatePrivilegeGroupForm", {"Group": "g", "Privileges": {}}),
    "drop_privilege_group g": ("DropPrivilegeGroupForm", {"Group": "g"}),
    "add_privileges_to_group g Search": ("PrivilegeGroupForm", {"Group": "g", "Privileges": {"Search": True}}),
    "remove_privileges_from_group g Search": (
        "RemovePrivilegesFromGroupForm", {"Group": "g", "Privileges": {"Search": False}}
    ),
    "connect bob@localhost:1 --alias x": ("ConnectForm", {"Address": "localhost:1", "User": "bob", "Alias": "x"}),
}  # fmt: skip


def test_every_form_is_filled():
    """All that there are, by their magics."""
    assert {line.split()[0] for line in FORMS} == set(registered_forms())


@pytest.mark.parametrize("line", FORMS)
def test_form_is_filled_with_what_the_line_gives(run, line):
    """On the connection that the line means, with its timeout."""
    run("create_role reader")
    run("grant_privilege reader Load --collection docs")
    name, values = FORMS[line]
    form = run(f"{line} --form --timeout 3")
    assert type(form).__name__ == name
    assert form._timeout == 3
    fields = [field for field in inside(form) if hasattr(field, "value")]
    shown = {field.label if isinstance(field, CheckList) else field.description: field.value for field in fields}
    assert {label: shown[label] for label in values} == values
    form.close()


def test_form_is_shown_without_anything_else_on_the_line(run):
    """Names that a line needs otherwise may be left out."""
    for line in FORMS:
        run(f"{line.split()[0]} --form").close()


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("create_user bob --generate --password-to x", "--generate and --password-to"),
        ("create_user --password-var hunter2", "--password-var"),
        ("delete_user bob --yes", "--yes"),
        ("drop_user bob --dry-run", "--dry-run"),
        ("reset_password --without-old --new-password-env hunter2", "--new-password-env and --without-old"),
        ("revoke_role bob reader --yes --dry-run", "--dry-run and --yes"),
    ],
)
def test_what_a_form_has_no_field_for_is_named(run, line, names):
    """In one line, with nothing but the names of the options; no form is shown."""
    with pytest.raises(ParameterError, match="asks for everything else by itself") as raised:
        run(f"{line} --form")
    assert f"leave {names} out; nothing was sent" in str(raised.value)
    assert "hunter2" not in str(raised.value), "what was typed is not echoed"
    assert len(raised.value._render_traceback_()) == 1
