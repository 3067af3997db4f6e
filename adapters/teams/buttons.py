"""What a press on a card does. The session decides; this only says which event it was, and shows what came of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.ports import Application, TurnResult, new_session_id
from adapters.teams import cards, personal_cards
from adapters.teams.adaptive_cards import Json
from adapters.teams.card_sender import CardSender
from adapters.teams.channels import Channels
from adapters.teams.conversation import ConversationRef
from adapters.teams.request import IncomingRequest
from dialogs import presenter
from dialogs.actions import START_ACTIONS, event_for_action
from dialogs.community_flow import FLOW
from dialogs.effects import Notify, Show
from dialogs.events import ConfirmPost, Event, Resume, SetLanguage, Start
from dialogs.session import Session
from dialogs.text.parse import QuickCheck, parse_quick_check
from dialogs.translations import languages, next_language, translations
from dialogs.views import Notice


@dataclass(frozen=True, slots=True)
class ButtonResult:
    """What only the one who pressed gets to see: a card in the place of the one pressed, or a word.

    `shown`: the card everybody sees was edited too, so that a client which takes no answer misses nothing.
    """

    card: Json | None = None
    word: str = ""
    shown: bool = False


class Buttons:
    """Handles every button of ours, whichever way it comes."""

    def __init__(self, application: Application, sender: CardSender, channels: Channels) -> None:
        self._application = application
        self._sender = sender
        self._channels = channels

    async def press(self, request: IncomingRequest) -> ButtonResult:
        """Do what a button says. Raises `Unavailable`, and what the connector raises."""
        action, text = request.given("action"), request.t
        match action:
            case "post":
                return await self._post(request)
            case "language":
                return await self._language(request)
            case "refresh":
                return await self._refresh(request)
            case _ if action in START_ACTIONS:
                return await self.begin(request)
            case "quick":
                return await self._quick(request)
            case "see_recommendation":
                return await self._see(request)
            case "retry_post":
                taken = await self._application.retry_post(request.actor, request.given("session") or "")
                return ButtonResult(word=text("notice.posting" if taken else "notice.gone"))
            case "help" if request.given("session") is None:
                return ButtonResult(card=personal_cards.help_card(text))
            case "my_checks":
                return ButtonResult(
                    card=personal_cards.checks(text, await self._application.list_checks(request.actor))
                )
            case "forget_me" | "forget_confirm" | "close":
                return await self._forget(request, action)
        event = _event(request, action)
        if event is None:
            return ButtonResult(word=text("notice.unknown"))
        return await self._turn(request, event)

    async def begin(
        self, request: IncomingRequest, answers: Mapping[str, str] | None = None, *, quick: bool = False
    ) -> ButtonResult:
        """Begin a new dialog, on a card of its own below."""
        place = request.place.at(None)
        event = Start(request.actor, session=new_session_id(), answers=answers or {}, quick=quick)
        result = await self._application.turn(request.turn(event, None, place))
        shown = [effect for effect in result.effects if isinstance(effect, Show)]
        if result.session and shown and not result.duplicate:
            await self._sender.place(result.session, shown[-1].view, place)
        return ButtonResult(word=request.t("teams.below"), shown=True)

    # --- Turns ---

    async def _turn(self, request: IncomingRequest, event: Event) -> ButtonResult:
        result = await self._application.turn(request.turn(event, request.given("session") or ""))
        return await self._settle(request, result)

    async def _settle(self, request: IncomingRequest, result: TurnResult) -> ButtonResult:
        """Show what a turn came to: first to everybody, then to the one who pressed."""
        session = result.session
        mine = session is not None and (session.tenant, session.owner) == request.actor[:2]
        views = [effect.view for effect in result.effects if isinstance(effect, Show)]
        told = [effect.view for effect in result.effects if isinstance(effect, Notify)]
        if session is None or not mine or not views:
            if result.duplicate or not told:
                return self._present(request, session if mine else None)
            view = told[-1]
            if isinstance(view, Notice) and not view.buttons:
                return ButtonResult(word=view.text)
            return ButtonResult(card=cards.draw(view, session if mine else None, shared=False))
        standing = ConversationRef.from_json(result.card)
        noted = standing is not None and standing.activity is not None
        if standing is None or not noted:
            standing = request.place  # its sending was never confirmed, and here it is
        await self._sender.edit_soon(session, views[-1], standing, noted=noted)
        card = cards.draw(views[-1], session, shared=request.place.shared)
        notes = [view.text for view in told if isinstance(view, Notice)]
        return ButtonResult(cards.with_note(card, *notes), shown=not notes and standing == request.place)

    def _present(self, request: IncomingRequest, session: Session | None) -> ButtonResult:
        """Answer a delivery that was heard before with what it came to."""
        if session is None:
            return ButtonResult(word=request.t("teams.heard"))
        return ButtonResult(
            cards.draw(presenter.current(FLOW, session), session, shared=request.place.shared), shown=True
        )

    # --- Posting ---

    async def _post(self, request: IncomingRequest) -> ButtonResult:
        where: ConversationRef | None = request.place.root
        if not request.place.shared:
            chosen = request.given("channel")
            if chosen is None:
                found = await self._channels.choices(request)
                ids = request.given("session") or "", request.revision
                return ButtonResult(card=personal_cards.channels(request.t, found, *ids))
            where = await self._channels.find(request, chosen)
        if where is None:
            return ButtonResult(word=request.t("teams.held.not_member"))
        # Who presses in the very place that is posted to is there, and Teams has just told us their name.
        here = {"by": request.name} if where.base == request.place.base else {}
        place = json.dumps(where.to_json() | here, ensure_ascii=False)
        return await self._turn(request, ConfirmPost(request.actor, place, revision=request.revision))

    # --- What is about a person, not about one dialog ---

    async def _language(self, request: IncomingRequest) -> ButtonResult:
        session = request.given("session")
        asked = request.given("option")
        language = asked if asked in languages() else next_language(request.actor.language)
        actor = request.actor._replace(language=language)
        await self._application.set_language(actor, language)
        if session:
            return await self._turn(request, SetLanguage(actor, language, revision=request.revision))
        return ButtonResult(card=personal_cards.help_card(translations(language)))

    async def _refresh(self, request: IncomingRequest) -> ButtonResult:
        """Show the owner their own view of a card that is kept private. Reads only: it comes with every look at it."""
        wanted = request.given("session")
        for check in await self._application.list_checks(request.actor, 100):
            if check.session.id == wanted:
                return ButtonResult(card=cards.draw(presenter.current(FLOW, check.session), check.session))
        return ButtonResult(word=request.t("notice.gone"))

    async def _see(self, request: IncomingRequest) -> ButtonResult:
        """Open one of a person's checks again, on a card of its own where it then goes on."""
        session = request.given("check") or request.given("session") or ""
        result = await self._application.turn(request.turn(Resume(request.actor), session))
        shown = [effect for effect in result.effects if isinstance(effect, Show)]
        mine = result.session and result.session.owner == request.actor.person
        if request.place.shared or not (result.session and shown and mine):
            return await self._settle(request, result)
        await self._sender.move(result.session, shown[-1].view, ConversationRef.from_json(result.card), request.place)
        return ButtonResult(word=request.t("teams.below"), shown=True)

    async def _quick(self, request: IncomingRequest) -> ButtonResult:
        found = parse_quick_check(request.given("option") or "", FLOW)
        if not isinstance(found, QuickCheck):
            return ButtonResult(word=request.t("notice.unknown"))
        return await self.begin(request, found.answers, quick=True)

    async def _forget(self, request: IncomingRequest, action: str | None) -> ButtonResult:
        t = request.t
        if action == "forget_me":
            return ButtonResult(card=personal_cards.forget(t, request.actor.person))
        if request.given("person") != request.actor.person:
            return ButtonResult(word=t("notice.not_yours"))
        if action == "close":
            return ButtonResult(card=cards.draw(Notice("closed", t("teams.not_deleted"))))
        done = personal_cards.forgotten(t, await self._application.forget_person(request.actor))
        return ButtonResult(card=cards.draw(Notice("forgotten", done)))


def _event(request: IncomingRequest, action: str | None) -> Event | None:
    # The card's own choice of what to change comes in a field of its own.
    question = (request.given("change") if action == "change" else None) or request.given("question")
    return event_for_action(action or "", request.actor, question, request.given("option"), request.revision)
