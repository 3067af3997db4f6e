"""Make the view of a session: the one place where ids are translated into texts."""

from collections.abc import Iterable
from functools import lru_cache

from dialogs import views
from dialogs.flow import Answers, Flow, Question
from dialogs.recommend import Recommendation, control_level, recommend, supporting
from dialogs.session import Session, Status
from dialogs.text.parse import Problem
from dialogs.translations import Translations, translations
from dialogs.views import Button
from dialogs.walk import Walk, max_remaining, strategic_settled_by, walk
from dialogs.what_if import reachable_outcomes, what_if

MAX_ANNOUNCED_STEPS = 3
"""Next steps in an announcement. Its readers did not ask for it, so it is short."""


def current(flow: Flow, session: Session, position: Walk | None = None) -> views.View:
    """Return the card of the session. `position`: the walk of its answers, if the caller has it."""
    position = position or walk(flow, session.answers)
    match session.status:
        case Status.CANCELLED | Status.EXPIRED:
            t = translations(session.language)
            return notice(t, session.status.value, buttons(t, "start", primary="start"))
        case Status.QUICK:
            return partial_result(flow, session, position)
        case Status.KEPT | Status.POSTED:
            flow = flow.at(session.version)  # a finished recommendation stays as it was
            result = recommend(flow, position)
            if result is None:
                return partial_result(flow, session, position)
            return recommendation(flow, session, position, result)
    if session.changing or position.next_question:
        return prompt(flow, session, position)
    return review(flow, session, position)


@lru_cache(maxsize=256)
def buttons(t: Translations, *actions: str, primary: str | None = None) -> tuple[Button, ...]:
    """Return a button for each action, labeled ``label.<action>``."""
    return tuple(Button(action, t(f"label.{action}"), primary=action == primary) for action in actions)


def notice(t: Translations, id: str, offered: tuple[Button, ...] = (), /, **values: object) -> views.Notice:
    """Return the notice ``notice.<id>``, filled with `values`, with the buttons `offered`."""
    return views.Notice(id, t(f"notice.{id}", **values), offered)


def help_card(t: Translations) -> views.HelpCard:
    """Return what the bot does and how to use it."""
    parts = tuple(t(f"help.{part}") for part in ("text", "answers", "commands", "quick"))
    return views.HelpCard(t("help.title"), parts, buttons(t, "start", primary="start"))


def prompt(flow: Flow, session: Session, position: Walk, *, with_help: bool = False) -> views.QuestionCard:
    """Return the current question: the one being changed, or else the next one."""
    t = translations(session.language)
    question = flow.questions_by_id.get(session.changing or "") or position.next_question or flow.questions[0]
    text, choices = _question(t, question)
    answer = session.answers.get(question.id) if session.changing else None
    if session.changing:
        progress = t("prompt.changing")
    else:
        progress = _progress(t, len(position.path) + 1, max_remaining(flow, session.answers) - 1)
    actions = ["back", "why", "restart"] if session.changing or position.last_step else ["why", "cancel"]
    if with_help:
        actions.remove("why")
    return views.QuestionCard(
        question=question.id,
        progress=progress,
        text=text,
        choices=choices,
        current=t("prompt.current", answer=option_label(t, question.id, answer)) if answer else None,
        help=_question_help(t, question) if with_help else (),
        buttons=buttons(t, *actions),
    )


@lru_cache(maxsize=256)
def _question(t: Translations, question: Question) -> tuple[str, tuple[Button, ...]]:
    choices = (
        Button("answer", option_label(t, question.id, option), question.id, option) for option in question.options
    )
    return t(f"question.{question.id}.text"), tuple(choices)


def _question_help(t: Translations, question: Question) -> tuple[views.HelpPart, ...]:
    parts = ("why", "judge", "examples")
    return tuple(views.HelpPart(t(f"help.{part}"), t(f"question.{question.id}.{part}")) for part in parts)


@lru_cache(maxsize=256)
def _progress(t: Translations, number: int, more: int) -> str:
    remaining = t.plural("progress.more", more) if more else t("progress.last")
    return f"{t('progress.question', number=number)} · {remaining}"


def review(flow: Flow, session: Session, position: Walk) -> views.ReviewCard:
    """Return every answer given; when complete, also the outcome in short and what a post would share."""
    t = translations(session.language)
    result = recommend(flow, position)
    actions = ("post", "keep_private") if result else ("continue",)
    return views.ReviewCard(
        title=t("review.title"),
        intro=t("review.intro"),
        rows=_rows(flow, t, position.answers),
        change=t("label.change"),
        preview=_preview(flow, t, result) if result else None,
        share=t("review.share") if result else None,
        unused_title=t("review.unused"),
        unused=_rows(flow, t, _unused(session, position)),
        buttons=buttons(t, *actions, "back", "restart", primary=actions[0]),
    )


