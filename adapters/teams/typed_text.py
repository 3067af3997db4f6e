"""What typed words do: begin a dialog, answer its question, a quick check, or one of the commands."""

import re

from adapters.ports import Application, TurnResult
from adapters.teams import cards, personal_cards
from adapters.teams.buttons import Buttons
from adapters.teams.card_sender import CardSender
from adapters.teams.conversation import ConversationRef
from adapters.teams.request import IncomingRequest
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.effects import Notify, Show
from dialogs.events import Resume, SetLanguage, Typed
from dialogs.session import Session
from dialogs.text.parse import (
    Ambiguous,
    Command,
    Match,
    NoMatch,
    Parsed,
    Problems,
    QuickCheck,
    parse,
    parse_quick_check,
)
from dialogs.translations import translations
from dialogs.views import Button, Notice

_CHECK = re.compile(r"(?:check|bilan|quick(?: check)?|bilan express)\b[\s:]*", re.IGNORECASE)
_OFFERED = frozenset({"forget_me", "help", "my_checks", "start"})


class TypedText:
    """Handles what people write to us, in a personal chat or with a mention."""

    def __init__(self, application: Application, sender: CardSender, presses: Buttons) -> None:
        self._application = application
        self._sender = sender
        self._presses = presses

    async def hear(self, request: IncomingRequest) -> None:
        """Answer. Raises `Unavailable`, and what the connector raises."""
        session = await self._application.find_running(request.actor, request.place.conversation)
        quick = _CHECK.match(request.said)
        said = request.said[quick.end() :] if quick else request.said
        if not said:
            return await (self._resume(request, session) if session else self._begin(request))
        reading = _read(said, loose=quick is not None)
        match reading:
            case Command("my_checks" | "forget_me" | "form"):
                return await self._about_person(request, reading.name)
            case Command("language", str(language)):
                return await self._language(request, session, language)
        if session and not quick:
            return await self._answer(request, session)
        match reading:
            case Command("start"):
                return await self._begin(request)
            case QuickCheck(answers):
                await self._presses.begin(request, answers, quick=True)
                return None
        return await self._help(request, reading)

    # --- A dialog ---

    async def _begin(self, request: IncomingRequest) -> None:
        await self._presses.begin(request)

    async def _resume(self, request: IncomingRequest, session: Session) -> None:
        result = await self._application.turn(request.turn(Resume(request.actor), session.id))
        await self._show(request, result)

    async def _answer(self, request: IncomingRequest, session: Session) -> None:
        result = await self._application.turn(request.turn(Typed(request.actor, request.said), session.id))
        await self._show(request, result)

    async def _show(self, request: IncomingRequest, result: TurnResult) -> None:
        """Show what words came to, below them, where they are read."""
        shown = [effect.view for effect in result.effects if isinstance(effect, Show)]
        told = [effect.view for effect in result.effects if isinstance(effect, Notify)]
        if result.session and shown:
            notes = [view.text for view in told if isinstance(view, Notice)]
            await self._sender.move(
                result.session, shown[-1], ConversationRef.from_json(result.card), request.place, *notes
            )
        elif told:
            await self._sender.say(request.place, cards.draw(told[-1], result.session))

    # --- Commands and the rest: not turns, so that a second delivery is told apart here ---

    async def _about_person(self, request: IncomingRequest, command: str) -> None:
        if await self._application.is_duplicate(request.idempotency_key):
            return
        t = request.t
        if command == "my_checks":
            found = await self._application.list_checks(request.actor)
            await self._sender.whisper(request, personal_cards.checks(t, found), t("teams.in_private"))
        elif command == "forget_me":
            await self._sender.say(request.place, personal_cards.forget(t, request.actor.person))
        else:
            ways = presenter.buttons(t, "open_form", "start", primary="open_form")
            await self._sender.say(request.place, cards.draw(Notice("form", t("teams.form_offer"), ways)))

    async def _language(self, request: IncomingRequest, session: Session | None, language: str) -> None:
        actor = request.actor._replace(language=language)
        await self._application.set_language(actor, language)
        if session:
            result = await self._application.turn(request.turn(SetLanguage(actor, language), session.id))
            return await self._show(request, result)
        if await self._application.is_duplicate(request.idempotency_key):
            return None
        t = translations(language)
        view = presenter.notice(t, "language", presenter.buttons(t, "start", primary="start"))
        return await self._sender.say(request.place, cards.draw(view))

    async def _help(self, request: IncomingRequest, reading: Parsed) -> None:
        if await self._application.is_duplicate(request.idempotency_key):
            return
        t = request.t
        card = personal_cards.help_card(t)
        match reading:
            case Ambiguous(readings) if found := [button for each in readings if (button := _offer(request, each))]:
                card = personal_cards.offers(t, found, t("notice.did_you_mean"))
            case Problems(problems):
                card = personal_cards.help_card(t, *(presenter.problem(FLOW, t, problem) for problem in problems))
            case NoMatch() | Ambiguous():
                card = personal_cards.help_card(t, t("notice.nothing_understood"))
        await self._sender.say(request.place, card)


def _read(said: str, *, loose: bool) -> Parsed:
    """Read words without a question. `loose`: after the word for a quick check, one bare answer is one, too."""
    found = parse(said, FLOW, None)
    if not loose or isinstance(found, Command | QuickCheck | Problems):
        return found
    row = parse_quick_check(said, FLOW)
    return row if isinstance(row, QuickCheck | Problems) else found


def _offer(request: IncomingRequest, meant: Match) -> Button | None:
    t = request.t
    match meant:
        case QuickCheck(answers):
            named = (presenter.option_label(t, question, option) for question, option in answers.items())
            packed = " ".join(f"{question}={option}" for question, option in answers.items())
            return Button("quick", ", ".join(named)[:80], option=packed)
        case Command("language", str(language)):
            return Button("language", translations(language)("language.own"), option=language)
        case Command("form"):
            return Button("open_form", t("label.open_form"))
        case Command("hello" | "resume"):
            return Button("start", t("label.start"))
        case Command(name) if name in _OFFERED:
            return Button(name, t(f"label.{name}"))
    return None
