"""The forms for many users, without a browser: checks, one run, what came of each, passwords that are given once."""

import csv
import html
import io
import json
import os
import threading

import contract
import ipywidgets
import pytest
from comm.base_comm import BaseComm
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from milvus_magics import Console, CreateUsersForm, DeleteUsersForm, connections
from milvus_magics.bulk import results
from milvus_magics.client import users
from milvus_magics.client.password_check import NOT_CHECKED
from milvus_magics.errors import ParameterError
from milvus_magics.forms.many import checks, file_download, users_form
from milvus_magics.forms.many.source_input import MAX_MEBIBYTES
from milvus_magics.session import session

PASSWORD = "Zq9-hunted-Kx3.17"
HEADING = "user,roles\n"


@pytest.fixture
def shell():
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "milvus_magics")
    yield shell
    shell.run_line_magic("unload_ext", "milvus_magics")
    connections.close_all()


@pytest.fixture
def server(shell):
    """bob is there; there is a role reader."""
    with contract.serve("2.6.18") as (server, address):
        server.passwords["bob"] = PASSWORD.encode()
        server.roles["reader"] = ""
        server.uri = f"http://{address}"
        connections.connect(uri=server.uri, user="root", password="Milvus")
        yield server


@pytest.fixture
def sent(monkeypatch):
    """Everything that widgets say to browsers, data and buffers."""
    sent = []

    def publish(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        sent.append((self.comm_id, data, [bytes(one) for one in buffers or ()]))

    for kind in (BaseComm, *BaseComm.__subclasses__()):
        monkeypatch.setattr(kind, "publish_msg", publish)
    return sent


def give(form, text, name="class.csv"):
    """What a browser does with a file; without a name with a paste."""
    content = {"type": "file", "name": name} if name else {"type": "text"}
    data = text if isinstance(text, bytes) else text.encode()
    form.source._handle_custom_msg(content, [memoryview(data)])
    form.wait(30)
    return form


def submit(form):
    form.submit()
    form.wait(30)
    return form


def cells(form):
    """User, state and details of each row."""
    return [(cells[1], cells[2], cells[4]) for cells in (row["cells"] for row in form.table.rows)]


def fetch(form, sent, number=7, pad=None):
    """What a browser gets that asks for the file; None where it gets nothing."""
    pad = os.urandom(form.download.size) if pad is None else pad
    before = len(sent)
    form.download._handle_custom_msg({"type": "fetch", "number": number}, [memoryview(pad)])
    answers = [(data["content"], buffers) for _, data, buffers in sent[before:] if data.get("method") == "custom"]
    if not answers:
        return None
    [(content, [hidden])] = answers
    assert content == {"type": "file", "number": number, "name": "passwords.csv"}
    return bytes(one ^ other for one, other in zip(hidden, pad, strict=True))


def everything(sent):
    return json.dumps([data for _, data, _ in sent], default=repr).encode() + b"".join(
        part for _, _, buffers in sent for part in buffers
    )


def test_from_a_file_to_passwords_that_are_given_once(server, sent):
    """The plan in one line and row by row, the run, the result; then one browser gets the passwords."""
    form = give(CreateUsersForm(), HEADING + "ann,reader\nbob,\ncarl,\n")
    assert form.summary.text == "This will create 2 users; 1 exists already."
    assert "2 passwords will be made up" in form.notes.value
    assert [state for _, state, _ in cells(form)] == ["Exists already", "Will be created", "Will be created"]
    assert form.button.description == "Create 2 users"
    assert set(server.passwords) == {"root", "bob"}, "nothing is done before the button is pressed"
    submit(form)
    assert form.status.text.startswith("Created 2 users in ")
    assert form.status.text.endswith("; 1 exists already.")
    assert {("ann", "reader")} <= server.bindings
    assert [row[:2] for row in cells(form)] == [
        ("bob", "Exists already"), ("ann", "Created"), ("carl", "Created"),
    ]  # fmt: skip
    made = {name: server.passwords[name].decode() for name in ("ann", "carl")}
    assert form.download.label == "Download 2 passwords"
    assert fetch(form, sent, pad=b"") is fetch(form, sent, pad=b"short") is None
    data = fetch(form, sent)
    assert list(csv.DictReader(io.StringIO(data.decode()))) == [
        {"user": name, "password": password} for name, password in made.items()
    ]
    form.download._handle_custom_msg({"type": "saved", "number": 8}, [])
    assert fetch(form, sent) == data, "somebody else's word for it doesn't count"
    form.download._handle_custom_msg({"type": "saved", "number": 7}, [])
    assert (form.download.label, form.download.size, fetch(form, sent)) == ("Downloaded", 0, None)
    state = json.dumps(ipywidgets.Widget.get_manager_state(), default=repr)
    for name, password in made.items():
        assert password.encode() not in everything(sent), "no message to browsers has a password in it"
        assert password not in state
        assert session.generated_passwords.find(server.uri, name).reveal() == password
    form.close()


def test_passwords_in_a_file_or_a_paste_stay_nowhere(server, sent):
    """They arrive at the server and are in no message, state, log or attribute; what was pasted is cleared."""
    text = f"user;password\nann;{PASSWORD}x\n"
    for name in ("class.csv", ""):
        form = give(CreateUsersForm(), text, name)
        assert form.download.size == 0, "nothing was made up"
        assert any(data.get("content") == {"type": "clear"} for _, data, _ in sent)
        submit(form)
        assert (server.passwords.pop("ann"), form.download.label) == (f"{PASSWORD}x".encode(), "")
        assert PASSWORD.encode() not in everything(sent)
        assert PASSWORD not in json.dumps(ipywidgets.Widget.get_manager_state(), default=repr)
        assert PASSWORD not in repr(form) + str(vars(form))
        form.close()


PROBLEMS = {
    "a name": (HEADING + "ann,\n1x,\n", "1x", "user: "),
    "a role": (HEADING + "ann,raeder\n", "ann", "did you mean 'reader'?"),
    "twice": (HEADING + "ann,\nann,\n", "ann", "row 2 already"),
    "no heading": ("ann,reader\n", "", "is the heading missing?"),
    "a password": (f"user,password\nann,{PASSWORD * 9}\n", "ann", "password: "),
}


@pytest.mark.parametrize("kind", PROBLEMS)
def test_a_bad_file_is_one_clear_list(server, kind):
    """The problems first, each with its row; nothing can be sent, and what is wrong isn't quoted where it is secret."""
    text, user, why = PROBLEMS[kind]
    form = give(CreateUsersForm(), text)
    assert form.summary.text.startswith("1 problem"), form.status.text
    assert "so nothing was sent. Fix it and check again." in form.summary.text
    first = cells(form)[0]
    assert first[:2] == (user, "Problem")
    assert why in first[2]
    assert html.escape(why) in form.notes.value, "in full, where the table may cut it"
    assert [row[:2] for row in cells(form)[1:]] in ([], [("ann", "Fine")])
    assert not form.is_ready
    assert form.button.layout.display == "none"
    submit(form)
    assert set(server.passwords) == {"root", "bob"}
    assert PASSWORD not in str(form.table.rows)
    form.close()


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("user\nann\n", "class.xlsx", "'class.xlsx' is not a file that ends in .csv"),
        (b"\xff\xff", "class.csv", "cannot be read: it is not text in UTF-8"),
        ("", "", "what was pasted cannot be read: there is nothing in it"),
        ("{", "class.json", "'class.json' cannot be read: it is not valid JSON"),
        (b"x" * (MAX_MEBIBYTES * 2**20 + 1), "class.csv", "larger than 8 MiB"),
        ("user\n" + "".join(f"u{n}\n" for n in range(checks.MAX_ROWS + 1)), "x.csv", "a form takes 10,000"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_in_one_line(server, text, name, said):
    """And takes away what was said of the file before."""
    form = give(CreateUsersForm(), "ann\n", "")
    assert form.is_ready
    give(form, text, name)
    assert said in form.status.text
    assert (form.is_ready, form.table.rows, form.summary.text) == (False, [], "")
    form.close()


PASTES = {
    "names": "ann\n\n  carl\n", "a table": "user\troles\nann\treader\ncarl\t\n", "JSON": '["ann", {"user": "carl"}]',
    "lines of JSON": '{"user": "ann"}\n{"user": "carl"}', "a column": "user\nann\ncarl",
}  # fmt: skip


@pytest.mark.parametrize("kind", PASTES)
def test_pastes_of_all_kinds(server, kind):
    """Names alone, cells of a spreadsheet, JSON."""
    form = give(CreateUsersForm(), PASTES[kind], "")
    assert [row[:2] for row in cells(form)] == [("ann", "Will be created"), ("carl", "Will be created")]
    form.close()


def test_a_second_press_does_nothing(server, monkeypatch):
    """Neither while it is at work, when it is heard at once, nor afterwards; nor does another file come in between."""
    form, go = give(CreateUsersForm(), "ann\n", ""), threading.Event()
    create, created = server.CreateCredential, []

    def slow(request, *context):
        created.append(request.username)
        go.wait(10)
        return create(request, *context)

    monkeypatch.setattr(server, "CreateCredential", slow)
    form.submit()
    form.submit()
    assert form.source.is_busy
    form.source._handle_custom_msg({"type": "text"}, [memoryview(b"eve")])
    go.set()
    form.wait(30)
    submit(form)
    assert created == ["ann"]
    assert [row[:2] for row in cells(form)] == [("ann", "Created")]
    form.close()


def test_stopped_in_the_middle_it_says_exactly_what_was_done(server, monkeypatch, sent):
    """What is under way comes to its end; passwords of those who are there can be downloaded, others aren't kept."""
    names = [f"user_{number}" for number in range(80)]
    form = give(CreateUsersForm(), "\n".join(names), "")
    create, count = server.CreateCredential, 0

    def stop_after_some(request, *context):
        nonlocal count
        count += 1
        if count == 20:
            form.stop_button.click()
        return create(request, *context)

    monkeypatch.setattr(server, "CreateCredential", stop_after_some)
    submit(form)
    there = set(server.passwords) & set(names)
    assert 0 < len(there) < 80
    assert form.status.text.startswith(f"Stopped. Created {len(there)} users in ")
    assert f"{80 - len(there)} were not tried." in form.status.text
    assert {user for user, state, _ in cells(form) if state == "Created"} == there
    rows = csv.DictReader(io.StringIO(fetch(form, sent).decode()))
    assert {row["user"]: row["password"].encode() for row in rows} == {name: server.passwords[name] for name in there}
    assert {row.user for row in session.generated_passwords.list_passwords() if row.server == server.uri} == there
    form.close()
    again = submit(give(CreateUsersForm(), "\n".join(names), ""))
    assert again.status.text.startswith(f"Created {80 - len(there)} users"), "running it again finishes it"
    again.close()


def test_a_server_that_is_gone_is_said(shell):
    """In place of the checks; the file can be given again."""
    with contract.serve("2.6.18") as (_, address):
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        form = CreateUsersForm(timeout=2)
    give(form, "ann\n", "")
    assert form.status.text.startswith("nothing listens at ")
    assert not form.is_ready
    assert not form.source.is_busy
    form.close()


def test_an_alias_bound_anew_means_nothing_is_done(server):
    """It shows the other server, and wants the file again."""
    with contract.serve("2.6.18") as (other, address):
        form = give(CreateUsersForm(), "ann\n", "")
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        submit(form)
        assert "was bound anew meanwhile" in form.status.text
        assert address in form.heading.text
        assert not form.is_ready
        assert "ann" not in server.passwords | other.passwords
        submit(give(form, "ann\n", ""))
        assert "ann" in other.passwords
        form.close()


def test_many_are_deleted_with_their_passwords(server):
    """Each is checked, before and again when it is done; a wrong one deletes nobody."""
    server.passwords |= {"ann": PASSWORD.encode(), "carl": PASSWORD.encode()}
    form = give(DeleteUsersForm(), f"user,password\nann,{PASSWORD}\ncarl,wrong-password\nnobody,x-password\n")
    assert form.summary.text == "This will delete 1 user; 1 was not found, 1 is refused."
    submit(form)
    assert [row[:2] for row in cells(form)] == [("carl", "Refused"), ("nobody", "Not found"), ("ann", "Deleted")]
    assert set(server.passwords) == {"root", "bob", "carl"}
    assert form.status.text.startswith("Deleted 1 user in ")
    assert form.status.text.endswith("; 1 was not found, 1 was refused.")
    form.close()


def test_the_last_admins_are_deleted_only_with_their_number_retyped(server):
    """As the magic asks for it."""
    server.passwords["ann"] = PASSWORD.encode()
    server.bindings |= {("ann", "admin")}
    server.bindings -= {("root", "admin")}
    form = give(DeleteUsersForm(), f"user,password\nann,{PASSWORD}\n")
    assert "nobody else has the role admin" in form.notes.value
    submit(form)
    assert "ann" in server.passwords
    form.confirmation.value = "1"
    submit(form)
    assert "ann" not in server.passwords
    form.close()


@pytest.mark.parametrize("operation", ["create_users", "delete_users"])
def test_form_and_magic_say_and_do_the_same(server, shell, tmp_path, operation):
    """Of the same file, on the same server: the dry run is the table of checks, and the result is the result."""
    lines = ["ann,Right-password.1,reader", "bob,Right-password.2,", f"eve,{PASSWORD},"]
    file = tmp_path / "users.csv"
    file.write_text("\n".join(["user,password,roles", *lines]))
    start = {"root": b"Milvus", "bob": PASSWORD.encode(), "eve": PASSWORD.encode()}
    server.passwords = dict(start)
    line = f"milvus_{operation}"
    expected = [sorted(shell.run_line_magic(line, f"{file} --dry-run")), sorted(shell.run_line_magic(line, str(file)))]
    after = dict(server.passwords)
    server.passwords = dict(start)
    server.bindings -= {("ann", "reader")}
    form = shell.run_line_magic(line, f"{file} --form --timeout 7")
    form.wait(30)
    shown = [sorted(form.table.rows, key=lambda row: int(row["key"]))]
    submit(form)
    shown.append(sorted(form.table.rows, key=lambda row: int(row["key"])))
    for table, rows in zip(shown, expected, strict=True):
        words = form.VERB.outcomes
        assert [row["cells"] for row in table] == [
            [row.row, row.user, words[row.outcome][0], list(row.roles), row.reason] for row in rows
        ]
    assert server.passwords == after
    assert form._timeout == 7
    form.close()


def test_lines_with_a_form(server, shell, tmp_path):
    """Rows of a Python name are checked at once; other options and bad files are refused as ever."""
    shell.user_ns["rows"] = [{"user": "ann", "password": PASSWORD}]
    form = shell.run_line_magic("milvus_create_users", "rows --form")
    form.wait(30)
    assert [row[:2] for row in cells(form)] == [("ann", "Will be created")]
    form.close()
    empty = shell.run_line_magic("milvus_create_users", "--form")
    assert (empty.table.rows, empty.is_ready, type(empty)) == ([], False, CreateUsersForm)
    empty.close()
    with pytest.raises(ParameterError, match="leave --passwords-to out"):
        shell.run_line_magic("milvus_create_users", "rows --passwords-to x --form")
    with pytest.raises(ParameterError, match="No such file"):
        shell.run_line_magic("milvus_create_users", f"{tmp_path}/none.csv --form")
    with pytest.raises(ParameterError, match="give --form"):
        shell.run_line_magic("milvus_create_users", "")


def test_closed_it_keeps_nothing_and_does_nothing_more(server, sent):
    """A run is stopped; the plan, its passwords and the offer are gone."""
    form = submit(give(CreateUsersForm(), "ann\n", ""))
    give(form, f"user,password\ncarl,{PASSWORD}\n")
    form.close()
    assert not form.is_ready
    assert PASSWORD not in str(vars(form))
    assert fetch(form, sent, pad=b"x" * 30) is None


def test_the_console_has_it_on_its_page_of_users(server):
    """Beside the form for one; after it was used the list is read again."""
    console = Console()
    page = console.show_page("Users")
    page.select("bob")
    [button] = [each for each in page.buttons.values() if each.description == "Create many users…"]
    button.click()
    assert isinstance(page.form, CreateUsersForm)
    page.select("root")
    submit(give(page.form, "ann\n", ""))
    assert "ann" in [row["key"] for row in page.table.rows]
    assert page.form.status.text.startswith("Created 1 user")
    console.close()


def test_a_broken_message_does_nothing(server):
    """Of the wrong shape, or without what it should bring."""
    form = CreateUsersForm()
    for content in (None, [], {}, {"type": "file"}, {"type": "fetch", "number": "7"}, {"type": "saved", "number": 7}):
        form.source._handle_custom_msg(content, [])
        form.download._handle_custom_msg(content, [memoryview(b"")])
    form.wait(30)
    assert (form.status.text, form.table.rows) == ("", [])
    form.source._handle_custom_msg({"type": "too large", "name": "\u202e<b>.csv"}, [])
    assert "\u202e" not in form.status.value
    assert "<b>" not in form.status.value
    form.close()


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=1, max_size=200), st.data())
def test_combining_twice_gives_the_file_back(data, draw):
    """Whatever it begins with, and whatever the random bytes are."""
    pad = draw.draw(st.binary(min_size=len(data), max_size=len(data)))
    hidden = file_download._combine(data, memoryview(pad))
    assert file_download._combine(hidden, pad) == data
    assert hidden == bytes(one ^ other for one, other in zip(data, pad, strict=True))


