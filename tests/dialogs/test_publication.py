"""What an owner may do with a post: open it for changes, update it, leave it as it is, take it back."""

from dataclasses import replace

from dialogs.community_flow import FLOW
from dialogs.effects import DeletePost, EditPost, Notify, Post, Show
from dialogs.events import (
    Answer,
    Back,
    Cancel,
    Change,
    ConfirmPost,
    Details,
    Expire,
    KeepPrivate,
    Resume,
    Review,
    Start,
    TakeBack,
    UpdatePost,
)
from dialogs.reducer import step
from dialogs.session import Actor, Publication, Session, Status
from dialogs.translations import translations
from dialogs.views import DetailsCard, QuestionCard, RecommendationCard, ReviewCard

OWNER = Actor("team:1", "ada", "en")
READER = Actor("team:1", "bob", "en")
ANSWERS = {"orientation": "key", "brand": "yes", "transformation": "no", "presence": "unknown"}
ANSWERS |= {"mode": "agency", "agency_link": "yes", "person": "interns", "routine": "yes"}
t = translations("en")


def posted(answers=ANSWERS):
    session, _ = step(FLOW, None, Start(OWNER, "s1", answers))
    session, _ = step(FLOW, session, ConfirmPost(OWNER, "C1", revision=0))
    return session


def apply(session, *events):
    effects = []
    for event in events:
        session, effects = step(FLOW, session, event)
    return session, effects


def views(effects, kind=Show):
    return [effect.view for effect in effects if isinstance(effect, kind)]


def card(effects):
    [view] = views(effects)
    return view


def notices(effects):
    return [view.id for view in views(effects, Notify)]


def actions(effects):
    return [button.action for button in card(effects).buttons]


def changed():
    """Return a posted session whose answer about the person is changed."""
    session, _ = apply(posted(), Change(OWNER, "person"), Answer(OWNER, "person", "lasting"))
    return session


def test_the_card_of_a_post_offers_the_answers_and_to_take_it_back():
    _, effects = apply(posted(), Resume(OWNER))
    assert actions(effects) == ["review", "take_back", "details", "new_check"]


def test_the_answers_are_shown_without_opening_the_post_for_changes():
    session, effects = apply(posted(), Review(OWNER))
    assert replace(session, page=None) == posted()
    view = card(effects)
    assert isinstance(view, ReviewCard)
    assert {row.question for row in view.rows} == set(ANSWERS)
    assert actions(effects) == ["continue", "back"]
    session, effects = apply(session, Back(OWNER))
    assert isinstance(card(effects), RecommendationCard)
    assert session == replace(posted(), revision=session.revision)


def test_a_changed_answer_leaves_the_post_as_it_is_until_it_is_updated():
    session, effects = apply(posted(), Change(OWNER, "person"))
    assert isinstance(card(effects), QuestionCard)
    session, effects = apply(session, Answer(OWNER, "person", "lasting"))
    assert (session.status, session.publication.answers) == (Status.OPEN, ANSWERS)
    assert not [effect for effect in effects if isinstance(effect, Post | EditPost | DeletePost)]
    assert actions(effects) == ["update_post", "review", "details", "take_back", "cancel"]
    assert card(effects).share == t("review.share_update")
    session, effects = apply(session, UpdatePost(OWNER, revision=session.revision))
    assert session.status is Status.POSTED
    assert session.publication.answers == session.answers == ANSWERS | {"person": "lasting"}
    assert [effect for effect in effects if isinstance(effect, EditPost)] == [EditPost("C1")]
    assert card(effects).note == (t("notice.updating"),)


def test_details_of_the_post_show_others_what_is_posted_and_the_owner_what_changed():
    for actor, answer in ((READER, "interns"), (OWNER, "lasting")):
        _, effects = step(FLOW, changed(), Details(actor))
        [view] = views(effects, Notify if actor == READER else Show)
        assert isinstance(view, DetailsCard)
        [row] = [row for row in view.rows if row.question == "person"]
        assert row.answer == t(f"option.person.{answer}")


def test_stopping_or_expiring_drops_the_changes_and_not_the_post():
    for event in (Cancel(OWNER), Expire(OWNER)):
        session, effects = apply(changed(), event)
        assert (session.status, dict(session.answers)) == (Status.POSTED, ANSWERS)
        assert [type(effect) for effect in effects] == [Show]
        assert card(effects).note == (t("notice.post_unchanged"),)


def test_a_post_cannot_be_kept_private_or_posted_twice():
    for event in (KeepPrivate(OWNER), ConfirmPost(OWNER, "C2")):
        session, effects = apply(changed(), event)
        assert session == changed()
        assert notices(effects) == ["already_posted"]


def test_an_incomplete_change_cannot_be_posted():
    answers = {**ANSWERS, "mode": "in_house"}
    del answers["agency_link"]
    session, _ = apply(posted(answers), Change(OWNER, "mode"), Answer(OWNER, "mode", "agency"))
    session, effects = apply(session, UpdatePost(OWNER))
    assert notices(effects) == ["not_complete"]
    assert session.publication.answers == answers


def test_a_post_taken_back_can_be_posted_again_with_another_key():
    session = posted()
    first = session.to_json()["publication"]["key"]
    session, effects = apply(session, TakeBack(OWNER, revision=session.revision))
    assert (session.status, session.publication) == (Status.KEPT, None)
    assert [effect for effect in effects if isinstance(effect, DeletePost)] == [DeletePost("C1")]
    assert card(effects).note == (t("notice.taken_back"),)
    again, effects = apply(session, TakeBack(OWNER, revision=session.revision - 1))
    assert again == session, "a second press of the same button"
    assert not [effect for effect in effects if not isinstance(effect, Show)]
    session, effects = apply(session, ConfirmPost(OWNER, "C2", revision=session.revision))
    [post] = [effect for effect in effects if isinstance(effect, Post)]
    assert post.destination == "C2"
    assert post.key != first


def test_a_first_view_taken_back_goes_on_as_a_quick_check():
    session, _ = step(FLOW, None, Start(OWNER, "s1", {"brand": "yes"}, quick=True))
    session, _ = apply(session, ConfirmPost(OWNER, "C1", revision=0), TakeBack(OWNER))
    assert session.status is Status.QUICK


def test_only_the_owner_changes_or_takes_back_a_post():
    for event in (Change(READER, "person"), TakeBack(READER), UpdatePost(READER)):
        for session in (posted(), changed()):
            same, effects = step(FLOW, session, event)
            assert same == session
            assert (len(effects), notices(effects)) == (1, ["not_yours"])


def test_nothing_is_taken_back_or_updated_without_a_post():
    fresh, _ = step(FLOW, None, Start(OWNER, "s1", ANSWERS))
    for event in (TakeBack(OWNER), UpdatePost(OWNER)):
        same, effects = step(FLOW, fresh, event)
        assert same == fresh
        assert notices(effects) == ["unknown"]


def test_a_changed_post_round_trips_through_json():
    session = changed()
    assert Session.from_json(session.to_json()) == session


def test_a_stored_post_of_an_earlier_release_can_be_changed():
    stored = posted().to_json()
    del stored["publication"]
    session = Session.from_json(stored)
    assert session.publication == Publication("s1:post", "", ANSWERS, FLOW.version)
    session, effects = apply(session, Change(OWNER, "person"), Answer(OWNER, "person", "lasting"), UpdatePost(OWNER))
    assert isinstance(card(effects), RecommendationCard)
    assert session.publication.answers["person"] == "lasting"
