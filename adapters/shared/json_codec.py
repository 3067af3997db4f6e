"""JSON for what goes out."""

import json

import orjson


def to_json(what: object) -> str:
    """Return it as JSON, whatever it holds: what is rare takes the standard library's slower way."""
    try:
        return orjson.dumps(what).decode()
    except TypeError:  # half a character, a number of more than 64 bits
        return json.dumps(what)
