"""The application with both platforms and its HTTP limits, beside simulators of both."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.scenarios.parity.conftest import AllPlatforms, make_all_platforms
from tests.security.raw_http import Address

__all__ = ["make_all_platforms"]


@pytest.fixture
async def platforms(make_all_platforms: Callable[[str], Awaitable[AllPlatforms]]) -> AllPlatforms:
    return await make_all_platforms("fr")


@pytest.fixture
async def address(platforms: AllPlatforms) -> Address:
    server = platforms.scene.server
    return Address(server.host, server.port)


@pytest.fixture
async def no_errors_logged(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """No request from outside may cause an error or a traceback in the log."""
    with caplog.at_level(logging.INFO):
        yield
    errors = [r for r in caplog.get_records("call") if r.levelno >= logging.ERROR or r.exc_info]
    assert [record.getMessage() for record in errors] == []
