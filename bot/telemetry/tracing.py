"""Traces by OpenTelemetry, exported by OTLP over HTTP. Imported only when OTEL_EXPORTER_OTLP_ENDPOINT is set.

Names and attributes come from fixed lists; of an error only the class is recorded, because its message may quote a
person. The trace headers of incoming requests are ignored, and none are sent to a platform.
"""

import asyncio
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import version
from os import environ
from types import SimpleNamespace

import aiohttp
from aiohttp import web
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bot.telemetry import spans
from bot.telemetry.http import platform_of
from bot.telemetry.spans import Attributes

SHUTDOWN_TIMEOUT = 5.0
"""Seconds at the end for spans that were not exported yet."""


class Tracing:
    """Records spans and exports them from a thread of its own. `endpoint`: the URL of a collector."""

    def __init__(self, endpoint: str) -> None:
        # The exporter would log every retry; a batch that is dropped is logged by the SDK.
        logging.getLogger("opentelemetry.exporter").setLevel(logging.ERROR)
        name = environ.get("OTEL_SERVICE_NAME", "cm-advisor")
        resource = Resource.create({"service.name": name, "service.version": version("cm-advisor")})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._exporter = OTLPSpanExporter(f"{endpoint}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("cm-advisor")
        self._propagator = TraceContextTextMapPropagator()

    def start(self) -> None:
        """Record the spans of this process from now on."""
        spans.request_span, spans.job_span, spans.span = self._request_span, self._job_span, self._child_span
        spans.trace_context = self._trace_context

    async def stop(self) -> None:
        """Stop recording and export what is left, unless that takes too long."""
        spans.request_span = spans.job_span = spans.span = nullcontext
        spans.trace_context = dict
        thread = threading.Thread(target=self._provider.shutdown, daemon=True)
        thread.start()
        await asyncio.to_thread(thread.join, SHUTDOWN_TIMEOUT)
        # Ends the exporter's retries.
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def call_spans(self, hosts: Mapping[str, str]) -> aiohttp.TraceConfig:
        """Return the configuration that records an HTTP client's calls. `hosts`: platform by host."""

        async def on_start(_http: object, context: SimpleNamespace, params: aiohttp.TraceRequestStartParams) -> None:
            platform = platform_of(params.url, hosts)
            attributes = {"platform": platform, "http.request.method": params.method}
            context.span = self._tracer.start_span(f"call {platform}", kind=SpanKind.CLIENT, attributes=attributes)

        async def on_end(_http: object, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
            context.span.set_attribute("http.response.status_code", params.response.status)
            context.span.end()

        async def on_exception(
            _http: object, context: SimpleNamespace, params: aiohttp.TraceRequestExceptionParams
        ) -> None:
            _set_error(context.span, params.exception)
            context.span.end()

        config = aiohttp.TraceConfig()
        config.on_request_start.append(on_start)
        config.on_request_end.append(on_end)
        config.on_request_exception.append(on_exception)
        return config

    def _request_span(self, attributes: Attributes) -> AbstractContextManager[Attributes]:
        return self._span(attributes, SpanKind.SERVER, Context())

    def _job_span(self, attributes: Attributes) -> AbstractContextManager[Attributes]:
        parent = self._propagator.extract({"traceparent": attributes.pop("trace", "")}, Context())
        return self._span(attributes, SpanKind.CONSUMER, parent)

    def _child_span(self, attributes: Attributes) -> AbstractContextManager[Attributes]:
        if not get_current_span().get_span_context().is_valid:
            return nullcontext(attributes)
        return self._span(attributes, SpanKind.INTERNAL)

    @contextmanager
    def _span(self, attributes: Attributes, kind: SpanKind, parent: Context | None = None) -> Iterator[Attributes]:
        name = attributes.pop("name")
        with self._tracer.start_as_current_span(
            name, parent, kind, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield attributes
            except Exception as error:
                if not isinstance(error, web.HTTPException):
                    _set_error(span, error)
                raise
            finally:
                span.set_attributes(attributes)

    def _trace_context(self) -> dict[str, str]:
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return {"trace": carrier["traceparent"]} if carrier else {}


def _set_error(span: Span, error: BaseException) -> None:
    span.set_status(StatusCode.ERROR, type(error).__name__)
