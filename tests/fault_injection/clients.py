"""What a person at a dialog has before them, whatever the platform: a card with buttons, and user_actions."""

from dataclasses import dataclass
from typing import Any, Protocol

from dialogs.translations import Translations, translations

LANGUAGES = ("fr", "en")


@dataclass(frozen=True)
class Button:
    """A button as it is drawn. `at`: the platform's own way to press it."""

    action: str
    question: str
    option: str
    at: Any


@dataclass(frozen=True)
class Card:
    """A card of one dialog, as of a revision. `drawn`: blocks or an Adaptive Card, the same object while nothing is
    drawn anew."""

    session: str
    revision: int
    buttons: tuple[Button, ...]
    drawn: Any
    where: Any

    def find(self, action: str, question: str = "", option: str = "") -> Button | None:
        wanted = (each for each in self.buttons if each.action == action)
        return next((each for each in wanted if question in ("", each.question) and option in ("", each.option)), None)

    @property
    def question(self) -> str | None:
        """The question it asks, if it asks one."""
        asks = self.find("answer")
        return asks.question if asks else None

    @property
    def options(self) -> list[str]:
        return [each.option for each in self.buttons if each.action == "answer"]


class Client(Protocol):
    """One person at one dialog."""

    id: str
    """The person's."""
    tenant: str
    """Theirs: platform, then workspace or organisation."""
    kind: str
    planned: dict[str, str]
    """What they have said so far, by question."""
    language: str
    posts_to: str
    """The id of the channel in which their recommendation is to appear."""
    types: bool
    """Whether words typed here reach the dialog."""

    def card(self) -> Card | None:
        """Return what stands before them now: the latest card with buttons."""
        ...

    def version(self) -> object:
        """Return something that differs once they see something new."""
        ...

    def asked_again(self) -> Button | None:
        """Return the button to post again, when they were told that nobody knows whether it is out."""
        ...

    async def begin(self) -> None:
        """Begin, or say it again when nothing came of it."""
        ...

    async def press(self, card: Card, button: Button, *, twice: bool = False) -> bool:
        """Press; return whether the platform took it."""
        ...

    async def change(self, card: Card, question: str) -> bool: ...

    async def type(self, said: str) -> bool: ...

    async def post(self, card: Card) -> bool:
        """Have it posted, by as many steps as that takes."""
        ...

    async def retry_post(self, button: Button) -> bool: ...

    def posted(self, session: str) -> list[str]:
        """Return the ids of the channels in which the recommendation of a session stands, one for each time."""
        ...

    def reviewed(self, card: Card) -> dict[str, str]:
        """Return the answers that a review shows: the short names of questions -> what was answered, in words."""
        ...


def other(language: str) -> str:
    return LANGUAGES[language == "fr"]


def text_of(language: str) -> Translations:
    return translations(language)
