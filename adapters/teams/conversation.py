"""Our own conversation reference: where a message is, or belongs. Stored as JSON; read back as warily as a request."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast
from urllib.parse import quote

Kind = Literal["personal", "groupChat", "channel"]
KINDS = ("personal", "groupChat", "channel")
_THREAD = ";messageid="


@dataclass(frozen=True, slots=True)
class ConversationRef:
    """`conversation` names the thread in a channel (``…;messageid=…``). `activity`: the message; None: not sent yet."""

    service: str
    conversation: str
    kind: Kind
    tenant: str
    activity: str | None = None

    @property
    def base(self) -> str:
        """The channel, without the thread."""
        return self.conversation.partition(_THREAD)[0]

    @property
    def shared(self) -> bool:
        """Whether others read here too."""
        return self.kind != "personal"

    @property
    def root(self) -> "ConversationRef":
        """Where a post of its own goes."""
        return replace(self, conversation=self.base, activity=None)

    @property
    def link(self) -> str:
        """Where people find the message in Teams."""
        message = (self.activity or "").partition(";")[0]
        link = f"https://teams.microsoft.com/l/message/{quote(self.base, safe='')}/{quote(message, safe='')}"
        if self.kind == "channel":
            return f"{link}?tenantId={quote(self.tenant, safe='')}"
        return link + "?context=%7B%22contextType%22%3A%22chat%22%7D"

    def at(self, activity: str | None) -> "ConversationRef":
        return replace(self, activity=activity)

    def to_json(self) -> dict[str, object]:
        return {
            "service": self.service,
            "conversation": self.conversation,
            "kind": self.kind,
            "tenant": self.tenant,
            "activity": self.activity,
        }

    @classmethod
    def from_json(cls, stored: object) -> "ConversationRef | None":
        """Return what `to_json` wrote; None for anything else."""
        if not isinstance(stored, Mapping):
            return None
        texts = [stored.get(key) for key in ("service", "conversation", "kind", "tenant")]
        activity = stored.get("activity")
        if not all(isinstance(text, str) for text in texts) or not isinstance(activity, str | None):
            return None
        service, conversation, kind, tenant = cast(list[str], texts)
        if kind not in KINDS or not conversation:
            return None
        return cls(service, conversation, cast(Kind, kind), tenant, activity)
