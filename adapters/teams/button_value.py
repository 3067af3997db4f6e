"""ButtonValue: what a button carries, read without trust."""

from collections.abc import Mapping
from dataclasses import dataclass

MAX_LENGTH = 500


@dataclass(frozen=True, slots=True)
class ButtonValue:
    """The data of a pressed button. A client can send anything in it.

    `revision`: of the card; -1, which no card has, if there is none. `check`, `channel`: what was chosen on the card.
    `person`: the only one who may press it.
    """

    action: str
    session: str | None
    question: str | None
    option: str | None
    revision: int
    check: str | None
    channel: str | None
    person: str | None


def read_button(data: Mapping[str, object]) -> ButtonValue:
    """Return the value of a button. What is not valid is left out."""
    action, session, question, option, change, check, channel, person = (
        read_text(data, key)
        for key in ("action", "session", "question", "option", "change", "check", "channel", "person")
    )
    if action == "change" and change:  # the question chosen on the card
        question = change
    revision = data.get("revision")
    if not isinstance(revision, int) or isinstance(revision, bool):
        revision = -1
    return ButtonValue(action or "", session, question, option, revision, check, channel, person)


def read_text(data: Mapping[str, object], key: str) -> str | None:
    """Return a printable text of at most `MAX_LENGTH` characters; None for any other value."""
    value = data.get(key)
    return value if isinstance(value, str) and len(value) <= MAX_LENGTH and value.isprintable() else None
