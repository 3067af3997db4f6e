"""Button presses: what `adapters.shared.router` decides is carried out here."""

import asyncio

from adapters.ports import CardRef, OutcomeUnknown, RetryLater
from adapters.shared import router
from adapters.shared.replies import forgotten
from adapters.slack import app_home, cards, modals
from adapters.slack.block_kit import Message, render
from adapters.slack.button_value import ButtonValue
from adapters.slack.context import Context
from adapters.slack.request import IncomingRequest, MalformedRequest
from adapters.slack.web_api import PAUSES, SlackError
from dialogs import presenter
from dialogs.events import ConfirmPost, Event, SetLanguage
from dialogs.session import Actor, Session
from dialogs.translations import translations
from dialogs.views import Button, Notice

LIST_ACTIONS = frozenset({"open_check"})
"""Buttons in a list of checks. They show the card of another message."""
KEEP_NOTICE_ACTIONS = frozenset({"details", "help"})
"""Buttons whose private notice stays. Others close it when the card is shown elsewhere."""


async def press(context: Context, request: IncomingRequest) -> None:
    """Handle a press. It is stored when this returns; messages are sent in the background."""
    try:
        await _press(context, request)
    except (RetryLater, OutcomeUnknown, SlackError):
        if request.view.get("type") != "home":
            raise
        actor = await context.actor(request)  # a press on the home tab has no response URL
        note = translations(actor.language)("notice.error")
        context.tasks.start(app_home.publish(context, request, actor, note))


async def _press(context: Context, request: IncomingRequest) -> None:
    if not request.action:
        raise MalformedRequest("actions")
    if request.view.get("callback_id") == modals.FORM:
        context.tasks.start(modals.update_form(context, request))
        return
    if request.action.get("url"):
        return  # Slack reports presses of links as well
    value = request.button
    actor = await context.actor(request, allow_cached=True)
    intent = _route(value, actor)
    if value and isinstance(intent, router.ApplyEvent):
        await _apply(context, request, actor, intent.event, value)
    elif value and not isinstance(intent, router.UnknownButton):
        # Other intents depend on the language, so it is read without the cache.
        actor = await context.actor(request)
        await _carry_out(context, request, actor, _route(value, actor), value)
    else:
        unknown = presenter.notice(translations(actor.language), "unknown")
        context.tasks.start(context.say(request, cards.notice(unknown, None, actor.language), actor.language))


def _route(value: ButtonValue | None, actor: Actor) -> router.Intent:
    if value is None:
        return router.UnknownButton()
    return router.route_button(
        value.action,
        actor,
        value.question,
        value.option,
        value.context.revision,
        has_session=bool(value.context.session),
    )


async def _carry_out(
    context: Context, request: IncomingRequest, actor: Actor, intent: router.Intent, value: ButtonValue
) -> None:
    start = context.tasks.start
    match intent:
        case router.StartDialog():
            await _start_dialog(context, request, actor, intent, value)
        case router.PostRecommendation() if modals.needs_channel(request):
            start(modals.open_picker(context, request, actor, value))
        case router.PostRecommendation():
            event = ConfirmPost(actor, request.channel, revision=value.context.revision)
            await _apply(context, request, actor, event, value)
        case router.RetryPost():
            start(_retry_post(context, request, actor, value))
        case router.GoPrivate():
            key = request.idempotency_key or None
            result = await context.go_private(request, actor, value.context.session, key)
            start(context.show_in_private(request, actor, result))
        case router.OpenForm():
            start(modals.open_form(context, request, actor))
        case router.ChangeLanguage(language):
            await _change_language(context, request, actor, language, value)
        case router.ForgetPerson():
            text = forgotten(translations(actor.language), await context.application.forget_person(actor))
            if value.context.surface == "home":
                start(app_home.publish(context, request, actor, text))
            else:
                message = cards.notice(Notice("forgotten", text), None, actor.language)
                start(_replace(context, request, actor, message))
        case router.Dismiss():
            start(context.gateway.delete(request.installation, request.pressed_card))
        case router.Reply(parsed):
            start(context.say(request, await context.reply(actor, parsed), actor.language))


