import asyncio
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.ports import Delivery, Json, Later, Lost, Refused, Turn
from bot.jobs import MOST_ATTEMPTS, Worker
from bot.schema import jobs
from bot.service import Service
from bot.store import Store
from dialogs.community import FLOW
from dialogs.session import Cancel, ConfirmPost
from dialogs.views import Announcement, Recommendation
from dialogs.words import words
from tests.bot.conftest import Clock
from tests.bot.scene import ANNA, BEN, STRANGER, FakeCourier, begin, complete, confirm, rows, work


async def test_a_post_goes_out_once_and_its_owner_reads_so(
    service: Service, worker: Worker, courier: FakeCourier, store: Store, clock: Clock
) -> None:
    await confirm(service)
    await work(worker)
    assert courier.posts == [("s1", "C1")]
    [check] = await service.checks(ANNA)
    assert check.posted == {"link": "https://example.org/s1"}
    [view] = courier.shows
    assert isinstance(view, Recommendation)
    assert view.note == (words("en").text("notice.posted"),)
    clock.forward(days=1)
    await service.turn(Turn(ConfirmPost(ANNA, "C1"), "s1"))
    await work(worker)
    assert len(courier.posts) == 1
    assert not await service.post_again(ANNA, "s1"), "what went out is not posted again"


async def test_a_card_nobody_drew_is_drawn(
    service: Service, worker: Worker, courier: FakeCourier, store: Store, clock: Clock
) -> None:
    await begin(service)
    await work(worker)
    assert courier.shows == [], "the adapter has its time"
    clock.forward(seconds=16)
    await work(worker)
    assert len(courier.shows) == 1
    assert await rows(store) == {}
    assert (await service.turn(Turn(Cancel(ANNA), "s1"))).card == {"drawn": 1}


async def test_posted_is_said_after_the_card_that_says_posting(
    service: Service, worker: Worker, courier: FakeCourier
) -> None:
    await begin(service, answers=complete())
    await service.shown("s1", 0)
    await service.turn(Turn(ConfirmPost(ANNA, "C1", revision=0), "s1"))
    await work(worker)
    assert len(courier.posts) == 1
    assert courier.shows == [], "the adapter is still drawing"
    await service.shown("s1", 1)
    await work(worker)
    assert len(courier.shows) == 1


async def test_a_card_nobody_drew_waits_for_no_second_one(
    service: Service, worker: Worker, courier: FakeCourier, clock: Clock, store: Store
) -> None:
    await begin(service, answers=complete())
    await service.shown("s1", 0)
    await service.turn(Turn(ConfirmPost(ANNA, "C1", revision=0), "s1"))
    await work(worker)
    assert courier.shows == [], "who draws the card may still come to it"
    clock.forward(seconds=16)
    await work(worker)
    [view] = courier.shows
    assert isinstance(view, Recommendation)
    assert view.note == (words("en").text("notice.posted"),), "one drawing says it all"
    assert await rows(store) == {"s1:post": "done"}


async def test_of_two_workers_one_draws_a_card_that_was_left(
    service: Service, worker: Worker, courier: FakeCourier, clock: Clock, store: Store
) -> None:
    for number in range(20):
        await begin(service, f"s{number}")
    clock.forward(seconds=16)
    other = Worker(Service(FLOW, store, couriers={"slack": courier}))
    while sum(await asyncio.gather(worker.work(), other.work())):
        pass
    assert len(courier.shows) == 20
    assert await rows(store) == {}


async def test_later_is_tried_again_and_given_up_after_an_hour(
    service: Service, worker: Worker, courier: FakeCourier, store: Store, clock: Clock
) -> None:
    courier.answers = [Later(30)] + [Later()] * MOST_ATTEMPTS
    await confirm(service)
    began = clock.now
    await work(worker)
    clock.forward(seconds=29)
    await work(worker)
    assert len(courier.posts) == 1, "the platform said half a minute"
    while await rows(store) == {"s1:post": "pending"}:
        clock.forward(seconds=10)
        await work(worker)
    assert len(courier.posts) == MOST_ATTEMPTS
    assert timedelta(minutes=35) < clock.now - began < timedelta(minutes=80)
    assert courier.told == ["failed"]
    assert await rows(store) == {"s1:post": "dead"}
    courier.answers = []
    assert await service.post_again(ANNA, "s1")
    await work(worker)
    assert len(courier.posts) == MOST_ATTEMPTS + 1


