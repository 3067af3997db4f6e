"""What a person sees of blocks: the texts, the things to press by their visible label, and what a choice becomes."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.playground.standins.slack_rules import elements_of

Json = dict[str, Any]
Label = str | re.Pattern[str]

# Where Slack puts a person's choice, per element type.
CHOICE_KEYS = {
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "multi_static_select": "selected_options",
    "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
    "checkboxes": "selected_options",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "plain_text_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "number_input": "value",
}
MANY = {kind for kind, key in CHOICE_KEYS.items() if key.endswith("s")}


def completed(blocks: Any, new_id: Callable[[], str]) -> list[Json]:
    """A copy with the ids and defaults that Slack adds: every block an id, every interactive element one too."""
    blocks = copy.deepcopy(blocks)
    for block in blocks:
        block.setdefault("block_id", new_id())
        for _, element in elements_of(block):
            if element.get("type") in ("button", "overflow", *CHOICE_KEYS):
                element.setdefault("action_id", new_id())
    _defaults(blocks)
    found: list[Json] = blocks
    return found


def _defaults(value: Any) -> None:
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, dict | list):
            _defaults(each)
    if isinstance(value, dict) and value.get("type") == "plain_text":
        value.setdefault("emoji", True)
    if isinstance(value, dict) and value.get("type") == "mrkdwn":
        value.setdefault("verbatim", False)


def options_of(element: Json) -> list[Json]:
    options = list(element.get("options") or [])
    for group in element.get("option_groups") or []:
        options += group["options"]
    return options


def chosen(element: Json, value: Any) -> Json:
    """The state of an element once a person chose `value`: an option's label or value, an id, a date, a text.

    Several labels or ids in a list for the elements that take many; None clears. Raises LookupError for an
    option that is not offered.
    """
    kind = element["type"]
    key = CHOICE_KEYS[kind]
    if kind in MANY:
        values = [] if value is None else [value] if isinstance(value, str) else list(value)
        picked = [option(element, each) for each in values] if key == "selected_options" else values
        return {"type": kind, key: picked}
    if key == "selected_option" and value is not None:
        value = option(element, value)
    return {"type": kind, key: value}


def option(element: Json, wanted: Any) -> Json:
    """The option with this label or value, as Slack sends it back."""
    for each in options_of(element):
        if wanted in (each, each["text"]["text"], each["value"]):
            return dict(each)
    offered = [each["text"]["text"] for each in options_of(element)]
    raise LookupError(f"no option {wanted!r}; offered: {offered}")


def initial(element: Json) -> Json:
    """The state of an element that nobody touched yet."""
    kind = element["type"]
    key = CHOICE_KEYS[kind]
    name = key.replace("selected", "initial") if key.startswith("selected") else "initial_value"
    return {"type": kind, key: element.get(name, [] if kind in MANY else None)}


def initial_state(blocks: Sequence[Json]) -> Json:
    """block_id -> action_id -> value, of everything that keeps a value."""
    state: Json = {}
    for block in blocks:
        for _, element in elements_of(block):
            if element.get("type") in CHOICE_KEYS:
                state.setdefault(block["block_id"], {})[element["action_id"]] = initial(element)
    return state


def matches(label: Label | None, words: str) -> bool:
    if isinstance(label, re.Pattern):
        return bool(label.search(words))
    return label is not None and label.strip() == words.strip()


@dataclass(frozen=True)
class Found:
    """An element in its block, and the option meant when the label was an option's."""

    block: Json
    element: Json
    option: Json | None = None


class Surface:
    """Anything made of blocks: a message, a modal, a home tab."""

    blocks: list[Json]
    text: str

    def texts(self) -> list[str]:
        """Every text a person reads, in order: of the blocks, or of `text` where there are none."""
        if not self.blocks:
            return [self.text] if self.text else []
        return [words for block in self.blocks for words in _texts(block)]

    def elements(self) -> list[Found]:
        """Every interactive element."""
        return [
            Found(block, element)
            for block in self.blocks
            for _, element in elements_of(block)
            if element.get("type") in ("button", "overflow", *CHOICE_KEYS)
        ]

    def buttons(self) -> dict[str, Json]:
        """Label -> button, in order."""
        return {
            each.element["text"]["text"]: each.element for each in self.elements() if each.element["type"] == "button"
        }

    def find(self, label: Label | None = None, action_id: Label | None = None, block_id: str | None = None) -> Found:
        """The element by its label (a button's, an option's, a placeholder or an input's) or by its ids.

        A label may be a compiled pattern, which is searched. Raises LookupError, naming all there is, when
        nothing matches, or more than one thing of the same kind does.
        """
        if action_id is not None:
            by_id = [each for each in self.elements() if matches(action_id, each.element["action_id"])]
            by_id = [each for each in by_id if block_id in (None, each.block["block_id"])]
            if label is not None and len(by_id) != 1:
                by_id = [each for each in by_id if matches(label, _label(each))]
            return self._only(by_id, f"action_id {action_id!r}")
        buttons = [e for e in self.elements() if e.element["type"] == "button"]
        others = [e for e in self.elements() if e.element["type"] != "button"]
        options = [
            Found(each.block, each.element, choice)
            for each in others
            for choice in options_of(each.element)
            if matches(label, choice["text"]["text"])
        ]
        for candidates in (
            [each for each in buttons if matches(label, _label(each))],
            options,
            [each for each in others if matches(label, _label(each))],
        ):
            if candidates:
                return self._only(candidates, f"label {label!r}")
        return self._only([], f"label {label!r}")

    def _only(self, candidates: list[Found], what: str) -> Found:
        if len(candidates) == 1:
            return candidates[0]
        labels = [_label(each) for each in self.elements()]
        problem = "nothing with" if not candidates else f"{len(candidates)} elements with"
        raise LookupError(f"{problem} {what}; there are {labels} below {self.texts()}")


def _label(found: Found) -> str:
    element, block = found.element, found.block
    if element["type"] == "button":
        return str(element["text"]["text"])
    if block["type"] == "input":
        return str(block["label"]["text"])
    if "placeholder" in element:
        return str(element["placeholder"]["text"])
    return str(element["action_id"])


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [words for each in value for words in _texts(each)]
    if not isinstance(value, dict):
        return []
    words = [value["text"]] if isinstance(value.get("text"), str) else []
    return words + [
        inner
        for name, each in value.items()
        if name not in ("value", "confirm") and isinstance(each, dict | list)
        for inner in _texts(each)
    ]
