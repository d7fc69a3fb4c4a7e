"""The HTTP proxy that gRPC takes from the environment, by its rules."""

from __future__ import annotations

import ipaddress
import os
from typing import NamedTuple
from urllib.parse import urlsplit

from milvus_magics.transport.address import Address

# In gRPC's order; names in capitals mean nothing to it. It reads them for each channel anew.
VARIABLES = ("grpc_proxy", "https_proxy", "http_proxy")
EXCEPTIONS = ("no_grpc_proxy", "no_proxy")


class HttpProxy(NamedTuple):
    """A proxy on the way to a server.

    Attributes:
        variable: that names it.
        server: its host and port, without the credentials that the variable may hold.
    """

    variable: str
    server: str


def find_proxy(address: Address) -> HttpProxy | None:
    """The proxy through which gRPC goes to an address. None if there is none."""
    variable = _first_set(VARIABLES)
    exceptions = os.environ.get(_first_set(EXCEPTIONS), "").split(",")
    if address.is_local or not variable or any(_is_exception(address.host, entry.strip()) for entry in exceptions):
        return None
    return HttpProxy(variable, urlsplit(os.environ[variable]).netloc.rpartition("@")[2] or "which it names")


def _first_set(names: tuple[str, ...]) -> str:
    return next((name for name in names if os.environ.get(name)), "")


def _is_exception(host: str, entry: str) -> bool:
    """Whether an entry of `no_proxy` is about a host: it is the end of its name, or its network."""
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return bool(entry) and host.lower().endswith(entry.lower())
