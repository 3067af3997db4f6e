"""From a session to the view that shows it: the one place where ids become words."""

from collections.abc import Iterable
from functools import lru_cache

from dialogs.model import Answers, Flow, Question
from dialogs.recommend import Recommendation as Result
from dialogs.recommend import control, recommend, source, supporting
from dialogs.session import Session, Status
from dialogs.understand import Problem
from dialogs.views import (
    AdviceLine,
    Announcement,
    Button,
    Control,
    HelpCard,
    HelpPart,
    Notice,
    Preview,
    Prompt,
    Recommendation,
    Review,
    Row,
    Verdict,
    View,
)
from dialogs.walk import Walk, most_left, reachable, settled_by, walk, what_if
from dialogs.words import Words, words

MOST_STEPS = 3
"""How many next steps a post in a channel names: it is read by people who did not ask for it."""


def current(flow: Flow, session: Session) -> View:
    """Return the view of where the session is."""
    found = walk(flow, session.answers)
    text = words(session.language)
    match session.status:
        case Status.CANCELLED | Status.EXPIRED:
            return notice(text, session.status.value, buttons(text, "start", primary="start"))
        case Status.QUICK:
            return verdict(flow, session, found)
        case Status.KEPT | Status.POSTED:
            result = recommend(flow, found)
            return recommendation(flow, session, found, result) if result else verdict(flow, session, found)
    if session.changing or found.here:
        return prompt(flow, session, found)
    return review(flow, session, found)


@lru_cache(maxsize=256)
def buttons(text: Words, *actions: str, primary: str | None = None) -> tuple[Button, ...]:
    """Return buttons for these ids of labels."""
    return tuple(Button(action, text.text(f"label.{action}"), primary=action == primary) for action in actions)


def notice(text: Words, id: str, also: tuple[Button, ...] = (), /, **values: object) -> Notice:
    """Return a short word by its id."""
    return Notice(id, text.text(f"notice.{id}", **values), also)


def help_card(text: Words) -> HelpCard:
    """Return what this is and how to use it."""
    parts = tuple(text.text(f"help.{part}") for part in ("text", "answers", "commands", "quick"))
    return HelpCard(text.text("help.title"), parts, buttons(text, "start", primary="start"))


def prompt(flow: Flow, session: Session, found: Walk, *, with_help: bool = False) -> Prompt:
    """Return the question at hand."""
    text = words(session.language)
    question = flow.question(session.changing or "") or found.here or flow.questions[0]
    given = session.answers.get(question.id) if session.changing else None
    if session.changing:
        progress = text.text("prompt.changing")
    else:
        progress = _progress(text, len(found.path) + 1, most_left(flow, session.answers) - 1)
    parts = ("why", "judge", "examples") if with_help else ()
    actions = ("back", "why", "restart") if session.changing or found.last else ("why", "cancel")
    return Prompt(
        question=question.id,
        progress=progress,
        text=text.text(f"question.{question.id}.text"),
        choices=_choices(text, question),
        current=text.text("prompt.current", answer=option_label(text, question.id, given)) if given else None,
        help=tuple(HelpPart(text.text(f"help.{part}"), text.text(f"question.{question.id}.{part}")) for part in parts),
        buttons=buttons(text, *(action for action in actions if not (with_help and action == "why"))),
    )


@lru_cache(maxsize=256)
def _choices(text: Words, question: Question) -> tuple[Button, ...]:
    return tuple(
        Button("answer", option_label(text, question.id, option), question.id, option) for option in question.options
    )


@lru_cache(maxsize=256)
def _progress(text: Words, number: int, more: int) -> str:
    left = text.count("progress.more", more) if more else text.text("progress.last")
    return f"{text.text('progress.question', number=number)} · {left}"


def review(flow: Flow, session: Session, found: Walk) -> Review:
    """Return every answer given; once none is missing, with the outcome in short and what posting would share."""
    text = words(session.language)
    result = recommend(flow, found)
    ready = ("post", "keep_private") if result else ("continue",)
    return Review(
        title=text.text("review.title"),
        intro=text.text("review.intro"),
        rows=_rows(flow, text, found.answers),
        change=text.text("label.change"),
        preview=_preview(flow, text, result) if result else None,
        share=text.text("review.share") if result else None,
        unused_title=text.text("review.unused"),
        unused=_rows(flow, text, _unused(session, found)),
        buttons=buttons(text, *ready, "back", "restart", primary=ready[0]),
    )


