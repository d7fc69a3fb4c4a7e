"""The marks of the picture: what somebody sees, reads, writes, administers and drops, at one place or at many."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from itertools import chain, groupby
from typing import NamedTuple

from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.client import privilege_catalog as catalog
from milvus_magics.client.names import ROOT
from milvus_magics.client.privilege_catalog import ALL
from milvus_magics.client.rights.right import EVERYTHING, UNLISTED, Right, is_any
from milvus_magics.client.rights.rules import is_pattern
from milvus_magics.display.marks import ADMINISTERS, DROPS, EVERY, KINDS, NONE, READS, SEES, SOME, UNKNOWN, WRITES, Mark

READING = frozenset({"Query", "Search"})  # what brings the data themselves
DROPPING = catalog.DROPPING | {"DropDatabase"}
# Privileges that tell about things, and not what is in them. Most of them `public` brings to everybody.
_SEEING = re.compile("(Describe|Get|Has|List|Select|Show|View)[A-Z]|IndexDetail$")
LEVELS = ("Collection", "Database", "Cluster")
Marks = tuple[Mark, ...]


class Place(NamedTuple):
    """Where somebody may do something: a collection, or a whole database."""

    db: str
    collection: str | None = None


class Share(NamedTuple):
    """Which privileges are enough for something at a place: those certain, and those that perhaps are."""

    certain: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()


Range = tuple[frozenset[str], ...]  # the privileges of each kind of mark, in their order


def sort_privileges(privileges: Sequence[str], groups: Mapping[str, Sequence[str]]) -> Range:
    """Tell for each kind of mark which of some privileges it stands for."""
    sorted_ones: dict[str, set[str]] = {kind.name: set() for kind in KINDS}
    for name in privileges:
        sorted_ones[_kind_of_mark(name, groups)].add(name)
    return tuple(frozenset(sorted_ones[kind.name]) for kind in KINDS)


def _kind_of_mark(privilege: str, groups: Mapping[str, Sequence[str]]) -> str:
    """The kind of mark that stands for a privilege: the catalogue decides, and for what is newer the server."""
    if privilege in READING:
        return READS
    if privilege in DROPPING:
        return DROPS
    if _SEEING.match(privilege):
        return SEES
    for level in LEVELS:
        if privilege in catalog.USUAL[level, "Admin"].split():
            return ADMINISTERS
        if privilege in (*catalog.USUAL[level, "ReadWrite"].split(), *groups.get(f"{level}ReadWrite", ())):
            return WRITES
    return ADMINISTERS


def list_by_level(snapshot: AccessSnapshot) -> dict[str, list[str]]:
    """The privileges that a server has and asks for, by what they are about."""
    groups, rules = snapshot.groups, snapshot.rules
    listed = {name for level in LEVELS for name in groups.get(f"{level}Admin", ())}
    # Of what came later the server knows best; 2.6 has these and no group that holds them.
    unsure = catalog.FILE_RESOURCES if listed else frozenset()
    there = listed | (set(catalog.list_privileges(snapshot.version)) - unsure)
    there -= {catalog.ALL_PRIVILEGES, *catalog.USUAL_GROUPS, *catalog.OLD_GROUPS}
    by_level: dict[str, list[str]] = {level: [] for level in LEVELS}
    for name in filter(rules.is_needed, sorted(there)):
        by_level[_level_of(name, groups)].append(name)
    return by_level


def _level_of(privilege: str, groups: Mapping[str, Sequence[str]]) -> str:
    """What a privilege is about; dropping and renaming are about the collection that then isn't there."""
    if privilege in catalog.DROPPING:
        return "Collection"
    known = (level for level in LEVELS if privilege in catalog.LEVELS[level])
    told = (level for level in LEVELS if privilege in groups.get(f"{level}Admin", ()))
    return next(chain(known, told), "Cluster")


class RightsIndex:
    """The rights of each role: those on all things, on single ones, and on those like a pattern."""

    def __init__(self, snapshot: AccessSnapshot) -> None:
        self.rights_on_all: dict[str, list[Right]] = {}
        self.rights_on_one: dict[str, dict[str, list[Right]]] = {}
        self.rights_by_pattern: dict[str, list[Right]] = {}
        for role in {*snapshot.roles, *snapshot.sources_of(""), *snapshot.sources_of(ROOT)}:
            all_ = self.rights_on_all[role] = []
            ones: dict[str, list[Right]] = {}
            self.rights_on_one[role] = ones
            patterns = self.rights_by_pattern[role] = []
            for right in snapshot.rights_of_role(role):
                if right.object_name in (ALL, ""):
                    all_.append(right)
                elif is_pattern(right.object_name):
                    patterns.append(right)
                else:
                    ones.setdefault(right.object_name, []).append(right)


