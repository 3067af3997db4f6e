"""Listeners for the slash command, events and the shortcut. `app.py` has the table.

A listener returns the body of its acknowledgement, None for an empty one. Work that goes on after the
acknowledgement is started in `context.tasks`.
"""

import time
from dataclasses import replace
from typing import Any

from adapters.ports import TurnResult
from adapters.shared import router
from adapters.slack import app_home, cards, modals
from adapters.slack.block_kit import Message
from adapters.slack.context import Context
from adapters.slack.gateway import earlier_cards, is_public
from adapters.slack.message_text import app_user, is_addressed, message_words, words
from adapters.slack.request import IncomingRequest, conversation_of, get_object, get_text, private_card
from dialogs.community_flow import FLOW
from dialogs.effects import Notify, Show
from dialogs.events import Event, SetLanguage, Typed
from dialogs.session import Actor, Session, Status
from dialogs.text.notices import passed_card
from dialogs.text.parse import Command

COMMAND_RULES = router.TextRules(single_answer=True, continues="commands")
MENTION_RULES = router.TextRules(single_answer=True, start_on_no_match=True)
DIRECT_MESSAGE_RULES = router.TextRules(start_on_empty=False)
MAX_EARLIER_CARDS = 40
MESSAGE_SUBTYPES = frozenset({"", "file_share", "me_message", "thread_broadcast"})
"""Messages that a person wrote. All other subtypes tell of something else."""


# --- Slash command ------------------------------------------------------------------------------------------------


async def command(context: Context, request: IncomingRequest) -> dict[str, Any] | None:
    """``/cm``. The answer is in the acknowledgement, which needs no Web API call and no membership of the channel."""
    text = words(get_text(request.body, "text"))
    actor = await context.actor(request)
    card = private_card(request.channel, request.person, request.response_url or "", adds=True)
    running = await context.application.find_running(actor, conversation_of(card))
    match router.route_text(text, actor, running=running is not None, rules=COMMAND_RULES):
        case router.Reply(Command("form")):
            context.tasks.start(modals.open_form(context, request, actor))
            return None
        case router.Reply(parsed):
            return _ephemeral(await context.reply(actor, parsed))
        case router.ChangeLanguage(language):
            actor = await context.set_language(actor, language)
            if running is None:
                return _ephemeral(cards.short_notice(actor, "notice.language"))
            result = await context.turn(request, SetLanguage(actor, language), running.id, card)
        case router.ApplyEvent(event) if running:
            result = await context.turn(request, event, running.id, card)
        case router.StartDialog(answers, quick=quick):
            result = await context.start(request, actor, card, answers, quick=quick)
        case _:
            return None
    return _command_response(context, request, actor, result)


def _command_response(
    context: Context, request: IncomingRequest, actor: Actor, result: TurnResult
) -> dict[str, Any] | None:
    """Return the card, else the first notice. The remaining effects are carried out in the background."""
    session, card = result.session, result.card or {}
    show = next((effect for effect in result.effects if isinstance(effect, Show)), None)
    notify = next((effect for effect in result.effects if isinstance(effect, Notify)), None)
    response: dict[str, Any] | None = None
    answered: Show | Notify | None = show
    if session and show:
        response = _ephemeral(context.gateway.card_message(session, show.view, card))
        context.tasks.start(context.application.mark_shown(session.id, session.revision, card))
    elif notify:
        answered = notify
        response = _ephemeral(cards.notice(notify.view, session, actor.language))
    rest = tuple(effect for effect in result.effects if effect is not answered)
    context.tasks.start(context.perform(request, replace(result, effects=rest), actor.language))
    return response


def _ephemeral(message: Message) -> dict[str, Any]:
    return {"response_type": "ephemeral", **message}


# --- Messages -----------------------------------------------------------------------------------------------------


async def mention(context: Context, request: IncomingRequest) -> None:
    """``@app text``: a dialog in the thread of that message, owned by the person who asked."""
    event = request.event
    if not _is_typed(request) or request.channel.startswith("D"):  # there, it is a direct message as well
        return
    if not is_addressed(get_text(event, "text"), app_user(request.body)):
        return
    request = replace(request, thread=request.thread or get_text(event, "ts"))
    await _message(context, request, MENTION_RULES)


