"""Print the result of one check: ``cm-advisor check``."""

from collections.abc import Mapping
from dataclasses import replace

from rich.console import Console

from adapters.terminal.menu import SESSION
from adapters.terminal.render import render, render_details
from adapters.terminal.screen import QUIET, Screen
from dialogs.effects import Show
from dialogs.events import Details, Start
from dialogs.flow import Flow
from dialogs.reducer import step
from dialogs.sentences import join_or
from dialogs.session import Actor
from dialogs.translations import translations
from dialogs.views import DetailsCard
from dialogs.walk import walk


def print_check(
    flow: Flow, answers: Mapping[str, str], console: Console, language: str, *, with_what_if: bool = True
) -> None:
    """Print the recommendation for valid `answers` and its details, or the partial result and the next question."""
    screen, t = Screen(console), translations(language)
    actor = Actor(tenant="terminal", person="you", language=language)
    session, effects = step(flow, None, Start(actor, SESSION, answers=answers, quick=True))
    question = walk(flow, answers).next_question
    if question is None:
        effects += step(flow, session, Details(actor))[1]
    for effect in effects:
        match effect:
            case Show(DetailsCard() as view):
                render_details(screen, view if with_what_if else replace(view, what_if=()), t)
            case Show(view):
                render(screen, view, t)
    if question:
        arguments = [f"{question.id}={option}" for option in question.options]
        screen.gap()
        screen.line(t("terminal.next", answers=join_or(t, arguments)), QUIET)
