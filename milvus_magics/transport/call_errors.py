"""The errors for calls that got no reply, by what gRPC says; those for replies are in reply_status.py."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from milvus_magics import errors, wire
from milvus_magics.transport.address import Address
from milvus_magics.transport.credentials import conceal
from milvus_magics.transport.unavailable import NOT_GRPC, NOT_MILVUS, is_no_way, no_way_error, not_available_error

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
    channel: Any = None,
    *secrets: object,
) -> errors.MilvusException:
    """What a gRPC error means. That one is its cause, unless it quotes a secret of the caller.

    Args:
        exc: what the call raised.
        method: the name of the RPC.
        address: of the connection, for the message.
        timeout: of the operation, in seconds.
        version: of the server, where it is known.
        channel: on which it was called.
        *secrets: the login of the call and the fields of its request, as `conceal` takes them.
    """
    code, words = exc.code().name, exc.details() or ""
    is_unsent = code == "UNAVAILABLE" and _has_found_no_way(exc, words) and not _is_connected(channel)
    cause: BaseException = exc.with_traceback(None)
    if words not in LOGIN_REFUSALS:
        everything = f"{words} {exc!r} {getattr(exc, 'trailing_metadata', tuple)()}"
        words = conceal(words, address.login, *secrets)
        if conceal(everything, address.login, *secrets) != everything:
            cause = ConcealedError(words)
    if is_unsent:
        error: errors.MilvusException = no_way_error(words, address)
        error.outcome = errors.NOTHING_SENT
    else:
        error = _make_error(code, words, method, address, timeout, version)
    error.__cause__ = cause
    return error


def _is_connected(channel: Any) -> bool:
    """Whether a channel has a connection at this moment; False where gRPC doesn't tell."""
    import grpc

    try:
        state = channel._channel.check_connectivity_state(False)
    except (AttributeError, ValueError):  # after a fork, or closed
        return False
    return bool(state == grpc.ChannelConnectivity.READY.value[0])


def closed_error(address: Address) -> errors.ClosedError:
    """The error for a call on a connection that is closed."""
    return errors.ClosedError(f"this connection to {address.url} is closed: connect again", outcome=errors.NOTHING_SENT)


def _has_found_no_way(exc: grpc.RpcError, words: str) -> bool:
    """Whether gRPC itself says that it came to no server.

    A gateway that is built with gRPC says the same of the server behind it. Older versions tell whose words they are;
    with newer ones, what came along does, and whether there is a connection.
    """
    came_along = any(getattr(exc, name, tuple)() for name in ("initial_metadata", "trailing_metadata"))
    is_answer = came_along or "received from peer" in getattr(exc, "debug_error_string", str)()
    return not is_answer and is_no_way(words)


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
            return not_available_error(words, address)
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


REFUSALS = (
    errors.AuthenticationError, errors.PermissionDeniedError, errors.ServerTooOldError, errors.MilvusLiteError,
    errors.RateLimitedError,
)  # fmt: skip


def is_never_sent(exc: errors.MilvusException) -> bool:
    """Whether the request provably never left this machine."""
    return exc.outcome is errors.NOTHING_SENT


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
        return errors.AuthenticationError(f"{url} requires a login: add --user NAME (in Python: user and password)")
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


# Milvus has its own words, so these come from something in front of it.
FOREIGN_REFUSAL = (
    "{url} refuses {what}: {words} (not Milvus's own words: if a gateway or mesh is in front of it, ask whoever runs "
    "that)"
)
# Where somebody has had enough requests; a quota may be of anything else.
RATE = (
    r"rate.?limit|\[rate=|\brate exceeded|too many requests|status: 429|throttl|overloaded|"
    r"\bquota\b.*\b(requests?|calls?|queries|per (second|minute|hour|day))\b|\brequests?\b.*\bquota\b"
)
