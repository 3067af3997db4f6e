"""The whole dialog as a modal, and the picker of a channel to post into."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from adapters.ports import Json, Later, Lost, session_of_form
from adapters.slack import blocks
from adapters.slack.api import Refusal
from adapters.slack.deliver import private_card
from adapters.slack.desk import Desk, short
from adapters.slack.hearing import Heard, part, place_of, text
from adapters.slack.press import Mark
from dialogs import compose
from dialogs.community import FLOW
from dialogs.machine import valid_answers
from dialogs.model import Question
from dialogs.session import Actor, ConfirmPost, Fill
from dialogs.walk import walk
from dialogs.words import Words, words

FORM, PICKER, WHERE = "form", "picker", "where"
MOST_PAGES = 20
"""Pages of a thousand members looked through for one person."""


def is_form(body: Json) -> bool:
    """Whether this comes from the form."""
    return text(part(body, "view"), "callback_id") == FORM


# --- The form -----------------------------------------------------------------------------------------------------


async def open_form(desk: Desk, heard: Heard, actor: Actor) -> None:
    """Open the form, with the answers of the running dialog in it."""
    card = await _card(desk, heard)
    running = await desk.advisor.running(actor, place_of(card))
    about = {"card": card, "session": running.id if running else None, "language": actor.language}
    view = form(words(actor.language), dict(running.answers) if running else {}, json.dumps(about))
    try:
        await desk.api.call(heard.tenant, "views.open", trigger_id=heard.trigger, view=view)
    except (Later, Lost, Refusal):
        message = short(actor, "slack.form_late", "open_form", primary="open_form")
        await desk.say(heard, message, actor.language)


async def _card(desk: Desk, heard: Heard) -> Json:
    """Return where the result of the form is to be shown: where it was asked for, else in a direct message."""
    if heard.channel and heard.url:
        return private_card(heard.channel, heard.person, heard.url, adds=True)
    try:
        return {"channel": await desk.direct(heard.tenant, heard.person)}
    except (Later, Lost, Refusal):
        return {"channel": heard.person}


def form(text: Words, answers: Mapping[str, str], about: str) -> Json:
    """Return the form: the questions that these answers make asked, each with the answer it has."""
    return {
        "type": "modal",
        "callback_id": FORM,
        "private_metadata": about,
        "title": _plain(text.text("slack.form_title")),
        "submit": _plain(text.text("label.submit")),
        "close": _plain(text.text("label.close")),
        "blocks": [_input(text, question, answers.get(question.id)) for question in asked(answers)],
    }


def asked(answers: Mapping[str, str]) -> list[Question]:
    """Return the questions that are surely asked, given these answers."""
    counted = walk(FLOW, answers).answers
    return [question for question in FLOW.questions if question.asked.truth(counted)]


def _input(text: Words, question: Question, given: str | None) -> blocks.Block:
    options = {
        option: {"text": _plain(compose.option_label(text, question.id, option)[:75]), "value": option}
        for option in question.options
    }
    element: blocks.Block = {"type": "radio_buttons", "action_id": question.id, "options": list(options.values())}
    if given in options:
        element["initial_option"] = options[given]
    return {
        "type": "input",
        "block_id": question.id,
        "dispatch_action": True,
        "label": _plain(text.text(f"question.{question.id}.text")),
        "hint": _plain(text.text(f"question.{question.id}.judge")),
        "element": element,
    }


async def adapt(desk: Desk, heard: Heard) -> None:
    """After an answer: show the questions that now apply, and only those."""
    view = part(heard.body, "view")
    given, about = _given(view), _about(view)
    drawn = view.get("blocks")
    shown = [each.get("block_id") for each in drawn if isinstance(each, dict)] if isinstance(drawn, list) else []
    if [question.id for question in asked(given)] == shown:
        return
    changed = form(words(str(about.get("language"))), given, text(view, "private_metadata"))
    try:
        await desk.api.call(
            heard.tenant, "views.update", view_id=text(view, "id"), hash=text(view, "hash"), view=changed
        )
    except Refusal as refusal:
        if refusal.error != "hash_conflict":  # a later answer is on its way, and will do it
            raise


async def submitted(desk: Desk, heard: Heard, ack: AsyncAck) -> None:
    """A modal is sent."""
    view = part(heard.body, "view")
    if text(view, "callback_id") == PICKER:
        await _picked(desk, heard, view, ack)
    elif text(view, "callback_id") == FORM:
        await _filled(desk, heard, view, ack)
    else:
        await ack()


async def _filled(desk: Desk, heard: Heard, view: Json, ack: AsyncAck) -> None:
    actor = await desk.actor(heard)
    about, given = _about(view), _given(view)
    missing = walk(FLOW, given).here
    if missing:
        actual = form(words(actor.language), given, text(view, "private_metadata"))
        await ack(response_action="update", view=dict(actual))
        return
    card = about.get("card")
    card = card if isinstance(card, dict) else {"channel": heard.person}
    running = await desk.advisor.running(actor, place_of(card))
    id = session_of_form(actor, text(view, "id"))  # where our answer is lost, the form stays open and is sent again
    if running and running.id in (about.get("session"), id):
        turned = await desk.turn(heard, Fill(actor, given), running.id, card)
    else:
        turned = await desk.start(heard, actor, card, given, id=id)
    await ack()
    desk.later(desk.perform(replace(heard, channel=str(card.get("channel", ""))), turned, actor.language, card))


def _given(view: Json) -> dict[str, str]:
    """Return the chosen options, of questions that apply."""
    values = part(part(view, "state"), "values")
    chosen = {
        question.id: text(part(part(part(values, question.id), question.id), "selected_option"), "value")
        for question in FLOW.questions
    }
    found = walk(FLOW, valid_answers(FLOW, chosen))
    return {question.id: found.answers[question.id] for question in FLOW.questions if question.id in found.answers}


def _about(view: Json) -> dict[str, Any]:
    try:
        about = json.loads(text(view, "private_metadata") or "{}")
    except ValueError:
        return {}
    return about if isinstance(about, dict) else {}


# --- The picker ---------------------------------------------------------------------------------------------------


def picks(heard: Heard) -> bool:
    """Whether the person has to say where to post: this is no channel that we could mean."""
    name = text(part(heard.body, "channel"), "name")
    return heard.channel[:1] not in {"C", "G"} or name == "directmessage" or name.startswith("mpdm-")


async def open_picker(desk: Desk, heard: Heard, actor: Actor, mark: Mark) -> None:
    """Ask for a channel. Nothing is chosen beforehand."""
    text = words(actor.language)
    revision = "" if mark.revision is None else mark.revision
    view = {
        "type": "modal",
        "callback_id": PICKER,
        "private_metadata": json.dumps({"session": mark.session, "revision": revision, "card": heard.here}),
        "title": _plain(text.text("slack.picker_title")),
        "submit": _plain(text.text("slack.picker_submit")),
        "close": _plain(text.text("label.close")),
        "blocks": [
            {
                "type": "input",
                "block_id": WHERE,
                "label": _plain(text.text("slack.picker_label")),
                "hint": _plain(text.text("slack.picker_hint")),
                "element": {
                    "type": "conversations_select",
                    "action_id": WHERE,
                    "placeholder": _plain(text.text("label.choose_channel")),
                    "filter": {"include": ["public", "private"], "exclude_bot_users": True},
                },
            },
            blocks.context(text.text("review.share")),
        ],
    }
    try:
        await desk.api.call(heard.tenant, "views.open", trigger_id=heard.trigger, view=view)
    except (Later, Lost, Refusal):
        await desk.say(heard, short(actor, "slack.picker_late"), actor.language)


async def _picked(desk: Desk, heard: Heard, view: Json, ack: AsyncAck) -> None:
    actor = await desk.actor(heard)
    about = _about(view)
    where = text(part(part(part(part(view, "state"), "values"), WHERE), WHERE), "selected_conversation")
    try:
        problem = None if await is_member(desk, heard, where) else "slack.not_member"
    except (Later, Lost):
        problem = "notice.error"
    if problem:
        await ack(response_action="errors", errors={WHERE: words(actor.language).text(problem)})
        return
    revision = about.get("revision")
    event = ConfirmPost(actor, where, revision=revision if isinstance(revision, int) else None)
    turned = await desk.turn(heard, event, str(about.get("session", "")))
    await ack()
    card = about.get("card")
    desk.later(desk.perform(heard, turned, actor.language, turned.card or (card if isinstance(card, dict) else None)))


async def is_member(desk: Desk, heard: Heard, channel: str) -> bool:
    """Whether the person is in the channel, so that nobody posts where they are not. Raises `Later`, `Lost`.

    A channel that we cannot look into is private and not ours: Slack's own picker offers it to its members alone.
    """
    cursor: str | None = None
    try:
        for _ in range(MOST_PAGES):
            found = await desk.api.get(heard.tenant, "conversations.members", channel=channel, limit=999, cursor=cursor)
            members = found.get("members")
            if isinstance(members, list) and heard.person in members:
                return True
            cursor = text(part(found, "response_metadata"), "next_cursor") or None
            if cursor is None:
                return False
    except Refusal as refusal:
        return refusal.error in {"channel_not_found", "missing_scope", "not_in_channel"}
    return False


def _plain(said: str) -> dict[str, str]:
    return {"type": "plain_text", "text": said}
