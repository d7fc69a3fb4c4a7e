"""Passwords that cannot be shown by accident.

A ``Secret`` travels from where a password is found to where it is put on the wire. Everything that
could show it on the way (``repr``, ``str``, ``format``, a debugger's ``vars``, a verbose traceback) shows
stars instead. It protects against accidents, not against code that calls ``reveal()``.
"""

from __future__ import annotations

import os
import re
import string
from collections.abc import Callable
from typing import Any, NoReturn

from milvus_magics.errors import NOTHING_SENT, ParameterError
from milvus_magics.private_file import PrivateFile

MASK = "********"
NOT_KEPT = (
    "the keyring of this machine does not give back what is put into it (is it switched off?): keep the password in a "
    "file"
)


class Secret:
    """A password, masked wherever it could be shown.

    Args:
        value: the bare password, or another ``Secret``.

    Raises:
        ParameterError: when ``value`` is neither.
    """

    # A closure instead of an attribute: nothing that walks `vars` or `__slots__` finds the value.
    __slots__ = ("_read",)
    _read: Callable[[], str]

    def __init__(self, value: str | Secret) -> None:
        if isinstance(value, Secret):
            if isinstance(value, NoText):
                value.reveal()  # raises
            self._read = value._read
            return
        if not isinstance(value, str):
            # An error of ours is one line; a traceback could show the value.
            kind = type(value).__name__
            del value
            raise _not_text_error(kind)
        self._read = lambda: value

    @classmethod
    def from_environment(cls, name: str) -> Secret | None:
        """What the environment variable `name` holds, or None where it is unset or empty."""
        value = os.environ.get(name)
        return cls(value) if value else None

    @classmethod
    def prompt(cls, label: str = "Password: ") -> Secret:
        """Ask for a password after a label, without showing it (``getpass``; in a notebook, a hidden input field)."""
        import getpass
        import warnings

        with warnings.catch_warnings():
            # Where the input cannot be hidden, getpass would warn and then show it.
            warnings.simplefilter("error", getpass.GetPassWarning)
            try:
                return cls(getpass.getpass(label))
            except getpass.GetPassWarning:
                raise EOFError("there is no way to ask without showing the password") from None

    @classmethod
    def from_keyring(cls, service: str, user: str) -> Secret:
        """What the system's keyring (extra `keyring`) has for a user under a service, else ParameterError."""
        keyring = _keyring()
        found = _in_keyring(keyring.get_password, service, user)
        if not found:
            raise ParameterError(f"the keyring has no password for {user!r} under {service!r}", outcome=NOTHING_SENT)
        return found

    @classmethod
    def generate(cls, length: int = 24) -> Secret:
        """A random password of 8 to 72 letters of both cases and digits, with `-_.` inside. The default has 140 bits.

        No spreadsheet takes it for a formula, no shell for an option, and no link ends before its last character.
        """
        import secrets

        ends = string.ascii_letters + string.digits
        kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-_.")
        inside = [secrets.choice(kind) for kind in kinds]
        inside += [secrets.choice(f"{ends}-_.") for _ in range(length - len(kinds) - 2)]
        secrets.SystemRandom().shuffle(inside)
        chosen = [secrets.choice(ends), *inside, secrets.choice(ends)]
        return cls("".join(chosen))

    def write_new_file(self, path: str, *, dry_run: bool = False) -> PrivateFile:
        """Write it into a new file that only its owner can read; ParameterError when none can be made there."""
        self.encode()  # raises for what cannot be written, without quoting it
        file = PrivateFile(path)
        with file.create("nothing was sent", dry_run=dry_run) as stream:
            stream.write(self.reveal())  # and no line end: programs read such a file whole
        return file

    def keep_in_keyring(self, service: str, user: str, *, dry_run: bool = False) -> None:
        """Put it into the system's keyring (extra `keyring`) and read it back; a part of it is taken away.

        Args:
            service: under which name.
            user: whose it is.
            dry_run: only see what can be known without writing.

        Raises:
            ParameterError: the keyring has one there, isn't there, or keeps nothing, as keyring's null backend does.
        """
        keyring = _keyring()
        if _is_null(keyring):
            raise ParameterError(NOT_KEPT, outcome=NOTHING_SENT)
        if _in_keyring(keyring.get_password, service, user):
            raise ParameterError(
                f"the keyring has a password for {user!r} under {service!r} already", outcome=NOTHING_SENT
            )
        if dry_run:
            return
        try:
            _in_keyring(lambda *where: keyring.set_password(*where, self._read()), service, user)
            is_kept = _in_keyring(keyring.get_password, service, user) == self
        except BaseException:
            _clear_in_keyring(keyring, service, user)
            raise
        if not is_kept:
            left = _clear_in_keyring(keyring, service, user)
            raise ParameterError(f"{NOT_KEPT}{left}", outcome=NOTHING_SENT)

    @staticmethod
    def forget_in_keyring(service: str, user: str) -> None:
        """Take a password out of the system's keyring."""
        _in_keyring(_keyring().delete_password, service, user)

    def reveal(self) -> str:
        """The bare password. Don't keep what this returns longer than needed."""
        return self._read()

    def encode(self) -> bytes:
        """The password's bytes, as Milvus counts and compares them.

        UTF-8, or ParameterError; bytes of an environment variable that were no UTF-8 come out as they were.
        """
        try:
            return self._read().encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            # Raised below instead of here: Python's error carries the password, even as a mere context.
            pass
        raise ParameterError("the password cannot be written as UTF-8")

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __bool__(self) -> bool:
        return bool(self._read())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return self._read() == other._read()

    def __hash__(self) -> int:
        return hash(self._read())

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: that would write the password somewhere")

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self


