import asyncio

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.ports import Unavailable
from bot.schema import notes, sessions
from bot.store import Conflict, Store, Unit
from bot.turns import Change, Lookup
from dialogs.session import Session, Status
from tests.bot.conftest import Clock


def session(id: str = "s1", **more: object) -> Session:
    return Session(id, "slack:T1", "U1", "en", 1, **more)  # type: ignore[arg-type]


async def test_only_one_of_two_saves_over_the_same(store: Store) -> None:
    await store.run(lambda unit: unit.change(Change(after=session(), place="D1", card={"ts": "1"})))
    stored = await store.run(lambda unit: unit.load("s1"))
    assert stored
    await store.run(lambda unit: unit.save(stored, session(revision=1)))

    def again(unit: Unit) -> None:
        with pytest.raises(Conflict):
            unit.save(stored, session(revision=1, status=Status.CANCELLED))

    await store.run(again)
    now = await store.run(lambda unit: unit.look(Lookup("slack:T1", "s1"))[0])
    assert now
    assert now.session == session(revision=1)
    assert now.card == {"ts": "1"}
    assert await store.run(lambda unit: unit.look(Lookup("slack:T2", "s1"))[0]) is None


async def test_what_fails_is_undone_alone(store: Store) -> None:
    def work(number: int, unit: Unit) -> int:
        unit.execute(sa.insert(notes).values(tenant="t", key=str(number), note={}))
        if number % 3 == 1:
            raise KeyError(number)
        if number % 3 == 2:
            unit.execute(sa.text("SELECT nothing FROM nowhere"))
        return number

    jobs = [store.run(lambda unit, number=number: work(number, unit)) for number in range(30)]  # type: ignore[misc]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    kept = [result for result in results if isinstance(result, int)]
    assert kept == list(range(0, 30, 3))
    assert [type(result) for result in results[1::3]] == [KeyError] * 10
    assert [type(result) for result in results[2::3]] == [Unavailable] * 10
    found = await store.run(lambda unit: unit.execute(sa.select(notes.c.key)).scalars().all())
    assert sorted(map(int, found)) == kept


async def test_work_that_nobody_waits_for_is_not_begun_or_ends(store: Store) -> None:
    tasks = [asyncio.create_task(store.run(lambda unit: unit.first("x"))) for _ in range(20)]
    await asyncio.sleep(0)
    for task in tasks[5:]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(result is True for result in results) <= 1
    assert not await store.run(lambda unit: unit.first("x")) or results.count(True) == 0


async def test_the_clock_is_in_utc_and_exact(store: Store, clock: Clock) -> None:
    clock.forward(microseconds=123456)
    await store.run(lambda unit: unit.change(Change(after=session())))
    query = sa.select(sessions.c.created)
    assert await store.run(lambda unit: unit.execute(query).scalar_one()) == clock.now


async def test_a_ping(store: Store, url: str) -> None:
    await store.ping()
    empty = Store("sqlite:///:memory:")
    with pytest.raises(Unavailable):
        await empty.ping()
    empty.close()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["answer", "language", "end"])), max_size=12),
)
async def test_saving_loses_nothing_whatever_the_order(store: Store, changes: list[tuple[str, str]]) -> None:
    """Many turns at once on few sessions: each load, change and save is as if it were alone."""
    await store.run(lambda unit: unit.execute(sa.delete(sessions)))
    for id in "abc":
        await store.run(lambda unit, id=id: unit.change(Change(after=session(id))))  # type: ignore[misc]

    def change(unit: Unit, id: str, what: str) -> None:
        stored = unit.load(id)
        assert stored
        answers = {**stored.session.answers, f"{len(stored.session.answers)}": what}
        unit.save(stored, session(id, answers=answers, revision=stored.session.revision + 1))

    await asyncio.gather(*(store.run(lambda unit, one=one: change(unit, *one)) for one in changes))  # type: ignore[misc]
    for id in "abc":
        stored = await store.run(lambda unit, id=id: unit.load(id))  # type: ignore[misc]
        wanted = sorted(what for one, what in changes if one == id)
        assert stored
        assert sorted(stored.session.answers.values()) == wanted
        assert stored.session.revision == stored.saved == len(wanted)
