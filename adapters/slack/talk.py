"""What people type: the slash command, a mention, a direct message."""

import re
from dataclasses import replace

from slack_bolt.context.ack.async_ack import AsyncAck

from adapters.ports import Json, Turned
from adapters.slack import blocks, modal
from adapters.slack.deliver import private_card
from adapters.slack.desk import Desk, notice
from adapters.slack.hearing import Heard, part, place_of, text, typed
from adapters.slack.replies import ELSEWHERE, HELP, reading, reply
from dialogs.session import Actor, Notify, Resume, Session, SetLanguage, Show, Typed
from dialogs.understand import Command, Company, Nothing, Reading
from dialogs.views import Notice
from dialogs.words import words

_MENTION = re.compile(r"<@[A-Z0-9]+(\|[^<>]*)?>")  # without the "<" a long text would take minutes


async def command(desk: Desk, heard: Heard, ack: AsyncAck) -> None:
    """``/cm``: the answer goes with the ack, so that it needs no call and no membership."""
    said = typed(text(heard.body, "text"))
    actor = await desk.actor(heard)
    card = private_card(heard.channel, heard.person, heard.url or "", adds=True)
    found = reading(said, loose=True) if said else Command("resume")
    if isinstance(found, Command) and found.name == "form":
        await ack()
        desk.later(modal.open_form(desk, heard, actor))
        return
    if isinstance(found, Command) and found.name == "language" and found.argument:
        actor = await desk.choose(actor, found.argument)
    turned = await _command_turn(desk, heard, actor, card, found, said)
    if turned is None:
        await ack(response_type="ephemeral", **await _answer(desk, actor, found))
    else:
        await _answer_with(desk, heard, actor, turned, ack)


async def _command_turn(desk: Desk, heard: Heard, actor: Actor, card: Json, found: Reading, said: str) -> Turned | None:
    """Return what came of the command, None where it is not about a dialog."""
    if isinstance(found, Company):
        return await desk.start(heard, actor, card, found.answers, quick=True)
    if not isinstance(found, Command) or found.name in HELP | ELSEWHERE:
        return None
    running = await desk.advisor.running(actor, place_of(card))
    if found.name == "language":
        change = SetLanguage(actor, found.argument or "")
        return await desk.turn(heard, change, running.id, card) if running and found.argument else None
    if running is None:
        return await desk.start(heard, actor, card)
    event = Resume(actor) if found.name in {"resume", "start"} else Typed(actor, said)
    return await desk.turn(heard, event, running.id, card)


async def _answer_with(desk: Desk, heard: Heard, actor: Actor, turned: Turned, ack: AsyncAck) -> None:
    """The card goes with the ack; a word without a card likewise. What is left follows it."""
    session, card = turned.session, turned.card or {}
    shown = next((effect for effect in turned.effects if isinstance(effect, Show)), None)
    said = next((effect for effect in turned.effects if isinstance(effect, Notify)), None)
    first: Show | Notify | None = shown
    if session and shown:
        await ack(response_type="ephemeral", **desk.courier.message(session, shown.view, card))
        desk.later(desk.advisor.shown(session.id, session.revision, card))
    elif said:
        first = said
        await ack(response_type="ephemeral", **notice(said.view, session, actor.language))
    else:
        await ack()
    rest = tuple(effect for effect in turned.effects if effect is not first)
    desk.later(desk.perform(heard, replace(turned, effects=rest), actor.language))


async def mention(desk: Desk, heard: Heard) -> None:
    """``@app …``: a dialog in the thread of that message, of the person who asked."""
    event = part(heard.body, "event")
    if not heard.person or text(event, "bot_id") or text(event, "subtype"):
        return
    heard = replace(heard, thread=heard.thread or text(event, "ts"))
    await _talk(desk, heard, typed(_MENTION.sub(" ", text(event, "text"))), in_channel=True)


async def direct(desk: Desk, heard: Heard) -> None:
    """A message to the app alone."""
    event = part(heard.body, "event")
    foreign = text(event, "bot_id") or text(event, "app_id") or text(event, "subtype") or event.get("edited")
    if foreign or not heard.person or text(event, "channel_type") != "im":
        return
    await _talk(desk, heard, typed(_MENTION.sub(" ", text(event, "text"))), in_channel=False)


async def _talk(desk: Desk, heard: Heard, said: str, *, in_channel: bool) -> None:
    actor = await desk.actor(heard)
    running = await desk.advisor.running(actor, place_of(heard.room))
    found: Reading = reading(said, loose=in_channel and running is None)
    if isinstance(found, Command) and found.name == "language" and found.argument:
        actor = await desk.choose(actor, found.argument)
    about_me = isinstance(found, Command) and found.name in ELSEWHERE
    if running and not about_me:
        await _go_on(desk, heard, actor, running, said)
    elif isinstance(found, Company):
        turned = await desk.start(heard, actor, heard.room, found.answers, quick=True)
        desk.later(desk.perform(heard, turned, actor.language, heard.room))
    elif _begins(found, said, in_channel=in_channel):
        turned = await desk.start(heard, actor, heard.room)
        desk.later(desk.perform(heard, turned, actor.language, heard.room))
    elif not await desk.advisor.heard(heard.once):
        answer = await _answer(desk, actor, found)
        if about_me and in_channel:  # nobody else's business, and not the thread's
            desk.later(desk.say(replace(heard, thread=None), answer, actor.language))
        else:
            desk.later(desk.courier.put(heard.tenant, heard.person, heard.room, answer, actor.language))


def _begins(found: Reading, said: str, *, in_channel: bool) -> bool:
    """Whether words without a running dialog begin one: in a channel, whoever calls the app wants something."""
    if isinstance(found, Command):
        return found.name not in HELP | ELSEWHERE | {"language"}
    return in_channel and (not said or isinstance(found, Nothing))


async def _go_on(desk: Desk, heard: Heard, actor: Actor, running: Session, said: str) -> None:
    event = Typed(actor, said) if said else Resume(actor)
    turned = await desk.turn(heard, event, running.id)
    desk.later(_redraw(desk, heard, actor, turned))


async def _redraw(desk: Desk, heard: Heard, actor: Actor, turned: Turned) -> None:
    """Send the card again below what was typed, where the person looks, and fold the one above."""
    await desk.perform(heard, turned, actor.language, heard.room)
    if "ts" in (turned.card or {}) and any(isinstance(effect, Show) for effect in turned.effects):
        await desk.courier.fold(heard.tenant, turned.card or {}, words(actor.language).text("slack.below"))


async def _answer(desk: Desk, actor: Actor, found: Reading) -> blocks.Message:
    if isinstance(found, Command) and found.name == "language" and found.argument:
        return notice(Notice("language", words(actor.language).text("notice.language")), None, actor.language)
    return await reply(desk, actor, found)
