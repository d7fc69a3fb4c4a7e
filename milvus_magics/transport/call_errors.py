"""The errors for calls that got no reply, by what gRPC says; those for replies are in reply_status.py."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from milvus_magics import errors, wire
from milvus_magics.transport.address import Address
from milvus_magics.transport.credentials import conceal
from milvus_magics.transport.http_proxy import HttpProxy, find_proxy

if TYPE_CHECKING:
    import grpc

# All that Milvus itself says where it refuses a login or a call: nothing in it comes from the caller's credentials.
HEADER_MISSING = "missing authorization in header"
LOGIN_REFUSALS = {
    HEADER_MISSING,
    "invalid token format",
    "auth check failure, please check username and password are correct",
    "auth check failure, please check api key is correct",
}


class ConcealedError(Exception):
    """What stands for gRPC's error as a cause where that quotes the caller's secret."""

    def details(self) -> str:
        """The server's words, with stars for the secret."""
        return str(self)


def error_from_grpc(
    exc: grpc.RpcError,
    method: str,
    address: Address,
    timeout: float | None,
    version: str = "",
    *secrets: object,
) -> errors.MilvusException:
    """What a gRPC error means. That one is its cause, unless it quotes a secret of the caller.

    Args:
        exc: what the call raised.
        method: the name of the RPC.
        address: of the connection, for the message.
        timeout: of the operation, in seconds.
        version: of the server, where it is known.
        *secrets: the login of the call and the fields of its request, as `conceal` takes them.
    """
    code, words = exc.code().name, exc.details() or ""
    cause: BaseException = exc.with_traceback(None)
    if words not in LOGIN_REFUSALS:
        everything = f"{words} {exc!r} {getattr(exc, 'trailing_metadata', tuple)()}"
        words = conceal(words, address.login, *secrets)
        if conceal(everything, address.login, *secrets) != everything:
            cause = ConcealedError(words)
    error = _make_error(code, words, method, address, timeout, version)
    error.__cause__ = cause
    return error


def _make_error(
    code: str, words: str, method: str, address: Address, timeout: float | None, version: str
) -> errors.MilvusException:
    url = address.url
    match code:
        case "UNAUTHENTICATED":
            return _unauthenticated(words, address)
        case "PERMISSION_DENIED":
            return _denied(words, method, address)
        case "RESOURCE_EXHAUSTED" | "UNAVAILABLE" if re.search(RATE, words.lower()):
            return errors.RateLimitedError(f"too many requests, try again later: {url} says: {words}")
        case "DEADLINE_EXCEEDED":
            return errors.DeadlineError(
                f"{url} did not answer {'in time' if timeout is None else f'within {timeout:g} s'}"
            )
        case "UNAVAILABLE":
            return _unavailable(words, address)
        case "CANCELLED" if "Channel closed" in words:
            return errors.ClosedError(f"the connection to {url} was closed on this side meanwhile: connect again")
        case "UNIMPLEMENTED":
            return _unimplemented(words, method, address, version)
        case "UNKNOWN" | "INTERNAL" if re.search(NOT_GRPC, words.lower()):
            return errors.NotMilvusError(NOT_MILVUS.format(url=url))
    return errors.ServerError(f"{url} answered {code}: {words}", code=2)


def _unimplemented(words: str, method: str, address: Address, version: str) -> errors.MilvusException:
    if words == "Method not implemented!":  # what Milvus Lite, a Python server, says
        return errors.MilvusLiteError(
            f"{address.url} has no {method}; it looks like Milvus Lite, which has no users: use a Milvus server"
        )
    if words.startswith("unknown method") or "not implemented" in words.lower():
        return too_old_error(method, address, version)
    return errors.NotMilvusError(NOT_MILVUS.format(url=address.url))


def too_old_error(method: str, address: Address, version: str) -> errors.ServerTooOldError:
    """The error for a method that a server does not have."""
    what = f"{address.url} is Milvus {version}, which is" if version else f"{address.url} is"
    since = wire.METHODS[method].since
    needs = f", which needs Milvus {since}" if since else ""
    return errors.ServerTooOldError(f"{what} too old: it has no {method}{needs}", outcome=errors.NOTHING_CHANGED)


NEVER_SENT = (
    errors.RefusedError, errors.NameResolutionError, errors.CertificateError,
    errors.ParameterError,  # what cannot be written into a request
)  # fmt: skip
NO_WAY = ("failed to connect to all addresses", "DNS resolution failed", "errors resolving")
REFUSALS = (
    errors.AuthenticationError, errors.PermissionDeniedError, errors.ServerTooOldError, errors.MilvusLiteError,
    errors.RateLimitedError,
)  # fmt: skip


