"""Cards as the Teams client uses them: finding an action, and the data it sends."""

from collections.abc import Sequence
from typing import Any

from adapters.playground.simulator import Json
from adapters.playground.teams.rules import walk

CardPath = Sequence[str | int]
"""Keys and indexes from the top of a card."""


class CannotPress(AssertionError):
    """The button does not exist, or Teams does not allow the press."""


class Incomplete(CannotPress):
    """A required input is empty; `text` is the error message of the input."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.text = text


def find_action(card: Json, label: str | CardPath) -> Json:
    """Return the one action with this title, or at this path. Raises CannotPress with the titles there are."""
    actions = [node for node in walk(card) if str(node.get("type")).startswith("Action.")]
    if isinstance(label, str):
        matches = [action for action in actions if action["title"] == label]
    else:
        node = _at(card, label)
        matches = [action for action in actions if action is node]
    if len(matches) != 1:
        labels = [action["title"] for action in actions]
        raise CannotPress(f"{len(matches)} actions match {label!r}; there are {labels}")
    return matches[0]


def _at(card: Json, path: CardPath) -> Any:
    node: Any = card
    for step in path:
        try:
            node = node[step]
        except (LookupError, TypeError):
            raise CannotPress(f"nothing is at {list(path)}") from None
    return node


def fill(card: Json | None, label: str | CardPath, inputs: Json | None = None) -> Json:
    """Return the data that a form's button sends, for `submit_action`."""
    assert card, "no form"
    return gather(card, find_action(card, label), inputs)


def gather(card: Json, action: Json, inputs: Json | None = None) -> Json:
    """Return the action's data with the inputs' values, chosen or default; empty values are left out.

    Raises CannotPress for an empty required input and for a value that is not offered.
    """
    sends = action.get("associatedInputs") != "none"
    fields = {node["id"]: node for node in walk(card) if sends and node.get("type") == "Input.ChoiceSet"}
    values = inputs or {}
    if unknown := set(values) - set(fields):
        raise CannotPress(f"no input {sorted(unknown)}, there are {sorted(fields)}")
    data = dict(action["data"])
    for name, field in fields.items():
        value = values.get(name, field.get("value"))
        offered = [choice["value"] for choice in field["choices"]]
        if value and value not in offered:
            raise CannotPress(f"{name}: {value!r} is not among {offered}")
        if value:
            data[name] = value
        elif field.get("isRequired"):
            raise Incomplete(name, field["errorMessage"])
    return data
