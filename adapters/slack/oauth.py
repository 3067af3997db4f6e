"""Installing by OAuth: to Slack's page and back, with a state that is bound to the browser and good for once."""

import hmac
import logging
import time
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from adapters.ports import Application, Json, OutcomeUnknown, RetryLater, TokenStore
from adapters.shared.pages import page
from adapters.slack.context import Context, short
from adapters.slack.installations import Installation, Installations
from adapters.slack.request import IncomingRequest, get_object, get_text
from adapters.slack.settings import OPTIONAL_SCOPES, SCOPES, SlackSettings
from adapters.slack.web_api import SlackError, call_method

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
        """Return the installation for a code. Raises `RetryLater`, `OutcomeUnknown` or `SlackError`."""
        return await self._access(code=code, redirect_uri=redirect)

    async def refresh(self, refresh_token: str) -> Json:
        """Return a new token for a refresh token. Raises `RetryLater`, `OutcomeUnknown` or `SlackError`."""
        return await self._access(grant_type="refresh_token", refresh_token=refresh_token)

    async def _access(self, **form: str) -> Json:
        return await call_method(self._session, self._url, "oauth.v2.access", data={**self._known, **form})


class InstallPages:
    """The two pages of an installation."""

    def __init__(
        self,
        settings: SlackSettings,
        oauth: OAuth,
        tokens: TokenStore,
        credentials: Installations,
        application: Application,
        context: Context,
    ) -> None:
        self._settings = settings
        self._oauth = oauth
        self._tokens = tokens
        self._credentials = credentials
        self._application = application
        self._context = context

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
        except (RetryLater, OutcomeUnknown, SlackError) as error:
            log.warning("an installation failed: %s", error)
            return page(request, "slack.page.install_failed", 400)
        installed = Installation.from_answer(answer, time.time())
        await self._credentials.save(installed)
        person = get_text(get_object(answer, "authed_user"), "id")
        if person and not await self._application.is_duplicate(f"welcome:{installed.tenant}:{person}"):
            self._context.later(self._welcome(installed.tenant, person))
        return page(request, "slack.page.installed", 200)

    async def _welcome(self, tenant: str, person: str) -> None:
        request = IncomingRequest({}, tenant, person, "")
        actor = await self._context.actor(request)
        message = short(actor, "slack.welcome", "start", "open_form", primary="start")
        await self._context.gateway.put(tenant, person, {}, message, actor.language)

    def _redirect(self, request: web.Request) -> str:
        return f"{(self._settings.public_url or str(request.url.origin())).rstrip('/')}/slack/oauth_redirect"
