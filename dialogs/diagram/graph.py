"""A flow as JSON and as a graph, drawn from the data itself: nothing here knows this or that question.

The graph has a node for each question, for the fact the flow turns on, and for each outcome. Its edges are the steps
that the paths really take; the words on those into an outcome are the outcome's own condition.
"""

import json
import textwrap
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from dialogs.flow import AllOf, AnyOf, Condition, Fact, Flow, Is, Not, Outcome, Question
from dialogs.presenter import join_or, option_label
from dialogs.translations import Translations
from dialogs.verify import all_paths

Case = dict[str, tuple[str, ...]]
"""One way for a condition to be true: question -> the options that allow it. Facts are left out: they are nodes."""


class Edge(NamedTuple):
    """A step from one node to another, taken by these `options` of the question it leaves (all of them when empty).

    `truth`: what the fact it leaves must be; None when it leaves a question.
    """

    start: str
    end: str
    options: tuple[str, ...] = ()
    evaluate: bool | None = None


class Lane(NamedTuple):
    """The part of a flow where the fact is known to be `truth`: its questions, and the outcomes they end in."""

    evaluate: bool
    questions: tuple[Question, ...]
    outcomes: tuple[Outcome, ...]


def as_json(flow: Flow, t: Translations) -> str:
    """Return every text of the flow as JSON: ``version``, ``questions``, ``outcomes``, ``advice`` and ``labels``."""
    shown = {
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
    return json.dumps(shown, ensure_ascii=False, indent=2) + "\n"


# --- The graph ----------------------------------------------------------------------------------------------------


def always(flow: Flow) -> tuple[Question, ...]:
    """Return the questions asked before the fact is known."""
    return tuple(question for question in flow.questions if needs(flow.strategic, question.asked_when) is None)


def lanes(flow: Flow) -> tuple[Lane, Lane]:
    """Return the two parts that the fact divides the rest of the flow into: where it is true, where it is false."""
    true, false = (
        Lane(
            truth,
            tuple(question for question in flow.questions if needs(flow.strategic, question.asked_when) is truth),
            tuple(outcome for outcome in flow.outcomes if needs(flow.strategic, outcome.when) is truth),
        )
        for truth in (True, False)
    )
    return true, false


def needs(fact: Fact, condition: Condition) -> bool | None:
    """Return what `fact` must be for `condition` to be true, as far as its form shows; None when it may be either."""
    match condition:
        case Fact():
            return True if condition is fact else None
        case Not(inner):
            needed = needs(fact, inner)
            return None if needed is None else not needed
        case AllOf():
            return next((part for each in condition.conditions if (part := needs(fact, each)) is not None), None)
        case AnyOf():
            parts = {needs(fact, each) for each in condition.conditions}
            return parts.pop() if len(parts) == 1 else None
    return None


@lru_cache(maxsize=4)
def edges(flow: Flow) -> tuple[Edge, ...]:
    """Return every step that some path takes, in the order of the questions."""
    taken: dict[tuple[str, str], set[str]] = {}
    lane = {question.id: needs(flow.strategic, question.asked_when) for question in flow.questions}
    for path in all_paths(flow):
        for step, after in pairwise(path):
            taken.setdefault((step.question, after.question), set()).add(step.option)
    found: list[Edge] = []
    order = [question.id for question in flow.questions]
    for start, end in sorted(taken, key=lambda pair: tuple(map(order.index, pair))):
        question = flow.questions_by_id.get(start)
        options = tuple(option for option in question.options if option in taken[start, end]) if question else ()
        if lane[start] is None and lane[end] is not None:
            found += [Edge(start, flow.strategic.id), Edge(flow.strategic.id, end, evaluate=lane[end])]
        else:
            found.append(Edge(start, end, () if question and options == question.options else options))
    for part in lanes(flow):
        found += [Edge(part.questions[-1].id, outcome.id) for outcome in part.outcomes]
    return tuple(dict.fromkeys(found))


def cases(flow: Flow, condition: Condition) -> list[Case]:
    """Return the ways in which `condition` can be true; those that differ in one question only are one."""
    match condition:
        case Is(question, option):
            return [{question: (option,)}]
        case Not(Is(question, option)):
            asked = flow.questions_by_id.get(question)
            return [{question: tuple(other for other in asked.options if other != option)}] if asked else []
        case Not(Not(inner)):
            return cases(flow, inner)
        case Not(AllOf() as several):
            return cases(flow, AnyOf(*map(Not, several.conditions)))
        case Not(AnyOf() as several):
            return cases(flow, AllOf(*map(Not, several.conditions)))
        case AnyOf():
            return _joined(flow, [case for each in condition.conditions for case in cases(flow, each)])
        case AllOf():
            whole: list[Case] = [{}]
            for each in condition.conditions:
                parts = cases(flow, each)
                whole = [both for one in whole for part in parts if (both := _both(one, part)) is not None]
            return whole
    return [{}]


def _both(one: Case, other: Case) -> Case | None:
    """Return the case in which both are, None where there is none."""
    both = dict(one)
    for question, options in other.items():
        both[question] = tuple(option for option in both.get(question, options) if option in options)
    return both if all(both.values()) else None


def _joined(flow: Flow, several: list[Case]) -> list[Case]:
    joined: list[Case] = []
    for case in several:
        for place, before in enumerate(joined):
            differ = [question for question in {**before, **case} if before.get(question) != case.get(question)]
            if before.keys() == case.keys() and len(differ) == 1 and (question := flow.questions_by_id.get(differ[0])):
                options = {*before[question.id], *case[question.id]}
                joined[place] = before | {question.id: tuple(o for o in question.options if o in options)}
                break
        else:
            joined.append(case)
    return joined


def in_words(flow: Flow, t: Translations, condition: Condition) -> list[str]:
    """Return each way in which `condition` can be true, in words."""
    return [_all(t, [_allows(flow, t, *each) for each in case.items()]) for case in cases(flow, condition)]


def _allows(flow: Flow, t: Translations, id: str, options: tuple[str, ...]) -> str:
    said = options_in_words(flow, t, id, options)
    return t("terminal.flow.is", question=t(f"question.{id}.short"), options=said)


def options_in_words(flow: Flow, t: Translations, id: str, options: tuple[str, ...]) -> str:
    """Return “this option”, “that one” or “the other” of a question; "anything but" where only one is missing."""
    question = flow.questions_by_id.get(id)
    missing = [option for option in question.options if option not in options] if question else []
    if len(missing) == 1 and len(options) > 2:
        return t("terminal.flow.but", option=_quoted(t, id, missing[0]))
    return join_or(t, [_quoted(t, id, option) for option in options])


def _quoted(t: Translations, question: str, option: str) -> str:
    return t("list.quoted", item=option_label(t, question, option))


def _all(t: Translations, parts: list[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return t("terminal.flow.and", first=", ".join(parts[:-1]), last=parts[-1])


# --- Mermaid and dot: a graph that others lay out -----------------------------------------------------------------


class Node(NamedTuple):
    """A node of the graph in words. `kind`: ``question``, ``fact`` or ``outcome``."""

    id: str
    kind: str
    lines: tuple[str, ...]


def nodes(flow: Flow, t: Translations) -> list[Node]:
    """Return every node with what is written in it."""
    found = [
        Node(
            question.id,
            "question",
            (
                t(f"question.{question.id}.text"),
                " · ".join(option_label(t, question.id, option) for option in question.options),
            ),
        )
        for question in flow.questions
    ]
    found.append(Node(flow.strategic.id, "fact", (t(f"terminal.flow.{flow.strategic.id}"),)))
    found += [
        Node(f"outcome_{outcome.id}", "outcome", (t(f"outcome.{outcome.id}.title"),)) for outcome in flow.outcomes
    ]
    return found


def links(flow: Flow, t: Translations) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return every edge with the lines written on it."""
    outcomes = {outcome.id: outcome for outcome in flow.outcomes}
    found = []
    for edge in edges(flow):
        end, lines = edge.end, []
        # An outcome may bear the name of a question, as ``seo_expert`` does: only the edges tell them apart.
        if edge in _last(flow):
            end = f"outcome_{edge.end}"
            lines = in_words(flow, t, outcomes[edge.end].when)
        elif edge.evaluate is not None:
            lines = [t(f"terminal.flow.{'yes' if edge.evaluate else 'no'}")]
            if edge.evaluate:
                lines += [t("terminal.flow.any"), *in_words(flow, t, flow.strategic.condition)]
        elif edge.options:
            lines = [options_in_words(flow, t, edge.start, edge.options)]
        found.append((edge.start, end, tuple(lines)))
    return found


def _last(flow: Flow) -> set[Edge]:
    return {Edge(lane.questions[-1].id, outcome.id) for lane in lanes(flow) for outcome in lane.outcomes}


def mermaid(flow: Flow, t: Translations) -> str:
    """Return the graph as a Mermaid flowchart."""
    shapes = {"question": ("[", "]"), "fact": ("{", "}"), "outcome": ("([", "])")}
    drawn = ["flowchart TD"]
    for node in nodes(flow, t):
        left, right = shapes[node.kind]
        drawn.append(f"  {node.id}{left}{_mermaid(node.lines)}{right}")
    for start, end, lines in links(flow, t):
        drawn.append(f"  {start} -->{f'|{_mermaid(lines)}|' if lines else ''} {end}")
    return "\n".join(drawn) + "\n"


def _mermaid(lines: Iterable[str]) -> str:
    return '"' + "<br/>".join(line.replace("&", "#amp;").replace('"', "#quot;") for line in lines) + '"'


def dot(flow: Flow, t: Translations) -> str:
    """Return the graph in the language of Graphviz."""
    shapes = {"question": "box", "fact": "diamond", "outcome": "box, style=rounded"}
    drawn = [f"digraph {_dot([flow.id])} {{", '  node [fontname="Helvetica"]', '  edge [fontname="Helvetica"]']
    drawn += [f"  {_dot([node.id])} [shape={shapes[node.kind]}, label={_dot(node.lines)}]" for node in nodes(flow, t)]
    for start, end, lines in links(flow, t):
        drawn.append(f"  {_dot([start])} -> {_dot([end])}{f' [label={_dot(lines)}]' if lines else ''}")
    return "\n".join([*drawn, "}"]) + "\n"


def _dot(paragraphs: Iterable[str]) -> str:
    lines = (line for paragraph in paragraphs for line in textwrap.wrap(paragraph, 48))
    return '"' + "\\n".join(line.replace("\\", "\\\\").replace('"', '\\"') for line in lines) + '"'
