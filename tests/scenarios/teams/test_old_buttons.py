"""Every button of every card that is out of date: each press changes something that the person sees."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from adapters.playground.teams.cards import CardPath, find_action
from adapters.playground.teams.models import Conversation, Message
from adapters.playground.teams.rules import walk
from tests.scenarios.old_cards import ENDS, PRESSES, SavedRows, delete_sessions, set_status
from tests.scenarios.scene import SHORT
from tests.scenarios.teams.conftest import MakeScene, Scene, visible


def snapshot(message: Message, card: dict[str, Any]) -> Message:
    """Return the message with this card, as on a screen that was not refreshed."""
    old = copy.copy(message)
    old.activity = {**message.activity, "attachments": [{**message.activity["attachments"][0], "content": card}]}
    old.views = {}
    return old


def action_paths(node: Any, path: CardPath = ()) -> Iterator[CardPath]:
    """Yield where the actions of a card are."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        if key in ("data", "fallback", "refresh"):
            continue
        if isinstance(value, dict) and str(value.get("type")).startswith("Action."):
            yield (*path, key)
        yield from action_paths(value, (*path, key))


@dataclass
class OldCards:
    """The cards of one dialog in one kind of conversation, as Anna saw them."""

    scene: Scene
    where: Conversation
    card: Message
    shown: list[Message]

    def note(self) -> None:
        """Keep a copy of all cards with buttons as they are now."""
        for message in self.scene.teams.messages(self.where):
            card = copy.deepcopy(message.card_for(self.scene.anna)) if message.cards else {}
            if any(action_paths(card)) and all(card != old.card for old in self.shown):
                self.shown.append(snapshot(message, card))

    async def press(self, id: str) -> None:
        """Press a button of the card; `<change`: choose an answer to change; `unknown>`: answer the question."""
        scene = self.scene
        if id == "<change":
            await scene.press(self.card, "change", inputs={"change": "presence"})
        elif id == "unknown>":
            await scene.user_actions.press(scene.anna, self.card, scene.option("presence", "yes"))
        else:
            if not self.has(id):
                await scene.press(self.card, "more")
            await scene.press(self.card, id)
        if id == "post" and self.where.kind == "personal":
            await scene.press(self.card, "post")
        if id == "post":
            await scene.teams.wait_for(lambda: scene.shows(self.card.card, "notice.posted"))
        await scene.wait_until_idle()

    async def show_all(self) -> None:
        """Go through the dialog and note every card."""
        scene = self.scene
        self.note()
        for id in ("why", "more", "help"):
            if self.has(id):
                await self.press(id)
                self.note()
        for question, option in SHORT.items():
            await scene.answer_all(self.card, {question: option})
            self.note()
        for id in ("details", "review", "restart"):
            if self.has(id):
                await self.press(id)
                self.note()
                if self.has("back"):
                    await self.press("back")
        assert self.has("post")
        if self.where.kind == "personal":
            await scene.press(self.card, "post")
            self.note()
            await scene.press(self.card, "back")
            for text in ("help", "my checks", "forget me", "form", "lang"):
                await scene.user_actions.personal(scene.anna, text)
                await scene.wait_until_idle()
                self.note()

    def has(self, id: str) -> bool:
        label = self.scene.label(id)
        return any(node.get("title") == label for node in walk(self.card.card_for(self.scene.anna)))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(("where", "old_client"), [("channel", False), ("personal", False), ("group", True)], ids=str)
async def test_every_press_on_an_old_card_is_answered(
    make_scene: MakeScene, where: str, end: str, old_client: bool
) -> None:
    scene = await make_scene("en")
    url = scene.settings.database_url.get_secret_value()
    for conversation in (scene.team, scene.teams.personal(scene.anna)):
        await scene.user_actions.install(scene.anna, conversation)
    cards = OldCards(scene, scene.conversation(where), await scene.start_dialog(where), [])
    await cards.show_all()
    for id in PRESSES[end]:
        await cards.press(id)
        cards.note()
    if end == "expired":
        set_status(url, "expired")
    if end == "deleted":
        delete_sessions(url)
    silent, pressed, saved = [], 0, SavedRows(url)
    log = {id: (m, copy.deepcopy(m.activity), m.deleted, dict(m.views), m.edits) for id, m in scene.teams.log.items()}
    for old in cards.shown:
        for path in action_paths(old.card):
            action = find_action(old.card, path)
            if action["type"] == "Action.OpenUrl":
                continue
            inputs = {
                node["id"]: node["choices"][0]["value"]
                for node in walk(old.card)
                if node.get("type") == "Input.ChoiceSet" and action.get("associatedInputs") != "none"
            }
            if old_client and action["type"] == "Action.Execute":
                find_action(old.card, path)["fallback"].setdefault("title", action["title"])
            press = scene.user_actions.make_press(scene.anna, old, path, inputs, old_client=old_client)
            answer = await scene.user_actions.send_activity(press)
            await scene.wait_until_idle()
            pressed += 1
            assert answer.ok, (action["title"], answer.status, answer.answer)
            told = answer.message or answer.task_card or (answer.card and answer.card != old.card)
            real = scene.teams.log[old.id]
            shown = len(scene.teams.log) > len(log) or (real.edits > log[old.id][4] and real.card != old.card)
            if not told and not shown:
                silent.append((action["title"], visible(old.card)[:2]))
            saved.restore()
            for id in set(scene.teams.log) - set(log):
                del scene.teams.log[id]
            for message, activity, deleted, views, edits in log.values():
                message.activity, message.deleted = copy.deepcopy(activity), deleted
                message.views, message.edits = dict(views), edits
    assert pressed > 20
    assert silent == []
