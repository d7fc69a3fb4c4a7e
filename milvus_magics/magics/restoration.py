"""How something is restored: on another cluster than the one where it was, only once that is confirmed."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

from milvus_magics.magics.operation import Operation
from milvus_magics.session import session


def restore_operation(
    args: argparse.Namespace,
    kind: str,
    name: str,
    restore: Callable[..., Any],
    preview: Callable[..., Any],
    *before: str,
    **asking: Any,
) -> Operation:
    """The operation that restores something, which must have been there in this session.

    Args:
        args: the line's.
        kind: of the thing, as `UndoStore.find` takes it.
        name: of the thing; it is retyped where another cluster answers.
        restore: restores it; called as an operation's `act`, and with `elsewhere`.
        preview: its preview.
        *before: what both are called with before the name.
        **asking: `ask` and `looks_first`, as in `Operation`.

    Raises:
        ParameterError: there was no such thing.
    """
    found = session.undo.find(args.conn, kind, name, timeout=args.timeout)
    act = partial(restore, elsewhere=found.is_elsewhere)
    return Operation(args, act, preview, *before, name, retype=name if found.is_elsewhere else "", **asking)
