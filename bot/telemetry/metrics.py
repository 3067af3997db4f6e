"""What is counted, for Prometheus: ``METRICS_PORT`` opens a listener of its own for it; the public one has none.

Labels come from short lists of ours, never from what a request says.
"""

import logging
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp
import sqlalchemy as sa
from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from yarl import URL

from adapters.ports import ServiceUnavailable, TurnResult
from bot.storage.database import Database
from bot.storage.schema import outbox, pending_cards
from bot.storage.transaction import Transaction
from bot.telemetry.logging import bind_request_id, route_of
from dialogs.events import ConfirmPost, Event, KeepPrivate, Start
from dialogs.session import Status

_QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10)
"""Seconds; Slack waits for three."""

ACKS = Histogram("cm_advisor_ack_seconds", "From a request to its answer.", ["route", "status"], buckets=_QUICK)
TURNS = Histogram("cm_advisor_turn_seconds", "Load, step, save.", ["platform", "event"], buckets=_QUICK)
CALLS = Histogram("cm_advisor_call_seconds", "Calls to a platform.", ["platform", "outcome"], buckets=_QUICK)
STARTED = Counter("cm_advisor_dialogs_started", "Dialogs begun.", ["platform"])
COMPLETED = Counter("cm_advisor_dialogs_completed", "Dialogs with a recommendation.", ["platform", "how"])
ABANDONED = Counter("cm_advisor_dialogs_abandoned", "Dialogs closed because nobody went on.", ["platform", "question"])
FAILURES = Counter("cm_advisor_job_failures", "Attempts that came to nothing.", ["kind", "reason"])
FAILURES.labels("post", "dead")  # known from the start, so that the first one is a rise
DEPTH = Gauge("cm_advisor_outbox_rows", "Rows waiting, by what they are.", ["kind", "state"])
AGE = Gauge("cm_advisor_outbox_oldest_seconds", "How long the oldest row that is due has been due.")

log = logging.getLogger(__name__)


@dataclass
class RequestTiming:
    """A request, or what came by another way, and what it is answered."""

    id: str
    status: int = 500


@contextmanager
def track_request(route: str) -> Iterator[RequestTiming]:
    """Give what came an id, and time its answer."""
    one = RequestTiming(f"{random.getrandbits(64):016x}")
    bind_request_id(one.id)
    began = time.perf_counter()
    try:
        yield one
    except web.HTTPException as answer:
        one.status = answer.status
        raise
    finally:
        ACKS.labels(route, str(one.status)).observe(time.perf_counter() - began)


@web.middleware
async def metrics_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id, and time its answer."""
    with track_request(route_of(request) or "-") as one:
        response = await handler(request)
        one.status = response.status
        response.headers["X-Request-Id"] = one.id
        return response


def count_turn(event: Event, came_to: TurnResult, seconds: float) -> None:
    """Count a turn."""
    platform = event.actor.tenant.partition(":")[0]
    TURNS.labels(platform, type(event).__name__).observe(seconds)
    if came_to.duplicate or came_to.session is None or not came_to.effects:
        return
    status = came_to.session.status
    if isinstance(event, Start):
        STARTED.labels(platform).inc()
    elif isinstance(event, ConfirmPost | KeepPrivate) and status in {Status.POSTED, Status.KEPT}:
        COMPLETED.labels(platform, status.value).inc()


def platform_of(url: URL, hosts: Mapping[str, str]) -> str:
    """Return whose host that is; what is not in `hosts` is Teams' own."""
    return hosts.get(url.host or "", "teams")


def call_metrics(hosts: Mapping[str, str]) -> aiohttp.TraceConfig:
    """Return what times the calls of an HTTP client. `hosts`: the platform of a host."""

    def note(context: SimpleNamespace, url: URL, outcome: str) -> None:
        seconds = time.perf_counter() - context.began
        platform = platform_of(url, hosts)
        CALLS.labels(platform, outcome).observe(seconds)
        if log.isEnabledFor(logging.DEBUG):
            fields = {"platform": platform, "outcome": outcome, "ms": round(seconds * 1000)}
            log.debug("%s answered %s after %d ms", *fields.values(), extra=fields)

    async def start(_session: object, context: SimpleNamespace, _params: object) -> None:
        context.began = time.perf_counter()

    async def end(_session: object, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
        note(context, params.url, f"{params.response.status // 100}xx")

    async def fail(_session: object, context: SimpleNamespace, params: aiohttp.TraceRequestExceptionParams) -> None:
        note(context, params.url, "lost")

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(start)
    trace.on_request_end.append(end)
    trace.on_request_exception.append(fail)
    return trace


def _outbox(transaction: Transaction) -> None:
    """Look how much waits, and for how long."""
    waiting = outbox.c.state != "done"
    kinds = (
        sa.select(outbox.c.kind, outbox.c.state, sa.func.count()).where(waiting).group_by(outbox.c.kind, outbox.c.state)
    )
    DEPTH.clear()
    for kind, state, count in transaction.execute(kinds).all():
        DEPTH.labels(kind, state).set(count)
    drawing = transaction.execute(sa.select(sa.func.count()).select_from(pending_cards)).scalar()
    if drawing:
        DEPTH.labels("card", "drawing").set(drawing)
    due = sa.select(sa.func.min(outbox.c.due_at)).where(outbox.c.state.in_(("pending", "sending")))
    oldest = transaction.execute(due).scalar()
    AGE.set(max(0.0, (transaction.now - oldest).total_seconds()) if oldest else 0)


def metrics_app(database: Database) -> web.Application:
    """Return the server that Prometheus asks."""

    async def show(_request: web.Request) -> web.Response:
        try:
            await database.run(_outbox, long=True)
        except ServiceUnavailable:
            AGE.set(float("nan"))
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/metrics", show)])
    return app
