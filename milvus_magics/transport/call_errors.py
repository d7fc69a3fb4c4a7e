"""The errors for calls that got no reply, by what gRPC says; those for replies are in reply_status.py."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from milvus_magics import errors, wire
from milvus_magics.transport.address import Address

if TYPE_CHECKING:
    import grpc

PROXY_VARIABLES = ("grpc_proxy", "https_proxy", "http_proxy")


def error_from_grpc(
    exc: grpc.RpcError, method: str, address: Address, timeout: float | None, version: str = ""
) -> errors.MilvusException:
    """What a gRPC error means.

    Args:
        exc: what the call raised.
        method: the name of the RPC.
        address: of the connection, for the message.
        timeout: of the operation, in seconds.
        version: of the server, where it is known.
    """
    code, words = exc.code().name, exc.details() or ""
    if re.search(CUT_BY_FORK, words):
        behind = f"the connection to {address.url} stayed with the process that this one was forked from: try again"
        return errors.UnavailableError(behind, details=words)
    return _make_error(code, words, method, address, timeout, version)


def _make_error(
    code: str, words: str, method: str, address: Address, timeout: float | None, version: str
) -> errors.MilvusException:
    url = address.url
    match code:
        case "UNAUTHENTICATED":
            return _unauthenticated(address)
        case "PERMISSION_DENIED":
            return _denied(words, method, address)
        case "DEADLINE_EXCEEDED":
            return errors.DeadlineError(
                f"{url} did not answer {'in time' if timeout is None else f'within {timeout:g} s'}"
            )
        case "UNAVAILABLE":
            return _unavailable(words, address)
        case "CANCELLED" if "Channel closed" in words:
            return errors.UnavailableError(f"the connection to {url} was closed on this side meanwhile: connect again")
        case "UNIMPLEMENTED" if words == "Method not implemented!":  # what Milvus Lite, a Python server, says
            return errors.MilvusLiteError(
                f"{url} has no {method}; it looks like Milvus Lite, which has no users: use a Milvus server"
            )
        case "UNIMPLEMENTED" if words.startswith("unknown method") or "not implemented" in words.lower():
            return too_old_error(method, address, version)
        case "UNIMPLEMENTED":
            return errors.NotMilvusError(NOT_MILVUS.format(url=url))
        case "UNKNOWN" | "INTERNAL" if re.search(NOT_GRPC, words.lower()):
            return errors.NotMilvusError(NOT_MILVUS.format(url=url))
    return errors.ServerError(f"{url} answered {code}: {words}", code=2)


def too_old_error(method: str, address: Address, version: str) -> errors.ServerTooOldError:
    """The error for a method that a server does not have."""
    what = f"{address.url} is Milvus {version}, which is" if version else f"{address.url} is"
    since = wire.METHODS[method].since
    needs = f", which needs Milvus {since}" if since else ""
    return errors.ServerTooOldError(f"{what} too old: it has no {method}{needs}", outcome=errors.NOTHING_CHANGED)


# What gRPC says in a forked process of a connection that it had before the fork.
CUT_BY_FORK = (
    "Closed on fork|Wrong file descriptor generation|"
    # Older gRPC, up to 1.74 at least: the descriptor was closed, and may mean something else by now.
    "Bad file descriptor|Socket operation on non-socket"
)
NEVER_SENT = (
    errors.ClosedError, errors.RefusedError, errors.NameResolutionError, errors.CertificateError,
    errors.ParameterError,  # what cannot be written into a request
)  # fmt: skip
REFUSALS = (
    errors.AuthenticationError, errors.PermissionDeniedError, errors.ServerTooOldError, errors.MilvusLiteError,
    errors.RateLimitedError,
)  # fmt: skip


def is_never_sent(exc: errors.MilvusException) -> bool:
    """Whether the request provably never left this machine."""
    return isinstance(exc, NEVER_SENT) or (
        isinstance(exc, errors.UnavailableError)
        and exc.details.startswith(("failed to connect to all addresses", "DNS resolution failed"))
    )


def is_refused_call(exc: errors.MilvusException) -> bool:
    """Whether the server answered that it doesn't do this, so nothing was done."""
    return isinstance(exc, REFUSALS)


def _unauthenticated(address: Address) -> errors.AuthenticationError:
    if address.login is None:
        return errors.AuthenticationError(f"{address.url} wants a user and password, and the connection has none")
    what = f"user {address.user!r} with this password" if address.user else "the token"
    return errors.AuthenticationError(f"{address.url} refuses {what}")


