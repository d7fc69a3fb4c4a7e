"""The form of `%milvus_connect`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import ipywidgets as widgets
from traitlets import Unicode

from milvus_magics.client import users
from milvus_magics.display.messages import html_line
from milvus_magics.errors import MilvusException, ParameterError
from milvus_magics.forms.form import BELOW_FIELDS, BUTTONS, FIELD, LABEL, Form, show
from milvus_magics.forms.secret_text import SecretText
from milvus_magics.secret import Secret
from milvus_magics.session.connections import DEFAULT, connections
from milvus_magics.transport.address import DEFAULT_URI, Address
from milvus_magics.transport.connection import Connection

# Field -> its label and what stands in it while it is empty.
FIELDS = {
    "uri": ("Address", "http://host:19530, https://host, unix:/path or host:19530"),
    "user": ("User", "empty with an API key, or as nobody"),
    "db_name": ("Database", "the default one"),
    "alias": ("Alias", "name of the connection in this notebook"),
}
TLS_FIELDS = {
    "ca_pem_path": ("CA certificate", "PEM file that signed the server's"),
    "server_pem_path": ("Server cert.", "PEM file with the server's own"),
    "client_pem_path": ("Client cert.", "PEM file, where the server asks"),
    "client_key_path": ("Client key", "PEM file with its key"),
    "server_name": ("Server name", "the name in the server's certificate"),
}


class UnechoedText(widgets.Text):
    """A field whose content isn't sent back to the browsers: an address may come with a password in it."""

    value = Unicode("", help="What was typed.").tag(sync=True, echo_update=False)


