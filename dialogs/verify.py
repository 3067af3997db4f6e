"""Walk every path of a flow and report every fault. ``cm-advisor prove`` and CI run this.

It checks the flow and the catalogs. How a view looks on each platform is for the tests of the adapters.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from string import Formatter

from dialogs.flow import Advice, Answers, Flow, Outcome, Question
from dialogs.recommend import recommend
from dialogs.translations import Translations, languages, translations
from dialogs.walk import Step, outcomes, walk

MAX_LENGTHS = (
    # A longer text would be cut, rejected, or hard to read on a phone, on at least one platform.
    (re.compile(r"label\..+"), 30),
    (re.compile(r"option\.[^.]+\.[^.]+"), 40),
    (re.compile(r"question\.[^.]+\.short"), 40),
    (re.compile(r"question\.[^.]+\.text"), 150),
    (re.compile(r"(outcome|advice)\.[^.]+\.title"), 70),
    (re.compile(r".+\.title"), 100),
    (re.compile(r"question\..+|outcome\..+|advice\..+|notice\..+|what_if\..+|control\..+"), 400),
    (re.compile(r".+"), 800),
)
"""The first pattern that matches an id gives the maximum length of its text, in characters."""

PLATFORMS = re.compile(r"Slack|Teams|Microsoft|Discord|Mattermost")
SURFACE_PREFIXES = ("slack.", "teams.", "terminal.", "playground.")
"""Prefixes of the ids that one surface shows. All other texts must not name a platform."""

FIRST_ADVICE = 3
"""Pieces of advice that everybody reads: they stand in the post."""
MIN_FIRST_ADVICE = 50
"""Different first pieces of advice, over all paths: with fewer, most companies would read the same."""

Path = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked, and every fault. `outcomes`: paths by outcome. `texts`: number of texts by language."""

    paths: int = 0
    questions: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    texts: dict[str, int] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return what was checked, as lines of text."""
        reached = ", ".join(f"{outcome} {count}" for outcome, count in sorted(self.outcomes.items()))
        texts = ", ".join(f"{language} {count}" for language, count in self.texts.items())
        return [
            f"{self.paths} paths, each to exactly one outcome: {reached}",
            f"{self.questions} questions, each asked on some path, every option with an effect",
            f"texts: {texts}",
        ]


def verify(flow: Flow) -> Report:
    """Check `flow`. It is proved when the report has no faults."""
    faults = list(_reference_faults(flow))
    if faults:  # the flow cannot be walked
        return Report(faults=tuple(faults))
    paths = list(all_paths(flow))
    reached: Counter[str] = Counter()
    for path in paths:
        faults += _path_faults(flow, path, reached)
    faults += [f"outcome {outcome.id}: never reached" for outcome in flow.outcomes if not reached[outcome.id]]
    faults += _unused_parts(flow, paths)
    faults += _advice_faults(flow, paths)
    faults += text_faults(flow)
    texts = {language: len(translations(language).ids()) for language in languages()}
    return Report(len(paths), len(flow.questions), reached, texts, tuple(faults))


def all_paths(flow: Flow, answers: Answers | None = None) -> Iterator[Path]:
    """Yield every path through `flow` that goes on from `answers`."""
    position = walk(flow, answers or {})
    question = position.next_question
    if question is None:
        yield position.path
        return
    for option in question.options:
        yield from all_paths(flow, {**position.answers, question.id: option})


def _reference_faults(flow: Flow) -> Iterator[str]:
    """Find duplicate ids, and conditions on answers that do not exist or come later."""
    for kind, ids in (
        ("question", [question.id for question in flow.questions]),
        ("outcome", [outcome.id for outcome in flow.outcomes]),
        ("advice", [advice.id for advice in flow.advice]),
        *((f"option of {question.id}", list(question.options)) for question in flow.questions),
    ):
        yield from (f"{kind} {id}: defined {count} times" for id, count in Counter(ids).items() if count > 1)
    known: set[tuple[str, str]] = set()
    for question in flow.questions:
        for leaf in question.asked_when.leaves():
            if (leaf.question, leaf.option) not in known:
                yield f"question {question.id}: asked when {leaf}, which is not an answer to an earlier question"
        known |= {(question.id, option) for option in question.options}
    conditions = [(f"outcome {outcome.id}", outcome.when) for outcome in flow.outcomes]
    conditions += [(f"advice {advice.id}", advice.when) for advice in flow.advice]
    conditions += [("control", condition) for condition in flow.control]
    conditions += [("strategic", flow.strategic), ("provisional", flow.provisional)]
    for name, condition in conditions:
        for leaf in condition.leaves():
            if (leaf.question, leaf.option) not in known:
                yield f"{name}: depends on {leaf}, which is not an answer to any question"


def _path_faults(flow: Flow, path: Path, reached: Counter[str]) -> Iterator[str]:
    """Check where `path` leads, and count its outcomes in `reached`."""
    answers = dict(path)
    ids = [outcome.id for outcome in outcomes(flow, answers)]
    reached.update(ids)
    name = _name(path)
    if len(ids) != 1:
        yield f"path {name}: leads to {' and '.join(ids) or 'no outcome'}"
    for question in flow.questions:
        if question.asked_when.evaluate(answers) is None:
            yield f"path {name}: does not settle whether {question.id} is asked"


def _unused_parts(flow: Flow, paths: list[Path]) -> Iterator[str]:
    """Find questions never asked, advice never given, and options without effect on any path."""
    asked = {step.question for path in paths for step in path}
    yield from (f"question {question.id}: never asked" for question in flow.questions if question.id not in asked)
    for advice in flow.advice:
        if not any(advice.when.evaluate(dict(path)) for path in paths):
            yield f"advice {advice.id}: never given"
    for question in flow.questions:
        for option in question.options:
            with_option = (path for path in paths if Step(question.id, option) in path)
            if question.id in asked and not any(_has_effect(flow, path, question) for path in with_option):
                yield f"option {question.id}={option}: has no effect on any path"


def _advice_faults(flow: Flow, paths: list[Path]) -> Iterator[str]:
    """Find recommendations that say too little, or contradict an answer."""
    first_advice: set[tuple[str, ...]] = set()
    used: set[tuple[str, str]] = set()
    for path in paths:
        answers = dict(path)
        result = recommend(flow, walk(flow, answers)) if len(outcomes(flow, answers)) == 1 else None
        if result is None:
            continue  # reported as a fault of the path
        name = _name(path)
        first_advice.add(tuple(advice.id for advice in result.advice[:FIRST_ADVICE]))
        used |= {(option.outcome, id) for option in result.options for id in (*option.pros, *option.cons)}
        if not result.advice:
            yield f"path {name}: has no advice"
        if not any(option.outcome == result.outcome.id and option.pros for option in result.options):
            yield f"path {name}: nothing speaks for {result.outcome.id}"
        texts: list[Outcome | Advice] = [result.outcome, *result.advice]
        for text in texts:
            if text.presumes.evaluate(answers) is False:
                yield f"path {name}: the text of {text.id} contradicts an answer"
    if len(first_advice) < MIN_FIRST_ADVICE:
        yield f"only {len(first_advice)} different beginnings of the advice, at least {MIN_FIRST_ADVICE} are needed"
    for arguments in flow.arguments:
        for argument in (*arguments.pros, *arguments.cons):
            if (arguments.outcome, argument.id) not in used:
                yield f"argument {arguments.outcome}.{argument.id}: on no path"


def _name(path: Path) -> str:
    return " ".join(f"{step.question}={step.option}" for step in path)


def _has_effect(flow: Flow, path: Path, question: Question) -> bool:
    """Return whether another answer to `question`, with the others as they are, gives another result."""
    answers = dict(path)
    return len({_result(flow, {**answers, question.id: option}) for option in question.options}) > 1


def _result(flow: Flow, answers: Answers) -> tuple[object, ...]:
    position = walk(flow, answers)
    result = recommend(flow, position) if len(outcomes(flow, position.answers)) == 1 else None
    asked = tuple(step.question for step in position.path)
    if result is None:
        return asked, position.next_question
    # Leave out the open questions: with them, every "I don't know" would have an effect.
    return asked, result.outcome, result.advice, result.control, result.provisional


def required_ids(flow: Flow) -> Iterator[str]:
    """Yield the id of every text that the flow needs."""
    for question in flow.questions:
        yield from (f"question.{question.id}.{part}" for part in ("text", "short", "why", "judge", "examples"))
        for option in question.options:
            yield from (f"option.{question.id}.{option}", f"option.{question.id}.{option}.if")
    for outcome in flow.outcomes:
        yield from (f"outcome.{outcome.id}.{part}" for part in ("title", "summary", "phrase"))
        for suffix, _ in outcome.variants:
            yield from (f"outcome.{outcome.id}.{part}.{suffix}" for part in ("title", "summary"))
    for version in (flow, *flow.earlier.values()):
        for advice in version.advice:
            yield from _advice_ids(advice)
    for arguments in flow.arguments:
        for argument in (*arguments.pros, *arguments.cons):
            yield f"argument.{arguments.outcome}.{argument.id}"
    yield from (f"source.{question.source}" for question in flow.questions)
    yield from (f"source.{advice.source}" for advice in flow.advice)
    yield from (f"control.{level}" for level in range(len(flow.control) + 1))
    yield from (f"control.firm.{level}" for level in range(1, len(flow.control) + 1))
    yield from (f"control.reason.{leaf.question}" for condition in flow.control for leaf in condition.leaves())
    yield from (f"fact.{flow.strategic.id}.{value}" for value in ("true", "false", "unknown"))


def _advice_ids(advice: Advice) -> Iterator[str]:
    id = advice.text_id or advice.id
    yield f"advice.{id}.title"
    wordings = [f".{outcome}" for outcome in advice.text_by_outcome] or [""]
    yield from (f"advice.{id}.{part}{wording}" for part in ("text", "step") for wording in wordings)


def text_faults(flow: Flow) -> Iterator[str]:
    """Find texts that are missing, empty or too long, differ in placeholders, name a platform, or repeat a label."""
    by_language = {language: translations(language) for language in languages()}
    if not by_language:
        yield "no catalog is compiled"
    ids = set(required_ids(flow)).union(*(t.ids() for t in by_language.values()))
    for id in sorted(ids):
        placeholders = {language: _placeholders(t(id)) for language, t in by_language.items() if id in t}
        yield from (f"text {id}: missing in {language}" for language in by_language if language not in placeholders)
        if len(set(placeholders.values())) > 1:
            yield f"text {id}: placeholders differ between languages: {placeholders}"
        for language in placeholders:
            yield from (f"text {id}, {language}: {fault}" for fault in _faults_of_text(id, by_language[language](id)))
    for language, t in by_language.items():
        yield from _repeated_labels(flow, language, t)


def _placeholders(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def _faults_of_text(id: str, text: str) -> Iterator[str]:
    max_length = next(length for pattern, length in MAX_LENGTHS if pattern.fullmatch(id))
    if not text.strip():
        yield "empty"
    if len(text) > max_length:
        yield f"{len(text)} characters, at most {max_length}"
    if not id.startswith(SURFACE_PREFIXES) and PLATFORMS.search(text):
        yield "names a platform"


def _repeated_labels(flow: Flow, language: str, t: Translations) -> Iterator[str]:
    for question in flow.questions:
        ids = [f"option.{question.id}.{option}" for option in question.options]
        labels = Counter(t(id).casefold() for id in ids if id in t)
        for label, count in labels.items():
            if count > 1:
                yield f"question {question.id}, {language}: {count} options have the label {label!r}"
