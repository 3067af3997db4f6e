"""The whole dialog as a modal, and the picker of a channel to post into."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from adapters.ports import Json, OutcomeUnknown, RetryLater, form_session_id
from adapters.slack import block_kit
from adapters.slack.button_value import ButtonContext
from adapters.slack.context import Context, short
from adapters.slack.gateway import private_card
from adapters.slack.request import IncomingRequest, conversation_of, get_object, get_text
from adapters.slack.web_api import SlackError
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.events import ConfirmPost, Fill
from dialogs.flow import Question
from dialogs.reducer import valid_answers
from dialogs.session import Actor
from dialogs.translations import Translations, translations
from dialogs.walk import walk

FORM, PICKER, WHERE = "form", "picker", "where"
MAX_PAGES = 20
"""Pages of a thousand members looked through for one person."""


def is_form(body: Json) -> bool:
    """Whether this comes from the form."""
    return get_text(get_object(body, "view"), "callback_id") == FORM


# --- The form -----------------------------------------------------------------------------------------------------


async def open_form(context: Context, request: IncomingRequest, actor: Actor) -> None:
    """Open the form, with the answers of the running dialog in it."""
    card = await _card(context, request)
    running = await context.application.find_running(actor, conversation_of(card))
    about = {"card": card, "session": running.id if running else None, "language": actor.language}
    view = form(translations(actor.language), dict(running.answers) if running else {}, json.dumps(about))
    try:
        await context.api.call(request.tenant, "views.open", trigger_id=request.trigger, view=view)
    except (RetryLater, OutcomeUnknown, SlackError):
        message = short(actor, "slack.form_late", "open_form", primary="open_form")
        await context.say(request, message, actor.language)


async def _card(context: Context, request: IncomingRequest) -> Json:
    """Return where the result of the form is to be shown: where it was asked for, else in a direct message."""
    if request.channel and request.url:
        return private_card(request.channel, request.person, request.url, adds=True)
    try:
        return {"channel": await context.direct(request.tenant, request.person)}
    except (RetryLater, OutcomeUnknown, SlackError):
        return {"channel": request.person}


def form(get_text: Translations, answers: Mapping[str, str], about: str) -> Json:
    """Return the form: the questions that these answers make asked, each with the answer it has."""
    return {
        "type": "modal",
        "callback_id": FORM,
        "private_metadata": about,
        "title": _plain(get_text("slack.form_title")),
        "submit": _plain(get_text("label.submit")),
        "close": _plain(get_text("label.close")),
        "blocks": [_input(get_text, question, answers.get(question.id)) for question in asked(answers)],
    }


def asked(answers: Mapping[str, str]) -> list[Question]:
    """Return the questions that are surely asked, given these answers."""
    counted = walk(FLOW, answers).answers
    return [question for question in FLOW.questions if question.asked_when.evaluate(counted)]


def _input(get_text: Translations, question: Question, given: str | None) -> block_kit.Block:
    options = {
        option: {"text": _plain(presenter.option_label(get_text, question.id, option)[:75]), "value": option}
        for option in question.options
    }
    element: block_kit.Block = {"type": "radio_buttons", "action_id": question.id, "options": list(options.values())}
    if given in options:
        element["initial_option"] = options[given]
    return {
        "type": "input",
        "block_id": question.id,
        "dispatch_action": True,
        "label": _plain(get_text(f"question.{question.id}.text")),
        "hint": _plain(get_text(f"question.{question.id}.judge")),
        "element": element,
    }


async def adapt(context: Context, request: IncomingRequest) -> None:
    """After an answer: show the questions that now apply, and only those."""
    view = get_object(request.body, "view")
    given, about = _given(view), _about(view)
    drawn = view.get("blocks")
    shown = [each.get("block_id") for each in drawn if isinstance(each, dict)] if isinstance(drawn, list) else []
    if [question.id for question in asked(given)] == shown:
        return
    changed = form(translations(str(about.get("language"))), given, get_text(view, "private_metadata"))
    try:
        await context.api.call(
            request.tenant, "views.update", view_id=get_text(view, "id"), hash=get_text(view, "hash"), view=changed
        )
    except SlackError as refusal:
        if refusal.error != "hash_conflict":  # a later answer is on its way, and will do it
            raise


async def submitted(context: Context, request: IncomingRequest, ack: AsyncAck) -> None:
    """A modal is sent."""
    view = get_object(request.body, "view")
    if get_text(view, "callback_id") == PICKER:
        await _picked(context, request, view, ack)
    elif get_text(view, "callback_id") == FORM:
        await _filled(context, request, view, ack)
    else:
        await ack()


async def _filled(context: Context, request: IncomingRequest, view: Json, ack: AsyncAck) -> None:
    actor = await context.actor(request)
    about, given = _about(view), _given(view)
    missing = walk(FLOW, given).next_question
    if missing:
        actual = form(translations(actor.language), given, get_text(view, "private_metadata"))
        await ack(response_action="update", view=dict(actual))
        return
    card = about.get("card")
    card = card if isinstance(card, dict) else {"channel": request.person}
    running = await context.application.find_running(actor, conversation_of(card))
    id = form_session_id(actor, get_text(view, "id"))  # where our answer is lost, the form stays open and is sent again
    if running and running.id in (about.get("session"), id):
        result = await context.turn(request, Fill(actor, given), running.id, card)
    else:
        result = await context.start(request, actor, card, given, id=id)
    await ack()
    context.later(context.perform(replace(request, channel=str(card.get("channel", ""))), result, actor.language, card))


def _given(view: Json) -> dict[str, str]:
    """Return the chosen options, of questions that apply."""
    values = get_object(get_object(view, "state"), "values")
    chosen = {
        question.id: get_text(
            get_object(get_object(get_object(values, question.id), question.id), "selected_option"), "value"
        )
        for question in FLOW.questions
    }
    found = walk(FLOW, valid_answers(FLOW, chosen))
    return {question.id: found.answers[question.id] for question in FLOW.questions if question.id in found.answers}


def _about(view: Json) -> dict[str, Any]:
    try:
        about = json.loads(get_text(view, "private_metadata") or "{}")
    except ValueError:
        return {}
    return about if isinstance(about, dict) else {}


# --- The picker ---------------------------------------------------------------------------------------------------


def picks(request: IncomingRequest) -> bool:
    """Whether the person has to say where to post: this is no channel that we could mean."""
    name = get_text(get_object(request.body, "channel"), "name")
    return request.channel[:1] not in {"C", "G"} or name == "directmessage" or name.startswith("mpdm-")


async def open_picker(context: Context, request: IncomingRequest, actor: Actor, button_context: ButtonContext) -> None:
    """Ask for a channel. Nothing is chosen beforehand."""
    get_text = translations(actor.language)
    revision = "" if button_context.revision is None else button_context.revision
    view = {
        "type": "modal",
        "callback_id": PICKER,
        "private_metadata": json.dumps({"session": button_context.session, "revision": revision, "card": request.here}),
        "title": _plain(get_text("slack.picker_title")),
        "submit": _plain(get_text("slack.picker_submit")),
        "close": _plain(get_text("label.close")),
        "blocks": [
            {
                "type": "input",
                "block_id": WHERE,
                "label": _plain(get_text("slack.picker_label")),
                "hint": _plain(get_text("slack.picker_hint")),
                "element": {
                    "type": "conversations_select",
                    "action_id": WHERE,
                    "placeholder": _plain(get_text("label.choose_channel")),
                    "filter": {"include": ["public", "private"], "exclude_bot_users": True},
                },
            },
            block_kit.context(get_text("review.share")),
        ],
    }
    try:
        await context.api.call(request.tenant, "views.open", trigger_id=request.trigger, view=view)
    except (RetryLater, OutcomeUnknown, SlackError):
        await context.say(request, short(actor, "slack.picker_late"), actor.language)


async def _picked(context: Context, request: IncomingRequest, view: Json, ack: AsyncAck) -> None:
    actor = await context.actor(request)
    about = _about(view)
    where = get_text(
        get_object(get_object(get_object(get_object(view, "state"), "values"), WHERE), WHERE), "selected_conversation"
    )
    try:
        problem = None if await is_member(context, request, where) else "slack.not_member"
    except (RetryLater, OutcomeUnknown):
        problem = "notice.error"
    if problem:
        await ack(response_action="errors", errors={WHERE: translations(actor.language)(problem)})
        return
    revision = about.get("revision")
    event = ConfirmPost(actor, where, revision=revision if isinstance(revision, int) else None)
    result = await context.turn(request, event, str(about.get("session", "")))
    await ack()
    card = about.get("card")
    context.later(
        context.perform(request, result, actor.language, result.card or (card if isinstance(card, dict) else None))
    )


async def is_member(context: Context, request: IncomingRequest, channel: str) -> bool:
    """Whether the person is in the channel, so that nobody posts where they are not. Raises `RetryLater`,
    `OutcomeUnknown`.

    A channel that we cannot look into is private and not ours: Slack's own picker offers it to its members alone.
    """
    cursor: str | None = None
    try:
        for _ in range(MAX_PAGES):
            found = await context.api.get(
                request.tenant, "conversations.members", channel=channel, limit=999, cursor=cursor
            )
            members = found.get("members")
            if isinstance(members, list) and request.person in members:
                return True
            cursor = get_text(get_object(found, "response_metadata"), "next_cursor") or None
            if cursor is None:
                return False
    except SlackError as refusal:
        return refusal.error in {"channel_not_found", "missing_scope", "not_in_channel"}
    return False


def _plain(said: str) -> dict[str, str]:
    return {"type": "plain_text", "text": said}
