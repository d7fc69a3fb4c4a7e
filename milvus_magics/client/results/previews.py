"""Previews: what a change would do."""

from __future__ import annotations

from dataclasses import dataclass

from milvus_magics.client.results.privileges import Grants, privileges_text
from milvus_magics.client.results.roles import holders_text
from milvus_magics.client.results.table import Sentence
from milvus_magics.client.results.users import roles_text
from milvus_magics.wording import join_parts


@dataclass(frozen=True, repr=False)
class DropRolePreview(Sentence):
    """What dropping a role would do."""

    role: str
    server: str
    users: tuple[str, ...] | None
    grants: Grants | None
    force: bool = False
    undo: str = ""
    warning: str = ""
    note: str = ""

    def __str__(self) -> str:
        return self._text(None)

    @property
    def is_warning(self) -> bool:
        """Whether something about it should be known before it is done."""
        return bool(self.warning or self.note or self._is_refused)

    @property
    def _is_refused(self) -> bool:
        return bool(self.grants) and not self.force

    @property
    def brief(self) -> str:
        """The same sentence with long lists cut short."""
        return self._text(5)

    def _text(self, most: int | None) -> str:
        text = (
            f"would drop role {self.role!r} on {self.server}, "
            f"{holders_text(self.users, most)}, {privileges_text(self.role, self.grants, most)}"
        )
        refused = "it is refused unless its privileges are revoked first (--force)"
        end = refused if self._is_refused else self.undo
        return join_parts(text, self.warning, self.note, end)


@dataclass(frozen=True, repr=False)
class DeletePreview(Sentence):
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
            "this is the user you are connected as: the connection ends with it" if self.is_actor else "",
            "this is the last user with the role 'admin'" if self.is_last_admin else "",
        )

    @property
    def is_warning(self) -> bool:
        """Whether something about it should be known before it is done."""
        return bool(self.warning or self.note)

    def __str__(self) -> str:
        text = f"would delete user {self.user!r} on {self.server}, who has {roles_text(self.roles)}"
        return join_parts(text, self.warning, self.password, self.note, self.undo)


@dataclass(frozen=True, repr=False)
class Preview(Sentence):
    """What a change would do. Nothing was changed.

    Attributes:
        what: the change, as in "give role 'reader' to user 'bob'".
        warning: what would be lost that may not be meant; it wants to be confirmed.
        note: what else is known, or cannot be known before.
        lacking: which right the acting user certainly lacks for it.
    """

    what: str
    server: str
    warning: str = ""
    note: str = ""
    lacking: str = ""

    @property
    def is_warning(self) -> bool:
        """Whether something about it should be known before it is done."""
        return bool(self.warning or self.lacking)

    def __str__(self) -> str:
        return join_parts(f"would {self.what} on {self.server}", self.warning, self.note, self.lacking)
