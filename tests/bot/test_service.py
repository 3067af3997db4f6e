import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from adapters.ports import Turn, Unavailable
from bot.jobs import Worker
from bot.schema import people, seen, sessions, tenants
from bot.service import Service
from bot.store import Store
from bot.turns import RING
from dialogs.community import FLOW
from dialogs.session import (
    Answer,
    Back,
    Cancel,
    ConfirmPost,
    Details,
    KeepPrivate,
    Notify,
    Resume,
    SetLanguage,
    Show,
    Start,
    Status,
    Typed,
)
from dialogs.walk import walk
from tests.bot.conftest import Clock
from tests.bot.scene import ANNA, BEN, STRANGER, FakeCourier, answer, begin, complete, confirm, rows, work


async def test_a_turn_is_saved_and_its_card_is_a_row_until_shown(service: Service, store: Store) -> None:
    begun = await begin(service)
    assert begun.session
    assert begun.card == {"ts": "1"}
    assert [type(effect) for effect in begun.effects] == [Show]
    turned = await answer(service, begun.session)
    assert turned.session
    assert turned.session.revision == 1
    assert turned.card == {"ts": "1"}
    assert await rows(store) == {"s1:card": "drawing"}

    await service.shown("s1", 0)
    assert await rows(store) == {"s1:card": "drawing"}, "the card of an older revision is not this one"
    await service.shown("s1", 1, {"ts": "2"})
    assert await rows(store) == {}
    assert (await service.turn(Turn(Resume(ANNA), "s1"))).card == {"ts": "2"}


async def test_an_event_delivered_again_changes_nothing(service: Service) -> None:
    turn = Turn(Start(ANNA, "s1"), place="D1", once="Ev1")
    assert not (await service.turn(turn)).repeated
    again = await service.turn(replace(turn, event=Start(ANNA, "s2")))
    assert again.repeated
    assert again.effects == ()
    assert len(await service.checks(ANNA)) == 1
    assert not await service.heard("Ev2")
    assert await service.heard("Ev2")
    assert await service.heard("Ev1")


async def test_a_session_id_is_taken_only_once(service: Service) -> None:
    await begin(service, answers={"orientation": "key"})
    for other in (ANNA, BEN, STRANGER):
        assert (await begin(service, actor=other)).repeated
    [check] = await service.checks(ANNA)
    assert check.session.answers == {"orientation": "key"}
    assert (await begin(service, actor=STRANGER)).session is None


async def test_typed_words_find_the_running_dialog_of_the_place(service: Service) -> None:
    await begin(service, "s1")
    await begin(service, "s2")
    running = await service.running(ANNA, "D1")
    assert running
    assert running.id in {"s1", "s2"}
    first = FLOW.questions[0]
    turned = await service.turn(Turn(Typed(ANNA, first.options[0]), place="D1"))
    assert turned.session
    assert turned.session.id == running.id
    assert await service.running(ANNA, "D2") is None
    assert await service.running(BEN, "D1") is None
    assert await service.running(STRANGER, "D1") is None
    assert (await service.turn(Turn(Typed(BEN, "oui"), place="D1"))).session is None
    assert (await service.turn(Turn(Typed(ANNA, "oui")))).session is None


async def test_others_see_no_more_than_they_may(service: Service, store: Store) -> None:
    await begin(service)
    ben = await service.turn(Turn(Cancel(BEN), "s1", card={"ts": "stolen"}))
    assert [type(effect) for effect in ben.effects] == [Notify]
    stranger = await service.turn(Turn(Details(STRANGER), "s1"))
    assert stranger.session is None
    assert stranger.card is None
    [check] = await service.checks(ANNA)
    assert check.session.status is Status.OPEN
    assert (await service.turn(Turn(Resume(ANNA), "s1"))).card == {"ts": "1"}


async def test_the_same_button_pressed_at_once_in_two_places(url: str, clock: Clock, courier: FakeCourier) -> None:
    stores = [Store(url, clock), Store(url, clock)]
    stores[0].upgrade()
    services = [Service(FLOW, store, couriers={"slack": courier}) for store in stores]
    begun = await begin(services[0])
    assert begun.session
    here = walk(FLOW, {}).here
    assert here
    presses = [answer(services[n % 2], begun.session, option=here.options[n % len(here.options)]) for n in range(12)]
    turned = await asyncio.gather(*presses)
    assert {found.session.revision for found in turned if found.session} == {1}
    assert len({found.session.answers[here.id] for found in turned if found.session}) == 1, "one press won, all see it"
    assert all(isinstance(found.effects[-1], Show) for found in turned)
    for store in stores:
        store.close()


async def test_many_turns_of_many_people_at_once(service: Service) -> None:
    async def one(number: int) -> int:
        actor = ANNA._replace(person=f"U{number}")
        session = (await begin(service, f"s{number}", actor)).session
        for _ in range(3):
            assert session
            session = (await answer(service, session, actor)).session
            await service.shown(f"s{number}", session.revision if session else 0)
        return session.revision if session else 0

    assert await asyncio.gather(*(one(number) for number in range(20))) == [3] * 20


