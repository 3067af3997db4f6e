"""Walk every path of a flow and report every fault at once: what CI runs, so that no fault meets a person.

It takes the flow and the catalogues as they are; what each view comes to on each platform is for the adapters' tests.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from string import Formatter

from dialogs.flow import Answers, Flow, Question
from dialogs.recommend import recommend
from dialogs.translations import Translations, languages, translations
from dialogs.walk import Step, outcomes, walk

LIMITS = (
    # Longer would be cut, refused, or unreadable on a phone, on one platform or the other.
    (re.compile(r"label\..+"), 30),
    (re.compile(r"option\.[^.]+\.[^.]+"), 40),
    (re.compile(r"question\.[^.]+\.short"), 40),
    (re.compile(r"question\.[^.]+\.text"), 150),
    (re.compile(r"(outcome|advice)\.[^.]+\.title"), 70),
    (re.compile(r".+\.title"), 100),
    (re.compile(r"question\..+|outcome\..+|advice\..+|notice\..+|what_if\..+|control\..+"), 400),
    (re.compile(r".+"), 800),
)
"""The first pattern that fits an id gives the most characters its text may have."""

PLATFORMS = re.compile(r"Slack|Teams|Microsoft|Discord|Mattermost")
OWN_WORDS = ("slack.", "teams.", "terminal.", "playground.")
"""Ids that only one surface shows; all others must suit every one."""

Path = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What a proof covered, and every fault it found."""

    paths: int = 0
    questions: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    texts: dict[str, int] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return what was covered, a line each."""
        reached = ", ".join(f"{outcome} {count}" for outcome, count in sorted(self.outcomes.items()))
        texts = ", ".join(f"{language} {count}" for language, count in self.texts.items())
        return [
            f"{self.paths} paths, each to exactly one outcome: {reached}",
            f"{self.questions} questions, each reached, each option with a say",
            f"texts: {texts}",
        ]


def verify(flow: Flow) -> Report:
    """Prove `flow`. A report without faults is a proof."""
    faults = list(_ids(flow))
    if faults:  # nothing can be walked
        return Report(faults=tuple(faults))
    every = list(all_paths(flow))
    reached: Counter[str] = Counter()
    for path in every:
        faults += _ends(flow, path, reached)
    faults += [f"outcome {outcome.id}: on no path" for outcome in flow.outcomes if not reached[outcome.id]]
    faults += _reached(flow, every)
    faults += text_faults(flow)
    texts = {language: len(translations(language).ids()) for language in languages()}
    return Report(len(every), len(flow.questions), reached, texts, tuple(faults))


def all_paths(flow: Flow, answers: Answers | None = None) -> Iterator[Path]:
    """Yield every path through `flow`, those that begin with `answers` only."""
    found = walk(flow, answers or {})
    if found.next_question is None:
        yield found.path
        return
    for option in found.next_question.options:
        yield from all_paths(flow, {**found.answers, found.next_question.id: option})


def _ids(flow: Flow) -> Iterator[str]:
    """Ids that are not unique, and conditions about what is not there, or not known yet."""
    for kind, ids in (
        ("question", [question.id for question in flow.questions]),
        ("outcome", [outcome.id for outcome in flow.outcomes]),
        ("advice", [advice.id for advice in flow.advice]),
        *((f"option of {question.id}", list(question.options)) for question in flow.questions),
    ):
        yield from (f"{kind} {id}: there {count} times" for id, count in Counter(ids).items() if count > 1)
    known: set[tuple[str, str]] = set()
    for question in flow.questions:
        for leaf in question.asked_when.leaves():
            if (leaf.question, leaf.option) not in known:
                yield f"question {question.id}: asked when {leaf}, which no earlier question can be"
        known |= {(question.id, option) for option in question.options}
    conditions = [(f"outcome {outcome.id}", outcome.when) for outcome in flow.outcomes]
    conditions += [(f"advice {advice.id}", advice.when) for advice in flow.advice]
    conditions += [("control", condition) for condition in flow.control]
    conditions += [("strategic", flow.strategic), ("provisional", flow.provisional)]
    for name, condition in conditions:
        for leaf in condition.leaves():
            if (leaf.question, leaf.option) not in known:
                yield f"{name}: when {leaf}, which no question can be"


def _ends(flow: Flow, path: Path, reached: Counter[str]) -> Iterator[str]:
    answers = dict(path)
    ends = [outcome.id for outcome in outcomes(flow, answers)]
    reached.update(ends)
    if len(ends) != 1:
        yield f"path {_read(path)}: leads to {' and '.join(ends) or 'nothing'}"
    for question in flow.questions:
        if question.asked_when.evaluate(answers) is None:
            yield f"path {_read(path)}: whether {question.id} is asked stays open"


def _read(path: Path) -> str:
    return " ".join(f"{step.question}={step.option}" for step in path)


def _reached(flow: Flow, every: list[Path]) -> Iterator[str]:
    """Questions and advice on no path, and options that change nothing wherever they are chosen."""
    asked = {step.question for path in every for step in path}
    yield from (f"question {question.id}: on no path" for question in flow.questions if question.id not in asked)
    for advice in flow.advice:
        if not any(advice.when.evaluate(dict(path)) for path in every):
            yield f"advice {advice.id}: on no path"
    for question in flow.questions:
        for option in question.options:
            chosen = (path for path in every if Step(question.id, option) in path)
            if question.id in asked and not any(_has_a_say(flow, path, question) for path in chosen):
                yield f"option {question.id}={option}: changes nothing on any path"


def _has_a_say(flow: Flow, path: Path, question: Question) -> bool:
    """Return whether another answer to `question`, the others kept, comes to something else."""
    answers = dict(path)
    return len({_comes_to(flow, {**answers, question.id: option}) for option in question.options}) > 1


def _comes_to(flow: Flow, answers: Answers) -> tuple[object, ...]:
    found = walk(flow, answers)
    result = recommend(flow, found) if len(outcomes(flow, found.answers)) == 1 else None
    asked = tuple(step.question for step in found.path)
    if result is None:
        return asked, found.next_question
    # Not which questions are left open: there every "I don't know" would have a say, even where no answer has one.
    return asked, result.outcome, result.advice, result.control, result.provisional


def required(flow: Flow) -> Iterator[str]:
    """Yield the id of every text that the flow itself calls for."""
    for question in flow.questions:
        yield from (f"question.{question.id}.{part}" for part in ("text", "short", "why", "judge", "examples"))
        for option in question.options:
            yield from (f"option.{question.id}.{option}", f"option.{question.id}.{option}.if")
    for outcome in flow.outcomes:
        yield from (f"outcome.{outcome.id}.{part}" for part in ("title", "summary", "phrase"))
    for advice in flow.advice:
        yield from (f"advice.{advice.id}.{part}" for part in ("title", "text", "step"))
    yield from (f"source.{question.source}" for question in flow.questions)
    yield from (f"source.{advice.source}" for advice in flow.advice)
    yield from (f"control.{level}" for level in range(len(flow.control) + 1))
    yield from (f"fact.{flow.strategic.id}.{truth}" for truth in ("true", "false", "unknown"))


def text_faults(flow: Flow) -> Iterator[str]:
    """Yield what is wrong with the words: missing, too long, with other placeholders, or read alike."""
    every = {language: translations(language) for language in languages()}
    if not every:
        yield "no catalogue is compiled"
    wanted = set(required(flow)).union(*(text.ids() for text in every.values()))
    for id in sorted(wanted):
        fields = {language: _fields(text, id) for language, text in every.items() if id in text}
        yield from (f"text {id}: missing in {language}" for language in every if language not in fields)
        if len(set(fields.values())) > 1:
            yield f"text {id}: other placeholders in each language: {fields}"
        for language in fields:
            yield from (f"text {id}, {language}: {fault}" for fault in _faulty(id, every[language](id)))
    for language, text in every.items():
        yield from _same_labels(flow, language, text)


def _fields(t: Translations, id: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(t(id)) if name is not None)


def _faulty(id: str, text: str) -> Iterator[str]:
    most = next(most for pattern, most in LIMITS if pattern.fullmatch(id))
    if not text.strip():
        yield "empty"
    if len(text) > most:
        yield f"{len(text)} characters, at most {most}"
    if not id.startswith(OWN_WORDS) and PLATFORMS.search(text):
        yield "names a platform"


def _same_labels(flow: Flow, language: str, t: Translations) -> Iterable[str]:
    for question in flow.questions:
        ids = [f"option.{question.id}.{option}" for option in question.options]
        labels = Counter(t(id).casefold() for id in ids if id in t)
        for label, count in labels.items():
            if count > 1:
                yield f"question {question.id}, {language}: {count} options read {label!r}"
