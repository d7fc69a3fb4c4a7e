"""No password that was made up is lost, whatever happens while users are created with it; and none is seen."""

import csv
import errno
import logging
import os
import stat
import sys
from contextlib import ExitStack

import contract
import keyring
import keyring.backend
import keyring.backends.fail
import keyring.backends.null
import keyring.errors
import pytest
import tqdm.auto
from test_private_file import no_file_over

from milvus_magics import connections
from milvus_magics.errors import AliasError, ChangeInterrupted, Outcome, ParameterError, UserExistsError
from milvus_magics.secret import MASK, Secret
from milvus_magics.session import session
from milvus_magics.session.generated_passwords import GeneratedPasswords

STORE = session.generated_passwords


@pytest.fixture
def server(shell):
    """A server with one user, `ann`, and the URL that results tell."""
    with contract.serve("2.6.4") as (server, address):
        server.url = f"http://{address}"
        server.passwords["ann"] = b"password-of-ann"
        connections.connect(user="root", password="Milvus", uri=server.url)
        yield server
        session.close()


@pytest.fixture
def run(shell, server):
    return lambda line, **names: shell.user_ns.update(names) or shell.run_line_magic(*f"milvus_{line} ".split(" ", 1))


def kept(server):
    """User -> the password that the session has for them, in the clear."""
    return {row.user: row.password.reveal().encode() for row in STORE.list_passwords() if row.server == server.url}


def created(server):
    return {user: password for user, password in server.passwords.items() if user not in ("root", "ann")}


def in_file(path):
    with open(path, newline="", encoding="utf-8") as stream:
        return {row["user"]: row["password"].encode() for row in csv.DictReader(stream)}


def during_creation(server, monkeypatch, act):
    """Do something once, just before the first user is there."""
    create = server.CreateCredential

    def meanwhile(*call):
        monkeypatch.setattr(server, "CreateCredential", create)
        act()
        return create(*call)

    monkeypatch.setattr(server, "CreateCredential", meanwhile)


# The session's store.


def test_what_is_made_up_is_kept(run, server, tmp_path):
    """One user and many, of each server; what was typed never is."""
    run("create_user one --generate")
    run(f"create_user filed --generate --password-to {tmp_path}/one")
    os.environ["THEIRS"] = "a-password-of-theirs"
    run("create_user typed --password-env THEIRS")
    run("create_users many", many=["ben", "cat", {"user": "dan", "password": "a-password-of-theirs"}])
    assert kept(server) == {user: server.passwords[user] for user in ("one", "filed", "ben", "cat")}
    run("update_password one --password-var old --new-password-env THEIRS", old=STORE.find(server.url, "one"))
    assert STORE.find("http://elsewhere", "one") is None
    session.close()
    assert not STORE.list_passwords()


def test_the_file_of_one_password_holds_nothing_else(run, server, tmp_path):
    """Programs and Kubernetes read such a file whole, and a line end would be a part of the password."""
    run(f"create_user filed --generate --password-to {tmp_path}/one")
    assert (tmp_path / "one").read_bytes() == server.passwords["filed"]
    run("delete_user filed --password-var whole", whole=(tmp_path / "one").read_text())
    assert "filed" not in server.passwords


def test_it_is_kept_before_the_request_is_sent(run, server, monkeypatch):
    """So that a kernel that never hears the answer has it."""
    for line in ("create_user one --generate", "create_users many"):
        seen = []
        during_creation(server, monkeypatch, lambda seen=seen: seen.append(sorted(kept(server))))
        run(line, many=["ben", "cat"])
        assert seen == [["one"] if "one" in line else ["ben", "cat", "one"]]


def test_a_refused_one_is_forgotten(run, server, tmp_path):
    """The one before counts again: it is still theirs. Rows that are refused, and those that are not tried."""
    run("create_user one --generate")
    first = kept(server)
    with pytest.raises(UserExistsError):
        run(f"create_user one --generate --password-to {tmp_path}/one")
    with pytest.raises(UserExistsError):
        run("create_user ann --generate")
    assert list(tmp_path.iterdir()) == []
    server.max_users = 4
    result = run("create_users many --stop-on-error", many=["one", "ben", "cat", "dan"])
    assert result.counts["done"] == 1
    assert kept(server) == {**first, **created(server)}


