"""The errors for a server that is not available, by gRPC's own words and those of who answers."""

from __future__ import annotations

import re
from typing import NamedTuple

from milvus_magics import errors
from milvus_magics.transport.address import Address
from milvus_magics.transport.http_proxy import HttpProxy, find_proxy

# How gRPC itself begins where it came to no server, and where it lost one; all else comes from who answers.
NO_WAY = r"failed to connect to all addresses; last error: |DNS resolution failed for \S+: |errors resolving \S+: \["
LOST = (
    r"$|stream removed|(\w+:)?(socket closed|connection reset|broken pipe)|goaway|received rst_stream|ping timeout|"
    "keepalive"
)
CLOSED = r"^(stream removed \()?(\w+:)?(socket closed|connection reset|broken pipe|tsi_data_corrupted)"
NOT_GRPC = "http status|http2 header|content-type|settings frame|parsing http/2"
NOT_MILVUS = "something answers at {url}, but it is not a Milvus: check the port (Milvus's gRPC port is 19530)"


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


CLOSED_TLS = (
    "the connection to {url} was lost: is the server running? If it wants a client certificate, give client_pem_path "
    "and client_key_path"
)
CLOSED_PLAIN = "the connection to {url} was lost: is the server running? If it has TLS, write https://"
# What is told where gRPC came to no server; the first that fits counts.
_NO_WAY_RULES = (
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
        CLOSED_TLS,
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
        CLOSED_PLAIN,
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
# What is told where somebody answers, or a connection is lost; the first that fits counts.
_ANSWER_RULES = (
    _Rule("not ready", errors.UnavailableError, "{url} is not ready yet, try again in a moment: {words}"),
    _Rule(
        r"upstream|status: 50\d",
        errors.UnavailableError,
        "something in front of Milvus answers at {url}, and Milvus behind it does not: {words}",
    ),
    _Rule(CLOSED, errors.UnavailableError, CLOSED_TLS, secure=True),
    _Rule(CLOSED, errors.UnavailableError, CLOSED_PLAIN, secure=False),
)


def is_no_way(words: str) -> bool:
    """Whether these are gRPC's words where it came to no server."""
    return re.match(NO_WAY, words) is not None


def no_way_error(words: str, address: Address) -> errors.UnavailableError:
    """The error where gRPC came to no server."""
    proxy = find_proxy(address)
    # gRPC names a variable also where none is set.
    said = words if proxy else words.replace("http_proxy", "")
    said = said.replace("http_proxy", "http proxy")
    return _find_error(_NO_WAY_RULES, said, words, address, proxy) or _unreachable_error(words, address)


def not_available_error(words: str, address: Address) -> errors.UnavailableError:
    """The error where somebody answers that there is no service, or the connection is lost."""
    if error := _find_error(_ANSWER_RULES, words, words, address, None):
        return error
    if re.match(LOST, words.lower()):
        return _unreachable_error(words, address)
    return errors.UnavailableError(f"{address.url} answers that it is not available: {words}")


def _unreachable_error(words: str, address: Address) -> errors.UnavailableError:
    return errors.UnavailableError(f"{address.url} cannot be reached: {words}{address.origin}")


def _find_error(
    rules: tuple[_Rule, ...], said: str, words: str, address: Address, proxy: HttpProxy | None
) -> errors.UnavailableError | None:
    """The error of the first rule that fits what is said."""
    for rule in rules:
        if rule.fits(said, address, proxy):
            expected = address.server_name or address.host
            text = rule.text.format(url=address.url, host=address.host, expected=expected, proxy=proxy, words=words)
            return rule.error(f"{text}{address.origin}")
    return None
