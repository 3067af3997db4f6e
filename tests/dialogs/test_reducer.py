"""`dialogs.reducer`: every event, the events that must be rejected, and random sequences of events."""

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs import events, presenter
from dialogs.community_flow import FLOW
from dialogs.effects import DeletePost, EditPost, Notify, Post, Show
from dialogs.events import (
    Answer,
    Back,
    Cancel,
    Change,
    ConfirmPost,
    Details,
    Event,
    Expire,
    Fill,
    Help,
    KeepPrivate,
    More,
    Restart,
    Resume,
    Review,
    SetLanguage,
    Start,
    TakeBack,
    Typed,
    Why,
)
from dialogs.recommend import recommend
from dialogs.reducer import step
from dialogs.session import Actor, Page, Session, Status, upgrade
from dialogs.translations import translations
from dialogs.verify import all_paths
from dialogs.views import (
    DetailsCard,
    HelpCard,
    Link,
    Notice,
    PartialResultCard,
    QuestionCard,
    RecommendationCard,
    ReviewCard,
)
from dialogs.walk import walk

OWNER = Actor("team:1", "ada", "fr")
OTHER = Actor("team:1", "bob", "en")
STRANGER = Actor("team:2", "ada", "fr")

LIGHT = {"orientation": "seo", "brand": "no", "transformation": "no", "presence": "no"}
LIGHT |= {"seo_expert": "yes", "light_mode": "undecided"}
STRATEGIC = {"orientation": "key", "brand": "yes", "transformation": "no", "presence": "unknown"}
STRATEGIC |= {"mode": "agency", "agency_link": "yes", "person": "interns", "routine": "yes"}


def start(answers=None, quick=False, actor=OWNER):
    session, effects = step(FLOW, None, Start(actor, session="s1", answers=answers or {}, quick=quick))
    return session, effects


def views(effects, kind=Show):
    return [effect.view for effect in effects if isinstance(effect, kind)]


def shown(effects):
    (view,) = views(effects)
    return view


def notices(effects):
    return [view.id for view in views(effects, Notify) if isinstance(view, Notice)]


# --- The whole flow -----------------------------------------------------------------------------------------------


def test_every_path_answer_by_answer_with_back():
    """Each card asks the next question of the walk, `Back` undoes one answer, and the last card recommends."""
    paths = 0

    def visit(session, view):
        nonlocal paths
        question = walk(FLOW, session.answers).next_question
        if question is None:
            paths += 1
            result = recommend(FLOW, walk(FLOW, session.answers))
            assert result
            assert isinstance(view, RecommendationCard)
            assert view.outcome == presenter.outcome_title(translations("fr"), result)
            return
        assert isinstance(view, QuestionCard)
        assert view.question == question.id
        assert tuple(choice.option for choice in view.choices) == question.options
        for option in question.options:
            after, effects = step(FLOW, session, Answer(OWNER, question.id, option, revision=session.revision))
            before, _ = step(FLOW, after, Back(OWNER, revision=after.revision))
            assert before.answers == session.answers
            visit(after, shown(effects))

    session, effects = start()
    visit(session, shown(effects[:1]))
    assert paths == 7944


def test_keep_private_then_post_once():
    session, effects = start(STRATEGIC)
    assert isinstance(shown(effects[:1]), RecommendationCard)
    session, effects = step(FLOW, session, KeepPrivate(OWNER, revision=session.revision))
    view = shown(effects)
    assert isinstance(view, RecommendationCard)
    assert [button.action for button in view.buttons] == ["post", "review", "details", "new_check"]
    assert not [effect for effect in effects if isinstance(effect, Post)]

    session, effects = step(FLOW, session, ConfirmPost(OWNER, "C1", revision=session.revision))
    (post,) = [effect for effect in effects if isinstance(effect, Post)]
    assert (post.destination, post.key) == ("C1", "s1:post:1")
    assert session.status is Status.POSTED

    for again in (
        ConfirmPost(OWNER, "C1", revision=session.revision - 1),  # a double press
        ConfirmPost(OWNER, "C2", revision=session.revision),
        ConfirmPost(OWNER, "C1"),
    ):
        same, effects = step(FLOW, session, again)
        assert same is session
        assert not [effect for effect in effects if isinstance(effect, Post)]


