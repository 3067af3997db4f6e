"""Slack's Web API and response URLs, over one shared session, with errors that say what the caller may do."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from adapters.ports import Json, OutcomeUnknown, RetryLater
from adapters.shared.http_client import retry_after
from adapters.shared.json_codec import parse_object
from adapters.slack.installations import Installation, Installations

TIMEOUT_SECONDS = 10.0
"""For one call."""
TIMEOUT = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
INVALID_TOKEN_ERRORS = frozenset(
    {"account_inactive", "invalid_auth", "not_authed", "token_revoked", "token_expired", "org_login_required"}
)
UNCERTAIN_ERRORS = frozenset({"fatal_error", "internal_error"})
"""Slack: "some aspect of the operation may have succeeded"."""
TEMPORARY_ERRORS = frozenset(
    {"ratelimited", "rate_limited", "service_unavailable", "request_timeout", "team_added_to_org"}
)

PAUSES = (0.3, 1.0, 3.0)
"""Seconds before the next attempts of `patiently`."""

Workspace = str | Installation
"""Whose token a call uses: a tenant, or an installation that was already looked up."""

T = TypeVar("T")

log = logging.getLogger(__name__)
_sdk_log = logging.getLogger(f"{__name__}.sdk")
_sdk_log.setLevel(logging.ERROR)  # the SDK logs messages and responses


class SlackError(Exception):
    """Slack refused a call. `error`: Slack's code, such as ``channel_not_found``."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class WebApi:
    """Web API calls for a workspace. Every call raises `RetryLater`, `OutcomeUnknown` or `SlackError`."""

    def __init__(self, url: str, session: aiohttp.ClientSession, installations: Installations) -> None:
        self._url = url
        self._session = session
        self._installations = installations

    async def call(self, workspace: Workspace, method: str, **arguments: object) -> Json:
        """Call a method with JSON arguments."""
        given = {name: value for name, value in arguments.items() if value is not None}
        return await self._call("POST", workspace, method, json=given)

    async def get(self, workspace: Workspace, method: str, **arguments: object) -> Json:
        """Call a method with a query string."""
        given = {name: value for name, value in arguments.items() if value is not None}
        return await self._call("GET", workspace, method, params=given)

    async def call_again(self, workspace: Workspace, method: str, **arguments: object) -> Json:
        """Call a method for which a second call is harmless. Repeat it while Slack does not answer."""
        return await patiently(lambda: self.call(workspace, method, **arguments), (RetryLater, OutcomeUnknown))

    async def bot_user(self, tenant: str) -> str:
        """Return the bot's user id, empty when it is not known."""
        try:
            installation = await self._installations.find([tenant])
        except RetryLater:
            return ""
        return installation.bot if installation else ""

    async def respond(self, response_url: str, message: Json) -> bool:
        """Send to a response URL. Return False when it was used up or expired. Raises `RetryLater`."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS), self._session.post(response_url, json=message) as response:
                if response.status == 429 or response.status >= 500:
                    raise RetryLater(retry_after(response.headers))
                if response.status != 200:
                    log.info("response URL answered %s", response.status)
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise RetryLater from error

    async def _call(self, verb: str, workspace: Workspace, method: str, **options: Any) -> Json:
        installation = workspace if isinstance(workspace, Installation) else await self._installations.find([workspace])
        if installation is None:
            raise SlackError("account_inactive")
        try:
            return await call_method(self._session, self._url, method, verb, installation.token, **options)
        except SlackError as error:
            if error.error in INVALID_TOKEN_ERRORS:
                self._installations.drop_cached(installation.tenant)
            raise


async def patiently(
    call: Callable[[], Awaitable[T]], errors: tuple[type[RetryLater] | type[OutcomeUnknown], ...] = (RetryLater,)
) -> T:
    """Return the result of a call for which a second one is harmless. Repeat it after these errors."""
    for pause in PAUSES:
        try:
            return await call()
        except errors as error:
            wait = getattr(error, "retry_after", None) or 0
            if wait > PAUSES[-1]:
                raise
            await asyncio.sleep(max(pause, wait))
    return await call()


def new_client(url: str, session: aiohttp.ClientSession) -> AsyncWebClient:
    """Return an SDK client without a token and without retries. The outbox repeats what must not get lost."""
    client = AsyncWebClient(base_url=url, session=session, retry_handlers=[], logger=_sdk_log)
    client.proxy = None  # the session knows the proxy, and NO_PROXY, which the SDK ignores
    return client


async def call_method(
    session: aiohttp.ClientSession, url: str, method: str, verb: str = "POST", token: str | None = None, **options: Any
) -> Json:
    """Call a method. Raises `RetryLater`, `OutcomeUnknown` or `SlackError`.

    Not through the SDK, whose calls take twice as long.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        async with session.request(verb, url + method, headers=headers, timeout=TIMEOUT, **options) as response:
            data = parse_object(await response.read())
            if response.status == 200 and data.get("ok") is True:
                return data
            raise _error(method, response.status, response.headers, data)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise RetryLater from error
    except (TimeoutError, aiohttp.ClientError) as error:
        raise OutcomeUnknown from error


def _error(method: str, status: int, headers: Mapping[str, str], data: Json) -> Exception:
    error = str(data.get("error", ""))
    if status == 429 or error in TEMPORARY_ERRORS:
        return RetryLater(retry_after(headers))
    if status >= 500 and error not in UNCERTAIN_ERRORS:
        return RetryLater(may_have_been_sent=True)
    if error in UNCERTAIN_ERRORS or not error:
        return OutcomeUnknown()
    if error == "missing_scope" and method != "conversations.history":  # whose scopes are optional
        log.error("Slack: %s needs the scope %s; add it and install the app again", method, data.get("needed"))
    elif error not in INVALID_TOKEN_ERRORS:
        log.info("Slack refused %s: %s %s", method, error, data.get("response_metadata", ""))
    return SlackError(error)
