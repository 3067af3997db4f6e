"""Checkpoints of SQLite's write-ahead log, outside of the commits.

A commit only appends to the log. A checkpoint copies its pages into the database file: one page for almost every turn,
when there are many sessions. By default SQLite does that within a commit; here a thread does it beside the turns.
"""

import logging
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

INTERVAL = 1_000
"""Units of work between two checkpoints."""
MAX_LOG_PAGES = 8_000
"""32 MB. When the log is longer, turns wait for a checkpoint, after which SQLite overwrites the log from its start."""

log = logging.getLogger(__name__)


class Checkpointer:
    """Runs checkpoints over a connection of its own. `path`: the database file."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self.log_pages = 0
        """Pages in the log at the last checkpoint."""

    def start(self) -> bool:
        """Run a checkpoint in the background. Return False while another one is running."""
        if self._lock.locked():
            return False
        self._thread.submit(self.run)
        return True

    def run(self) -> None:
        """Run a checkpoint. After a failure (no space) the next one tries again."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = sqlite3.connect(self._path, timeout=0, check_same_thread=False)
                _busy, self.log_pages, _copied = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            except sqlite3.Error as error:
                self.log_pages = 0
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None
                log.warning("checkpoint failed (%s)", type(error).__name__)

    def close(self) -> None:
        """Wait for a running checkpoint and close the connection."""
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()
