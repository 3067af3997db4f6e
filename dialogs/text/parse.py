"""What people type -> what they mean, in French and English at once. The words are in `dialogs.text.lexicon`.

One rule above all: nothing is guessed. A text is cut into known phrases, longest first, and counts as an answer only
if every phrase in it is known, exactly one option is named and nothing negates it. Whatever falls short is offered
(`Ambiguous`) or not understood (`NoMatch`). A slip of the finger is put right in one longer word only, towards one
reading only, and never near a negation.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from dialogs.flow import ALWAYS, Flow, Question
from dialogs.text import lexicon
from dialogs.text.lexicon import BREAK, Index, Kind, Mark, Tokens, tokens, words_of
from dialogs.translations import languages

nearest = lexicon.nearest

MAX_CANDIDATES = 4
MAX_PAIRS = 24
MAX_QUOTED = 60
"""How many characters of what was typed a problem repeats."""


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """One answer to the question at hand."""

    question: str
    option: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command. `argument`: the question to ``change``, the code of the ``language``; None where none is named."""

    name: str
    argument: str | None = None


@dataclass(frozen=True, slots=True)
class QuickCheck:
    """A quick check: several answers at once, by question id."""

    answers: dict[str, str]


Match = ParsedAnswer | Command | QuickCheck


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """The closest readings, best first, one to `MAX_CANDIDATES` of them. To be offered; nothing is done."""

    candidates: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in a quick check.

    `kind`: ``question`` (no such name), ``answer`` (no such answer to `question`), ``twice`` (the different answers
    `nearest` to `question`), ``too_many`` (more answers in a row than criteria), ``form`` (no name, or no answer).
    `given`: what was typed, shortened. `nearest`: the closest valid ids.
    """

    kind: str
    given: str
    question: str | None = None
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problems:
    """Every fault of a quick check at once."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class NoMatch:
    """Not understood at all."""


Parsed = Match | Ambiguous | Problems | NoMatch


def warm_up(flow: Flow) -> None:
    """Look everything up once, so that the first person who types does not wait for it."""
    for question in flow.questions:
        parse("?", flow, question)
    parse_quick_check("?=?", flow)


def parse(text: str, flow: Flow, question: Question | None) -> Parsed:
    """Read what was typed in a dialog where `question` is at hand, None where none is. Never raises."""
    text = text.strip()
    typed = tokens(text)
    if _has_names(text):
        return parse_quick_check(text, flow)
    index = lexicon.index(question) if question else None
    answer = _answer(typed, index) if index else None
    command = _command(typed, flow)
    if command:
        return Ambiguous((answer, *_clear(command))) if isinstance(answer, ParsedAnswer) else command
    row = _row(typed[:-1] if index and typed[-1:] == ("?",) else typed, flow)
    several = isinstance(row, QuickCheck) and len(row.answers) > 1
    if index is None and (several or (isinstance(row, Problems) and row.problems[0].kind == "too_many")):
        return row
    if index and isinstance(row, QuickCheck) and several:
        readings, alike = _clear(answer)[: MAX_CANDIDATES - 1], len(set(row.answers.values())) == 1
        if len(row.answers) == len(_criteria(flow)) and not alike and "?" not in typed:
            return row
        return _offer((*readings, row) if alike else (row, *readings))
    return answer if isinstance(answer, ParsedAnswer) else _put_right(typed, flow, index, answer)


def parse_quick_check(text: str, flow: Flow) -> QuickCheck | Ambiguous | Problems | NoMatch:
    """Read a quick check: ``oui non oui`` for the criteria in order, ``name=answer``, or both. Never raises.

    A single bare answer is that of the first criterion.
    """
    text = text.strip()
    parts = _parts(text) if tokens(text) else [""]
    if len(parts) == 1:
        row = _row(tokens(text), flow)
        return row if row != QuickCheck({}) else NoMatch()
    if len(parts) > MAX_PAIRS:
        return NoMatch()
    pairs: list[ParsedAnswer | Problem] = []
    in_row, name = _split_name(parts[0], leave=0)
    for place, part in enumerate(parts[1:], 2):
        body, next_name = (part, "") if place == len(parts) else _split_name(part, leave=1)
        pair, rest = _pair(name, body, flow)
        pairs.append(pair)
        in_row, name = f"{in_row}, {rest}", next_name
    return _gather(pairs, _row(tokens(in_row), flow), in_row)


# --- One answer ----------------------------------------------------------------------------------


