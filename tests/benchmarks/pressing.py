"""A press, durable and drawn, against what others need for less: each peer in turns with ours, on one core."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks import slack, teams
from tests.benchmarks.load import Pairs, Person, closed
from tests.benchmarks.measure import Aim, Figure, median
from tests.benchmarks.options import Options
from tests.benchmarks.servers import NotServing, Server, peer

SLACK_PEOPLE = 32
TEAMS_PEOPLE = 16
AT_LEAST = Aim(1.0)
GOAL = Aim(0.85, goal=True)


def slack_peers(platform: slack.Platform) -> dict[Server, tuple[Aim | None, bool]]:
    """Return servers, what we aim at against each, and whether it draws a card."""
    told = platform.url, slack.SECRET

    def bolt(name: str, *how: str) -> Server:
        return peer(name, "bolt", *told, *how, settings={})

    return {
        bolt("bolt, default client"): (AT_LEAST, True),
        bolt("bolt, shared session", "shared"): (GOAL, True),
        bolt("bolt, shared session, uvloop", "shared", "uvloop"): (None, True),
        peer("plain aiohttp, signed ack, no card", "plain", slack.SECRET, settings={}): (None, False),
    }


def teams_peers(platform: teams.Platform, card: Path) -> dict[Server, tuple[Aim | None, bool]]:
    """Return servers, what we aim at against each, and whether it draws a card."""
    told = {"STAND_IN": platform.url, "CARD": str(card)}

    def one(name: str, *script: str) -> Server:
        return peer(name, *script, settings=told)

    return {
        one("stock CloudAdapter, one reply", "stock"): (Aim(10), True),
        one("microsoft-agents-hosting-core, one reply", "agents"): (AT_LEAST, True),
        one("botbuilder types, own aiohttp", "types_only"): (GOAL, True),
        one("botbuilder types, own aiohttp, uvloop", "types_only", "uvloop"): (None, True),
        one("botbuilder-dialogs waterfall, in memory", "stock", "waterfall"): (None, True),
    }


async def figures(options: Options) -> AsyncIterator[Figure]:
    """Yield the figures of both platforms."""
    async for figure in slack_figures(options):
        yield figure
    async for figure in teams_figures(options):
        yield figure


async def slack_figures(options: Options) -> AsyncIterator[Figure]:
    """Yield a Slack press against each peer."""
    ours, platform, people = await slack.opened(SLACK_PEOPLE)
    try:
        async for figure in _against("Slack press", ours, people, slack_peers(platform), options):
            yield figure
    finally:
        await ours.stop()
        platform.close()


async def teams_figures(options: Options) -> AsyncIterator[Figure]:
    """Yield a Teams press against each peer."""
    ours, platform, people, card = await teams.opened(TEAMS_PEOPLE)
    try:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "card.json"
            path.write_text(json.dumps(card))
            async for figure in _against("Teams press", ours, people, teams_peers(platform, path), options):
                yield figure
    finally:
        await ours.stop()
        platform.close()


async def _against(
    name: str,
    ours: Server,
    people: Sequence[Person],
    peers: Mapping[Server, tuple[Aim | None, bool]],
    options: Options,
) -> AsyncIterator[Figure]:
    found: list[Pairs] = []
    await closed(ours, people, options.seconds / 2)  # warm
    for theirs, (aim, draws) in peers.items():
        try:
            await theirs.start()
            pairs = await _pairs(ours, theirs, people, draws=draws, options=options)
        except (NotServing, AssertionError, ConnectionError, TimeoutError) as error:
            options.say(
                f"{name} against {theirs.name}: cannot run: {type(error).__name__}: {error}\n{theirs.said[-800:]}"
            )
            continue
        finally:
            await theirs.stop()
        found.append(pairs)
        rate, their_rate, ratio = pairs.rate()
        yield Figure(f"{name} against {theirs.name}", rate, "turns/s", their_rate, "", ratio, aim, _notes(pairs))
        cpu, their_cpu, ratio = pairs.cpu()
        yield Figure("  CPU of the server, each turn", cpu, "ms", their_cpu, "", ratio)
    runs = [run for pairs in found for run in pairs.ours]
    if runs:
        acks = median([run.cpu_each for run in runs])
        yield Figure(f"{name}, all rounds", median([run.rate for run in runs]), "turns/s", notes={"CPU ms/turn": acks})


async def _pairs(ours: Server, theirs: Server, people: Sequence[Person], *, draws: bool, options: Options) -> Pairs:
    """Measure one after the other, whoever was second first the next time: the machine's mood is shared out evenly."""
    pairs = Pairs([], [])
    await closed(theirs, people, options.seconds / 2, draws=draws)  # warm
    for number in range(options.pairs):
        for mine in (True, False) if number % 2 == 0 else (False, True):
            if mine:
                pairs.ours.append(await closed(ours, people, options.seconds))
            else:
                pairs.theirs.append(await closed(theirs, people, options.seconds, draws=draws))
    return pairs


def _notes(pairs: Pairs) -> dict[str, float | str]:
    """Below 1 the server waited for something: the figure is not its own limit."""
    mine, other = (median([run.busy for run in runs]) for runs in (pairs.ours, pairs.theirs))
    return {"cores busy, ours": mine, "theirs": other}
