"""User journeys in Slack, over signed requests, in both languages."""

import pytest

from adapters.playground.slack.models import Message, View
from adapters.playground.slack.user_actions import Exchange
from dialogs import presenter
from dialogs.translations import translations
from tests.scenarios.slack.conftest import MakeScene, Scene


async def test_command_shows_one_private_card_up_to_the_post(scene: Scene, answers: dict[str, str]) -> None:
    card = await scene.slash(scene.anna, scene.marketing)
    assert card.ephemeral_to == scene.anna.id
    assert scene.t("question.orientation.text") in " ".join(card.texts())
    assert scene.t("slack.how_to_answer") not in " ".join(card.texts()), "words need no mention there"
    await scene.answer_all(scene.anna, card, answers)
    assert scene.label("post") in card.buttons()
    assert scene.label("keep_private") in card.buttons()
    assert any(f"<#{scene.marketing.id}>" in line for line in card.texts()), "the channel of the post is shown before"
    assert len(scene.sees(scene.anna, scene.marketing)) == 1, "one card, updated in place"

    await scene.press(scene.anna, card, "post")
    post = await scene.posted(scene.marketing)
    assert f"<@{scene.anna.id}>" in " ".join(post.texts())
    assert scene.t("outcome.in_house.title") in " ".join(post.texts())
    assert scene.t("outcome.in_house.title") in post.text
    assert list(post.buttons()) == [scene.label("details"), scene.label("run_own")]
    await scene.slack.wait_for(
        lambda: scene.t("notice.posted") in " ".join(card.texts()), what="the notice of the post"
    )
    assert scene.slack.failed_calls == []


async def test_command_shows_the_running_dialog_again(scene: Scene) -> None:
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.press(scene.anna, card, scene.option("orientation", "key"))
    scene.user_actions.reload(scene.anna)
    again = await scene.slash(scene.anna, scene.marketing)
    assert scene.t("question.brand.text") in " ".join(again.texts())
    await scene.press(scene.anna, again, scene.option("brand", "yes"))
    assert scene.t("question.transformation.text") in " ".join(again.texts())


@pytest.mark.parametrize(
    ("french", "english"), [("oui non oui", "yes no yes"), ("marque=oui mode=agence", "brand=yes mode=agency")]
)
async def test_quick_check_is_answered_and_continued(scene: Scene, french: str, english: str) -> None:
    card = await scene.slash(scene.anna, scene.marketing, french if scene.t.language == "fr" else english)
    assert card.ephemeral_to == scene.anna.id
    assert scene.t("fact.strategic.true") in " ".join(card.texts())
    assert scene.label("post") in card.buttons()
    await scene.press(scene.anna, card, "continue")
    assert scene.t("question.orientation.text") in " ".join(card.texts())


async def test_back_after_a_quick_check_leads_to_its_result(scene: Scene) -> None:
    card = await scene.slash(scene.anna, scene.marketing, "oui non oui")
    await scene.press(scene.anna, card, "continue")
    assert scene.t("progress.question", number=1, total=5) in " ".join(card.texts())
    await scene.press(scene.anna, card, scene.option("orientation", "key"))
    assert scene.t("progress.question", number=2, total=5) in " ".join(card.texts())
    await scene.press(scene.anna, card, "back")
    assert scene.t("question.orientation.text") in " ".join(card.texts())
    await scene.press(scene.anna, card, "back")
    assert scene.t("fact.strategic.true") in " ".join(card.texts())
    await scene.press(scene.anna, card, "review")
    await scene.press(scene.anna, card, "back")
    assert scene.t("fact.strategic.true") in " ".join(card.texts())
    await scene.press(scene.anna, card, "cancel")
    assert scene.t("notice.cancelled") in card.texts()


async def test_quick_check_can_be_posted(scene: Scene) -> None:
    card = await scene.slash(scene.anna, scene.marketing, "oui non oui")
    await scene.press(scene.anna, card, "post")
    post = await scene.posted(scene.marketing)
    assert scene.t("fact.strategic.true") in " ".join(post.texts())


