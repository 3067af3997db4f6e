"""Client of Microsoft's Bot Connector API.

Replaces the SDK's client, which makes blocking calls, has no retries and uses 86 % of the CPU time of a turn.
"""

import asyncio
import logging
import random
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
from yarl import URL

from adapters.ports import OutcomeUnknown, PermanentFailure, RetryLater
from adapters.shared.http_client import retry_after
from adapters.shared.json_codec import parse_object
from adapters.teams.adaptive_cards import attachment
from adapters.teams.conversation import ConversationRef
from adapters.teams.credentials import Credentials
from adapters.teams.settings import LOOPBACK, TeamsSettings

RETRY_STATUSES = frozenset({408, 412, 425, 429, 500, 502, 503, 504})
MAX_ATTEMPTS = 4
MAX_WAIT = 4.0
"""Seconds that a call waits before its next attempt. If Teams asks for more, the caller gets `RetryLater`."""
TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)

_REASONS = {
    (403, "BotNotInConversationRoster"): "not_installed",
    (403, "ConversationBlockedByUser"): "blocked",
    (403, "MessageWritesBlocked"): "blocked",
    (403, "BotDisabledByAdmin"): "disabled",
    (404, "MemberNotFoundInConversation"): "not_member",
}
_REASONS_BY_STATUS = {401: "forbidden", 403: "forbidden", 404: "gone", 405: "gone", 413: "too_long"}

Json = dict[str, Any]
Activity = Mapping[str, object]

log = logging.getLogger(__name__)


