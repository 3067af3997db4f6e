import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from adapters.ports import ServiceUnavailable, Turn
from bot.core.housekeeping import purge
from bot.core.outbox import OutboxWorker
from bot.core.service import Service
from bot.storage.database import Database
from bot.storage.schema import person_settings, processed_events, removed_tenants, sessions
from bot.storage.statements import MAX_RECENT_KEYS
from dialogs.community_flow import FLOW
from dialogs.effects import Notify, Show
from dialogs.events import (
    Answer,
    Back,
    Cancel,
    Change,
    ConfirmPost,
    Details,
    KeepPrivate,
    Resume,
    SetLanguage,
    Start,
    Typed,
)
from dialogs.session import Status
from dialogs.views import DetailsCard
from dialogs.walk import walk
from tests.bot.conftest import Clock
from tests.bot.fakes import ANNA, BEN, STRANGER, FakeGateway, answer, begin, complete, confirm, rows, work


async def test_a_turn_is_stored_and_its_card_is_pending_until_shown(service: Service, database: Database) -> None:
    begun = await begin(service)
    assert begun.session
    assert begun.card == {"ts": "1"}
    assert [type(effect) for effect in begun.effects] == [Show]
    result = await answer(service, begun.session)
    assert result.session
    assert result.session.revision == 1
    assert result.card == {"ts": "1"}
    assert await rows(database) == {"s1:card": "drawing"}

    await service.mark_shown("s1", 0)
    assert await rows(database) == {"s1:card": "drawing"}, "an older revision was shown"
    await service.mark_shown("s1", 1, {"ts": "2"})
    assert await rows(database) == {}
    assert (await service.turn(Turn(Resume(ANNA), "s1"))).card == {"ts": "2"}


async def test_an_event_delivered_again_changes_nothing(service: Service) -> None:
    turn = Turn(Start(ANNA, "s1"), conversation="D1", idempotency_key="Ev1")
    assert not (await service.turn(turn)).duplicate
    again = await service.turn(replace(turn, event=Start(ANNA, "s2")))
    assert again.duplicate
    assert again.effects == ()
    assert len(await service.list_checks(ANNA)) == 1
    assert not await service.is_duplicate("Ev2")
    assert await service.is_duplicate("Ev2")
    assert await service.is_duplicate("Ev1")


async def test_details_delivered_again_are_shown_again(service: Service) -> None:
    """Before and after the post, to its owner and to others."""
    await begin(service, answers=complete())
    for actor, posted in ((ANNA, False), (ANNA, True), (BEN, True)):
        if posted and actor is ANNA:
            await service.turn(Turn(ConfirmPost(ANNA, "C1"), "s1"))
        turn = Turn(Details(actor), "s1", idempotency_key=f"{actor.person}{posted}")
        first, again = await service.turn(turn), await service.turn(turn)
        assert [effect.view for effect in again.effects] == [effect.view for effect in first.effects]  # type: ignore[union-attr]
        assert isinstance(again.effects[0].view, DetailsCard)  # type: ignore[union-attr]


async def test_a_session_id_is_used_only_once(service: Service) -> None:
    await begin(service, answers={"orientation": "key"})
    for other in (ANNA, BEN, STRANGER):
        assert (await begin(service, actor=other)).duplicate
    [check] = await service.list_checks(ANNA)
    assert check.session.answers == {"orientation": "key"}
    assert (await begin(service, actor=STRANGER)).session is None


async def test_typed_text_finds_the_running_session_of_the_conversation(service: Service) -> None:
    await begin(service, "s1")
    await begin(service, "s2")
    running = await service.find_running(ANNA, "D1")
    assert running
    assert running.id in {"s1", "s2"}
    first = FLOW.questions[0]
    result = await service.turn(Turn(Typed(ANNA, first.options[0]), conversation="D1"))
    assert result.session
    assert result.session.id == running.id
    assert await service.find_running(ANNA, "D2") is None
    assert await service.find_running(BEN, "D1") is None
    assert await service.find_running(STRANGER, "D1") is None
    assert (await service.turn(Turn(Typed(BEN, "oui"), conversation="D1"))).session is None
    assert (await service.turn(Turn(Typed(ANNA, "oui")))).session is None


