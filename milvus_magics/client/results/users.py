"""What the client functions for users return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from milvus_magics.client.names import ROOT
from milvus_magics.client.results.table import ChangeResult, Sentence, Table
from milvus_magics.secret import Secret
from milvus_magics.wording import join_parts, names_text, shown_text


@dataclass(frozen=True, repr=False)
class User(Sentence):
    """A user and the roles that they hold."""

    name: str
    roles: tuple[str, ...] = ()
    description: str = ""

    def __str__(self) -> str:
        described = f" ({self.description})" if self.description else ""
        return join_parts(f"user {self.name!r}{described} with {roles_text(self.roles, self.name)}")


class Usernames(list[str]):
    """The names of users: a list whose repr shows characters that cannot be seen."""

    def __repr__(self) -> str:
        return shown_text(super().__repr__())


class Users(Table[User]):
    """The users of a server."""

    noun = "user"
    columns = ("name", "roles", "description")

    def shown_rows(self) -> list[dict[str, Any]]:
        """The rows as they are shown: root without a role doesn't look as if it might do nothing."""
        rows = self.to_dicts()
        return [
            row | {"roles": "(none needed: may do everything)"} if row["name"] == ROOT and not row["roles"] else row
            for row in rows
        ]


@dataclass(frozen=True)
class UserSnapshot:
    """What goes with a deleted user. Roles are None if the caller may not look."""

    user: str
    roles: tuple[str, ...] | None = None
    description: str = ""


def roles_text(roles: Sequence[str] | None, user: str = "") -> str:
    """The roles in words, and of root what it may without; None means that the caller may not look."""
    if roles is None:
        return "roles unknown: you lack permission to list them"
    if not roles:
        return "no roles (it needs none: it may do everything)" if user == ROOT else "no roles"
    return f"role{'s' if len(roles) > 1 else ''} " + ", ".join(repr(role) for role in roles)


def held_roles_text(roles: Sequence[str] | None, user: str = "") -> str:
    """The roles in parentheses, as a preview has them after the name; arguments as in `roles_text`."""
    if not roles:
        return f"({'may do everything' if roles is not None and user == ROOT else roles_text(roles)})"
    return f"(role{'s' if len(roles) > 1 else ''}: {names_text(roles)})"


@dataclass(frozen=True, repr=False)
class DeletedUser(ChangeResult):
    """A user that is deleted."""

    user: str
    server: str
    roles: tuple[str, ...] | None
    verified: bool
    disconnected: bool = False
    note: str = ""

    def __str__(self) -> str:
        how = "after checking the password" if self.verified else "without checking a password"
        text = f"deleted user {self.user!r} on {self.server} {how}; they had {roles_text(self.roles)}"
        gone = "you were connected as this user, so the connection is closed" if self.disconnected else ""
        return join_parts(text, gone, self.note)


@dataclass(frozen=True, repr=False)
class CreatedUser(ChangeResult):
    """A user that is created."""

    user: str
    server: str
    roles: tuple[str, ...] = ()
    password: Secret | None = field(default=None, repr=False)
    kept: str = ""
    note: str = ""

    def __str__(self) -> str:
        return self._describe(".password.reveal() shows its password" if self.unsaved_passwords else "")

    @property
    def summary(self) -> str:
        """The sentence for where the result is kept nowhere, and its password with it."""
        return self._describe("")

    def _describe(self, shown: str) -> str:
        text = f"created user {self.user!r} on {self.server} with {roles_text(self.roles)}"
        kept = f"the password is in {self.kept}" if self.kept else ""
        return join_parts(text, kept, shown, self.note)

    @property
    def unsaved_passwords(self) -> list[str]:
        """The user, if the password was made up and is kept nowhere."""
        return [self.user] if self.password and not self.kept else []


@dataclass(frozen=True, repr=False)
class RestoredUser(ChangeResult):
    """A deleted user who is back.

    Attributes:
        same_password: whether it is the one they had; False = given anew, None = the caller knows.
        note: what else should be known.
    """

    user: str
    server: str
    roles: tuple[str, ...]
    same_password: bool | None
    note: str = ""

    def __str__(self) -> str:
        how = {True: " and the password that they had", False: " and a new password", None: ""}[self.same_password]
        text = f"restored user {self.user!r} on {self.server} with {roles_text(self.roles)}{how}"
        return join_parts(text, self.note)


@dataclass(frozen=True, repr=False)
class ChangedPassword(ChangeResult):
    """A password that is changed.

    Attributes:
        proven: whether the old one was seen refused and the new one accepted afterwards; None = not looked.
        reauthenticated: whether the connection goes on with the new one.
        note: what else should be known.
    """

    user: str
    server: str
    proven: bool | None = None
    reauthenticated: bool = False
    note: str = ""

    def __str__(self) -> str:
        text = f"changed the password of user {self.user!r} on {self.server}"
        proof = "the new one works and the old one is refused" if self.proven else ""
        own = "this connection goes on with the new one" if self.reauthenticated else ""
        return join_parts(text, proof, own, self.note)


@dataclass(frozen=True, repr=False)
class WhoAmI(Sentence):
    """As whom a connection acts, and what the server is."""

    user: str
    actor: str
    roles: tuple[str, ...] | None
    server: str
    version: str
    authorization: bool | None
    secure: bool

    def to_dict(self) -> dict[str, Any]:
        """The fields as a dict."""
        return asdict(self)

    def __str__(self) -> str:
        enforced = {True: "is on", False: "is OFF: anybody may do anything", None: "is unknown"}[self.authorization]
        who = f"user {self.user!r} with {roles_text(self.roles, self.user)}" if self.user else self.actor
        tls = "on" if self.secure else "off"
        where = f"{self.server} (Milvus {self.version or '?'})"
        return join_parts(f"{who} on {where}", f"authorization {enforced}", f"TLS {tls}")
