"""The forms for what a role may do: one editor, which begins with everything, or with what the role holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, ClassVar

import ipywidgets as widgets

from milvus_magics.client import lookup, privileges
from milvus_magics.client.grants.changes import PrivilegeOn, change_grants, on_listed, preview_change_grants
from milvus_magics.client.grants.listing import list_grants
from milvus_magics.client.grants.purposes import Place, is_on_collections, offer_privileges
from milvus_magics.client.grants.scope import read_groups_if_any
from milvus_magics.client.privilege_catalog import ALL, DEFAULT_DATABASE, kind_of
from milvus_magics.client.results.privileges import Grant
from milvus_magics.client.rights.rules import Rules
from milvus_magics.client.rights.sources import Sources
from milvus_magics.errors import MilvusException, PermissionDeniedError, UnknownDatabaseError
from milvus_magics.forms.changes_form import ChangesForm
from milvus_magics.forms.check_list import NONE, SOME, Choice
from milvus_magics.forms.choice_fields import ChangesField, ChoiceField, ChoicesField, state_of
from milvus_magics.forms.fields import Field, NameField
from milvus_magics.forms.form import NO_HINT, Hint
from milvus_magics.forms.secret_fields import ConfirmationField
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import list_text, printable, sentences

TITLE = "Change privileges"
ANY_DATABASE, ANY_COLLECTION = "all databases", "all collections"
CHOOSE = "Choose a role, a database and collections to see what can be granted there."
HOLDS_NOTHING = "The role holds nothing there."
OTHERS = "Other"
EVERYTHING, ONLY_HELD = "everything", "what it has"
NOT_LISTED = "a name that is not in the list"
PLACES = ("role", "db", "collections")


class DatabaseField(ChoiceField):
    """The databases that there are, and all of them as one."""

    def offer(self, names: Iterable[str]) -> None:
        """Offer the names that there are."""
        self.names = tuple(names)
        self.show([("", [*map(Choice, self.names), Choice(ALL, ANY_DATABASE)])])


class PrivilegesForm(ChangesForm, is_registered=False):
    """What a role may do on something: what it holds is ticked; ticking grants, and ticking off revokes.

    Attributes:
        view: chooses whether everything is offered that can be granted there, or only what the role holds.
    """

    FUNCTION: ClassVar[Callable[..., object]] = staticmethod(privileges.grant_privilege)  # each form has its own
    PREVIEW = staticmethod(preview_change_grants)
    WHOM = "Change privileges of {role}"
    BUSY = "Changing…"
    CHECK = "check with %milvus_list_grants"
    VIEW = EVERYTHING
    FIELDS: tuple[Field, ...] = ()
    KEEP_FIELDS = PLACES = PLACES
    IS_SO, IS_NOT_SO = "the role has {!r} there already", "the role doesn't have {!r} there"
    LATER = "{!r} can be ticked once a role, a database and collections are chosen"
    # What a line of a magic calls them.
    SYNONYMS: ClassVar[dict[str, str]] = {"collection": "collections", "privilege": "privileges"}

    def __init_subclass__(cls, is_registered: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(is_registered, **kwargs)
        cls.FILLABLE += tuple(cls.SYNONYMS)

    def __init__(self, *args: Any, **options: Any) -> None:
        self._held: Sequence[Grant] | None = ()
        self._sources: dict[str, Sources] = {}
        self._problem = ""
        self._role_read = self._db_read = ""
        super().__init__(*args, **options)
        self.fill(db=self._conn.address.db_name or DEFAULT_DATABASE)

    def _rows(self) -> list[widgets.Widget]:
        # Buttons, not a list: those work by keyboard in JupyterLab, too.
        self.view = widgets.ToggleButtons(
            description="Show", options=[EVERYTHING, ONLY_HELD], value=self.VIEW,
            style={"description_width": "10em", "button_width": "auto"},
        )  # fmt: skip
        self.view.observe(lambda _: self._offer(), "value")
        rows = super()._rows()
        rows.insert(rows.index(self.fields["privileges"].widget), self.view)
        return rows

    def _read_names(self) -> str:
        """Offer the names that there are, and what the role holds now; why that cannot be done, or nothing."""
        problem = super()._read_names()
        self._forget_place()
        self._read_place()
        return problem

    def _forget_place(self) -> None:
        """Have `_read_place` read everything."""
        self._role_read = self._db_read = ""

    def _read_place(self) -> None:
        """Read what the chosen role holds and what the chosen database has, if that was not done yet."""
        self._problem = ""
        role, db = self.fields["role"], self.fields["db"].value
        try:
            with self._hold():
                if db != self._db_read:
                    self._db_read = db
                    self._offer_collections(db)
                wanted = role.value if role.is_listed or not role.names else ""
                if wanted != self._role_read:
                    self._role_read = wanted
                    self._held = self._read_grants(wanted) if wanted else ()
                    self._groups = read_groups_if_any(self._conn, Deadline(self._timeout))
                    self._offer_collections(db)
        except MilvusException as exc:
            self._held, self._problem = None, exc.reason
        self._offer()

    def _read_grants(self, role: str) -> Sequence[Grant] | None:
        """What a role holds. None if the caller may not look."""
        try:
            return list_grants(self._conn, role, timeout=self._timeout)
        except PermissionDeniedError:
            return None

    def _offer_collections(self, db: str) -> None:
        """Offer the collections of a database, and those on which the role holds something though they are gone."""
        listed: list[str] = []
        if db not in ("", ALL):
            try:
                listed = lookup.list_collections(self._conn, db, Deadline(self._timeout))
            except UnknownDatabaseError:
                self._problem = f"There is no database {db!r}"
            except MilvusException as exc:
                self._problem = f"The collections cannot be listed: {exc.reason}"
        held = [grant.object_name for grant in self._held or () if grant.db == db and grant.object_type != "User"]
        names = sorted({*listed, *held} - {ALL, ""})
        choices = [Choice(name, "" if name in listed else "not there") for name in names if db != ALL]
        self.fields["collections"].show([("", [Choice(ALL, ANY_COLLECTION), *choices])])  # type: ignore[attr-defined]

    @property
    def _collections(self) -> tuple[str, ...]:
        """The chosen collections; all of them are not named beside others."""
        chosen: tuple[str, ...] = self.fields["collections"].value
        return (ALL,) if ALL in chosen else chosen

    def _offer(self) -> None:
        """Offer what can be granted on what is chosen, and what the role holds there."""
        field: Any = self.fields["privileges"]
        if not (self._role_read and self.fields["db"].value and self._collections):
            field.widget.note = CHOOSE
            field.show([])
            return
        field.widget.note = HOLDS_NOTHING
        self._find_sources()
        groups = [(purpose, [self._choice(*pair) for pair in pairs]) for purpose, pairs in self._offers().items()]
        if self.view.value == ONLY_HELD:
            groups = [(purpose, [each for each in row if each.state != NONE]) for purpose, row in groups]
        field.show(filter(itemgetter(1), groups))

    def _find_sources(self) -> None:
        """Find what the role's grants bring on each chosen collection."""
        held = Sources(Rules(self._conn.version, self._groups or {}), self._held or ())
        self._sources = {name: held.narrow(name, self.fields["db"].value) for name in self._collections}

    def _offers(self) -> dict[str, list[tuple[str, str]]]:
        place = Place(self._collections == (ALL,), self.fields["db"].value == ALL)
        offers = offer_privileges(self._conn.version, self._groups or {}, place)
        offered = {name for pairs in offers.values() for name, _ in pairs}
        others = {grant.privilege for grant in self._held or () if self._is_chosen(grant)} - offered
        more = [*offers.pop(OTHERS, []), *((name, "") for name in sorted(others))]
        return {**offers, OTHERS: more} if more else offers

    def _choice(self, privilege: str, word: str) -> Choice:
        if self._held is None:
            return Choice(privilege, word, SOME, "not known whether it has it")
        state = state_of([bool(self._grants_of(privilege, name)) for name in self._collections])
        return Choice(privilege, word, state, "" if state != NONE else self._wider_note(privilege))

    def _wider_note(self, privilege: str) -> str:
        """By what else the role has a privilege on all that is chosen; empty if it doesn't."""
        db, kind = self.fields["db"].value, kind_of(privilege) or "Global"
        covers = [
            sources.find_cover([Grant(self._role_read, privilege, kind, ALL if kind == "Global" else name, db)])
            for name, sources in self._sources.items()
        ]
        if not all(cover.is_whole and cover.is_certain for cover in covers):
            return ""
        grants = dict.fromkeys(grant for cover in covers for grant in cover.grants)
        return f"has it {list_text(list(dict.fromkeys(_way(privilege, db, grant) for grant in grants)))}"

    def _is_chosen(self, grant: Grant) -> bool:
        return any(_is_on(grant, self.fields["db"].value, name) for name in self._collections)

    def _grants_of(self, privilege: str, collection: str) -> list[Grant]:
        db = self.fields["db"].value
        return [each for each in self._held or () if each.privilege == privilege and _is_on(each, db, collection)]

    def _wishes(self) -> tuple[list[PrivilegeOn], list[PrivilegeOn]]:
        """What is to be granted, and what is to be revoked."""
        granted: list[PrivilegeOn] = []
        revoked: list[PrivilegeOn] = []
        for privilege, is_given in self._pending.items():
            for collection in self._collections:
                found = self._grants_of(privilege, collection)
                if is_given and not found:
                    granted.append(self._wish(privilege, collection))
                elif not is_given:
                    revoked += map(on_listed, found) if found else []
                    revoked += [self._wish(privilege, collection)] if self._held is None else []
        return list(dict.fromkeys(granted)), list(dict.fromkeys(revoked))

    def _wish(self, privilege: str, collection: str) -> PrivilegeOn:
        has_one = is_on_collections(self._conn.version, privilege, self._groups or {})
        return PrivilegeOn(privilege, collection if has_one else None, self.fields["db"].value)

    def _hint(self) -> Hint:
        granted, revoked = self._wishes()
        warning = ""
        try:
            if self._role_read and (granted or revoked):
                preview = self._preview(role=self._role_read, granted=granted, revoked=revoked)
                warning = preview.warning
                text, kind = self._hint_of(preview)
                # What the preview says anyway isn't said twice.
                is_said = self._problem.casefold() in text.casefold()
                return text if is_said else sentences(self._problem, text), "warning" if revoked else kind
        finally:
            self.fields["confirmation"].is_shown = bool(warning)
        return (self._problem, "warning") if self._problem else NO_HINT

    def _needs_confirmation(self, values: dict[str, Any]) -> bool:
        granted, revoked = self._wishes()
        return bool(self._preview(role=values["role"], granted=granted, revoked=revoked).warning)

    def _run(self, role: str, **_: Any) -> object:
        granted, revoked = self._wishes()
        return change_grants(self._conn, role, granted, revoked, timeout=self._timeout)


