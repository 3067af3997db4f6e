"""The token we show to Microsoft's connector: one, kept, and renewed before it runs out, beside the requests."""

import asyncio
import logging
import os
import time

import aiohttp

from adapters.ports import RetryLater
from adapters.teams.settings import TeamsSettings

RESOURCE = "https://api.botframework.com"
RENEW_BEFORE = 300.0
TIMEOUT = aiohttp.ClientTimeout(total=10)
IMDS = "http://169.254.169.254/metadata/identity/oauth2/token"

log = logging.getLogger(__name__)


class Credentials:
    """`bearer` is called with every request and hardly ever waits."""

    def __init__(self, settings: TeamsSettings, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._session = session
        self._token = ""
        self._until = 0.0
        self._renewing: asyncio.Task[None] | None = None

    async def bearer(self) -> str | None:
        """Return the token, None when we have no identity. Raises `RetryLater` when none can be had now."""
        if not self._settings.app_id:
            return None
        left = self._until - time.monotonic()
        if left < RENEW_BEFORE and self._renewing is None:
            self._renewing = asyncio.create_task(self._renew())
        if left <= 0 and self._renewing is not None:
            # Shielded: many requests wait for this one, and one of them giving up must not end it.
            await asyncio.shield(self._renewing)
        if self._until <= time.monotonic():
            raise RetryLater(5)
        return self._token

    def refused(self, token: str | None) -> None:
        """The connector did not accept this token: get another."""
        if token == self._token:
            self._until = 0.0

    async def stop(self) -> None:
        if self._renewing:
            self._renewing.cancel()

    async def _renew(self) -> None:
        try:
            answer = await (self._managed() if self._settings.app_type == "UserAssignedMSI" else self._secret())
            life = float(answer["expires_in"])
            # No sooner than needed, however short a life the token has.
            self._token, self._until = str(answer["access_token"]), time.monotonic() + max(life - 30, life / 2)
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
            detail = error.status if isinstance(error, aiohttp.ClientResponseError) else repr(error)
            log.error("Microsoft gives us no token (%s): check the app id, its password and its tenant", detail)
        finally:
            self._renewing = None

    async def _secret(self) -> dict[str, str]:
        own = self._settings
        form = {
            "grant_type": "client_credentials",
            "client_id": own.app_id,
            "client_secret": own.app_password or "",
            "scope": f"{RESOURCE}/.default",
        }
        url = f"{own.login_url.rstrip('/')}/{own.tenant_id}/oauth2/v2.0/token"
        async with self._session.post(url, data=form, timeout=TIMEOUT, raise_for_status=True) as answer:
            return dict(await answer.json(content_type=None))

    async def _managed(self) -> dict[str, str]:
        """Ask the machine we run on: App Service says where in the environment, a plain one is asked at IMDS."""
        query = {"resource": RESOURCE, "client_id": self._settings.app_id}
        url, secret = os.environ.get("IDENTITY_ENDPOINT"), os.environ.get("IDENTITY_HEADER")
        if url and secret:
            query |= {"api-version": "2019-08-01"}
            headers = {"X-IDENTITY-HEADER": secret}
        else:
            url, headers = IMDS, {"Metadata": "true"}
            query |= {"api-version": "2018-02-01"}
        async with self._session.get(
            url, params=query, headers=headers, timeout=TIMEOUT, raise_for_status=True
        ) as answer:
            found = dict(await answer.json(content_type=None))
        if "expires_in" not in found:  # App Service says when, not how long
            found["expires_in"] = str(float(found["expires_on"]) - time.time())
        return found