async def test_back_why_change_and_restart(scene: Scene, answers: dict[str, str]) -> None:
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.press(scene.anna, card, scene.option("orientation", "seo"))
    await scene.press(scene.anna, card, "why")
    assert scene.t("question.brand.why") in " ".join(card.texts())
    assert scene.option("brand", "yes") in card.buttons(), "the question is still there"
    await scene.press(scene.anna, card, "back")
    assert scene.t("question.orientation.text") in " ".join(card.texts())
    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "review")
    shown = " ".join(card.texts())
    assert all(scene.option(question, option) in shown for question, option in answers.items())
    await scene.change(scene.anna, card, "person")
    assert scene.t("question.person.text") in " ".join(card.texts())
    await scene.press(scene.anna, card, scene.option("person", "interns"))
    assert scene.label("post") in card.buttons(), "the other answers are still there"
    assert scene.t("option.person.interns.because") in " ".join(card.texts())
    await scene.press(scene.anna, card, "review")
    assert scene.option("person", "interns") in " ".join(card.texts())
    await scene.press(scene.anna, card, "back")
    assert scene.label("post") in card.buttons(), "the card before"
    await scene.press(scene.anna, card, "review")
    await scene.press(scene.anna, card, "restart")
    assert scene.t.plural("notice.restart", len(answers)) in card.texts()
    await scene.press(scene.anna, card, "keep_answers")
    await scene.press(scene.anna, card, "review")
    await scene.press(scene.anna, card, "restart")
    await scene.press(scene.anna, card, scene.t("label.restart"))
    assert scene.t("question.orientation.text") in " ".join(card.texts())
    await scene.press(scene.anna, card, "back")
    assert scene.label("post") in card.buttons(), "the answers are back"


async def test_keep_private_shows_the_recommendation_and_posts_nothing(scene: Scene, answers: dict[str, str]) -> None:
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "keep_private")
    shown = " ".join(card.texts())
    assert scene.t("outcome.in_house.title") in shown
    assert scene.t("notice.kept") in shown
    await scene.press(scene.anna, card, "details")
    assert scene.t("recommendation.what_if") in " ".join(card.texts())
    assert scene.marketing.messages == []
    await scene.press(scene.anna, card, "see_recommendation")
    await scene.press(scene.anna, card, "review")
    assert scene.option("person", answers["person"]) in " ".join(card.texts())
    await scene.press(scene.anna, card, "back")
    assert scene.label("new_check") in card.buttons(), "it is still finished"
    await scene.press(scene.anna, card, "post")
    await scene.posted(scene.marketing)


async def test_help_and_unclear_text(scene: Scene) -> None:
    answers = [await scene.slash(scene.anna, scene.marketing, typed) for typed in ("help", "aide", "xyzzy plugh")]
    for answer in answers:
        assert scene.t("slack.help") in answer.texts()
        assert scene.label("start") in answer.buttons()
    await scene.press(scene.anna, answers[0], "start")
    assert scene.t("question.orientation.text") in " ".join(answers[0].texts())


async def test_invalid_quick_check_is_answered_with_the_valid_options(scene: Scene) -> None:
    answer = await scene.slash(scene.anna, scene.marketing, "brand=yes mode=agentzia")
    assert "agentzia" in " ".join(answer.texts())
    assert scene.t("option.mode.in_house") in " ".join(answer.texts()), "the valid options"
    assert scene.label("help") in answer.buttons()
    await scene.press(scene.anna, answer, "help")
    assert scene.reads(scene.anna, scene.marketing, scene.t("slack.help"))


