"""What time it is, for rows that several machines read: one clock decides, however wrong their own are."""

import time
from datetime import UTC, datetime, timedelta


class DatabaseClock:
    """The database's time, carried on by this machine's monotonic clock, which never jumps.

    Until it is set for the first time, and where nobody sets it, it is this machine's own.
    """

    def __init__(self) -> None:
        self._told: datetime | None = None
        self._at = 0.0

    def __call__(self) -> datetime:
        """Return the time, in UTC."""
        if self._told is None:
            return datetime.now(UTC)
        return self._told + timedelta(seconds=time.monotonic() - self._at)

    def set(self, told: datetime, began: float) -> None:
        """Set it to what was answered to a question asked at `began`, in monotonic seconds."""
        self._at = (began + time.monotonic()) / 2
        self._told = told.astimezone(UTC)
