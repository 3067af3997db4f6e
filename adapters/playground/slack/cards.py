"""Blocks as a person uses them: the visible texts, the elements by label, and the state that a choice leads to."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.playground.simulator import Json
from adapters.playground.slack.rules import elements_of, objects_in, texts_in

CHOICE_KEYS = {
    "radio_buttons": "selected_option",
    "static_select": "selected_option",
    "conversations_select": "selected_conversation",
}
"""Element type -> the key of a person's choice in its state."""
INTERACTIVE = {"button", *CHOICE_KEYS}
DEFAULTS = {"plain_text": {"emoji": True}, "mrkdwn": {"verbatim": False}}


def with_defaults(blocks: Any, new_id: Callable[[], str]) -> list[Json]:
    """Return a copy with the ids and defaults that Slack adds to blocks, interactive elements and texts."""
    result: list[Json] = copy.deepcopy(blocks)
    for block in result:
        block.setdefault("block_id", new_id())
        for element in elements_of(block):
            if element["type"] in INTERACTIVE:
                element.setdefault("action_id", new_id())
    for item in objects_in(result):
        for name, value in DEFAULTS.get(str(item.get("type")), {}).items():
            item.setdefault(name, value)
    return result


def choice_state(element: Json, value: Any) -> Json:
    """Return the state of an element for `value`: an option's label or value, or a conversation's id; None clears.

    Raises LookupError for an option that is not offered.
    """
    if value is not None and "options" in element:
        options = {option["text"]["text"]: option for option in element["options"]}
        matches = [option for label, option in options.items() if value in (label, option["value"])]
        if not matches:
            raise LookupError(f"no option {value!r}; offered: {list(options)}")
        value = matches[0]
    return {"type": element["type"], CHOICE_KEYS[element["type"]]: value}


def initial_state(blocks: Sequence[Json]) -> Json:
    """Return block_id -> action_id -> state for each element that holds a choice."""
    state: Json = {}
    for block in blocks:
        for element in elements_of(block):
            if key := CHOICE_KEYS.get(element["type"]):
                initial = {"type": element["type"], key: element.get("initial_option")}
                state.setdefault(block["block_id"], {})[element["action_id"]] = initial
    return state


@dataclass(frozen=True)
class BlockElement:
    """An interactive element and its block."""

    block: Json
    element: Json

    @property
    def label(self) -> str:
        """The text of a button, the label of an input, or the placeholder of a menu in a message."""
        text = self.element.get("text") or self.block.get("label") or self.element["placeholder"]
        return str(text["text"])

    @property
    def ids(self) -> tuple[str, str]:
        return self.block["block_id"], self.element["action_id"]


class HasBlocks:
    """A message, modal or home tab."""

    blocks: list[Json]
    text: str

    def texts(self) -> list[str]:
        """Return every visible text in order; that of `text` if there are no blocks."""
        if not self.blocks:
            return [self.text] if self.text else []
        return texts_in(self.blocks, without="confirm")

    def elements(self) -> list[BlockElement]:
        """Return every interactive element."""
        return [
            BlockElement(block, element)
            for block in self.blocks
            for element in elements_of(block)
            if element["type"] in INTERACTIVE
        ]

    def buttons(self) -> dict[str, Json]:
        """Return label -> button, in order."""
        return {item.label: item.element for item in self.elements() if item.element["type"] == "button"}

    def find_element(
        self, label: str | None = None, action_id: str | None = None, block_id: str | None = None
    ) -> BlockElement:
        """Return the one element with this label and these ids; None matches all.

        Raises LookupError, with the elements there are, unless exactly one matches.
        """
        elements = self.elements()
        matches = [
            item
            for item in elements
            if label in (None, item.label) and block_id in (None, item.ids[0]) and action_id in (None, item.ids[1])
        ]
        if len(matches) == 1:
            return matches[0]
        wanted = {"label": label, "action_id": action_id, "block_id": block_id}
        labels = [item.label for item in elements]
        raise LookupError(f"{len(matches)} elements match {wanted}; there are {labels} in {self.texts()}")
