"""Render views as text for a terminal. All texts come from the view or the catalogues."""

from collections.abc import Iterable

from adapters.terminal.menu import Menu
from adapters.terminal.screen import GOOD, NOTE, QUIET, STRONG, TITLE, Screen
from dialogs.translations import Translations
from dialogs.views import (
    AdviceLine,
    AnswerRow,
    Control,
    DetailsCard,
    HelpCard,
    Notice,
    Option,
    PartialResultCard,
    QuestionCard,
    RecommendationCard,
    ReviewCard,
    View,
)

ENTER = "⏎"


def render(screen: Screen, view: View, t: Translations, menu: Menu | None = None) -> None:
    """Print `view`. Without a `menu` print no choices: the result of ``cm-advisor check``."""
    if not isinstance(view, Notice | HelpCard):
        _notes(screen, view.note)
    match view:
        case QuestionCard():
            _question(screen, view)
        case ReviewCard():
            _review(screen, view, t, numbered=menu is not None)
        case RecommendationCard():
            _recommendation(screen, view, t)
        case DetailsCard():
            _title(screen, view.title, view.mark, view.outcome)
            _provisional(screen, view.provisional)
            render_details(screen, view, t)
        case PartialResultCard():
            _partial_result(screen, view, t)
        case HelpCard():
            _help(screen, view, t)
        case Notice():
            for line in view.text.split("\n"):
                screen.line(line, NOTE)
    if menu:
        _choices(screen, view, menu)


def render_commands(screen: Screen, menu: Menu) -> None:
    """Print the labels that can be typed."""
    buttons = [button for button in menu.named if button not in menu.numbered]
    screen.columns([f"{ENTER} {button.label}" if button == menu.enter else button.label for button in buttons])


def _choices(screen: Screen, view: View, menu: Menu) -> None:
    if isinstance(view, ReviewCard):
        return
    if menu.numbered:
        screen.gap()
    for number, button in enumerate(menu.numbered, 1):
        is_default = button == menu.enter
        label = f"{button.sign} {button.label}" if button.option and button.sign else button.label
        label, style = (f"{label} {ENTER}", STRONG) if is_default else (label, "")
        screen.line(label, style, prefix=f"{number:>3}  ")


def _question(screen: Screen, view: QuestionCard) -> None:
    screen.line(view.progress, prefix=f"{view.bar}  " if view.bar else "")
    screen.gap()
    screen.line(view.text, TITLE)
    if view.current:
        screen.line(view.current, QUIET)
    for part in view.help:
        screen.gap()
        screen.line(part.title, STRONG, indent=2)
        screen.line(part.text, indent=2)


def _review(screen: Screen, view: ReviewCard, t: Translations, *, numbered: bool) -> None:
    screen.line(view.title, TITLE)
    screen.line(t("terminal.review") if numbered else view.intro, QUIET)
    screen.gap()
    for number, row in enumerate(view.rows, 1):
        screen.line(_row_text(t, row), prefix=f"{number:>3}  " if numbered else "  ")
    _rows(screen, t, view.unused_title, view.unused)


def _recommendation(screen: Screen, view: RecommendationCard, t: Translations) -> None:
    _title(screen, view.title, view.mark, view.outcome)
    screen.line(view.because)
    _provisional(screen, view.provisional)
    screen.gap()
    screen.line(view.summary)
    _control(screen, view.control, t)
    if view.steps:
        screen.gap()
        screen.line(view.steps_title, TITLE)
    for number, advice in enumerate(view.steps, 1):
        screen.line(advice.title, STRONG, prefix=f"{number:>3}. ")
        screen.line(advice.step, indent=5)


def render_details(screen: Screen, view: DetailsCard, t: Translations) -> None:
    """Print the details without their heading: for and against, advice, what would change it, answers."""
    if view.options:  # version 1 of the flow has none
        screen.gap()
        screen.line(view.options_title, TITLE)
    for option in view.options:
        _option(screen, option, t)
    if view.challengers:
        screen.gap()
        screen.line(view.challengers, NOTE)
    screen.gap()
    screen.line(view.advice_title, TITLE)
    for number, advice in enumerate(view.advice, 1):
        _advice(screen, number, advice)
    _list(screen, view.what_if_title, view.what_if)
    _list(screen, view.open_title, view.open)
    _rows(screen, t, view.rows_title, view.rows, with_source=True)
    _rows(screen, t, view.unused_title, view.unused)
    screen.gap()
    screen.line(view.caveat, QUIET)
    if view.article:
        screen.line(view.article.url, QUIET)


def _option(screen: Screen, option: Option, t: Translations) -> None:
    title = t("details.recommended", outcome=option.title) if option.recommended else option.title
    items = [*(("+ ", text) for text in option.pros), *(("− ", text) for text in option.cons)]
    style, mark = (GOOD, "✓") if option.recommended else ("", " ")
    screen.table_row(title, style, items, prefix=f"  {mark} ")


def _advice(screen: Screen, number: int, advice: AdviceLine) -> None:
    screen.line(advice.title, STRONG, prefix=f"{number:>3}. ", quiet=f"({advice.source})")
    screen.line(advice.reason, QUIET, indent=5)
    screen.line(advice.text, indent=5)
    screen.line(advice.step, indent=5, prefix="→ ")


def _partial_result(screen: Screen, view: PartialResultCard, t: Translations) -> None:
    screen.line(view.title, QUIET)
    screen.line(view.strategic, GOOD)
    for line in (view.since, view.control):
        if line:
            screen.line(line)
    _list(screen, view.possible_title, view.possible)
    _rows(screen, t, t("terminal.given"), view.rows, with_source=True)
    _rows(screen, t, view.unused_title, view.unused)
    if view.next:
        screen.gap()
        screen.line(view.next, STRONG)
    screen.gap()
    screen.line(view.caveat, QUIET)


def _help(screen: Screen, view: HelpCard, t: Translations) -> None:
    screen.line(view.title, TITLE)
    for part in (*view.parts, t("terminal.help")):
        screen.line(part)


def _title(screen: Screen, title: str, mark: str, outcome: str) -> None:
    screen.line(title, QUIET)
    screen.line(outcome, GOOD, prefix=f"{mark} " if mark else "")


def _provisional(screen: Screen, text: str | None) -> None:
    if text:
        screen.gap()
        screen.line(text, NOTE)


def _notes(screen: Screen, notes: Iterable[str]) -> None:
    for note in notes:
        screen.line(note, NOTE)
        screen.gap()


def _control(screen: Screen, control: Control | None, t: Translations) -> None:
    if control:
        screen.gap()
        screen.line(t("terminal.control", title=control.title, bar=control.bar, words=control.text), STRONG)


def _rows(screen: Screen, t: Translations, title: str, rows: Iterable[AnswerRow], *, with_source: bool = False) -> None:
    rows = tuple(rows)
    if rows:
        screen.gap()
        screen.line(title, TITLE)
    for row in rows:
        screen.line(_row_text(t, row), prefix="  • ", quiet=f"({row.source})" if with_source else "")


def _row_text(t: Translations, row: AnswerRow) -> str:
    return t("terminal.row", name=row.name, answer=row.answer)


def _list(screen: Screen, title: str, items: Iterable[str]) -> None:
    items = tuple(items)
    if items:
        screen.gap()
        screen.line(title, TITLE)
    for item in items:
        screen.line(item, prefix="  • ")
