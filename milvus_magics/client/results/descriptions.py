"""What the client functions for descriptions return."""

from __future__ import annotations

from dataclasses import dataclass

from milvus_magics.client.results.previews import Preview
from milvus_magics.client.results.table import ChangeResult
from milvus_magics.wording import join_parts, name_text


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
    kind: str, name: str, server: str, description: str, before: str | None, *, undo: str, lacks: str
) -> Preview:
    """What changing a description would do; arguments as in `ChangedDescription`.

    Args:
        undo: how it can be undone; empty if it can't.
        lacks: which right the acting user certainly lacks for it.
    """
    whose = name_text(name) if kind == "user" else f"the role {name_text(name)}"
    what = (
        f"change the description of {whose} to {description!r}" if description else f"remove the description of {whose}"
    )
    if before is None:
        unseen = "you may not see the present one, so this cannot be undone"
        return Preview(what, server, caution=join_parts(unseen, lacks))
    if before == description:
        who = whose[0].upper() + whose[1:] if kind == "role" else whose
        so = "that description already" if before else "no description"
        return Preview(what, server, caution=lacks, idle=f"{who} has {so}")
    now = f"the present one is {before!r}" if before else "there is none so far"
    return Preview(what, server, note=join_parts(now, undo), caution=lacks)
