"""The whole questionnaire as a form in a task module: from the compose box, the command bar, or a button of ours.

It asks in steps whatever can be asked by then, so that no question is shown that does not apply. The answers travel in
the form itself and are checked each time; a dialog begins when the form is done.
"""

import secrets
from dataclasses import replace

from adapters.ports import Application, form_session_id
from adapters.teams import adaptive_cards as e
from adapters.teams import cards
from adapters.teams.adaptive_cards import Json
from adapters.teams.card_sender import CardSender
from adapters.teams.connector import CARD_TYPE
from adapters.teams.request import IncomingRequest
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.effects import Show
from dialogs.events import ConfirmPost, Start
from dialogs.flow import Answers, Question
from dialogs.reducer import step, valid_answers
from dialogs.session import Session
from dialogs.translations import Translations
from dialogs.views import Button
from dialogs.walk import walk

SENT_BY_USER = "sent"
"""Where a card goes that the person sends themselves: nowhere, for us."""
_INPUT = "q."


class TaskModules:
    """Handles task modules. Every method returns the body of the invoke's response."""

    def __init__(self, application: Application, sender: CardSender) -> None:
        self._application = application
        self._sender = sender

    def open(self, request: IncomingRequest) -> Json:
        """Return the first step."""
        return _step(request.t, {}, secrets.token_urlsafe(12))

    async def submit(self, request: IncomingRequest, *, extension: bool) -> Json:
        """Go on to the next step, or finish: into the compose box, or as a dialog where the button was."""
        ticket = request.given("ticket") or secrets.token_urlsafe(12)
        given = valid_answers(FLOW, request.data.get("given"))
        if request.given("action") == "back":
            return _step(request.t, given, ticket)
        inputs = {key.removeprefix(_INPUT): value for key, value in request.data.items() if key.startswith(_INPUT)}
        given |= valid_answers(FLOW, inputs)
        if walk(FLOW, given).next_question or request.data.get("sure") is not True:
            return _step(request.t, given, ticket)
        return await (self._send(request, given, ticket) if extension else self._begin(request, given, ticket))

    async def _send(self, request: IncomingRequest, given: Answers, ticket: str) -> Json:
        """Put the recommendation into the compose box. The person sends it: exactly once, and under their name."""
        id = form_session_id(request.actor, ticket)
        start = Start(request.actor, session=id, answers=given)
        elsewhere = replace(
            request, place=replace(request.place, conversation=f"form:{id}"), idempotency_key=f"teams:form:{id}"
        )
        await self._application.turn(elsewhere.turn(start, None))
        confirm = ConfirmPost(request.actor, SENT_BY_USER, revision=0)
        posted = await self._application.turn(
            replace(elsewhere, idempotency_key=f"teams:form:{id}:sent").turn(confirm, id)
        )
        # Worked out again rather than taken from the turns: a second delivery gets the very same card.
        session, _ = step(FLOW, None, start)
        if session is None:
            return _message(request.t("notice.error"))
        if posted.session:
            await self._application.mark_shown(id, posted.session.revision)
        view = presenter.announcement(FLOW, session, walk(FLOW, session.answers))
        card = cards.announcement(view, request.name)
        preview = {"contentType": "application/vnd.microsoft.card.hero", "content": {"title": view.headline}}
        attachment = {"contentType": CARD_TYPE, "content": card, "preview": preview}
        return {"composeExtension": {"type": "result", "attachmentLayout": "list", "attachments": [attachment]}}

    async def _begin(self, request: IncomingRequest, given: Answers, ticket: str) -> Json:
        """Begin a dialog with these answers where the form was opened: its review comes as a card there."""
        place = request.place.at(None)
        id = form_session_id(request.actor, ticket)
        start = Start(request.actor, session=id, answers=given)
        result = await self._application.turn(
            replace(request, idempotency_key=f"teams:form:{id}").turn(start, None, place)
        )
        shown = [effect for effect in result.effects if isinstance(effect, Show)]
        if result.session and shown and not result.duplicate:
            await self._sender.place(result.session, shown[-1].view, place)
        return _message(request.t("teams.form_done"))


def _step(t: Translations, given: Answers, ticket: str) -> Json:
    asked, before = _asked(given)
    data = {"ticket": ticket, "given": dict(given)}
    body = [_question(t, question) for question in asked] if asked else _preview(t, given)
    buttons = [e.submit(Button("submit", t("label.submit"), primary=True), data | ({} if asked else {"sure": True}))]
    if given:
        back = e.submit(Button("back", t("label.back")), {"ticket": ticket, "given": before})
        buttons.append(back | {"associatedInputs": "none"})
    title = t("teams.form_title")
    said = "\n".join((title, *(t(f"question.{question.id}.text") for question in asked)))
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
        asked = [q for q in FLOW.questions if q.id not in known and q.asked_when.evaluate(known)]
        if not asked or any(question.id not in given for question in asked):
            return [question for question in asked if question.id not in given], before
        before = dict(known)
        known |= {question.id: given[question.id] for question in asked}


def _question(t: Translations, question: Question) -> Json:
    options = [(presenter.option_label(t, question.id, option), option) for option in question.options]
    return e.choice_set(
        f"{_INPUT}{question.id}",
        t(f"question.{question.id}.text"),
        options,
        style="expanded",
        isRequired=True,
        errorMessage=t("teams.form_required"),
        spacing="Large",
    )


def _preview(t: Translations, given: Answers) -> list[Json]:
    """Say what it comes to, before anything is put anywhere."""
    session = Session("", "", "", t.language, FLOW.version, given)
    view = presenter.review(FLOW, session, walk(FLOW, given))
    return cards.summary(view, t("teams.form_share"))


def _message(words: str) -> Json:
    return {"task": {"type": "message", "value": words}}
