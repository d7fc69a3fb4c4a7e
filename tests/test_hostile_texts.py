"""A server each of whose texts is hostile: no magic, form, warning, question or log record shows one as it is.

Texts hold commands of a terminal, line ends with a line of ours behind, what turns or hides text, HTML and Markdown.
All that is shown is searched for any of that: results in each form, output, questions, errors, widgets, records.
"""

import builtins
import getpass
import json
import logging
import re
import traceback
import warnings
from types import SimpleNamespace

import contract
import ipywidgets
import pytest
from IPython.lib.pretty import pretty

from milvus_magics import client, connections, utility
from milvus_magics.embedded import EmbeddedMilvus
from milvus_magics.errors import MilvusException
from milvus_magics.forms import registered_forms
from milvus_magics.magics import MilvusMagics
from milvus_magics.secret import Secret
from milvus_magics.session import session
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.wording import is_visible

OURS = "deleted user 'root' on http://prod:19530"
UNSEEN = "\u202e\u3164\u2800\u034f\ufe0f\u200b"
EVIL = f"\x1b[2J\x07<script>alert(1)</script>{UNSEEN}\r\n{OURS}\u2028{OURS}\x85{{1/0}}$HOME'\"`|**x**"
NAME = "eve" + EVIL.replace(":", "")  # a colon ends the name in a login
PASSWORD = "a-password"


class Hostile(contract.AnyNames):
    """Adds a hostile text to all that it says: to lists, to its version, to the words of a refusal."""

    def reply_of(self, method, request, caller, metadata):
        reply = super().reply_of(method, request, caller, metadata)
        _spoil(reply)
        return reply


def _spoil(message):
    for field, value in message.ListFields():
        is_list = not isinstance(value, (str, bytes, int)) and hasattr(value, "append")
        for inner in value if field.message_type and is_list else [value] if field.message_type else []:
            _spoil(inner)
        if field.type != field.TYPE_STRING or field.name == "extra_info":
            continue
        if is_list:
            value.append(EVIL)
        elif field.name in ("version", "build_tags", "reason", "detail", "description"):
            setattr(message, field.name, value + EVIL)


@pytest.fixture
def server(monkeypatch):
    """Everything is called by the hostile name, and connected is the user of that name; `bob` and `role` are plain."""
    with contract.serving(Hostile("2.6.18")) as (server, address):
        server.passwords |= {NAME: PASSWORD.encode(), "bob": PASSWORD.encode(), "ann": PASSWORD.encode()}
        server.roles |= {NAME: EVIL, "role": EVIL}
        server.bindings |= {(NAME, "admin"), (NAME, NAME), ("bob", NAME), ("bob", "role")}
        server.descriptions |= {NAME: EVIL, "bob": EVIL}
        server.groups |= {NAME: {NAME, "Insert"}, "group": {NAME, "Search"}}
        server.collections["default"].append(NAME)
        server.collections[NAME] = [NAME]
        for role in (NAME, "role"):
            server.grants[role, "Collection", NAME, "Search", "default"] = NAME
            server.grants[role, NAME, NAME, NAME, NAME] = NAME
        monkeypatch.setenv("PW", PASSWORD)
        connections.connect("default", NAME, PASSWORD, uri=f"http://{address}")
        session.journal.clear()
        server.address = address
        yield server
        connections.close_all()
        session.journal.clear()


