"""Changes of access are made one by one, as real servers do under a lock of the whole cluster."""

import functools

import grpc

from contract.statuses import Denied


def one_by_one(method):
    """A method of a server, under its lock; once that is held for ever, all wait in vain."""

    @functools.wraps(method)
    def alone(self, *arguments):
        with self.changing:
            if self.stuck:
                raise Denied(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
            return method(self, *arguments)

    return alone
