"""The HTTP proxy that gRPC takes from the environment, by its rules."""

from __future__ import annotations

import ipaddress
import os
import re
from typing import NamedTuple

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
    """The proxy through which gRPC goes to an address. None if there is none, as where it ignores what is set."""
    variable = _first_set(VARIABLES)
    exceptions = os.environ.get(_first_set(EXCEPTIONS), "").split(",")
    authority = _read_authority(os.environ.get(variable, ""))
    if address.is_local or not authority or any(_is_exception(address.host, entry.strip()) for entry in exceptions):
        return None
    return HttpProxy(variable, authority.rpartition("@")[2] or "which it names")


def _read_authority(value: str) -> str:
    """What names a proxy for gRPC, which wants `http://` before it; empty if nothing does.

    It ends at the first `/`, `?` or `#`. If that cut credentials in two, none of them are left.
    """
    found = re.match("http://([^/?#]+)", value, re.IGNORECASE)
    if not found:
        return ""
    return found[1] if "@" in found[1] or "@" not in value else "@"


def _first_set(names: tuple[str, ...]) -> str:
    return next((name for name in names if os.environ.get(name)), "")


def _is_exception(host: str, entry: str) -> bool:
    """Whether an entry of `no_proxy` is about a host: it is the end of its name, or its network."""
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return bool(entry) and host.lower().endswith(entry.lower())
