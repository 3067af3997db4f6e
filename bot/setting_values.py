"""The text of a setting: what surrounds a value is removed, and what has several spellings gets one.

Imports little, so that commands of the terminal can use it.
"""

import ipaddress
import unicodedata
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’"}
_BLANK = "\ufeff\u200b\u2060"
"""Characters that some editors and web pages add; `str.strip` does not remove them."""


def clean(value: str) -> str:
    """Remove white space, a byte order mark and quotes around a value."""
    value = value.strip().strip(_BLANK).strip()
    if len(value) > 1 and _QUOTES.get(value[0]) == value[-1]:
        return clean(value[1:-1])
    return value


def find_invisible(value: str) -> str | None:
    """Return the first character that cannot be seen (U+200B), or that is not text; None without one."""
    for character in value:
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}:
            return f"U+{ord(character):04X}"
    return None


def split_names(value: object) -> tuple[str, ...]:
    """Return names that are separated by commas."""
    names = value.split(",") if isinstance(value, str) else value if isinstance(value, tuple | list) else ()
    return tuple(name for name in map(clean, names) if name)


def split_url(url: str) -> SplitResult | None:
    """Return the parts of an HTTP URL; None for anything else."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for one that is no number
        return parts if parts.scheme in {"http", "https"} and parts.hostname else None
    except ValueError:
        return None


def without_slash(url: str) -> str:
    """Return a URL to which paths are added."""
    return url.rstrip("/")


def with_slash(url: str) -> str:
    """Return a URL to which the names of methods are added."""
    return f"{url.rstrip('/')}/"


def without_tenant(url: str) -> str:
    """Return a sign-in URL without the tenant that Microsoft's examples have in it, and without a slash."""
    parts = split_url(url)
    tenant = parts.path.strip("/").partition("/")[0] if parts else ""
    if parts and (is_guid(tenant) or "." in tenant or tenant in {"common", "organizations"}):
        return f"{parts.scheme}://{parts.netloc}"
    return without_slash(url)


def host_of(value: str) -> str:
    """Return the host of a URL, and anything else in lower case: people copy whole URLs."""
    parts = split_url(value)
    return (parts.hostname or "" if parts else value).lower()


def is_guid(value: str) -> bool:
    """Return whether a value is a GUID, in any of its spellings."""
    try:
        UUID(value)
    except ValueError:
        return False
    return True


def guid(value: str) -> str:
    """Return a GUID as Microsoft's tokens have it: in lower case, without braces. Anything else stays as it is."""
    return str(UUID(value)) if is_guid(value) else value


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
