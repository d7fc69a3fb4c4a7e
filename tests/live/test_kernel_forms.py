"""Forms in a real kernel, used by the messages that a front end sends; kernels differ in which thread hears them."""

import time

import pytest
from kernels import CONNECT, SECONDS, Kernel, assert_nowhere, new_password, noise, root_of, root_password
from processes import wait_until

from milvus_magics.client import roles, users

BUSY = """import time
print("busy")
while not os.path.exists("go"):
    time.sleep(0.05)
print("no longer")"""


class FrontEnd:
    """What a browser does with the widgets of a kernel: keeps their states, types and clicks."""

    def __init__(self, kernel):
        self.kernel = kernel

    @property
    def widgets(self):
        """The state of each widget that is open, by its id."""
        states = {}
        for message in self.kernel.published:
            content = message["content"]
            if message["msg_type"] == "comm_open":
                states[content["comm_id"]] = dict(content["data"]["state"])
            elif message["msg_type"] == "comm_close":
                states.pop(content["comm_id"], None)
            elif message["msg_type"] == "comm_msg" and content["data"].get("method") == "update":
                states.get(content["comm_id"], {}).update(content["data"]["state"])
        return states

    def find(self, description):
        """The newest widget with this label; its id."""
        return [key for key, state in self.widgets.items() if state.get("description") == description][-1]

    def send(self, comm, data, subshell=None):
        """A message to a widget; the id of it."""
        session = self.kernel.client.session
        message = session.msg("comm_msg", {"comm_id": comm, "data": data})
        if subshell:
            message["header"]["subshell_id"] = subshell
        self.kernel.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def type(self, description, value, subshell=None):
        """Fill a field and leave it."""
        state = {"method": "update", "state": {"value": value}, "buffer_paths": []}
        self.kernel.finish(self.send(self.find(description), state, subshell))

    def enter(self, description, value=None):
        """Fill a field, or leave it as it is, and press Enter, which is sent first."""
        self.kernel.finish(self.send(self.find(description), {"method": "custom", "content": {"event": "submit"}}))
        if value is not None:
            self.type(description, value)
        self.follow_links()

    def follow_links(self, subshell=None):
        """Give numbers on to what they are linked to, after all else that was sent."""
        states = self.widgets
        for state in states.values():
            if state["_model_name"] == "DirectionalLinkModel":
                (source, _), (target, _) = state["source"], state["target"]
                number = states[source.removeprefix("IPY_MODEL_")]["number"]
                update = {"method": "update", "state": {"number": number}, "buffer_paths": []}
                self.kernel.finish(self.send(target.removeprefix("IPY_MODEL_"), update, subshell))

    def click(self, description, subshell=None):
        """Click a button without waiting; the id of the message."""
        assert not self.widgets[self.find(description)]["disabled"], f"{description!r} cannot be clicked"
        return self.send(self.find(description), {"method": "custom", "content": {"event": "click"}}, subshell)

    def press(self, description):
        """Click a button, and wait for what comes of it."""
        self.kernel.finish(self.click(description))
        self.follow_links()

    def shown(self):
        """All texts, as one."""
        return "\n".join(str(state.get("value", "")) for state in self.widgets.values())


@pytest.fixture
def kernel(server, tmp_path):
    kernel = Kernel(tmp_path / "home", TEST_URI=server.uri, TEST_ROOT=root_password(server))
    try:
        kernel.run(CONNECT)
        with root_of(server) as conn:
            kernel.conn = conn
            yield kernel
            assert noise(kernel) == []
    finally:
        kernel.close()


def names(kernel):
    return set(users.list_usernames(kernel.conn, timeout=10))


def fill(front, user, password, subshell=None):
    front.type("User", user, subshell)
    front.type("Password", password, subshell)


def test_create_and_delete(kernel):
    """The password arrives and is checked; no message brings it back."""
    front, right, wrong = FrontEnd(kernel), new_password(), new_password()
    shown = kernel.run("%milvus_create_user --form")
    assert any("widget-view+json" in str(message["content"].get("data")) for message in shown.messages)
    for field, value in (("User", "ann"), ("Password", right)):
        front.type(field, value)
    front.enter("Confirm password", wrong)
    assert "The two passwords are not the same" in front.shown()
    assert names(kernel) == {"root"}
    front.enter("Confirm password", right)
    assert "created user" in front.shown()
    assert names(kernel) == {"root", "ann"}

    kernel.run("%milvus_delete_user --form")
    fill(front, "ann", wrong)
    front.press("Delete ann")
    assert "is wrong; nothing was changed" in front.shown()
    assert names(kernel) == {"root", "ann"}
    assert front.widgets[front.find("Password")]["value"] == ""
    front.enter("Password", right)
    assert names(kernel) == {"root", "ann"}, "Enter never deletes"
    front.press("Delete ann")
    assert "deleted user" in front.shown()
    assert names(kernel) == {"root"}
    assert assert_nowhere([right, wrong], kernel.home, kernel.published)


def test_enter_acts_on_all_that_was_typed(kernel):
    """A front end keeps letters back while the kernel works on earlier ones, and sends Enter before them."""
    front = FrontEnd(kernel)
    kernel.run("%milvus_create_role --form")
    front.type("Role", "rea")
    front.enter("Role", "reader")
    assert "created role" in front.shown()
    front.type("Role", "writer")
    front.enter("Description")  # where nothing new was typed
    made = {role.name for role in roles.list_roles(kernel.conn, timeout=10)} - {"admin", "public"}
    assert made == {"reader", "writer"}
    for role in made:
        roles.drop_role(kernel.conn, role, timeout=10)