@pytest.mark.parametrize("answers", [LIGHT, STRATEGIC])
def test_change_keeps_answers_and_notes_those_that_no_longer_count(answers):
    session, _ = start(answers)
    session, effects = step(FLOW, session, Change(OWNER, "brand", revision=0))
    view = shown(effects)
    assert isinstance(view, QuestionCard)
    answer = translations("fr")(f"option.brand.{answers['brand']}")
    assert view.current == translations("fr")("prompt.current", answer=answer)
    assert [(choice.sign, choice.label) for choice in view.choices if choice.sign] == [("✓", answer)]
    assert view.bar == ""
    flipped = "no" if answers["brand"] == "yes" else "yes"
    session, effects = step(FLOW, session, Answer(OWNER, "brand", flipped, revision=session.revision))
    assert session.answers == answers | {"brand": flipped}
    assert session.changing is None
    note = shown(effects).note
    assert note[0] == translations("fr")(
        "notice.changed", question="Image de marque", answer=translations("fr")(f"option.brand.{flipped}")
    )
    if answers is LIGHT:  # now strategic: other questions follow, and the light ones no longer count
        assert isinstance(shown(effects), QuestionCard)
        assert "Expert SEO" in note[1]
    else:  # still strategic by its orientation
        assert isinstance(shown(effects), RecommendationCard)


def test_change_notes_answers_that_count_again():
    session, _ = start(LIGHT | {"brand": "yes", "mode": "both"})
    session, _ = step(FLOW, session, Change(OWNER, "brand"))
    session, effects = step(FLOW, session, Answer(OWNER, "brand", "no"))
    view = shown(effects)
    assert isinstance(view, RecommendationCard)
    assert any("Expert SEO" in line and "De nouveau" in line for line in view.note)
    assert walk(FLOW, session.answers).unused == ("mode",)


def test_back_ends_a_change_and_stops_at_the_first_question():
    session, _ = start(STRATEGIC)
    session, _ = step(FLOW, session, Change(OWNER, "mode"))
    session, effects = step(FLOW, session, Back(OWNER))
    assert isinstance(shown(effects), RecommendationCard)
    assert session.answers == STRATEGIC
    session, _ = start()
    same, effects = step(FLOW, session, Back(OWNER))
    assert same is session
    assert notices(effects) == ["nothing_back"]


def test_restart_asks_first_and_back_brings_the_answers_back():
    session, _ = start(STRATEGIC)
    asked, effects = step(FLOW, session, Restart(OWNER, revision=0))
    notice = shown(effects)
    assert notice.text == translations("fr").plural("notice.restart", 8)
    assert [button.action for button in notice.buttons] == ["restart_confirm", "continue"]
    assert asked.answers == STRATEGIC
    kept, effects = step(FLOW, asked, Resume(OWNER, revision=0))
    assert (kept, type(shown(effects))) == (session, RecommendationCard)

    session, effects = step(FLOW, asked, Restart(OWNER, confirmed=True, revision=0))
    card = shown(effects)
    assert (session.answers, session.cleared, card.question) == ({}, STRATEGIC, "orientation")
    assert card.note == (translations("fr")("notice.cleared"),)
    assert [button.action for button in card.buttons] == ["back", "why", "cancel"]
    same, effects = step(FLOW, session, Restart(OWNER, confirmed=True, revision=0))
    assert (same, notices(effects)) == (session, []), "a second press"
    again, effects = step(FLOW, session, Restart(OWNER))
    assert (again.answers, again.cleared) == ({}, STRATEGIC), "nothing to ask about"
    restored, effects = step(FLOW, session, Back(OWNER, revision=1))
    assert (restored.answers, restored.cleared) == (STRATEGIC, {})
    assert isinstance(shown(effects), RecommendationCard)


def test_a_new_answer_drops_what_restart_cleared():
    session, _ = start(STRATEGIC)
    session, _ = step(FLOW, session, Restart(OWNER, confirmed=True))
    session, _ = step(FLOW, session, Answer(OWNER, "orientation", "seo"))
    assert session.cleared == {}
    session, effects = step(FLOW, session, Back(OWNER))
    assert (session.answers, shown(effects).question) == ({}, "orientation")
    assert [button.action for button in shown(effects).buttons] == ["why", "cancel"]


