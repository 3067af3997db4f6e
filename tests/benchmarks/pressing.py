"""A press, with storage and its card, against peers that do less: in turns with each peer, on one core."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.app_server import NotServing
from tests.benchmarks import slack, teams
from tests.benchmarks.load import Pairs, User, closed_loop
from tests.benchmarks.measure import Aim, Figure, median
from tests.benchmarks.options import Options
from tests.benchmarks.servers import ServerProcess, peer_server

SLACK_USERS = 32
TEAMS_USERS = 16
AT_LEAST = Aim(1.0)
GOAL = Aim(0.85, goal=True)


def slack_peers(platform: slack.Platform) -> dict[ServerProcess, tuple[Aim | None, bool]]:
    """Return the peers; for each the aim, and whether it sends a card."""
    arguments = platform.url, slack.SECRET

    def bolt(name: str, *options: str) -> ServerProcess:
        return peer_server(name, "bolt", *arguments, *options, settings={})

    return {
        bolt("bolt, default client"): (AT_LEAST, True),
        bolt("bolt, shared session", "shared"): (GOAL, True),
        bolt("bolt, shared session, uvloop", "shared", "uvloop"): (None, True),
        peer_server("plain aiohttp, signed ack, no card", "plain", slack.SECRET, settings={}): (None, False),
    }


def teams_peers(platform: teams.Platform, card: Path) -> dict[ServerProcess, tuple[Aim | None, bool]]:
    """Return the peers; for each the aim, and whether it sends a card."""
    arguments = {"SIMULATOR": platform.url, "CARD": str(card)}

    def peer(name: str, *script: str) -> ServerProcess:
        return peer_server(name, *script, settings=arguments)

    return {
        peer("stock CloudAdapter, one reply", "stock"): (Aim(10), True),
        peer("microsoft-agents-hosting-core, one reply", "agents"): (AT_LEAST, True),
        peer("botbuilder types, own aiohttp", "types_only"): (GOAL, True),
        peer("botbuilder types, own aiohttp, uvloop", "types_only", "uvloop"): (None, True),
        peer("botbuilder-dialogs waterfall, in memory", "stock", "waterfall"): (None, True),
    }


async def figures(options: Options) -> AsyncIterator[Figure]:
    """Yield the figures of both platforms."""
    async for figure in slack_figures(options):
        yield figure
    async for figure in teams_figures(options):
        yield figure


async def slack_figures(options: Options) -> AsyncIterator[Figure]:
    """Yield a Slack press against each peer_server."""
    product, platform, users = await slack.start(SLACK_USERS)
    try:
        async for figure in _against("Slack press", product, users, slack_peers(platform), options):
            yield figure
    finally:
        await product.stop()
        platform.close()


async def teams_figures(options: Options) -> AsyncIterator[Figure]:
    """Yield a Teams press against each peer_server."""
    product, platform, users, card = await teams.start(TEAMS_USERS)
    try:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "card.json"
            path.write_text(json.dumps(card))
            async for figure in _against("Teams press", product, users, teams_peers(platform, path), options):
                yield figure
    finally:
        await product.stop()
        platform.close()


async def _against(
    name: str,
    product: ServerProcess,
    users: Sequence[User],
    peers: Mapping[ServerProcess, tuple[Aim | None, bool]],
    options: Options,
) -> AsyncIterator[Figure]:
    all_pairs: list[Pairs] = []
    await closed_loop(product, users, options.seconds / 2)  # warm-up
    for peer, (aim, expects_card) in peers.items():
        try:
            await peer.start()
            pairs = await _pairs(product, peer, users, expects_card=expects_card, options=options)
        except (NotServing, AssertionError, ConnectionError, TimeoutError) as error:
            options.warn(
                f"{name} against {peer.name}: cannot run: {type(error).__name__}: {error}\n{peer.output[-800:]}"
            )
            continue
        finally:
            await peer.stop()
        all_pairs.append(pairs)
        rate, their_rate, ratio = pairs.rate()
        yield Figure(f"{name} against {peer.name}", rate, "turns/s", their_rate, "", ratio, aim, _notes(pairs))
        cpu, their_cpu, ratio = pairs.cpu()
        yield Figure("  CPU of the server, each turn", cpu, "ms", their_cpu, "", ratio)
    runs = [run for pairs in all_pairs for run in pairs.product]
    if runs:
        cpu_ms = median([run.cpu_each for run in runs])
        yield Figure(
            f"{name}, all rounds", median([run.rate for run in runs]), "turns/s", notes={"CPU ms/turn": cpu_ms}
        )


async def _pairs(
    product: ServerProcess, peer: ServerProcess, users: Sequence[User], *, expects_card: bool, options: Options
) -> Pairs:
    """Measure in turns, in alternating order, so that a drift of the machine affects both."""
    pairs = Pairs([], [])
    await closed_loop(peer, users, options.seconds / 2, expects_card=expects_card)  # warm-up
    for number in range(options.pairs):
        for is_product in (True, False) if number % 2 == 0 else (False, True):
            if is_product:
                pairs.product.append(await closed_loop(product, users, options.seconds))
            else:
                pairs.peer.append(await closed_loop(peer, users, options.seconds, expects_card=expects_card))
    return pairs


def _notes(pairs: Pairs) -> dict[str, float | str]:
    """Return the cores used: below 1, the server was not the bottleneck."""
    product, peer = (median([run.cores_busy for run in runs]) for runs in (pairs.product, pairs.peer))
    return {"cores busy, product": product, "peer": peer}
