"""A flow as JSON, and as a graph in Mermaid and DOT. Everything is derived from the flow itself.

The graph has a node for each question, for the fact the flow turns on, and for each outcome. An edge is a step that
some path takes. The label of an edge into an outcome is the condition of the outcome.
"""

import json
import textwrap
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from dialogs.flow import AllOf, AnyOf, Condition, Fact, Flow, Is, Not, Outcome, Question
from dialogs.presenter import option_label
from dialogs.sentences import join_or
from dialogs.translations import Translations
from dialogs.verify import all_paths

Case = dict[str, tuple[str, ...]]
"""One way for a condition to be true: question -> the options that allow it. Facts are left out: they are nodes."""


class Edge(NamedTuple):
    """A step from one node to another. `options`: those of the question at `start` that take it; empty for all.

    `value`: the value of the fact at `start`; None if `start` is a question.
    """

    start: str
    end: str
    options: tuple[str, ...] = ()
    value: bool | None = None


class Lane(NamedTuple):
    """The part of a flow where the fact has `value`: its questions and the outcomes they lead to."""

    value: bool
    questions: tuple[Question, ...]
    outcomes: tuple[Outcome, ...]


def as_json(flow: Flow, t: Translations) -> str:
    """Return every text of the flow as JSON: ``version``, ``questions``, ``outcomes``, ``advice`` and ``labels``."""
    data = {
        "version": flow.version,
        "questions": [
            {
                "id": question.id,
                **{part: t(f"question.{question.id}.{part}") for part in ("text", "why", "judge", "examples")},
                "options": [
                    {"id": option, "label": option_label(t, question.id, option)} for option in question.options
                ],
            }
            for question in flow.questions
        ],
        "outcomes": [
            {"id": outcome.id, **{part: t(f"outcome.{outcome.id}.{part}") for part in ("title", "summary")}}
            for outcome in flow.outcomes
        ],
        "advice": [
            {"id": advice.id, **{part: t(f"advice.{advice.id}.{part}") for part in ("title", "text")}}
            for advice in flow.advice
        ],
        "labels": {id.removeprefix("label."): t(id) for id in sorted(t.ids()) if id.startswith("label.")},
    }
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


# --- The graph ----------------------------------------------------------------------------------------------------


def always_asked(flow: Flow) -> tuple[Question, ...]:
    """Return the questions that do not depend on the fact."""
    return tuple(question for question in flow.questions if needs(flow.strategic, question.asked_when) is None)


def lanes(flow: Flow) -> tuple[Lane, Lane]:
    """Return the part of the flow where the fact is true, and the part where it is false."""
    return _lane(flow, True), _lane(flow, False)


def _lane(flow: Flow, value: bool) -> Lane:
    return Lane(
        value,
        tuple(question for question in flow.questions if needs(flow.strategic, question.asked_when) is value),
        tuple(outcome for outcome in flow.outcomes if needs(flow.strategic, outcome.when) is value),
    )


def needs(fact: Fact, condition: Condition) -> bool | None:
    """Return the value that `fact` needs for `condition` to be true, judged by its structure; None for either."""
    match condition:
        case Fact():
            return True if condition is fact else None
        case Not(inner):
            value = needs(fact, inner)
            return None if value is None else not value
        case AllOf():
            values = (needs(fact, part) for part in condition.conditions)
            return next((value for value in values if value is not None), None)
        case AnyOf():
            values_of_all = {needs(fact, part) for part in condition.conditions}
            return values_of_all.pop() if len(values_of_all) == 1 else None
    return None


@lru_cache(maxsize=4)
def edges(flow: Flow) -> tuple[Edge, ...]:
    """Return every step that some path takes, in the order of the questions."""
    taken: dict[tuple[str, str], set[str]] = {}
    for path in all_paths(flow):
        for step, following in pairwise(path):
            taken.setdefault((step.question, following.question), set()).add(step.option)
    result: list[Edge] = []
    values = {question.id: needs(flow.strategic, question.asked_when) for question in flow.questions}
    order = list(flow.questions_by_id)
    for start, end in sorted(taken, key=lambda pair: tuple(map(order.index, pair))):
        if values[start] is None and values[end] is not None:
            result += [Edge(start, flow.strategic.id), Edge(flow.strategic.id, end, value=values[end])]
        else:
            all_options = flow.questions_by_id[start].options
            options = tuple(option for option in all_options if option in taken[start, end])
            result.append(Edge(start, end, () if options == all_options else options))
    result += _edges_to_outcomes(flow)
    return tuple(dict.fromkeys(result))


def _edges_to_outcomes(flow: Flow) -> list[Edge]:
    return [Edge(lane.questions[-1].id, outcome.id) for lane in lanes(flow) for outcome in lane.outcomes]


# --- Conditions as text -------------------------------------------------------------------------------------------


def cases(flow: Flow, condition: Condition) -> list[Case]:
    """Return the ways for `condition` to be true. Two ways that differ in one question only are merged."""
    match condition:
        case Is(question, option):
            return [{question: (option,)}]
        case Not(Is(question, option)):
            return [{question: tuple(other for other in flow.questions_by_id[question].options if other != option)}]
        case Not(Not(inner)):
            return cases(flow, inner)
        case Not(AllOf(conditions=parts)):
            return cases(flow, AnyOf(*map(Not, parts)))
        case Not(AnyOf(conditions=parts)):
            return cases(flow, AllOf(*map(Not, parts)))
        case AnyOf():
            return _merged(flow, [case for part in condition.conditions for case in cases(flow, part)])
        case AllOf():
            combined: list[Case] = [{}]
            for part in condition.conditions:
                pairs = [(case, other) for case in combined for other in cases(flow, part)]
                combined = [both for pair in pairs if (both := _intersection(*pair)) is not None]
            return combined
    return [{}]