async def test_chosen_language_overrides_slacks(scene: Scene) -> None:
    other = "en" if scene.t.language == "fr" else "fr"
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.slash(scene.anna, scene.marketing, f"lang {other}")
    again = await scene.slash(scene.anna, scene.marketing)
    assert translations(other)("question.orientation.text") in " ".join(again.texts())
    assert card.ts != again.ts
    home = await scene.user_actions.open_home(scene.anna)
    await scene.settle()
    assert home.ok
    shown = scene.user_actions.home(scene.anna)
    assert shown
    assert translations(other)("welcome.text") in shown.texts()


async def test_people_with_another_language_get_the_default_one(make_scene: MakeScene) -> None:
    scene = await make_scene("fr", default_language="en")
    scene.anna.locale, scene.ben.locale = "de-DE", "fr-FR"
    shown = (await scene.slash(scene.anna, scene.marketing)).texts()
    assert translations("en")("question.orientation.text") in " ".join(shown)
    shown = (await scene.slash(scene.ben, scene.marketing)).texts()
    assert translations("fr")("question.orientation.text") in " ".join(shown)


async def test_mention_runs_in_the_thread_and_belongs_to_its_author(scene: Scene, answers: dict[str, str]) -> None:
    await scene.user_actions.invite(scene.anna, scene.marketing)
    asked = await scene.user_actions.mention(scene.anna, scene.marketing)
    await scene.settle()
    assert asked.message
    card = scene.card(scene.ben, scene.marketing)
    assert card.thread_ts == asked.message.ts
    assert not card.ephemeral
    assert scene.t("slack.how_to_answer") in " ".join(card.texts())

    await scene.press(scene.ben, card, scene.option("orientation", "key"))
    assert scene.t("question.orientation.text") in " ".join(card.texts()), "the card is unchanged"
    notice = scene.sees(scene.ben, scene.marketing)[-1]
    assert notice.ephemeral_to == scene.ben.id
    assert notice.thread_ts == card.thread_ts, "it appears where the button is"
    assert scene.t("notice.not_yours") in notice.texts()
    await scene.press(scene.ben, notice, "run_own")
    own = scene.card(scene.ben, scene.marketing)
    assert own.ephemeral_to == scene.ben.id
    assert scene.t("question.orientation.text") in " ".join(own.texts())

    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "post")
    post = await scene.posted(scene.marketing)
    assert post.thread_ts is None


async def test_details_replace_a_private_card(scene: Scene, answers: dict[str, str]) -> None:
    private = await scene.slash(scene.anna, scene.marketing)
    await scene.tell(scene.anna, "start")
    direct = scene.card(scene.anna, scene.team.im(scene.anna))
    for card in (private, direct):
        await scene.answer_all(scene.anna, card, answers)
        before = len(scene.sees(scene.anna, card.channel))
        assert scene.t("details.options") not in " ".join(card.texts())
        assert scene.t("slack.public_thread") not in " ".join(card.texts())
        await scene.press(scene.anna, card, "details")
        assert scene.t("details.options") in " ".join(card.texts())
        assert scene.label("post") not in card.buttons()
        await scene.press(scene.anna, card, "see_recommendation")
        assert scene.label("post") in card.buttons()
        assert len(scene.sees(scene.anna, card.channel)) == before


async def test_details_link_to_the_article(make_scene: MakeScene, answers: dict[str, str]) -> None:
    scene = await make_scene("fr", article_url="https://example.org/article?a=1&b=2")
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "details")
    assert f"<https://example.org/article?a=1&amp;b=2|{scene.t('article.read')}>" in card.texts()