def test_restart_without_answers_does_not_ask():
    _, effects = step(FLOW, start()[0], Restart(OWNER))
    assert shown(effects).question == "orientation"
    assert shown(effects).note == ()


@pytest.mark.parametrize(("text", "answers"), [("oui", {}), ("recommencer", {}), ("non", None), ("retour", None)])
def test_typed_reply_to_the_question_of_restart(text, answers):
    given = {"orientation": "key"}
    session, _ = start(given)
    session, _ = step(FLOW, session, Typed(OWNER, "recommencer"))
    session, effects = step(FLOW, session, Typed(OWNER, text))
    assert session.answers == (given if answers is None else answers), "not an answer to the question about the brand"
    assert isinstance(shown(effects), QuestionCard)
    assert session.page is None


@pytest.mark.parametrize("page", [Review(OWNER), Restart(OWNER), More(OWNER), Details(OWNER)])
@pytest.mark.parametrize("back", [Back(OWNER), Typed(OWNER, "retour")])
def test_back_leaves_what_is_shown_in_place_of_the_card(page, back):
    session, _ = start(STRATEGIC)
    on_page, effects = step(FLOW, session, page)
    assert not isinstance(shown(effects), RecommendationCard)
    after, effects = step(FLOW, on_page, back)
    assert after == replace(session, revision=1)
    assert isinstance(shown(effects), RecommendationCard)


def test_more_offers_what_a_small_card_has_no_room_for():
    session, _ = start({"orientation": "key"})
    session, effects = step(FLOW, session, More(OWNER))
    assert [button.action for button in shown(effects).buttons] == ["continue", "why", "restart", "cancel", "language"]
    session, effects = step(FLOW, session, Why(OWNER))
    assert shown(effects).help
    session, _ = step(FLOW, session, Back(OWNER))
    assert session.answers == {}, "the help is on the card itself"


QUICK = {"brand": "yes", "transformation": "no", "presence": "yes"}


def test_number_and_back_go_by_what_was_asked_after_a_quick_check():
    session, (show, _) = start(QUICK, quick=True)
    assert isinstance(show.view, PartialResultCard)
    assert "cancel" in [button.action for button in show.view.buttons]
    session, effects = step(FLOW, session, Resume(OWNER, revision=0))
    first = shown(effects)
    assert first.question == "orientation"
    assert first.progress == translations("fr")("progress.question", number=1, total=5)
    assert first.bar == "▰▱▱▱▱"
    session, effects = step(FLOW, session, Answer(OWNER, "orientation", "key"))
    assert (shown(effects).question, shown(effects).bar) == ("mode", "▰▰▱▱▱")
    session, effects = step(FLOW, session, Back(OWNER))
    assert (shown(effects).question, session.answers) == ("orientation", QUICK)
    assert "back" in [button.action for button in shown(effects).buttons]
    session, effects = step(FLOW, session, Back(OWNER))
    assert (session.status, session.answers) == (Status.QUICK, QUICK)
    assert isinstance(shown(effects), PartialResultCard)
    same, effects = step(FLOW, session, Back(OWNER))
    assert (same, notices(effects)) == (session, ["nothing_back"])
    session, effects = step(FLOW, session, Change(OWNER, "presence"))
    assert shown(effects).question == "presence"
    session, effects = step(FLOW, session, Answer(OWNER, "presence", "no"))
    assert session.ahead == ("brand", "transformation"), "it was asked now"


def test_several_typed_answers_are_ahead_and_those_of_a_form_are_not():
    for event, ahead in (
        (Typed(OWNER, "marque=oui mode=agence"), ("brand", "mode")),
        (Fill(OWNER, {"brand": "yes", "mode": "agency"}, asked=True), ()),
    ):
        session, effects = step(FLOW, start()[0], event)
        assert session.ahead == ahead
        assert shown(effects).progress.startswith("Question 1 " if ahead else "Question 3 ")


