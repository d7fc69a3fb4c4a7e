"""The magics in a real kernel: prompts, interrupts, the kernel's end, and that a password is nowhere afterwards."""

import re
import time

import middleman
import nbformat
import pytest
from kernels import (
    CONNECT,
    DUMP,
    LOG_EVERYTHING,
    SECONDS,
    VERBOSE,
    Kernel,
    assert_nowhere,
    isolated,
    kernel_at,
    new_password,
    one_line,
    root_of,
    root_password,
)
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from processes import processes, wait_until

from milvus_magics import embedded
from milvus_magics.client import users


@pytest.fixture(scope="module", params=[True, False], ids=["authorization on", "authorization off"])
def any_server(request):
    with embedded.start(authorization=request.param) as server:
        yield server


@pytest.fixture(scope="module")
def server():
    with embedded.start() as server:
        yield server


@pytest.fixture
def kernel(server, tmp_path):
    with kernel_at(tmp_path / "home", server) as kernel:
        yield kernel


def test_typed_passwords_work_and_are_nowhere_afterwards(any_server, tmp_path):
    """Hidden prompts: wrong is refused, right deletes, new is asked twice; and no trace of any of them is left."""
    bobs, eves, news, wrong, other = (new_password() for _ in range(5))
    home = tmp_path / "home"
    with root_of(any_server) as root, kernel_at(home, any_server) as kernel:
        users.create_user(root, "bob", bobs, timeout=10)
        users.create_user(root, "eve", eves, timeout=10)

        answer = kernel.run("%milvus_delete_user bob", wrong)
        assert one_line(answer) == "WrongPasswordError: the password given for user 'bob' is wrong; nothing was changed"
        assert [asked["password"] for asked in answer.asked] == [True], "a password is typed into a hidden field"
        assert "Password of bob: " in answer.asked[0]["prompt"]
        verbose = kernel.run(VERBOSE.format(magic="milvus_delete_user", line="bob"), wrong)
        assert "VERBOSE" in verbose.text()
        assert "require_right" in verbose.text(), "the verbose traceback shows our frames"
        assert users.list_usernames(root) == ["bob", "eve", "root"]
        assert "deleted user 'bob'" in kernel.run("gone = %milvus_delete_user bob\ngone", bobs).text()
        assert users.list_usernames(root) == ["eve", "root"]

        answer = kernel.run("%milvus_create_user new", news, other)
        assert one_line(answer) == "ParameterError: the two passwords are not the same; nothing was sent"
        assert [asked["password"] for asked in answer.asked] == [True, True], "a password is typed into a hidden field"
        assert "created user 'new'" in kernel.run("%milvus_create_user new", news, news).text()
        assert one_line(kernel.run("%milvus_create_user newer", "")) == (
            "ParameterError: the password is empty; nothing was sent"
        )

        who = kernel.run("%milvus_connect {os.environ['TEST_URI']} --user eve --alias eves", eves)
        assert "user 'eve'" in who.text()
        for line in ("localhost:1 --user eve --alias down", "localhost:1 --token --alias down"):
            assert one_line(kernel.run(f"%milvus_connect {line}")).startswith("RefusedError"), "nobody is asked in vain"

        kernel.run("from milvus_magics import Secret, connections, utility\npw = Secret.prompt()", eves)
        kernel.run("utility.delete_user('eve', pw)\npw, vars(connections), connections.list_connections()")
        assert users.list_usernames(root) == ["new", "root"]
        assert not kernel.run(DUMP).error
    assert (home / "dump.txt").stat().st_size > 1000
    assert b"milvus_delete_user bob" in (home / "ipython" / "profile_default" / "history.sqlite").read_bytes()
    assert_nowhere((bobs, eves, news, wrong, other, root_password(any_server)), home, kernel.published)


