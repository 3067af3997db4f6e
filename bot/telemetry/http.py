"""Request ids, durations and the access log of HTTP requests; durations of calls to the platforms."""

import logging
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.typedefs import Handler
from structlog.contextvars import bind_contextvars
from yarl import URL

from bot.telemetry import spans
from bot.telemetry.metrics import ACKS, CALLS

SLOW_SECONDS = 1.0
"""A request that takes longer is logged at INFO."""
UNTRACED_ROUTES = {"/healthz", "/readyz"}
"""Health checks, every few seconds."""
ROUTE = web.RequestKey("route", str)
"""The route of a request as it was added to the application, or ``-``: unlike a path it contains no user input."""

log = logging.getLogger(__name__)


@dataclass
class TrackedRequest:
    """An event while it is processed; see `adapters.ports.TrackedRequest`."""

    id: str
    status: int = 500


@contextmanager
def track_request(route: str, span: Mapping[str, str] | None = None) -> Iterator[TrackedRequest]:
    """Give an event an id, which is in every log line of it, a span and a duration metric."""
    request = TrackedRequest(f"{random.getrandbits(64):016x}")
    bind_contextvars(request=request.id)
    started = time.perf_counter()
    open_span = nullcontext if route in UNTRACED_ROUTES else spans.request_span
    with open_span({"name": route, "request.id": request.id, **(span or {})}) as attributes:
        try:
            yield request
        except web.HTTPException as response:
            request.status = response.status
            raise
        finally:
            attributes["http.response.status_code"] = request.status
            ACKS.labels(route, str(request.status)).observe(time.perf_counter() - started)


@web.middleware
async def tracking_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Track a request and send its id in the header ``X-Request-Id``."""
    resource = request.match_info.route.resource
    route = request[ROUTE] = resource.canonical if resource else "-"
    # Without a route there is no method either: a client can send any word.
    name = f"{request.method} {route}" if resource else "-"
    with track_request(route, {"name": name, "http.route": route}) as tracked:
        response = await handler(request)
        tracked.status = response.status
        response.headers["X-Request-Id"] = tracked.id
        return response


class AccessLogger(AbstractAccessLogger):
    """Logs method, route, status and duration. Successful fast requests are logged at DEBUG: metrics count them."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        level = logging.INFO if response.status >= 400 or time > SLOW_SECONDS else logging.DEBUG
        if not self.logger.isEnabledFor(level):
            return
        line = (request.method, request.get(ROUTE, "-"), response.status, round(time * 1000))
        fields = dict(zip(("method", "route", "status", "ms"), line, strict=True))
        self.logger.log(level, "%s %s %d %d ms", *line, extra=fields)


def platform_of(url: URL, hosts: Mapping[str, str]) -> str:
    """Return the platform of a URL. Teams has many hosts: every host that is not in `hosts`."""
    return hosts.get(url.host or "", "teams")


def call_metrics(hosts: Mapping[str, str]) -> aiohttp.TraceConfig:
    """Return the configuration that measures an HTTP client's calls. `hosts`: platform by host."""

    def record(context: SimpleNamespace, url: URL, outcome: str) -> None:
        seconds = time.perf_counter() - context.started
        platform = platform_of(url, hosts)
        CALLS.labels(platform, outcome).observe(seconds)
        if log.isEnabledFor(logging.DEBUG):
            fields = {"platform": platform, "outcome": outcome, "ms": round(seconds * 1000)}
            log.debug("%s answered %s after %d ms", *fields.values(), extra=fields)

    async def on_start(_session: object, context: SimpleNamespace, _params: object) -> None:
        context.started = time.perf_counter()

    async def on_end(_session: object, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
        record(context, params.url, f"{params.response.status // 100}xx")

    async def on_exception(
        _session: object, context: SimpleNamespace, params: aiohttp.TraceRequestExceptionParams
    ) -> None:
        record(context, params.url, "lost")

    config = aiohttp.TraceConfig()
    config.on_request_start.append(on_start)
    config.on_request_end.append(on_end)
    config.on_request_exception.append(on_exception)
    return config
