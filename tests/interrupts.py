"""A connection on which somebody interrupts at a certain moment."""

from milvus_magics.transport.connection import Connection


class Interrupted(Connection):
    """Interrupts once: after the server has answered so many calls of one method."""

    def interrupt_after(self, method, number=1):
        self._method, self._left = method, number
        return self

    def call(self, method, **arguments):
        try:
            return super().call(method, **arguments)
        finally:  # a refusal is an answer, too
            if method == self._method:
                self._left -= 1
                if not self._left:
                    raise KeyboardInterrupt
