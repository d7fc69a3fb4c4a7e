"""The form of `%milvus_connect`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any
from urllib.parse import unquote

import ipywidgets as widgets

from milvus_magics.client import users
from milvus_magics.errors import MilvusException, ParameterError
from milvus_magics.forms.fields import FILL_IN, Field, show
from milvus_magics.forms.form import BUTTONS, NO_HINT, Form, Hint
from milvus_magics.forms.secret_fields import SecretField, UnechoedField
from milvus_magics.secret import NoText, Secret, mask_arguments, mask_secret
from milvus_magics.session import DEFAULT, connections
from milvus_magics.transport.address import DEFAULT_URI, Address
from milvus_magics.transport.connection import Connection

# Field -> what an address calls it.
PARAMETERS = {
    "uri": "uri", "user": "user", "db": "db_name", "ca_pem": "ca_pem_path", "server_pem": "server_pem_path",
    "client_pem": "client_pem_path", "client_key": "client_key_path", "server_name": "server_name",
}  # fmt: skip
TLS_FIELDS = (
    UnechoedField("ca_pem", "CA certificate", "PEM file of the authority behind the server's certificate"),
    UnechoedField("server_pem", "Server certificate", "PEM file with the server's own certificate"),
    UnechoedField("client_pem", "Client certificate", "PEM file, if the server asks for one"),
    UnechoedField("client_key", "Client key", "PEM file with the client certificate's key"),
    UnechoedField("server_name", "Server name", "the name in the server's certificate"),
)


def _is_blank(text: str) -> str | None:
    return None if text.strip() else FILL_IN


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

    FUNCTION = connections.connect  # taken apart here: it may be opened long before it is bound
    MAGIC = "%milvus_connect URI --user NAME"
    BUSY = "Connecting…"
    CHECK = "check with %milvus_connections"
    FIELDS = (
        # An address may come with a password in it. Half typed, it means nothing, and neither do the others.
        UnechoedField("uri", "Address", "http://host:19530, https://host or unix:/path", _is_blank),
        UnechoedField("user", "User", "leave empty for an API key or anonymous access"),
        SecretField("password", "Password", "password, or API key if no user is given"),
        UnechoedField("db", "Database", "leave empty for the default one"),
        UnechoedField("alias", "Alias", "what this notebook calls the connection", _is_blank),
        *TLS_FIELDS,
    )
    KEEP_FIELDS = tuple(field.name for field in FIELDS)

    _tested: tuple[dict[str, Any], Connection] | None = None

    def __init__(
        self,
        alias: str = DEFAULT,
        *,
        uri: str | Secret = "",
        user: str = "",
        db_name: str = "",
        timeout: float = 10.0,
        **tls: str,
    ) -> None:
        begin = mask_secret(uri or _usual_uri())
        alias, user, db_name = mask_arguments(alias=alias, user=user, db_name=db_name)
        del uri  # it may hold a password
        super().__init__(alias, timeout=timeout)
        tls = {field.name: tls.get(PARAMETERS[field.name], "") for field in TLS_FIELDS}
        self.fill(uri=begin, user=user, db=db_name, alias=alias, **tls)
        self.fields["uri"].widget.observe(self._take_credentials_out, "value")

    def fill(self, **values: Any) -> None:
        """Put values into the fields of these names; credentials in an address are not kept."""
        if values.get("uri") is not None:
            values["uri"] = mask_secret(values["uri"])
            values["uri"], user, _ = _without_credentials(values["uri"])
            values["user"] = values.get("user") or user or None
        super().fill(**values)
        self._shows_tls.value = self._shows_tls.value or any(self.fields[field.name].value for field in TLS_FIELDS)
        self._update()

    def _rows(self) -> list[widgets.Widget]:
        # An Accordion opens for the mouse only.
        self._shows_tls = widgets.ToggleButton(description="TLS files…")
        files = [self.fields[field.name] for field in TLS_FIELDS]
        tls = widgets.VBox([row for field in files for row in field.rows])
        show(tls, False)
        self._shows_tls.observe(lambda _: show(tls, self._shows_tls.value), "value")
        rows = [row for field in self.fields.values() if field not in files for row in field.rows]
        return [*rows, widgets.HBox([self._shows_tls], layout=BUTTONS), tls, self.hint]

    def _actions(self) -> dict[str, tuple[Callable[..., object], str]]:
        return {**super()._actions(), "Test": (self._try_out, "Testing…")}

    def _faults_of(self, field: Field) -> Sequence[str]:
        """An API key need not be given, and no password where one was tested."""
        if field.name != "password":
            return super()._faults_of(field)
        given, tested = self._read_server_fields(), self._tested
        is_needed = given["user"] and not (tested and tested[0] == given)
        return super()._faults_of(field) if is_needed else [""]

    def _hint(self) -> Hint:
        return NO_HINT

    def _update(self) -> None:
        super()._update()
        self.warning.say(self._address_warning(), "warning")

    def _address_warning(self) -> str:
        """What is to be said of the address as it stands there; empty where that is none yet."""
        given = {name: value for name, value in self._read_server_fields().items() if name != "user"}
        try:
            return Address.parse(**given).warning
        except ParameterError:
            return ""

    def _read_server_fields(self) -> dict[str, Any]:
        """What the fields say about the server; the secret and the alias aside."""
        return {parameter: self.fields[name].value.strip() for name, parameter in PARAMETERS.items()}

    def _alias(self) -> str:
        return str(self.fields["alias"].value).strip()

    def _take_credentials_out(self, _: object) -> None:
        """Take credentials out of the address: its field is not a secret one, so a notebook would save them."""
        address = self.fields["uri"]
        uri, user, has_password = _without_credentials(Secret(address.value))
        if uri.reveal() == address.value:
            return
        address.value, self.fields["user"].value = uri, user
        if has_password:
            self.status.say("A password doesn't belong in the address, so it was taken out: type it below", "warning")

    def _run(self, password: Secret, **_: str) -> str:
        alias, conn = self._alias(), self._open(password)
        try:
            connections.keep(alias, conn)
        except MilvusException:
            conn.close()
            raise
        text = f"connected {alias!r}"
        try:
            return f"{text}: {users.whoami(conn, timeout=self._timeout)}"
        except MilvusException as exc:
            return f"{text} to {conn.address.url}; who you are there could not be asked: {exc}"

    def _try_out(self, password: Secret, **_: str) -> str:
        conn = self._open(password)
        try:
            who = users.whoami(conn, timeout=self._timeout)
        except BaseException:
            conn.close()
            raise
        self._tested = self._read_server_fields(), conn
        return f"This works: {who}; press Connect to use it in this notebook, as {self._alias()!r}"

    def _open(self, secret: Secret) -> Connection:
        """The connection that was tested, if the fields still say the same and no other secret was typed; else anew."""
        tested, self._tested = self._tested, None
        given = self._read_server_fields()
        if tested and tested[0] == given and not secret:
            return tested[1]
        if tested:
            tested[1].close()
        credentials: dict[str, Any] = {"password": secret} if given["user"] else {"token": secret}
        return connections.open(Address.parse(**given, **credentials), timeout=self._timeout)

    def _forget(self) -> None:
        super()._forget()
        if self._tested:
            self._tested[1].close()
        self._tested = None

    def _bind(self) -> None:
        """There is no connection yet, and none is looked for."""
        self._hold = nullcontext

    def _show_server(self) -> None:
        self.heading.say("Connect this notebook to a Milvus server", "heading")
        self._update()

    def _where(self) -> str:
        return "that connects this notebook to a Milvus server"


def _without_credentials(uri: Secret) -> tuple[Secret, str, bool]:
    """An address without the user that it may hold, that user, and whether a password was there."""
    found = None if isinstance(uri, NoText) else re.fullmatch(r"((?:\w+://)?)(.*)@([^@]*)", uri.reveal(), re.DOTALL)
    if not found:
        return uri, "", False
    user, _, password = found[2].partition(":")
    return Secret(found[1] + found[3]), unquote(user), bool(password)


def _usual_uri() -> str:
    """What `connect()` would take, without its credentials."""
    try:
        return Address.parse().url
    except ParameterError:
        return DEFAULT_URI
