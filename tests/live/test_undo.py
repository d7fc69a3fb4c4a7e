"""Undo: deleted users and dropped roles come back as they were, and passwords are kept only for who wants that."""

import contextlib
import getpass
import io
import sys
import threading
import time

import contract
import grpc
import middleman
import pytest
from certificates import Issued
from interrupts import Interrupted

from milvus_magics import DropUserForm, embedded
from milvus_magics.client import privileges, roles, users
from milvus_magics.client.password_check import check_password
from milvus_magics.errors import (
    AuthenticationError,
    ChangeInterrupted,
    ConfirmationError,
    DeadlineError,
    MilvusException,
    ParameterError,
    PermissionDeniedError,
    RoleExistsError,
    UnknownRoleError,
    UserExistsError,
)
from milvus_magics.secret import Secret
from milvus_magics.session import connections, session
from milvus_magics.transport.address import Address
from milvus_magics.transport.deadline import Deadline

PASSWORD = "right-password"


@pytest.fixture
def run(shell, monkeypatch):
    session.undo.clear()
    session.journal.clear()
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # nobody is there to be asked
    yield lambda line: shell.run_line_magic(*f"milvus_{line} ".split(" ", 1))
    session.undo.keep_passwords(0)


@pytest.fixture
def keeping(run, shell):
    """Passwords are kept, for ten minutes."""
    shell.run_line_magic("config", "MilvusMagics.undo_minutes = 10")


def is_password(conn, user, password):
    return check_password(conn, user, Secret(password), Deadline(10), may_rewrite=True).right


def assert_logs_in(address, user, password, held, **tls):
    """They do so by themselves and find themselves with these roles; with another password they are refused."""
    connections.connect("theirs", user, password, uri=address, **tls)
    assert users.whoami(connections.get("theirs")).roles == held
    assert_is_refused(address, user, f"not-{password}", **tls)


def assert_is_refused(address, user, password, **tls):
    with pytest.raises(AuthenticationError):
        connections.connect("refused", user, password, uri=address, **tls)


def test_without_opting_in_the_password_is_given_anew(run, root):
    """It is said before the deletion, and asked for afterwards; roles are always kept."""
    run("create_user bob --role public --password-env PW")
    assert "You can undo it with %milvus_restore_user; you'll set a new password." in str(
        run("delete_user bob --dry-run")
    )
    run("delete_user bob --password-env PW")
    with pytest.raises(ParameterError, match="--password-env VAR"):
        run("restore_user bob")
    assert "with a new password" in str(run("restore_user bob --dry-run"))
    run("restore_user bob --password-env NEW")
    assert users.list_user(root, "bob").roles == ("public",)
    assert is_password(root, "bob", "new-password")


def test_dropped_user_has_no_password_to_keep_on_old_servers(run, keeping, root):
    """Milvus 2.3 tells no hashes, so it is given anew, opted in or not."""
    run("create_user bob --role public --password-env PW")
    run("drop_user bob --yes")
    with pytest.raises(ParameterError, match="--password-env VAR"):
        run("restore_user bob")
    run("restore_user bob --password-env NEW")
    assert users.list_user(root, "bob").roles == ("public",)


@pytest.mark.parametrize("version", ["2.5.11", "3.0.0"])
def test_dropped_user_comes_back_by_hash_on_newer_servers(run, keeping, version, caplog):
    """The same password without anybody knowing it; the hash is in nothing that is shown."""
    with contract.serve(version) as (server, address):
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        run("create_role reader")
        run("create_user bob --role reader --password-env PW")
        run("create_user eve --password-env NEW")
        with caplog.at_level("DEBUG"):
            dropped = run("drop_user bob --yes")
            assert_is_refused(f"http://{address}", "bob", PASSWORD)
            assert session.undo.users_with_secret == ["bob"], "only the one entry is kept"
            restored = run("restore_user bob")
        assert restored.same_password
        assert server.passwords["bob"] == PASSWORD.encode()
        assert_logs_in(f"http://{address}", "bob", PASSWORD, ("reader",))
        shown = f"{dropped!r} {restored!r} {session.journal.entries()!r} {caplog.text} {vars(session.undo)!r}"
        for hidden in (contract.HASH, PASSWORD, "new-password", PASSWORD.encode().hex()):
            assert hidden not in shown, "no password and no hash in what is shown, recorded or logged"


