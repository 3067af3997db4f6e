"""Print the result of one check: ``cm-advisor check``."""

from collections.abc import Mapping
from dataclasses import replace

from rich.console import Console

from adapters.terminal.menu import SESSION
from adapters.terminal.render import render
from adapters.terminal.screen import QUIET, Screen
from dialogs.effects import Show
from dialogs.events import Start
from dialogs.flow import Flow
from dialogs.presenter import join_or
from dialogs.reducer import step
from dialogs.session import Actor
from dialogs.translations import translations
from dialogs.views import RecommendationCard
from dialogs.walk import walk


def print_check(
    flow: Flow, answers: Mapping[str, str], console: Console, language: str, *, with_what_if: bool = True
) -> None:
    """Print the recommendation for valid `answers`, or the partial result and the next question."""
    screen, t = Screen(console), translations(language)
    actor = Actor(tenant="terminal", person="you", language=language)
    _, effects = step(flow, None, Start(actor, SESSION, answers=answers, quick=True))
    for effect in effects:
        if isinstance(effect, Show):
            view = effect.view
            if isinstance(view, RecommendationCard) and not with_what_if:
                view = replace(view, what_if=())
            render(screen, view, t)
    question = walk(flow, answers).next_question
    if question:
        arguments = [f"{question.id}={option}" for option in question.options]
        screen.gap()
        screen.line(t("terminal.next", answers=join_or(t, arguments)), QUIET)
