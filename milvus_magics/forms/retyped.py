"""A field in which a name is typed once more, so that nobody drops the wrong thing."""

from __future__ import annotations

from ipywidgets import Text

from milvus_magics.errors import ConfirmationError
from milvus_magics.forms.form import FIELD, LABEL, show


class Retyped(Text):
    """The confirmation of forms that need one, always or sometimes."""

    def __init__(self, *, wanted: bool = True) -> None:
        super().__init__(description="Name again", placeholder="retype the name to confirm", style=LABEL, layout=FIELD)
        self.show(wanted)

    def show(self, wanted: bool) -> None:
        """Show the field only where it is wanted."""
        show(self, wanted)

    def is_done(self, name: str) -> bool:
        """Whether nothing is left to confirm."""
        return self.layout.display == "none" or self.is_again(name)

    def is_again(self, name: str) -> bool:
        """Whether the name stands in the field."""
        return bool(name) and bool(self.value == name)

    def forget(self) -> None:
        """Empty the field."""
        self.value = ""

    def require(self, name: str) -> None:
        """Empty the field, in which the name must have been.

        Raises:
            ConfirmationError: it was not.
        """
        is_again = self.is_again(name)
        self.forget()
        if not is_again:
            raise ConfirmationError(f"the name was not retyped as {name!r}; nothing was changed")