def test_back_from_the_end_of_a_complete_quick_check_asks_its_last_question():
    session, _ = start(LIGHT, quick=True)
    session, _ = step(FLOW, session, Change(OWNER, "brand"))
    session, _ = step(FLOW, session, Back(OWNER))
    session, effects = step(FLOW, session, Back(OWNER))
    assert shown(effects).question == "light_mode"


def test_back_undoes_the_previous_question_not_answers_given_ahead():
    session, _ = start({"brand": "yes", "mode": "agency"})
    session, _ = step(FLOW, session, Answer(OWNER, "orientation", "key"))
    session, effects = step(FLOW, session, Back(OWNER))
    assert session.answers == {"orientation": "key", "mode": "agency"}
    assert shown(effects).question == "brand"


def test_same_answer_again_has_no_note():
    session, _ = start(STRATEGIC)
    session, _ = step(FLOW, session, Change(OWNER, "brand"))
    session, effects = step(FLOW, session, Answer(OWNER, "brand", "yes"))
    assert shown(effects).note == ()


def test_why_shows_help_and_changes_nothing():
    session, _ = start({"orientation": "key"})
    same, effects = step(FLOW, session, Why(OWNER, revision=0))
    view = shown(effects)
    assert same is session
    assert view.question == "brand"
    assert len(view.help) == 3
    assert len(view.choices) == 3


def test_resume_continues_a_partial_quick_check():
    session, effects = start({"brand": "yes"}, quick=True)
    assert isinstance(shown(effects[:1]), PartialResultCard)
    assert session.status is Status.QUICK
    session, effects = step(FLOW, session, Resume(OWNER, revision=0))
    assert shown(effects).question == "orientation"
    assert session.status is Status.OPEN


def test_only_a_quick_check_can_be_posted_incomplete():
    session, _ = start({"brand": "yes"}, quick=True)
    posted, effects = step(FLOW, session, ConfirmPost(OWNER, "C1"))
    assert posted.status is Status.POSTED
    assert isinstance(shown(effects[1:]), PartialResultCard)
    session, _ = start({"brand": "yes"})
    same, effects = step(FLOW, session, ConfirmPost(OWNER, "C1"))
    assert same is session
    assert notices(effects) == ["not_complete"]


def test_complete_quick_check_shows_the_recommendation():
    session, effects = start(LIGHT, quick=True)
    assert session.status is Status.KEPT
    assert isinstance(shown(effects[:1]), RecommendationCard)


def test_only_change_reopens_a_kept_check():
    session, _ = start(LIGHT, quick=True)
    for event in (Review(OWNER), Details(OWNER), Back(OWNER), Resume(OWNER)):
        session, effects = step(FLOW, session, event)
        assert (session.status, session.answers) == (Status.KEPT, LIGHT)
    session, effects = step(FLOW, session, Review(OWNER))
    card = shown(effects)
    assert isinstance(card, ReviewCard)
    assert [button.action for button in card.buttons] == ["continue", "back"]
    session, effects = step(FLOW, session, Change(OWNER, "brand", revision=session.revision))
    assert (session.status, shown(effects).question) == (Status.OPEN, "brand")


def test_set_language():
    session, _ = start()
    session, effects = step(FLOW, session, SetLanguage(OWNER, "en"))
    assert shown(effects).text == translations("en")("question.orientation.text")
    same, effects = step(FLOW, session, SetLanguage(OWNER, "tlh"))
    assert same is session
    assert notices(effects) == ["unknown"]


# --- Rejected events ----------------------------------------------------------------------------------------------

REJECTED = [
    (Answer(OWNER, "brand", "yes", revision=7), ["stale"]),
    (Answer(OWNER, "brand", "yes"), ["stale"]),  # not the current question
    (Answer(OWNER, "orientation", "moon"), ["unknown"]),
    (Answer(OWNER, "moon", "yes"), ["unknown"]),
    (Fill(OWNER, {"brand": "yes", "moon": "yes"}), ["unknown"]),
    (Fill(OWNER, {}), ["unknown"]),
    (Change(OWNER, "brand"), ["unknown"]),
    (Change(OWNER, "moon"), ["unknown"]),
    (ConfirmPost(OWNER, "C1"), ["not_complete"]),
    (KeepPrivate(OWNER), ["not_complete"]),
    (Back(OWNER), ["nothing_back"]),
    (Details(OTHER), ["not_yours"]),
    (Typed(OWNER, "quarante-deux sangliers"), ["not_understood"]),
    (Answer(OTHER, "orientation", "key"), ["not_yours"]),
    (ConfirmPost(OTHER, "C1"), ["not_yours"]),
    (Typed(OTHER, "oui"), ["not_yours"]),
    (SetLanguage(OTHER, "en"), ["not_yours"]),
    (Restart(STRANGER), ["gone"]),
    (Details(STRANGER), ["details_gone"]),
]


