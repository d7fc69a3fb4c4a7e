"""The hunt: odd passwords go through every magic, form and function, right and wrong, and are nowhere afterwards."""

import base64
import contextlib
import csv
import html
import itertools
import json
import socket
import threading
import time
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest
from kernels import (
    DUMP,
    VERBOSE,
    assert_nowhere,
    kernel_at,
    new_password,
    odd_password,
    one_line,
    places,
    root_of,
    root_password,
)
from nbconvert import HTMLExporter, MarkdownExporter

from milvus_magics import embedded
from milvus_magics.client import users

PASSWORDS = {"ordinary": new_password, "odd": odd_password}
ASK = "from milvus_magics import Secret\n{name} = Secret.prompt()"
FORM = """from milvus_magics import Secret
import milvus_magics
form = milvus_magics.{form}
{fill}
form.submit()
print(form.status.text)
form.close()"""


@pytest.fixture(scope="module")
def server():
    with embedded.start(tcp_port=0) as server:
        yield server


class Cells:
    """Cells that a kernel runs one after the other, with what came of them."""

    def __init__(self, kernel):
        self.kernel, self.ran = kernel, []

    def run(self, code, *answers):
        answer = self.kernel.run(code, *answers)
        self.ran.append((code, answer))
        return answer

    def done(self, code, *answers, says=""):
        answer = self.run(code, *answers)
        assert not answer.error, answer.text()
        assert says in answer.text(), answer.text()

    def fails(self, code, *answers, says):
        assert says in one_line(self.run(code, *answers))

    def shows(self, code, *answers, says):
        """Done or failed."""
        answer = self.run(code, *answers)
        assert says in answer.text(), answer.text()


