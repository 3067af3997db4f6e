"""The whole questionnaire as a form in a task module: from the compose box, the command bar, or a button of ours.

It asks in steps whatever can be asked by then, so that no question is shown that does not apply. The answers travel in
the form itself and are checked each time; a dialog begins when the form is done.
"""

import secrets
from dataclasses import replace

from adapters.ports import Advisor, session_of_form
from adapters.teams import cards
from adapters.teams import elements as e
from adapters.teams.connector import CARD_TYPE
from adapters.teams.elements import Json
from adapters.teams.heard import Heard
from adapters.teams.stage import Stage
from dialogs import compose
from dialogs.community import FLOW
from dialogs.machine import step, valid_answers
from dialogs.model import Answers, Question
from dialogs.session import ConfirmPost, Session, Show, Start
from dialogs.views import Button
from dialogs.walk import walk
from dialogs.words import Words

SENT = "sent"
"""Where a card goes that the person sends themselves: nowhere, for us."""
_INPUT = "q."


class Forms:
    """Handles task modules. Every method returns the body of the invoke's response."""

    def __init__(self, advisor: Advisor, stage: Stage) -> None:
        self._advisor = advisor
        self._stage = stage

    def open(self, heard: Heard) -> Json:
        """Return the first step."""
        return _step(heard.words, {}, secrets.token_urlsafe(12))

    async def submit(self, heard: Heard, *, extension: bool) -> Json:
        """Go on to the next step, or finish: into the compose box, or as a dialog where the button was."""
        ticket = heard.given("ticket") or secrets.token_urlsafe(12)
        given = valid_answers(FLOW, heard.data.get("given"))
        if heard.given("action") == "back":
            return _step(heard.words, given, ticket)
        inputs = {key.removeprefix(_INPUT): value for key, value in heard.data.items() if key.startswith(_INPUT)}
        given |= valid_answers(FLOW, inputs)
        if walk(FLOW, given).here or heard.data.get("sure") is not True:
            return _step(heard.words, given, ticket)
        return await (self._send(heard, given, ticket) if extension else self._begin(heard, given, ticket))

    async def _send(self, heard: Heard, given: Answers, ticket: str) -> Json:
        """Put the recommendation into the compose box. The person sends it: exactly once, and under their name."""
        id = session_of_form(heard.actor, ticket)
        start = Start(heard.actor, session=id, answers=given)
        elsewhere = replace(heard, place=replace(heard.place, conversation=f"form:{id}"), once=f"teams:form:{id}")
        await self._advisor.turn(elsewhere.turn(start, None))
        confirm = ConfirmPost(heard.actor, SENT, revision=0)
        posted = await self._advisor.turn(replace(elsewhere, once=f"teams:form:{id}:sent").turn(confirm, id))
        # Worked out again rather than taken from the turns: a second delivery gets the very same card.
        session, _ = step(FLOW, None, start)
        if session is None:
            return _message(heard.words.text("notice.error"))
        if posted.session:
            await self._advisor.shown(id, posted.session.revision)
        view = compose.announcement(FLOW, session, walk(FLOW, session.answers))
        card = cards.announcement(view, heard.name)
        preview = {"contentType": "application/vnd.microsoft.card.hero", "content": {"title": view.headline}}
        attachment = {"contentType": CARD_TYPE, "content": card, "preview": preview}
        return {"composeExtension": {"type": "result", "attachmentLayout": "list", "attachments": [attachment]}}

    async def _begin(self, heard: Heard, given: Answers, ticket: str) -> Json:
        """Begin a dialog with these answers where the form was opened: its review comes as a card there."""
        place = heard.place.at(None)
        id = session_of_form(heard.actor, ticket)
        start = Start(heard.actor, session=id, answers=given)
        turned = await self._advisor.turn(replace(heard, once=f"teams:form:{id}").turn(start, None, place))
        shown = [effect for effect in turned.effects if isinstance(effect, Show)]
        if turned.session and shown and not turned.repeated:
            await self._stage.place(turned.session, shown[-1].view, place)
        return _message(heard.words.text("teams.form_done"))


def _step(text: Words, given: Answers, ticket: str) -> Json:
    asked, before = _asked(given)
    data = {"ticket": ticket, "given": dict(given)}
    body = [_question(text, question) for question in asked] if asked else _preview(text, given)
    buttons = [
        e.submit(Button("submit", text.text("label.submit"), primary=True), data | ({} if asked else {"sure": True}))
    ]
    if given:
        back = e.submit(Button("back", text.text("label.back")), {"ticket": ticket, "given": before})
        buttons.append(back | {"associatedInputs": "none"})
    title = text.text("teams.form_title")
    said = "\n".join((title, *(text.text(f"question.{question.id}.text") for question in asked)))
    card = e.card([*body, {"type": "ActionSet", "actions": buttons, "spacing": "Medium"}], said)
    value = {
        "title": title,
        "height": "large" if len(asked) > 2 else "medium",
        "width": "medium",
        "card": {"contentType": CARD_TYPE, "content": card},
    }
    return {"task": {"type": "continue", "value": value}}


def _asked(given: Answers) -> tuple[list[Question], dict[str, str]]:
    """Return the questions that surely apply and are open, and the answers given before the last step."""
    known: dict[str, str] = {}
    before: dict[str, str] = {}
    while True:
        asked = [q for q in FLOW.questions if q.id not in known and q.asked.truth(known)]
        if not asked or any(question.id not in given for question in asked):
            return [question for question in asked if question.id not in given], before
        before = dict(known)
        known |= {question.id: given[question.id] for question in asked}


def _question(text: Words, question: Question) -> Json:
    options = [(compose.option_label(text, question.id, option), option) for option in question.options]
    return e.choice_set(
        f"{_INPUT}{question.id}",
        text.text(f"question.{question.id}.text"),
        options,
        style="expanded",
        isRequired=True,
        errorMessage=text.text("teams.form_required"),
        spacing="Large",
    )


def _preview(text: Words, given: Answers) -> list[Json]:
    """Say what it comes to, before anything is put anywhere."""
    session = Session("", "", "", text.language, FLOW.version, given)
    view = compose.review(FLOW, session, walk(FLOW, given))
    return cards.summary(view, text.text("teams.form_share"))


def _message(words: str) -> Json:
    return {"task": {"type": "message", "value": words}}