@pytest.mark.parametrize(("event", "ids"), REJECTED, ids=lambda value: str(value)[:60])
def test_rejected_event_changes_nothing(event, ids):
    session, _ = start()
    same, effects = step(FLOW, session, event)
    assert same is session
    assert notices(effects) == ids
    assert not [effect for effect in effects if isinstance(effect, Post)]


def test_another_person_gets_a_notice_in_their_language_and_can_start_a_check():
    session, _ = start()
    _, effects = step(FLOW, session, Back(OTHER))
    (notice,) = views(effects, Notify)
    assert notice.text == translations("en")("notice.not_yours")
    assert [button.action for button in notice.buttons] == ["run_own"]
    assert not views(effects)


def test_unknown_session():
    none, effects = step(FLOW, None, Back(OWNER))
    assert none is None
    assert notices(effects) == ["gone"]
    _, effects = step(FLOW, None, Details(OTHER))
    (notice,) = views(effects, Notify)
    assert notice.id == "details_gone", "a post outlives the check"
    assert [button.action for button in notice.buttons] == ["run_own"]


def test_second_press_of_a_button_has_no_notice():
    session, _ = start()
    press = Answer(OWNER, "orientation", "key", revision=0)
    session, _ = step(FLOW, session, press)
    same, effects = step(FLOW, session, press)
    assert same is session
    assert notices(effects) == []
    assert shown(effects).question == "brand"


def test_press_on_an_old_card_gets_a_notice_and_the_current_card():
    session, _ = start()
    session, _ = step(FLOW, session, Answer(OWNER, "orientation", "key", revision=0))
    same, effects = step(FLOW, session, Answer(OWNER, "orientation", "seo", revision=0))
    assert same is session
    assert notices(effects) == ["stale"]
    assert shown(effects).question == "brand"


@pytest.mark.parametrize(("close", "status"), [(Cancel, Status.CANCELLED), (Expire, Status.EXPIRED)])
def test_closed_dialog_stays_closed(close, status):
    session, _ = start({"orientation": "key"})
    session, effects = step(FLOW, session, close(OWNER))
    assert session.status is status
    assert shown(effects).id == status.value
    for event in (Answer(OWNER, "brand", "yes"), Restart(OWNER), ConfirmPost(OWNER, "C1"), KeepPrivate(OWNER)):
        same, effects = step(FLOW, session, event)
        assert same is session
        assert notices(effects) == [status.value]


def test_a_stopped_dialog_goes_on_where_it_was():
    session, _ = start({"orientation": "key"})
    stopped, effects = step(FLOW, session, Cancel(OWNER, revision=session.revision))
    assert [button.action for button in shown(effects).buttons] == ["continue", "start"]
    resumed, effects = step(FLOW, stopped, Resume(OWNER, revision=stopped.revision))
    assert (resumed.status, resumed.answers) == (Status.OPEN, {"orientation": "key"})
    assert shown(effects).question == "brand"


def test_a_dialog_stopped_without_an_answer_has_nothing_to_go_on_with():
    session, _ = start()
    stopped, effects = step(FLOW, session, Cancel(OWNER))
    assert [button.action for button in shown(effects).buttons] == ["start"]
    same, _ = step(FLOW, stopped, Resume(OWNER))
    assert same is stopped