def _fields(takes: bool) -> tuple[Field, ...]:
    return (
        NameField("role", "Role"),
        DatabaseField("db", "Database", "Choose a database", kind="database", other=NOT_LISTED),
        ChoicesField("collections", "Collections", "Choose collections, or all of them", other=NOT_LISTED),
        ChangesField("privileges", "Privileges", "Tick what the role shall have, or tick off what it shall not",
                     takes=takes),
        ConfirmationField(is_always_shown=False),
    )  # fmt: skip


class GrantPrivilegeForm(PrivilegesForm):
    """Give a role privileges, with those it has ticked already."""

    FUNCTION = staticmethod(privileges.grant_privilege)
    TITLE = TITLE
    MAGIC = "%milvus_grant_privilege R PRIVILEGE --collection C"
    FIELDS = _fields(takes=False)


class RevokePrivilegeForm(PrivilegesForm):
    """Take privileges from a role, of those that it has."""

    FUNCTION = staticmethod(privileges.revoke_privilege)
    TITLE = TITLE
    MAGIC = "%milvus_revoke_privilege R PRIVILEGE --collection C"
    VIEW = ONLY_HELD
    FIELDS = _fields(takes=True)


def _is_on(grant: Grant, db: str, collection: str) -> bool:
    return grant.db == db and (grant.object_name or ALL) == collection


def _way(privilege: str, db: str, grant: Grant) -> str:
    """By which way a grant brings a privilege in a database, in words."""
    if grant.privilege == privilege and grant.object_name in (ALL, "") and grant.db in (ALL, db):
        return f"in {ANY_DATABASE}" if grant.db == ALL else f"on {ANY_COLLECTION}"
    return f"by {printable(grant.privilege)}"