def recommendation(flow: Flow, session: Session, position: Walk, result: Recommendation) -> views.RecommendationCard:
    """Return the whole recommendation of a finished walk."""
    t = translations(session.language)
    deciding = supporting(flow, result.outcome.when, position.answers)
    rows = _rows(flow, t, position.answers, deciding)
    posted = session.status is Status.POSTED
    changes = tuple(_changes(flow, t, session.answers, result))
    return views.RecommendationCard(
        title=t("recommendation.title"),
        outcome=outcome_title(t, result),
        summary=outcome_summary(t, result),
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
        unused=_rows(flow, t, _unused(session, position)),
        caveat=caveat(t),
        share=None if posted else t("review.share"),
        buttons=buttons(t, "new_check") if posted else buttons(t, "post", "review", "new_check"),
    )


def partial_result(flow: Flow, session: Session, position: Walk) -> views.PartialResultCard:
    """Return what is already sure after some of the answers."""
    t = translations(session.language)
    outcomes = reachable_outcomes(flow, session.answers)
    titles = tuple(t(f"outcome.{id}.title") for id in outcomes)
    strategic = _strategic(flow, t, position)
    if len(outcomes) == 1:
        only = t("verdict.only", outcome=t(f"outcome.{outcomes[0]}.phrase"))
        strategic = f"{strategic} {only}"
    settled_by = strategic_settled_by(flow, position)
    reasons = control_level(flow, position.answers)
    posted = session.status is Status.POSTED
    next_question = position.next_question and t(f"question.{position.next_question.id}.text")
    return views.PartialResultCard(
        title=t("verdict.title"),
        strategic=strategic,
        since=t("verdict.since", question=t(f"question.{settled_by}.short")) if settled_by else None,
        control=t.plural("verdict.control", reasons) if reasons else None,
        possible_title=t("verdict.possible"),
        possible=titles if len(titles) > 1 else (),
        next=t("verdict.next", question=next_question) if next_question else None,
        rows=_rows(flow, t, position.answers),
        unused_title=t("recommendation.unused"),
        unused=_rows(flow, t, _unused(session, position)),
        caveat=caveat(t),
        share=None if posted else t("verdict.share_note"),
        buttons=buttons(t, "new_check") if posted else buttons(t, "continue", "post", "restart", primary="continue"),
    )


def announcement(flow: Flow, session: Session, position: Walk) -> views.Announcement:
    """Return the post for a channel: the recommendation in short, or what is sure so far."""
    t = translations(session.language)
    flow = flow.at(session.version)
    result = recommend(flow, position)
    if result:
        headline = outcome_title(t, result)
        summary = outcome_summary(t, result)
        deciding = supporting(flow, result.outcome.when, position.answers)
        because = tuple(row for row in _rows(flow, t, position.answers, deciding) if row.deciding)
        steps = _advice(t, result)[:MAX_ANNOUNCED_STEPS]
    else:
        headline = _strategic(flow, t, position)
        phrases = [t(f"outcome.{id}.phrase") for id in reachable_outcomes(flow, session.answers)]
        summary = f"{t('verdict.possible')} {join_or(t, phrases)}"
        because = _rows(flow, t, position.answers)
        steps = ()
    sources = dict.fromkeys([*(row.source for row in because), *(line.source for line in steps)])
    return views.Announcement(
        session=session.id,
        owner=session.owner,
        title=t("announcement.title" if result else "announcement.partial"),
        by=t("announcement.by"),
        headline=headline,
        summary=summary,
        control=_control(flow, t, result) if result else None,
        because_title=t("recommendation.because"),
        because=because,
        steps_title=t("announcement.steps"),
        steps=steps,
        sources=t("source.cite", source=" · ".join(sources)),
        caveat=caveat(t),
        buttons=buttons(t, "details", "run_own"),
    )


def caveat(t: Translations) -> str:
    """Return the line that names the article and its author."""
    return t("article.caveat", title=t("article.title"), author=t("article.author"))


