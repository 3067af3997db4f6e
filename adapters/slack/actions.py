"""Presses: each is an event of the core, or one of the few things that are about more than one dialog."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from slack_bolt.context.ack.async_ack import AsyncAck

from adapters.ports import Json, Later, Lost
from adapters.slack import home, modal
from adapters.slack.desk import Desk, notice, short
from adapters.slack.hearing import BadShape, Heard, text
from adapters.slack.press import Press, pressed, unpacked
from adapters.slack.replies import ELSEWHERE, help_card, reply
from dialogs import compose
from dialogs.community import FLOW
from dialogs.presses import BEGINS, event_of
from dialogs.session import Actor, ConfirmPost, Event, SetLanguage
from dialogs.understand import Command
from dialogs.views import Notice
from dialogs.words import languages, other_language, words


async def press(desk: Desk, heard: Heard, ack: AsyncAck) -> None:
    """Any button, anywhere."""
    actions = heard.body.get("actions")
    if not isinstance(actions, list) or not actions or not isinstance(actions[0], dict):
        raise BadShape("actions")
    if modal.is_form(heard.body):
        await ack()
        desk.later(modal.adapt(desk, heard))
        return
    if text(actions[0], "url"):
        await ack()  # a link; Slack tells us all the same
        return
    found = pressed(actions[0])
    special = SPECIAL.get(found.action) if found else None
    if found and found.action == "help" and found.mark.session:
        special = None
    begins = found is not None and found.action in BEGINS | {"quick"}
    actor = await desk.actor(heard, lately=not (special or begins))
    event = event_of(found.action, actor, found.question, found.option, found.mark.revision) if found else None
    if found and special:
        await special(desk, heard, actor, found, ack)
    elif found and begins:
        await _begin(desk, heard, actor, found, ack)
    elif found and event:
        await _happen(desk, heard, actor, event, found, ack)
    else:
        await ack()
        unknown = compose.notice(words(actor.language), "unknown")
        desk.later(desk.say(heard, notice(unknown, None, actor.language), actor.language))


async def _happen(desk: Desk, heard: Heard, actor: Actor, event: Event, press: Press, ack: AsyncAck) -> None:
    """An event of the core. The card stays where it is, unless the press was where the person looks now."""
    here = heard.here
    alone = "user" in here
    on_card = press.mark.surface == "card"
    listed = press.action in {"resume", "see_recommendation"}
    turned = await desk.turn(heard, event, press.mark.session, here if alone and on_card else None)
    await ack()
    if listed:
        where: Json | None = await _fresh(desk, heard, press)
    elif alone and (on_card or "ts" not in (turned.card or {})):
        where = here
    else:
        where = None
        own = turned.session is not None and turned.session.owner == actor.person
        if alone and own and press.action not in {"details", "help"}:
            desk.later(desk.courier.drop(heard.tenant, here))
    desk.later(desk.perform(heard, turned, actor.language, where))


async def _begin(desk: Desk, heard: Heard, actor: Actor, press: Press, ack: AsyncAck) -> None:
    """A new dialog; "start" goes on with a running one."""
    card = await _fresh(desk, heard, press)
    if press.action == "quick":
        turned = await desk.start(heard, actor, card, unpacked(press.option, FLOW), quick=True)
    elif press.action == "start":
        turned = await desk.go_on(heard, actor, card)
    else:
        turned = await desk.start(heard, actor, card)
    await ack()
    desk.later(desk.perform(heard, turned, actor.language, card))


async def _fresh(desk: Desk, heard: Heard, press: Press) -> Json:
    """Return where a dialog begins that was asked for by this press."""
    here = heard.here
    if press.mark.surface == "home" or not here:
        return {"channel": await desk.direct(heard.tenant, heard.person)}
    if press.mark.surface == "notice" and "user" in here:
        return here
    if press.mark.surface == "post" or "user" in here:
        return heard.aside
    return heard.room


# --- More than one dialog ------------------------------------------------------------------------------------------

Special = Callable[[Desk, Heard, Actor, Press, AsyncAck], Awaitable[None]]


async def _post(desk: Desk, heard: Heard, actor: Actor, press: Press, ack: AsyncAck) -> None:
    """Into this channel; from a direct message, into one that the person picks."""
    if modal.picks(heard):
        await ack()
        desk.later(modal.open_picker(desk, heard, actor, press.mark))
    else:
        event = ConfirmPost(actor, heard.channel, revision=press.mark.revision)
        await _happen(desk, heard, actor, event, press, ack)


async def _post_again(desk: Desk, heard: Heard, actor: Actor, press: Press, ack: AsyncAck) -> None:
    await ack()
    desk.later(_check_and_post_again(desk, heard, actor, press))


async def _check_and_post_again(desk: Desk, heard: Heard, actor: Actor, press: Press) -> None:
    try:
        allowed = await modal.is_member(desk, heard, press.option)
    except (Later, Lost):
        message = short(actor, "notice.error", "retry_post")
    else:
        again = allowed and await desk.advisor.post_again(actor, press.mark.session)
        id = "notice.posting" if again else "notice.already_posted" if allowed else "slack.not_member"
        message = short(actor, id)
    await desk.courier.put(heard.tenant, heard.person, heard.here, message, actor.language)


async def _open_form(desk: Desk, heard: Heard, actor: Actor, press: Press, ack: AsyncAck) -> None:
    await ack()
    desk.later(modal.open_form(desk, heard, actor))


async def _reply(desk: Desk, heard: Heard, actor: Actor, press: Press, ack: AsyncAck) -> None:
    await ack()
    message = help_card(actor) if press.action == "help" else await reply(desk, actor, Command(press.action))
    desk.later(desk.say(heard, message, actor.language))


async def _forget(desk: Desk, heard: Heard, actor: Actor, press: Press, ack: AsyncAck) -> None:
    """Everything about that person; only after they were asked."""
    count = await desk.advisor.forget(actor)
    await ack()
    done = words(actor.language).count("forget.done", count) if count else words(actor.language).text("forget.nothing")
    if press.mark.surface == "home":
        desk.later(home.publish(desk, heard, actor, done))
    else:
        message = notice(Notice("forgotten", done), None, actor.language)
        desk.later(desk.courier.put(heard.tenant, heard.person, heard.here, message, actor.language))


async def _language(desk: Desk, heard: Heard, actor: Actor, press: Press, ack: AsyncAck) -> None:
    other = press.option or other_language(actor.language)
    if other not in languages():
        await ack()
        return
    actor = await desk.choose(actor, other)
    if press.mark.session:
        await _happen(desk, heard, actor, SetLanguage(actor, other), press, ack)
        return
    await ack()
    if press.mark.surface == "home":
        desk.later(home.publish(desk, heard, actor))
    else:
        message = short(actor, "notice.language")
        desk.later(desk.courier.put(heard.tenant, heard.person, heard.here, message, other))


async def _close(desk: Desk, heard: Heard, actor: Actor, press: Press, ack: AsyncAck) -> None:
    await ack()
    desk.later(desk.courier.drop(heard.tenant, heard.here))


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


async def shortcut(desk: Desk, heard: Heard, ack: AsyncAck) -> None:
    """The global shortcut: the form."""
    await ack()
    actor = await desk.actor(heard)
    desk.later(modal.open_form(desk, replace(heard, channel=""), actor))
