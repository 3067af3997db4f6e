"""Our client of Microsoft's Bot Connector: what the SDK's does with blocking calls, no retries and 86 % of the CPU.

Every method raises what `ports.Courier` may raise, and nothing else: `PermanentFailure` when Teams will not,
`RetryLater` when it did
not and may be asked again, `OutcomeUnknown` when it may have done it. Only hosts on the list are ever called.
"""

import asyncio
import logging
import random
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import orjson
from yarl import URL

from adapters.ports import OutcomeUnknown, PermanentFailure, RetryLater
from adapters.teams.conversation import ConversationRef
from adapters.teams.credentials import Credentials
from adapters.teams.settings import LOOPBACK, TeamsSettings

AGAIN = frozenset({412, 429, 500, 502, 503, 504})
TRIES = 4
MAX_WAIT = 4.0
"""Seconds one call waits by itself before another try; beyond that the caller is told when."""
TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)
CARD_TYPE = "application/vnd.microsoft.card.adaptive"

_REASONS = {
    (403, "BotNotInConversationRoster"): "not_installed",
    (403, "ConversationBlockedByUser"): "blocked",
    (404, "MemberNotFoundInConversation"): "not_member",
}
_BY_STATUS = {401: "forbidden", 403: "forbidden", 404: "gone", 405: "gone", 413: "too_long"}

Json = dict[str, Any]
Activity = Mapping[str, object]

log = logging.getLogger(__name__)


class Connector:
    """One for the whole process."""

    def __init__(self, settings: TeamsSettings, session: aiohttp.ClientSession) -> None:
        self._hosts = settings.hosts
        self._session = session
        self.credentials = Credentials(settings, session)

    def trusts(self, service_url: str) -> bool:
        """Whether a service URL names a host we may call; https, but for the machine we run on."""
        try:
            url = urlsplit(service_url)
            host = (url.hostname or "").lower()
        except ValueError:
            return False
        secure = url.scheme == "https" or (url.scheme == "http" and host in LOOPBACK)
        known = any(host == one or (one[:2] == "*." and host.endswith(one[1:])) for one in self._hosts)
        return secure and known and not url.username and not url.query and not url.fragment

    # --- Activities ---

    async def send(self, place: ConversationRef, activity: Activity) -> str | None:
        """Send into a conversation; without the thread in a channel's id that is a new post. Return its id if told."""
        answer = await self._call("POST", place.service, _activities(place), activity)
        id = answer.get("id")
        return str(id) if id else None

    async def update(self, place: ConversationRef, activity: Activity) -> None:
        """Replace a message of ours."""
        await self._call("PUT", place.service, f"{_activities(place)}/{_part(place.activity or '')}", activity)

    async def delete(self, place: ConversationRef) -> None:
        """Delete a message of ours."""
        await self._call("DELETE", place.service, f"{_activities(place)}/{_part(place.activity or '')}")

    async def open_personal(self, place: ConversationRef, bot: str, person: str) -> ConversationRef:
        """Return the personal chat with a person met at `place`."""
        body = {
            "isGroup": False,
            "bot": {"id": bot},
            "members": [{"id": person}],
            "tenantId": place.tenant,
            "channelData": {"tenant": {"id": place.tenant}},
        }
        # Asked twice, it is the same chat: an answer that was lost does no harm.
        answer = await self._call("POST", place.service, "v3/conversations", body, harmless=True)
        return ConversationRef(place.service, str(answer.get("id")), "personal", place.tenant)

    # --- People and channels ---

    async def member(self, place: ConversationRef, person: str) -> Json:
        """Return a member of a conversation. `Refused("not_member")` for anybody else."""
        try:
            return await self._call("GET", place.service, f"{_conversation(place.base)}/members/{_part(person)}")
        except PermanentFailure as refused:
            raise PermanentFailure("not_member") if refused.reason == "refused" else refused from refused

    async def channels(self, service: str, team: str) -> list[tuple[str, str | None]]:
        """Return id and name of a team's channels; that of General is None."""
        answer = await self._call("GET", service, f"v3/teams/{_part(team)}/conversations")
        found = answer.get("conversations")
        listed = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
        return [(str(one["id"]), one.get("name") or None) for one in listed if one.get("id")]

    async def team_name(self, service: str, team: str) -> str:
        """Return the name of a team."""
        return str((await self._call("GET", service, f"v3/teams/{_part(team)}")).get("name") or "")

    # --- One request ---

    async def _call(
        self, method: str, service: str, path: str, body: Activity | None = None, *, harmless: bool = False
    ) -> Json:
        if not self.trusts(service):
            log.error("A service URL is not on the list of hosts: %.100r", service)
            raise PermanentFailure("forbidden")
        url = f"{service.rstrip('/')}/{path}"
        wait: float | None = None
        for attempt in range(TRIES):
            if attempt:
                # Full jitter on top of what was asked for: many that failed together must not come back together.
                await asyncio.sleep((wait or 0) + random.uniform(0.05, 0.3 * 2**attempt))  # noqa: S311
            again, wait, found = await self._once(method, url, body, harmless or method != "POST")
            if not again:
                return found
            if (wait or 0) > MAX_WAIT:
                break
        raise RetryLater(wait)

    async def _once(
        self, method: str, url: str, body: Activity | None, harmless: bool
    ) -> tuple[bool, float | None, Json]:
        """Return whether to try again, after how long at least, and what was answered."""
        token = await self.credentials.bearer()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            async with self._session.request(
                method, URL(url, encoded=True), json=body, headers=headers, timeout=TIMEOUT, allow_redirects=False
            ) as answer:
                if answer.status < 300:
                    return False, None, await _object(answer)
                if answer.status == 401 and token:
                    self.credentials.refused(token)
                    return True, None, {}
                if answer.status in AGAIN:
                    return True, _seconds(answer.headers.get("Retry-After")), {}
                raise _refused(answer.status, await _object(answer))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return True, None, {}  # never sent
        except (aiohttp.ClientError, TimeoutError) as error:
            if not harmless:
                raise OutcomeUnknown from error
            return True, None, {}


def message(card: Mapping[str, object]) -> Json:
    """Return the activity for a card: the card alone, since text beside it would be split off and lose its id."""
    return {"type": "message", "attachments": [{"contentType": CARD_TYPE, "content": card}]}


def _refused(status: int, body: Json) -> PermanentFailure:
    error = body.get("error")
    code = str(error.get("code", "")) if isinstance(error, dict) else ""
    reason = _REASONS.get((status, code)) or _BY_STATUS.get(status, "refused")
    log.warning("The connector answered %d %.60s", status, code)
    return PermanentFailure(reason)


def _seconds(retry_after: str | None) -> float | None:
    try:
        return min(max(float(retry_after or ""), 0.0), 3600.0)
    except ValueError:
        return None  # absent, or a date, which the connector does not send


async def _object(answer: aiohttp.ClientResponse) -> Json:
    try:
        found = orjson.loads(await answer.read())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _part(id: str) -> str:
    return quote(id, safe="")


def _conversation(id: str) -> str:
    return f"v3/conversations/{_part(id)}"


def _activities(place: ConversationRef) -> str:
    return f"{_conversation(place.conversation)}/activities"
