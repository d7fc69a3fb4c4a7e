"""The passwords that this session made up, masked, per server and user, until the kernel ends."""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from milvus_magics.client.results.table import Sentence, Table
from milvus_magics.errors import MilvusException, Outcome
from milvus_magics.private_file import PrivateFile
from milvus_magics.secret import Secret
from milvus_magics.wording import count_text, join_parts

Key = tuple[str, str]  # (server, user)


@dataclass(frozen=True, repr=False)
class GeneratedPassword(Sentence):
    """The password that was made up for a user; `password` is masked, `password.reveal()` isn't."""

    user: str
    server: str
    password: Secret

    def __str__(self) -> str:
        return join_parts(f"password of {self.user!r} on {self.server}", ".password.reveal() shows it")


STALE = "one that was changed since, or whose user was deleted, no longer works"


class PasswordList(Table[GeneratedPassword]):
    """Passwords that were made up, masked."""

    noun = "password"
    columns = ("user", "server", "password")

    def write_file(self, path: str) -> None:
        """Write them into a new private .csv file; ParameterError if there is one, or none can be made."""
        with PrivateFile(path).create("nothing was written") as stream:
            table = csv.writer(stream)
            table.writerow(self.columns)
            table.writerows([row.user, row.server, row.password.reveal()] for row in self)


class GeneratedPasswords:
    """The passwords that were made up in a session; never one that was typed.

    Each is added before the request that needs it can be sent, so none is lost with an answer.
    """

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        # The last one is the newest. An older one counts again if the newer one turns out to be refused.
        self._secrets: dict[Key, list[Secret]] = {}

    def add(self, server: str, user: str, secret: Secret) -> None:
        """Keep a password that was made up for a user of a server."""
        with self._lock:
            self._secrets.setdefault((server, user), []).append(secret)

    def remove(self, server: str, user: str, secret: Secret) -> None:
        """Forget a password that the user certainly didn't get."""
        key = server, user
        with self._lock:
            others = [other for other in self._secrets.get(key, ()) if other != secret]
            if others:
                self._secrets[key] = others
            else:
                self._secrets.pop(key, None)

    @contextmanager
    def hold(self, server: str, user: str, secret: Secret) -> Iterator[None]:
        """Keep a password that the block gives to a user; one that is refused for certain is forgotten."""
        self.add(server, user, secret)
        try:
            yield
        except (MilvusException, KeyboardInterrupt) as exc:
            if is_refused(exc):
                self.remove(server, user, secret)
            raise

    def find(self, server: str, user: str) -> Secret | None:
        """The newest password that was made up for a user. None if there is none."""
        with self._lock:
            return self._secrets.get((server, user), [None])[-1]

    def list_passwords(self, user: str | None = None) -> PasswordList:
        """List the newest password of each user for whom there is one; default: of all users on all servers."""
        with self._lock:
            newest = sorted((name, server, secrets[-1]) for (server, name), secrets in self._secrets.items())
        rows = [GeneratedPassword(*row) for row in newest if user is None or row[0] == user]
        caption = f"{count_text(len(rows), 'password')} made up in this session"
        return PasswordList(rows, join_parts(caption, STALE))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._secrets.clear()


def is_refused(exc: BaseException) -> bool:
    """Whether it is certain that what ended with this error changed nothing."""
    return getattr(exc, "outcome", Outcome.UNKNOWN) not in (Outcome.CHANGED, Outcome.UNKNOWN)
