"""What the client functions for roles and privileges return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from milvus_magics.client.results.users import Table, Told
from milvus_magics.errors import printable

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Role:
    """A role and who holds it; None where that was not asked."""

    name: str
    users: tuple[str, ...] | None = None
    description: str = ""


class Roles(Table[Role]):
    """The roles of a server."""

    columns = ("name", "users", "description")


@dataclass(frozen=True)
class Grant:
    """One privilege that a role holds.

    Attributes:
        role: who holds it.
        privilege: its name; `*` or `All` is every privilege of that type.
        object_type: `Global`, `Collection` or `User`.
        object_name: the collection or user; `*` is all of them.
        db: the database; `*` is all of them.
        grantor: who gave it.
    """

    role: str
    privilege: str
    object_type: str
    object_name: str
    db: str
    grantor: str = ""

    def __str__(self) -> str:
        return f"{printable(self.privilege)} on {scope_in_words(self.object_type, self.object_name, self.db)}"


class Grants(Table[Grant]):
    """Privileges that roles hold."""

    columns = ("role", "privilege", "object_type", "object_name", "db", "grantor")

    def __init__(self, rows: Sequence[Grant], caption: str = "", *, complete: bool = True) -> None:
        super().__init__(rows, caption)
        self.complete = complete  # else there may be more, in databases that the caller may not see


def scope_in_words(object_type: str, object_name: str, db: str) -> str:
    """On what a privilege is granted."""
    where = "in all databases" if db == "*" else f"in database {db!r}" if db else ""
    if object_type == "Global":
        what = "everything" if object_name in ("*", "") else repr(object_name)
    else:
        kind = printable(object_type.lower())
        what = f"all {kind}s" if object_name in ("*", "") else f"{kind} {object_name!r}"
    return f"{what} {where}".strip()


def some(things: Sequence[object], most: int | None = 5) -> str:
    """The first few of them in words, and how many more there are; None = all of them."""
    most = len(things) if most is None else most
    shown = ", ".join(printable(str(thing)) for thing in things[:most])
    return f"{shown} and {len(things) - most} more" if len(things) > most else shown


@dataclass(frozen=True)
class RoleDetails:
    """A role, who holds it, and what it holds; None where the caller may not look."""

    name: str
    users: tuple[str, ...] | None
    grants: Grants | None
    description: str = ""

    def __str__(self) -> str:
        return f"{self._heading}; {holds(self.grants)}"

    @property
    def _heading(self) -> str:
        described = f" ({printable(self.description)})" if self.description else ""
        return f"role {self.name!r}{described}; {held_by(self.users)}"

    def __repr__(self) -> str:
        return f"{self._heading}\n{self.grants!r}" if self.grants else str(self)

    def _repr_html_(self) -> str:
        from milvus_magics import display

        if not self.grants:
            return display.html_line(str(self), "note")
        return display.html_line(self._heading, "note") + self.grants._repr_html_()


def held_by(users: Sequence[str] | None, most: int | None = 5) -> str:
    """Who holds a role, in words; `most` as in `some`."""
    if users is None:
        return "held by unknown users (the acting user may not look)"
    return f"held by {some([repr(user) for user in users], most)}" if users else "held by nobody"


def holds(grants: Sequence[Grant] | None, most: int | None = 5) -> str:
    """What a role holds, in words; `most` as in `some`."""
    if grants is None:
        return "with unknown privileges (the acting user may not look)"
    return f"with {some(list(grants), most)}" if grants else "without privileges"


@dataclass(frozen=True, repr=False)
class CreatedRole(Told):
    """A role that is created."""

    role: str
    server: str
    note: str = ""

    def __str__(self) -> str:
        text = f"created role {self.role!r} on {self.server}; it has no privileges yet: %milvus_grant_privilege"
        return f"{text}; {self.note}" if self.note else text


@dataclass(frozen=True, repr=False)
class AlteredRole(Told):
    """A role whose description is changed."""

    role: str
    server: str
    description: str

    def __str__(self) -> str:
        return f"role {self.role!r} on {self.server} is described as {self.description!r} now"


@dataclass(frozen=True, repr=False)
class DropRolePreview(Told):
    """What dropping a role would do."""

    role: str
    server: str
    users: tuple[str, ...] | None
    grants: Grants | None
    force: bool = False
    undo: str = ""
    warning: str = ""

    def __str__(self) -> str:
        return self._told(None)

    @property
    def brief(self) -> str:
        """The same with long lists cut, for a question."""
        return self._told(5)

    def _told(self, most: int | None) -> str:
        text = (
            f"would drop role {self.role!r} on {self.server}, {held_by(self.users, most)}, {holds(self.grants, most)}"
        )
        refused = "it is refused unless its privileges are revoked first (--force)"
        end = refused if self.grants and not self.force else self.undo
        return "; ".join(filter(None, (text, self.warning, end)))


@dataclass(frozen=True)
class LostRole:
    """What goes with a role that is dropped; None = nobody could look."""

    role: str
    users: tuple[str, ...] | None = None
    grants: Grants | None = None
    description: str = ""

    def since(self, before: LostRole) -> LostRole:
        """What is lost in all, where an earlier drop had taken a part."""
        users, grants = _all_of(before.users, self.users), _all_of(before.grants, self.grants)
        return LostRole(
            self.role,
            None if users is None else tuple(users),
            None if grants is None else Grants(grants),
            self.description or before.description,
        )

    @property
    def unseen(self) -> str:
        """What could not be looked at, in words, and so is not known; empty where nothing."""
        parts = (
            "who held it" if self.users is None else "",
            "what it held" if self.grants is None else "" if self.grants.complete else "what it held elsewhere",
        )
        return " and ".join(filter(None, parts))


def _all_of(*parts: Sequence[Thing] | None) -> list[Thing] | None:
    """Each of them once; None where nobody knows any."""
    known = [part for part in parts if part is not None]
    return list(dict.fromkeys(thing for part in known for thing in part)) if known else None


@dataclass(frozen=True, repr=False)
class RestoredRole(Told):
    """A dropped role that is back.

    Attributes:
        role: which one.
        server: where.
        users: who hold it again.
        grants: what it holds again.
        gone: who held it and are deleted meanwhile.
    """

    role: str
    server: str
    users: tuple[str, ...]
    grants: Grants | None
    gone: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = f"restored role {self.role!r} on {self.server}, {held_by(self.users)}, {holds(self.grants)}"
        return f"{text}; gone meanwhile: {some([repr(user) for user in self.gone])}" if self.gone else text


@dataclass(frozen=True, repr=False)
class DroppedRole(Told):
    """A role that is dropped, with what went with it."""

    role: str
    server: str
    users: tuple[str, ...] | None
    grants: Grants | None
    note: str = ""

    def __str__(self) -> str:
        text = f"dropped role {self.role!r} on {self.server}; it was {held_by(self.users)}, {holds(self.grants)}"
        return f"{text}; {self.note}" if self.note else text


@dataclass(frozen=True, repr=False)
class RoleBinding(Told):
    """A role given to a user, or taken from them."""

    user: str
    role: str
    server: str
    granted: bool
    note: str = ""

    def __str__(self) -> str:
        deed = f"gave role {self.role!r} to" if self.granted else f"took role {self.role!r} from"
        text = f"{deed} user {self.user!r} on {self.server}"
        return f"{text}; {self.note}" if self.note else text


@dataclass(frozen=True, repr=False)
class GrantChange(Told):
    """A privilege given to a role, or taken from it."""

    grant: Grant
    server: str
    granted: bool
    note: str = ""

    def __str__(self) -> str:
        way = "granted {} to" if self.granted else "revoked {} from"
        text = f"{way.format(self.grant)} role {self.grant.role!r} on {self.server}"
        return f"{text}; {self.note}" if self.note else text


@dataclass(frozen=True)
class PrivilegeGroup:
    """A group of privileges."""

    name: str
    privileges: tuple[str, ...] = ()


class PrivilegeGroups(Table[PrivilegeGroup]):
    """The groups of privileges of a server."""

    columns = ("name", "privileges")


@dataclass(frozen=True, repr=False)
class GroupChange(Told):
    """A group of privileges that is changed, in words."""

    group: str
    server: str
    what: str

    def __str__(self) -> str:
        return f"{self.what} on {self.server}"