def test_a_post_of_a_first_view_names_the_outcomes_in_the_order_of_the_card():
    session, effects = start({"brand": "yes"}, quick=True, actor=OWNER._replace(language="en"))
    assert [title.split()[0] for title in shown(effects[:1]).possible] == ["In-house,", "A", "A"]
    _, effects = step(FLOW, session, ConfirmPost(OWNER, "C1"))
    t = translations("en")
    phrases = [t(f"outcome.{id}.phrase") for id in ("in_house", "agency", "hybrid")]
    because = effects[0].view.because
    assert phrases == sorted(phrases, key=because.index)


def test_a_posted_quick_check_goes_on_and_its_post_is_updated():
    session, _ = start({"brand": "yes", "transformation": "no"}, quick=True)
    posted, effects = step(FLOW, session, ConfirmPost(OWNER, "C1"))
    go_on = shown(effects[1:]).buttons[0]
    assert (go_on.action, go_on.label) == ("change", translations("fr")("label.continue"))
    _, effects = step(FLOW, posted, Review(OWNER))
    assert [button.action for button in shown(effects).buttons] == ["back"], "no button that does nothing"
    session, effects = step(FLOW, posted, Change(OWNER, go_on.question, revision=posted.revision))
    assert (shown(effects).question, shown(effects).current) == ("orientation", None)
    for question, option in STRATEGIC.items():
        if question not in session.answers:
            session, effects = step(FLOW, session, Answer(OWNER, question, option))
    assert shown(effects).buttons[0].action == "update_post"
    stopped, _ = step(FLOW, session, Cancel(OWNER))
    assert stopped.answers == posted.answers, "the post stays"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_an_agency_is_not_said_to_work_closely_when_that_is_unclear(language):
    _, effects = start(STRATEGIC | {"agency_link": "unknown"}, actor=OWNER._replace(language=language))
    claim = {"fr": "Elle travaille aussi étroitement", "en": "It works as closely"}[language]
    assert claim not in " ".join(shown(effects[:1]).summary.split())


def test_details_are_for_anyone_of_the_tenant_without_the_owners_buttons():
    session, _ = start(STRATEGIC)
    session, _ = step(FLOW, session, ConfirmPost(OWNER, "C1"))
    same, effects = step(FLOW, session, Details(OTHER))
    (view,) = views(effects, Notify)
    assert same is session
    assert isinstance(view, DetailsCard)
    assert view.outcome == translations("en")("outcome.agency.title")
    assert [button.action for button in view.buttons] == ["run_own"]


@pytest.mark.parametrize(("answers", "quick"), [(STRATEGIC, False), ({"brand": "yes"}, True)])
def test_details_of_a_post_lead_its_owner_back(answers, quick):
    session, _ = start(answers, quick)
    session, _ = step(FLOW, session, ConfirmPost(OWNER, "C1"))
    card = shown(step(FLOW, session, Resume(OWNER))[1])
    _, effects = step(FLOW, session, Details(OWNER))
    (view,) = views(effects, Notify)
    assert [button.action for button in view.buttons] == ["continue"]
    _, effects = step(FLOW, session, Resume(OWNER, revision=session.revision))
    assert shown(effects) == card


@pytest.mark.parametrize("finish", [None, KeepPrivate(OWNER)])
def test_the_owner_sees_the_details_in_place_of_the_card_and_goes_back(finish):
    session, _ = start(STRATEGIC)
    if finish:
        session, _ = step(FLOW, session, finish)
    same, effects = step(FLOW, session, Details(OWNER))
    assert same == replace(session, page=Page.DETAILS)
    card = shown(effects)
    assert isinstance(card, DetailsCard)
    assert [option.outcome for option in card.options] == ["in_house", "agency", "hybrid"]
    assert [option.recommended for option in card.options] == [False, True, False]
    assert card.buttons[0].action == "continue"
    _, effects = step(FLOW, same, Resume(OWNER, revision=same.revision))
    assert isinstance(shown(effects), RecommendationCard)


def test_details_link_to_the_article_where_its_address_is_known():
    session, _ = start(STRATEGIC)
    _, effects = step(FLOW, session, Details(OWNER))
    assert shown(effects).article is None
    for version in (1, FLOW.version):
        finished = replace(session, status=Status.KEPT, version=version)
        _, effects = step(FLOW.with_article("https://example.org/a_(1)?x=é|y"), finished, Details(OWNER))
        label = translations("fr")("article.read")
        assert shown(effects).article == Link(label, "https://example.org/a_%281%29?x=%C3%A9%7Cy")