def is_never_sent(exc: errors.MilvusException) -> bool:
    """Whether the request provably never left this machine."""
    return (
        isinstance(exc, NEVER_SENT)
        or exc.outcome is errors.NOTHING_SENT  # of a connection that was closed before; later, it may have been sent
        or (isinstance(exc, errors.UnavailableError) and exc.details.startswith(NO_WAY))
    )


def is_refused_call(exc: errors.MilvusException) -> bool:
    """Whether the server answered that it doesn't do this, so nothing was done."""
    return isinstance(exc, REFUSALS)


def _unauthenticated(words: str, address: Address) -> errors.AuthenticationError:
    login, url = address.login, address.url
    what = "a call without a user" if login is None else "the token"
    if login is not None and login.user:
        what = f"user {login.user!r} with this password"
    if words and words not in LOGIN_REFUSALS:
        return errors.AuthenticationError(FOREIGN_REFUSAL.format(url=url, what=what, words=words))
    if login is None:
        return errors.AuthenticationError(f"{url} wants a user and password, and the connection has none")
    if words == HEADER_MISSING:
        return errors.AuthenticationError(
            f"{url} got no user and password, although they were sent: what stands between (a gateway or mesh) takes "
            "the header 'authorization' away"
        )
    return errors.AuthenticationError(f"{url} refuses {what}{address.origin}{address.login_note}")


def _denied(words: str, method: str, address: Address) -> errors.PermissionDeniedError:
    found = re.match(r"Privilege(\w+):", words)
    if words and not found and "permission deny" not in words:
        return errors.PermissionDeniedError(FOREIGN_REFUSAL.format(url=address.url, what=method, words=words))
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
        is_proxied: whether it holds only where there is a proxy.
    """

    pattern: str
    error: type[errors.UnavailableError]
    text: str
    secure: bool | None = None
    is_proxied: bool = False

    def fits(self, words: str, address: Address, proxy: HttpProxy | None) -> bool:
        """Whether it tells what happened."""
        is_about = self.secure in (None, address.secure) and (proxy is not None or not self.is_proxied)
        return is_about and re.search(self.pattern, words.lower(), re.DOTALL) is not None


# Milvus has its own words, so these come from something in front of it.
FOREIGN_REFUSAL = (
    "{url} refuses {what}: {words} (not Milvus's own words: if a gateway or mesh is in front of it, ask whoever runs "
    "that)"
)
RATE = r"\brate\b|rate.?limit|too many requests|status: 429|quota|throttl|overloaded"
# How gRPC itself speaks of a connection; all else that is not available comes from who answers.
NO_CONNECTION = "connect|resolv|dns|socket|closed|reset|goaway|stream removed|endpoint|timeout|timed out|pipe|ping|^$"
NOT_GRPC = "http status|http2 header|content-type|settings frame|parsing http/2"
NOT_MILVUS = "something answers at {url}, but it is not a Milvus: check the port (Milvus's gRPC port is 19530)"
# The first that fits counts.
_RULES = (
    _Rule(
        "http proxy|connect http",
        errors.HttpProxyError,
        "the HTTP proxy {proxy.server} in the variable {proxy.variable} is in the way of {url}: add {host} to no_proxy "
        "and connect again",
        is_proxied=True,
    ),
    # What never came further than the proxy: it alone is connected to, and looks the server up.
    _Rule(
        "refused|unreachable|no route|timed out|errors resolving|dns resolution failed|name resolution",
        errors.HttpProxyError,
        "the HTTP proxy {proxy.server} in the variable {proxy.variable}, by which {url} is reached, does not answer: "
        "is it running? To do without it, add {host} to no_proxy and connect again",
        is_proxied=True,
    ),
    _Rule("not ready", errors.UnavailableError, "{url} is not ready yet, try again in a moment: {words}"),
    _Rule(
        r"upstream|status: 50\d",
        errors.UnavailableError,
        "something in front of Milvus answers at {url}, and Milvus behind it does not: {words}",
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
    _Rule(
        "alpn",
        errors.TlsError,
        "{url} speaks TLS, but not HTTP/2, which gRPC needs: switch HTTP/2 (gRPC) on in what answers there, or check "
        "the port",
        secure=True,
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
    proxy = find_proxy(address)
    # gRPC names a variable also where none is set.
    said = words if proxy else words.replace("http_proxy", "")
    for rule in _RULES:
        if rule.fits(said.replace("http_proxy", "http proxy"), address, proxy):
            expected = address.server_name or address.host
            text = rule.text.format(url=address.url, host=address.host, expected=expected, proxy=proxy, words=words)
            return rule.error(f"{text}{address.origin}")
    if not re.search(NO_CONNECTION, words.lower()):
        return errors.UnavailableError(f"{address.url} answers that it is not available: {words}")
    return errors.UnavailableError(f"{address.url} cannot be reached: {words}{address.origin}")
