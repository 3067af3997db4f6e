"""``cm-advisor`` on a machine whose clock is wrong, by as many seconds as a file says at that moment.

    python skewed.py FILE serve

The file holds one double (`struct` format ``d``); whoever writes there steps the clock of the running process. Skewed
are this machine's own idea of the time (`bot.storage.clock`) and `time.time`, the latter by three minutes at most:
older
signatures let nobody in. What is measured in time that only passes (`time.monotonic`) is right.
"""

import math
import mmap
import struct
import sys
import time
from datetime import datetime, tzinfo
from functools import partial


def main() -> int:
    """Run the rest of the command line with that clock."""
    with open(sys.argv[1], "rb") as file:
        offset = mmap.mmap(file.fileno(), struct.calcsize("d"), access=mmap.ACCESS_READ)
    true = time.time

    def skewed(most: float = math.inf) -> float:
        seconds: float = struct.unpack_from("d", offset)[0]
        return true() + max(-most, min(seconds, most))

    time.time = partial(skewed, 180.0)
    import bot.storage.clock
    from bot import cli

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(skewed(), tz)

    setattr(bot.storage.clock, "datetime", Wrong)  # noqa: B010
    return cli.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
