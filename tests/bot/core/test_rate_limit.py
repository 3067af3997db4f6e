import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from adapters.ports import Decision
from bot.core import rate_limit
from bot.core.rate_limit import RateLimiter

LET_IN, REFUSED, IGNORED = Decision.ALLOW, Decision.REJECT, Decision.DROP


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_person_is_let_in_at_their_rate_and_told_once_when_it_is_too_much() -> None:
    clock = Clock()
    door = RateLimiter(3, 0, clock)
    assert [door.check_rate_limit("slack:T1", "anna") for _ in range(32)] == [LET_IN] * 30 + [REFUSED, IGNORED]
    clock.now += 1
    assert [door.check_rate_limit("slack:T1", "anna") for _ in range(4)] == [LET_IN] * 3 + [IGNORED]
    clock.now += rate_limit.NOTICE_INTERVAL
    found = [door.check_rate_limit("slack:T1", "anna") for _ in range(17)]
    assert found == [LET_IN] * 15 + [REFUSED, IGNORED]


def test_nobody_pays_for_somebody_else() -> None:
    door = RateLimiter(3, 100, Clock())
    for _ in range(4000):
        door.check_rate_limit("slack:T1", "anna")
    assert door.check_rate_limit("slack:T1", "ben") is LET_IN, "what was refused to Anna took nothing from her tenant"
    assert door.check_rate_limit("slack:T2", "anna") is LET_IN, (
        "another tenant's person of the same id is somebody else"
    )


def test_a_thousand_people_at_once_are_let_in_and_a_tenant_has_an_end() -> None:
    clock = Clock()
    door = RateLimiter(3, 100, clock)
    assert all(door.check_rate_limit("teams:T", f"p{n}") is LET_IN for n in range(3000))
    assert door.check_rate_limit("teams:T", "one more") is REFUSED
    assert door.check_rate_limit("teams:T", "another") is REFUSED, "each is told for themselves"
    clock.now += 1
    assert sum(door.check_rate_limit("teams:T", f"p{n}") is LET_IN for n in range(200)) == 100


def test_nought_is_no_limit_and_less_than_one_a_second_is_a_limit_too() -> None:
    door = RateLimiter(0, 0, Clock())
    assert all(door.check_rate_limit("slack:T", "anna") is LET_IN for _ in range(10_000))
    clock = Clock()
    slow = RateLimiter(0.01, 0, clock)
    assert [slow.check_rate_limit("slack:T", "anna") for _ in range(2)] == [LET_IN, REFUSED]
    clock.now += 100
    assert slow.check_rate_limit("slack:T", "anna") is LET_IN


def test_memory_has_a_bound(monkeypatch) -> None:
    monkeypatch.setattr(rate_limit, "MAX_ENTRIES", 100)
    clock = Clock()
    door = RateLimiter(0.1, 1000, clock)
    for n in range(1000):
        clock.now += 0.01
        door.check_rate_limit(f"slack:T{n}", "anna")
        door.check_rate_limit(f"slack:T{n}", "anna")
    assert {
        len(kept) for kept in (door._person_buckets._full_at, door._tenant_buckets._full_at, door._notices._entries)
    } == {100}
    assert door.check_rate_limit("slack:T999", "anna") is IGNORED, "the latest are remembered"


def test_it_costs_a_few_microseconds() -> None:
    door = RateLimiter(3, 100)
    people = [f"p{n}" for n in range(1000)]

    def once() -> float:
        began = time.perf_counter()
        for one in people:
            door.check_rate_limit("slack:T", one)
        return (time.perf_counter() - began) / len(people)

    assert min(once() for _ in range(20)) < 20e-6


@given(st.lists(st.floats(0, 20), min_size=1, max_size=200), st.sampled_from([0.5, 1, 3, 7]))
def test_never_more_than_the_burst_and_the_rate(waits: list[float], rate: float) -> None:
    clock = Clock()
    door = RateLimiter(rate, 0, clock)
    told, let_in = [], []
    for wait in waits:
        clock.now += wait
        match door.check_rate_limit("slack:T", "anna"):
            case Decision.ALLOW:
                let_in.append(clock.now)
            case Decision.REJECT:
                told.append(clock.now)
    for first in range(0, len(let_in), 10):
        for last in range(first, len(let_in)):
            most = max(rate * rate_limit.PERSON_BURST, 1) + rate * (let_in[last] - let_in[first])
            assert last - first + 1 <= most + 1e-4
    assert all(later - earlier >= rate_limit.NOTICE_INTERVAL for earlier, later in pairwise(told))
