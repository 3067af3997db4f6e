"""JSON in and out of the adapters."""

import json
from typing import Any

import orjson


def to_json(value: object) -> str:
    """Return `value` as JSON. Falls back to the standard library for what orjson refuses (half surrogate pairs)."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value)


def parse_json(text: str) -> Any:
    """Return the value of a JSON text.

    Raises `ValueError` for invalid JSON and for strings that no database stores: PostgreSQL refuses NUL characters, and
    half a surrogate pair is not UTF-8.
    """
    value = orjson.loads(text)  # refuses half surrogate pairs, NaN, and numbers and depths that only Python accepts
    if "\\u0000" in text and not is_storable(value):
        raise ValueError("NUL character")
    return value


def parse_object(raw: bytes) -> dict[str, Any]:
    """Return the JSON object in a response body; an empty one for anything else."""
    try:
        value = orjson.loads(raw)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def is_storable(value: object) -> bool:
    """Return whether every string in a JSON value can be stored, keys included. Not recursive, so any depth works."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            if "\x00" in item or not _is_utf8(item):
                return False
        elif isinstance(item, dict):
            pending += (*item, *item.values())
        elif isinstance(item, list):
            pending += item
    return True


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
