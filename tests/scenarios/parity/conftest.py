"""One server for Slack and Teams, beside strict stand-ins of both, over HTTP on this machine."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters.playground.slack.server import SlackSimulator
from adapters.playground.slack.user_actions import SlackUserActions
from adapters.playground.teams.server import TeamsSimulator
from adapters.playground.teams.state import Conversation
from adapters.playground.teams.user_actions import TeamsUserActions
from bot.settings import Settings, find_problems
from dialogs.translations import translations
from tests.scenarios.parity.journeys import Journey
from tests.scenarios.parity.platforms import AtTerminal, InSlack, InTeams, Platform
from tests.scenarios.slack.conftest import Scene, serve

LOCALES = {"fr": "fr-FR", "en": "en-GB"}


@dataclass
class Everywhere:
    """All three, ready for one journey after the other."""

    scene: Scene
    teams: TeamsSimulator
    teams_user_actions: TeamsUserActions
    language: str
    folder: Path

    def for_journey(self, journey: Journey) -> dict[str, Platform]:
        """Places that are new for a post; a kept one goes round the kinds of conversation that Teams has."""
        t, name = translations(self.language), f"c{journey.number}"
        person = self.teams.users[0]
        channel = self.scene.team.add_channel(name, members=[self.scene.anna, self.scene.ben])
        shared = self.teams.add_team(name, self.teams.users, channels=["Campaigns"]).channel("Campaigns")
        group = self.teams.add_group_chat(name, self.teams.users)
        kept: list[Conversation] = [self.teams.personal(person), group, shared]
        where = (shared, group)[journey.number // 4 % 2] if journey.ends == "post" else kept[journey.number % 3]
        return {
            "Slack": InSlack(self.scene, channel),
            "Teams": InTeams(self.teams, self.teams_user_actions, person, where, t),
            "terminal": AtTerminal(self.folder / f"{name}.json", self.language, t),
        }


@pytest.fixture
async def everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[str], Awaitable[Everywhere]]]:
    """Makes all three, for people who read this language."""
    for name in [name for name in os.environ if name.startswith(("SLACK_", "TEAMS_", "MICROSOFT_"))]:
        monkeypatch.delenv(name)
    made: list[Everywhere] = []

    async def make(language: str) -> Everywhere:
        # Tests press faster than people: the limits have tests of their own.
        office = await TeamsSimulator(limits=False).start()
        workshop = await SlackSimulator().start()
        team = workshop.add_workspace("Fabrique")
        locale = LOCALES[language]
        anna, ben = (team.add_user(name, locale=locale) for name in ("anna", "ben"))
        for name in ("Anna Roux", "Ben Stark"):
            office.add_user(name, locale=locale)
        known: dict[str, Any] = {
            "slack_signing_secret": workshop.app.signing_secret,
            "slack_api_url": workshop.api_url,
            "slack_bot_token": workshop.install(team).value,
            "database_url": f"sqlite:///{tmp_path}/both.db",
            "rate_person": 0,
        }
        known |= {name.lower(): value for name, value in office.settings().items()}
        settings = Settings(_env_file=None, **known)
        assert find_problems(settings) == []
        server = await serve(settings)
        user_actions = SlackUserActions(workshop, server.url, team)
        marketing = team.add_channel("marketing", members=[anna, ben])
        t = translations(language)
        scene = Scene(workshop, team, anna, ben, marketing, marketing, settings, server, user_actions, t, [server])
        await scene.settle()
        teams_user_actions = TeamsUserActions(office, f"{server.url}/api/messages")
        made.append(Everywhere(scene, office, teams_user_actions, language, tmp_path))
        return made[-1]

    yield make
    for each in made:
        await each.scene.server.stop()
        await each.teams_user_actions.__aexit__()
        await each.teams.stop()
        await each.scene.slack.stop()
        assert each.teams.violations == []
        assert each.scene.slack.failed_calls == []
        assert each.scene.user_actions.errors_shown == []
