"""Which version of Milvus has what, and the one way to compare versions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

MAX_LENGTH = 100  # of a version's text; what stands behind that is no version
# Feature -> the first version that has it. What is there with a method stands in its row of `wire.METHODS`.
FEATURES = {
    # 2.4.11 to 2.5 also drop the grants of all roles whose names only begin so; before, nothing is revoked.
    "forced role drop": "2.6",
    "groups of three": "2.4.10",  # `ReadOnly`, `ReadWrite` and `Admin`, which are no longer listed
    "rights by type": "2.4.16",  # a grant brings each privilege on its own type of object, whatever it is granted on
    "one list of grants": "2.5",  # SelectGrant in `*` lists all databases
    "lists of what the caller sees": "2.5",  # before, ListDatabases and ShowCollections held everything
    "grants on aliases": "2.6.12",  # they reach the collection
    "grants with companions": "2.5",  # Load and Flush bring what tells how far they are, and take it along
    "a setting for characters": "2.6",  # of names: proxy.nameValidation.allowedChars
    "dots in user names": "2.6",  # and hyphens
    "user names are trimmed": "2.6",  # after the checks of who it is, where one is changed or deleted
    "changes of access one by one": "2.6",  # under one lock, however many are in flight
    "roles are checked when restoring": "2.6",  # before, RestoreRBAC made users with roles that aren't there
    "file resources by type": "3.0",  # before, only the newer way of granting takes AddFileResource and so on
    "renaming by database": "3.0",  # RenameCollection is one of DatabaseAdmin; before, of ClusterAdmin
    "the request's database": "3.0",  # decides about rights; before, the connection's did, whatever was asked for
    "rights on the cluster in * only": "3.0",  # before, in the database of the connection
}


def has_feature(version: str, feature: str) -> bool:
    """Whether a server is new enough for one of `FEATURES`; one that doesn't tell its version is."""
    return not is_older(version, FEATURES[feature])


def is_older(version: str, since: str, *, if_unreadable: bool = False) -> bool:
    """Whether a server's version is older than another.

    Args:
        if_unreadable: the answer where the version cannot be read.
    """
    numbers = _numbers(version)
    return numbers < _numbers(since) if numbers else if_unreadable


def is_beyond(version: str, newest: Sequence[str]) -> bool:
    """Whether a version is newer than what is known of its series; one that cannot be read is.

    Args:
        newest: the newest version that is known of each series, such as `2.6.22` of 2.6, the oldest series first.
    """
    numbers, first, *others = map(_numbers, (version, *newest))
    return not numbers or numbers > next((known for known in others if known[:2] == numbers[:2]), first)


def _numbers(version: str) -> tuple[int, ...]:
    """The first numbers with dots between in a text like `v2.3.5-dev` or `2.4.16 or 2.5`."""
    return _read_numbers(version[:MAX_LENGTH])


@lru_cache(1_000)  # a picture of everybody's rights compares versions thousands of times
def _read_numbers(version: str) -> tuple[int, ...]:
    found = re.search(r"\d{1,9}(\.\d{1,9})+", version)
    return tuple(map(int, found[0].split("."))) if found else ()