async def test_a_list_of_checks(service: Service, clock: Clock) -> None:
    for number, actor in enumerate([ANNA, ANNA, ANNA, BEN]):
        clock.forward(minutes=1)
        await begin(service, f"s{number}", actor, complete())
    await service.turn(Turn(Cancel(ANNA), "s1"))
    clock.forward(minutes=1)
    await service.turn(Turn(KeepPrivate(ANNA), "s0"))
    assert [check.session.id for check in await service.checks(ANNA)] == ["s0", "s2"]
    assert [check.session.id for check in await service.checks(ANNA, 1)] == ["s0"]
    assert (await service.checks(ANNA))[0].updated == clock.now


async def test_a_language_is_remembered(service: Service) -> None:
    assert await service.language(*ANNA[:2]) is None
    await service.choose_language(ANNA, "fr")
    await service.choose_language(ANNA, "en")
    assert await service.language(*ANNA[:2]) == "en"
    assert await service.language(*STRANGER[:2]) is None
    await begin(service)
    await service.turn(Turn(SetLanguage(ANNA, "fr"), "s1"))
    assert (await service.checks(ANNA))[0].session.language == "fr"


async def test_a_press_is_remembered_with_its_session(service: Service, store: Store) -> None:
    session = (await begin(service)).session
    assert session
    presses = []
    for number in range(RING):
        here = walk(FLOW, session.answers).here
        event = (
            Answer(ANNA, here.id, here.options[0], revision=session.revision)
            if here
            else Back(ANNA, revision=session.revision)
        )
        presses.append(Turn(event, "s1", once=f"Ev{number}"))
        session = (await service.turn(presses[-1])).session
        assert session
        assert session.revision == number + 1
    for press in presses:
        again = await service.turn(press)
        assert (again.repeated, again.effects, again.session) == (True, (), session)
    assert await store.run(lambda unit: unit.execute(sa.select(seen)).all()) == []
    stranger = await service.turn(replace(presses[0], event=Back(BEN)))
    assert stranger.repeated
    assert stranger.effects == ()


@pytest.mark.parametrize("named", [None, "s1"])
async def test_words_are_remembered_whichever_dialog_they_meet(service: Service, named: str | None) -> None:
    await begin(service)
    words = Turn(Cancel(ANNA), named, place="D1", once="Ev1")
    cancelled = await service.turn(words)
    assert cancelled.session
    assert cancelled.session.status is Status.CANCELLED
    await begin(service, "s2")
    again = await service.turn(replace(words, session=named and "s2"))
    assert again.repeated
    assert again.session
    assert (again.session.id, again.session.status) == ("s2", Status.OPEN)


async def test_forgetting_a_person_leaves_nothing_of_them(service: Service, store: Store) -> None:
    await confirm(service, "s1")
    await begin(service, "s2")
    await begin(service, "s3", BEN)
    await service.choose_language(ANNA, "fr")
    await service.heard("slack:T1:U1:Ev1")
    assert await service.forget(ANNA) == 2
    assert await service.checks(ANNA) == []
    assert await service.language(*ANNA[:2]) is None
    assert len(await service.checks(BEN)) == 1
    assert set(await rows(store)) == {"s3:card"}
    query = sa.select(seen.c.once)
    assert all(b"U1" not in row for row in await store.run(lambda unit: unit.execute(query).scalars().all()))
    assert await service.forget(ANNA) == 0
    assert await service.heard("slack:T1:U1:Ev1"), "what was heard stays heard"


async def test_a_dialog_nobody_goes_on_with_expires(
    service: Service, worker: Worker, courier: FakeCourier, clock: Clock
) -> None:
    await begin(service)
    await service.shown("s1", 0)
    clock.forward(days=13)
    await service.turn(Turn(Resume(ANNA), "s1"))
    await service.shown("s1", 0)
    clock.forward(days=2)
    await work(worker)
    assert await service.running(ANNA, "D1"), "somebody went on with it two days ago"
    clock.forward(days=13)
    await work(worker)
    assert await service.running(ANNA, "D1") is None
    assert await service.checks(ANNA) == []
    assert len(courier.shows) == 1


async def test_a_dialog_that_is_reopened_expires_too(service: Service, worker: Worker, clock: Clock) -> None:
    await begin(service, answers=complete())
    await service.turn(Turn(KeepPrivate(ANNA), "s1"))
    clock.forward(days=15)
    await work(worker)
    await service.turn(Turn(Back(ANNA), "s1"))
    assert await service.running(ANNA, "D1")
    clock.forward(days=15)
    await work(worker)
    assert await service.running(ANNA, "D1") is None


