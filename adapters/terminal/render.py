"""Views drawn on a terminal. Only how they look: every word is in the view or in a catalogue."""

from collections.abc import Iterable

from adapters.terminal.menu import Menu
from adapters.terminal.screen import GOOD, NOTE, QUIET, STRONG, TITLE, Screen
from dialogs.translations import Translations
from dialogs.views import (
    AnswerRow,
    Control,
    HelpCard,
    Notice,
    PartialResultCard,
    QuestionCard,
    RecommendationCard,
    ReviewCard,
    View,
)

ENTER = "⏎"


def render(page: Screen, view: View, t: Translations, menu: Menu | None = None) -> None:
    """Draw `view`; without a `menu`, with nothing to choose (a check that is not part of a dialog)."""
    if not isinstance(view, Notice | HelpCard):
        _notes(page, view.note)
    match view:
        case QuestionCard():
            _prompt(page, view)
        case ReviewCard():
            _review(page, view, t, numbered=menu is not None)
        case RecommendationCard():
            _recommendation(page, view, t)
        case PartialResultCard():
            _verdict(page, view, t)
        case HelpCard():
            _help(page, view, t)
        case Notice():
            page.line(view.text, NOTE)
    if menu:
        _choices(page, view, menu)


def render_commands(page: Screen, menu: Menu, *also: str) -> None:
    """Write the labels that can be typed, the one Enter stands for first."""
    shown = [button for button in menu.named if button not in menu.numbered]
    labels = [f"{ENTER} {button.label}" if button == menu.enter else button.label for button in shown]
    page.columns([*labels, *also])


def _choices(page: Screen, view: View, menu: Menu) -> None:
    if isinstance(view, ReviewCard):
        return
    if menu.numbered:
        page.gap()
    for number, button in enumerate(menu.numbered, 1):
        chosen = button == menu.enter
        page.line(
            f"{button.label} {ENTER}" if chosen else button.label, STRONG if chosen else "", mark=f"{number:>3}  "
        )


def _prompt(page: Screen, view: QuestionCard) -> None:
    page.line(view.progress, QUIET)
    page.gap()
    page.line(view.text, TITLE)
    if view.current:
        page.line(view.current, QUIET)
    for part in view.help:
        page.gap()
        page.line(part.title, STRONG, indent=2)
        page.line(part.text, indent=2)


def _review(page: Screen, view: ReviewCard, t: Translations, *, numbered: bool) -> None:
    page.line(view.title, TITLE)
    page.line(t("terminal.review") if numbered else view.intro, QUIET)
    page.gap()
    for number, row in enumerate(view.rows, 1):
        page.line(_answered(t, row), mark=f"{number:>3}  " if numbered else "  ")
    _rows(page, t, view.unused_title, view.unused)
    if view.preview:
        page.gap()
        page.line(view.preview.title, STRONG)
        page.line(view.preview.outcome, GOOD, indent=2)
        page.line(view.preview.summary, indent=2)
        _control(page, view.preview.control, t)


def _recommendation(page: Screen, view: RecommendationCard, t: Translations) -> None:
    page.line(view.title, QUIET)
    page.line(view.outcome, GOOD)
    page.gap()
    page.line(view.summary)
    if view.provisional:
        page.gap()
        page.line(view.provisional, NOTE)
    _control(page, view.control, t)
    if view.advice:
        page.gap()
        page.line(view.advice_title, TITLE)
    for number, advice in enumerate(view.advice, 1):
        page.line(advice.title, STRONG, mark=f"{number:>3}. ", quiet=f"({advice.source})")
        page.line(advice.text, indent=5)
        page.line(advice.step, indent=5, mark="→ ")
    _rows(page, t, view.because_title, view.because, with_source=True)
    _rows(page, t, view.others_title, view.others, with_source=True)
    _list(page, view.what_if_title, view.what_if)
    _list(page, view.open_title, view.open)
    _rows(page, t, view.unused_title, view.unused)
    page.gap()
    page.line(view.caveat, QUIET)


def _verdict(page: Screen, view: PartialResultCard, t: Translations) -> None:
    page.line(view.title, QUIET)
    page.line(view.strategic, GOOD)
    for line in (view.since, view.control):
        if line:
            page.line(line)
    _list(page, view.possible_title, view.possible)
    _rows(page, t, t("terminal.given"), view.rows, with_source=True)
    _rows(page, t, view.unused_title, view.unused)
    if view.next:
        page.gap()
        page.line(view.next, STRONG)
    page.gap()
    page.line(view.caveat, QUIET)


def _help(page: Screen, view: HelpCard, t: Translations) -> None:
    page.line(view.title, TITLE)
    for part in (*view.parts, t("terminal.help")):
        page.line(part)


def _notes(page: Screen, notes: Iterable[str]) -> None:
    for note in notes:
        page.line(note, NOTE)
        page.gap()


def _control(page: Screen, control: Control | None, t: Translations) -> None:
    if control:
        page.gap()
        page.line(t("terminal.control", title=control.title, bar=control.bar, words=control.words), STRONG)


def _rows(page: Screen, t: Translations, title: str, rows: Iterable[AnswerRow], *, with_source: bool = False) -> None:
    rows = tuple(rows)
    if rows:
        page.gap()
        page.line(title, TITLE)
    for row in rows:
        page.line(_answered(t, row), mark="  • ", quiet=f"({row.source})" if with_source else "")


def _answered(t: Translations, row: AnswerRow) -> str:
    return t("terminal.row", name=row.name, answer=row.answer)


def _list(page: Screen, title: str, items: Iterable[str]) -> None:
    items = tuple(items)
    if items:
        page.gap()
        page.line(title, TITLE)
    for item in items:
        page.line(item, mark="  • ")
