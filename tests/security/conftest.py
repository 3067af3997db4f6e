"""The real application with both platforms, behind its real door, beside strict stand-ins of both."""

import logging
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from tests.scenarios.parity.conftest import Everywhere, everywhere
from tests.security.raw_http import Address

__all__ = ["everywhere"]


@pytest.fixture
async def exposed(everywhere) -> Everywhere:
    found: Everywhere = await everywhere("fr")
    return found


@pytest.fixture
async def address(exposed: Everywhere) -> Address:
    parts = urlsplit(exposed.scene.server.url)
    return Address(parts.hostname or "", parts.port or 0)


@pytest.fixture
async def quiet(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Nothing that a stranger sends may leave an error or a traceback in the log."""
    with caplog.at_level(logging.INFO):
        yield
    loud = [each for each in caplog.get_records("call") if each.levelno >= logging.ERROR or each.exc_info]
    assert [each.getMessage() for each in loud] == []