def test_no_hash_travels_where_others_may_listen(run, keeping):
    """Over a plain connection to an address that is not known to be this machine, none is asked for."""
    with contract.serve("2.6.4") as (server, address):
        port = address.rpartition(":")[2]
        with pytest.warns(UserWarning, match="in plaintext"):
            connections.connect(uri=f"http://0.0.0.0:{port}", user="root", password="Milvus")
        run("create_user bob --password-env PW")
        assert "you'll set a new password" in str(run("drop_user bob --dry-run"))
        run("drop_user bob --yes")
        assert "BackupRBAC" not in server.calls
        assert not session.undo.users_with_secret


def test_hash_comes_back_over_tls(run, keeping, tmp_path):
    """There nobody listens on the way, so it is asked for, wherever the server is."""
    own = Issued("milvus.example")
    (tmp_path / "own.pem").write_bytes(own.pem)
    tls = {"server_pem_path": str(tmp_path / "own.pem"), "server_name": "milvus.example"}
    with contract.serve("2.6.4", credentials=grpc.ssl_server_credentials([(own.key_pem, own.pem)])) as (server, target):
        address = f"https://0.0.0.0:{target.rpartition(':')[2]}"
        connections.connect(uri=address, user="root", password="Milvus", **tls)
        run("create_role reader")
        run("create_user bob --role reader --password-env PW")
        assert "You can undo it with %milvus_restore_user. (on" in str(run("drop_user bob --dry-run"))
        run("drop_user bob --yes")
        assert "BackupRBAC" in server.calls
        assert_is_refused(address, "bob", PASSWORD, **tls)
        assert run("restore_user bob").same_password
        assert_logs_in(address, "bob", PASSWORD, ("reader",), **tls)


@pytest.mark.parametrize("refused", [False, True])
def test_description_comes_back_with_the_hash(run, keeping, refused):
    """A backup holds none, so it is written afterwards; where that is refused, the note says what it was."""
    with contract.serve("3.0.0") as (server, target), middleman.between(target) as (between, address):
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        run("create_user bob --password-env PW --description 'a student'")
        run("drop_user bob --yes")
        refusing(between, "UpdateCredential", 1 if refused else 0)
        restored = run("restore_user bob")
        assert restored.same_password
        assert_logs_in(f"http://{address}", "bob", PASSWORD, ())
        assert server.descriptions.get("bob", "") == ("" if refused else "a student")
        assert ("their description (a student) is not restored: " in str(restored)) is refused


def test_nothing_is_backed_up_without_opting_in(run):
    """The server's answer holds the hashes of everybody, so it is not even asked for."""
    with contract.serve("3.0.0") as (server, address):
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        run("create_user bob --password-env PW --description 'a student'")
        run("drop_user bob --yes")
        assert "BackupRBAC" not in server.calls
        run("restore_user bob --password-env PW")
        assert server.descriptions["bob"] == "a student"


def test_kept_passwords_expire(run, root):
    """After the time that was said, and at once when it is set to 0."""
    session.undo.keep_passwords(0.02)  # 1.2 seconds
    run("create_user bob --password-env PW")
    run("delete_user bob --password-env PW")
    assert session.undo.find_secret(root, "bob")
    assert PASSWORD not in f"{session.undo!r} {vars(session.undo)!r}", "no password in what is kept for undo"
    end = time.monotonic() + 5
    while session.undo.users_with_secret and time.monotonic() < end:
        time.sleep(0.05)
    assert not session.undo.users_with_secret, "it is dropped without anybody asking for it"
    session.undo.keep_passwords(10)
    run("create_user eve --password-env PW")
    run("delete_user eve --password-env PW")
    session.undo.keep_passwords(0)
    assert session.undo.find_secret(root, "eve") is None