async def test_other_people_get_only_what_they_may_read(service: Service, database: Database) -> None:
    await begin(service)
    ben = await service.turn(Turn(Cancel(BEN), "s1", card={"ts": "stolen"}))
    assert [type(effect) for effect in ben.effects] == [Notify]
    stranger = await service.turn(Turn(Details(STRANGER), "s1"))
    assert stranger.session is None
    assert stranger.card is None
    [check] = await service.list_checks(ANNA)
    assert check.session.status is Status.OPEN
    assert (await service.turn(Turn(Resume(ANNA), "s1"))).card == {"ts": "1"}


async def test_the_same_button_pressed_twice_at_once(url: str, clock: Clock, gateway: FakeGateway) -> None:
    stores = [Database(url, clock), Database(url, clock)]
    stores[0].upgrade()
    services = [Service(FLOW, database, gateways={"slack": gateway}) for database in stores]
    begun = await begin(services[0])
    assert begun.session
    here = walk(FLOW, {}).next_question
    assert here
    presses = [answer(services[n % 2], begun.session, option=here.options[n % len(here.options)]) for n in range(12)]
    result = await asyncio.gather(*presses)
    assert {found.session.revision for found in result if found.session} == {1}
    assert len({found.session.answers[here.id] for found in result if found.session}) == 1, (
        "all results show the press that was first"
    )
    assert all(isinstance(found.effects[-1], Show) for found in result)
    for database in stores:
        database.close()


async def test_many_turns_of_many_people_at_once(service: Service) -> None:
    async def one(number: int) -> int:
        actor = ANNA._replace(person=f"U{number}")
        session = (await begin(service, f"s{number}", actor)).session
        for _ in range(3):
            assert session
            session = (await answer(service, session, actor)).session
            await service.mark_shown(f"s{number}", session.revision if session else 0)
        return session.revision if session else 0

    assert await asyncio.gather(*(one(number) for number in range(20))) == [3] * 20


async def test_a_list_of_checks(service: Service, clock: Clock) -> None:
    for number, actor in enumerate([ANNA, ANNA, ANNA, BEN]):
        clock.forward(minutes=1)
        await begin(service, f"s{number}", actor, complete())
    await service.turn(Turn(Cancel(ANNA), "s1"))
    clock.forward(minutes=1)
    await service.turn(Turn(KeepPrivate(ANNA), "s0"))
    assert [check.session.id for check in await service.list_checks(ANNA)] == ["s0", "s2"]
    assert [check.session.id for check in await service.list_checks(ANNA, 1)] == ["s0"]
    assert (await service.list_checks(ANNA))[0].updated_at == clock.now


async def test_a_language_is_stored(service: Service) -> None:
    assert await service.get_language(*ANNA[:2]) is None
    await service.set_language(ANNA, "fr")
    await service.set_language(ANNA, "en")
    assert await service.get_language(*ANNA[:2]) == "en"
    assert await service.get_language(*STRANGER[:2]) is None
    await begin(service)
    await service.turn(Turn(SetLanguage(ANNA, "fr"), "s1"))
    assert (await service.list_checks(ANNA))[0].session.language == "fr"


async def test_the_key_of_a_press_is_stored_in_its_session(service: Service, database: Database) -> None:
    session = (await begin(service)).session
    assert session
    presses = []
    for number in range(MAX_RECENT_KEYS):
        here = walk(FLOW, session.answers).next_question
        event = (
            Answer(ANNA, here.id, here.options[0], revision=session.revision)
            if here
            else Back(ANNA, revision=session.revision)
        )
        presses.append(Turn(event, "s1", idempotency_key=f"Ev{number}"))
        session = (await service.turn(presses[-1])).session
        assert session
        assert session.revision == number + 1
    for press in presses:
        again = await service.turn(press)
        assert (again.duplicate, again.effects, again.session) == (True, (), session)
    assert await database.run(lambda transaction: transaction.execute(sa.select(processed_events)).all()) == []
    stranger = await service.turn(replace(presses[0], event=Back(BEN)))
    assert stranger.duplicate
    assert stranger.effects == ()


