"""Keeps what is typed into fields out of the log of a kernel that writes down every message.

`jupyter lab --debug` and `IPKernelApp.log_level = 10` have ipykernel do so, and the package comm where all loggers are
heard. A message holds the id of the field that it is for, and by that it is known here.
"""

from __future__ import annotations

import logging
import uuid
from typing import Any

from traitlets.config import Application

from milvus_magics.secret import MASK

FIELD_PREFIX = "milvusfield"


def new_field_id() -> str:
    """The id of a new field, by which messages to it are known."""
    return FIELD_PREFIX + uuid.uuid4().hex


def mask_messages() -> None:
    """Have the loggers that write down messages mask those to fields. Doing it again does nothing."""
    logging.getLogger("Comm").addFilter(_FILTER)
    if Application.initialized():
        kernel: Any = Application.instance().log
        getattr(kernel, "logger", kernel).addFilter(_FILTER)


class _MessageFilter(logging.Filter):
    """Lets every record pass, with what fields are told masked. The messages themselves stay as they are."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask what is in a record; always true."""
        record.msg, record.args = _mask(record.msg), _mask(record.args)
        return True


_FILTER = _MessageFilter()


def _mask(value: Any) -> Any:
    """Copy messages without what a field is told; anything else stays as it is."""
    if type(value) in (list, tuple):
        return type(value)(map(_mask, value))
    if type(value) is not dict:
        return value
    if str(value.get("comm_id")).startswith(FIELD_PREFIX):
        return {**value, "data": MASK}
    return {name: _mask(part) for name, part in value.items()}
