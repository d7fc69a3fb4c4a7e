"""Password fields whose content stays out of saved notebooks."""

from __future__ import annotations

from typing import Any

from ipywidgets import Password
from traitlets import Unicode

from milvus_magics.client.names import problem_with_password
from milvus_magics.errors import ParameterError
from milvus_magics.forms.form import FIELD, LABEL
from milvus_magics.secret import Secret


class SecretText(Password):
    """ipywidgets' Password, but its value is never told to anybody but its owner.

    It isn't sent back to the browsers (`echo_update`), isn't in the widget state that a notebook is saved with, and
    arrives once, when the field is left, instead of letter by letter.
    """

    value = Unicode("", help="What was typed.").tag(sync=True, echo_update=False)

    def __init__(self, **options: Any) -> None:
        super().__init__(continuous_update=False, **options)

    @classmethod
    def field(cls, label: str, placeholder: str) -> SecretText:
        """One that looks like the other fields of a form."""
        return cls(description=label, placeholder=placeholder, style=LABEL, layout=FIELD)

    def get_state(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The widget's state, with an empty value whatever was typed."""
        state: dict[str, Any] = super().get_state(*args, **kwargs)
        return {**state, "value": ""} if "value" in state else state

    def take(self) -> Secret:
        """What was typed; the field is empty afterwards, here and in the browser."""
        secret = Secret(self.value)
        self.value = ""
        return secret


class NewSecret:
    """Two fields for a new password, which must agree.

    Args:
        label: of the first one.
    """

    def __init__(self, label: str) -> None:
        self._first = SecretText.field(label, "6 to 72 bytes")
        self._again = SecretText.field("Once more", "the same again, then Enter")
        self.fields = [self._first, self._again]

    def is_complete(self) -> bool:
        """Whether both hold the same, and a password may be like that."""
        return bool(self._first.value) and self._again.value == self._first.value and not self.problem()

    def problem(self) -> str:
        """What is wrong with what was typed so far; empty where nothing."""
        if self._first.value and (problem := problem_with_password(Secret(self._first.value))):
            return problem
        differ = self._again.value and self._first.value != self._again.value
        return "the two passwords are not the same" if differ else ""

    def take(self) -> Secret:
        """What was typed; the fields are empty afterwards.

        Raises:
            ParameterError: the two are not the same.
        """
        first, again = (field.take() for field in self.fields)
        if first != again:
            raise ParameterError("the two passwords are not the same; nothing was sent")
        return first

    def forget(self) -> None:
        """Empty both fields."""
        for field in self.fields:
            field.take()
