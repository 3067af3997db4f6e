"""One server for every configured platform: ``cm-advisor serve``."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler

from adapters.ports import Application, Gateway, ServiceUnavailable, TokenStore
from adapters.shared.json_codec import to_json
from adapters.shared.pages import page
from bot import http_limits
from bot.core.outbox import OutboxWorker
from bot.core.rate_limit import RateLimiter
from bot.core.service import Service
from bot.settings import InvalidSettings, Settings, load_settings, print_problems, secret_value
from bot.storage.database import Database
from bot.storage.schema_version import SchemaMismatch
from bot.storage.tokens import EncryptedTokenStore
from bot.telemetry.http import AccessLogger, call_metrics, track_request, tracking_middleware
from bot.telemetry.logging import configure_logging
from bot.telemetry.metrics import metrics_app
from dialogs.community_flow import FLOW
from dialogs.text.parse import warm_up
from dialogs.translations import set_default_language

if TYPE_CHECKING:
    from bot.telemetry.tracing import Tracing

MAX_BODY_BYTES = 512 * 1024
"""Of a request. The largest form that a platform sends is a fifth of that."""
DRAIN_SECONDS = 20.0
"""Time for running work at shutdown. Container hosts kill the process after 30 seconds."""

log = logging.getLogger(__name__)


class Adapter(Protocol):
    """The adapter of a platform."""

    @property
    def gateway(self) -> Gateway: ...

    def routes(self) -> Sequence[web.RouteDef]: ...

    async def start(self) -> None: ...

    async def stop(self) -> None:
        """Take no more events and finish those that were acknowledged."""
        ...


async def build(settings: Settings) -> web.Application:
    """Return the application, with an open database. Raises `SchemaMismatch`, `ServiceUnavailable`."""
    database = Database(settings.sqlalchemy_url)
    try:
        await asyncio.to_thread(database.open)
    except BaseException:
        database.close()
        raise
    gateways: dict[str, Gateway] = {}
    rate_limiter = RateLimiter(settings.rate_person, settings.rate_tenant)
    idle = timedelta(days=settings.idle_days)
    flow = FLOW.with_article(settings.article_url)
    service = Service(flow, database, gateways=gateways, idle=idle, rate_limiter=rate_limiter)
    worker = OutboxWorker(service, retention=timedelta(days=settings.retention_days))
    tracing = _tracing(settings)
    http = _http_client(settings, tracing)
    adapters = _adapters(settings, service, EncryptedTokenStore(database, settings.encryption_keys), http)
    gateways.update({name: adapter.gateway for name, adapter in adapters.items()})

    middlewares = [tracking_middleware, http_limits.limit_body]
    handler_args = http_limits.HANDLER_ARGS
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=middlewares, handler_args=handler_args)
    app.on_response_prepare.append(http_limits.set_common_headers)
    parts = [
        _open(database, http, tracing),
        _serving_metrics(database, settings),
        _running_worker(service, worker),
        *map(_running_adapter, adapters.values()),
    ]
    app.cleanup_ctx.append(partial(_lifespan, parts))
    app.add_routes(
        [*_pages(settings), web.get("/healthz", _alive(worker)), web.get("/readyz", _ready(database, worker))]
    )
    for adapter in adapters.values():
        app.add_routes(adapter.routes())
    return app


async def _lifespan(parts: Iterable[AbstractAsyncContextManager[None]], _app: web.Application) -> AsyncIterator[None]:
    """Start the worker before the adapters; stop in reverse order, draining work."""
    async with AsyncExitStack() as stack:
        for part in parts:
            await stack.enter_async_context(part)
        yield


@asynccontextmanager
async def _open(database: Database, http: aiohttp.ClientSession, tracing: "Tracing | None") -> AsyncIterator[None]:
    try:
        if tracing:
            tracing.start()
        yield
    finally:
        await http.close()
        await asyncio.to_thread(database.close)
        if tracing:
            await tracing.stop()


@asynccontextmanager
async def _serving_metrics(database: Database, settings: Settings) -> AsyncIterator[None]:
    runner = web.AppRunner(metrics_app(database), access_log=None)
    try:
        if settings.metrics_port:
            await runner.setup()
            await http_limits.listen(runner, settings.host, settings.metrics_port, "METRICS_PORT")
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _running_worker(service: Service, worker: OutboxWorker) -> AsyncIterator[None]:
    await asyncio.to_thread(warm_up, service.flow)
    try:
        await worker.start()
        yield
    finally:
        with suppress(ServiceUnavailable):
            await service.flush_shown()
        await worker.stop(DRAIN_SECONDS)


@asynccontextmanager
async def _running_adapter(adapter: Adapter) -> AsyncIterator[None]:
    try:
        await adapter.start()
        yield
    finally:
        await adapter.stop()


def _tracing(settings: Settings) -> "Tracing | None":
    if not settings.otel_exporter_otlp_endpoint:
        return None
    from bot.telemetry.tracing import Tracing

    return Tracing(settings.otel_exporter_otlp_endpoint)


def _http_client(settings: Settings, tracing: "Tracing | None") -> aiohttp.ClientSession:
    hosts = {urlsplit(settings.slack_api_url).hostname or "": "slack"}
    trace_configs = [call_metrics(hosts), *([tracing.call_spans(hosts)] if tracing else [])]
    # trust_env makes aiohttp look for a proxy and read ~/.netrc at every call, which took a tenth of a turn.
    return aiohttp.ClientSession(trust_env=bool(getproxies()), trace_configs=trace_configs, json_serialize=to_json)


def _adapters(
    settings: Settings, application: Application, tokens: TokenStore, http: aiohttp.ClientSession
) -> dict[str, Adapter]:
    """Return the adapters of the configured platforms. The others are not imported."""
    set_default_language(settings.default_language)
    adapters: dict[str, Adapter] = {}
    if settings.slack:
        from adapters.slack import SlackAdapter, SlackSettings

        slack = SlackSettings(
            signing_secret=secret_value(settings.slack_signing_secret) or "",
            bot_token=secret_value(settings.slack_bot_token),
            client_id=settings.slack_client_id,
            client_secret=secret_value(settings.slack_client_secret),
            app_token=secret_value(settings.slack_app_token),
            api_url=settings.slack_api_url,
            public_url=settings.public_url,
        )
        adapters["slack"] = SlackAdapter(slack, application, tokens, http, track_request)
    if settings.teams:
        from adapters.teams.app import TeamsAdapter
        from adapters.teams.settings import TeamsSettings

        teams = TeamsSettings(
            app_id=settings.microsoft_app_id or "",
            app_password=secret_value(settings.microsoft_app_password),
            app_type=settings.microsoft_app_type or "SingleTenant",
            tenant_id=settings.microsoft_app_tenant_id or "",
            resource=settings.teams_resource,
            token_issuer=settings.teams_token_issuer,
            openid_metadata_url=settings.teams_openid_metadata_url,
            login_url=settings.teams_login_url,
            service_url_hosts=settings.teams_service_url_hosts,
            allow_unauthenticated=settings.dangerously_allow_unauthenticated_teams,
            allowed_tenants=settings.allowed_tenants,
        )
        adapters["teams"] = TeamsAdapter(teams, application, http)
    return adapters


def _pages(settings: Settings) -> list[web.RouteDef]:
    """Return the pages that Slack's and Teams' stores require: home, privacy, terms and support."""
    links = {"support": [settings.support_url] if settings.support_url else []}

    def route(path: str, id: str) -> web.RouteDef:
        async def show(request: web.Request) -> web.Response:
            return page(request, f"page.{id}", 200, *links.get(id, ()))

        return web.get(path, show)

    return [route("/", "home"), *(route(f"/{id}", id) for id in ("privacy", "terms", "support"))]


def _alive(worker: OutboxWorker) -> Handler:
    async def alive(_request: web.Request) -> web.Response:
        """Fail when only a restart can help."""
        if worker.needs_restart:
            return web.json_response({"status": "restart needed", "worker": "stopped"}, status=503)
        return web.json_response({"status": "ok"})

    return alive


def _ready(database: Database, worker: OutboxWorker) -> Handler:
    async def ready(_request: web.Request) -> web.Response:
        checks = {"database": "ok", "worker": "ok" if worker.alive else "stopped"}
        try:
            async with asyncio.timeout(5):
                await database.ping()
        except (ServiceUnavailable, TimeoutError):
            checks["database"] = "unavailable"
        is_ready = set(checks.values()) == {"ok"}
        body = {"status": "ok" if is_ready else "unavailable", **checks}
        return web.json_response(body, status=200 if is_ready else 503)

    return ready


def serve() -> int:
    """Serve until SIGTERM or SIGINT. Return the exit status."""
    try:
        settings = load_settings()
    except InvalidSettings as error:
        return print_problems(*error.problems)
    configure_logging(settings)
    access_log = {"access_log": logging.getLogger("bot.access"), "access_log_class": AccessLogger}
    app = _build_and_freeze(settings)
    try:
        asyncio.run(http_limits.run_app(app, host=settings.host, port=settings.port, shutdown_timeout=5, **access_log))
    except (SchemaMismatch, ServiceUnavailable, http_limits.CannotListen, OSError) as error:
        return print_problems(str(error))
    return 0


async def _build_and_freeze(settings: Settings) -> web.Application:
    app = await build(settings)

    async def configure_gc(_app: web.Application) -> None:
        gc.freeze()  # what exists now lives as long as the process
        gc.set_threshold(20_000, 20, 20)  # with the default of 700 objects, collections took a tenth of the time
        gc.enable()

    app.on_startup.append(configure_gc)
    return app
