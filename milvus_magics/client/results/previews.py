"""Previews: what a change would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milvus_magics.client.results.privileges import Grants, privileges_text
from milvus_magics.client.results.roles import holders_text
from milvus_magics.client.results.table import Sentence
from milvus_magics.client.results.users import held_roles_text
from milvus_magics.wording import join_parts, name_text, sentences, visible_text

MAX_LISTED = 5  # of a list, where a text has to be short


class Foretelling(Sentence):
    """A few short sentences: what will happen, what should be known about it, how it is undone."""

    server: str

    def __str__(self) -> str:
        return f"{sentences(*self._sentences(None))} (on {visible_text(self.server)})"

    @property
    def brief(self) -> str:
        """The same with long lists cut short, for a question."""
        return f"{self.hint} (on {visible_text(self.server)})"

    @property
    def hint(self) -> str:
        """The same without the server, for where that is said already."""
        return sentences(*self._sentences(MAX_LISTED))

    def _sentences(self, most: int | None) -> Sequence[str]:
        """What is said, as `sentences` takes it; `most` as in `list_text`."""
        raise NotImplementedError


@dataclass(frozen=True, repr=False)
class DropRolePreview(Foretelling):
    """What dropping a role would do."""

    role: str
    server: str
    users: tuple[str, ...] | None
    grants: Grants | None
    force: bool = False
    undo: str = ""
    warning: str = ""
    note: str = ""

    @property
    def is_warning(self) -> bool:
        """Whether something about it should be known before it is done."""
        return bool(self.warning or self.note or self._is_refused)

    @property
    def _is_refused(self) -> bool:
        return bool(self.grants) and not self.force

    def _sentences(self, most: int | None) -> Sequence[str]:
        held = f"({holders_text(self.role, self.users, most)}, {privileges_text(self.role, self.grants, most)})"
        refused = "the server will refuse it unless its privileges are revoked first (--force)"
        end = refused if self._is_refused else self.undo
        return f"This will drop the role {name_text(self.role)} {held}", self.warning, self.note, end


@dataclass(frozen=True, repr=False)
class DeletePreview(Foretelling):
    """What a deletion would do."""

    user: str
    server: str
    roles: tuple[str, ...] | None
    is_actor: bool = False
    is_last_admin: bool = False
    password: str = ""
    undo: str = ""
    note: str = ""

    @property
    def warning(self) -> str:
        """What a user might lose without meaning to; empty if nothing."""
        return join_parts(
            "this is the user you are connected as, so the connection will end" if self.is_actor else "",
            "this is the last user with the role admin" if self.is_last_admin else "",
        )

    @property
    def is_warning(self) -> bool:
        """Whether something about it should be known before it is done."""
        return bool(self.warning or self.note or self.roles is None)

    def _sentences(self, most: int | None) -> Sequence[str]:
        held = held_roles_text(self.roles)
        deed = f"This will delete {name_text(self.user)} {held}"
        return deed, self.warning, self.password, self.note, self.undo


@dataclass(frozen=True, repr=False)
class Preview(Foretelling):
    """What a change would do. Nothing was changed.

    Attributes:
        what: the change, as in "give bob the role reader".
        warning: what would be lost that may not be meant; it wants to be confirmed.
        note: what else is known, or cannot be known before.
        caution: what speaks against it, and is said before a password is asked for: a right that the acting user
            certainly lacks, or something that is lost for good.
        idle: why nothing would change, as a sentence begins: "bob has that role already". Empty if something would.
    """

    what: str
    server: str
    warning: str = ""
    note: str = ""
    caution: str = ""
    idle: str = ""

    @property
    def is_warning(self) -> bool:
        """Whether something about it should be known before it is done."""
        return bool(self.warning or self.caution)

    def _sentences(self, most: int | None) -> Sequence[str]:
        deed = f"{self.idle}; nothing will change" if self.idle else f"This will {self.what}"
        return deed, self.warning, self.note, self.caution