async def test_retention(service: Service, store: Store, clock: Clock) -> None:
    await begin(service, "old")
    await service.choose_language(ANNA, "fr")
    await service.choose_language(STRANGER, "fr")
    await service.heard("Ev1")
    clock.forward(days=1)
    await service.forget_tenant("slack:T1")
    assert await rows(store) == {}, "what was due for a tenant that left is dropped"
    assert len(await service.checks(ANNA)) == 1, "its data stays as long as the retention says"
    clock.forward(days=179, hours=1)
    await begin(service, "young", BEN)
    await service.purge(timedelta(days=180))
    assert await service.checks(ANNA) == []
    assert await service.language(*ANNA[:2]) == "fr"
    assert not await service.heard("Ev1")
    clock.forward(days=1)
    await service.choose_language(BEN, "fr")
    await service.purge(timedelta(days=180))
    assert await service.language(*ANNA[:2]) is None
    assert await service.language(*BEN[:2]) == "fr", "somebody of the tenant that came back"
    assert await service.language(*STRANGER[:2]) == "fr"
    assert await store.run(lambda unit: unit.execute(sa.select(tenants)).all()) == []
    assert len(await service.checks(BEN)) == 1


async def test_a_session_nobody_can_read_is_gone_and_stays(service: Service, store: Store) -> None:
    await begin(service)
    change = sa.update(sessions).values(state={"id": "s1", "status": "of a later version"})
    await store.run(lambda unit: unit.execute(change))
    turned = await service.turn(Turn(Resume(ANNA), "s1"))
    assert turned.session is None
    assert await service.checks(ANNA) == []
    count = sa.select(sa.func.count()).select_from(sessions)
    assert await store.run(lambda unit: unit.execute(count).scalar()) == 1


async def test_a_database_that_cannot_be_had(service: Service, store: Store) -> None:
    await store.run(lambda unit: people.drop(unit.connection))
    with pytest.raises(Unavailable, match="Error") as caught:
        await service.language("slack:T1", "a person's id")
    assert "person" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_post_is_a_row_and_wakes_the_worker(service: Service, store: Store) -> None:
    woken: list[None] = []
    service.wake = lambda: woken.append(None)
    turned = await confirm(service)
    assert turned.session
    assert turned.session.status is Status.POSTED
    assert [type(effect) for effect in turned.effects] == [Show]
    await service.settle()
    assert await rows(store) == {"s1:post": "pending"}
    assert woken
    await service.turn(Turn(ConfirmPost(ANNA, "C2", revision=0), "s1"))
    await service.turn(Turn(ConfirmPost(ANNA, "C2", revision=1), "s1"))
    assert await rows(store) == {"s1:post": "pending", "s1:card": "drawing"}


@pytest.mark.parametrize("wrong", [0, -20, 20], ids="our clock is {} s off".format)
async def test_words_older_than_what_has_been_done_since_change_nothing(
    service: Service, clock: Clock, wrong: float
) -> None:
    """A platform delivers again, seconds or minutes later, what it could not. What came first says its own clock; ours
    may be wrong."""
    true = clock.now
    await service.turn(Turn(Start(ANNA, "s1"), "s1", "D1", happened=true))
    clock.forward(seconds=wrong)
    press = Answer(ANNA, "orientation", "key", revision=0)
    await service.turn(Turn(press, "s1", happened=true + timedelta(seconds=5)))
    written = true + timedelta(seconds=1)
    late = await service.turn(Turn(Typed(ANNA, "yes"), "s1", once="Ev7", happened=written))
    assert late.session
    assert late.session.answers == {"orientation": "key"}
    assert [effect.view for effect in late.effects if isinstance(effect, Notify)], "a kind word"
    written = true + timedelta(seconds=6)
    new = await service.turn(Turn(Typed(ANNA, "yes"), "s1", once="Ev8", happened=written))
    assert new.session
    assert new.session.answers == {"orientation": "key", "brand": "yes"}


@pytest.mark.parametrize("written", [timedelta(seconds=-1), timedelta(days=-400)])
async def test_where_the_platform_says_no_time_or_a_strange_one_it_is_ours(
    service: Service, clock: Clock, written: timedelta
) -> None:
    await begin(service)
    clock.forward(seconds=5)
    before = (await answer(service, (await service.checks(ANNA))[0].session)).session
    turned = await service.turn(Turn(Typed(ANNA, "yes"), "s1", happened=clock.now + written))
    assert before
    assert turned.session
    assert (turned.session.answers == before.answers) is (written > timedelta(days=-1))


async def test_of_words_that_come_in_the_wrong_order_the_later_count(service: Service, clock: Clock) -> None:
    true = clock.now
    await service.turn(Turn(Start(ANNA, "s1"), "s1", "D1", happened=true))
    clock.forward(minutes=5)  # Slack was away
    for second, said in ((2, "orientation=key"), (1, "orientation=seo"), (3, "brand=yes")):
        await service.turn(Turn(Typed(ANNA, said), "s1", happened=true + timedelta(seconds=second)))
    assert (await service.checks(ANNA))[0].session.answers == {"orientation": "key", "brand": "yes"}


async def test_words_that_come_late_to_a_dialog_that_waited_count(service: Service, clock: Clock) -> None:
    await begin(service)
    clock.forward(seconds=1)
    written = clock.now
    clock.forward(minutes=5)
    turned = await service.turn(Turn(Typed(ANNA, "the key"), "s1", happened=written))
    assert turned.session
    assert turned.session.answers == {"orientation": "key"}
