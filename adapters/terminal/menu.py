"""What the user can choose on a card: by number, by the label's text, or with Enter."""

from dataclasses import dataclass

from adapters.shared.router import START_ACTIONS, event_for_action
from dialogs.events import Event, Resume, Start
from dialogs.session import Actor
from dialogs.translations import Translations
from dialogs.views import Button, HelpCard, Notice, QuestionCard, RecommendationCard, ReviewCard, View

SESSION = "terminal"
"""The session id: a terminal has one dialog."""

_HIDDEN_ACTIONS = {"post", "keep_private", "cancel"}
"""A terminal has no channel to post to, and Ctrl-C cancels."""


@dataclass(frozen=True, slots=True)
class Menu:
    """`numbered`: chosen by number, from 1. `named`: chosen by label. `enter`: chosen by Enter alone."""

    numbered: tuple[Button, ...] = ()
    named: tuple[Button, ...] = ()
    enter: Button | None = None

    def find(self, line: str) -> Button | None:
        """Return the button that `line` chooses; None when the line is text for the parser."""
        choice = line.strip().casefold()
        if not choice:
            return self.enter
        if choice.isdecimal() and 1 <= int(choice[:6]) <= len(self.numbered):
            return self.numbered[int(choice[:6]) - 1]
        return next((button for button in self.named if button.label.casefold() == choice), None)


def menu(view: View, t: Translations) -> Menu:
    """Return the menu of a view."""
    buttons = tuple(button for button in view.buttons if button.action not in _HIDDEN_ACTIONS)
    match view:
        case QuestionCard():
            return Menu(view.choices, buttons)
        case ReviewCard():
            rows = tuple(Button("change", row.answer, row.question) for row in view.rows)
            # "Back" is left out: it does the same as the button for Enter.
            buttons = tuple(button for button in buttons if button.action != "back")
            return Menu(rows, buttons, _first(buttons, "continue"))
        case RecommendationCard():
            if not _first(buttons, "new_check"):
                buttons += (Button("new_check", t("label.new_check")),)
            return Menu((), buttons, _first(buttons, "details"))
        case Notice() | HelpCard():
            return Menu(buttons, buttons, next((button for button in buttons if button.primary), None))
    return Menu((), buttons, _first(buttons, "continue"))


def event_for_button(button: Button, actor: Actor, revision: int | None) -> Event:
    """Return the event of choosing `button` on a card of `revision`."""
    if button.action in START_ACTIONS:
        return Start(actor, SESSION)
    return event_for_action(button.action, actor, button.question, button.option, revision) or Resume(actor)


def _first(buttons: tuple[Button, ...], *actions: str) -> Button | None:
    return next((button for button in buttons if button.action in actions), None)
