"""A strict simulator of Slack's servers: Web API, response URLs, OAuth and Socket Mode, with faults on demand.

    async with SlackSimulator() as slack:
        workspace = slack.add_workspace("Fabrique")
        amelie = workspace.add_user("amelie", locale="fr-FR")
        marketing = workspace.add_channel("marketing", members=[amelie])
        token = slack.install(workspace).value  # for the app, with slack.api_url and the secrets in slack.app
        user_actions = SlackUserActions(slack, "http://127.0.0.1:3978", workspace)
        exchange = await user_actions.slash(amelie, marketing, "oui non")

`state` holds what Slack stores, `methods` the Web API, `rules` the limits of Block Kit, `user_actions` what people do.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientConnectionError, WSMsgType, web
from aiohttp.typedefs import Middleware
from yarl import URL

from adapters.playground.simulator import Clock, Fault, Json, PlatformError, Simulator
from adapters.playground.slack.calls import Call
from adapters.playground.slack.errors import SlackError, rate_limited
from adapters.playground.slack.methods import METHODS, run
from adapters.playground.slack.models import AppSettings, Channel, Grant, Message, ResponseUrl, User, Workspace
from adapters.playground.slack.rate_limits import RateLimits
from adapters.playground.slack.state import SlackState

OPEN_CONNECTION = "apps.connections.open"
RESPONSE_URL = "response_url"
"""The operation of a POST to a response URL."""


@dataclass
class OAuthChoice:
    """What the person chooses on the authorization page. Defaults: the first workspace and its first person."""

    workspace: Workspace | None = None
    user: User | None = None
    allow: bool = True
    enterprise_install: bool = False


@dataclass
class Socket:
    """A Socket Mode connection of the app."""

    ws: web.WebSocketResponse
    pending_acks: dict[str, asyncio.Future[Any]] = field(default_factory=dict)
    """envelope id -> the payload of its ack."""


class SlackSimulator(Simulator[Call], SlackState):
    """Slack's servers. `oauth`: the next choice on the authorization page."""

    operations = (*METHODS, OPEN_CONNECTION, RESPONSE_URL)

    def __init__(
        self,
        *,
        clock: Clock = time.time,
        limits: bool = False,
        burst: int = 1,
        app: AppSettings | None = None,
        middlewares: Iterable[Middleware] = (),
    ) -> None:
        Simulator.__init__(self, clock, middlewares)
        SlackState.__init__(self, clock, app, RateLimits(clock, limits, burst))
        self.oauth = OAuthChoice()
        self.sockets: list[Socket] = []
        self._tickets: set[str] = set()
        self.on_stop.append(self._close_sockets)

    def _add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_route("*", "/api/{method}", self._api)
        router.add_post("/response/{id}", self._response)
        router.add_get("/oauth/v2/authorize", self._authorize)
        router.add_get("/link/", self._link)

    @property
    def api_url(self) -> str:
        """For slack_sdk's `base_url`, and the app's SLACK_API_URL."""
        return f"{self.url}/api/"

    def response_url(self, url: ResponseUrl) -> str:
        return f"{self.url}/response/{url.id}"

    def visible_to(self, user: User, channel: Channel) -> list[Message]:
        """Return what the user sees in the channel now, oldest first; nothing without access."""
        if user.id not in channel.members and (channel.private or channel.is_im):
            return []
        return [message for message in channel.log if not message.deleted and message.ephemeral_to in (None, user.id)]

    async def _api(self, request: web.Request) -> web.StreamResponse:
        call = Call(request.match_info["method"], state=self)
        invalid = await _read_arguments(request, call)

        async def respond() -> web.Response:
            if invalid:
                raise SlackError(invalid)
            body = {"url": self._new_link(call)} if call.operation == OPEN_CONNECTION else run(call)
            return web.json_response({"ok": True, **body})

        response = await self._serve(request, call, respond)
        if token := self.tokens.get(call.bearer or ""):
            response.headers["x-oauth-scopes"] = ",".join(token.scopes)
        return response

    async def _response(self, request: web.Request) -> web.StreamResponse:
        call = Call(RESPONSE_URL, state=self)
        with suppress(ValueError):
            call.args = json.loads(await request.text())

        async def respond() -> web.Response:
            try:
                self.respond(request.match_info["id"], call.args)
            except SlackError as error:
                call.error = error.code
                return web.Response(status=max(error.status, 400), text=error.code)
            return web.Response(text="ok")

        return await self._serve(request, call, respond)

    def _injected_error(self, fault: Fault) -> PlatformError:
        if fault.retry_after is not None:
            return rate_limited(fault.retry_after)
        if fault.error:
            return SlackError(fault.error, fault.status or 200)
        return PlatformError("internal_error", fault.status or 500, "<html>Something went wrong</html>")

    async def _authorize(self, request: web.Request) -> web.Response:
        query = request.query
        if query.get("client_id") != self.app.client_id:
            return web.Response(status=400, text="invalid_client_id")
        scopes = frozenset(filter(None, query.get("scope", "").split(",")))
        if not scopes:
            return web.Response(status=400, text="invalid_scope")
        redirect_uri = query.get("redirect_uri")
        if redirect_uri is None:
            return web.Response(status=400, text="bad_redirect_uri")
        result = {"state": query["state"]} if "state" in query else {}
        if self.oauth.allow:
            workspace = self.oauth.workspace or next(iter(self.workspaces.values()))
            user = self.oauth.user or next(user for user in workspace.users.values() if not user.is_bot)
            code = result["code"] = secrets.token_hex(12)
            self.grants[code] = Grant(
                workspace, user, scopes, redirect_uri, self.clock(), self.oauth.enterprise_install
            )
        else:
            result["error"] = "access_denied"
        raise web.HTTPFound(URL(redirect_uri).extend_query(result))

    def _new_link(self, call: Call) -> str:
        if not call.bearer:
            raise SlackError("not_authed")
        if call.bearer != self.app.app_token:
            raise SlackError("not_allowed_token_type" if call.bearer in self.tokens else "invalid_auth")
        ticket = secrets.token_hex(12)
        self._tickets.add(ticket)
        return f"{self.url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={self.app.app_id}"

    async def _link(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=403, text="invalid ticket")
        self._tickets.discard(ticket)
        ws = web.WebSocketResponse(heartbeat=30)
        await ws.prepare(request)
        socket = Socket(ws)
        connection = {"num_connections": len(self.sockets) + 1, "connection_info": {"app_id": self.app.app_id}}
        await ws.send_json({"type": "hello", "debug_info": {"host": "simulator"}, **connection})
        self.sockets.append(socket)
        try:
            async for frame in ws:
                if frame.type == WSMsgType.TEXT:
                    ack = json.loads(frame.data)
                    pending = socket.pending_acks.pop(ack.get("envelope_id"), None)
                    if pending and not pending.done():
                        pending.set_result(ack.get("payload"))
        finally:
            self.sockets.remove(socket)
            for pending in socket.pending_acks.values():
                if not pending.done():
                    pending.set_exception(ClientConnectionError("the app closed its connection"))
        return ws

    async def send_envelope(self, kind: str, payload: Json, seconds: float, **more: Any) -> Any:
        """Send through the newest connection; return the ack's payload, or {}. Raises TimeoutError without an ack."""
        if not self.sockets:
            raise TimeoutError("no Socket Mode connection")
        socket, envelope_id = self.sockets[-1], secrets.token_hex(16)
        pending = socket.pending_acks[envelope_id] = asyncio.get_running_loop().create_future()
        await socket.ws.send_json({"envelope_id": envelope_id, "type": kind, "payload": payload, **more})
        return await asyncio.wait_for(pending, seconds) or {}

    async def refresh_sockets(self) -> None:
        """Ask each connection to reconnect, as Slack does every few hours, and close it."""
        for socket in list(self.sockets):
            await socket.ws.send_json({"type": "disconnect", "reason": "refresh_requested", "debug_info": {}})
        await self._close_sockets()

    async def _close_sockets(self) -> None:
        for socket in list(self.sockets):
            await socket.ws.close()


async def _read_arguments(request: web.Request, call: Call) -> str | None:
    """Set the call's arguments and token; return an error code for an invalid request.

    Like Slack, ignore a token in a JSON body.
    """
    call.args = dict(request.query)
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    call.bearer = bearer if scheme == "Bearer" else None
    content_type = request.content_type if request.body_exists else ""
    if content_type == "application/json":
        try:
            body = json.loads(await request.text())
        except ValueError:
            return "invalid_json"
        if not isinstance(body, dict):
            return "json_not_object"
        call.args |= {name: value for name, value in body.items() if name != "token"}
    elif content_type == "application/x-www-form-urlencoded":
        call.args |= await request.post()
        call.bearer = call.bearer or call.args.pop("token", None)
    elif content_type:
        return "invalid_post_type"
    return None
