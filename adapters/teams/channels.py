"""The channels somebody may post to from a personal chat: of teams where we are installed and they are a member.

Which teams those are is remembered by installation; everything else is asked of Teams each time, so that a press alone
never opens a channel.
"""

import asyncio
from collections.abc import Iterable

from adapters.ports import Application, PermanentFailure
from adapters.teams.connector import Connector
from adapters.teams.conversation import ConversationRef
from adapters.teams.request import IncomingRequest

PREFIX = "team:"
MAX_TEAMS = 25
MAX_CHANNELS = 60
AT_ONCE = 5

Choice = tuple[str, str]


class Channels:
    """One for the process."""

    def __init__(self, application: Application, connector: Connector) -> None:
        self._application = application
        self._connector = connector
        self._known: set[str] = set()

    async def remember(self, request: IncomingRequest, team: tuple[str, str] | None) -> None:
        """Note that we are in a team, when that is news to this process."""
        if not team or team[0] in self._known:
            return
        id, name = team
        if not name:
            before = await self._application.load_adapter_data(request.actor.tenant, PREFIX + id)
            name = str(before.get(PREFIX + id, {}).get("name") or "")
        await self._application.save_adapter_data(
            request.actor.tenant, PREFIX + id, {"service": request.place.service, "name": name}
        )
        self._known.add(id)

    async def forget(self, request: IncomingRequest, team: str) -> None:
        """Note that we are no longer in a team."""
        self._known.discard(team)
        await self._application.save_adapter_data(request.actor.tenant, PREFIX + team, None)

    async def choices(self, request: IncomingRequest) -> list[Choice]:
        """Return what this person may choose from, as title and value. Raises `Later`."""
        notes = await self._application.load_adapter_data(request.actor.tenant, PREFIX)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(key: str, note: object) -> list[Choice]:
            async with gate:
                place = self._team(request, key.removeprefix(PREFIX), note)
                return await self._of(request, place, note) if place else []

        found = await asyncio.gather(*(one(key, note) for key, note in list(notes.items())[:MAX_TEAMS]))
        return sorted(_flat(found), key=lambda choice: choice[0].casefold())[:MAX_CHANNELS]

    async def find(self, request: IncomingRequest, chosen: str) -> ConversationRef | None:
        """Return the channel chosen, None where this person may not post. Raises `Later`."""
        team, _, channel = chosen.partition(" ")
        notes = await self._application.load_adapter_data(request.actor.tenant, PREFIX + team)
        note = notes.get(PREFIX + team)
        place = self._team(request, team, note) if note else None
        if not place or chosen not in [value for _, value in await self._of(request, place, note)]:
            return None
        return ConversationRef(place.service, channel, "channel", place.tenant)

    def _team(self, request: IncomingRequest, id: str, note: object) -> ConversationRef | None:
        service = note.get("service") if isinstance(note, dict) else None
        return ConversationRef(service, id, "channel", request.place.tenant) if isinstance(service, str) else None

    async def _of(self, request: IncomingRequest, team: ConversationRef, note: object) -> list[Choice]:
        """Return the channels of one team; none where the person or we are not in it."""
        try:
            await self._connector.member(team, request.actor.person)
            name = str(note.get("name") or "") if isinstance(note, dict) else ""
            name = name or await self._connector.team_name(team.service, team.base) or "?"
            general = request.t("teams.general")
            found = await self._connector.channels(team.service, team.base)
        except PermanentFailure:
            return []
        return [(f"{name} › {channel or general}", f"{team.base} {id}") for id, channel in found]


def _flat(found: Iterable[list[Choice]]) -> list[Choice]:
    return [choice for several in found for choice in several]
