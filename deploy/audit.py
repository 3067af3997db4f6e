"""``make audit``: asks OSV, the open database of known weaknesses, about every package of the lock files.

Where the database cannot be reached, it says so and is no failure; in CI it is one.
"""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence

OSV = "https://api.osv.dev/v1/query"
CLOSED = frozenset({403, 407, 502, 503, 504})
"""How a proxy says that there is no way out."""


def main(locks: Sequence[str]) -> int:
    """Return the exit status: 0 where nothing is known against what is locked."""
    url = os.environ.get("OSV_URL", OSV)
    if reason := _unreachable(url):
        print(f"Not audited: {url} cannot be reached from here ({reason}).", file=sys.stderr)
        return 1 if os.environ.get("CI") else 0
    given = [part for lock in locks for part in ("--requirement", lock)]
    how = ["--disable-pip", "--require-hashes", "--vulnerability-service", "osv", "--osv-url", url]
    quiet = ["--progress-spinner", "off", "--desc", "off"]
    command = [sys.executable, "-m", "pip_audit", *how, *quiet, *given]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own words


def _unreachable(url: str) -> str | None:
    try:
        with urllib.request.urlopen(url, timeout=10):  # noqa: S310 - ours, or the administrator's
            return None
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.reason}" if error.code in CLOSED else None  # it answers, if only that GET is wrong
    except OSError as error:
        return str(getattr(error, "reason", error))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
