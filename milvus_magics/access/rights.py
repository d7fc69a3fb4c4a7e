"""What somebody may do, by which role, and in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from milvus_magics.client.privilege_catalog import ALL, REACHING, kind_of
from milvus_magics.client.results.privileges import Grant, scope_text
from milvus_magics.wording import listed, printable

EVERYTHING = "All"  # what Milvus calls the privilege that brings all others, whatever they are about

BY_BEING_ROOT, UNCHECKED = "(root)", "(authorization is off)"


class Right(NamedTuple):
    """One thing that somebody may do.

    Attributes:
        user: who; empty where the question was about a role.
        privilege: its name; `*` is every privilege of its type, `All` every one there is.
        object_type: `Global`, `Collection` or `User`.
        object_name: the collection or user; `*` is all of them.
        db: the database; `*` is all of them.
        role: by which role; `(root)` for root, who needs none, `(authorization is off)` where nobody does.
        group: the group of privileges that brings it; empty where it was granted itself.
        alias_of: the collection, where `object_name` is an alias.
    """

    user: str
    privilege: str
    object_type: str
    object_name: str
    db: str
    role: str
    group: str = ""
    alias_of: str = ""

    def __str__(self) -> str:
        return f"{printable(self.privilege)} on {self.scope} {self.by}"

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
        return f"by role {self.role!r}" + (f" (group {printable(self.group)})" if self.group else "")

    def permits(self, privilege: str | None = None, collection: str | None = None, db: str | None = None) -> bool:
        """Whether it is enough for a privilege, or came with that group, on a collection in a database; None = any."""
        if db is not None and not matches(db, self.db):
            return False
        if self.privilege == EVERYTHING:
            return True
        if privilege not in (None, self.privilege, self.group) and not (
            self.privilege == ALL and kind_of(privilege or "") in (self.object_type, "")
        ):
            return False
        if collection is None:
            return True
        reaches = self.privilege in REACHING or (self.privilege, self.object_type) == (ALL, "Global")
        about_collections = self.object_type == "Collection" or privilege is not None or reaches
        return about_collections and matches(collection, self.object_name)


def matches(name: str, pattern: str) -> bool:
    """Whether a grant's name means this one: Milvus takes `*` and other wildcards where it compares names."""
    return pattern in (ALL, "", name) or fnmatchcase(name, pattern)


def is_on_one_name(grant: Grant) -> bool:
    """Whether a grant is on a collection or alias of one name: groups of privileges say `Global` there, too."""
    return grant.object_type != "User" and grant.object_name not in (ALL, "")


def rights_text(
    rights: Iterable[Right],
    of: Callable[[Right], Sequence[str]] = lambda right: [right.privilege],
    most: tuple[int, int] = (5, 3),
) -> list[str]:
    """Rights in words, those of one role on one thing together, and the same ones on several things said once.

    Args:
        rights: which.
        of: the names to say of a right.
        most: how many names, and how many things, are said before "and so many more".
    """
    names: dict[tuple[str, str], list[str]] = {}
    for right in rights:
        names.setdefault((right.scope, right.by), []).extend(of(right))
    scopes: dict[tuple[str, str], list[str]] = {}
    for (scope, by), found in names.items():
        scopes.setdefault((listed(found, most[0]), by), []).append(scope)
    return [f"{found} on {listed(where, most[1])} {by}" for (found, by), where in scopes.items()]
