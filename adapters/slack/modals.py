"""The form with all questions as a modal, and the picker of a channel to post into."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from adapters.ports import CardRef, Json, OutcomeUnknown, RetryLater, form_session_id
from adapters.slack import cards
from adapters.slack.block_kit import MAX_LABEL_LENGTH, Block, context_of, escape, plain_text, section
from adapters.slack.block_kit import context as context_block
from adapters.slack.button_value import ButtonValue
from adapters.slack.context import Context
from adapters.slack.request import IncomingRequest, conversation_of, get_object, get_text, private_card
from adapters.slack.web_api import INVALID_TOKEN_ERRORS, SlackError
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.events import ConfirmPost, Fill
from dialogs.flow import Question
from dialogs.session import Actor, valid_answers
from dialogs.translations import Translations, translations
from dialogs.walk import walk

FORM, PICKER = "form", "picker"
"""Callback ids."""
HELP, HIDE_HELP = "help", "hide_help"
"""Action ids of the form's help button."""
CHANNEL_INPUT = "where"
"""Block id and action id of the picker's input."""
PAGE_SIZE, MAX_PAGES = 999, 20
"""How many channels of a person are read to find one."""
MEMBER_SECONDS = 1.8
"""How long the picker waits for them. It has to be answered within 3 seconds."""
NO_ANSWER = "slack.no_answer"
UNSEEN_ERRORS = frozenset({"channel_not_found", "missing_scope", "not_in_channel"})
"""What Slack says of a channel that the bot does not see."""


# --- The form -----------------------------------------------------------------------------------------------------


async def open_form(context: Context, request: IncomingRequest, actor: Actor) -> None:
    """Open the form, filled with the answers of the running dialog."""
    card = await _result_card(context, request)
    running = await context.application.find_running(actor, conversation_of(card))
    metadata = {"card": card, "session": running.id if running else None, "language": actor.language}
    view = form(translations(actor.language), dict(running.answers) if running else {}, metadata)
    try:
        await context.api.call(request.installation, "views.open", trigger_id=request.trigger_id, view=view)
    except (RetryLater, OutcomeUnknown, SlackError):
        message = cards.short_notice(actor, "slack.form_late", "open_form", primary="open_form")
        await context.say(request, message, actor.language)


async def _result_card(context: Context, request: IncomingRequest) -> CardRef:
    """Return where to show the result of the form: where it was opened, else in a direct message."""
    if request.channel and request.response_url:
        return private_card(request.channel, request.person, request.response_url, adds=True)
    try:
        return {"channel": await context.direct_channel(request)}
    except (RetryLater, OutcomeUnknown, SlackError):
        return {"channel": request.person}


def form(t: Translations, given: Mapping[str, str], metadata: Json) -> Json:
    """Return the form: the questions that apply with these answers, each with its answer.

    `given`: all answers that were chosen, also those that do not count now. The form keeps them, so that none is lost.
    `metadata`: what the form carries; with ``help``, it shows more help on each question.
    """
    with_help = metadata.get("help") is True
    toggle = HIDE_HELP if with_help else HELP
    toggle_button = {"type": "button", "action_id": toggle, "text": plain_text(t(f"label.{toggle}")), "value": toggle}
    blocks = [section(t("slack.form_intro")) | {"accessory": toggle_button}]
    for question in _asked(given):
        blocks.append(_input(t, question, given.get(question.id)))
        blocks += [_help(t, question)] if with_help else []
    return {
        "type": "modal",
        "callback_id": FORM,
        "private_metadata": json.dumps({**metadata, "given": dict(given)}),
        "title": plain_text(t("slack.form_title")),
        "submit": plain_text(t("label.see_recommendation")),
        "close": plain_text(t("label.close")),
        "blocks": blocks,
    }


def _help(t: Translations, question: Question) -> Block:
    """Return the help on a question that is not in its hint."""
    why, _, examples = presenter.question_help(t, question)
    return context_of(*(f"*{escape(part.title)}*  {escape(part.text)}" for part in (why, examples)))


def _asked(answers: Mapping[str, str]) -> list[Question]:
    """Return the questions that apply with these answers."""
    valid = walk(FLOW, answers).answers
    return [question for question in FLOW.questions if question.asked_when.evaluate(valid)]


