"""A button that gives a file to one browser, once; what it holds is in no state of the widget."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

from anywidget import AnyWidget
from traitlets import Int, Unicode

from milvus_magics.forms import kernel_log

Maker = Callable[[], bytes]


class FileDownload(AnyWidget):
    """Offers a file for downloading, and has it no longer once a browser has saved it.

    What a kernel sends is heard by all who look at it, and may be recorded. So the browser that asks sends as many
    random bytes as the file has, which nobody else sees, and gets the file combined with them.

    Attributes:
        label: what stands on the button; empty where there is none.
        size: how many bytes the file has; 0 where none is offered.
    """

    _esm = files(__package__).joinpath("file_download.js").read_text(encoding="utf-8")
    _css = files(__package__).joinpath("source_input.css").read_text(encoding="utf-8")

    label = Unicode().tag(sync=True)
    size = Int().tag(sync=True)

    def __init__(self) -> None:
        kernel_log.mask_messages()
        self._name = ""
        self._make: Maker | None = None
        self._numbers: set[int] = set()  # of those who were given the file
        super().__init__(model_id=kernel_log.new_field_id())
        self.on_msg(self._on_message)

    @property
    def is_offered(self) -> bool:
        """Whether a file can be had."""
        return self._make is not None

    def offer(self, label: str, name: str, make: Maker) -> None:
        """Offer a file of this name; its bytes are made when they are asked for."""
        self._make, self._name = make, name
        with self.hold_sync():
            self.label, self.size = label, len(make())

    def withdraw(self, label: str = "") -> None:
        """Offer nothing any more; `label` says on the button why."""
        self._make = None
        self._numbers.clear()
        with self.hold_sync():
            self.label, self.size = label, 0

    def _on_message(self, _: Any, content: Any, buffers: Any) -> None:
        kind, number = (content.get("type"), content.get("number")) if isinstance(content, dict) else ("", None)
        if not isinstance(number, int) or self._make is None:
            return
        if kind == "fetch" and buffers and len(buffers[0]) == self.size:
            self._numbers.add(number)
            self.send({"type": "file", "number": number, "name": self._name}, [_combine(self._make(), buffers[0])])
        elif kind == "saved" and number in self._numbers:
            self.withdraw("Downloaded")


def _combine(data: bytes, pad: Any) -> bytes:
    """Combine bytes with as many random ones; doing it again gives them back."""
    number = int.from_bytes(data, "big") ^ int.from_bytes(bytes(pad), "big")
    return number.to_bytes(len(data), "big")
