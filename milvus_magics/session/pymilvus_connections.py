"""Where and as whom pymilvus is connected. The only file that knows pymilvus's insides (2.4 to 3.0)."""

from __future__ import annotations

import base64
import sys
from typing import Any

from milvus_magics.errors import ParameterError
from milvus_magics.secret import Secret, mask_misplaced, quote_name
from milvus_magics.transport.address import Address

TLS_FILES = ("server_pem_path", "ca_pem_path", "client_pem_path", "client_key_path")


def address_of_pymilvus(source: Any) -> Address:
    """The address of a pymilvus `MilvusClient`, or of an alias of pymilvus's `connections`; ParameterError if none."""
    source = mask_misplaced("alias", source) if isinstance(source, str) else source
    try:
        handler = _handler_of_alias(source) if isinstance(source, str) else _handler_of_client(source)
    except ParameterError as exc:
        del source  # whatever it is: it may hold a password
        raise exc.without_frames()  # noqa: B904 - the same one
    host, _, port = str(handler._address).rpartition(":")
    tls: dict[str, Any] = {name: getattr(handler, f"_{name}", "") or None for name in TLS_FILES}
    return Address.parse(
        host=host,
        port=port,
        token=_credentials(handler),
        secure=bool(getattr(handler, "_secure", False)) or None,
        db_name=_database(source, handler),
        server_name=getattr(handler, "_server_name", "") or None,
        **tls,
    )


def _handler_of_alias(alias: str) -> Any:
    handlers = _by_alias("_alias_handlers", "_connected_alias")
    if alias not in handlers:
        hint = f"it has: {', '.join(map(repr, sorted(handlers)))}" if handlers else "it has none"
        raise ParameterError(f"pymilvus has no connection with {quote_name(alias, 'this')} as its alias; {hint}")
    return handlers[alias]


def _by_alias(*names: str) -> dict[str, Any]:
    """What pymilvus keeps for each alias under one of these names, the newest first; its public methods warn."""
    orm = getattr(sys.modules.get("pymilvus"), "connections", None)
    return next((getattr(orm, name) for name in names if hasattr(orm, name)), {})


def _handler_of_client(client: Any) -> Any:
    kind, kinds = type(client).__name__, {base.__name__ for base in type(client).__mro__}
    if "AsyncMilvusClient" in kinds:
        # Its connection belongs to an event loop: nobody else can ask for it without leaving a warning.
        raise ParameterError(f"{kind} works for coroutines only, so it cannot be adopted: give a MilvusClient")
    try:
        known = hasattr(client, "_get_connection")
        handler = client._get_connection() if known else _handler_of_alias(client._using)
        handler._address  # noqa: B018 - Milvus Lite and strangers have none
    except Exception:
        # What is raised is pymilvus's affair and may hold its arguments.
        handler = None
    if handler is None and "MilvusClient" in kinds:
        raise ParameterError(f"this {kind} is closed, or is one of Milvus Lite: give one that is connected")
    if handler is None:
        raise ParameterError(f"give a MilvusClient of pymilvus or the name of one of its aliases, not {kind}")
    return handler


def _credentials(handler: Any) -> Secret:
    """The credentials as a token."""
    header = _header(handler, "_authorization_interceptor", "authorization")
    return Secret(base64.b64decode(header).decode("utf-8", "surrogateescape"))


def _database(source: Any, handler: Any) -> str:
    alias = source if isinstance(source, str) else ""
    named = getattr(getattr(source, "_config", None), "db_name", "")
    configured = _by_alias("_alias_config").get(alias, {}).get("db_name")
    return named or configured or _header(handler, "_db_interceptor", "dbname")


def _header(handler: Any, interceptor: str, name: str) -> str:
    """What is sent with each call under this name; pymilvus keeps it only inside the interceptor that adds it."""
    adding = getattr(handler, interceptor, None)
    cells = (cell.cell_contents for cell in adding._fn.__closure__) if adding else ()
    return next((value for cell in cells if isinstance(cell, list) for value in cell if value != name), "")