async def _apply(context: Context, request: IncomingRequest, actor: Actor, event: Event, value: ButtonValue) -> None:
    """Apply an event to the button's dialog, and show its card where `card` says:

    pressed message                               card
    list of checks                                a new message, see `_new_card`
    the card itself, private                      the pressed message, whose new response URL is stored
    private notice about a private card           the pressed message: the notice becomes the card
    public; private notice about a public card    None: the card stays where it is; the notice is deleted

    For None, `Context.perform` takes the stored card. Without one, the pressed message is the only known place.
    """
    pressed = request.pressed_card
    is_private = "user" in pressed
    on_card = value.context.surface == "card"
    result = await context.turn(request, event, value.context.session, pressed if is_private and on_card else None)
    card: CardRef | None = None
    if value.action in LIST_ACTIONS:
        card = await _new_card(context, request, value)
    elif is_private and (on_card or "ts" not in (result.card or {})):
        card = pressed
    elif is_private and value.action not in KEEP_NOTICE_ACTIONS and _owns(actor, result.session):
        context.tasks.start(context.gateway.delete(request.installation, pressed))
    result = context.hide_details(result, card or result.card or pressed)
    context.tasks.start(context.perform(request, result, actor.language, card))


def _owns(actor: Actor, session: Session | None) -> bool:
    return session is not None and session.owner == actor.person


async def _start_dialog(
    context: Context, request: IncomingRequest, actor: Actor, intent: router.StartDialog, value: ButtonValue
) -> None:
    card = await _new_card(context, request, value)
    if intent.resume:
        result = await context.resume_or_start(request, actor, card)
    else:
        result = await context.start(request, actor, card, intent.answers, quick=intent.quick)
    context.tasks.start(context.perform(request, result, actor.language, card))


async def _new_card(context: Context, request: IncomingRequest, value: ButtonValue) -> CardRef:
    """Return where to show the card of a dialog that does not belong to the pressed message."""
    pressed = request.pressed_card
    if value.context.surface == "home" or not pressed:
        return {"channel": await context.direct_channel(request, patient=True)}
    if value.context.surface == "notice" and "user" in pressed:
        return pressed
    if value.context.surface == "post" or "user" in pressed:
        return request.private_reply_ref
    return request.reply_ref


async def _retry_post(context: Context, request: IncomingRequest, actor: Actor, value: ButtonValue) -> None:
    """Post again if the person may. Ask Slack again while it does not answer."""
    problem = await modals.why_not_there(context, request, value.option)
    for pause in PAUSES:
        if problem != modals.NO_ANSWER:
            break
        if pause == PAUSES[0]:
            await _replace(context, request, actor, cards.short_notice(actor, "slack.trying_again"))
        await asyncio.sleep(pause)
        problem = await modals.why_not_there(context, request, value.option)
    if problem is None:
        retried = await context.application.retry_post(actor, value.context.session)
        message = cards.short_notice(actor, "notice.posting" if retried else "notice.already_posted")
    else:
        t = translations(actor.language)
        again = Button("retry_post", t("label.retry_post"), option=value.option, primary=True)
        message = render(Notice("held", t(problem), (again,)), value.context, t)
    await _replace(context, request, actor, message)


async def _change_language(
    context: Context, request: IncomingRequest, actor: Actor, language: str, value: ButtonValue
) -> None:
    actor = await context.set_language(actor, language)
    if value.context.session:
        await _apply(context, request, actor, SetLanguage(actor, language), value)
    elif value.context.surface == "home":
        context.tasks.start(app_home.publish(context, request, actor))
    else:
        context.tasks.start(_replace(context, request, actor, cards.short_notice(actor, "notice.language")))


async def _replace(context: Context, request: IncomingRequest, actor: Actor, message: Message) -> None:
    """Replace the pressed message."""
    await context.send(request, request.pressed_card, message, actor.language)
