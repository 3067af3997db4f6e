"""One server for every configured platform: ``cm-advisor serve``."""

import asyncio
import gc
import logging
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import SecretStr

from adapters.outgoing import to_json
from adapters.pages import page
from adapters.ports import Advisor, Courier, Tokens, Unavailable, Watch, Watched
from bot import door, logs, metrics
from bot.config import NEW_KEY, BadSettings, Settings, load
from bot.crypto import Vault
from bot.jobs import Worker
from bot.limits import Limits
from bot.service import Service
from bot.store import Store, WrongSchema
from dialogs.community import FLOW
from dialogs.understand import prepare

if TYPE_CHECKING:
    from bot.traces import Traces

MOST_BYTES = 512 * 1024
"""Of a request; the largest form of a platform is a fifth of that."""
DRAIN = 20.0
"""Seconds for what was taken to be finished: container hosts kill after 30."""

log = logging.getLogger(__name__)


class Adapter(Protocol):
    """A platform."""

    @property
    def courier(self) -> Courier: ...

    def routes(self) -> Sequence[web.RouteDef]: ...

    async def start(self) -> None: ...

    async def stop(self) -> None:
        """Take nothing more; finish what was acknowledged."""
        ...


async def build(settings: Settings) -> web.Application:
    """Return the application, its database opened. Raises `WrongSchema`, `Unavailable`."""
    store = Store(settings.database)
    try:
        await asyncio.to_thread(store.open)
    except BaseException:
        store.close()
        raise
    couriers: dict[str, Courier] = {}
    limits = Limits(settings.rate_person, settings.rate_tenant)
    service = Service(FLOW, store, couriers=couriers, idle=timedelta(days=settings.idle_days), limits=limits)
    worker = Worker(service, retention=timedelta(days=settings.retention_days))
    hosts = {urlsplit(settings.slack_api_url).hostname or "": "slack"}
    traces = _traces(settings)
    watching = [metrics.calls(hosts), *([traces.calls(hosts)] if traces else [])]
    # Where there is no proxy, aiohttp would look for one, and into ~/.netrc, at every call: a tenth of a turn.
    http = aiohttp.ClientSession(trust_env=bool(getproxies()), trace_configs=watching, json_serialize=to_json)
    adapters = _adapters(settings, service, Vault(store, settings.encryption_keys), http, _watch(traces))
    couriers.update({name: adapter.courier for name, adapter in adapters.items()})
    if traces:
        traces.watch(store, service, worker)

    async def life(_app: web.Application) -> AsyncIterator[None]:
        """Begin from the inside out, end from the outside in: what was taken can still be finished."""
        counted = web.AppRunner(metrics.listener(store), access_log=None)
        try:
            if settings.metrics_port:
                await counted.setup()
                await web.TCPSite(counted, settings.host, settings.metrics_port).start()
            await asyncio.to_thread(prepare, service.flow)
            await worker.start()
            for adapter in adapters.values():
                await adapter.start()
            yield
        finally:
            for adapter in adapters.values():
                await adapter.stop()
            with suppress(Unavailable):
                await service.settle()
            await worker.stop(DRAIN)
            await counted.cleanup()
            await http.close()
            await asyncio.to_thread(store.close)
            if traces:
                await traces.stop()

    watched = [metrics.measured, *([traces.requests()] if traces else []), door.guarded]
    app = web.Application(client_max_size=MOST_BYTES, middlewares=watched, handler_args=door.LIMITS)
    app.on_response_prepare.append(door.labelled)
    app.cleanup_ctx.append(life)
    app.add_routes([*_pages(settings), web.get("/healthz", _alive), web.get("/readyz", _ready(store, worker))])
    for adapter in adapters.values():
        app.add_routes(adapter.routes())
    return app


def _traces(settings: Settings) -> "Traces | None":
    """Return what makes traces, imported where they are asked for."""
    if not settings.otel_exporter_otlp_endpoint:
        return None
    from bot.traces import Traces

    return Traces(settings.otel_exporter_otlp_endpoint)


def _watch(traces: "Traces | None") -> Watch:
    """Return what watches deliveries that are no requests as the two middlewares watch those that are."""

    @contextmanager
    def watch(way: str) -> Iterator[Watched]:
        with metrics.delivered(way) as one, traces.delivered(way) if traces else nullcontext(one) as traced:
            yield one
            traced.status = one.status

    return watch