def test_the_newest_wins():
    """Also a newer one of a user who is known by another server's name; nothing is left of those that are removed."""
    store = GeneratedPasswords(session.lock)
    old, new = Secret.generate(), Secret.generate()
    store.add("a", "ann", old)
    store.add("a", "ann", new)
    store.add("b", "ann", old)
    assert (store.find("a", "ann"), store.find("b", "ann")) == (new, old)
    assert [(row.server, row.password) for row in store.list_passwords()] == [("a", new), ("b", old)]
    store.remove("a", "ann", new)
    assert store.find("a", "ann") == old
    store.remove("a", "ann", old)
    store.remove("a", "ann", old)
    assert [(row.server, row.user) for row in store.list_passwords()] == [("b", "ann")]


@pytest.mark.parametrize(
    ("error", "is_kept"),
    [
        (ParameterError("no", outcome=Outcome.NOTHING_SENT), False),
        (UserExistsError("no", outcome=Outcome.NOTHING_CHANGED), False),
        (ParameterError("half", outcome=Outcome.CHANGED), True),
        (ParameterError("perhaps", outcome=Outcome.UNKNOWN), True),
        (ChangeInterrupted("before", Outcome.NOTHING_SENT), False),
        (ChangeInterrupted("perhaps", Outcome.UNKNOWN), True),
        (KeyboardInterrupt(), True),
        (OSError(), True),
    ],
    ids=repr,
)
def test_only_what_is_certain_forgets(error, is_kept):
    """As long as the user may be there, the password is needed."""
    store = GeneratedPasswords(session.lock)
    with pytest.raises(type(error)), store.hold("a", "ann", Secret("made-up")):
        raise error
    assert (store.find("a", "ann") is not None) is is_kept


def test_it_never_shows(run, server, caplog):
    """Not in a repr, a log, or what a debugger lists."""
    with caplog.at_level(logging.DEBUG):
        run("create_user one --generate")
        run("create_users many", many=["ben"])
    texts = [
        caplog.text,
        *map(repr, (STORE, vars(STORE), vars(session), STORE.list_passwords(), STORE.find(server.url, "one"))),
    ]
    assert not [text for text in texts if any(word.decode() in text for word in created(server).values())]
    assert MASK in repr(vars(STORE)), "the hunt looks at what holds them"


# The file of %milvus_create_users.


def test_the_file_has_all_before_the_first_change(run, server, tmp_path, monkeypatch):
    """And afterwards those who may be there; nobody who was there before, or has a password of their own."""
    seen = []
    during_creation(server, monkeypatch, lambda: seen.append(in_file(tmp_path / "made.csv")))
    server.max_users = 4
    many = ["ann", "ben", "cat", "dan", {"user": "eve", "password": "a-password-of-theirs"}]
    many = [{"user": name} if isinstance(name, str) else name for name in many]
    result = run(f"create_users many --passwords-to {tmp_path}/made.csv", many=many)
    assert result.counts["already"] == 1
    assert sorted(seen[0]) == ["ben", "cat", "dan"]
    assert in_file(tmp_path / "made.csv") == {u: p for u, p in created(server).items() if u != "eve"}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_of_somebody_else_gets_none(run, server, tmp_path, monkeypatch, capsys):
    """In a directory where others may write, a link in the file's place leads nowhere; one line says where ours is."""
    theirs, made = tmp_path / "theirs", tmp_path / "made.csv"
    theirs.write_text("")
    during_creation(server, monkeypatch, lambda: (made.unlink(), made.symlink_to(theirs)))
    run(f"create_users many --passwords-to {made}", many=["ben", "cat"])
    assert theirs.read_text() == ""
    note = capsys.readouterr().out
    (ours,) = set(tmp_path.iterdir()) - {theirs, made}
    assert note.endswith(f"the generated passwords are in '{ours}'; another file took the place of '{made}'\n")
    assert in_file(ours) == created(server)


def test_a_full_disk_loses_nothing(run, server, tmp_path, monkeypatch, capsys):
    """Before: nobody is made. Afterwards: the file with all of them stays, and the result comes back."""
    made, many = tmp_path / "made.csv", [f"user{number}" for number in range(9)]
    with no_file_over(50), pytest.raises(ParameterError, match="cannot be made: File too large; nothing was sent"):
        run(f"create_users many --passwords-to {made}", many=many)
    assert (created(server), list(tmp_path.iterdir())) == ({}, [])
    server.max_users = 8
    with ExitStack() as full:
        during_creation(server, monkeypatch, lambda: full.enter_context(no_file_over(10)))
        result = run(f"create_users many --passwords-to {made}", many=many)
    assert result.counts["done"] == 6
    assert capsys.readouterr().out.endswith(
        f"the generated passwords are in '{made}'; '{made}' cannot be written anew: File too large; "
        "it holds the passwords of all users, also of those who were not created\n"
    )
    assert sorted(in_file(made)) == many
    assert created(server).items() <= in_file(made).items()