def test_changed_passwords_are_nowhere_afterwards(any_server, tmp_path):
    """Old and new at the prompts, right and wrong, twice alike and not; generated ones; and no trace of any is left."""
    first, second, third, wrong = (new_password() for _ in range(4))
    home = tmp_path / "home"
    with root_of(any_server) as root, kernel_at(home, any_server) as kernel:
        users.create_user(root, "bob", first, timeout=10)
        answer = kernel.run("%milvus_update_password bob", wrong, second, second)
        assert one_line(answer) == "WrongPasswordError: the password given for user 'bob' is wrong; nothing was changed"
        assert [asked["password"] for asked in answer.asked] == [True] * 3, "a password is typed into a hidden field"
        answer = kernel.run("%milvus_update_password bob", first, second, third)
        assert one_line(answer) == "ParameterError: the two passwords are not the same; nothing was sent"
        verbose = kernel.run(VERBOSE.format(magic="milvus_reset_password", line="bob"), wrong, third, third)
        assert "VERBOSE" in verbose.text()
        assert "_change" in verbose.text(), "the verbose traceback shows our frames"
        assert (
            "changed the password of user 'bob'"
            in kernel.run("%milvus_update_password bob", first, second, second).text()
        )
        done = kernel.run("done = %milvus_reset_password bob\ndone", second, third, third)
        assert "the new one works and the old one is refused" in done.text()
        assert kernel.run("made = %milvus_create_user new --generate\nmade, made.password").error is None
        made = kernel.run("len(made.password.reveal())").text()
        assert "24" in made
        kernel.run(
            "from milvus_magics import Secret, utility\nold, new = Secret.prompt(), Secret.prompt()", third, first
        )
        assert not kernel.run("utility.reset_password('bob', old, new)").error
        assert one_line(kernel.run("utility.update_password('bob', old, new)")).startswith("WrongPasswordError")
        assert not kernel.run(DUMP).error
    assert_nowhere((first, second, third, wrong, root_password(any_server)), home, kernel.published)


LINES_WITH_A_SECRET = [
    "%milvus_delete_user bob --password {}", "%milvus_delete_user bob {}", "%milvus_connect --token {} --alias z",
    "%milvus_connect http://root:{}@localhost", "milvus_delete_user bob --password {}",
    "for _ in range(1):\n    x = %milvus_delete_user bob --password={}", "%%time\n%milvus_delete_user bob -p {}",
    "%alias_magic -l gone milvus_delete_user\n%gone bob --password {}", "%gone bob --password {}",
    "get_ipython().run_line_magic('milvus_delete_user', 'bob --password {}')",
]  # fmt: skip


@pytest.mark.parametrize("kept", [0, 100], ids=["at once", "with delay"])
def test_what_is_said_to_remove_a_typed_secret_removes_it(tmp_path, kept):
    """The lines are in the history; what each error says is done; then no file has them, and others are there still."""
    passwords, home = [new_password() for _ in LINES_WITH_A_SECRET], tmp_path / "home"
    profile = home / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    history = f"c.HistoryManager.db_cache_size = {kept}\nc.HistoryManager.db_log_output = True\n"
    (profile / "ipython_kernel_config.py").write_text(history)
    kernel = Kernel(home)
    try:
        kernel.run("%load_ext milvus_magics\n%alias_magic -l gone milvus_delete_user\n%automagic on")
        kernel.run("other_line = 1")
        commands = set()
        for line, password in zip(LINES_WITH_A_SECRET, passwords, strict=True):
            error = one_line(kernel.run(line.format(password)))
            assert password not in error
            commands |= {*re.findall("run `(.*?)`, restart the kernel", error)}
        (command,) = commands
        if not kept:
            wait_until(lambda: passwords[-1].encode() in (profile / "history.sqlite").read_bytes())
        assert not kernel.run(command).error
        kernel.restart()
        assert not kernel.run(DUMP.replace("sys", "__import__('sys')")).error
    finally:
        kernel.close()
    assert b"other_line = 1" in (profile / "history.sqlite").read_bytes()
    assert_nowhere(passwords, home, [])


