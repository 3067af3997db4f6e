import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from adapters.ports import Decision
from bot.core import rate_limit
from bot.core.rate_limit import RateLimiter

ALLOW, REJECT, DROP = Decision.ALLOW, Decision.REJECT, Decision.DROP


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_person_is_limited_and_notified_once() -> None:
    clock = Clock()
    limiter = RateLimiter(3, 0, clock)
    assert [limiter.check_rate_limit("slack:T1", "anna") for _ in range(32)] == [ALLOW] * 30 + [REJECT, DROP]
    clock.now += 1
    assert [limiter.check_rate_limit("slack:T1", "anna") for _ in range(4)] == [ALLOW] * 3 + [DROP]
    clock.now += rate_limit.NOTICE_INTERVAL
    decisions = [limiter.check_rate_limit("slack:T1", "anna") for _ in range(17)]
    assert decisions == [ALLOW] * 15 + [REJECT, DROP]


def test_a_rejected_person_takes_nothing_from_others() -> None:
    limiter = RateLimiter(3, 100, Clock())
    for _ in range(4000):
        limiter.check_rate_limit("slack:T1", "anna")
    assert limiter.check_rate_limit("slack:T1", "ben") is ALLOW, "rejected events do not count for the tenant"
    assert limiter.check_rate_limit("slack:T2", "anna") is ALLOW, "the same id in another tenant is another person"


def test_a_tenant_allows_a_thousand_people_at_once_and_has_a_limit() -> None:
    clock = Clock()
    limiter = RateLimiter(3, 100, clock)
    assert all(limiter.check_rate_limit("teams:T", f"p{n}") is ALLOW for n in range(3000))
    assert limiter.check_rate_limit("teams:T", "one more") is REJECT
    assert limiter.check_rate_limit("teams:T", "another") is REJECT, "every person gets a notice"
    clock.now += 1
    assert sum(limiter.check_rate_limit("teams:T", f"p{n}") is ALLOW for n in range(200)) == 100


def test_zero_is_no_limit_and_a_fraction_is_a_limit() -> None:
    limiter = RateLimiter(0, 0, Clock())
    assert all(limiter.check_rate_limit("slack:T", "anna") is ALLOW for _ in range(10_000))
    clock = Clock()
    slow = RateLimiter(0.01, 0, clock)
    assert [slow.check_rate_limit("slack:T", "anna") for _ in range(2)] == [ALLOW, REJECT]
    clock.now += 100
    assert slow.check_rate_limit("slack:T", "anna") is ALLOW


def test_memory_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr(rate_limit, "MAX_ENTRIES", 100)
    clock = Clock()
    limiter = RateLimiter(0.1, 1000, clock)
    for n in range(1000):
        clock.now += 0.01
        limiter.check_rate_limit(f"slack:T{n}", "anna")
        limiter.check_rate_limit(f"slack:T{n}", "anna")
    assert {
        len(entries)
        for entries in (limiter._person_buckets._full_at, limiter._tenant_buckets._full_at, limiter._notices._entries)
    } == {100}
    assert limiter.check_rate_limit("slack:T999", "anna") is DROP, "the latest entries are kept in memory"


def test_a_check_takes_a_few_microseconds() -> None:
    limiter = RateLimiter(3, 100)
    people = [f"p{n}" for n in range(1000)]

    def measure() -> float:
        began = time.perf_counter()
        for person in people:
            limiter.check_rate_limit("slack:T", person)
        return (time.perf_counter() - began) / len(people)

    assert min(measure() for _ in range(20)) < 20e-6


@given(st.lists(st.floats(0, 20), min_size=1, max_size=200), st.sampled_from([0.5, 1, 3, 7]))
def test_never_more_than_the_burst_and_the_rate(waits: list[float], rate: float) -> None:
    clock = Clock()
    limiter = RateLimiter(rate, 0, clock)
    rejected, allowed = [], []
    for wait in waits:
        clock.now += wait
        match limiter.check_rate_limit("slack:T", "anna"):
            case Decision.ALLOW:
                allowed.append(clock.now)
            case Decision.REJECT:
                rejected.append(clock.now)
    for first in range(0, len(allowed), 10):
        for last in range(first, len(allowed)):
            most = max(rate * rate_limit.PERSON_BURST, 1) + rate * (allowed[last] - allowed[first])
            assert last - first + 1 <= most + 1e-4
    assert all(later - earlier >= rate_limit.NOTICE_INTERVAL for earlier, later in pairwise(rejected))
