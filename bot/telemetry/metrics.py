"""Metrics for Prometheus, served on a port of their own (``METRICS_PORT``), never on the public one.

Label values come from fixed lists, never from a request.
"""

import sqlalchemy as sa
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

from adapters.ports import ServiceUnavailable
from bot.storage.database import Database
from bot.storage.schema import outbox, pending_cards
from bot.storage.transaction import Transaction

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10)
"""Seconds. Slack's limit for an acknowledgement is three."""

ACKS = Histogram("cm_advisor_ack_seconds", "From a request to its answer.", ["route", "status"], buckets=_BUCKETS)
TURNS = Histogram("cm_advisor_turn_seconds", "Load, step, save.", ["platform", "event"], buckets=_BUCKETS)
CALLS = Histogram("cm_advisor_call_seconds", "Calls to a platform.", ["platform", "outcome"], buckets=_BUCKETS)
STARTED = Counter("cm_advisor_dialogs_started", "Dialogs begun.", ["platform"])
COMPLETED = Counter("cm_advisor_dialogs_completed", "Dialogs with a recommendation.", ["platform", "how"])
ABANDONED = Counter("cm_advisor_dialogs_abandoned", "Dialogs that expired.", ["platform", "question"])
FAILURES = Counter("cm_advisor_job_failures", "Failed attempts of outbox jobs.", ["kind", "reason"])
FAILURES.labels("post", "dead")  # exported as 0 from the start, so that the first one shows as an increase
DEPTH = Gauge("cm_advisor_outbox_rows", "Jobs waiting in the outbox.", ["kind", "state"])
AGE = Gauge("cm_advisor_outbox_oldest_seconds", "How long the oldest due job has been due.")


def _measure_outbox(transaction: Transaction) -> None:
    counts = sa.select(outbox.c.kind, outbox.c.state, sa.func.count()).where(outbox.c.state != "done")
    DEPTH.clear()
    for kind, state, count in transaction.execute(counts.group_by(outbox.c.kind, outbox.c.state)).all():
        DEPTH.labels(kind, state).set(count)
    cards = transaction.execute(sa.select(sa.func.count()).select_from(pending_cards)).scalar()
    if cards:
        DEPTH.labels("card", "drawing").set(cards)
    due = sa.select(sa.func.min(outbox.c.due_at)).where(outbox.c.state.in_(("pending", "sending")))
    oldest = transaction.execute(due).scalar()
    AGE.set(max(0.0, (transaction.now - oldest).total_seconds()) if oldest else 0)


def metrics_app(database: Database) -> web.Application:
    """Return the application that serves ``/metrics``."""

    async def show(_request: web.Request) -> web.Response:
        try:
            await database.run(_measure_outbox, long=True)
        except ServiceUnavailable:
            AGE.set(float("nan"))
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/metrics", show)])
    return app
