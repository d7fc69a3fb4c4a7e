"""In what servers differ, as far as a test looks at it: the one place where an expectation depends on the version."""

import re
from dataclasses import dataclass

NEWEST = (99,)


@dataclass(frozen=True)
class Trait:
    """What servers have from a version on.

    Attributes:
        since: the first version that has it; empty = it is a setting.
        without: a word for a server that lacks it.
        meaning: how that one is, and why.
    """

    since: tuple
    without: str
    meaning: str


TRAITS = {
    "authorization": Trait(
        (), "no checks", "authorization is switched off: any login passes, and everybody may do everything"
    ),
    "visible only": Trait(
        (2, 5), "shows all", "lists of databases and collections hold everything; from 2.5 on what the caller may see"
    ),
    "backup": Trait(
        (2, 4, 10), "no hashes",
        "hashes of passwords cannot be had, as from 2.4.10 on: a dropped user comes back with a new password, and many "
        "are not created by one request",
    ),
    "groups": Trait((2, 4, 16), "no groups", "there are no groups of privileges, which came with 2.4.16"),
    "newer grants": Trait(
        (2, 4, 18), "older grants",
        "privileges are granted in the older way, on objects; from 2.4.18 on with a collection and a database",
    ),
    "longer names": Trait((2, 6), "plain names", "names of users hold no `.` and no `-`, which 2.6 began to take"),
    "trimmed names": Trait(
        (2, 6), "names as given", "names of users are taken byte for byte; from 2.6 on without blanks around them"
    ),
    "forced drop": Trait(
        (2, 6), "drops in steps",
        "grants are revoked one by one before their role is dropped: forcing it is unknown, or takes those of others; "
        "from 2.6 on it is forced",
    ),
    "aliases": Trait(
        (2, 6, 12), "aliases apart", "a grant on an alias is kept on the alias; from 2.6.12 on on its collection"
    ),
    "descriptions": Trait(
        (2, 6, 19), "no descriptions", "users and roles have no descriptions, which are kept from 2.6.19 on"
    ),
    "cluster in *": Trait(
        (3,), "cluster anywhere",
        "rights on the cluster count in the database where they are granted; from 3.0 on in database `*` only",
    ),
}  # fmt: skip


def number_of(version):
    """`"v2.3.5-lite"` -> `(2, 3, 5)`; a version that has no number, as builds of a branch, is taken for the newest."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    return tuple(int(part or 0) for part in found.groups()) if found else NEWEST


def has(name, number, authorization):
    """Whether a server is expected to have that trait."""
    return authorization if name == "authorization" else number >= TRAITS[name].since
