"""The adapter put together: bolt with our own door, our own authorisation, and a handful of listeners."""

import asyncio
import json
import logging
import re
import traceback
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

from adapters.ports import Application, Json, OutcomeUnknown, RetryLater, ServiceUnavailable, TokenStore, TrackRequest
from adapters.slack import buttons, events, modals, typed_text
from adapters.slack.context import Context
from adapters.slack.gateway import SlackGateway
from adapters.slack.http import RequestHandler, has_slack_shape
from adapters.slack.installations import Installation, Installations, NotInstalled, tenant_of
from adapters.slack.oauth import InstallPages, OAuth
from adapters.slack.rate_limit import is_allowed
from adapters.slack.request import IncomingRequest, MalformedRequest, candidate_tenants, get_text, read_request
from adapters.slack.settings import SlackSettings
from adapters.slack.web_api import SlackError, WebApi, call_method, new_client
from dialogs.translations import languages, translations

if TYPE_CHECKING:
    from adapters.slack.socket_mode import SocketMode

DRAIN = 20.0
"""Seconds that `SlackAdapter.stop` waits for what was taken on."""
ANY = re.compile(".*", re.DOTALL)

log = logging.getLogger(__name__)
_quiet = logging.getLogger(f"{__name__}.bolt")
_quiet.setLevel(logging.CRITICAL)  # bolt logs bodies; what goes wrong is logged here

Listener = Callable[[Context, IncomingRequest, AsyncAck], Awaitable[None]]
Next = Callable[[], Awaitable[None]]


