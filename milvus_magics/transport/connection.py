"""One channel to one server, and one way to call it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from queue import SimpleQueue
from types import CodeType
from typing import TYPE_CHECKING, Any

from milvus_magics import wire
from milvus_magics.errors import NOTHING_SENT, DeadlineError, MilvusException, ParameterError
from milvus_magics.secret import PasswordHash, Secret
from milvus_magics.transport.address import Address
from milvus_magics.transport.call_errors import closed_error, error_from_grpc
from milvus_magics.transport.credentials import Login, conceal
from milvus_magics.transport.deadline import Deadline
from milvus_magics.transport.events import Listeners
from milvus_magics.transport.grpc_process import channel_owners, own_settings
from milvus_magics.transport.interrupts import defer_interrupts
from milvus_magics.transport.reply_status import raise_if_failed, status_of
from milvus_magics.wording import visible_text

if TYPE_CHECKING:
    import grpc

# Without a deadline, these notice a frozen server within 15 to 60 s.
KEEPALIVE = (
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
)
# pymilvus has no limit for replies either; gRPC's own of 4 MiB is reached by 150,000 names.
NO_LIMIT = (("grpc.max_receive_message_length", -1),)
MAX_IN_FLIGHT = 100  # gRPC takes 25 KiB for each, and many gateways take no more of a connection at once
HALF_A_CHARACTER = "a name or description holds half a character (a lone surrogate), which cannot be written as UTF-8"
CONNECTION_LOGIN = Login("", Secret("the connection's own credentials"))


class Connection:
    """A connection to a Milvus server. Calls may come from any thread.

    Args:
        address: where, and as whom.

    Attributes:
        address: as given.
        user: whom it acts as; empty for nobody, and for the holder of a token that tells none.
        on_change: called with every `Change` made or tried through this connection.
        version: of the server, once it has told.
        granted_in: the databases in which it has granted something: older servers tell of those that are gone by name.
        tries: how often a change is sent whose answer was lost and that turns out not to be made.
        seconds_to_settle: how long the server is asked what became of a change whose answer was lost.
        is_for_many: whether many use it at once, who go on while one of them waits.

    Raises:
        CertificateError: when a TLS file is missing or holds no certificate.
    """

    tries = 1
    seconds_to_settle = 2.0
    is_for_many = False

    def __init__(self, address: Address) -> None:
        self.address: Address = address
        self.user = address.user
        self.on_change = Listeners()
        self.version = ""
        self.granted_in: set[str] = set()
        self._authorization = address.login.header() if address.login else None
        with defer_interrupts(), own_settings():
            self._channel: Any = _open_channel(address)
        self._is_open = True
        self._calls: dict[str, tuple[Any, Any]] = {}
        channel_owners.add(self)

    @property
    def actor(self) -> str:
        """Who this connection acts as, in words."""
        if self.address.login is None:
            return "nobody"
        return visible_text(repr(self.user)) if self.user else "the holder of a token"

    def __repr__(self) -> str:
        return f"<Connection to {visible_text(self.address.url)} as {self.actor}>"

    def call(self, method: str, *, deadline: Deadline, login: Login | None = CONNECTION_LOGIN, **fields: Any) -> Any:
        """Call a method and wait for its reply, whatever status that holds.

        Args:
            method: name of the RPC, like `ListCredUsers`.
            deadline: until when the operation may last.
            login: as whom; None = without any credentials; default: as the connection does.
            **fields: the request's fields; a `Secret` goes as Milvus wants passwords. A bare password here
                would be seen in every traceback.

        Raises:
            MilvusException: when no reply comes; a reply's own status is the caller's to read.
        """
        import grpc

        error: Exception | None = None
        call, request_class = self._calls.get(method) or self._prepare(method)
        try:
            with defer_interrupts(interruptible=_waiting_code()):
                reply = call(request_class(**_bare(fields)), **self._options(deadline, login))
        except grpc.RpcError as exc:
            about = (self.address, deadline.timeout, self.version, self._channel)
            error = error_from_grpc(exc, method, *about, login, *fields.values())
        except ValueError as exc:
            error = self._error_before_sending(exc)
        except BaseException as exc:
            raise exc.with_traceback(None)  # noqa: B904 - the same one, without gRPC's frames: they hold credentials
        if error is not None:
            raise error  # here, where gRPC's error, which may quote credentials, is not its context
        if (status := getattr(reply, "status", reply)).reason:
            status.reason = conceal(status.reason, self.address.login, login, *fields.values())
        return reply

    def call_for_all(
        self, method: str, *, deadline: Deadline, login: Login | None = CONNECTION_LOGIN, **fields: Any
    ) -> Any:
        """`call`, for a question whose answer is the same whoever asks: where many use a connection, they share it."""
        return self.call(method, deadline=deadline, login=login, **fields)

    def call_checked(self, method: str, *, deadline: Deadline, **fields: Any) -> Any:
        """`call`, and raise what the reply's status means where it is no success."""
        reply = self.call(method, deadline=deadline, **fields)
        raise_if_failed(status_of(reply))
        return reply

    def begin(
        self, method: str, *, deadline: Deadline, login: Login | None = CONNECTION_LOGIN, **fields: Any
    ) -> Pending:
        """Send a call without waiting, to have several in flight together; arguments as in `call`."""
        call, request_class = self._calls.get(method) or self._prepare(method)
        try:
            with defer_interrupts():
                future = call.future(request_class(**_bare(fields)), **self._options(deadline, login))
                return Pending(self, method, deadline, (login, *fields.values()), future)
        except ValueError as exc:
            error = self._error_before_sending(exc)
        raise error  # out here, as in `call`

    # For a question whose answer is the same whoever asks: where many use a connection, they share it.
    begin_for_all = begin

    @contextmanager
    def batch(self) -> Iterator[Callable[..., Pending]]:
        """`begin` for calls that belong together: those still without a reply at the end are given up.

        It waits where `MAX_IN_FLIGHT` are without one.
        """
        calls: list[Pending] = []

        def begin(method: str, **arguments: Any) -> Pending:
            if len(calls) >= MAX_IN_FLIGHT:
                calls[-MAX_IN_FLIGHT].settle()
            calls.append(self.begin(method, **arguments))
            return calls[-1]

        try:
            yield begin
        finally:
            with defer_interrupts():
                for call in calls:
                    call.release()

    def sleep(self, seconds: float) -> None:
        """Wait between two questions to the server."""
        time.sleep(seconds)

    def reauthenticate(self, password: Secret) -> None:
        """Go on as the same user, with their new password."""
        self._go_on_as(Login(self.user, password))

    def note_password_change(self, note: str) -> None:
        """Remember what the errors of a refused login say at their end: that others changed the user's password."""
        self.address = replace(self.address, login_note=f"; {note}")

    def take_token_apart(self) -> None:
        """Go on as the user whom the token names, if it does; only once the server has accepted it."""
        if self.address.login is not None:
            self._go_on_as(self.address.login.split())

    def _go_on_as(self, login: Login) -> None:
        self.address = replace(self.address, login=login, login_note="")
        self.user, self._authorization = login.user, login.header()

    def close(self) -> None:
        """Close the channel; calls in flight end with an error."""
        self._is_open = False
        self._calls = {}
        with defer_interrupts():
            if self._channel is not None:
                self._channel.close()

    def leave_channel_behind(self) -> object:
        """Open a new channel with the next call, in a forked process; returns the old one and its calls.

        Calls on that may wait for threads that are not here, whatever their deadline.
        """
        left_behind, self._channel, self._calls = (self._channel, self._calls), None, {}
        return left_behind

    def _prepare(self, name: str) -> tuple[Any, Any]:
        """Make the call of a method and its request's class, to be kept until this connection is closed."""
        calls = self._calls  # closing leaves this one behind, so that nothing is kept of a closed channel
        if not self._is_open:
            raise closed_error(self.address)
        method = wire.method(name)
        with defer_interrupts():
            if self._channel is None:
                self._channel = _open_channel(self.address)
            call = self._channel.unary_unary(
                method.path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.response.FromString,
            )
        calls[name] = call, method.request
        return calls[name]

    def _error_before_sending(self, exc: ValueError) -> Exception:
        """What stopped a request from being made; gRPC says so of a channel that another thread closed just now."""
        if isinstance(exc, UnicodeEncodeError):
            return ParameterError(HALF_A_CHARACTER, outcome=NOTHING_SENT)
        return exc.with_traceback(None) if self._is_open else closed_error(self.address)

    def _options(self, deadline: Deadline, login: Login | None) -> dict[str, Any]:
        """What gRPC takes beside the request."""
        seconds = deadline.remaining(self.address.url)  # raises before anything secret is in this frame
        header = self._authorization if login is CONNECTION_LOGIN else login.header() if login else None
        metadata = (("authorization", header.reveal()),) if header is not None else ()
        database = (("dbname", self.address.db_name),) if self.address.db_name else ()
        return {"timeout": seconds, "metadata": metadata + database}


