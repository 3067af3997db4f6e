"""Words typed in Slack: small talk, unclear text, and what is not meant for the app."""

from typing import Any

import pytest

from dialogs.translations import translations
from tests.scenarios.slack.conftest import Scene

SMALL_TALK = {
    "hello": "hello :wave:",
    "thanks": "thanks a lot!",
    "goodbye": "au revoir",
    "how_are_you": "ça va ?",
    "who_are_you": "who are you?",
    "joke": "une blague",
}


async def mention(scene: Scene, text: str, thread: str | None = None) -> str:
    """Mention the app. Return the thread of the answer."""
    asked = await scene.user_actions.mention(scene.anna, scene.marketing, text, thread)
    await scene.settle()
    assert asked.message
    return thread or asked.message.ts


@pytest.mark.parametrize("where", ["command", "direct message", "mention"])
async def test_small_talk_is_answered_with_one_line_and_one_button(scene: Scene, where: str) -> None:
    await scene.user_actions.invite(scene.anna, scene.marketing)
    channel = scene.team.im(scene.anna) if where == "direct message" else scene.marketing
    for name, text in SMALL_TALK.items():
        if where == "command":
            await scene.slash(scene.anna, channel, text)
        elif where == "direct message":
            await scene.tell(scene.anna, text)
        else:
            await mention(scene, text)
        answer = scene.sees(scene.anna, channel)[-1]
        assert answer.texts() == [scene.t(f"small_talk.{name}"), scene.label("start")]
    assert len(scene.sees(scene.anna, channel)) == len(SMALL_TALK), "no check was started"


async def test_hello_shows_the_running_dialog(scene: Scene) -> None:
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.press(scene.anna, card, scene.option("orientation", "key"))
    again = await scene.slash(scene.anna, scene.marketing, "hello")
    assert scene.t("question.brand.text") in " ".join(again.texts())
    await scene.tell(scene.anna, "start")
    again = await scene.tell(scene.anna, "bonjour")
    assert scene.t("question.orientation.text") in " ".join(again.texts())
    thanks = await scene.tell(scene.anna, "merci")
    assert thanks.texts() == [scene.t("small_talk.thanks"), scene.label("continue")]


async def test_unclear_text_repeats_the_question(scene: Scene) -> None:
    await scene.tell(scene.anna, "start")
    for text, id in (("ça dépend", "did_you_mean"), ("details", "details_too_early"), ("publier", "post_too_early")):
        notice = await scene.tell(scene.anna, text)
        assert scene.t("question.orientation.text") in " ".join(notice.texts())
        assert scene.t(f"notice.{id}") in " ".join(notice.texts())
        assert scene.option("orientation", "key") in notice.buttons()
    notice = scene.sees(scene.anna, scene.team.im(scene.anna))[-1]
    await scene.press(scene.anna, notice, scene.option("orientation", "key"))
    assert scene.reads(scene.anna, scene.team.im(scene.anna), scene.t("question.brand.text"))


async def test_a_command_names_the_card_above(scene: Scene) -> None:
    await scene.tell(scene.anna, "start")
    direct = scene.team.im(scene.anna)
    first = scene.card(scene.anna, direct)
    await scene.tell(scene.anna, "why")
    assert first.texts() == [scene.t("passed.below_named", name=scene.t("question.orientation.short"))]


async def test_quick_checks_that_are_not_clear_are_offered(scene: Scene) -> None:
    offer = await scene.slash(scene.anna, scene.marketing, "non, pas du tout")
    assert scene.t("notice.did_you_mean") in offer.texts()
    await scene.press(scene.anna, offer, f"{scene.t('question.brand.short')} · {scene.option('brand', 'no')}")
    assert scene.t("partial.title") in " ".join(offer.texts())
    key = await scene.slash(scene.anna, scene.marketing, "check the key")
    assert scene.t("fact.strategic.true") in " ".join(key.texts())


