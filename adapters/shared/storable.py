"""Text that no database takes: PostgreSQL refuses a zero character, and half a surrogate pair is no UTF-8."""

from typing import Any

import orjson


def parse_json(said: str) -> Any:
    """Return the JSON in a text. Raises `ValueError`, also where it holds what cannot be stored."""
    value = orjson.loads(said)  # refuses half pairs, and numbers and depths that only Python takes
    if "\\u0000" in said and not is_storable(value):
        raise ValueError("a character that is none")
    return value


def is_storable(value: object) -> bool:
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
