"""Fixtures of the scenarios of every platform. `make_scene` is in the conftest of each."""

import logging
import os
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.scenarios.scene import SHORT

PLATFORM_SETTINGS = ("SLACK_", "TEAMS_", "MICROSOFT_")


@pytest.fixture(autouse=True)
def no_platform_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the settings of this machine; bolt, too, reads the environment."""
    for name in [name for name in os.environ if name.startswith(PLATFORM_SETTINGS)]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def no_unexpected_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test that leaves an error in the log; a test that expects one calls `caplog.clear()`."""
    with caplog.at_level(logging.ERROR):
        yield
    errors = [
        record.getMessage()
        for record in caplog.get_records("call")
        if record.levelno >= logging.ERROR and record.name.startswith(("adapters", "bot"))
    ]
    assert errors == []


@pytest.fixture
def answers() -> dict[str, str]:
    return dict(SHORT)


@pytest.fixture(params=["fr", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def scene(make_scene: Callable[[str], Awaitable[Any]], language: str) -> Any:
    return await make_scene(language)


@pytest.fixture
async def french(make_scene: Callable[[str], Awaitable[Any]]) -> Any:
    """A scene for tests that do not depend on the language."""
    return await make_scene("fr")
