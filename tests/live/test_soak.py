"""Four kernels at work on one server for a minute; `make soak` takes half an hour."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "soak"))

from soak import soak
from worker import Worker


def test_a_minute_of_four_kernels(figure):
    """Everything comes as it should, and memory, threads and descriptors stay what they are."""
    runs = soak(minutes=1)
    assert [text for run in runs for text in run.wrong] == []
    for run in runs:
        assert run.is_flat, run.samples
        assert len(run.done) >= 10, "of nearly all kinds"
    growth = max(run.growth for run in runs)
    figure(
        "soak", operations=sum(run.done.total() for run in runs), gone_wrong=0, MiB_of_growth_at_most=round(growth, 1)
    )


def test_what_is_wrong_is_noticed(root):
    """A model that knows of a user who isn't there."""
    worker = Worker("nobody", seed=1)
    worker._passwords["nobody_user0"] = "a-password"
    worker._deeds = [worker.do_list]
    wrong = worker.work(0.1)["wrong"]
    assert wrong
    assert "nobody_user0 holds None" in wrong[0]