def _intersection(case: Case, other: Case) -> Case | None:
    """Return the case in which both are true; None if they exclude each other."""
    both = dict(case)
    for question, options in other.items():
        both[question] = tuple(option for option in both.get(question, options) if option in options)
    return both if all(both.values()) else None


def _merged(flow: Flow, alternatives: list[Case]) -> list[Case]:
    merged: list[Case] = []
    for case in alternatives:
        for position, earlier in enumerate(merged):
            differing = [question for question in case if earlier.get(question) != case[question]]
            if earlier.keys() == case.keys() and len(differing) == 1:
                question = flow.questions_by_id[differing[0]]
                both = {*earlier[question.id], *case[question.id]}
                merged[position] = earlier | {question.id: tuple(id for id in question.options if id in both)}
                break
        else:
            merged.append(case)
    return merged


def describe(flow: Flow, t: Translations, condition: Condition) -> list[str]:
    """Return each way for `condition` to be true as text."""
    return [_describe_case(flow, t, case) for case in cases(flow, condition)]


def _describe_case(flow: Flow, t: Translations, case: Case) -> str:
    parts = []
    for id, options in case.items():
        name = t(f"question.{id}.short")
        parts.append(t("terminal.flow.is", question=name, options=describe_options(flow, t, id, options)))
    if len(parts) < 2:
        return "".join(parts)
    return t("terminal.flow.and", first=", ".join(parts[:-1]), last=parts[-1])


def describe_options(flow: Flow, t: Translations, question: str, options: tuple[str, ...]) -> str:
    """Return “A”, “B” or “C”; "anything but “D”" if one option of several is missing."""

    def quoted(option: str) -> str:
        return t("list.quoted", item=option_label(t, question, option))

    missing = [option for option in flow.questions_by_id[question].options if option not in options]
    if len(missing) == 1 and len(options) > 2:
        return t("terminal.flow.but", option=quoted(missing[0]))
    return join_or(t, [quoted(option) for option in options])


# --- Mermaid and DOT ----------------------------------------------------------------------------------------------


class Node(NamedTuple):
    """A node of the graph with its text. `kind`: ``question``, ``fact`` or ``outcome``."""

    id: str
    kind: str
    lines: tuple[str, ...]


def nodes(flow: Flow, t: Translations) -> list[Node]:
    """Return every node with its text."""
    result = []
    for question in flow.questions:
        options = " · ".join(option_label(t, question.id, option) for option in question.options)
        result.append(Node(question.id, "question", (t(f"question.{question.id}.text"), options)))
    result.append(Node(flow.strategic.id, "fact", (t(f"terminal.flow.{flow.strategic.id}"),)))
    for outcome in flow.outcomes:
        result.append(Node(f"outcome_{outcome.id}", "outcome", (t(f"outcome.{outcome.id}.title"),)))
    return result


def links(flow: Flow, t: Translations) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return every edge as its two node ids and the lines of its label."""
    outcomes = {outcome.id: outcome for outcome in flow.outcomes}
    to_outcomes = set(_edges_to_outcomes(flow))
    result = []
    for edge in edges(flow):
        end, lines = edge.end, []
        # An outcome and a question may have the same id, such as ``seo_expert``. Only the edge tells which one it is.
        if edge in to_outcomes:
            end = f"outcome_{edge.end}"
            lines = describe(flow, t, outcomes[edge.end].when)
        elif edge.value is not None:
            lines = [t(f"terminal.flow.{'yes' if edge.value else 'no'}")]
            if edge.value:
                lines += [t("terminal.flow.any"), *describe(flow, t, flow.strategic.condition)]
        elif edge.options:
            lines = [describe_options(flow, t, edge.start, edge.options)]
        result.append((edge.start, end, tuple(lines)))
    return result


def mermaid(flow: Flow, t: Translations) -> str:
    """Return the graph as a Mermaid flowchart."""
    shapes = {"question": ("[", "]"), "fact": ("{", "}"), "outcome": ("([", "])")}
    output = ["flowchart TD"]
    for node in nodes(flow, t):
        left, right = shapes[node.kind]
        output.append(f"  {node.id}{left}{_mermaid_text(node.lines)}{right}")
    for start, end, lines in links(flow, t):
        output.append(f"  {start} -->{f'|{_mermaid_text(lines)}|' if lines else ''} {end}")
    return "\n".join(output) + "\n"


def _mermaid_text(lines: Iterable[str]) -> str:
    return '"' + "<br/>".join(line.replace("&", "#amp;").replace('"', "#quot;") for line in lines) + '"'


def dot(flow: Flow, t: Translations) -> str:
    """Return the graph in DOT, the language of Graphviz."""
    shapes = {"question": "box", "fact": "diamond", "outcome": "box, style=rounded"}
    output = [f"digraph {_dot_text([flow.id])} {{", '  node [fontname="Helvetica"]', '  edge [fontname="Helvetica"]']
    for node in nodes(flow, t):
        output.append(f"  {_dot_text([node.id])} [shape={shapes[node.kind]}, label={_dot_text(node.lines)}]")
    for start, end, lines in links(flow, t):
        output.append(f"  {_dot_text([start])} -> {_dot_text([end])}{f' [label={_dot_text(lines)}]' if lines else ''}")
    return "\n".join([*output, "}"]) + "\n"


def _dot_text(paragraphs: Iterable[str]) -> str:
    lines = (line for paragraph in paragraphs for line in textwrap.wrap(paragraph, 48))
    return '"' + "\\n".join(line.replace("\\", "\\\\").replace('"', '\\"') for line in lines) + '"'