def recommendation(flow: Flow, session: Session, found: Walk, result: Result) -> Recommendation:
    """Return the whole recommendation of a finished walk."""
    text = words(session.language)
    deciding = supporting(flow, result.outcome.when, found.answers)
    rows = _rows(flow, text, found.answers, deciding)
    posted = session.status is Status.POSTED
    changes = tuple(_changes(flow, text, session.answers, result))
    return Recommendation(
        title=text.text("recommendation.title"),
        outcome=text.text(f"outcome.{result.outcome.id}.title"),
        summary=text.text(f"outcome.{result.outcome.id}.summary"),
        control=_control(flow, text, result),
        advice_title=text.text("recommendation.advice"),
        advice=_advice(text, result),
        because_title=text.text("recommendation.because"),
        because=tuple(row for row in rows if row.deciding),
        others_title=text.text("recommendation.others"),
        others=tuple(row for row in rows if not row.deciding),
        what_if_title=text.text("recommendation.what_if"),
        what_if=changes or (text.text("recommendation.stable"),),
        open_title=text.text("recommendation.open"),
        open=tuple(
            text.text("recommendation.open_item", question=text.text(f"question.{question}.short"))
            for question in result.open_questions
        ),
        provisional=text.text("recommendation.provisional") if result.provisional else None,
        unused_title=text.text("recommendation.unused"),
        unused=_rows(flow, text, _unused(session, found)),
        caveat=caveat(text),
        share=None if posted else text.text("review.share"),
        buttons=buttons(text, "new_check") if posted else buttons(text, "post", "review", "new_check"),
    )


def verdict(flow: Flow, session: Session, found: Walk) -> Verdict:
    """Return what is already sure of a company known only in part."""
    text = words(session.language)
    strategic = flow.strategic.truth(found.answers)
    since = settled_by(flow, found)
    reach = reachable(flow, session.answers)
    possible = tuple(text.text(f"outcome.{id}.title") for id in reach)
    only = [text.text("verdict.only", outcome=text.text(f"outcome.{id}.phrase")) for id in reach if len(reach) == 1]
    reasons = control(flow, found.answers)
    posted = session.status is Status.POSTED
    asked_next = found.here and text.text(f"question.{found.here.id}.text")
    return Verdict(
        title=text.text("verdict.title"),
        strategic=" ".join((_strategic(text, strategic), *only)),
        since=text.text("verdict.since", question=text.text(f"question.{since}.short")) if since else None,
        control=text.count("verdict.control", reasons) if reasons else None,
        possible_title=text.text("verdict.possible"),
        possible=possible if len(possible) > 1 else (),
        next=text.text("verdict.next", question=asked_next) if asked_next else None,
        rows=_rows(flow, text, found.answers),
        unused_title=text.text("recommendation.unused"),
        unused=_rows(flow, text, _unused(session, found)),
        caveat=caveat(text),
        share=None if posted else text.text("verdict.share_note"),
        buttons=buttons(text, "new_check")
        if posted
        else buttons(text, "continue", "post", "restart", primary="continue"),
    )


def announcement(flow: Flow, session: Session, found: Walk) -> Announcement:
    """Return what a channel gets to read: the recommendation in short, or what is sure so far."""
    text = words(session.language)
    result = recommend(flow, found)
    if result:
        headline = text.text(f"outcome.{result.outcome.id}.title")
        summary = text.text(f"outcome.{result.outcome.id}.summary")
        because = [
            row
            for row in _rows(flow, text, found.answers, supporting(flow, result.outcome.when, found.answers))
            if row.deciding
        ]
    else:
        headline = _strategic(text, flow.strategic.truth(found.answers))
        possible = [text.text(f"outcome.{id}.phrase") for id in reachable(flow, session.answers)]
        summary = f"{text.text('verdict.possible')} {either(text, possible)}"
        because = list(_rows(flow, text, found.answers))
    steps = _advice(text, result)[:MOST_STEPS] if result else ()
    sources = dict.fromkeys([*(row.source for row in because), *(line.source for line in steps)])
    return Announcement(
        session=session.id,
        owner=session.owner,
        title=text.text("announcement.title" if result else "announcement.partial"),
        by=text.text("announcement.by"),
        headline=headline,
        summary=summary,
        control=_control(flow, text, result) if result else None,
        because_title=text.text("recommendation.because"),
        because=tuple(because),
        steps_title=text.text("announcement.steps"),
        steps=steps,
        sources=text.text("source.cite", source=" · ".join(sources)),
        caveat=caveat(text),
        buttons=buttons(text, "details", "run_own"),
    )


