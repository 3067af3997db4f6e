"""`dialogs.verify` finds each kind of fault, and reports all of them at once."""

from dataclasses import replace

import pytest

from dialogs import verify as verify_module
from dialogs.community_flow import FLOW, LIGHT, STRATEGIC
from dialogs.flow import Advice, AllOf, AnyOf, Argument, Arguments, Is, Outcome, Question
from dialogs.translations import translations
from dialogs.verify import text_faults, verify


def with_question(id, **changes):
    questions = tuple(replace(question, **changes) if question.id == id else question for question in FLOW.questions)
    return replace(FLOW, questions=questions)


def test_the_flow_has_no_faults():
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
    "a path to none": (replace(FLOW, outcomes=FLOW.outcomes[:4]), "leads to no outcome"),
    "an outcome never reached": (
        replace(FLOW, outcomes=(*FLOW.outcomes, Outcome("moon", AllOf(STRATEGIC, Is("seo_expert", "yes"))))),
        "outcome moon: never reached",
    ),
    "advice never given": (
        replace(FLOW, advice=(*FLOW.advice, Advice("never", AnyOf(), "1"))),
        "advice never: never given",
    ),
    "a recommendation without advice": (
        replace(FLOW, advice=tuple(advice for advice in FLOW.advice if advice.when is STRATEGIC)),
        "has no advice",
    ),
    "the same advice for everybody": (replace(FLOW, advice=FLOW.advice[-2:]), "different beginnings of the advice"),
    "a text that contradicts an answer": (
        replace(FLOW, advice=(*FLOW.advice, Advice("appoint", STRATEGIC, "1", Is("person", "nobody")))),
        "the text of appoint contradicts an answer",
    ),
    "nothing that speaks for the outcome": (replace(FLOW, arguments=FLOW.arguments[1:]), "nothing speaks for in_house"),
    "an argument that never counts": (
        replace(FLOW, arguments=(*FLOW.arguments, Arguments("moon", STRATEGIC, (Argument("far", AnyOf()),), ()))),
        "argument moon.far: on no path",
    ),
    "a question never asked": (with_question("routine", asked_when=AnyOf()), "question routine: never asked"),
    "a condition on a later question": (
        with_question("brand", asked_when=Is("mode", "agency")),
        "question brand: asked when",
    ),
    "a condition on an unknown option": (
        replace(FLOW, control=(Is("brand", "perhaps"),)),
        "control: depends on",
    ),
    "two questions with the same id": (
        replace(FLOW, questions=(*FLOW.questions, FLOW.questions[0])),
        "question orientation: defined 2 times",
    ),
    "options without effect": (
        replace(
            FLOW,
            questions=(*FLOW.questions, Question("colour", ("red", "blue"), "1", Is("light_mode", "in_house"))),
        ),
        "option colour=red: has no effect on any path",
    ),
    'options without effect, one of them "unknown"': (
        replace(FLOW, questions=(*FLOW.questions, Question("colour", ("red", "blue", "unknown"), "1", LIGHT))),
        "option colour=red: has no effect on any path",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found(name):
    flow, message = FAULTS[name]
    assert any(message in fault for fault in verify(flow).faults)


def test_question_without_texts_is_found():
    flow = replace(FLOW, questions=(*FLOW.questions, Question("colour", ("red", "blue"), "1")))
    assert "text question.colour.text: missing in fr" in list(text_faults(flow))


def test_all_faults_are_reported_at_once():
    flow = replace(FLOW, outcomes=FLOW.outcomes[:4], advice=(*FLOW.advice, Advice("never", AnyOf(), "9")))
    faults = "\n".join(verify(flow).faults)
    assert "leads to no outcome" in faults
    assert "advice never: never given" in faults
    assert "text source.9: missing in en" in faults


class OneTextReplaced:
    """The French texts, with one of them replaced; None removes it."""

    language = "fr"

    def __init__(self, real, id, text):
        self.real, self.id, self.text = real, id, text

    def __contains__(self, id):
        return id in self.real and not (id == self.id and self.text is None)

    def ids(self):
        return self.real.ids()

    def __call__(self, id, **values):
        return self.text if id == self.id else self.real(id, **values)


@pytest.mark.parametrize(
    ("id", "text", "message"),
    [
        ("label.back", None, "text label.back: missing in fr"),
        ("label.back", " ", "text label.back, fr: empty"),
        ("label.back", "x" * 31, "text label.back, fr: 31 characters, at most 30"),
        ("help.text", "Demandez dans Slack.", "text help.text, fr: names a platform"),
        ("progress.question", "Question", "text progress.question: placeholders differ"),
        ("option.brand.no", "Oui", "question brand, fr: 2 options have the label 'oui'"),
    ],
)
def test_fault_in_a_text_is_found(monkeypatch, id, text, message):
    real = translations
    monkeypatch.setattr(
        verify_module,
        "translations",
        lambda language: OneTextReplaced(real("fr"), id, text) if language == "fr" else real(language),
    )
    assert any(fault.startswith(message) for fault in text_faults(FLOW))
