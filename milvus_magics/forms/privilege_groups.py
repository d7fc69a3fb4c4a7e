"""The forms for groups of privileges: one editor for what a group holds, and one that drops a group."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from milvus_magics.client import group_members, privilege_groups
from milvus_magics.client.grants.purposes import offer_members
from milvus_magics.client.grants.scope import Groups, read_groups_if_any
from milvus_magics.client.names import problem_with_group_name
from milvus_magics.client.privilege_catalog import USUAL_GROUPS
from milvus_magics.errors import MilvusException
from milvus_magics.forms.check_list import ALL, NONE, SOME, Choice
from milvus_magics.forms.choice_fields import ChangesField
from milvus_magics.forms.fields import Field, NameField, NewNameField
from milvus_magics.forms.form import NO_HINT, Form, Hint
from milvus_magics.forms.secret_fields import ConfirmationField
from milvus_magics.transport.deadline import Deadline

WORDS = ("is in it", "not known whether it is in it", "will be added", "will be removed")
CHOOSE = "Choose a group to see what it holds."


class OwnGroupField(NameField):
    """A group that somebody made: nobody can change Milvus's own."""

    def offer(self, names: Any) -> None:
        """Offer the names that there are; of Milvus's own, it says why they cannot be changed."""
        listed = tuple(names)
        super().offer(name for name in listed if name not in USUAL_GROUPS)
        self.names = listed


def _members(takes: bool = False, fault: str = "Tick what it shall hold") -> ChangesField:
    return ChangesField("privileges", "Privileges", fault, takes=takes, words=list(WORDS), note=CHOOSE)


class PrivilegeGroupForm(Form):
    """What a group holds: ticking puts it in, and ticking off takes it out."""

    FUNCTION: ClassVar[Callable[..., object]] = staticmethod(privilege_groups.add_privileges_to_group)
    PREVIEW = staticmethod(group_members.preview_group_members)
    TITLE = "Change privilege group"
    MAGIC = "%milvus_add_privileges_to_group G P"
    BUSY = "Changing…"
    CHECK = "check with %milvus_list_privilege_groups"
    IS_NEW = False
    FIELDS: tuple[Field, ...] = (
        OwnGroupField("group", "Group"),
        _members(),
        ConfirmationField(is_always_shown=False),
    )
    KEEP_FIELDS: tuple[str, ...] = ("group",)

    def __init__(self, *args: Any, **options: Any) -> None:
        self._groups: Groups | None = {}
        super().__init__(*args, **options)

    @property
    def _wishes(self) -> Mapping[str, bool]:
        return self.fields["privileges"].wishes  # type: ignore[attr-defined, no-any-return]

    def _changes(self) -> tuple[list[str], list[str]]:
        """What is put in, and what is taken out."""
        return [name for name, into in self._wishes.items() if into], [
            name for name, into in self._wishes.items() if not into
        ]

    def _read_names(self) -> str:
        """Offer the names that there are, and what the group holds now; why that cannot be done, or nothing."""
        problem = super()._read_names()
        self._read_groups()
        self._offer()
        return problem

    def _read_groups(self) -> None:
        """Read what all groups hold; why that cannot be done is told with their names."""
        try:
            self._groups = read_groups_if_any(self._conn, Deadline(self._timeout))
        except MilvusException:
            self._groups = None

    def _on_input(self, field: Field, change: dict[str, Any]) -> None:
        if not self._acting.locked() and field.name == "group":
            if field.is_listed and field.value not in (self._groups or {}):
                self._read_groups()  # it was made since
            self._offer()
        super()._on_input(field, change)

    def _offer(self) -> None:
        """Offer what a group can hold, with what the chosen one does."""
        field: Any = self.fields["privileges"]
        groups, group = self._groups or {}, self.fields["group"].value
        if self.IS_NEW:
            field.show(self._choices((), NONE))
        elif group in groups:
            field.show(self._choices(groups[group], NONE))
        else:  # where names cannot be listed, nobody knows what it holds
            is_open = bool(group) and not self.fields["group"].names
            field.show(self._choices((), SOME) if is_open else [])

    def _choices(self, members: Sequence[str], other: str) -> list[tuple[str, list[Choice]]]:
        """What a group can hold, ticked if it does; `other` is the state of all else."""
        offers = offer_members(self._conn.version)
        listed = {name for pairs in offers.values() for name, _ in pairs}
        others = [(name, "") for name in members if name not in listed]
        rows = [*offers.items(), *([("Besides", others)] if others else [])]
        return [(purpose, [Choice(name, word, ALL if name in members else other) for name, word in pairs])
                for purpose, pairs in rows]  # fmt: skip

    def _preview_values(self) -> dict[str, Any]:
        added, removed = self._changes()
        return {"group": self.fields["group"].value, "added": added, "removed": removed, "is_new": self.IS_NEW}

    def _hint(self) -> Hint:
        warning = ""
        try:
            if self.fields["group"].value and not any(self.fields["group"].faults()) and (self._wishes or self.IS_NEW):
                preview = self._preview(**self._preview_values())
                warning = preview.warning
                text, kind = self._hint_of(preview)
                return text, "warning" if False in self._wishes.values() else kind
        finally:
            self.fields["confirmation"].is_shown = bool(warning)
        return NO_HINT

    def _needs_confirmation(self, values: dict[str, Any]) -> bool:
        return bool(self._preview(**self._preview_values()).warning)

    def _update(self) -> None:
        super()._update()
        self.buttons[self.TITLE].button_style = "danger" if False in self._wishes.values() else "primary"

    def _run(self, *_: Any, **__: Any) -> object:
        values = self._preview_values()
        return group_members.change_group_members(self._conn, **values, timeout=self._timeout)


