"""Being installed and removed: one welcome a conversation, however many events tell of it."""

from adapters.ports import Advisor, Refused
from adapters.teams import own
from adapters.teams.channels import Channels
from adapters.teams.heard import Heard
from adapters.teams.stage import Stage


class Installs:
    """Handles `conversationUpdate` and `installationUpdate`, which both come, in any order, and again."""

    def __init__(self, advisor: Advisor, stage: Stage, channels: Channels) -> None:
        self._advisor = advisor
        self._stage = stage
        self._channels = channels

    async def added(self, heard: Heard, team: tuple[str, str] | None) -> None:
        """Greet, once. In a channel or a group that names who installed us, and greets nobody else."""
        await self._channels.remember(heard, team)
        place = heard.place.root
        if await self._advisor.heard(f"teams:welcome:{place.conversation}"):
            return
        by = await self._name(heard) if place.shared else None
        await self._stage.say(place, own.welcome(heard.words, by, shared=place.shared))

    async def removed(self, heard: Heard, team: tuple[str, str] | None) -> None:
        """Forget where we no longer are."""
        if team:
            await self._channels.forget(heard, team[0])

    async def _name(self, heard: Heard) -> str | None:
        if heard.name:
            return heard.name
        try:
            found = await self._stage.connector.member(heard.place.root, heard.actor.person)
        except Refused:
            return None
        return str(found.get("name") or "") or None
