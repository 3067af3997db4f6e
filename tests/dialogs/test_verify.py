"""The proof finds what is wrong: each fault is planted, and reported together with the others."""

from dataclasses import replace

import pytest

from dialogs import verify as proof
from dialogs.community_flow import FLOW, LIGHT, STRATEGIC
from dialogs.flow import Advice, AllOf, AnyOf, Is, Outcome, Question
from dialogs.translations import translations
from dialogs.verify import verify


def with_question(id, **changes):
    questions = tuple(replace(question, **changes) if question.id == id else question for question in FLOW.questions)
    return replace(FLOW, questions=questions)


def test_the_flow_is_proved():
    report = verify(FLOW)
    assert report.faults == ()
    assert report.paths == 7944
    assert sum(report.outcomes.values()) == 7944
    assert set(report.texts) >= {"fr", "en"}
    assert len(set(report.texts.values())) == 1


FAULTS = {
    "a path to two outcomes": (
        replace(FLOW, outcomes=(*FLOW.outcomes[:1], *(replace(o, when=STRATEGIC) for o in FLOW.outcomes[1:2]))),
        "leads to in_house and agency",
    ),
    "a path to none": (replace(FLOW, outcomes=FLOW.outcomes[:4]), "leads to nothing"),
    "an outcome never reached": (
        replace(FLOW, outcomes=(*FLOW.outcomes, Outcome("moon", AllOf(STRATEGIC, Is("seo_expert", "yes"))))),
        "outcome moon: on no path",
    ),
    "advice never given": (
        replace(FLOW, advice=(*FLOW.advice, Advice("never", AnyOf(), "1"))),
        "advice never: on no path",
    ),
    "a question never asked": (with_question("routine", asked_when=AnyOf()), "question routine: on no path"),
    "a condition on a later question": (
        with_question("brand", asked_when=Is("mode", "agency")),
        "question brand: asked when",
    ),
    "a condition on an option that is not there": (
        replace(FLOW, control=(Is("brand", "perhaps"),)),
        "control: when",
    ),
    "two questions of one id": (
        replace(FLOW, questions=(*FLOW.questions, FLOW.questions[0])),
        "question orientation: there 2 times",
    ),
    "options that change nothing": (
        replace(
            FLOW,
            questions=(*FLOW.questions, Question("colour", ("red", "blue"), "1", Is("light_mode", "in_house"))),
        ),
        "option colour=red: changes nothing on any path",
    ),
    "options that nothing depends on, one of which is not to know": (
        replace(FLOW, questions=(*FLOW.questions, Question("colour", ("red", "blue", "unknown"), "1", LIGHT))),
        "option colour=red: changes nothing on any path",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name):
    flow, message = FAULTS[name]
    assert any(message in fault for fault in verify(flow).faults)


def test_a_question_without_words_is_found():
    flow = replace(FLOW, questions=(*FLOW.questions, Question("colour", ("red", "blue"), "1")))
    assert "text question.colour.text: missing in fr" in list(proof.text_faults(flow))


def test_all_faults_are_reported_at_once():
    flow = replace(FLOW, outcomes=FLOW.outcomes[:4], advice=(*FLOW.advice, Advice("never", AnyOf(), "9")))
    faults = "\n".join(verify(flow).faults)
    assert "leads to nothing" in faults
    assert "advice never: on no path" in faults
    assert "text source.9: missing in en" in faults


class Altered:
    """The French words with one text of them replaced."""

    language = "fr"

    def __init__(self, real, id, text):
        self.real, self.id, self.altered = real, id, text

    def __contains__(self, id):
        return id in self.real and not (id == self.id and self.altered is None)

    def ids(self):
        return self.real.ids()

    def __call__(self, id, **values):
        return self.altered if id == self.id else self.real(id, **values)


@pytest.mark.parametrize(
    ("id", "text", "message"),
    [
        ("label.back", None, "text label.back: missing in fr"),
        ("label.back", " ", "text label.back, fr: empty"),
        ("label.back", "x" * 31, "text label.back, fr: 31 characters, at most 30"),
        ("help.text", "Demandez dans Slack.", "text help.text, fr: names a platform"),
        ("progress.question", "Question", "text progress.question: other placeholders"),
        ("option.brand.no", "Oui", "question brand, fr: 2 options read 'oui'"),
    ],
)
def test_a_fault_in_the_words_is_found(monkeypatch, id, text, message):
    real = translations
    monkeypatch.setattr(
        proof, "translations", lambda language: Altered(real("fr"), id, text) if language == "fr" else real(language)
    )
    assert any(fault.startswith(message) for fault in proof.text_faults(FLOW))
