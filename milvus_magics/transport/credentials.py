"""As whom calls are made."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from urllib.parse import quote

from milvus_magics.errors import ParameterError
from milvus_magics.secret import MASK, Secret, quote_name, type_name

# Of the texts by which errors are told apart. Nobody learns from them that a word is somebody's password, and without
# it `encrypt password failed` would mean nothing.
MILVUS_WORDS = """already alterable authorization built-in cannot changed check collection common credential custom
database decode default defined denied deny encrypt entity exists failed fields found grantor group groups header
internal invalid limit level maximum Milvus milvus missing name names object operate parameter password passwords
permission privilege PrivilegeGroup privileges reached role roles server starting system token update username users"""


@dataclass(frozen=True, repr=False)
class Login:
    """A user with a password, or an empty user with a token: an API key, or both in one."""

    user: str
    secret: Secret

    @classmethod
    def for_user(cls, user: str, password: Secret) -> Login:
        """A user with a password, both checked.

        Raises:
            ParameterError: one of them is missing, or no user can be called that.
        """
        if not isinstance(user, str):
            raise ParameterError(f"the user must be text, not {type_name(user)}")
        if not user:
            raise ParameterError("there is a password but no user: name the user too")
        try:
            user.encode()
        except UnicodeEncodeError:
            raise ParameterError(f"the user {quote_name(user, 'name')} cannot be written as UTF-8") from None
        if ":" in user:
            raise ParameterError("a user name cannot hold ':' (Milvus splits user and password there)")
        if not password:
            raise ParameterError(f"user {user!r} needs a password to connect")
        return cls(user, password)

    @classmethod
    def for_token(cls, token: Secret) -> Login:
        """The holder of an API key or of `user:password`, which stays in one piece.

        Raises:
            ParameterError: it is none; nothing of it is quoted.
        """
        token.encode()  # raises for what cannot be written
        colon, last = token.reveal().find(":"), len(token.reveal()) - 1
        if colon >= 0 and colon in (0, last):
            raise ParameterError("the token needs a user and a password, as user:password")
        return cls("", token)

    def split(self) -> Login:
        """The user and password that a token is, if it is that; else the same.

        Only for what a server has accepted: before, the token may be a password with a colon in it, typed into the
        wrong field, and no user's name.
        """
        user, separator, password = self.secret.reveal().partition(":")
        return Login(user, Secret(password)) if separator and not self.user else self

    def header(self) -> Secret:
        """The value of the `authorization` metadata: base64 without a prefix, as Milvus wants it."""
        user = f"{self.user}:".encode() if self.user else b""
        return Secret(base64.b64encode(user + self.secret.encode()).decode("ascii"))

    def conceal(self, text: str) -> str:
        """A server's text without the secret, in any form in which it may come back: plain, quoted, base64."""
        bare = self.secret.reveal()
        raw = [self.secret.encode(), f"{self.user}:".encode() + self.secret.encode()]
        plain = {bare, quote(raw[0], safe=""), quote(raw[0]), repr(bare)[1:-1], json.dumps(bare)[1:-1]}
        forms = set() if bare in MILVUS_WORDS else plain
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            coded = [encode(one).decode("ascii") for one in raw]
            forms |= {*coded, *(one.rstrip("=") for one in coded)}
        for form in sorted(filter(None, forms), key=len, reverse=True):
            text = text.replace(form, MASK)
        return text

    def __repr__(self) -> str:
        return f"Login({self.user!r}, {self.secret!r})" if self.user else f"Login(token={self.secret!r})"


def conceal(text: str, *known: object) -> str:
    """A server's text without the secrets among these, should it quote them: logins, and passwords by themselves."""
    for one in known:
        if isinstance(one, Login):
            text = one.conceal(text)
        elif isinstance(one, Secret):
            text = Login("", one).conceal(text)
    return text
