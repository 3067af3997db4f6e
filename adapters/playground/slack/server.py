"""A strict stand-in of Slack's servers on 127.0.0.1, with faults on demand.

    async with SlackSimulator() as slack:
        team = slack.add_workspace("Fabrique")
        amelie = team.add_user("amelie", locale="fr-FR")
        marketing = team.add_channel("marketing", members=[amelie])
        token = slack.install(team).value          # give it to the app, with slack.api_url and slack.app's secrets
        user_actions = SlackUserActions(slack, app_url="http://127.0.0.1:3978", workspace=team)
        ack = await user_actions.slash(amelie, marketing, "oui non")

`slack_world` holds what Slack keeps, `slack_methods` the Web API, `slack_rules` Block Kit's limits, `slack_limits`
the pace, `slack_faults` what goes wrong on demand, `slack_user` the person's user_actions. Every call is in `calls`,
refused ones too.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientConnectionError, WSMsgType, web
from aiohttp.typedefs import Middleware
from yarl import URL

from adapters.playground.slack.calls import Call
from adapters.playground.slack.faults import Fault
from adapters.playground.slack.methods import run
from adapters.playground.slack.models import (
    DEFAULT_SCOPES,
    AppSettings,
    Channel,
    Clock,
    Grant,
    Message,
    ResponseUrl,
    Token,
    User,
    Workspace,
)
from adapters.playground.slack.rate_limits import RateLimits
from adapters.playground.slack.rules import Json, SlackError
from adapters.playground.slack.state import SlackState

__all__ = ["AppSettings", "Fault", "SlackSimulator"]

RESPONSE_URL = "response_url"
"""The name of POSTs to response URLs, in `calls` and for `fail`."""


@dataclass
class OAuthChoice:
    """What the person does on Slack's authorisation page; the first workspace and person where not given."""

    workspace: Workspace | None = None
    user: User | None = None
    allow: bool = True
    enterprise_install: bool = False


@dataclass
class Socket:
    """A Socket Mode connection of the app."""

    ws: web.WebSocketResponse
    waiting: dict[str, asyncio.Future[Any]] = field(default_factory=dict)
    """envelope id -> the payload of its ack."""