async def test_details_of_a_dialog_in_a_thread_are_private(scene: Scene, answers: dict[str, str]) -> None:
    await scene.user_actions.invite(scene.anna, scene.marketing)
    await scene.user_actions.mention(scene.anna, scene.marketing)
    await scene.settle()
    card = scene.card(scene.anna, scene.marketing)
    await scene.answer_all(scene.anna, card, answers)
    assert scene.reads(scene.ben, scene.marketing, scene.t("slack.public_thread"))
    await scene.press(scene.ben, card, "details")
    assert scene.reads(scene.ben, scene.marketing, scene.t("notice.not_yours"))
    await scene.press(scene.anna, card, "details")
    details = scene.sees(scene.anna, scene.marketing)[-1]
    assert details.ephemeral_to == scene.anna.id
    assert scene.t("details.options") in " ".join(details.texts())
    assert not scene.reads(scene.ben, scene.marketing, scene.t("details.options"))
    assert scene.label("post") in card.buttons(), "the card is unchanged"
    await scene.press(scene.anna, details, "see_recommendation")
    assert not scene.reads(scene.anna, scene.marketing, scene.t("details.options"))
    assert scene.label("post") in card.buttons()


async def test_a_notice_reaches_the_person_without_access_to_the_thread(french: Scene) -> None:
    await french.user_actions.invite(french.anna, french.marketing)
    await french.user_actions.mention(french.anna, french.marketing)
    await french.settle()
    card = french.card(french.ben, french.marketing)
    french.slack.fail("chat.postEphemeral", error="not_in_channel")
    await french.press(french.ben, card, french.option("orientation", "key"))
    notice = french.sees(french.ben, french.marketing)[-1]
    assert french.t("notice.not_yours") in notice.texts()
    assert notice.thread_ts is None, "by the response URL"


async def test_text_in_the_thread_is_an_answer(scene: Scene) -> None:
    await scene.user_actions.invite(scene.anna, scene.marketing)
    asked = await scene.user_actions.mention(scene.anna, scene.marketing)
    await scene.settle()
    assert asked.message
    first = scene.card(scene.anna, scene.marketing)
    answer = "la clé" if scene.t.language == "fr" else "the key"
    await scene.user_actions.mention(scene.anna, scene.marketing, answer, asked.message.ts)
    await scene.settle()
    card = scene.card(scene.anna, scene.marketing)
    assert card.ts != first.ts, "the card follows the conversation"
    assert first.buttons() == {}
    assert scene.t("question.orientation.text") in " ".join(first.texts()), "the question stays readable"
    assert scene.option("orientation", "key") in " ".join(first.texts()), "and its answer"
    assert scene.t("passed.below") in first.texts()
    assert scene.t("question.brand.text") in " ".join(card.texts())


async def test_quick_check_in_a_mention_is_answered_in_the_thread(scene: Scene) -> None:
    await scene.user_actions.invite(scene.anna, scene.marketing)
    asked = await scene.user_actions.mention(scene.anna, scene.marketing, "oui non oui")
    await scene.settle()
    assert asked.message
    card = scene.card(scene.ben, scene.marketing)
    assert card.thread_ts == asked.message.ts
    assert scene.t("fact.strategic.true") in " ".join(card.texts())


async def test_mention_for_personal_commands_is_answered_privately(scene: Scene) -> None:
    await scene.user_actions.invite(scene.anna, scene.marketing)
    await scene.user_actions.mention(scene.anna, scene.marketing, "help")
    await scene.settle()
    assert scene.reads(scene.ben, scene.marketing, scene.t("help.text"))
    await scene.user_actions.mention(scene.anna, scene.marketing, "my checks")
    await scene.settle()
    assert scene.reads(scene.anna, scene.marketing, scene.t("checks.none"))
    assert not scene.reads(scene.ben, scene.marketing, scene.t("checks.none"))


async def test_direct_message_starts_and_reads_typed_answers(scene: Scene) -> None:
    fr = scene.t.language == "fr"
    hello = await scene.tell(scene.anna, "bonjour" if fr else "hello")
    assert hello.texts()[0] == scene.t("small_talk.hello")
    assert list(hello.buttons()) == [scene.label("start")]
    await scene.press(scene.anna, hello, "start")
    direct = scene.team.im(scene.anna)
    first = scene.card(scene.anna, direct)
    assert scene.t("question.orientation.text") in " ".join(first.texts())
    card = await scene.tell(scene.anna, "la clé" if fr else "the key")
    card = scene.card(scene.anna, direct)
    assert scene.t("question.brand.text") in " ".join(card.texts())
    notice = await scene.tell(scene.anna, "blabla < & >")
    assert "oui" in " ".join(notice.texts()).lower() or "yes" in " ".join(notice.texts()).lower()
    helped = await scene.tell(scene.anna, "aide" if fr else "help")
    assert scene.t("help.text") in helped.texts()
    await scene.press(scene.anna, helped, "continue")
    assert scene.slack.failed_calls == []


