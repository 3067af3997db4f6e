"""Run ``cm-advisor`` with a wrong clock: ``python skewed_clock.py FILE serve``.

FILE holds one double (`struct` format ``d``): the seconds to add. Writing to it steps the clock of the running process.
Changed are `bot.storage.clock` and `time.time`, the latter by three minutes at most, since older signatures are
rejected. `time.monotonic` stays right.
"""

import math
import mmap
import struct
import sys
import time
from datetime import UTC, datetime, tzinfo
from functools import partial

MAX_SIGNATURE_SKEW = 180.0


def main() -> int:
    with open(sys.argv[1], "rb") as file:
        offset = mmap.mmap(file.fileno(), struct.calcsize("d"), access=mmap.ACCESS_READ)
    true_time = time.time

    def skewed_time(max_skew: float = math.inf) -> float:
        seconds: float = struct.unpack_from("d", offset)[0]
        return true_time() + max(-max_skew, min(seconds, max_skew))

    time.time = partial(skewed_time, MAX_SIGNATURE_SKEW)
    import bot.storage.clock

    class SkewedDatetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(skewed_time(), tz)

    setattr(bot.storage.clock, "datetime", SkewedDatetime)  # noqa: B010
    bot.storage.clock.local_clock = partial(SkewedDatetime.now, UTC)
    from bot import cli  # reads `local_clock`

    return cli.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
