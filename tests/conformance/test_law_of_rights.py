"""The law of rights, on servers of every version: see rights_law.py."""

import hypothesis
import rights_law
from hypothesis import strategies as st

EXAMPLES = {True: 25, False: 1}  # on a server that is given; in `make test`, where the law is tried elsewhere, too


def test_access_says_yes_exactly_where_the_call_is_let_through(on, pytestconfig):
    """For random users, roles, groups and grants, with the database in the header, the request, or both."""
    if not on.has("authorization"):
        return  # everything is let through
    compared = []

    @hypothesis.settings(
        derandomize=True, max_examples=EXAMPLES[bool(pytestconfig.getoption("server"))], deadline=None, database=None,
        phases=[hypothesis.Phase.generate], suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    @hypothesis.given(plan=rights_law.plans(on.version), seed=st.integers(0, 2**16))
    def law(plan, seed):
        count, _, wrong = rights_law.try_out(stage, plan, seed)
        assert not wrong, "\n".join(wrong)
        compared.append(count)

    with rights_law.stage(on.conn.address.target, on.password, name=on.prefix) as stage:
        law()
    assert sum(compared) > 0