def test_details_of_an_unfinished_dialog_are_for_nobody_else():
    session, _ = start(STRATEGIC)
    _, effects = step(FLOW, session, Details(OTHER))
    assert views(effects, Notify)[0].id == "not_yours"


def test_review_lists_the_answers_of_a_complete_dialog():
    session, _ = start(STRATEGIC)
    _, effects = step(FLOW, session, Review(OWNER, revision=session.revision))
    card = shown(effects)
    assert isinstance(card, ReviewCard)
    assert [row.question for row in card.rows] == list(STRATEGIC)


def test_options_do_not_presume_an_seo_specialist_who_is_not_there():
    t = translations("fr")
    for answer, id in (("yes", "outcome.seo_expert.title"), ("no", "outcome.seo_expert.title.find")):
        session, _ = start(LIGHT | {"seo_expert": answer, "light_mode": "in_house"})
        _, effects = step(FLOW, session, Details(OWNER))
        card = shown(effects)
        assert isinstance(card, DetailsCard)
        assert {option.outcome: option.title for option in card.options}["seo_expert"] == t(id)


# --- Typed text ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "question", "option"),
    [("la clé", "orientation", "key"), ("2", "orientation", "key"), ("je sais pas", "orientation", "unknown")],
)
def test_typed_text_answers_the_current_question(text, question, option):
    session, _ = start()
    session, effects = step(FLOW, session, Typed(OWNER, text))
    assert session.answers == {question: option}
    assert shown(effects).question == "brand"


def test_typed_details_show_the_details_of_a_finished_dialog():
    session, _ = start(STRATEGIC)
    same, effects = step(FLOW, session, Typed(OWNER, "détails"))
    assert same == replace(session, page=Page.DETAILS)
    assert isinstance(shown(effects), DetailsCard)


def test_typed_commands():
    session, _ = start(STRATEGIC)
    session, effects = step(FLOW, session, Typed(OWNER, "retour"))
    assert shown(effects).question == "routine"
    _, effects = step(FLOW, session, Typed(OWNER, "pourquoi ?"))
    assert shown(effects).help
    _, effects = step(FLOW, session, Typed(OWNER, "aide"))
    assert isinstance(views(effects, Notify)[0], HelpCard)
    session, effects = step(FLOW, session, Typed(OWNER, "recommencer"))
    assert shown(effects).id == "restart"


def test_typed_text_with_several_answers():
    session, _ = start()
    session, effects = step(FLOW, session, Typed(OWNER, "marque=oui mode=agence"))
    assert session.answers == {"brand": "yes", "mode": "agency"}
    assert shown(effects).question == "orientation"


def test_typed_quick_check_reports_every_fault():
    session, _ = start()
    same, effects = step(FLOW, session, Typed(OWNER, "marqe=oui presence=bleu zorglub=oui"))
    assert same is session
    (notice,) = views(effects, Notify)
    assert len(notice.text.splitlines()) >= 2
    assert "bleu" in notice.text
    assert "Oui" in notice.text


def test_typed_text_never_posts():
    session, _ = start(STRATEGIC)
    for text in ("publier", "post", "Publier dans le canal", "oui"):
        session, effects = step(FLOW, session, Typed(OWNER, text))
        assert session.status is Status.OPEN
        assert not [effect for effect in effects if isinstance(effect, Post)]


# --- Random events ------------------------------------------------------------------------------------------------