class Connector:
    """Calls the connector that a service URL names, if its host is allowed.

    Every method raises only `RetryLater`, `OutcomeUnknown` and `PermanentFailure`.
    """

    def __init__(self, settings: TeamsSettings, session: aiohttp.ClientSession) -> None:
        self._hosts = settings.hosts
        self._session = session
        self.credentials = Credentials(settings, session)
        self.trusts = lru_cache(maxsize=256)(self._trusts)
        """Return whether a service URL may be called: an allowed host, and https except on this machine."""

    def _trusts(self, service_url: str) -> bool:
        try:
            url = urlsplit(service_url)
            host = (url.hostname or "").lower()
        except ValueError:
            return False
        secure = url.scheme == "https" or (url.scheme == "http" and host in LOOPBACK)
        allowed = any(host == name or (name[:2] == "*." and host.endswith(name[1:])) for name in self._hosts)
        return secure and allowed and not url.username and not url.query and not url.fragment

    # --- Activities ---

    async def send(self, ref: ConversationRef, activity: Activity) -> str | None:
        """Send a message into a conversation. Return its id; None if Teams gives none.

        In a channel, a conversation id without a thread makes a new post. For a targeted message, the person has to be
        a member.
        """
        path = f"v3/conversations/{_quoted(ref.conversation)}/activities{_targeted(ref)}"
        if ref.only:
            activity = {**activity, "recipient": {"id": ref.only}}
        id = (await self._call("POST", ref.service, path, activity)).get("id")
        return str(id) if id else None

    async def update(self, ref: ConversationRef, activity: Activity) -> None:
        """Replace a message of the app."""
        path = f"v3/conversations/{_quoted(ref.conversation)}/activities/{_quoted(ref.activity or '')}{_targeted(ref)}"
        await self._call("PUT", ref.service, path, activity)

    async def delete(self, ref: ConversationRef) -> None:
        """Delete a message of the app."""
        path = f"v3/conversations/{_quoted(ref.conversation)}/activities/{_quoted(ref.activity or '')}{_targeted(ref)}"
        await self._call("DELETE", ref.service, path)

    async def open_personal(self, ref: ConversationRef, bot: str, person: str) -> ConversationRef:
        """Return the personal chat with a person of the conversation `ref`."""
        body = {
            "isGroup": False,
            "bot": {"id": bot},
            "members": [{"id": person}],
            "tenantId": ref.tenant,
            "channelData": {"tenant": {"id": ref.tenant}},
        }
        # A second call returns the same chat, so that it can be repeated after a lost response.
        response = await self._call("POST", ref.service, "v3/conversations", body, idempotent=True)
        return ConversationRef(ref.service, _text(response, "id"), "personal", ref.tenant)

    # --- Members and channels ---

    async def member(self, ref: ConversationRef, person: str) -> Json:
        """Return a member of a conversation. Raises `PermanentFailure("not_member")` for any other person."""
        path = f"v3/conversations/{_quoted(ref.base)}/members/{_quoted(person)}"
        try:
            member = await self._call("GET", ref.service, path)
        except PermanentFailure as failure:
            raise PermanentFailure("not_member") if failure.reason == "refused" else failure from failure
        _text(member, "id")
        return member

    async def channels(self, service: str, team: str) -> list[tuple[str, str | None, bool]]:
        """Return id, name, and whether it has members of its own, of a team's channels. The name of General is None."""
        items = (await self._call("GET", service, f"v3/teams/{_quoted(team)}/conversations")).get("conversations")
        if not isinstance(items, list):
            raise RetryLater
        channels = [item for item in items if isinstance(item, dict)]
        return [
            (str(channel["id"]), channel.get("name") or None, channel.get("type") in ("private", "shared"))
            for channel in channels
            if channel.get("id")
        ]

    async def team_name(self, service: str, team: str) -> str:
        """Return the name of a team."""
        return str((await self._call("GET", service, f"v3/teams/{_quoted(team)}")).get("name") or "")

    # --- Requests ---

    async def _call(
        self, method: str, service: str, path: str, body: Activity | None = None, *, idempotent: bool = False
    ) -> Json:
        """Send a request, with retries. Return the JSON object of the response."""
        if not self.trusts(service):
            log.error("service URL not allowed: %.100r", service)
            raise PermanentFailure("forbidden")
        url = URL(f"{service.rstrip('/')}/{path}", encoded=True)
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                return await self._attempt(method, url, body, idempotent or method != "POST")
            except RetryLater as failure:
                wait = failure.retry_after or 0
                if attempt == MAX_ATTEMPTS or wait > MAX_WAIT:
                    raise
            # Random, so that calls that failed together do not come back together.
            await asyncio.sleep(wait + random.uniform(0.05, 0.3 * 2**attempt))  # noqa: S311
        raise RetryLater

    async def _attempt(self, method: str, url: URL, body: Activity | None, idempotent: bool) -> Json:
        credentials = self.credentials
        token = credentials.token if time.monotonic() < credentials.fresh_until else await credentials.bearer()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            async with self._session.request(
                method, url, json=body, headers=headers, timeout=TIMEOUT, allow_redirects=False
            ) as response:
                if response.status < 300:
                    return parse_object(await response.read())
                if response.status == 401 and token:
                    credentials.reject(token)
                    raise RetryLater
                if response.status in RETRY_STATUSES:
                    raise RetryLater(retry_after(response.headers))
                raise _permanent_failure(response.status, parse_object(await response.read()))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise RetryLater from None  # the request was not sent
        except (aiohttp.ClientError, TimeoutError) as error:
            if not idempotent:
                raise OutcomeUnknown from error
            raise RetryLater from None


def card_message(card: Json) -> Json:
    """Return the activity of a card. It has no text: Teams would make two messages of them, without an id."""
    return {"type": "message", "attachments": [attachment(card)]}


def _text(response: Json, key: str) -> str:
    """Return what every answer of this kind has. Raises `RetryLater` without it: a proxy answered, not Teams."""
    value = response.get(key)
    if not isinstance(value, str) or not value:
        raise RetryLater
    return value


def _permanent_failure(status: int, body: Json) -> PermanentFailure:
    error = body.get("error")
    code = str(error.get("code", "")) if isinstance(error, dict) else ""
    log.warning("connector answered %d %.60s", status, code)
    return PermanentFailure(_REASONS.get((status, code)) or _REASONS_BY_STATUS.get(status, "refused"))


def _targeted(ref: ConversationRef) -> str:
    """Return the query of a message that only one person sees. An edit names no recipient."""
    return "?isTargetedActivity=true" if ref.only else ""


def _quoted(id: str) -> str:
    return quote(id, safe="")
