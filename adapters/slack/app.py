"""The Slack adapter: its parts put together, and the table of listeners."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from adapters.ports import Application, Json, OutcomeUnknown, RetryLater, ServiceUnavailable, TokenStore, TrackRequest
from adapters.slack import listeners, modals
from adapters.slack.context import Context
from adapters.slack.gateway import SlackGateway
from adapters.slack.http import RequestHandler, error_response
from adapters.slack.installations import REFRESH_FAILURE, TENANT_PREFIX, Installation, Installations
from adapters.slack.oauth import InstallPages, OAuth
from adapters.slack.request import IncomingRequest, get_text
from adapters.slack.settings import SlackSettings
from adapters.slack.web_api import SlackError, WebApi, call_method, new_client
from dialogs.translations import languages, translations

if TYPE_CHECKING:
    from adapters.slack.socket_mode import SocketMode

DRAIN_SECONDS = 20.0
"""How long `SlackAdapter.stop` waits for background tasks."""

log = logging.getLogger(__name__)
_bolt_log = logging.getLogger(f"{__name__}.bolt")
_bolt_log.setLevel(logging.CRITICAL)  # bolt logs bodies

Listener = Callable[[Context, IncomingRequest], Awaitable[dict[str, Any] | None]]


def bolt_app(context: Context, client: AsyncWebClient) -> AsyncApp:
    """Return the bolt app with all listeners. Button presses do not come here: see `RequestHandler`."""
    app = AsyncApp(
        logger=_bolt_log,
        name="cm-advisor",
        client=client,
        authorize=_authorize,  # type: ignore[arg-type]  # None: not installed
        process_before_response=True,  # an event is acknowledged once it is stored
        request_verification_enabled=False,  # `RequestHandler` verifies
        user_facing_authorize_error_message="\n".join(
            translations(language)("slack.not_installed") for language in languages()
        ),
    )

    def run(listener: Listener) -> Callable[..., Awaitable[None]]:
        async def run_listener(incoming_request: IncomingRequest, ack: AsyncAck) -> None:
            await ack(**(await listener(context, incoming_request) or {}))

        return run_listener

    app.command("/cm")(run(listeners.command))
    for event, listener in listeners.EVENTS.items():
        app.event(event)(run(listener))
    app.global_shortcut("open_form")(run(listeners.open_form_shortcut))
    app.view(modals.FORM)(run(modals.form_submitted))
    app.view(modals.PICKER)(run(modals.picker_submitted))

    async def on_error(error: Exception, request: AsyncBoltRequest) -> BoltResponse:
        return error_response(context, error, request.body)

    app.error(on_error)
    return app


async def _authorize(context: AsyncBoltContext) -> AuthorizeResult | None:
    installation = context["incoming_request"].installation
    if not installation.token:
        return None
    return AuthorizeResult(
        enterprise_id=context.enterprise_id,
        team_id=context.team_id,
        bot_user_id=installation.bot or None,
        bot_token=installation.token,
    )


class SlackAdapter:
    """The Slack adapter. `session` is shared and closed by the caller."""

    def __init__(
        self,
        settings: SlackSettings,
        application: Application,
        tokens: TokenStore,
        session: aiohttp.ClientSession,
        track_request: TrackRequest,
    ) -> None:
        self._settings = settings
        self._application = application
        self._session = session
        self._track_request = track_request
        self._client = new_client(settings.api_url, session)
        oauth = OAuth(settings, session)
        single = Installation("", settings.bot_token) if settings.bot_token else None
        installations = Installations(tokens, oauth.refresh, single, self._report_refresh)
        api = WebApi(settings.api_url, session, installations)
        self.gateway = SlackGateway(api)
        self._context = Context(application, api, self.gateway, installations)
        app = bolt_app(self._context, self._client)
        self._handler = RequestHandler(app, self._context, settings.signing_secret)
        self._install_pages = InstallPages(settings, oauth, tokens, self._context)
        self._socket_mode: SocketMode | None = None
        self._identifying: asyncio.Task[None] | None = None

    def routes(self) -> list[web.RouteDef]:
        """Return the HTTP routes of the adapter."""
        routes = [web.post("/slack/events", self._handler.handle)]
        if self._settings.client_id:
            routes.append(web.get("/slack/install", self._install_pages.start))
            routes.append(web.get("/slack/oauth_redirect", self._install_pages.finish))
        return routes

    async def start(self) -> None:
        """Ask Slack for the identity of the bot token, and connect for Socket Mode."""
        if self._settings.bot_token:
            self._identifying = asyncio.create_task(self._load_identity(self._settings.bot_token))
        if self._settings.app_token:
            from adapters.slack.socket_mode import SocketMode

            self._socket_mode = SocketMode(self._handler, self._client, self._settings.app_token, self._track_request)

    async def stop(self) -> None:
        """Accept nothing more, and finish what was accepted."""
        if self._identifying:
            self._identifying.cancel()
        if self._socket_mode:
            await self._socket_mode.stop()
        await self._context.tasks.drain(DRAIN_SECONDS)

    async def _report_refresh(self, tenant: str, error: str | None) -> None:
        """Store why a token cannot be refreshed, for ``cm-advisor doctor``."""
        with suppress(ServiceUnavailable):
            value: Json | None = {"error": error} if error else None
            await self._application.save_adapter_data(tenant, REFRESH_FAILURE, value)

    async def _load_identity(self, token: str) -> None:
        for pause in (1, 5, 15, 60, 0):
            try:
                identity = await call_method(self._session, self._settings.api_url, "auth.test", token=token)
            except SlackError as error:
                log.error("Slack does not accept SLACK_BOT_TOKEN: %s", error.error)
                return
            except (RetryLater, OutcomeUnknown):
                await asyncio.sleep(pause)
            else:
                organization = identity.get("is_enterprise_install") is True
                id = get_text(identity, "enterprise_id" if organization else "team_id")
                self._context.installations.set_identity(f"{TENANT_PREFIX}{id}", get_text(identity, "user_id"))
                return
        log.warning("Slack cannot be reached: identity of the bot token is unknown")
