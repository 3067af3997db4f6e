"""Text that no database takes: PostgreSQL refuses a zero character, and half a surrogate pair is no UTF-8."""

import json
import re
from typing import Any

_SUSPECT = re.compile(r"\\u0000|\\u[dD][89a-fA-F]|\x00")


def read(said: str) -> Any:
    """Return the JSON in a text. Raises `ValueError` or `RecursionError`, also where it holds what cannot be stored."""
    value = json.loads(said, parse_constant=_no_number)
    if _SUSPECT.search(said) and not storable(value):  # an emoji is suspect, too, and then found to be well
        raise ValueError("a character that is none")
    return value


def storable(value: object) -> bool:
    """Whether every text in a JSON value can be stored, keys included. At any depth, without recursion."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            if "\x00" in one or not _whole(one):
                return False
        elif isinstance(one, dict):
            left += (*one, *one.values())
        elif isinstance(one, list):
            left += one
    return True


def _whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
