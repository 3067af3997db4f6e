"""One person who holds a dialog through whatever happens: looks at the card, does something, looks again.

What they said is kept in `said`, by what they pressed while they looked at a card; it is the model that the stored
answers are compared with. They press again when nothing happens, as people do.
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
from dialogs.walk import walk
from tests.fault_injection.clients import LANGUAGES, Button, Card, Client, other, text_of
from tests.fault_injection.history import History
from tests.scenarios.parity.readers import flat

TIMEOUT = 4.0
"""Seconds somebody waits for something to happen before they press again."""
GIVES_UP = 200.0
Truth = Callable[[str], Awaitable[Session | None]]
"""A dialog's id -> what is stored of it."""
REMEMBERS = 12
"""Steps."""


class SimulatedUser:
    """`seat`: where they sit. `finished`: post or keep, once their card says so. `session`: their dialog."""

    def __init__(self, number: int, seat: Client, chance: random.Random, ledger: History, truth: Truth) -> None:
        self.number = number
        self.seat = seat
        self.wants = "post" if chance.random() < 0.75 else "keep"
        self.said: dict[str, str] = {}
        self.session = ""
        self.finished = ""
        self.steps = 0
        self._chance = chance
        self._ledger = ledger
        self._truth = truth
        self._changing: tuple[str, str] | None = None
        self._rethinks = False
        self._restarts = False
        self._bends = {"back": 1, "why": 1, "restart": 1, "change": 1, "language": 1}
        self._answered = ("", -1)
        """The question they answered last, and the revision of the card they did it on."""
        self._trail: deque[str] = deque(maxlen=REMEMBERS)
        """What they saw and did last."""
        self._asked_at = 0.0
        self._knows = False

    def __repr__(self) -> str:
        return f"person {self.number} ({type(self.seat).__name__}, {self.session}, {self.finished or 'under way'})"

    # --- The dialog ---

    async def hold(self) -> None:
        """Hold it to its end."""
        try:
            async with asyncio.timeout(GIVES_UP):
                while not self.finished:
                    await self._look_and_act()
        except TimeoutError:
            card = self.seat.card()
            seen = [button.action for button in card.buttons] if card else None
            self._ledger.complaints.append(f"{self!r} never came to an end; before them: {seen}")

    async def _look_and_act(self) -> None:
        before = self.seat.version()
        card = self.seat.card()
        if card is not None and self.session not in ("", card.session):
            self._ledger.faults["another dialog stands before somebody"] += 1
        taken = True
        if card is None:
            await self.seat.begin()
        else:
            self.session = card.session
            taken = await self._act(card)
            said = f"{card.question}={self.said.get(card.question)}" if card.question else "no question"
            self._trail.append(f"{time.monotonic():.1f} on {card.revision}: {said}{'' if taken else ', not taken'}")
        self.steps += 1
        if not self.finished:
            await self._wait(before, TIMEOUT if taken else self._chance.uniform(0.4, 1.2))
            now = self.seat.card()
            if card and now and now.drawn is card.drawn:  # a word at most: they read it, and wait a little
                await asyncio.sleep(self._chance.uniform(0.5, 1.5))

    async def _wait(self, before: object, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self.seat.version() == before and time.monotonic() < until:  # noqa: ASYNC110 - as eyes do
            await asyncio.sleep(0.05)
        await asyncio.sleep(self._chance.uniform(0.0, 0.1))

    async def _act(self, card: Card) -> bool:
        if card.question:
            return await self._answer(card, card.question)
        if card.find("keep_private"):
            return await self._review(card)
        if card.find("post") and card.find("resume"):  # which channel?
            return await self.seat.post(card)
        if button := card.find("continue"):
            return await self.seat.press(card, button)
        if card.find("new_check") or card.find("run_own"):
            self.finished = "keep" if card.find("post") or card.find("run_own") else "post"
            if self.finished != self.wants:
                self._ledger.complaints.append(f"{self!r} wanted to {self.wants} it")
            return True
        seen = [button.action for button in card.buttons]
        self._ledger.complaints.append(f"{self!r} cannot go on: {seen}")
        raise TimeoutError

    async def _answer(self, card: Card, question: str) -> bool:
        if self._restarts and question == FLOW.questions[0].id:
            self._restarts = False
            self.said.clear()
        # Not about what they pressed on this very card a moment ago: that may be on its way.
        if self._rethinks and question in self.said and self._answered != (question, card.revision):
            self._rethinks = False
            del self.said[question]
        if self._changing and question == self._changing[0]:
            self.said[question] = self._changing[1]
        elif bend := self._bend(card, question):
            return await bend
        self._answered = question, card.revision
        option = self.said.setdefault(question, self._chance.choice(card.options))
        button = card.find("answer", question, option)
        assert button, (card, question, option)
        if self.seat.types and self._chance.random() < 0.25:
            # Typed words are tied to no card: what may be heard twice must mean the same the second time.
            label = text_of(self.seat.language)(f"option.{question}.{option}")
            return await self.seat.type(label if option in UNMISTAKABLE[question] else f"{question}={option}")
        return await self.seat.press(card, button, twice=self._chance.random() < 0.1)

    def _bend(self, card: Card, question: str) -> Awaitable[bool] | None:
        """Something else than an answer, now and then."""
        ways = [way for way in ("back", "why") if self._bends[way] and card.find(way)]
        if self._chance.random() < 0.08 and ways and question not in self.said:
            way = self._chance.choice(ways)
            self._bends[way] -= 1
            self._rethinks = self._rethinks or way == "back"
            return self.seat.press(card, self._button(card, way), twice=self._chance.random() < 0.2)
        if self._chance.random() < 0.02 and self._bends["language"]:
            self._bends["language"] -= 1
            self.seat.language = other(self.seat.language)
            return self.seat.type(f"lang {self.seat.language}")
        return None

    @staticmethod
    def _button(card: Card, action: str) -> Button:
        button = card.find(action)
        assert button
        return button

    async def _review(self, card: Card) -> bool:
        counted = dict(walk(FLOW, self.said).answers)
        if self._changing and counted.get(self._changing[0]) == self._changing[1]:
            self._changing = None
        if self._restarts:
            return await self.seat.press(card, self._button(card, "restart"))
        wrong = [question for question in counted if not _shows(self.seat.reviewed(card), question, counted[question])]
        if wrong:
            return await self._not_what_i_said(card, wrong[0])
        if self._changing is None and self._bends["change"] and self._chance.random() < 0.25:
            self._bends["change"] -= 1
            question = self._chance.choice(list(counted))
            options = FLOW.questions_by_id[question].options
            self._changing = question, self._chance.choice([each for each in options if each != counted[question]])
        if self._changing:
            return await self.seat.change(card, self._changing[0])
        if self._bends["restart"] and self._chance.random() < 0.03:
            self._bends["restart"], self._restarts = 0, True
            return await self.seat.press(card, self._button(card, "restart"))
        if self.wants == "post":
            return await self.seat.post(card)
        return await self.seat.press(card, self._button(card, "keep_private"), twice=self._chance.random() < 0.1)

    async def _not_what_i_said(self, card: Card, question: str) -> bool:
        """A card may be old; what is stored may not be anything else, unless what they said last never arrived."""
        self._ledger.faults["an old review stood before somebody"] += 1
        stored = await self._truth(self.session)
        if stored is not None and stored.answers.get(question) != self.said[question]:
            if question != self._answered[0] or stored.revision > self._answered[1]:
                said, seen = f"{question}={self.said[question]}", f"review {card.revision}, {list(self._trail)}"
                self._ledger.complaints.append(f"{self!r} said {said}, stored is {stored}; saw {seen}")
                raise TimeoutError
            self._ledger.faults["an answer had not arrived"] += 1
        return await self.seat.change(card, question)

    # --- Somebody else's card ---

    async def meddle(self, theirs: Client) -> None:
        """Press on a card that is another person's."""
        card = theirs.card()
        answers = [button for button in card.buttons if button.action == "answer"] if card else []
        if card and answers:
            self._ledger.faults["press by the wrong person"] += 1
            with suppress(AssertionError):
                await self.seat.press(card, self._chance.choice(answers))

    # --- Afterwards ---

    async def look_after(self, posted: bool) -> None:
        """Asked whether to post again, they look into the channel, and press only where it is not."""
        button = self.seat.asked_again()
        if button is None or time.monotonic() - self._asked_at < 8:
            return
        self._asked_at = time.monotonic()
        if not self._knows:
            self._ledger.faults["asked whether to post again"] += 1
        self._knows = posted
        if not posted:
            self._ledger.faults["had it posted again"] += 1
            await self.seat.retry_post(button)


def _unmistakable() -> dict[str, set[str]]:
    """The options whose words answer no other question in either language: safe to be typed twice."""

    def answers(language: str, question: Question, option: str, other: Question) -> bool:
        found = parse(text_of(language)(f"option.{question.id}.{option}"), FLOW, other)
        given = found.answers if isinstance(found, QuickCheck) else {}
        return (isinstance(found, ParsedAnswer) and found.question != question.id) or bool(set(given) - {question.id})

    return {
        question.id: {
            option
            for option in question.options
            if not any(answers(each, question, option, other) for each in LANGUAGES for other in FLOW.questions)
        }
        for question in FLOW.questions
    }


UNMISTAKABLE = _unmistakable()


def _shows(rows: Mapping[str, str], question: str, option: str) -> bool:
    for language in LANGUAGES:
        words = text_of(language)
        name = flat(words(f"question.{question}.short"))
        if name in rows:
            return rows[name] == flat(words(f"option.{question}.{option}"))
    return False