def test_what_will_not_come_back_is_said_before(run, shell, root):
    """Dry run, prompt and plan: Milvus 2.3 tells no hashes, so whoever is dropped gets a new password."""
    run("create_user bob --role public --password-env PW")
    shell.user_ns["leavers"] = {"bob": PASSWORD}
    new = "ou can undo it with %milvus_restore_user; you'll set a new password"
    for minutes, anew in (("0", new), ("10", f"{new}, as the old cannot be kept here")):
        shell.run_line_magic("config", f"MilvusMagics.undo_minutes = {minutes}")
        assert f"{anew}. (on " in str(run("drop_user bob --dry-run"))
        assert run("drop_users leavers --dry-run").summary.endswith(anew)
        for line in ("drop_user bob", "drop_users leavers"):
            with pytest.raises(ConfirmationError) as raised:
                run(line)
            assert f"{anew}." in str(raised.value)
    for line in ("delete_user bob", "delete_users leavers"):
        assert "ou can undo it with %milvus_restore_user" in str(run(f"{line} --dry-run")).partition("\n")[0]
        assert "new password" not in str(run(f"{line} --dry-run"))
    form = DropUserForm()
    form.fields["user"].value = "bob"
    assert form.hint.text.endswith(f"{new}, as the old cannot be kept here.")
    form.close()


def test_prompt_of_a_verified_deletion_says_how_to_undo_it(run, root, monkeypatch):
    """Who is asked for the password reads it there."""
    run("create_user bob --role public --password-env PW")
    asked = []
    monkeypatch.setattr(getpass, "getpass", lambda label: asked.append(label) or PASSWORD)
    run("delete_user bob")
    assert asked == [
        "This will delete bob (role: public). You can undo it with %milvus_restore_user; you'll set a new password. "
        "Password of bob: "
    ]


def test_what_will_not_come_back_is_said_where_nobody_is_asked(run, shell, root, capsys):
    """Passwords from the environment, and lists."""
    run("create_user bob --role public --password-env PW")
    run("create_user ann --password-env PW")
    run("create_user eve --password-env PW")
    shell.user_ns["leavers"] = {"ann": PASSWORD}
    shell.user_ns["droppers"] = ["eve"]
    for line in ("delete_user bob --password-env PW", "delete_users leavers", "drop_users droppers --yes"):
        capsys.readouterr()
        run(line)
        assert "ou can undo it with %milvus_restore_user; you'll set a new password" in capsys.readouterr().out, line


@pytest.fixture
def watched(run, keeping):
    """A server of Milvus 3.0, as root and as dan, who may create and delete users and see only their names."""
    with contract.serve("3.0.0") as (server, address):
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        for line in ("create_role reader", "create_role deleter", "create_user dan --role deleter --password-env PW",
                     "create_user bob --role reader --password-env PW --description 'a student'"):  # fmt: skip
            run(line)
        for name in ("CreateOwnership", "DropOwnership", "SelectOwnership"):
            run(f"grant_privilege deleter {name}")
        connections.connect("dans", "dan", PASSWORD, uri=f"http://{address}")
        yield server


@pytest.mark.parametrize("line", ["drop_user bob", "drop_users names"])
def test_many_and_one_are_kept_alike(run, watched, shell, line, caplog):
    """Password, roles and description come back, however many went; nothing shows the hash."""
    shell.user_ns["names"] = ["bob"]
    assert "new password" not in str(run(f"{line} --dry-run"))
    run(f"{line} --yes")
    restored = run("restore_user bob")
    assert restored.same_password
    assert watched.descriptions["bob"] == "a student"
    assert_logs_in(connections.get().address.url, "bob", PASSWORD, ("reader",))
    assert contract.HASH not in f"{restored!r} {session.journal.entries()!r} {caplog.text} {vars(session.undo)!r}"


