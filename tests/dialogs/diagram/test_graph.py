"""`dialogs.diagram`: complete, derived from the flow, and equal to the pictures in the documentation."""

import itertools
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from dialogs.community_flow import FLOW, HYBRID, INTERN, STRATEGIC
from dialogs.diagram import graph, svg
from dialogs.diagram.graph import Edge, always_asked, cases, describe, edges, lanes, links, needs
from dialogs.flow import AllOf, AnyOf, Fact, Is, Not
from dialogs.translations import languages, translations
from dialogs.verify import all_paths

DOCS = Path(__file__).parents[3] / "deploy" / "docs"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(params=languages())
def t(request):
    return translations(request.param)


# --- JSON ---------------------------------------------------------------------------------------------------------


def test_json_has_exactly_the_documented_members(t):
    output = json.loads(graph.as_json(FLOW, t))
    assert list(output) == ["version", "questions", "outcomes", "advice", "labels"]
    assert output["version"] == FLOW.version
    for question, known in zip(output["questions"], FLOW.questions, strict=True):
        assert list(question) == ["id", "text", "why", "judge", "examples", "options"]
        assert question["text"] == t(f"question.{known.id}.text")
        assert [option["id"] for option in question["options"]] == list(known.options)
        assert all(set(option) == {"id", "label"} for option in question["options"])
    assert [outcome["id"] for outcome in output["outcomes"]] == [outcome.id for outcome in FLOW.outcomes]
    assert all(list(outcome) == ["id", "title", "summary"] for outcome in output["outcomes"])
    assert [advice["id"] for advice in output["advice"]] == [advice.id for advice in FLOW.advice]
    assert all(list(advice) == ["id", "title", "text"] for advice in output["advice"])


def test_json_holds_every_label(t):
    labels = json.loads(graph.as_json(FLOW, t))["labels"]
    assert labels == {id.removeprefix("label."): t(id) for id in t.ids() if id.startswith("label.")}
    assert {"back", "change", "restart", "why", "post", "keep_private", "start", "help"} <= set(labels)


# --- The graph ----------------------------------------------------------------------------------------------------


def test_lanes():
    assert [question.id for question in always_asked(FLOW)] == ["orientation", "brand", "transformation", "presence"]
    strategic, light = lanes(FLOW)
    assert [question.id for question in strategic.questions] == ["mode", "agency_link", "person", "routine"]
    assert [question.id for question in light.questions] == ["seo_expert", "light_mode"]
    assert [outcome.id for outcome in (*strategic.outcomes, *light.outcomes)] == [o.id for o in FLOW.outcomes]


def test_every_step_of_a_path_is_an_edge():
    result = edges(FLOW)
    assert Edge("mode", "person", ("in_house",)) in result
    assert Edge("mode", "agency_link", ("agency", "both", "undecided")) in result
    assert Edge("strategic", "mode", value=True) in result
    assert Edge("strategic", "seo_expert", value=False) in result
    pairs = {(edge.start, edge.end) for edge in result}
    for path in list(all_paths(FLOW))[::37]:
        for step, after in itertools.pairwise(path):
            through = {(step.question, "strategic"), ("strategic", after.question)}
            assert (step.question, after.question) in pairs or through <= pairs


def test_needs():
    assert needs(STRATEGIC, STRATEGIC) is True
    assert needs(STRATEGIC, Not(STRATEGIC)) is False
    assert needs(STRATEGIC, Is("brand", "yes")) is None
    assert needs(STRATEGIC, AnyOf(STRATEGIC, Is("brand", "no"))) is None
    assert needs(STRATEGIC, AnyOf(AllOf(STRATEGIC, Is("mode", "both")), STRATEGIC)) is True
    assert needs(STRATEGIC, Fact("other", Is("brand", "yes"))) is None


