"""The value of a button: ``surface|session|revision|question|option``. Ids only; the application checks them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from dialogs.views import Button

Surface = Literal["card", "notice", "post", "home"]
"""Where a button is: on a dialog's card, on a notice, on a post in a channel, on the home tab."""
MAX_ACTION_ID_LENGTH = 255

_VALUE = re.compile(r"(card|notice|post|home)\|([\w-]{0,64})\|(\d{0,9})\|([\w-]{0,64})\|([\w=,-]{0,1000})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ButtonContext:
    """What all buttons of one message have in common. `revision`: of the session that the message shows."""

    surface: Surface
    session: str = ""
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class ButtonValue:
    """A pressed button. All of it may be outdated or forged."""

    action: str
    context: ButtonContext
    question: str
    option: str


def encode_buttons(buttons: Iterable[Button], button_context: ButtonContext) -> list[tuple[str, str]]:
    """Return `action_id` and `value` of each button. The action ids of one row differ."""
    revision = "" if button_context.revision is None else button_context.revision
    prefix = f"{button_context.surface}|{button_context.session}|{revision}"
    encoded = []
    for button in buttons:
        action_id = button.action
        if button.question:
            action_id += f":{button.question}"
        if button.option:
            action_id += f":{button.option}"
        value = f"{prefix}|{button.question or ''}|{button.option or ''}"
        encoded.append((action_id[:MAX_ACTION_ID_LENGTH], value))
    return encoded


def parse_button(action: Mapping[str, object]) -> ButtonValue | None:
    """Read an element of ``actions``. Return None when it is not one of our buttons."""
    action_id, value = action.get("action_id"), action.get("value")
    match = _VALUE.fullmatch(value) if isinstance(value, str) else None
    if match is None or not isinstance(action_id, str):
        return None
    surface: Surface = match[1]  # type: ignore[assignment]  # the pattern allows nothing else
    button_context = ButtonContext(surface, match[2], int(match[3]) if match[3] else None)
    return ButtonValue(action_id.partition(":")[0], button_context, match[4], match[5])


def encode_answers(answers: Mapping[str, str]) -> str:
    """Return answers as the option of a button. `adapters.shared.router.decode_answers` reads them."""
    return ",".join(f"{question}={option}" for question, option in answers.items())
