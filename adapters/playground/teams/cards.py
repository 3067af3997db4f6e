"""Cards, as the client works them: which button is meant, and what goes out with it."""

from collections.abc import Sequence
from typing import Any

from adapters.playground.teams.rules import Json, walk

CardPath = Sequence[str | int]
"""Where something is in a card: keys and numbers from the top."""


class CannotPress(AssertionError):
    """There is no such button, or Teams would not let it be pressed."""


class Incomplete(CannotPress):
    """The client asks to complete an input first; `words` is what it shows."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__(f"{name}: {words}")
        self.words = words


def find_action(card: Json, label: str | CardPath) -> Json:
    """The one action with this title, or at this path. Raises CannotPress with what there is instead."""
    actions = [node for node in walk(card) if str(node.get("type")).startswith("Action.")]
    if isinstance(label, str):
        found = [action for action in actions if action["title"] == label]
    else:
        there = _at(card, label)
        found = [action for action in actions if action is there]
    if len(found) != 1:
        labels = [action["title"] for action in actions]
        raise CannotPress(f"{len(found)} actions are called {label!r}, there are {labels}")
    return found[0]


def _at(card: Json, path: CardPath) -> Any:
    node: Any = card
    for step in path:
        try:
            node = node[step]
        except (LookupError, TypeError):
            raise CannotPress(f"nothing is at {list(path)}") from None
    return node


def fill(card: Json | None, label: str | CardPath, inputs: Json | None = None) -> Json:
    """The data a form's button sends, as `submit_action` takes it."""
    assert card, "there is no form"
    return gather(card, find_action(card, label), inputs)


def gather(card: Json, action: Json, inputs: Json | None = None) -> Json:
    """The action's data with the inputs' values merged in: what the person chose, else the default; never empty ones.

    Raises CannotPress where the client would not send: nothing chosen that is required, or what is not offered.
    """
    sends = action.get("associatedInputs") != "none"
    fields = {node["id"]: node for node in walk(card) if sends and node.get("type") == "Input.ChoiceSet"}
    given = inputs or {}
    if unknown := set(given) - set(fields):
        raise CannotPress(f"no input {sorted(unknown)}, there are {sorted(fields)}")
    data = dict(action["data"])
    for name, field in fields.items():
        value = given.get(name, field.get("value"))
        offered = [choice["value"] for choice in field["choices"]]
        if value and value not in offered:
            raise CannotPress(f"{name}: {value!r} is not among {offered}")
        if value:
            data[name] = value
        elif field.get("isRequired"):
            raise Incomplete(name, field["errorMessage"])
    return data
