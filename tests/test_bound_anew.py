"""What was shown is what is done: nothing, where the alias was bound to another connection in the meantime."""

from copy import copy

import contract
import pytest
from IPython.core.interactiveshell import InteractiveShell
from test_operations import NEW, OPERATIONS, PASSWORD, STATE, World
from traitlets.config import Config

from milvus_magics import Console, client, connections
from milvus_magics.errors import NOTHING_SENT, AliasError, Outcome, OutcomeUnknownError
from milvus_magics.forms import form_for, registered_forms

MANY = {
    "create_users": "new",
    "delete_users": [{"user": "bob", "password": PASSWORD}, {"user": "eve", "password": PASSWORD}],
    "drop_users": ["bob", "eve"],
}


class Two(World):
    """The server that was shown, and another one on which all would be possible, too."""

    def __init__(self, shown, address, other, other_address, shell):
        super().__init__(shown, address, shell)
        self.other, self.addresses = other, (address, other_address)

    def reset(self, operation):
        """Both as they were in the beginning, and the alias bound to the first."""
        self.bind(0)
        super().reset(operation)
        for name, value in self.state().items():
            setattr(self.other, name, copy(value))
        self.before = self.state()

    def bind(self, number, alias="default"):
        """What a ConnectForm or another thread does."""
        connections.connect(alias, "root", "Milvus", uri=f"http://{self.addresses[number]}")

    def assert_untouched(self):
        assert self.state() == self.before
        assert {name: getattr(self.other, name) for name in STATE} == self.before


@pytest.fixture(scope="module")
def two():
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "milvus_magics")
    with contract.serve("3.0.0") as (shown, address), contract.serve("3.0.0") as (other, other_address):
        yield Two(shown, address, other, other_address, shell)
        connections.close_all()
    shell.run_line_magic("unload_ext", "milvus_magics")


def refused(two, magic, line):
    """The error of a line that changes nothing, anywhere."""
    with pytest.raises(AliasError) as caught:
        two.shell.run_line_magic(f"milvus_{magic}", line)
    two.assert_untouched()
    assert caught.value.outcome is NOTHING_SENT
    assert str(caught.value).endswith("; nothing was sent")
    return str(caught.value)


def after_next_look(monkeypatch, act):
    """Another thread acts just after an alias was looked up."""
    get = connections.get

    def look(alias="default"):
        monkeypatch.setattr(connections, "get", get)
        conn = get(alias)
        act()
        return conn

    monkeypatch.setattr(connections, "get", look)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("how", ["anew", "closed"])
def test_a_magic_does_nothing(two, operation, how, monkeypatch):
    """Every one that changes something; it says where the alias leads now."""
    two.reset(operation)
    two.shell.user_ns.update(OPERATIONS[operation].values)
    after_next_look(monkeypatch, lambda: two.bind(1) if how == "anew" else connections.disconnect("default"))
    said = refused(two, operation, OPERATIONS[operation].line)
    assert said.startswith("the connection 'default' was ")
    assert (two.addresses[1] in said) is (how == "anew")


@pytest.mark.parametrize(
    ("operation", "line", "answers"),
    [
        ("create_user", "new", [PASSWORD, PASSWORD]),
        ("delete_user", "bob", [PASSWORD]),
        ("drop_user", "bob", ["bob"]),
        ("update_password", "bob", [PASSWORD, NEW, NEW]),
        ("update_password", "bob --password-var password", [NEW, NEW]),
        ("reset_password", "bob", [PASSWORD, NEW, NEW]),
        ("drop_role", "empty", ["empty"]),
        ("drop_privilege_group", "g", ["g"]),
        ("restore_user", "gone", [PASSWORD, PASSWORD]),
    ],
)
def test_a_question_that_took_long_does_nothing(two, operation, line, answers, monkeypatch):
    """The alias is bound anew while somebody is asked, whichever question it is."""
    for number in range(len(answers)):
        two.reset(operation)
        two.shell.user_ns["password"] = PASSWORD
        left = iter(enumerate(answers))

        def answer(_, number=number, left=left):
            asked, text = next(left)
            if asked == number:
                two.bind(1)
            return text

        monkeypatch.setattr("builtins.input", answer)
        monkeypatch.setattr("getpass.getpass", answer)
        assert two.addresses[1] in refused(two, operation, line)


