"""A user who goes through a dialog under faults: looks at the card, acts, looks again.

`SimulatedUser.answers` is what the user chose on the cards they saw. Stored answers are compared with it. A user
presses again when nothing happens.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from dialogs.community_flow import FLOW
from dialogs.flow import Question
from dialogs.session import Session
from dialogs.text.parse import ParsedAnswer, QuickCheck, parse
from dialogs.translations import translations
from dialogs.walk import walk
from tests.fault_injection.clients import LANGUAGES, Button, Card, Client, other_language
from tests.fault_injection.history import History
from tests.scenarios.parity.content import normalize

REACTION_TIMEOUT = 4.0
"""Seconds a user waits for something to change before they press again."""
DIALOG_TIMEOUT = 200.0
MAX_TRAIL = 12
RETRY_INTERVAL = 8.0
"""Seconds between two presses of "post again"."""
LoadSession = Callable[[str], Awaitable[Session | None]]
"""Returns the stored session with an id."""


class SimulatedUser:
    """One user with one dialog. `finished`: ``post`` or ``keep`` once the card says so, before that empty."""

    def __init__(
        self, number: int, client: Client, rng: random.Random, history: History, load_session: LoadSession
    ) -> None:
        self.number = number
        self.client = client
        self.goal = "post" if rng.random() < 0.75 else "keep"
        self.answers: dict[str, str] = {}
        self.session = ""
        self.finished = ""
        self.steps = 0
        self._rng = rng
        self._history = history
        self._load_session = load_session
        self._changing: tuple[str, str] | None = None
        """The question and new answer while Change is used."""
        self._rethinking = False
        """After Back: the next answer may differ."""
        self._restarting = False
        self._patience = 6 if client.is_private and rng.random() < 0.3 else 0
        """How often the user looks for the notice that the post is there, to take it back."""
        self._taken_back: int | None = None
        """The revision of the card on which the post was taken back. It is posted again."""
        self._reviewed = False
        """Whether the answers were right on the card that lists them, and none was given since."""
        self._detours = {"back": 1, "why": 1, "restart": 1, "change": 1, "language": 1}
        """How often each is still possible."""
        self._last_answered = ("", -1)
        """The last answered question, and the revision of its card."""
        self._trail: deque[str] = deque(maxlen=MAX_TRAIL)
        """The last steps, for messages."""
        self._retried_at = 0.0
        self._knows_it_is_posted = False

    def __repr__(self) -> str:
        return f"user {self.number} ({type(self.client).__name__}, {self.session}, {self.finished or 'unfinished'})"

    # --- The dialog ---

    async def run(self) -> None:
        """Go through the dialog to its end."""
        try:
            async with asyncio.timeout(DIALOG_TIMEOUT):
                while not self.finished:
                    await self._step()
        except TimeoutError:
            card = self.client.card()
            actions = [button.action for button in card.buttons] if card else None
            self._history.violations.append(f"{self!r} did not finish; its card has {actions}")

    async def _step(self) -> None:
        before = self.client.version()
        card = self.client.card()
        if card is not None and self.session not in ("", card.session):
            self._history.faults["a card of another dialog"] += 1
        accepted = True
        if card is None:
            await self.client.begin()
        else:
            self.session = card.session
            accepted = await self._act(card)
            answer = f"{card.question}={self.answers.get(card.question)}" if card.question else "no question"
            note = "" if accepted else ", not accepted"
            self._trail.append(f"{time.monotonic():.1f} on {card.revision}: {answer}{note}")
        self.steps += 1
        if not self.finished:
            await self._wait(before, REACTION_TIMEOUT if accepted else self._rng.uniform(0.4, 1.2))
            now = self.client.card()
            if card and now and now.content is card.content:  # a message at most: the user reads it
                await asyncio.sleep(self._rng.uniform(0.5, 1.5))

    async def _wait(self, before: object, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self.client.version() == before and time.monotonic() < until:  # noqa: ASYNC110 - other processes act
            await asyncio.sleep(0.05)
        await asyncio.sleep(self._rng.uniform(0.0, 0.1))

    async def _act(self, card: Card) -> bool:
        """Do one thing on the card; return whether it was accepted."""
        if card.question:
            self._reviewed = False
            return await self._answer(card, card.question)
        if card.find("keep_private"):
            return await self._finish(card)
        if card.find("take_back") and self._looks_again(card):
            return False
        if card.find("take_back") and self._taken_back is not None and card.revision <= self._taken_back:
            return await self.client.press(card, self._button(card, "take_back"), twice=self._rng.random() < 0.2)
        if self._taken_back is not None and card.find("post") and card.find("new_check"):
            return await self.client.post(card)
        if rows := self.client.review_rows(card):
            return await self._review(card, rows)
        if card.find("post") and card.find("resume"):  # choice of the channel
            return await self.client.post(card)
        if button := card.find("more_channels"):  # none was known in time
            return await self.client.press(card, button)
        if confirm := card.find("restart_confirm"):
            return await self.client.press(card, confirm if self._restarting else self._button(card, "continue"))
        if button := card.find("continue"):
            return await self.client.press(card, button)
        if card.find("take_back") or card.find("new_check") or card.find("run_own"):
            self.finished = "post" if card.find("take_back") else "keep"
            if self.finished != self.goal:
                self._history.violations.append(f"{self!r}, but the goal was {self.goal}")
            return True
        actions = [button.action for button in card.buttons]
        self._history.violations.append(f"{self!r} cannot continue: {actions}")
        raise TimeoutError

    async def _answer(self, card: Card, question: str) -> bool:
        if self._restarting and question == FLOW.questions[0].id:
            self._restarting = False
            if (undo := card.find("back")) and self._rng.random() < 0.5:
                return await self.client.press(card, undo)
            self.answers.clear()
        # Not for an answer given on this very card: it may still arrive.
        if self._rethinking and question in self.answers and self._last_answered != (question, card.revision):
            self._rethinking = False
            del self.answers[question]
        if self._changing and question == self._changing[0]:
            self.answers[question] = self._changing[1]
        elif detour := self._detour(card, question):
            return await detour
        self._last_answered = question, card.revision
        option = self.answers.setdefault(question, self._rng.choice(card.options))
        button = card.find("answer", question, option)
        assert button, (card, question, option)
        if self.client.accepts_text and self._rng.random() < 0.25:
            # Text is not tied to a card: delivered twice, it must mean the same the second time.
            label = translations(self.client.language)(f"option.{question}.{option}")
            return await self.client.type(label if option in UNAMBIGUOUS[question] else f"{question}={option}")
        return await self.client.press(card, button, twice=self._rng.random() < 0.1)

    def _detour(self, card: Card, question: str) -> Awaitable[bool] | None:
        """Sometimes return another action than an answer."""
        actions = [action for action in ("back", "why") if self._detours[action] and card.find(action)]
        if question == FLOW.questions[0].id:  # there, Back brings back what Restart cleared
            actions = [action for action in actions if action != "back"]
        if self._rng.random() < 0.08 and actions and question not in self.answers:
            action = self._rng.choice(actions)
            self._detours[action] -= 1
            self._rethinking = self._rethinking or action == "back"
            return self.client.press(card, self._button(card, action), twice=self._rng.random() < 0.2)
        if self._rng.random() < 0.02 and self._detours["language"]:
            self._detours["language"] -= 1
            self.client.language = other_language(self.client.language)
            return self.client.type(f"lang {self.client.language}")
        return None

    @staticmethod
    def _button(card: Card, action: str) -> Button:
        button = card.find(action)
        assert button
        return button

    def _looks_again(self, card: Card) -> bool:
        """Return whether to wait for the notice that the post is there, before it is taken back.

        The application cannot delete a post whose outcome is unknown.
        """
        posted = any(translations(language)("notice.posted") in str(card.content) for language in LANGUAGES)
        if self._taken_back is None and posted and self._patience:
            self._taken_back, self._patience = card.revision, 0
        self._patience = max(self._patience - 1, 0)
        return self._patience > 0

    async def _finish(self, card: Card) -> bool:
        """Post or keep the recommendation, after a look at the answers."""
        if not self._reviewed:
            return await self.client.press(card, self._button(card, "review"))
        if self.goal == "post":
            return await self.client.post(card)
        return await self.client.press(card, self._button(card, "keep_private"), twice=self._rng.random() < 0.1)

    async def _review(self, card: Card, rows: Mapping[str, str]) -> bool:
        answers = dict(walk(FLOW, self.answers).answers)
        if self._changing and answers.get(self._changing[0]) == self._changing[1]:
            self._changing = None
        if self._restarting:
            return await self.client.press(card, self._button(card, "restart"))
        wrong = [question for question in answers if not _shows(rows, question, answers[question])]
        if wrong:
            return await self._correct(card, wrong[0])
        if self._changing is None and self._detours["change"] and self._rng.random() < 0.25:
            self._detours["change"] -= 1
            question = self._rng.choice(list(answers))
            options = FLOW.questions_by_id[question].options
            self._changing = question, self._rng.choice([o for o in options if o != answers[question]])
        if self._changing:
            return await self.client.change(card, self._changing[0])
        if self._detours["restart"] and self._rng.random() < 0.03:
            self._detours["restart"], self._restarting = 0, True
            return await self.client.press(card, self._button(card, "restart"))
        self._reviewed = True
        return await self.client.press(card, self._button(card, "continue"))

    async def _correct(self, card: Card, question: str) -> bool:
        """Change an answer that the review shows wrong.

        The card may be old. The stored answer must be right, unless the user's last answer did not arrive.
        """
        self._history.faults["an old review card"] += 1
        stored = await self._load_session(self.session)
        if stored is not None and stored.answers.get(question) != self.answers[question]:
            if question != self._last_answered[0] or stored.revision > self._last_answered[1]:
                answer, trail = f"{question}={self.answers[question]}", f"review {card.revision}, {list(self._trail)}"
                self._history.violations.append(f"{self!r} answered {answer}, stored is {stored}; steps: {trail}")
                raise TimeoutError
            self._history.faults["an answer that did not arrive"] += 1
        return await self.client.change(card, question)

    # --- Another user's card ---

    async def press_card_of(self, other: Client) -> None:
        """Press an answer on the card of another user."""
        card = other.card()
        buttons = [button for button in card.buttons if button.action == "answer"] if card else []
        if card and buttons:
            self._history.faults["press by the wrong user"] += 1
            with suppress(AssertionError):
                await self.client.press(card, self._rng.choice(buttons))

    # --- After the dialog ---

    async def retry_missing_post(self, posted: bool) -> None:
        """When asked whether to post again, press only if the channel has no post."""
        button = self.client.retry_button()
        if button is None or time.monotonic() - self._retried_at < RETRY_INTERVAL:
            return
        self._retried_at = time.monotonic()
        if not self._knows_it_is_posted:
            self._history.faults["asked whether to post again"] += 1
        self._knows_it_is_posted = posted
        if not posted:
            self._history.faults["posted again by the user"] += 1
            await self.client.retry_post(button)


def _unambiguous_options() -> dict[str, set[str]]:
    """Return the options whose labels answer no other question in any language: safe when delivered twice."""

    def answers_other(language: str, question: Question, option: str, other: Question) -> bool:
        parsed = parse(translations(language)(f"option.{question.id}.{option}"), FLOW, other)
        if isinstance(parsed, ParsedAnswer):
            return parsed.question != question.id
        return isinstance(parsed, QuickCheck) and bool(set(parsed.answers) - {question.id})

    return {
        question.id: {
            option
            for option in question.options
            if not any(
                answers_other(language, question, option, other) for language in LANGUAGES for other in FLOW.questions
            )
        }
        for question in FLOW.questions
    }


UNAMBIGUOUS = _unambiguous_options()


def _shows(rows: Mapping[str, str], question: str, option: str) -> bool:
    for t in map(translations, LANGUAGES):
        name = normalize(t(f"question.{question}.short"))
        if name in rows:
            return rows[name] == normalize(t(f"option.{question}.{option}"))
    return False
