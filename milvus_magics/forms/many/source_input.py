"""Where people choose a file or paste lines; what they hold is in no state of the widget."""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from anywidget import AnyWidget
from traitlets import Bool, Int, Unicode

from milvus_magics.forms import kernel_log

MAX_MEBIBYTES = 8  # a server of notebooks takes 10 MiB in one message, and hangs up on more


class SourceInput(AnyWidget):
    """Sends the file that is chosen, or the text that is pasted, by one message.

    Args:
        help: what the rows are.
        placeholder: what is shown where nothing is pasted yet.
        on_file: called with the name and the bytes of a file.
        on_text: called with the bytes of a text.
        on_problem: called with why there is neither.

    Attributes:
        is_busy: whether it takes nothing now.
        wants_focus: whether it takes the keyboard's focus when it is shown.
    """

    _esm = files(__package__).joinpath("source_input.js").read_text(encoding="utf-8")
    _css = files(__package__).joinpath("source_input.css").read_text(encoding="utf-8")

    help = Unicode().tag(sync=True)
    placeholder = Unicode().tag(sync=True)
    max_bytes = Int(MAX_MEBIBYTES * 2**20).tag(sync=True)
    is_busy = Bool().tag(sync=True)
    wants_focus = Bool().tag(sync=True)

    def __init__(
        self,
        help: str,
        placeholder: str,
        on_file: Callable[[str, io.BytesIO], None],
        on_text: Callable[[io.BytesIO], None],
        on_problem: Callable[[str], None],
    ) -> None:
        kernel_log.mask_messages()  # before the first one comes
        self._on_file, self._on_text, self._on_problem = on_file, on_text, on_problem
        super().__init__(help=help, placeholder=placeholder, model_id=kernel_log.new_field_id())
        self.on_msg(self._on_message)

    def clear(self) -> None:
        """Empty what was pasted."""
        self.send({"type": "clear"})

    def _on_message(self, _: Any, content: Any, buffers: Any) -> None:
        kind, name = (str(content.get(key, "")) for key in ("type", "name")) if isinstance(content, dict) else ("", "")
        if kind in ("too large", "unreadable"):
            self._on_problem(_describe_problem(kind, name))
        elif kind in ("file", "text") and buffers:
            data = io.BytesIO(buffers[0])
            if len(data.getbuffer()) > self.max_bytes:
                self._on_problem(_describe_problem("too large", name))
            elif kind == "file":
                self._on_file(name, data)
            else:
                self._on_text(data)


def _describe_problem(kind: str, name: str) -> str:
    what = repr(name) if name else "what was pasted"
    if kind == "unreadable":
        return f"{what} cannot be read; choose it again"
    return f"{what} is larger than {MAX_MEBIBYTES} MiB, which is too much for a form: give the file to the magic"