class MarkFinder:
    """Finds what some roles may do at the places of one column. What each role brings is worked out once."""

    def __init__(self, snapshot: AccessSnapshot, index: RightsIndex, places: Sequence[Place], kinds: Range) -> None:
        self.snapshot, self._index, self.places, self.kinds = snapshot, index, tuple(places), kinds
        self.privileges = frozenset(chain.from_iterable(kinds))
        self._unseen = frozenset(
            place for place in places if snapshot.may_be_granted_unseen(place.collection, place.db, place.db)
        )
        self._by_db = [(db, tuple(same)) for db, same in groupby(self.places, key=lambda place: place.db)]
        self._first_place = {db: same[0] for db, same in self._by_db}
        self._share_everywhere = cache(self._find_share_everywhere)
        self._special_shares = cache(self._find_special_shares)
        self._counted_database = cache(lambda name, db: snapshot.rules.counted_database(name, db, db))
        self._names = cache(lambda place: snapshot.names_of(place.collection, place.db))

    def find_marks(self, roles: tuple[str, ...]) -> Marks:
        """What some roles together bring, for each kind of mark."""
        may_hold_more = self.snapshot.may_hold_more(roles)
        found: Counter[tuple[int, ...]] = Counter()
        for db, places in self._by_db:
            usual = [self._share_everywhere(role, db) for role in roles]
            special = [self._special_shares(role).get(db, {}) for role in roles]
            apart = {*chain.from_iterable(special), *(place for place in self._unseen if place.db == db)}
            found[self._extents(usual, is_open=may_hold_more)] += len(places) - len(apart)
            for place in apart:
                shares = [*usual, *(of_role[place] for of_role in special if place in of_role)]
                found[self._extents(shares, is_open=may_hold_more or place in self._unseen)] += 1
        return tuple(_sum_up(number, found) for number in range(len(KINDS)))

    def rights_of(self, role: str) -> list[Right]:
        """A role's rights that bring, or may bring, something at one of the places."""
        ones, patterns = self._index.rights_on_one.get(role, {}), self._index.rights_by_pattern.get(role, ())
        names = ones if self.places[0].collection is None else ones.keys() & self._places_by_name.keys()
        near = chain(self._index.rights_on_all.get(role, ()), *(ones[name] for name in sorted(names)), patterns)
        return [right for right in near if self.brings_something(right)]

    def brings_something(self, right: Right) -> bool:
        """Whether a right brings, or may bring, something at one of the places."""
        return any(share != Share() for share in self.shares_of(right))

    def shares_of(self, right: Right) -> Iterator[Share]:
        """What one right brings, at each of the places that may differ."""
        if self._names_of_privilege(right):
            for place in self._places_of(right):
                yield self._share_of([right], place)

    def _places_of(self, right: Right) -> Iterable[Place]:
        name = right.object_name
        if name in (ALL, "") or self.places[0].collection is None:
            return self._first_place.values()
        return self.places if is_pattern(name) else self._places_by_name.get(name, ())

    @cached_property
    def _places_by_name(self) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = {}
        for place in self.places:
            for name in self._names(place):
                found.setdefault(name or "", []).append(place)
        return found

    def _names_of_privilege(self, right: Right) -> frozenset[str]:
        """Which of the privileges a right may bring."""
        if right.privilege in (ALL, EVERYTHING, UNLISTED):
            return self.privileges
        return frozenset((right.privilege,)) & self.privileges

    def _extents(self, shares: Sequence[Share], *, is_open: bool) -> tuple[int, ...]:
        certain = frozenset().union(*(share.certain for share in shares))
        doubtful = frozenset().union(*(share.doubtful for share in shares))
        return tuple(_extent(names, certain, doubtful, is_open) for names in self.kinds)

    def _find_share_everywhere(self, role: str, db: str) -> Share:
        """What a role brings at each place of a database, by rights that are on no single thing."""
        return self._share_of(self._index.rights_on_all.get(role, ()), self._first_place[db])

    def _find_special_shares(self, role: str) -> dict[str, dict[Place, Share]]:
        """What a role brings at single places, by database."""
        on_one, patterns = self._index.rights_on_one.get(role, {}), self._index.rights_by_pattern.get(role, [])
        if self.places[0].collection is None:
            places: Iterable[Place] = self.places if on_one or patterns else ()
        else:
            named = chain.from_iterable(self._places_by_name.get(name, ()) for name in on_one)
            places = self.places if patterns else dict.fromkeys(named)
        shares: dict[str, dict[Place, Share]] = {}
        for place in places:
            names = self._names(place) if place.collection is not None else on_one
            rights = [*patterns, *chain.from_iterable(on_one.get(name or "", ()) for name in names)]
            share = self._share_of(rights, place)
            if share != Share():
                shares.setdefault(place.db, {})[place] = share
        return shares

    def _share_of(self, rights: Sequence[Right], place: Place) -> Share:
        certain: set[str] = set()
        doubtful: set[str] = set()
        for right in rights:
            for name in self._names_of_privilege(right):
                answer = self._is_permitted(right, name, place)
                if answer is not False:
                    (certain if answer else doubtful).add(name)
        return Share(frozenset(certain), frozenset(doubtful))

    def _is_permitted(self, right: Right, privilege: str, place: Place) -> bool | None:
        db = self._counted_database(privilege, place.db)
        names = (None,) if privilege in catalog.ON_USERS else self._names(place)
        return is_any(right.permits(privilege, name, db) for name in names)


def _extent(names: frozenset[str], certain: frozenset[str], doubtful: frozenset[str], is_open: bool) -> int:
    """How many of some privileges there are: none, some, every one; or that cannot be told."""
    if not names or not (found := names & certain):
        return UNKNOWN if names and (is_open or names & doubtful) else NONE
    return EVERY if len(found) == len(names) else SOME


def _sum_up(number: int, found: Mapping[tuple[int, ...], int]) -> Mark:
    """The mark for many places: at how many there is something, and whether that is everything there."""
    counts: Counter[int] = Counter()
    for extents, count in found.items():
        counts[extents[number]] += count
    count = counts[SOME] + counts[EVERY]
    if not count:
        return Mark(UNKNOWN if counts[UNKNOWN] else NONE)
    return Mark(SOME if counts[SOME] else EVERY, count)
