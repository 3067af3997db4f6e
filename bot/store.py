"""The database: one synchronous unit of work a turn, in one hop to a thread, the same code on SQLite and PostgreSQL.

SQLite has one writer whatever one does, so it gets one thread. ``synchronous=FULL``: were the machine to lose the note
that a post was being sent, it would be sent twice.
"""

import asyncio
import hashlib
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from adapters.ports import Json, Unavailable
from bot.schema import Object, jobs, seen, sessions
from dialogs.session import BadSession, Session, Status

MIGRATIONS = Path(__file__).parent / "migrations"
THREADS = 8
"""Units of work at once on PostgreSQL, and connections."""
BATCH = 64
"""Units of work at most in one commit on SQLite."""
TRIES = 20
"""How often a unit of work is begun anew when another got in between."""
RUNNING = tuple(status.value for status in Status if status.running)
CARD_KINDS = {"show", "posted", "tell"}
"""Jobs about a session's card: they share a queue, so that they come in the order written."""

T = TypeVar("T")
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Conflict(Exception):
    """Somebody else saved the session in between: the unit of work has to begin anew."""


class WrongSchema(Exception):
    """The tables are not those of this version; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A session as it was loaded. `saved` counts its savings."""

    session: Session
    place: str | None
    card: Json | None
    posted: Json | None
    saved: int
    updated: datetime


