"""The access token for Microsoft's connector. It is cached, and renewed in the background before it expires."""

import asyncio
import logging
import math
import os
import time

import aiohttp

from adapters.ports import RetryLater
from adapters.teams.settings import TeamsSettings

RENEW_BEFORE = 300.0
TIMEOUT = aiohttp.ClientTimeout(total=10)
IMDS = "http://169.254.169.254/metadata/identity/oauth2/token"

log = logging.getLogger(__name__)


class Credentials:
    """The token of the app. `fresh_until`: until then (by `time.monotonic`) `token` can be used without `bearer`."""

    def __init__(self, settings: TeamsSettings, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._session = session
        self.token: str | None = None
        self.fresh_until = -math.inf if settings.app_id else math.inf
        self._expires = 0.0
        self._renewing: asyncio.Task[None] | None = None

    async def bearer(self) -> str | None:
        """Return the token; None without an app id. Raises `RetryLater` if there is no token now."""
        if not self._settings.app_id:
            return None
        left = self._expires - time.monotonic()
        if left < RENEW_BEFORE and self._renewing is None:
            self._renewing = asyncio.create_task(self._renew())
        if left <= 0 and self._renewing is not None:
            # Shielded: when one of many waiting requests is cancelled, the others still need the token.
            await asyncio.shield(self._renewing)
        if self._expires <= time.monotonic():
            raise RetryLater(5)
        return self.token

    def reject(self, token: str) -> None:
        """Discard a token that the connector did not accept."""
        if token == self.token:
            self._expires = self.fresh_until = 0.0

    async def stop(self) -> None:
        """Cancel a renewal that is under way."""
        if self._renewing:
            self._renewing.cancel()

    async def _renew(self) -> None:
        try:
            managed = self._settings.app_type == "UserAssignedMSI"
            response = await (self._by_managed_identity() if managed else self._by_password())
            lifetime = float(response["expires_in"])
            self.token = str(response["access_token"])
            self._expires = time.monotonic() + max(lifetime - 30, lifetime / 2)
            self.fresh_until = self._expires - RENEW_BEFORE
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
            detail = error.status if isinstance(error, aiohttp.ClientResponseError) else repr(error)
            log.error("token request failed (%s): check the app id, its password and its tenant", detail)
        finally:
            self._renewing = None

    async def _by_password(self) -> dict[str, str]:
        settings = self._settings
        form = {
            "grant_type": "client_credentials",
            "client_id": settings.app_id,
            "client_secret": settings.app_password or "",
            "scope": f"{settings.resource}/.default",
        }
        url = f"{settings.login_url.rstrip('/')}/{settings.tenant_id}/oauth2/v2.0/token"
        async with self._session.post(url, data=form, timeout=TIMEOUT, raise_for_status=True) as response:
            return dict(await response.json(content_type=None))

    async def _by_managed_identity(self) -> dict[str, str]:
        """Ask the host: App Service has its address in the environment; on a virtual machine it is `IMDS`."""
        query = {"resource": self._settings.resource, "client_id": self._settings.app_id}
        url, secret = os.environ.get("IDENTITY_ENDPOINT"), os.environ.get("IDENTITY_HEADER")
        if url and secret:
            query |= {"api-version": "2019-08-01"}
            headers = {"X-IDENTITY-HEADER": secret}
        else:
            url, headers = IMDS, {"Metadata": "true"}
            query |= {"api-version": "2018-02-01"}
        async with self._session.get(
            url, params=query, headers=headers, timeout=TIMEOUT, raise_for_status=True
        ) as response:
            body = dict(await response.json(content_type=None))
        if "expires_in" not in body:  # App Service gives the time, not the duration
            body["expires_in"] = str(float(body["expires_on"]) - time.time())
        return body
