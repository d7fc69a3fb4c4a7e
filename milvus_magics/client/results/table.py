"""The shapes of results: a sentence, or a table of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

if TYPE_CHECKING:
    from milvus_magics.display.terminal import Paint

Row = TypeVar("Row")


class Sentence:
    """A result whose repr is a readable sentence, put together by `join_parts`: names in it are a server's."""

    @property
    def look(self) -> str:
        """How a terminal shows it: `done`, `warning`, or empty."""
        return "warning" if getattr(self, "is_warning", False) else ""

    def __repr__(self) -> str:
        return str(self)

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        from milvus_magics.display.terminal import colour_text

        printer.text(colour_text(str(self), self.look))


class ChangeResult(Sentence):
    """A sentence about a change that was made."""

    @property
    def look(self) -> str:  # noqa: D102 - as in the base
        return "warning" if getattr(self, "note", "") else "done"


class Table(Sequence[Row], Generic[Row]):
    """A result of several rows, shown as a table.

    Attributes:
        columns: names of the values of a row.
        noun: what a row is, in words.
        max_text_rows: how many are shown as text; None = all.
        caption: what the rows are, above them.
    """

    columns: ClassVar[tuple[str, ...]] = ()
    noun: ClassVar[str] = "row"
    max_text_rows: ClassVar[int | None] = None

    def __init__(self, rows: Sequence[Row], caption: str = "") -> None:
        self._rows = tuple(rows)
        self.caption = caption

    def shown_columns(self) -> tuple[str, ...]:
        """The columns to show. Descriptions are left out if no row has one, as on older servers."""
        return tuple(
            name for name in self.columns if name != "description" or any(getattr(row, name) for row in self._rows)
        )

    @property
    def look(self) -> str:
        """How a terminal shows the caption: `heading`, `done`, `warning`, `error`."""
        return "heading"

    def shown_rows(self) -> list[dict[str, Any]]:
        """The rows as they are shown, one dict per row."""
        return self.to_dicts()

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
        from milvus_magics.display.terminal import plain

        return self._text(plain)

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        from milvus_magics.display.terminal import colour_text

        printer.text(self._text(colour_text))

    def _text(self, paint: Paint) -> str:
        from milvus_magics.display.tables import text_table

        rows = self.shown_rows()
        more = 0 if self.max_text_rows is None else len(rows) - self.max_text_rows
        note = f"\nand {more} more; iterate over the result, or use to_pandas()" if more > 0 else ""
        return text_table(self.shown_columns(), rows[: self.max_text_rows], self.caption, self.look, paint=paint) + note

    def _repr_html_(self) -> str:
        from milvus_magics.display.tables import html_table

        return html_table(self.shown_columns(), self.shown_rows(), self.caption)


class GroupsTable(Table[Row]):
    """A table whose rows are also in `groups`, as pymilvus has them."""

    @property
    def groups(self) -> list[Row]:
        """The rows."""
        return list(self)
