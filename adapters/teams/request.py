"""What happened, in our own words: an activity without Microsoft's types."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from adapters.ports import Turn
from adapters.teams.conversation import ConversationRef
from dialogs.events import Event
from dialogs.session import Actor
from dialogs.translations import Translations, translations


@dataclass(frozen=True, slots=True)
class IncomingRequest:
    """`place.activity`: the message pressed. `data`: what a press or a form carries, never to be trusted."""

    actor: Actor
    name: str
    place: ConversationRef
    bot: str
    idempotency_key: str
    said: str = ""
    occurred_at: datetime | None = None
    data: Mapping[str, object] = field(default_factory=dict)

    @property
    def t(self) -> Translations:
        """The words in the language of who did it."""
        return translations(self.actor.language)

    def given(self, key: str) -> str | None:
        """Return a text that a press carries, None where it carries none."""
        value = self.data.get(key)
        return value if isinstance(value, str) and len(value) <= 500 and value.isprintable() else None

    @property
    def revision(self) -> int:
        """The revision of the card pressed; one that never was, where the press names none."""
        value = self.data.get("revision")
        return value if isinstance(value, int) and not isinstance(value, bool) else -1

    def turn(self, event: Event, session: str | None, card: ConversationRef | None = None) -> Turn:
        """Return this as a turn of a dialog."""
        note = card.to_json() if card else None
        return Turn(event, session, self.place.conversation, note, self.idempotency_key, self.occurred_at)