LINES = {
    "milvus": [""],
    "milvus_access": ["", "--user $n", "--role $n", "--privilege $n", "--collection $n", "--db $n", "--user x$n"],
    "milvus_add_privileges_to_group": ["group Query", "$n Query", "group Nonsense", "x$n Query", "group $n --dry-run"],
    "milvus_audit": ["", "--export changes.jsonl", "--export changes.csv"],
    "milvus_connect": ["http://$at --user $n --password-env PW --alias other",
                       "http://$at/default --user $n --password-env PW --alias other",
                       "http://$at --user x$n --password-env PW"],
    "milvus_connections": [""],
    "milvus_console": [""],
    "milvus_create_privilege_group": ["$n", "new$n --dry-run", "fresh"],
    "milvus_create_role": ["$n", "new$n", "fresh --description $n", "fresh2 --dry-run"],
    "milvus_create_user": ["$n --password-env PW", "new --password-env PW --role $n --description $n",
                           "n2 --generate --role x$n",
                           "n3 --password-env PW --role $n --dry-run"],
    "milvus_create_users": ["rows", "bad_rows", "rows --dry-run"],
    "milvus_delete_user": ["bob --password-env PW --dry-run", "bob --password-env PW", "x$n --password-env PW", "ann"],
    "milvus_delete_users": ["gone --dry-run", "gone --yes"],
    "milvus_describe_role": ["role $n", "role $n --dry-run", "x$n text", "role --undo"],
    "milvus_describe_user": ["bob $n", "bob $n --dry-run", "x$n text", "bob --undo"],
    "milvus_disconnect": ["x$n", "default"],
    "milvus_drop_privilege_group": ["group --dry-run", "group", "x$n --yes", "group --yes"],
    "milvus_drop_role": ["role --dry-run", "role --force", "x$n --yes", "role --yes", "role --force --yes"],
    "milvus_drop_user": ["bob --dry-run", "bob", "x$n --yes", "$n", "bob --yes"],
    "milvus_drop_users": ["gone", "gone --dry-run"],
    "milvus_grant_privilege": ["role Query --collection $n", "role $n --collection docs", "x$n Query --collection docs",
                               "role Query --collection $n --db $n",
                               "role Query --object $n --object-name $n --dry-run"],
    "milvus_grant_role": ["ann $n", "x$n $n", "bob x$n", "bob $n --dry-run"],
    "milvus_list_grants": ["", "$n", "role", "x$n"],
    "milvus_list_privilege_groups": [""],
    "milvus_list_role": ["$n", "role", "x$n"],
    "milvus_list_roles": [""],
    "milvus_list_user": ["$n", "bob", "x$n"],
    "milvus_list_usernames": [""],
    "milvus_list_users": [""],
    "milvus_passwords": ["", "$n", "x$n", "--to passwords.csv"],
    "milvus_remove_privileges_from_group": ["group Search --dry-run", "group Search", "group Search --yes",
                                           "x$n Search --yes"],
    "milvus_reset_password": ["bob --password-env PW --new-password-env PW", "x$n --without-old --new-password-env PW"],
    "milvus_restore_grants": ["role --dry-run", "role", "$n"],
    "milvus_restore_role": ["role", "$n"],
    "milvus_restore_user": ["bob --password-env PW", "$n"],
    "milvus_revoke_privilege": ["role Search --collection $n --dry-run", "role Search --collection $n",
                                "role $n --collection docs", "x$n Search --collection docs",
                                "role Search --collection $n --yes"],
    "milvus_revoke_role": ["bob $n --dry-run", "bob $n", "x$n $n --yes", "bob x$n --yes", "bob $n --yes"],
    "milvus_update_password": ["bob --password-env PW --new-password-env PW --dry-run",
                               "x$n --password-env PW --new-password-env PW"],
    "milvus_use": ["x$n", "default"],
    "milvus_whoami": [""],
}  # fmt: skip


class Shown:
    """Everything that somebody could see."""

    def __init__(self):
        self.texts, self.html, self.rows = [], [], []

    def result(self, result):
        self.texts += [repr(result), str(result), pretty(result)]
        if hasattr(result, "to_dicts"):
            self.rows += [line for row in result for line in str(row).split("\n")]
        if hasattr(result, "_repr_html_"):
            self.html.append(result._repr_html_())
        if hasattr(result, "_repr_mimebundle_"):
            self.texts += [text for text in result._repr_mimebundle_().values() if isinstance(text, str)]

    def error(self, error):
        self.texts += [str(error), repr(error), *error._render_traceback_(), getattr(error, "details", "")]
        self.texts += traceback.format_exception_only(error)

    def widgets(self):
        for widget in ipywidgets.Widget.get_manager_state()["state"].values():
            for key, value in widget["state"].items():
                is_typed = key == "value" and widget["model_name"] in ("TextModel", "ComboboxModel")
                if is_typed or value == "\u200b":  # that is what ipywidgets has where a placeholder is missing
                    continue
                if key == "_esm":
                    continue  # a program of ours
                if key == "rows":  # what a row is about has its real name, which is never shown
                    value = [cell for row in value for cell in row["cells"]]
                if key == "groups":  # likewise boxes to tick
                    shown = ("name", "more", "note")
                    value = [item[part] for group in value for item in group["items"] for part in shown]
                if key == "value" and isinstance(value, dict):
                    continue  # which of those are ticked, by their real names
                values = value if isinstance(value, (list, tuple)) else [value]
                self.texts += [str(one) for one in values]
            if widget["model_name"] == "HTMLModel":
                self.html.append(widget["state"].get("value", ""))

    def is_harmless(self):
        """No text acts on a terminal, hides anything, begins a line of its own, or is HTML."""
        assert self.texts
        for text in (*self.texts, *self.html):
            for line in text.split("\n"):
                assert is_visible(line.replace("\t", "")), ascii(line)
                assert not line.startswith(OURS), line
        # Rows are for programs, and shown by Python's own repr, which has no line ends and nothing that controls.
        assert all(map(str.isprintable, self.rows))
        for text in self.html:
            assert not re.search("<(script|img|a href)", text), text


@pytest.fixture
def shown(monkeypatch, caplog, capsys):
    """What is seen of whatever happens in a test: questions, output, warnings and records of any logger and level."""
    shown = Shown()
    caplog.set_level(logging.DEBUG)

    def answer(question=""):
        shown.texts.append(question)
        return "what is not retyped"

    monkeypatch.setattr(builtins, "input", answer)
    monkeypatch.setattr(getpass, "getpass", answer)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        yield shown
    captured = capsys.readouterr()
    shown.texts += [captured.out, captured.err, *(str(one.message) for one in warned)]
    # gRPC's own words, which it logs where it is told to debug, are not ours.
    shown.texts += [record.getMessage() for record in caplog.records if not record.name.startswith("grpc")]
    shown.is_harmless()