def test_a_directory_that_is_gone_loses_nothing(run, server, tmp_path, monkeypatch, capsys):
    """The result has them."""
    folder = tmp_path / "here"
    folder.mkdir()
    during_creation(server, monkeypatch, lambda: ((folder / "made.csv").unlink(), folder.rmdir()))
    result = run(f"create_users many --passwords-to {folder}/made.csv", many=["ben"])
    assert capsys.readouterr().out.endswith(
        f"'{folder}/made.csv' cannot be written anew: No such file or directory; it was moved or deleted; "
        "%milvus_passwords ben gives you the password\n"
    )
    assert {user: secret.reveal().encode() for user, secret in result.passwords.items()} == created(server)


# Errors in the middle.


class FailingBar:
    """A progress bar that raises something when it should show how far it is."""

    n = 0

    def __init__(self, **_):
        pass

    def update(self, _):
        raise OSError(errno.EIO, "Input/output error")

    def close(self):
        raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("broken", [FailingBar, None])
def test_a_bar_that_fails_stops_nothing(run, server, monkeypatch, broken):
    """Whether it cannot be made, shown or taken away."""
    monkeypatch.setattr(tqdm.auto, "tqdm", broken)
    many = [f"user{number}" for number in range(30)]
    assert run("create_users many", many=many).counts == {"done": 30}
    assert sorted(created(server)) == sorted(many)


class Stop(BaseException):
    """What is no Exception."""


@pytest.mark.parametrize("error", [KeyboardInterrupt, Stop])
def test_what_was_done_before_an_error_is_in_it(shell, server, tmp_path, monkeypatch, capsys, error):
    """Done, done in part, not tried, with the passwords of all who may be there; one line says where that is."""
    many = [f"user{number}" for number in range(30)]

    class Bar(FailingBar):
        def update(self, _):
            if created(second):
                raise error

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    with contract.serve("2.6.4") as (second, address), contract.serve("2.6.4") as (_, third):
        connections.connect("second", "root", "Milvus", uri=f"http://{address}")
        connections.connect("third", "root", "Milvus", uri=f"http://{third}")
        shell.user_ns["many"] = many
        shell.run_cell(f"%milvus_create_users many --passwords-to {tmp_path}/made.csv --using default,second,third")
        said, result = capsys.readouterr().out, sys.last_value.result
        assert isinstance(sys.last_value, error)
        assert said.startswith("stopped in the middle; for the result so far: import sys; sys.last_value.result\n")
        outcomes = [{row.outcome for row in result[start : start + 30]} for start in (0, 30, 60)]
        assert outcomes == [{"done"}, {"done", "not tried"}, {"not tried"}]
        assert result.interrupted
        assert {user: secret.reveal().encode() for user, secret in result.passwords.items()} == created(server)
        assert in_file(tmp_path / "made.csv") == created(server)
        assert created(second)
        second.url = f"http://{address}"
        assert created(second).items() <= kept(second).items()


def test_an_error_before_the_first_change_is_only_an_error(run, server, tmp_path, capsys):
    """There is no result, and nothing to say about one."""
    connections.disconnect("default")
    with pytest.raises(AliasError) as caught:
        run(f"create_users many --passwords-to {tmp_path}/made.csv", many=["ben"])
    assert not hasattr(caught.value, "result")
    assert capsys.readouterr().out == ""
    assert list(tmp_path.iterdir()) == []


class Forgetful(keyring.backend.KeyringBackend):
    """Takes every password and gives back none, or another one."""

    priority = 1
    answer = None

    def set_password(self, service, username, password):
        self.answer = self.answer and f"{password} "

    def get_password(self, service, username):
        return self.answer if self.answer != "nothing yet" else None


@pytest.fixture
def use_keyring():
    before = keyring.get_keyring()
    yield keyring.set_keyring
    keyring.set_keyring(before)


def test_no_user_is_made_whose_password_the_keyring_does_not_keep(run, server, use_keyring):
    """As with keyring's null backend, or one that changes what it takes."""
    other = Forgetful()
    other.answer = "nothing yet"
    for backend in (keyring.backends.null.Keyring(), Forgetful(), other):
        use_keyring(backend)
        with pytest.raises(ParameterError, match="does not give back what is put into it") as caught:
            run("create_user bob --generate --keyring-to milvus")
        assert caught.value.outcome is Outcome.NOTHING_SENT
        assert not created(server)
        assert not kept(server)


