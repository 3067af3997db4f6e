"""What a listener works with: the application, the Web API, the gateway, and background tasks."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import replace

from adapters.ports import Application, CardRef, OutcomeUnknown, RetryLater, Turn, TurnResult, new_session_id
from adapters.shared.background import EXPECTED, BackgroundTasks
from adapters.shared.cache import TtlCache
from adapters.slack import cards
from adapters.slack.block_kit import Message
from adapters.slack.gateway import SlackGateway, is_public
from adapters.slack.installations import Installations
from adapters.slack.request import IncomingRequest, MalformedRequest, conversation_of, get_object, get_text
from adapters.slack.web_api import SlackError, WebApi, patiently
from dialogs.effects import Notify, Show
from dialogs.events import Event, Resume, Start
from dialogs.session import Actor, Status
from dialogs.text.notices import PassedCard
from dialogs.text.parse import Command, Parsed
from dialogs.translations import default_language, language_for_locale, translations
from dialogs.views import Card, DetailsCard, ReviewCard, View, with_note

LOCALE_TIMEOUT_SECONDS = 1.0
LOCALE_CACHE_SECONDS = 3600.0
DIRECT_CHANNEL_CACHE_SECONDS = 86400.0
MEMBERSHIP_CACHE_SECONDS = 60.0

log = logging.getLogger(__name__)


class Context:
    """The state that all listeners share."""

    def __init__(
        self, application: Application, api: WebApi, gateway: SlackGateway, installations: Installations
    ) -> None:
        self.application = application
        self.api = api
        self.gateway = gateway
        self.installations = installations
        self.tasks = BackgroundTasks(log, (*EXPECTED, MalformedRequest, SlackError))
        self._locales: TtlCache[tuple[str, str], str] = TtlCache(LOCALE_CACHE_SECONDS)
        self._last_languages: TtlCache[tuple[str, str], str] = TtlCache(LOCALE_CACHE_SECONDS)
        self._direct_channels: TtlCache[tuple[str, str], str] = TtlCache(DIRECT_CHANNEL_CACHE_SECONDS)
        self.late_memberships: TtlCache[tuple[str, str, str], bool] = TtlCache(MEMBERSHIP_CACHE_SECONDS)
        """Answers that came too late for the press that asked. The next press uses them."""

    # --- The person -----------------------------------------------------------------------------------------------

    async def actor(self, request: IncomingRequest, *, allow_cached: bool = False) -> Actor:
        """Return who acted, with the language they chose, else that of their Slack, else the default.

        `allow_cached`: the choice may be 60 seconds old. For presses on a dialog, which stores its language.
        """
        tenant, person = key = (request.installation.tenant, request.person)
        language = await self.application.get_language(tenant, person, allow_cached=allow_cached)
        language = language or self._locales.get(key) or await self._load_locale(request)
        self._last_languages.set(key, language)
        return Actor(tenant, person, language)

    def known_language(self, request: IncomingRequest) -> str | None:
        """Return the person's last known language without a query; None when it is not in memory."""
        return self._last_languages.get((request.tenant, request.person))

    async def set_language(self, actor: Actor, language: str) -> Actor:
        """Store the language that the actor chose. Return the actor with it."""
        await self.application.set_language(actor, language)
        return actor._replace(language=language)

    async def _load_locale(self, request: IncomingRequest) -> str:
        try:
            async with asyncio.timeout(LOCALE_TIMEOUT_SECONDS):
                response = await self.api.get(request.installation, "users.info", user=request.person, include_locale=1)
            locale = get_text(get_object(response, "user"), "locale")
        except (RetryLater, OutcomeUnknown, SlackError, TimeoutError, ValueError):
            locale = ""
        if not locale:
            return self.known_language(request) or default_language()  # and ask Slack again next time
        language = language_for_locale(locale) or default_language()
        self._locales.set((request.tenant, request.person), language)
        return language

    async def direct_channel(self, request: IncomingRequest, *, patient: bool = False) -> str:
        """Return the channel of direct messages with the person. Raises what `WebApi` raises.

        `patient`: ask again while Slack does not answer, which may take longer than a form can wait.
        """
        key = (request.tenant, request.person)
        channel = self._direct_channels.get(key)
        if channel is None:
            call = self.api.call_again if patient else self.api.call
            response = await call(request.installation, "conversations.open", users=request.person)
            channel = get_text(get_object(response, "channel"), "id")
            if not channel:
                raise OutcomeUnknown
            self._direct_channels.set(key, channel)
        return channel

    # --- Turns ----------------------------------------------------------------------------------------------------

    def turn(
        self, request: IncomingRequest, event: Event, session: str, card: CardRef | None = None
    ) -> Awaitable[TurnResult]:
        """Apply an event to a session. `card`: its new card, if it changes."""
        return self.application.turn(
            Turn(event, session, None, card, request.idempotency_key or None, request.occurred_at)
        )

    async def start(
        self,
        request: IncomingRequest,
        actor: Actor,
        card: CardRef,
        answers: Mapping[str, str] | None = None,
        *,
        quick: bool = False,
        id: str | None = None,
    ) -> TurnResult:
        """Start a dialog whose card is shown at `card`. `id`: of the session; if it exists, nothing is started."""
        event = Start(actor, id or new_session_id(), dict(answers or {}), quick)
        key = request.idempotency_key or None
        return await self.application.turn(
            Turn(event, event.session, conversation_of(card), card, key, request.occurred_at)
        )

    async def resume_or_start(self, request: IncomingRequest, actor: Actor, card: CardRef) -> TurnResult:
        """Show the running dialog of the card's conversation at `card`; start one if there is none."""
        running = await self.application.find_running(actor, conversation_of(card))
        if running is None:
            return await self.start(request, actor, card)
        return await self.turn(request, Resume(actor), running.id, card)

    def hide_details(self, result: TurnResult, card: CardRef) -> TurnResult:
        """Return the result with details as a private notice if all can read `card`. The card stays as it is.

        So are the answers of a check that is kept private.
        """
        if not is_public(card):
            return result
        is_kept = result.session is not None and result.session.status is Status.KEPT
        private = (DetailsCard, ReviewCard) if is_kept else DetailsCard
        effects = tuple(
            Notify(effect.view) if isinstance(effect, Show) and isinstance(effect.view, private) else effect
            for effect in result.effects
        )
        return replace(result, effects=effects)

    async def go_private(
        self, request: IncomingRequest, actor: Actor, session: str, idempotency_key: str | None = None
    ) -> TurnResult:
        """Move a dialog to where only its owner sees it. `show_in_private` shows it there."""
        card = {**request.private_reply_ref, "user": request.person}
        return await self.application.turn(Turn(Resume(actor), session, conversation_of(card), card, idempotency_key))

    async def show_in_private(self, request: IncomingRequest, actor: Actor, result: TurnResult) -> None:
        """Show a dialog that went private. Its card in the thread says so, without answers or a result."""
        await self.perform(request, result, actor.language)
        public = result.moved_from
        if public and "ts" in public and is_public(public) and result.session:
            id = "slack.kept" if result.session.status is Status.KEPT else "slack.went_private"
            text = translations(actor.language)(id)
            await self.gateway.collapse(request.installation, public, PassedCard(None, (), text), earlier=True)

    # --- Answers --------------------------------------------------------------------------------------------------

    async def perform(
        self, request: IncomingRequest, result: TurnResult, language: str, card: CardRef | None = None
    ) -> None:
        """Carry out the effects, in order. A card that cannot be shown now is shown later by the outbox.

        `card`: where to show the session; None: where its card is.
        """
        for effect in result.effects:
            match effect:
                case Notify(view):
                    await self.say(request, cards.notice(view, result.session, language), language)
                case Show(view) if result.session:
                    target = card or result.card or request.pressed_card
                    if result.session.status is Status.KEPT and is_public(target):
                        actor = Actor(result.session.tenant, result.session.owner, result.session.language)
                        moved = await self.go_private(request, actor, result.session.id)
                        await self.show_in_private(request, actor, _with_notes(moved, view))
                        continue
                    shown = await self.gateway.show(result.session, target, view, request.installation)
                    changed = shown if shown != result.card else None
                    await self.application.mark_shown(result.session.id, result.session.revision, changed)

    async def say(self, request: IncomingRequest, message: Message, language: str) -> None:
        """Send a message that only the person who acted sees. Logs failures."""
        try:
            await patiently(
                lambda: self.gateway.send_private(
                    request.installation, request.person, request.private_reply_ref, message, language
                )
            )
        except (RetryLater, OutcomeUnknown, SlackError) as error:
            log.info("private message not sent: %s", type(error).__name__)

    async def send(self, request: IncomingRequest, card: CardRef, message: Message, language: str) -> None:
        """Update the message at `card`, or send a new one there, again while Slack does not answer."""
        await patiently(
            lambda: self.gateway.update_or_send(request.installation, request.person, card, message, language)
        )

    async def reply(self, actor: Actor, parsed: Parsed) -> Message:
        """Return the answer to text or a button that is not about one dialog."""
        checks = await self.application.list_checks(actor) if parsed == Command("my_checks") else []
        return cards.reply(actor, parsed, checks)


def _with_notes(result: TurnResult, view: View) -> TurnResult:
    """Return the result with the notes of `view` on the card that it shows."""
    notes = view.note if isinstance(view, Card) else ()
    effects = tuple(
        Show(with_note(effect.view, *notes)) if isinstance(effect, Show) and isinstance(effect.view, Card) else effect
        for effect in result.effects
    )
    return replace(result, effects=effects)
