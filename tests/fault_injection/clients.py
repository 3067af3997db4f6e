"""What a simulated user sees and does at one dialog, on either platform."""

from dataclasses import dataclass
from typing import Any, Protocol

LANGUAGES = ("fr", "en")


@dataclass(frozen=True)
class Button:
    """A button of a card. `ref`: what the client of its platform needs to press it."""

    action: str
    question: str
    option: str
    ref: Any


@dataclass(frozen=True)
class Card:
    """A card of one dialog at one revision.

    `content`: its blocks or Adaptive Card; the same object until the card is updated. `message`: the message it is in.
    """

    session: str
    revision: int
    buttons: tuple[Button, ...]
    content: Any
    message: Any

    def find(self, action: str, question: str = "", option: str = "") -> Button | None:
        for button in self.buttons:
            if button.action == action and question in ("", button.question) and option in ("", button.option):
                return button
        return None

    @property
    def question(self) -> str | None:
        """The id of the question that the card asks, if any."""
        button = self.find("answer")
        return button.question if button else None

    @property
    def options(self) -> list[str]:
        return [button.option for button in self.buttons if button.action == "answer"]


class Client(Protocol):
    """One user at one dialog."""

    user_id: str
    tenant: str
    """Platform, then workspace or organization: ``slack:T1``."""
    kind: str
    """How the dialog was started, or the kind of conversation."""
    answers: dict[str, str]
    """The user's answers so far, by question."""
    language: str
    post_channel: str
    """The id of the channel in which the recommendation has to appear."""
    accepts_text: bool
    """Whether text typed here reaches the dialog."""

    @property
    def is_private(self) -> bool:
        """Whether nobody else sees the card. A shared card shows a kept recommendation only on request."""
        ...

    def card(self) -> Card | None:
        """Return the latest card with buttons."""
        ...

    def version(self) -> object:
        """Return a value that differs once the user sees something new."""
        ...

    def retry_button(self) -> Button | None:
        """Return the button "post again" of the notice that the outcome of a post is unknown."""
        ...

    async def begin(self) -> None:
        """Start the dialog; again when nothing came of it."""
        ...

    async def press(self, card: Card, button: Button, *, twice: bool = False) -> bool:
        """Press a button; return whether the application accepted it."""
        ...

    async def change(self, card: Card, question: str) -> bool:
        """Press Change for a question in a review."""
        ...

    async def type(self, text: str) -> bool: ...

    async def post(self, card: Card) -> bool:
        """Post the recommendation, by as many steps as that takes."""
        ...

    async def retry_post(self, button: Button) -> bool: ...

    def posts(self, session: str) -> list[str]:
        """Return the channel id of each post of a session."""
        ...

    def review_rows(self, card: Card) -> dict[str, str]:
        """Return the rows of a review: short name of the question -> text of the answer."""
        ...


def other_language(language: str) -> str:
    return LANGUAGES[language == "fr"]
