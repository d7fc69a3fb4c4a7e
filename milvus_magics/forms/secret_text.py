"""A password field whose content stays out of saved notebooks."""

from __future__ import annotations

from typing import Any

from ipywidgets import Password
from traitlets import Unicode

from milvus_magics.secret import Secret


class SecretText(Password):
    """ipywidgets' Password, but its value is never told to anybody but its owner.

    It isn't sent back to the browsers (`echo_update`), isn't in the widget state that a notebook is saved with, and
    arrives once, when the field is left, instead of letter by letter.
    """

    value = Unicode("", help="What was typed.").tag(sync=True, echo_update=False)

    def __init__(self, **options: Any) -> None:
        super().__init__(continuous_update=False, **options)

    def get_state(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The widget's state, with an empty value whatever was typed."""
        state: dict[str, Any] = super().get_state(*args, **kwargs)
        return {**state, "value": ""} if "value" in state else state

    def take(self) -> Secret:
        """What was typed; the field is empty afterwards, here and in the browser."""
        secret = Secret(self.value)
        self.value = ""
        return secret