def _denied(words: str, method: str, address: Address) -> errors.PermissionDeniedError:
    found = re.match(r"Privilege(\w+):", words)
    privilege = found[1] if found else wire.METHODS[method].privilege
    needs = f"the privilege {privilege}" if privilege else f"a privilege for {method}"
    who = f"user {address.user!r}" if address.user else "the connection's token"
    everywhere = " in database '*'" if "in the `*` database" in words else ""  # in any other one it brings nothing
    return errors.PermissionDeniedError(
        f"{who} lacks {needs}{everywhere}: an administrator can grant it{everywhere and ' there'}, or connect as "
        "somebody who has it"
    )


class _Rule(NamedTuple):
    """What gRPC's words tell of a connection that failed.

    Attributes:
        pattern: found in the words, in lower case.
        error: the class that it means.
        text: the message, with facts in braces.
        secure: whether it holds with TLS only, or without TLS only; None = both.
    """

    pattern: str
    error: type[errors.UnavailableError]
    text: str
    secure: bool | None = None


NOT_GRPC = "http status|http2 header|content-type|settings frame|parsing http/2"
NOT_MILVUS = "something answers at {url}, but it is not a Milvus: check the port (Milvus's gRPC port is 19530)"
# The first that fits counts.
_RULES = (
    _Rule(
        "http proxy|connect http",
        errors.HttpProxyError,
        "the HTTP proxy in the variable {variable} is in the way of {url}: add {host} to no_proxy and restart the "
        "kernel",
    ),
    _Rule(
        "contact.*dns server|dns server.*contact",
        errors.NameResolutionError,
        "the host name '{host}' cannot be looked up: no name server answers; check this machine's network",
    ),
    _Rule(
        "dns resolution failed|domain name not found|name resolution",
        errors.NameResolutionError,
        "the host name '{host}' is unknown: check the spelling",
    ),
    _Rule(
        "wrong_version_number",
        errors.TlsError,
        "{url} does not speak TLS: write http://, or check the port",
        secure=True,
    ),
    _Rule(
        "certificate has expired",
        errors.CertificateError,
        "the certificate of {url} is not accepted: it has expired",
    ),
    _Rule(
        "certificate|peer name|hostname verification",
        errors.CertificateError,
        "the certificate of {url} is not accepted: it must be signed by the authority in ca_pem_path (or be the one in "
        "server_pem_path) and hold the name {expected!r} (see server_name)",
    ),
    _Rule("handshake|ssl", errors.TlsError, "{url} and this machine cannot agree on TLS: {words}", secure=True),
    _Rule(
        # TSI_DATA_CORRUPTED: the alert of a TLS 1.3 server that doesn't take the client's certificate, or misses one.
        "socket closed|connection reset|tsi_data_corrupted",
        errors.UnavailableError,
        "{url} closed the connection; where the server wants a client certificate, give client_pem_path and "
        "client_key_path",
        secure=True,
    ),
    _Rule(
        "refused|no such file|enoent",
        errors.RefusedError,
        "nothing listens at {url}: is the server running, and is that its port?",
    ),
    _Rule(
        "connection reset|socket closed|broken pipe",
        errors.UnavailableError,
        "{url} closed the connection; where the server has TLS, write https://",
        secure=False,
    ),
    _Rule(
        "timed out before receiving settings",
        errors.UnavailableError,
        "{url} takes connections and says nothing: the server hangs, or is no Milvus",
    ),
    _Rule(NOT_GRPC, errors.NotMilvusError, NOT_MILVUS),
    _Rule(
        "timed out",
        errors.UnavailableError,
        "{url} does not answer at all: is the machine up, and does a firewall let this port through?",
    ),
)


def _unavailable(words: str, address: Address) -> errors.UnavailableError:
    proxy = next((name for name in PROXY_VARIABLES if os.environ.get(name) or os.environ.get(name.upper())), "")
    # gRPC names the variable also where it is not set.
    low = words.lower().replace("http_proxy", "http proxy" if proxy else "http_proxy")
    for rule in _RULES:
        if rule.secure in (None, address.secure) and re.search(rule.pattern, low, re.DOTALL):
            variable, expected = proxy or "http_proxy", address.server_name or address.host
            return rule.error(
                rule.text.format(url=address.url, host=address.host, expected=expected, variable=variable, words=words)
            )
    way = f", directly or by the proxy in {proxy}" if proxy and not address.is_local else ""
    return errors.UnavailableError(f"{address.url} cannot be reached{way}: {words}")
