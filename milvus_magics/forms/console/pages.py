"""The pages of the console. Each shows one snapshot of the server; what changes something is a form of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.forms.panel import Panel
from milvus_magics.transport.connection import Connection

WRAPPED = {"flex_flow": "row wrap", "width": "100%"}

FormMaker = Callable[..., Panel]
OpenForm = Callable[[FormMaker], Any]


class Page:
    """One page of the console; it has a snapshot of the server once it was opened.

    Args:
        open_form: makes a form, of its class or what else takes an alias and a timeout, on the console's connection.
    """

    TITLE = ""
    snapshot: AccessSnapshot

    def __init__(self, open_form: OpenForm) -> None:
        self._open_form = open_form
        self.box = widgets.VBox()  # holds what is on the page

    def open(self, conn: Connection, snapshot: AccessSnapshot) -> None:
        """Be seen: a page is made when it is opened for the first time, and shows a snapshot once."""
        if not self.box.children:
            self.box.children = self._widgets()
        elif snapshot is self.snapshot:
            return
        self._conn, self.snapshot = conn, snapshot
        self._show()

    def _widgets(self) -> list[widgets.Widget]:
        raise NotImplementedError

    def _show(self) -> None:
        raise NotImplementedError

    def close_form(self) -> None:
        """Close the form that is open on it, if there is one."""

    def mark_old(self, is_old: bool) -> None:
        """Say where what is shown could not be read again."""
