"""Connections to PostgreSQL: time limits, failover, and poolers such as pgbouncer.

After a failover a connection may still reach the old server, or belong to a session that began while the server was
read-only and stays so. Such connections are closed, so that the next attempt gets a new one.
"""

import logging
from typing import Any

import sqlalchemy as sa

# A replica that hangs, or whose machine is gone, releases its rows after ten seconds.
LIMITS = "-c statement_timeout=10000 -c idle_in_transaction_session_timeout=10000 -c tcp_user_timeout=10000"
_LOST = frozenset({"25006", "57P01", "57P02", "57P03"})
"""SQLSTATEs after which a connection is of no use: read-only, or the server stops or starts."""
_OTHER_SESSION = frozenset({"26000", "42P05"})
"""A prepared statement is missing, or exists twice: a pooler gives each transaction another session."""

log = logging.getLogger(__name__)


def create_engine(url: sa.URL, connections: int) -> sa.Engine:
    """Return an engine with at most so many connections."""
    arguments = {"connect_timeout": 5, "tcp_user_timeout": 10000, "client_encoding": "utf8"}
    engine = sa.create_engine(
        url, pool_size=connections, max_overflow=0, pool_timeout=5, hide_parameters=True, connect_args=arguments
    )
    pooler = _Pooler()
    sa.event.listen(engine, "do_connect", pooler.connect)
    sa.event.listen(engine, "handle_error", pooler.on_error)
    return engine


class _Pooler:
    """Adapts to a pooler once it is found."""

    def __init__(self) -> None:
        self._options = LIMITS
        self._prepares = True

    def connect(self, dialect: sa.Dialect, _record: object, arguments: list[Any], values: dict[str, Any]) -> Any:
        """Open a connection."""
        if "," in str(values.get("host", "")):
            values.setdefault("target_session_attrs", "read-write")
        try:
            return self._connect(dialect, arguments, values)
        except dialect.loaded_dbapi.OperationalError as error:
            if not self._options or "unsupported startup parameter" not in str(error):
                raise
        # pgbouncer, which refuses this by default. Sessions are then not ours: no time limits, nothing prepared.
        log.warning("a pooler refuses time limits: set statement_timeout of the database's user to 10s (ALTER ROLE)")
        self._options, self._prepares = "", False
        return self._connect(dialect, arguments, values)

    def _connect(self, dialect: sa.Dialect, arguments: list[Any], values: dict[str, Any]) -> Any:
        options = " ".join(filter(None, (values.get("options"), self._options)))
        more: dict[str, Any] = {"options": options} if options else {}
        connection = dialect.connect(*arguments, **(values | more))
        if not self._prepares:
            connection.prepare_threshold = None
        return connection

    def on_error(self, context: sa.ExceptionContext) -> None:
        """Close connections that are of no use, so that the unit of work is repeated with new ones."""
        state = getattr(context.original_exception, "sqlstate", None)
        if state in _OTHER_SESSION:
            self._prepares = False
        if state in _LOST | _OTHER_SESSION:
            context.is_disconnect = True
