"""Views drawn on a terminal. Only how they look: every word is in the view or in a catalogue."""

from collections.abc import Iterable

from adapters.terminal.menu import Menu
from adapters.terminal.page import GOOD, NOTE, QUIET, STRONG, TITLE, Page
from dialogs.views import Control, HelpCard, Notice, Prompt, Recommendation, Review, Row, Verdict, View
from dialogs.words import Words

ENTER = "⏎"


def draw(page: Page, view: View, text: Words, menu: Menu | None = None) -> None:
    """Draw `view`; without a `menu`, with nothing to choose (a check that is not part of a dialog)."""
    if not isinstance(view, Notice | HelpCard):
        _notes(page, view.note)
    match view:
        case Prompt():
            _prompt(page, view)
        case Review():
            _review(page, view, text, numbered=menu is not None)
        case Recommendation():
            _recommendation(page, view, text)
        case Verdict():
            _verdict(page, view, text)
        case HelpCard():
            _help(page, view, text)
        case Notice():
            page.line(view.text, NOTE)
    if menu:
        _choices(page, view, menu)


def commands(page: Page, menu: Menu, *also: str) -> None:
    """Write the labels that can be typed, the one Enter stands for first."""
    shown = [button for button in menu.named if button not in menu.numbered]
    labels = [f"{ENTER} {button.label}" if button == menu.enter else button.label for button in shown]
    page.columns([*labels, *also])


def _choices(page: Page, view: View, menu: Menu) -> None:
    if isinstance(view, Review):
        return
    if menu.numbered:
        page.gap()
    for number, button in enumerate(menu.numbered, 1):
        chosen = button == menu.enter
        page.line(
            f"{button.label} {ENTER}" if chosen else button.label, STRONG if chosen else "", mark=f"{number:>3}  "
        )


def _prompt(page: Page, view: Prompt) -> None:
    page.line(view.progress, QUIET)
    page.gap()
    page.line(view.text, TITLE)
    if view.current:
        page.line(view.current, QUIET)
    for part in view.help:
        page.gap()
        page.line(part.title, STRONG, indent=2)
        page.line(part.text, indent=2)


def _review(page: Page, view: Review, text: Words, *, numbered: bool) -> None:
    page.line(view.title, TITLE)
    page.line(text.text("terminal.review") if numbered else view.intro, QUIET)
    page.gap()
    for number, row in enumerate(view.rows, 1):
        page.line(_answered(text, row), mark=f"{number:>3}  " if numbered else "  ")
    _rows(page, text, view.unused_title, view.unused)
    if view.preview:
        page.gap()
        page.line(view.preview.title, STRONG)
        page.line(view.preview.outcome, GOOD, indent=2)
        page.line(view.preview.summary, indent=2)
        _control(page, view.preview.control, text)


def _recommendation(page: Page, view: Recommendation, text: Words) -> None:
    page.line(view.title, QUIET)
    page.line(view.outcome, GOOD)
    page.gap()
    page.line(view.summary)
    if view.provisional:
        page.gap()
        page.line(view.provisional, NOTE)
    _control(page, view.control, text)
    if view.advice:
        page.gap()
        page.line(view.advice_title, TITLE)
    for number, advice in enumerate(view.advice, 1):
        page.line(advice.title, STRONG, mark=f"{number:>3}. ", quiet=f"({advice.source})")
        page.line(advice.text, indent=5)
        page.line(advice.step, indent=5, mark="→ ")
    _rows(page, text, view.because_title, view.because, with_source=True)
    _rows(page, text, view.others_title, view.others, with_source=True)
    _list(page, view.what_if_title, view.what_if)
    _list(page, view.open_title, view.open)
    _rows(page, text, view.unused_title, view.unused)
    page.gap()
    page.line(view.caveat, QUIET)


def _verdict(page: Page, view: Verdict, text: Words) -> None:
    page.line(view.title, QUIET)
    page.line(view.strategic, GOOD)
    for line in (view.since, view.control):
        if line:
            page.line(line)
    _list(page, view.possible_title, view.possible)
    _rows(page, text, text.text("terminal.given"), view.rows, with_source=True)
    _rows(page, text, view.unused_title, view.unused)
    if view.next:
        page.gap()
        page.line(view.next, STRONG)
    page.gap()
    page.line(view.caveat, QUIET)


def _help(page: Page, view: HelpCard, text: Words) -> None:
    page.line(view.title, TITLE)
    for part in (*view.parts, text.text("terminal.help")):
        page.line(part)


def _notes(page: Page, notes: Iterable[str]) -> None:
    for note in notes:
        page.line(note, NOTE)
        page.gap()


def _control(page: Page, control: Control | None, text: Words) -> None:
    if control:
        page.gap()
        page.line(text.text("terminal.control", title=control.title, bar=control.bar, words=control.words), STRONG)


def _rows(page: Page, text: Words, title: str, rows: Iterable[Row], *, with_source: bool = False) -> None:
    rows = tuple(rows)
    if rows:
        page.gap()
        page.line(title, TITLE)
    for row in rows:
        page.line(_answered(text, row), mark="  • ", quiet=f"({row.source})" if with_source else "")


def _answered(text: Words, row: Row) -> str:
    return text.text("terminal.row", name=row.name, answer=row.answer)


def _list(page: Page, title: str, items: Iterable[str]) -> None:
    items = tuple(items)
    if items:
        page.gap()
        page.line(title, TITLE)
    for item in items:
        page.line(item, mark="  • ")