def test_the_hunt_can_fail(kernel, server, tmp_path):
    """The hunt finds a password that a cell keeps, one that it prints, and one that is encoded for the wire."""
    kernel.run("kept = os.environ['TEST_ROOT']")
    kernel.run(DUMP)
    password = root_password(server)
    with pytest.raises(AssertionError, match=r"no password in home/dump\.txt"):
        assert_nowhere((password,), tmp_path, kernel.published)
    for code in ("kept", "import base64; print(base64.b64encode(f'root:{kept}'.encode()))"):
        published = kernel.run(code).messages
        with pytest.raises(AssertionError, match="no password in what the kernel publishes"):
            assert_nowhere((password,), tmp_path / "home" / "run", published)


def test_dropping_wants_the_name_retyped(kernel, server):
    """Another name, or nothing, changes nothing; the right one drops; the same for oneself with the password."""
    with root_of(server) as root:
        password = new_password()
        users.create_user(root, "bob", password, timeout=10)
        for typed in ("bo", "", "BOB", "bob "):
            answer = kernel.run("%milvus_drop_user bob", typed)
            assert one_line(answer) == "ConfirmationError: the name was not retyped as 'bob'; nothing was changed"
            assert not answer.asked[0]["password"]
            assert "This will delete bob" in answer.asked[0]["prompt"]
        assert users.list_usernames(root) == ["bob", "root"]
        assert "without checking a password" in kernel.run("%milvus_drop_user bob", "bob").text()
        assert users.list_usernames(root) == ["root"]


def test_without_stdin_the_error_names_the_options(kernel, server):
    """Where nobody can be asked, one line says how else; then `--password-env` and `--yes` do it."""
    with root_of(server) as root:
        password = new_password()
        users.create_user(root, "bob", password, timeout=10)
        connect = "milvus_connect {os.environ['TEST_URI']} --user bob --alias bobs"
        for magic in ("milvus_delete_user bob", "milvus_create_user new", connect):
            line = one_line(kernel.run(f"%{magic}", can_ask=False))
            for option in ("nobody can be asked here", "--password-env", "--password-var", "--keyring"):
                assert option in line
        assert "--yes" in one_line(kernel.run("%milvus_drop_user bob", can_ask=False))
        assert users.list_usernames(root) == ["bob", "root"]
        assert "deleted user 'bob'" in kernel.run("%milvus_drop_user bob --yes", can_ask=False).text()


def test_interrupt_at_the_prompt_sends_nothing(kernel, server):
    """One line says so, every question can be interrupted, and the kernel goes on."""
    with root_of(server) as root:
        password = new_password()
        users.create_user(root, "bob", password, timeout=10)
        for magic in ("milvus_delete_user bob", "milvus_drop_user bob", "milvus_create_user new"):
            line = one_line(kernel.run(f"%{magic}", kernel.interrupt))
            assert line == "KeyboardInterrupt: interrupted; nothing was sent"
        line = one_line(kernel.run("%milvus_create_user new", password, kernel.interrupt))
        assert line == "KeyboardInterrupt: interrupted; nothing was sent"
        assert users.list_usernames(root) == ["bob", "root"]
        assert "deleted user 'bob'" in kernel.run("%milvus_delete_user bob", password).text()