@pytest.mark.parametrize("line", ["drop_user bob", "drop_users names"])
def test_roles_that_cannot_be_seen_are_unknown(run, watched, shell, line):
    """Not none: said before, and when the user is back without them."""
    shell.user_ns["names"] = ["bob"]
    told = "ou can undo it with %milvus_restore_user, but without roles, which you may not see; you'll set a new"
    assert told in str(run(f"{line} --using dans --dry-run"))
    run(f"{line} --using dans --yes")
    assert session.undo.find_user(connections.get(), "bob").roles is None
    assert "their roles were not known, so they have none" in str(run("restore_user bob --password-env NEW"))


def test_password_of_a_row_that_nobody_checked_is_not_kept(run, keeping, shell, root):
    """Dropping doesn't look at it, so it need not be theirs; one of an earlier deletion isn't either."""
    run("create_user bob --password-env PW")
    run("delete_user bob --password-env PW")
    assert session.undo.find_secret(root, "bob")
    watchers, root.on_change[:] = list(root.on_change), []  # somebody else makes bob again, unseen by this session
    users.create_user(root, "bob", "other-password")
    root.on_change[:] = watchers
    shell.user_ns["leavers"] = {"bob": "a-guess-of-somebody"}
    run("drop_users leavers --yes")
    assert session.undo.find_secret(root, "bob") is None


def test_interrupted_deletion_keeps_the_password(run, keeping, server):
    """It is done, so it can be undone."""
    connections.keep("default", Interrupted(Address.parse(server.uri, user="root", password=server.password)))
    conn = connections.get().interrupt_after("DeleteCredential")
    run("create_user bob --role public --password-env PW")
    with pytest.raises(ChangeInterrupted, match="user 'bob' is deleted"):
        run("delete_user bob --password-env PW")
    run("restore_user bob")
    assert is_password(conn, "bob", PASSWORD)


def test_role_of_which_not_all_can_be_seen(run, watched, monkeypatch):
    """What cannot be brought back is said before: who held it, what it held, or what it held in other databases."""

    def refuse(*_):  # as before 2.5; later servers leave out what one may not see, and list all grants in `*`
        raise contract.Denied(grpc.StatusCode.PERMISSION_DENIED, "PrivilegeListDatabases: permission deny to dan")

    for who in ("default", "dans"):
        assert str(run(f"drop_role reader --dry-run --using {who}")).count("%milvus_restore_role. (on ") == 1
    monkeypatch.setattr(watched, "ListDatabases", refuse)
    assert str(run("drop_role reader --dry-run --using dans")).count("%milvus_restore_role. (on ") == 1
    elsewhere = "You can undo it with %milvus_restore_role, but without what it held elsewhere. (on "
    with monkeypatch.context() as older:
        older.setattr(connections.get("dans"), "version", "2.4.18")  # which lists grants by database
        assert elsewhere in str(run("drop_role reader --dry-run --using dans"))
    run("revoke_privilege deleter SelectOwnership")
    blind = "You can undo it with %milvus_restore_role, but without who held it and what it held. (on "
    assert blind in str(run("drop_role reader --dry-run --using dans"))
    run("drop_role reader --using dans --yes")
    assert "reader" not in watched.roles
    lost = session.undo.find_role(connections.get(), "reader")
    assert (lost.users, lost.grants) == (None, None)