IDS = st.sampled_from([question.id for question in FLOW.questions] + ["moon", ""])
OPTIONS = st.sampled_from([option for question in FLOW.questions for option in question.options] + ["moon", ""])
ACTORS = st.sampled_from([OWNER, OWNER, OWNER, OTHER, STRANGER, Actor("team:1", "ada", "xx")])
TEXTS = st.sampled_from(["oui", "non", "retour", "2", "je sais pas", "marque=oui", "oui non oui", "moon=3"])
FIELDS = {
    "actor": ACTORS,
    "revision": st.none() | st.integers(-1, 12),
    "question": IDS,
    "option": OPTIONS,
    "answers": st.dictionaries(IDS, OPTIONS, max_size=4),
    "text": TEXTS | st.text(max_size=30),
    "destination": st.sampled_from(["C1", ""]),
    "language": st.sampled_from(["fr", "en", "xx"]),
    "session": st.just("s1"),
    "quick": st.booleans(),
    "confirmed": st.booleans(),
    "asked": st.booleans(),
}
KINDS = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)]
KINDS.remove(Event)
KINDS.remove(Start)
EVENTS = st.sampled_from([*KINDS, *[Answer] * 6]).flatmap(
    lambda kind: st.builds(kind, **{field.name: FIELDS[field.name] for field in fields(kind)})
)


@settings(max_examples=200)
@given(st.lists(EVENTS, max_size=25), st.booleans(), FIELDS["answers"])
def test_any_sequence_of_events(sequence, quick, answers):
    session, _ = start(answers, quick)
    posts = 0
    for generated in sequence:
        # -1 stands for the current revision, so that many events are accepted.
        event = replace(generated, revision=session.revision) if generated.revision == -1 else generated
        after, effects = step(FLOW, session, event)
        assert json.loads(json.dumps(after.to_json())) == after.to_json()
        assert Session.from_json(after.to_json()) == after
        if event.actor.tenant != OWNER.tenant or event.actor.person != OWNER.person:
            assert after is session
            assert not views(effects)
        if after.answers != session.answers or after.status != session.status:
            assert after.revision == session.revision + 1
        assert set(after.answers) <= {question.id for question in FLOW.questions}
        if session.status is Status.POSTED and not isinstance(event, Change | TakeBack):
            same = {"language": session.language, "page": session.page, "revision": session.revision}
            assert replace(after, **same) == session
        if session.publication and after.publication != session.publication:
            [effect] = [effect for effect in effects if isinstance(effect, EditPost | DeletePost)]
            assert isinstance(effect, EditPost) == (after.publication is not None)
        assert after.status is not Status.POSTED or after.as_posted() == after
        assert views(effects) or views(effects, Notify)
        posts += sum(isinstance(effect, Post) for effect in effects)
        posts -= sum(isinstance(effect, DeletePost) for effect in effects)
        session = after
        assert posts == (session.publication is not None)


# --- A new version of the flow ------------------------------------------------------------------------------------


def test_new_version_upgrades_running_sessions_only():
    questions = tuple(
        replace(question, revised_in_version=FLOW.version + 1)
        if question.id == "brand"
        else replace(question, options=("in_house", "agency"))
        if question.id == "mode"
        else question
        for question in FLOW.questions
        if question.id != "routine"
    )
    later = replace(FLOW, version=FLOW.version + 1, questions=questions)
    session, _ = start(STRATEGIC | {"mode": "both"})
    upgraded, again = upgrade(later, session)
    assert upgraded.version == FLOW.version + 1
    assert again == ("brand", "mode")
    assert set(upgraded.answers) == set(STRATEGIC) - {"brand", "mode", "routine"}
    note = translations("fr")("notice.asked_again", questions="Image de marque, Gestion souhaitée")
    for event in (
        Resume(OWNER),
        Typed(OWNER, "oui"),
        Typed(OWNER, "reprendre"),
        Answer(OWNER, "brand", "no", revision=9),
    ):
        after, effects = step(later, session, event)
        assert after.version == later.version
        assert note in shown(effects).note, event
    unclear = Typed(OWNER, "quarante-deux sangliers")
    assert step(later, session, unclear)[0] is session, "the note is for the next card"
    posted = replace(session, status=Status.POSTED)
    assert upgrade(later, posted) == (posted, ())


def test_start_ignores_unknown_answers():
    session, _ = start({"brand": "yes", "mode": "moon", "moon": "yes"})
    assert session.answers == {"brand": "yes"}


def test_all_paths_from_complete_answers():
    assert len(list(all_paths(FLOW, STRATEGIC))) == 1


def test_help_changes_nothing():
    session, _ = start()
    same, effects = step(FLOW, session, Help(OWNER))
    assert same is session
    assert isinstance(views(effects, Notify)[0], HelpCard)