def _input(t: Translations, question: Question, answer: str | None) -> Block:
    options = {
        option: {
            "text": plain_text(presenter.option_label(t, question.id, option)[:MAX_LABEL_LENGTH]),
            "value": option,
        }
        for option in question.options
    }
    element: Block = {"type": "radio_buttons", "action_id": question.id, "options": list(options.values())}
    if answer in options:
        element["initial_option"] = options[answer]
    return {
        "type": "input",
        "block_id": question.id,
        "dispatch_action": True,
        "label": plain_text(t(f"question.{question.id}.text")),
        "hint": plain_text(t(f"question.{question.id}.judge")),
        "element": element,
    }


async def update_form(context: Context, request: IncomingRequest) -> None:
    """Update the open form: after an answer, if other questions now apply; after a press on the help button."""
    view, metadata, given = request.view, _metadata(request.view), _given(request.view)
    pressed = get_text(request.action, "action_id")
    blocks = view.get("blocks")
    inputs = [block for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    shown = [block.get("block_id") for block in inputs if block.get("type") == "input"]
    if pressed not in {HELP, HIDE_HELP} and [question.id for question in _asked(given)] == shown:
        return
    if pressed in {HELP, HIDE_HELP}:
        metadata = metadata | {"help": pressed == HELP}
    updated = form(translations(str(metadata.get("language"))), given, metadata)
    try:
        await context.api.call(
            request.installation,
            "views.update",
            view_id=get_text(view, "id"),
            hash=get_text(view, "hash"),
            view=updated,
        )
    except SlackError as error:
        if error.error != "hash_conflict":  # a later answer updates it
            raise


async def form_submitted(context: Context, request: IncomingRequest) -> dict[str, Any] | None:
    """The form was submitted. If an answer is missing, the form stays open and shows it."""
    view = request.view
    actor = await context.actor(request)
    metadata, given = _metadata(view), _given(view)
    position = walk(FLOW, given)
    if position.next_question:
        updated = form(translations(actor.language), given, metadata)
        return {"response_action": "update", "view": dict(updated)}
    answers = {question.id: option for question in FLOW.questions if (option := position.answers.get(question.id))}
    card = metadata.get("card")
    card = card if isinstance(card, dict) else {"channel": request.person}
    running = await context.application.find_running(actor, conversation_of(card))
    id = form_session_id(actor, get_text(view, "id"))  # if the response is lost, the form is submitted again
    # The same answers again do not send a second card.
    request = replace(request, idempotency_key=f"slack:form:{id}:{','.join(answers.values())}")
    if running and running.id in (metadata.get("session"), id):
        result = await context.turn(request, Fill(actor, answers, asked=True), running.id, card)
    else:
        result = await context.start(request, actor, card, answers, id=id)
    request = replace(request, channel=str(card.get("channel", "")))
    context.tasks.start(context.perform(request, result, actor.language, card))
    return None


def _given(view: Json) -> dict[str, str]:
    """Return all options that were chosen, also those of questions that are not shown now."""
    values = get_object(get_object(view, "state"), "values")
    selected = {}
    for question in FLOW.questions:
        element = get_object(get_object(values, question.id), question.id)
        selected[question.id] = get_text(get_object(element, "selected_option"), "value")
    return valid_answers(FLOW, _metadata(view).get("given")) | valid_answers(FLOW, selected)


def _metadata(view: Json) -> dict[str, Any]:
    try:
        metadata = json.loads(get_text(view, "private_metadata") or "{}")
    except ValueError:
        return {}
    return metadata if isinstance(metadata, dict) else {}


# --- The picker ---------------------------------------------------------------------------------------------------


def needs_channel(request: IncomingRequest) -> bool:
    """Return whether the person must pick the channel to post into, because the card is not in one."""
    name = get_text(get_object(request.body, "channel"), "name")
    return request.channel[:1] not in {"C", "G"} or name == "directmessage" or name.startswith("mpdm-")


async def open_picker(context: Context, request: IncomingRequest, actor: Actor, value: ButtonValue) -> None:
    """Open the picker. No channel is selected at first."""
    button_context = value.context
    t = translations(actor.language)
    revision = "" if button_context.revision is None else button_context.revision
    metadata = {"session": button_context.session, "revision": revision, "card": request.pressed_card}
    view = {
        "type": "modal",
        "callback_id": PICKER,
        "private_metadata": json.dumps(metadata),
        "title": plain_text(t("slack.picker_title")),
        "submit": plain_text(t("slack.picker_submit")),
        "close": plain_text(t("label.close")),
        "blocks": [
            {
                "type": "input",
                "block_id": CHANNEL_INPUT,
                "label": plain_text(t("slack.picker_label")),
                "hint": plain_text(t("slack.picker_hint")),
                "element": {
                    "type": "conversations_select",
                    "action_id": CHANNEL_INPUT,
                    "placeholder": plain_text(t("label.choose_channel")),
                    "filter": {"include": ["public", "private"], "exclude_bot_users": True},
                },
            },
            context_block(presenter.share_note(t, partial=value.option == presenter.PARTIAL)),
        ],
    }
    try:
        await context.api.call(request.installation, "views.open", trigger_id=request.trigger_id, view=view)
    except (RetryLater, OutcomeUnknown, SlackError):
        await context.say(request, cards.short_notice(actor, "slack.picker_late"), actor.language)


async def picker_submitted(context: Context, request: IncomingRequest) -> dict[str, Any] | None:
    """A channel was picked: post there if the person is a member."""
    view = request.view
    actor = await context.actor(request)
    metadata = _metadata(view)
    values = get_object(get_object(view, "state"), "values")
    channel = get_text(get_object(get_object(values, CHANNEL_INPUT), CHANNEL_INPUT), "selected_conversation")
    if problem := await why_not_there(context, request, channel, MEMBER_SECONDS):
        return {"response_action": "errors", "errors": {CHANNEL_INPUT: translations(actor.language)(problem)}}
    revision = metadata.get("revision")
    event = ConfirmPost(actor, channel, revision=revision if isinstance(revision, int) else None)
    result = await context.turn(request, event, str(metadata.get("session", "")))
    card = metadata.get("card")
    card = result.card or (card if isinstance(card, dict) else None)
    context.tasks.start(context.perform(request, result, actor.language, card))
    return None


async def why_not_there(
    context: Context, request: IncomingRequest, channel: str, seconds: float | None = None
) -> str | None:
    """Return the id of the text why the person cannot post to the channel; None if they can.

    `NO_ANSWER` if Slack does not answer, or not within `seconds`: a later answer is kept for the next try.
    """
    key = (request.tenant, request.person, channel)
    is_there = context.late_memberships.get(key)
    if is_there is None:
        task = context.tasks.start(_is_member(context, request, channel))
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            task.add_done_callback(lambda task: _remember(context, key, task))
            return NO_ANSWER
        try:
            is_there = task.result()
        except (RetryLater, OutcomeUnknown):
            return NO_ANSWER
        except SlackError as error:
            return "slack.not_installed" if error.error in INVALID_TOKEN_ERRORS else "notice.error"
    return None if is_there else "slack.not_member"


def _remember(context: Context, key: tuple[str, str, str], task: asyncio.Task[bool]) -> None:
    if not task.cancelled() and task.exception() is None:
        context.late_memberships.set(key, task.result())


async def _is_member(context: Context, request: IncomingRequest, channel: str) -> bool:
    """Return whether the person is a member of the channel. Raises what `WebApi` raises.

    Asks for the channels of the person: they are fewer than the members of a large channel. True for a private channel
    without the bot: Slack lists it nowhere, and its picker offers it only to its members. Also for an archived one: the
    post says that it is.
    """
    ask = context.api.get
    team = get_text(get_object(request.body, "team"), "id") or None  # required for an organization's token
    cursor: str | None = None
    try:
        for _ in range(MAX_PAGES):
            page = await ask(
                request.installation,
                "users.conversations",
                user=request.person,
                team_id=team,
                types="public_channel,private_channel",
                limit=PAGE_SIZE,
                cursor=cursor,
            )
            channels = page.get("channels")
            if not isinstance(channels, list):
                raise OutcomeUnknown
            if any(isinstance(item, dict) and item.get("id") == channel for item in channels):
                return True
            cursor = get_text(get_object(page, "response_metadata"), "next_cursor") or None
            if cursor is None:
                break
        else:
            raise OutcomeUnknown  # there are more
        await ask(request.installation, "conversations.members", channel=channel, limit=1)
    except SlackError as error:
        if error.error not in UNSEEN_ERRORS:
            raise
        return True
    return False
