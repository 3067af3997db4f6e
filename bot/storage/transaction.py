"""One database transaction."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from bot.storage import statements
from bot.storage.statements import NewJob, SessionLookup, StoredSession, TurnChange
from dialogs.session import Session

T = TypeVar("T")
Decide = Callable[[StoredSession | None, bool, datetime], tuple[TurnChange | None, T]]
"""Takes the stored session, whether the event was processed before, and the time. Returns what to write, and a result.
"""


class ConcurrentUpdate(Exception):
    """Another transaction changed the session; the unit of work must be repeated."""


class Transaction:
    """An open transaction. `now`: the time of everything in it. `execute`: runs a SQLAlchemy statement."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self.connection = connection
        self.execute = connection.execute
        self.now = now
        self._is_sqlite = connection.dialect.name == "sqlite"
        driver: Any = connection.connection.driver_connection
        self._run: Callable[..., Any] = driver.execute if self._is_sqlite else connection.exec_driver_sql

    def upsert(self, table: sa.Table, key: dict[str, Any], values: dict[str, Any]) -> None:
        """Insert a row, or update the one with this primary key."""
        if self._is_sqlite:  # imports only the dialect in use
            from sqlalchemy.dialects.sqlite import insert
        else:
            from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
        row = insert(table).values(**key, **values)
        self.execute(row.on_conflict_do_update(index_elements=list(key), set_=values))

    def turn(self, lookup: SessionLookup, decide: Decide[T]) -> T | None:
        """Look up, decide and write. Return None when the id of a new session exists. Raises `ConcurrentUpdate`."""
        stored, duplicate = self.look_up(lookup)
        change, result = decide(stored, duplicate, self.now)
        return result if change is None or self.write(change) else None

    def look_up(self, lookup: SessionLookup) -> tuple[StoredSession | None, bool]:
        """Return the session, if it belongs to the tenant, and whether the event was processed before."""
        sql, row = statements.look_up(lookup, is_sqlite=self._is_sqlite)
        stored, duplicate = statements.read_row(self._run(sql, row).fetchone(), row["key_hash"])
        return stored if stored and stored.session.tenant == lookup.tenant else None, duplicate

    def write(self, change: TurnChange) -> bool:
        """Write a turn. Return False when the id of a new session exists. Raises `ConcurrentUpdate`."""
        for number, (sql, row) in enumerate(statements.write(change, self.now, is_sqlite=self._is_sqlite)):
            rows: int = self._run(sql, row).rowcount
            if number == 0 and change.after is not None and rows != 1:
                if change.before is None:
                    return False
                raise ConcurrentUpdate
        return True

    def load(self, session: str) -> StoredSession | None:
        """Return a session by its id."""
        sql, row = statements.look_up(SessionLookup("", session), is_sqlite=self._is_sqlite)
        return statements.read_row(self._run(sql, row).fetchone())[0]

    def save(self, before: StoredSession, session: Session) -> None:
        """Update a session. Raises `ConcurrentUpdate` when `before` is not the stored one."""
        self.write(TurnChange(before=before, after=session))

    def record_key(self, idempotency_key: str) -> bool:
        """Record the key of an event. Return False when it was recorded before."""
        sql, row = statements.insert_key(idempotency_key, self.now, is_sqlite=self._is_sqlite)
        return bool(self._run(sql, row).rowcount == 1)

    def add_job(self, job: NewJob) -> None:
        """Add a job to the outbox."""
        self._run(*statements.add_job(job, self.now, is_sqlite=self._is_sqlite))

    def delete_cards(self, revisions: Mapping[str, int]) -> None:
        """Delete the pending cards of sessions, unless they are of a later revision."""
        for sql, row in statements.delete_cards(revisions, is_sqlite=self._is_sqlite):
            self._run(sql, row)
