"""Where others can listen on the way of a password, that is said before it goes, in the place where the user looks."""

import warnings

import contract
import pytest

from milvus_magics import ConnectForm, CreateRoleForm, CreateUserForm, connections
from milvus_magics.access.findings import find_problems
from milvus_magics.access.read import read_snapshot
from milvus_magics.transport.address import Address
from milvus_magics.transport.deadline import Deadline

SAID = "passwords travel in plaintext to http://0.0.0.0:{port}: use https:// where the server has TLS"


@pytest.fixture(params=[True, False], ids=["authorization on", "authorization off"])
def port(request):
    """The port of a server that is reached as 0.0.0.0, which is not known to be this machine."""
    with contract.serve("2.6.18", authorization=request.param) as (_, address):
        yield address.rpartition(":")[2]
        connections.close_all()


@pytest.mark.parametrize(
    ("uri", "is_private"),
    [
        ("http://milvus.example:19530", False),
        ("tcp://10.1.2.3", False),
        ("http://0.0.0.0", False),
        ("https://milvus.example", True),
        ("http://localhost:19530", True),
        ("http://milvus.localhost", True),
        ("http://127.8.8.8", True),
        ("http://[::1]:19530", True),
        ("http://[::ffff:127.0.0.1]:19530", True),
        ("http://[::ffff:10.1.2.3]:19530", False),
        # gRPC asks a name server for these.
        ("http://localhost.:19530", False),
        ("http://127.1:19530", False),
        ("http://ip6-localhost:19530", False),
        ("unix:/run/milvus.sock", True),
    ],
)
def test_only_what_others_can_read_is_a_reason_to_warn(uri, is_private):
    """Loopback and sockets of this machine are none; TLS is none."""
    address = Address.parse(uri)
    assert address.is_private == is_private
    assert address.warning == "" if is_private else address.url in address.warning


@pytest.mark.filterwarnings("ignore")
def test_a_magic_says_it_on_its_own_line_each_time(port, shell, capsys, monkeypatch):
    """Also as nobody, whatever Python's filters say; and before the password is asked for."""
    monkeypatch.setenv("PW", "Milvus")
    said = f"warning: {SAID.format(port=port)}\n"
    for alias in ("one", "two"):
        shell.run_line_magic("milvus_connect", f"http://0.0.0.0:{port} --user root --password-env PW --alias {alias}")
        shown = capsys.readouterr()
        assert (shown.out.startswith(said), shown.out.count("warning"), shown.err) == (True, 1, "")
    asked = []
    monkeypatch.setattr("getpass.getpass", lambda label: asked.append(capsys.readouterr().out) or "Milvus")
    shell.run_line_magic("milvus_connect", f"http://0.0.0.0:{port} --user root")
    assert asked == [said]
    shell.run_line_magic("milvus_connect", f"http://127.0.0.1:{port} --user root --password-env PW")
    shown = capsys.readouterr()
    assert ("warning" in shown.out, shown.err) == (False, "")
    connections.close_all()


def test_nobody_is_told_as_well(shell, capsys):
    """The passwords of the users that they make travel, too."""
    with contract.serve("2.6.18", authorization=False) as (_, address):
        port = address.rpartition(":")[2]
        shell.run_line_magic("milvus_connect", f"http://0.0.0.0:{port}")
        assert capsys.readouterr().out.startswith(f"warning: {SAID.format(port=port)}\n")
        connections.close_all()


def test_a_function_warns_for_each_connection(port):
    """In one place as in several; without a path of ours."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(2):
            connections.connect(user="root", password="Milvus", uri=f"http://0.0.0.0:{port}")
        connections.connect(user="root", password="Milvus", uri=f"http://127.0.0.1:{port}")
    assert [str(each.message) for each in caught] == [SAID.format(port=port)] * 2
    assert {each.filename for each in caught} == {"milvus_magics"}


def test_the_form_that_connects_says_it_before_its_button_is_pressed():
    """As soon as such an address stands there, and no longer than that."""
    form = ConnectForm(uri="http://localhost:19530", user="root")
    assert form.warning.text == ""
    form.fill(uri="http://0.0.0.0:19530")
    assert form.warning.text == SAID.format(port=19530)
    shown = list(form.children)
    assert shown.index(form.warning) < next(i for i, each in enumerate(shown) if form.buttons["Connect"] in _held(each))
    form.fill(uri="https://0.0.0.0:19530")
    assert form.warning.text == ""
    form.fill(uri="http://")
    assert form.warning.text == ""
    form.close()


def _held(widget):
    return getattr(widget, "children", ())


@pytest.mark.filterwarnings("ignore:passwords travel in plaintext")
def test_forms_that_take_passwords_say_it_and_others_do_not(port):
    """On a connection that is there, whoever made it."""
    connections.connect(user="root", password="Milvus", uri=f"http://0.0.0.0:{port}")
    forms = CreateUserForm(), CreateRoleForm()
    assert [form.warning.text for form in forms] == [SAID.format(port=port), ""]
    connections.connect(user="root", password="Milvus", uri=f"http://127.0.0.1:{port}")
    private = CreateUserForm()
    assert private.warning.text == ""
    for form in (*forms, private):
        form.close()


@pytest.mark.filterwarnings("ignore:passwords travel in plaintext")
@pytest.mark.parametrize(("host", "is_found"), [("0.0.0.0", True), ("127.0.0.1", False)])
def test_the_access_view_knows_it_too(port, host, is_found):
    """This machine is no reason to alarm."""
    connections.connect(user="root", password="Milvus", uri=f"http://{host}:{port}")
    problems = find_problems(read_snapshot(connections.get(), Deadline(10)))
    assert any("plaintext" in found.text for found in problems) == is_found
