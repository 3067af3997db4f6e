"""What typed text does in a session, and what the card above it says then."""

import pytest

from dialogs.community_flow import FLOW
from dialogs.effects import Notify, Post, Show
from dialogs.events import Start, Typed
from dialogs.reducer import step
from dialogs.session import Actor
from dialogs.text import lexicon
from dialogs.text.lexicon import SMALL_TALK, SMALL_TALK_ORDER
from dialogs.text.notices import passed_card
from dialogs.translations import languages, translations

OWNER = Actor("team:1", "ada", "fr")
T = translations("fr")


def start(answers=None, *, quick=False):
    return step(FLOW, None, Start(OWNER, session="s1", answers=answers or {}, quick=quick))


def views(effects, kind):
    return [effect.view for effect in effects if isinstance(effect, kind)]


@pytest.mark.parametrize("text", ["details", "publier", "post it"])
def test_typed_commands_that_need_a_recommendation_say_what_comes_first(text):
    unfinished, _ = start()
    same, effects = step(FLOW, unfinished, Typed(OWNER, text))
    assert same is unfinished
    [notice] = views(effects, Notify)
    assert notice.id == ("details_too_early" if text == "details" else "post_too_early")
    assert T("question.orientation.text") in notice.text
    assert [button.option for button in notice.buttons] == ["seo", "key", "unknown"]


def test_typed_post_of_a_quick_check_offers_the_button():
    quick, _ = start({"brand": "yes"}, quick=True)
    same, effects = step(FLOW, quick, Typed(OWNER, "post"))
    assert same is quick
    [notice] = views(effects, Notify)
    assert notice.buttons[0].action == "post"
    assert not views(effects, Post)


@pytest.mark.parametrize("text", ["oui et non", "xyzzy", "brand=perhaps", "N/A"])
def test_unclear_text_repeats_the_question(text):
    session, _ = start({"orientation": "key"})
    same, effects = step(FLOW, session, Typed(OWNER, text))
    assert same is session
    [notice] = views(effects, Notify)
    assert notice.text.startswith(T("question.brand.text") + "\n")
    assert text == "brand=perhaps" or {button.option for button in notice.buttons} == {"yes", "no", "unknown"}


@pytest.mark.parametrize("name", SMALL_TALK_ORDER)
def test_small_talk_is_answered_with_one_line_and_one_button(name):
    session, _ = start({"orientation": "key"})
    same, effects = step(FLOW, session, Typed(OWNER, lexicon.phrases(SMALL_TALK[name])[0]))
    assert same is session
    if name == "hello":
        assert [view.question for view in views(effects, Show)] == ["brand"]
        return
    [notice] = views(effects, Notify)
    assert notice.text == T(f"small_talk.{name}")
    assert [button.action for button in notice.buttons] == ["continue"]


def test_typed_language_offers_every_language_in_its_own_name():
    session, _ = start()
    for text in ("langue", "lang de", "language german"):
        same, effects = step(FLOW, session, Typed(OWNER, text))
        assert same is session
        [notice] = views(effects, Notify)
        assert {(button.label, button.option) for button in notice.buttons} == {("Français", "fr"), ("English", "en")}


@pytest.mark.parametrize("language", languages())
def test_small_talk_is_one_line(language):
    t = translations(language)
    assert set(SMALL_TALK) == set(SMALL_TALK_ORDER)
    for name in SMALL_TALK_ORDER:
        assert len(t(f"small_talk.{name}")) < 120


# --- The card above --------------------------------------------------------------------------------


def passed(answers, *texts, quick=False):
    before, _ = start(answers, quick=quick)
    after = before
    for text in texts:
        after, _ = step(FLOW, after, Typed(OWNER, text))
    return passed_card(FLOW, before, after)


def test_an_answered_card_keeps_its_question():
    card = passed({"orientation": "key"}, "oui")
    assert card.question == T("question.brand.text")
    assert card.answers == ("Image de marque\u00a0: Oui",)
    assert card.below == T("passed.below")


def test_several_answers_are_all_named():
    card = passed({"orientation": "key"}, "oui non oui")
    assert [answer.split("\u00a0: ")[1] for answer in card.answers] == ["Oui", "Non", "Oui"]


def test_a_changed_answer_is_named():
    before, _ = start({"orientation": "key", "brand": "yes"})
    before, _ = step(FLOW, before, Typed(OWNER, "changer marque"))
    after, _ = step(FLOW, before, Typed(OWNER, "non"))
    card = passed_card(FLOW, before, after)
    assert (card.question, card.answers) == (T("question.brand.text"), ("Image de marque\u00a0: Non",))


@pytest.mark.parametrize("text", ["pourquoi ?", "retour", "mes réponses", "recommencer", "bonjour"])
def test_another_command_leaves_one_line_that_names_the_question(text):
    card = passed({"orientation": "key"}, text)
    assert (card.question, card.answers) == (None, ())
    assert "Image de marque" in card.below


def test_a_result_is_named_by_its_title():
    assert T("partial.title") in passed({"brand": "yes"}, "bonjour", quick=True).below