def test_users_that_are_listed_are_those_that_are_there(server):
    """The client's own function agrees."""
    submit(give(CreateUsersForm(), "ann\n", "")).close()
    assert set(users.list_usernames(connections.get(), timeout=10)) == {"root", "bob", "ann"}


@pytest.mark.parametrize("count", [1, 90])
def test_stop_that_comes_too_late_changes_nothing(server, count):
    """What was done stays said; the next run isn't stopped by it."""
    form = submit(give(CreateUsersForm(), "\n".join(f"user_{number}" for number in range(count)), ""))
    said = form.status.text
    assert said.startswith(f"Created {count} user")
    form.stop()
    assert (form.status.text, form.stop_button.disabled) == (said, False)
    submit(give(form, "ann\n", ""))
    assert form.status.text.startswith("Created 1 user")
    form.close()


def test_stop_while_the_last_row_is_done_leaves_the_result(server, monkeypatch):
    """It was all done, so that is what is said in the end."""
    form, create = give(CreateUsersForm(), "ann\n", ""), server.CreateCredential

    def stop_first(request, *context):
        form.stop()
        return create(request, *context)

    monkeypatch.setattr(server, "CreateCredential", stop_first)
    submit(form)
    assert "Created 1 user in" in form.status.text
    assert [row[:2] for row in cells(form)] == [("ann", "Created")]
    form.close()


