"""What the listeners share: a turn of the application, and then its effects drawn in Slack."""

import asyncio
import logging
import time
from collections.abc import Coroutine, Mapping
from typing import TypeVar

from adapters.ports import (
    Application,
    Json,
    OutcomeUnknown,
    RetryLater,
    ServiceUnavailable,
    Turn,
    TurnResult,
    new_session_id,
)
from adapters.slack import block_kit
from adapters.slack.button_value import ButtonContext
from adapters.slack.gateway import SlackGateway
from adapters.slack.request import IncomingRequest, MalformedRequest, conversation_of, get_object, get_text
from adapters.slack.web_api import SlackError, WebApi
from dialogs.effects import Notify, Show
from dialogs.events import Event, Resume, Start
from dialogs.session import Actor, Session
from dialogs.translations import DEFAULT_LANGUAGE, language_for_locale, translations
from dialogs.views import Button, Notice, View

TIMEOUT = 1.0
"""Seconds to wait for something that is only nice to have before an answer: the rest belongs to the turn."""
LOCALE_LIFE = 3600.0
CACHE_SECONDS = 60.0
MAX_KEPT = 10_000
Who = tuple[str, str]
"""Tenant and person."""
T = TypeVar("T")

log = logging.getLogger(__name__)


class Context:
    """The application on one side, Slack on the other."""

    def __init__(self, application: Application, api: WebApi, gateway: SlackGateway) -> None:
        self.application = application
        self.api = api
        self.gateway = gateway
        self.tasks: set[asyncio.Task[object]] = set()
        self._locales: dict[Who, tuple[float, str]] = {}
        self._spoken: dict[Who, tuple[float, str]] = {}
        self._direct: dict[Who, str] = {}

    # --- Who --------------------------------------------------------------------------------------

    async def actor(self, request: IncomingRequest, *, lately: bool = False) -> Actor:
        """Return who did it, and the language they read: the one they chose, else their Slack's, else French.

        `lately`: what was known a minute ago will do. A dialog has its own language; this is for words beside it.
        """
        who = (request.tenant, request.person)
        until, language = self._spoken.get(who, (0.0, ""))
        if not lately or time.monotonic() > until:
            language = await self.application.get_language(*who) or await self._locale(*who)
            _keep(self._spoken, who, (time.monotonic() + CACHE_SECONDS, language))
        return Actor(*who, language)

    def spoken(self, request: IncomingRequest) -> str:
        """Return the language that this person was last known to read; empty where that is not in memory."""
        who = (request.tenant, request.person)
        return self._spoken.get(who, (0.0, ""))[1] or self._locales.get(who, (0.0, ""))[1]

    async def choose(self, actor: Actor, language: str) -> Actor:
        """Remember a choice of language; return the actor with it."""
        self._spoken.pop((actor.tenant, actor.person), None)
        await self.application.set_language(actor, language)
        return actor._replace(language=language)

    async def _locale(self, tenant: str, person: str) -> str:
        until, language = self._locales.get((tenant, person), (0.0, DEFAULT_LANGUAGE))
        if time.monotonic() < until:
            return language
        try:
            async with asyncio.timeout(TIMEOUT):
                user = get_object(await self.api.get(tenant, "users.info", user=person, include_locale=1), "user")
        except (RetryLater, OutcomeUnknown, SlackError, TimeoutError, ValueError):
            return language  # not known this time
        language = language_for_locale(get_text(user, "locale")) or DEFAULT_LANGUAGE
        _keep(self._locales, (tenant, person), (time.monotonic() + LOCALE_LIFE, language))
        return language

    async def direct(self, tenant: str, person: str) -> str:
        """Return the direct conversation with a person. Raises what `WebApi` raises."""
        if (tenant, person) not in self._direct:
            opened = await self.api.call(tenant, "conversations.open", users=person)
            _keep(self._direct, (tenant, person), get_text(get_object(opened, "channel"), "id"))
        return self._direct[tenant, person]

    # --- Turns ------------------------------------------------------------------------------------

    async def turn(self, request: IncomingRequest, event: Event, session: str, card: Json | None = None) -> TurnResult:
        """Let something happen to a dialog; it is saved when this returns. Raises `ServiceUnavailable`."""
        return await self.application.turn(
            Turn(event, session, None, card, request.idempotency_key or None, request.occurred_at)
        )

    async def start(
        self,
        request: IncomingRequest,
        actor: Actor,
        card: Json,
        answers: Mapping[str, str] | None = None,
        *,
        quick: bool = False,
        id: str | None = None,
    ) -> TurnResult:
        """Begin a new dialog, to be shown at `card`; under that id, if nobody has."""
        event = Start(actor, id or new_session_id(), dict(answers or {}), quick)
        place, once = conversation_of(card), request.idempotency_key or None
        return await self.application.turn(Turn(event, event.session, place, card, once, request.occurred_at))

    async def go_on(self, request: IncomingRequest, actor: Actor, card: Json) -> TurnResult:
        """Show the running dialog of that place at `card`; begin one where there is none."""
        running = await self.application.find_running(actor, conversation_of(card))
        if running is None:
            return await self.start(request, actor, card)
        return await self.turn(request, Resume(actor), running.id, card)

    # --- Effects ----------------------------------------------------------------------------------

    def later(self, work: Coroutine[object, object, object]) -> None:
        """Do it after the answer, and before the process ends."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[object]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            level = (
                logging.INFO
                if isinstance(error, MalformedRequest | RetryLater | OutcomeUnknown | SlackError | ServiceUnavailable)
                else logging.ERROR
            )
            # What an unexpected error says may quote a person: the log has its kind and where it came from.
            unexpected = level == logging.ERROR
            said = "" if unexpected else str(error)
            log.log(level, "Slack: %s %s", type(error).__name__, said, exc_info=error if unexpected else None)

    async def perform(
        self, request: IncomingRequest, result: TurnResult, language: str, card: Json | None = None
    ) -> None:
        """Do the effects, in order. What cannot be drawn now, the application has drawn later."""
        for effect in result.effects:
            match effect:
                case Notify(view):
                    await self.say(request, notice(view, result.session, language), language)
                case Show(view) if result.session:
                    where = card or result.card or request.here
                    where = await self.gateway.draw(result.session, where, view)
                    moved = where if where != result.card else None
                    await self.application.mark_shown(result.session.id, result.session.revision, moved)

    async def say(self, request: IncomingRequest, message: block_kit.Message, language: str) -> None:
        """Send a message to the person who acted, and to nobody else."""
        try:
            await self.gateway.whisper(request.tenant, request.person, request.aside, message, language)
        except (RetryLater, OutcomeUnknown, SlackError) as error:
            log.info("a private word was lost: %s", type(error).__name__)


def _keep(known: dict[Who, T], who: Who, value: T) -> None:
    if len(known) >= MAX_KEPT:
        known.clear()
    known[who] = value


def notice(view: View, session: Session | None, language: str) -> block_kit.Message:
    """Return something that only the person who acted sees."""
    button_context = ButtonContext("notice", session.id, session.revision) if session else ButtonContext("notice")
    return block_kit.message(view, button_context, translations(language))


def short(actor: Actor, id: str, *labels: str, primary: str | None = None) -> block_kit.Message:
    """Return the short word `id` in the actor's language, with buttons."""
    get_text = translations(actor.language)
    buttons = tuple(Button(label, get_text(f"label.{label}"), primary=label == primary) for label in labels)
    return block_kit.message(Notice(id, get_text(id), buttons), ButtonContext("notice"), get_text)
