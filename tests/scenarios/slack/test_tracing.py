"""Traces that a collector receives by OTLP over HTTP."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from adapters.playground.slack.server import SlackSimulator
from adapters.slack.socket_mode import ROUTE
from tests.scenarios.slack.conftest import MakeScene, Scene


@dataclass
class Collector:
    """What was received. `raw`: all bodies."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    services: set[str] = field(default_factory=set)
    raw: bytes = b""

    async def receive(self, request: web.Request) -> web.Response:
        assert request.content_type == "application/x-protobuf"
        body = await request.read()
        self.raw += body
        exported = ExportTraceServiceRequest.FromString(body)
        for resource in exported.resource_spans:
            self.services |= {a.value.string_value for a in resource.resource.attributes if a.key == "service.name"}
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        return web.Response(content_type="application/x-protobuf")

    def of(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def path(self, span: Span) -> list[str]:
        """Return the span names from the root to this span."""
        parent = next((other for other in self.spans if other.span_id == span.parent_span_id), None)
        return [*(self.path(parent) if parent else []), span.name]


def attributes(span: Span) -> dict[str, str]:
    return {
        attribute.key: attribute.value.string_value or str(attribute.value.int_value) for attribute in span.attributes
    }


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    collector = Collector()
    app = web.Application(client_max_size=10**7)
    app.add_routes([web.post("/v1/traces", collector.receive)])
    async with TestServer(app) as server:
        collector.url = str(server.make_url("/"))
        yield collector


async def post_a_check(scene: Scene, answers: dict[str, str]) -> None:
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "post")
    await scene.posted(scene.marketing)
    await scene.slack.wait_for(
        lambda: scene.t("notice.posted") in " ".join(card.texts()), what="the notice of the post"
    )


async def test_press_and_post_are_one_trace(
    make_scene: MakeScene, collector: Collector, answers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    headers: list[str] = []
    serve = SlackSimulator._serve

    async def record_headers(self: SlackSimulator, request: web.Request, *more: Any) -> web.StreamResponse:
        headers.extend(request.headers)
        return await serve(self, request, *more)

    monkeypatch.setattr(SlackSimulator, "_serve", record_headers)
    scene = await make_scene("en", otel_exporter_otlp_endpoint=collector.url)
    await post_a_check(scene, answers)
    await scene.server.stop()

    assert collector.services == {"cm-advisor"}
    [job] = collector.of("job post")
    trace = [span for span in collector.spans if span.trace_id == job.trace_id]
    assert collector.path(job) == ["POST /slack/events", "turn", "unit of work", "job post"]
    posts = [span for span in trace if span.name == "call slack" and collector.path(span)[:-1] == collector.path(job)]
    assert [attributes(span)["http.response.status_code"] for span in posts][-1:] == ["200"]
    [turn] = [span for span in trace if span.name == "turn"]
    assert attributes(turn) == {"platform": "slack", "event": "ConfirmPost", "repeated": "0"}
    assert {attributes(span)["request.id"] for span in trace if "request.id" in attributes(span)} > {
        attributes(job)["request.id"]
    }
    [updated] = [span for span in trace if span.name == "job posted"]
    assert "call slack" in {span.name for span in trace if span.parent_span_id == updated.span_id}, (
        "the card is updated"
    )
    # Each press is its own trace. Polling for jobs is not traced.
    requests = collector.of("POST /slack/events")
    assert len({span.trace_id for span in requests}) == len(requests) > len(answers)
    assert not [span for span in collector.of("unit of work") if not span.parent_span_id]
    # No personal data, and no trace headers for the platform.
    for private in (scene.anna.id, scene.anna.name, scene.team.id, scene.marketing.id, "xoxb-", "brand"):
        assert private.encode() not in collector.raw
    assert "Authorization" in headers
    assert not {name.lower() for name in headers} & {"traceparent", "tracestate", "baggage"}


async def test_socket_mode_socket_requestsare_traced(
    make_scene: MakeScene, collector: Collector, answers: dict[str, str]
) -> None:
    scene = await make_scene("en", socket=True, otel_exporter_otlp_endpoint=collector.url)
    await post_a_check(scene, answers)
    await scene.server.stop()
    [job] = collector.of("job post")
    assert collector.path(job) == [ROUTE, "turn", "unit of work", "job post"]
    socket_requests = [attributes(span) for span in collector.of(ROUTE)]
    assert {span["http.response.status_code"] for span in socket_requests} == {"200"}
    assert len({span["request.id"] for span in socket_requests}) == len(socket_requests) > len(answers)


async def test_errors_show_only_their_type_and_foreign_trace_ids_are_ignored(
    make_scene: MakeScene, collector: Collector
) -> None:
    scene = await make_scene("en", otel_exporter_otlp_endpoint=collector.url)
    parent = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    async with aiohttp.ClientSession(scene.server.url) as http:
        assert (await http.post("/slack/events", data="text=anna", headers=parent)).status == 401
        assert (await http.post("/nothing/anna", headers=parent)).status == 404
        while (await http.get("/readyz")).status == 503:  # noqa: ASYNC110 - until the worker has looked for work
            await asyncio.sleep(0.01)
    scene.slack.fail("chat.postMessage", drop="before", times=None)
    await scene.user_actions.direct_message(scene.anna, "hello")
    await scene.settle()
    await scene.server.stop()
    assert [attributes(span)["http.response.status_code"] for span in collector.of("-")] == ["404"]
    assert "401" in {attributes(span)["http.response.status_code"] for span in collector.of("POST /slack/events")}
    assert not any(span.trace_id.hex() == "a" * 32 for span in collector.spans)
    assert not [span for span in collector.spans if "readyz" in span.name]
    failed = [span for span in collector.of("call slack") if span.status.code == Status.STATUS_CODE_ERROR]
    assert failed
    assert {span.status.message for span in failed} == {"ServerDisconnectedError"}
    assert not [event for span in collector.spans for event in span.events]
    assert b"anna" not in collector.raw


async def test_unreachable_collector_delays_nothing(make_scene: MakeScene, answers: dict[str, str]) -> None:
    scene = await make_scene("en", otel_exporter_otlp_endpoint="http://127.0.0.1:1")
    await post_a_check(scene, answers)
    start = time.monotonic()
    await scene.server.stop()
    assert time.monotonic() - start < 10


def test_tracing_is_not_imported_without_a_collector() -> None:
    script = """
import asyncio, json, sys
from bot.settings import Settings
from bot.server import build
known = {"database_url": "sqlite://", "slack_signing_secret": "x", "slack_bot_token": "xoxb-1"}
asyncio.run(build(Settings(_env_file=None, **known)))
print(json.dumps(sorted(name for name in sys.modules if "opentelemetry" in name or name == "bot.telemetry.tracing")))
"""
    made = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(made.stdout) == []
