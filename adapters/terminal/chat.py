"""The dialog in a terminal: read a line, make it an event, print the views that the reducer returns."""

import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from adapters.terminal.menu import SESSION, Menu, event_for_button, menu
from adapters.terminal.render import render, render_commands
from adapters.terminal.screen import NOTE, QUIET, STRONG, Screen
from adapters.terminal.session_file import load, save, set_aside
from dialogs.effects import Notify, Show
from dialogs.events import Event, SetLanguage, Start, Typed
from dialogs.flow import Flow
from dialogs.reducer import step
from dialogs.session import Actor, InvalidSession, Session, Status
from dialogs.translations import Translations, languages, translations
from dialogs.views import Button, Card, Notice, View
from dialogs.walk import walk

INTERRUPTED = 130
"""Exit status after Ctrl-C, by the shells' convention."""


def run(flow: Flow, path: Path, console: Console, language: str, *, switch: bool = False) -> int:
    """Run the dialog until the user quits; return the exit status.

    `path` is the session file. `switch` changes a stored session to `language`.
    """
    chat = Chat(flow, path, Screen(console), language)
    try:
        chat.begin(switch=switch)
        read_line = line_reader(console)
        while chat.handle_line(read_line()):
            pass
    except EOFError:
        console.print()
    except KeyboardInterrupt:
        console.print()
        chat.say_goodbye()
        return INTERRUPTED
    chat.say_goodbye()
    return 0


def line_reader(console: Console) -> Callable[[], str]:
    """Return a function that reads a line of standard input and raises `EOFError` at its end."""
    if sys.stdin.isatty():
        with suppress(ImportError):
            import readline  # noqa: F401 - gives input() its editing keys
        return lambda: input("> ")

    def read_line() -> str:
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        # A pipe does not echo: print the line so that the output shows the whole dialog.
        console.print(f"> {line.rstrip()}", soft_wrap=True)
        return line

    return read_line


class Chat:
    """One dialog in a terminal."""

    def __init__(self, flow: Flow, path: Path, screen: Screen, language: str) -> None:
        self._flow = flow
        self._path = path
        self._screen = screen
        self._actor = Actor(tenant="terminal", person="you", language=translations(language).language)
        self._session: Session | None = None
        self._menu = Menu()
        self._is_saved = True

    @property
    def _t(self) -> Translations:
        return translations(self._session.language if self._session else self._actor.language)

    def begin(self, *, switch: bool = False) -> None:
        """Offer to resume the stored session, or start a new one."""
        session = self._load()
        if session is None:
            self._screen.line(self._t("welcome.title"), STRONG)
            self._screen.line(self._t("terminal.welcome"))
            self._dispatch(Start(self._actor, SESSION))
            return
        self._session = session
        if switch and session.language != self._actor.language:
            self._session, _ = step(self._flow, session, SetLanguage(self._actor, self._actor.language))
        self._offer_to_resume(session)

    def handle_line(self, line: str) -> bool:
        """Handle one typed line; return False when the user quits."""
        if self._is_quit(line):
            return False
        button = self._menu.find(line)
        if button and button.action == "quit":
            return False
        if button:
            self._dispatch(event_for_button(button, self._actor, self._session.revision if self._session else None))
        elif line.strip():
            self._dispatch(Typed(self._actor, line))
        return True

    def say_goodbye(self) -> None:
        """Print the closing line; it mentions the session file when there is something to resume."""
        resumable = self._session and _is_resumable(self._session) and self._is_saved
        self._screen.line(self._t("terminal.bye.kept" if resumable else "terminal.bye"), QUIET)

    def _offer_to_resume(self, session: Session) -> None:
        t = self._t
        done = not session.changing and walk(self._flow, session.answers).next_question is None
        text = t("terminal.kept.done") if done else t.plural("terminal.kept.open", len(session.answers))
        resume = t("label.see_recommendation" if done else "label.resume")
        buttons = (Button("resume", resume, primary=True), Button("new_check", t("label.new_check")))
        self._show(Notice("kept", text, buttons))

    def _dispatch(self, event: Event) -> None:
        before = self._session
        self._session, effects = step(self._flow, before, event)
        if self._session is not None and self._session != before:
            self._save(self._session)
        for effect in effects:
            if isinstance(effect, Show | Notify):
                self._show(effect.view)

    def _show(self, view: View) -> None:
        screen, t = self._screen, self._t
        choices = menu(view, t)
        screen.gap()
        if isinstance(view, Card):
            screen.rule()
            # This note is about posting, and a terminal has no channel to post to.
            view = replace(view, note=tuple(note for note in view.note if note != t("notice.kept")))
        render(screen, view, t, choices)
        if isinstance(view, Card):
            choices = replace(choices, named=(*choices.named, *_common_buttons(t)))
            screen.gap()
            render_commands(screen, choices)
        if choices.numbered or isinstance(view, Card):
            self._menu = choices

    def _is_quit(self, line: str) -> bool:
        word = line.strip().casefold()
        return any(word in translations(language)("terminal.quit.words").split() for language in languages())

    def _load(self) -> Session | None:
        t = self._t
        try:
            session = load(self._path, self._flow)
        except InvalidSession:
            try:
                path = set_aside(self._path)
            except OSError:
                path = self._path
            self._screen.line(t("terminal.unreadable", path=path), NOTE)
            return None
        except OSError as error:
            self._screen.line(t("terminal.unreachable", path=self._path, error=error.strerror), NOTE)
            return None
        return session if session and _is_resumable(session) else None

    def _save(self, session: Session) -> None:
        try:
            save(self._path, session)
        except OSError as error:
            if self._is_saved:  # one warning is enough
                self._screen.line(self._t("terminal.unsaved", path=self._path, error=error.strerror), NOTE)
            self._is_saved = False
        else:
            self._is_saved = True


def _is_resumable(session: Session) -> bool:
    return bool(session.answers) and session.status in {Status.OPEN, Status.KEPT}


def _common_buttons(t: Translations) -> Iterable[Button]:
    """Yield the buttons below every card: help, the other languages, quit."""
    yield Button("help", t("label.help"))
    for language in languages():
        if language != t.language:
            yield Button("language", translations(language)("language.own"), option=language)
    yield Button("quit", t("terminal.quit"))