class RemovePrivilegesFromGroupForm(PrivilegeGroupForm):
    """The same editor; privileges that are given beforehand are ticked off."""

    FUNCTION = staticmethod(privilege_groups.remove_privileges_from_group)
    TITLE = PrivilegeGroupForm.TITLE
    MAGIC = "%milvus_remove_privileges_from_group G P"
    FIELDS = (OwnGroupField("group", "Group"), _members(takes=True), ConfirmationField(is_always_shown=False))


class CreatePrivilegeGroupForm(PrivilegeGroupForm):
    """Create a group with what it shall hold."""

    FUNCTION = staticmethod(privilege_groups.create_privilege_group)
    MAGIC = "%milvus_create_privilege_group G"
    BUSY = "Creating…"
    IS_NEW = True
    FIELDS = (
        NewNameField("group", "Group", "letters, digits and _; a letter or _ comes first", problem_with_group_name),
        _members(fault=""),
        ConfirmationField(is_always_shown=False),
    )
    KEEP_FIELDS: tuple[str, ...] = ()

    def _hint(self) -> Hint:
        """What would happen, unless it is said beside the name already why it would not."""
        return NO_HINT if any(self.fields["group"].problems()) else super()._hint()

    def _read_names(self) -> str:
        """Offer what it may hold; why no group can be created, or nothing."""
        super()._read_names()
        try:
            privilege_groups.list_privilege_groups(self._conn, timeout=self._timeout)
        except MilvusException as exc:
            return str(exc)
        return ""


class DropPrivilegeGroupForm(Form):
    """Drop a group that no role holds; its name is typed twice."""

    FUNCTION = staticmethod(privilege_groups.drop_privilege_group)
    PREVIEW = staticmethod(privilege_groups.preview_drop_privilege_group)
    MAGIC = "%milvus_drop_privilege_group G"
    BUSY = "Dropping…"
    CHECK = "check with %milvus_list_privilege_groups"
    FIELDS = (OwnGroupField("group", "Group"), ConfirmationField())

    def _preview_hint(self) -> Hint:
        return self._hint_of(self._preview(group=self.fields["group"].value))
