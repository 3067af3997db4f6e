"""One server for Slack and Teams, beside simulators of both, over HTTP on this machine."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters.playground.slack.server import SlackSimulator
from adapters.playground.slack.user_actions import SlackUserActions
from adapters.playground.teams.models import Conversation
from adapters.playground.teams.server import TeamsSimulator
from adapters.playground.teams.user_actions import TeamsUserActions
from bot.settings import find_problems
from dialogs.translations import translations
from tests.app_server import make_settings, start
from tests.scenarios.parity.journeys import Journey
from tests.scenarios.parity.platforms import Dialog, SlackDialog, TeamsDialog, TerminalDialog
from tests.scenarios.scene import LOCALES
from tests.scenarios.slack.conftest import Scene


@dataclass
class AllPlatforms:
    """Slack, Teams and the terminal, for any number of journeys."""

    scene: Scene
    teams: TeamsSimulator
    teams_user_actions: TeamsUserActions
    language: str
    folder: Path

    def for_journey(self, journey: Journey) -> dict[str, Dialog]:
        """Return a new dialog on each platform.

        A post gets new channels. Without one, the journeys alternate between the kinds of conversation in Teams.
        """
        t, name = translations(self.language), f"c{journey.number}"
        user = self.teams.users[0]
        channel = self.scene.team.add_channel(name, members=[self.scene.anna, self.scene.ben])
        shared = self.teams.add_team(name, self.teams.users, channels=["Campaigns"]).channel("Campaigns")
        group = self.teams.add_group_chat(name, self.teams.users)
        conversations: list[Conversation] = [self.teams.personal(user), group, shared]
        conversation = conversations[journey.number % 3]
        if journey.ends == "post":
            conversation = (shared, group)[journey.number // 4 % 2]
        return {
            "Slack": SlackDialog(self.scene, channel),
            "Teams": TeamsDialog(self.teams, self.teams_user_actions, user, conversation, t),
            "terminal": TerminalDialog(self.folder / f"{name}.json", self.language, t),
        }


@pytest.fixture
async def make_all_platforms(tmp_path: Path) -> AsyncIterator[Callable[[str], Awaitable[AllPlatforms]]]:
    """Give a function that starts all platforms, with users who read a language."""
    made: list[AllPlatforms] = []

    async def make(language: str) -> AllPlatforms:
        teams = await TeamsSimulator(limits=False).start()
        slack = await SlackSimulator().start()
        workspace = slack.add_workspace("Fabrique")
        locale = LOCALES[language]
        anna, ben = (workspace.add_user(name, locale=locale) for name in ("anna", "ben"))
        for name in ("Anna Roux", "Ben Stark"):
            teams.add_user(name, locale=locale)
        known: dict[str, Any] = {
            "slack_signing_secret": slack.app.signing_secret,
            "slack_api_url": slack.api_url,
            "slack_bot_token": slack.install(workspace).value,
        }
        settings = make_settings(f"sqlite:///{tmp_path}/both.db", known | teams.settings())
        assert find_problems(settings) == []
        server = await start(settings)
        marketing = workspace.add_channel("marketing", members=[anna, ben])
        scene = Scene(
            slack=slack,
            team=workspace,
            anna=anna,
            ben=ben,
            marketing=marketing,
            secret=marketing,
            settings=settings,
            server=server,
            user_actions=SlackUserActions(slack, server.url, workspace),
            t=translations(language),
        )
        await scene.settle()
        teams_user_actions = TeamsUserActions(teams, f"{server.url}/api/messages")
        made.append(AllPlatforms(scene, teams, teams_user_actions, language, tmp_path))
        return made[-1]

    yield make
    for platforms in made:
        await platforms.scene.server.stop()
        await platforms.teams.stop()
        await platforms.scene.slack.stop()
        assert platforms.teams.violations == []
        assert platforms.scene.slack.failed_calls == []
        assert platforms.scene.user_actions.errors_shown == []