def test_doing_it_again_does_it(two):
    """On the server that the alias leads to then."""
    two.reset("drop_user")
    two.bind(1)
    two.shell.run_line_magic("milvus_drop_user", "bob --yes")
    assert ("bob" in two.server.passwords, "bob" in two.other.passwords) == (True, False)


@pytest.mark.parametrize("kind", ["made up", "file", "delete_users", "drop_users"])
def test_many_are_as_safe_as_one(two, tmp_path, kind, monkeypatch):
    """Nobody is made or deleted; a file of passwords isn't made either, or doing it again would meet it."""
    operation = kind if kind in MANY else "create_users"
    two.reset(operation)
    two.shell.user_ns["many"] = MANY[operation] if kind in MANY else ["new"]
    monkeypatch.setattr("builtins.input", lambda _: two.bind(1) or "2")
    if operation != "drop_users":
        after_next_look(monkeypatch, lambda: two.bind(1))
    refused(two, operation, f"many {f'--passwords-to {tmp_path}/made.csv' if kind == 'file' else ''}")
    assert list(tmp_path.iterdir()) == []


def test_of_several_servers_those_before_are_done(two, monkeypatch):
    """The rows of the one whose alias was bound anew are not tried, and say so."""
    two.reset("drop_users")
    two.bind(0, "first")
    two.bind(1, "second")
    two.shell.user_ns["many"] = MANY["drop_users"]
    delete = two.server.DeleteCredential

    def meanwhile(*call):
        two.bind(0, "second")
        return delete(*call)

    monkeypatch.setattr(two.server, "DeleteCredential", meanwhile)
    result = two.shell.run_line_magic("milvus_drop_users", "many --using first,second --yes")
    assert result.counts == {"done": 2, "not tried": 2}
    assert {row.outcome: row.reason for row in result}["not tried"].startswith("the connection 'second' was bound anew")
    assert ("bob" in two.server.passwords, "bob" in two.other.passwords) == (False, True)


FORMS = [operation for operation, spec in OPERATIONS.items() if spec.fields]


def open_form(two, operation):
    """A form that can be submitted at once."""
    form = form_for(operation)()
    fill(form, operation)
    assert form.is_ready
    return form


def fill(form, operation):
    """Type all that a form needs."""
    values = OPERATIONS[operation].values
    for field, value in OPERATIONS[operation].fields.items():
        form.fields[field].value = [values["role"]] if value == "roles" else values[value]
    if "confirmation" in form.fields and form.fields["confirmation"].is_shown:
        form.fields["confirmation"].value = next(iter(form.fields.values())).value


def test_every_form_is_tried():
    """But the one that binds aliases itself."""
    assert {*FORMS, "connect"} == set(registered_forms())


@pytest.mark.parametrize("operation", FORMS)
def test_a_form_does_nothing_and_shows_the_other_server(two, operation):
    """Every form, filled in before; no secret stays in it."""
    two.reset(operation)
    form = open_form(two, operation)
    assert two.addresses[0] in form.heading.text
    two.bind(1)
    form.submit()
    assert form.status.text.startswith("the connection 'default' was bound anew meanwhile")
    assert two.addresses[1] in form.heading.text
    assert not [field for field in form.fields.values() if field.is_secret and field.value]
    two.assert_untouched()
    form.close()


