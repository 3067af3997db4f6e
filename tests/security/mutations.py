"""Hypothesis strategies for hostile requests: a real request, and changes to its values and bytes."""

import json
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from hypothesis import strategies as st

REMOVED = object()
"""In place of a value: the key is removed."""
STRINGS = ["", " ", "x", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\u202eabc", "é" * 300, "<!channel>", "</at>"]
STRINGS += ["|||", "a" * 20_000, "%00", "%s%n", "{0.__class__}", "../../etc/passwd", "' OR 1=1 --", "\r\nX: y"]
STRINGS += ["9" * 400, "-1"]
UNSTORABLE = STRINGS[3:6]
"""Strings that PostgreSQL cannot store."""
SCALARS: list[Any] = [None, True, False, 0, -1, 2**31, 2**63, 10**30, 1.5, 0.0, -0.0, 1e308]
CONTENT_TYPES = ["text/plain", "application/json", "", "multipart/form-data", "a/b;c=d"]
NOT_FINITE = [float("nan"), float("inf"), float("-inf")]


def _nested_list(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


values = (
    st.sampled_from(STRINGS)
    | st.sampled_from(SCALARS)
    | st.sampled_from([*NOT_FINITE, *STRINGS, *SCALARS])
    | st.sampled_from([[], {}, [[]], {"id": []}, [None], [{}], {"id": {"id": 1}}, {"": ""}])
    | st.integers(1, 150).map(_nested_list)
    | st.text(st.characters(exclude_categories=()), max_size=20)
    | st.dictionaries(st.text(max_size=5), st.none() | st.text(max_size=5), max_size=3)
    | st.just(REMOVED)
)


@dataclass(frozen=True)
class Change:
    """Set one value of a JSON document. Positions count modulo the number of values.

    `position`: of the value to change. The new value is `value`, or a copy of the one at `copy_from`.
    """

    position: int
    value: Any
    copy_from: int | None = None


@dataclass(frozen=True)
class Mutation:
    """How to change a sample request.

    Attributes:
        sample: Index of the request, modulo their number.
        changes: Of its JSON.
        damage: Of its bytes: ``cut``, ``flip`` (one byte), or ``twice`` (a duplicate JSON key).
        damage_at: Where, as a share of the length.
        byte: The new byte, or which key to duplicate.
        ascii: Whether the JSON is escaped to ASCII.
        content_type: In place of the right one.
        signed: Whether the signature or token is valid.
    """

    sample: int
    changes: tuple[Change, ...]
    damage: str | None
    damage_at: float
    byte: int
    ascii: bool
    content_type: str | None
    signed: bool

    def __repr__(self) -> str:
        changes = [(change.position, reprlib.repr(change.value), change.copy_from) for change in self.changes]
        rest = (self.damage, self.damage_at, self.byte, self.ascii, self.content_type)
        return f"Mutation({self.sample}, {changes}, {', '.join(map(repr, rest))})"


positions = st.integers(0, 10_000)
sometimes_a_position = st.sampled_from([False, False, True]).flatmap(lambda yes: positions if yes else st.none())
changes = st.builds(Change, positions, values, sometimes_a_position)
mutations = st.builds(
    Mutation,
    sample=positions,
    changes=st.lists(changes, max_size=3).map(tuple),
    damage=st.sampled_from([None] * 12 + ["cut", "flip", "flip", "twice", "twice"]),
    damage_at=st.floats(0, 1),
    byte=st.integers(0, 255),
    ascii=st.booleans(),
    content_type=st.sampled_from([None] * 12 + CONTENT_TYPES),
    signed=st.sampled_from([True] * 9 + [False]),
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value inside a JSON value."""
    items: Sequence[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [inner for key, item in items for inner in ((*path, key), *paths(item, (*path, key)))]


def apply_changes(document: Any, changes: Sequence[Change]) -> Any:
    """Return a copy of a JSON value with the changes made."""
    value = _copy(document)
    for change in changes:
        candidates = paths(value)
        if not candidates:
            return value
        *path, key = candidates[change.position % len(candidates)]
        parent = _get(value, path)
        new = change.value
        if change.copy_from is not None:
            new = _get(value, candidates[change.copy_from % len(candidates)])
        if new is not REMOVED:
            parent[key] = _copy(new)
        elif isinstance(parent, dict):
            del parent[key]
    return value


def _get(value: Any, path: Sequence[Any]) -> Any:
    for step in path:
        value = value[step]
    return value


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))


def encode(mutation: Mutation, value: Any, form: str | None) -> bytes:
    """Return the body. `form`: None for JSON, ``payload`` for JSON in a form field, else a form of the value's keys."""
    if form == "command":
        fields = {str(key): item if isinstance(item, str) else json.dumps(item) for key, item in value.items()}
        data = urlencode(fields, errors="replace").encode()
    else:
        text = json.dumps(value, ensure_ascii=mutation.ascii)
        if mutation.damage == "twice":
            key = ("type", "id", "user", "actions", "value", "text")[mutation.byte % 6]
            text = text.replace("{", '{"' + key + '": [7], ', 1)
        data = text.encode("utf-8", "surrogatepass")
        if form == "payload":
            data = urlencode({"payload": data}).encode()
    at = int(mutation.damage_at * len(data))
    if mutation.damage == "flip":
        return data[:at] + bytes([mutation.byte]) + data[at + 1 :]
    return data[:at] if mutation.damage == "cut" else data
