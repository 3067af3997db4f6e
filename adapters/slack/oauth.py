"""Installation by OAuth: the pages before and after Slack's own, with a single-use state bound to the browser."""

import hmac
import logging
import time
from urllib.parse import urlencode, urlsplit

import aiohttp
from aiohttp import web

from adapters.ports import Json, OutcomeUnknown, RetryLater, TokenStore
from adapters.shared.pages import page
from adapters.slack import cards
from adapters.slack.context import Context
from adapters.slack.installations import TENANT_PREFIX, Installation
from adapters.slack.request import IncomingRequest, get_object, get_text
from adapters.slack.settings import OPTIONAL_SCOPES, SCOPES, SlackSettings
from adapters.slack.web_api import SlackError, call_method

COOKIE = "slack_install"
COOKIE_SECONDS = 600

log = logging.getLogger(__name__)


class OAuth:
    """Calls ``oauth.v2.access``. Methods raise `RetryLater`, `OutcomeUnknown` or `SlackError`."""

    def __init__(self, settings: SlackSettings, session: aiohttp.ClientSession) -> None:
        self._url = settings.api_url
        self._session = session
        self._client = {"client_id": settings.client_id, "client_secret": settings.client_secret}

    async def exchange(self, code: str, redirect_uri: str) -> Json:
        """Return the response to the code of a new installation."""
        return await self._access(code=code, redirect_uri=redirect_uri)

    async def refresh(self, refresh_token: str) -> Json:
        """Return the response to a refresh token."""
        return await self._access(grant_type="refresh_token", refresh_token=refresh_token)

    async def _access(self, **form: str) -> Json:
        return await call_method(self._session, self._url, "oauth.v2.access", data={**self._client, **form})


class InstallPages:
    """The two pages of an installation."""

    def __init__(self, settings: SlackSettings, oauth: OAuth, tokens: TokenStore, context: Context) -> None:
        self._settings = settings
        self._oauth = oauth
        self._tokens = tokens
        self._context = context

    async def start(self, request: web.Request) -> web.StreamResponse:
        """``GET /slack/install``: redirect to Slack's page."""
        state = await self._tokens.issue_state()
        redirect_uri = self._url(request, "oauth_redirect")
        query = {
            "client_id": self._settings.client_id or "",
            "scope": ",".join((*SCOPES, *OPTIONAL_SCOPES)),
            "redirect_uri": redirect_uri,
            "state": state,
        }
        url = f"{self._settings.authorize_url}?{urlencode(query)}"
        response = web.Response(status=302, headers={"Location": url})
        response.set_cookie(
            COOKIE,
            state,
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="Lax",
            secure=redirect_uri.startswith("https:"),
            path=self._cookie_path,
        )
        return response

    async def finish(self, request: web.Request) -> web.StreamResponse:
        """``GET /slack/oauth_redirect``: where Slack's page redirects to."""
        if request.query.get("code") and "state" not in request.query:
            return await self.start(request)  # begun on a page of Slack: only a state of ours proves who installs
        response = await self._finish(request)
        response.del_cookie(COOKIE, path=self._cookie_path)
        return response

    async def _finish(self, request: web.Request) -> web.Response:
        state, cookie = request.query.get("state", ""), request.cookies.get(COOKIE, "")
        same_browser = bool(state) and hmac.compare_digest(state.encode(), cookie.encode())
        if not same_browser or not await self._tokens.consume_state(state):
            return page(request, "slack.page.install_state", 400, self._url(request, "install"))
        code = request.query.get("code")
        if request.query.get("error") or not code:
            return page(request, "slack.page.install_refused", 400, self._url(request, "install"))
        try:
            response = await self._oauth.exchange(code, self._url(request, "oauth_redirect"))
        except (RetryLater, OutcomeUnknown, SlackError) as error:
            log.warning("installation failed: %s %s", type(error).__name__, error)
            return page(request, "slack.page.install_failed", 400)
        installation = Installation.from_response(response, time.time())
        if not installation.token or installation.tenant == TENANT_PREFIX:
            log.warning("installation failed: Slack's answer has no token or workspace")
            return page(request, "slack.page.install_failed", 400)
        await self._context.installations.save(installation)
        person = get_text(get_object(response, "authed_user"), "id")
        key = f"welcome:{installation.tenant}:{person}"
        if person and not await self._context.application.is_duplicate(key):
            self._context.tasks.start(self._welcome(installation, person))
        return page(request, "slack.page.installed", 200)

    async def _welcome(self, installation: Installation, person: str) -> None:
        """Send the person who installed the app a direct message."""
        actor = await self._context.actor(IncomingRequest({}, installation, person))
        message = cards.short_notice(actor, "slack.welcome", "start", "open_form", primary="start")
        await self._context.gateway.update_or_send(installation, person, {}, message, actor.language)

    @property
    def _cookie_path(self) -> str:
        """The path as the browser sees it: a proxy may strip that of PUBLIC_URL."""
        return f"{urlsplit(self._settings.public_url or '').path.rstrip('/')}/slack"

    def _url(self, request: web.Request, page: str) -> str:
        return f"{(self._settings.public_url or str(request.url.origin())).rstrip('/')}/slack/{page}"
