"""Find the installation that a request belongs to, and refresh its token before it expires."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from adapters.ports import Json, RetryLater, ServiceUnavailable, TokenStore
from adapters.shared.cache import TtlCache

CACHE_SECONDS = 30.0
"""How long a token is used without looking whether another process changed it."""
REFRESH_BEFORE_SECONDS = 30 * 60.0
"""How long before it expires a token is refreshed."""
WAIT_SECONDS = 10.0
"""How long another process, which used a refresh token first, may take to store the new token."""
POLL_SECONDS = 0.2
GONE_ERRORS = frozenset({"invalid_refresh_token", "token_revoked", "token_expired", "account_inactive", "invalid_auth"})
"""Slack's answers that say that the app must be installed again."""
TENANT_PREFIX = "slack:"
REFRESH_FAILURE = "token_refresh"
"""Key of the adapter's data about a token that cannot be refreshed."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Installation:
    """An installation in a workspace or an organization.

    `tenant`: `TENANT_PREFIX` and its id. `bot`: the bot's user id. `refresh`: the refresh token. `expires`: seconds
    since 1970; None for a token that does not expire. `installed`: when the app was installed, in seconds since 1970; 0
    if it is not known.
    """

    tenant: str
    token: str
    bot: str = ""
    refresh: str | None = None
    expires: float | None = None
    installed: float = 0.0

    def __repr__(self) -> str:
        return f"Installation({self.tenant!r})"

    def to_json(self) -> Json:
        expiry = {"refresh": self.refresh, "expires": self.expires}
        return {"token": self.token, "bot": self.bot, **expiry, "installed": self.installed}

    @classmethod
    def from_json(cls, tenant: str, stored: Json) -> "Installation":
        refresh, expires, installed = (stored.get(key) for key in ("refresh", "expires", "installed"))
        return cls(
            tenant,
            str(stored.get("token", "")),
            str(stored.get("bot", "")),
            refresh if isinstance(refresh, str) else None,
            float(expires) if isinstance(expires, int | float) else None,
            float(installed) if isinstance(installed, int | float) else 0.0,
        )

    @classmethod
    def from_response(cls, response: Json, now: float) -> "Installation":
        """Read the response of ``oauth.v2.access``. `now`: seconds since 1970."""
        owner = response.get("enterprise") if response.get("is_enterprise_install") else response.get("team")
        expires_in, refresh = response.get("expires_in"), response.get("refresh_token")
        return cls(
            f"{TENANT_PREFIX}{owner.get('id') if isinstance(owner, dict) else ''}",
            str(response.get("access_token", "")),
            str(response.get("bot_user_id", "")),
            str(refresh) if refresh else None,
            now + expires_in if isinstance(expires_in, int) else None,
            now,
        )

    @property
    def expires_soon(self) -> bool:
        if self.expires is None or self.refresh is None:
            return False
        return self.expires - time.time() < REFRESH_BEFORE_SECONDS


Refresh = Callable[[str], Awaitable[Json]]
"""Takes a refresh token, returns the response of ``oauth.v2.access``. Raises when the call fails, or when the token is
refused: then the exception has Slack's code in `error`."""
Report = Callable[[str, str | None], Awaitable[None]]
"""Takes a tenant and why its token cannot be refreshed; None: it can."""


async def _ignore(_tenant: str, _error: str | None) -> None:
    pass


