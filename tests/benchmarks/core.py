"""The time of a reducer step, and of verifying the flow."""

import json
import time
from collections.abc import Iterator

from dialogs.community_flow import FLOW
from dialogs.events import Answer, Review, Start
from dialogs.reducer import step
from dialogs.session import Actor, Session
from dialogs.verify import verify
from tests.benchmarks.measure import Figure, time_call

ANN = Actor("bench:T1", "U1", "fr")
PATH = {
    "orientation": "seo",
    "brand": "yes",
    "transformation": "no",
    "presence": "unknown",
    "mode": "agency",
    "agency_link": "yes",
    "person": "interns",
    "routine": "yes",
}


def figures() -> Iterator[Figure]:
    """Yield the figures of the core."""
    stored = [json.dumps(session.to_json()) for session in _sessions()]

    def bare() -> None:
        for text in stored:
            json.dumps(json.loads(text))

    def steps() -> None:
        for text, (question, option) in zip(stored, PATH.items(), strict=True):
            session = Session.from_json(json.loads(text))
            after, _ = step(FLOW, session, Answer(ANN, question, option, revision=session.revision))
            assert after is not None
            json.dumps(after.to_json())

    done, _ = step(FLOW, None, Start(ANN, "bench", answers=PATH))
    assert done is not None
    complete = json.dumps(done.to_json())

    def review() -> None:
        session, _ = step(FLOW, Session.from_json(json.loads(complete)), Review(ANN))
        assert session is not None
        json.dumps(session.to_json())

    peer = time_call(bare) / len(stored) * 1e6
    yield Figure("step: an answer, with its JSON", time_call(steps) / len(stored) * 1e6, "µs", peer, "the JSON alone")
    peer = time_call(lambda: json.dumps(json.loads(complete))) * 1e6
    yield Figure("step: a review, with its JSON", time_call(review) * 1e6, "µs", peer, "the JSON alone")
    started = time.perf_counter()
    report = verify(FLOW)
    yield Figure(f"verify: {report.paths} paths", (time.perf_counter() - started) * 1e3, "ms")


def _sessions() -> Iterator[Session]:
    """Yield the session before each answer of the path."""
    session, _ = step(FLOW, None, Start(ANN, "bench"))
    for question, option in PATH.items():
        assert session is not None
        yield session
        session, _ = step(FLOW, session, Answer(ANN, question, option))
