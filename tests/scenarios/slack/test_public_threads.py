"""Dialogs in a thread, which all members of the channel can read: what they see, and how a dialog goes private."""

from adapters.playground.slack.models import Message
from dialogs.translations import translations
from tests.scenarios.slack.conftest import Scene


async def ask_in_thread(scene: Scene) -> Message:
    """Mention the app in the channel. Return the card of the dialog in the thread."""
    await scene.user_actions.invite(scene.anna, scene.marketing)
    await scene.user_actions.mention(scene.anna, scene.marketing)
    await scene.settle()
    return scene.card(scene.anna, scene.marketing)


def seen_by_ben(scene: Scene) -> str:
    return "\n".join(line for message in scene.sees(scene.ben, scene.marketing) for line in message.texts())


async def test_the_first_card_says_who_reads_it(scene: Scene) -> None:
    card = await ask_in_thread(scene)
    assert any(scene.t("slack.public_thread") in line for line in card.texts())
    assert scene.label("go_private") in card.buttons()
    private = await scene.slash(scene.anna, scene.marketing)
    assert not any(scene.t("slack.public_thread") in line for line in private.texts())
    assert scene.label("go_private") not in private.buttons()


async def test_go_on_in_private(scene: Scene, answers: dict[str, str]) -> None:
    card = await ask_in_thread(scene)
    await scene.press(scene.anna, card, scene.option("orientation", "key"))
    await scene.press(scene.anna, card, "go_private")
    assert card.texts() == [scene.t("slack.went_private")]
    assert card.buttons() == {}
    private = scene.card(scene.anna, scene.marketing)
    assert private.ephemeral_to == scene.anna.id
    assert scene.t("question.brand.text") in " ".join(private.texts()), "it goes on where it was"
    await scene.answer_all(scene.anna, private, {id: answers[id] for id in answers if id != "orientation"})
    assert scene.t("outcome.in_house.title") in " ".join(private.texts())
    assert scene.t("outcome.in_house.title") not in seen_by_ben(scene)
    assert scene.t("option.orientation.key") not in seen_by_ben(scene)
    scene.user_actions.reload(scene.anna)
    again = await scene.slash(scene.anna, scene.marketing)
    assert scene.t("outcome.in_house.title") in " ".join(again.texts()), "/cm brings it back"
    await scene.press(scene.anna, again, "post")
    await scene.posted(scene.marketing)


async def test_the_answers_in_a_thread_say_who_reads_them(scene: Scene, answers: dict[str, str]) -> None:
    card = await ask_in_thread(scene)
    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "review")
    assert any(scene.t("slack.public_thread") in line for line in card.texts())
    await scene.press(scene.anna, card, "see_recommendation")
    await scene.press(scene.anna, card, "post")
    await scene.posted(scene.marketing)
    await scene.slack.wait_for(lambda: scene.label("open_post") in card.buttons(), what="the card to fold")
    await scene.press(scene.anna, card, "review")
    assert any(scene.t("slack.public_thread") in line for line in card.texts())


async def test_a_post_taken_back_from_a_thread_is_private_and_says_so(scene: Scene, answers: dict[str, str]) -> None:
    card = await ask_in_thread(scene)
    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "post")
    post = await scene.posted(scene.marketing)
    await scene.slack.wait_for(lambda: scene.label("take_back") in card.buttons(), what="the card to fold")
    await scene.press(scene.anna, card, "take_back")
    await scene.slack.wait_for(lambda: post.deleted, what="the deletion")
    assert card.texts() == [scene.t("slack.kept")]
    private = scene.card(scene.anna, scene.marketing)
    assert private.ephemeral_to == scene.anna.id
    assert scene.t("notice.taken_back") in " ".join(private.texts())


async def test_only_the_owner_takes_a_dialog_private(scene: Scene) -> None:
    card = await ask_in_thread(scene)
    before = card.texts()
    await scene.press(scene.ben, card, "go_private")
    assert card.texts() == before
    assert scene.reads(scene.ben, scene.marketing, scene.t("notice.not_yours"))
    await scene.press(scene.anna, card, scene.option("orientation", "key"))
    assert scene.t("question.brand.text") in " ".join(card.texts())


