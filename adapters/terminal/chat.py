"""The whole dialog in a terminal: reads a line, makes an event of it, draws what comes back."""

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
from dialogs.effects import Effect, Notify, Show
from dialogs.events import Event, SetLanguage, Start, Typed
from dialogs.flow import Flow
from dialogs.reducer import step
from dialogs.session import Actor, InvalidSession, Session, Status
from dialogs.translations import Translations, languages, translations
from dialogs.views import Button, Card, Notice, View

INTERRUPTED = 130
"""The exit status of what Ctrl-C ended, by the shells' convention."""


def run(flow: Flow, path: Path, console: Console, language: str, *, switch: bool = False) -> int:
    """Hold the dialog until it is left; return the exit status. `path`: where it is kept between runs.

    `switch`: go on in `language` even where the dialog kept was in another.
    """
    chat = Chat(flow, path, Screen(console), language)
    try:
        chat.begin(switch=switch)
        read = reader(console)
        while chat.hear(read()):
            pass
    except EOFError:
        console.print()
    except KeyboardInterrupt:
        console.print()
        chat.leave()
        return INTERRUPTED
    chat.leave()
    return 0


def reader(console: Console) -> Callable[[], str]:
    """Return what reads a line from standard input, and raises `EOFError` at its end."""
    if sys.stdin.isatty():
        with suppress(ImportError):
            import readline  # noqa: F401 - gives input() its editing keys
        return lambda: input("> ")

    def read() -> str:
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        # Nobody typed it here, so that the record shows it all the same.
        console.print(f"> {line.rstrip()}", soft_wrap=True)
        return line

    return read


class Chat:
    """One dialog at a terminal."""

    def __init__(self, flow: Flow, path: Path, page: Screen, language: str) -> None:
        self._flow = flow
        self._path = path
        self._page = page
        self._actor = Actor(tenant="terminal", person="you", language=translations(language).language)
        self._session: Session | None = None
        self._menu = Menu()
        self._kept = True

    @property
    def _text(self) -> Translations:
        return translations(self._session.language if self._session else self._actor.language)

    def begin(self, *, switch: bool = False) -> None:
        """Offer to go on with the dialog that was kept, or begin a new one."""
        kept = self._load()
        if kept is None:
            self._page.line(self._text("welcome.title"), STRONG)
            self._page.line(self._text("terminal.welcome"))
            self._do(Start(self._actor, SESSION))
            return
        self._session = kept
        if switch and kept.language != self._actor.language:
            self._session, _ = step(self._flow, kept, SetLanguage(self._actor, self._actor.language))
        self._offer(kept)

    def hear(self, typed: str) -> bool:
        """Take in a line; return whether to read another."""
        if self._is_quit(typed):
            return False
        button = self._menu.chosen(typed)
        if button and button.action == "quit":
            return False
        if button:
            self._do(event_for_button(button, self._actor, self._session.revision if self._session else None))
        elif typed.strip():
            self._do(Typed(self._actor, typed))
        return True

    def leave(self) -> None:
        """Say goodbye."""
        going_on = self._session and self._session.answers and self._session.status in {Status.OPEN, Status.KEPT}
        self._page.line(self._text("terminal.bye.kept" if going_on and self._kept else "terminal.bye"), QUIET)

    def _offer(self, kept: Session) -> None:
        t = self._text
        done = kept.status is Status.KEPT
        said = t("terminal.kept.done") if done else t.plural("terminal.kept.open", len(kept.answers))
        resume = t("label.see_recommendation" if done else "label.resume")
        offered = (Button("resume", resume, primary=True), Button("new_check", t("label.new_check")))
        self._draw(Notice("kept", said, offered))

    def _do(self, event_for_button: Event) -> None:
        before = self._session
        self._session, effects = step(self._flow, before, event_for_button)
        if self._session is not None and self._session != before:
            self._save(self._session)
        for view in _views(effects):
            self._draw(view)

    def _draw(self, view: View) -> None:
        page, text = self._page, self._text
        choices = menu(view, text)
        page.gap()
        if isinstance(view, Card):
            page.rule()
            # What it says of posting has no place where there is no channel.
            view = replace(view, note=tuple(note for note in view.note if note != text("notice.kept")))
        render(page, view, text, choices)
        if isinstance(view, Card):
            choices = replace(choices, named=(*choices.named, *self._always()))
            page.gap()
            render_commands(page, choices)
        if choices.numbered or isinstance(view, Card):
            self._menu = choices

    def _always(self) -> Iterable[Button]:
        t = self._text
        yield Button("help", t("label.help"))
        for language in languages():
            if language != t.language:
                yield Button("language", translations(language)("language.own"), option=language)
        yield Button("quit", t("terminal.quit"))

    def _is_quit(self, typed: str) -> bool:
        wanted = typed.strip().casefold()
        return any(wanted in translations(language)("terminal.quit.words").split() for language in languages())

    def _load(self) -> Session | None:
        t = self._text
        try:
            kept = load(self._path, self._flow)
        except InvalidSession:
            try:
                aside = set_aside(self._path)
            except OSError:
                aside = self._path
            self._page.line(t("terminal.unreadable", path=aside), NOTE)
            return None
        except OSError as error:
            self._page.line(t("terminal.unreachable", path=self._path, error=error.strerror), NOTE)
            return None
        return kept if kept and kept.answers and kept.status in {Status.OPEN, Status.KEPT} else None

    def _save(self, session: Session) -> None:
        try:
            save(self._path, session)
        except OSError as error:
            if self._kept:
                said = self._text("terminal.unsaved", path=self._path, error=error.strerror)
                self._page.line(said, NOTE)
            self._kept = False
        else:
            self._kept = True


def _views(effects: list[Effect]) -> Iterable[View]:
    for effect in effects:
        if isinstance(effect, Show | Notify):
            yield effect.view