@pytest.mark.parametrize("kind", PASSWORDS)
def test_every_way_of_a_password_leaves_no_trace(server, tmp_path, kind, figure):
    """Prompts, Secrets in variables, forms, undo; success and failure; verbose tracebacks and debug logs."""
    first, second, third, wrong = (PASSWORDS[kind]() for _ in range(4))
    home = tmp_path / "home"
    with root_of(server) as root, kernel_at(home, server) as kernel, arguments_kept(home):
        cells = Cells(kernel)
        run, done, fails = cells.run, cells.done, cells.fails
        run("%config MilvusMagics.undo_minutes = 5")
        # by prompts
        fails("%milvus_create_user bob", first, wrong, says="not the same")
        done("%milvus_create_user bob --role public", first, first, says="created user 'bob'")
        fails("%milvus_create_user bob", says="exists already")  # before anything is typed
        fails("%milvus_update_password bob", wrong, second, second, says="is wrong; nothing was changed")
        done("%milvus_update_password bob", first, second, second, says="changed the password")
        fails("%milvus_reset_password bob", first, third, third, says="is wrong; nothing was changed")
        done("%milvus_reset_password bob", second, third, third, says="the old one is refused")
        fails("%milvus_reset_password bob", third, third, third, says="is the old one")
        fails("%milvus_delete_user bob", wrong, says="is wrong; nothing was changed")
        fails("%milvus_connect {os.environ['TEST_URI']} --user bob --alias bobs", wrong, says="refuses user 'bob'")
        done("%milvus_connect {os.environ['TEST_URI']} --user bob --alias bobs", third, says="user 'bob'")
        done("%milvus_reset_password --using bobs", third, first, first, says="goes on with the new one")
        fails("%milvus_connect localhost:1 --user bob --alias down", says="nothing listens")  # likewise
        fails("%milvus_connect localhost:1 --token --alias down", says="nothing listens")
        run(VERBOSE.format(magic="milvus_delete_user", line="bob"), wrong)
        run(VERBOSE.format(magic="milvus_update_password", line="bob"), wrong, second, second)
        done("%milvus_delete_user bob", first, says="deleted user 'bob'")
        done("%milvus_restore_user bob", says="restored user 'bob'")
        # by Secrets
        for name, password in {"one": first, "two": second, "no": wrong}.items():
            run(ASK.format(name=name), password)
        done("%milvus_update_password bob --password-var one --new-password-var two", says="changed the password")
        fails("%milvus_delete_user bob --password-var no", says="is wrong")
        run("from milvus_magics import utility, connections, MilvusException\nimport os")
        fails("utility.create_user('bob', one)", says="exists already")
        fails("utility.delete_user('bob', no)", says="is wrong")
        fails("utility.update_password('bob', no, one)", says="is wrong")
        fails("connections.connect('x', 'bob', no, uri=os.environ['TEST_URI'])", says="refuses user 'bob'")
        fails("connections.connect('x', uri=f'http://bob:{no.reveal()}@[', timeout=1)", says="the address ")
        done("utility.reset_password('bob', two, one)\nutility.list_usernames()", says="'bob'")
        run("1 / (one == two)  # an error of the user's own, with our names around it")
        run("vars(connections), one, [two], {'no': no}, f'{one} {two!r}', str(no)")
        # by forms
        fill = "form.fields['user'].value = 'bob'\nform.fields['password'].value = Secret.prompt().reveal()"
        done(FORM.format(form="DeleteUserForm()", fill=fill), wrong, says="is wrong")
        fill = (
            "form.fields['user'].value = 'bob'\nform.fields['old_password'].value = Secret.prompt().reveal()\n"
            "form.fields['new_password'].value = Secret.prompt().reveal()"
        )
        done(FORM.format(form="ResetPasswordForm()", fill=fill), first, second, says="the old one is refused")
        fill = "form.fields['user'].value = 'new'\nform.fields['password'].value = two.reveal()"
        done(FORM.format(form="CreateUserForm()", fill=fill), says="created user")
        fill = "form.fields['user'].value = 'bob'\nform.fields['password'].value = Secret.prompt().reveal()"
        done(FORM.format(form="ConnectForm('forms', uri=os.environ['TEST_URI'])", fill=fill), second, says="connected")
        # and what remains of it
        done("%milvus_audit --export audit.jsonl\n%milvus_audit", says="changes made or tried")
        done("%milvus_drop_user new --yes", says="deleted user")
        assert users.list_usernames(root, timeout=10) == ["bob", "root"]
        assert not run(DUMP).error
        published = kernel.published
    keep_notebook(home, cells.ran)
    assert (home / "audit.jsonl").read_text().count("\n") > 10
    hunted = (first, second, third, wrong, root_password(server))
    figure("secrets", passwords_hunted=len(hunted), files_and_messages=assert_nowhere(hunted, home, published))


USE = """import ipywidgets, milvus_magics, os, sys
from milvus_magics import Secret, connections, utility
from milvus_magics.forms.panel import inside
uri = os.environ["TEST_URI"]
def use(form, user, *secrets, press=True):
    form.fill(user=user)
    fields = [field for field in inside(form) if isinstance(field, ipywidgets.Password)]
    for field, secret in zip(fields, secrets, strict=True):
        field.value = secret.reveal()
    if press:
        form.submit("" if press is True else press)
    print(form.failure, form.status.text, *(line.text for field in form.fields.values() for line in field.remarks))
    form.close()"""
CAUGHT = """try:
    {code}
except Exception:
    print("VERBOSE", get_ipython().InteractiveTB.text(*sys.exc_info()))"""
