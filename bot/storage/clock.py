"""The time for rows that several machines read."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

Clock = Callable[[], datetime]
"""Returns the current time in UTC."""
local_clock: Clock = partial(datetime.now, UTC)
"""Returns the time of this machine."""


class SharedClock:
    """The clock of the database server, so that a wrong clock of one replica does not matter.

    Between calls of `set`, this machine's monotonic clock is added. Until the first call it is this machine's clock.
    """

    def __init__(self) -> None:
        self._base: datetime | None = None
        self._base_at = 0.0

    def __call__(self) -> datetime:
        if self._base is None:
            return datetime.now(UTC)
        return self._base + timedelta(seconds=time.monotonic() - self._base_at)

    def set(self, server_time: datetime, asked_at: float) -> None:
        """Set the time to the server's answer to a query sent at `asked_at`, in seconds of the monotonic clock."""
        self._base_at = (asked_at + time.monotonic()) / 2
        self._base = server_time.astimezone(UTC)
