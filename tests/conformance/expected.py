"""In what servers differ, as far as a test looks at it: the one place where an expectation depends on the version."""

import re
from dataclasses import dataclass

NEWEST = (99,)


@dataclass(frozen=True)
class Trait:
    """What servers have from a version on.

    Attributes:
        since: the first version that has it; empty = it depends on a setting.
        without: what is said of a server that lacks it, with the reason.
    """

    since: tuple
    without: str


TRAITS = {
    "authorization": Trait((), "authorization is off: everybody may do everything, and any login passes"),
    "visible only": Trait((2, 5), "lists of databases and collections hold everything (from 2.5 what the caller sees)"),
    "backup": Trait(
        (2, 4, 10), "no hashes of passwords: a dropped user comes back with a new one, many are not made by one request"
    ),
    "groups": Trait((2, 4, 16), "no groups of privileges (from 2.4.16)"),
    "newer grants": Trait((2, 4, 18), "grants are made in the older way, on an object (from 2.4.18 on a collection)"),
    "longer names": Trait((2, 6), "no `.` and `-` in names of users (from 2.6)"),
    "trimmed names": Trait((2, 6), "names of users are taken byte for byte (from 2.6 without outer blanks)"),
    "forced drop": Trait((2, 6), "a role's grants are revoked one by one before it is dropped (from 2.6 together)"),
    "aliases": Trait((2, 6, 12), "a grant on an alias is kept on the alias (from 2.6.12 on its collection)"),
    "descriptions": Trait((2, 6, 19), "keeps no descriptions of users and roles (from 2.6.19)"),
    "cluster in *": Trait((3,), "rights on the cluster count where they are granted (from 3.0 in database `*` only)"),
}


def number_of(version):
    """`"v2.3.5-lite"` -> `(2, 3, 5)`; a version that has no number, as builds of a branch, is taken for the newest."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    return tuple(int(part or 0) for part in found.groups()) if found else NEWEST


def has(name, number, authorization):
    """Whether a server is expected to have that trait."""
    return authorization if name == "authorization" else number >= TRAITS[name].since
