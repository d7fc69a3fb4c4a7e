"""Where and as whom pymilvus is connected. The only file that knows pymilvus's insides (2.4 to 3.0)."""

from __future__ import annotations

import base64
import sys
from typing import Any

from milvus_magics.client.address import Address
from milvus_magics.errors import ParameterError
from milvus_magics.secret import Secret

TLS_FILES = ("server_pem_path", "ca_pem_path", "client_pem_path", "client_key_path")


def address_of(source: Any) -> Address:
    """The address of a pymilvus `MilvusClient`, or of an alias of pymilvus's `connections`.

    Raises:
        ParameterError: when there is no such alias, or what is given is no connected client.
    """
    handler = _handler_of_alias(source) if isinstance(source, str) else _handler_of_client(source)
    host, _, port = str(handler._address).rpartition(":")
    tls: dict[str, Any] = {name: getattr(handler, f"_{name}", "") or None for name in TLS_FILES}
    return Address.of(
        host=host,
        port=port,
        token=_credentials(handler),
        secure=bool(getattr(handler, "_secure", False)) or None,
        db_name=_database(source),
        server_name=getattr(handler, "_server_name", "") or None,
        **tls,
    )


def _handler_of_alias(alias: str) -> Any:
    # Its own attributes, because the public methods warn about their removal.
    handlers = getattr(_orm(), "_alias_handlers", {})
    if alias not in handlers:
        hint = f"it has: {', '.join(map(repr, sorted(handlers)))}" if handlers else "it has none"
        raise ParameterError(f"pymilvus has no connection with the alias {alias!r}; {hint}")
    return handlers[alias]


def _orm() -> Any:
    return getattr(sys.modules.get("pymilvus"), "connections", None)


def _handler_of_client(client: Any) -> Any:
    try:
        known = hasattr(client, "_get_connection")
        handler = client._get_connection() if known else _handler_of_alias(client._using)
        handler._address  # noqa: B018 - Milvus Lite and strangers have none
    except Exception:
        # What is raised is pymilvus's affair and may hold its arguments.
        handler = None
    if handler is None:
        raise ParameterError(
            f"give a connected MilvusClient of pymilvus or the name of one of its aliases, not {type(client).__name__}"
        )
    return handler


def _credentials(handler: Any) -> Secret:
    """The credentials as a token; pymilvus keeps them only inside the header that its interceptor adds."""
    interceptor = getattr(handler, "_authorization_interceptor", None)
    if interceptor is None:
        return Secret("")
    cells = (cell.cell_contents for cell in interceptor._fn.__closure__)
    header = next(value for cell in cells if isinstance(cell, list) for value in cell if value != "authorization")
    return Secret(base64.b64decode(header).decode("utf-8", "surrogateescape"))


def _database(source: Any) -> str:
    if isinstance(source, str):
        return _orm()._alias_config[source].get("db_name") or ""
    return getattr(getattr(source, "_config", None), "db_name", "") or ""