async def test_post_from_a_direct_message_asks_for_the_channel(scene: Scene, answers: dict[str, str]) -> None:
    direct = scene.team.im(scene.anna)
    await scene.tell(scene.anna, "start")
    card = scene.card(scene.anna, direct)
    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "post")
    picker = scene.user_actions.modal(scene.anna)
    assert picker
    element = picker.elements()[0].element
    assert element["filter"] == {"include": ["public", "private"], "exclude_bot_users": True}
    assert "initial_conversation" not in element

    elsewhere = scene.team.add_channel("elsewhere", members=[scene.ben])
    await scene.user_actions.submit_view(scene.anna, picker, {"where": elsewhere.id})
    assert picker.errors == {"where": scene.t("slack.not_member")}, "only members can post"
    await scene.user_actions.submit_view(scene.anna, picker, {"where": scene.marketing.id})
    assert not picker.open
    await scene.posted(scene.marketing)
    await scene.slack.wait_for(lambda: scene.t("notice.posted") in " ".join(card.texts()))


async def test_post_into_a_channel_with_very_many_members(scene: Scene, answers: dict[str, str]) -> None:
    everybody = scene.team.add_channel("everybody", members=[scene.ben])
    everybody.members |= {f"U{number:09d}" for number in range(25_000)} | {scene.anna.id}
    for number in range(1_050):  # more channels than Slack lists at once
        scene.team.add_channel(f"project-{number}", members=[scene.anna])
    await scene.tell(scene.anna, "start")
    card = scene.card(scene.anna, scene.team.im(scene.anna))
    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "post")
    picker = scene.user_actions.modal(scene.anna)
    assert picker
    await scene.user_actions.submit_view(scene.anna, picker, {"where": everybody.id})
    assert not picker.open, picker.errors
    await scene.posted(everybody)
    assert len(scene.slack.calls_to("users.conversations")) <= 2


async def test_a_check_that_was_posted_elsewhere_says_so(scene: Scene, answers: dict[str, str]) -> None:
    typed = " ".join(f"{question}={option}" for question, option in answers.items())
    first = await scene.slash(scene.anna, scene.marketing, typed)
    await scene.user_actions.invite(scene.anna, scene.secret)
    checks = await scene.slash(scene.anna, scene.secret, "my checks")
    await scene.press(scene.anna, checks, "open_check")
    await scene.press(scene.anna, scene.card(scene.anna, scene.secret), "post")
    await scene.posted(scene.secret)
    await scene.press(scene.anna, first, "post")
    assert scene.reads(scene.anna, scene.marketing, scene.t("notice.already_posted"))
    assert scene.marketing.messages == []


async def test_details_are_private_and_run_own_starts_a_dialog(scene: Scene, answers: dict[str, str]) -> None:
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "post")
    post = await scene.posted(scene.marketing)
    await scene.press(scene.ben, post, "details")
    details = scene.sees(scene.ben, scene.marketing)[-1]
    assert details.ephemeral_to == scene.ben.id
    assert scene.t("recommendation.what_if") in " ".join(details.texts())
    await scene.press(scene.ben, post, "run_own")
    own = scene.card(scene.ben, scene.marketing)
    assert own.ephemeral_to == scene.ben.id
    await scene.press(scene.ben, own, scene.option("orientation", "seo"))
    assert scene.t("question.brand.text") in " ".join(own.texts())


