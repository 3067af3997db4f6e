"""The channels somebody may post to from a personal chat: of teams where we are installed and they are a member.

Which teams those are is remembered by installation; everything else is asked of Teams each time, so that a press alone
never opens a channel.
"""

import asyncio
from collections.abc import Iterable

from adapters.ports import Advisor, Refused
from adapters.teams.connector import Connector
from adapters.teams.heard import Heard
from adapters.teams.place import Place

PREFIX = "team:"
MOST_TEAMS = 25
MOST_CHANNELS = 60
AT_ONCE = 5

Choice = tuple[str, str]


class Channels:
    """One for the process."""

    def __init__(self, advisor: Advisor, connector: Connector) -> None:
        self._advisor = advisor
        self._connector = connector
        self._known: set[str] = set()

    async def remember(self, heard: Heard, team: tuple[str, str] | None) -> None:
        """Note that we are in a team, when that is news to this process."""
        if not team or team[0] in self._known:
            return
        id, name = team
        if not name:
            before = await self._advisor.recall(heard.actor.tenant, PREFIX + id)
            name = str(before.get(PREFIX + id, {}).get("name") or "")
        await self._advisor.remember(heard.actor.tenant, PREFIX + id, {"service": heard.place.service, "name": name})
        self._known.add(id)

    async def forget(self, heard: Heard, team: str) -> None:
        """Note that we are no longer in a team."""
        self._known.discard(team)
        await self._advisor.remember(heard.actor.tenant, PREFIX + team, None)

    async def choices(self, heard: Heard) -> list[Choice]:
        """Return what this person may choose from, as title and value. Raises `Later`."""
        notes = await self._advisor.recall(heard.actor.tenant, PREFIX)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(key: str, note: object) -> list[Choice]:
            async with gate:
                place = self._team(heard, key.removeprefix(PREFIX), note)
                return await self._of(heard, place, note) if place else []

        found = await asyncio.gather(*(one(key, note) for key, note in list(notes.items())[:MOST_TEAMS]))
        return sorted(_flat(found), key=lambda choice: choice[0].casefold())[:MOST_CHANNELS]

    async def find(self, heard: Heard, chosen: str) -> Place | None:
        """Return the channel chosen, None where this person may not post. Raises `Later`."""
        team, _, channel = chosen.partition(" ")
        notes = await self._advisor.recall(heard.actor.tenant, PREFIX + team)
        note = notes.get(PREFIX + team)
        place = self._team(heard, team, note) if note else None
        if not place or chosen not in [value for _, value in await self._of(heard, place, note)]:
            return None
        return Place(place.service, channel, "channel", place.tenant)

    def _team(self, heard: Heard, id: str, note: object) -> Place | None:
        service = note.get("service") if isinstance(note, dict) else None
        return Place(service, id, "channel", heard.place.tenant) if isinstance(service, str) else None

    async def _of(self, heard: Heard, team: Place, note: object) -> list[Choice]:
        """Return the channels of one team; none where the person or we are not in it."""
        try:
            await self._connector.member(team, heard.actor.person)
            name = str(note.get("name") or "") if isinstance(note, dict) else ""
            name = name or await self._connector.team_name(team.service, team.base) or "?"
            general = heard.words.text("teams.general")
            found = await self._connector.channels(team.service, team.base)
        except Refused:
            return []
        return [(f"{name} › {channel or general}", f"{team.base} {id}") for id, channel in found]


def _flat(found: Iterable[list[Choice]]) -> list[Choice]:
    return [choice for several in found for choice in several]