def test_what_cannot_come_back_is_told(run, root):
    """Never deleted, there again, or a role that is gone."""
    with pytest.raises(ParameterError, match="no user 'bob' was deleted on .* in this session; nothing"):
        run("restore_user bob --password-env PW")
    run("create_role reader")
    run("create_user bob --role reader --password-env PW")
    run("delete_user bob --password-env PW")
    run("drop_role reader --yes")
    with pytest.raises(UnknownRoleError, match="no role 'reader'.*comes back by %milvus_restore_role"):
        run("restore_user bob --password-env PW")
    assert users.list_usernames(root) == ["root"]
    run("restore_role reader")
    run("restore_user bob --password-env PW")
    run("delete_user bob --password-env PW")
    users.create_user(connections.get(), "eve", PASSWORD)
    with pytest.raises(ParameterError, match="no user 'eve' was deleted .*there are: 'bob'"):
        run("restore_user eve --password-env PW")
    client = users.create_user  # somebody else makes bob again, behind this session's back
    watchers, root.on_change[:] = list(root.on_change), []
    client(root, "bob", "other-password")
    root.on_change[:] = watchers
    for line in ("restore_user bob --password-env PW", "restore_user bob --dry-run"):
        with pytest.raises(UserExistsError):
            run(line)


def test_restoring_a_role_goes_on_where_it_stopped(run, server):
    """Half way a refusal: what is there and what is not is told, and running it again finishes it."""
    with middleman.between(server.uri) as (between, address):
        connections.connect(uri=f"http://{address}", user="root", password=server.password)
        for line in (
            "create_role reader", "create_user bob --role reader --password-env PW",
            "grant_privilege reader Search --collection docs", "drop_role reader --force --yes",
        ):  # fmt: skip
            run(line)

        def refuse(method, metadata, forward, context):
            if method == "OperateUserRole":
                context.abort(middleman.grpc.StatusCode.PERMISSION_DENIED, "PrivilegeManageOwnership: permission deny")
            return forward()

        between.rule = refuse
        with pytest.raises(PermissionDeniedError, match="created with Search .*but not with user 'bob'.*run it again"):
            run("restore_role reader")
        between.rule = lambda method, metadata, forward, context: forward()
        assert "This will restore the role reader" in str(run("restore_role reader --dry-run"))
        restored = run("restore_role reader")
        assert (restored.users, len(restored.grants)) == (("bob",), 1)
        with pytest.raises(ParameterError, match="no role 'reader' was dropped"):
            run("restore_role reader")
        run("drop_role reader --force --yes")
        run("create_role reader")
        with pytest.raises(RoleExistsError):
            run("restore_role reader")
        connections.get().close()
        with pytest.raises(MilvusException):
            run("restore_role reader")


@pytest.fixture
def held(server, run):
    """Bob holds the role reader, which has three privileges; everything passes a middleman, who lets one interfere."""
    with middleman.between(server.uri) as (between, address):
        connections.connect(uri=f"http://{address}", user="root", password=server.password)
        for line in (
            "create_role reader", "create_user bob --role reader --password-env PW",
            *(f"grant_privilege reader {name} --collection docs" for name in ("Load", "Query", "Search")),
        ):  # fmt: skip
            run(line)
        yield between


def refusing(between, method, number):
    """Refuse the call of a method with that number, counted from 1; every other call passes."""
    calls = []

    def rule(called, metadata, forward, context):
        calls.append(called)
        if called == method and calls.count(method) == number:
            context.abort(middleman.grpc.StatusCode.PERMISSION_DENIED, "PrivilegeX: permission deny to root")
        return forward()

    between.rule = rule


def outcomes(operation):
    return [entry.outcome for entry in session.journal.entries() if entry.operation == operation]


def test_forced_drop_that_is_refused_in_the_end_comes_back(run, held):
    """Milvus 2.3 wants the privileges revoked before: how many are is told, and they come back to the role."""
    before = privileges.list_grants(connections.get(), "reader").to_dicts()
    refusing(held, "DropRole", 2)  # the first only asks whether one may
    with pytest.raises(
        PermissionDeniedError,
        match="3 of the 3 privileges of role 'reader' are revoked .%milvus_restore_role brings them back., "
        "but dropping it is not confirmed: .* lacks .*; run it again to go on",
    ):
        run("drop_role reader --force --yes")
    assert privileges.list_grants(connections.get(), "reader").to_dicts() == []
    assert outcomes("drop_role") == ["partly"]
    assert "This will restore the role reader (held by bob" in str(run("restore_role reader --dry-run"))
    run("restore_role reader")
    assert privileges.list_grants(connections.get(), "reader").to_dicts() == before