def test_cases_that_differ_in_one_question_are_merged():
    assert cases(FLOW, HYBRID) == [
        {"mode": ("in_house",), "person": ("nobody",)},
        {"mode": ("agency",), "agency_link": ("no",)},
        {"mode": ("both", "undecided")},
    ]
    assert cases(FLOW, INTERN) == [
        {"light_mode": ("in_house",)},
        {"light_mode": ("undecided",), "seo_expert": ("no", "unknown")},
    ]


@pytest.mark.parametrize(
    "condition",
    [
        *(outcome.when for outcome in FLOW.outcomes),
        STRATEGIC.condition,
        Not(STRATEGIC.condition),
        Not(AllOf(Is("brand", "yes"), Not(Is("mode", "both")))),
        Not(Not(Is("brand", "yes"))),
        AllOf(Is("brand", "yes"), Is("brand", "no")),
    ],
)
def test_cases_are_equivalent_to_the_condition(condition):
    for path in list(all_paths(FLOW))[::11]:
        answers = dict(path)
        side = needs(STRATEGIC, condition)
        fits = side is None or STRATEGIC.evaluate(answers) is side
        met = any(all(answers.get(id) in options for id, options in case.items()) for case in cases(FLOW, condition))
        if all(leaf.question in answers for leaf in condition.leaves()):
            assert (fits and met) == condition.evaluate(answers)


def test_describe():
    assert describe(FLOW, translations("en"), HYBRID)[2].endswith("“Both together” or “Not decided yet”")
    assert "anything but “Nobody for now”" in describe(FLOW, translations("en"), FLOW.outcomes[0].when)[0]


# --- Formats ------------------------------------------------------------------------------------------------------


def test_mermaid_nodes_and_links(t):
    output = graph.mermaid(FLOW, t)
    defined = re.findall(r'^  (\w+)[\[({]+"', output, re.MULTILINE)
    assert len(defined) == len(set(defined)) == len(FLOW.questions) + 1 + len(FLOW.outcomes)
    linked = re.findall(r'^  (\w+) -->(?:\|"[^"]*"\|)? (\w+)$', output, re.MULTILINE)
    assert {node for pair in linked for node in pair} == set(defined)
    assert len(linked) == len(links(FLOW, t))


def test_dot_nodes_and_links(t):
    output = graph.dot(FLOW, t)
    defined = re.findall(r'^  "(\w+)" \[shape', output, re.MULTILINE)
    linked = re.findall(r'^  "(\w+)" -> "(\w+)"', output, re.MULTILINE)
    assert {node for pair in linked for node in pair} == set(defined)
    assert len(defined) == len(set(defined))
    assert output.count('"') % 2 == 0


def test_svg_contains_every_text_and_no_box_is_outside(t):
    root: Any = ET.fromstring(svg.svg(FLOW, t))
    written = " ".join(element.text or "" for element in root.iter(f"{SVG}text"))
    for question in FLOW.questions:
        assert t(f"question.{question.id}.text") in written
        for option in question.options:
            assert t(f"option.{question.id}.{option}") in written
    for outcome in FLOW.outcomes:
        assert t(f"outcome.{outcome.id}.title") in written
        for way in describe(FLOW, t, outcome.when):
            assert way in written
    width, height = float(root.get("width")), float(root.get("height"))
    for box in root.iter(f"{SVG}rect"):
        right = float(box.get("x", 0)) + float(box.get("width"))
        bottom = float(box.get("y", 0)) + float(box.get("height"))
        assert right <= width
        assert bottom <= height


def test_svg_has_no_external_references(t):
    output = svg.svg(FLOW, t)
    assert set(re.findall(r"url\(([^)]*)\)", output)) == {"#head"}
    assert not re.search("href|src|@import", output)
    assert "http" not in output.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_picture_in_the_documentation_is_up_to_date(language):
    picture = (DOCS / f"flow.{language}.svg").read_text(encoding="utf-8")
    assert picture == svg.svg(FLOW, translations(language)), (
        "cm-advisor flow --format svg --lang ... > deploy/docs/flow...svg"
    )