CONSOLE = """console = milvus_magics.Console()
page = console.show_page("Users")
page.show_form(milvus_magics.{form}.OPERATION)
for field in inside(page.form):
    if isinstance(field, ipywidgets.Password):
        field.value = {name}.reveal()
{then}"""
# What is done by forms: a form, the user, the passwords' names, and what it says of that.
BY_FORMS = [
    ("CreateUserForm()", "bob", "one, one", "created user"),
    ("CreateUserForm()", "bob", "two, two", "UserExistsError"),
    ("CreateUserForm()", "eve", "one, two", "not the same"),
    ("CreateUserForm()", "1eve", "one, one", "must begin with a letter"),
    ("CreateUserForm(timeout=1e-6)", "eve", "one, one", "DeadlineError"),
    ("UpdatePasswordForm()", "bob", "no, two, two", "is wrong; nothing was changed"),
    ("UpdatePasswordForm()", "bob", "one, two, no", "not the same"),
    ("UpdatePasswordForm()", "nobody", "one, two, two", "UnknownUserError"),
    ("UpdatePasswordForm(timeout=1e-6)", "bob", "one, two, two", "DeadlineError"),
    ("UpdatePasswordForm()", "bob", "one, two, two", "changed the password"),
    ("ResetPasswordForm()", "bob", "no, one, one", "is wrong; nothing was changed"),
    ("ResetPasswordForm()", "bob", "two, two, two", "is the old one"),
    ("ResetPasswordForm()", "bob", "two, one, one", "the old one is refused"),
    ("ConnectForm('x', uri=uri)", "bob", "no", "refuses user"),
    ("ConnectForm('x', uri=uri)", "", "no", "refuses the token"),
    ("ConnectForm('x', uri='localhost:1')", "bob", "one", "nothing listens"),
    ("ConnectForm('x', uri=uri)", "bob", "one", "connected"),
    ("DeleteUserForm()", "nobody", "one", "UnknownUserError"),
    ("DeleteUserForm('x')", "bob", "one", "Type bob to confirm"),
]
# What is done by functions, and what is said where it fails.
BY_FUNCTIONS = [
    ("utility.create_user('eve', {one})", ""),
    ("utility.create_user('eve', {two})", "exists already"),
    ("utility.create_user('1eve', {two})", "must begin with a letter"),
    ("utility.create_user('new', {two}, using='none')", "none"),
    ("utility.create_user('new', {two}, timeout=1e-6)", "DeadlineError"),
    ("utility.update_password('eve', {no}, {two})", "is wrong"),
    ("utility.update_password('nobody', {no}, {two})", "UnknownUserError"),
    ("utility.update_password('eve', {one}, {two}, timeout=1e-6)", "DeadlineError"),
    ("utility.update_password('eve', {one}, {two})", ""),
    ("utility.reset_password('eve', {no}, {one})", "is wrong"),
    ("utility.reset_password('eve', {two}, {two})", "is the old one"),
    ("utility.reset_password('eve', {two}, {one})", ""),
    ("connections.connect('y', 'eve', {no}, uri=uri)", "refuses user"),
    ("connections.connect('y', 'eve', {one}, uri='localhost:1')", "nothing listens"),
    ("connections.connect('y', token='eve:' + {no}, uri=uri)", "refuses the token"),
    ("connections.connect('y', token={no}, uri=uri)", "refuses the token"),
    ("connections.connect('y', 'eve', {one}, token={one}, uri=uri)", "not both"),
    ("connections.connect('y', token='eve:' + {one}, uri=uri)", ""),
    ("connections.connect('y', 'eve', {one}, uri=uri)", ""),
    ("utility.delete_user('eve', {two})", "is wrong"),
    ("utility.delete_user('eve', {one})", ""),
]


@pytest.mark.parametrize("kind", PASSWORDS)
def test_every_form_and_function_leaves_no_trace(server, tmp_path, kind, figure):
    """Done and failed, with verbose tracebacks, and typed but never sent: closed, in the console, and still open."""
    with hunting(server, tmp_path / "home", kind, figure) as (cells, root, _):
        cells.done(USE)
        for form, user, typed, said in BY_FORMS:
            cells.done(f"use(milvus_magics.{form}, {user!r}, {typed})", says=said)
        cells.done("use(milvus_magics.ConnectForm('z', uri=uri), 'bob', one, press='Test')", says="This works")
        for form, typed in {"CreateUserForm": "one, two", "UpdatePasswordForm": "no, one, two", "ConnectForm": "one",
                            "ResetPasswordForm": "no, one, two", "DeleteUserForm": "two"}.items():  # fmt: skip
            cells.done(f"use(milvus_magics.{form}(), 'bob', {typed}, press=False)")
            if form != "ConnectForm":
                cells.done(CONSOLE.format(form=form, name="one", then="console.close()"))
        cells.done(CONSOLE.format(form="ResetPasswordForm", name="two", then="console"))  # and left like that
        for code, said in BY_FUNCTIONS:
            # Where there is an error, as text too: it is no Secret yet then.
            given = {name: f"{name}.reveal()" if said or "token" in code else name for name in ("one", "two", "no")}
            cells.done(CAUGHT.format(code=code.format(**given)), says=said)
            assert ("VERBOSE" in cells.ran[-1][1].text()) == bool(said), code
        assert users.list_usernames(root, timeout=10) == ["bob", "root"]


