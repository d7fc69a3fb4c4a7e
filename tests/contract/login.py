"""Who calls: the header `authorization`, what is in it, and whether it is believed."""

import base64

import bcrypt
import grpc

from contract.statuses import GRANT, Denied

HASH = "$2a$04$"  # what our hashes begin with; unlike real ones they can be read back


class Hashed:
    """A password of which only the bcrypt hash is known: equal to the bytes that it was made of."""

    def __init__(self, text):
        self.text, self._proven = text, None

    def __eq__(self, other):
        if not isinstance(other, bytes):
            return False
        if other != self._proven and bcrypt.checkpw(other, self.text.encode()):
            self._proven = other  # as proxies do, which hash once
        return other == self._proven

    __hash__ = None


class Untrimmed:
    """The password of a user whose name came with blanks outside: it is stored, and nobody gets in with it.

    Proxies keep a hash of it that is salted with the name as it came, and look for it by the trimmed name.
    """

    def __init__(self, password):
        self.password = password

    def __eq__(self, other):
        return False

    __hash__ = None


def hash_of(password):
    """What BackupRBAC shows of a password."""
    if isinstance(password, Untrimmed):
        password = password.password
    return password.text if isinstance(password, Hashed) else HASH + password.hex()


def password_of(text):
    """What RestoreRBAC makes of a hash."""
    is_real = len(text) == 60  # ours are never that long: two digits for each byte
    return Hashed(text) if is_real else bytes.fromhex(text.removeprefix(HASH))


def read_header(header):
    """User and password; a token without colon has no password, and what isn't base64 raises ValueError."""
    user, colon, password = base64.b64decode(header, validate=True).partition(b":")
    return user.decode(errors="surrogateescape"), password if colon else None


class Login:
    """The part of a server that knows who calls."""

    def login(self, metadata):
        """The name in the header; with authorization on only with the right password."""
        try:
            header = metadata["authorization"]
            user, password = read_header(header)
        except (KeyError, ValueError) as exc:
            if not self.authorization:
                return None
            missing = isinstance(exc, KeyError)
            words = "missing authorization in header" if missing else "invalid token format"
            raise Denied(grpc.StatusCode.UNAUTHENTICATED, words) from None
        if self.authorization:
            self.check_login(user, password)
        return user if password is not None else None

    def check_login(self, user, password):
        if password is None:
            what = "api key is"
        elif not self.is_password(user, password):
            what = "username and password are"
        else:
            return
        words = f"auth check failure, please check {what} correct"
        raise Denied(grpc.StatusCode.UNAUTHENTICATED, words)

    def is_password(self, user, password):
        """Also one who was deleted just now, where proxies don't know it yet."""
        known = self.passwords.get(user)
        return (self.lagging.get(user) if known is None else known) == password

    def grantor_in(self, metadata):
        """Who grants: the name in the header, whose form counts also with authorization off."""
        header = metadata.get("authorization")
        if header is None:
            self.refuse_form(f"fail to get authorization from the md, {self.rules.no_header}")
        try:
            user, password = read_header(header)
        except ValueError:
            self.refuse_form(f"fail to decode the token, token: {header}")
        if password is None:
            self.refuse_form(f"fail to get user info from the raw token, raw token: {user}")
        return user

    def check_grantor(self, user):
        if user in self.passwords:
            return
        words = "not found the user, maybe the user isn't existed or internal system error"
        if self.rules.names_missing:
            words = f'the grantor user "{user}" does not exist'
        self.refuse(GRANT, words, check="operate privilege common check")