def _marks(typed: Tokens, index: Index) -> list[Mark]:
    """Cut tokens into the phrases of `index`, the longest first."""
    marks: list[Mark] = []
    start = 0
    while start < len(typed):
        ends = range(min(len(typed), start + index.longest), start, -1)
        found = next((mark for end in ends if (mark := index.marks.get(typed[start:end]))), None)
        marks.append(found or Mark(Kind.STRANGE, (), typed[start : start + 1]))
        start += len(marks[-1].phrase)
    return marks


_PLAIN = frozenset({Kind.OPTION, Kind.NUMBER, Kind.AGREE, Kind.AND, Kind.FILLING, Kind.BREAK})
_NAMING = frozenset({Kind.OPTION, Kind.NUMBER})


def _answer(typed: Tokens, index: Index) -> ParsedAnswer | Ambiguous | None:
    """Read tokens as one answer to the question of `index`; None when they name, deny and hint at nothing."""
    options = index.question.options
    whole = index.alone.get(_words(typed)) or index.marks.get(_words(typed))
    marks = [whole] if whole else _marks(typed, index)
    kinds = {mark.kind for mark in marks}
    named, denied = _named(marks)
    if kinds <= _PLAIN:
        if Kind.AND in kinds and (together := lexicon.TOGETHER.get(frozenset(named))) in options:
            named = [together]
        if len(named) == 1 and all(mark.options for mark in marks if mark.kind in _NAMING):
            return ParsedAnswer(index.question.id, named[0])
    hints = [option for mark in marks if mark.kind is Kind.UNSURE for option in mark.options]
    negated = bool(kinds & {Kind.DENY, Kind.INSTEAD})
    alone_or_yes_no = Kind.STRANGE not in kinds or "no" in options
    if not (named or hints or denied or Kind.AGREE in kinds or (negated and alone_or_yes_no)):
        return None
    if "yes" not in named and (negated or ("no" in named and "yes" not in hints)):
        denied.add("yes")
    left = [option for option in dict.fromkeys((*named, *hints, *options)) if option not in denied] or options
    return Ambiguous(tuple(ParsedAnswer(index.question.id, option) for option in left[:MAX_CANDIDATES]))


def _named(marks: Iterable[Mark]) -> tuple[list[str], set[str]]:
    """Return the options named and those denied. A denial holds within its clause, "rather than" for what follows."""
    named: list[str] = []
    denied: set[str] = set()
    clause: list[Mark] = []
    for mark in (*marks, Mark(Kind.BREAK)):
        if mark.kind not in {Kind.BREAK, Kind.BUT}:
            clause.append(mark)
            continue
        no = any(part.kind is Kind.DENY for part in clause)
        for part in clause:
            no = no or part.kind is Kind.INSTEAD
            if part.kind in _NAMING:
                denied.update(option for option in part.options if no and option not in lexicon.NEGATIVE)
                named.extend(part.options)
        clause.clear()
    return list(dict.fromkeys(option for option in named if option not in denied)), denied


def _words(typed: Tokens) -> Tokens:
    return tuple(word for word in typed if word != BREAK)


def _clear(reading: Parsed | None) -> tuple[Match, ...]:
    match reading:
        case Ambiguous(readings):
            return readings
        case ParsedAnswer() | Command() | QuickCheck():
            return (reading,)
    return ()


def _offer(readings: Iterable[Match]) -> Ambiguous | NoMatch:
    every = list(readings)
    found = [reading for place, reading in enumerate(every) if reading not in every[:place]]
    return Ambiguous(tuple(found[:MAX_CANDIDATES])) if found else NoMatch()


# --- Commands ------------------------------------------------------------------------------------


def _command(typed: Tokens, flow: Flow) -> Command | Ambiguous | None:
    """Read tokens as a command, if all of them are one."""
    asked = _words(typed)
    if asked != ("?",):
        asked = tuple(word for word in asked if word != "?")
    for polite in lexicon.prepared(lexicon.POLITE):
        if len(asked) > len(polite):
            asked = asked[len(polite) :] if asked[: len(polite)] == polite else asked
            asked = asked[: -len(polite)] if asked[-len(polite) :] == polite else asked
    if found := lexicon.commands().get(asked):
        return Command(*found)
    if asked in lexicon.prepared(lexicon.LANGUAGE):
        return Ambiguous(tuple(Command("language", language) for language in languages()))
    verb = next((verb for verb in lexicon.prepared(lexicon.CHANGE) if asked[: len(verb)] == verb), None)
    return _change(asked[len(verb) :], flow) if verb else None