_INSERTS: Mapping[str, Callable[[sa.Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_LOADED = sa.select(*(sessions.c[name] for name in ("state", "place", "card", "posted", "saved", "updated")))
_RUNNING = (
    _LOADED.where(
        sessions.c.tenant == sa.bindparam("tenant"),
        sessions.c.owner == sa.bindparam("owner"),
        sessions.c.place == sa.bindparam("place"),
        sessions.c.status.in_(RUNNING),
    )
    .order_by(sessions.c.created.desc())
    .limit(1)
)
_SAVE = (
    sa.update(sessions)
    .where(sessions.c.id == sa.bindparam("key"), sessions.c.saved == sa.bindparam("before"))
    .values(
        state=sa.bindparam("state"),
        status=sa.bindparam("status"),
        updated=sa.bindparam("updated"),
        saved=sa.bindparam("before") + 1,
        place=sa.func.coalesce(sa.bindparam("place"), sessions.c.place),
        card=sa.func.coalesce(sa.bindparam("card", type_=Object), sessions.c.card),
    )
)


class Statements:
    """What every turn runs, compiled once: SQLAlchemy would compile an ON CONFLICT each time, for a third of a turn."""

    def __init__(self, dialect: sa.Dialect) -> None:
        def insert(table: sa.Table, *, over: bool = False) -> Any:
            names = [column.name for column in table.c if column is not jobs.c.id]
            into = _INSERTS[dialect.name](table).inline()
            if over:
                anew = {name: into.excluded[name] for name in names if name != "key"}
                into = into.on_conflict_do_update(index_elements=["key"], set_=anew)
            else:
                into = into.on_conflict_do_nothing().execution_options(preserve_rowcount=True)
            return into.compile(dialect=dialect, column_keys=names)

        self.first = insert(seen)
        self.begin = insert(sessions)
        self.put_once = insert(jobs)
        self.put = insert(jobs, over=True)
        self.load: Any = _LOADED.where(sessions.c.id == sa.bindparam("id")).compile(dialect=dialect)
        self.running: Any = _RUNNING.compile(dialect=dialect)
        self.save: Any = _SAVE.compile(dialect=dialect)


class Unit:
    """A transaction under way, at one moment."""

    def __init__(self, connection: sa.Connection, now: datetime, statements: Statements) -> None:
        self.connection = connection
        self.execute = connection.execute
        self.now = now
        self._statements = statements

    def insert(self, table: sa.Table) -> Any:
        """Return an INSERT that knows ON CONFLICT."""
        return _INSERTS[self.connection.dialect.name](table)

    def first(self, once: str) -> bool:
        """Note a delivery; return whether it is the first of its kind."""
        key = hashlib.sha256(once.encode()).digest()
        return self.execute(self._statements.first, {"once": key, "at": self.now}).rowcount == 1

    def load(self, session: str, tenant: str | None = None) -> Stored | None:
        """Return a session, if it is of `tenant`."""
        stored = _stored(self.execute(self._statements.load, {"id": session}).first())
        return stored if stored and tenant in {None, stored.session.tenant} else None

    def running(self, tenant: str, owner: str, place: str) -> Stored | None:
        """Return the latest running session of a person at a place."""
        return _stored(
            self.execute(self._statements.running, {"tenant": tenant, "owner": owner, "place": place}).first()
        )

    def begin(self, session: Session, place: str | None, card: Json | None) -> bool:
        """Store a new session; False when its id is taken."""
        row = {
            "id": session.id,
            "tenant": session.tenant,
            "owner": session.owner,
            "place": place,
            "status": session.status.value,
            "state": session.to_json(),
            "saved": 0,
            "card": card,
            "posted": None,
            "created": self.now,
            "updated": self.now,
        }
        return self.execute(self._statements.begin, row).rowcount == 1

    def save(self, before: Stored, session: Session, place: str | None = None, card: Json | None = None) -> None:
        """Save over `before`; `place` and `card` stay when None. Raises `Conflict` when it is not what is stored."""
        row = {
            "key": session.id,
            "before": before.saved,
            "state": session.to_json(),
            "status": session.status.value,
            "updated": self.now,
            "place": place,
            "card": card,
        }
        if self.execute(self._statements.save, row).rowcount != 1:
            raise Conflict

    def put(
        self,
        kind: str,
        session: str | None = None,
        *,
        key: str | None = None,
        queue: str | None = None,
        after: timedelta = timedelta(),
        revision: int | None = None,
        once: bool = False,
        **payload: object,
    ) -> None:
        """Write that something must happen, over what stands under the same key; `once`: unless something does."""
        row = {
            "key": key or (f"{session}:{kind}" if session else kind),
            "kind": kind,
            "queue": queue or f"{'card' if kind in CARD_KINDS else kind}:{session}",
            "session": session,
            "revision": revision,
            "payload": payload,
            "due": self.now + after,
            "attempts": 0,
            "state": "pending",
            "leased_by": None,
            "leased_until": None,
            "error": None,
        }
        self.execute(self._statements.put_once if once else self._statements.put, row)


def _stored(row: sa.Row[Any] | None) -> Stored | None:
    """What cannot be read (a newer version wrote it) is as good as gone for this one, and stays for the other."""
    if row is None:
        return None
    state, *rest = row
    try:
        return Stored(Session.from_json(state), *rest)
    except BadSession:
        return None


class Store:
    """A database. `url` as SQLAlchemy reads it: ``sqlite:///file`` or ``postgresql+psycopg://…``."""

    def __init__(self, url: str, clock: Clock = utc_now) -> None:
        self.clock = clock
        self._engine = _engine(sa.make_url(url))
        self._statements = Statements(self._engine.dialect)
        self.lite = self._engine.dialect.name == "sqlite"
        self._threads = ThreadPoolExecutor(1 if self.lite else THREADS, thread_name_prefix="store")
        self._waiting: deque[tuple[Callable[[Unit], Any], Future[Any]]] = deque()

    async def run(self, work: Callable[[Unit], T]) -> T:
        """Return what `work` returns once its transaction is committed. Raises `Unavailable`.

        `work` is called again when another transaction got in between: it may do nothing that cannot be done twice.
        """
        if not self.lite:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._alone, work)
        done: Future[T] = Future()
        self._waiting.append((work, done))
        self._threads.submit(self._together)
        return await asyncio.wrap_future(done)

    def _alone(self, work: Callable[[Unit], T]) -> T:
        for left in reversed(range(TRIES)):
            try:
                with self._engine.begin() as connection:
                    return work(self._begun(connection))
            except (Conflict, sa.exc.SQLAlchemyError) as error:
                if not left or not _passing(error):
                    raise _unavailable(error) from None
            time.sleep(random.uniform(0, 0.01))  # noqa: S311 - apart, not secret
        raise AssertionError("not reached")

    def _together(self) -> None:
        """Commit all that waits at once: the disk is waited for once, however many turns there are."""
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH))]
        batch = [(work, done) for work, done in batch if done.set_running_or_notify_cancel()]
        if not batch:
            return
        try:
            with self._engine.begin() as connection:
                results = [self._part(connection, work) for work, _ in batch]
        except Exception as error:  # whatever it is, those who wait must hear of it
            results = [_unavailable(error)] * len(batch)
        for (_, done), result in zip(batch, results, strict=True):
            if isinstance(result, Exception):
                done.set_exception(result)
            else:
                done.set_result(result)

    def _part(self, connection: sa.Connection, work: Callable[[Unit], Any]) -> Any:
        """Do one of several; what fails of it is undone without the others, and its exception returned."""
        connection.exec_driver_sql("SAVEPOINT part")
        try:
            return work(self._begun(connection))
        except Exception as error:
            connection.exec_driver_sql("ROLLBACK TO part")
            return _unavailable(error) if isinstance(error, sa.exc.SQLAlchemyError) else error

    def _begun(self, connection: sa.Connection) -> Unit:
        return Unit(connection, self.clock(), self._statements)

    async def ping(self) -> None:
        """Raises `Unavailable` unless the database can be written to."""
        await self.run(lambda unit: unit.execute(sa.select(jobs.c.id).limit(1)).first())

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            message = f"The database cannot be had ({type(error).__name__}). Is DATABASE_URL right, and is it running?"
            raise Unavailable(message) from None

    def upgrade(self) -> None:
        """Bring the tables to this version. Raises `WrongSchema` when they are newer."""
        from alembic.command import upgrade
        from alembic.util import CommandError

        with self._connected() as connection:
            if not self.lite:  # two replicas must not migrate at once; SQLite's transaction sees to it by itself
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(7315)))
            config = _alembic()
            config.attributes["connection"] = connection
            try:
                upgrade(config, "head")
            except CommandError:
                raise WrongSchema(_NEWER) from None

    def check(self) -> None:
        """Raises `WrongSchema` when the tables are not those of this version."""
        from alembic.runtime.migration import MigrationContext
        from alembic.script import ScriptDirectory

        with self._connected() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
        steps = [step.revision for step in ScriptDirectory.from_config(_alembic()).walk_revisions()]
        if found != steps[0]:
            raise WrongSchema(_OLDER if found is None or found in steps else _NEWER)

    def open(self) -> None:
        """Make the tables ready: SQLite's are brought up to date, PostgreSQL's are its owner's to change."""
        if self.lite:
            self.upgrade()
        else:
            self.check()

    def close(self) -> None:
        """Wait for the work under way, then let go of the database."""
        self._threads.shutdown()
        self._engine.dispose()


_OLDER = "The database is older than this version. Run `cm-advisor db upgrade`, then start again."
_NEWER = "The database was made by a newer version of cm-advisor. Start that version, or restore a backup."


def _unavailable(error: Exception) -> Unavailable:
    """Its class alone: the message of a database error may quote a row."""
    return Unavailable(type(error).__name__)


def _passing(error: Exception) -> bool:
    """Whether beginning anew helps: somebody got in between (deadlock, serialization), or a connection had died."""
    if isinstance(error, sa.exc.DBAPIError):
        return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in {"40001", "40P01"}
    return isinstance(error, Conflict)


def _alembic() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() != "sqlite":
        timeouts = {"connect_timeout": 5, "options": "-c statement_timeout=10000"}
        return sa.create_engine(
            url, pool_size=THREADS, max_overflow=0, pool_timeout=5, hide_parameters=True, connect_args=timeouts
        )
    engine = sa.create_engine(
        url, poolclass=sa.StaticPool, hide_parameters=True, connect_args={"timeout": 5, "check_same_thread": False}
    )

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # or the driver begins by itself, too late for IMMEDIATE
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
