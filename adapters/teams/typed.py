"""What typed words do: begin a dialog, answer its question, a quick check, or one of the commands."""

import re

from adapters.ports import Advisor, Turned
from adapters.teams import cards, own
from adapters.teams.heard import Heard
from adapters.teams.place import Place
from adapters.teams.presses import Presses
from adapters.teams.stage import Stage
from dialogs import compose
from dialogs.community import FLOW
from dialogs.session import Notify, Resume, Session, SetLanguage, Show, Typed
from dialogs.understand import Clear, Command, Company, Nothing, Problems, Reading, Unsure, read, read_company
from dialogs.views import Button, Notice
from dialogs.words import words

_CHECK = re.compile(r"(?:check|bilan|quick(?: check)?|bilan express)\b[\s:]*", re.IGNORECASE)
_OFFERED = frozenset({"forget_me", "help", "my_checks", "start"})


class TypedWords:
    """Handles what people write to us, in a personal chat or with a mention."""

    def __init__(self, advisor: Advisor, stage: Stage, presses: Presses) -> None:
        self._advisor = advisor
        self._stage = stage
        self._presses = presses

    async def hear(self, heard: Heard) -> None:
        """Answer. Raises `Unavailable`, and what the connector raises."""
        session = await self._advisor.running(heard.actor, heard.place.conversation)
        quick = _CHECK.match(heard.said)
        said = heard.said[quick.end() :] if quick else heard.said
        if not said:
            return await (self._resume(heard, session) if session else self._begin(heard))
        reading = _read(said, loose=quick is not None)
        match reading:
            case Command("my_checks" | "forget_me" | "form"):
                return await self._about_person(heard, reading.name)
            case Command("language", str(language)):
                return await self._language(heard, session, language)
        if session and not quick:
            return await self._answer(heard, session)
        match reading:
            case Command("start"):
                return await self._begin(heard)
            case Company(answers):
                await self._presses.begin(heard, answers, quick=True)
                return None
        return await self._help(heard, reading)

    # --- A dialog ---

    async def _begin(self, heard: Heard) -> None:
        await self._presses.begin(heard)

    async def _resume(self, heard: Heard, session: Session) -> None:
        turned = await self._advisor.turn(heard.turn(Resume(heard.actor), session.id))
        await self._show(heard, turned)

    async def _answer(self, heard: Heard, session: Session) -> None:
        turned = await self._advisor.turn(heard.turn(Typed(heard.actor, heard.said), session.id))
        await self._show(heard, turned)

    async def _show(self, heard: Heard, turned: Turned) -> None:
        """Show what words came to, below them, where they are read."""
        shown = [effect.view for effect in turned.effects if isinstance(effect, Show)]
        told = [effect.view for effect in turned.effects if isinstance(effect, Notify)]
        if turned.session and shown:
            notes = [view.text for view in told if isinstance(view, Notice)]
            await self._stage.move(turned.session, shown[-1], Place.from_json(turned.card), heard.place, *notes)
        elif told:
            await self._stage.say(heard.place, cards.draw(told[-1], turned.session))

    # --- Commands and the rest: not turns, so that a second delivery is told apart here ---

    async def _about_person(self, heard: Heard, command: str) -> None:
        if await self._advisor.heard(heard.once):
            return
        text = heard.words
        if command == "my_checks":
            found = await self._advisor.checks(heard.actor)
            await self._stage.whisper(heard, own.checks(text, found), text.text("teams.in_private"))
        elif command == "forget_me":
            await self._stage.say(heard.place, own.forget(text, heard.actor.person))
        else:
            ways = compose.buttons(text, "open_form", "start", primary="open_form")
            await self._stage.say(heard.place, cards.draw(Notice("form", text.text("teams.form_offer"), ways)))

    async def _language(self, heard: Heard, session: Session | None, language: str) -> None:
        actor = heard.actor._replace(language=language)
        await self._advisor.choose_language(actor, language)
        if session:
            turned = await self._advisor.turn(heard.turn(SetLanguage(actor, language), session.id))
            return await self._show(heard, turned)
        if await self._advisor.heard(heard.once):
            return None
        text = words(language)
        view = compose.notice(text, "language", compose.buttons(text, "start", primary="start"))
        return await self._stage.say(heard.place, cards.draw(view))

    async def _help(self, heard: Heard, reading: Reading) -> None:
        if await self._advisor.heard(heard.once):
            return
        text = heard.words
        card = own.help_card(text)
        match reading:
            case Unsure(readings) if found := [button for each in readings if (button := _offer(heard, each))]:
                card = own.offers(text, found, text.text("notice.did_you_mean"))
            case Problems(problems):
                card = own.help_card(text, *(compose.problem(FLOW, text, problem) for problem in problems))
            case Nothing() | Unsure():
                card = own.help_card(text, text.text("notice.nothing_understood"))
        await self._stage.say(heard.place, card)


def _read(said: str, *, loose: bool) -> Reading:
    """Read words without a question. `loose`: after the word for a quick check, one bare answer is one, too."""
    found = read(said, FLOW, None)
    if not loose or isinstance(found, Command | Company | Problems):
        return found
    row = read_company(said, FLOW)
    return row if isinstance(row, Company | Problems) else found


def _offer(heard: Heard, meant: Clear) -> Button | None:
    text = heard.words
    match meant:
        case Company(answers):
            named = (compose.option_label(text, question, option) for question, option in answers.items())
            packed = " ".join(f"{question}={option}" for question, option in answers.items())
            return Button("quick", ", ".join(named)[:80], option=packed)
        case Command("language", str(language)):
            return Button("language", words(language).text("language.own"), option=language)
        case Command("form"):
            return Button("open_form", text.text("label.open_form"))
        case Command("hello" | "resume"):
            return Button("start", text.text("label.start"))
        case Command(name) if name in _OFFERED:
            return Button(name, text.text(f"label.{name}"))
    return None
