"""What the forms share in which boxes are ticked where something is so, and ticking them changes that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from milvus_magics.client.grants.scope import Groups, require_known_privilege
from milvus_magics.client.privilege_catalog import KNOWN, OLD_GROUPS, suggest_privilege
from milvus_magics.errors import DeadlineError, MilvusException, UnavailableError
from milvus_magics.forms.choice_fields import ChangesField
from milvus_magics.forms.fields import Field
from milvus_magics.forms.form import HINT_AFTER, Form
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import join_parts

NOT_HERE = "{!r} is nothing that can be ticked here"
UNANSWERED = (UnavailableError, DeadlineError)


class ChangesForm(Form, is_registered=False):
    """Boxes for privileges, each for one place: what was ticked for one is not for another.

    Attributes:
        PLACES: names of the fields that say of what the boxes tell.
        SYNONYMS: what a line of a magic calls its fields -> what the form does.
        IS_SO: what is said of a name given beforehand that is so already, with `{!r}` for the name as in the others.
        IS_NOT_SO: what is said of one that shall be taken, and is not there.
        LATER: what is said of one while there is nothing to tick.
    """

    FUNCTION: ClassVar[Callable[..., object]] = staticmethod(require_known_privilege)  # each form has its own
    PLACES: tuple[str, ...] = ()
    SYNONYMS: ClassVar[dict[str, str]] = {}
    IS_SO, IS_NOT_SO, LATER = "", "", ""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._groups: Groups | None = {}
        self._is_filling = self._is_stale = False
        super().__init__(*args, **options)

    @property
    def _boxes(self) -> ChangesField:
        return self.fields["privileges"]  # type: ignore[return-value]

    @property
    def _pending(self) -> Mapping[str, bool]:
        """What is ticked otherwise than it is: name -> whether it shall be so."""
        return self._boxes.wishes

    def fill(self, **values: Any) -> None:
        """Put values into the fields of these names; of privileges that cannot be ticked, it says why."""
        given = {self.SYNONYMS.get(name, name): value for name, value in values.items() if value is not None}
        self._is_filling = True
        try:
            for field in self.FIELDS:  # what is offered in one depends on those above it
                if field.name in given:
                    super().fill(**{field.name: given[field.name]})
        finally:
            self._is_filling = False
        names = given.get("privileges", ())
        self._tell_left_out((names,) if isinstance(names, str) else names)

    def submit(self, title: str = "") -> None:
        """Do what the button with this title does, as `Form.submit`."""
        if self._is_stale and not self._acting.locked():
            self._read_again()
        super().submit(title)

    def _read_place(self) -> None:
        """Read what is so at the chosen place, if that was not done yet, and offer it."""
        raise NotImplementedError

    def _read_again(self) -> None:
        """Read what is so now, whatever was read before; wishes that came true are none any more."""
        self._is_stale = False
        self._forget_place()
        self._read_place()

    def _forget_place(self) -> None:
        """Have `_read_place` read everything."""
        raise NotImplementedError

    def _on_input(self, field: Field, change: dict[str, Any]) -> None:
        if not self._acting.locked() and field.name in self.PLACES:
            if not self._is_filling:
                self._boxes.clear()  # they were ticked for another place
            self._read_place()
        super()._on_input(field, change)

    def _outcome(self, function: Callable[..., object]) -> tuple[str, str]:
        outcome = super()._outcome(function)
        if self.failure is None or self.failure in HINT_AFTER:
            return outcome
        if issubclass(self.failure, UNANSWERED):
            self._is_stale = True  # who did not answer is asked once more when the button is pressed
        else:  # a part of it may be done
            self._read_again()
            self._show_hint()
        return outcome

    def _update(self) -> None:
        super()._update()
        self.buttons[self.TITLE].button_style = "danger" if False in self._pending.values() else "primary"

    def _tell_left_out(self, names: Iterable[str]) -> None:
        """Say below the boxes why some names that were given beforehand are not ticked."""
        left_out = dict.fromkeys(name for name in names if name and name not in self._pending)
        if left_out:
            self._boxes.remarks[0].say(join_parts(*map(self._why_left_out, left_out)), "warning")

    def _why_left_out(self, name: str) -> str:
        offered, is_chosen = self._boxes.keys, self._is_chosen_place()
        if name in offered and not self._boxes.takes:
            return self.IS_SO.format(name)
        if is_chosen and self._boxes.takes:
            hint = "" if name in KNOWN | OLD_GROUPS | offered.keys() else suggest_privilege(name, offered)
            return self.IS_NOT_SO.format(name) + hint
        try:
            require_known_privilege(self._conn, name, self._groups or {}, Deadline(self._timeout))
        except MilvusException as exc:
            return exc.reason
        return NOT_HERE.format(name) if is_chosen else self.LATER.format(name)

    def _is_chosen_place(self) -> bool:
        """Whether it is chosen of what the boxes tell."""
        return all(self.fields[name].value for name in self.PLACES)
