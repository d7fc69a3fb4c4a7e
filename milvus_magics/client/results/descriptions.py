"""What the client functions for descriptions return."""

from __future__ import annotations

from dataclasses import dataclass

from milvus_magics.client.results.previews import Preview
from milvus_magics.client.results.table import ChangeResult
from milvus_magics.wording import join_parts


@dataclass(frozen=True)
class DescriptionSnapshot:
    """The description that a user or role had before it was changed; `kind` is `user` or `role`."""

    kind: str
    name: str
    description: str


@dataclass(frozen=True, repr=False)
class ChangedDescription(ChangeResult):
    """A description of a user or role that is changed.

    Attributes:
        kind: `user` or `role`.
        description: the new one; empty for none.
        before: the old one. None if the caller may not look.
        note: what else should be known.
    """

    kind: str
    name: str
    server: str
    description: str
    before: str | None
    note: str = ""

    def __str__(self) -> str:
        has = f"is described as {self.description!r} now" if self.description else "has no description now"
        return join_parts(f"{self.kind} {self.name!r} on {self.server} {has}", self._was, self.note)

    @property
    def _was(self) -> str:
        if self.before is None:
            return "what it was before cannot be seen, so it cannot be undone"
        return f"before: {self.before!r}" if self.before else "it had none before"


def preview_of_description(
    kind: str, name: str, server: str, description: str, before: str | None, *, has_undo: bool, lacks: str
) -> Preview:
    """What changing a description would do; arguments as in `ChangedDescription`.

    Args:
        has_undo: whether the connection's changes can be undone.
        lacks: which right the acting user certainly lacks for it.
    """
    whose = f"{kind} {name!r}"
    what = f"describe {whose} as {description!r}" if description else f"take the description of {whose} away"
    if before is None:
        unseen = "what it is now cannot be seen, so it could not be undone"
        return Preview(what, server, note=unseen, lacking=lacks)
    is_same = "that is so already, so nothing would change" if before == description else ""
    now = f"it is {before!r} now" if before else "it has none now"
    undo = f"undo: %milvus_describe_{kind} --undo" if has_undo else ""
    return Preview(what, server, note=is_same or join_parts(now, undo), lacking=lacks)
