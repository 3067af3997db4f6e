"""Slack's Web API and response URLs: one session, one deadline, and errors that say what may be done about them."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson
from slack_sdk.web.async_client import AsyncWebClient

from adapters.ports import Json, OutcomeUnknown, RetryLater
from adapters.slack.installations import Installations, NotInstalled

DEADLINE = 10.0
"""Seconds for one call."""
TIMEOUT = aiohttp.ClientTimeout(total=DEADLINE)
DEAD_TOKEN = frozenset(
    {"account_inactive", "invalid_auth", "not_authed", "token_revoked", "token_expired", "org_login_required"}
)
UNCERTAIN = frozenset({"fatal_error", "internal_error"})
"""Slack: "some aspect of the operation may have succeeded"."""
PASSING = frozenset({"ratelimited", "rate_limited", "service_unavailable", "request_timeout", "team_added_to_org"})

log = logging.getLogger(__name__)
_quiet = logging.getLogger(f"{__name__}.sdk")
_quiet.setLevel(logging.ERROR)  # the SDK would write messages and answers to its log


class SlackError(Exception):
    """Slack said no. `error` is Slack's name for why."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class WebApi:
    """Calls in the name of a tenant. Every call raises `RetryLater`, `OutcomeUnknown` or `SlackError`, and nothing
    else.
    """

    def __init__(self, url: str, session: aiohttp.ClientSession, credentials: Installations) -> None:
        self._url = url
        self._session = session
        self._credentials = credentials

    async def call(self, tenant: str, method: str, **arguments: object) -> Json:
        """Call a method that takes JSON."""
        return await self._call("POST", tenant, method, json=_given(arguments))

    async def get(self, tenant: str, method: str, **arguments: object) -> Json:
        """Call a method that reads, and takes a query."""
        return await self._call("GET", tenant, method, params=_given(arguments))

    async def bot(self, tenant: str) -> str:
        """Return the bot's user id, empty where there is no bot."""
        try:
            return (await self._credentials.find([tenant])).bot
        except (RetryLater, NotInstalled):
            return ""

    async def respond(self, url: str, message: Json) -> bool:
        """Send to a response URL; False once it is used up or too old."""
        try:
            async with asyncio.timeout(DEADLINE), self._session.post(url, json=message) as answer:
                if answer.status == 429 or answer.status >= 500:
                    raise RetryLater(_seconds(answer.headers))
                if answer.status != 200:
                    log.info("a response URL answered %s", answer.status)
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise RetryLater from error

    async def _call(self, verb: str, tenant: str, method: str, **how: Any) -> Json:
        try:
            token = await self._credentials.token(tenant)
        except NotInstalled:
            raise SlackError("account_inactive") from None
        try:
            return await call_method(self._session, self._url, method, verb, token, **how)
        except SlackError as refusal:
            if refusal.error in DEAD_TOKEN:
                self._credentials.doubt(tenant)
            raise


def new_client(url: str, session: aiohttp.ClientSession) -> AsyncWebClient:
    """Return a client without a token. It retries nothing: what is worth retrying is a row, and waits its turn."""
    return AsyncWebClient(base_url=url, session=session, retry_handlers=[], logger=_quiet)


async def call_method(
    session: aiohttp.ClientSession, url: str, method: str, verb: str = "POST", token: str | None = None, **how: Any
) -> Json:
    """Call a method by hand, the SDK's own way taking twice as long. Raises `RetryLater`, `OutcomeUnknown` or
    `SlackError`.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        async with session.request(verb, url + method, headers=headers, timeout=TIMEOUT, **how) as answer:
            data = _object(await answer.read())
            if answer.status == 200 and data.get("ok") is True:
                return data
            raise _why(method, answer.status, answer.headers, data)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise RetryLater from error
    except (TimeoutError, aiohttp.ClientError) as error:
        raise OutcomeUnknown from error


def _object(raw: bytes) -> Json:
    try:
        data = orjson.loads(raw)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _why(method: str, status: int, headers: Mapping[str, str], answer: Json) -> Exception:
    error = str(answer.get("error", ""))
    if status == 429 or error in PASSING:
        return RetryLater(_seconds(headers))
    if status >= 500 and error not in UNCERTAIN:
        return RetryLater(may_have_been_sent=True)
    if error in UNCERTAIN or not error:
        return OutcomeUnknown()  # it was done, or not: what came back says neither
    if error == "missing_scope" and method != "conversations.history":  # that one is optional
        log.error("Slack: %s needs the scope %s; add it to the app and install it again", method, answer.get("needed"))
    elif error not in DEAD_TOKEN:
        log.info("Slack refused %s: %s %s", method, error, answer.get("response_metadata", ""))
    return SlackError(error)


def _given(arguments: Mapping[str, object]) -> dict[str, object]:
    return {name: each for name, each in arguments.items() if each is not None}


def _seconds(headers: Mapping[str, str]) -> float | None:
    try:
        return float(headers.get("Retry-After", ""))
    except ValueError:
        return None
