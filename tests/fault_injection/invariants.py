"""What came of it all: compares what people said and saw with what is stored and what stands in the channels."""

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
from tests.fault_injection.slack_client import Eyes
from tests.fault_injection.teams_client import Office

MAX_NAMED = 20


@dataclass
class Report:
    """Every list is empty where all went well."""

    dialogs: int
    posted: int = 0
    kept: int = 0
    unfinished: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Recommendations that somebody finished with Post, and that stand nowhere."""
    twice: list[str] = field(default_factory=list)
    twice_because_denied: int = 0
    """Posts too many, each after a 5xx of Teams for a post that was done: what remains at-least-once, no bot being able
    to look into a channel there."""
    elsewhere: list[str] = field(default_factory=list)
    """Recommendations in another channel than the one they were posted to, or nobody's."""
    mixed_up: list[str] = field(default_factory=list)
    """Answers or owners that are not those of the person."""
    left_over: list[str] = field(default_factory=list)
    """Rows that were still to be done when the time was over."""
    complaints: list[str] = field(default_factory=list)
    server_errors: list[str] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)
    """Tracebacks and errors in the logs of the replicas."""
    jobs: dict[str, int] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return not self.faults()

    def faults(self) -> Json:
        """Return what is wrong, by name: how much, and the first of it."""
        return {
            name: {"count": len(found), "first": found[:MAX_NAMED]}
            for name, found in asdict(self).items()
            if isinstance(found, list) and found
        }

    def to_json(self) -> Json:
        whole = {name: found for name, found in asdict(self).items() if not isinstance(found, list)}
        return {"good": self.good, **whole, "faults": self.faults()}


async def check_invariants(
    store: Database, people: list[SimulatedUser], eyes: Eyes, office: Office, ledger: History, replicas: list[Replica]
) -> Report:
    """Compare."""
    verdict = Report(len(people))
    stored = {row.id: row for row in await store.run(_sessions)}
    verdict.jobs = dict(sorted(Counter(f"{row.kind} {row.state}" for row in await store.run(_jobs)).items()))
    verdict.left_over = [f"{row.key} ({row.state}, {row.error})" for row in await store.run(_due)]
    held = {row.session_id: f"{row.state}, {row.error}" for row in await store.run(_jobs) if row.kind == "post"}
    for person in people:
        denied = office.denied[person.session]
        _judge_one(verdict, person, stored.get(person.session), held.get(person.session), denied)
    wanted = {person.session for person in people if person.finished == "post"}
    there = {id for id, found in eyes.posts.items() if any(not each.deleted for each in found)}
    there |= {id for id, found in office.posts_of.items() if any(not each.deleted for each in found)}
    verdict.elsewhere += [f"session {id} was posted, and nobody asked for it" for id in there - wanted]
    verdict.complaints = ledger.complaints
    verdict.server_errors = ledger.server_errors
    verdict.logged = [line for replica in replicas for line in replica.faults()]
    away = sum("the app is not installed" in replica.log.read_text(errors="replace") for replica in replicas)
    verdict.complaints += ["somebody was told that the app is not installed"] * away
    return verdict


def _judge_one(verdict: Report, person: SimulatedUser, row: Any, job: str | None, denied: int) -> None:
    if not person.finished:
        verdict.unfinished.append(repr(person))
        return
    state = getattr(row, "state", None)
    if state is None or (state["tenant"], state["owner"]) != (person.seat.tenant, person.seat.id):
        verdict.mixed_up.append(f"{person!r} is stored as {row}")
        return
    said, answers = dict(walk(FLOW, person.said).answers), dict(walk(FLOW, state["answers"]).answers)
    if said != answers:
        verdict.mixed_up.append(f"{person!r} said {said}, stored is {answers}")
    status = {"post": "posted", "keep": "kept"}[person.finished]
    if state["status"] != status:
        verdict.mixed_up.append(f"{person!r} is {state['status']}, not {status}")
    posts = person.seat.posted(person.session)
    if person.finished == "keep":
        verdict.kept += 1
        verdict.elsewhere += [f"{person!r} kept it, and it is in {where}" for where in posts]
        return
    verdict.posted += 1
    if not posts:
        verdict.lost.append(f"{person!r}, its row: {job}")
    if len(posts) > 1 + denied:
        verdict.twice.append(f"{person!r}: {len(posts)} times, {denied} of which Teams denied")
    verdict.twice_because_denied += min(max(len(posts) - 1, 0), denied)
    verdict.elsewhere += [f"{person!r}: in {where}" for where in posts if where != person.seat.posts_to]


async def undone(store: Database, *, due: bool = False) -> int:
    """Return how many rows are still to be done, sooner or later or (`due`) now; but for what comes round by itself."""
    return len(await store.run(_due if due else _undone))


def _sessions(unit: Transaction) -> list[Any]:
    return list(unit.execute(sessions.select()).all())


def _jobs(unit: Transaction) -> list[Any]:
    return list(unit.execute(outbox.select()).all())


def _due(unit: Transaction) -> list[Any]:
    return [row for row in _undone(unit) if row.due_at <= unit.now]


def _undone(unit: Transaction) -> list[Any]:
    todo = outbox.c.state.in_(("pending", "sending")), outbox.c.kind.not_in(("expire", "purge"))
    return [*unit.execute(outbox.select().where(*todo)), *unit.execute(pending_cards.select())]
