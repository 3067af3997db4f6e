"""Fail a test whose logs contain secrets or personal data.

The values to look for are those the simulators of Slack and Teams know: secrets, tokens, names and ids of users, and
what users typed. `check_output` adds the output of a process that a test started.
"""

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from _pytest.logging import LogCaptureHandler

from adapters.playground.slack.server import SlackSimulator
from adapters.playground.slack.user_actions import Exchange, SlackUserActions
from adapters.playground.teams.server import TeamsSimulator
from adapters.playground.teams.user_actions import TeamsUserActions

MIN_LENGTH = 4
"""Characters of a name or a secret: "ben" is part of too many words."""
MIN_LENGTH_TYPED = 8
"""Characters of typed text: "start" is also logged by the product."""
PRODUCT_LOGGERS = ("adapters", "bot", "dialogs")
IGNORED_LOGGERS = ("adapters.playground", "tests", "hypothesis")


class PrivateDataCheck(logging.Handler):
    """Collects log output and the values that must not be in it."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.simulators: list[SlackSimulator | TeamsSimulator] = []
        self.private: dict[str, str] = {}
        """What each private value is, by value."""
        self.output: list[tuple[str, str]] = []
        """Text and where it was written."""

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(IGNORED_LOGGERS):
            self.output.append((record.getMessage(), f"the log {record.name}"))

    def add_private(self, value: object, what: str, min_length: int = MIN_LENGTH) -> None:
        """Note a value that must not be logged."""
        if isinstance(value, str) and len(value.strip()) >= min_length:
            self.private[value.strip()] = what

    def leaks(self) -> list[str]:
        """Describe what leaked and where, without the value itself."""
        for simulator in self.simulators:
            if isinstance(simulator, SlackSimulator):
                self._add_slack(simulator)
            else:
                self._add_teams(simulator)
        leaks = dict.fromkeys(
            f"{what} is in {where}"
            for text, where in self.output
            for value, what in self.private.items()
            if value in text and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text)
        )
        return list(leaks)

    def _add_slack(self, slack: SlackSimulator) -> None:
        for name in ("client_secret", "signing_secret", "app_token", "verification_token"):
            self.add_private(getattr(slack.app, name), f"Slack's {name}")
        for token in (*slack.tokens, *slack.refresh_tokens):
            self.add_private(token, "a Slack token")
        for url in slack.response_urls:
            self.add_private(url, "a response URL")
        for workspace in slack.workspaces.values():
            for user in workspace.users.values():
                if not user.is_bot:
                    self.add_private(user.name, "a user's name in Slack")
                    self.add_private(user.real_name, "a user's name in Slack")
                    self.add_private(user.id, "a user's id in Slack")

    def _add_teams(self, teams: TeamsSimulator) -> None:
        self.add_private(teams.app_password, "Teams' app password")
        for token in teams.tokens:
            self.add_private(token, "a Microsoft token")
        for user in teams.users:
            self.add_private(user.name, "a user's name in Teams")
            self.add_private(user.id, "a user's id in Teams")
            self.add_private(user.aad, "a user's id in Teams")


current: PrivateDataCheck | None = None
"""The check of the running test. The simulators do not know of tests, so they cannot be given it."""


def check_output(text: str, where: str) -> None:
    """Check the output of a process, too."""
    if current:
        current.output.append((text, where))


def _observe(cls: type, name: str, observer: Any) -> None:
    """Call `observer(check, result, *arguments)` after each call of a method."""
    original = getattr(cls, name)

    def observed(self: Any, *args: Any, **options: Any) -> Any:
        result = original(self, *args, **options)
        if current:
            observer(current, result, self, *args)
        return result

    setattr(cls, name, observed)


def _typed_in_slack(check: PrivateDataCheck, _result: object, _users: object, exchange: Exchange, *_: object) -> None:
    event = exchange.payload.get("event")
    for text in (exchange.payload.get("text"), event.get("text") if isinstance(event, dict) else None):
        check.add_private(text, "text typed in Slack", MIN_LENGTH_TYPED)


def _typed_in_teams(
    check: PrivateDataCheck, _result: object, _users: object, activity: dict[str, Any], *_: object
) -> None:
    check.add_private(activity.get("text"), "text typed in Teams", MIN_LENGTH_TYPED)


for _simulator in (SlackSimulator, TeamsSimulator):
    _observe(_simulator, "__init__", lambda check, _result, simulator, *_: check.simulators.append(simulator))
_observe(TeamsUserActions, "token", lambda check, token, *_: check.add_private(token, "a Microsoft token"))
_observe(SlackUserActions, "deliver", _typed_in_slack)
_observe(TeamsUserActions, "send_activity", _typed_in_teams)


@pytest.fixture(autouse=True)
def no_private_data_in_logs(request: pytest.FixtureRequest) -> Iterator[None]:
    """Check all that a test logs and prints; the product's own logs from DEBUG on."""
    global current  # noqa: PLW0603 - see `current`
    check = current = PrivateDataCheck()
    levels = {name: logging.getLogger(name).level for name in PRODUCT_LOGGERS}
    for name in PRODUCT_LOGGERS:
        logging.getLogger(name).setLevel(logging.DEBUG)
    captures = [handler for handler in logging.root.handlers if isinstance(handler, LogCaptureHandler)]
    for capture in captures:
        capture.setLevel(logging.WARNING)  # `caplog` gets what it would get without this fixture
    logging.root.addHandler(check)
    yield
    current = None
    for capture in captures:
        capture.setLevel(logging.NOTSET)
    logging.root.removeHandler(check)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    for _when, key, text in getattr(request.node, "_report_sections", ()):
        if key in {"stdout", "stderr"}:
            check.output.append((text, f"captured {key}"))
    if leaks := check.leaks():
        pytest.fail("; ".join(leaks), pytrace=False)
