import asyncio
from functools import partial

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.ports import ServiceUnavailable
from bot.storage.database import Database
from bot.storage.schema import adapter_data, sessions
from bot.storage.statements import SessionLookup, TurnChange
from bot.storage.transaction import ConcurrentUpdate, Transaction
from dialogs.session import Session, Status
from tests.bot.conftest import Clock


def session(id: str = "s1", **more: object) -> Session:
    return Session(id, "slack:T1", "U1", "en", 1, **more)  # type: ignore[arg-type]


async def test_only_one_of_two_concurrent_updates_succeeds(database: Database) -> None:
    await database.run(
        lambda transaction: transaction.write(TurnChange(after=session(), conversation="D1", card={"ts": "1"}))
    )
    stored = await database.run(lambda transaction: transaction.load("s1"))
    assert stored
    await database.run(lambda transaction: transaction.save(stored, session(revision=1)))

    def again(transaction: Transaction) -> None:
        with pytest.raises(ConcurrentUpdate):
            transaction.save(stored, session(revision=1, status=Status.CANCELLED))

    await database.run(again)
    now = await database.run(lambda transaction: transaction.look_up(SessionLookup("slack:T1", "s1"))[0])
    assert now
    assert now.session == session(revision=1)
    assert now.card == {"ts": "1"}
    assert await database.run(lambda transaction: transaction.look_up(SessionLookup("slack:T2", "s1"))[0]) is None


async def test_only_the_failing_unit_of_work_is_undone(database: Database) -> None:
    def work(number: int, transaction: Transaction) -> int:
        transaction.execute(sa.insert(adapter_data).values(tenant="t", key=str(number), value={}))
        if number % 3 == 1:
            raise KeyError(number)
        if number % 3 == 2:
            transaction.execute(sa.text("SELECT nothing FROM nowhere"))
        return number

    jobs = [database.run(lambda transaction, number=number: work(number, transaction)) for number in range(30)]  # type: ignore[misc]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    succeeded = [result for result in results if isinstance(result, int)]
    assert succeeded == list(range(0, 30, 3))
    assert [type(result) for result in results[1::3]] == [KeyError] * 10
    assert [type(result) for result in results[2::3]] == [ServiceUnavailable] * 10
    keys = await database.run(lambda transaction: transaction.execute(sa.select(adapter_data.c.key)).scalars().all())
    assert sorted(map(int, keys)) == succeeded


async def test_canceled_units_of_work(database: Database) -> None:
    tasks = [asyncio.create_task(database.run(lambda transaction: transaction.record_key("x"))) for _ in range(20)]
    await asyncio.sleep(0)
    for task in tasks[5:]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(result is True for result in results) <= 1
    assert not await database.run(lambda transaction: transaction.record_key("x")) or results.count(True) == 0


async def test_times_are_stored_in_utc_with_microseconds(database: Database, clock: Clock) -> None:
    clock.forward(microseconds=123456)
    await database.run(lambda transaction: transaction.write(TurnChange(after=session())))
    query = sa.select(sessions.c.created_at)
    assert await database.run(lambda transaction: transaction.execute(query).scalar_one()) == clock.now


async def test_ping(database: Database, url: str) -> None:
    await database.ping()
    empty = Database("sqlite:///:memory:")
    with pytest.raises(ServiceUnavailable):
        await empty.ping()
    empty.close()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["answer", "language", "end"])), max_size=12),
)
async def test_concurrent_updates_lose_nothing(database: Database, changes: list[tuple[str, str]]) -> None:
    """Concurrent turns on few sessions: each load, change and save is isolated."""
    await database.run(lambda transaction: transaction.execute(sa.delete(sessions)))
    for id in "abc":
        await database.run(lambda transaction, id=id: transaction.write(TurnChange(after=session(id))))  # type: ignore[misc]

    def change(transaction: Transaction, id: str, what: str) -> None:
        stored = transaction.load(id)
        assert stored
        answers = {**stored.session.answers, f"{len(stored.session.answers)}": what}
        transaction.save(stored, session(id, answers=answers, revision=stored.session.revision + 1))

    await asyncio.gather(*(database.run(partial(change, id=id, what=what)) for id, what in changes))
    for id in "abc":
        stored = await database.run(lambda transaction, id=id: transaction.load(id))  # type: ignore[misc]
        expected = sorted(what for changed, what in changes if changed == id)
        assert stored
        assert sorted(stored.session.answers.values()) == expected
        assert stored.session.revision == stored.lock_version == len(expected)