def test_notebook_without_a_reader_keeps_no_password(server, tmp_path, monkeypatch):
    """By nbclient: prompts fail and stop the run, the environment's passwords work, no output or widget has them."""
    bobs, wrong = new_password(), new_password()
    home = tmp_path / "home"
    home.mkdir()
    variables = {"TEST_URI": server.uri, "TEST_ROOT": root_password(server), "BOBS": bobs, "WRONG": wrong}
    for name, value in (isolated(home) | variables).items():
        monkeypatch.setenv(name, value)
    cells = [
        LOG_EVERYTHING,
        CONNECT,
        "%milvus_delete_user bob",
        "%milvus_delete_user bob --password-env WRONG",
        "form = %milvus_delete_user --form\nform",
        "form.fields['user'].value = 'bob'\nform.fields['password'].value = os.environ['WRONG']",
        "form.submit()\nprint(form.status.text)",
        "form.fields['password'].value = os.environ['WRONG']",  # typed, and left
        "%milvus_delete_user bob --password-env BOBS",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    with root_of(server) as root:
        users.create_user(root, "bob", bobs, timeout=10)
        client = NotebookClient(notebook, timeout=SECONDS, kernel_name="python3")
        with pytest.raises(CellExecutionError, match="nobody can be asked here: use --password-env VAR"):
            client.execute(cwd=str(home))
        for number in (2, 3):
            notebook.cells[number].metadata["tags"] = ["raises-exception"]
        NotebookClient(notebook, timeout=SECONDS, kernel_name="python3").execute(cwd=str(home))
    text = nbformat.writes(notebook)
    assert "WrongPasswordError" in text
    assert "is wrong; nothing was changed" in notebook.cells[6].outputs[-1].text
    assert "deleted user 'bob'" in str(notebook.cells[8].outputs)
    assert "application/vnd.jupyter.widget-state+json" in notebook.metadata.widgets, "the widgets' state is saved"
    assert_nowhere((bobs, wrong, root_password(server)), home, [notebook])


def test_interrupted_start_leaves_no_server(tmp_path):
    """`--embedded` interrupted on its way: one line, no process; the next attempt works; SIGKILL ends that server."""
    kernel, data = Kernel(tmp_path / "home"), tmp_path / "data"
    try:
        kernel.run("%load_ext milvus_magics")
        request = kernel.start(f"%milvus_connect --embedded {data}")
        kernel.finish(request, until="starting Milvus")
        wait_until(lambda: len(processes(data)) > 0)
        time.sleep(0.5)
        kernel.interrupt()
        answer = kernel.finish(request)
        assert answer.error["ename"] in ("KeyboardInterrupt", "ChangeInterrupted")
        assert not processes(data), "an interrupted start leaves no process"
        assert "nothing is connected yet" in one_line(kernel.run("%milvus_whoami"))
        assert "user 'root'" in kernel.run(f"%milvus_connect --embedded {data}").text()
        assert processes(data)
        kernel.interrupt()
        assert "user 'root'" in kernel.run("%milvus_whoami").text(), "an interrupted kernel keeps its server"
        kernel.kill()
        wait_until(lambda: not processes(data))
    finally:
        kernel.close()


def test_server_ends_with_its_kernel(tmp_path):
    """Restarting the kernel ends its server, so that the same directory can be used at once; so does its shutdown."""
    kernel, data = Kernel(tmp_path / "home"), tmp_path / "data"
    try:
        kernel.run("%load_ext milvus_magics")
        assert "user 'root'" in kernel.run(f"%milvus_connect --embedded {data}").text()
        before = set(processes(data))
        kernel.restart()
        wait_until(lambda: not before & set(processes(data)))
        kernel.run("%load_ext milvus_magics")
        assert "user 'root'" in kernel.run(f"%milvus_connect --embedded {data}").text()
    finally:
        kernel.close()
    wait_until(lambda: not processes(data))


def test_many_users_show_how_far_it_is_and_can_be_interrupted(kernel, server):
    """A bar that is a widget here and gone afterwards; "interrupt kernel" ends it with what came of each row."""
    with root_of(server) as root, middleman.between(server.uri) as (between, address):
        made = kernel.run("names = [f'user{n}' for n in range(60)]\nmade = %milvus_create_users names\nmade.counts")
        assert "{'done': 60}" in made.text()
        data = [message["content"].get("data", {}) for message in kernel.published]
        opened = [one["state"].get("_model_name") for one in data if "state" in one]
        assert "FloatProgressModel" in opened, "the bar is a widget"

        def slowly(method, metadata, forward, context):
            time.sleep(0.3 if method == "DeleteCredential" else 0)
            return forward()

        between.rule = slowly
        kernel.run(f"_ = %milvus_connect http://{address} --user root --password-env TEST_ROOT")
        request = kernel.start("gone = %milvus_drop_users names --yes\ngone.caption, gone.counts")
        wait_until(lambda: len(users.list_usernames(root)) < 60)
        kernel.interrupt()
        answer = kernel.finish(request)
        assert not answer.error, answer.text()
        left = len(users.list_usernames(root)) - 1
        assert 0 < left < 60
        assert "interrupted; " in answer.text()
        assert f"{{'done': {60 - left}, 'not tried': {left}}}" in answer.text()