def _change(what: Tokens, flow: Flow) -> Command | Ambiguous | None:
    what = tuple(word for word in what if (word,) not in lexicon.prepared(lexicon.CHANGE_FILLING))
    always = [question.id for question in flow.questions if question.asked_when is ALWAYS]
    if lexicon.negative().intersection(what):
        return None
    if what in lexicon.names() or not what:
        return Command("change", lexicon.names().get(what))
    if len(what) == 1 and what[0].isdecimal():
        # Further on, what a number stands for depends on the answers: the review shows which it is.
        numbers = {str(number): id for number, id in enumerate(always, 1)}
        return Command("change", numbers.get(what[0]))
    close = nearest(" ".join(what), (question.id for question in flow.questions))
    return Ambiguous((*([Command("change", close)] if close else []), Command("change")))


# --- Slips ---------------------------------------------------------------------------------------


def _put_right(typed: Tokens, flow: Flow, index: Index | None, answer: Ambiguous | None) -> Parsed:
    """Read tokens with one slip put right where that is safe; otherwise offer what is close, with `answer` so far."""
    strange = [word for word in typed if word.isalpha() and word not in lexicon.known() and 4 <= len(word) <= 24]
    near = lexicon.closest(strange[0]) if len(strange) == 1 else ()
    readings: list[Parsed | None] = []
    for word in near:
        corrected = tuple(word if given in strange else given for given in typed)
        readings.append((_answer(corrected, index) if index else None) or _command(corrected, flow))
    negated = lexicon.negative().intersection(typed)
    content = (index.content if index else frozenset()) | lexicon.command_words()
    if near and content.issuperset(near) and readings.count(readings[0]) == len(near) and len(strange[0]) > 4:
        match readings[0]:
            case ParsedAnswer(option=option) if option != "no" and not negated:
                return readings[0]
            case Command(name) if name not in lexicon.WEIGHTY:
                return readings[0]
    found = [clear for reading in (*readings, answer) for clear in _clear(reading)]
    if index and not found and not negated:
        close = [mark for word in strange[:3] for mark in index.close(word)]
        found = [ParsedAnswer(index.question.id, option) for mark in close for option in mark.options]
    return _offer(found)


# --- A quick check -------------------------------------------------------------------------------

_SIGN = re.compile(r"\s*[=:]+[^\S\n]*")
_SEPARATORS = ",;&|/\n"
_PIECE = re.compile(rf"[^\s{_SEPARATORS}]+|[{_SEPARATORS}]")
_LETTERS = frozenset({"o", "y", "n", "?", BREAK})


def _criteria(flow: Flow) -> list[Question]:
    return [question for question in flow.questions if question.asked_when is ALWAYS and "yes" in question.options]


def _row(typed: Tokens, flow: Flow) -> QuickCheck | Ambiguous | Problems | NoMatch:
    """Read tokens as answers to the criteria in order: an empty company for mere filling, nothing for other words."""
    criteria = _criteria(flow)
    if not criteria:
        return NoMatch()
    letters = _LETTERS.issuperset(typed)
    if letters and len(typed) > 1:
        typed = tuple("oui" if word == "o" else word for word in typed)
    marks = _marks(typed, lexicon.index(criteria[0]))
    found = [mark for mark in marks if mark.kind is Kind.OPTION]
    if len(found) > len(criteria) and found[-1].phrase == ("?",):
        found.pop()
    harmless = {Kind.OPTION, Kind.FILLING, Kind.BREAK} | ({Kind.AND} if len(found) > 2 else set())
    single = frozenset() if letters else frozenset({"y", "n"})
    strange = [mark for mark in marks if mark.kind not in harmless or single.intersection(mark.phrase)]
    if strange:
        before = sum(mark.kind is Kind.OPTION for mark in marks[: marks.index(strange[0])])
        question = criteria[min(before, len(criteria) - 1)]
        given = " ".join(word for mark in strange for word in mark.phrase)
        close = nearest(given, question.options) if strange[0].kind is Kind.STRANGE else None
        problem = Problem("answer", given[:MAX_QUOTED], question.id, (close,) if close else ())
        return Problems((problem,)) if found and len(strange) < 4 else NoMatch()
    merged = [mark for place, mark in enumerate(found) if not _stresses(mark, found, place)]
    if len(merged) > len(criteria):
        return Problems((Problem("too_many", " ".join(_words(typed))[:MAX_QUOTED]),))
    rows = (merged, found) if len(found) <= len(criteria) else (merged,)
    readings = [
        QuickCheck({question.id: mark.options[0] for question, mark in zip(criteria, row, strict=False)})
        for row in rows
    ]
    return readings[0] if readings[0] == readings[-1] else Ambiguous(tuple(readings))


