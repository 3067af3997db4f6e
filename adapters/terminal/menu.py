"""What can be chosen on a card in a terminal: by number, by Enter, or by the words of a label."""

from dataclasses import dataclass, replace

from dialogs.actions import START_ACTIONS, event_for_action
from dialogs.events import Event, Resume, Start
from dialogs.session import Actor
from dialogs.translations import Translations
from dialogs.views import Button, HelpCard, Notice, QuestionCard, ReviewCard, View

SESSION = "terminal"
"""The one dialog of a terminal."""

_ELSEWHERE = {"post", "cancel"}
"""Buttons that a terminal does not draw: it has no channel, and it can simply be left."""


@dataclass(frozen=True, slots=True)
class Menu:
    """`numbered`: chosen by number, from 1. `named`: chosen by the words of their labels. `enter`: by Enter alone."""

    numbered: tuple[Button, ...] = ()
    named: tuple[Button, ...] = ()
    enter: Button | None = None

    def chosen(self, typed: str) -> Button | None:
        """Return the button that `typed` stands for, None where it has to be read as words."""
        wanted = typed.strip().casefold()
        if not wanted:
            return self.enter
        if wanted.isdecimal() and 1 <= int(wanted[:6]) <= len(self.numbered):
            return self.numbered[int(wanted[:6]) - 1]
        return next((button for button in self.named if button.label.casefold() == wanted), None)


def menu(view: View, t: Translations) -> Menu:
    """Return what can be chosen on this view."""
    buttons = tuple(_for_terminal(button, t) for button in view.buttons if button.action not in _ELSEWHERE)
    match view:
        case QuestionCard():
            return Menu(view.choices, buttons)
        case ReviewCard():
            rows = tuple(Button("change", row.answer, row.question) for row in view.rows)
            return Menu(rows, buttons, _first(buttons, "keep_private", "continue"))
        case Notice() | HelpCard():
            return Menu(buttons, buttons, next((button for button in buttons if button.primary), None))
    return Menu((), buttons, _first(buttons, "continue"))


def event_for_button(button: Button, actor: Actor, revision: int | None) -> Event:
    """Return what pressing `button` on a card of this revision means."""
    if button.action in START_ACTIONS:
        return Start(actor, SESSION)
    return event_for_action(button.action, actor, button.question, button.option, revision) or Resume(actor)


def _first(buttons: tuple[Button, ...], *actions: str) -> Button | None:
    return next((button for button in buttons if button.action in actions), None)


def _for_terminal(button: Button, t: Translations) -> Button:
    # With nobody to post to there is nothing to keep from them either: what is left is to see the recommendation.
    if button.action == "keep_private":
        return replace(button, label=t("label.see_recommendation"))
    return button
