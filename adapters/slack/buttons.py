"""Presses: each is an event of the core, or one of the few things that are about more than one dialog."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from slack_bolt.context.ack.async_ack import AsyncAck

from adapters.ports import Json, OutcomeUnknown, RetryLater
from adapters.slack import app_home, modals
from adapters.slack.button_value import ButtonValue, decode_answers, parse_button
from adapters.slack.context import Context, notice, short
from adapters.slack.replies import ELSEWHERE, help_card, reply
from adapters.slack.request import IncomingRequest, MalformedRequest, get_text
from dialogs import presenter
from dialogs.actions import START_ACTIONS, event_for_action
from dialogs.community_flow import FLOW
from dialogs.events import ConfirmPost, Event, SetLanguage
from dialogs.session import Actor
from dialogs.text.parse import Command
from dialogs.translations import languages, next_language, translations
from dialogs.views import Notice


async def press(context: Context, request: IncomingRequest, ack: AsyncAck) -> None:
    """Any button, anywhere."""
    actions = request.body.get("actions")
    if not isinstance(actions, list) or not actions or not isinstance(actions[0], dict):
        raise MalformedRequest("actions")
    if modals.is_form(request.body):
        await ack()
        context.later(modals.adapt(context, request))
        return
    if get_text(actions[0], "url"):
        await ack()  # a link; Slack tells us all the same
        return
    found = parse_button(actions[0])
    special = SPECIAL.get(found.action) if found else None
    if found and found.action == "help" and found.context.session:
        special = None
    begins = found is not None and found.action in START_ACTIONS | {"quick"}
    actor = await context.actor(request, lately=not (special or begins))
    event = (
        event_for_action(found.action, actor, found.question, found.option, found.context.revision) if found else None
    )
    if found and special:
        await special(context, request, actor, found, ack)
    elif found and begins:
        await _begin(context, request, actor, found, ack)
    elif found and event:
        await _happen(context, request, actor, event, found, ack)
    else:
        await ack()
        unknown = presenter.notice(translations(actor.language), "unknown")
        context.later(context.say(request, notice(unknown, None, actor.language), actor.language))


async def _happen(
    context: Context, request: IncomingRequest, actor: Actor, event: Event, press: ButtonValue, ack: AsyncAck
) -> None:
    """An event of the core. The card stays where it is, unless the press was where the person looks now."""
    here = request.here
    alone = "user" in here
    on_card = press.context.surface == "card"
    listed = press.action in {"resume", "see_recommendation"}
    result = await context.turn(request, event, press.context.session, here if alone and on_card else None)
    await ack()
    if listed:
        where: Json | None = await _fresh(context, request, press)
    elif alone and (on_card or "ts" not in (result.card or {})):
        where = here
    else:
        where = None
        own = result.session is not None and result.session.owner == actor.person
        if alone and own and press.action not in {"details", "help"}:
            context.later(context.gateway.drop(request.tenant, here))
    context.later(context.perform(request, result, actor.language, where))


async def _begin(context: Context, request: IncomingRequest, actor: Actor, press: ButtonValue, ack: AsyncAck) -> None:
    """A new dialog; "start" goes on with a running one."""
    card = await _fresh(context, request, press)
    if press.action == "quick":
        result = await context.start(request, actor, card, decode_answers(press.option, FLOW), quick=True)
    elif press.action == "start":
        result = await context.go_on(request, actor, card)
    else:
        result = await context.start(request, actor, card)
    await ack()
    context.later(context.perform(request, result, actor.language, card))


async def _fresh(context: Context, request: IncomingRequest, press: ButtonValue) -> Json:
    """Return where a dialog begins that was asked for by this press."""
    here = request.here
    if press.context.surface == "home" or not here:
        return {"channel": await context.direct(request.tenant, request.person)}
    if press.context.surface == "notice" and "user" in here:
        return here
    if press.context.surface == "post" or "user" in here:
        return request.aside
    return request.room


# --- More than one dialog ------------------------------------------------------------------------------------------

Special = Callable[[Context, IncomingRequest, Actor, ButtonValue, AsyncAck], Awaitable[None]]


async def _post(context: Context, request: IncomingRequest, actor: Actor, press: ButtonValue, ack: AsyncAck) -> None:
    """Into this channel; from a direct message, into one that the person picks."""
    if modals.picks(request):
        await ack()
        context.later(modals.open_picker(context, request, actor, press.context))
    else:
        event = ConfirmPost(actor, request.channel, revision=press.context.revision)
        await _happen(context, request, actor, event, press, ack)


async def _post_again(
    context: Context, request: IncomingRequest, actor: Actor, press: ButtonValue, ack: AsyncAck
) -> None:
    await ack()
    context.later(_check_and_post_again(context, request, actor, press))


async def _check_and_post_again(context: Context, request: IncomingRequest, actor: Actor, press: ButtonValue) -> None:
    try:
        allowed = await modals.is_member(context, request, press.option)
    except (RetryLater, OutcomeUnknown):
        message = short(actor, "notice.error", "retry_post")
    else:
        again = allowed and await context.application.retry_post(actor, press.context.session)
        id = "notice.posting" if again else "notice.already_posted" if allowed else "slack.not_member"
        message = short(actor, id)
    await context.gateway.put(request.tenant, request.person, request.here, message, actor.language)


async def _open_form(
    context: Context, request: IncomingRequest, actor: Actor, press: ButtonValue, ack: AsyncAck
) -> None:
    await ack()
    context.later(modals.open_form(context, request, actor))


async def _reply(context: Context, request: IncomingRequest, actor: Actor, press: ButtonValue, ack: AsyncAck) -> None:
    await ack()
    message = help_card(actor) if press.action == "help" else await reply(context, actor, Command(press.action))
    context.later(context.say(request, message, actor.language))


async def _forget(context: Context, request: IncomingRequest, actor: Actor, press: ButtonValue, ack: AsyncAck) -> None:
    """Everything about that person; only after they were asked."""
    count = await context.application.forget_person(actor)
    await ack()
    done = (
        translations(actor.language).plural("forget.done", count)
        if count
        else translations(actor.language)("forget.nothing")
    )
    if press.context.surface == "home":
        context.later(app_home.publish(context, request, actor, done))
    else:
        message = notice(Notice("forgotten", done), None, actor.language)
        context.later(context.gateway.put(request.tenant, request.person, request.here, message, actor.language))


async def _language(
    context: Context, request: IncomingRequest, actor: Actor, press: ButtonValue, ack: AsyncAck
) -> None:
    other = press.option or next_language(actor.language)
    if other not in languages():
        await ack()
        return
    actor = await context.choose(actor, other)
    if press.context.session:
        await _happen(context, request, actor, SetLanguage(actor, other), press, ack)
        return
    await ack()
    if press.context.surface == "home":
        context.later(app_home.publish(context, request, actor))
    else:
        message = short(actor, "notice.language")
        context.later(context.gateway.put(request.tenant, request.person, request.here, message, other))


async def _close(context: Context, request: IncomingRequest, actor: Actor, press: ButtonValue, ack: AsyncAck) -> None:
    await ack()
    context.later(context.gateway.drop(request.tenant, request.here))


SPECIAL: dict[str, Special] = {
    "post": _post,
    "retry_post": _post_again,
    "open_form": _open_form,
    "help": _reply,
    **dict.fromkeys(ELSEWHERE, _reply),
    "forget_confirm": _forget,
    "language": _language,
    "close": _close,
}


async def shortcut(context: Context, request: IncomingRequest, ack: AsyncAck) -> None:
    """The global shortcut: the form."""
    await ack()
    actor = await context.actor(request)
    context.later(modals.open_form(context, replace(request, channel=""), actor))
