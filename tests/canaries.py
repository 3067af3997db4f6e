"""What must never be logged, and a look at every log line of every test for it.

Canaries are not planted by hand: each secret, person and typed word that a stand-in of a platform knows is one, as is
every token made for a test. A test that leaks one fails. `look_at` is for the output of a process that a test started.
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

SHORTEST = 4
"""Characters of a name or a secret: "ben" is in too many words."""
SHORTEST_TYPED = 8
"""Of what was typed: "start" is a word of ours, too."""
OURS = ("adapters", "bot", "dialogs")
NOT_THE_PRODUCT = ("adapters.playground", "tests", "hypothesis")


class Canaries(logging.Handler):
    """Hears every record from now on."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.standins: list[SlackSimulator | TeamsSimulator] = []
        self.known: dict[str, str] = {}
        self.heard: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(NOT_THE_PRODUCT):
            self.look_at(record.getMessage(), f"the log {record.name}")

    def look_at(self, text: str, where: str) -> None:
        """Take in what somebody may read one day."""
        self.heard.append((text, where))

    def plant(self, value: object, what: str, shortest: int = SHORTEST) -> None:
        """Note what must not be read."""
        if isinstance(value, str) and len(value.strip()) >= shortest:
            self.known[value.strip()] = what

    def leaks(self) -> list[str]:
        """Return what leaked, and where to; not the thing itself, which would leak it again."""
        for standin in self.standins:
            if isinstance(standin, SlackSimulator):
                self._of_slack(standin)
            else:
                self._of_teams(standin)
        found = dict.fromkeys(
            f"{what} is in {where}"
            for text, where in self.heard
            for value, what in self.known.items()
            if value in text and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text)
        )
        return list(found)

    def _of_slack(self, slack: SlackSimulator) -> None:
        for name in ("client_secret", "signing_secret", "app_token", "verification_token"):
            self.plant(getattr(slack.app, name), f"Slack's {name}")
        for token in (*slack.state.tokens, *slack.state.refresh_tokens):
            self.plant(token, "a token of Slack's")
        for url in slack.state.response_urls:
            self.plant(url, "a response URL")
        for team in slack.state.workspaces.values():
            for user in team.users.values():
                if not user.is_bot:
                    self.plant(user.name, "a person's name in Slack")
                    self.plant(user.real_name, "a person's name in Slack")
                    self.plant(user.id, "a person's id in Slack")

    def _of_teams(self, teams: TeamsSimulator) -> None:
        self.plant(teams.app_password, "Teams' app password")
        for token in teams._tokens:
            self.plant(token, "a token of Microsoft's")
        for user in teams.users:
            self.plant(user.name, "a person's name in Teams")
            self.plant(user.id, "a person's id in Teams")
            self.plant(user.aad, "a person's id in Teams")


current: Canaries | None = None


def look_at(text: str, where: str) -> None:
    """Look at the output of a process, too."""
    if current:
        current.look_at(text, where)


def _note(cls: type, name: str, note: Any) -> None:
    """Have `note` see each call of a method."""
    original = getattr(cls, name)

    def noted(self: Any, *args: Any, **more: Any) -> Any:
        result = original(self, *args, **more)
        if current:
            note(current, self, result, *args)
        return result

    setattr(cls, name, noted)


def _slack_said(canaries: Canaries, _side: object, _result: object, ack: Exchange, *_: object) -> None:
    event = ack.payload.get("event")
    typed = (ack.payload.get("text"), event.get("text") if isinstance(event, dict) else None)
    for words in typed:
        canaries.plant(words, "what somebody typed in Slack", SHORTEST_TYPED)


def _teams_said(canaries: Canaries, _users: object, _result: object, activity: dict[str, Any], *_: object) -> None:
    canaries.plant(activity.get("text"), "what somebody typed in Teams", SHORTEST_TYPED)


_note(SlackSimulator, "__init__", lambda canaries, standin, *_: canaries.standins.append(standin))
_note(TeamsSimulator, "__init__", lambda canaries, standin, *_: canaries.standins.append(standin))
_note(TeamsUserActions, "token", lambda canaries, _users, token, *_: canaries.plant(token, "a token of Microsoft's"))
_note(SlackUserActions, "deliver", _slack_said)
_note(TeamsUserActions, "send_activity", _teams_said)


@pytest.fixture(autouse=True)
def no_canary_in_any_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """Look at all that a test logs and prints, ours from DEBUG on, and fail it for what nobody may read."""
    global current  # noqa: PLW0603 - one at a time, for stand-ins that know nothing of tests
    canaries = current = Canaries()
    levels = {name: logging.getLogger(name).level for name in OURS}
    for name in OURS:
        logging.getLogger(name).setLevel(logging.DEBUG)
    captures = [each for each in logging.root.handlers if isinstance(each, LogCaptureHandler)]
    for capture in captures:
        capture.setLevel(logging.WARNING)  # tests with `caplog` hear what they would hear without us
    logging.root.addHandler(canaries)
    yield
    current = None
    for capture in captures:
        capture.setLevel(logging.NOTSET)
    logging.root.removeHandler(canaries)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    for _when, key, text in getattr(request.node, "_report_sections", ()):
        if key in {"stdout", "stderr"}:
            canaries.look_at(text, f"captured {key}")
    if leaks := canaries.leaks():
        pytest.fail("; ".join(leaks), pytrace=False)
