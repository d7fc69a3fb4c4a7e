"""The shapes of results: a sentence, or a table of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Generic, TypeVar, overload

Row = TypeVar("Row")


class Sentence:
    """A result whose repr is a readable sentence, put together by `join_parts`: names in it are a server's."""

    def __repr__(self) -> str:
        return str(self)


class Table(Sequence[Row], Generic[Row]):
    """A result of several rows, shown as a table."""

    columns: ClassVar[tuple[str, ...]] = ()

    def __init__(self, rows: Sequence[Row], caption: str = "") -> None:
        self._rows = tuple(rows)
        self.caption = caption

    def shown_columns(self) -> tuple[str, ...]:
        """The columns to show. Descriptions are left out if no row has one, as on older servers."""
        return tuple(
            name for name in self.columns if name != "description" or any(getattr(row, name) for row in self._rows)
        )

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict per row."""
        return [{name: getattr(row, name) for name in self.columns} for row in self._rows]

    def to_pandas(self) -> Any:
        """A pandas DataFrame with one row per row; needs the extra `pandas`."""
        import pandas as pd

        return pd.DataFrame(self.to_dicts(), columns=list(self.columns))

    def __repr__(self) -> str:
        from milvus_magics.display.tables import text_table

        return text_table(self.shown_columns(), self.to_dicts(), self.caption)

    def _repr_html_(self) -> str:
        from milvus_magics.display.tables import html_table

        return html_table(self.shown_columns(), self.to_dicts(), self.caption)


class GroupsTable(Table[Row]):
    """A table whose rows are also in `groups`, as pymilvus has them."""

    @property
    def groups(self) -> list[Row]:
        """The rows."""
        return list(self)
