"""What is slow, large, packed or no HTTP, over real sockets, at both endpoints."""

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
from tests.scenarios.parity.conftest import Everywhere
from tests.security.raw_http import Address, request, say

pytestmark = pytest.mark.usefixtures("quiet")
ENDPOINTS = ("/slack/events", "/api/messages")
FORM = "application/x-www-form-urlencoded"
CHUNKED = {"Transfer-Encoding": "chunked"}


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def head(path: str, **headers: str) -> bytes:
    lines = {"Host": "here", "Content-Type": "application/json"} | headers
    return f"POST {path} HTTP/1.1\r\n".encode() + b"".join(f"{k}: {v}\r\n".encode() for k, v in lines.items()) + b"\r\n"


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, ten times as fast as in earnest."""
    for name in ("HEADERS_TIMEOUT", "BODY_TIMEOUT"):
        monkeypatch.setattr(http_limits, name, 1.0)


# --- Large --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_a_body_that_is_too_long(address: Address, path: str) -> None:
    whole = request(path=path, body=b"x" * (MAX_BODY_BYTES + 1))
    assert (await say(address, whole)).status == 413
    announced = head(path, **{"Content-Length": str(10**12), "Connection": "close"})
    found = await say(address, announced, b"x" * 100_000, patience=10)
    assert found.status == 413
    assert found.seconds < 5, "what it says is believed"
    pieces = [chunk(b"x" * 65_536)] * 12
    assert (await say(address, head(path, **CHUNKED), *pieces, b"0\r\n\r\n")).status == 413


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_long_heads_and_many_headers(address: Address, path: str) -> None:
    assert (await say(address, request(path="/" + "a" * 9000))).status == 400
    assert (await say(address, request(path=path, headers={"X-Long": "a" * 9000}))).status == 400
    many = {f"X-{n}": "a" for n in range(100)}
    assert (await say(address, request(path=path, headers=many))).status == 400
    flood = b"POST " + path.encode() + b" HTTP/1.1\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(50_000))
    assert (await say(address, flood)).status in {0, 400}


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
async def test_packed_bodies_are_not_unpacked(exposed: Everywhere, address: Address, path: str, coding: str) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000) if "gzip" in coding else zlib.compress(b"\0" * 50_000_000)
    signed = exposed.scene.user_actions.signed(bomb) | {"Authorization": f"Bearer {exposed.teams_user_actions.token()}"}
    found = await say(address, request(path=path, body=bomb, headers=signed | {"Content-Encoding": coding}))
    assert found.status == 415
    assert found.seconds < 2


# --- Slow ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("path", ENDPOINTS)
async def test_a_body_that_trickles(address: Address, path: str) -> None:
    found = await say(address, head(path, **{"Content-Length": "1000"}), *[b"x"] * 100, pause=0.1)
    assert found.status == 408
    assert 0.9 < found.seconds < 4.5
    found = await say(address, head(path, **CHUNKED), *[chunk(b"x")] * 100, pause=0.1)
    assert found.status == 408
    found = await say(address, head(path, **{"Content-Length": "1000"}), patience=6)
    assert found.status == 408, "or never comes"


@pytest.mark.usefixtures("hasty")
async def test_headers_that_never_end(address: Address) -> None:
    found = await say(address, *[b"P", b"O", b"ST / HTTP/1.1\r\n"], *[b"X-A: b\r\n"] * 60, pause=0.1, patience=8)
    assert found.status == 0
    assert 0.9 < found.seconds < 2.5
    assert (await say(address, patience=5)).seconds < 2.5, "a connection that says nothing"


@pytest.mark.usefixtures("hasty")
async def test_headers_that_never_end_after_a_first_request(address: Address) -> None:
    first = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"
    found = await say(address, first, b"GET /heal", *[b"t"] * 60, pause=0.1, patience=8)
    assert found.answers == 1
    assert found.seconds < 3


@pytest.mark.usefixtures("hasty")
async def test_one_who_is_only_quiet_between_two_requests_is_kept(address: Address) -> None:
    first = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"
    found = await say(address, first, request("GET", "/healthz"), pause=1.5)
    assert found.answers == 2


async def test_one_who_leaves_in_the_middle(address: Address) -> None:
    for path in ENDPOINTS:
        for said in (
            b"",
            b"POST ",
            head(path, **{"Content-Length": "100"}) + b"abc",
            head(path, **CHUNKED) + b"5\r\nab",
        ):
            found = await say(address, said, end=True, patience=5)
            assert found.status in {0, 400}
            _reader, writer = await address.open()
            writer.write(said)
            writer.transport.abort()
    await asyncio.sleep(0.1)


async def test_there_is_an_end_to_connections_and_idle_ones_make_room(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_limits, "MAX_CONNECTIONS", 20)
    begun = head("/slack/events", **{"Content-Length": "10"})
    first = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"
    opened = []
    for n in range(40):
        reader, writer = await address.open()
        opened.append(writer)
        writer.write(first if n < 20 else begun)
        await asyncio.wait({asyncio.create_task(reader.read(15))}, timeout=0.02)
    found = await say(address, request("GET", "/healthz"), patience=3)
    assert found.status == 0, "all are busy"
    for writer in opened[20:22]:
        writer.close()
    await asyncio.sleep(0.1)
    assert (await say(address, request("GET", "/healthz"))).status == 200
    for writer in opened:
        writer.close()


# --- Not HTTP -----------------------------------------------------------------------------------------------------

NO_HTTP = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    b"\r\n" * 1000,
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nbroken\r\n\r\n",
    b"GET / HTTP/1.1\r\n: no name\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
    b"G\xc3\x89T / HTTP/1.1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"secret-canary-in-a-line\r\n\r\n",
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


@pytest.mark.parametrize("said", NO_HTTP, ids=lambda said: repr(said[:30]))
async def test_what_is_no_http_is_refused_and_not_quoted(
    address: Address, said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    found = await say(address, said, end=True, patience=5)
    assert found.status in {0, 400, 401, 505}
    assert found.answers <= 1, "nothing is left over that a proxy would take for another request"
    assert b"secret-canary" not in found.raw
    assert "secret-canary" not in caplog.text


async def test_nothing_is_smuggled_behind_a_body(address: Address) -> None:
    inner = request("GET", "/healthz")
    for said in (
        head("/slack/events", **{"Content-Length": "5"}).replace(
            b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"
        ),
        head("/slack/events", **{"Transfer-Encoding": "chunked", "Content-Length": "4"}),
        head("/slack/events", **{"Transfer-Encoding": "\x0bchunked"}),
    ):
        found = await say(address, said + b"0\r\n\r\n" + inner, end=True, patience=5)
        assert found.answers <= 1
        assert b"200 OK" not in found.raw


async def test_methods_and_paths_that_are_not_ours(address: Address) -> None:
    for path in ENDPOINTS:
        for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"):
            found = await say(address, request(method, path))
            assert found.status == 405
            assert b"Allow: POST" in found.raw
    for path in ("/..%2f..%2fetc/passwd", "//", "/slack/events/../../x", "/%00", "/metrics", "/slack/install", "*"):
        assert (await say(address, request("GET", path))).status in {400, 404}
    assert (await say(address, request(headers={"Expect": "everything"}))).status == 417
    assert (
        await say(address, request(headers={"Connection": "Upgrade", "Upgrade": "websocket"}), patience=1)
    ).status == 401


# --- What a browser is told ---------------------------------------------------------------------------------------


async def test_pages_load_frame_and_send_nothing(exposed: Everywhere) -> None:
    async with aiohttp.ClientSession(exposed.scene.server.url) as http:
        for path in ("/", "/privacy", "/terms", "/support"):
            async with http.get(path) as page:
                drawn = await page.text()
                policy = page.headers["Content-Security-Policy"]
                style = drawn.split("<style>")[1].split("</style>")[0]
                assert f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in policy
                assert {"default-src 'none'", "frame-ancestors 'none'"} <= set(policy.split("; "))
                assert page.headers["Referrer-Policy"] == "no-referrer"
                assert "<script" not in drawn
        for path in ("/", "/healthz", "/nowhere"):
            async with http.get(path) as page:
                assert page.headers["X-Content-Type-Options"] == "nosniff"
                assert page.headers["Server"] == "cm-advisor", "no versions"


async def test_the_access_log_has_room_for_what_is_no_http(exposed: Everywhere, caplog) -> None:
    """With the access log that `serve` writes; the tests' own server has none."""
    from aiohttp import web

    from bot.server import build

    settings = exposed.scene.settings
    log = logging.getLogger("bot.access")
    runner = http_limits.LimitedAppRunner(
        await build(settings), shutdown_timeout=1, access_log=log, access_log_class=AccessLogger
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    here = Address(*runner.addresses[0][:2])
    with caplog.at_level(logging.DEBUG, "bot.access"):
        assert (await say(here, b"nonsense\r\n\r\n")).status == 400
        assert (await say(here, request("GET", "/healthz"))).status == 200
        assert (await say(here, request(body=b"x" * (MAX_BODY_BYTES + 1)))).status == 413
    await runner.cleanup()
    lines = [each.getMessage() for each in caplog.records if each.name == "bot.access"]
    assert [line.rsplit(" ", 2)[0] for line in lines] == ["GET /healthz 200", "POST /slack/events 413"]


def test_json_that_is_deep_is_refused_whatever_the_depth() -> None:
    from adapters.slack.http import HttpError, parse_body
    from adapters.teams.request import MalformedActivity, parse_request

    for depth in (100_000, 200_000):
        raw = b'{"type":"x","a":' + b"[" * depth + b"]" * depth + b"}"
        with pytest.raises((MalformedActivity, HttpError)):
            parse_request(raw)
        with pytest.raises(HttpError):
            parse_body(raw, "application/json")
