"""The time that an operation may last, and asking again until it is over."""

import itertools
import time

import pytest

from milvus_magics import errors
from milvus_magics.transport.deadline import Deadline


def test_no_limit_leaves_no_number_and_is_never_over():
    deadline = Deadline(None)
    assert deadline.remaining() is None
    assert not deadline.is_over()


def test_what_is_over_starts_no_call():
    deadline = Deadline(1e-9)
    time.sleep(0.001)
    assert deadline.is_over()
    with pytest.raises(errors.DeadlineError, match="no answer within 1e-09 s"):
        deadline.remaining()


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "5", True])
def test_a_timeout_that_cannot_be_is_refused(timeout):
    with pytest.raises(errors.ParameterError, match="timeout must be"):
        Deadline(timeout)


def test_poll_yields_once_even_if_no_time_is_left():
    deadline = Deadline(1e-9)
    time.sleep(0.001)
    assert len(list(deadline.poll(every=0.1))) == 1


def test_poll_comes_again_after_every_pause_until_the_time_is_over():
    deadline = Deadline(0.5)
    rounds = [time.monotonic() for _ in deadline.poll(every=0.1)]
    assert 3 <= len(rounds) <= 6
    assert all(later - earlier >= 0.09 for earlier, later in itertools.pairwise(rounds))
    assert deadline.is_over()


def test_poll_never_sleeps_past_the_end():
    start = time.monotonic()
    assert len(list(Deadline(0.1).poll(every=60))) == 1
    assert 0.1 <= time.monotonic() - start < 5


def test_poll_starts_no_round_once_a_slow_one_has_used_up_the_time():
    rounds = 0
    for _ in Deadline(0.05).poll(every=0.01):
        rounds += 1
        time.sleep(0.1)
    assert rounds == 1


def test_poll_without_a_limit_goes_on_until_it_is_left():
    assert len(list(itertools.islice(Deadline(None).poll(every=0.001), 20))) == 20


def test_poll_does_not_pause_after_a_round_that_leaves_the_loop():
    start = time.monotonic()
    for _ in Deadline(60).poll(every=60):
        break
    assert time.monotonic() - start < 5