async def test_kept_private_leaves_no_answers_and_no_result(scene: Scene, answers: dict[str, str]) -> None:
    card = await ask_in_thread(scene)
    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "keep_private")
    assert card.texts() == [scene.t("slack.kept")]
    private = scene.card(scene.anna, scene.marketing)
    assert private.ephemeral_to == scene.anna.id
    assert scene.t("notice.kept") in " ".join(private.texts())
    assert scene.t("outcome.in_house.title") in " ".join(private.texts())
    assert scene.t("outcome.in_house.title") not in seen_by_ben(scene)
    await scene.press(scene.anna, private, "post")
    post = await scene.posted(scene.marketing)
    assert scene.t("outcome.in_house.title") in " ".join(post.texts())


async def test_typed_answers_leave_nothing_of_the_app_in_the_thread(scene: Scene, answers: dict[str, str]) -> None:
    card = await ask_in_thread(scene)
    thread = card.thread_ts
    for question, option in answers.items():
        await scene.user_actions.mention(scene.anna, scene.marketing, scene.option(question, option), thread)
        await scene.settle()
    assert scene.t("outcome.in_house.title") in " ".join(scene.card(scene.anna, scene.marketing).texts())
    keep = "garder pour moi" if scene.t.language == "fr" else "keep private"
    await scene.user_actions.mention(scene.anna, scene.marketing, keep, thread)
    await scene.settle()
    assert [line for message in scene.sees(scene.ben, scene.marketing) for line in message.texts()] == [
        scene.t("slack.kept")
    ]
    assert scene.reads(scene.anna, scene.marketing, scene.t("outcome.in_house.title"))


async def test_the_card_folds_to_a_line_with_a_link_once_it_is_posted(scene: Scene, answers: dict[str, str]) -> None:
    card = await ask_in_thread(scene)
    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "post")
    post = await scene.posted(scene.marketing)
    await scene.slack.wait_for(lambda: scene.t("notice.posted") in card.texts(), what="the card to fold")
    assert scene.t("outcome.in_house.title") not in " ".join(card.texts())
    assert list(card.buttons()) == [scene.label(id) for id in ("open_post", "review", "take_back")]
    assert [block["type"] for block in card.blocks] == ["section", "actions"], "a line and a row of buttons"
    assert post.ts.replace(".", "") in card.buttons()[scene.label("open_post")]["url"]


async def test_a_post_that_the_app_can_no_longer_reach_is_not_called_removed(
    scene: Scene, answers: dict[str, str]
) -> None:
    await scene.user_actions.invite(scene.anna, scene.secret)
    card = await scene.slash(scene.anna, scene.secret)
    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "post")
    post = await scene.posted(scene.secret)
    await scene.slack.wait_for(lambda: scene.label("open_post") in card.buttons(), what="the link")
    scene.secret.members.discard(scene.team.bot.id)  # Slack says channel_not_found, as for a deleted channel
    await scene.press(scene.anna, card, "take_back")
    told = scene.t("slack.refused.not_deleted", channel=f"<#{scene.secret.id}>")
    await scene.slack.wait_for(lambda: scene.reads(scene.anna, scene.secret, told), what="the notice")
    assert not post.deleted


async def test_a_post_is_changed_in_place_and_taken_back(scene: Scene, answers: dict[str, str]) -> None:
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "post")
    post = await scene.posted(scene.marketing)
    await scene.slack.wait_for(lambda: scene.label("open_post") in card.buttons(), what="the link")
    await scene.press(scene.anna, card, "review")
    await scene.change(scene.anna, card, "mode")
    before = post.texts()
    await scene.press(scene.anna, card, scene.option("mode", "both"))
    await scene.press(scene.anna, card, scene.option("agency_link", "no"))
    assert post.texts() == before, "nothing changes in the channel before it is updated"
    await scene.press(scene.anna, card, "update_post")
    changed = scene.t("announcement.by_changed").replace("{person}", f"<@{scene.anna.id}>")
    await scene.slack.wait_for(lambda: any(changed in line for line in post.texts()), what="the change")
    assert scene.t("outcome.hybrid.title") in " ".join(post.texts())
    await scene.slack.wait_for(lambda: scene.t("notice.updated") in " ".join(card.texts()), what="the notice")
    await scene.press(scene.anna, card, "take_back")
    await scene.slack.wait_for(lambda: post.deleted, what="the deletion")
    assert scene.label("post") in card.buttons()
    await scene.press(scene.anna, card, "post")
    again = await scene.posted(scene.marketing)
    assert again is not post
    assert translations(scene.t.language)("announcement.by").split("{")[0] in " ".join(again.texts())
    assert scene.slack.failed_calls == []