@pytest.mark.parametrize(("answer", "reason"), [(Lost(), "lost"), (Refused("archived"), "archived")])
async def test_a_post_held_back_waits_for_a_word(
    answer: Exception, reason: str, service: Service, worker: Worker, courier: FakeCourier, store: Store, clock: Clock
) -> None:
    courier.answers = [answer]
    await confirm(service)
    await work(worker)
    clock.forward(seconds=6)  # the platform may still be at work on what was lost
    await work(worker)
    assert courier.told == [reason]
    clock.forward(days=7)
    await work(worker)
    assert len(courier.posts) == 1
    for other in (BEN, STRANGER):
        assert not await service.post_again(other, "s1")
    assert await service.post_again(ANNA, "s1")
    assert not await service.post_again(ANNA, "s1"), "pressing twice is pressing once"
    await work(worker)
    assert len(courier.posts) == 2
    assert (await service.checks(ANNA))[0].posted


LINK = {"link": "https://example.org/found"}


@pytest.mark.parametrize("doubt", [Lost(), Later(doubt=True)])
async def test_a_post_that_is_found_is_not_sent_again(
    doubt: Exception, service: Service, worker: Worker, courier: FakeCourier, store: Store, clock: Clock
) -> None:
    courier.answers, courier.found, began = [doubt], LINK, clock.now
    await confirm(service)
    await work(worker)
    clock.forward(seconds=12)
    await work(worker)
    assert (len(courier.posts), courier.looked, courier.told) == (1, [began], [])
    assert await rows(store) == {"s1:post": "done"}
    assert (await service.checks(ANNA))[0].posted == LINK


@pytest.mark.parametrize(("doubt", "looks"), [(Lost(), 4), (Later(doubt=True), 2)])  # what is lost: at once, and again
async def test_a_post_that_is_not_there_is_sent_again(
    doubt: Exception, looks: int, service: Service, worker: Worker, courier: FakeCourier, store: Store, clock: Clock
) -> None:
    courier.answers, courier.found = [doubt, doubt], None
    await confirm(service)
    for _ in range(3):
        await work(worker)
        clock.forward(seconds=40)
    assert (len(courier.posts), len(courier.looked), courier.told) == (3, looks, [])
    assert len(set(courier.looked)) == 1, "the first may be out as well as the second"
    assert await rows(store) == {"s1:post": "done"}


async def test_nobody_looks_for_what_was_surely_not_done(
    service: Service, worker: Worker, courier: FakeCourier, clock: Clock
) -> None:
    courier.answers = [Later(1)]
    await confirm(service)
    await work(worker)
    clock.forward(seconds=12)
    await work(worker)
    assert (len(courier.posts), courier.looked) == (2, [])


async def test_what_cannot_be_looked_up_now_is_looked_up_later(
    service: Service, worker: Worker, courier: FakeCourier, store: Store, clock: Clock
) -> None:
    courier.answers, courier.found = [Lost()], Later(1)
    await confirm(service)
    for _ in range(3):
        await work(worker)
        clock.forward(seconds=40)
    assert await rows(store) == {"s1:post": "sending"}
    courier.found = LINK
    clock.forward(minutes=5)
    await work(worker)
    assert (len(courier.posts), courier.told) == (1, [])
    assert await rows(store) == {"s1:post": "done"}


async def test_a_courier_that_breaks_its_word(
    service: Service, worker: Worker, courier: FakeCourier, clock: Clock
) -> None:
    courier.answers = [ValueError("of no use to anybody")]
    await confirm(service)
    await work(worker)
    clock.forward(seconds=6)
    await work(worker)
    assert courier.told == ["lost"]
    assert len(courier.posts) == 1


async def test_a_platform_that_never_answers(service: Service, courier: FakeCourier, clock: Clock) -> None:
    worker = Worker(service, patience=timedelta(seconds=0.2))

    async def never(*_: object) -> None:
        await asyncio.sleep(60)

    courier.post = never  # type: ignore[assignment, method-assign]
    await confirm(service)
    await work(worker)
    clock.forward(seconds=6)
    await work(worker)
    assert courier.told == ["lost"]