def caveat(text: Words) -> str:
    """Return whose method this is."""
    return text.text("article.caveat", title=text.text("article.title"), author=text.text("article.author"))


def problem(flow: Flow, text: Words, found: Problem) -> str:
    """Return what is wrong with one part of a quick check, in names and answers as a person knows them."""
    question = flow.question(found.question or "")
    name = text.text(f"question.{question.id}.short") if question else ""
    match found.kind:
        case "question" if found.nearest:
            near = text.text(f"question.{found.nearest[0]}.short")
            return text.text("invalid.question", given=found.given, nearest=near)
        case "question":
            valid = names(text, (question.id for question in flow.questions))
            return text.text("invalid.question_plain", given=found.given, valid=valid)
        case "twice" if question:
            return text.text("invalid.twice", question=name)
        case "answer" if question:
            valid = either(text, [option_label(text, question.id, option) for option in question.options])
            if found.nearest:
                near = option_label(text, question.id, found.nearest[0])
                return text.text("invalid.answer_nearest", given=found.given, question=name, nearest=near, valid=valid)
            return text.text("invalid.answer", given=found.given, question=name, valid=valid)
        case "too_many":
            return text.text("invalid.too_many", given=found.given)
    return text.text("invalid.form", given=found.given)


def option_label(text: Words, question: str, option: str) -> str:
    """Return the label of an option."""
    return text.text(f"option.{question}.{option}")


def either(text: Words, several: list[str]) -> str:
    """Return "a, b or c"."""
    if len(several) < 2:
        return "".join(several)
    return text.text("list.or", first=", ".join(several[:-1]), last=several[-1])


def names(text: Words, questions: Iterable[str]) -> str:
    """Return the short names of questions in a row."""
    return ", ".join(text.text(f"question.{question}.short") for question in questions)


def _rows(flow: Flow, text: Words, answers: Answers, deciding: tuple[str, ...] = ()) -> tuple[Row, ...]:
    return tuple(
        Row(
            question.id,
            text.text(f"question.{question.id}.short"),
            option_label(text, question.id, answers[question.id]),
            text.text(f"source.{source(flow, question.id)}"),
            question.id in deciding,
        )
        for question in flow.questions
        if question.id in answers
    )


def _unused(session: Session, found: Walk) -> Answers:
    return {question: session.answers[question] for question in found.unused}


def _preview(flow: Flow, text: Words, result: Result) -> Preview:
    return Preview(
        text.text("review.preview"),
        text.text(f"outcome.{result.outcome.id}.title"),
        text.text(f"outcome.{result.outcome.id}.summary"),
        _control(flow, text, result),
    )


def _control(flow: Flow, text: Words, result: Result) -> Control:
    level = result.control
    return Control(text.text("control.title"), level, len(flow.control), text.text(f"control.{level}"))


def _advice(text: Words, result: Result) -> tuple[AdviceLine, ...]:
    return tuple(
        AdviceLine(
            advice.id,
            text.text(f"advice.{advice.id}.title"),
            text.text(f"advice.{advice.id}.text"),
            text.text("recommendation.step", step=text.text(f"advice.{advice.id}.step")),
            text.text(f"source.{advice.source}"),
        )
        for advice in result.advice
    )


def _changes(flow: Flow, text: Words, answers: Answers, result: Result) -> Iterable[str]:
    changes = list(what_if(flow, answers, result.because, result.outcome.id))
    settled = {(change.question, change.outcomes) for change in changes if change.option != "unknown"}
    for change in changes:
        if change.option == "unknown" and (change.question, change.outcomes) in settled:
            continue  # not to know has the same effect as another answer, which is the plainer one to read
        clause = text.text(f"option.{change.question}.{change.option}.if")
        phrases = [text.text(f"outcome.{outcome}.phrase") for outcome in change.outcomes]
        if len(phrases) == 1:
            yield text.text("what_if.one", clause=clause, outcome=phrases[0])
        else:
            yield text.text("what_if.several", clause=clause, outcomes=either(text, phrases))


def _strategic(text: Words, truth: bool | None) -> str:
    return text.text(f"fact.strategic.{'unknown' if truth is None else str(truth).lower()}")
