"""The channels that a person may post to from the personal chat: of the teams with the app where they are a member.

The teams with the app are stored, with what Teams reported about them. Members and channels are asked from Teams each
time, so that a button alone gives access to nothing.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from adapters.ports import Application, Json, PermanentFailure, RetryLater
from adapters.shared.background import BackgroundTasks
from adapters.shared.cache import TtlCache
from adapters.teams import adaptive_cards as ac
from adapters.teams.connector import Connector
from adapters.teams.conversation import ConversationRef
from adapters.teams.request import IncomingRequest
from dialogs import presenter
from dialogs.translations import Translations
from dialogs.views import SIGNS, Button

PREFIX = "team:"
MAX_CONCURRENT = 10
ANSWER_SECONDS = 60.0
"""How long an answer of Teams is remembered, so that a second try among many teams is fast."""
LIST_SECONDS = 7.0
"""How long a list of channels is waited for. Then those that are known are shown. A button gets 12 seconds."""
STORED_SECONDS = 3600.0
"""How long it is remembered that a team is stored as the activities tell."""
TIMES = {"teamRenamed": "renamed_at", "teamArchived": "archived_at", "teamUnarchived": "archived_at"}
"""Where the time of an event is stored. All other events concern whether the team has the app."""

CHANNELS_PER_PAGE = 80
MAX_CHANNEL_TITLE = 80
"""With both, the choice of a channel is never too large for a card."""
MAX_COMPACT_CHOICES = 15

Choice = tuple[str, str]
"""Title, and value: the ids of team and channel, with a space between them."""


@dataclass(frozen=True, slots=True)
class ChannelList:
    """The channels that a person may choose, by title. `complete`: False while Teams has not answered for all teams."""

    choices: list[Choice]
    complete: bool = True


class Channels:
    """Stores the teams with the app, and lists their channels for a person."""

    def __init__(self, application: Application, connector: Connector, tasks: BackgroundTasks) -> None:
        self._application = application
        self._connector = connector
        self._tasks = tasks
        self._stored: TtlCache[tuple[str, str], str] = TtlCache(STORED_SECONDS)
        self._not_members: TtlCache[tuple[str, str, str], bool] = TtlCache(ANSWER_SECONDS)
        self._late: TtlCache[tuple[str, str, str], list[Choice]] = TtlCache(ANSWER_SECONDS)

    async def add_team(self, request: IncomingRequest) -> None:
        """Store the team of a message, if this process did not store it before."""
        if request.team and self._stored.get((request.actor.tenant, request.team[0])) != request.ref.service:
            await self.update_team(request)

    async def update_team(self, request: IncomingRequest) -> bool:
        """Store what an activity tells about its team. Return True if the team was not known to have the app.

        An event that is older than the one it contradicts changes nothing.
        """
        if not request.team:
            return False
        tenant, key = request.actor.tenant, PREFIX + request.team[0]
        before = (await self._application.load_adapter_data(tenant, key)).get(key, {})
        after = team_after(request, request.team[1], before)
        if after != before:
            await self._application.save_adapter_data(tenant, key, after)
        if after.get("removed"):
            self._stored.delete((tenant, request.team[0]))
        else:
            self._stored.set((tenant, request.team[0]), request.ref.service)
        return not after.get("removed") and (not before or before.get("removed") is True)

    async def list_choices(self, request: IncomingRequest) -> ChannelList:
        """Return the channels that the person may choose. Wait for `LIST_SECONDS`, then go on in the background."""
        limit = asyncio.Semaphore(MAX_CONCURRENT)
        keys: dict[asyncio.Task[list[Choice]], tuple[str, str, str]] = {}
        lists: list[list[Choice]] = []

        async def of_team(id: str, stored: Json) -> list[Choice]:
            async with limit:
                return await self._of_team(request, id, stored)

        for team, stored in (await self._load_teams(request.actor.tenant)).items():
            key = (*request.actor[:2], team.removeprefix(PREFIX))
            if (known := self._late.get(key)) is not None:
                lists.append(known)
            elif not self._not_members.get(key):
                keys[self._tasks.start(of_team(key[2], stored))] = key
        done, late = await asyncio.wait(keys, timeout=LIST_SECONDS) if keys else (set(), set())
        failed = {task for task in done if isinstance(task.exception(), RetryLater)}
        answered = {keys[task]: task.result() for task in done - failed}
        if late or failed:
            for key, choices in answered.items():
                self._late.set(key, choices)
            for task in late:
                task.add_done_callback(lambda task: self._remember(keys[task], task))
        lists += answered.values()
        choices = sorted((choice for found in lists for choice in found), key=lambda choice: choice[0].casefold())
        return ChannelList(choices, complete=not late and not failed)

    def _remember(self, key: tuple[str, str, str], task: asyncio.Task[list[Choice]]) -> None:
        if not task.cancelled() and task.exception() is None:
            self._late.set(key, task.result())

    async def find(self, request: IncomingRequest, choice: str) -> tuple[ConversationRef, Json] | None:
        """Return the chosen channel, and its title and team; None if Teams says that the person may not post there.

        If Teams does not answer, the channel has no title. The gateway asks for the member again before it posts.
        """
        team, _, channel = choice.partition(" ")
        teams = await self._application.load_adapter_data(request.actor.tenant, PREFIX + team)
        stored = teams.get(PREFIX + team, {})
        if not channel or not isinstance(stored.get("service"), str):
            return None
        try:
            titles = {value: title for title, value in await self._of_team(request, team, stored)}
        except RetryLater:
            titles = {choice: ""}
        if choice not in titles:
            return None
        ref = ConversationRef(str(stored["service"]), channel, "channel", request.ref.tenant)
        return ref, {"name": titles[choice], "team": team}

    async def _load_teams(self, tenant: str) -> dict[str, Json]:
        teams: dict[str, Json] = {}
        last = ""
        while page := await self._application.load_adapter_data(tenant, PREFIX, after=last):
            teams |= {key: team for key, team in page.items() if not team.get("removed") and not team.get("archived")}
            *_, last = page
        return teams

    async def _of_team(self, request: IncomingRequest, id: str, stored: Json) -> list[Choice]:
        """Return the channels of a team; none if Teams says that the person or the app is not in it."""
        service = stored.get("service")
        if not isinstance(service, str):
            return []
        try:
            await self._connector.member(
                ConversationRef(service, id, "channel", request.ref.tenant), request.actor.person
            )
            name = str(stored.get("name") or "") or await self._connector.team_name(service, id) or "?"
            channels = [
                (channel, title)
                for channel, title, own_members in await self._connector.channels(service, id)
                if not own_members or await self._is_member(service, channel, request)
            ]
        except PermanentFailure as failure:
            if failure.reason == "not_member":
                self._not_members.set((*request.actor[:2], id), True)
            return []
        return [(f"{name} › {title or request.t('teams.general')}", f"{id} {channel}") for channel, title in channels]

    async def _is_member(self, service: str, channel: str, request: IncomingRequest) -> bool:
        """Return whether the person is a member of a private or shared channel. Its name is for its members only."""
        try:
            await self._connector.member(
                ConversationRef(service, channel, "channel", request.ref.tenant), request.actor.person
            )
        except PermanentFailure:
            return False
        return True


def team_after(request: IncomingRequest, name: str, before: Json) -> Mapping[str, object]:
    """Return what is stored about the team of an activity, after it. `name`: its name. `before`: the same before it.

    A removed team stays stored as removed, so that an installation from before, delivered late, changes nothing.
    """
    kind, time = TIMES.get(request.team_event, "at"), request.occurred_at
    latest = str(before.get("at" if before.get("removed") else kind) or "")
    if time and latest and time < datetime.fromisoformat(latest):
        return before
    at = {kind: time.isoformat()} if time else {}
    if request.installed is False:
        return {"removed": True, **at}
    if before.get("removed"):
        before = {}
    # A message is not stored with its time: it tells nothing that an event could contradict.
    told = request.installed is not None or bool(request.team_event) or not before
    after = {**before, "service": request.ref.service, **(at if told else {})}
    renamed = str(before.get("renamed_at") or "")
    newer = not renamed or not time or time >= datetime.fromisoformat(renamed)
    if kind == "renamed_at" or "name" not in before or (name and newer):
        after["name"] = name
    if kind == "archived_at":
        after["archived"] = request.team_event == "teamArchived"
    return after


async def is_archived(application: Application, tenant: str, team: str) -> bool:
    """Return whether Teams reported that a team was archived."""
    teams = await application.load_adapter_data(tenant, PREFIX + team)
    return teams.get(PREFIX + team, {}).get("archived") is True


def choose_channel(
    t: Translations,
    channels: ChannelList,
    session: str,
    revision: int,
    page: int = 0,
    *,
    partial: bool = False,
    note: str = "",
) -> ac.Json:
    """Ask for the channel to post to.

    `page`: which `CHANNELS_PER_PAGE` of them are shown, from 0. `partial`: the post is of a partial result. `note`:
    what was wrong with the last press.
    """
    choices, option = channels.choices, presenter.PARTIAL if partial else None
    ids: ac.Json = {"session": session, "revision": revision, "picker": True}
    more = Button("more_channels", t("teams.more_channels"), option=option)
    back = Button("resume", t("label.back"), sign=SIGNS["back"])
    if not choices:
        text, buttons = (t("teams.no_channel"), (back,)) if channels.complete else (t("teams.no_answer"), (more, back))
        return ac.card([ac.text(text), *ac.actions(buttons, ids)], text)
    title, share = t("label.choose_channel"), presenter.share_note(t, partial=partial)
    first = page * CHANNELS_PER_PAGE if 0 <= page * CHANNELS_PER_PAGE < len(choices) else 0
    shown = [(name[:MAX_CHANNEL_TITLE], value) for name, value in choices[first : first + CHANNELS_PER_PAGE]]
    ids["page"] = first // CHANNELS_PER_PAGE
    # In a long list a person searches, so that nothing is chosen at first.
    look = {"style": "filtered"} if len(shown) > MAX_COMPACT_CHOICES else {"style": "compact", "value": shown[0][1]}
    body = [ac.heading(title), ac.choice_set("channel", title, shown, **look)]
    if note:
        body.insert(1, ac.text(note, color="Attention"))
    if len(choices) > len(shown):
        values = {"first": first + 1, "last": first + len(shown), "count": len(choices)}
        body.append(ac.subtle(t("teams.channels_shown", **values)))
    if not channels.complete:
        body.append(ac.subtle(t("teams.channels_late")))
    has_more = len(choices) > len(shown) or not channels.complete
    buttons = (Button("post", t("label.post"), option=option, primary=True), *((more,) if has_more else ()), back)
    return ac.card([*body, ac.subtle(share), *ac.actions(buttons, ids)], "\n".join(filter(None, (title, note, share))))
