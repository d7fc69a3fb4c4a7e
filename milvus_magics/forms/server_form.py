"""What the forms on a server share: where and as whom, and the names that there are."""

from __future__ import annotations

from typing import Any, ClassVar

import ipywidgets as widgets

from milvus_magics.client.names import problem_with_existing_name
from milvus_magics.display.messages import html_line
from milvus_magics.errors import MilvusException, ParameterError
from milvus_magics.forms.fields import NameBox
from milvus_magics.forms.form import BELOW_FIELDS, FIELD, LABEL, Form
from milvus_magics.session import name_cache
from milvus_magics.session.connections import DEFAULT, connections
from milvus_magics.transport.connection import Connection


class ServerForm(Form):
    """The base of forms that do something on a server.

    Args:
        using: alias of the connection.
        timeout: seconds that each operation may last.

    Raises:
        AliasError: when no connection has this alias.
    """

    # Kind of name (`user`, `role`) -> the label of the field in which one is chosen.
    CHOSEN: ClassVar[dict[str, str]] = {}

    def __init__(self, using: str = DEFAULT, *, timeout: float = 10.0) -> None:
        self._using, self._timeout = using, timeout
        self._conn = connections.get(using)
        self._names: dict[str, list[str]] = {}
        self._boxes = {kind: NameBox(label) for kind, label in self.CHOSEN.items()}
        super().__init__()
        for box in self._boxes.values():
            box.observe(self._changed, "value")
        self._show_server()

    def _fields(self) -> list[widgets.Widget]:
        self._effect = widgets.HTML(layout=BELOW_FIELDS)
        boxes = list(self._boxes.values())
        first = [self._with_refresh(boxes[0])] if boxes else []
        return [*first, *boxes[1:], *self._own_fields()]

    def _with_refresh(self, names: widgets.Widget) -> widgets.HBox:
        """A field with names, and beside it the button that reads them again."""
        # Not below: Tab goes from the last field to the button that acts.
        self._refresh = widgets.Button(description="Refresh names")
        self._refresh.on_click(lambda _: self._show_server())
        return widgets.HBox([names, self._refresh], layout={"flex_flow": "row wrap"})

    def _own_fields(self) -> list[widgets.Widget]:
        """The fields of this form, and among them `_effect`, which says what would happen or what is missing."""
        return [self._effect]

    def _run(self, conn: Connection) -> Any:
        """Clear the secret fields and call the client function; what it returns says what came of it."""
        raise NotImplementedError

    def _clear(self) -> None:
        """Empty the fields after it went well."""
        for box in self._boxes.values():
            box.value = ""

    def _hint(self) -> str:
        """What would happen with what the fields say, or why nothing can; empty where there is nothing to say."""
        return ""

    def fill(self, **values: Any) -> None:
        """Put values into the fields of these names; those that the form does not have are left out."""
        for name, value in values.items():
            if name in self._boxes:
                self._boxes[name].choose(value)

    def _chosen(self, kind: str) -> str:
        return self._boxes[kind].chosen

    def _is_complete(self) -> bool:
        return all(problem_with_existing_name(self._chosen(kind), kind) is None for kind in self._boxes)

    def _where(self) -> str:
        return f"on {self._conn.address.url} as {self._conn.actor}"

    def _show_server(self) -> None:
        """Say where and as whom, and read the names."""
        where = f"{self.TITLE} on {self._conn.address.url}, connected as {self._conn.actor}"
        self._header.value = html_line(where, "heading")
        problem = self._read_names()
        if problem is not None:
            self._say(f"the names cannot be listed, so type one: {problem}", "error")
        self._update()

    def _read_names(self) -> MilvusException | None:
        problem = None
        for kind, box in self._boxes.items():
            try:
                self._names[kind] = name_cache.names(self._conn, kind, timeout=self._timeout, fresh=True)
            except MilvusException as exc:
                self._names[kind], problem = [], exc
            box.offer(self._names[kind])
        return problem

    def _changed(self, _: object = None) -> None:
        self._show_hint()
        self._say_nothing()
        self._update()

    def _show_hint(self) -> None:
        try:
            text = self._hint()
        except MilvusException as exc:
            text = str(exc)
        self._effect.value = html_line(text, "note") if text else ""

    def _is_listed(self, kind: str) -> bool:
        """Whether a name was chosen that there is: one that is only half typed is not asked about."""
        return self._chosen(kind) in self._names[kind]

    def _unlisted(self, kind: str) -> str:
        """What to say of a name that is not in the list."""
        name = self._chosen(kind)
        return f"there is no {kind} {name!r} in the list" if name and self._names[kind] else ""

    def _act(self) -> str:
        try:
            done = self._run(self._same_connection())
        finally:
            self._forget()  # also where it was not even tried
        self._clear()
        self._read_names()  # where that fails, the status still says what was done
        return str(done)

    def _same_connection(self) -> Connection:
        """The connection that the form shows; another one under its alias is shown first, and nothing is done."""
        conn = connections.get(self._using)
        if conn is not self._conn:
            self._conn = conn
            self._show_server()
            raise ParameterError(
                f"the connection {self._using!r} leads elsewhere now, to {conn.address.url} as {conn.actor}: look "
                "again, then press once more; nothing was sent"
            )
        return conn


def text_field(label: str, placeholder: str) -> widgets.Text:
    """A field for something that is no secret."""
    return widgets.Text(description=label, placeholder=placeholder, style=LABEL, layout=FIELD)
