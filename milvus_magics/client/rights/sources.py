"""By which of its grants a role has a right, so that it keeps it when another grant goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from milvus_magics.client.results.privileges import Grant, grants_text
from milvus_magics.client.rights.right import Right, matches
from milvus_magics.client.rights.rules import Rules
from milvus_magics.wording import list_text


class Cover(NamedTuple):
    """How much of what some grants bring a role has by others.

    Attributes:
        names: the privileges that it has by others.
        grants: those others.
        is_whole: whether that is all of it.
        is_certain: whether it is known, and not hidden in a group that cannot be looked into.
    """

    names: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    is_whole: bool = False
    is_certain: bool = True

    @property
    def kept_text(self) -> str:
        """That the role keeps it, in words; empty if it keeps nothing of it."""
        if not self.names:
            return ""
        what = "it" if self.is_whole else list_text(list(self.names))
        return f"the role {'keeps' if self.is_certain else 'may keep'} {what} by {grants_text(self.grants)}"


class Sources:
    """What grants of one role bring, taken apart once and asked about often."""

    def __init__(self, rules: Rules, grants: Sequence[Grant]) -> None:
        self._rules = rules
        self._rights = [(grant, right) for grant in grants for right in rules.rights_by(grant)]

    def narrow(self, name: str, db: str) -> Sources:
        """Those that count on a collection, in a database."""
        narrowed = Sources(self._rules, ())
        narrowed._rights = [(grant, right) for grant, right in self._rights if _is_there(right, name, db)]
        return narrowed

    def find_cover(self, wanted: Sequence[Grant]) -> Cover:
        """How much of what the wanted grants bring these bring as well."""
        rights = dict.fromkeys(right for grant in wanted for right in self._rules.rights_by(grant))
        found = {right: self._find_source(right) for right in rights}
        kept = {right: source for right, source in found.items() if source is not None}
        return Cover(
            tuple(dict.fromkeys(right.privilege for right in kept)),
            tuple(dict.fromkeys(grant for grant, _ in kept.values())),
            bool(rights) and len(kept) == len(rights),
            all(is_certain for _, is_certain in kept.values()),
        )

    def _find_source(self, wanted: Right) -> tuple[Grant, bool] | None:
        """A grant that brings a right, and whether that is certain; None if there is none."""
        perhaps = None
        for grant, right in self._rights:
            if not _is_there(right, wanted.object_name, wanted.db):
                continue
            answer = right.permits(wanted.privilege, wanted.object_name, wanted.db)
            if answer:
                return grant, True
            perhaps = perhaps or ((grant, False) if answer is None else None)
        return perhaps


def _is_there(right: Right, name: str, db: str) -> bool:
    return matches(db, right.db) and matches(name, right.object_name)
