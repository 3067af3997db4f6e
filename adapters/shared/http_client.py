"""What the clients of both platforms' APIs share."""

from collections.abc import Mapping

MAX_RETRY_AFTER = 3600.0


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After header (at most `MAX_RETRY_AFTER`), None when there is no number."""
    try:
        return min(max(float(headers.get("Retry-After", "")), 0.0), MAX_RETRY_AFTER)
    except ValueError:
        return None
