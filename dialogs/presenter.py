"""Make the view of a session: the one place where ids are translated into texts."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from dialogs import views
from dialogs.flow import Answers, Flow, Outcome, Question
from dialogs.recommend import OutcomeArguments, Recommendation, control_level, recommend, supporting
from dialogs.sentences import (
    because_sentence,
    capitalized,
    control_reasons,
    deciding_clauses,
    in_sentence,
    join_and,
    join_or,
    what_would_change,
)
from dialogs.session import RUNNING, Page, Session, Status
from dialogs.translations import Translations, translations
from dialogs.views import Button
from dialogs.walk import Walk, max_remaining, strategic_settled_by, walk
from dialogs.what_if import reachable_outcomes

MAX_STEPS = 3
"""Next steps that are shown first, in the recommendation and in the post."""
PARTIAL = "partial"
"""The option of a button that posts what is sure so far."""
OUTCOME_MARKS = {"in_house": "🏠", "agency": "🤝", "hybrid": "🧩", "intern": "🎓", "seo_expert": "🔎"}


def current(flow: Flow, session: Session, position: Walk | None = None) -> views.View:
    """Return the card of the session. `position`: the walk of its answers, if the caller has it."""
    position = position or walk(flow, session.answers)
    match session.page:
        case Page.REVIEW:
            return review(flow.at(session.version), session, position)
        case Page.RESTART:
            return confirm_restart(session)
        case Page.MORE:
            return more_choices(session)
    match session.status:
        case Status.CANCELLED | Status.EXPIRED:
            return closed(session)
        case Status.QUICK:
            return partial_result(flow, session, position)
        case Status.KEPT | Status.POSTED:
            flow = flow.at(session.version)  # a finished recommendation stays as it was
        case _ if session.changing or position.next_question:
            return prompt(flow, session, position)
    result = recommend(flow, position)
    if result is None:
        return partial_result(flow, session, position)
    return recommendation(flow, session, position, result)


@lru_cache(maxsize=256)
def buttons(t: Translations, *actions: str, primary: str | None = None) -> tuple[Button, ...]:
    """Return a button for each action, labeled ``label.<action>``, with the sign of the action."""
    return tuple(
        Button(action, t(f"label.{action}"), primary=action == primary, sign=views.SIGNS.get(action, ""))
        for action in actions
    )


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
    if answer:
        choices = tuple(
            replace(choice, sign=views.CURRENT_SIGN if choice.option == answer else "") for choice in choices
        )
    if session.changing:
        bar, progress = "", t("prompt.changing")
    else:
        number = sum(step.question not in session.ahead for step in position.path) + 1
        bar, progress = _progress(t, number, number + max_remaining(flow, session.answers) - 1)
    actions = {
        "back": session.changing or position.last_step or has_answers_ahead(session) or session.cleared,
        "why": not with_help,
        "restart": session.answers,
        "cancel": True,
    }
    return views.QuestionCard(
        question=question.id,
        bar=bar,
        progress=progress,
        text=text,
        choices=choices,
        current=t("prompt.current", answer=option_label(t, question.id, answer)) if answer else None,
        help=question_help(t, question) if with_help else (),
        buttons=buttons(t, *(action for action, offered in actions.items() if offered)),
    )


def has_answers_ahead(session: Session) -> bool:
    """Return whether some of the answers were given before they were asked for."""
    return any(question in session.answers for question in session.ahead)


@lru_cache(maxsize=256)
def _question(t: Translations, question: Question) -> tuple[str, tuple[Button, ...]]:
    choices = (
        Button("answer", option_label(t, question.id, option), question.id, option) for option in question.options
    )
    return t(f"question.{question.id}.text"), tuple(choices)


def question_help(t: Translations, question: Question) -> tuple[views.HelpPart, ...]:
    """Return why a question is asked, how to decide, and examples."""
    parts = ("why", "judge", "examples")
    return tuple(views.HelpPart(t(f"help.{part}"), t(f"question.{question.id}.{part}")) for part in parts)


@lru_cache(maxsize=256)
def _progress(t: Translations, number: int, total: int) -> tuple[str, str]:
    text = t("progress.last" if number == total else "progress.question", number=number, total=total)
    return "▰" * number + "▱" * (total - number), text


def confirm_restart(session: Session) -> views.Notice:
    """Ask for confirmation before the answers are cleared."""
    t = translations(session.language)
    offered = (
        Button("restart_confirm", t("label.restart")),
        Button("continue", t("label.keep_answers"), primary=True),
    )
    return views.Notice("restart", t.plural("notice.restart", len(session.answers)), offered)


def closed(session: Session) -> views.Notice:
    """Return the card of a dialog that was stopped or has expired. One that was stopped can go on."""
    t = translations(session.language)
    offered = buttons(t, "start", primary="start")
    if session.status is Status.CANCELLED and session.answers:
        offered = (Button("continue", t("label.resume"), primary=True), *buttons(t, "start"))
    return notice(t, session.status.value, offered)


def more_choices(session: Session) -> views.Notice:
    """Return what the card of a question has no room for."""
    t = translations(session.language)
    return notice(t, "more", buttons(t, "continue", "why", "restart", "cancel", "language", primary="continue"))


def review(flow: Flow, session: Session, position: Walk) -> views.ReviewCard:
    """Return every answer given."""
    t = translations(session.language)
    done = position.next_question is None
    first = Button("continue", t("label.see_recommendation" if done else "label.continue"), primary=True)
    others = buttons(t, "back", "restart", "cancel") if session.status in RUNNING else buttons(t, "back")
    only_back = session.status is Status.POSTED and not done  # its card has the button to go on
    return views.ReviewCard(
        title=t("review.title"),
        intro=t("review.intro"),
        rows=_rows(flow, t, position.answers),
        change=t("label.change"),
        unused_title=t("review.unused"),
        unused=_rows(flow, t, _unused(session, position)),
        buttons=others if only_back else (first, *others),
    )


def recommendation(flow: Flow, session: Session, position: Walk, result: Recommendation) -> views.RecommendationCard:
    """Return the recommendation of a finished walk in short."""
    t = translations(session.language)
    match session.status:
        case Status.POSTED:
            offered = buttons(t, "review", "take_back", "details", "new_check")
        case Status.OPEN if session.publication:
            offered = buttons(t, "update_post", "review", "details", "take_back", primary="update_post")
            offered += (Button("cancel", t("label.leave_post")),)
        case Status.KEPT:
            offered = buttons(t, "post", "review", "details", "new_check")
        case _:
            offered = buttons(t, "post", "keep_private", "review", "details", "cancel", primary="post")
    return views.RecommendationCard(
        title=t("recommendation.title"),
        mark=OUTCOME_MARKS.get(result.outcome.id, ""),
        outcome=outcome_title(t, result),
        summary=outcome_summary(t, result),
        because=_because(flow, t, result),
        control=_control(flow, t, result),
        steps_title=t("recommendation.steps"),
        steps=_advice(flow, t, result, MAX_STEPS),
        provisional=t("recommendation.provisional") if result.provisional else None,
        share=_share(t, session),
        buttons=offered,
    )


def details(flow: Flow, session: Session, position: Walk, result: Recommendation) -> views.DetailsCard:
    """Return all about the recommendation of a finished walk."""
    t = translations(session.language)
    challengers = [t(f"outcome.{outcome}.phrase") for outcome in result.challengers]
    changes = tuple(what_would_change(flow, t, session.answers, result))
    open_questions = (t(f"question.{question}.short") for question in result.open_questions)
    return views.DetailsCard(
        title=t("details.title"),
        mark=OUTCOME_MARKS.get(result.outcome.id, ""),
        outcome=outcome_title(t, result),
        provisional=t("recommendation.provisional") if result.provisional else None,
        options_title=t("details.options"),
        options=tuple(_option(flow, t, option, result) for option in result.options),
        challengers=t("details.challengers", outcomes=join_or(t, challengers)) if challengers else None,
        advice_title=t("recommendation.advice"),
        advice=_advice(flow, t, result),
        rows_title=t("review.title"),
        rows=_rows(flow, t, position.answers, supporting(flow, result.outcome.when, position.answers)),
        what_if_title=t("recommendation.what_if"),
        what_if=changes or (t("recommendation.stable"),),
        open_title=t("recommendation.open"),
        open=tuple(t("recommendation.open_item", question=question) for question in open_questions),
        unused_title=t("recommendation.unused"),
        unused=_rows(flow, t, _unused(session, position)),
        caveat=caveat(t),
        article=views.Link(t("article.read"), flow.article_url) if flow.article_url else None,
        buttons=(Button("continue", t("label.see_recommendation"), primary=True), *buttons(t, "review")),
    )


def details_of_post(flow: Flow, session: Session, position: Walk, *, is_owner: bool) -> views.Card:
    """Return all about a post, for a reader of it. Its owner gets a way back."""
    t = translations(session.language)
    result = recommend(flow, position)
    back = Button("continue", t("label.see_recommendation" if result else "label.back"), primary=True)
    offered = (back,) if is_owner else buttons(t, "run_own")
    if result:
        return replace(details(flow, session, position, result), buttons=offered)
    return replace(partial_result(flow, session, position), share=None, buttons=offered)


def partial_result(flow: Flow, session: Session, position: Walk) -> views.PartialResultCard:
    """Return what is already sure after some of the answers."""
    t = translations(session.language)
    outcomes = reachable_outcomes(flow, session.answers)
    titles = tuple(_title(t, outcome, position.answers) for outcome in flow.outcomes if outcome.id in outcomes)
    strategic = _strategic(flow, t, position)
    if len(outcomes) == 1:
        only = t("partial.only", outcome=t(f"outcome.{outcomes[0]}.phrase"))
        strategic = f"{strategic} {only}"
    settled_by = strategic_settled_by(flow, position)
    reasons = control_level(flow, position.answers)
    posted = session.status is Status.POSTED
    next_question = position.next_question and t(f"question.{position.next_question.id}.text")
    return views.PartialResultCard(
        title=t("partial.title"),
        strategic=strategic,
        since=t("partial.since", question=t(f"question.{settled_by}.short")) if settled_by else None,
        control=t.plural("partial.control", reasons) if reasons else None,
        possible_title=t("partial.possible"),
        possible=titles if len(titles) > 1 else (),
        next=t("partial.next", question=next_question) if next_question else None,
        rows=_rows(flow, t, position.answers),
        unused_title=t("recommendation.unused"),
        unused=_rows(flow, t, _unused(session, position)),
        caveat=caveat(t),
        share=None if posted else share_note(t, partial=True),
        buttons=_posted_partial_buttons(t, position) if posted else _partial_buttons(t),
    )


def _posted_partial_buttons(t: Translations, position: Walk) -> tuple[Button, ...]:
    question = position.next_question  # *continue* would only show the card
    first = (Button("change", t("label.continue"), question.id, primary=True),) if question else ()
    return *first, *buttons(t, "review", "take_back", "new_check")


def _partial_buttons(t: Translations) -> tuple[Button, ...]:
    first, *others = buttons(t, "continue", "review", "restart", "cancel", primary="continue")
    return first, Button("post", t("label.post"), option=PARTIAL), *others


def share_note(t: Translations, *, partial: bool) -> str:
    """Return what a post would share. `partial`: of a check without a recommendation."""
    return t("partial.share_note" if partial else "review.share")


def announcement(flow: Flow, session: Session, position: Walk, *, changed: bool = False) -> views.Announcement:
    """Return the post for a channel: the recommendation in short, or what is sure so far.

    `changed`: another recommendation stood there before.
    """
    t = translations(session.language)
    flow = flow.at(session.version)
    result = recommend(flow, position)
    if result is None:
        outcomes = reachable_outcomes(flow, session.answers)
        phrases = [t(f"outcome.{outcome.id}.phrase") for outcome in flow.outcomes if outcome.id in outcomes]
        headline, because = _strategic(flow, t, position), f"{t('partial.possible')} {join_or(t, phrases)}"
    else:
        headline, because = outcome_title(t, result), _because(flow, t, result)
    return views.Announcement(
        session=session.id,
        owner=session.owner,
        title=t("announcement.title" if result else "announcement.partial"),
        by=t("announcement.by_changed" if changed else "announcement.by"),
        mark=OUTCOME_MARKS.get(result.outcome.id, "") if result else "",
        headline=headline,
        because=because,
        control=_control(flow, t, result) if result else None,
        steps_title=t("announcement.steps"),
        steps=_advice(flow, t, result, MAX_STEPS) if result else (),
        provisional=t("recommendation.provisional") if result and result.provisional else None,
        buttons=buttons(t, "details", "run_own"),
    )


def with_link(view: views.View, t: Translations, link: object) -> views.View:
    """Return the card of a posted recommendation, or the notice that it is posted, with a button that opens the post.

    Other views stay as they are.
    """
    is_notice = isinstance(view, views.Notice) and view.id == "already_posted"
    if not isinstance(link, str) or not (
        is_notice or isinstance(view, views.RecommendationCard | views.PartialResultCard)
    ):
        return view
    return replace(view, buttons=(Button("open_post", t("label.open_post"), url=link), *view.buttons))


def folded(view: views.RecommendationCard | views.PartialResultCard, t: Translations) -> views.Notice:
    """Return the card of a posted recommendation in one line, for a conversation where others see the post as well."""
    actions = {"open_post", "change", "review", "take_back"}
    kept = tuple(button for button in view.buttons if button.action in actions)
    return views.Notice("posted", "\n".join(view.note) or t("notice.posted"), kept)


def _share(t: Translations, session: Session) -> str | None:
    """Return who will see what after the next press."""
    if session.status is Status.POSTED:
        return None
    return t("review.share_update") if session.publication else share_note(t, partial=False)


def caveat(t: Translations) -> str:
    """Return the line that names the article and its author."""
    return t("article.caveat", title=t("article.title"), author=t("article.author"))


def option_label(t: Translations, question: str, option: str) -> str:
    """Return the label of an option."""
    return t(f"option.{question}.{option}")


def outcome_title(t: Translations, result: Recommendation) -> str:
    """Return the title of a recommendation."""
    return _title(t, result.outcome, dict(result.because))


def _title(t: Translations, outcome: Outcome, answers: Answers) -> str:
    return t(f"outcome.{outcome.id}.title{outcome.variant(answers)}")


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


def _option(flow: Flow, t: Translations, option: OutcomeArguments, result: Recommendation) -> views.Option:
    outcome = next(outcome for outcome in flow.outcomes if outcome.id == option.outcome)
    title = _title(t, outcome, dict(result.because))
    pros, cons = (
        tuple(t(f"argument.{option.outcome}.{argument}") for argument in arguments)
        for arguments in (option.pros, option.cons)
    )
    return views.Option(option.outcome, title, pros, cons, recommended=outcome == result.outcome)


def _because(flow: Flow, t: Translations, result: Recommendation) -> str:
    """Return the deciding answers in one sentence."""
    return because_sentence(t, deciding_clauses(flow, t, result, result.outcome.when))


def _control(flow: Flow, t: Translations, result: Recommendation) -> views.Control:
    reasons = control_reasons(flow, t, dict(result.because))
    text = t(f"control.{result.control}", reasons=reasons)
    return views.Control(t("control.title"), result.control, len(flow.control), text)


def _advice(
    flow: Flow, t: Translations, result: Recommendation, most: int | None = None
) -> tuple[views.AdviceLine, ...]:
    """Return the pieces of advice, or the first `most`."""
    firmly = t(f"control.firm.{result.control}") if result.control else ""
    lines = []
    for advice in result.advice[:most]:
        id = advice.text_id or advice.id
        wording = f".{result.outcome.id}" if result.outcome.id in advice.text_by_outcome else ""
        text = t(f"advice.{id}.text{wording}", firmly=firmly)
        about = [in_sentence(t(f"question.{id}.short")) for id in supporting(flow, advice.when, dict(result.because))]
        step = t(f"advice.{id}.step{wording}", questions=join_and(t, about))
        step = capitalized(t("recommendation.step", step=step))
        reason = because_sentence(t, deciding_clauses(flow, t, result, advice.when, particular=True))
        source = t(f"source.{advice.source}")
        lines.append(views.AdviceLine(advice.id, t(f"advice.{id}.title"), text, step, source, reason))
    return tuple(lines)


def _strategic(flow: Flow, t: Translations, position: Walk) -> str:
    strategic = flow.strategic.evaluate(position.answers)
    return t(f"fact.strategic.{'unknown' if strategic is None else str(strategic).lower()}")
