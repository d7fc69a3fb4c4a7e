"""What a change would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from milvus_magics.client.results.privileges import Grants, privileges_text
from milvus_magics.client.results.roles import holders_text
from milvus_magics.client.results.table import Sentence
from milvus_magics.client.results.users import roles_text

if TYPE_CHECKING:
    pass
if TYPE_CHECKING:
    pass


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

    def __str__(self) -> str:
        return self._told(None)

    @property
    def brief(self) -> str:
        """The same with long lists cut, for a question."""
        return self._told(5)

    def _told(self, most: int | None) -> str:
        text = (
            f"would drop role {self.role!r} on {self.server}, "
            f"{holders_text(self.users, most)}, {privileges_text(self.grants, most)}"
        )
        refused = "it is refused unless its privileges are revoked first (--force)"
        end = refused if self.grants and not self.force else self.undo
        return "; ".join(filter(None, (text, self.warning, end)))


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
        text = f"would delete user {self.user!r} on {self.server}, who has {roles_text(self.roles)}"
        return "; ".join(part for part in (text, self.warning, self.password, self.undo) if part)


@dataclass(frozen=True, repr=False)
class Preview(Sentence):
    """What a change would do. Nothing was changed.

    Attributes:
        what: the change, as in "give role 'reader' to user 'bob'".
        server: where.
        warning: what would be lost that may not be meant; it wants to be confirmed.
        note: what else is known, or cannot be known before.
    """

    what: str
    server: str
    warning: str = ""
    note: str = ""

    def __str__(self) -> str:
        return "; ".join(filter(None, (f"would {self.what} on {self.server}", self.warning, self.note)))
