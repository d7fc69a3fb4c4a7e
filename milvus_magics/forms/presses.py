"""Clicks and Enter: which of them count, and when everything is there that was typed before."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from ipywidgets import Button, Widget, jsdlink
from traitlets import Int

WAITING_SECONDS = 0.5  # a press that comes so soon after an action waited for its end
TYPING_SECONDS = 0.5  # so long after some letters have come, more of them may be on their way
FOCUS_SECONDS = 2.0  # whoever pressed a button may be elsewhere by then
NEVER = -math.inf


class Signal(Widget):
    """A number that kernel and front end share. Nothing is seen of it."""

    number = Int(0, help="Of the last question, or of the last one that was answered.").tag(sync=True)


class Presses:
    """The presses of a form's buttons.

    While the kernel works on one letter, a front end keeps back those that follow, but neither Enter nor a click: these
    overtake what was typed before them (https://github.com/jupyter-widgets/ipywidgets/pull/1383), and would act on half
    a name. So the front end is asked something, and has sent all that it had when it answers: a link between two
    numbers.

    Args:
        act: does what a button with this title does.
        focus_next: leads to the field that is to be filled in next.

    Attributes:
        widgets: what is needed for it in the front end, to be closed with the form.
    """

    def __init__(self, act: Callable[[str], None], focus_next: Callable[[], None]) -> None:
        self._act, self._focus_next = act, focus_next
        self._ended_at = self._typed_at = NEVER
        self._asked, self._answered = Signal(), Signal()
        self._waiting: dict[int, Callable[[], None]] = {}
        self._answered.observe(lambda change: self._go_on(change["new"]), "number")
        self.widgets = (self._asked, self._answered, jsdlink((self._asked, "number"), (self._answered, "number")))

    def ask(self, then: Callable[[], None]) -> None:
        """Do something once all is there that the front end had to send; where there is none, never."""
        number = self._asked.number + 1
        self._waiting[number] = then
        self._asked.number = number

    def _go_on(self, number: int) -> None:
        for each in [each for each in self._waiting if each <= number]:
            self._waiting.pop(each)()

    def hear_text(self, *, has_more: bool) -> None:
        """Take note that something was typed, of which more may come, or which is all."""
        self._ended_at = NEVER
        if has_more:
            self._typed_at = time.monotonic()

    def enter(self, title: str) -> None:
        """Press a button by Enter, which comes before what was typed into its own field, too."""
        self.ask(lambda: self._press(title))

    def click(self, title: str, button: Button) -> None:
        """Press a button by a click."""
        if button.disabled:
            return  # made before it was disabled: a busy kernel hears clicks late
        if time.monotonic() - self._typed_at < TYPING_SECONDS:
            self.enter(title)
        else:
            self._press(title)

    def _press(self, title: str) -> None:
        """Do what a button does. Where that waited for the action before, do nothing: what came of that one stays."""
        began_at = time.monotonic()
        if began_at - self._ended_at < WAITING_SECONDS:
            return
        try:
            self._act(title)
        finally:
            self._ended_at = time.monotonic()
        if self._ended_at - began_at < FOCUS_SECONDS:
            self._focus_next()
