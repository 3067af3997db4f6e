"""`dialogs.session`: JSON of this and of earlier releases is read; any other JSON is rejected."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.community_flow import FLOW, FLOW_V1
from dialogs.effects import Notify, Show
from dialogs.events import Change, Resume
from dialogs.reducer import step
from dialogs.session import Actor, InvalidSession, Page, Session
from dialogs.translations import translations
from dialogs.views import RecommendationCard

SAMPLES = sorted((Path(__file__).parent / "sessions").glob("*/*.json"))
GOOD = Session("s1", "team:1", "ada", "fr", 1, {"brand": "yes"}).to_json()
ADDED_LATER = {"page", "ahead", "cleared"}
"""Fields that rows stored by earlier releases do not have."""


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_sessions_of_every_release_continue(path):
    stored = json.loads(path.read_text())
    session = Session.from_json(stored["session"])
    after, effects = step(FLOW, session, Resume(Actor(session.tenant, session.owner, session.language)))
    assert after.status.value == stored["status_after"]
    assert after.answers == stored["answers_after"]
    assert not any(isinstance(effect, Notify) for effect in effects)


def sample(name):
    (path,) = (path for path in SAMPLES if path.stem == name)
    return Session.from_json(json.loads(path.read_text())["session"])


def test_a_running_session_of_version_1_moves_to_version_2_and_keeps_its_answers():
    before = sample("open")
    after, _ = step(FLOW, before, Resume(Actor(before.tenant, before.owner, before.language)))
    assert (before.version, after.version) == (1, 2)
    assert after.answers == before.answers


@pytest.mark.parametrize("name", ["posted", "kept"])
def test_a_finished_recommendation_of_version_1_stays_as_it_was(name):
    session = sample(name)
    after, effects = step(FLOW, session, Resume(Actor(session.tenant, session.owner, session.language)))
    assert after == session
    (card,) = (effect.view for effect in effects if isinstance(effect, Show))
    assert isinstance(card, RecommendationCard)
    expected = [advice.id for advice in FLOW_V1.advice if advice.when.evaluate(session.answers)]
    assert [line.id for line in card.steps] == expected[:3] == ["keep_control", "lasting_person", "best_skills"]
    t = translations(session.language)
    assert [line.title for line in card.steps] == [t(f"advice.v1.{id}.title") for id in expected[:3]]


def test_a_kept_recommendation_of_version_1_that_is_opened_again_moves_to_version_2():
    session = sample("kept")
    owner = Actor(session.tenant, session.owner, session.language)
    reopened, _ = step(FLOW, session, Change(owner, "brand", revision=session.revision))
    again, _ = step(FLOW, reopened, Resume(owner))
    assert again.version == FLOW.version


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_fields_added_later_have_defaults(path):
    stored = json.loads(path.read_text())["session"]
    assert not ADDED_LATER & set(stored)
    session = Session.from_json(stored)
    assert (session.page, session.ahead, session.cleared) == (None, (), {})


def test_every_field_round_trips():
    session = Session("s1", "t", "p", "fr", 2, page=Page.REVIEW, ahead=("brand",), cleared={"brand": "yes"})
    assert Session.from_json(json.loads(json.dumps(session.to_json()))) == session


def test_samples_exist():
    assert {path.stem for path in SAMPLES} >= {"open", "changing", "quick", "kept", "posted", "cancelled"}


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"changing", *ADDED_LATER}))
def test_missing_field_is_rejected(name):
    with pytest.raises(InvalidSession):
        Session.from_json({key: value for key, value in GOOD.items() if key != name})


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=2))


@given(st.sampled_from(sorted(GOOD)), JSON)
def test_other_types_are_rejected_or_round_trip(name, value):
    stored = GOOD | {name: value}
    try:
        session = Session.from_json(stored)
    except InvalidSession:
        return
    assert session.to_json() == stored