FORMS = {
    "ConnectForm": ["Password"],
    "CreateUserForm": ["Password", "Confirm password"],
    "DeleteUserForm": ["Password"],
    "ResetPasswordForm": ["Old password", "New password", "Confirm password"],
    "UpdatePasswordForm": ["Old password", "New password", "Confirm password"],
}


@pytest.mark.parametrize("name", FORMS)
def test_what_is_typed_is_never_sent_back(kernel, name):
    """To whoever else looks at the same kernel: neither while it stands in its field, nor when the form is closed."""
    front, typed = FrontEnd(kernel), [new_password() for _ in FORMS[name]]
    kernel.run(f"import milvus_magics\nform = milvus_magics.{name}()\nform")
    for field, password in zip(FORMS[name], typed, strict=True):
        front.type(field, password)
    code = "[len(field.value) for field in inside(form) if isinstance(field, SecretText)]"
    imports = "from milvus_magics.forms.panel import inside\nfrom milvus_magics.forms.secret_fields import SecretText\n"
    assert str([len(password) for password in typed]) in kernel.run(imports + code).text(), "all of it arrived"
    kernel.run("form.close()")
    assert_nowhere(typed, kernel.home, kernel.published)


def test_a_password_in_an_address_is_never_sent_back(kernel):
    """It is taken out of the field, which is no secret one."""
    front, password = FrontEnd(kernel), new_password()
    kernel.run("import milvus_magics\nmilvus_magics.ConnectForm()")
    front.type("Address", f"http://bob:{password}@localhost:19530")
    assert front.widgets[front.find("Address")]["value"] == "http://localhost:19530"
    assert front.widgets[front.find("User")]["value"] == "bob"
    assert_nowhere([password], kernel.home, kernel.published)


def test_working_beside_a_running_cell(kernel):
    """A form that was just shown: on a thread of its own where the kernel has such, else after the cell; once."""
    password = new_password()
    users.create_user(kernel.conn, "ann", password, timeout=10)
    front, subshell = FrontEnd(kernel), create_subshell(kernel)
    kernel.run("%milvus_delete_user --form")
    if not subshell:
        fill(front, "ann", password)
    cell = kernel.start(BUSY)
    kernel.finish(cell, until="busy")
    if subshell:
        fill(front, "ann", password, subshell)
    click = front.click("Delete ann", subshell)
    if subshell:
        kernel.finish(click)
        front.follow_links(subshell)
        assert names(kernel) == {"root"}
    else:
        time.sleep(1)
        assert names(kernel) == {"root", "ann"}
    assert cell not in ended(kernel)
    (kernel.home / "go").touch()
    wait_until(lambda: {cell, click} <= ended(kernel), seconds=SECONDS)
    assert names(kernel) == {"root"}
    assert front.shown().count("deleted user") == 1
    assert "UnknownUserError" not in front.shown()


def test_two_clicks_that_wait_for_a_cell(kernel):
    """The second one leaves what came of the first: here an error, after which the button can be pressed."""
    front = FrontEnd(kernel)
    kernel.run("%milvus_grant_role nobody admin --form")
    cell = kernel.start(BUSY)
    kernel.finish(cell, until="busy")
    clicks = {front.click("Grant role"), front.click("Grant role")}
    (kernel.home / "go").touch()
    wait_until(lambda: {cell, *clicks} <= ended(kernel), seconds=SECONDS)
    front.follow_links()
    said = [state["value"] for state in front.widgets.values() if "there is no user" in str(state.get("value"))]
    assert len(said) == 2, "below the field, and what came of it"
    tried = kernel.run("from milvus_magics.session import session\nlen(session.journal.entries())").text()
    assert tried.strip() == "1"


@pytest.mark.parametrize("code", ["%reload_ext milvus_magics", "%unload_ext milvus_magics"])
def test_nothing_stays_open(kernel, code):
    """The widgets are closed in the browser, too."""
    front = FrontEnd(kernel)
    kernel.run("%milvus_delete_user --form")
    kernel.run("%milvus_console")
    opened = front.widgets
    assert {"Delete user", "Create user…"} <= {state.get("description") for state in opened.values()}
    assert "Users" in {state.get("label") for state in opened.values()}
    kernel.run(code)
    left = [state["_model_name"] for state in front.widgets.values() if state.get("description") or state.get("label")]
    assert left == []


def create_subshell(kernel):
    """The id of a thread of the kernel's for widgets; empty where it has none."""
    info = kernel.client.kernel_info(reply=True, timeout=SECONDS)["content"]
    if "kernel subshells" not in info.get("supported_features", []):
        return ""
    message = kernel.client.session.msg("create_subshell_request", {})
    kernel.client.control_channel.send(message)
    while True:
        reply = kernel.client.get_control_msg(timeout=SECONDS)
        if reply["parent_header"]["msg_id"] == message["header"]["msg_id"]:
            return reply["content"]["subshell_id"]


def ended(kernel):
    """The ids of the messages that the kernel is done with."""
    while kernel.client.iopub_channel.msg_ready():
        kernel.published.append(kernel.client.get_iopub_msg(timeout=1))
    return {
        message["parent_header"].get("msg_id")
        for message in kernel.published
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"
    }