class Shortening(Forgetful):
    """Keeps the first eight characters of what it takes."""

    def __init__(self, is_stuck=False):
        super().__init__()
        self.kept, self.is_stuck = {}, is_stuck

    def set_password(self, service, username, password):
        self.kept[service, username] = password[:8]

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def delete_password(self, service, username):
        if self.is_stuck:
            raise keyring.errors.PasswordDeleteError("not here")
        del self.kept[service, username]


class Failing(Shortening):
    """Keeps a part of it, and says that it failed."""

    def set_password(self, service, username, password):
        super().set_password(service, username, password)
        raise keyring.errors.PasswordSetError("too long")


def test_no_part_of_a_refused_password_stays_in_the_keyring(run, server, use_keyring):
    """It is taken away; where that cannot be, the error says so."""
    for backend, problem in (
        (Shortening(), "keep the password in a file; nothing was sent$"),
        (Failing(), "cannot be used"),
        (Shortening(is_stuck=True), "may be left there under 'mil"),
    ):
        use_keyring(backend)
        with pytest.raises(ParameterError, match=problem):
            run("create_user bob --generate --keyring-to milvus")
        assert bool(backend.kept) == backend.is_stuck, "no part of a password stays where nobody looks"
        assert not created(server)


class Working(Shortening):
    """Keeps all of it."""

    def set_password(self, service, username, password):
        self.kept[service, username] = password


def test_a_dry_run_sees_what_can_be_known_of_the_keyring(run, server, use_keyring):
    """As the run does; and nothing is put there."""
    line = "create_user bob --generate --keyring-to milvus"
    for backend, problem in (
        (keyring.backends.null.Keyring(), "does not give back"),
        (keyring.backends.fail.Keyring(), "cannot be used .NoKeyringError"),
    ):
        use_keyring(backend)
        for end in ("", " --dry-run"):
            with pytest.raises(ParameterError, match=problem):
                run(line + end)
    use_keyring(backend := Working())
    said = str(run(f"{line} --dry-run"))
    assert said.startswith("This will create the user bob")
    assert "hether the keyring takes the password shows only when it is put there" in said
    assert backend.kept == {}
    run(line)
    assert backend.kept["milvus", "bob"].encode() == server.passwords.pop("bob")
    with pytest.raises(ParameterError, match="has a password for 'bob' under 'milvus' already"):
        run(f"{line} --dry-run")


# The magic that gives them back.


def test_the_magic_lists_them_masked(run, server, capsys):
    """As a table without any password in it, in no form."""
    assert len(run("passwords")) == 0
    run("create_user one --generate")
    run("create_users many", many=["ben"])
    found = run("passwords")
    assert [(row.user, row.server) for row in found] == [("ben", server.url), ("one", server.url)]
    shown = " ".join((repr(found), found._repr_html_(), str(found.to_dicts()), str(found.to_pandas()), str([*found])))
    assert not [word for word in created(server).values() if word.decode() in shown + capsys.readouterr().out]
    assert MASK in found._repr_html_()


def test_the_magic_gives_one_back(run, server):
    """The newest one, until the kernel ends."""
    run("create_user one --generate")
    found = run("passwords one")
    assert found.password.reveal().encode() == server.passwords["one"]
    assert found.password.reveal() not in f"{found} {found!r}"
    with pytest.raises(ParameterError, match=r"made up no password for user 'on' \(did you mean 'one'\?\)"):
        run("passwords on")


def test_the_magic_asks_which_server_is_meant(run, server):
    """The one that the connection leads to, where there are several."""
    STORE.add("http://elsewhere", "one", Secret("another-one"))
    assert run("passwords one").server == "http://elsewhere"  # the only one
    run("create_user one --generate")
    assert run("passwords one").server == server.url
    STORE.add("http://there", "two", Secret("of-two"))
    STORE.add("http://elsewhere", "two", Secret("of-two"))
    with pytest.raises(ParameterError, match="several servers, http://elsewhere, http://there: say which with --using"):
        run("passwords two")


def test_the_magic_writes_a_private_file(run, server, tmp_path, capsys):
    """Once: a file that is there stays as it is."""
    path = tmp_path / "all.csv"
    with pytest.raises(ParameterError, match="made up no passwords so far; nothing was written"):
        run(f"passwords --to {path}")
    run("create_users many", many=["ben", "cat"])
    assert run(f"passwords --to {path}") is None
    assert "2 passwords written to" in capsys.readouterr().out
    rows = list(csv.DictReader(path.open()))
    assert {row["user"]: row["password"].encode() for row in rows} == created(server)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(ParameterError, match="exists already; nothing was written"):
        run(f"passwords ben --to {path}")
