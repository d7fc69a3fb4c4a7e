"""Single rights: what a role or user may do, on what, and by which role."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from milvus_magics.client.privilege_catalog import ALL, ALL_PRIVILEGES, REACHING, kind_of
from milvus_magics.client.results.privileges import Grant, scope_text
from milvus_magics.wording import list_text, printable, visible_text

EVERYTHING, UNLISTED = ALL_PRIVILEGES, "(unknown)"
MAX_PATTERN = 1_000  # Milvus takes no more than 255 characters; much longer ones take minutes to compare
BY_BEING_ROOT, UNCHECKED = "(root)", "(authorization is off)"


class Right(NamedTuple):
    """One privilege that a user or role has on one thing.

    Attributes:
        user: who; empty where the question was about a role.
        privilege: its name; `*` is every privilege of its type, `All` every one there is, and `(unknown)` what a group
            holds that cannot be looked into.
        object_type: `Global`, `Collection` or `User`.
        object_name: the collection or user; `*` is all of them.
        db: the database; `*` is all of them.
        role: by which role; `(root)` for root, who needs none, `(authorization is off)` where nobody does.
        group: the group of privileges that brings it; empty where it was granted itself.
        alias_of: the collection, where `object_name` is an alias.
        doubt: why it is not known whether it counts; empty where it does.
    """

    user: str
    privilege: str
    object_type: str
    object_name: str
    db: str
    role: str
    group: str = ""
    alias_of: str = ""
    doubt: str = ""

    def __str__(self) -> str:
        return visible_text(f"{self.privilege} on {self.scope} {self.by}")

    @property
    def scope(self) -> str:
        """On what, in words."""
        scope = scope_text(self.object_type, self.object_name, self.db)
        return f"{scope} (alias of {self.alias_of!r})" if self.alias_of else scope

    @property
    def by(self) -> str:
        """Where it comes from, in words."""
        if self.role == BY_BEING_ROOT:
            return "by being root"
        if self.role == UNCHECKED:
            return "since authorization is off"
        group = f" (group {printable(self.group)})" if self.group else ""
        return f"by role {self.role!r}{group}{f', perhaps: {self.doubt}' if self.doubt else ''}"

    def permits(self, privilege: str | None = None, name: str | None = None, db: str | None = None) -> bool | None:
        """Whether it is enough for a privilege, on a collection or user, in the database that counts.

        An argument that is None stands for any. The answer is None if that cannot be told.
        """
        is_there = db is None or matches(db, self.db)
        if not is_there or (name is not None and not self._reaches(name, privilege)):
            return False
        return self._includes(privilege)

    def _includes(self, privilege: str | None) -> bool | None:
        if privilege is None or self.privilege in (EVERYTHING, privilege):
            return None if self.doubt else True
        if self.privilege not in (ALL, UNLISTED) or privilege in (ALL, EVERYTHING):
            return False
        kind = kind_of(privilege)
        if kind not in (self.object_type, ""):
            return False
        return None if self.doubt or not kind else True

    def _reaches(self, name: str, privilege: str | None) -> bool:
        """Whether it is on a thing. Without a privilege only rights that are about collections count."""
        is_about_collections = (
            privilege is not None
            or self.object_type == "Collection"
            or self.privilege in REACHING | {EVERYTHING}
            or (self.privilege in (ALL, UNLISTED) and self.object_type == "Global")
        )
        return is_about_collections and matches(name, self.object_name)


def is_any(answers: Iterable[bool | None]) -> bool | None:
    """Whether one of some answers is yes; None if there is no yes, but one that cannot be told."""
    is_unknown = False
    for answer in answers:
        if answer:
            return True
        is_unknown |= answer is None
    return None if is_unknown else False


def matches(name: str, pattern: str) -> bool:
    """Whether a name in a grant stands for this one: Milvus accepts `*` and other wildcards."""
    return pattern in (ALL, "", name) or (len(pattern) <= MAX_PATTERN and fnmatchcase(name, pattern))


def is_on_one_name(grant: Grant) -> bool:
    """Whether a grant names one collection or alias. Privilege groups have the type `Global` there, too."""
    return grant.object_type != "User" and grant.object_name not in (ALL, "")


def rights_text(
    rights: Iterable[Right],
    names_of: Callable[[Right], Sequence[str]] = lambda right: [right.privilege],
    *,
    max_names: int = 5,
    max_scopes: int = 3,
) -> list[str]:
    """Rights in words; those of one role are joined, by what they are on and by what they allow.

    `names_of` gives the names to say of a right; of names and scopes beyond the maximum, the number is said.
    """
    names: dict[tuple[str, str], list[str]] = {}
    for right in rights:
        names.setdefault((right.scope, right.by), []).extend(names_of(right))
    scopes: dict[tuple[str, str], list[str]] = {}
    for (scope, by), privileges in names.items():
        scopes.setdefault((list_text(privileges, max_names), by), []).append(scope)
    return [f"{text} on {list_text(where, max_scopes)} {by}" for (text, by), where in scopes.items()]
