"""What people type: the slash command, a mention, a direct message."""

import re
from dataclasses import replace

from slack_bolt.context.ack.async_ack import AsyncAck

from adapters.ports import Json, TurnResult
from adapters.slack import block_kit, modals
from adapters.slack.context import Context, notice
from adapters.slack.gateway import private_card
from adapters.slack.replies import ELSEWHERE, HELP, parse_typed, reply
from adapters.slack.request import IncomingRequest, conversation_of, get_object, get_text, unescape
from dialogs.effects import Notify, Show
from dialogs.events import Resume, SetLanguage, Typed
from dialogs.session import Actor, Session
from dialogs.text.parse import Command, NoMatch, Parsed, QuickCheck
from dialogs.translations import translations
from dialogs.views import Notice

_MENTION = re.compile(r"<@[A-Z0-9]+(\|[^<>]*)?>")  # without the "<" a long text would take minutes


async def command(context: Context, request: IncomingRequest, ack: AsyncAck) -> None:
    """``/cm``: the answer goes with the ack, so that it needs no call and no membership."""
    said = unescape(get_text(request.body, "text"))
    actor = await context.actor(request)
    card = private_card(request.channel, request.person, request.url or "", adds=True)
    found = parse_typed(said, loose=True) if said else Command("resume")
    if isinstance(found, Command) and found.name == "form":
        await ack()
        context.later(modals.open_form(context, request, actor))
        return
    if isinstance(found, Command) and found.name == "language" and found.argument:
        actor = await context.choose(actor, found.argument)
    result = await _command_turn(context, request, actor, card, found, said)
    if result is None:
        await ack(response_type="ephemeral", **await _answer(context, actor, found))
    else:
        await _answer_with(context, request, actor, result, ack)


async def _command_turn(
    context: Context, request: IncomingRequest, actor: Actor, card: Json, found: Parsed, said: str
) -> TurnResult | None:
    """Return what came of the command, None where it is not about a dialog."""
    if isinstance(found, QuickCheck):
        return await context.start(request, actor, card, found.answers, quick=True)
    if not isinstance(found, Command) or found.name in HELP | ELSEWHERE:
        return None
    running = await context.application.find_running(actor, conversation_of(card))
    if found.name == "language":
        change = SetLanguage(actor, found.argument or "")
        return await context.turn(request, change, running.id, card) if running and found.argument else None
    if running is None:
        return await context.start(request, actor, card)
    event = Resume(actor) if found.name in {"resume", "start"} else Typed(actor, said)
    return await context.turn(request, event, running.id, card)


async def _answer_with(
    context: Context, request: IncomingRequest, actor: Actor, result: TurnResult, ack: AsyncAck
) -> None:
    """The card goes with the ack; a word without a card likewise. What is left follows it."""
    session, card = result.session, result.card or {}
    shown = next((effect for effect in result.effects if isinstance(effect, Show)), None)
    said = next((effect for effect in result.effects if isinstance(effect, Notify)), None)
    first: Show | Notify | None = shown
    if session and shown:
        await ack(response_type="ephemeral", **context.gateway.message(session, shown.view, card))
        context.later(context.application.mark_shown(session.id, session.revision, card))
    elif said:
        first = said
        await ack(response_type="ephemeral", **notice(said.view, session, actor.language))
    else:
        await ack()
    rest = tuple(effect for effect in result.effects if effect is not first)
    context.later(context.perform(request, replace(result, effects=rest), actor.language))


async def mention(context: Context, request: IncomingRequest) -> None:
    """``@app …``: a dialog in the thread of that message, of the person who asked."""
    event = get_object(request.body, "event")
    if not request.person or get_text(event, "bot_id") or get_text(event, "subtype"):
        return
    request = replace(request, thread=request.thread or get_text(event, "ts"))
    await _talk(context, request, unescape(_MENTION.sub(" ", get_text(event, "text"))), in_channel=True)


async def direct(context: Context, request: IncomingRequest) -> None:
    """A message to the app alone."""
    event = get_object(request.body, "event")
    foreign = (
        get_text(event, "bot_id") or get_text(event, "app_id") or get_text(event, "subtype") or event.get("edited")
    )
    if foreign or not request.person or get_text(event, "channel_type") != "im":
        return
    await _talk(context, request, unescape(_MENTION.sub(" ", get_text(event, "text"))), in_channel=False)


async def _talk(context: Context, request: IncomingRequest, said: str, *, in_channel: bool) -> None:
    actor = await context.actor(request)
    running = await context.application.find_running(actor, conversation_of(request.room))
    found: Parsed = parse_typed(said, loose=in_channel and running is None)
    if isinstance(found, Command) and found.name == "language" and found.argument:
        actor = await context.choose(actor, found.argument)
    about_me = isinstance(found, Command) and found.name in ELSEWHERE
    if running and not about_me:
        await _go_on(context, request, actor, running, said)
    elif isinstance(found, QuickCheck):
        result = await context.start(request, actor, request.room, found.answers, quick=True)
        context.later(context.perform(request, result, actor.language, request.room))
    elif _begins(found, said, in_channel=in_channel):
        result = await context.start(request, actor, request.room)
        context.later(context.perform(request, result, actor.language, request.room))
    elif not await context.application.is_duplicate(request.idempotency_key):
        answer = await _answer(context, actor, found)
        if about_me and in_channel:  # nobody else's business, and not the thread's
            context.later(context.say(replace(request, thread=None), answer, actor.language))
        else:
            context.later(context.gateway.put(request.tenant, request.person, request.room, answer, actor.language))


def _begins(found: Parsed, said: str, *, in_channel: bool) -> bool:
    """Whether words without a running dialog begin one: in a channel, whoever calls the app wants something."""
    if isinstance(found, Command):
        return found.name not in HELP | ELSEWHERE | {"language"}
    return in_channel and (not said or isinstance(found, NoMatch))


async def _go_on(context: Context, request: IncomingRequest, actor: Actor, running: Session, said: str) -> None:
    event = Typed(actor, said) if said else Resume(actor)
    result = await context.turn(request, event, running.id)
    context.later(_redraw(context, request, actor, result))


async def _redraw(context: Context, request: IncomingRequest, actor: Actor, result: TurnResult) -> None:
    """Send the card again below what was typed, where the person looks, and fold the one above."""
    await context.perform(request, result, actor.language, request.room)
    if "ts" in (result.card or {}) and any(isinstance(effect, Show) for effect in result.effects):
        await context.gateway.fold(request.tenant, result.card or {}, translations(actor.language)("slack.below"))


async def _answer(context: Context, actor: Actor, found: Parsed) -> block_kit.Message:
    if isinstance(found, Command) and found.name == "language" and found.argument:
        return notice(Notice("language", translations(actor.language)("notice.language")), None, actor.language)
    return await reply(context, actor, found)