def test_forced_drop_that_stopped_half_way_is_finished_by_running_it_again(run, held):
    """And still everything comes back: what the first try took, too."""
    before = privileges.list_grants(connections.get(), "reader").to_dicts()
    refusing(held, "OperatePrivilege", 2)
    with pytest.raises(PermissionDeniedError, match="1 of the 3 privileges .* are revoked .*, but not Query .*; run"):
        run("drop_role reader --force --yes")
    assert len(privileges.list_grants(connections.get(), "reader")) == 2
    run("drop_role reader --force --yes")
    assert "reader" not in [role.name for role in roles.list_roles(connections.get())]
    run("restore_role reader")
    assert privileges.list_grants(connections.get(), "reader").to_dicts() == before
    assert roles.list_role(connections.get(), "reader").users == ("bob",)


def test_forced_drop_revokes_nothing_where_the_role_cannot_be_dropped(run, held, server):
    """The right to drop is asked for before anything is revoked; then there is nothing to bring back."""
    refusing(held, "DropRole", 1)
    with pytest.raises(PermissionDeniedError):
        run("drop_role reader --force --yes")
    assert len(privileges.list_grants(connections.get(), "reader")) == 3
    assert outcomes("drop_role") == ["refused"]
    with pytest.raises(ParameterError, match="no role 'reader' was dropped"):
        run("restore_role reader")
    run("create_role revoker")
    run("create_user dan --role revoker --password-env PW")
    for name in ("ManageOwnership", "SelectOwnership"):
        run(f"grant_privilege revoker {name}")
    connections.connect("dans", "dan", PASSWORD, uri=server.uri)
    with pytest.raises(PermissionDeniedError, match="DropOwnership"):
        run("drop_role reader --force --yes --using dans")
    assert len(privileges.list_grants(connections.get(), "reader")) == 3


def test_audit_names_what_is_restored(run, root):
    """Once, whatever it was done by; the parts of a role are entries, too."""
    run("create_role reader")
    run("create_user bob --role reader --password-env PW")
    run("grant_privilege reader Search --collection docs")
    run("delete_user bob --password-env PW")
    run("drop_role reader --force --yes")
    session.journal.clear()
    run("restore_role reader")
    run("restore_user bob --password-env NEW")
    assert [(entry.operation, entry.target, entry.outcome) for entry in session.journal.entries()] == [
        ("create_role", "reader", "done"),
        ("grant_privilege", "reader Search on collection 'docs' in database 'default'", "done"),
        ("restore_role", "reader", "done"),
        ("restore_user", "bob", "done"),
        ("grant_role", "bob reader", "done"),
    ]


def test_refused_restoring_is_in_the_audit(run, root):
    """With its own outcome and code."""
    run("create_role reader")
    run("drop_role reader --yes")
    roles.create_role(root, "reader")
    session.journal.clear()
    with pytest.raises(RoleExistsError):
        run("restore_role reader")
    (entry,) = [entry for entry in session.journal.entries() if entry.operation == "restore_role"]
    assert (entry.outcome, entry.code) == ("refused", 1100)


def test_restoring_a_user_goes_on_where_it_stopped(run, held):
    """Created, but not given a role: it is told, and running it again gives it."""
    run("delete_user bob --password-env PW")
    refusing(held, "OperateUserRole", 1)
    with pytest.raises(
        PermissionDeniedError, match="'bob' is created, but without 'reader': .*; run it again to go on"
    ):
        run("restore_user bob --password-env NEW")
    assert "given now: 'reader'" in str(run("restore_user bob --password-env NEW"))
    assert users.list_user(connections.get(), "bob").roles == ("reader",)
    with pytest.raises(ParameterError, match="no user 'bob' was deleted"):
        run("restore_user bob --password-env NEW")


