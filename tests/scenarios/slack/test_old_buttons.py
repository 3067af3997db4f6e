"""Every button of every card that is out of date: each press changes something that the person sees."""

import copy
from dataclasses import dataclass

import pytest

from adapters.playground.simulator import Json
from adapters.playground.slack.cards import CHOICE_KEYS
from adapters.playground.slack.models import Channel, Message, View
from tests.scenarios.old_cards import ENDS, PRESSES, SavedRows, delete_sessions, set_status
from tests.scenarios.slack.conftest import MakeScene, Scene

Looks = dict[str, tuple[str, list[Json]]]


@dataclass
class OldCards:
    """The cards of one dialog in one kind of conversation, as they were shown."""

    scene: Scene
    where: Channel
    card: Message
    shown: list[Message]

    @classmethod
    async def begin(cls, scene: Scene, kind: str) -> "OldCards":
        anna, where = scene.anna, scene.marketing
        if kind == "command":
            card = await scene.slash(anna, where)
        elif kind == "thread":
            await scene.user_actions.invite(anna, where)
            await scene.user_actions.mention(anna, where)
            await scene.settle()
            card = scene.card(anna, where)
        else:
            where = scene.team.im(anna)
            card = await scene.tell(anna, scene.label("start"))
        return cls(scene, where, card, [])

    def note(self) -> None:
        """Keep a copy of all cards with buttons as they are now."""
        for message in self.scene.sees(self.scene.anna, self.where):
            copied = message.snapshot()
            copied.blocks = copy.deepcopy(message.blocks)
            if message.elements() and all(copied.blocks != old.blocks for old in self.shown):
                self.shown.append(copied)

    async def press(self, id: str) -> None:
        """Press a button of the card; `<change`: choose an answer to change; `unknown>`: answer "I don't know"."""
        scene = self.scene
        if id == "<change":
            await scene.change(scene.anna, self.card, "presence")
        elif id == "unknown>":
            await scene.press(scene.anna, self.card, scene.option("presence", "yes"))
        elif id == "post" and self.where is not scene.marketing:
            await scene.press(scene.anna, self.card, "post")
            picker = scene.user_actions.modal(scene.anna)
            assert picker
            await scene.user_actions.submit_view(scene.anna, picker, {"where": scene.marketing.id})
            await scene.settle()
        else:
            await scene.press(scene.anna, self.card, id)
        if id == "post":
            await scene.posted(scene.marketing)
            label = scene.label("open_post")
            await scene.slack.wait_for(lambda: label in self.card.buttons(), what="the link")
        await scene.settle()

    async def show_all(self, answers: dict[str, str]) -> None:
        """Go through the dialog and note every card."""
        scene = self.scene
        self.note()
        for id in ("why", "help"):
            if scene.label(id) in self.card.buttons():
                await self.press(id)
                self.note()
        for question, option in answers.items():
            await scene.press(scene.anna, self.card, scene.option(question, option))
            self.note()
        for id in ("details", "review", "restart"):
            if scene.label(id) in self.card.buttons():
                await self.press(id)
                self.note()
                if scene.label("back") in self.card.buttons():
                    await self.press("back")
        assert scene.label("post") in self.card.buttons()
        if self.card.thread_ts is None:
            for text in ("help", "my checks", "forget me", "form", "xyzzy gloubi"):
                await (scene.tell(scene.anna, text) if self.where.is_im else scene.slash(scene.anna, self.where, text))
                self.note()

    def looks(self) -> Looks:
        """Return what the person sees: messages of both conversations, the home tab and an open form."""
        scene = self.scene
        places = {id(place): place for place in (self.where, scene.marketing, scene.team.im(scene.anna))}
        seen = {m.ts: (m.text, copy.deepcopy(m.blocks)) for p in places.values() for m in scene.sees(scene.anna, p)}
        views: list[View | None] = [scene.user_actions.modal(scene.anna), scene.user_actions.home(scene.anna)]
        return seen | {view.id: (view.hash, copy.deepcopy(view.blocks)) for view in views if view}


def shown_by(scene: Scene) -> list[str]:
    """Return the app's calls that change what the person sees."""
    shows = ("chat.", "views.", "response_url")
    return [call.operation for call in scene.slack.calls if call.ok and call.operation.startswith(shows)]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("kind", ["command", "thread", "direct"])
async def test_every_press_on_an_old_card_is_answered(
    make_scene: MakeScene, answers: dict[str, str], kind: str, end: str
) -> None:
    scene = await make_scene("en")
    cards, url = await OldCards.begin(scene, kind), scene.settings.database_url.get_secret_value()
    await cards.show_all(answers)
    for id in PRESSES[end]:
        await cards.press(id)
        cards.note()
    if end == "expired":
        set_status(url, "expired")
    if end == "deleted":
        delete_sessions(url)
    cards.note()
    silent, pressed, saved = [], 0, SavedRows(url)
    await scene.user_actions.open_home(scene.anna)
    await scene.settle()
    home = scene.user_actions.home(scene.anna)
    assert home
    home_before = home.definition
    messages = {m.ts: (m, copy.deepcopy(m.blocks), m.deleted) for m in (*cards.where.log, *scene.marketing.log)}
    pressable: list[Message | View] = [*cards.shown, home]
    for old in pressable:
        if isinstance(old, Message) and messages[old.ts][2]:
            continue
        for item in old.elements():
            if "url" in item.element:
                continue
            before = cards.looks()
            before |= {old.ts: (old.text, copy.deepcopy(old.blocks))} if isinstance(old, Message) else {}
            value = item.element["options"][0]["value"] if item.element["type"] in CHOICE_KEYS else None
            block_id, action_id = item.ids
            calls = len(shown_by(scene))
            await scene.user_actions.press(scene.anna, old, action_id=action_id, block_id=block_id, value=value)
            await scene.settle()
            pressed += 1
            if cards.looks() == before or len(shown_by(scene)) == calls:
                silent.append((item.label, old.texts()[:2]))
            saved.restore()
            home.definition = home_before
            scene.user_actions.slack.close_modal(scene.anna.id)
            for message, blocks, deleted in messages.values():
                message.blocks, message.deleted = copy.deepcopy(blocks), deleted
            for place in (cards.where, scene.marketing, scene.team.im(scene.anna)):
                place.log[:] = [message for message in place.log if message.ts in messages]
    assert pressed > 20
    assert silent == []
    assert scene.user_actions.errors_shown == []


async def test_a_press_on_post_after_the_post_elsewhere_says_so_with_a_link(make_scene: MakeScene) -> None:
    scene = await make_scene("en")
    elsewhere = scene.team.add_channel("elsewhere", members=[scene.anna])
    first = await scene.slash(scene.anna, scene.marketing, "yes no yes")
    old = first.snapshot()
    old.blocks = copy.deepcopy(first.blocks)
    checks = await scene.slash(scene.anna, elsewhere, "my checks")
    await scene.press(scene.anna, checks, "open_check")
    opened = scene.card(scene.anna, elsewhere)
    asked = {"orientation": "key", "mode": "in_house", "person": "lasting", "routine": "no"}
    await scene.answer_all(scene.anna, opened, asked)
    await scene.press(scene.anna, opened, "post")
    await scene.posted(elsewhere)
    await scene.press(scene.anna, old, "post")
    card, notice = scene.sees(scene.anna, scene.marketing)
    assert scene.label("open_post") in card.buttons()
    assert notice.texts()[0] == scene.t("notice.already_posted")
    assert elsewhere.id in notice.buttons()[scene.label("open_post")]["url"], "the notice says where"
