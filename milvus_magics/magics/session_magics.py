"""What all magics share: the settings, the connection that a line means, and the forms."""

from __future__ import annotations

import argparse
import math
from typing import Any, ClassVar

from IPython.core.magic import Magics
from traitlets import Bool, Float, TraitError, Unicode, observe, validate

from milvus_magics.errors import NOTHING_SENT, ParameterError
from milvus_magics.session import DEFAULT, session

MAX_UNDO_MINUTES = 7 * 24 * 60.0  # a week; no kernel should keep passwords for longer


class SessionMagics(Magics):
    """Magics on this session's connections. `%config MilvusMagics.timeout = 5` sets one of the settings.

    Attributes:
        TOPIC: what the magics of a class are about, for `%milvus`.
    """

    TOPIC: ClassVar[str]

    using = Unicode(DEFAULT, help="Alias of the connection that magics use.").tag(config=True)
    timeout = Float(10.0, help="Seconds that an operation may last.").tag(config=True)

    quiet = Bool(False, help="Say nothing when the extension is loaded.").tag(config=True)

    live_tables = Bool(True, help="Show long results in a notebook as tables to search and sort.").tag(config=True)

    undo_minutes = Float(
        0.0,
        min=0.0,
        max=MAX_UNDO_MINUTES,
        help="Minutes for which the password of a deleted user is kept, in memory, to bring them back.",
    ).tag(config=True)

    @validate("undo_minutes")
    def _require_a_number(self, proposal: Any) -> float:
        """Refuse NaN, which is neither below the least nor above the most."""
        if math.isnan(proposal["value"]):
            raise TraitError("undo_minutes must be a number of minutes, not NaN")
        return float(proposal["value"])

    @observe("undo_minutes")
    def _keep_passwords(self, change: Any) -> None:
        session.undo.keep_passwords(change["new"])

    def show_form(self, operation: str, args: argparse.Namespace) -> Any:
        """Make the form of an operation, with what the line gives in its fields.

        Raises:
            ParameterError: names what the line gives and the form has no field for.
        """
        from milvus_magics.forms import form_for

        form: Any = form_for(operation)
        options = ("form", "using", "timeout")
        given = {name: action for name, action in args.parser.find_given(args).items() if name not in options}
        others = [action for name, action in given.items() if name not in form.FILLABLE]
        if others:
            names = " and ".join(str(action.option_strings[-1]) for action in others)
            raise ParameterError(f"--form asks for everything else by itself: leave {names} out", outcome=NOTHING_SENT)
        where = {"using": args.using} if "using" in args else {}
        shown = form(**where, timeout=args.timeout)
        shown.fill(**{name: getattr(args, name) for name in given})
        return shown
