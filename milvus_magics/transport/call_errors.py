"""From what gRPC says, where no reply comes, to the error that is raised; the table of all is in status.py."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from milvus_magics import errors
from milvus_magics.transport.address import Address
from milvus_magics.wording import printable

if TYPE_CHECKING:
    import grpc

# What the server checks for each method that we call; it names them in its refusal too, if it can.
PRIVILEGES = {
    "CreateCredential": "CreateOwnership",
    "UpdateCredential": "UpdateUser",
    "DeleteCredential": "DropOwnership",
    "ListCredUsers": "SelectOwnership",
    "SelectUser": "SelectUser",
    "SelectRole": "SelectOwnership",
    "CreateRole": "CreateOwnership",
    "AlterRole": "CreateOwnership",
    "DropRole": "DropOwnership",
    "OperateUserRole": "ManageOwnership",
    "OperatePrivilege": "ManageOwnership",
    "OperatePrivilegeV2": "ManageOwnership",
    "SelectGrant": "SelectOwnership",
    "CreatePrivilegeGroup": "CreatePrivilegeGroup",
    "DropPrivilegeGroup": "DropPrivilegeGroup",
    "ListPrivilegeGroups": "ListPrivilegeGroups",
    "OperatePrivilegeGroup": "OperatePrivilegeGroup",
}
# The first server that has a method, where some that are still around have not.
SINCE = {
    "AlterRole": "2.6.19",
    "BackupRBAC": "2.4.10",
    "RestoreRBAC": "2.4.10",
    "OperatePrivilegeV2": "2.4.18 or 2.5",
    "CreatePrivilegeGroup": "2.4.16 or 2.5",
    "DropPrivilegeGroup": "2.4.16 or 2.5",
    "ListPrivilegeGroups": "2.4.16 or 2.5",
    "OperatePrivilegeGroup": "2.4.16 or 2.5",
}
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
    make = _stayed_behind if any(text in words for text in CUT_BY_FORK) else _BY_CODE.get(code)
    error = make(words, method, address, timeout) if make else None
    if error is None:
        error = errors.ServerError(f"{address.url} answered {code}: {words}", code=2)
    if isinstance(error, errors.ServerTooOldError):
        error = too_old_error(method, address, version)
    error.details = printable(words)
    return error


def too_old_error(method: str, address: Address, version: str) -> errors.ServerTooOldError:
    """The error for a method that a server does not have."""
    what = f"{address.url} is Milvus {version}, which is" if version else f"{address.url} is"
    since = f", which needs Milvus {SINCE[method]}" if method in SINCE else ""
    return errors.ServerTooOldError(f"{what} too old: it has no {method}{since}; nothing was changed")


# What gRPC says in a forked process of a connection that it had before the fork.
CUT_BY_FORK = (
    "Closed on fork",
    "Wrong file descriptor generation",
    # Older gRPC, up to 1.74 at least: the descriptor was closed, and may mean something else by now.
    "Bad file descriptor",
    "Socket operation on non-socket",
)
NEVER_SENT = (errors.ClosedError, errors.RefusedError, errors.NameResolutionError, errors.CertificateError)


def is_never_sent(exc: errors.MilvusException) -> bool:
    """Whether the request provably never left this machine."""
    return isinstance(exc, NEVER_SENT) or (
        isinstance(exc, errors.UnavailableError)
        and exc.details.startswith(("failed to connect to all addresses", "DNS resolution failed"))
    )


def is_refused_call(exc: errors.MilvusException) -> bool:
    """Whether the server answered that it doesn't do this, so nothing was done."""
    return isinstance(
        exc,
        (
            errors.AuthenticationError,
            errors.PermissionDeniedError,
            errors.ServerTooOldError,
            errors.MilvusLiteError,
            errors.RateLimitedError,
        ),
    )


def _stayed_behind(words: str, method: str, address: Address, timeout: float | None) -> errors.MilvusException:
    return errors.UnavailableError(
        f"the connection to {address.url} stayed with the process that this one was forked from: try again"
    )


def _unauthenticated(words: str, method: str, address: Address, timeout: float | None) -> errors.MilvusException:
    if address.login is None:
        return errors.AuthenticationError(f"{address.url} wants a user and password, and the connection has none")
    if not address.user:
        return errors.AuthenticationError(f"{address.url} refuses the token")
    return errors.AuthenticationError(f"{address.url} refuses user {address.user!r} with this password")


def _denied(words: str, method: str, address: Address, timeout: float | None) -> errors.MilvusException:
    found = re.match(r"Privilege(\w+):", words)
    privilege = found[1] if found else PRIVILEGES.get(method, "")
    needs = f"the privilege {privilege}" if privilege else f"a privilege for {method}"
    who = f"user {address.user!r}" if address.user else "the connection's token"
    return errors.PermissionDeniedError(
        f"{who} lacks {needs}: an administrator can grant it, or connect as somebody who has it"
    )


