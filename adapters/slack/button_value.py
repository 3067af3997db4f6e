"""What a button carries: ids only, never trusted. ``surface|session|revision|question|option`` in its value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dialogs.flow import Flow
from dialogs.views import Button

Surface = Literal["card", "notice", "post", "home"]
"""Where a button stands: on a dialog's own card, on a private word, on a post in a channel, on the home tab."""

_VALUE = re.compile(r"(card|notice|post|home)\|([\w-]{0,64})\|(\d{0,9})\|([\w-]{0,64})\|([\w=,-]{0,1000})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ButtonContext:
    """What all the buttons of one message have in common."""

    surface: Surface
    session: str = ""
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class ButtonValue:
    """A button that was pressed. Everything in it may be out of date; the core checks it."""

    action: str
    context: ButtonContext
    question: str
    option: str


def action_id(button: Button) -> str:
    """Return an id that no other button of the same row has."""
    return ":".join(part for part in (button.action, button.question, button.option) if part)[:255]


def encode_value(button: Button, button_context: ButtonContext) -> str:
    """Return the value of a button."""
    revision = "" if button_context.revision is None else str(button_context.revision)
    return f"{button_context.surface}|{button_context.session}|{revision}|{button.question or ''}|{button.option or ''}"


def parse_button(action: Mapping[str, object]) -> ButtonValue | None:
    """Read an element of ``actions``; None when it is nothing that we drew."""
    name, given = action.get("action_id"), action.get("value")
    found = _VALUE.fullmatch(given) if isinstance(given, str) else None
    if found is None or not isinstance(name, str):
        return None
    surface: Surface = found[1]  # type: ignore[assignment]  # one of them, says the pattern
    button_context = ButtonContext(surface, found[2], int(found[3]) if found[3] else None)
    return ButtonValue(name.partition(":")[0], button_context, found[4], found[5])


def encode_answers(answers: Mapping[str, str]) -> str:
    """Return answers as the option of a button."""
    return ",".join(f"{question}={option}" for question, option in answers.items())


def decode_answers(option: str, flow: Flow) -> dict[str, str]:
    """Read `encode_answers`, keeping what is a question and one of its options."""
    pairs = (pair.partition("=") for pair in option.split(","))
    known = ((flow.questions_by_id.get(name), chosen) for name, _, chosen in pairs)
    return {question.id: chosen for question, chosen in known if question and chosen in question.options}