class SlackAdapter:
    """Everything of Slack's. `session` is shared and stays the caller's."""

    def __init__(
        self,
        settings: SlackSettings,
        application: Application,
        tokens: TokenStore,
        session: aiohttp.ClientSession,
        watch: TrackRequest,
    ) -> None:
        self._watch = watch
        self._settings = settings
        self._session = session
        self._client = new_client(settings.api_url, session)
        oauth = OAuth(settings, session)
        only = Installation("", settings.bot_token) if settings.bot_token else None
        self._credentials = Installations(tokens, oauth.refresh, only)
        api = WebApi(settings.api_url, session, self._credentials)
        self.gateway = SlackGateway(api)
        self._context = Context(application, api, self.gateway)
        self._app = self._bolt()
        self._front = RequestHandler(self._dispatch, api, settings.signing_secret, self._context.tasks)
        self._install = InstallPages(settings, oauth, tokens, self._credentials, application, self._context)
        self._socket: SocketMode | None = None

    def routes(self) -> list[web.RouteDef]:
        """Return what the server answers for Slack."""
        found = [web.post("/slack/events", self._front.handle)]
        if self._settings.client_id:
            found.append(web.get("/slack/install", self._install.begin))
            found.append(web.get("/slack/oauth_redirect", self._install.finish))
        return found

    async def start(self) -> None:
        """Find out who we are, and connect where Socket Mode is wanted."""
        if self._settings.bot_token:
            self._context.later(self._warm_up(self._settings.bot_token))
        if self._settings.app_token:
            from adapters.slack.socket_mode import SocketMode

            self._socket = SocketMode(self._front, self._client, self._settings.app_token, self._watch)

    async def stop(self) -> None:
        """Take nothing more, and finish what was taken."""
        if self._socket:
            await self._socket.stop()
        ends = asyncio.get_running_loop().time() + DRAIN
        while self._context.tasks and (left := ends - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(set(self._context.tasks), timeout=left)
        for task in self._context.tasks:
            task.cancel()

    async def _warm_up(self, token: str) -> None:
        for seconds in (1, 5, 15, 60, 0):
            try:
                known = await call_method(self._session, self._settings.api_url, "auth.test", token=token)
            except SlackError as refusal:
                log.error("Slack does not accept SLACK_BOT_TOKEN: %s", refusal.error)
                return
            except (RetryLater, OutcomeUnknown):
                await asyncio.sleep(seconds)
            else:
                wide = known.get("is_enterprise_install") is True
                id = get_text(known, "enterprise_id") if wide else get_text(known, "team_id")
                self._credentials.settle(tenant_of(id), get_text(known, "user_id"))
                return

    async def _dispatch(self, body: dict[str, Any]) -> BoltResponse:
        """Presses, by which a dialog is gone through, skip bolt: its way to a listener costs as much as the turn."""
        try:
            found = await self._installed(body)
            if found is None and "response_url" in body:
                log.info("a delivery is for a workspace where the app is not installed")
                return self._say(body, "slack.not_installed")
            if found is not None and body.get("type") == "block_actions":
                request, ack = read_request(body, found.tenant), AsyncAck()  # type: ignore[no-untyped-call]
                if await is_allowed(self._context, request, ack):
                    await buttons.press(self._context, request, ack)
                return BoltResponse(status=200)
        except Exception as error:
            return self._answer(error, body)
        if not has_slack_shape(body):
            return BoltResponse(status=400)
        # "socket_mode" is bolt's word for a body that is an object already.
        return await self._app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=body))

    async def _installed(self, body: Json) -> Installation | None:
        """Find the installation, in memory mostly; never by ``auth.test``."""
        with suppress(NotInstalled):
            return await self._credentials.find(candidate_tenants(body))
        return None

    # --- Bolt -------------------------------------------------------------------------------------

    def _bolt(self) -> AsyncApp:
        """Listeners do no more before the ack than the turn, so that it may wait for them.

        That way an event is acknowledged once it is saved, not before; and bolt polls for no ack.
        """
        app = AsyncApp(
            logger=_quiet,
            name="cm-advisor",
            client=self._client,
            before_authorize=self._recognise,
            authorize=_authorize,  # type: ignore[arg-type]  # bolt takes None for nobody
            process_before_response=True,
            request_verification_enabled=False,  # done by the front, over the raw bytes
            user_facing_authorize_error_message=_in_every_language("slack.not_installed"),
        )
        app.command(ANY)(self._listener(typed_text.command))
        app.action(ANY)(self._listener(buttons.press))
        app.shortcut({"type": "shortcut", "callback_id": ANY})(self._listener(buttons.shortcut))
        app.view(ANY)(self._listener(modals.submitted))
        app.event(ANY)(self._listener(self._event))
        app.error(self._failed)
        return app

    def _listener(self, listener: Listener) -> Callable[..., Awaitable[None]]:
        async def listen(body: dict[str, Any], context: AsyncBoltContext, ack: AsyncAck) -> None:
            found = context.get("installed")
            request = read_request(body, found.tenant if found else "")
            if await is_allowed(self._context, request, ack):
                await listener(self._context, request, ack)

        return listen

    async def _event(self, context: Context, request: IncomingRequest, ack: AsyncAck) -> None:
        await events.happened(context, request, self._credentials)
        await ack()

    async def _recognise(self, body: Json, context: AsyncBoltContext, next: Next) -> None:  # noqa: A002 - bolt's name
        context["installed"] = await self._installed(body)
        await next()

    async def _failed(self, error: Exception, request: AsyncBoltRequest) -> BoltResponse:
        return self._answer(error, request.body)

    def _answer(self, error: Exception, body: Json) -> BoltResponse:
        """What a listener raised, as an answer: 503 has an event delivered again; a person hears that all is kept."""
        if isinstance(error, MalformedRequest) or _tripped(error):
            log.info("a delivery was not shaped like Slack's: %s", type(error).__name__)
            return BoltResponse(status=400)
        expected = isinstance(
            error, ServiceUnavailable | RetryLater | OutcomeUnknown | SlackError | aiohttp.ClientError
        )
        log.log(
            logging.WARNING if expected else logging.ERROR, "Slack: %s", type(error).__name__, exc_info=not expected
        )
        if body.get("type") == "event_callback":
            return BoltResponse(status=503 if isinstance(error, ServiceUnavailable) else 200)
        return self._say(body, "notice.error")

    def _say(self, body: Json, id: str) -> BoltResponse:
        """Answer with a word to whoever acted, in every language: theirs cannot be looked up."""
        word = {"response_type": "ephemeral", "text": _in_every_language(id), "replace_original": False}
        if "command" in body:
            return BoltResponse(status=200, body=json.dumps(word))
        url = body.get("response_url")
        if isinstance(url, str):
            self._context.later(self._context.api.respond(url, word))
        return BoltResponse(status=200, body="")


def _tripped(error: BaseException) -> bool:
    """Whether bolt itself stumbled over a delivery: over one of Slack's it does not."""
    *_, (last, _line) = traceback.walk_tb(error.__traceback__) if error.__traceback__ else [(None, 0)]
    return last is not None and str(last.f_globals.get("__name__")).startswith("slack_bolt.")


def _in_every_language(id: str) -> str:
    return "\n".join(translations(language)(id) for language in languages())


async def _authorize(context: AsyncBoltContext) -> AuthorizeResult | None:
    found = context.get("installed")
    if not isinstance(found, Installation):
        return None
    team, organisation = context.team_id, context.enterprise_id
    bot = found.bot or None
    return AuthorizeResult(enterprise_id=organisation, team_id=team, bot_user_id=bot, bot_token=found.token)