async def test_post_is_in_the_language_of_its_author(make_scene: object, answers: dict[str, str]) -> None:
    scene: Scene = await make_scene("fr")  # type: ignore[operator]
    scene.ben.locale = "en-US"
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "post")
    post = await scene.posted(scene.marketing)
    assert scene.t("announcement.title") in post.text
    assert scene.t("announcement.steps") in " ".join(post.texts())
    await scene.press(scene.ben, post, "details")
    details = scene.sees(scene.ben, scene.marketing)[-1]
    assert translations("en")("recommendation.what_if") in " ".join(details.texts()), (
        "details are in the reader's language"
    )


async def test_the_picker_says_what_a_post_shares(scene: Scene, answers: dict[str, str]) -> None:
    async def promise() -> str:
        await scene.press(scene.anna, card, "post")
        picker = scene.user_actions.modal(scene.anna)
        assert picker
        texts = " ".join(picker.texts())
        await scene.user_actions.close_view(scene.anna, picker)
        return texts

    card = await scene.tell(scene.anna, "brand=yes")
    texts = await promise()
    assert scene.t("partial.share_note") in texts
    assert scene.t("review.share") not in texts
    await scene.press(scene.anna, card, "restart")
    await scene.press(scene.anna, card, scene.t("label.restart"))
    await scene.answer_all(scene.anna, card, answers)
    texts = await promise()
    assert scene.t("review.share") in texts
    assert scene.t("partial.share_note") not in texts


async def test_form_shows_the_questions_that_apply_and_ends_in_the_review(
    scene: Scene, answers: dict[str, str]
) -> None:
    ack = await scene.user_actions.slash(scene.anna, scene.marketing, "form")
    await scene.settle()
    assert ack.ok
    view = scene.user_actions.modal(scene.anna)
    assert view
    assert asked(view) == ["orientation", "brand", "transformation", "presence"]
    for question, option in answers.items():
        await scene.user_actions.press(scene.anna, view, action_id=question, value=option)
        await scene.settle()
    assert asked(view) == list(answers), "agency_link does not apply"
    submitted = await scene.user_actions.submit_view(scene.anna, view)
    await scene.settle()
    assert submitted.ok
    assert not view.open
    card = scene.card(scene.anna, scene.marketing)
    assert card.ephemeral_to == scene.anna.id
    assert scene.label("post") in card.buttons()
    await scene.press(scene.anna, card, "post")
    await scene.posted(scene.marketing)


async def test_form_submitted_again_after_a_lost_response_starts_one_dialog(
    french: Scene, answers: dict[str, str]
) -> None:
    await french.user_actions.slash(french.anna, french.marketing, "formulaire")
    await french.settle()
    view = french.user_actions.modal(french.anna)
    assert view
    for question, option in answers.items():
        await french.user_actions.press(french.anna, view, action_id=question, value=option)
        await french.settle()
    sent = await french.user_actions.submit_view(french.anna, view)
    await french.settle()
    again = Exchange(
        "interaction", sent.payload | {"trigger_id": "1.2.another"}
    )  # the form stayed open and is submitted again
    assert (await french.user_actions.deliver(again)).status == 200
    await french.settle()
    (card,) = [
        message for message in french.sees(french.anna, french.marketing) if french.label("post") in message.buttons()
    ]
    await french.press(french.anna, card, "post")
    await french.posted(french.marketing)


async def test_form_is_filled_from_the_running_dialog_and_validated(scene: Scene) -> None:
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.press(scene.anna, card, scene.option("orientation", "key"))
    await scene.user_actions.slash(scene.anna, scene.marketing, "form")
    await scene.settle()
    view = scene.user_actions.modal(scene.anna)
    assert view
    assert view.state["orientation"]["orientation"]["selected_option"]["value"] == "key"
    assert asked(view)[-3:] == ["mode", "person", "routine"]
    values = {"brand": "yes", "transformation": "no", "presence": "no"}
    values |= {"mode": "agency", "person": "lasting", "routine": "no"}
    submitted = await scene.user_actions.submit_view(scene.anna, view, values)
    assert submitted.ok
    assert view.open, "the question about the agency is missing"
    assert "agency_link" in asked(view)


