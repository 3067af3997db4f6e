"""Log lines: each has an id, none has personal data."""

import io
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from structlog.contextvars import bound_contextvars

from adapters.ports import PermanentFailure
from bot.core.outbox import OutboxWorker
from bot.core.service import Service
from bot.settings import Settings
from bot.telemetry.http import AccessLogger, call_metrics, tracking_middleware
from bot.telemetry.logging import configure_logging, formatter
from tests.bot.fakes import FakeGateway, confirm, work

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """The log at every level, as JSON."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    configure_logging(Settings(_env_file=None, log_level="DEBUG", log_format="json"))
    return stream


@pytest.fixture
def lines(written: io.StringIO) -> Lines:
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]


@pytest.fixture
async def client() -> AsyncIterator[TestClient]:
    """A server that calls a platform for every request."""

    async def platform(_request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def ask(request: web.Request) -> web.Response:
        logging.getLogger("adapters.slack").info("asked")
        async with http.get(there.make_url("/hooks/s3cret")) as answer:
            return web.Response(status=answer.status)

    other = web.Application()
    other.add_routes([web.get("/hooks/{secret}", platform)])
    app = web.Application(middlewares=[tracking_middleware])
    app.add_routes([web.post("/ask/{who}", ask)])
    calls = call_metrics({"127.0.0.1": "slack"})
    async with TestServer(other) as there, aiohttp.ClientSession(trace_configs=[calls]) as http:
        server = TestServer(app)
        await server.start_server(access_log=logging.getLogger("bot.access"), access_log_class=AccessLogger)
        async with TestClient(server) as test_client:
            yield test_client


async def test_every_log_line_of_a_request_has_its_id(client: TestClient, lines: Lines) -> None:
    ids = [(await client.post("/ask/anna?code=s3cret")).headers["X-Request-Id"] for _ in range(3)]
    assert len(set(ids)) == 3
    logged_lines = [line for line in lines() if "request" in line]
    for id in ids:
        asked, called, answered = (line for line in logged_lines if line["request"] == id)
        assert (asked["logger"], asked["level"], asked["message"]) == ("adapters.slack", "info", "asked")
        assert (called["platform"], called["outcome"]) == ("slack", "2xx")
        assert (answered["method"], answered["route"], answered["status"]) == ("POST", "/ask/{who}", 204)
        assert {"time", "ms"} <= called.keys() & answered.keys()
    assert "s3cret" not in json.dumps(lines())
    assert "anna" not in json.dumps(lines())


async def test_every_log_line_of_a_job_has_its_id(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, lines: Lines
) -> None:
    gateway.fail = PermanentFailure("gone")
    await confirm(service)
    await work(worker)
    logged_lines = [line for line in lines() if line["logger"] == "bot.core.outbox"]
    assert logged_lines
    assert all(line["request"].startswith("job-") and line["message"].startswith("job ") for line in logged_lines)


def test_only_warnings_of_libraries_are_logged_without_their_fields(lines: Lines) -> None:
    library = logging.getLogger("slack_bolt")
    library.info("what people send")
    library.warning("a\n%s", "b", extra={"body": "what people send", "route": "known"})
    [line] = lines()
    assert (line["message"], line["level"], line["route"]) == ("a\nb", "warning", "known")
    assert "body" not in line


def test_requests_are_not_logged_below_the_level(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(_env_file=None, log_level="WARNING", log_format="json"))
    access = AccessLogger(logging.getLogger("bot.access"), "")
    asked = make_mocked_request("GET", "/")
    for status, seconds in ((200, 0.1), (200, 2.0), (404, 0.1)):
        access.log(asked, web.Response(status=status), seconds)
    logging.getLogger("bot.core.outbox").info("nothing")
    assert capsys.readouterr().err == ""


def test_fast_successful_requests_are_not_logged_at_info(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(_env_file=None, log_level="INFO", log_format="json"))
    access = AccessLogger(logging.getLogger("bot.access"), "")
    asked = make_mocked_request("GET", "/")
    for status, seconds in ((200, 0.1), (200, 2.0), (404, 0.1), (503, 0.1)):
        access.log(asked, web.Response(status=status), seconds)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["status"], line["ms"]) for line in lines] == [(200, 2000), (404, 100), (503, 100)]


async def test_the_path_of_an_unknown_route_is_not_logged(client: TestClient, lines: Lines) -> None:
    assert (await client.get("/anna?code=s3cret")).status == 404
    assert [line["message"].partition(" 404 ")[0] for line in lines() if line["logger"] == "bot.access"] == ["GET -"]


@pytest.mark.parametrize("how", ["json", "text"])
def test_an_exception_is_logged_with_its_stack_but_not_its_message(how: str) -> None:
    typed = str(uuid4())

    def failing() -> None:
        try:
            raise KeyError(typed)
        except KeyError as error:
            raise ValueError(typed) from error

    with pytest.raises(ValueError, match=typed) as caught:
        failing()
    logged_lines = (caught.type, caught.value, caught.tb)
    logged = formatter(how).format(logging.LogRecord("bot", logging.ERROR, "", 0, "It failed", (), logged_lines))
    assert typed not in logged
    for part in ("It failed", "in failing", "ValueError"):
        assert part in logged


def test_the_text_format() -> None:
    record = logging.LogRecord("bot.core.outbox", logging.INFO, "", 0, "posted %d", (2,), None)
    record.ms = 12
    with bound_contextvars(request="job-1"):
        time, rest = formatter("text").format(record).split(" ", 1)
    assert time.endswith("Z")
    assert rest.split() == ["[info", "]", "posted", "2", "[bot.core.outbox]", "request=job-1"]
