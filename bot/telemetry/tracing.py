"""Traces by OpenTelemetry, for those who collect them: one from a press to the platform call it leads to.

Off unless OTEL_EXPORTER_OTLP_ENDPOINT is set: then nothing of OpenTelemetry is imported, and nothing of ours is slower,
since what is watched is wrapped object by object. Names and attributes come from short lists of ours, and of an error
only its kind is told. What a request says of a trace is not believed, and no platform is told of ours.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from importlib.metadata import version
from os import environ
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from structlog.contextvars import get_contextvars

from adapters.ports import Turn, TurnResult
from bot.core.due_jobs import Job
from bot.core.outbox import OutboxWorker
from bot.core.service import Service
from bot.storage.database import Database
from bot.telemetry.logging import route_of
from bot.telemetry.metrics import RequestTiming, platform_of

if TYPE_CHECKING:
    from opentelemetry.trace import Span, SpanKind

LAST = 5.0
"""Seconds at the end for what is not sent yet."""
PROBES = {"/healthz", "/readyz"}
"""Asked every few seconds, and of no interest."""

T = TypeVar("T")


class Tracing:
    """What makes spans and sends them, from a thread of its own. `endpoint`: of a collector, OTLP over HTTP."""

    def __init__(self, endpoint: str) -> None:
        from opentelemetry import context, trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        # One line for what was not sent is enough; not one for every try.
        logging.getLogger("opentelemetry.exporter").setLevel(logging.ERROR)
        name = environ.get("OTEL_SERVICE_NAME", "cm-advisor")
        resource = Resource.create({"service.name": name, "service.version": version("cm-advisor")})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._sender = OTLPSpanExporter(f"{endpoint}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(self._sender))
        self._tracer = self._provider.get_tracer("cm-advisor")
        self._trace, self._context, self._w3c = trace, context, TraceContextTextMapPropagator()

    async def stop(self) -> None:
        """Send what is left, unless that takes too long."""
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, LAST)
        # No collector is worth another try now.
        self._sender.shutdown()  # type: ignore[no-untyped-call]

    @contextmanager
    def _span(self, name: str, kind: "SpanKind | None" = None, parent: Any = None, **told: Any) -> Iterator["Span"]:
        """`told`: attributes, with _ for each dot."""
        with self._tracer.start_as_current_span(
            name,
            parent,
            kind or self._trace.SpanKind.INTERNAL,
            {key.replace("_", "."): value for key, value in told.items()},
            record_exception=False,  # what it says may quote a person
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except web.HTTPException:
                raise
            except Exception as error:
                self._failed(span, type(error))
                raise

    def _failed(self, span: "Span", kind: type[BaseException]) -> None:
        span.set_status(self._trace.StatusCode.ERROR, kind.__name__)

    # --- What is watched ------------------------------------------------------------------------------------------

    def requests(self) -> Middleware:
        """Return the middleware that watches requests."""

        @web.middleware
        async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
            route = route_of(request)
            if route in PROBES:
                return await handler(request)
            # A method that somebody made up has no route.
            with self.delivered(f"{request.method} {route}" if route else "-", http_route=route or "-") as one:
                response = await handler(request)
                one.status = response.status
                return response

        return watched

    @contextmanager
    def delivered(self, name: str, **told: str) -> Iterator[RequestTiming]:
        """Watch what came, by whichever way; `told` as for a span."""
        one = RequestTiming(get_contextvars().get("request", ""))
        root, kind = self._context.Context(), self._trace.SpanKind.SERVER
        with self._span(name, kind, root, request_id=one.id, **told) as span:
            try:
                yield one
            except web.HTTPException as answer:
                one.status = answer.status
                raise
            finally:
                span.set_attribute("http.response.status_code", one.status)

    def calls(self, hosts: Mapping[str, str]) -> aiohttp.TraceConfig:
        """Return what watches the calls of an HTTP client. `hosts`: the platform of a host."""

        async def start(_http: object, own: SimpleNamespace, params: aiohttp.TraceRequestStartParams) -> None:
            platform = platform_of(params.url, hosts)
            told = {"platform": platform, "http.request.method": params.method}
            own.span = self._tracer.start_span(f"call {platform}", kind=self._trace.SpanKind.CLIENT, attributes=told)

        async def end(_http: object, own: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
            own.span.set_attribute("http.response.status_code", params.response.status)
            own.span.end()

        async def fail(_http: object, own: SimpleNamespace, params: aiohttp.TraceRequestExceptionParams) -> None:
            self._failed(own.span, type(params.exception))
            own.span.end()

        config = aiohttp.TraceConfig()
        config.on_request_start.append(start)
        config.on_request_end.append(end)
        config.on_request_exception.append(fail)
        return config

    def watch(self, database: Database, service: Service, worker: OutboxWorker) -> None:
        """Watch units of work, turns and jobs."""
        service.trace_context = self._carried
        for watched, name, anew in (
            (database, "run", self._unit),
            (database, "turn", self._unit),
            (service, "turn", self._turn),
            (worker, "_do", self._do),
        ):
            setattr(watched, name, anew(getattr(watched, name)))

    def _carried(self) -> dict[str, str]:
        """What a row says of the trace in which it is written, so that its job goes on in it."""
        carrier: dict[str, str] = {}
        self._w3c.inject(carrier)
        return {"trace": carrier["traceparent"]} if carrier else {}

    def _unit(self, run: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        """Watch a method of the store; what it is to do comes last."""

        @wraps(run)
        async def watched(*arguments: Any, **more: Any) -> T:
            if not self._trace.get_current_span().get_span_context().is_valid:
                return await run(*arguments, **more)  # the worker looking for work, again and again

            with self._span("unit of work"):
                here = self._context.get_current()
                *others, work = arguments

                def within(*found: Any) -> Any:  # maybe in a thread, which knows nothing of the span
                    token = self._context.attach(here)
                    try:
                        return work(*found)
                    finally:
                        self._context.detach(token)

                return await run(*others, within, **more)

        return watched

    def _turn(self, turn: Callable[[Turn], Awaitable[TurnResult]]) -> Callable[[Turn], Awaitable[TurnResult]]:
        @wraps(turn)
        async def watched(taken: Turn) -> TurnResult:
            event = taken.event
            with self._span("turn", platform=event.actor.tenant.partition(":")[0], event=type(event).__name__) as span:
                result = await turn(taken)
                span.set_attribute("repeated", result.duplicate)
                return result

        return watched

    def _do(self, do: Callable[[Job], Awaitable[None]]) -> Callable[[Job], Awaitable[None]]:
        @wraps(do)
        async def watched(job: Job) -> None:
            parent = self._w3c.extract({"traceparent": job.payload.get("trace", "")}, self._context.Context())
            told = {"job_kind": job.kind, "job_attempt": job.attempts + 1, "request_id": f"job-{job.id}"}
            with self._span(f"job {job.kind}", self._trace.SpanKind.CONSUMER, parent, **told):
                await do(job)

        return watched
