"""Generators of hostile deliveries: a realistic one, and what is done to it. Nothing here knows a running program."""

import json
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from hypothesis import strategies as st

GONE = object()
"""In place of a value: the key is taken out."""
WORDS = ["", " ", "x", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\u202eabc", "é" * 300, "<!channel>", "</at>", "|||"]
WORDS += ["a" * 20_000, "%00", "%s%n", "{0.__class__}", "../../etc/passwd", "' OR 1=1 --", "\r\nX: y", "9" * 400, "-1"]
LONE: list[Any] = [None, True, False, 0, -1, 2**31, 2**63, 10**30, 1.5, 0.0, -0.0, 1e308]
NUMBERS = [float("nan"), float("inf"), float("-inf")]


def _deep(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


values = (
    st.sampled_from(WORDS)
    | st.sampled_from(LONE)
    | st.sampled_from([*NUMBERS, *WORDS, *LONE])
    | st.sampled_from([[], {}, [[]], {"id": []}, [None], [{}], {"id": {"id": 1}}, {"": ""}])
    | st.integers(1, 150).map(_deep)
    | st.text(st.characters(exclude_categories=()), max_size=20)
    | st.dictionaries(st.text(max_size=5), st.none() | st.text(max_size=5), max_size=3)
    | st.just(GONE)
)


@dataclass(frozen=True)
class Change:
    """`where`, modulo how many places there are: one of them gets `value`, or what stands at `swap`."""

    where: int
    value: Any
    swap: int | None = None


@dataclass(frozen=True)
class Mutant:
    """`template`, modulo how many there are. `harm`: what happens to the bytes, at `at`. `signed`: whether truly."""

    template: int
    changes: tuple[Change, ...]
    harm: str | None
    at: float
    byte: int
    ascii: bool
    kind: str | None
    signed: bool

    def __repr__(self) -> str:
        shown = ((each.where, reprlib.repr(each.value), each.swap) for each in self.changes)
        return (
            f"Mutant({self.template}, {list(shown)}, {self.harm}, {self.at}, {self.byte}, {self.ascii}, {self.kind!r})"
        )


many = st.integers(0, 10_000)
changes = st.builds(
    Change, many, values, st.sampled_from([False, False, True]).flatmap(lambda so: many if so else st.none())
)
mutants = st.builds(
    Mutant,
    template=many,
    changes=st.lists(changes, max_size=3).map(tuple),
    harm=st.sampled_from([None] * 12 + ["cut", "flip", "flip", "twice", "twice"]),
    at=st.floats(0, 1),
    byte=st.integers(0, 255),
    ascii=st.booleans(),
    kind=st.sampled_from([None] * 12 + ["text/plain", "application/json", "", "multipart/form-data", "a/b;c=d"]),
    signed=st.sampled_from([True] * 9 + [False]),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of everything in a JSON value, but for the value itself."""
    items: Sequence[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [deeper for key, one in items for deeper in ((*path, key), *places(one, (*path, key)))]


def mutated(template: Any, changes: Sequence[Change]) -> Any:
    """Return a copy of a JSON value with the changes made."""
    value = json.loads(json.dumps(template))
    for change in changes:
        found = places(value)
        if not found:
            return value
        *path, key = found[change.where % len(found)]
        inner = value
        for step in path:
            inner = inner[step]
        new = change.value if change.value is GONE else json.loads(json.dumps(change.value))
        if change.swap is not None:
            new = value
            for step in found[change.swap % len(found)]:
                new = new[step]
            new = json.loads(json.dumps(new))
        if new is not GONE:
            inner[key] = new
        elif isinstance(inner, dict):
            del inner[key]
    return value


def encoded(mutant: Mutant, value: Any, form: str | None) -> bytes:
    """Return the bytes. `form`: None for JSON; ``payload`` for JSON in a form; else a form of the value's own keys."""
    if form == "command":
        raw = urlencode(
            {str(k): v if isinstance(v, str) else json.dumps(v) for k, v in value.items()}, errors="replace"
        )
        data = raw.encode()
    else:
        said = json.dumps(value, ensure_ascii=mutant.ascii)
        if mutant.harm == "twice":
            key = ("type", "id", "user", "actions", "value", "text")[mutant.byte % 6]
            said = said.replace("{", '{"' + key + '": [7], ', 1)
        data = said.encode("utf-8", "surrogatepass")
        if form == "payload":
            data = urlencode({"payload": data}).encode()
    at = int(mutant.at * len(data))
    if mutant.harm == "flip":
        return data[:at] + bytes([mutant.byte]) + data[at + 1 :]
    return data[:at] if mutant.harm == "cut" else data
