"""Where a result is also shown as a widget: in a live notebook that somebody looks at."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell

from milvus_magics.display.live import static_html

if TYPE_CHECKING:
    from milvus_magics.forms.live_results import LiveResults

# Class -> what makes its widget, in forms/live_results.py. Names, so that nothing is imported before there is a result.
MAKERS = {
    "milvus_magics.client.results.table.Table": "make_table",
    "milvus_magics.access.answer.Access": "make_answer",
    "milvus_magics.access.matrix.Matrix": "make_matrix",
}
logger = logging.getLogger(__name__)


class LiveHtml:
    """Makes the HTML of results for a shell, and shows a widget above it where there can be one."""

    def __init__(self, shell: InteractiveShell, magics: Any) -> None:
        self._shell, self._magics = shell, magics
        self._results: LiveResults | None = None

    def make(self, maker: str, result: Any) -> str:
        """The HTML of a result; it hides while its widget is seen."""
        html = str(result._repr_html_())
        try:
            token = self._show(maker, result) if self._may_show() else ""
        except Exception:  # a courtesy: whatever goes wrong, the HTML is there
            logger.debug("a result is not shown as a widget", exc_info=True)
            token = ""
        return static_html(html, token) if token else html

    def close(self) -> None:
        """Close the widgets."""
        if self._results is not None:
            self._results.close()

    def _may_show(self) -> bool:
        """Whether a front end asked for this that somebody sits at; a program that runs notebooks can ask nobody."""
        get_parent = getattr(self._shell, "get_parent", None)  # a terminal's shell has none
        if not self._magics.live_tables or get_parent is None:
            return False
        return bool((get_parent() or {}).get("content", {}).get("allow_stdin"))

    def _show(self, maker: str, result: Any) -> str:
        """Show the widget of a result; its token, which is empty if it has none."""
        from milvus_magics.forms import live_results

        widget = getattr(live_results, maker)(result)
        if widget is None:
            return ""
        self._results = self._results or live_results.LiveResults()
        self._results.add(widget)
        self._shell.display_pub.publish(widget.output())
        return str(widget.token)


def install(shell: InteractiveShell, magics: Any) -> None:
    """Show results in this way from now on."""
    remove(shell)
    live = LiveHtml(shell, magics)
    for name, maker in MAKERS.items():
        _html_formatter(shell).for_type_by_name(*name.rsplit(".", 1), partial(live.make, maker))


def remove(shell: InteractiveShell) -> None:
    """Show results as they are, and close the widgets."""
    for name in MAKERS:
        found: Callable[..., str] | None = _html_formatter(shell).pop(name, None)
        if isinstance(found, partial) and isinstance(live := getattr(found.func, "__self__", None), LiveHtml):
            live.close()


def _html_formatter(shell: InteractiveShell) -> Any:
    formatter: Any = shell.display_formatter
    return formatter.formatters["text/html"]
