"""What the application offers to every adapter, and what it needs from each. No vendor's word may enter here.

A tenant is named ``platform:id`` (``slack:T0123``, ``teams:<tenant id>``), so that no two platforms share one. A card
is the adapter's own note of where a dialog is shown (a small JSON object); a place is its own name for where typed
words belong (a thread, a direct conversation). The application stores both and reads neither.
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


def new_session_id() -> str:
    """Return an id for a dialog: 72 bits of chance, after the second in which it begins.

    In the order of time, so that the dialogs of today lie side by side in every index.
    """
    return f"{int(time.time()):08x}{secrets.token_urlsafe(9)}"


def form_session_id(actor: Actor, form: str) -> str:
    """Return the id of the dialog that a form begins: the same when it is sent twice, and only that person's."""
    return hashlib.sha256("\x00".join((actor.tenant, actor.person, form)).encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that happened to a dialog.

    `session`: the id the event is about. None: the running dialog of the actor at `place`; `place` alone tells a dialog
    in a thread from one in a direct conversation. A `Start` event is stored under its own id, with `place` and `card`;
    where that id is taken, it counts as repeated.
    `card`: where the card is shown from now on, None: where it was. `once`: the id under which the platform may deliver
    this event again; the second delivery changes nothing. `happened`: when it did, by the platform's clock, None where
    it does not say; words that are older than what the dialog has gone on by since change nothing.
    """

    event: Event
    session: str | None = None
    conversation: str | None = None
    card: Json | None = None
    idempotency_key: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TurnResult:
    """What a turn came to. The session is saved; of the effects the adapter does `Show` and `Notify`, at once.

    `Post` and `Schedule` are rows already and not in `effects`. `repeated`: this event was heard before, there is
    nothing to do. `card`: where to show; None for a dialog not shown yet.
    """

    session: Session | None
    card: Json | None
    effects: tuple[Effect, ...]
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class CheckSummary:
    """A dialog of one person, for a list of theirs."""

    session: Session
    updated_at: datetime
    posted: Json | None


class Decision(Enum):
    """What becomes of an event, before anything is done about it.

    `REFUSED`: the person is told, kindly, that it was too much. `IGNORED`: they were told a moment ago, and it is
    dropped without a call or a query; where an answer is due anyway it may say the same again.
    """

    ALLOW = "let in"
    REJECT = "refused"
    DROP = "ignored"


class Application(Protocol):
    """The application, as an adapter sees it. Every method is safe to call at once from many tasks.

    Raises only `ServiceUnavailable`, when the database cannot be had.
    """

    def check_rate_limit(self, tenant: str, person: str) -> Decision:
        """Count an event of a person. To be asked once who it is is sure, and before anything is done about it.

        Events that are nobody's (the app was installed, or removed) are not asked about: they must not get lost.
        """
        ...

    async def turn(self, turn: Turn) -> TurnResult:
        """Load, step, save, and write what must happen into the same transaction.

        Until `shown` is called for it, a `Show` is a row too: should this process die, another shows the card.
        """
        ...

    async def mark_shown(self, session: str, revision: int, card: Json | None = None) -> None:
        """Note that the card of this revision is drawn, and where (None: where it was)."""
        ...

    async def find_running(self, actor: Actor, place: str) -> Session | None:
        """Return the actor's running dialog at `place`, the latest."""
        ...

    async def is_duplicate(self, once: str) -> bool:
        """Note a delivery that is not a turn; True when it was heard before."""
        ...

    async def list_checks(self, actor: Actor, limit: int = 10) -> list[CheckSummary]:
        """Return the actor's dialogs, the latest first, cancelled and expired ones left out."""
        ...

    async def get_language(self, tenant: str, person: str, *, lately: bool = False) -> str | None:
        """Return the language this person chose, None when they never did. `lately`: as of a minute ago will do."""
        ...

    async def set_language(self, actor: Actor, language: str) -> None:
        """Remember a choice of language."""
        ...

    async def forget_person(self, actor: Actor) -> int:
        """Delete everything about the actor; return how many dialogs that were."""
        ...

    async def mark_tenant_removed(self, tenant: str) -> None:
        """Note that a tenant has left: its rows go when the retention says so, what was due is dropped."""
        ...

    async def retry_post(self, actor: Actor, session: str) -> bool:
        """Take up a post that was held back (`PermanentFailure`, `OutcomeUnknown`, or given up). False when the
        actor has none.
        """
        ...

    async def save_adapter_data(self, tenant: str, key: str, note: Json | None) -> None:
        """Store the adapter's own note under `key`, replacing what was there; None deletes it. Nothing personal."""
        ...

    async def load_adapter_data(self, tenant: str, prefix: str) -> dict[str, Json]:
        """Return the notes of a tenant whose key begins with `prefix`, by key. At most 200."""
        ...


class TrackedRequest(Protocol):
    """A delivery being answered. `status`: what it came to, as an HTTP status; 500 until somebody says."""

    status: int


TrackRequest = Callable[[str], AbstractContextManager[TrackedRequest]]
"""Gives a delivery an id in the log and in traces, and times it, under the name of the way it came by. Requests are
watched by the server; this is for what comes otherwise."""


class ServiceUnavailable(Exception):
    """The application cannot answer now; the platform should deliver the event again."""


class TokenStore(Protocol):
    """Credentials by tenant, encrypted at rest, and the single-use states of an installation under way."""

    async def save(self, tenant: str, credentials: Json) -> None:
        """Store, replacing what was there."""
        ...

    async def load(self, tenant: str) -> Json | None:
        """Return what was stored, None when there is nothing or its key is gone."""
        ...

    async def delete(self, tenant: str) -> None:
        """Delete at once."""
        ...

    async def issue_state(self) -> str:
        """Return a new state for an OAuth redirect, good for ten minutes."""
        ...

    async def consume_state(self, state: str) -> bool:
        """Return whether the state was issued, is in time and was not used; it is used now."""
        ...


# --- What an adapter does for the application ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """Something to deliver for a session. For a post, `where` is the one the person confirmed, and `mark` its own name,
    by which it can be found again where the platform lets us look; `ours` is asked right before it is sent: when that
    has taken too long, somebody else may be sending it (`RetryLater`).
    """

    session: Session
    card: Json | None
    destination: str | None = None
    marker: str = ""
    lease_held: Callable[[], bool] = lambda: True


class RetryLater(Exception):
    """Not now; try again, in `seconds` if the platform said so. The platform did not do it, or doing it twice is
    harmless. `doubt`: it says that it did not, but one had better look."""

    def __init__(self, retry_after: float | None = None, *, may_have_been_sent: bool = False) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after
        self.may_have_been_sent = may_have_been_sent


class OutcomeUnknown(Exception):
    """The answer was lost: it may have been done. Never tried again before somebody looked: we, or else a person."""


class PermanentFailure(Exception):
    """The platform will not, until somebody does something. `reason` is an id of the adapter's own words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Gateway(Protocol):
    """One platform's deliveries. Each method raises `RetryLater`, `OutcomeUnknown` or `PermanentFailure`, and
    nothing else.
    """

    def queue_name(self, outgoing: OutgoingMessage) -> str:
        """Return the name of the queue: what goes to the same place goes in order and at that platform's pace."""
        ...

    async def post(self, outgoing: OutgoingMessage, announcement: Announcement) -> Json:
        """Post into `delivery.where`; return the adapter's note of the post (its link among it, under ``link``)."""
        ...

    async def find_post(self, outgoing: OutgoingMessage, since: datetime) -> Json | None:
        """Look for a post whose answer was lost, sent at `since` or later. Return its note, None when it is not there.

        `PermanentFailure` where we cannot look, or cannot be sure.
        """
        ...

    async def show_card(self, outgoing: OutgoingMessage, view: View) -> Json | None:
        """Draw the card anew, editing it where it is, or sending it where it belongs. Return where it is now."""
        ...

    async def report_failure(self, outgoing: OutgoingMessage, reason: str) -> None:
        """Tell the owner why the post is held back, with a way to try again.

        `reason`: that of `PermanentFailure`; ``lost`` after `OutcomeUnknown`; ``failed`` when trying again was
        given up.
        """
        ...