async def direct_message(context: Context, request: IncomingRequest) -> None:
    """A message in the app's own conversation."""
    if _is_typed(request) and not get_text(request.event, "app_id") and request.event.get("channel_type") == "im":
        await _message(context, request, DIRECT_MESSAGE_RULES)


def _is_typed(request: IncomingRequest) -> bool:
    """Return whether a person wrote the message. An edit changes nothing: the message was answered before."""
    event = request.event
    return (
        bool(request.person)
        and not get_text(event, "bot_id")
        and get_text(event, "subtype") in MESSAGE_SUBTYPES
        and not event.get("edited")
    )


async def _message(context: Context, request: IncomingRequest, rules: router.TextRules) -> None:
    text = message_words(get_text(request.event, "text"))
    if request.event.get("files"):
        rules = replace(rules, start_on_empty=False)
    actor = await context.actor(request)
    card = request.reply_ref
    running = await context.application.find_running(actor, conversation_of(card))
    private = False
    match router.route_text(text, actor, running=running is not None, rules=rules):
        case router.ApplyEvent(event) if running:
            await _apply(context, request, actor, event, running)
            return
        case router.ChangeLanguage(language):
            actor = await context.set_language(actor, language)
            if running:
                await _apply(context, request, actor, Typed(actor, text), running)
                return
            message = cards.short_notice(actor, "notice.language")
        case router.StartDialog(answers, quick=quick):
            result = await context.start(request, actor, card, answers, quick=quick)
            context.tasks.start(context.perform(request, result, actor.language, card))
            return
        case router.Reply(parsed):
            message = await context.reply(actor, parsed)
            private = (
                rules.start_on_no_match and isinstance(parsed, Command) and parsed.name in router.PERSONAL_COMMANDS
            )
        case _:
            return
    if await context.application.is_duplicate(request.idempotency_key):
        return
    if private:
        context.tasks.start(context.say(replace(request, thread=None), message, actor.language))
    else:
        context.tasks.start(context.send(request, card, message, actor.language))


async def _apply(context: Context, request: IncomingRequest, actor: Actor, event: Event, running: Session) -> None:
    result = await context.turn(request, event, running.id)
    result = context.hide_details(result, request.reply_ref)
    context.tasks.start(_move_card(context, request, actor, running, result))


async def _move_card(
    context: Context, request: IncomingRequest, actor: Actor, before: Session, result: TurnResult
) -> None:
    """Send the card again below the typed text, and collapse the old one, which showed `before`."""
    old, card = result.card or {}, request.reply_ref
    if result.session and result.session.status is Status.KEPT and is_public(old):
        await context.perform(request, result, actor.language)  # which shows it in private
        return
    moves = "ts" in old and any(isinstance(effect, Show) for effect in result.effects)
    if moves and is_public(old):
        card = {**card, "earlier": [*earlier_cards(old), old["ts"]][-MAX_EARLIER_CARDS:]}
    await context.perform(request, result, actor.language, card)
    if result.session and moves:
        await context.gateway.collapse(request.installation, old, passed_card(FLOW, before, result.session))


# --- Other events -------------------------------------------------------------------------------------------------


async def home_opened(context: Context, request: IncomingRequest) -> None:
    """The home tab was opened."""
    if get_text(request.event, "tab") == "home":
        context.tasks.start(app_home.publish(context, request, await context.actor(request)))


async def tokens_revoked(context: Context, request: IncomingRequest) -> None:
    """Tokens were revoked. Those of users are not ours."""
    if get_object(request.event, "tokens").get("bot"):
        await app_uninstalled(context, request)


async def app_uninstalled(context: Context, request: IncomingRequest) -> None:
    """The app was removed: delete the token now, and the tenant's data after the retention time."""
    removed_at = request.body.get("event_time")
    removed_at = removed_at if isinstance(removed_at, int | float) else time.time()
    if await context.installations.delete(request.tenant, removed_at):
        await context.application.mark_tenant_removed(request.tenant)


async def open_form_shortcut(context: Context, request: IncomingRequest) -> None:
    """The global shortcut. The result of the form is shown in a direct message."""
    actor = await context.actor(request)
    context.tasks.start(modals.open_form(context, replace(request, channel=""), actor))


EVENTS = {
    "app_mention": mention,
    "message": direct_message,
    "app_home_opened": home_opened,
    "tokens_revoked": tokens_revoked,
    "app_uninstalled": app_uninstalled,
}
"""The listener of each event that the app subscribes to."""
