"""The answer to the question who may do what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from milvus_magics.access.findings import Findings
from milvus_magics.access.matrix import Matrix, build_matrix
from milvus_magics.access.snapshot import EVERYBODY, AccessSnapshot
from milvus_magics.client.names import PUBLIC
from milvus_magics.client.results.table import Table
from milvus_magics.client.rights.right import UNCHECKED, Right
from milvus_magics.display.messages import html_line
from milvus_magics.display.tables import html_table, text_table
from milvus_magics.wording import printable

MAX_HTML_ROWS = 1000  # more than of other tables: whoever asks who may do something wants to find everybody


class Access(Table[Right]):
    """Who may do what, shown as a table, or as a matrix if nothing was asked.

    Attributes:
        snapshot: everything that was read.
        findings: what should be known about the server's users and roles.
        is_overview: whether nothing special was asked.
    """

    columns = ("user", "privilege", "object_type", "object_name", "db", "role", "group", "alias_of", "doubt")

    def __init__(
        self,
        rows: Sequence[Right],
        caption: str,
        snapshot: AccessSnapshot,
        findings: Findings,
        *,
        is_overview: bool,
        require_known: Callable[[str, str, str | None, str], None],
    ) -> None:
        super().__init__(rows, caption)
        self.snapshot, self.findings, self.is_overview = snapshot, findings, is_overview
        self._require_known = require_known

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
            ParameterError: there is no such database or collection, and no grant on it.
        """
        self._require_known(user, privilege, collection, db)
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

    def __repr__(self) -> str:
        return self._text(repr)

    def __str__(self) -> str:
        return self._text(str)

    def _text(self, show: Callable[[Matrix], str]) -> str:
        if not self.is_overview:
            rows = self.summary()
            return text_table(_shown_columns(rows), rows, self.caption)
        lines = [printable(self.caption), *(f"! {printable(finding.text)}" for finding in self.findings), ""]
        return "\n".join([*lines, show(self.matrix())])

    def _repr_html_(self) -> str:
        if not self.is_overview:
            rows = self.summary()
            return html_table(_shown_columns(rows), rows, self.caption, MAX_HTML_ROWS)
        findings = "".join(html_line(finding.text, "warning") for finding in self.findings)
        return html_line(self.caption, "heading") + findings + self.matrix()._repr_html_()


def _shown_columns(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """The columns of a summary, without `user` and `group` where they are empty."""
    names = ("user", "privileges", "on", "role", "group")
    return [name for name in names if name not in ("user", "group") or any(row[name] for row in rows)]