class Installations:
    """All installations, by tenant. With a bot token in the settings there is only `single`, and nothing is stored."""

    def __init__(
        self, tokens: TokenStore, refresh: Refresh, single: Installation | None = None, report: Report = _ignore
    ) -> None:
        self._tokens = tokens
        self._report = report
        self._failures: TtlCache[str, _Failure] = TtlCache(CACHE_SECONDS)
        self._refresh = refresh
        self._single = single
        self._cache: TtlCache[str, Installation] = TtlCache(CACHE_SECONDS)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def set_identity(self, tenant: str, bot: str) -> None:
        """Set the tenant and the bot user of the bot token in the settings, once Slack returned them."""
        if self._single:
            self._single = Installation(tenant, self._single.token, bot)

    async def find(self, tenants: Iterable[str]) -> Installation | None:
        """Return the first installation among `tenants`, with a token that is valid for a while.

        Raises `RetryLater` when a token must be refreshed and Slack does not respond.
        """
        for tenant in tenants:
            if self._single:
                return self._single if self._single.tenant else Installation(tenant, self._single.token)
            if installation := await self._load(tenant):
                return await self._refreshed(installation) if installation.expires_soon else installation
        return None

    async def save(self, installation: Installation) -> None:
        """Store an installation."""
        await self._tokens.save(installation.tenant, installation.to_json())
        self._cache.set(installation.tenant, installation)
        await self._report(installation.tenant, None)

    async def delete(self, tenant: str, before: float) -> bool:
        """Delete an installation. Return False if it was made later than the second `before` since 1970.

        Slack delivers an event for some minutes. The app may have been installed again meanwhile.
        """
        installation = await self._reload(tenant)
        if installation and installation.installed >= before + 1:
            return False
        self.drop_cached(tenant)
        await self._tokens.delete(tenant)
        return True

    def drop_cached(self, tenant: str) -> None:
        """Read the token from the database next time."""
        self._cache.delete(tenant)

    async def _load(self, tenant: str) -> Installation | None:
        if cached := self._cache.get(tenant):
            return cached
        stored = await self._tokens.load(tenant)
        if stored is None:
            self.drop_cached(tenant)
            return None
        installation = Installation.from_json(tenant, stored)
        self._cache.set(tenant, installation)
        return installation

    async def _reload(self, tenant: str) -> Installation | None:
        self.drop_cached(tenant)
        return await self._load(tenant)

    async def _refreshed(self, installation: Installation) -> Installation | None:
        tenant = installation.tenant
        async with self._locks[tenant]:
            current = await self._reload(tenant)  # another task or process may have refreshed it
            if current is None or not current.expires_soon or current.refresh is None:
                return current or installation
            failure = self._failures.get(current.refresh)
            if failure is None:
                try:
                    response = await self._refresh(current.refresh)
                except Exception as error:
                    failure = _Failure.of(error)
                    if failure.is_refusal:  # another try with this refresh token would be refused, too
                        self._failures.set(current.refresh, failure)
                else:
                    return await self._save_refreshed(current, response)
            return await self._refreshed_elsewhere(current, failure)

    async def _save_refreshed(self, current: Installation, response: Json) -> Installation:
        """Store the response to a refresh. It must not be lost: the old refresh token is used up."""
        new = Installation.from_response(response, time.time())
        new = replace(new, tenant=current.tenant, bot=new.bot or current.bot, refresh=new.refresh or current.refresh)
        new = replace(new, installed=current.installed)
        for seconds in (0.1, 0.5, 2, 5):
            try:
                await self.save(new)
                break
            except ServiceUnavailable:
                await asyncio.sleep(seconds)
        else:
            await self.save(new)
        return new

    async def _refreshed_elsewhere(self, current: Installation, failure: "_Failure") -> Installation | None:
        """Return the installation that another process refreshed, or the current one while it is valid.

        The process that used the refresh token first may still wait for Slack's response, so that the database is read
        again for some seconds. Raises `RetryLater`. Returns None if Slack says that the token is gone.
        """
        while True:
            latest = await self._reload(current.tenant)
            if latest and latest.refresh != current.refresh:
                return latest
            is_final = not failure.is_refusal or time.monotonic() >= failure.wait_until
            if is_final and not failure.reported:
                failure.reported = True
                log.error("the token of a workspace cannot be refreshed (%s)", failure.error)
                await self._report(current.tenant, failure.error)
            if current.expires and current.expires > time.time():
                return current
            if is_final:
                break
            await asyncio.sleep(POLL_SECONDS)
        if failure.error in GONE_ERRORS:
            return None
        raise RetryLater


@dataclass(slots=True)
class _Failure:
    """A failed refresh. `error`: Slack's code, or the class of the exception."""

    error: str
    is_refusal: bool
    wait_until: float
    reported: bool = False

    @classmethod
    def of(cls, error: Exception) -> "_Failure":
        code = getattr(error, "error", None)
        return cls(code or type(error).__name__, code is not None, time.monotonic() + WAIT_SECONDS)