def test_passwords_stay_until_they_are_downloaded(server, sent):
    """Whatever file comes next, a bad one, too; those of the next run come with them."""
    form = submit(give(CreateUsersForm(), "ann\n", ""))
    for text in ("9x\n", "bob\n", "carl\n"):
        give(form, text, "")
        assert form.download.label == "Download 1 password"
        assert "%milvus_passwords" in form.advice.text
    submit(form)
    assert form.download.label == "Download 2 passwords"
    rows = {row["user"]: row["password"] for row in csv.DictReader(io.StringIO(fetch(form, sent).decode()))}
    assert rows == {name: server.passwords[name].decode() for name in ("ann", "carl")}
    form.download._handle_custom_msg({"type": "saved", "number": 7}, [])
    give(form, "eve\n", "")
    assert (form.download.label, form.advice.text) == ("", "")
    submit(form)
    assert form.download.label == "Download 1 password"
    form.close()


def test_passwords_for_two_servers_are_not_mixed(server, sent):
    """A file has no column for the server; the line says where those of the other one are."""
    form = submit(give(CreateUsersForm(), "ann\n", ""))
    with contract.serve("2.6.18") as (_, address):
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        give(form, "carl\n", "")  # it learns of the new server
        submit(give(form, "carl\n", ""))
        assert form.download.label == "Download 1 password"
        assert b"ann" not in fetch(form, sent)
        assert f"There are those for {server.uri}, too." in form.advice.text
        form.close()


