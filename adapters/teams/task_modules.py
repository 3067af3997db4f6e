"""The form with all questions, in a task module: opened from the compose box, the command bar or a button.

Each page asks the questions that apply for certain; the last one shows the recommendation. All that was chosen is in
the data of the buttons, also what does not count now, so that nothing is lost. It is checked at each page. The dialog
starts when the form is complete.
"""

import secrets
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from itertools import product
from typing import Literal

from adapters.ports import Application, form_session_id
from adapters.teams import adaptive_cards as ac
from adapters.teams import cards
from adapters.teams.adaptive_cards import Json
from adapters.teams.gateway import SENT_BY_PERSON, TeamsGateway
from adapters.teams.request import PRIVATE, IncomingRequest, read_text
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.events import ConfirmPost, Start
from dialogs.flow import Answers, Flow, Question
from dialogs.plain_text import plain_text
from dialogs.reducer import step
from dialogs.session import Session, valid_answers
from dialogs.translations import Translations
from dialogs.views import Button, RecommendationCard
from dialogs.walk import Key, reduce_flow, walk

_INPUT = "q."
NEXT, BACK, HELP, HIDE_HELP, FINISH = "next", "back", "help", "hide_help", "finish"
"""What the buttons do."""

Place = Literal["message", "public", "private"]
"""Where the recommendation goes: into the person's message, or onto a card that others see or do not see."""
SHARE_NOTES: dict[Place, str] = {
    "message": "teams.form_insert",
    "public": "teams.form_show_public",
    "private": "teams.form_show",
}


class TaskModules:
    """Listeners for task modules. They return the response body of the invoke."""

    def __init__(self, application: Application, gateway: TeamsGateway) -> None:
        self._application = application
        self._gateway = gateway

    async def open(self, request: IncomingRequest) -> Json:
        """Return the first page."""
        return _page_for(request, {}, secrets.token_urlsafe(12))

    async def submit(self, request: IncomingRequest) -> Json:
        """Return the next page. After the last one, put the result into the compose box, or start a dialog."""
        data = request.data
        form, action = read_text(data, "ticket") or secrets.token_urlsafe(12), read_text(data, "action")
        inputs = {key.removeprefix(_INPUT): value for key, value in data.items() if key.startswith(_INPUT)}
        answers = valid_answers(FLOW, data.get("given")) | valid_answers(FLOW, inputs)
        position = walk(FLOW, answers)
        if action != FINISH or position.next_question:
            page, with_help = data.get("page"), action == HELP
            page = (page if isinstance(page, int) else 1) + {NEXT: 1, BACK: -1}.get(action or "", 0)
            return _page_for(request, answers, form, page, with_help=with_help, check=action == NEXT)
        id = form_session_id(request.actor, form)
        request = replace(request, idempotency_key=f"teams:form:{id}")
        start = Start(request.actor, session=id, answers=position.answers)
        finish = self._to_compose_box if _in_compose_box(request) else self._start_dialog
        return await finish(request, start)

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


def _page_for(request: IncomingRequest, answers: Answers, form: str, page: int = 1, **options: bool) -> Json:
    """Return a page. One that was opened from a card that only one person sees leads to such a card."""
    place: Place = "public" if request.ref.shared else "private"
    place = "message" if _in_compose_box(request) else place
    response = form_page(request.t, answers, form, page, place, **options)
    return ac.mark_buttons(response, PRIVATE) if request.ref.only else response


