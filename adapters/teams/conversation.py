"""ConversationRef: where a message is or belongs. Stored as JSON, and read back without trust."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast
from urllib.parse import quote, urlsplit

KINDS = ("personal", "groupChat", "channel")
_THREAD = ";messageid="


@dataclass(frozen=True, slots=True)
class ConversationRef:
    """A conversation, and a message in it.

    `service`: the URL of its connector. `conversation`: its id; in a channel with the thread
    (``…;messageid=…``). `kind`: one of `KINDS`. `activity`: the id of the message; None if it was not sent yet.
    `only`: the one person who sees the message (a targeted message); None: everybody in the conversation does.
    """

    service: str
    conversation: str
    kind: str
    tenant: str
    activity: str | None = None
    only: str | None = None

    @property
    def base(self) -> str:
        """The conversation id without the thread."""
        return self.conversation.partition(_THREAD)[0]

    @property
    def shared(self) -> bool:
        """Whether more than one person reads here."""
        return self.kind != "personal" and self.only is None

    @property
    def key(self) -> str:
        """Tells dialogs apart: one for each thread, and one that only its owner sees for each channel or chat."""
        return self.conversation if self.only is None else f"{self.base};private"

    @property
    def root(self) -> "ConversationRef":
        """The conversation without thread and message: a message sent there is a new post."""
        return replace(self, conversation=self.base, activity=None, only=None)

    @property
    def link(self) -> str:
        """The URL of the message in Teams."""
        message = (self.activity or "").partition(";")[0]
        # The host of a service URL names the cloud: smba.infra.gov.teams.microsoft.us.
        _, _, cloud = (urlsplit(self.service).hostname or "").partition("smba.infra.")
        host = cloud if cloud.endswith(".microsoft.us") else "teams.microsoft.com"
        link = f"https://{host}/l/message/{quote(self.base, safe='')}/{quote(message, safe='')}"
        if self.kind == "channel":
            return f"{link}?tenantId={quote(self.tenant, safe='')}"
        return link + "?context=%7B%22contextType%22%3A%22chat%22%7D"

    def at(self, activity: str | None) -> "ConversationRef":
        """Return the reference of another message in this conversation."""
        return replace(self, activity=activity)

    def to_json(self) -> dict[str, object]:
        """Return what `from_json` reads."""
        stored: dict[str, object] = {
            "service": self.service,
            "conversation": self.conversation,
            "kind": self.kind,
            "tenant": self.tenant,
            "activity": self.activity,
        }
        return stored | ({"only": self.only} if self.only else {})

    @classmethod
    def from_json(cls, value: object) -> "ConversationRef | None":
        """Return the reference that `to_json` wrote; None for any other value."""
        if not isinstance(value, Mapping):
            return None
        texts = [value.get(key) for key in ("service", "conversation", "kind", "tenant")]
        activity, only = value.get("activity"), value.get("only")
        if not all(isinstance(text, str) for text in texts):
            return None
        if not isinstance(activity, str | None) or not isinstance(only, str | None):
            return None
        service, conversation, kind, tenant = cast(list[str], texts)
        if kind not in KINDS or not conversation:
            return None
        return cls(service, conversation, kind, tenant, activity, only)
