"""Check the invariants after a load test: compare what users did and saw with what is stored and posted."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from bot.storage.database import Database
from bot.storage.schema import outbox, pending_cards, sessions
from bot.storage.transaction import Transaction
from dialogs.community_flow import FLOW
from dialogs.walk import walk
from tests.fault_injection.history import History, Json
from tests.fault_injection.replicas import Replica
from tests.fault_injection.simulated_users import SimulatedUser
from tests.fault_injection.slack_client import MessageIndex
from tests.fault_injection.teams_client import FaultyTeams

MAX_EXAMPLES = 20


@dataclass
class Report:
    """The outcome. Every list is empty when all invariants hold."""

    dialogs: int
    posted: int = 0
    kept: int = 0
    unfinished: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Recommendations that a user posted and that are in no channel."""
    duplicates: list[str] = field(default_factory=list)
    duplicates_after_5xx: int = 0
    """Second posts, each after a 5xx from Teams for a post that was made. A bot cannot read a channel there, so these
    cannot be avoided: at-least-once."""
    wrong_channel: list[str] = field(default_factory=list)
    """Recommendations in a channel other than the chosen one, or that no user posted."""
    mismatches: list[str] = field(default_factory=list)
    """Stored answers, owners or statuses that are not those of the user."""
    unfinished_jobs: list[str] = field(default_factory=list)
    """Jobs due when the time was over."""
    violations: list[str] = field(default_factory=list)
    """See `History.violations`."""
    server_errors: list[str] = field(default_factory=list)
    bad_log_lines: list[str] = field(default_factory=list)
    jobs: dict[str, int] = field(default_factory=dict)
    """Kind and state -> count."""

    @property
    def ok(self) -> bool:
        return not self.problems()

    def problems(self) -> Json:
        """Return each non-empty list: its length and first items."""
        return {
            name: {"count": len(items), "first": items[:MAX_EXAMPLES]}
            for name, items in asdict(self).items()
            if isinstance(items, list) and items
        }

    def to_json(self) -> Json:
        figures = {name: value for name, value in asdict(self).items() if not isinstance(value, list)}
        return {"ok": self.ok, **figures, "problems": self.problems()}


async def check_invariants(
    database: Database,
    users: list[SimulatedUser],
    slack_messages: MessageIndex,
    teams: FaultyTeams,
    history: History,
    replicas: list[Replica],
) -> Report:
    """Return the report on all dialogs of `users`."""
    report = Report(len(users))
    stored = {row.id: row for row in await database.run(_all_sessions)}
    jobs = await database.run(_all_jobs)
    report.jobs = dict(sorted(Counter(f"{row.kind} {row.state}" for row in jobs).items()))
    report.unfinished_jobs = [f"{row.key} ({row.state}, {row.error})" for row in await database.run(_due_jobs)]
    post_jobs = {row.session_id: f"{row.state}, {row.error}" for row in jobs if row.kind == "post"}
    for user in users:
        row, job = stored.get(user.session), post_jobs.get(user.session)
        _check_user(report, user, row, job, teams.failed_after_post[user.session])
    requested = {user.session for user in users if user.finished == "post"}
    present = {id for id, messages in slack_messages.posts.items() if any(not m.deleted for m in messages)}
    present |= {id for id, messages in teams.posts_by_session.items() if any(not m.deleted for m in messages)}
    report.wrong_channel += [f"session {session} was posted without a request" for session in present - requested]
    report.violations = history.violations
    report.server_errors = history.server_errors
    report.bad_log_lines = [line for replica in replicas for line in replica.bad_log_lines()]
    not_installed = sum("the app is not installed" in replica.output for replica in replicas)
    report.violations += ["a user was told that the app is not installed"] * not_installed
    return report


def _check_user(report: Report, user: SimulatedUser, row: Any, job: str | None, failed_after_post: int) -> None:
    if not user.finished:
        report.unfinished.append(repr(user))
        return
    state = getattr(row, "state", None)
    if state is None or (state["tenant"], state["owner"]) != (user.client.tenant, user.client.user_id):
        report.mismatches.append(f"{user!r} is stored as {row}")
        return
    expected, answers = dict(walk(FLOW, user.answers).answers), dict(walk(FLOW, state["answers"]).answers)
    if expected != answers:
        report.mismatches.append(f"{user!r} answered {expected}, stored is {answers}")
    status = {"post": "posted", "keep": "kept"}[user.finished]
    if state["status"] != status:
        report.mismatches.append(f"{user!r} is {state['status']}, not {status}")
    channels = user.client.posts(user.session)
    if user.finished == "keep":
        report.kept += 1
        report.wrong_channel += [f"{user!r} kept it private, but it is in {channel}" for channel in channels]
        return
    report.posted += 1
    if not channels:
        report.lost.append(f"{user!r}, its job: {job}")
    if len(channels) > 1 + failed_after_post:
        report.duplicates.append(f"{user!r}: {len(channels)} posts, {failed_after_post} answered 5xx by Teams")
    report.duplicates_after_5xx += min(max(len(channels) - 1, 0), failed_after_post)
    wrong = [channel for channel in channels if channel != user.client.post_channel]
    report.wrong_channel += [f"{user!r}: in {channel}" for channel in wrong]


async def count_unfinished(database: Database, *, due: bool = False) -> int:
    """Return how many jobs and cards are not done, or only those due now; periodic jobs do not count."""
    return len(await database.run(_due_jobs if due else _unfinished_jobs))


def _all_sessions(transaction: Transaction) -> list[Any]:
    return list(transaction.execute(sessions.select()).all())


def _all_jobs(transaction: Transaction) -> list[Any]:
    return list(transaction.execute(outbox.select()).all())


def _due_jobs(transaction: Transaction) -> list[Any]:
    return [row for row in _unfinished_jobs(transaction) if row.due_at <= transaction.now]


def _unfinished_jobs(transaction: Transaction) -> list[Any]:
    unfinished = outbox.c.state.in_(("pending", "sending")), outbox.c.kind.not_in(("expire", "purge"))
    return [*transaction.execute(outbox.select().where(*unfinished)), *transaction.execute(pending_cards.select())]
