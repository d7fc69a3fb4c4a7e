"""What a changed password means for the user's other connections of this notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from milvus_magics.transport.cluster import begin_cluster_question, read_cluster
from milvus_magics.transport.deadline import Deadline
from milvus_magics.transport.events import UNKNOWN_CLUSTER
from milvus_magics.transport.interrupts import defer_interrupts

if TYPE_CHECKING:
    from milvus_magics.transport.connection import Connection, Pending
    from milvus_magics.transport.events import Change

PASSWORD_CHANGES = ("update_password", "reset_password")
SECONDS_TO_ANSWER = 2.0
SECONDS_TO_WAIT, SECONDS_BETWEEN_LOOKS = 0.5, 0.005


class PasswordFollower:
    """Lets a user's other connections go on with a new password, or say why theirs is refused from now on.

    It follows the changes of one connection. A new password goes by the same address, or by one where the same cluster
    is known to answer. That is asked before the change: afterwards the old login is refused.
    """

    def __init__(self, conn: Connection, list_open: Callable[[], Iterable[Connection]]) -> None:
        self._conn, self._list_open = conn, list_open
        self._questions: dict[str, dict[Connection, Pending | None]] = {}

    def prepare(self, operation: str, target: str) -> bool:
        """Ask which clusters answer the user's connections by other addresses; whether there are any."""
        if operation not in PASSWORD_CHANGES:
            return False
        elsewhere = [other for other in self._others(target) if not self._is_same_address(other)]
        deadline = Deadline(SECONDS_TO_ANSWER)
        self._questions[target] = {other: begin_cluster_question(other, deadline) for other in elsewhere}
        return bool(elsewhere)

    def follow(self, change: Change) -> None:
        """Take note of a password that was to be changed."""
        questions = self._questions.pop(change.target, {})
        with defer_interrupts():  # the change is made, and an interrupt must not hide that from some
            clusters = _read_clusters(questions) if change.outcome == "done" else {}
            for question in filter(None, questions.values()):
                question.release()
            for other in self._others(change.target) if change.outcome == "done" else ():
                self._pass_on(other, change, clusters.get(other, UNKNOWN_CLUSTER))

    def _others(self, user: str) -> list[Connection]:
        return [other for other in self._list_open() if other is not self._conn and other.user == user]

    def _is_same_address(self, other: Connection) -> bool:
        return other.address.target == self._conn.address.target

    def _pass_on(self, other: Connection, change: Change, cluster: int) -> None:
        is_known = UNKNOWN_CLUSTER not in (change.cluster, cluster)
        is_here = self._is_same_address(other) or (is_known and change.cluster == cluster)
        login = self._conn.address.login
        if is_here and login and self._conn.user == change.target:
            other.reauthenticate(login.secret)
        elif is_here or not is_known:
            other.note_password_change(_change_note(change, is_certain=is_here))


def _read_clusters(questions: dict[Connection, Pending | None]) -> dict[Connection, int]:
    """Which cluster answers each connection, as far as that is told by now or in a moment."""
    for _ in Deadline(SECONDS_TO_WAIT).poll(SECONDS_BETWEEN_LOOKS):
        if all(question is None or question.is_done for question in questions.values()):
            break
    return {conn: read_cluster(question) for conn, question in questions.items() if question and question.is_done}


def _change_note(change: Change, *, is_certain: bool) -> str:
    who = f"{change.actor!r}" if change.actor else "an anonymous user"
    at = change.when.astimezone().strftime("%H:%M")
    if is_certain:
        return f"{who} changed it in this notebook at {at}: connect again"
    return f"{who} changed it on {change.server} in this notebook at {at}: if this is the same server, connect again"
