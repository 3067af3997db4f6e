"""From a session to the view that shows it: the one place where ids become words."""

from collections.abc import Iterable
from functools import lru_cache

from dialogs.flow import Answers, Flow, Question
from dialogs.recommend import Recommendation as Result
from dialogs.recommend import control, recommend, source, supporting
from dialogs.session import Session, Status
from dialogs.text.parse import Problem
from dialogs.translations import Translations, translations
from dialogs.views import (
    AdviceLine,
    Announcement,
    AnswerRow,
    Button,
    Control,
    HelpCard,
    HelpPart,
    Notice,
    PartialResultCard,
    Preview,
    QuestionCard,
    RecommendationCard,
    ReviewCard,
    View,
)
from dialogs.walk import Walk, max_remaining, reachable_outcomes, strategic_settled_by, walk, what_if

MAX_STEPS = 3
"""How many next steps a post in a channel names: it is read by people who did not ask for it."""


def current(flow: Flow, session: Session) -> View:
    """Return the view of where the session is."""
    found = walk(flow, session.answers)
    t = translations(session.language)
    match session.status:
        case Status.CANCELLED | Status.EXPIRED:
            return notice(t, session.status.value, buttons(t, "start", primary="start"))
        case Status.QUICK:
            return verdict(flow, session, found)
        case Status.KEPT | Status.POSTED:
            result = recommend(flow, found)
            return recommendation(flow, session, found, result) if result else verdict(flow, session, found)
    if session.changing or found.next_question:
        return prompt(flow, session, found)
    return review(flow, session, found)


@lru_cache(maxsize=256)
def buttons(t: Translations, *actions: str, primary: str | None = None) -> tuple[Button, ...]:
    """Return buttons for these ids of labels."""
    return tuple(Button(action, t(f"label.{action}"), primary=action == primary) for action in actions)


def notice(t: Translations, id: str, also: tuple[Button, ...] = (), /, **values: object) -> Notice:
    """Return a short word by its id."""
    return Notice(id, t(f"notice.{id}", **values), also)


def help_card(t: Translations) -> HelpCard:
    """Return what this is and how to use it."""
    parts = tuple(t(f"help.{part}") for part in ("text", "answers", "commands", "quick"))
    return HelpCard(t("help.title"), parts, buttons(t, "start", primary="start"))


def prompt(flow: Flow, session: Session, found: Walk, *, with_help: bool = False) -> QuestionCard:
    """Return the question at hand."""
    t = translations(session.language)
    question = flow.question(session.changing or "") or found.next_question or flow.questions[0]
    given = session.answers.get(question.id) if session.changing else None
    if session.changing:
        progress = t("prompt.changing")
    else:
        progress = _progress(t, len(found.path) + 1, max_remaining(flow, session.answers) - 1)
    parts = ("why", "judge", "examples") if with_help else ()
    actions = ("back", "why", "restart") if session.changing or found.last_step else ("why", "cancel")
    return QuestionCard(
        question=question.id,
        progress=progress,
        text=t(f"question.{question.id}.text"),
        choices=_choices(t, question),
        current=t("prompt.current", answer=option_label(t, question.id, given)) if given else None,
        help=tuple(HelpPart(t(f"help.{part}"), t(f"question.{question.id}.{part}")) for part in parts),
        buttons=buttons(t, *(action for action in actions if not (with_help and action == "why"))),
    )


@lru_cache(maxsize=256)
def _choices(t: Translations, question: Question) -> tuple[Button, ...]:
    return tuple(
        Button("answer", option_label(t, question.id, option), question.id, option) for option in question.options
    )


@lru_cache(maxsize=256)
def _progress(t: Translations, number: int, more: int) -> str:
    left = t.plural("progress.more", more) if more else t("progress.last")
    return f"{t('progress.question', number=number)} · {left}"


def review(flow: Flow, session: Session, found: Walk) -> ReviewCard:
    """Return every answer given; once none is missing, with the outcome in short and what posting would share."""
    t = translations(session.language)
    result = recommend(flow, found)
    ready = ("post", "keep_private") if result else ("continue",)
    return ReviewCard(
        title=t("review.title"),
        intro=t("review.intro"),
        rows=_rows(flow, t, found.answers),
        change=t("label.change"),
        preview=_preview(flow, t, result) if result else None,
        share=t("review.share") if result else None,
        unused_title=t("review.unused"),
        unused=_rows(flow, t, _unused(session, found)),
        buttons=buttons(t, *ready, "back", "restart", primary=ready[0]),
    )


