"""Texts and buttons for replies that are not about one dialog, the same on every platform."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from adapters.ports import CheckSummary
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.recommend import recommend
from dialogs.session import RUNNING, Status
from dialogs.text.parse import Command, Match, QuickCheck
from dialogs.translations import Translations, translations
from dialogs.views import Button
from dialogs.walk import walk

MAX_LABEL_LENGTH = 75
_STATUS_TEXTS = {Status.POSTED: "posted", Status.KEPT: "kept"}


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One of a person's checks, as text. `title` contains `date` and `outcome`."""

    session: str
    running: bool
    title: str
    date: str
    status: str
    updated_at: datetime
    link: str | None
    outcome: str


def check_line(t: Translations, check: CheckSummary) -> CheckLine:
    """Return the line of one check, with the date as ``dd/mm/yyyy`` in French and ``yyyy-mm-dd`` elsewhere."""
    session = check.session
    result = recommend(FLOW, walk(FLOW, session.answers))
    status = t(f"checks.{_STATUS_TEXTS.get(session.status, 'in_progress')}")
    if result:
        outcome = presenter.outcome_title(t, result)
    else:
        outcome = t("checks.in_progress" if session.status is Status.OPEN else "partial.title")
    date = check.updated_at.strftime("%d/%m/%Y" if t.language == "fr" else "%Y-%m-%d")
    link = (check.post or {}).get("link")
    return CheckLine(
        session.id,
        session.status in RUNNING,
        t("checks.item", date=date, outcome=outcome),
        date,
        status,
        check.updated_at,
        link if isinstance(link, str) else None,
        outcome,
    )


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
        case Command("hello" | "resume"):
            return Button("start", t("label.start"))
        case Command("my_checks" | "forget_me" | "help" | "start" as name):
            return Button(name, t(f"label.{name}"))
    return None


def forgotten(t: Translations, count: int) -> str:
    """Return what is shown after a person's data was deleted. `count`: deleted dialogs."""
    return t.plural("forget.done", count) if count else t("forget.nothing")
