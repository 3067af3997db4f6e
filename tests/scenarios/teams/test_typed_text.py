"""Commands, quick checks, a person's own checks, language, forgetting, installing, the message extension."""

from adapters.playground.teams.cards import fill
from adapters.playground.teams.models import Message
from dialogs.translations import translations
from tests.scenarios.scene import SHORT
from tests.scenarios.teams.conftest import MakeScene, Scene, visible

WORDS = {
    "fr": ("oui non oui", "marque=oui mode=agence", "mes bilans", "langue en", "supprimer mes données", "formulaire"),
    "en": ("yes no yes", "brand=yes mode=agency", "my checks", "lang fr", "forget me", "form"),
}


async def say(scene: Scene, text: str) -> Message:
    answer = await scene.user_actions.personal(scene.anna, text)
    assert answer.ok
    await scene.settled()
    return scene.teams.last(scene.teams.personal(scene.anna))


async def test_hello_and_help(scene: Scene) -> None:
    for text in ("hello", "Hi", "bonjour", "help", "aide", "xyzzy gloubi"):
        card = (await say(scene, text)).card
        assert scene.label("start") in visible(card)
        assert scene.says(card, "help.title")


async def test_quick_check_in_every_place(scene: Scene, language: str) -> None:
    row, named, *_ = WORDS[language]
    for prefix in ("check ", "bilan ", ""):
        for typed in (row, named):
            await scene.user_actions.mention(scene.anna, scene.channel, prefix + typed)
            assert scene.says(scene.teams.last(scene.channel).card, "fact.strategic.true")
    card = await say(scene, f"check {row}")
    assert scene.says(card.card, "verdict.title")
    await scene.press(card, "continue")
    assert scene.says(card.card, "question.orientation.text")


async def test_a_complete_quick_check_is_a_recommendation(scene: Scene) -> None:
    typed = "check " + " ".join(f"{question}={option}" for question, option in SHORT.items())
    await scene.user_actions.mention(scene.anna, scene.channel, typed)
    card = scene.teams.last(scene.channel)
    assert not scene.says(card.card, "outcome.in_house.title"), "kept private, in a channel"
    seen = await scene.user_actions.refresh(scene.anna, card)
    assert seen
    assert scene.says(seen.card, "outcome.in_house.title")


async def test_what_is_wrong_with_a_quick_check_is_said(scene: Scene) -> None:
    card = await say(scene, "check marque=*peut-être* foo=oui")
    assert "*peut-être*" in "".join(visible(card.card)) or "foo" in "".join(visible(card.card))
    assert scene.says(card.card, "help.title")


async def test_a_quick_check_can_be_posted(scene: Scene, language: str) -> None:
    await scene.user_actions.mention(scene.anna, scene.channel, "check " + WORDS[language][0])
    card = scene.teams.last(scene.channel)
    await scene.press(card, "post")
    title = scene.t("announcement.partial")
    found = await scene.teams.wait_for(
        lambda: [m for m in scene.teams.posts(scene.channel) if m is not card and title in visible(m.card)]
    )
    assert len(found) == 1


async def test_my_checks(scene: Scene, language: str) -> None:
    command = WORDS[language][2]
    assert scene.says((await say(scene, command)).card, "checks.none")
    card = await scene.begin("personal")
    await scene.answer_all(card, SHORT)
    await scene.press(card, "keep_private")
    listed = await say(scene, command)
    assert scene.says(listed.card, "checks.kept")
    await scene.press(listed, "see_recommendation")
    await scene.settled()
    assert scene.says(scene.teams.last(scene.place("personal")).card, "recommendation.what_if")
    # In a channel the list goes to the personal chat, and says where it was asked for.
    await scene.user_actions.mention(scene.anna, scene.channel, command)
    await scene.settled()
    assert scene.says(scene.teams.last(scene.channel).card, "teams.in_private")
    assert scene.says(scene.teams.last(scene.place("personal")).card, "teams.elsewhere")


async def test_my_checks_where_there_is_no_personal_chat(scene: Scene, language: str) -> None:
    scene.teams.personal(scene.anna, installed=False)
    await scene.user_actions.mention(scene.anna, scene.channel, WORDS[language][2])
    assert scene.says(scene.teams.last(scene.channel).card, "teams.no_private")


async def test_language(scene: Scene, language: str) -> None:
    card = await scene.begin("personal")
    await say(scene, WORDS[language][3])
    other = {"fr": "en", "en": "fr"}[language]
    now = scene.teams.last(scene.place("personal"))
    assert translations(other)("question.orientation.text") in visible(now.card)
    assert now is not card
    # The choice outlives the dialog, over the locale of the client.
    await scene.user_actions.mention(scene.anna, scene.channel, "check")
    assert translations(other)("question.orientation.text") in visible(scene.teams.last(scene.channel).card)


async def test_language_by_button(scene: Scene, language: str) -> None:
    helped = await say(scene, "help")
    answer = await scene.press(helped, "language")
    assert answer.card
    assert translations({"fr": "en", "en": "fr"}[language])("help.title") in visible(answer.card)


async def test_forget_me(scene: Scene, language: str) -> None:
    dialog = await scene.begin("channel")
    await scene.user_actions.mention(scene.anna, scene.channel, WORDS[language][4])
    asked = scene.teams.last(scene.channel)
    assert scene.says(asked.card, "forget.confirm")
    answer = await scene.press(asked, "forget_confirm", scene.ben)
    assert answer.message == scene.t("notice.not_yours")
    answer = await scene.press(asked, "forget_confirm")
    assert scene.t.plural("forget.done", 1) in visible(answer.card)
    answer = await scene.user_actions.press(scene.anna, dialog, scene.option("orientation", "key"))
    assert scene.says(answer.card, "notice.gone")