@pytest.mark.parametrize("named", [None, "s1"])
async def test_the_key_of_typed_text_is_stored_for_all_sessions(service: Service, named: str | None) -> None:
    await begin(service)
    words = Turn(Cancel(ANNA), named, conversation="D1", idempotency_key="Ev1")
    cancelled = await service.turn(words)
    assert cancelled.session
    assert cancelled.session.status is Status.CANCELLED
    await begin(service, "s2")
    again = await service.turn(replace(words, session=named and "s2"))
    assert again.duplicate
    assert again.session
    assert (again.session.id, again.session.status) == ("s2", Status.OPEN)


async def test_forget_person_deletes_everything(service: Service, database: Database) -> None:
    await confirm(service, "s1")
    await begin(service, "s2")
    await begin(service, "s3", BEN)
    await service.set_language(ANNA, "fr")
    await service.is_duplicate("slack:T1:U1:Ev1")
    assert await service.forget_person(ANNA) == 2
    assert await service.list_checks(ANNA) == []
    assert await service.get_language(*ANNA[:2]) is None
    assert len(await service.list_checks(BEN)) == 1
    assert set(await rows(database)) == {"s3:card"}
    query = sa.select(processed_events.c.key_hash)
    assert all(
        b"U1" not in row for row in await database.run(lambda transaction: transaction.execute(query).scalars().all())
    )
    assert await service.forget_person(ANNA) == 0
    assert await service.is_duplicate("slack:T1:U1:Ev1"), "keys of typed text are stored"


async def test_an_idle_session_expires(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, clock: Clock
) -> None:
    await begin(service)
    await service.mark_shown("s1", 0)
    clock.forward(days=13)
    await service.turn(Turn(Resume(ANNA), "s1"))
    await service.mark_shown("s1", 0)
    clock.forward(days=2)
    await work(worker)
    assert await service.find_running(ANNA, "D1"), "it was changed two days ago"
    clock.forward(days=13)
    await work(worker)
    assert await service.find_running(ANNA, "D1") is None
    assert await service.list_checks(ANNA) == []
    assert len(gateway.shown) == 1


async def test_a_reopened_session_expires(service: Service, worker: OutboxWorker, clock: Clock) -> None:
    await begin(service, answers=complete())
    await service.turn(Turn(KeepPrivate(ANNA), "s1"))
    clock.forward(days=15)
    await work(worker)
    await service.turn(Turn(Change(ANNA, "brand"), "s1"))
    assert await service.find_running(ANNA, "D1")
    clock.forward(days=15)
    await work(worker)
    assert await service.find_running(ANNA, "D1") is None


async def test_retention(service: Service, database: Database, clock: Clock) -> None:
    await begin(service, "old")
    await service.set_language(ANNA, "fr")
    await service.set_language(STRANGER, "fr")
    await service.is_duplicate("Ev1")
    clock.forward(days=1)
    await service.mark_tenant_removed("slack:T1")
    assert await rows(database) == {}, "jobs of a removed tenant are deleted"
    assert len(await service.list_checks(ANNA)) == 1, "sessions stay until the retention time has passed"
    clock.forward(days=179, hours=1)
    await begin(service, "young", BEN)
    await purge(service.database, timedelta(days=180))
    assert await service.list_checks(ANNA) == []
    assert await service.get_language(*ANNA[:2]) == "fr"
    assert not await service.is_duplicate("Ev1")
    clock.forward(days=1)
    await service.set_language(BEN, "fr")
    await purge(service.database, timedelta(days=180))
    assert await service.get_language(*ANNA[:2]) is None
    assert await service.get_language(*BEN[:2]) == "fr", "the tenant installed the app again"
    assert await service.get_language(*STRANGER[:2]) == "fr"
    assert await database.run(lambda transaction: transaction.execute(sa.select(removed_tenants)).all()) == []
    assert len(await service.list_checks(BEN)) == 1


