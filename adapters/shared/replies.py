"""Texts and buttons for replies that are not about one dialog, the same on every platform."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from adapters.ports import CardRef, CheckSummary, Json
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.recommend import recommend
from dialogs.session import RUNNING, Session, Status, upgrade
from dialogs.text import notices
from dialogs.text.lexicon import SMALL_TALK_ORDER
from dialogs.text.parse import Command, Match, Parsed, QuickCheck
from dialogs.translations import Translations, translations
from dialogs.views import Button, Notice
from dialogs.walk import walk

MAX_LABEL_LENGTH = 75
SAME_DAY = timedelta(days=1)
"""Two checks that are less apart may be of one day: their times tell them apart."""


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One of a person's checks, as text.

    `title`: the outcome, or the next question and how many are answered. `when`: the date, with the time if
    `with_time`. `status`: whether it is finished, and where it is. `post`: the published recommendation, if any.
    """

    session: str
    title: str
    when: str
    with_time: bool
    status: str
    updated_at: datetime
    post: Json | None


def check_lines(
    t: Translations, checks: Sequence[CheckSummary], find_place: Callable[[CardRef], str | None], zone: tzinfo = UTC
) -> list[CheckLine]:
    """Return a line for each check.

    `find_place`: returns the place of a card or post; None if only the person sees it. `zone`: the person's time zone.
    """
    lines = []
    for check in checks:
        others = (other for other in checks if other is not check)
        with_time = any(abs(other.updated_at - check.updated_at) < SAME_DAY for other in others)
        when = _moment(t, check.updated_at.astimezone(zone), with_time=with_time)
        ref = check.post if check.session.publication else check.card
        place = find_place(ref) if ref else None
        status = _check_status(t, check.session, place)
        title = _check_title(t, check.session)
        lines.append(CheckLine(check.session.id, title, when, with_time, status, check.updated_at, check.post))
    return lines


def _check_title(t: Translations, session: Session) -> str:
    session, _ = upgrade(FLOW, session)
    flow = FLOW.at(session.version)
    position = walk(flow, session.answers)
    if result := recommend(flow, position):
        return f"{presenter.OUTCOME_MARKS.get(result.outcome.id, '')} {presenter.outcome_title(t, result)}".strip()
    if session.status in RUNNING and position.next_question:
        outcome = t("checks.next", question=t(f"question.{position.next_question.id}.short"))
    else:
        outcome = t("partial.title")
    return t("checks.item", outcome=outcome, answers=t.plural("checks.answers", len(position.answers)))


def _check_status(t: Translations, session: Session, place: str | None) -> str:
    if session.status is Status.KEPT:
        return t("checks.kept")
    id = "checks.in_progress"
    if session.publication:
        id = "checks.posted" if session.status is Status.POSTED else "checks.changing"
    return t(f"{id}_in", place=place) if place else t(id)


def _moment(t: Translations, moment: datetime, *, with_time: bool) -> str:
    """Return a date as ``dd/mm/yyyy`` in French and ``yyyy-mm-dd`` elsewhere, with the time if `with_time`."""
    french = t.language == "fr"
    date = moment.strftime("%d/%m/%Y" if french else "%Y-%m-%d")
    time = moment.strftime("%H:%M") if french else moment.strftime("%I:%M %p").lstrip("0")
    return t("checks.date_time", date=date, time=time) if with_time else date


def offer_buttons(
    t: Translations, candidates: Iterable[Match], encode: Callable[[Mapping[str, str]], str]
) -> tuple[Button, ...]:
    """Return a button for each reading of ambiguous text. `encode`: answers to the option of a *quick* button."""
    buttons = (_offer(t, candidate, encode) for candidate in candidates)
    return tuple(dict.fromkeys(button for button in buttons if button))


def _offer(t: Translations, candidate: Match, encode: Callable[[Mapping[str, str]], str]) -> Button | None:
    match candidate:
        case QuickCheck(answers):
            names = (
                f"{t(f'question.{question}.short')} · {presenter.option_label(t, question, option)}"
                for question, option in answers.items()
            )
            label = ", ".join(names)
            label = label if len(label) <= MAX_LABEL_LENGTH else f"{label[: MAX_LABEL_LENGTH - 1]}…"
            return Button("quick", label, option=encode(answers))
        case Command("language", str(language)):
            return Button("language", translations(language)("language.own"), option=language)
        case Command("form"):
            return Button("open_form", t("label.open_form"))
        case Command("resume" | "hello"):
            return Button("start", t("label.start"))
        case Command("my_checks" | "forget_me" | "help" | "start" as name):
            return Button(name, t(f"label.{name}"))
    return None


def short_reply(t: Translations, parsed: Parsed) -> Notice | None:
    """Return the short answer to small talk, to "language", or to a command that needs a dialog."""
    match parsed:
        case Command("language"):
            return notices.which_language(t)
        case Command("post" | "details" | "keep_private"):
            return notices.nothing_to_post(t)
        case Command("cancel"):
            return notices.small_talk(t, "goodbye", "start")
        case Command(name) if name in SMALL_TALK_ORDER:
            return notices.small_talk(t, name, "start")
    return None


def forgotten(t: Translations, count: int) -> str:
    """Return what is shown after a person's data was deleted. `count`: deleted dialogs."""
    return t.plural("forget.done", count) if count else t("forget.nothing")