class Pending:
    """A call in flight."""

    def __init__(
        self, conn: Connection, method: str, deadline: Deadline, secrets: tuple[object, ...], future: Any
    ) -> None:
        self._conn, self._method, self._deadline, self._secrets, self._future = conn, method, deadline, secrets, future
        self._done: Any = SimpleQueue()
        future.add_done_callback(self._done.put)

    def reply(self) -> Any:
        """Wait for the reply; raises as `Connection.call` does. An interrupt cancels the call."""
        import grpc

        error: MilvusException | None = None
        try:
            self._done.put(self._done.get())  # waiting here, an interrupt hits no lock of gRPC's
            with defer_interrupts():
                reply = self._future.result()
        except grpc.RpcError as exc:
            conn = self._conn
            about = (conn.address, self._deadline.timeout, conn.version, conn._channel)
            error = error_from_grpc(exc, self._method, *about, *self._secrets)
        except grpc.FutureCancelledError:
            raise DeadlineError("given up, without waiting for the answer") from None
        except BaseException:
            self.cancel()
            raise
        if error is not None:
            raise error
        if (status := getattr(reply, "status", reply)).reason:
            status.reason = conceal(status.reason, self._conn.address.login, *self._secrets)
        return reply

    def settle(self) -> None:
        """Wait for the reply, and keep only that, or the error: nothing of what gRPC holds of the call."""
        kept: Any = Future()
        try:
            kept.set_result(self.reply())
        except MilvusException as exc:
            kept.set_exception(exc)
        self.reply = kept.result  # type: ignore[method-assign]
        self.release()

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to wait for any more."""
        return self._future is None or not self._done.empty()

    def when_done(self, callback: Callable[[], None]) -> None:
        """Call back once the reply is there, or that there will be none; from another thread."""
        self._future.add_done_callback(lambda _: callback())

    def cancel(self) -> None:
        """Give the call up, if there is no reply yet: nobody waits for it any more."""
        if self._future is not None and self._done.empty():
            with defer_interrupts():
                self._future.cancel()

    def release(self) -> None:
        """Cancel the call, and free what gRPC holds of it. That takes a lock, so no interrupt may come meanwhile."""
        if self._future is not None:
            if self._done.empty():
                self._future.cancel()
            self._future = self._done = None


@cache
def _waiting_code() -> CodeType | None:
    """The code in gRPC that waits for an answer; None if gRPC no longer has it."""
    import grpc._channel

    waiting = getattr(grpc._channel._UnaryUnaryMultiCallable, "_blocking", None)
    return getattr(waiting, "__code__", None)


def _bare(value: Any) -> Any:
    """The fields of a request as they travel: passwords as Milvus wants them, hashes as they are."""
    if isinstance(value, PasswordHash):
        return value.reveal()
    if isinstance(value, Secret):
        return wire.encode_password(value.encode())
    if isinstance(value, dict):
        return dict(zip(value, map(_bare, value.values()), strict=True))
    return [*map(_bare, value)] if isinstance(value, list) else value


def _open_channel(address: Address) -> grpc.Channel:
    import grpc

    # gRPC would share one TCP connection, its failures and its waiting time before the next try, among all
    # connections to the same server; whoever connects again expects a fresh try at once.
    options: list[tuple[str, Any]] = [*KEEPALIVE, *NO_LIMIT, ("grpc.use_local_subchannel_pool", 1)]
    if address.is_local:
        # With http_proxy set, even 127.0.0.1 would be "Connection refused".
        options.append(("grpc.enable_http_proxy", 0))
    if not address.secure:
        return grpc.insecure_channel(address.target, options=options)
    files = address.tls.read()
    if address.server_name:
        options.append(("grpc.ssl_target_name_override", address.server_name))
    credentials = grpc.ssl_channel_credentials(
        root_certificates=files.get("ca_pem_path") or files.get("server_pem_path"),
        private_key=files.get("client_key_path"),
        certificate_chain=files.get("client_pem_path"),
    )
    return grpc.secure_channel(address.target, credentials, options=options)
