"""Load test with fault injection: many users at once, on both platforms, and replicas that fail.

    python -m tests.fault_injection.load_test --dialogs 10000     # make soak

Runs two replicas on PostgreSQL, then one on SQLite. Prints the seed, the progress, and a report as JSON: injected
faults, responses, latencies, and whether the invariants hold.
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
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
from tests.fault_injection.invariants import Report, check_invariants, count_unfinished
from tests.fault_injection.proxy import Proxy
from tests.fault_injection.replicas import Balancer, Replica
from tests.fault_injection.simulated_users import SimulatedUser
from tests.fault_injection.slack_client import BalancedSlackActions, FaultySlack, MessageIndex, SlackClient
from tests.fault_injection.teams_client import BalancedTeamsActions, FaultyTeams, TeamsClient
from tests.postgres_server import sqlalchemy_url, temporary_server

LOCALES = ("fr-FR", "en-GB")
DRAIN_TIMEOUT = 60.0
"""Seconds after the last fault within which all jobs must be done."""
PROGRESS_INTERVAL = 10.0


@dataclass(frozen=True)
class Plan:
    """The size of a load test.

    Attributes:
        dialogs: Number of dialogs, each by its own user.
        seed: Of all random choices.
        concurrency: Dialogs at the same time, at most.
        ramp_seconds: Time over which the dialogs begin.
        drain_timeout: Seconds to wait for the jobs after the last dialog.
        rates: How often faults occur.
        progress: Whether to print the progress.
    """

    dialogs: int
    seed: int
    concurrency: int = 40
    ramp_seconds: float = 22.0
    drain_timeout: float = DRAIN_TIMEOUT
    rates: FaultRates = field(default_factory=FaultRates)
    progress: bool = False


@dataclass
class Environment:
    """The two platforms, outside the replicas."""

    slack: FaultySlack
    teams: FaultyTeams
    slack_messages: MessageIndex
    workspaces: list[tuple[Workspace, BalancedSlackActions, list[Channel]]] = field(default_factory=list)
    tenants: list[str] = field(default_factory=list)
    """Organizations in Teams."""
    teams_actions: BalancedTeamsActions | None = None


class LoadTest:
    """One run with `replicas` processes.

    `database_url` is for this process; `replica_database_url` for the replicas, by way of the proxy if there is one.
    """

    def __init__(self, plan: Plan, folder: Path, *, replicas: int) -> None:
        self.plan = plan
        self.history = History()
        self.users: list[SimulatedUser] = []
        self.replicas = [Replica(f"r{number}", folder) for number in range(replicas)]
        self.drained_after: float | None = None
        """Seconds after the last fault until no job was due."""
        self._encryption_key = Fernet.generate_key().decode()
        self._rng = random.Random(plan.seed)
        self._started = time.monotonic()

    async def run(self, database_url: str, replica_database_url: str, outage_target: Proxy | Path) -> Report:
        """Run all dialogs under faults, wait for the jobs, and check the invariants."""
        async with self.environment(database_url, replica_database_url) as (environment, database):
            self.add_users(environment, database)
            await self._run_dialogs(environment, database, outage_target)
            self.drained_after = await self.drain(database)
            return await self.check(environment, database)

    async def check(self, environment: Environment, database: Database) -> Report:
        """Stop the replicas and check the invariants."""
        await asyncio.gather(*(replica.shut_down() for replica in self.replicas))
        return await check_invariants(
            database, self.users, environment.slack_messages, environment.teams, self.history, self.replicas
        )

    @asynccontextmanager
    async def environment(
        self, database_url: str, replica_database_url: str, **settings: str
    ) -> AsyncIterator[tuple[Environment, Database]]:
        """Run the platforms and the replicas, with the app installed everywhere. `settings`: further environment."""
        database = Database(database_url)
        database.upgrade()
        async with self._platforms() as environment:
            for replica in self.replicas:
                replica.settings |= self._settings(environment, replica_database_url) | settings
            try:
                await asyncio.gather(*(replica.run() for replica in self.replicas))
                await self._install(environment, Balancer(self.replicas, self._rng))
                yield environment, database
            finally:
                await asyncio.gather(*(replica.shut_down() for replica in self.replicas))
        database.close()

    # --- Preparation ---

    @asynccontextmanager
    async def _platforms(self) -> AsyncIterator[Environment]:
        slack = FaultySlack()
        async with slack, FaultyTeams() as teams:
            slack.limits.messages, slack.limits.burst = True, 3
            tenants = [teams.tenant, str(uuid4()), str(uuid4())]
            environment = Environment(slack, teams, MessageIndex(slack), tenants=tenants)
            yield environment

    def _settings(self, environment: Environment, database_url: str) -> dict[str, str]:
        app = environment.slack.app
        return {
            "DATABASE_URL": database_url,
            "ALLOWED_TENANTS": ",".join(environment.tenants),
            "SLACK_SIGNING_SECRET": app.signing_secret,
            "SLACK_CLIENT_ID": app.client_id,
            "SLACK_CLIENT_SECRET": app.client_secret,
            "SLACK_API_URL": environment.slack.api_url,
            "TOKEN_ENCRYPTION_KEY": self._encryption_key,
            "PUBLIC_URL": self.replicas[0].url,
            "RATE_PERSON": "0",  # simulated users are faster than people
            **environment.teams.settings(),
        }

    async def _install(self, environment: Environment, balancer: Balancer) -> None:
        """Create workspaces, teams and channels, and install the app in each."""
        users_each = self.plan.dialogs // 2
        for number in range(max(2, min(8, users_each // 25))):
            workspace = await self._install_in_slack(environment.slack, number)
            channels = [workspace.add_channel(f"c{n}") for n in range(4 + users_each // 60)]
            for channel in channels:
                channel.members.add(workspace.bot.id)
            actions = BalancedSlackActions(environment.slack, workspace, balancer, self.history, self._rng)
            environment.workspaces.append((workspace, actions, channels))
        teams = environment.teams
        environment.teams_actions = BalancedTeamsActions(teams, balancer, self.history, self._rng)
        for number, tenant in enumerate(environment.tenants):
            admin = teams.add_user("Ada Admin", locale="fr-FR", tenant=tenant)
            names = [f"C{number}-{n}" for n in range(4 + min(users_each // 60, 14))]
            team = teams.add_team(f"Team {number}", [admin], channels=names, tenant=tenant)
            await environment.teams_actions.install(admin, team)

    async def _install_in_slack(self, slack: FaultySlack, number: int) -> Workspace:
        """Install by OAuth, as an administrator does in a browser."""
        workspace = slack.add_workspace(f"Fabrique {number}")
        slack.oauth.workspace = workspace
        slack.oauth.user = workspace.add_user("admin", locale=LOCALES[number % 2])
        cookies = aiohttp.CookieJar(unsafe=True)  # unsafe: keep the cookies of an IP address
        async with (
            aiohttp.ClientSession(cookie_jar=cookies) as browser,
            browser.get(f"{self.replicas[0].url}/slack/install") as page,
        ):
            assert page.status == 200, await page.text()
        return workspace

    def add_users(self, environment: Environment, database: Database) -> None:
        """Create the users: half of them in Slack, half in Teams; half of each in French."""

        async def load_session(id: str) -> Session | None:
            stored = await database.run(lambda transaction: transaction.load(id))
            return stored.session if stored else None

        for number in range(self.plan.dialogs):
            locale = LOCALES[number // 2 % 2]
            rng = random.Random(self.plan.seed * 1_000_003 + number)
            make_client = self._slack_client if number % 2 else self._teams_client
            client = make_client(environment, number, locale, rng)
            user = SimulatedUser(number, client, rng, self.history, load_session)
            client.answers = user.answers
            self.users.append(user)

    def _slack_client(self, environment: Environment, number: int, locale: str, rng: random.Random) -> SlackClient:
        workspace, actions, channels = environment.workspaces[number // 2 % len(environment.workspaces)]
        user = workspace.add_user(f"u{number}", locale=locale)
        channel = rng.choice(channels)
        channel.members.add(user.id)
        kind = ("command", "mention", "direct", "form")[number // 4 % 4]
        return SlackClient(actions, environment.slack_messages, user, channel, kind, rng)

    def _teams_client(self, environment: Environment, number: int, locale: str, rng: random.Random) -> TeamsClient:
        teams, actions = environment.teams, environment.teams_actions
        assert actions
        team = rng.choice(teams.teams)
        user = teams.add_user(f"U{number} Person", locale=locale, tenant=team.tenant)
        team.members.append(user)
        channel = rng.choice(team.channels)
        match number // 4 % 4:
            case 2:
                return TeamsClient(teams, actions, user, teams.personal(user), channel)
            case 3:
                group = teams.add_group_chat(f"G{number}", [user], tenant=team.tenant)
                return TeamsClient(teams, actions, user, group, group)
            case kind:
                return TeamsClient(teams, actions, user, channel, channel, form_rng=rng if kind == 1 else None)

    # --- Run ---

    async def _run_dialogs(self, environment: Environment, database: Database, outage_target: Proxy | Path) -> None:
        injector = FaultInjector(
            self.plan.rates,
            self.replicas,
            platforms=(environment.slack, environment.teams),
            database=database,
            outage_target=outage_target,
            history=self.history,
            rng=self._rng,
        )
        slots = asyncio.Semaphore(self.plan.concurrency)
        interval = self.plan.ramp_seconds / max(len(self.users), 1)

        async def run_user(user: SimulatedUser) -> None:
            await asyncio.sleep(user.number * interval)
            async with slots:
                if user.number > 8 and self._rng.random() < 0.15:
                    await self._press_card_of_another(user)
                await user.run()

        injector.start()
        dialogs = [asyncio.create_task(run_user(user)) for user in self.users]
        observer = asyncio.create_task(self._observe())
        try:
            await asyncio.gather(*dialogs)
        finally:
            await injector.stop()
            observer.cancel()
        await injector.check_takeovers()

    async def _press_card_of_another(self, user: SimulatedUser) -> None:
        """Press on the card of another user in the same channel."""
        clients = [
            other.client
            for other in self.users[max(0, user.number - 60) : user.number]
            if not other.finished
            and type(other.client) is type(user.client)
            and other.client.post_channel == user.client.post_channel
            and other.client.accepts_text
            and other.client.kind != "direct"
        ]
        if clients:
            await user.press_card_of(self._rng.choice(clients))

    async def _observe(self) -> None:
        """Check the posts each second and print the progress."""
        printed_at = time.monotonic()
        while True:
            await asyncio.sleep(1)
            await self.check_posts()
            if self.plan.progress and time.monotonic() - printed_at > PROGRESS_INTERVAL:
                printed_at = time.monotonic()
                self._print_progress()

    def _print_progress(self) -> None:
        finished = sum(bool(user.finished) for user in self.users)
        steps = sum(user.steps for user in self.users)
        seconds = time.monotonic() - self._started
        faults = sum(self.history.faults.values())
        print(f"{seconds:6.0f} s  {finished} of {len(self.users)} dialogs, {steps} steps, {faults} faults", flush=True)

    async def check_posts(self) -> int:
        """Let users post again where they are asked to; return how many posts are missing."""
        missing = 0
        for user in self.users:
            if user.finished == "post":
                posted = bool(user.client.posts(user.session))
                missing += not posted
                await user.retry_missing_post(posted)
        return missing

    async def drain(self, database: Database) -> float | None:
        """Wait until all jobs are done and all posts made; return after how many seconds no job was due, or None."""
        started = time.monotonic()
        drained_after: float | None = None
        while time.monotonic() - started < self.plan.drain_timeout:
            missing, unfinished = await self.check_posts(), await count_unfinished(database)
            if drained_after is None and not await count_unfinished(database, due=True):
                drained_after = round(time.monotonic() - started, 1)
            if not missing and not unfinished:
                break
            await asyncio.sleep(0.5)
        return drained_after

    def summary(self, report: Report) -> Json:
        """Return the report with all figures of the run."""
        return {
            "seed": self.plan.seed,
            "replicas": len(self.replicas),
            "seconds": round(time.monotonic() - self._started, 1),
            "drained_after": self.drained_after,
            "steps": sum(user.steps for user in self.users),
            "errors_logged": dict(Counter(line for replica in self.replicas for line in replica.errors())),
            "starts": {replica.name: replica.starts for replica in self.replicas},
            "faults": dict(sorted(self.history.faults.items())),
            "responses": {kind: dict(counts) for kind, counts in sorted(self.history.statuses.items())},
            "latencies": self.history.latencies(),
            "report": report.to_json(),
        }


# --- Two scenarios ---------------------------------------------------------------------------------------------------


@asynccontextmanager
async def postgres_proxy(address: str) -> AsyncIterator[tuple[str, str, Proxy]]:
    """Start a proxy before the PostgreSQL at `address`, whose ``host=`` is a folder of sockets.

    Gives the URL for this process, the URL for the replicas, and the proxy.
    """
    parts = psycopg.conninfo.conninfo_to_dict(address)
    async with Proxy(f"{parts['host']}/.s.PGSQL.{parts.get('port', 5432)}") as proxy:
        url = sqlalchemy_url(address)
        yield url, f"postgresql://{parts['user']}@127.0.0.1:{proxy.port}/{parts['dbname']}", proxy


async def two_on_postgres(plan: Plan, folder: Path, address: str) -> tuple[Report, Json]:
    """Run two replicas on the PostgreSQL at `address`, through a proxy; return the report and all figures."""
    test = LoadTest(plan, folder, replicas=2)
    async with postgres_proxy(address) as connection:
        report = await test.run(*connection)
    return report, test.summary(report)


async def one_on_sqlite(plan: Plan, folder: Path) -> tuple[Report, Json]:
    """Run one replica on a SQLite file; return the report and all figures."""
    file = folder / "advisor.db"
    test = LoadTest(plan, folder, replicas=1)
    report = await test.run(f"sqlite:///{file}", f"sqlite:///{file}", file)
    return report, test.summary(report)


def main() -> int:
    """Run both scenarios, or one; return 0 when all invariants hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.fault_injection.load_test")
    parser.add_argument("--dialogs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--only", choices=("postgres", "sqlite"))
    parser.add_argument("--pace", type=float, default=0.11, help="seconds between the starts of two dialogs")
    parser.add_argument("--at-once", type=int, default=40, help="dialogs at the same time, at most")
    options = parser.parse_args()
    long = options.dialogs > 1000
    rates = {
        "postgres": FaultRates(interval=4.0, outage=20.0) if long else FaultRates(),
        "sqlite": FaultRates(interval=6.0, outage=10.0) if long else FaultRates(interval=5.0),
    }
    ramp_seconds = options.dialogs * options.pace
    plan = Plan(options.dialogs, options.seed, options.at_once, ramp_seconds, drain_timeout=300.0, progress=True)
    print(f"seed {plan.seed}", flush=True)
    ok = True
    for name in [options.only] if options.only else ["postgres", "sqlite"]:
        plan = replace(plan, rates=rates[name])
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cm-advisor-load-test-")))
            if name == "postgres":
                run = two_on_postgres(plan, folder, stack.enter_context(temporary_server()).create_database())
            else:
                run = one_on_sqlite(plan, folder)
            report, summary = asyncio.run(run)
        print(json.dumps({name: summary}, indent=2, ensure_ascii=False), flush=True)
        ok = ok and report.ok
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