MEMORY = """import keyring, keyring.backend
class Memory(keyring.backend.KeyringBackend):
    priority, kept = 1, {}
    def get_password(self, service, user): return self.kept.get((service, user))
    def set_password(self, service, user, password): self.kept[service, user] = password
keyring.set_keyring(Memory())"""


@pytest.mark.parametrize("kind", PASSWORDS)
def test_files_keyrings_and_other_sources_leave_no_trace(server, tmp_path, kind, figure):
    """Many users, generated passwords, the keyring, pymilvus's client, remembered addresses, an interrupted login."""
    first, second, wrong = (PASSWORDS[kind]() for _ in range(3))
    home, outside = tmp_path / "home", tmp_path / "the user's own files"
    outside.mkdir()
    with open(outside / "class.csv", "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["user", "password", "roles"], ["ann", first, "public"], ["ben", "", ""]])
    with (
        root_of(server),
        kernel_at(home, server, OUTSIDE=str(outside), TCP=server.address) as kernel,
        socket.create_server(("127.0.0.1", 0)) as silent,
        arguments_kept(home),
    ):
        cells = Cells(kernel)
        shows = cells.shows
        for name, password in {"one": first, "two": second, "no": wrong}.items():
            shows(ASK.format(name=name), password, says="")
        # many at once, from a file and from names
        line = "{os.environ['OUTSIDE']}/class.csv --passwords-to {os.environ['OUTSIDE']}/made.csv"
        shows(f"%milvus_create_users {line}", says="2 done")
        shows(f"%milvus_create_users {line}", says="exists already; nothing was sent")
        shows("%milvus_delete_users {os.environ['OUTSIDE']}/class.csv", says="there is no password")
        shows("many = {'ann': no, 'cat': two}\n%milvus_delete_users many --dry-run", says="the password given for")
        shows("%milvus_delete_users many", says="the password given for")
        shows("many = [{'user': 'cat', 'password': two}, {'user': 'dan'}]\n%milvus_create_users many", says="2 done")
        shows("made = _\nmade.passwords, list(made), made.to_pandas()", says="********")
        shows("from milvus_magics.bulk import run as bulk\nfrom milvus_magics import connections, utility", says="")
        shows("bulk.delete_users(connections.get(), {'cat': no.reveal()})", says="the password given for")
        shows("bulk.delete_users(connections.get(), {'ann': one, 'cat': two.reveal()})", says="2 done")
        shows("names = ['ben', 'dan']\n%milvus_drop_users names --yes", says="2 done")
        # made up, kept in a file or the keyring, brought back
        shows("%milvus_create_user gen --generate --password-to {os.environ['OUTSIDE']}/gen", says="created user 'gen'")
        shows("from milvus_magics.session import session\nsession.generated_passwords.list_passwords(), "
             "vars(session.generated_passwords), vars(session)", says="********")  # fmt: skip
        shows(MEMORY, says="")
        shows("%milvus_create_user key --generate --keyring-to milvus", says="created user 'key'")
        shows("%milvus_delete_user key --keyring milvus", says="deleted user 'key'")
        shows("%milvus_drop_user gen --yes", says="deleted user 'gen'")
        shows("%milvus_restore_user gen", second, second, says="restored user 'gen'")
        # other ways to connect
        shows("import pymilvus\nclient = pymilvus.MilvusClient(uri=f\"http://{os.environ['TCP']}\", user='gen', "
             "password=two.reveal())\n%milvus_connect --adopt client --alias adopted", says="user 'gen'")  # fmt: skip
        shows("connections.add_connection(kept={'uri': os.environ['TEST_URI'], 'user': 'gen', 'password': two})\n"
             "connections.connect('kept')\nvars(connections)", says="kept")  # fmt: skip
        port = silent.getsockname()[1]
        for how in (f"'x', 'gen', two.reveal(), uri='http://127.0.0.1:{port}'",
                    f"'x', uri=f'http://gen:{{quote_plus(two.reveal())}}@127.0.0.1:{port}'"):  # fmt: skip
            code = f"from urllib.parse import quote_plus\nconnections.connect({how}, timeout=20)"
            request = kernel.start(code)
            time.sleep(0.5)
            kernel.interrupt()
            answer = kernel.finish(request)
            assert answer.error["ename"] == "KeyboardInterrupt"
            cells.ran.append((code, answer))
        shows("%milvus_drop_user gen --yes", says="deleted user 'gen'")
        assert not kernel.run(DUMP.replace("repr([In", "repr([made, In")).error
        published = kernel.published
    keep_notebook(home, cells.ran)
    with open(outside / "made.csv", encoding="utf-8", newline="") as stream:
        written = [row["password"] for row in csv.DictReader(stream)]
    written.append((outside / "gen").read_text().strip())
    assert len(written) == 2
    hunted = (first, second, wrong, *written, root_password(server))
    figure("secrets", passwords_hunted=len(hunted), files_and_messages=assert_nowhere(hunted, home, published))


KEPT = """import os
from milvus_magics import Secret
uri = os.environ["TEST_URI"]
os.environ.update(ONE=one.reveal(), TWO=two.reveal(), NO=no.reveal(), EMPTY="")
os.environ.update(TOKEN="bob:" + one.reveal(), REFUSED="bob:" + no.reveal())
token, refused, number = Secret("bob:" + one.reveal()), Secret("bob:" + no.reveal()), 1
for service, secret in dict(one=one, two=two, no=no).items(): keyring.set_password(service, "bob", secret.reveal())"""
# Magics whose secrets come from named sources, and what each says; bob has the password `one` before and after.
BY_OPTIONS = [
    ("connect {uri} --alias b --token-env TOKEN", "user 'bob'"),
    ("connect {uri} --alias b --token-var token", "user 'bob'"),
    ("connect {uri} --alias c --token-env REFUSED", "refuses the token"),
    ("connect {uri} --alias c --token-var refused", "refuses the token"),
    ("connect {uri} --alias c --token-env NO", "refuses the token"),
    ("connect {uri} --alias c --token-var number", "holds int"),
    ("connect {uri} --alias c --token-env TOKEN --token-var token", "one source for the token"),
    ("connect {uri} --alias c --token-env TOKEN --user bob", "not both"),
    ("connect localhost:1 --alias c --token-env TOKEN", "nothing listens"),
    ("connect localhost:1 --alias c --token-var token", "nothing listens"),
    ("connect {uri} --alias c --user bob --keyring no", "refuses user 'bob'"),
    ("connect {uri} --alias c --user bob --keyring one", "user 'bob'"),
    ("create_user bob --password-env TWO", "exists already"),
    ("create_user bob --keyring two", "exists already"),
    ("update_password bob --password-env NO --new-password-env TWO", "is wrong"),
    ("update_password bob --password-env ONE --new-password-env EMPTY", "not set, or empty"),
    ("update_password bob --password-env ONE --new-password-env TWO --new-password-var two", "one source for the new"),
    ("update_password bob --password-env ONE --new-password-env TWO --dry-run", "This will change the password"),
    ("update_password bob --password-env ONE --new-password-env TWO", "changed the password"),
    ("update_password bob --password-var no --new-password-var one", "is wrong"),
    ("update_password bob --password-var two --new-password-var number", "holds int"),
    ("update_password bob --password-var two --new-password-var one", "changed the password"),
    ("reset_password bob --keyring no --new-keyring two", "is wrong"),
    ("reset_password bob --keyring one --new-keyring nothing", "has no password for 'bob'"),
    ("reset_password bob --keyring one --new-keyring one", "is the old one"),
    ("reset_password bob --keyring one --new-keyring two", "the old one is refused"),
    ("reset_password bob --password-env TWO --new-password-var one --timeout 0.000001", "DeadlineError"),
    ("reset_password bob --password-env TWO --new-password-var one", "the old one is refused"),
    ("update_password --using b --without-old --new-keyring two", "PermissionDeniedError"),
    ("delete_user bob --keyring no", "is wrong"),
    ("delete_user bob --password-env ONE --dry-run", "This will delete bob"),
    ("delete_user bob --keyring one", "deleted user 'bob'"),
]


@pytest.mark.parametrize("kind", PASSWORDS)
def test_every_option_for_a_secret_leaves_no_trace(server, tmp_path, kind, figure):
    """From the environment, from Python names and from the keyring; what fails also with a verbose traceback."""
    with hunting(server, tmp_path / "home", kind, figure) as (cells, root, first):
        users.create_user(root, "bob", first, timeout=10)
        cells.done(MEMORY)
        cells.done(KEPT)
        for line, said in BY_OPTIONS:
            cells.shows(f"%milvus_{line}", says=said)
            if cells.ran[-1][1].error:
                magic, _, rest = f"milvus_{line}".partition(" ")
                cells.shows(VERBOSE.format(magic=magic, line=rest), says="VERBOSE")
        assert users.list_usernames(root, timeout=10) == ["root"]


@contextlib.contextmanager
def hunting(server, home, kind, figure):
    """Cells of a kernel that has three passwords as Secrets `one`, `two` and `no`, root, and the first of them bare.

    Afterwards all three are hunted for in everything that is left.
    """
    passwords = [PASSWORDS[kind]() for _ in range(3)]
    with root_of(server) as root, kernel_at(home, server) as kernel, arguments_kept(home):
        cells = Cells(kernel)
        for name, password in zip(("one", "two", "no"), passwords, strict=True):
            cells.done(ASK.format(name=name), password)
        yield cells, root, passwords[0]
        assert not cells.run(DUMP).error
    keep_notebook(home, cells.ran)
    hunted = (*passwords, root_password(server))
    found = assert_nowhere(hunted, home, kernel.published)
    figure("secrets", passwords_hunted=len(hunted), files_and_messages=found)


@contextlib.contextmanager
def arguments_kept(home):
    """Every process's arguments, looked at again and again until the end, in a file, for the hunt."""
    seen, over = set(), threading.Event()

    def watch():
        while not over.wait(0.02):
            look()

    def look():
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):  # it ended meanwhile
                seen.add(path.read_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
        look()
    finally:
        over.set()
        watcher.join()
        (home / "arguments").write_bytes(b"\n".join(seen))


def keep_notebook(home, cells):
    """The cells as a notebook, and what nbconvert makes of it, for the hunt."""
    notebook = as_notebook(cells)
    nbformat.write(notebook, home / "run.ipynb")
    for exporter, suffix in ((HTMLExporter(), "html"), (MarkdownExporter(), "md")):
        (home / f"run.{suffix}").write_text(exporter.from_notebook_node(notebook)[0], encoding="utf-8")


def as_notebook(cells):
    """The cells with what they answered, as a notebook would be saved."""
    notebook = nbformat.v4.new_notebook()
    for code, answer in cells:
        outputs = [
            nbformat.v4.output_from_msg(message)
            for message in answer.messages
            if message["msg_type"] in ("stream", "display_data", "execute_result", "error")
        ]
        notebook.cells.append(nbformat.v4.new_code_cell(code, outputs=outputs))
    return notebook


ESCAPES = {
    "nothing": str,
    "repr": repr,
    "ascii": ascii,
    "JSON": json.dumps,
    "JSON with other letters": lambda text: json.dumps(text, ensure_ascii=False),
    "HTML": html.escape,
    "URL": lambda text: quote(text, safe=""),
}
IN_BASE64 = {"standard": base64.b64encode, "for URLs": base64.urlsafe_b64encode}


def in_every_spelling(password):
    """What it looks like in each text, in each text in a text, and in base64 under many names; by what was done."""
    spelled = {}
    for (first, once), (second, twice) in itertools.product(ESCAPES.items(), repeat=2):
        spelled[f"{first} in {second}"] = twice(f"it's {once(password)}").encode()
    for kind, encode in IN_BASE64.items():
        for user in ("b", "ann", "boss", "gen_1"):
            spelled[f"base64 {kind} of {user}"] = encode(f"{user}:{password}".encode())
    return spelled


@pytest.mark.parametrize("password", [made() for made in PASSWORDS.values()], ids=PASSWORDS)
def test_the_hunt_finds_every_spelling(tmp_path, password):
    """In a file, in a file's name, in a message's text and in the bytes beside one; and another one is not found."""
    where, other = tmp_path / "where", new_password()
    where.mkdir()
    for name, spelled in in_every_spelling(password).items():
        (where / "kept").write_bytes(b"before " + spelled + b" after")
        assert places([other, password], where, []) == ["kept"], name
        assert places([other], where, []) == [], name
        (where / "kept").unlink()
        for message in ({"content": [{"text": spelled.decode()}]}, {"buffers": [memoryview(spelled)]}, spelled):
            assert places([password], where, [message]) == ["what the kernel publishes"], name
    (where / quote(password, safe="")).mkdir()
    assert places([password], where, []) == [quote(password, safe="")]


SHOWN = {
    "stream": "print({})",
    "error": "raise ValueError({})",
    "execute_result": "[[{}]]",
    "input_request": "_ = input({})",
    "execute_reply": "get_ipython().payload_manager.write_payload(dict(source='page', text={}))",
    "comm_open": "import ipywidgets; text = ipywidgets.Text({})",
    "comm_msg": "text.value = {} + '!'",
    "kept": "_ = open('kept', 'w').write(repr({}))",
    "arguments": "import subprocess, sys\n"
    "child = subprocess.run([sys.executable, '-c', 'import time; time.sleep(1)', {}])",
}


def test_the_hunt_finds_an_odd_password_that_is_shown_on_purpose(server, tmp_path):
    """In each kind of message, in a file, and in the arguments of a program that has ended: each is found alone."""
    home = tmp_path / "home"
    passwords = {name: odd_password() for name in SHOWN}
    with kernel_at(home, server) as kernel, arguments_kept(home):
        for name, code in SHOWN.items():
            kernel.run(ASK.format(name=name), passwords[name])
            kernel.run(code.format(f"{name}.reveal()"), *(["an answer"] if name == "input_request" else []))
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    for name, password in passwords.items():
        if name in ("kept", "arguments"):
            assert places([password], home, []) == [name]
        else:
            alone = [message for message in kernel.published if message["msg_type"] == name]
            assert places([password], nothing, alone) == ["what the kernel publishes"], name
    assert places([new_password()], home, kernel.published) == []


@pytest.mark.parametrize("suffix", ["ipynb", "html", "md"])
def test_the_hunt_finds_an_odd_password_in_what_a_notebook_becomes(server, tmp_path, suffix):
    """Printed on purpose, and hunted for in that one file alone."""
    password, home = odd_password(), tmp_path / "home"
    with kernel_at(home, server) as kernel:
        kernel.run(ASK.format(name="one"), password)
        code = "print(one.reveal())"
        cells = [(code, kernel.run(code))]
    alone = tmp_path / "alone"
    alone.mkdir()
    keep_notebook(alone, cells)
    for path in alone.iterdir():
        if path.suffix != f".{suffix}":
            path.unlink()
    with pytest.raises(AssertionError, match=f"no password in run.{suffix}"):
        assert_nowhere((password,), alone, [])