def _adapters(
    settings: Settings, advisor: Advisor, tokens: Tokens, http: aiohttp.ClientSession, watch: Watch
) -> dict[str, Adapter]:
    """Return the configured platforms; what is not configured is not imported."""
    found: dict[str, Adapter] = {}
    if settings.slack:
        from adapters.slack import SlackAdapter, SlackSettings

        slack = SlackSettings(
            signing_secret=_told(settings.slack_signing_secret) or "",
            bot_token=_told(settings.slack_bot_token),
            client_id=settings.slack_client_id,
            client_secret=_told(settings.slack_client_secret),
            app_token=_told(settings.slack_app_token),
            api_url=settings.slack_api_url,
            public_url=settings.public_url,
        )
        found["slack"] = SlackAdapter(slack, advisor, tokens, http, watch)
    if settings.teams:
        from adapters.teams import TeamsAdapter, TeamsSettings

        teams = TeamsSettings(
            app_id=settings.microsoft_app_id or "",
            app_password=_told(settings.microsoft_app_password),
            app_type=settings.microsoft_app_type or "SingleTenant",
            tenant_id=settings.microsoft_app_tenant_id or "",
            token_issuer=settings.teams_token_issuer,
            openid_metadata_url=settings.teams_openid_metadata_url,
            login_url=settings.teams_login_url,
            service_url_hosts=settings.teams_service_url_hosts,
            allow_unauthenticated=settings.dangerously_allow_unauthenticated_teams,
            allowed_tenants=settings.allowed_tenants,
        )
        found["teams"] = TeamsAdapter(teams, advisor, http)
    return found


def _told(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _pages(settings: Settings) -> list[web.RouteDef]:
    """What the two stores ask for: what this is, what becomes of data, on what terms, and who helps."""
    links = {"support": [settings.support_url] if settings.support_url else []}

    def route(path: str, id: str) -> web.RouteDef:
        async def show(request: web.Request) -> web.Response:
            return page(request, f"page.{id}", 200, *links.get(id, ()))

        return web.get(path, show)

    return [route("/", "home"), *(route(f"/{id}", id) for id in ("privacy", "terms", "support"))]


async def _alive(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


def _ready(store: Store, worker: Worker) -> Handler:
    async def ready(_request: web.Request) -> web.Response:
        checks = {"database": "ok", "worker": "ok" if worker.alive else "stopped"}
        try:
            async with asyncio.timeout(5):
                await store.ping()
        except (Unavailable, TimeoutError):
            checks["database"] = "unavailable"
        good = set(checks.values()) == {"ok"}
        return web.json_response({"status": "ok" if good else "unavailable", **checks}, status=200 if good else 503)

    return ready


# --- Commands -----------------------------------------------------------------------------------------------------


def serve(_arguments: Namespace) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status."""
    try:
        settings = load()
    except BadSettings as error:
        return _refuse(*error.problems)
    logs.set_up(settings)
    try:
        door.run_app(
            _built(settings),
            host=settings.host,
            port=settings.port,
            access_log=logging.getLogger("bot.access"),
            access_log_class=logs.AccessLogger,
            shutdown_timeout=5,
        )
    except (WrongSchema, Unavailable, OSError) as error:
        return _refuse(str(error))
    return 0


async def _built(settings: Settings) -> web.Application:
    app = await build(settings)

    async def settled(_app: web.Application) -> None:
        gc.freeze()  # what is there now stays as long as the process does
        gc.set_threshold(20_000, 20, 20)  # a turn leaves few cycles; looking for them each 700 objects took a tenth
        gc.enable()

    app.on_startup.append(settled)
    return app


def db_upgrade(_arguments: Namespace) -> int:
    """Bring the database to this version; return the exit status."""

    def work(store: Store, _settings: Settings) -> int:
        store.upgrade()
        print("The database is up to date.")
        return 0

    return _on_the_database(work)


def db_rotate_keys(_arguments: Namespace) -> int:
    """Encrypt every stored token with the first key; return the exit status: 1 when no key opens one of them."""

    def work(store: Store, settings: Settings) -> int:
        if not settings.encryption_keys:
            return _refuse(f"TOKEN_ENCRYPTION_KEY is missing. Give NEW,OLD; make the new one with: {NEW_KEY}")
        store.check()
        rotated = asyncio.run(Vault(store, settings.encryption_keys).rotate())
        print(
            f"Encrypted anew: {rotated.renewed}. With the first key now: {rotated.new} of {rotated.new + rotated.lost}."
        )
        if not rotated.lost:
            print("Once every server has the first key, the others can go.")
            return 0
        print(
            f"No key here opens {rotated.lost}: add the one of then, or have these install the app anew.",
            file=sys.stderr,
        )
        return 1

    return _on_the_database(work)


def _on_the_database(work: Callable[[Store, Settings], int]) -> int:
    """Return what `work` returns."""
    try:
        settings = load(platforms=False)
    except BadSettings as error:
        return _refuse(*error.problems)
    store = Store(settings.database)
    try:
        return work(store, settings)
    except (WrongSchema, Unavailable) as error:
        return _refuse(str(error))
    finally:
        store.close()


def _refuse(*sentences: str) -> int:
    print("cm-advisor cannot start:", *(f"  - {sentence}" for sentence in sentences), sep="\n", file=sys.stderr)
    return 2
