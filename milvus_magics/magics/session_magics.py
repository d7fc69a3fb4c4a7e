"""What all magics share: the settings, and the connection that a line means."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics
from traitlets import Float, Unicode, observe

from milvus_magics.errors import ParameterError
from milvus_magics.magics.arguments import seconds
from milvus_magics.session import undo_store
from milvus_magics.session.connections import DEFAULT, connections

if TYPE_CHECKING:
    from milvus_magics.embedded import EmbeddedMilvus
    from milvus_magics.transport.connection import Connection


class SessionMagics(Magics):
    """Magics on this session's connections. `%config MilvusMagics.timeout = 5` sets one of the settings."""

    using = Unicode(DEFAULT, help="Alias of the connection that magics use.").tag(config=True)
    timeout = Float(10.0, help="Seconds that an operation may last.").tag(config=True)

    undo_minutes = Float(
        0.0, min=0.0, help="Minutes for which the password of a deleted user is kept, in memory, to bring them back."
    ).tag(config=True)

    embedded: dict[str, EmbeddedMilvus]

    @observe("undo_minutes")
    def _keep_passwords(self, change: Any) -> None:
        undo_store.keep_passwords(change["new"])

    def connection(self, args: argparse.Namespace) -> Connection:
        """The connection that `--using` names, or else the one in use.

        Raises:
            AliasError: names the connections there are.
        """
        return connections.get(self.using if args.using is None else args.using)

    def form(self, name: str, args: argparse.Namespace, others: Sequence[str] = ()) -> Any:
        """The form called `name`, on the connection that the line means.

        Raises:
            ParameterError: the line says more (one of `others`) than a form takes.
        """
        import milvus_magics

        if any(getattr(args, other) for other in others):
            raise ParameterError("--form asks for everything by itself: leave the names and the others out")
        using = self.using if args.using is None else args.using
        return getattr(milvus_magics, name)(using=using, timeout=self.seconds(args))

    @staticmethod
    def require(args: argparse.Namespace, **wanted: str) -> None:
        """Raise where an argument is missing that only a form can do without: `name="the user"`.

        Raises:
            ParameterError: names what is missing.
        """
        for argument, what in wanted.items():
            if getattr(args, argument) is None:
                raise ParameterError(f"name {what}, or give --form; see --help; nothing was sent")

    def seconds(self, args: argparse.Namespace) -> float:
        """How long the operation may last."""
        return seconds(args.timeout, self.timeout)
