"""Commands, quick checks, the list of checks, language, data deletion, forms, installation and channels."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.playground.teams.cards import fill
from adapters.playground.teams.models import Message
from adapters.ports import CheckSummary
from bot.core.service import Service
from dialogs import presenter
from dialogs.translations import translations
from tests.scenarios.scene import SHORT
from tests.scenarios.teams.conftest import MakeScene, Scene, visible

COMMANDS = {
    "fr": (
        "oui non oui",
        "marque=oui mode=agence",
        "mes diagnostics",
        "langue en",
        "supprimer mes données",
        "formulaire",
    ),
    "en": ("yes no yes", "brand=yes mode=agency", "my checks", "lang fr", "forget me", "form"),
}


async def type_text(scene: Scene, text: str) -> Message:
    answer = await scene.user_actions.personal(scene.anna, text)
    assert answer.ok
    await scene.wait_until_idle()
    return scene.teams.last(scene.teams.personal(scene.anna))


async def test_hello_and_help(scene: Scene) -> None:
    for text in ("help", "aide", "xyzzy gloubi"):
        card = (await type_text(scene, text)).card
        assert scene.label("start") in visible(card)
        assert scene.shows(card, "help.title")
    for text in ("hello", "Hi", "bonjour"):
        card = (await type_text(scene, text)).card
        assert visible(card) == [scene.t("small_talk.hello"), scene.label("start")]


@pytest.mark.parametrize("where", ["channel", "personal"])
async def test_small_talk(scene: Scene, where: str) -> None:
    async def ask(text: str) -> Message:
        if where == "personal":
            return await type_text(scene, text)
        await scene.user_actions.mention(scene.anna, scene.conversation(where), text)
        await scene.wait_until_idle()
        return scene.teams.last(scene.conversation(where))

    texts = {
        "thanks": "thanks a lot!",
        "who_are_you": "qui êtes-vous ?",
        "joke": "tell me a joke",
        "goodbye": "au revoir",
    }
    for name, text in texts.items():
        assert visible((await ask(text)).card) == [scene.t(f"small_talk.{name}"), scene.label("start")]
    languages_card = await ask("language german")
    assert visible(languages_card.card) == [scene.t("notice.which_language"), "Français", "English"]
    assert scene.shows((await ask("post it")).card, "notice.nothing_to_post")
    assert scene.shows((await ask("check non, pas du tout")).card, "notice.did_you_mean")
    assert scene.shows((await ask("check the key")).card, "fact.strategic.true")


async def test_a_file_alone_starts_no_check(scene: Scene) -> None:
    activity = scene.user_actions.make_personal(scene.anna, "")
    activity["attachments"] = [{"contentType": "application/vnd.microsoft.teams.file.download.info", "name": "a.pdf"}]
    await scene.user_actions.send_activity(activity)
    await scene.wait_until_idle()
    assert scene.shows(scene.teams.last(scene.conversation("personal")).card, "small_talk.hello")


async def test_other_people_who_are_mentioned_are_no_words(scene: Scene) -> None:
    activity = scene.user_actions.make_mention(scene.anna, scene.channel, "check <at>Ben Petit</at>")
    mentioned = {"id": scene.ben.id, "name": "Ben Petit"}
    activity["entities"].append({"type": "mention", "mentioned": mentioned, "text": "<at>Ben Petit</at>"})
    await scene.user_actions.send_activity(activity)
    await scene.wait_until_idle()
    assert scene.shows(scene.teams.last(scene.channel).card, "question.orientation.text")


async def test_typed_text_during_a_dialog(scene: Scene) -> None:
    await scene.start_dialog("personal")
    hello = await type_text(scene, "hello")
    assert scene.shows(hello.card, "question.orientation.text")
    assert scene.option("orientation", "key") in visible(hello.card)
    assert scene.shows((await type_text(scene, "merci beaucoup")).card, "small_talk.thanks")
    for text, id in (("ça dépend", "did_you_mean"), ("details", "details_too_early"), ("publier", "post_too_early")):
        notice = (await type_text(scene, text)).card
        assert scene.shows(notice, f"notice.{id}")
        assert scene.shows(notice, "question.orientation.text")
        assert scene.option("orientation", "key") in visible(notice)
    await type_text(scene, "check the key")
    assert scene.shows(scene.teams.last(scene.conversation("personal")).card, "question.brand.text")


async def test_help_in_a_conversation_is_for_the_person_who_presses(scene: Scene) -> None:
    for conversation in (scene.channel, scene.group):
        for text, note in (("help", None), ("xyzzy gloubi", "notice.nothing_understood")):
            await scene.user_actions.mention(scene.anna, conversation, text)
            message = scene.teams.last(conversation)
            assert scene.shows(message.card, "teams.help_short")
            assert not scene.shows(message.card, "help.text")
            assert note is None or scene.shows(message.card, note)
            answer = await scene.press(message, "help", scene.ben)
            assert scene.shows(answer.card, "help.text")
            assert scene.shows(message.card_for(scene.anna), "teams.help_short"), "others keep the short one"
            assert message.edits == 0
    await scene.press(scene.teams.last(scene.group), "start")
    assert scene.shows(scene.teams.last(scene.group).card, "question.orientation.text")


async def test_quick_checks(scene: Scene, language: str) -> None:
    values, pairs, *_ = COMMANDS[language]
    for prefix in ("check ", "diagnostic ", "diagnostic express : ", "bilan ", ""):
        for text in (values, pairs):
            await scene.user_actions.mention(scene.anna, scene.channel, prefix + text)
            assert scene.shows(scene.teams.last(scene.channel).card, "fact.strategic.true")
    card = await type_text(scene, f"check {values}")
    assert scene.shows(card.card, "partial.title")
    await scene.press(card, "continue")
    assert scene.shows(card.card, "question.orientation.text")


async def test_a_complete_quick_check_is_a_recommendation(scene: Scene) -> None:
    text = "check " + " ".join(f"{question}={option}" for question, option in SHORT.items())
    await scene.user_actions.mention(scene.anna, scene.channel, text)
    card = scene.teams.last(scene.channel)
    assert not scene.shows(card.card, "outcome.in_house.title"), "private in a channel"
    response = await scene.user_actions.refresh(scene.anna, card)
    assert response
    assert scene.shows(response.card, "outcome.in_house.title")


async def test_errors_in_a_quick_check_are_named(scene: Scene) -> None:
    card = await type_text(scene, "check marque=*peut-être* foo=oui")
    assert "*peut-être*" in "".join(visible(card.card)) or "foo" in "".join(visible(card.card))
    assert scene.shows(card.card, "help.title")


async def test_a_quick_check_can_be_posted(scene: Scene, language: str) -> None:
    await scene.user_actions.mention(scene.anna, scene.channel, "check " + COMMANDS[language][0])
    card = scene.teams.last(scene.channel)
    await scene.press(card, "post")
    title = scene.t("announcement.partial")
    posts = await scene.teams.wait_for(
        lambda: [m for m in scene.teams.posts(scene.channel) if m is not card and title in visible(m.card)]
    )
    assert len(posts) == 1


async def test_my_checks(scene: Scene, language: str) -> None:
    command = COMMANDS[language][2]
    assert scene.shows((await type_text(scene, command)).card, "checks.none")
    card = await scene.start_dialog("personal")
    await scene.answer_all(card, SHORT)
    await scene.press(card, "keep_private")
    listed = await type_text(scene, command)
    assert scene.shows(listed.card, "checks.kept")
    assert scene.shows(listed.card, "outcome.in_house.title")
    await scene.press(listed, "open_check")
    await scene.wait_until_idle()
    opened = scene.teams.last(scene.conversation("personal"))
    assert scene.shows(opened.card, "recommendation.steps")
    details = await scene.press(opened, "details")
    assert scene.shows(details.card, "recommendation.what_if")
    # The list for a channel is sent to the personal chat, with a note.
    await scene.user_actions.mention(scene.anna, scene.channel, command)
    await scene.wait_until_idle()
    assert scene.shows(scene.teams.last(scene.channel).card, "teams.in_private")
    assert scene.shows(scene.teams.last(scene.conversation("personal")).card, "teams.elsewhere")


async def test_my_checks_can_be_told_apart(french: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = french
    night = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)  # 00:30 in Paris, where the simulator's people are
    moments = [night, night + timedelta(hours=9), night + timedelta(days=3)]
    card = await scene.start_dialog("channel")
    await scene.answer_all(card, SHORT)
    await scene.press(card, "post")
    await scene.post()
    await scene.user_actions.mention(scene.anna, scene.group, "check oui")
    await scene.start_dialog("personal")
    list_checks = Service.list_checks

    async def at_these_times(service: Service, *arguments: Any) -> list[CheckSummary]:
        checks = await list_checks(service, *arguments)
        return [replace(check, updated_at=moment) for check, moment in zip(reversed(checks), moments, strict=True)][
            ::-1
        ]

    monkeypatch.setattr(Service, "list_checks", at_these_times)
    listed = await type_text(scene, COMMANDS["fr"][2])
    lines = [
        node.get("text") or node["inlines"][0]["text"]
        for node in listed.card["body"]
        if node["type"] in {"TextBlock", "RichTextBlock"}
    ]
    nothing, one = (scene.t.plural("checks.answers", count) for count in (0, 1))
    assert lines[1:] == [
        f"À suivre\u00a0: {scene.t('question.orientation.short')} · {nothing}",
        "25/11/2026 · En cours, en privé",
        f"À suivre\u00a0: {scene.t('question.orientation.short')} · {one}",
        "22/11/2026 à 09:30 · En cours dans une discussion de groupe",
        f"{presenter.OUTCOME_MARKS['in_house']} {scene.t('outcome.in_house.title')}",
        "22/11/2026 à 00:30 · Publié dans un canal",
    ]
    choices = [choice["value"] for node in listed.card["body"] for choice in node.get("choices", ())]
    await scene.press(listed, "open_check", inputs={"check": choices[1]})
    await scene.wait_until_idle()
    opened = scene.teams.last(scene.conversation("personal"))
    assert scene.shows(opened.card, "question.orientation.text"), "it continues"


async def test_my_checks_without_a_personal_chat(scene: Scene, language: str) -> None:
    scene.teams.personal(scene.anna, installed=False)
    await scene.user_actions.mention(scene.anna, scene.channel, COMMANDS[language][2])
    assert scene.shows(scene.teams.last(scene.channel).card, "teams.no_private")


async def test_language(scene: Scene, language: str) -> None:
    card = await scene.start_dialog("personal")
    await type_text(scene, COMMANDS[language][3])
    other = {"fr": "en", "en": "fr"}[language]
    new_card = scene.teams.last(scene.conversation("personal"))
    assert translations(other)("question.orientation.text") in visible(new_card.card)
    assert new_card is not card
    # The choice is kept after the dialog and overrides the locale of the client.
    await scene.user_actions.mention(scene.anna, scene.channel, "check")
    assert translations(other)("question.orientation.text") in visible(scene.teams.last(scene.channel).card)


async def test_language_by_button(scene: Scene, language: str) -> None:
    help_message = await type_text(scene, "help")
    answer = await scene.press(help_message, "language")
    assert answer.card
    assert translations({"fr": "en", "en": "fr"}[language])("help.title") in visible(answer.card)


async def test_forget_me(scene: Scene, language: str) -> None:
    dialog = await scene.start_dialog("channel")
    await scene.user_actions.mention(scene.anna, scene.channel, COMMANDS[language][4])
    question = scene.teams.last(scene.channel)
    assert scene.shows(question.card, "forget.confirm")
    answer = await scene.press(question, "forget_confirm", scene.ben)
    assert answer.message == scene.t("notice.not_yours")
    answer = await scene.press(question, "forget_confirm")
    assert scene.t.plural("forget.done", 1) in visible(answer.card)
    answer = await scene.user_actions.press(scene.anna, dialog, scene.option("orientation", "key"))
    assert scene.shows(answer.card, "notice.gone")


async def test_a_post_says_that_its_details_were_deleted(scene: Scene, language: str) -> None:
    dialog = await scene.start_dialog("channel")
    await scene.answer_all(dialog, SHORT)
    await scene.press(dialog, "post")
    post = await scene.post()
    await scene.user_actions.mention(scene.anna, scene.channel, COMMANDS[language][4])
    await scene.press(scene.teams.last(scene.channel), "forget_confirm")
    before = post.card
    answer = await scene.press(post, "details", scene.ben)
    assert scene.shows(answer.card, "notice.details_gone")
    assert scene.label("run_own") in visible(answer.card)
    assert post.card == before


async def test_form_from_a_button(scene: Scene, language: str) -> None:
    offer = await type_text(scene, COMMANDS[language][5])
    form = (await scene.press(offer, "open_form")).task_card
    assert inputs_of(form) == dict.fromkeys(("orientation", "brand", "transformation", "presence"))
    pages = [form]
    while not scene.shows(form, "teams.show_here"):
        form = (await scene.user_actions.submit_task(scene.anna, offer, fill_page(scene, form))).task_card
        pages.append(form)
    for number, page in enumerate(pages, start=1):
        last = number == len(pages) == 3
        assert scene.shows(
            page, "teams.form_last_page" if last else "teams.form_page", page=number, most=3 + (number < 3)
        )
    for id in ("outcome.in_house.title", "recommendation.steps", "teams.form_show"):
        assert scene.shows(form, id), "the last page shows the recommendation"
    data = fill(form, scene.t("teams.show_here"))
    answer = await scene.user_actions.submit_task(scene.anna, offer, data)
    assert answer.message == scene.t("teams.form_done")
    again = await scene.user_actions.submit_task(scene.anna, offer, data)
    assert again.message == answer.message
    messages = scene.teams.messages(scene.conversation("personal"))
    assert len([message for message in messages if scene.shows(message.card, "recommendation.steps")]) == 1


def inputs_of(form) -> dict[str, str | None]:
    """Return the questions of a page and their answers."""
    return {node["id"][2:]: node.get("value") for node in form["body"] if node["type"] == "Input.ChoiceSet"}


def fill_page(scene: Scene, form, button: str = "next", **answers: str):
    """Return what a button sends. Questions of `SHORT` that `answers` does not name are answered, too."""
    return fill(form, scene.label(button), {f"q.{id}": (SHORT | answers)[id] for id in inputs_of(form)})


async def test_message_extension(scene: Scene) -> None:
    for context in ("compose", "commandBox"):
        form = (await scene.user_actions.fetch_task(scene.anna, scene.channel, "form", context=context)).task_card
        while not scene.shows(form, "teams.insert"):
            data = fill_page(scene, form)
            form = (await scene.user_actions.submit_action(scene.anna, scene.channel, "form", data)).task_card
        assert scene.shows(form, "teams.form_insert")
        data = fill(form, scene.t("teams.insert"))
        answer = await scene.user_actions.submit_action(scene.anna, scene.channel, "form", data)
        (attachment,) = answer.attachments
        assert scene.shows(attachment["content"], "announcement.by", person="Anna Roux")
        again = await scene.user_actions.submit_action(scene.anna, scene.channel, "form", data, send=False)
        assert again.attachments == answer.attachments, "a second delivery gets the same card"
        await scene.wait_until_idle()
        sent = [m for m in scene.teams.messages(scene.channel, by_bot=False) if m.by is scene.anna]
        assert sent
        assert scene.posts(scene.channel) == [], "the bot posts nothing"
        details = await scene.press(sent[-1], "details", scene.ben)
        assert scene.shows(details.card, "recommendation.what_if")


async def test_the_form_loses_nothing(scene: Scene) -> None:
    async def press(form, button: str, **inputs: str):
        data = fill(form, scene.t(f"label.{button}"), {f"q.{id}": option for id, option in inputs.items()})
        answer = await scene.user_actions.submit_action(scene.anna, scene.channel, "form", data)
        assert answer.task_card
        return answer.task_card

    form = (await scene.user_actions.fetch_task(scene.anna, scene.channel, "form")).task_card
    form = await press(form, "help", brand="yes")
    for part in ("why", "judge", "examples"):
        assert scene.shows(form, f"question.brand.{part}")
    assert inputs_of(form)["brand"] == "yes", "kept by Help"
    form = await press(form, "next", orientation="key")
    assert inputs_of(form) == {"orientation": "key", "brand": "yes", "transformation": None, "presence": None}
    assert scene.shows(form, "teams.form_required"), "an answer is missing: the page says so and keeps the others"
    assert not scene.shows(form, "question.brand.why")
    form = await press(form, "next", transformation="no", presence="no")
    assert inputs_of(form) == {"mode": None, "person": None, "routine": None}
    assert not scene.shows(form, "teams.form_required"), "a new page finds no fault"
    form = await press(form, "back", mode="agency", person="lasting")
    assert inputs_of(form)["presence"] == "no"
    # The questions of page 2 vanish and come back with their answers.
    form = await press(form, "next", orientation="seo", brand="no")
    assert set(inputs_of(form)) == {"seo_expert", "light_mode"}
    form = await press(await press(form, "back", light_mode="in_house"), "next", orientation="key")
    assert inputs_of(form) == {"mode": "agency", "person": "lasting", "routine": None}
    form = await press(form, "next", routine="no")
    assert inputs_of(form) == {"agency_link": None}
    form = await press(form, "next", agency_link="yes")
    assert scene.shows(form, "outcome.agency.title")
    form = await press(form, "back")
    assert inputs_of(form) == {"agency_link": "yes"}


async def test_one_welcome_per_conversation(french: Scene) -> None:
    scene = french
    for conversation in (scene.team, scene.group, scene.teams.personal(scene.anna)):
        for _ in range(2):
            await scene.user_actions.install(scene.anna, conversation)
        await scene.user_actions.install(scene.anna, conversation, upgrade=True)
    await scene.user_actions.add_members(scene.anna, scene.team, [scene.teams.add_user("Carla")])
    await scene.wait_until_idle()
    welcomes = [m for m in scene.teams.messages() if scene.shows(m.card, "welcome.title")]
    assert [m.where.kind for m in welcomes] == ["channel", "groupChat", "personal"]
    assert scene.shows(welcomes[0].card, "teams.welcome_by", person="Anna Roux")
    assert len(scene.teams.messages()) == 3
    await scene.press(welcomes[2], "start")
    assert scene.shows(scene.teams.last(scene.conversation("personal")).card, "question.orientation.text")


async def test_every_channel_can_be_chosen(make_scene: MakeScene) -> None:
    scene = await make_scene("fr")
    names = [f"Canal {number:03}" for number in range(100)]
    large = scene.teams.add_team("Immense", [scene.anna, scene.ben], channels=names)
    last = scene.teams.add_team("Zeste", [scene.anna], channels=["Zoom"])
    others = [scene.teams.add_team(f"Autre {number:03}", [scene.ben]) for number in range(230)]
    for team in (*others, large, last):
        activity = scene.user_actions.make_installation(scene.ben, team)
        assert (await scene.user_actions.send_activity(activity)).ok
    card = await scene.start_dialog("personal")
    await scene.answer_all(card, SHORT)
    answer = await scene.press(card, "post")
    assert scene.shows(answer.card, "teams.channels_shown", first=1, last=80, count=103)
    assert answer.card
    choices = answer.card["body"][1]["choices"]
    assert answer.card["body"][1]["style"] == "filtered"
    answer = await scene.user_actions.press(scene.anna, card, scene.t("teams.more_channels"))
    assert scene.shows(answer.card, "teams.channels_shown", first=81, last=103, count=103)
    assert answer.card
    choices += answer.card["body"][1]["choices"]
    titles = ["Immense › Général", *(f"Immense › {name}" for name in names), "Zeste › Général", "Zeste › Zoom"]
    assert sorted(choice["title"] for choice in choices) == sorted(titles)
    asked = len(scene.teams.calls_to("member"))
    answer = await scene.user_actions.press(scene.anna, card, scene.t("teams.more_channels"))
    assert scene.shows(answer.card, "teams.channels_shown", first=1, last=80, count=103)
    assert len(scene.teams.calls_to("member")) == asked + 2, "the teams of others are not asked again"
    await scene.user_actions.press(scene.anna, card, scene.label("post"), {"channel": choices[5]["value"]})
    await scene.teams.wait_for(lambda: scene.teams.posts(large.channels[6]))
    await scene.wait_until_idle()
    assert scene.shows((await type_text(scene, "mes diagnostics")).card, "checks.posted_in", place=choices[5]["title"])


async def test_removal_from_one_channel_keeps_the_team(french: Scene) -> None:
    scene = french
    await scene.user_actions.install(scene.anna, scene.team)
    card = await scene.start_dialog("personal")
    await scene.answer_all(card, SHORT)
    for event, shown in (("channelMemberRemoved", "label.choose_channel"), ("teamMemberRemoved", "teams.no_channel")):
        activity = scene.user_actions.make_installation(scene.anna, scene.team)
        activity |= {"type": "conversationUpdate", "membersRemoved": [{"id": scene.teams.bot_id}]}
        activity["channelData"]["eventType"] = event
        assert (await scene.user_actions.send_activity(activity)).ok
        card.views.clear()
        assert scene.shows((await scene.press(card, "post")).card, shown)


async def test_the_channel_choice_says_what_a_partial_post_shares(scene: Scene, language: str) -> None:
    await scene.user_actions.install(scene.anna, scene.team)
    card = await type_text(scene, f"check {COMMANDS[language][0]}")
    answer = await scene.press(card, "post")
    assert scene.shows(answer.card, "partial.share_note")
    assert not scene.shows(answer.card, "review.share")


async def test_channel_choice(make_scene: MakeScene) -> None:
    scene = await make_scene("fr")
    other = scene.teams.add_team("Direction", [scene.ben], channels=["Secret"])
    await scene.user_actions.install(scene.anna, scene.team)
    await scene.user_actions.install(scene.ben, other)
    card = await scene.start_dialog("personal")
    await scene.answer_all(card, SHORT)
    answer = await scene.press(card, "post")
    assert answer.card
    titles = [choice["title"] for choice in answer.card["body"][1]["choices"]]
    assert titles == ["Marketing › Campaigns", "Marketing › Général"]
    # A channel that was not offered.
    assert scene.shows(answer.card, "review.share")
    forged = scene.user_actions.make_press(scene.anna, card, scene.label("post"))
    forged["value"]["action"]["data"]["channel"] = f"{other.id} {other.channels[1].id}"
    answer = await scene.user_actions.send_activity(forged)
    assert answer.message == scene.t("teams.held.not_member")
    await scene.user_actions.uninstall(scene.anna, scene.team)
    card.views.clear()
    answer = await scene.press(card, "post")
    assert scene.shows(answer.card, "teams.no_channel")
    answer = await scene.user_actions.press(scene.anna, card, scene.label("back"))
    assert scene.shows(answer.card, "recommendation.steps")


async def test_a_private_channel_is_offered_to_its_members_only(make_scene: MakeScene) -> None:
    scene = await make_scene("fr")
    plans = scene.teams.add_channel(scene.team, "Plans", "private", [scene.ben])
    await scene.user_actions.install(scene.anna, scene.team)
    for user, offered in ((scene.anna, False), (scene.ben, True)):
        card = await scene.start_dialog("personal", user)
        for question, option in SHORT.items():
            await scene.user_actions.press(user, card, scene.option(question, option))
        answer = await scene.press(card, "post", user)
        assert answer.card
        titles = [choice["title"] for choice in answer.card["body"][1]["choices"]]
        assert ("Marketing › Plans" in titles) == offered
        forged = scene.user_actions.make_press(user, card, scene.label("post"))
        forged["value"]["action"]["data"]["channel"] = f"{scene.team.id} {plans.id}"
        answer = await scene.user_actions.send_activity(forged)
        assert (answer.message == scene.t("teams.held.not_member")) != offered
    await scene.post(plans)


async def test_details_link_to_the_article(make_scene: MakeScene) -> None:
    scene = await make_scene("fr", article_url="https://example.org/article?a=1&b=2")
    card = await scene.start_dialog("personal")
    await scene.answer_all(card, SHORT)
    answer = await scene.press(card, "details")
    assert f"[{scene.t('article.read')}](https://example.org/article?a=1&b=2)" in visible(answer.card)