class SlackSimulator:
    """The server. `state` is its state; see the module."""

    def __init__(
        self,
        *,
        clock: Clock = time.time,
        limits: bool = False,
        burst: int = 1,
        app: AppSettings | None = None,
        middlewares: Iterable[Middleware] = (),
    ) -> None:
        self._middlewares = tuple(middlewares)
        self.state = SlackState(clock, app)
        self.limits = RateLimits(clock, limits, burst)
        self.calls: list[Call] = []
        """Every Web API call and response URL use, in order of arrival, answered or not."""
        self.faults: list[Fault] = []
        self.oauth = OAuthChoice()
        self.sockets: list[Socket] = []
        self.on_stop: list[Callable[[], Awaitable[None]]] = []
        self.url = ""
        self._tickets: set[str] = set()
        self._runner: web.AppRunner | None = None
        self.in_flight = 0
        """Calls and deliveries under way."""

    # Life

    async def start(self) -> SlackSimulator:
        server = web.Application(client_max_size=4 * 1024**2, middlewares=self._middlewares)
        server.router.add_route("*", "/api/{method}", self._api)
        server.router.add_post("/response/{id}", self._response)
        server.router.add_get("/oauth/v2/authorize", self._authorize)
        server.router.add_get("/link/", self._link)
        self._runner = web.AppRunner(server, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def stop(self) -> None:
        for close in self.on_stop:
            await close()
        for socket in list(self.sockets):
            await socket.ws.close()
        if self._runner:
            await self._runner.cleanup()

    async def __aenter__(self) -> SlackSimulator:
        return await self.start()

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    @property
    def api_url(self) -> str:
        """For slack_sdk's `base_url`, and the app's SLACK_API_URL."""
        return f"{self.url}/api/"

    @property
    def app(self) -> AppSettings:
        return self.state.app

    def add_workspace(self, name: str = "Fabrique", enterprise: str | None = None) -> Workspace:
        return self.state.add_workspace(name, enterprise)

    def install(self, workspace: Workspace, scopes: Iterable[str] | str = DEFAULT_SCOPES) -> Token:
        """Installs without the OAuth dance: `.value` is the bot token."""
        return self.state.install(workspace, scopes)

    def response_url(self, url: ResponseUrl) -> str:
        return f"{self.url}/response/{url.id}"

    # Faults, and looking at what happened

    def fail(self, method: str, **how: Any) -> Fault:
        """Makes the next call of a method go wrong: see `Fault`."""
        fault = Fault(method, **how)
        self.faults.append(fault)
        return fault

    def calls_to(self, method: str, *, ok: bool | None = None) -> list[Call]:
        return [each for each in self.calls if each.method == method and ok in (None, each.ok)]

    @property
    def failed_calls(self) -> list[Call]:
        """Calls that the app should not have made, or that a fault refused."""
        return [each for each in self.calls if not each.ok]

    def visible_to(self, user: User, channel: Channel) -> list[Message]:
        """What that person sees in the channel now, oldest first; nothing where they may not look."""
        if user.id not in channel.members and (channel.private or channel.is_im):
            return []
        return [each for each in channel.log if not each.deleted and each.ephemeral_to in (None, user.id)]

    async def wait_for(
        self,
        predicate: Callable[[], Any],
        timeout: float = 5.0,  # noqa: ASYNC109 - the name everybody knows
        what: str = "",
    ) -> Any:
        """Waits until the predicate is true, and returns what it gave. Raises TimeoutError with the last calls."""
        deadline = time.monotonic() + timeout
        while not (found := predicate()):
            if time.monotonic() > deadline:
                last = [f"{each.method}: {each.error or 'ok'}" for each in self.calls[-8:]]
                raise TimeoutError(f"not within {timeout} s: {what or predicate}; last calls: {last}")
            await asyncio.sleep(0.01)
        return found

    @contextmanager
    def busy(self) -> Iterator[None]:
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1

    # The Web API

    async def _api(self, request: web.Request) -> web.StreamResponse:
        call = Call(request.match_info["method"], self.state, self.limits)
        unreadable = await _read(request, call)

        def work() -> Json:
            if unreadable:
                raise SlackError(unreadable)
            return {"url": self._ticket(call)} if call.method == "apps.connections.open" else run(call)

        return await self._serve(request, call, lambda: self._answer(call, work))

    def _answer(self, call: Call, work: Callable[[], Json]) -> web.Response:
        try:
            return web.json_response({"ok": True, **work()})
        except SlackError as refused:
            call.error = refused.name
            answer = {"ok": False, "error": refused.name, **refused.more}
            return web.json_response(answer, status=refused.status, headers=refused.headers)

    async def _response(self, request: web.Request) -> web.StreamResponse:
        call = Call(RESPONSE_URL, self.state, self.limits)
        with suppress(ValueError):
            call.args = json.loads(await request.text())

        def answer() -> web.Response:
            try:
                self.state.respond(request.match_info["id"], call.args)
            except SlackError as refused:
                call.error = refused.name
                return web.Response(status=max(refused.status, 400), text=refused.name)
            return web.Response(text="ok")

        return await self._serve(request, call, answer)

    async def _serve(self, request: web.Request, call: Call, answer: Callable[[], web.Response]) -> web.StreamResponse:
        """Answers, unless a fault was ordered."""
        with self.busy():
            self.calls.append(call)
            fault = self._fault(call)
            if fault is None:
                return answer()
            fault.hits += 1
            await asyncio.sleep(fault.delay)
            refusal = fault.refusal()
            if fault.drop == "before":
                return _hang_up(request)
            if refusal is None or fault.effect:
                answered = answer()
                await asyncio.sleep(fault.hold)
                if fault.drop == "after":
                    return _hang_up(request)
                if refusal is None:
                    return answered
            call.error = refusal.name
            if fault.error is None and fault.retry_after is None:
                return web.Response(status=refusal.status, text="<html>Something went wrong</html>")
            body = {"ok": False, "error": refusal.name}
            return web.json_response(body, status=refusal.status, headers=refusal.headers)

    def _fault(self, call: Call) -> Fault | None:
        return next((each for each in self.faults if each.takes(call.method, call.args)), None)

    # OAuth

    async def _authorize(self, request: web.Request) -> web.Response:
        query = request.query
        if query.get("client_id") != self.app.client_id:
            return web.Response(status=400, text="invalid_client_id")
        scopes = frozenset(filter(None, query.get("scope", "").split(",")))
        if not scopes:
            return web.Response(status=400, text="invalid_scope")
        redirect = query.get("redirect_uri")
        if redirect is None:
            return web.Response(status=400, text="bad_redirect_uri")
        answer = {"state": query["state"]} if "state" in query else {}
        if self.oauth.allow:
            workspace = self.oauth.workspace or next(iter(self.state.workspaces.values()))
            people = [each for each in workspace.users.values() if not each.is_bot]
            code = answer["code"] = secrets.token_hex(12)
            self.state.grants[code] = Grant(
                workspace,
                self.oauth.user or people[0],
                scopes,
                redirect,
                self.state.clock(),
                self.oauth.enterprise_install,
            )
        else:
            answer["error"] = "access_denied"
        raise web.HTTPFound(URL(redirect).extend_query(answer))

    # Socket Mode

    def _ticket(self, call: Call) -> str:
        if not call.bearer:
            raise SlackError("not_authed")
        if call.bearer != self.app.app_token:
            raise SlackError("not_allowed_token_type" if call.bearer in self.state.tokens else "invalid_auth")
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
        await ws.send_json({"type": "hello", "debug_info": {"host": "stand-in"}, **connection})
        self.sockets.append(socket)
        try:
            async for frame in ws:
                if frame.type == WSMsgType.TEXT:
                    ack = json.loads(frame.data)
                    waiting = socket.waiting.pop(ack.get("envelope_id"), None)
                    if waiting and not waiting.done():
                        waiting.set_result(ack.get("payload"))
        finally:
            self.sockets.remove(socket)
            for waiting in socket.waiting.values():
                if not waiting.done():
                    waiting.set_exception(ClientConnectionError("the app closed its connection"))
        return ws

    async def send_envelope(self, kind: str, payload: Json, seconds: float, **more: Any) -> Any:
        """Sends through the newest connection; the ack's payload, {} for none. TimeoutError without an ack."""
        if not self.sockets:
            raise TimeoutError("no Socket Mode connection")
        socket, envelope_id = self.sockets[-1], secrets.token_hex(16)
        waiting = socket.waiting[envelope_id] = asyncio.get_running_loop().create_future()
        envelope = {"envelope_id": envelope_id, "type": kind, "payload": payload, **more}
        await socket.ws.send_json(envelope)
        return await asyncio.wait_for(waiting, seconds) or {}

    async def refresh_sockets(self) -> None:
        """Tells every connection to come back, as Slack does every few hours, and closes it."""
        for socket in list(self.sockets):
            await socket.ws.send_json({"type": "disconnect", "reason": "refresh_requested", "debug_info": {}})
            await socket.ws.close()


async def _read(request: web.Request, call: Call) -> str | None:
    """Fills in the arguments and the token, and returns what is wrong with them.

    A token inside a JSON body does not count, as at Slack.
    """
    call.args = dict(request.query)
    authorization, _, bearer = request.headers.get("Authorization", "").partition(" ")
    call.bearer = bearer if authorization == "Bearer" else None
    kind = request.content_type if request.body_exists else ""
    if kind == "application/json":
        try:
            body = json.loads(await request.text())
        except ValueError:
            return "invalid_json"
        if not isinstance(body, dict):
            return "json_not_object"
        call.args |= {name: value for name, value in body.items() if name != "token"}
    elif kind == "application/x-www-form-urlencoded":
        call.args |= await request.post()
        call.bearer = call.bearer or call.args.pop("token", None)
    elif kind:
        return "invalid_post_type"
    return None


def _hang_up(request: web.Request) -> web.Response:
    if request.transport:
        request.transport.close()
    return web.Response()