async def test_one_queue_in_order_one_at_a_time_at_its_pace(
    service: Service, worker: Worker, courier: FakeCourier, clock: Clock
) -> None:
    other = Worker(service)
    for number in range(3):
        await confirm(service, f"s{number}", where="C1")
    courier.answers = [Later(5)]
    await asyncio.gather(work(worker), work(other))
    await confirm(service, "s3", where="C2")
    clock.forward(seconds=4)
    await asyncio.gather(work(worker), work(other))
    assert [id for id, _ in courier.posts] == ["s0", "s3"], "the others wait behind the one that waits"
    courier.posts = []
    clock.forward(seconds=1)
    for sent in range(1, 4):
        await asyncio.gather(work(worker), work(other))
        clock.forward(seconds=0.5)
        await asyncio.gather(work(worker), work(other))
        assert [id for id, _ in courier.posts] == [f"s{number}" for number in range(sent)]
        clock.forward(seconds=0.5)
    assert courier.most_busy == 1


async def test_workers_of_two_processes_take_each_row_once(url: str, clock: Clock, courier: FakeCourier) -> None:
    stores = [Store(url, clock), Store(url, clock)]
    stores[0].upgrade()
    services = [Service(FLOW, store, couriers={"slack": courier}) for store in stores]
    for number in range(20):
        await confirm(services[0], f"s{number}", where=f"C{number}")
    await asyncio.gather(*(work(Worker(services[n % 2])) for n in range(4)))
    await work(Worker(services[0]))
    assert sorted(courier.posts) == sorted((f"s{number}", f"C{number}") for number in range(20))
    assert len(courier.shows) == 20
    for store in stores:
        store.close()


async def test_a_lease_that_ran_out_before_sending_is_taken_over(
    service: Service, worker: Worker, courier: FakeCourier, clock: Clock
) -> None:
    await confirm(service)
    dead = Worker(service)
    [_] = await dead._claim(1)
    await work(worker)
    assert courier.posts == [], "it is still the other's"
    clock.forward(seconds=61)
    await work(worker)
    assert courier.posts == [("s1", "C1")]


async def test_a_lease_that_ran_out_while_sending_may_have_been_sent(
    service: Service, worker: Worker, courier: FakeCourier, store: Store, clock: Clock
) -> None:
    await confirm(service)
    slow = Worker(service)
    [job] = await slow._claim(1)
    assert await store.run(lambda unit: slow._mark(unit, job))
    clock.forward(seconds=61)
    await work(worker)
    assert courier.posts == []
    assert courier.told == ["lost"]
    # The slow one was not dead after all.
    await store.run(lambda unit: slow._posted(unit, job, {"link": "x"}))
    assert (await rows(store))["s1:post"] == "done"
    assert not await service.post_again(ANNA, "s1")


async def test_a_worker_that_slept_through_its_lease_sends_nothing(
    service: Service, worker: Worker, courier: FakeCourier, clock: Clock
) -> None:
    await confirm(service)
    slow = Worker(service)
    [job] = await slow._claim(1)
    clock.forward(seconds=61)
    await work(worker)
    await slow._do(job)
    assert courier.posts == [("s1", "C1")]


async def test_what_cannot_be_told_or_drawn_stops_nothing(
    service: Service, worker: Worker, courier: FakeCourier, store: Store, clock: Clock
) -> None:
    courier.answers, courier.fail = [Refused("archived")], Refused("gone")
    await confirm(service)
    await begin(service, "s2")
    clock.forward(seconds=16)
    await work(worker)
    assert await rows(store) == {"s1:post": "held"}
    courier.fail = Later()
    await begin(service, "s3")
    for _ in range(MOST_ATTEMPTS):
        clock.forward(hours=2)
        await work(worker)
    assert await rows(store) == {"s1:post": "held"}
    assert len(courier.shows) == MOST_ATTEMPTS + 1


async def test_a_platform_that_is_no_longer_configured(store: Store, clock: Clock, courier: FakeCourier) -> None:
    service = Service(FLOW, store)
    await confirm(service)
    await work(Worker(service))
    assert await rows(store) == {"s1:post": "pending"}
    service.couriers = {"slack": courier}
    clock.forward(minutes=15)
    await work(Worker(service))
    assert courier.posts == [("s1", "C1")]


