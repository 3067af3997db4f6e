"""ButtonValue: what a button carries, ids only. The value is ``surface|session|revision|question|option``.

`block_kit.button` writes it, `request.parse_button` reads it without trust, and the application checks it.
"""

from dataclasses import dataclass
from typing import Literal

Surface = Literal["card", "notice", "post", "home"]
"""Where a button is: on a dialog's card, on a notice, on a post in a channel, on the home tab."""


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
