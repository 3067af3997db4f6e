"""The page's server: what each person sees, what they do, and what went over the wire. On loopback alone.

``GET /api/state?as=KEY`` is one person's view of both panes, ``POST /api/do`` a gesture of theirs, ``GET /api/stream``
server-sent events: ``changed`` when there is something new to see. What a page elsewhere sends is refused: the address
asked for must be loopback's, a gesture must come from this very page, as JSON.
"""

import asyncio
import json
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from adapters.playground import slack_pane
from adapters.playground.sandbox import ActionError, Person, Sandbox, Serve, open_sandbox
from adapters.playground.teams_pane import TeamsPane
from adapters.playground.traffic_log import TrafficLog
from dialogs.translations import languages, translations

Json = dict[str, Any]

BUILT = Path(str(files("adapters.playground"))) / "page" / "dist"
LOCALES = ("fr-FR", "en-GB")
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_QUIET = 0.05
"""Seconds between two words that something changed: a turn changes several things at once."""
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: https:; connect-src 'self';"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class ManifestFeatures:
    """What the app's own manifests say it offers. `slack`: all; `teams`: by language, commands and forms."""

    slack: Json
    teams: dict[str, Json]


class Playground:
    """Both platforms, the app between them, and the page's server. `serve` runs the app."""

    def __init__(self, serve: Serve, offers: ManifestFeatures) -> None:
        self._serve = serve
        self._offers = offers
        self._version = 0
        self._changed = asyncio.Event()
        self._stack = AsyncExitStack()
        self._changing = asyncio.Lock()
        self.sandbox: Sandbox
        self.wire: TrafficLog

    async def start(self) -> None:
        """Open a sandbox where nothing happened yet."""
        self.wire = TrafficLog(self._change)
        self._teams = TeamsPane(self._offers.teams)
        self.sandbox = await self._stack.enter_async_context(open_sandbox(self._serve, self.wire, self._offers.slack))

    async def stop(self) -> None:
        await self._stack.aclose()

    def _change(self) -> None:
        self._version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    def application(self) -> web.Application:
        """Return the page's server."""
        app = web.Application(middlewares=[_only_from_here])
        app.add_routes(
            [
                web.get("/", self._index),
                web.get("/api/state", self._state),
                web.get("/api/stream", self._stream),
                web.get("/api/wire", self._entries),
                web.get("/api/words", self._words),
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
        people = [{"key": one.key, "name": one.name, "locale": one.locale} for one in self.sandbox.people.values()]
        return web.json_response(
            {
                "version": self._version,
                "people": people,
                "slack": slack_pane.state(self.sandbox, person, self._offers.slack["features"]),
                "teams": self._teams.state(self.sandbox, person),
            }
        )

    async def _words(self, _request: web.Request) -> web.Response:
        """The page's own words in each language."""
        known = {language: translations(language) for language in languages()}
        return web.json_response(
            {
                language: {id: text(id) for id in text.ids() if id.startswith("playground.")}
                for language, text in known.items()
            }
        )

    async def _entries(self, request: web.Request) -> web.Response:
        """What is newer than entry `after` of `wire`; all, when that is another than the present one."""
        after = request.query.get("after", "")
        known = int(after) if after.isdecimal() and request.query.get("wire") == self.wire.id else 0
        return web.json_response(
            {"wire": self.wire.id, "entries": [entry for entry in self.wire.entries if entry["n"] > known]}
        )

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await stream.prepare(request)
        told = -1
        with suppress(ConnectionError):
            while True:
                changed = self._changed
                if told == self._version:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(changed.wait(), 15)
                    await asyncio.sleep(_QUIET)
                told = self._version
                await stream.write(f"event: changed\ndata: {json.dumps({'version': told})}\n\n".encode())
        return stream

    async def _do(self, request: web.Request) -> web.Response:
        try:
            given = await request.json()
        except ValueError:
            given = None
        if not isinstance(given, dict):
            raise web.HTTPBadRequest
        person = self.sandbox.people.get(str(given.get("as")))
        if person is None:
            raise web.HTTPNotFound
        try:
            said = await self._act(person, str(given.get("do")), given)
        except ActionError as impossible:
            return web.json_response({"ok": False, "error": str(impossible)})
        except (LookupError, ValueError, AssertionError, StopIteration, TypeError):
            # What a page shows was there a moment ago; what it asks for may be gone.
            return web.json_response({"ok": False, "error": person.t("playground.gone")})
        finally:
            self.sandbox.forget()
            self._change()
        return web.json_response({"ok": True, "said": said})

    async def _act(self, person: Person, do: str, given: Json) -> str | None:
        match given.get("platform"), do:
            case "slack", _:
                await slack_pane.act(self.sandbox, person, do, given)
            case "teams", _:
                return await self._teams.act(self.sandbox, person, do, given)
            case "page", "locale" if given.get("locale") in LOCALES:
                async with self._changing:
                    await self.sandbox.speak(person, given["locale"])
            case "page", "reset":
                async with self._changing:
                    await self._stack.aclose()
                    await self.start()
            case _:
                raise LookupError(do)
        return None


@web.middleware
async def _only_from_here(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what another site's page may have sent: by a name of its own for this machine, or across sites."""
    host = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
    if host not in _LOOPBACK:
        raise web.HTTPForbidden
    if request.method != "GET" and (
        request.headers.get("Origin") != f"http://{request.host}" or request.content_type != "application/json"
    ):
        raise web.HTTPForbidden
    return await handler(request)