async def test_a_dialog_forgotten_on_the_way(
    service: Service, worker: Worker, courier: FakeCourier, store: Store
) -> None:
    await confirm(service)
    [job] = await worker._claim(1)
    await service.forget(ANNA)
    await worker._do(job)
    assert courier.posts == []
    assert await rows(store) == {}


async def test_the_worker_is_woken_and_drains(url: str, courier: FakeCourier) -> None:
    store = Store(url)
    store.upgrade()
    service = Service(FLOW, store, couriers={"slack": courier})
    worker = Worker(service)
    assert not worker.alive
    await worker.start()
    await asyncio.sleep(0.1)
    assert worker.alive
    sending, answer = asyncio.Event(), asyncio.Event()
    post = courier.post

    async def slow(delivery: Delivery, announcement: Announcement) -> Json:
        sending.set()
        await answer.wait()
        return await post(delivery, announcement)

    courier.post = slow
    await confirm(service)
    await asyncio.wait_for(sending.wait(), 0.5)
    stopping = asyncio.create_task(worker.stop())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    answer.set()
    await stopping
    assert (await rows(store))["s1:post"] == "done"
    query = sa.select(jobs.c.due).where(jobs.c.kind == "purge")
    due = await store.run(lambda unit: unit.execute(query).scalar_one())
    assert due > store.clock(), "the deletions were done and come round again"
    store.close()


async def test_a_post_cut_off_by_the_end_is_asked_about(url: str, courier: FakeCourier, clock: Clock) -> None:
    store = Store(url, clock)
    store.upgrade()
    service = Service(FLOW, store, couriers={"slack": courier})
    worker = Worker(service)
    await worker.start()
    sending = asyncio.Event()

    async def never(*_: object) -> Json:
        sending.set()
        await asyncio.sleep(60)
        raise AssertionError

    post, courier.post = courier.post, never  # type: ignore[assignment, method-assign]
    await confirm(service)
    await asyncio.wait_for(sending.wait(), 5)
    await worker.stop(within=0.01)
    assert (await rows(store))["s1:post"] == "sending"
    courier.post = post  # type: ignore[method-assign]
    clock.forward(minutes=2)
    await work(Worker(service))
    assert courier.posts == []
    assert courier.told == ["lost"]
    store.close()


async def test_a_call_that_takes_longer_than_its_lease_stays_ours(
    service: Service, courier: FakeCourier, store: Store, clock: Clock
) -> None:
    slow, other = Worker(service, lease=timedelta(seconds=0.3)), Worker(service)
    answered = asyncio.Event()
    posted = courier.post

    async def thinking(*given: Any) -> Any:
        await answered.wait()
        return await posted(*given)

    courier.post = thinking  # type: ignore[assignment, method-assign]
    await confirm(service)
    working = asyncio.create_task(slow.work())
    for _ in range(4):  # half a second of thinking, with leases of a third: renewed each tenth
        await asyncio.sleep(0.13)
        clock.forward(seconds=0.13)
        assert await other.work() == 0
    answered.set()
    await working
    assert courier.posts == [("s1", "C1")]
    assert courier.told == []


async def test_what_a_dead_worker_held_is_another_s_within_fifteen_seconds(
    service: Service, worker: Worker, courier: FakeCourier, clock: Clock
) -> None:
    await confirm(service)
    dead = Worker(service)
    assert len(await dead._claim(1)) == 1
    clock.forward(seconds=11)
    assert await worker.work() == 0
    clock.forward(seconds=3)
    await work(worker)
    assert courier.posts == [("s1", "C1")]


async def test_what_is_done_keeps_the_pace_of_its_queue(service: Service, store: Store, clock: Clock) -> None:
    worker = Worker(service, lease=timedelta(seconds=0.03))
    await confirm(service)
    [job] = await worker._claim(1)
    until = clock() + timedelta(seconds=1)
    done = sa.update(jobs).where(jobs.c.id == job.id).values(state="done", leased_until=until)
    await store.run(lambda unit: unit.execute(done))
    renewing = asyncio.create_task(worker._renew(job))
    await asyncio.sleep(0.1)
    renewing.cancel()
    kept = sa.select(jobs.c.leased_until).where(jobs.c.id == job.id)
    assert await store.run(lambda unit: unit.execute(kept).scalar()) == until