def problem(flow: Flow, t: Translations, fault: Problem) -> str:
    """Return the message for one fault in a quick check, with short names and labels instead of ids."""
    question = flow.questions_by_id.get(fault.question or "")
    name = t(f"question.{question.id}.short") if question else ""
    match fault.kind:
        case "question" if fault.nearest:
            nearest = t(f"question.{fault.nearest[0]}.short")
            return t("invalid.question", given=fault.given, nearest=nearest)
        case "question":
            valid = question_names(t, flow.questions_by_id)
            return t("invalid.question_plain", given=fault.given, valid=valid)
        case "twice" if question:
            return t("invalid.twice", question=name)
        case "answer" if question:
            valid = join_or(t, [option_label(t, question.id, option) for option in question.options])
            if fault.nearest:
                nearest = option_label(t, question.id, fault.nearest[0])
                return t("invalid.answer_nearest", given=fault.given, question=name, nearest=nearest, valid=valid)
            return t("invalid.answer", given=fault.given, question=name, valid=valid)
        case "too_many":
            return t("invalid.too_many", given=fault.given)
    return t("invalid.form", given=fault.given)


def option_label(t: Translations, question: str, option: str) -> str:
    """Return the label of an option."""
    return t(f"option.{question}.{option}")


def join_or(t: Translations, items: list[str]) -> str:
    """Return "a, b or c"."""
    if len(items) < 2:
        return "".join(items)
    return t("list.or", first=", ".join(items[:-1]), last=items[-1])


def join_and(t: Translations, items: list[str]) -> str:
    """Return "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return t("list.and", first=", ".join(items[:-1]), last=items[-1])


def outcome_title(t: Translations, result: Recommendation) -> str:
    """Return the title of a recommendation."""
    return t(f"outcome.{result.outcome.id}.title{result.outcome.variant(dict(result.because))}")


def outcome_summary(t: Translations, result: Recommendation) -> str:
    """Return the summary of a recommendation, one or two sentences."""
    return t(f"outcome.{result.outcome.id}.summary{result.outcome.variant(dict(result.because))}")


def question_names(t: Translations, questions: Iterable[str]) -> str:
    """Return the short names of questions, separated by commas."""
    return ", ".join(t(f"question.{question}.short") for question in questions)


def _rows(flow: Flow, t: Translations, answers: Answers, deciding: tuple[str, ...] = ()) -> tuple[views.AnswerRow, ...]:
    return tuple(
        views.AnswerRow(
            question.id,
            t(f"question.{question.id}.short"),
            option_label(t, question.id, answers[question.id]),
            t(f"source.{question.source}"),
            question.id in deciding,
        )
        for question in flow.questions
        if question.id in answers
    )


def _unused(session: Session, position: Walk) -> Answers:
    return {question: session.answers[question] for question in position.unused}


def _preview(flow: Flow, t: Translations, result: Recommendation) -> views.Preview:
    return views.Preview(
        t("review.preview"),
        outcome_title(t, result),
        outcome_summary(t, result),
        _control(flow, t, result),
    )


def _control(flow: Flow, t: Translations, result: Recommendation) -> views.Control:
    level, answers = result.control, dict(result.because)
    true = (leaf for condition in flow.control if condition.evaluate(answers) for leaf in condition.leaves())
    reasons = join_and(t, [t(f"control.reason.{leaf.question}") for leaf in true])
    return views.Control(t("control.title"), level, len(flow.control), t(f"control.{level}", reasons=reasons))


def _advice(t: Translations, result: Recommendation) -> tuple[views.AdviceLine, ...]:
    firmly = t(f"control.firm.{result.control}") if result.control else ""
    lines = []
    for advice in result.advice:
        id = advice.text_id or advice.id
        wording = f".{result.outcome.id}" if result.outcome.id in advice.text_by_outcome else ""
        text = t(f"advice.{id}.text{wording}", firmly=firmly)
        step = t("recommendation.step", step=t(f"advice.{id}.step{wording}"))
        lines.append(views.AdviceLine(advice.id, t(f"advice.{id}.title"), text, step, t(f"source.{advice.source}")))
    return tuple(lines)


def _changes(flow: Flow, t: Translations, answers: Answers, result: Recommendation) -> Iterable[str]:
    changes = list(what_if(flow, answers, result.because, result.outcome.id))
    known = {(change.question, change.outcomes) for change in changes if change.option != "unknown"}
    for change in changes:
        if change.option == "unknown" and (change.question, change.outcomes) in known:
            continue  # another answer has the same effect and is easier to understand than "I don't know"
        clause = t(f"option.{change.question}.{change.option}.if")
        phrases = [t(f"outcome.{outcome}.phrase") for outcome in change.outcomes]
        if len(phrases) == 1:
            yield t("what_if.one", clause=clause, outcome=phrases[0])
        else:
            yield t("what_if.several", clause=clause, outcomes=join_or(t, phrases))


def _strategic(flow: Flow, t: Translations, position: Walk) -> str:
    strategic = flow.strategic.evaluate(position.answers)
    return t(f"fact.strategic.{'unknown' if strategic is None else str(strategic).lower()}")
