"""The page's server: the state each person sees, their actions, and the traffic log. Loopback only.

``GET /api/state?as=KEY`` returns one person's view of both panes, ``POST /api/do`` carries out an action, and
``GET /api/stream`` sends the server-sent event ``changed``. Requests of other sites are rejected: the host must be
loopback, and an action must have this page's origin and a JSON body.
"""

import asyncio
import json
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from adapters.playground import slack_pane
from adapters.playground.sandbox import ActionError, Person, Sandbox, Serve, open_sandbox
from adapters.playground.simulator import Json
from adapters.playground.teams_pane import TeamsPane
from adapters.playground.traffic_log import TrafficLog
from dialogs.translations import languages, translations

BUILT = Path(str(files("adapters.playground"))) / "page" / "dist"
LOCALES = ("fr-FR", "en-GB")
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_EVENT_INTERVAL = 0.05
"""Seconds between two `changed` events, because one turn changes several things."""
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: https:; connect-src 'self';"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class ManifestFeatures:
    """The app's features. `slack`: the whole manifest; `teams`: language -> commands and message extension."""

    slack: Json
    teams: dict[str, Json]


class Playground:
    """The sandbox and the page's server. `serve` runs the app."""

    def __init__(self, serve: Serve, features: ManifestFeatures) -> None:
        self._serve = serve
        self._features = features
        self._version = 0
        self._changed = asyncio.Event()
        self._stack = AsyncExitStack()
        self._changing = asyncio.Lock()
        self.sandbox: Sandbox
        self.traffic: TrafficLog

    async def start(self) -> None:
        self.traffic = TrafficLog(self._change)
        self._teams = TeamsPane(self._features.teams)
        self.sandbox = await self._stack.enter_async_context(
            open_sandbox(self._serve, self.traffic, self._features.slack)
        )

    async def stop(self) -> None:
        await self._stack.aclose()

    def _change(self) -> None:
        self._version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    def application(self) -> web.Application:
        app = web.Application(middlewares=[_reject_other_sites])
        app.add_routes(
            [
                web.get("/", self._index),
                web.get("/api/state", self._state),
                web.get("/api/stream", self._stream),
                web.get("/api/traffic", self._get_traffic),
                web.get("/api/texts", self._texts),
                web.post("/api/do", self._do),
            ]
        )
        if BUILT.is_dir():
            app.router.add_static("/assets", BUILT)
        return app

    async def _index(self, _request: web.Request) -> web.FileResponse:
        return web.FileResponse(BUILT / "index.html", headers={"Content-Security-Policy": _POLICY})

    async def _state(self, request: web.Request) -> web.Response:
        person = self.sandbox.people.get(request.query.get("as", ""))
        if person is None:
            raise web.HTTPNotFound
        people = [{"key": item.key, "name": item.name, "locale": item.locale} for item in self.sandbox.people.values()]
        return web.json_response(
            {
                "version": self._version,
                "sandbox": self.sandbox.id,
                "people": people,
                "slack": slack_pane.state(self.sandbox, person, self._features.slack["features"]),
                "teams": self._teams.state(self.sandbox, person),
            }
        )

    async def _texts(self, _request: web.Request) -> web.Response:
        """Return language -> id -> text of the page."""
        catalogs = {language: translations(language) for language in languages()}
        return web.json_response(
            {
                language: {id: t(id) for id in t.ids() if id.startswith("playground.")}
                for language, t in catalogs.items()
            }
        )

    async def _get_traffic(self, request: web.Request) -> web.Response:
        """Return the entries after number `after`, or all if `log` is not the current log."""
        after = request.query.get("after", "")
        last = int(after) if after.isdecimal() and request.query.get("log") == self.traffic.id else 0
        return web.json_response(
            {"log": self.traffic.id, "entries": [entry for entry in self.traffic.entries if entry["n"] > last]}
        )

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await stream.prepare(request)
        sent = -1
        with suppress(ConnectionError):
            while True:
                changed = self._changed
                if sent == self._version:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(changed.wait(), 15)
                    await asyncio.sleep(_EVENT_INTERVAL)
                sent = self._version
                await stream.write(f"event: changed\ndata: {json.dumps({'version': sent})}\n\n".encode())
        return stream

    async def _do(self, request: web.Request) -> web.Response:
        try:
            args = await request.json()
        except ValueError:
            args = None
        if not isinstance(args, dict):
            raise web.HTTPBadRequest
        person = self.sandbox.people.get(str(args.get("as")))
        if person is None:
            raise web.HTTPNotFound
        try:
            notice = await self._act(person, str(args.get("do")), args)
        except ActionError as error:
            return web.json_response({"ok": False, "error": str(error)})
        except (LookupError, ValueError, AssertionError, StopIteration, TypeError):
            # The page may show something that no longer exists.
            return web.json_response({"ok": False, "error": person.t("playground.gone")})
        finally:
            self.sandbox.trim_records()
            self._change()
        return web.json_response({"ok": True, "notice": notice})

    async def _act(self, person: Person, action: str, args: Json) -> str | None:
        match args.get("platform"), action:
            case "slack", _:
                await slack_pane.act(self.sandbox, person, action, args)
            case "teams", _:
                return await self._teams.act(self.sandbox, person, action, args)
            case "page", "locale" if args.get("locale") in LOCALES:
                async with self._changing:
                    await self.sandbox.set_locale(person, args["locale"])
            case "page", "reset":
                async with self._changing:
                    await self._stack.aclose()
                    await self.start()
            case _:
                raise LookupError(action)
        return None


@web.middleware
async def _reject_other_sites(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Reject requests of other sites: DNS rebinding and cross-site requests."""
    host = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
    if host not in _LOOPBACK:
        raise web.HTTPForbidden
    if request.method != "GET" and (
        request.headers.get("Origin") != f"http://{request.host}" or request.content_type != "application/json"
    ):
        raise web.HTTPForbidden
    return await handler(request)
