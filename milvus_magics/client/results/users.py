"""What client functions return: frozen values that say in words what they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

from milvus_magics.errors import printable

if TYPE_CHECKING:
    from milvus_magics.secret import Secret

Row = TypeVar("Row")


@dataclass(frozen=True)
class Change:
    """One change to a server that was made or tried.

    Attributes:
        when: start, in UTC.
        server: its address.
        actor: the acting user; empty for nobody and for API keys.
        operation: the client function, like `delete_user`.
        target: the user, role or group, and what they were given or lost.
        outcome: `done`, `refused` (nothing was changed), `partly` (some of it was, each with an entry of its own) or
            `unknown`.
        code: Milvus's error code; 0 where it was done.
        seconds: how long it took.
        actor_gone: whether the connection's own user is gone by it.
        lost: what went with a deletion (a `LostUser` or `LostRole`), for undoing it.
    """

    when: datetime
    server: str
    actor: str
    operation: str
    target: str
    outcome: str
    code: int
    seconds: float
    actor_gone: bool = False
    lost: object | None = None

    def to_dict(self) -> dict[str, Any]:
        """What an audit keeps, as plain values; the time in ISO 8601."""
        return {
            "when": self.when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "server": self.server,
            "actor": self.actor,
            "operation": self.operation,
            "target": self.target,
            "outcome": self.outcome,
            "code": self.code,
            "seconds": round(self.seconds, 4),
        }


class Told:
    """A result that says in words what it is, also where Python shows it."""

    def __repr__(self) -> str:
        return str(self)


class Table(Sequence[Row], Generic[Row]):
    """Rows that iterate, index, show themselves as a table and convert."""

    columns: ClassVar[tuple[str, ...]] = ()

    def __init__(self, rows: Sequence[Row], caption: str = "") -> None:
        self._rows = tuple(rows)
        self.caption = caption

    def shown(self) -> tuple[str, ...]:
        """The columns worth showing: older servers have no descriptions, so that column would be empty."""
        return tuple(
            name for name in self.columns if name != "description" or any(getattr(row, name) for row in self._rows)
        )

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict per row."""
        return [{name: getattr(row, name) for name in self.columns} for row in self._rows]

    def to_pandas(self) -> Any:
        """A pandas DataFrame with one row per row; needs the extra `pandas`."""
        import pandas as pd

        return pd.DataFrame(self.to_dicts(), columns=list(self.columns))

    def __repr__(self) -> str:
        from milvus_magics import display

        return display.text_table(self.shown(), self.to_dicts(), self.caption)

    def _repr_html_(self) -> str:
        from milvus_magics import display

        return display.html_table(self.shown(), self.to_dicts(), self.caption)


class Changes(Table[Change]):
    """Changes that were made or tried."""

    columns = ("when", "server", "actor", "operation", "target", "outcome", "code", "seconds")

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict per change, with plain values."""
        return [change.to_dict() for change in self]


@dataclass(frozen=True, repr=False)
class User(Told):
    """A user and the roles that they hold."""

    name: str
    roles: tuple[str, ...] = ()
    description: str = ""

    def __str__(self) -> str:
        described = f" ({printable(self.description)})" if self.description else ""
        return f"user {self.name!r}{described} with {roles_in_words(self.roles)}"


class Users(Table[User]):
    """The users of a server."""

    columns = ("name", "roles", "description")


@dataclass(frozen=True)
class LostUser:
    """What goes with a user who is deleted; None as roles = nobody could look."""

    user: str
    roles: tuple[str, ...] | None = None
    description: str = ""


def roles_in_words(roles: Sequence[str] | None) -> str:
    """`roles 'a', 'b'`, and what it means that there are none or that nobody may look."""
    if roles is None:
        return "roles unknown (the acting user may not look)"
    if not roles:
        return "no roles"
    return f"role{'s' if len(roles) > 1 else ''} " + ", ".join(repr(role) for role in roles)


@dataclass(frozen=True, repr=False)
class DeletePreview(Told):
    """What a deletion would do."""

    user: str
    server: str
    roles: tuple[str, ...] | None
    is_actor: bool = False
    is_last_admin: bool = False
    password: str = ""
    undo: str = ""

    @property
    def warning(self) -> str:
        """What else should be known before; empty where nothing."""
        warnings = []
        if self.is_actor:
            warnings.append("this is the user you are connected as: the connection ends with it")
        if self.is_last_admin:
            warnings.append("this is the last user with the role 'admin'")
        return "; ".join(warnings)

    def __str__(self) -> str:
        text = f"would delete user {self.user!r} on {self.server}, who has {roles_in_words(self.roles)}"
        return "; ".join(part for part in (text, self.warning, self.password, self.undo) if part)


@dataclass(frozen=True, repr=False)
class DeletedUser(Told):
    """A user that is deleted."""

    user: str
    server: str
    roles: tuple[str, ...] | None
    verified: bool
    disconnected: bool = False
    note: str = ""

    def __str__(self) -> str:
        how = "after checking the password" if self.verified else "without checking a password"
        text = f"deleted user {self.user!r} on {self.server} {how}; they had {roles_in_words(self.roles)}"
        gone = "this connection acted as them and is closed" if self.disconnected else ""
        return "; ".join(part for part in (text, gone, self.note) if part)


@dataclass(frozen=True, repr=False)
class CreatedUser(Told):
    """A user that is created."""

    user: str
    server: str
    roles: tuple[str, ...] = ()
    password: Secret | None = field(default=None, repr=False)
    kept: str = ""
    note: str = ""

    def __str__(self) -> str:
        text = f"created user {self.user!r} on {self.server} with {roles_in_words(self.roles)}"
        kept = f"its password is in {self.kept}" if self.kept else ""
        shown = ".password.reveal() shows its password" if self.password and not kept else ""
        return "; ".join(part for part in (text, kept, shown, self.note) if part)


@dataclass(frozen=True, repr=False)
class RestoredUser(Told):
    """A deleted user who is back.

    Attributes:
        user: who.
        server: where.
        roles: what they hold.
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
        text = f"restored user {self.user!r} on {self.server} with {roles_in_words(self.roles)}{how}"
        return f"{text}; {self.note}" if self.note else text


@dataclass(frozen=True, repr=False)
class ChangedPassword(Told):
    """A password that is changed.

    Attributes:
        user: whose it is.
        server: where.
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
        return "; ".join(part for part in (text, proof, own, self.note) if part)


@dataclass(frozen=True, repr=False)
class WhoAmI(Told):
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
        who = f"user {self.user!r} with {roles_in_words(self.roles)}" if self.user else self.actor
        tls = "on" if self.secure else "off"
        where = f"{self.server} (Milvus {self.version or '?'})"
        return f"{who} on {where}; authorization {enforced}; TLS {tls}"
