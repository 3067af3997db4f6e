"""One database transaction."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.storage import statements
from bot.storage.statements import NewJob, SessionLookup, StoredSession, TurnChange
from dialogs.session import Session


class ConcurrentUpdate(Exception):
    """Somebody else saved the session in between: the unit of work has to begin anew."""


class Transaction:
    """A transaction under way, at one moment."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self.connection = connection
        self.execute = connection.execute
        self.now = now
        self._is_sqlite = connection.dialect.name == "sqlite"

    def run(self, statement: str, row: Mapping[str, Any]) -> Any:
        """Run a statement of `bot.storage.statements`; return the driver's cursor."""
        text = statements.for_driver(statement, is_sqlite=self._is_sqlite)
        if self._is_sqlite:
            driver: Any = self.connection.connection.driver_connection
            return driver.execute(text, row)
        return self.connection.exec_driver_sql(text, row)

    def insert(self, table: sa.Table) -> Any:
        """Return an INSERT that knows ON CONFLICT. The dialect that is not used is not imported."""
        if self._is_sqlite:
            from sqlalchemy.dialects import sqlite

            return sqlite.insert(table)
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)

    def first(self, once: str) -> bool:
        """Note a delivery; return whether it is the first of its kind."""
        row = {"key_hash": statements.hash_key(once), "now": self.now}
        return bool(self.run(statements.FIRST + statements.ANY, row).rowcount == 1)

    def look(self, lookup: SessionLookup) -> tuple[StoredSession | None, bool]:
        """Return a session, if it is of that tenant, and whether the delivery was heard before."""
        asked = lookup.row()
        row = self.run(lookup.statement(), asked).fetchone()
        found = statements.stored(row)
        heard = bool(row[8]) or (found is not None and found.has_recent_key(asked["key_hash"]))
        return found if found and found.session.tenant == lookup.tenant else None, heard

    def load(self, session: str) -> StoredSession | None:
        """Return a session."""
        return statements.stored(self.run(statements.LOOK_BY_ID, {"session": session, "key_hash": None}).fetchone())

    def save(self, before: StoredSession, session: Session) -> None:
        """Save over `before`. Raises `ConcurrentUpdate` when it is not what is stored."""
        self._save(TurnChange(before=before, after=session))

    def _save(self, change: TurnChange) -> None:
        if self.run(statements.SAVE[change.moves], change.lock_version() | {"now": self.now}).rowcount != 1:
            raise ConcurrentUpdate

    def put(self, due: NewJob) -> None:
        """Write that something must happen."""
        self.run(statements.put(due.if_absent), due.row(self.now))

    def drawn(self, revisions: Mapping[str, int]) -> None:
        """Delete the rows of cards that are drawn, by session, unless a later revision has been written since."""
        if self._is_sqlite:
            for session, revision in revisions.items():
                self.run(statements.DRAWN, {"session": session, "revision": revision})
        else:
            self.run(statements.ALL_DRAWN, {"drawn": json.dumps(dict(revisions))})

    def change(self, change: TurnChange) -> bool:
        """Write a turn, part by part; False when the id of its new session is taken."""
        if change.before is not None and change.after is not None:
            self._save(change)
        elif (
            change.after is not None
            and self.run(statements.BEGIN, change.lock_version() | {"now": self.now}).rowcount != 1
        ):
            return False
        if change.idempotency_key is not None and change.seen and not self.first(change.idempotency_key):
            raise ConcurrentUpdate
        if change.drawing is not None:
            self.run(statements.draw(), change.drawn(self.now))
        for due in change.jobs:
            self.put(due)
        return True
