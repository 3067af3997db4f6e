"""Installing by OAuth: to Slack's page and back, with a state that is bound to the browser and good for once."""

import hmac
import logging
import time
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from adapters.pages import page
from adapters.ports import Advisor, Json, Later, Lost, Tokens
from adapters.slack.api import Refusal, send
from adapters.slack.credentials import Credentials, Installed
from adapters.slack.desk import Desk, short
from adapters.slack.hearing import Heard, part, text
from adapters.slack.settings import OPTIONAL_SCOPES, SCOPES, SlackSettings

COOKIE = "slack_install"
COOKIE_LIFE = 600

log = logging.getLogger(__name__)


class OAuth:
    """Calls of ``oauth.v2.access``."""

    def __init__(self, settings: SlackSettings, session: aiohttp.ClientSession) -> None:
        self._url = settings.api_url
        self._session = session
        self._known = {"client_id": settings.client_id, "client_secret": settings.client_secret}

    async def exchange(self, code: str, redirect: str) -> Json:
        """Return the installation for a code. Raises `Later`, `Lost` or `Refusal`."""
        return await self._access(code=code, redirect_uri=redirect)

    async def refresh(self, refresh_token: str) -> Json:
        """Return a new token for a refresh token. Raises `Later`, `Lost` or `Refusal`."""
        return await self._access(grant_type="refresh_token", refresh_token=refresh_token)

    async def _access(self, **form: str) -> Json:
        return await send(self._session, self._url, "oauth.v2.access", data={**self._known, **form})


class Install:
    """The two pages of an installation."""

    def __init__(
        self,
        settings: SlackSettings,
        oauth: OAuth,
        tokens: Tokens,
        credentials: Credentials,
        advisor: Advisor,
        desk: Desk,
    ) -> None:
        self._settings = settings
        self._oauth = oauth
        self._tokens = tokens
        self._credentials = credentials
        self._advisor = advisor
        self._desk = desk

    async def begin(self, request: web.Request) -> web.StreamResponse:
        """``GET /slack/install``: to Slack's page."""
        state = await self._tokens.issue_state()
        asks = {
            "client_id": self._settings.client_id or "",
            "scope": ",".join((*SCOPES, *OPTIONAL_SCOPES)),
            "redirect_uri": self._redirect(request),
            "state": state,
        }
        answer = web.Response(status=302, headers={"Location": f"{self._settings.authorize_url}?{urlencode(asks)}"})
        secure = self._redirect(request).startswith("https:")
        answer.set_cookie(
            COOKIE, state, max_age=COOKIE_LIFE, httponly=True, samesite="Lax", secure=secure, path="/slack"
        )
        return answer

    async def finish(self, request: web.Request) -> web.StreamResponse:
        """``GET /slack/oauth_redirect``: back from it."""
        answer = await self._finish(request)
        answer.del_cookie(COOKIE, path="/slack")
        return answer

    async def _finish(self, request: web.Request) -> web.Response:
        state, bound = request.query.get("state", ""), request.cookies.get(COOKIE, "")
        ours = bool(state) and hmac.compare_digest(state.encode(), bound.encode())
        if not ours or not await self._tokens.consume_state(state):
            return page(request, "slack.page.install_state", 400)
        code = request.query.get("code")
        if request.query.get("error") or not code:
            return page(request, "slack.page.install_refused", 400)
        try:
            answer = await self._oauth.exchange(code, self._redirect(request))
        except (Later, Lost, Refusal) as error:
            log.warning("an installation failed: %s", error)
            return page(request, "slack.page.install_failed", 400)
        installed = Installed.from_answer(answer, time.time())
        await self._credentials.save(installed)
        person = text(part(answer, "authed_user"), "id")
        if person and not await self._advisor.heard(f"welcome:{installed.tenant}:{person}"):
            self._desk.later(self._welcome(installed.tenant, person))
        return page(request, "slack.page.installed", 200)

    async def _welcome(self, tenant: str, person: str) -> None:
        heard = Heard({}, tenant, person, "")
        actor = await self._desk.actor(heard)
        message = short(actor, "slack.welcome", "start", "open_form", primary="start")
        await self._desk.courier.put(tenant, person, {}, message, actor.language)

    def _redirect(self, request: web.Request) -> str:
        return f"{(self._settings.public_url or str(request.url.origin())).rstrip('/')}/slack/oauth_redirect"
