"""What the client functions for roles and privileges return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from milvus_magics.client.names import EVERYBODY, PUBLIC
from milvus_magics.client.results.privileges import Grants, privileges_text
from milvus_magics.client.results.table import ChangeResult, Table
from milvus_magics.wording import join_parts, list_text, names_text, printable

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Role:
    """A role and who holds it. Users are None if that was not asked."""

    name: str
    users: tuple[str, ...] | None = None
    description: str = ""


class Roles(Table[Role]):
    """The roles of a server."""

    noun = "role"
    columns = ("name", "users", "description")

    def shown_rows(self) -> list[dict[str, Any]]:
        """The rows as they are shown: `public` doesn't look as if nobody held it."""
        return [row | ({"users": EVERYBODY} if row["name"] == PUBLIC else {}) for row in self.to_dicts()]


@dataclass(frozen=True)
class RoleDetails:
    """A role, its holders and its grants. Each is None if the caller may not look."""

    name: str
    users: tuple[str, ...] | None
    grants: Grants | None
    description: str = ""

    def __str__(self) -> str:
        return f"{self._heading}; {privileges_text(self.name, self.grants)}"

    @property
    def _heading(self) -> str:
        described = f" ({self.description})" if self.description else ""
        return printable(f"role {self.name!r}{described}; {holders_text(self.name, self.users)}")

    def __repr__(self) -> str:
        return f"{self._heading}\n{self.grants!r}" if self.grants else str(self)

    def _repr_pretty_(self, printer: Any, is_cycle: bool) -> None:
        if not self.grants:
            printer.text(str(self))
            return
        printer.text(f"{self._heading}\n")
        self.grants._repr_pretty_(printer, is_cycle)

    def _repr_html_(self) -> str:
        from milvus_magics.display.messages import html_line

        if not self.grants:
            return html_line(str(self), "note")
        return html_line(self._heading, "note") + self.grants._repr_html_()


def holders_text(role: str, users: Sequence[str] | None, most: int | None = 5) -> str:
    """Who holds a role, in words; None means that the caller may not look. `most` as in `list_text`."""
    if role == PUBLIC:  # which is given to nobody in particular
        return "held by everybody"
    if users is None:
        return "holders unknown: you lack permission to list them"
    return f"held by {names_text(users, most)}" if users else "held by nobody"


@dataclass(frozen=True, repr=False)
class CreatedRole(ChangeResult):
    """A role that is created."""

    role: str
    server: str
    note: str = ""

    def __str__(self) -> str:
        text = f"created role {self.role!r} on {self.server}; give it privileges with %milvus_grant_privilege"
        return join_parts(text, self.note)


@dataclass(frozen=True)
class RoleSnapshot:
    """What goes with a dropped role. Users and grants are None if the caller may not look."""

    role: str
    users: tuple[str, ...] | None = None
    grants: Grants | None = None
    description: str = ""

    def since(self, before: RoleSnapshot) -> RoleSnapshot:
        """This snapshot together with an earlier one, for a drop in several attempts."""
        users, grants = _all_of(before.users, self.users), _all_of(before.grants, self.grants)
        return RoleSnapshot(
            self.role,
            None if users is None else tuple(users),
            None if grants is None else Grants(grants),
            self.description or before.description,
        )

    @property
    def unseen(self) -> str:
        """What the caller was not allowed to see, in words; empty if nothing."""
        parts = (
            "who held it" if self.users is None else "",
            "what it held" if self.grants is None else "" if self.grants.complete else "what it held elsewhere",
        )
        return " and ".join(filter(None, parts))


def _all_of(*parts: Sequence[Thing] | None) -> list[Thing] | None:
    """All items of the parts, each once. None if every part is None."""
    known = [part for part in parts if part is not None]
    return list(dict.fromkeys(thing for part in known for thing in part)) if known else None


@dataclass(frozen=True, repr=False)
class RestoredRole(ChangeResult):
    """A dropped role that is back.

    Attributes:
        gone: who held it and are deleted meanwhile.
        refused: what the server refused to restore, each with its reason; the rest is restored.
        note: where it holds something else than before.
    """

    role: str
    server: str
    users: tuple[str, ...]
    grants: Grants | None
    gone: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        held = f"{holders_text(self.role, self.users)}, {privileges_text(self.role, self.grants)}"
        text = f"restored role {self.role!r} on {self.server}, {held}"
        gone = f"not there any more: {names_text(self.gone, 5)}" if self.gone else ""
        again = "once that is fixed, run it again to go on"
        refused = f"not restored: {list_text(self.refused)}; {again}" if self.refused else ""
        return join_parts(text, gone, refused, self.note)


@dataclass(frozen=True, repr=False)
class DroppedRole(ChangeResult):
    """A role that is dropped, with what went with it."""

    role: str
    server: str
    users: tuple[str, ...] | None
    grants: Grants | None
    note: str = ""

    def __str__(self) -> str:
        held = f"{holders_text(self.role, self.users)}, {privileges_text(self.role, self.grants)}"
        text = f"dropped role {self.role!r} on {self.server}; it was {held}"
        return join_parts(text, self.note)


@dataclass(frozen=True, repr=False)
class RoleBinding(ChangeResult):
    """A role given to a user, or taken from them.

    Attributes:
        was_held: whether they held it before; False, too, where that was not asked.
    """

    user: str
    role: str
    server: str
    granted: bool
    note: str = ""
    was_held: bool = False

    def __str__(self) -> str:
        if self.granted and self.was_held:
            text = f"user {self.user!r} has role {self.role!r} already on {self.server}"
            return join_parts(text, "nothing was changed", self.note)
        deed = f"gave role {self.role!r} to" if self.granted else f"took role {self.role!r} from"
        text = f"{deed} user {self.user!r} on {self.server}"
        return join_parts(text, self.note)
