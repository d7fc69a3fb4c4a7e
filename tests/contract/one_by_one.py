"""Changes of access are made one by one, as real servers do under a lock of the whole cluster."""

import functools


def one_by_one(method):
    """A method of a server, under its lock."""

    @functools.wraps(method)
    def alone(self, *arguments):
        with self.changing:
            return method(self, *arguments)

    return alone
