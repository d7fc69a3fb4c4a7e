"""The forms for groups of privileges: one editor for what a group holds, and one that drops a group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from milvus_magics.client import group_members, privilege_groups
from milvus_magics.client.grants.purposes import offer_members
from milvus_magics.client.grants.scope import read_groups_if_any, why_no_groups
from milvus_magics.client.names import problem_with_group_name
from milvus_magics.client.privilege_catalog import USUAL_GROUPS
from milvus_magics.errors import MilvusException, Outcome
from milvus_magics.forms.changes_form import ChangesForm
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


class GroupForm(Form, is_registered=False):
    """A form that says so where the server has no privilege groups, and takes no input there."""

    FUNCTION: ClassVar[Callable[..., object]] = staticmethod(privilege_groups.list_privilege_groups)  # or its own
    _is_supported = True

    def _show_server(self) -> None:
        super()._show_server()
        reason = why_no_groups(self._conn, Deadline(self._timeout))
        self._is_supported = not reason
        for widget in self._inputs:
            if hasattr(widget, "disabled"):
                widget.disabled = bool(reason)
        if reason:
            self.status.say(reason, "error")
        self._update()

    def _is_complete(self) -> bool:
        return self._is_supported and super()._is_complete()


def _members(takes: bool = False, fault: str = "Tick what it shall hold") -> ChangesField:
    return ChangesField("privileges", "Privileges", fault, takes=takes, words=list(WORDS), note=CHOOSE)


class PrivilegeGroupForm(GroupForm, ChangesForm):
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
    PLACES: tuple[str, ...] = ("group",)
    IS_SO, IS_NOT_SO, LATER = (
        "{!r} is in it already",
        "{!r} is not in it",
        "{!r} can be ticked once a group is chosen",
    )

    def _changes(self) -> tuple[list[str], list[str]]:
        """What is put in, and what is taken out."""
        return [name for name, into in self._pending.items() if into], [
            name for name, into in self._pending.items() if not into
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
            self._groups = self._groups or None

    def _read_place(self) -> None:
        field = self.fields["group"]
        if field.is_listed and field.value not in (self._groups or {}):
            self._read_groups()  # it was made since
        self._offer()

    def _forget_place(self) -> None:
        self._read_groups()

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
            if self.fields["group"].value and not any(self.fields["group"].faults()) and (self._pending or self.IS_NEW):
                preview = self._preview(**self._preview_values())
                warning = preview.warning
                text, kind = self._hint_of(preview)
                return text, "warning" if False in self._pending.values() else kind
        finally:
            self.fields["confirmation"].is_shown = bool(warning)
        return NO_HINT

    def _needs_confirmation(self, values: dict[str, Any]) -> bool:
        return bool(self._preview(**self._preview_values()).warning)

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
    PLACES: tuple[str, ...] = ()  # what is ticked is for whatever name it gets
    _made = ""  # a group that was created, and then could not be filled

    def _preview_values(self) -> dict[str, Any]:
        values = super()._preview_values()
        return {**values, "is_new": values["group"] != self._made}

    def _run(self, *_: Any, **__: Any) -> object:
        try:
            return super()._run()
        except MilvusException as exc:
            if exc.outcome is Outcome.CHANGED:  # pressed again, it goes on with filling
                self._made = self.fields["group"].value
            raise

    def _hint(self) -> Hint:
        """What would happen, unless it is said beside the name already why it would not."""
        return NO_HINT if any(self.fields["group"].problems()) else super()._hint()


class DropPrivilegeGroupForm(GroupForm):
    """Drop a group that no role holds; its name is typed twice."""

    FUNCTION = staticmethod(privilege_groups.drop_privilege_group)
    PREVIEW = staticmethod(privilege_groups.preview_drop_privilege_group)
    MAGIC = "%milvus_drop_privilege_group G"
    BUSY = "Dropping…"
    CHECK = "check with %milvus_list_privilege_groups"
    FIELDS = (OwnGroupField("group", "Group"), ConfirmationField())

    def _preview_hint(self) -> Hint:
        return self._hint_of(self._preview(group=self.fields["group"].value))
