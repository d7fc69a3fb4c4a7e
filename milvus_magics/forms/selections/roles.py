"""The forms that give a role to several users, take one from them, or drop several roles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import ipywidgets as widgets

from milvus_magics import bulk
from milvus_magics.bulk.results import TO_DO, BulkResult
from milvus_magics.client import roles
from milvus_magics.client.results.previews import DropRolePreview, Preview
from milvus_magics.client.results.privileges import privileges_text
from milvus_magics.client.results.roles import holders_text
from milvus_magics.forms.fields import FIELD, LABEL, NameField
from milvus_magics.forms.selections import Foreseen, SelectionForm
from milvus_magics.wording import join_parts


class EachForm(SelectionForm):
    """Calls a client function for each.

    Attributes:
        OPERATION: its name.
        FUNCTION: called with the connection, a name and what the fields say.
        PREVIEW: says what that would do.
    """

    OPERATION: ClassVar[str]
    FUNCTION: ClassVar[Callable[..., Any]]
    PREVIEW: ClassVar[Callable[..., Any]]

    def _arguments(self) -> dict[str, Any] | None:
        """What the functions are called with besides. None if something has to be chosen first."""
        return {}

    def _foresee(self) -> Foreseen:
        if (arguments := self._arguments()) is None:
            return Foreseen()
        warnings: list[str] = []

        def look(conn: Any, name: str) -> Any:
            preview = self.PREVIEW(conn, name, **arguments)
            warnings.extend([f"{name}: {preview.warning}"] if preview.warning else [])
            return preview

        found = bulk.named.preview_for_each(
            self._conn, self.OPERATION, self.names, look, self._describe_preview, timeout=self._timeout
        )
        ready = [row for row in found if row.outcome == TO_DO]
        obstacles = tuple(f"{row.user}: {row.reason}" for row in found if row.outcome != TO_DO)
        lines = tuple(f"{row.user}: {row.reason}" for row in ready)
        return Foreseen(tuple(row.user for row in ready), lines, (), tuple(warnings), obstacles)

    def _describe_preview(self, preview: Any) -> str:
        raise NotImplementedError

    def _act(self, progress: Callable[[int], None]) -> BulkResult:
        arguments, names = self._arguments() or {}, self._foreseen.names

        def act(conn: Any, name: str) -> Any:
            return self.FUNCTION(conn, name, **arguments)

        return bulk.named.run_for_each(self._conn, self.OPERATION, names, act, progress=progress, timeout=self._timeout)


class GrantRoleToUsersForm(EachForm):
    """Give a role to users."""

    TITLE, BUSY, DONE, IS_CONFIRMED = "Grant role to {}", "Granting", "have the role now", False
    MAGIC = "%milvus_grant_role USER R"
    OPERATION = "grant_role"
    FUNCTION = staticmethod(roles.grant_role)
    PREVIEW = staticmethod(roles.preview_grant_role)

    def _make_fields(self) -> list[widgets.Widget]:
        self.fields["role"] = self.role = NameField("role", "Role", continuous_update=False)
        self.role.build(self.role)
        self.role.offer(self._role_names())
        self.role.widget.observe(lambda _: self.foresee(), "value")
        return self.role.rows

    def _role_names(self) -> list[str]:
        return list(self._snapshot.roles)

    def _arguments(self) -> dict[str, Any] | None:
        return {"role": self.role.value} if self.role.value else None

    def _describe_preview(self, preview: Preview) -> str:
        return preview.hint


class RevokeRoleFromUsersForm(GrantRoleToUsersForm):
    """Take a role from users."""

    TITLE, BUSY, DONE = "Revoke role from {}", "Revoking", "lost the role"
    MAGIC = "%milvus_revoke_role USER R"
    OPERATION = "revoke_role"
    FUNCTION = staticmethod(roles.revoke_role)
    PREVIEW = staticmethod(roles.preview_revoke_role)

    def _role_names(self) -> list[str]:
        held = (self._snapshot.users.get(name) or () for name in self.names)
        return sorted({role for each in held for role in each})


class DropRolesForm(EachForm):
    """Drop roles, with what they hold where that is wanted."""

    NOUN, TITLE, BUSY, DONE = "role", "Drop {}", "Dropping", "dropped"
    FORESEEN = "These will be dropped:"
    MAGIC = "%milvus_drop_role R"
    OPERATION = "drop_role"
    FUNCTION = staticmethod(roles.drop_role)
    PREVIEW = staticmethod(roles.preview_drop_role)

    def _make_fields(self) -> list[widgets.Widget]:
        self.force = widgets.Checkbox(description="revoke their privileges first", style=LABEL, layout=FIELD)
        self.force.observe(lambda _: self.foresee(), "value")
        return [self.force]

    def _arguments(self) -> dict[str, Any]:
        return {"force": self.force.value}

    def _foresee(self) -> Foreseen:
        found = super()._foresee()
        if self.force.value:
            return found
        holding = [grant.role for grant in self._snapshot.grants]
        kept = [name for name in found.names if name in holding]
        ready = tuple(name for name in found.names if name not in kept)
        lines = tuple(line for name, line in zip(found.names, found.lines, strict=True) if name in ready)
        blocked = (f"{name}: its privileges have to be revoked first" for name in kept)
        return found._replace(names=ready, lines=lines, obstacles=(*found.obstacles, *blocked))

    def _describe_preview(self, preview: DropRolePreview) -> str:
        held = f"{holders_text(preview.role, preview.users)}, {privileges_text(preview.role, preview.grants)}"
        return join_parts(held, preview.warning, preview.note, preview.undo)
