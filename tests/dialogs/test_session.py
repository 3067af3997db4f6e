"""`dialogs.session`: JSON of this and of earlier releases is read; any other JSON is rejected."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.community_flow import FLOW
from dialogs.effects import Notify
from dialogs.events import Resume
from dialogs.reducer import step
from dialogs.session import Actor, InvalidSession, Session

SAMPLES = sorted((Path(__file__).parent / "sessions").glob("*/*.json"))
GOOD = Session("s1", "team:1", "ada", "fr", 1, {"brand": "yes"}).to_json()


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_sessions_of_every_release_continue(path):
    stored = json.loads(path.read_text())
    session = Session.from_json(stored["session"])
    after, effects = step(FLOW, session, Resume(Actor(session.tenant, session.owner, session.language)))
    assert after.status.value == stored["status_after"]
    assert after.answers == stored["answers_after"]
    assert not any(isinstance(effect, Notify) for effect in effects)


def test_samples_exist():
    assert {path.stem for path in SAMPLES} >= {"open", "changing", "quick", "kept", "posted", "cancelled"}


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"changing"}))
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
