"""The form with all questions, in a task module: opened from the compose box, the command bar or a button.

Each step asks the questions that apply for certain. The answers are in the form itself and are checked at each step.
The dialog starts when the form is complete.
"""

import secrets
from dataclasses import replace

from adapters.ports import Application, form_session_id
from adapters.teams import adaptive_cards as ac
from adapters.teams import cards
from adapters.teams.adaptive_cards import Json
from adapters.teams.gateway import SENT_BY_PERSON, TeamsGateway
from adapters.teams.request import IncomingRequest, read_text
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.events import ConfirmPost, Start
from dialogs.flow import Answers, Question
from dialogs.plain_text import plain_text
from dialogs.reducer import step, valid_answers
from dialogs.session import Session
from dialogs.translations import Translations
from dialogs.views import Button, RecommendationCard
from dialogs.walk import walk

_INPUT = "q."


class TaskModules:
    """Listeners for task modules. They return the response body of the invoke."""

    def __init__(self, application: Application, gateway: TeamsGateway) -> None:
        self._application = application
        self._gateway = gateway

    async def open(self, request: IncomingRequest) -> Json:
        """Return the first step."""
        return form_step(request.t, {}, secrets.token_urlsafe(12))

    async def submit(self, request: IncomingRequest) -> Json:
        """Return the next step. After the last one, put the result into the compose box, or start a dialog."""
        data = request.data
        form = read_text(data, "ticket") or secrets.token_urlsafe(12)
        answers = valid_answers(FLOW, data.get("given"))
        if read_text(data, "action") == "back":
            return form_step(request.t, answers, form)
        inputs = {key.removeprefix(_INPUT): value for key, value in data.items() if key.startswith(_INPUT)}
        answers |= valid_answers(FLOW, inputs)
        if walk(FLOW, answers).next_question or data.get("sure") is not True:
            return form_step(request.t, answers, form)
        id = form_session_id(request.actor, form)
        request = replace(request, idempotency_key=f"teams:form:{id}")
        start = Start(request.actor, session=id, answers=answers)
        in_compose_box = (request.name or "").startswith("composeExtension")
        return await (self._to_compose_box(request, start) if in_compose_box else self._start_dialog(request, start))

    async def _to_compose_box(self, request: IncomingRequest, start: Start) -> Json:
        """Put the recommendation into the compose box. The person sends it: once, and in their name."""
        id = start.session
        request = replace(request, ref=replace(request.ref, conversation=f"form:{id}"))
        await self._application.turn(request.turn(start, None))
        confirm = ConfirmPost(request.actor, SENT_BY_PERSON, revision=0)
        confirming = replace(request, idempotency_key=f"{request.idempotency_key}:sent")
        result = await self._application.turn(confirming.turn(confirm, id))
        # Computed again, not taken from the turns: a second delivery gets the same card.
        session, _ = step(FLOW, None, start)
        if session is None:
            return _message(request.t("notice.error"))
        if result.session:
            await self._application.mark_shown(id, result.session.revision)
        view = presenter.announcement(FLOW, session, walk(FLOW, session.answers))
        preview = {"contentType": "application/vnd.microsoft.card.hero", "content": {"title": view.headline}}
        attachment = ac.attachment(cards.announcement(view, request.person_name)) | {"preview": preview}
        return {"composeExtension": {"type": "result", "attachmentLayout": "list", "attachments": [attachment]}}

    async def _start_dialog(self, request: IncomingRequest, start: Start) -> Json:
        """Start a dialog in the conversation of the form. Its card shows the recommendation."""
        ref = request.ref.at(None)
        result = await self._application.turn(request.turn(start, None, ref))
        await self._gateway.show_new(result, ref)
        return _message(request.t("teams.form_done"))


def form_step(t: Translations, answers: Answers, form: str) -> Json:
    """Return a step: the open questions that apply for certain, or the recommendation when all are answered."""
    questions, before = _open_questions(answers)
    title = t("teams.form_title")
    text = "\n".join((title, *(t(f"question.{question.id}.text") for question in questions)))
    data: Json = {"ticket": form, "given": dict(answers)}
    view = None if questions else presenter.current(FLOW, Session("", "", "", t.language, FLOW.version, answers))
    if isinstance(view, RecommendationCard):
        data["sure"] = True
        view = replace(view, share=t("teams.form_share"))
        body = cards.recommendation(view)
        text = f"{text}\n{plain_text(view)}"
    else:
        body = [_choice_set(t, question) for question in questions]
    actions = [ac.submit(Button("submit", t("label.submit"), primary=True), data)]
    if answers:
        back = ac.submit(Button("back", t("label.back")), {"ticket": form, "given": before})
        actions.append(back | {"associatedInputs": "none"})
    value = {
        "title": title,
        "height": "medium" if 0 < len(questions) <= 2 else "large",
        "width": "medium",
        "card": ac.attachment(ac.card([*body, {"type": "ActionSet", "actions": actions, "spacing": "Medium"}], text)),
    }
    return {"task": {"type": "continue", "value": value}}


def _open_questions(answers: Answers) -> tuple[list[Question], dict[str, str]]:
    """Return the open questions that apply for certain, and the answers before the last step."""
    known: dict[str, str] = {}
    before: dict[str, str] = {}
    while True:
        questions = [q for q in FLOW.questions if q.id not in known and q.asked_when.evaluate(known)]
        if not questions or any(question.id not in answers for question in questions):
            return [question for question in questions if question.id not in answers], before
        before = dict(known)
        known |= {question.id: answers[question.id] for question in questions}


def _choice_set(t: Translations, question: Question) -> Json:
    return ac.choice_set(
        f"{_INPUT}{question.id}",
        t(f"question.{question.id}.text"),
        [(presenter.option_label(t, question.id, option), option) for option in question.options],
        style="expanded",
        isRequired=True,
        errorMessage=t("teams.form_required"),
        spacing="Large",
    )


def _message(text: str) -> Json:
    return {"task": {"type": "message", "value": text}}
