"""What the tests of old cards share: how a dialog ends, and a database that can be set back between two presses."""

import sqlite3

ENDS = ("changed", "posted", "kept", "cancelled", "expired", "taken_back", "reopened", "deleted")
"""What happened to a dialog since its cards were shown."""
PRESSES: dict[str, tuple[str, ...]] = {
    "changed": ("review", "<change", "unknown>"),
    "posted": ("post",),
    "kept": ("keep_private",),
    "cancelled": ("review", "<change", "cancel"),
    "expired": (),
    "taken_back": ("post", "take_back"),
    "reopened": ("post", "review", "<change"),
    "deleted": (),
}
"""The buttons that lead there from the recommendation."""

TABLES = ("sessions", "outbox", "pending_cards", "person_settings")


class SavedRows:
    """The rows of a SQLite database, to be written back after each press."""

    def __init__(self, url: str) -> None:
        self._path = url.removeprefix("sqlite:///")
        with sqlite3.connect(self._path, timeout=10) as connection:
            self._rows = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}

    def restore(self) -> None:
        """Write the rows back."""
        with sqlite3.connect(self._path, timeout=10) as connection:
            for table in reversed(TABLES):
                connection.execute(f"DELETE FROM {table}")
            for table, rows in self._rows.items():
                for row in rows:
                    marks = ", ".join("?" * len(row))
                    connection.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", row)


def set_status(url: str, status: str) -> None:
    """Give all sessions a status, as housekeeping does when they expire."""
    with sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10) as connection:
        connection.execute(
            "UPDATE sessions SET status = ?, state = json_set(state, '$.status', ?, '$.revision', "
            "json_extract(state, '$.revision') + 1)",
            (status, status),
        )


def delete_sessions(url: str) -> None:
    """Delete all sessions, as *forget me* does."""
    with sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10) as connection:
        for table in ("pending_cards", "outbox", "sessions"):
            connection.execute(f"DELETE FROM {table}")