def _stresses(mark: Mark, found: list[Mark], place: int) -> bool:
    """Whether a phrase may only stress the answer beside it, as in "non, pas du tout" and "absolutely no"."""
    if mark.phrase in lexicon.prepared(lexicon.BARE):
        return False
    before, after = found[place - 1 : place], found[place + 1 : place + 2]
    if before and before[0].options == mark.options and before[0].phrase != mark.phrase:
        return len(found) < 3 or mark.options in {("yes",), ("no",)}
    return mark.options == ("yes",) and any(other.options == ("no",) for other in (*before, *after))


def _parts(text: str) -> list[str]:
    return _SIGN.split(lexicon.SMILEY.sub(" ", text))


def _has_names(text: str) -> bool:
    """Whether a text is a quick check with names: a colon alone must follow one, an equals sign need not."""
    if not tokens(text):
        return False
    parts = _parts(text)
    named = (words_of(_split_name(part, leave=0)[1]) in lexicon.names() for part in parts[:-1])
    return len(parts) > 1 and ("=" in text or any(named))


def _split_name(part: str, leave: int) -> tuple[str, str]:
    """Split what stands before a sign into an answer (of at least `leave` words) and the name that ends it."""
    pieces = _PIECE.findall(part)
    cut = max((place + 1 for place, piece in enumerate(pieces) if piece in _SEPARATORS), default=0)
    first = max(leave, len(pieces) - 6)
    # A name does not reach over a separator, save for the few that have one in them.
    for start in (*range(max(first, cut), len(pieces)), *range(first, cut)):
        if words_of(" ".join(pieces[start:])) in lexicon.names():
            return " ".join(pieces[:start]), " ".join(pieces[start:])
    start = cut or max(len(pieces) - 1, 0)
    return " ".join(pieces[:start]), " ".join(pieces[start:])


def _pair(name: str, body: str, flow: Flow) -> tuple[ParsedAnswer | Problem, str]:
    """Read ``name=body``: the answer, and what of the body comes after it."""
    question = flow.questions_by_id.get(lexicon.names().get(words_of(name), ""))
    pieces = _PIECE.findall(body)
    end = next((place for place, piece in enumerate(pieces) if piece in _SEPARATORS), len(pieces))
    chunk, rest = " ".join(pieces[:end]), " ".join(pieces[end:])
    if not name or not chunk:
        return Problem("form", f"{name}={body}"[:MAX_QUOTED], question.id if question else None), rest
    if question is None:
        close = nearest(name, (known.id for known in flow.questions))
        return Problem("question", name[:MAX_QUOTED], None, (close,) if close else ()), rest
    index = lexicon.index(question)
    label = index.marks.get(words_of(body), Mark(Kind.STRANGE))
    if label.kind is Kind.OPTION:
        return ParsedAnswer(question.id, label.options[0]), ""
    sizes = range(min(end, 10), -1, -1)
    found = [_answer(tokens(" ".join(pieces[:size])), index) for size in sizes]
    for size, (reading, shorter) in zip(sizes, pairwise(found), strict=False):
        # "mode=agence oui": the last word is an answer of its own.
        own = words_of(pieces[size - 1]) in lexicon.prepared(lexicon.BARE) and isinstance(shorter, ParsedAnswer)
        if isinstance(reading, ParsedAnswer) and not own:
            return reading, " ".join(pieces[size:])
    close = nearest(chunk, question.options)
    return Problem("answer", chunk[:MAX_QUOTED], question.id, (close,) if close else ()), rest


def _gather(pairs: list[ParsedAnswer | Problem], row: Parsed, in_row: str) -> QuickCheck | Problems:
    problems = [pair for pair in pairs if isinstance(pair, Problem)]
    answers: dict[str, str] = {}
    match row:
        case Problems(found):
            problems.extend(found)
        case NoMatch():
            problems.append(Problem("answer", in_row.strip(" ,")[:MAX_QUOTED]))
        case QuickCheck(found) | Ambiguous((QuickCheck(found), *_)):
            answers.update(found)
    for pair in pairs:
        if isinstance(pair, ParsedAnswer) and answers.setdefault(pair.question, pair.option) != pair.option:
            problems.append(Problem("twice", pair.question, pair.question, (answers[pair.question], pair.option)))
    return Problems(tuple(problems)) if problems else QuickCheck(answers)