FINE, NOT_YET = "Fine", "Not checked yet"


def test_rows_beside_a_faulty_one_are_checked_as_far_as_they_can_be(server):
    """None is called fine that isn't; where only a deletion tells, that is said."""
    server.passwords |= {"ann": PASSWORD.encode(), "carl": PASSWORD.encode()}
    text = f"user,password\nroot,Milvus\nann,{PASSWORD}\ncarl,wrong-password\nnobody,x-password\n"
    form = give(DeleteUsersForm(), text)
    assert [row[:2] for row in cells(form)] == [
        ("root", "Problem"), ("ann", FINE), ("carl", "Refused"), ("nobody", "Not found"),
    ]  # fmt: skip
    assert "so nothing was sent" in form.summary.text
    assert "wrong" in cells(form)[2][2]
    assert not form.is_ready
    form.close()
    form = give(CreateUsersForm(), HEADING + "9x,\nbob,\nann2,reader\n")
    assert [row[:2] for row in cells(form)] == [("9x", "Problem"), ("bob", "Exists already"), ("ann2", FINE)]
    form.close()


def test_rows_that_cannot_be_checked_are_not_called_fine(server, monkeypatch):
    """The server is gone meanwhile, or tells only by deleting."""
    text = f"user,password\nroot,Milvus\nbob,{PASSWORD}\n"
    monkeypatch.setattr(users_form, "foresee_others", lambda *_: results.BulkResult([], "", 0.0))
    form = give(DeleteUsersForm(), text)
    assert [row[:2] for row in cells(form)] == [("root", "Problem"), ("bob", NOT_YET)]
    only = [results.RowOutcome(3, "bob", results.TO_DO, NOT_CHECKED)]
    monkeypatch.setattr(users_form, "foresee_others", lambda *_: results.BulkResult(only, "", 0.0))
    give(form, text)
    assert cells(form)[1] == ("bob", NOT_YET, NOT_CHECKED)
    form.close()