async def test_an_unreadable_session_counts_as_missing_and_stays_stored(service: Service, database: Database) -> None:
    await begin(service)
    change = sa.update(sessions).values(state={"id": "s1", "status": "of a later version"})
    await database.run(lambda transaction: transaction.execute(change))
    result = await service.turn(Turn(Resume(ANNA), "s1"))
    assert result.session is None
    assert await service.list_checks(ANNA) == []
    count = sa.select(sa.func.count()).select_from(sessions)
    assert await database.run(lambda transaction: transaction.execute(count).scalar()) == 1


async def test_an_unavailable_database(service: Service, database: Database) -> None:
    await database.run(lambda transaction: person_settings.drop(transaction.connection))
    with pytest.raises(ServiceUnavailable, match="Error") as caught:
        await service.get_language("slack:T1", "a person's id")
    assert "person" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_post_adds_a_job_and_wakes_the_worker(service: Service, database: Database) -> None:
    woken: list[None] = []
    service.wake = lambda: woken.append(None)
    result = await confirm(service)
    assert result.session
    assert result.session.status is Status.POSTED
    assert [type(effect) for effect in result.effects] == [Show]
    await service.flush_shown()
    assert await rows(database) == {"s1:post:0": "pending"}
    assert woken
    await service.turn(Turn(ConfirmPost(ANNA, "C2", revision=0), "s1"))
    await service.turn(Turn(ConfirmPost(ANNA, "C2", revision=1), "s1"))
    assert await rows(database) == {"s1:post:0": "pending", "s1:card": "drawing"}


@pytest.mark.parametrize("wrong", [0, -20, 20], ids="our clock is {} s off".format)
async def test_typed_text_older_than_the_latest_event_changes_nothing(
    service: Service, clock: Clock, wrong: float
) -> None:
    """A platform redelivers events later. Only its own clock tells which event came first: ours may be wrong."""
    true = clock.now
    await service.turn(Turn(Start(ANNA, "s1"), "s1", "D1", occurred_at=true))
    clock.forward(seconds=wrong)
    press = Answer(ANNA, "orientation", "key", revision=0)
    await service.turn(Turn(press, "s1", occurred_at=true + timedelta(seconds=5)))
    written = true + timedelta(seconds=1)
    late = await service.turn(Turn(Typed(ANNA, "yes"), "s1", idempotency_key="Ev7", occurred_at=written))
    assert late.session
    assert late.session.answers == {"orientation": "key"}
    assert [effect.view for effect in late.effects if isinstance(effect, Notify)], "the person gets a notice"
    written = true + timedelta(seconds=6)
    new = await service.turn(Turn(Typed(ANNA, "yes"), "s1", idempotency_key="Ev8", occurred_at=written))
    assert new.session
    assert new.session.answers == {"orientation": "key", "brand": "yes"}


@pytest.mark.parametrize("written", [timedelta(seconds=-1), timedelta(days=-400)])
async def test_our_time_replaces_a_missing_or_impossible_one(
    service: Service, clock: Clock, written: timedelta
) -> None:
    await begin(service)
    clock.forward(seconds=5)
    before = (await answer(service, (await service.list_checks(ANNA))[0].session)).session
    result = await service.turn(Turn(Typed(ANNA, "yes"), "s1", occurred_at=clock.now + written))
    assert before
    assert result.session
    assert (result.session.answers == before.answers) is (written > timedelta(days=-1))


async def test_of_texts_in_the_wrong_order_the_later_one_counts(service: Service, clock: Clock) -> None:
    true = clock.now
    await service.turn(Turn(Start(ANNA, "s1"), "s1", "D1", occurred_at=true))
    clock.forward(minutes=5)  # Slack was away
    for second, text in ((2, "orientation=key"), (1, "orientation=seo"), (3, "brand=yes")):
        await service.turn(Turn(Typed(ANNA, text), "s1", occurred_at=true + timedelta(seconds=second)))
    assert (await service.list_checks(ANNA))[0].session.answers == {"orientation": "key", "brand": "yes"}


async def test_late_text_counts_when_nothing_came_between(service: Service, clock: Clock) -> None:
    await begin(service)
    clock.forward(seconds=1)
    written = clock.now
    clock.forward(minutes=5)
    result = await service.turn(Turn(Typed(ANNA, "the key"), "s1", occurred_at=written))
    assert result.session
    assert result.session.answers == {"orientation": "key"}