async def test_form_from_a_button(scene: Scene, language: str) -> None:
    offer = await say(scene, WORDS[language][5])
    opened = await scene.press(offer, "open_form")
    data = await steps(scene, opened.task_card, ready=("orientation", "brand", "transformation", "presence"))
    answer = await submit(scene, offer, data)
    while answer.task_card:
        data = await steps(scene, answer.task_card)
        answer = await submit(scene, offer, data)
    assert answer.task_message == scene.t("teams.form_done")
    again = await submit(scene, offer, data)
    assert again.task_message == answer.task_message
    cards = [m for m in scene.teams.messages(scene.place("personal")) if scene.says(m.card, "review.title")]
    assert len(cards) == 1


async def steps(scene: Scene, card, ready: tuple[str, ...] = ()):
    asked = {node["id"]: node for node in card["body"] if node["type"] == "Input.ChoiceSet"}
    if ready:
        assert set(asked) == {f"q.{question}" for question in ready}, "only what surely applies"
    return fill(card, scene.label("submit"), {id: SHORT[id[2:]] for id in asked})


async def submit(scene: Scene, message: Message, data):
    return await scene.user_actions.submit_task(scene.anna, message, data)


async def test_message_extension(scene: Scene) -> None:
    for context in ("compose", "commandBox"):
        opened = await scene.user_actions.fetch_task(scene.anna, scene.channel, "form", context=context)
        data = await steps(scene, opened.task_card)
        answer = await scene.user_actions.submit_action(scene.anna, scene.channel, "form", data)
        while not answer.attachments:
            data = await steps(scene, answer.task_card)
            answer = await scene.user_actions.submit_action(scene.anna, scene.channel, "form", data)
        (attachment,) = answer.attachments
        assert scene.says(attachment["content"], "announcement.by", person="Anna Roux")
        again = await scene.user_actions.submit_action(scene.anna, scene.channel, "form", data, send=False)
        assert again.attachments == answer.attachments, "a second delivery gets the same card"
        await scene.settled()
        sent = [m for m in scene.teams.messages(scene.channel, by_bot=False) if m.by is scene.anna]
        assert sent
        assert scene.posts(scene.channel) == [], "nothing is posted by us"
        details = await scene.press(sent[-1], "details", scene.ben)
        assert scene.says(details.card, "recommendation.what_if")


async def test_form_steps_back(scene: Scene) -> None:
    opened = await scene.user_actions.fetch_task(scene.anna, scene.channel, "form")
    data = await steps(scene, opened.task_card)
    second = await scene.user_actions.submit_action(scene.anna, scene.channel, "form", data)
    back = await scene.user_actions.submit_action(
        scene.anna, scene.channel, "form", fill(second.task_card, scene.label("back"))
    )
    assert back.task_card
    assert opened.task_card
    assert [n["id"] for n in back.task_card["body"] if n["type"] == "Input.ChoiceSet"] == [
        n["id"] for n in opened.task_card["body"] if n["type"] == "Input.ChoiceSet"
    ]


async def test_one_welcome_a_conversation(french: Scene) -> None:
    scene = french
    for place in (scene.team, scene.group, scene.teams.personal(scene.anna)):
        for _ in range(2):
            await scene.user_actions.install(scene.anna, place)
        await scene.user_actions.install(scene.anna, place, upgrade=True)
    await scene.user_actions.add_members(scene.anna, scene.team, [scene.teams.add_user("Carla")])
    await scene.settled()
    welcomes = [m for m in scene.teams.messages() if scene.says(m.card, "welcome.title")]
    assert [m.where.kind for m in welcomes] == ["channel", "groupChat", "personal"]
    assert scene.says(welcomes[0].card, "teams.welcome_by", person="Anna Roux")
    assert len(scene.teams.messages()) == 3
    await scene.press(welcomes[2], "start")
    assert scene.says(scene.teams.last(scene.place("personal")).card, "question.orientation.text")


async def test_channels_to_choose_from(make_scene: MakeScene) -> None:
    scene = await make_scene("fr")
    other = scene.teams.add_team("Direction", [scene.ben], channels=["Secret"])
    await scene.user_actions.install(scene.anna, scene.team)
    await scene.user_actions.install(scene.ben, other)
    card = await scene.begin("personal")
    await scene.answer_all(card, SHORT)
    answer = await scene.press(card, "post")
    assert answer.card
    titles = [choice["title"] for choice in answer.card["body"][1]["choices"]]
    assert titles == ["Marketing › Campaigns", "Marketing › Général"]
    # A channel that was not offered, put in by hand.
    forged = scene.user_actions.make_press(scene.anna, card, scene.label("post"))
    forged["value"]["action"]["data"]["channel"] = f"{other.id} {other.channels[1].id}"
    answer = await scene.user_actions.send_activity(forged)
    assert answer.message == scene.t("teams.held.not_member")
    await scene.user_actions.uninstall(scene.anna, scene.team)
    card.views.clear()
    answer = await scene.press(card, "post")
    assert scene.says(answer.card, "teams.no_channel")
    answer = await scene.user_actions.press(scene.anna, card, scene.label("back"))
    assert scene.says(answer.card, "review.title")
