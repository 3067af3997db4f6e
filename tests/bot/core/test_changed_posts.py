"""The outbox worker: posts that are edited, deleted, and posted again."""

import sqlalchemy as sa

from adapters.ports import OutcomeUnknown, PermanentFailure, RetryLater, Turn
from bot.core.jobs import MAX_ATTEMPTS
from bot.core.outbox import OutboxWorker
from bot.core.service import Service
from bot.storage.database import Database
from bot.storage.schema import outbox
from dialogs.effects import Show
from dialogs.events import Answer, Change, ConfirmPost, Event, Resume, TakeBack, UpdatePost
from dialogs.translations import translations
from dialogs.views import RecommendationCard
from tests.bot.conftest import Clock
from tests.bot.fakes import ANNA, FakeGateway, confirm, rows, work

t = translations("en")


async def send(service: Service, *events: Event) -> None:
    for event in events:
        result = await service.turn(Turn(event, "s1"))
        assert result.session
        await service.mark_shown("s1", result.session.revision)


async def posted(service: Service, worker: OutboxWorker, clock: Clock) -> None:
    """Post, and wait until the pace of the channel allows the next message."""
    await confirm(service)
    await work(worker)
    clock.forward(seconds=2)


async def post_of(service: Service) -> object:
    [check] = await service.list_checks(ANNA)
    return check.post


CHANGE = (Change(ANNA, "agency_link"), Answer(ANNA, "agency_link", "no"), UpdatePost(ANNA))


async def test_a_changed_post_is_edited_in_place_and_says_so(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, clock: Clock
) -> None:
    await posted(service, worker, clock)
    before = await post_of(service)
    await send(service, *CHANGE)
    await work(worker)
    [announcement] = gateway.edits
    assert announcement.by == t("announcement.by_changed")
    assert len(gateway.posts) == 1
    assert await post_of(service) == before
    view = gateway.shown[-1]
    assert isinstance(view, RecommendationCard)
    assert view.note == (t("notice.updated"),)
    assert view.buttons[0].url == "https://example.org/s1"


async def test_the_card_links_to_the_post_from_the_first_turn_after_it(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, clock: Clock
) -> None:
    await posted(service, worker, clock)
    result = await service.turn(Turn(Resume(ANNA), "s1"))
    [effect] = result.effects
    assert isinstance(effect, Show)
    assert isinstance(effect.view, RecommendationCard)
    assert effect.view.buttons[0].url == "https://example.org/s1"


async def test_a_post_that_is_not_sent_yet_shows_the_posted_answers_or_is_not_sent(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, database: Database
) -> None:
    await confirm(service)
    await send(service, TakeBack(ANNA))
    await work(worker)
    assert (gateway.posts, gateway.deleted) == ([], [])
    assert await rows(database) == {}
    await send(service, ConfirmPost(ANNA, "C1"), Change(ANNA, "agency_link"), Answer(ANNA, "agency_link", "no"))
    await work(worker)
    assert gateway.posts == [("s1", "C1")]
    assert await post_of(service) is not None


async def test_a_post_taken_back_is_deleted_and_can_be_posted_elsewhere(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, clock: Clock
) -> None:
    await posted(service, worker, clock)
    # Another queue than the deletion's: the new post waits for it.
    await send(service, TakeBack(ANNA), ConfirmPost(ANNA, "C2"))
    for _ in range(3):
        await work(worker)
        clock.forward(seconds=2)
    assert gateway.deleted == [{"link": "https://example.org/s1"}]
    assert gateway.posts == [("s1", "C1"), ("s1", "C2")]
    assert await post_of(service) == {"link": "https://example.org/s1"}


async def test_a_held_post_that_is_taken_back_is_not_sent_later(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, clock: Clock, database: Database
) -> None:
    gateway.answers = [PermanentFailure("not_in_channel")]
    await posted(service, worker, clock)
    assert (await rows(database))["s1:post:0"] == "held"
    await send(service, TakeBack(ANNA))
    await work(worker)
    assert await rows(database) == {}
    assert not await service.retry_post(ANNA, "s1")


async def test_the_owner_hears_when_a_lost_post_is_taken_back(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, clock: Clock, database: Database
) -> None:
    gateway.answers = [OutcomeUnknown()]
    await confirm(service)
    for _ in range(3):  # it is looked for, and cannot be found
        await work(worker)
        clock.forward(seconds=6)
    assert (await rows(database))["s1:post:0"] == "held"
    assert gateway.reported == ["lost"]
    await send(service, TakeBack(ANNA))
    await work(worker)
    assert gateway.reported == ["lost", "not_deleted"], "it may be in the channel, and only a person can delete it"


async def test_the_owner_hears_when_a_post_cannot_be_changed(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, clock: Clock
) -> None:
    await posted(service, worker, clock)
    gateway.fail = PermanentFailure("gone")
    await send(service, *CHANGE)
    await work(worker)
    assert gateway.reported == ["not_edited"]
    await send(service, TakeBack(ANNA))
    await work(worker)
    assert gateway.reported == ["not_edited", "not_deleted"]
    assert await post_of(service) is None, "it may be posted again"


async def test_changing_a_post_is_retried_and_given_up_in_the_end(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, clock: Clock
) -> None:
    await posted(service, worker, clock)
    gateway.fail = RetryLater()
    await send(service, *CHANGE)
    for _ in range(3 * MAX_ATTEMPTS):
        await work(worker)
        clock.forward(hours=1)
    assert len(gateway.edits) == MAX_ATTEMPTS
    assert "not_edited" in gateway.reported


async def test_a_job_of_an_earlier_release_posts_and_keeps_its_key(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, database: Database
) -> None:
    await confirm(service)

    def as_stored_before(transaction) -> None:
        transaction.execute(sa.update(outbox).where(outbox.c.key == "s1:post:0").values(key="s1:post"))
        state = transaction.load("s1").session.to_json()
        del state["publication"]
        sessions = outbox.metadata.tables["sessions"]
        transaction.execute(sa.update(sessions).where(sessions.c.id == "s1").values(state=state))

    await database.run(as_stored_before)
    await work(worker)
    assert gateway.posts == [("s1", "C1")]
