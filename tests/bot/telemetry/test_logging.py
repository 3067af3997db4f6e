"""What the log says: each line what it is about, none what a person is called or wrote."""

import io
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
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
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is written, at every level, as JSON."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    kept = logging.root.handlers[:], logging.root.level
    configure_logging(Settings(_env_file=None, log_level="DEBUG", log_format="json"))
    yield stream
    logging.root.handlers, logging.root.level = kept
    for name in ("adapters", "bot"):
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.fixture
def lines(written: io.StringIO) -> Lines:
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]


@pytest.fixture
async def asking() -> AsyncIterator[TestClient]:
    """A server that asks a platform whatever it is asked, as ours does."""

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
        async with TestClient(server) as client:
            yield client


async def test_every_line_of_a_request_has_its_id_the_platform_call_too(asking: TestClient, lines: Lines) -> None:
    ids = [(await asking.post("/ask/anna?code=s3cret")).headers["X-Request-Id"] for _ in range(3)]
    assert len(set(ids)) == 3
    told = [line for line in lines() if "request" in line]
    for id in ids:
        asked, called, answered = (line for line in told if line["request"] == id)
        assert (asked["logger"], asked["level"], asked["message"]) == ("adapters.slack", "info", "asked")
        assert (called["platform"], called["outcome"]) == ("slack", "2xx")
        assert (answered["method"], answered["route"], answered["status"]) == ("POST", "/ask/{who}", 204)
        assert {"time", "ms"} <= called.keys() & answered.keys()
    assert "s3cret" not in json.dumps(lines())
    assert "anna" not in json.dumps(lines())


async def test_every_line_of_a_job_has_its_id(
    service: Service, worker: OutboxWorker, gateway: FakeGateway, lines: Lines
) -> None:
    gateway.fail = PermanentFailure("gone")
    await confirm(service)
    await work(worker)
    told = [line for line in lines() if line["logger"] == "bot.core.outbox"]
    assert told
    assert all(line["request"].startswith("job-") and line["message"].startswith("job ") for line in told)


def test_of_libraries_only_warnings_and_none_of_their_fields(lines: Lines) -> None:
    library = logging.getLogger("slack_bolt")
    library.info("what people send")
    library.warning("a\n%s", "b", extra={"body": "what people send", "route": "known"})
    [line] = lines()
    assert (line["message"], line["level"], line["route"]) == ("a\nb", "warning", "known")
    assert "body" not in line


def test_a_level_that_is_off_costs_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(_env_file=None, log_level="WARNING", log_format="json"))
    access = AccessLogger(logging.getLogger("bot.access"), "")
    asked = make_mocked_request("GET", "/")
    for status, seconds in ((200, 0.1), (200, 2.0), (404, 0.1)):
        access.log(asked, web.Response(status=status), seconds)
    logging.getLogger("bot.core.outbox").info("nothing")
    assert capsys.readouterr().err == ""


def test_what_went_well_and_in_time_is_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(_env_file=None, log_level="INFO", log_format="json"))
    access = AccessLogger(logging.getLogger("bot.access"), "")
    asked = make_mocked_request("GET", "/")
    for status, seconds in ((200, 0.1), (200, 2.0), (404, 0.1), (503, 0.1)):
        access.log(asked, web.Response(status=status), seconds)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["status"], line["ms"]) for line in lines] == [(200, 2000), (404, 100), (503, 100)]


async def test_a_request_without_a_route_says_nothing_of_its_path(asking: TestClient, lines: Lines) -> None:
    assert (await asking.get("/anna?code=s3cret")).status == 404
    assert [line["message"].partition(" 404 ")[0] for line in lines() if line["logger"] == "bot.access"] == ["GET -"]


@pytest.mark.parametrize("how", ["json", "text"])
def test_what_an_error_says_is_not_logged_but_where_it_came_from(how: str) -> None:
    typed = str(uuid4())

    def failing() -> None:
        try:
            raise KeyError(typed)
        except KeyError as error:
            raise ValueError(typed) from error

    with pytest.raises(ValueError, match=typed) as caught:
        failing()
    told = (caught.type, caught.value, caught.tb)
    logged = formatter(how).format(logging.LogRecord("bot", logging.ERROR, "", 0, "It failed", (), told))
    assert typed not in logged
    for part in ("It failed", "in failing", "ValueError"):
        assert part in logged


def test_text_is_for_people() -> None:
    record = logging.LogRecord("bot.core.outbox", logging.INFO, "", 0, "posted %d", (2,), None)
    record.ms = 12
    with bound_contextvars(request="job-1"):
        time, rest = formatter("text").format(record).split(" ", 1)
    assert time.endswith("Z")
    assert rest.split() == ["[info", "]", "posted", "2", "[bot.core.outbox]", "request=job-1"]