def recommendation(flow: Flow, session: Session, found: Walk, result: Result) -> RecommendationCard:
    """Return the whole recommendation of a finished walk."""
    t = translations(session.language)
    deciding = supporting(flow, result.outcome.when, found.answers)
    rows = _rows(flow, t, found.answers, deciding)
    posted = session.status is Status.POSTED
    changes = tuple(_changes(flow, t, session.answers, result))
    return RecommendationCard(
        title=t("recommendation.title"),
        outcome=t(f"outcome.{result.outcome.id}.title"),
        summary=t(f"outcome.{result.outcome.id}.summary"),
        control=_control(flow, t, result),
        advice_title=t("recommendation.advice"),
        advice=_advice(t, result),
        because_title=t("recommendation.because"),
        because=tuple(row for row in rows if row.deciding),
        others_title=t("recommendation.others"),
        others=tuple(row for row in rows if not row.deciding),
        what_if_title=t("recommendation.what_if"),
        what_if=changes or (t("recommendation.stable"),),
        open_title=t("recommendation.open"),
        open=tuple(
            t("recommendation.open_item", question=t(f"question.{question}.short"))
            for question in result.open_questions
        ),
        provisional=t("recommendation.provisional") if result.provisional else None,
        unused_title=t("recommendation.unused"),
        unused=_rows(flow, t, _unused(session, found)),
        caveat=caveat(t),
        share=None if posted else t("review.share"),
        buttons=buttons(t, "new_check") if posted else buttons(t, "post", "review", "new_check"),
    )


def verdict(flow: Flow, session: Session, found: Walk) -> PartialResultCard:
    """Return what is already sure of a company known only in part."""
    t = translations(session.language)
    strategic = flow.strategic.evaluate(found.answers)
    since = strategic_settled_by(flow, found)
    reach = reachable_outcomes(flow, session.answers)
    possible = tuple(t(f"outcome.{id}.title") for id in reach)
    only = [t("verdict.only", outcome=t(f"outcome.{id}.phrase")) for id in reach if len(reach) == 1]
    reasons = control(flow, found.answers)
    posted = session.status is Status.POSTED
    asked_next = found.next_question and t(f"question.{found.next_question.id}.text")
    return PartialResultCard(
        title=t("verdict.title"),
        strategic=" ".join((_strategic(t, strategic), *only)),
        since=t("verdict.since", question=t(f"question.{since}.short")) if since else None,
        control=t.plural("verdict.control", reasons) if reasons else None,
        possible_title=t("verdict.possible"),
        possible=possible if len(possible) > 1 else (),
        next=t("verdict.next", question=asked_next) if asked_next else None,
        rows=_rows(flow, t, found.answers),
        unused_title=t("recommendation.unused"),
        unused=_rows(flow, t, _unused(session, found)),
        caveat=caveat(t),
        share=None if posted else t("verdict.share_note"),
        buttons=buttons(t, "new_check") if posted else buttons(t, "continue", "post", "restart", primary="continue"),
    )


def announcement(flow: Flow, session: Session, found: Walk) -> Announcement:
    """Return what a channel gets to read: the recommendation in short, or what is sure so far."""
    t = translations(session.language)
    result = recommend(flow, found)
    if result:
        headline = t(f"outcome.{result.outcome.id}.title")
        summary = t(f"outcome.{result.outcome.id}.summary")
        because = [
            row
            for row in _rows(flow, t, found.answers, supporting(flow, result.outcome.when, found.answers))
            if row.deciding
        ]
    else:
        headline = _strategic(t, flow.strategic.evaluate(found.answers))
        possible = [t(f"outcome.{id}.phrase") for id in reachable_outcomes(flow, session.answers)]
        summary = f"{t('verdict.possible')} {join_or(t, possible)}"
        because = list(_rows(flow, t, found.answers))
    steps = _advice(t, result)[:MAX_STEPS] if result else ()
    sources = dict.fromkeys([*(row.source for row in because), *(line.source for line in steps)])
    return Announcement(
        session=session.id,
        owner=session.owner,
        title=t("announcement.title" if result else "announcement.partial"),
        by=t("announcement.by"),
        headline=headline,
        summary=summary,
        control=_control(flow, t, result) if result else None,
        because_title=t("recommendation.because"),
        because=tuple(because),
        steps_title=t("announcement.steps"),
        steps=steps,
        sources=t("source.cite", source=" · ".join(sources)),
        caveat=caveat(t),
        buttons=buttons(t, "details", "run_own"),
    )