def asked(view: View) -> list[str]:
    """Return the questions that a form shows."""
    return [block["block_id"] for block in view.blocks if block["type"] == "input"]


async def test_the_form_loses_no_answer(scene: Scene, answers: dict[str, str]) -> None:
    await scene.user_actions.slash(scene.anna, scene.marketing, "form")
    await scene.settle()
    view = scene.user_actions.modal(scene.anna)
    assert view

    async def choose(question: str, option: str) -> None:
        await scene.user_actions.press(scene.anna, view, action_id=question, value=option)
        await scene.settle()

    for question, option in (answers | {"mode": "agency", "agency_link": "no"}).items():
        await choose(question, option)
    for away, back in ((("mode", "in_house"), ("mode", "agency")), (("orientation", "seo"), ("orientation", "key"))):
        await choose("brand", "no")
        await choose(*away)
        assert "agency_link" not in asked(view)
        await choose(*back)
        assert view.state["agency_link"]["agency_link"]["selected_option"]["value"] == "no"
    assert not form_shows(view, scene.t("question.mode.why"))
    await scene.user_actions.press(scene.anna, view, scene.label("help"))
    await scene.settle()
    assert form_shows(view, scene.t("question.mode.why"))
    assert form_shows(view, scene.t("question.mode.examples"))
    assert view.state["agency_link"]["agency_link"]["selected_option"]["value"] == "no"
    await scene.user_actions.press(scene.anna, view, scene.label("hide_help"))
    await scene.settle()
    assert not form_shows(view, scene.t("question.mode.why"))
    await choose("mode", "in_house")
    await scene.user_actions.submit_view(scene.anna, view)
    await scene.settle()
    assert scene.t("outcome.in_house.title") in " ".join(scene.card(scene.anna, scene.marketing).texts())


def form_shows(view: View, text: str) -> bool:
    return text in " ".join(view.texts())


async def test_global_shortcut_opens_the_form_and_ends_in_a_direct_message(
    scene: Scene, answers: dict[str, str]
) -> None:
    await scene.user_actions.shortcut(scene.anna, "open_form")
    await scene.settle()
    view = scene.user_actions.modal(scene.anna)
    assert view
    for question, option in answers.items():
        await scene.user_actions.press(scene.anna, view, action_id=question, value=option)
        await scene.settle()
    await scene.user_actions.submit_view(scene.anna, view)
    await scene.settle()
    card: Message = scene.card(scene.anna, scene.team.im(scene.anna))
    assert scene.label("keep_private") in card.buttons()


async def test_home_tab_shows_the_viewers_checks(scene: Scene, answers: dict[str, str]) -> None:
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "keep_private")
    for user in (scene.anna, scene.ben):
        await scene.user_actions.open_home(user)
    await scene.settle()
    home, other = scene.user_actions.home(scene.anna), scene.user_actions.home(scene.ben)
    assert home
    assert other
    outcome = scene.t("outcome.in_house.title")
    assert outcome in " ".join(home.texts())
    assert outcome not in " ".join(other.texts())
    assert scene.t("checks.none") in other.texts()

    await scene.press(scene.anna, home, "open_check")
    direct = scene.card(scene.anna, scene.team.im(scene.anna))
    assert outcome in " ".join(direct.texts())
    await scene.press(scene.anna, home, "start")
    direct = scene.card(scene.anna, scene.team.im(scene.anna))
    assert scene.t("question.orientation.text") in " ".join(direct.texts())
    await scene.press(scene.anna, home, "language")
    other_language = "en" if scene.t.language == "fr" else "fr"
    assert translations(other_language)("welcome.text") in home.texts()