def test_a_form_without_a_connection_says_so(two):
    """What it showed stays, since there is nothing else; connected again, it goes on."""
    two.reset("drop_user")
    form = open_form(two, "drop_user")
    connections.disconnect("default")
    form.submit()
    assert form.status.text == (
        "the connection 'default' was closed meanwhile: connect again and retry; nothing was sent"
    )
    two.assert_untouched()
    two.bind(1)
    form.buttons["Refresh names"].click()
    assert two.addresses[1] in form.heading.text
    form.fields["confirmation"].value = "bob"
    form.submit()
    assert "deleted user 'bob'" in form.status.text
    assert ("bob" in two.server.passwords, "bob" in two.other.passwords) == (True, False)
    form.close()


def test_a_preview_is_of_the_server_that_is_shown(two):
    """A name that is typed after the alias was bound anew is not looked up elsewhere."""
    two.reset("drop_user")
    form = open_form(two, "drop_user")
    two.bind(1)
    form.fields["user"].value = "eve"
    assert "was bound anew meanwhile" in form.hint.text
    form.close()


def test_who_deletes_themselves_is_told_nothing_else(two):
    """Their connection is closed by it, and not meanwhile."""
    two.reset("delete_user")
    two.server.bindings.add(("bob", "admin"))
    connections.connect(user="bob", password=PASSWORD, uri=f"http://{two.addresses[0]}")
    form = open_form(two, "delete_user")
    form.submit()
    assert "deleted user 'bob'" in form.status.text
    assert form.hint.text == ""
    form.close()


def test_what_is_asked_for_last_counts(two, monkeypatch):
    """The alias is bound anew while a form asks the server whether the name must be retyped."""
    two.reset("delete_user")
    form = open_form(two, "delete_user")
    preview = client.users.preview_delete_user
    monkeypatch.setattr(type(form), "PREVIEW", staticmethod(lambda *a, **o: (preview(*a, **o), two.bind(1))[0]))
    form.submit()
    assert "was bound anew meanwhile" in form.status.text
    two.assert_untouched()
    form.close()


def test_a_console_opens_no_form_on_another_server(two):
    """It says so, and shows who is there; pressed again, the form is about that server."""
    two.reset("drop_user")
    console = Console()
    page = console.show_page("Users")
    two.other.passwords["zoe"] = b"secret"
    two.bind(1)
    page.show_form("drop_user")
    assert page.form is None
    assert "was bound anew meanwhile" in page.problem.text
    assert two.addresses[1] in console.heading.text
    assert "zoe" in page.snapshot.users
    page.show_form("drop_user")
    assert two.addresses[1] in page.form.heading.text
    console.close()


def click(form, times=1):
    """Clicks that a front end sends at once, after what was typed; it answers when the kernel has heard them."""
    for _ in range(times):
        form.buttons[form.TITLE].click()
    asked, answered, _ = form._unseen
    answered.number = asked.number


@pytest.mark.parametrize("operation", FORMS)
def test_a_second_click_that_waited_for_the_first_does_nothing(two, operation):
    """A kernel that is busy hears both one after the other: what the first one did stays on the form."""
    two.reset(operation)
    form = open_form(two, operation)
    click(form)
    said, state = form.status.text, two.state()
    assert form.failure is None
    assert said
    two.server.calls.clear()
    click(form)
    assert form.status.text == said
    assert two.state() == state
    assert two.server.calls == [], "nothing is sent"
    form.close()


@pytest.mark.parametrize("operation", FORMS)
def test_a_second_click_leaves_an_error_as_it_is(two, monkeypatch, operation):
    """The answer is lost, and what became of it; what was typed since counts again."""
    two.reset(operation)
    form = open_form(two, operation)

    def lose(*_, **values):
        sent.append(values)
        raise OutcomeUnknownError("the answer was lost", outcome=Outcome.UNKNOWN)

    sent = []
    monkeypatch.setattr(type(form), "_run", lose)
    click(form, times=2)
    assert (form.failure, len(sent)) == (OutcomeUnknownError, 1)
    assert form.status.text == "the answer was lost"
    assert not any(line.text for field in form.fields.values() for line in field.remarks), "nor is anything pointed out"
    next(iter(form.fields.values())).clear()
    fill(form, operation)
    click(form)
    assert len(sent) == 2
    form.close()
