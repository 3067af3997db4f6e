"""One check, printed."""

from collections.abc import Mapping
from dataclasses import replace

from rich.console import Console

from adapters.terminal.draw import draw
from adapters.terminal.menu import SESSION
from adapters.terminal.page import QUIET, Page
from dialogs.compose import either
from dialogs.machine import step
from dialogs.model import Flow
from dialogs.session import Actor, Show, Start
from dialogs.views import Recommendation
from dialogs.walk import walk
from dialogs.words import words


def print_check(
    flow: Flow, answers: Mapping[str, str], console: Console, language: str, *, with_what_if: bool = True
) -> None:
    """Print the recommendation that valid `answers` come to, or what is sure so far."""
    page, text = Page(console), words(language)
    actor = Actor(tenant="terminal", person="you", language=language)
    _, effects = step(flow, None, Start(actor, SESSION, answers=answers, quick=True))
    for effect in effects:
        if isinstance(effect, Show):
            view = effect.view
            if isinstance(view, Recommendation) and not with_what_if:
                view = replace(view, what_if=())
            draw(page, view, text)
    here = walk(flow, answers).here
    if here:
        ways = [f"{here.id}={option}" for option in here.options]
        page.gap()
        page.line(text.text("terminal.next", answers=either(text, ways)), QUIET)
