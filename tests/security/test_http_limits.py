"""Requests to both endpoints that are slow, large, compressed or not HTTP, over real sockets."""

import asyncio
import gzip
import logging
import zlib
from base64 import b64encode
from hashlib import sha256

import aiohttp
import pytest

from bot import http_limits
from bot.server import MAX_BODY_BYTES
from bot.telemetry.http import AccessLogger
from tests.app_server import serve
from tests.scenarios.parity.conftest import AllPlatforms
from tests.security.raw_http import Address, make_request, send_raw

pytestmark = pytest.mark.usefixtures("no_errors_logged")
ENDPOINTS = ("/slack/events", "/api/messages")
CHUNKED = {"Transfer-Encoding": "chunked"}


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def head(path: str, **headers: str) -> bytes:
    lines = {"Host": "here", "Content-Type": "application/json"} | headers
    return f"POST {path} HTTP/1.1\r\n".encode() + b"".join(f"{k}: {v}\r\n".encode() for k, v in lines.items()) + b"\r\n"


@pytest.fixture
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a tenth of the real timeouts."""
    for name in ("HEADERS_TIMEOUT", "BODY_TIMEOUT"):
        monkeypatch.setattr(http_limits, name, 1.0)


# --- Large --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_a_body_over_the_limit(address: Address, path: str) -> None:
    too_long = make_request(path=path, body=b"x" * (MAX_BODY_BYTES + 1))
    assert (await send_raw(address, too_long)).status == 413
    announced_length = head(path, **{"Content-Length": str(10**12), "Connection": "close"})
    response = await send_raw(address, announced_length, b"x" * 100_000, within=10)
    assert response.status == 413
    assert response.seconds < 5, "rejected by its Content-Length"
    chunks = [chunk(b"x" * 65_536)] * 12
    assert (await send_raw(address, head(path, **CHUNKED), *chunks, b"0\r\n\r\n")).status == 413


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_long_urls_and_many_headers(address: Address, path: str) -> None:
    assert (await send_raw(address, make_request(path="/" + "a" * 9000))).status == 400
    assert (await send_raw(address, make_request(path=path, headers={"X-Long": "a" * 9000}))).status == 400
    many = {f"X-{n}": "a" for n in range(100)}
    assert (await send_raw(address, make_request(path=path, headers=many))).status == 400
    flood = b"POST " + path.encode() + b" HTTP/1.1\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(50_000))
    assert (await send_raw(address, flood)).status in {0, 400}


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
async def test_compressed_bodies_are_rejected_without_decompression(
    platforms: AllPlatforms, address: Address, path: str, coding: str
) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000) if "gzip" in coding else zlib.compress(b"\0" * 50_000_000)
    headers = platforms.scene.user_actions.signed(bomb) | {"Content-Encoding": coding}
    headers["Authorization"] = f"Bearer {platforms.teams_user_actions.token()}"
    response = await send_raw(address, make_request(path=path, body=bomb, headers=headers))
    assert response.status == 415
    assert response.seconds < 2


# --- Slow ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("short_timeouts")
@pytest.mark.parametrize("path", ENDPOINTS)
async def test_a_slow_body(address: Address, path: str) -> None:
    response = await send_raw(address, head(path, **{"Content-Length": "1000"}), *[b"x"] * 100, pause=0.1)
    assert response.status == 408
    assert 0.9 < response.seconds < 4.5
    response = await send_raw(address, head(path, **CHUNKED), *[chunk(b"x")] * 100, pause=0.1)
    assert response.status == 408
    response = await send_raw(address, head(path, **{"Content-Length": "1000"}), within=6)
    assert response.status == 408, "no body at all"


@pytest.mark.usefixtures("short_timeouts")
async def test_slow_headers(address: Address) -> None:
    response = await send_raw(address, *[b"P", b"O", b"ST / HTTP/1.1\r\n"], *[b"X-A: b\r\n"] * 60, pause=0.1, within=8)
    assert response.status == 0
    assert 0.9 < response.seconds < 2.5
    assert (await send_raw(address, within=5)).seconds < 2.5, "a connection without a request"


@pytest.mark.usefixtures("short_timeouts")
async def test_slow_headers_after_a_first_request(address: Address) -> None:
    first = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"
    response = await send_raw(address, first, b"GET /heal", *[b"t"] * 60, pause=0.1, within=8)
    assert response.responses == 1
    assert response.seconds < 3


@pytest.mark.usefixtures("short_timeouts")
async def test_an_idle_connection_between_two_requests_stays_open(address: Address) -> None:
    first = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"
    response = await send_raw(address, first, make_request("GET", "/healthz"), pause=1.5)
    assert response.responses == 2


async def test_a_client_that_disconnects_during_a_request(address: Address) -> None:
    for path in ENDPOINTS:
        for data in (
            b"",
            b"POST ",
            head(path, **{"Content-Length": "100"}) + b"abc",
            head(path, **CHUNKED) + b"5\r\nab",
        ):
            response = await send_raw(address, data, end=True, within=5)
            assert response.status in {0, 400}
            _reader, writer = await address.connect()
            writer.write(data)
            writer.transport.abort()
    await asyncio.sleep(0.1)


async def test_connections_are_limited_and_idle_ones_are_closed_first(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_limits, "MAX_CONNECTIONS", 20)
    unfinished = head("/slack/events", **{"Content-Length": "10"})
    first = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"
    opened = []
    for n in range(40):
        reader, writer = await address.connect()
        opened.append(writer)
        writer.write(first if n < 20 else unfinished)
        await asyncio.wait({asyncio.create_task(reader.read(15))}, timeout=0.02)
    response = await send_raw(address, make_request("GET", "/healthz"), within=3)
    assert response.status == 0, "all connections are busy"
    for writer in opened[20:22]:
        writer.close()
    await asyncio.sleep(0.1)
    assert (await send_raw(address, make_request("GET", "/healthz"))).status == 200
    for writer in opened:
        writer.close()


# --- Not HTTP -----------------------------------------------------------------------------------------------------

NOT_HTTP = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    b"\r\n" * 1000,
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nbroken\r\n\r\n",
    b"GET / HTTP/1.1\r\n: no name\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
    b"G\xc3\x89T / HTTP/1.1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"secret-marker-in-a-line\r\n\r\n",
    b"POST /slack/events HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
    b"POST /slack/events HTTP/1.1\r\nHost: a\r\nContent-Length: 1e3\r\n\r\n",
    b"POST /slack/events HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    b"POST /slack/events HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /slack/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST /slack/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"POST /slack/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    b"POST /slack/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
    b"POST /api/messages HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nab\r\n0\r\n\r\n",
    b"POST /api/messages HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nab",
    b"POST /slack/events HTTP/1.1\r\nHost: a\r\nX: a\r\n folded\r\nContent-Length: 0\r\n\r\n",
    b"POST /slack/events HTTP/1.1\nHost: a\nContent-Length: 0\n\n",
]


@pytest.mark.parametrize("data", NOT_HTTP, ids=lambda data: repr(data[:30]))
async def test_what_is_not_http_is_rejected_and_neither_logged_nor_echoed(
    address: Address, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    response = await send_raw(address, data, end=True, within=5)
    assert response.status in {0, 400, 401, 505}
    assert response.responses <= 1, "no rest that a proxy would take for another request"
    assert b"secret-marker" not in response.raw
    assert "secret-marker" not in caplog.text


async def test_no_request_smuggling(address: Address) -> None:
    second = make_request("GET", "/healthz")
    for data in (
        head("/slack/events", **{"Content-Length": "5"}).replace(
            b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"
        ),
        head("/slack/events", **{"Transfer-Encoding": "chunked", "Content-Length": "4"}),
        head("/slack/events", **{"Transfer-Encoding": "\x0bchunked"}),
    ):
        response = await send_raw(address, data + b"0\r\n\r\n" + second, end=True, within=5)
        assert response.responses <= 1
        assert b"200 OK" not in response.raw


async def test_unknown_methods_and_paths(address: Address) -> None:
    for path in ENDPOINTS:
        for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"):
            response = await send_raw(address, make_request(method, path))
            assert response.status == 405
            assert b"Allow: POST" in response.raw
    for path in ("/..%2f..%2fetc/passwd", "//", "/slack/events/../../x", "/%00", "/metrics", "/slack/install", "*"):
        assert (await send_raw(address, make_request("GET", path))).status in {400, 404}
    assert (await send_raw(address, make_request(headers={"Expect": "everything"}))).status == 417
    assert (
        await send_raw(address, make_request(headers={"Connection": "Upgrade", "Upgrade": "websocket"}), within=1)
    ).status == 401


# --- Security headers ---------------------------------------------------------------------------------------


async def test_security_headers_of_pages(platforms: AllPlatforms) -> None:
    async with aiohttp.ClientSession(platforms.scene.server.url) as http:
        for path in ("/", "/privacy", "/terms", "/support"):
            async with http.get(path) as page:
                html = await page.text()
                policy = page.headers["Content-Security-Policy"]
                style = html.split("<style>")[1].split("</style>")[0]
                assert f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in policy
                assert {"default-src 'none'", "frame-ancestors 'none'"} <= set(policy.split("; "))
                assert page.headers["Referrer-Policy"] == "no-referrer"
                assert "<script" not in html
        for path in ("/", "/healthz", "/nowhere"):
            async with http.get(path) as page:
                assert page.headers["X-Content-Type-Options"] == "nosniff"
                assert page.headers["Server"] == "cm-advisor", "without versions"


async def test_the_access_log_leaves_out_what_is_not_http(platforms: AllPlatforms, caplog) -> None:
    options = {"access_log": logging.getLogger("bot.access"), "access_log_class": AccessLogger}
    with caplog.at_level(logging.DEBUG, "bot.access"):
        async with serve(platforms.scene.settings, shutdown_timeout=1, **options) as server:
            address = Address(server.host, server.port)
            assert (await send_raw(address, b"nonsense\r\n\r\n")).status == 400
            assert (await send_raw(address, make_request("GET", "/healthz"))).status == 200
            assert (await send_raw(address, make_request(body=b"x" * (MAX_BODY_BYTES + 1)))).status == 413
    lines = [record.getMessage() for record in caplog.records if record.name == "bot.access"]
    assert [line.rsplit(" ", 2)[0] for line in lines] == ["GET /healthz 200", "POST /slack/events 413"]


def test_deeply_nested_json_is_rejected() -> None:
    from adapters.slack.http import HttpError, parse_body
    from adapters.teams.request import MalformedActivity, parse_request

    for depth in (100_000, 200_000):
        raw = b'{"type":"x","a":' + b"[" * depth + b"]" * depth + b"}"
        with pytest.raises((MalformedActivity, HttpError)):
            parse_request(raw)
        with pytest.raises(HttpError):
            parse_body(raw, "application/json")
