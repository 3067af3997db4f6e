"""What the listeners share: a turn of the application, and then its effects drawn in Slack."""

import asyncio
import logging
import time
from collections.abc import Coroutine, Mapping
from typing import TypeVar

from adapters.ports import Advisor, Json, Later, Lost, Turn, Turned, Unavailable, new_session
from adapters.slack import blocks
from adapters.slack.api import Api, Refusal
from adapters.slack.deliver import SlackCourier
from adapters.slack.hearing import BadShape, Heard, part, place_of, text
from adapters.slack.press import Mark
from dialogs.session import Actor, Event, Notify, Resume, Session, Show, Start
from dialogs.views import Button, Notice, View
from dialogs.words import DEFAULT_LANGUAGE, nearest_language, words

PATIENCE = 1.0
"""Seconds to wait for something that is only nice to have before an answer: the rest belongs to the turn."""
LOCALE_LIFE = 3600.0
LATELY = 60.0
MOST_KEPT = 10_000
Who = tuple[str, str]
"""Tenant and person."""
T = TypeVar("T")

log = logging.getLogger(__name__)


class Desk:
    """The application on one side, Slack on the other."""

    def __init__(self, advisor: Advisor, api: Api, courier: SlackCourier) -> None:
        self.advisor = advisor
        self.api = api
        self.courier = courier
        self.tasks: set[asyncio.Task[object]] = set()
        self._locales: dict[Who, tuple[float, str]] = {}
        self._spoken: dict[Who, tuple[float, str]] = {}
        self._direct: dict[Who, str] = {}

    # --- Who --------------------------------------------------------------------------------------

    async def actor(self, heard: Heard, *, lately: bool = False) -> Actor:
        """Return who did it, and the language they read: the one they chose, else their Slack's, else French.

        `lately`: what was known a minute ago will do. A dialog has its own language; this is for words beside it.
        """
        who = (heard.tenant, heard.person)
        until, language = self._spoken.get(who, (0.0, ""))
        if not lately or time.monotonic() > until:
            language = await self.advisor.language(*who) or await self._locale(*who)
            _keep(self._spoken, who, (time.monotonic() + LATELY, language))
        return Actor(*who, language)

    def spoken(self, heard: Heard) -> str:
        """Return the language that this person was last known to read; empty where that is not in memory."""
        who = (heard.tenant, heard.person)
        return self._spoken.get(who, (0.0, ""))[1] or self._locales.get(who, (0.0, ""))[1]

    async def choose(self, actor: Actor, language: str) -> Actor:
        """Remember a choice of language; return the actor with it."""
        self._spoken.pop((actor.tenant, actor.person), None)
        await self.advisor.choose_language(actor, language)
        return actor._replace(language=language)

    async def _locale(self, tenant: str, person: str) -> str:
        until, language = self._locales.get((tenant, person), (0.0, DEFAULT_LANGUAGE))
        if time.monotonic() < until:
            return language
        try:
            async with asyncio.timeout(PATIENCE):
                user = part(await self.api.get(tenant, "users.info", user=person, include_locale=1), "user")
        except (Later, Lost, Refusal, TimeoutError, ValueError):
            return language  # not known this time
        language = nearest_language(text(user, "locale")) or DEFAULT_LANGUAGE
        _keep(self._locales, (tenant, person), (time.monotonic() + LOCALE_LIFE, language))
        return language

    async def direct(self, tenant: str, person: str) -> str:
        """Return the direct conversation with a person. Raises what `Api` raises."""
        if (tenant, person) not in self._direct:
            opened = await self.api.call(tenant, "conversations.open", users=person)
            _keep(self._direct, (tenant, person), text(part(opened, "channel"), "id"))
        return self._direct[tenant, person]

    # --- Turns ------------------------------------------------------------------------------------

    async def turn(self, heard: Heard, event: Event, session: str, card: Json | None = None) -> Turned:
        """Let something happen to a dialog; it is saved when this returns. Raises `Unavailable`."""
        return await self.advisor.turn(Turn(event, session, None, card, heard.once or None, heard.happened))

    async def start(
        self,
        heard: Heard,
        actor: Actor,
        card: Json,
        answers: Mapping[str, str] | None = None,
        *,
        quick: bool = False,
        id: str | None = None,
    ) -> Turned:
        """Begin a new dialog, to be shown at `card`; under that id, if nobody has."""
        event = Start(actor, id or new_session(), dict(answers or {}), quick)
        place, once = place_of(card), heard.once or None
        return await self.advisor.turn(Turn(event, event.session, place, card, once, heard.happened))

    async def go_on(self, heard: Heard, actor: Actor, card: Json) -> Turned:
        """Show the running dialog of that place at `card`; begin one where there is none."""
        running = await self.advisor.running(actor, place_of(card))
        if running is None:
            return await self.start(heard, actor, card)
        return await self.turn(heard, Resume(actor), running.id, card)

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
                logging.INFO if isinstance(error, BadShape | Later | Lost | Refusal | Unavailable) else logging.ERROR
            )
            # What an unexpected error says may quote a person: the log has its kind and where it came from.
            unexpected = level == logging.ERROR
            said = "" if unexpected else str(error)
            log.log(level, "Slack: %s %s", type(error).__name__, said, exc_info=error if unexpected else None)

    async def perform(self, heard: Heard, turned: Turned, language: str, card: Json | None = None) -> None:
        """Do the effects, in order. What cannot be drawn now, the application has drawn later."""
        for effect in turned.effects:
            match effect:
                case Notify(view):
                    await self.say(heard, notice(view, turned.session, language), language)
                case Show(view) if turned.session:
                    where = card or turned.card or heard.here
                    where = await self.courier.draw(turned.session, where, view)
                    moved = where if where != turned.card else None
                    await self.advisor.shown(turned.session.id, turned.session.revision, moved)

    async def say(self, heard: Heard, message: blocks.Message, language: str) -> None:
        """Send a message to the person who acted, and to nobody else."""
        try:
            await self.courier.whisper(heard.tenant, heard.person, heard.aside, message, language)
        except (Later, Lost, Refusal) as error:
            log.info("a private word was lost: %s", type(error).__name__)


def _keep(known: dict[Who, T], who: Who, value: T) -> None:
    if len(known) >= MOST_KEPT:
        known.clear()
    known[who] = value


def notice(view: View, session: Session | None, language: str) -> blocks.Message:
    """Return something that only the person who acted sees."""
    mark = Mark("notice", session.id, session.revision) if session else Mark("notice")
    return blocks.message(view, mark, words(language))


def short(actor: Actor, id: str, *labels: str, primary: str | None = None) -> blocks.Message:
    """Return the short word `id` in the actor's language, with buttons."""
    text = words(actor.language)
    buttons = tuple(Button(label, text.text(f"label.{label}"), primary=label == primary) for label in labels)
    return blocks.message(Notice(id, text.text(id), buttons), Mark("notice"), text)