def test_time_that_is_up_after_a_step_hides_no_step(run, held):
    """The answer doesn't come in time, but the role is there: that is told, and running it again does the rest."""
    before = privileges.list_grants(connections.get(), "reader").to_dicts()
    run("drop_role reader --force --yes")
    over = threading.Event()

    def rule(method, metadata, forward, context):
        reply = forward()
        if method == "CreateRole":
            over.wait(30)
        return reply

    held.rule = rule
    with pytest.raises(
        DeadlineError,
        match="^role 'reader' is created with nothing so far, but not with Load on .*; run it again",
    ):
        run("restore_role reader --timeout 0.5")
    over.set()
    run("restore_role reader")
    assert privileges.list_grants(connections.get(), "reader").to_dicts() == before
    assert roles.list_role(connections.get(), "reader").users == ("bob",)


def test_interrupted_restoring_says_what_is_done(run, server):
    """And what is not; running it again finishes it."""
    connections.keep("default", Interrupted(Address.parse(server.uri, user="root", password=server.password)))
    conn = connections.get().interrupt_after("none")
    roles.create_role(conn, "reader")
    for name in ("Load", "Query"):
        privileges.grant_privilege(conn, "reader", name, collection="docs")
    run("drop_role reader --force --yes")
    conn.interrupt_after("OperatePrivilege", 2)
    with pytest.raises(
        ChangeInterrupted,
        match="^interrupted; Query on .* is granted to 'reader'; before that, role 'reader' is created with Load on "
        ".*, but not with Query on .*; run it again to go on$",
    ):
        run("restore_role reader")
    assert outcomes("restore_role") == ["partly"]
    run("restore_role reader")
    assert [grant.privilege for grant in privileges.list_grants(conn, "reader")] == ["Load", "Query"]


def test_unloading_forgets_everything(run, keeping, shell, root):
    """Secrets first of all."""
    run("create_user bob --password-env PW")
    run("delete_user bob --password-env PW")
    assert session.undo.users_with_secret
    shell.run_line_magic("reload_ext", "milvus_magics")
    assert not session.undo.users_with_secret
    with pytest.raises(ParameterError, match="no user 'bob' was deleted on [^;]* in this session; nothing was changed"):
        session.undo.find_user(root, "bob")


# Which cluster it is


def test_a_restarted_server_is_the_same_and_another_is_not(run, tmp_path):
    """Real ones, one after the other at one address: the first, the first restarted, and another."""
    port = 0
    for directory, expected in (("data", None), ("data", "same"), ("other", "another")):
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(embedded.start(tmp_path / directory))
            _, address = stack.enter_context(middleman.between(server.uri, port=port))
            port = int(address.rpartition(":")[2])
            connections.connect(uri=f"http://{address}", user="root", password=server.password)
            if expected == "another":
                with pytest.raises(ConfirmationError, match="This is another Milvus than the one where"):
                    run("restore_user bob --password-env PW")
                assert users.list_usernames(connections.get(), timeout=10) == ["root"]
            elif expected == "same":
                assert not run("restore_user bob --password-env PW").note
                run("drop_user bob --yes")
            else:
                run("create_user bob --role public --password-env PW")
                run("delete_user bob --password-env PW")
            connections.close_all()


def test_the_question_which_cluster_it_is_takes_no_round_trip(run, server, root):
    """It travels together with the checks."""
    with middleman.between(server.uri) as (between, address):
        connections.connect(uri=f"http://{address}", user="root", password=server.password)
        users.create_user(connections.get(), "bob", PASSWORD, timeout=10)
        between.calls.clear()

        def slowly(method, metadata, forward, context):
            time.sleep(0.05)
            return forward()

        between.rule = slowly
        users.delete_user(connections.get(), "bob", PASSWORD, timeout=10)
        assert "ListDatabases" in [method for method, _, _ in between.calls]
        assert between.waves() == 2, between.calls
