"""The channels that a person may post to from the personal chat: of the teams with the app where they are a member.

The teams with the app are stored. Members and channels are asked from Teams each time, so that a button alone gives
access to nothing.
"""

import asyncio
from collections.abc import Sequence

from adapters.ports import Application, Json, PermanentFailure
from adapters.shared.cache import TtlCache
from adapters.teams import adaptive_cards as ac
from adapters.teams.connector import Connector
from adapters.teams.conversation import ConversationRef
from adapters.teams.request import IncomingRequest
from dialogs import presenter
from dialogs.translations import Translations
from dialogs.views import Button

PREFIX = "team:"
MAX_CONCURRENT = 10
NOT_MEMBER_SECONDS = 60.0
"""How long it is remembered that a person is not in a team, so that a second try among many teams is fast."""

CHANNELS_PER_PAGE = 80
MAX_CHANNEL_TITLE = 80
"""With both, the choice of a channel is never too large for a card."""
MAX_COMPACT_CHOICES = 15

Choice = tuple[str, str]
"""Title, and value: the ids of team and channel, with a space between them."""


class Channels:
    """Stores the teams with the app, and lists their channels for a person."""

    def __init__(self, application: Application, connector: Connector) -> None:
        self._application = application
        self._connector = connector
        self._stored: set[tuple[str, str]] = set()
        self._not_members: TtlCache[tuple[str, str, str], bool] = TtlCache(NOT_MEMBER_SECONDS)

    async def add_team(self, request: IncomingRequest) -> None:
        """Store the team of the request, if this process did not store it before."""
        if not request.team or (request.actor.tenant, request.team[0]) in self._stored:
            return
        id, name = request.team
        tenant, key = request.actor.tenant, PREFIX + id
        if not name:
            before = await self._application.load_adapter_data(tenant, key)
            name = str(before.get(key, {}).get("name") or "")
        await self._application.save_adapter_data(tenant, key, {"service": request.ref.service, "name": name})
        self._stored.add((tenant, id))

    async def remove_team(self, request: IncomingRequest) -> None:
        """Delete the team of the request."""
        if request.team:
            self._stored.discard((request.actor.tenant, request.team[0]))
            await self._application.save_adapter_data(request.actor.tenant, PREFIX + request.team[0], None)

    async def list_choices(self, request: IncomingRequest) -> list[Choice]:
        """Return all channels that the person may choose, by title. Raises `RetryLater`."""
        limit = asyncio.Semaphore(MAX_CONCURRENT)

        async def of_team(key: str, stored: Json) -> list[Choice]:
            id = key.removeprefix(PREFIX)
            if self._not_members.get((*request.actor[:2], id)):
                return []
            async with limit:
                return await self._of_team(request, id, stored)

        teams = await self._load_teams(request.actor.tenant)
        lists = await asyncio.gather(*(of_team(key, stored) for key, stored in teams.items()))
        return sorted((choice for choices in lists for choice in choices), key=lambda choice: choice[0].casefold())

    async def find(self, request: IncomingRequest, choice: str) -> tuple[ConversationRef, str] | None:
        """Return the chosen channel and its title; None if the person may not post there. Raises `RetryLater`."""
        team, _, channel = choice.partition(" ")
        teams = await self._application.load_adapter_data(request.actor.tenant, PREFIX + team)
        stored = teams.get(PREFIX + team, {})
        for title, value in await self._of_team(request, team, stored):
            if value == choice:
                return ConversationRef(str(stored["service"]), channel, "channel", request.ref.tenant), title
        return None

    async def _load_teams(self, tenant: str) -> dict[str, Json]:
        teams: dict[str, Json] = {}
        last = ""
        while page := await self._application.load_adapter_data(tenant, PREFIX, after=last):
            teams |= page
            *_, last = page
        return teams

    async def _of_team(self, request: IncomingRequest, id: str, stored: Json) -> list[Choice]:
        """Return the channels of a team; none if the person or the app is not in it."""
        service = stored.get("service")
        if not isinstance(service, str):
            return []
        try:
            await self._connector.member(
                ConversationRef(service, id, "channel", request.ref.tenant), request.actor.person
            )
            name = str(stored.get("name") or "") or await self._connector.team_name(service, id) or "?"
            channels = await self._connector.channels(service, id)
        except PermanentFailure as failure:
            if failure.reason == "not_member":
                self._not_members.set((*request.actor[:2], id), True)
            return []
        return [(f"{name} › {title or request.t('teams.general')}", f"{id} {channel}") for channel, title in channels]


def choose_channel(
    t: Translations,
    channels: Sequence[Choice],
    session: str,
    revision: int,
    page: int = 0,
    *,
    partial: bool = False,
) -> ac.Json:
    """Ask for the channel to post to.

    `channels`: all of them. `page`: which `CHANNELS_PER_PAGE` of them are shown, from 0. `partial`: the
    post is of a partial result.
    """
    ids = {"session": session, "revision": revision}
    back = Button("resume", t("label.back"))
    if not channels:
        none = t("teams.no_channel")
        return ac.card([ac.text(none), *ac.actions((back,), ids)], none)
    title, share = t("label.choose_channel"), presenter.share_note(t, partial=partial)
    first = page * CHANNELS_PER_PAGE if 0 <= page * CHANNELS_PER_PAGE < len(channels) else 0
    shown = [(name[:MAX_CHANNEL_TITLE], value) for name, value in channels[first : first + CHANNELS_PER_PAGE]]
    last = first + len(shown)
    buttons = [Button("post", t("label.post"), option=presenter.PARTIAL if partial else None, primary=True)]
    # In a long list a person searches, so that nothing is chosen at first.
    look = {"style": "filtered"} if len(shown) > MAX_COMPACT_CHOICES else {"style": "compact", "value": shown[0][1]}
    body = [ac.heading(title), ac.choice_set("channel", title, shown, **look)]
    if len(channels) > len(shown):
        body.append(ac.subtle(t("teams.channels_shown", first=first + 1, last=last, count=len(channels))))
        buttons.append(Button("more_channels", t("teams.more_channels"), option=buttons[0].option))
        ids["page"] = first // CHANNELS_PER_PAGE + 1
    return ac.card([*body, ac.subtle(share), *ac.actions((*buttons, back), ids)], f"{title}\n{share}")
