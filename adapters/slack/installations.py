"""Which installation an event belongs to, and its token: kept in memory for a moment, refreshed before it expires."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from adapters.ports import Json, OutcomeUnknown, RetryLater, TokenStore

FRESH = 30.0
"""Seconds a token is used without looking whether another process changed it."""
EARLY = 30 * 60.0
"""Seconds before its end at which a token is refreshed."""


class NotInstalled(Exception):
    """There is no installation, or no longer."""


@dataclass(frozen=True)
class Installation:
    """An installation. `expires`: seconds since 1970, None for a token that does not."""

    tenant: str
    token: str
    bot: str = ""
    refresh: str | None = None
    expires: float | None = None

    def __repr__(self) -> str:
        return f"Installed({self.tenant!r})"

    def to_json(self) -> Json:
        return {"token": self.token, "bot": self.bot, "refresh": self.refresh, "expires": self.expires}

    @classmethod
    def from_json(cls, tenant: str, stored: Json) -> "Installation":
        refresh, expires = stored.get("refresh"), stored.get("expires")
        return cls(
            tenant,
            str(stored.get("token", "")),
            str(stored.get("bot", "")),
            refresh if isinstance(refresh, str) else None,
            float(expires) if isinstance(expires, int | float) else None,
        )

    @classmethod
    def from_answer(cls, answer: Json, now: float) -> "Installation":
        """Read what ``oauth.v2.access`` answers, to a code as to a refresh token."""
        owner = answer.get("enterprise") if answer.get("is_enterprise_install") else answer.get("team")
        lasts, refresh = answer.get("expires_in"), answer.get("refresh_token")
        return cls(
            tenant_of(str(owner.get("id")) if isinstance(owner, dict) else ""),
            str(answer.get("access_token", "")),
            str(answer.get("bot_user_id", "")),
            str(refresh) if refresh else None,
            now + lasts if isinstance(lasts, int) else None,
        )


Refresh = Callable[[str], Awaitable[Json]]
"""A refresh token -> what ``oauth.v2.access`` answers. Raises when it is refused or not reached."""


class Installations:
    """The installations. With one bot token for all, `only` is that one, and nothing is stored."""

    def __init__(self, tokens: TokenStore, refresh: Refresh, only: Installation | None = None) -> None:
        self._tokens = tokens
        self._refresh = refresh
        self._only = only
        self._known: dict[str, tuple[float, Installation]] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def settle(self, tenant: str, bot: str) -> None:
        """Note whose the one bot token is, once Slack has said so."""
        if self._only:
            self._only = Installation(tenant, self._only.token, bot)

    async def find(self, candidates: Iterable[str]) -> Installation:
        """Return the first installation among the tenants. Raises `NotInstalled`; `RetryLater`: Slack cannot be
        asked.
        """
        for tenant in candidates:
            if self._only:
                return self._only if self._only.tenant else Installation(tenant, self._only.token)
            if found := await self._load(tenant):
                return await self._renewed(found)
        raise NotInstalled

    async def token(self, tenant: str) -> str:
        """Return a token that is good for a while. Raises `NotInstalled`."""
        return (await self.find([tenant])).token

    async def save(self, installed: Installation) -> None:
        """Store an installation."""
        await self._tokens.save(installed.tenant, installed.to_json())
        self._known[installed.tenant] = (time.monotonic() + FRESH, installed)

    async def delete(self, tenant: str) -> None:
        """Delete an installation at once."""
        self.doubt(tenant)
        await self._tokens.delete(tenant)

    def doubt(self, tenant: str) -> None:
        """Look the token up again next time."""
        self._known.pop(tenant, None)

    async def _load(self, tenant: str) -> Installation | None:
        until, known = self._known.get(tenant, (0.0, None))
        if known and time.monotonic() < until:
            return known
        stored = await self._tokens.load(tenant)
        if stored is None:
            self.doubt(tenant)
            return None
        found = Installation.from_json(tenant, stored)
        self._known[tenant] = (time.monotonic() + FRESH, found)
        return found

    async def _renewed(self, found: Installation) -> Installation:
        if not _ageing(found):
            return found
        async with self._locks[found.tenant]:
            self.doubt(found.tenant)
            now = await self._load(found.tenant)  # another task or process may have been first
            if now is None or not _ageing(now) or now.refresh is None:
                return now or found
            try:
                answer = await self._refresh(now.refresh)
            except Exception as error:
                self.doubt(found.tenant)
                again = await self._load(found.tenant)
                if again and again.refresh != now.refresh:
                    return again  # the other process won with the same refresh token
                if now.expires and now.expires > time.time():
                    return now
                if isinstance(error, RetryLater | OutcomeUnknown):
                    raise RetryLater from None  # Slack has not said no
                raise NotInstalled from None
            renewed = Installation.from_answer(answer, time.time())
            renewed = Installation(
                now.tenant, renewed.token, renewed.bot or now.bot, renewed.refresh or now.refresh, renewed.expires
            )
            await self.save(renewed)
            return renewed


def tenant_of(id: str) -> str:
    """Return the application's name for a workspace or an organisation."""
    return f"slack:{id}"


def _ageing(found: Installation) -> bool:
    return found.expires is not None and found.refresh is not None and found.expires - time.time() < EARLY