def test_every_magic_is_tried():
    """So that a new one is."""
    assert LINES.keys() == MilvusMagics.magics["line"].keys()


@pytest.mark.parametrize("magic", LINES)
def test_magics(shell, server, shown, magic, tmp_path, monkeypatch):
    """Results, errors, questions and what is printed; also the audit and its files after that."""
    monkeypatch.chdir(tmp_path)
    shell.user_ns.update(
        n=NAME, at=server.address,
        gone=[{"user": "bob", "password": PASSWORD}, {"user": "ann", "password": "a-wrong-one"}],
        rows=[{"user": "new1", "password": PASSWORD, "roles": NAME}, {"user": NAME, "password": PASSWORD}],
        bad_rows=[{"user": NAME, "password": PASSWORD, "roles": f"x{NAME}"}, {"user": "", NAME: EVIL}],
    )  # fmt: skip
    utility.create_user("seen-in-the-audit", PASSWORD)
    for line in LINES[magic]:
        try:
            shown.result(shell.run_line_magic(magic, line))
        except MilvusException as exc:
            shown.error(exc)
    shown.result(session.journal.audit())
    shown.widgets()
    for path in tmp_path.iterdir():
        shown.texts.append(path.read_text(encoding="utf-8"))
        assert len(shown.texts[-1].splitlines()) == 1 + (path.suffix == ".csv")
    if (tmp_path / "changes.jsonl").exists():
        assert json.loads(shown.texts[-1 if path.suffix == ".jsonl" else -2])["actor"] == NAME, "exactly, for a program"
    ipywidgets.Widget.close_all()


@pytest.mark.parametrize("operation", registered_forms())
def test_forms(server, shown, operation):
    """What they offer and say, for names that are there and for one that isn't, before and after they are sent."""
    form = registered_forms()[operation]()
    for name in (NAME, "bob", f"x{NAME}"):
        for field in form.fields.values():
            if field.is_secret:
                field.value = PASSWORD
        form.fill(user=name, role="role" if name == "bob" else name)
        if "uri" in form.fields:
            form.fields["uri"].value = f"http://{server.address}"
        shown.widgets()
        form.submit()
        assert form.status.text or any(line.text for field in form.fields.values() for line in field.remarks)
        shown.widgets()
    shown.result(form)
    form.close()


def test_log_lines_of_the_audit(server, caplog):
    """An entry is one line, whoever acted."""
    caplog.set_level(logging.INFO, "milvus_magics.audit")
    utility.create_user("new", PASSWORD)
    [line] = caplog.messages
    assert line.startswith("create_user new: done (code 0) on http://127.0.0.1:")
    assert " by eve\\x1b[2J\\x07" in line
    assert line.isprintable()
    assert caplog.records[0].change["actor"] == NAME, "a program gets the name as it is"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "shift_jis"])
@pytest.mark.parametrize("width", ["50", "80", "200"])
def test_print_needs_no_unicode(shell, encoding, width, capsys, monkeypatch):
    """Whatever stdout can write: only names may need more than ASCII; and nothing is printed beside the result."""
    monkeypatch.setenv("COLUMNS", width)
    with contract.serve("2.6.18") as (server, address):
        server.roles["a_role_with_quite_a_long_name_so_that_it_is_cut"] = ""
        server.bindings |= {("root", name) for name in server.roles}
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        access = shell.run_line_magic("milvus_access", "")
        assert capsys.readouterr().out == ""
        for picture in (access, access.matrix("roles", "collections"), access.matrix("roles")):
            lines = str(picture).encode(encoding).decode(encoding).splitlines()
            assert len(lines) == len(repr(picture).splitlines())
            assert any(re.search("[RWADrwads.]{4}", line) for line in lines)
        connections.close_all()


def test_the_address_of_a_server(tmp_path, caplog):
    """A socket may be called anything: its path is shown as text, too, where a notebook, a log or a form says it."""
    path = f"{tmp_path}/{UNSEEN.replace(chr(0x202E), '').replace(chr(0x200B), '')}.sock"
    conn = Connection(Address.parse(f"unix:{path}", user="root", password=PASSWORD))
    connections.keep("default", conn)
    directories = SimpleNamespace(data=tmp_path / "\u3164", is_data_temporary=False, socket=path)
    keeper = SimpleNamespace(directories=directories, why_not="", alive=lambda: True)
    try:
        with caplog.at_level(logging.INFO, "milvus_magics.audit"), pytest.raises(MilvusException) as caught:
            client.users.create_user(conn, "bob", PASSWORD, timeout=1)
        form = registered_forms()["create_user"](timeout=1)
        embedded = EmbeddedMilvus(keeper, Secret(PASSWORD), "http", None)
        shown = [repr(conn), repr(form), form.heading.value, form.status.value, repr(embedded), str(caught.value)]
        shown += [*caplog.messages, str(session.journal.audit())]
        form.close()
    finally:
        connections.close_all()
    assert len(caplog.messages) == 1
    assert not [text for text in shown if UNSEEN[1] in text], "what cannot be seen is shown as an escape"
