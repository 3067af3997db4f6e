"""The outbox worker: retries, leases, held posts."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.ports import Json, OutcomeUnknown, OutgoingMessage, PermanentFailure, RetryLater, Turn
from bot.core import jobs
from bot.core.jobs import MAX_ATTEMPTS
from bot.core.outbox import OutboxWorker
from bot.core.service import Service
from bot.storage.database import Database
from bot.storage.schema import outbox
from dialogs.community_flow import FLOW
from dialogs.events import Cancel, ConfirmPost
from dialogs.translations import translations
from dialogs.views import Announcement, RecommendationCard
from tests.bot.conftest import Clock
from tests.bot.fakes import ANNA, BEN, STRANGER, FakeGateway, begin, complete, confirm, rows, work


async def test_a_post_is_sent_once_and_the_card_says_so(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, database: Database, clock: Clock
) -> None:
    await confirm(service)
    await work(worker)
    assert gateway.posts == [("s1", "C1")]
    [check] = await service.list_checks(ANNA)
    assert check.post == {"link": "https://example.org/s1"}
    [view] = gateway.shown
    assert isinstance(view, RecommendationCard)
    assert view.note == (translations("en")("notice.posted"),)
    clock.forward(days=1)
    await service.turn(Turn(ConfirmPost(ANNA, "C1"), "s1"))
    await work(worker)
    assert len(gateway.posts) == 1
    assert not await service.retry_post(ANNA, "s1"), "a sent post is not sent again"


async def test_a_card_that_was_not_shown_in_time_is_shown(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, database: Database, clock: Clock
) -> None:
    await begin(service)
    await work(worker)
    assert gateway.shown == [], "the adapter may still show it"
    clock.forward(seconds=16)
    await work(worker)
    assert len(gateway.shown) == 1
    assert await rows(database) == {}
    assert (await service.turn(Turn(Cancel(ANNA), "s1"))).card == {"number": 1}


async def test_the_posted_notice_comes_after_the_pending_card(
    service: Service, worker: OutboxWorker, gateway: FakeGateway
) -> None:
    await begin(service, answers=complete())
    await service.mark_shown("s1", 0)
    await service.turn(Turn(ConfirmPost(ANNA, "C1", revision=0), "s1"))
    await work(worker)
    assert len(gateway.posts) == 1
    assert gateway.shown == [], "the adapter is still sending the card"
    await service.mark_shown("s1", 1)
    await work(worker)
    assert len(gateway.shown) == 1


async def test_an_overdue_card_and_a_posted_notice_are_one_update(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, clock: Clock, database: Database
) -> None:
    await begin(service, answers=complete())
    await service.mark_shown("s1", 0)
    await service.turn(Turn(ConfirmPost(ANNA, "C1", revision=0), "s1"))
    await work(worker)
    assert gateway.shown == [], "the adapter may still send the card"
    clock.forward(seconds=16)
    await work(worker)
    [view] = gateway.shown
    assert isinstance(view, RecommendationCard)
    assert view.note == (translations("en")("notice.posted"),), "one update shows both"
    assert await rows(database) == {"s1:post:0": "done"}


async def test_only_one_of_two_workers_shows_an_overdue_card(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, clock: Clock, database: Database
) -> None:
    for number in range(20):
        await begin(service, f"s{number}")
    clock.forward(seconds=16)
    other = OutboxWorker(Service(FLOW, database, gateways={"slack": gateway}))
    while sum(await asyncio.gather(worker.work(), other.work())):
        pass
    assert len(gateway.shown) == 20
    assert await rows(database) == {}


async def test_retries_end_after_an_hour(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, database: Database, clock: Clock
) -> None:
    gateway.answers = [RetryLater(30)] + [RetryLater()] * MAX_ATTEMPTS
    await confirm(service)
    began = clock.now
    await work(worker)
    clock.forward(seconds=29)
    await work(worker)
    assert len(gateway.posts) == 1, "Retry-After was half a minute"
    while await rows(database) == {"s1:post:0": "pending"}:
        clock.forward(seconds=10)
        await work(worker)
    assert len(gateway.posts) == MAX_ATTEMPTS
    assert timedelta(minutes=35) < clock.now - began < timedelta(minutes=80)
    assert gateway.reported == ["failed"]
    assert await rows(database) == {"s1:post:0": "dead"}
    gateway.answers = []
    assert await service.retry_post(ANNA, "s1")
    await work(worker)
    assert len(gateway.posts) == MAX_ATTEMPTS + 1


@pytest.mark.parametrize("hours", [1, 24 * 365])
async def test_a_clock_that_is_set_back_delays_nothing_on_sqlite(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, database: Database, clock: Clock, hours: int
) -> None:
    """On PostgreSQL the clock is that of the database server."""
    if not database.is_sqlite:
        return
    gateway.answers = [RetryLater()]
    await confirm(service)
    await work(worker)
    await begin(service, "s2", BEN)  # its card is not shown
    clock.forward(hours=-hours)
    await work(worker)
    assert len(gateway.posts) == 1, "not at once either"
    clock.forward(seconds=20)
    await work(worker)
    assert gateway.posts == [("s1", "C1")] * 2
    await confirm(service, "s3", BEN)
    clock.forward(hours=-hours)
    await work(worker)
    clock.forward(seconds=2)  # the pace of the channel
    await work(worker)
    assert [post[0] for post in gateway.posts] == ["s1", "s1", "s3"]


@pytest.mark.parametrize(("answer", "reason"), [(OutcomeUnknown(), "lost"), (PermanentFailure("archived"), "archived")])
async def test_a_held_post_waits_for_its_owner(
    answer: Exception,
    reason: str,
    service: Service,
    worker: OutboxWorker,
    gateway: FakeGateway,
    database: Database,
    clock: Clock,
) -> None:
    gateway.answers = [answer]
    await confirm(service)
    await work(worker)
    clock.forward(seconds=6)  # the platform may still be at work on what was lost
    await work(worker)
    assert gateway.reported == [reason]
    clock.forward(days=7)
    await work(worker)
    assert len(gateway.posts) == 1
    for other in (BEN, STRANGER):
        assert not await service.retry_post(other, "s1")
    assert await service.retry_post(ANNA, "s1")
    assert not await service.retry_post(ANNA, "s1"), "pressing twice is pressing once"
    await work(worker)
    assert len(gateway.posts) == 2
    assert (await service.list_checks(ANNA))[0].post


LINK = {"link": "https://example.org/found"}


@pytest.mark.parametrize("doubt", [OutcomeUnknown(), RetryLater(may_have_been_sent=True)])
async def test_a_post_that_is_found_is_not_sent_again(
    doubt: Exception, service: Service, worker: OutboxWorker, gateway: FakeGateway, database: Database, clock: Clock
) -> None:
    gateway.answers, gateway.found, began = [doubt], LINK, clock.now
    await confirm(service)
    await work(worker)
    clock.forward(seconds=12)
    await work(worker)
    assert (len(gateway.posts), gateway.searches, gateway.reported) == (1, [began], [])
    assert await rows(database) == {"s1:post:0": "done"}
    assert (await service.list_checks(ANNA))[0].post == LINK


@pytest.mark.parametrize(
    ("doubt", "looks"), [(OutcomeUnknown(), 4), (RetryLater(may_have_been_sent=True), 2)]
)  # what is lost: at once, and again
async def test_a_post_that_is_not_there_is_sent_again(
    doubt: Exception,
    looks: int,
    service: Service,
    worker: OutboxWorker,
    gateway: FakeGateway,
    database: Database,
    clock: Clock,
) -> None:
    gateway.answers, gateway.found = [doubt, doubt], None
    await confirm(service)
    for _ in range(3):
        await work(worker)
        clock.forward(seconds=40)
    assert (len(gateway.posts), len(gateway.searches), gateway.reported) == (3, looks, [])
    assert len(set(gateway.searches)) == 1, "the first attempt may have succeeded as well"
    assert await rows(database) == {"s1:post:0": "done"}


async def test_a_rejected_post_is_not_looked_for(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, clock: Clock
) -> None:
    gateway.answers = [RetryLater(1)]
    await confirm(service)
    await work(worker)
    clock.forward(seconds=12)
    await work(worker)
    assert (len(gateway.posts), gateway.searches) == (2, [])


async def test_a_failed_search_for_a_post_is_repeated(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, database: Database, clock: Clock
) -> None:
    gateway.answers, gateway.found = [OutcomeUnknown()], RetryLater(1)
    await confirm(service)
    for _ in range(3):
        await work(worker)
        clock.forward(seconds=40)
    assert await rows(database) == {"s1:post:0": "sending"}
    gateway.found = LINK
    clock.forward(minutes=5)
    await work(worker)
    assert (len(gateway.posts), gateway.reported) == (1, [])
    assert await rows(database) == {"s1:post:0": "done"}


async def test_a_gateway_that_raises_another_exception(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, clock: Clock
) -> None:
    gateway.answers = [ValueError("unexpected")]
    await confirm(service)
    await work(worker)
    clock.forward(seconds=6)
    await work(worker)
    assert gateway.reported == ["lost"]
    assert len(gateway.posts) == 1


async def test_a_platform_that_does_not_respond(service: Service, gateway: FakeGateway, clock: Clock) -> None:
    worker = OutboxWorker(service, timeout=timedelta(seconds=0.2))

    async def never(*_: object) -> None:
        await asyncio.sleep(60)

    gateway.post = never  # type: ignore[assignment, method-assign]
    await confirm(service)
    await work(worker)
    clock.forward(seconds=6)
    await work(worker)
    assert gateway.reported == ["lost"]


async def test_a_queue_runs_in_order_one_at_a_time_at_its_pace(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, clock: Clock
) -> None:
    other = OutboxWorker(service)
    for number in range(3):
        await confirm(service, f"s{number}", where="C1")
    gateway.answers = [RetryLater(5)]
    await asyncio.gather(work(worker), work(other))
    await confirm(service, "s3", where="C2")
    clock.forward(seconds=4)
    await asyncio.gather(work(worker), work(other))
    assert [id for id, _ in gateway.posts] == ["s0", "s3"], "the others of the queue wait"
    gateway.posts = []
    clock.forward(seconds=1)
    for sent in range(1, 4):
        await asyncio.gather(work(worker), work(other))
        clock.forward(seconds=0.5)
        await asyncio.gather(work(worker), work(other))
        assert [id for id, _ in gateway.posts] == [f"s{number}" for number in range(sent)]
        clock.forward(seconds=0.5)
    assert gateway.max_sending == 1


async def test_two_workers_run_each_job_once(url: str, clock: Clock, gateway: FakeGateway) -> None:
    stores = [Database(url, clock), Database(url, clock)]
    stores[0].upgrade()
    services = [Service(FLOW, database, gateways={"slack": gateway}) for database in stores]
    for number in range(20):
        await confirm(services[0], f"s{number}", where=f"C{number}")
    await asyncio.gather(*(work(OutboxWorker(services[n % 2])) for n in range(4)))
    await work(OutboxWorker(services[0]))
    assert sorted(gateway.posts) == sorted((f"s{number}", f"C{number}") for number in range(20))
    assert len(gateway.shown) == 20
    for database in stores:
        database.close()


async def test_a_lease_that_expired_before_sending_is_taken_over(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, clock: Clock
) -> None:
    await confirm(service)
    dead = OutboxWorker(service)
    [_] = await dead._claim(1)
    await work(worker)
    assert gateway.posts == [], "the other worker has the lease"
    clock.forward(seconds=61)
    await work(worker)
    assert gateway.posts == [("s1", "C1")]


async def test_a_lease_that_expired_while_sending_may_have_been_sent(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, database: Database, clock: Clock
) -> None:
    await confirm(service)
    slow = OutboxWorker(service)
    [job] = await slow._claim(1)
    assert await database.run(lambda transaction: jobs.mark_sending(transaction, job, timedelta(seconds=12)))
    clock.forward(seconds=61)
    await work(worker)
    assert gateway.posts == []
    assert gateway.reported == ["lost"]
    # The slow worker goes on after all.
    await database.run(lambda transaction: jobs.store_post(transaction, job, {"link": "x"}, timedelta()))
    assert (await rows(database))["s1:post:0"] == "done"
    assert not await service.retry_post(ANNA, "s1")


async def test_a_worker_with_an_expired_lease_sends_nothing(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, clock: Clock
) -> None:
    await confirm(service)
    slow = OutboxWorker(service)
    [job] = await slow._claim(1)
    clock.forward(seconds=61)
    await work(worker)
    await slow._run_job(job)
    assert gateway.posts == [("s1", "C1")]


async def test_failing_cards_and_reports_stop_nothing(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, database: Database, clock: Clock
) -> None:
    gateway.answers, gateway.fail = [PermanentFailure("archived")], PermanentFailure("gone")
    await confirm(service)
    await begin(service, "s2")
    clock.forward(seconds=16)
    await work(worker)
    assert await rows(database) == {"s1:post:0": "held"}
    gateway.fail = RetryLater()
    await begin(service, "s3")
    for _ in range(MAX_ATTEMPTS):
        clock.forward(hours=2)
        await work(worker)
    assert await rows(database) == {"s1:post:0": "held"}
    assert len(gateway.shown) == MAX_ATTEMPTS + 1


async def test_a_platform_that_is_no_longer_configured(database: Database, clock: Clock, gateway: FakeGateway) -> None:
    service = Service(FLOW, database)
    await confirm(service)
    await work(OutboxWorker(service))
    assert await rows(database) == {"s1:post:0": "pending"}
    service.gateways = {"slack": gateway}
    clock.forward(minutes=15)
    await work(OutboxWorker(service))
    assert gateway.posts == [("s1", "C1")]


async def test_a_session_deleted_before_its_job_runs(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, database: Database
) -> None:
    await confirm(service)
    [job] = await worker._claim(1)
    await service.forget_person(ANNA)
    await worker._run_job(job)
    assert gateway.posts == []
    assert await rows(database) == {}


async def test_the_worker_wakes_up_and_drains(url: str, gateway: FakeGateway) -> None:
    database = Database(url)
    database.upgrade()
    service = Service(FLOW, database, gateways={"slack": gateway})
    worker = OutboxWorker(service)
    assert not worker.alive
    await worker.start()
    await asyncio.sleep(0.1)
    assert worker.alive
    sending, answer = asyncio.Event(), asyncio.Event()
    post = gateway.post

    async def slow(outgoing: OutgoingMessage, announcement: Announcement) -> Json:
        sending.set()
        await answer.wait()
        return await post(outgoing, announcement)

    gateway.post = slow
    await confirm(service)
    await asyncio.wait_for(sending.wait(), 0.5)
    stopping = asyncio.create_task(worker.stop())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    answer.set()
    await stopping
    assert (await rows(database))["s1:post:0"] == "done"
    query = sa.select(outbox.c.due_at).where(outbox.c.kind == "purge")
    due_at = await database.run(lambda transaction: transaction.execute(query).scalar_one())
    assert due_at > database.clock(), "purge was run and is due again"
    database.close()


async def test_a_post_interrupted_by_shutdown_is_reported(url: str, gateway: FakeGateway, clock: Clock) -> None:
    database = Database(url, clock)
    database.upgrade()
    service = Service(FLOW, database, gateways={"slack": gateway})
    worker = OutboxWorker(service)
    await worker.start()
    sending = asyncio.Event()

    async def never(*_: object) -> Json:
        sending.set()
        await asyncio.sleep(60)
        raise AssertionError

    post, gateway.post = gateway.post, never  # type: ignore[assignment, method-assign]
    await confirm(service)
    await asyncio.wait_for(sending.wait(), 5)
    await worker.stop(within=0.01)
    assert (await rows(database))["s1:post:0"] == "sending"
    gateway.post = post  # type: ignore[method-assign]
    clock.forward(minutes=2)
    await work(OutboxWorker(service))
    assert gateway.posts == []
    assert gateway.reported == ["lost"]
    database.close()


async def test_a_lease_is_renewed_during_a_long_call(
    service: Service, gateway: FakeGateway, database: Database, clock: Clock
) -> None:
    slow, other = OutboxWorker(service, lease=timedelta(seconds=0.3)), OutboxWorker(service)
    answered = asyncio.Event()
    post = gateway.post

    async def slow_post(*arguments: Any) -> Any:
        await answered.wait()
        return await post(*arguments)

    gateway.post = slow_post  # type: ignore[assignment, method-assign]
    await confirm(service)
    working = asyncio.create_task(slow.work())
    for _ in range(4):  # half a second, with leases of 0.3 seconds, renewed every 0.1 seconds
        await asyncio.sleep(0.13)
        clock.forward(seconds=0.13)
        assert await other.work() == 0
    answered.set()
    await working
    assert gateway.posts == [("s1", "C1")]
    assert gateway.reported == []


async def test_jobs_of_a_dead_worker_are_taken_over_within_15_seconds(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, clock: Clock
) -> None:
    await confirm(service)
    dead = OutboxWorker(service)
    assert len(await dead._claim(1)) == 1
    clock.forward(seconds=11)
    assert await worker.work() == 0
    clock.forward(seconds=3)
    await work(worker)
    assert gateway.posts == [("s1", "C1")]


async def test_renewing_does_not_change_a_done_job(service: Service, database: Database, clock: Clock) -> None:
    worker = OutboxWorker(service, lease=timedelta(seconds=0.03))
    await confirm(service)
    [job] = await worker._claim(1)
    until = clock() + timedelta(seconds=1)
    done = sa.update(outbox).where(outbox.c.id == job.id).values(state="done", leased_until=until)
    await database.run(lambda transaction: transaction.execute(done))
    renewing = asyncio.create_task(worker._renew(job))
    await asyncio.sleep(0.1)
    renewing.cancel()
    lease = sa.select(outbox.c.leased_until).where(outbox.c.id == job.id)
    assert await database.run(lambda transaction: transaction.execute(lease).scalar()) == until
