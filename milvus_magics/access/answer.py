"""Who may do something: the answer to a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from milvus_magics.access.findings import Findings
from milvus_magics.access.matrix import Matrix
from milvus_magics.access.rights import UNCHECKED, Right
from milvus_magics.access.snapshot import EVERYBODY, MOST_ROWS, AccessSnapshot
from milvus_magics.client.names import PUBLIC
from milvus_magics.client.results.table import Table
from milvus_magics.wording import printable


class Access(Table[Right]):
    """Who may do what. Iterates over single rights, and shows them joined; without a question as a picture.

    Attributes:
        reading: everything that was read.
        concerns: what should be known about the server's users and roles.
        is_overview: whether nothing special was asked.
    """

    columns = ("user", "privilege", "object_type", "object_name", "db", "role", "group", "alias_of")

    def __init__(
        self, rows: Sequence[Right], caption: str, reading: AccessSnapshot, concerns: Findings, *, is_overview: bool
    ) -> None:
        super().__init__(rows, caption)
        self.reading, self.concerns, self.is_overview = reading, concerns, is_overview

    def summary(self) -> list[dict[str, str]]:
        """The rows that are shown: what one role brings on one thing together, and what everybody may only once."""
        found: dict[tuple[str, str, str, str], dict[str, None]] = {}
        for right in self:
            who = EVERYBODY if right.user and right.role in (PUBLIC, UNCHECKED) else right.user
            found.setdefault((who, right.scope, right.role, right.group), {})[right.privilege] = None
        rows = [
            {"user": who, "privileges": ", ".join(names), "on": scope, "role": role, "group": group}
            for (who, scope, role, group), names in found.items()
        ]
        return sorted(rows, key=lambda row: row["user"] != EVERYBODY)

    def allows(self, user: str, privilege: str, collection: str | None = None, db: str = "default") -> bool:
        """Whether a user may do something: as `Reading.allows`."""
        return self.reading.allows(user, privilege, collection, db)

    def matrix(
        self, rows: str = "users", columns: str = "levels", *, collection: str | None = None, db: str | None = None
    ) -> Matrix:
        """A picture of it.

        Args:
            rows: `users` or `roles`.
            columns: `levels` (reading, writing, administering of collections, databases and the cluster) or
                `list_collections`.
            collection: only collections of this name, which may hold wildcards; for `columns="collections"`.
            db: only those of this database; the same.

        Raises:
            ParameterError: anything else, or no such collection.
        """
        from milvus_magics.access.matrix import build_matrix

        return build_matrix(self.reading, rows, columns, collection=collection, db=db)

    def __repr__(self) -> str:
        from milvus_magics.display.tables import text_table

        if not self.is_overview:
            rows = self.summary()
            return text_table(_worth_showing(rows), rows, self.caption)
        lines = [printable(self.caption), *(f"! {printable(concern.text)}" for concern in self.concerns), ""]
        return "\n".join([*lines, repr(self.matrix())])

    def _repr_html_(self) -> str:
        from milvus_magics.display.messages import html_line
        from milvus_magics.display.tables import html_table

        if not self.is_overview:
            rows = self.summary()
            return html_table(_worth_showing(rows), rows, self.caption, MOST_ROWS)
        concerns = "".join(html_line(concern.text, "warning") for concern in self.concerns)
        return html_line(self.caption, "heading") + concerns + self.matrix()._repr_html_()


def _worth_showing(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """The columns of a summary without those that are empty all over."""
    names = ("user", "privileges", "on", "role", "group")
    return [name for name in names if name not in ("user", "group") or any(row[name] for row in rows)]
