"""What a press on a card does. The session decides; this only says which event it was, and shows what came of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.ports import Advisor, Turned, new_session
from adapters.teams import cards, own
from adapters.teams.channels import Channels
from adapters.teams.elements import Json
from adapters.teams.heard import Heard
from adapters.teams.place import Place
from adapters.teams.stage import Stage
from dialogs import compose
from dialogs.community import FLOW
from dialogs.presses import BEGINS, event_of
from dialogs.session import ConfirmPost, Event, Notify, Resume, Session, SetLanguage, Show, Start
from dialogs.understand import Company, read_company
from dialogs.views import Notice
from dialogs.words import languages, other_language, words


@dataclass(frozen=True, slots=True)
class Outcome:
    """What only the one who pressed gets to see: a card in the place of the one pressed, or a word.

    `shown`: the card everybody sees was edited too, so that a client which takes no answer misses nothing.
    """

    card: Json | None = None
    word: str = ""
    shown: bool = False


class Presses:
    """Handles every button of ours, whichever way it comes."""

    def __init__(self, advisor: Advisor, stage: Stage, channels: Channels) -> None:
        self._advisor = advisor
        self._stage = stage
        self._channels = channels

    async def press(self, heard: Heard) -> Outcome:
        """Do what a button says. Raises `Unavailable`, and what the connector raises."""
        action, text = heard.given("action"), heard.words
        match action:
            case "post":
                return await self._post(heard)
            case "language":
                return await self._language(heard)
            case "refresh":
                return await self._refresh(heard)
            case _ if action in BEGINS:
                return await self.begin(heard)
            case "quick":
                return await self._quick(heard)
            case "see_recommendation":
                return await self._see(heard)
            case "retry_post":
                taken = await self._advisor.post_again(heard.actor, heard.given("session") or "")
                return Outcome(word=text.text("notice.posting" if taken else "notice.gone"))
            case "help" if heard.given("session") is None:
                return Outcome(card=own.help_card(text))
            case "my_checks":
                return Outcome(card=own.checks(text, await self._advisor.checks(heard.actor)))
            case "forget_me" | "forget_confirm" | "close":
                return await self._forget(heard, action)
        event = _event(heard, action)
        if event is None:
            return Outcome(word=text.text("notice.unknown"))
        return await self._turn(heard, event)

    async def begin(self, heard: Heard, answers: Mapping[str, str] | None = None, *, quick: bool = False) -> Outcome:
        """Begin a new dialog, on a card of its own below."""
        place = heard.place.at(None)
        event = Start(heard.actor, session=new_session(), answers=answers or {}, quick=quick)
        turned = await self._advisor.turn(heard.turn(event, None, place))
        shown = [effect for effect in turned.effects if isinstance(effect, Show)]
        if turned.session and shown and not turned.repeated:
            await self._stage.place(turned.session, shown[-1].view, place)
        return Outcome(word=heard.words.text("teams.below"), shown=True)

    # --- Turns ---

    async def _turn(self, heard: Heard, event: Event) -> Outcome:
        turned = await self._advisor.turn(heard.turn(event, heard.given("session") or ""))
        return await self._settle(heard, turned)

    async def _settle(self, heard: Heard, turned: Turned) -> Outcome:
        """Show what a turn came to: first to everybody, then to the one who pressed."""
        session = turned.session
        mine = session is not None and (session.tenant, session.owner) == heard.actor[:2]
        views = [effect.view for effect in turned.effects if isinstance(effect, Show)]
        told = [effect.view for effect in turned.effects if isinstance(effect, Notify)]
        if session is None or not mine or not views:
            if turned.repeated or not told:
                return self._present(heard, session if mine else None)
            view = told[-1]
            if isinstance(view, Notice) and not view.buttons:
                return Outcome(word=view.text)
            return Outcome(card=cards.draw(view, session if mine else None, shared=False))
        standing = Place.from_json(turned.card)
        noted = standing is not None and standing.activity is not None
        if standing is None or not noted:
            standing = heard.place  # its sending was never confirmed, and here it is
        await self._stage.edit_soon(session, views[-1], standing, noted=noted)
        card = cards.draw(views[-1], session, shared=heard.place.shared)
        notes = [view.text for view in told if isinstance(view, Notice)]
        return Outcome(cards.with_note(card, *notes), shown=not notes and standing == heard.place)

    def _present(self, heard: Heard, session: Session | None) -> Outcome:
        """Answer a delivery that was heard before with what it came to."""
        if session is None:
            return Outcome(word=heard.words.text("teams.heard"))
        return Outcome(cards.draw(compose.current(FLOW, session), session, shared=heard.place.shared), shown=True)

    # --- Posting ---

    async def _post(self, heard: Heard) -> Outcome:
        where: Place | None = heard.place.root
        if not heard.place.shared:
            chosen = heard.given("channel")
            if chosen is None:
                found = await self._channels.choices(heard)
                ids = heard.given("session") or "", heard.revision
                return Outcome(card=own.channels(heard.words, found, *ids))
            where = await self._channels.find(heard, chosen)
        if where is None:
            return Outcome(word=heard.words.text("teams.held.not_member"))
        # Who presses in the very place that is posted to is there, and Teams has just told us their name.
        here = {"by": heard.name} if where.base == heard.place.base else {}
        place = json.dumps(where.to_json() | here, ensure_ascii=False)
        return await self._turn(heard, ConfirmPost(heard.actor, place, revision=heard.revision))

    # --- What is about a person, not about one dialog ---

    async def _language(self, heard: Heard) -> Outcome:
        session = heard.given("session")
        asked = heard.given("option")
        language = asked if asked in languages() else other_language(heard.actor.language)
        actor = heard.actor._replace(language=language)
        await self._advisor.choose_language(actor, language)
        if session:
            return await self._turn(heard, SetLanguage(actor, language, revision=heard.revision))
        return Outcome(card=own.help_card(words(language)))

    async def _refresh(self, heard: Heard) -> Outcome:
        """Show the owner their own view of a card that is kept private. Reads only: it comes with every look at it."""
        wanted = heard.given("session")
        for check in await self._advisor.checks(heard.actor, 100):
            if check.session.id == wanted:
                return Outcome(card=cards.draw(compose.current(FLOW, check.session), check.session))
        return Outcome(word=heard.words.text("notice.gone"))

    async def _see(self, heard: Heard) -> Outcome:
        """Open one of a person's checks again, on a card of its own where it then goes on."""
        session = heard.given("check") or heard.given("session") or ""
        turned = await self._advisor.turn(heard.turn(Resume(heard.actor), session))
        shown = [effect for effect in turned.effects if isinstance(effect, Show)]
        mine = turned.session and turned.session.owner == heard.actor.person
        if heard.place.shared or not (turned.session and shown and mine):
            return await self._settle(heard, turned)
        await self._stage.move(turned.session, shown[-1].view, Place.from_json(turned.card), heard.place)
        return Outcome(word=heard.words.text("teams.below"), shown=True)

    async def _quick(self, heard: Heard) -> Outcome:
        found = read_company(heard.given("option") or "", FLOW)
        if not isinstance(found, Company):
            return Outcome(word=heard.words.text("notice.unknown"))
        return await self.begin(heard, found.answers, quick=True)

    async def _forget(self, heard: Heard, action: str | None) -> Outcome:
        text = heard.words
        if action == "forget_me":
            return Outcome(card=own.forget(text, heard.actor.person))
        if heard.given("person") != heard.actor.person:
            return Outcome(word=text.text("notice.not_yours"))
        if action == "close":
            return Outcome(card=cards.draw(Notice("closed", text.text("teams.not_deleted"))))
        done = own.forgotten(text, await self._advisor.forget(heard.actor))
        return Outcome(card=cards.draw(Notice("forgotten", done)))


def _event(heard: Heard, action: str | None) -> Event | None:
    # The card's own choice of what to change comes in a field of its own.
    question = (heard.given("change") if action == "change" else None) or heard.given("question")
    return event_of(action or "", heard.actor, question, heard.given("option"), heard.revision)
