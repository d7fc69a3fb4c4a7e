"""The answer to the question who may do what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from milvus_magics.access.findings import Findings
from milvus_magics.access.matrix import Matrix, build_matrix
from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.client.names import EVERYBODY, PUBLIC
from milvus_magics.client.results.table import Table
from milvus_magics.client.rights.right import UNCHECKED, Right
from milvus_magics.display.columns import wrap_lines
from milvus_magics.display.messages import html_line
from milvus_magics.display.tables import html_table
from milvus_magics.display.terminal import Paint, plain, terminal_width
from milvus_magics.wording import printable

MAX_HTML_ROWS = 1000  # more than of other tables: whoever asks who may do something wants to find everybody


class Access(Table[Right]):
    """Who may do what, shown as a table, or as a matrix if nothing was asked.

    Attributes:
        snapshot: everything that was read.
        findings: what should be known about the server's users and roles.
        is_overview: whether nothing special was asked.
    """

    noun = "right"
    columns = ("user", "privilege", "object_type", "object_name", "db", "role", "group", "alias_of", "doubt")

    def __init__(
        self,
        rows: Sequence[Right],
        caption: str,
        snapshot: AccessSnapshot,
        findings: Findings,
        *,
        is_overview: bool,
        require_known: Callable[[Sequence[str], str, Sequence[tuple[str, str | None]]], None],
    ) -> None:
        super().__init__(rows, caption)
        self.snapshot, self.findings, self.is_overview = snapshot, findings, is_overview
        self._require_known = require_known

    def shown_columns(self) -> tuple[str, ...]:
        """The columns that are shown, without `user` and `group` where they are empty."""
        rows = self.summary()
        names = ("user", "privileges", "on", "role", "group")
        return tuple(name for name in names if name not in ("user", "group") or any(row[name] for row in rows))

    def shown_rows(self) -> list[dict[str, Any]]:
        """The rows as they are shown."""
        return [dict(row) for row in self.summary()]

    def summary(self) -> list[dict[str, str]]:
        """The rows that are shown: a role's privileges on one thing joined, and what everybody may listed once."""
        privileges: dict[tuple[str, str, str, str], dict[str, None]] = {}
        for right in self:
            who = EVERYBODY if right.user and right.role in (PUBLIC, UNCHECKED) else right.user
            on = f"{right.scope}, perhaps: {right.doubt}" if right.doubt else right.scope
            privileges.setdefault((who, on, right.role, right.group), {})[right.privilege] = None
        rows = [
            {"user": who, "privileges": ", ".join(names), "on": on, "role": role, "group": group}
            for (who, on, role, group), names in privileges.items()
        ]
        return sorted(rows, key=lambda row: row["user"] != EVERYBODY)

    def allows(
        self,
        user: str,
        privilege: str,
        collection: str | None = None,
        db: str = "default",
        *,
        connected_to: str | None = None,
        target_user: str | None = None,
    ) -> bool | None:
        """Whether a user may do something; None = that cannot be told. As `AccessSnapshot.allows`.

        Raises:
            UnknownUserError, UnknownPrivilegeError: there is no such thing.
            ParameterError: there is no such database or collection, and no grant on it; or a name is no name.
        """
        users = [user, *([] if target_user is None else [target_user])]
        places = [(db, collection), *([] if connected_to is None else [(connected_to, None)])]
        self._require_known(users, privilege, places)
        where = {"connected_to": connected_to, "target_user": target_user}
        return self.snapshot.allows(user, privilege, collection, db, **where)

    def matrix(
        self, rows: str = "users", columns: str = "levels", *, collection: str | None = None, db: str | None = None
    ) -> Matrix:
        """Show users or roles, and how much they may do where, as a matrix.

        Args:
            rows: `users` or `roles`.
            columns: `levels` (all collections together, all databases, the cluster, and own groups), `databases` (each
                with its collections), or `collections`.
            collection: only collections of this name, which may hold wildcards; for `columns="collections"`.
            db: only those of this database; the same.

        Raises:
            ParameterError: anything else, or no such collection.
        """
        return build_matrix(self.snapshot, rows, columns, collection=collection, db=db)

    def __str__(self) -> str:
        return self._overview_text(plain, str) if self.is_overview else repr(self)

    def _text(self, paint: Paint) -> str:
        return self._overview_text(paint, repr) if self.is_overview else super()._text(paint)

    def _overview_text(self, paint: Paint, show: Callable[[Matrix], str]) -> str:
        lines = [paint(line, "heading") for line in wrap_lines(printable(self.caption), terminal_width())]
        return "\n".join([*lines, *self.findings.to_lines(paint), "", show(self.matrix())])

    def _repr_html_(self) -> str:
        if not self.is_overview:
            return html_table(self.shown_columns(), self.shown_rows(), self.caption, MAX_HTML_ROWS)
        return html_line(self.caption, "heading") + self.findings.to_html_lines() + self.matrix()._repr_html_()