def form_page(
    t: Translations,
    answers: Answers,
    form: str,
    page: int = 1,
    place: Place = "public",
    *,
    with_help: bool = False,
    check: bool = False,
) -> Json:
    """Return a page: its questions with their answers, or the recommendation when all are answered.

    `page`: its number; the last page that can be shown is shown instead of later ones. `check`: the person went to this
    page from the one before, so that an earlier page with an open question says which answer is missing.
    """
    in_compose_box = place == "message"
    pages = _pages(answers)
    missing = check and page > len(pages)
    page = max(1, min(page, len(pages)))
    questions = pages[page - 1]
    title, progress = t("teams.form_title"), _progress(t, answers, pages[: page - 1])
    view = presenter.current(FLOW, Session("", "", "", t.language, FLOW.version, walk(FLOW, answers).answers))
    if isinstance(view, RecommendationCard) and not questions:
        view = replace(view, share=t(SHARE_NOTES[place]))
        body, text = cards.recommendation(view), "\n".join((title, progress, plain_text(view)))
    else:
        body = [part for question in questions for part in _question(t, question, answers, with_help, missing)]
        text = "\n".join((title, progress, *(t(f"question.{question.id}.text") for question in questions)))
    data: Json = {"ticket": form, "given": dict(answers), "page": page}
    buttons = _buttons(t, page, len(questions), in_compose_box=in_compose_box, with_help=with_help)
    actions = {"type": "ActionSet", "actions": [ac.submit(button, data) for button in buttons], "spacing": "Medium"}
    value = {
        "title": title,
        "height": "medium" if 0 < len(questions) <= 2 and not with_help else "large",
        "width": "medium",
        "card": ac.attachment(ac.card([ac.subtle(progress), *body, actions], text)),
    }
    return {"task": {"type": "continue", "value": value}}


def _pages(answers: Answers) -> list[list[Question]]:
    """Return the questions of each page, up to the first one with an open question; none on the last page."""
    known: dict[str, str] = {}
    pages = []
    while True:
        questions = _asked(FLOW, known)
        pages.append(questions)
        if not questions or any(question.id not in answers for question in questions):
            return pages
        known |= {question.id: answers[question.id] for question in questions}


def _asked(flow: Flow, known: Answers) -> list[Question]:
    """Return the questions without an answer that apply for certain."""
    return [question for question in flow.questions if question.id not in known and question.asked_when.evaluate(known)]


def _progress(t: Translations, answers: Answers, before: list[list[Question]]) -> str:
    """Return which page follows after the pages `before`, and how many there are."""
    known = {question.id: answers[question.id] for questions in before for question in questions}
    page, left = len(before) + 1, _max_pages(reduce_flow(FLOW).key(known))
    return t("teams.form_page" if left > 1 else "teams.form_last_page", page=page, most=page + left - 1)


@lru_cache(maxsize=1024)
def _max_pages(key: Key) -> int:
    """Return how many pages are left at most, the last one included. `key`: the answers before them."""
    flow = reduce_flow(FLOW).flow
    answers = {question: option for question, option in zip(flow.questions_by_id, key, strict=True) if option}
    questions = _asked(flow, answers)
    if not questions:
        return 1
    ids = [question.id for question in questions]
    choices = product(*(question.options for question in questions))
    keys = (reduce_flow(FLOW).key(answers | dict(zip(ids, options, strict=True))) for options in choices)
    return 1 + max(map(_max_pages, keys))


def _question(t: Translations, question: Question, answers: Answers, with_help: bool, missing: bool) -> list[Json]:
    choices = [(presenter.option_label(t, question.id, option), option) for option in question.options]
    answer = answers.get(question.id)
    chosen = {"value": answer} if answer else {}
    text = t(f"question.{question.id}.text")
    parts = [ac.choice_set(f"{_INPUT}{question.id}", text, choices, style="expanded", spacing="Large", **chosen)]
    if missing and not answer:
        # Not `isRequired`: it would keep a person from going back or opening the help.
        parts.append(ac.text(t("teams.form_required"), color="Attention", spacing="Small"))
    return parts + (cards.help_parts(presenter.question_help(t, question)) if with_help else [])


def _buttons(t: Translations, page: int, questions: int, *, in_compose_box: bool, with_help: bool) -> Iterable[Button]:
    if questions:
        yield Button(NEXT, t("label.next"), primary=True)
    else:
        yield Button(FINISH, t("teams.insert" if in_compose_box else "teams.show_here"), primary=True)
    if page > 1:
        yield Button(BACK, t("label.back"))
    if questions:
        yield Button(HIDE_HELP, t("label.hide_help")) if with_help else Button(HELP, t("label.help"))


def _in_compose_box(request: IncomingRequest) -> bool:
    return (request.name or "").startswith("composeExtension")


def _message(text: str) -> Json:
    return {"task": {"type": "message", "value": text}}
