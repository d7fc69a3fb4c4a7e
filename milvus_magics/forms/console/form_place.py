"""The place on a page of the console where one form at a time is open."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from milvus_magics.errors import MilvusException
from milvus_magics.forms.console.pages import FormMaker, OpenForm
from milvus_magics.forms.fields import show
from milvus_magics.forms.panel import Line, Panel


class FormPlace:
    """A form, a button that closes it, and the line that says why it cannot be opened.

    Attributes:
        form: the one that is open, or None.
        rows: all that is shown of it.
    """

    def __init__(self, open_form: OpenForm) -> None:
        self._open_form = open_form
        self.form: Panel | None = None
        self._problem, self._place = Line(), widgets.VBox()
        self._close = widgets.Button(description="Close form", layout={"display": "none"})
        self._close.on_click(lambda _: self.close())
        self.rows = [self._problem, self._place, self._close]

    def open(self, make: FormMaker, **values: Any) -> None:
        """Open a form with these values in its fields, in place of the one before."""
        self.close()
        try:
            form = self._open_form(make)
        except MilvusException as exc:
            self._problem.say(str(exc), "error")
            return
        self._problem.say("")
        form.fill(**values)
        self.form, self._place.children = form, (form,)
        form.focus()
        show(self._close, True)

    def close(self) -> None:
        """Close the form that is open."""
        form, self.form = self.form, None
        if form is not None:
            self._place.children = ()
            show(self._close, False)
            form.close()