@pytest.mark.parametrize("text", ["https://example.com/?a=no", "xyzzy", "never ever say", "N/A"])
async def test_what_does_not_look_like_answers_is_not_read_as_answers(scene: Scene, text: str) -> None:
    answer = await scene.slash(scene.anna, scene.marketing, text)
    assert scene.t("partial.title") not in answer.texts()
    assert scene.t("question.brand.short") not in " ".join(answer.texts())


async def test_a_fault_is_quoted_unchanged(scene: Scene) -> None:
    answer = await scene.slash(scene.anna, scene.marketing, "oui Présse-Agrumme non")
    assert "Présse-Agrumme" in " ".join(answer.texts())


@pytest.mark.parametrize("text", ["lang de", "language", "en allemand"])
async def test_languages_are_offered_in_their_own_names(scene: Scene, text: str) -> None:
    other = {"fr": "en", "en": "fr"}[scene.t.language]
    offer = await scene.slash(scene.anna, scene.marketing, text)
    assert list(offer.buttons()) == ["Français", "English"]
    await scene.press(scene.anna, offer, translations(other)("language.own"))
    assert translations(other)("notice.language") in offer.texts()
    assert scene.t("notice.nothing_to_post") in (await scene.slash(scene.ben, scene.marketing, "post")).texts()


# --- What is meant for the app ---------------------------------------------------------------------


async def test_a_mention_in_code_or_a_quotation_is_not_for_the_app(scene: Scene) -> None:
    await scene.user_actions.invite(scene.anna, scene.marketing)
    app = f"<@{scene.team.bot.id}>"
    for number, text in enumerate((f"write `{app} check`", f"&gt; {app} check\nlike this")):
        ts = f"179588{number:04}.000100"
        event = {"type": "app_mention", "user": scene.anna.id, "channel": scene.marketing.id, "ts": ts, "text": text}
        assert (await scene.user_actions.event(event)).status == 200
    await scene.settle()
    assert scene.sees(scene.anna, scene.marketing) == []


async def test_an_edited_mention_changes_nothing(scene: Scene) -> None:
    await scene.user_actions.invite(scene.anna, scene.marketing)
    thread = await mention(scene, "start")
    await mention(scene, "la clé", thread)
    answered = await scene.user_actions.mention(scene.anna, scene.marketing, "oui", thread)
    await scene.settle()
    before = len(scene.sees(scene.anna, scene.marketing))
    edit = {"edited": {"user": scene.anna.id, "ts": "1795880000.000200"}, "text": f"<@{scene.team.bot.id}> oui !"}
    for changes in (edit, {"text": f"<@{scene.team.bot.id}> oui !"}):  # not every event of an edit says so
        await scene.user_actions.event(answered.payload["event"] | changes)
        await scene.settle()
    assert len(scene.sees(scene.anna, scene.marketing)) == before
    assert scene.t("question.transformation.text") in " ".join(scene.card(scene.anna, scene.marketing).texts())


async def test_words_with_a_file_are_read(scene: Scene) -> None:
    await scene.tell(scene.anna, "start")
    direct = scene.team.im(scene.anna)
    event: dict[str, Any] = {"type": "message", "channel": direct.id, "channel_type": "im", "user": scene.anna.id}
    event |= {"subtype": "file_share", "files": [{"id": "F1"}]}
    await scene.user_actions.event(event | {"ts": scene.slack.now_ts(), "text": "la clé"})
    await scene.settle()
    assert scene.t("question.brand.text") in " ".join(scene.card(scene.anna, direct).texts())


async def test_a_file_alone_starts_no_check(scene: Scene) -> None:
    direct = scene.team.im(scene.anna)
    event: dict[str, Any] = {"type": "message", "channel": direct.id, "channel_type": "im", "user": scene.anna.id}
    event |= {"subtype": "file_share", "files": [{"id": "F1"}], "text": "", "ts": scene.slack.now_ts()}
    await scene.user_actions.event(event)
    await scene.settle()
    assert [message.texts()[0] for message in scene.sees(scene.anna, direct)] == [scene.t("small_talk.hello")]
