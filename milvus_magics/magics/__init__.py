"""The line magics: parse the line, call the client function, return its result."""

from __future__ import annotations

from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from milvus_magics.magics import completion, live_results, misspelled
from milvus_magics.magics.access import AccessMagics
from milvus_magics.magics.bulk import BulkMagics
from milvus_magics.magics.connections import ConnectionMagics
from milvus_magics.magics.overview import OverviewMagics
from milvus_magics.magics.passwords import PasswordMagics
from milvus_magics.magics.privileges import PrivilegeMagics
from milvus_magics.magics.roles import RoleMagics
from milvus_magics.magics.users import UserMagics
from milvus_magics.session import session


class MilvusMagics(
    OverviewMagics,
    ConnectionMagics,
    UserMagics,
    PasswordMagics,
    BulkMagics,
    RoleMagics,
    PrivilegeMagics,
    AccessMagics,
):
    """All magics of milvus_magics, and their settings."""

    # What IPython's decorators would collect, were they not one class's affair.
    registered = True
    magics: dict[str, Any]


_methods = [name for name in dir(MilvusMagics) if hasattr(getattr(MilvusMagics, name, None), "magic_name")]
MilvusMagics.magics = {"line": {getattr(MilvusMagics, name).magic_name: name for name in _methods}, "cell": {}}


def load(shell: InteractiveShell) -> None:
    """Register the magics in a shell."""
    magics = MilvusMagics(shell)
    shell.register_magics(magics)
    completion.install(shell, magics)
    misspelled.install(shell)
    live_results.install(shell, magics)
    if not magics.quiet:
        print("milvus_magics is loaded: %milvus shows what there is, %milvus_connect URI --user NAME connects")


def unload(shell: InteractiveShell) -> None:
    """Take everything out of the shell again: IPython itself has no way to."""
    manager = shell.magics_manager
    loaded = manager.registry.pop(MilvusMagics.__name__, None)
    if loaded is None:
        return
    completion.remove(shell)
    misspelled.remove(shell)
    live_results.remove(shell)
    for name in loaded.magics["line"]:
        manager.magics["line"].pop(name, None)
    if loaded in shell.configurables:
        shell.configurables.remove(loaded)
    session.close()
