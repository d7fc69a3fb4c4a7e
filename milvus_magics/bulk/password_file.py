"""The private file with the passwords that were made up for many users."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Sequence
from typing import TextIO

from milvus_magics.bulk.results import UserRow
from milvus_magics.private_file import PrivateFile
from milvus_magics.wording import join_parts


class PasswordFile:
    """A private CSV file with the passwords of users who may be there.

    It is there with all of them before the first change, so whatever happens then, no password is lost.

    Args:
        path: where; there must be no such file.
        rows: of which the generated passwords are written.
        dry_run: only see whether it can be made.

    Raises:
        ParameterError: there is such a file already, or none can be made.
    """

    def __init__(self, path: str, rows: Sequence[UserRow], *, dry_run: bool = False) -> None:
        self._rows, self._asked_path, self._file = rows, path, PrivateFile(path)
        with self._file.create("nothing was sent", dry_run=dry_run) as stream:
            write_passwords(stream, rows)

    @property
    def path(self) -> str:
        """Where it stands; empty if it was moved or deleted."""
        return self._file.path if self._file.is_in_place else ""

    def keep_only(self, users: Collection[str]) -> str:
        """Leave only these users' passwords in it, or no file; returns what stands against it, else nothing."""
        rows = [row for row in self._rows if row.user in users]
        if not rows:
            self._file.remove()  # the same line can be run again
            return ""
        try:
            with self._file.replace() as stream:
                write_passwords(stream, rows)
        except OSError as exc:
            return self._describe_problem(exc)
        return "" if self.path == self._asked_path else f"another file took the place of {self._asked_path!r}"

    def _describe_problem(self, exc: OSError) -> str:
        problem = f"{self._asked_path!r} cannot be written anew: {exc.strerror}"
        if self._file.is_in_place:
            return join_parts(problem, "it holds the passwords of all users, also of those who were not created")
        return join_parts(problem, "it was moved or deleted")


def write_passwords(stream: TextIO, rows: Iterable[UserRow]) -> None:
    """Write the users whose passwords were made up, with those, as CSV."""
    table = csv.writer(stream)
    table.writerow(["user", "password"])
    table.writerows([row.user, row.password.reveal()] for row in rows if row.password is not None and row.generated)
