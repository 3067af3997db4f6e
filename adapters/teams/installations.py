"""Being installed and removed: one welcome a conversation, however many events tell of it."""

from adapters.ports import Application, PermanentFailure
from adapters.teams import personal_cards
from adapters.teams.card_sender import CardSender
from adapters.teams.channels import Channels
from adapters.teams.request import IncomingRequest


class Installations:
    """Handles `conversationUpdate` and `installationUpdate`, which both come, in any order, and again."""

    def __init__(self, application: Application, sender: CardSender, channels: Channels) -> None:
        self._application = application
        self._sender = sender
        self._channels = channels

    async def added(self, request: IncomingRequest, team: tuple[str, str] | None) -> None:
        """Greet, once. In a channel or a group that names who installed us, and greets nobody else."""
        await self._channels.remember(request, team)
        place = request.place.root
        if await self._application.is_duplicate(f"teams:welcome:{place.conversation}"):
            return
        by = await self._name(request) if place.shared else None
        await self._sender.say(place, personal_cards.welcome(request.t, by, shared=place.shared))

    async def removed(self, request: IncomingRequest, team: tuple[str, str] | None) -> None:
        """Forget where we no longer are."""
        if team:
            await self._channels.forget(request, team[0])

    async def _name(self, request: IncomingRequest) -> str | None:
        if request.name:
            return request.name
        try:
            found = await self._sender.connector.member(request.place.root, request.actor.person)
        except PermanentFailure:
            return None
        return str(found.get("name") or "") or None
