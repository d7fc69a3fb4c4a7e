"""The fields whose value is not for everybody: passwords, addresses that may hold one; and names that are retyped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ipywidgets import Password, Text
from traitlets import Bool, Unicode

from milvus_magics.client.names import problem_with_password
from milvus_magics.errors import NOTHING_SENT, ParameterError
from milvus_magics.forms import kernel_log
from milvus_magics.forms.fields import Field, Remark
from milvus_magics.secret import NoText, Secret
from milvus_magics.wording import printable

MAX_REPEATED = 40  # characters of a name; a longer one would fill the line
NOT_THE_SAME = "The two passwords are not the same"


class UnechoedText(Text):
    """A text that arrives once, when the field is left, and isn't sent back to the browsers."""

    value = Unicode("", help="What was typed.").tag(sync=True, echo_update=False)
    continuous_update = Bool(False, help="Whether it arrives letter by letter.").tag(sync=True)

    def __init__(self, *args: Any, **options: Any) -> None:
        kernel_log.mask_messages()  # before the first one comes
        super().__init__(*args, **{"model_id": kernel_log.new_field_id(), **options})


class SecretText(UnechoedText, Password):
    """ipywidgets' Password, but its value isn't in the widget state that a notebook is saved with, either."""

    def get_state(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The widget's state, with an empty value whatever was typed."""
        state: dict[str, Any] = super().get_state(*args, **kwargs)
        return {**state, "value": ""} if "value" in state else state


class UnechoedField(Field):
    """A text that may come with a password in it, like an address."""

    WIDGET = UnechoedText
    may_hold_secret = True

    def _write(self, value: Any) -> Any:
        if isinstance(value, NoText):  # of which ipywidgets' own error would show all
            raise ParameterError(f"{self._look['description']} is text, not {value.kind}", outcome=NOTHING_SENT)
        return value.reveal()


class SecretField(UnechoedField):
    """A password, which leaves the field before it is used."""

    TYPE, WIDGET = Secret, SecretText
    is_in_hint, is_secret, is_waited_for = False, True, False

    def faults(self) -> Sequence[str]:
        """That nothing was typed, or nothing."""
        return ["" if self.value else "Type the password"]


class NewSecretField(SecretField):
    """A new password, typed twice."""

    def __init__(self, name: str, label: str) -> None:
        super().__init__(name, label, "6–72 characters (no more than 72 bytes)")

    def build(self, first: Field) -> None:
        """Make both widgets."""
        super().build(first)
        again = {"description": "Confirm password", "placeholder": "the same again"}
        self.widgets.append(SecretText(**{**self._look, **again}))
        self.remarks.append(Remark())

    def _is_same(self) -> bool:
        first, again = self.widgets
        return bool(first.value == again.value)

    def faults(self) -> Sequence[str]:
        """Why a password may not be like the first, and that the second is not the same; or nothing."""
        if not self.value:
            return ["Type a new password", ""]
        again = "" if self._is_same() else NOT_THE_SAME if self.widgets[1].value else "Type it again"
        return [problem_with_password(self.value) or "", again]

    def take(self) -> Any:
        """What was typed, or ParameterError where the two are not the same; both are empty afterwards."""
        is_same = self._is_same()
        secret = super().take()
        if not is_same:
            raise ParameterError(NOT_THE_SAME, outcome=NOTHING_SENT)
        return secret


class ConfirmationField(Field):
    """The user retypes the name in the form's first field to confirm. It is shown always, or only where need be."""

    is_in_hint, is_secret = False, True

    def __init__(self, *, is_always_shown: bool = True) -> None:
        super().__init__("confirmation", "Confirm name")
        self._is_always_shown = is_always_shown

    def build(self, first: Field) -> None:
        """Make the widget."""
        super().build(first)
        self._confirmed = first
        self.is_shown = self._is_always_shown
        self._ask()
        first.widget.observe(self._ask, "value")

    def _ask(self, *_: object) -> None:
        name = printable(self._confirmed.value)
        self._what = name if 0 < len(name) <= MAX_REPEATED else "the name"
        self.widget.placeholder = f"type {self._what} to confirm"

    def faults(self) -> Sequence[str]:
        """That the name was not retyped, where it has to be; or nothing."""
        is_confirmed = not self.is_shown or bool(self.value and self.value == self._confirmed.value)
        return ["" if is_confirmed else f"Type {self._what} to confirm"]

    def problems(self) -> Sequence[str]:
        """Nothing: what is retyped letter by letter is another name until its last one."""
        return [""]
