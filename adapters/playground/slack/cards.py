"""What a person sees of blocks: the texts, the things to press by their visible label, and what a choice becomes."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.playground.slack.rules import Json, elements_of, objects_in, texts_in

CHOICE_KEYS = {"radio_buttons": "selected_option", "conversations_select": "selected_conversation"}
"""Where Slack puts a person's choice, per element type."""
INTERACTIVE = {"button", *CHOICE_KEYS}
DEFAULTS = {"plain_text": {"emoji": True}, "mrkdwn": {"verbatim": False}}


def completed(blocks: Any, new_id: Callable[[], str]) -> list[Json]:
    """A copy with the ids and defaults that Slack adds: every block an id, every interactive element one too."""
    found: list[Json] = copy.deepcopy(blocks)
    for block in found:
        block.setdefault("block_id", new_id())
        for element in elements_of(block):
            if element["type"] in INTERACTIVE:
                element.setdefault("action_id", new_id())
    for each in objects_in(found):
        for name, value in DEFAULTS.get(str(each.get("type")), {}).items():
            each.setdefault(name, value)
    return found


def chosen(element: Json, value: Any) -> Json:
    """The state of an element once a person chose `value`: an option's label or value, or a conversation's id.

    None clears. Raises LookupError for an option that is not offered.
    """
    if value is not None and "options" in element:
        offered = {each["text"]["text"]: each for each in element["options"]}
        named = [each for label, each in offered.items() if value in (label, each["value"])]
        if not named:
            raise LookupError(f"no option {value!r}; offered: {list(offered)}")
        value = named[0]
    return {"type": element["type"], CHOICE_KEYS[element["type"]]: value}


def initial_state(blocks: Sequence[Json]) -> Json:
    """block_id -> action_id -> value, of everything that keeps a value."""
    state: Json = {}
    for block in blocks:
        for element in elements_of(block):
            if key := CHOICE_KEYS.get(element["type"]):
                first = {"type": element["type"], key: element.get("initial_option")}
                state.setdefault(block["block_id"], {})[element["action_id"]] = first
    return state


@dataclass(frozen=True)
class BlockElement:
    """An interactive element in its block."""

    block: Json
    element: Json

    @property
    def label(self) -> str:
        """What a person calls it: a button's text, or that of the input it stands in."""
        return str((self.element.get("text") or self.block["label"])["text"])

    @property
    def ids(self) -> tuple[str, str]:
        return self.block["block_id"], self.element["action_id"]


class Surface:
    """Anything made of blocks: a message, a modal, a home tab."""

    blocks: list[Json]
    text: str

    def texts(self) -> list[str]:
        """Every text a person reads, in order: of the blocks, or of `text` where there are none."""
        if not self.blocks:
            return [self.text] if self.text else []
        return texts_in(self.blocks, without="confirm")

    def elements(self) -> list[BlockElement]:
        """Every interactive element."""
        return [
            BlockElement(block, element)
            for block in self.blocks
            for element in elements_of(block)
            if element["type"] in INTERACTIVE
        ]

    def buttons(self) -> dict[str, Json]:
        """Label -> button, in order."""
        return {each.label: each.element for each in self.elements() if each.element["type"] == "button"}

    def find(self, label: str | None = None, action_id: str | None = None, block_id: str | None = None) -> BlockElement:
        """The element with this label and these ids, where given.

        Raises LookupError, naming all there is, unless exactly one is.
        """
        found = [
            each
            for each in self.elements()
            if label in (None, each.label) and block_id in (None, each.ids[0]) and action_id in (None, each.ids[1])
        ]
        if len(found) == 1:
            return found[0]
        wanted = {"label": label, "action_id": action_id, "block_id": block_id}
        there = [each.label for each in self.elements()]
        raise LookupError(f"{len(found)} elements are {wanted}; there are {there} below {self.texts()}")