async def test_my_checks_open_a_check(scene: Scene) -> None:
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.press(scene.anna, card, scene.option("orientation", "key"))
    listed = await scene.slash(scene.anna, scene.marketing, "my checks")
    text = " ".join(listed.texts())
    next_question = scene.t("checks.next", question=scene.t("question.brand.short"))
    assert scene.t("checks.item", outcome=next_question, answers=scene.t.plural("checks.answers", 1)) in text
    assert scene.t("checks.in_progress") in text
    assert "^{date_short_pretty}|" in text
    await scene.press(scene.anna, listed, "open_check")
    assert scene.t("question.brand.text") in " ".join(scene.card(scene.anna, scene.marketing).texts())


async def test_my_checks_tell_where_and_when(scene: Scene, answers: dict[str, str]) -> None:
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "post")
    post = await scene.posted(scene.marketing)
    await scene.settle()
    await scene.user_actions.invite(scene.anna, scene.marketing)
    await scene.user_actions.mention(scene.anna, scene.marketing, "check")
    await scene.settle()
    listed = await scene.slash(scene.anna, scene.marketing, "my checks")
    running, posted = [block["text"]["text"] for block in listed.blocks[1:]]
    place = f"<#{scene.marketing.id}>"
    assert running.endswith(scene.t("checks.in_progress_in", place=place))
    assert posted.startswith(f"*{presenter.OUTCOME_MARKS['in_house']} {scene.t('outcome.in_house.title')}*")
    assert f" · {scene.t('checks.posted_in', place=place)} · <" in posted
    assert posted.endswith(f"|{scene.t('label.open_post')}>")
    assert post.ts.replace(".", "") in posted
    time = scene.t("checks.date_time", date="{date_short_pretty}", time="{time}")
    assert all(f"^{time}|" in line for line in (running, posted)), "two checks of one day"


async def test_forget_me_asks_first_and_reports_the_count(scene: Scene) -> None:
    card = await scene.slash(scene.anna, scene.marketing)
    asked = await scene.slash(scene.anna, scene.marketing, "oublie-moi" if scene.t.language == "fr" else "forget me")
    assert scene.t("forget.confirm") in asked.texts()
    await scene.press(scene.anna, asked, "forget_confirm")
    assert scene.t.plural("forget.done", 1) in asked.texts()
    await scene.press(scene.anna, card, scene.option("orientation", "key"))
    assert scene.reads(scene.anna, scene.marketing, scene.t("notice.gone"))


async def test_a_post_says_that_its_details_were_deleted(scene: Scene, answers: dict[str, str]) -> None:
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.answer_all(scene.anna, card, answers)
    await scene.press(scene.anna, card, "post")
    post = await scene.posted(scene.marketing)
    asked = await scene.slash(scene.anna, scene.marketing, "oublie-moi" if scene.t.language == "fr" else "forget me")
    await scene.press(scene.anna, asked, "forget_confirm")
    before = post.texts()
    await scene.press(scene.ben, post, "details")
    notice = scene.sees(scene.ben, scene.marketing)[-1]
    assert notice.ephemeral_to == scene.ben.id
    assert scene.t("notice.details_gone") in notice.texts()
    assert post.texts() == before
    await scene.press(scene.ben, notice, "run_own")
    assert scene.reads(scene.ben, scene.marketing, scene.t("question.orientation.text"))


async def test_delete_my_data_on_the_home_tab(scene: Scene) -> None:
    await scene.slash(scene.anna, scene.marketing)
    await scene.user_actions.open_home(scene.anna)
    await scene.settle()
    home = scene.user_actions.home(scene.anna)
    assert home
    button = home.buttons()[scene.label("forget_me")]
    assert button["confirm"]["confirm"]["text"] == scene.label("forget_confirm")
    await scene.press(scene.anna, home, "forget_me")
    assert scene.t.plural("forget.done", 1) in " ".join(home.texts())
    assert scene.t("checks.none") in home.texts()