class NoText(Secret):
    """What was given as a password and is none: an error once it is used, which names its type."""

    __slots__ = ("kind",)

    def __init__(self, value: object) -> None:
        self.kind = kind = type(value).__name__

        def refuse() -> NoReturn:
            raise _not_text_error(kind)

        self._read = refuse


def mask_secret(value: object) -> Secret:
    """Wrap what was given as a password, whatever it is, before anything raises: frames of an error show it else.

    `password = Secret(password := mask_secret(password))` raises for what is no text, when no frame has it any more.
    """
    return Secret(value) if isinstance(value, str) else value if isinstance(value, Secret) else NoText(value)


class DoubtfulText(str):
    """What stands where a name or number is wanted and looks like none: perhaps a password, so nobody sees it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK)


class NoName:
    """What was given for a name or number and is none; it shows its type only."""

    __slots__ = ("kind",)

    def __init__(self, value: object) -> None:
        self.kind = type(value).__name__

    def __repr__(self) -> str:
        return repr(MASK)


# What no such argument holds, but an address does, or a password in its place.
_IN_NAME = "[:@]"
SIGNS_OF_ADDRESS = {
    "alias": _IN_NAME, "using": _IN_NAME, "host": _IN_NAME, "db_name": _IN_NAME, "server_name": _IN_NAME,
    "user": ":", "port": "[^0-9 ]|[0-9]{6}",
}  # fmt: skip


def mask_misplaced(argument: str, value: Any) -> Any:
    """Mask what may be an address with a password, before anything raises; a text stays that text.

    Args:
        argument: the name of the argument of a connection that it was given for.
        value: what was given, whatever it is.
    """
    if value is None or isinstance(value, (DoubtfulText, NoName, bool)):
        return value
    is_text = isinstance(value, str)
    if not is_text and not isinstance(value, int):
        return NoName(value)
    if not re.search(SIGNS_OF_ADDRESS[argument if is_text else "port"], str(value)):
        return value
    return DoubtfulText(value) if is_text else NoName(value)


def mask_arguments(**values: Any) -> tuple[Any, ...]:
    """Arguments of a connection, each as `mask_misplaced` has it."""
    return tuple(mask_misplaced(argument, value) for argument, value in values.items())


def quote_name(name: object, otherwise: str) -> str:
    """A name in quotes, or other words where it may be a password in the wrong place."""
    return otherwise if isinstance(name, (DoubtfulText, NoName)) else repr(name)


def type_name(value: object) -> str:
    """The name of the type of what was given."""
    return value.kind if isinstance(value, NoName) else type(value).__name__


def _not_text_error(kind: str) -> ParameterError:
    return ParameterError(f"a password is text (str) or a Secret, not {kind}")


class PasswordHash(Secret):
    """What a server stores of a password. As secret as that, and travels as it is."""

    __slots__ = ()

    @classmethod
    def from_password(cls, password: Secret, cost: int) -> PasswordHash:
        """Hash a password of up to 72 bytes as Milvus does, with bcrypt (extra `bcrypt`), in 2 ** cost rounds."""
        import bcrypt

        try:
            return cls(bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost, b"2a")).decode())
        except ValueError:  # older ones take no NUL
            raise ParameterError("bcrypt cannot hash one of the passwords", outcome=NOTHING_SENT) from None


def require_bcrypt() -> None:
    """Raise ParameterError if passwords can't be hashed here."""
    try:
        import bcrypt  # noqa: F401
    except ImportError:
        raise ParameterError(
            "the package bcrypt is not installed: pip install 'milvus-magics[bcrypt]'", outcome=NOTHING_SENT
        ) from None


def _keyring() -> Any:
    try:
        import keyring
    except ImportError:
        raise ParameterError(
            "the package keyring is not installed: pip install 'milvus-magics[keyring]'", outcome=NOTHING_SENT
        ) from None
    return keyring


def _is_null(keyring: Any) -> bool:
    """Whether a keyring keeps nothing, on purpose: it answers everything, and only that it is that one tells."""
    from keyring.backends.null import Keyring

    return isinstance(keyring.get_keyring(), Keyring)


def _clear_in_keyring(keyring: Any, service: str, user: str) -> str:
    """Take a password that is not kept whole away; what may be left, for the end of an error."""
    try:
        if _in_keyring(keyring.get_password, service, user):
            _in_keyring(keyring.delete_password, service, user)
            if _in_keyring(keyring.get_password, service, user):
                raise ParameterError("it is still there")
    except ParameterError:
        return f"; a part of it may be left there under {service!r}, which cannot be taken away"
    return ""


def _in_keyring(action: Callable[[str, str], str | None], service: str, user: str) -> Secret | None:
    """Do something in the keyring; what it finds comes back wrapped."""
    try:
        return Secret(action(service, user) or "")
    except Exception as exc:
        # Every backend has its own errors, some with what it was given in their text.
        problem = type(exc).__name__
    raise ParameterError(f"the keyring of this machine cannot be used ({problem})", outcome=NOTHING_SENT)