def _unimplemented(words: str, method: str, address: Address, timeout: float | None) -> errors.MilvusException:
    if words.startswith("unknown method") or "not implemented" in words.lower():
        if words == "Method not implemented!":  # what Milvus Lite, a Python server, says
            return errors.MilvusLiteError(
                f"{address.url} has no {method}; it looks like Milvus Lite, which has no users: use a Milvus server"
            )
        return too_old_error(method, address, "")
    return _not_milvus(address)


def _not_milvus(address: Address) -> errors.MilvusException:
    return errors.NotMilvusError(
        f"something answers at {address.url}, but it is not a Milvus: check the port (Milvus's gRPC port is 19530)"
    )


def _deadline(words: str, method: str, address: Address, timeout: float | None) -> errors.MilvusException:
    within = f"within {timeout:g} s" if timeout is not None else "in time"
    return errors.DeadlineError(f"{address.url} did not answer {within}")


def _unavailable(words: str, method: str, address: Address, timeout: float | None) -> errors.MilvusException:
    low = words.lower()
    url = address.url
    proxy = next((name for name in PROXY_VARIABLES if os.environ.get(name) or os.environ.get(name.upper())), "")
    if "http proxy" in low or "connect http" in low or ("http_proxy" in low and proxy):
        return errors.HttpProxyError(
            f"the HTTP proxy in the variable {proxy or 'http_proxy'} is in the way of {url}: "
            f"add {address.host} to no_proxy and restart the kernel"
        )
    if "contact" in low and "dns server" in low:
        return errors.NameResolutionError(
            f"the host name {address.host!r} cannot be looked up: no name server answers; check this machine's network"
        )
    if any(text in low for text in ("dns resolution failed", "domain name not found", "name resolution")):
        return errors.NameResolutionError(f"the host name {address.host!r} is unknown: check the spelling")
    if address.secure and "wrong_version_number" in low:
        return errors.TlsError(f"{url} does not speak TLS: write http://, or check the port")
    if "certificate has expired" in low:
        return errors.CertificateError(f"the certificate of {url} is not accepted: it has expired")
    if "certificate" in low or "peer name" in low or "hostname verification" in low:
        return errors.CertificateError(
            f"the certificate of {url} is not accepted: it must be signed by the authority in ca_pem_path (or be "
            f"the one in server_pem_path) and hold the name {address.server_name or address.host!r} (see server_name)"
        )
    if address.secure and ("handshake" in low or "ssl" in low):
        return errors.TlsError(f"{url} and this machine cannot agree on TLS: {words}")
    # TSI_DATA_CORRUPTED: the alert of a TLS 1.3 server that doesn't take the client's certificate, or misses one.
    if address.secure and any(text in low for text in ("socket closed", "connection reset", "tsi_data_corrupted")):
        return errors.UnavailableError(
            f"{url} closed the connection; where the server wants a client certificate, give client_pem_path and "
            "client_key_path"
        )
    if "refused" in low or "no such file" in low or "enoent" in low:
        return errors.RefusedError(f"nothing listens at {url}: is the server running, and is that its port?")
    if not address.secure and ("connection reset" in low or "socket closed" in low or "broken pipe" in low):
        return errors.UnavailableError(f"{url} closed the connection; where the server has TLS, write https://")
    if "timed out before receiving settings" in low:
        return errors.UnavailableError(f"{url} takes connections and says nothing: the server hangs, or is no Milvus")
    if _is_not_grpc(low):
        return _not_milvus(address)
    if "timed out" in low:
        return errors.UnavailableError(
            f"{url} does not answer at all: is the machine up, and does a firewall let this port through?"
        )
    if proxy and not address.is_local:
        return errors.UnavailableError(f"{url} cannot be reached, directly or by the proxy in {proxy}: {words}")
    return errors.UnavailableError(f"{url} cannot be reached: {words}")


def _unknown(words: str, method: str, address: Address, timeout: float | None) -> errors.MilvusException | None:
    return _not_milvus(address) if _is_not_grpc(words.lower()) else None


def _is_not_grpc(low: str) -> bool:
    """Whether gRPC's words, in lower case, say that what came is none of its own."""
    signs = ("http status", "http2 header", "content-type", "settings frame", "parsing http/2")
    return any(sign in low for sign in signs)


_BY_CODE = {
    "UNAUTHENTICATED": _unauthenticated,
    "PERMISSION_DENIED": _denied,
    "UNIMPLEMENTED": _unimplemented,
    "DEADLINE_EXCEEDED": _deadline,
    "UNAVAILABLE": _unavailable,
    "UNKNOWN": _unknown,
    "INTERNAL": _unknown,
}