def test_where_nothing_is_done_nothing_is_said_about_undoing_it(server, shell):
    """Nor warned of, nor asked; nor does a dry run."""
    server.passwords["ann"] = PASSWORD.encode()
    server.bindings |= {("ann", "admin")}
    server.bindings -= {("root", "admin")}
    form = give(DeleteUsersForm(), "user,password\nann,wrong-password\n")
    assert form.summary.text == "Nothing to delete: 1 is refused."
    assert form.notes.value == ""
    assert form.confirmation.layout.display == "none"
    form.close()
    shell.user_ns["rows"] = [{"user": "ann", "password": "wrong-password"}]
    assert shell.run_line_magic("milvus_delete_users", "rows --dry-run").notes == ()


def test_a_form_for_many_names_the_magic_that_has_an_option(server):
    """It has no options itself."""
    form = give(CreateUsersForm(), "\n".join(f"user_{number}" for number in range(200)), "")
    assert "%milvus_create_users --at-once creates all 200 in one request" in form.notes.value
    form.close()


def test_counts_of_many_are_in_words(server, shell):
    """What was so before, and what could not be found; the time is a thing of its own."""
    shell.user_ns |= {"names": ["bob"], "nobody": ["nobody"]}
    said = [
        shell.run_line_magic("milvus_create_users", "names").summary,
        shell.run_line_magic("milvus_drop_users", "nobody --yes").summary,
        shell.run_line_magic("milvus_drop_users", "nobody --yes --missing-ok").summary,
    ]
    for text, counts in zip(said, ("1 existed already (", "1 not found (", "1 gone already ("), strict=True):
        assert f": {counts}" in text, text
