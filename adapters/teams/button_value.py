"""ButtonValue: what a button carries. `request.parse_request` reads it without trust."""

from dataclasses import dataclass

MAX_LENGTH = 500
"""Characters of a text. A longer one is left out."""


@dataclass(frozen=True, slots=True)
class ButtonValue:
    """The valid data of a pressed button. A client can send anything in it.

    `revision`: of the card; -1, which no card has, if there is none. `check`, `channel`: what was chosen on the card.
    `person`: the only one who may press it. `page`: of a long list, from 0.
    `picker`: whether it is on the choice of a channel.
    """

    action: str = ""
    session: str | None = None
    question: str | None = None
    option: str | None = None
    revision: int = -1
    check: str | None = None
    channel: str | None = None
    person: str | None = None
    page: int = 0
    picker: bool = False
