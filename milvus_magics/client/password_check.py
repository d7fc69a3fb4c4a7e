"""Check passwords, each time with a random one as a negative control.

With authorization on, a login tells. With authorization off every login succeeds, but changing a password still
asks for the old one, so a change to the same password tells: only where that is about to go, or was just made, since it
writes. Behind a gateway neither may hold; then the password cannot be verified, and that is an error of its own. The
reasons are facts about Milvus 2.3 to 2.6 servers.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from milvus_magics import errors
from milvus_magics.client import lookup
from milvus_magics.client.names import MAX_PASSWORD_BYTES, hint_at_ends
from milvus_magics.secret import Secret
from milvus_magics.transport import reply_status
from milvus_magics.transport.connection import Connection, Pending
from milvus_magics.transport.credentials import Login
from milvus_magics.transport.deadline import Deadline

NOT_CHECKED = "the password was not checked: on this server only a change can tell"
THIS, RANDOM = "with this password", "with a random password"
HASH_REFUSED = "encrypt password failed"


class Verdict(NamedTuple):
    """What a check found.

    Attributes:
        right: whether the password is the user's; None where that was not looked into.
        enforced: whether the server checks passwords on login (authorization is on).
    """

    right: bool | None
    enforced: bool


def check_password(conn: Connection, user: str, password: Secret, deadline: Deadline, *, may_rewrite: bool) -> Verdict:
    """Find out whether `password` is the password of `user`.

    Args:
        conn: any connection to the server; as whom it acts doesn't matter.
        user: the user, who need not exist.
        may_rewrite: whether the same password may be written again where nothing else tells, so only where it
            is about to go, or was just made. Without it nothing is sent that could write, and the verdict is then "not
            looked into".

    Raises:
        CannotVerifyError: when nobody can tell; its text says why.
        ParameterError: when the password is empty.
        MilvusException: when the server cannot be reached.
    """
    require_verifiable(user, password)
    verdict = _by_login(conn, user, password, deadline)
    if verdict is None:
        right = _by_rewriting(conn, user, password, deadline) if may_rewrite else None
        verdict = Verdict(right, enforced=False)
    return verdict


def require_verifiable(user: str, password: Secret) -> None:
    """Raise if a password cannot be checked, or is wrong whatever the server says.

    Raises:
        ParameterError: the password is empty.
        WrongPasswordError: it is longer than any password of Milvus.
        CannotVerifyError: it holds a NUL character.
    """
    size, has_nul = len(password.encode()), b"\0" in password.encode()  # no frame of an error keeps the bytes
    if not size:
        raise errors.ParameterError("the password is empty", outcome=errors.NOTHING_SENT)
    if size > MAX_PASSWORD_BYTES:
        # Longer ones would count as right wherever their beginning is: the hash reads no further.
        raise errors.WrongPasswordError(
            f"the password given for user {user!r} is wrong: it has {size} bytes, and no password of Milvus has "
            f"more than {MAX_PASSWORD_BYTES}{hint_at_ends(password)}",
            outcome=errors.NOTHING_SENT,
        )
    if has_nul:
        # bcrypt repeats "password, NUL" over and over, so 'x' and 'x NUL x' are the same to it.
        raise errors.CannotVerifyError(
            "a password that holds a NUL character cannot be verified: Milvus takes it for others"
        )


class MissingRoles(NamedTuple):
    """What a user lacks who was created before, but not with all roles.

    Attributes:
        roles: those that are missing; none if the password is not theirs.
        is_right: whether it is; None where that was not looked into.
    """

    roles: tuple[str, ...] = ()
    is_right: bool | None = False

    @property
    def how_known(self) -> str:
        """How it is known that this is that user, in words that follow them."""
        return ", with this password" if self.is_right else f" ({NOT_CHECKED}; a wrong one is refused)"


def find_missing_roles(
    conn: Connection, user: str, password: Secret, wanted: tuple[str, ...], deadline: Deadline, *, may_rewrite: bool
) -> MissingRoles:
    """The roles that a user lacks who was created before, with this very password; else none."""
    try:
        user_roles = lookup.read_existing_user(conn, user, deadline).roles
        missing = tuple(role for role in wanted if role not in (user_roles or ()))
        if user_roles is None or not missing:
            return MissingRoles()
        is_right = check_password(conn, user, password, deadline, may_rewrite=may_rewrite).right
    except errors.MilvusException:
        return MissingRoles()  # whatever stands against it, creating says so
    if is_right is False:
        return MissingRoles()
    lookup.require_roles(conn, missing, deadline)
    return MissingRoles(missing, is_right)


def is_authorization_on(conn: Connection, deadline: Deadline) -> bool | None:
    """Whether the server refuses callers without credentials. None if it answers neither yes nor no."""
    try:
        reply = conn.call("GetVersion", deadline=deadline, login=None)
    except errors.AuthenticationError:
        return True
    except (errors.UnavailableError, errors.DeadlineError):
        raise
    except errors.MilvusException:
        return None
    return False if reply_status.status_of(reply).ok else None


def begin_well_known_check(
    begin: Callable[..., Pending], user: str, passwords: Sequence[Secret], deadline: Deadline
) -> Callable[[], bool | None]:
    """Ask whether a user has one of some well-known passwords, by logins in parallel.

    Args:
        begin: sends a call, as `Connection.begin`.

    Returns:
        A function that waits for the answer: None = nobody can tell.
    """
    calls = [
        begin("GetVersion", deadline=deadline, login=Login(user, password)) for password in (_random(), *passwords)
    ]

    def passes(call: Pending) -> bool | None:
        try:
            return _login_passes(call.reply, THIS)
        except errors.CannotVerifyError:
            return None

    def wait() -> bool | None:
        control, *others = map(passes, calls)
        if control is not False or (None in others and True not in others):
            return None
        return True in others

    return wait


def require_right(
    conn: Connection, user: str, password: Secret, deadline: Deadline, *, may_rewrite: bool = True
) -> Verdict:
    """Check a password, and raise if it is wrong or its user unknown; arguments as in `check_password`.

    Raises:
        WrongPasswordError: wrong password, or one of the two where the caller may not list users.
        UnknownUserError: no such user.
        CannotVerifyError: nobody can tell.
    """
    verdict = check_password(conn, user, password, deadline, may_rewrite=may_rewrite)
    if verdict.right is False:
        raise wrong_password_error(conn, user, hint_at_ends(password), deadline)
    return verdict


def require_not_theirs(conn: Connection, user: str, password: Secret, deadline: Deadline) -> bool:
    """Require that a password is not a user's yet. So it proves later who gave it to them, without listing users.

    Returns:
        Whether nobody can tell.

    Raises:
        UserExistsError: it is theirs.
    """
    try:
        is_right = check_password(conn, user, password, deadline, may_rewrite=False).right
    except errors.CannotVerifyError:
        return True
    if is_right:
        raise lookup.user_exists_error(conn, user)
    return is_right is None


def wrong_password_error(conn: Connection, user: str, hint: str, deadline: Deadline) -> errors.MilvusException:
    """The error for a user whose password did not pass; a hint says what may be why."""
    try:
        names = lookup.list_usernames(conn, deadline)
    except errors.PermissionDeniedError as exc:
        if user == conn.user:  # who was told "denied" is logged in, so they exist
            return _plainly_wrong_error(user, hint)
        error = errors.WrongPasswordError(
            f"unknown user or wrong password: telling them apart for {user!r} needs the privilege {lookup.MAY_LIST}"
            f"{hint}",
            outcome=errors.NOTHING_CHANGED,
        )
        error.__cause__ = exc
        return error
    if names and user not in names:
        return lookup.unknown_user_error(conn, user, names)
    if conn.address.login and not conn.user:
        return errors.WrongPasswordError(
            f"the server refused a login as {user!r} with this password: it is wrong, or password login is off for "
            f"this cluster{hint}",
            outcome=errors.NOTHING_CHANGED,
        )
    if not names:
        return errors.WrongPasswordError(
            f"unknown user or wrong password for {user!r}: the server lists no users{hint}",
            outcome=errors.NOTHING_CHANGED,
        )
    return _plainly_wrong_error(user, hint)


def _plainly_wrong_error(user: str, hint: str) -> errors.WrongPasswordError:
    return errors.WrongPasswordError(
        f"the password given for user {user!r} is wrong{hint}", outcome=errors.NOTHING_CHANGED
    )


def _by_login(conn: Connection, user: str, password: Secret, deadline: Deadline) -> Verdict | None:
    """Check by a login. None if the server accepts every password.

    One of many has its control, shared with others, only once it has passed. That takes one more round trip, and no
    wrong password passes where the server stops checking logins meanwhile, however many are checked then.
    """
    ask = conn.call_for_all if conn.is_for_many else conn.call
    control = partial(ask, "GetVersion", deadline=deadline, login=Login(user, _random()))
    if ":" in user:  # Milvus splits a login at its first ':', so this would ask about somebody else's password
        if _login_passes(control, RANDOM):
            return None
        raise errors.CannotVerifyError(f"nobody can log in as {user!r}: a name that holds ':' cannot be verified here")
    with conn.batch() as begin:
        # It goes before its control: if the server stops checking logins in between, the control passes, too.
        login = begin("GetVersion", deadline=deadline, login=Login(user, password))
        if conn.is_for_many and not _login_passes(login.reply, THIS):
            return Verdict(False, enforced=True)
        # The last of the calls in flight waits here instead of in the background: that costs half.
        if _login_passes(control, RANDOM):
            return None
        return Verdict(conn.is_for_many or _login_passes(login.reply, THIS), enforced=True)


def _login_passes(ask: Callable[[], Any], what: str) -> bool:
    """Whether a login succeeds; what is neither yes nor no is an error."""
    try:
        status = reply_status.status_of(ask())
    except errors.AuthenticationError:
        return False
    except (errors.UnavailableError, errors.DeadlineError):
        raise
    except errors.MilvusException as exc:
        raise _cannot_verify_error(f"a login {what} was answered with: {exc}") from exc
    if not status.ok:
        raise _cannot_verify_error(f"a login {what} was answered with code {status.number} {status.reason}")
    return True


def _by_rewriting(conn: Connection, user: str, password: Secret, deadline: Deadline) -> bool:
    """Check by changing the password to itself.

    It goes without an authorization header: a superuser's would skip the check of the old password
    (https://github.com/milvus-io/milvus/pull/23729).
    """
    _require_checked_updates(conn, deadline)
    lookup.require_not_gone(conn, user, deadline)
    status = _send_update(conn, user, password, deadline, password)
    if status.code == errors.PARAMETER_INVALID:
        return _by_unstorable(conn, user, password, deadline)
    if status.ok or status.code == errors.NOT_AUTHENTICATED:
        return status.ok
    raise _cannot_verify_error(f"unexpected answer: code {status.number} {status.reason}")


def _by_unstorable(conn: Connection, user: str, password: Secret, deadline: Deadline) -> bool:
    """Check a password too short by now to be rewritten, by a change to one too long to be stored.

    Newer servers can make no hash of it. Older ones can, and would store it: so first a new user has to be refused
    who has such a password, under a name that nobody has.
    """
    nobody, unstorable = _nobody(), Secret(secrets.token_hex(MAX_PASSWORD_BYTES))
    status = _read_status(conn.begin("CreateCredential", deadline=deadline, username=nobody, password=unstorable))
    if status.ok:
        conn.call_checked("DeleteCredential", deadline=deadline, username=nobody)
    if not _is_hash_refused(status):
        raise _cannot_verify_error("this server no longer accepts passwords of this length")
    status = _send_update(conn, user, password, deadline, unstorable)
    if status.code == errors.NOT_AUTHENTICATED or _is_hash_refused(status):
        return status.code != errors.NOT_AUTHENTICATED
    raise _cannot_verify_error(f"unexpected answer: code {status.number} {status.reason}")


def _is_hash_refused(status: reply_status.Status) -> bool:
    return status.code == errors.UNCLASSIFIED and HASH_REFUSED in status.reason


def _require_checked_updates(conn: Connection, deadline: Deadline) -> None:
    """Require that the server refuses a wrong old password, shown on a user who does not exist."""
    nobody = _nobody()
    status = _send_update(conn, nobody, _random(), deadline, Secret(secrets.token_hex(MAX_PASSWORD_BYTES // 2)))
    if status.ok:
        # A superuser's header was put in on the way, and such an update creates the user.
        conn.call_checked("DeleteCredential", deadline=deadline, username=nobody)
    if status.code != errors.NOT_AUTHENTICATED:
        raise _cannot_verify_error(f"it does not refuse a random password: code {status.number} {status.reason}")


def _send_update(conn: Connection, user: str, old: Secret, deadline: Deadline, new: Secret) -> reply_status.Status:
    return _read_status(
        conn.begin("UpdateCredential", deadline=deadline, login=None, username=user, oldPassword=old, newPassword=new)
    )


def _read_status(call: Pending) -> reply_status.Status:
    try:
        return reply_status.status_of(call.reply())
    except (errors.UnavailableError, errors.DeadlineError):
        raise
    except errors.MilvusException as exc:
        raise _cannot_verify_error(f"a change without credentials was answered with: {exc}") from exc


def _cannot_verify_error(why: str) -> errors.CannotVerifyError:
    return errors.CannotVerifyError(f"the password cannot be verified here, so nothing was changed: {why}")


def _random() -> Secret:
    return Secret(secrets.token_urlsafe(24))


def _nobody() -> str:
    """A name that no user has."""
    return f"mm_{secrets.token_hex(8)}"
