"""The interfaces between the application and the adapters, independent of any platform.

A tenant is named ``platform:id`` (``slack:T0123``, ``teams:<tenant id>``), so that tenants of two platforms never
collide. A person is the platform's user id within a tenant.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from dialogs.effects import Effect
from dialogs.events import Event
from dialogs.session import Actor, Session
from dialogs.views import Announcement, View

Json = Mapping[str, object]

CardRef = Json
"""Where a card or a post is shown, as a small JSON object. The application stores it; only the adapter reads it."""

ConversationRef = str
"""A channel, thread or direct conversation, in the adapter's own format. The application only compares it."""


def new_session_id() -> str:
    """Return a new session id: the current second in hexadecimal, then 72 random bits.

    Ids are in the order of time, so that recent sessions are close together in every index.
    """
    return f"{int(time.time()):08x}{secrets.token_urlsafe(9)}"


def form_session_id(actor: Actor, form: str) -> str:
    """Return the session id for a submitted form. The same form of the same person always has the same id."""
    return hashlib.sha256("\x00".join((actor.tenant, actor.person, form)).encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Turn:
    """One event and where it came from.

    `session`: the id of the session; None: the actor's running session in `conversation`. A `Start` event creates its
    own session, with `conversation` and `card`; if that id exists, the turn is a duplicate.
    `conversation`: also tells a dialog in a thread from one in a direct conversation.
    `card`: the new card; None: the card stays the same.
    `idempotency_key`: the platform's id of the event; a second turn with the same key changes nothing.
    `occurred_at`: when the event occurred, by the platform's clock; None when unknown. Typed text that is older than
    the latest change of the session changes nothing.
    """

    event: Event
    session: str | None = None
    conversation: ConversationRef | None = None
    card: CardRef | None = None
    idempotency_key: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TurnResult:
    """The result of a turn, already committed.

    `card`: where to show the session; None: it has not been shown yet.
    `effects`: `Show` and `Notify`, which the adapter carries out at once. The others are in the outbox.
    `duplicate`: the event was processed before; there is nothing to do. `moved_from`: where the card was, if the turn
    gave it another place.
    """

    session: Session | None
    card: CardRef | None
    effects: tuple[Effect, ...]
    duplicate: bool = False
    moved_from: CardRef | None = None


@dataclass(frozen=True, slots=True)
class CheckSummary:
    """One entry in a person's list of checks. `post`: the published recommendation. `card`: the card of the dialog."""

    session: Session
    updated_at: datetime
    post: CardRef | None
    card: CardRef | None = None


class Decision(Enum):
    """What to do with an event, by the rate limits.

    `REJECT`: do not process it; tell the person that there were too many. `DROP`: do not process it and do not tell
    the person, who was told a moment ago. A synchronous response may repeat the notice.
    """

    ALLOW = "allow"
    REJECT = "reject"
    DROP = "drop"


class Application(Protocol):
    """What the application offers to the adapters. Every method may be called from many tasks at once.

    The only exception raised is `ServiceUnavailable`.
    """

    def check_rate_limit(self, tenant: str, person: str) -> Decision:
        """Count an event of a person. Call it after authentication and before any other work.

        Do not call it for events without a person (app installed, app removed): those must not get lost.
        """
        ...

    async def turn(self, turn: Turn) -> TurnResult:
        """Load the session, apply the event, and store the session and its jobs in one transaction.

        A `Show` of anything but details is stored as well until `mark_shown` is called. If this process dies first, the
        outbox worker shows the card.
        """
        ...

    async def mark_shown(self, session: str, revision: int, card: CardRef | None = None) -> None:
        """Record that the card of this revision is shown. `card`: where; None: where it was."""
        ...

    async def find_running(self, actor: Actor, conversation: ConversationRef) -> Session | None:
        """Return the actor's latest running session in `conversation`."""
        ...

    async def is_duplicate(self, idempotency_key: str) -> bool:
        """Record the key of an event that is not a turn. Return True when it was recorded before."""
        ...

    async def list_checks(self, actor: Actor, limit: int = 10) -> list[CheckSummary]:
        """Return the actor's checks, latest first, without cancelled and expired ones."""
        ...

    async def get_language(self, tenant: str, person: str, *, allow_cached: bool = False) -> str | None:
        """Return the language this person chose; None when they did not choose one.

        `allow_cached`: the value may be 60 seconds old if it was changed on another replica.
        """
        ...

    async def set_language(self, actor: Actor, language: str) -> None:
        """Store the language that the actor chose."""
        ...

    async def forget_person(self, actor: Actor) -> int:
        """Delete all data of the actor. Return the number of deleted sessions."""
        ...

    async def mark_tenant_removed(self, tenant: str) -> None:
        """Record that a tenant uninstalled the app. Delete its jobs now and its other data after the retention time."""
        ...

    async def retry_post(self, actor: Actor, session: str) -> bool:
        """Try a held or dead post again. Return False when this session of the actor has none."""
        ...

    async def save_adapter_data(self, tenant: str, key: str, value: Json | None) -> None:
        """Store or replace the adapter's own data under `key`; None deletes it. Never store personal data here."""
        ...

    async def load_adapter_data(self, tenant: str, prefix: str, *, after: str = "") -> dict[str, Json]:
        """Return the adapter's data of a tenant by key, for keys that start with `prefix`.

        The first 200 entries; with `after`, the first ones whose key is greater.
        """
        ...


class TrackedRequest(Protocol):
    """An event while it is processed. `status`: the HTTP status of the response; 500 until it is set."""

    status: int


TrackRequest = Callable[[str], AbstractContextManager[TrackedRequest]]
"""Gives an event a request id, a trace and a duration metric under the given route name.

The server does this for HTTP requests; adapters use it for events that arrive another way (Socket Mode).
"""


class ServiceUnavailable(Exception):
    """The application cannot process the event now. The platform should deliver it again."""


class TokenStore(Protocol):
    """Credentials by tenant, encrypted at rest, and the single-use states of OAuth installations."""

    async def save(self, tenant: str, credentials: Json) -> None:
        """Store or replace the credentials of a tenant."""
        ...

    async def load(self, tenant: str) -> Json | None:
        """Return the credentials of a tenant; None when there are none or no key decrypts them."""
        ...

    async def delete(self, tenant: str) -> None:
        """Delete the credentials of a tenant."""
        ...

    async def issue_state(self) -> str:
        """Return a new OAuth state, valid for ten minutes."""
        ...

    async def consume_state(self, state: str) -> bool:
        """Return whether the state is valid. It cannot be used again."""
        ...


# --- What an adapter does for the application ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to send for a session.

    `destination`: for a post, the conversation that the person confirmed.
    `marker`: for a post, a unique name to find it again, where the platform supports that.
    `lease_held`: call it right before sending; when False, raise `RetryLater`, because another worker may be sending.
    """

    session: Session
    card: CardRef | None
    destination: ConversationRef | None = None
    marker: str = ""
    lease_held: Callable[[], bool] = lambda: True


class RetryLater(Exception):
    """The message was not sent, or sending it twice is harmless: try again.

    `retry_after`: seconds, if the platform gave them. `may_have_been_sent`: look for the message before sending again.
    """

    def __init__(self, retry_after: float | None = None, *, may_have_been_sent: bool = False) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after
        self.may_have_been_sent = may_have_been_sent


class OutcomeUnknown(Exception):
    """The response was lost: the message may have been sent. It is looked for before it is sent again."""


class PermanentFailure(Exception):
    """The platform refuses until a person acts. `reason`: the id of a text of the adapter."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Gateway(Protocol):
    """Sends messages to one platform. Methods raise only `RetryLater`, `OutcomeUnknown` and `PermanentFailure`."""

    def queue_name(self, outgoing: OutgoingMessage) -> str:
        """Return the name of the queue. Messages of one queue are sent in order, at the platform's pace."""
        ...

    async def post(self, outgoing: OutgoingMessage, announcement: Announcement) -> CardRef:
        """Post into `outgoing.destination`. Return the post; its URL is under ``link``."""
        ...

    async def find_post(self, outgoing: OutgoingMessage, since: datetime) -> CardRef | None:
        """Look for a post that was sent at `since` or later. Return None when it is not there.

        Raises `PermanentFailure` when the platform does not let us look, or the result is not certain.
        """
        ...

    async def edit_post(self, outgoing: OutgoingMessage, post: CardRef, announcement: Announcement) -> None:
        """Replace a post in place. Doing it twice is harmless."""
        ...

    async def delete_post(self, outgoing: OutgoingMessage, post: CardRef) -> None:
        """Delete a post. Does nothing when it is gone."""
        ...

    async def show_card(self, outgoing: OutgoingMessage, view: View) -> CardRef | None:
        """Update the session's card, or send it if it cannot be updated. Return where it is now."""
        ...

    async def report_failure(self, outgoing: OutgoingMessage, reason: str) -> None:
        """Tell the owner why the post is held, with a button to try again.

        `reason`: the one of `PermanentFailure`; ``lost`` after `OutcomeUnknown`; ``failed`` after the last attempt;
        ``not_edited`` and ``not_deleted`` for a post that could not be changed, without that button.
        """
        ...