def caveat(t: Translations) -> str:
    """Return whose method this is."""
    return t("article.caveat", title=t("article.title"), author=t("article.author"))


def problem(flow: Flow, t: Translations, found: Problem) -> str:
    """Return what is wrong with one part of a quick check, in names and answers as a person knows them."""
    question = flow.question(found.question or "")
    name = t(f"question.{question.id}.short") if question else ""
    match found.kind:
        case "question" if found.nearest:
            near = t(f"question.{found.nearest[0]}.short")
            return t("invalid.question", given=found.given, nearest=near)
        case "question":
            valid = question_names(t, (question.id for question in flow.questions))
            return t("invalid.question_plain", given=found.given, valid=valid)
        case "twice" if question:
            return t("invalid.twice", question=name)
        case "answer" if question:
            valid = join_or(t, [option_label(t, question.id, option) for option in question.options])
            if found.nearest:
                near = option_label(t, question.id, found.nearest[0])
                return t("invalid.answer_nearest", given=found.given, question=name, nearest=near, valid=valid)
            return t("invalid.answer", given=found.given, question=name, valid=valid)
        case "too_many":
            return t("invalid.too_many", given=found.given)
    return t("invalid.form", given=found.given)


def option_label(t: Translations, question: str, option: str) -> str:
    """Return the label of an option."""
    return t(f"option.{question}.{option}")


def join_or(t: Translations, several: list[str]) -> str:
    """Return "a, b or c"."""
    if len(several) < 2:
        return "".join(several)
    return t("list.or", first=", ".join(several[:-1]), last=several[-1])


def question_names(t: Translations, questions: Iterable[str]) -> str:
    """Return the short names of questions in a row."""
    return ", ".join(t(f"question.{question}.short") for question in questions)


def _rows(flow: Flow, t: Translations, answers: Answers, deciding: tuple[str, ...] = ()) -> tuple[AnswerRow, ...]:
    return tuple(
        AnswerRow(
            question.id,
            t(f"question.{question.id}.short"),
            option_label(t, question.id, answers[question.id]),
            t(f"source.{source(flow, question.id)}"),
            question.id in deciding,
        )
        for question in flow.questions
        if question.id in answers
    )


def _unused(session: Session, found: Walk) -> Answers:
    return {question: session.answers[question] for question in found.unused}


def _preview(flow: Flow, t: Translations, result: Result) -> Preview:
    return Preview(
        t("review.preview"),
        t(f"outcome.{result.outcome.id}.title"),
        t(f"outcome.{result.outcome.id}.summary"),
        _control(flow, t, result),
    )


def _control(flow: Flow, t: Translations, result: Result) -> Control:
    level = result.control
    return Control(t("control.title"), level, len(flow.control), t(f"control.{level}"))


def _advice(t: Translations, result: Result) -> tuple[AdviceLine, ...]:
    return tuple(
        AdviceLine(
            advice.id,
            t(f"advice.{advice.id}.title"),
            t(f"advice.{advice.id}.text"),
            t("recommendation.step", step=t(f"advice.{advice.id}.step")),
            t(f"source.{advice.source}"),
        )
        for advice in result.advice
    )


def _changes(flow: Flow, t: Translations, answers: Answers, result: Result) -> Iterable[str]:
    changes = list(what_if(flow, answers, result.because, result.outcome.id))
    settled = {(change.question, change.outcomes) for change in changes if change.option != "unknown"}
    for change in changes:
        if change.option == "unknown" and (change.question, change.outcomes) in settled:
            continue  # not to know has the same effect as another answer, which is the plainer one to read
        clause = t(f"option.{change.question}.{change.option}.if")
        phrases = [t(f"outcome.{outcome}.phrase") for outcome in change.outcomes]
        if len(phrases) == 1:
            yield t("what_if.one", clause=clause, outcome=phrases[0])
        else:
            yield t("what_if.several", clause=clause, outcomes=join_or(t, phrases))


def _strategic(t: Translations, truth: bool | None) -> str:
    return t(f"fact.strategic.{'unknown' if truth is None else str(truth).lower()}")