class ConnectForm(Form):
    """Connect this notebook to a server. "Test" tries it out, and "Connect" then takes the tested connection.

    Args:
        alias: the name to bind.
        uri: the address to begin with; default: what `connections.connect()` would take, without its credentials.
        user: the user to begin with.
        db_name: the database to begin with.
        timeout: seconds that each operation may last.
        **tls: files and the server's name to begin with, as `connections.connect` names them.
    """

    OPERATION = "connect"
    FILLABLE = ("uri", "user", "db", "alias", "ca_pem", "server_pem", "client_pem", "client_key", "server_name")
    TITLE = "Connect"
    MAGIC = "%milvus_connect URI --user NAME"
    BUSY = "Connecting…"
    CHECK = "check with %milvus_connections"

    def __init__(
        self,
        alias: str = DEFAULT,
        *,
        uri: str = "",
        user: str = "",
        db_name: str = "",
        timeout: float = 10.0,
        **tls: str,
    ) -> None:
        self._timeout = timeout
        self._tested: tuple[dict[str, Any], Connection] | None = None
        uri, in_uri, _ = _without_credentials(uri or _usual_uri())
        first = {"uri": uri, "user": user or in_uri, "db_name": db_name, "alias": alias, **tls}
        labelled = {**FIELDS, **TLS_FIELDS}
        self._texts = {name: _text(*words, first.get(name) or "") for name, words in labelled.items()}
        super().__init__()
        self._header.value = html_line("Connect this notebook to a Milvus server", "heading")
        for text in self._texts.values():
            text.observe(self._changed, "value")
        self._texts["uri"].observe(self._uri_changed, "value")
        self._secret.observe(self._update, "value")
        self._test.on_click(lambda _: self._work(self._try_out, self._test, "Testing…"))
        self._update()

    def fill(self, **values: Any) -> None:
        """Put values into the fields of these names; those that the form does not have are left out."""
        if "uri" in values:
            uri, user, _ = _without_credentials(values["uri"])
            values = {**values, "uri": uri, "user": values.get("user") or user}
        for name, value in values.items():
            if name in self.FILLABLE:
                name = {"db": "db_name"}.get(name, f"{name}_path" if name.endswith(("_pem", "_key")) else name)
                self._texts[name].value = value

    def _fields(self) -> list[widgets.Widget]:
        self._secret = SecretText.field("Password", "of that user; without a user: an API key")
        uri, user, *rest = (self._texts[name] for name in FIELDS)
        # An Accordion opens for the mouse only.
        shows = widgets.ToggleButton(description="TLS files…")
        tls = widgets.VBox([self._texts[name] for name in TLS_FIELDS])
        shows.observe(lambda _: show(tls, shows.value), "value")
        for name in TLS_FIELDS:
            self._texts[name].observe(lambda change: setattr(shows, "value", shows.value or bool(change.new)), "value")
        shows.value = any(self._texts[name].value for name in TLS_FIELDS)
        show(tls, shows.value)
        self._effect = widgets.HTML(layout=BELOW_FIELDS)
        return [uri, user, self._secret, *rest, widgets.HBox([shows], layout=BUTTONS), tls, self._effect]

    def _more_buttons(self) -> list[widgets.Widget]:
        self._test = widgets.Button(description="Test", disabled=True)
        return [self._test]

    def _is_complete(self) -> bool:
        return not self._missing()

    def _missing(self) -> str:
        """What has to be typed first; empty where nothing."""
        given = self._given()
        has_secret = bool(self._secret.value) or (self._tested is not None and self._tested[0] == given)
        if not given["uri"]:
            return "the server's address"
        if given["user"] and not has_secret:
            return f"the password of user {given['user']!r}: type it, then Enter"
        return "" if self._alias() else "a name for the connection"

    def _update(self, _: object = None) -> None:
        super()._update()
        self._test.disabled = self._button.disabled
        missing = "" if self._acting.locked() else self._missing()
        self._effect.value = html_line(f"Test and Connect need {missing}", "note") if missing else ""

    def _given(self) -> dict[str, Any]:
        """What the fields say about the server; the secret and the alias aside."""
        return {name: text.value.strip() for name, text in self._texts.items() if name != "alias"}

    def _alias(self) -> str:
        return str(self._texts["alias"].value).strip()

    def _changed(self, _: object) -> None:
        self._say_nothing()
        self._update()

    def _uri_changed(self, _: object = None) -> None:
        """Take credentials out of the address: its field is not a secret one, so a notebook would save them."""
        uri, user, has_password = _without_credentials(self._texts["uri"].value)
        if uri == self._texts["uri"].value:
            return
        self._texts["uri"].value, self._texts["user"].value = uri, user
        if has_password:
            self._say("a password doesn't belong into the address, so it was taken out: type it below", "error")

    def _act(self) -> str:
        alias, secret = self._alias(), self._secret.take()
        conn = self._take_tested(secret) or self._open(secret)
        try:
            connections.keep(alias, conn)
        except MilvusException:
            conn.close()
            raise
        text = f"connected {alias!r}"
        try:
            return f"{text}: {users.whoami(conn, timeout=self._timeout)}"
        except MilvusException as exc:
            return f"{text} to {conn.address.url}; as whom could not be asked: {exc}"

    def _try_out(self) -> str:
        secret = self._secret.take()
        conn = self._take_tested(secret) or self._open(secret)
        try:
            who = users.whoami(conn, timeout=self._timeout)
        except BaseException:
            conn.close()
            raise
        self._tested = self._given(), conn
        return f"this works: {who}; nothing is bound yet, Connect binds it to {self._alias()!r}"

    def _open(self, secret: Secret) -> Connection:
        given = self._given()
        credentials: dict[str, Any] = {"password": secret} if given["user"] else {"token": secret}
        return connections.open(Address.parse(**given, **credentials), timeout=self._timeout)

    def _take_tested(self, secret: Secret) -> Connection | None:
        """The connection that was tested, if the fields still say the same and no other secret was typed."""
        tested, self._tested = self._tested, None
        if tested is None:
            return None
        if tested[0] == self._given() and not secret:
            return tested[1]
        tested[1].close()
        return None

    def _forget(self) -> None:
        self._secret.take()
        if self._tested:
            self._tested[1].close()
        self._tested = None

    def _where(self) -> str:
        return "that connects this notebook to a Milvus server"


def _text(label: str, placeholder: str, value: str) -> UnechoedText:
    # Sent when the field is left, not letter by letter: a half typed address means nothing.
    return UnechoedText(
        value=value, description=label, placeholder=placeholder, continuous_update=False, style=LABEL, layout=FIELD
    )


def _without_credentials(uri: str) -> tuple[str, str, bool]:
    """An address without the user that it may hold, that user, and whether a password was there."""
    found = re.fullmatch(r"((?:\w+://)?)(.*)@([^@]*)", uri, re.DOTALL)
    if not found:
        return uri, "", False
    user, _, password = found[2].partition(":")
    return found[1] + found[3], unquote(user), bool(password)


def _usual_uri() -> str:
    """What `connect()` would take, without its credentials."""
    try:
        return Address.parse().url
    except ParameterError:
        return DEFAULT_URI
