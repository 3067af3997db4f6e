"""Parse what people type, in French and English at once. The phrases are in `dialogs.text.lexicon`.

The parser does not guess. A text is cut into known phrases, longest first. It is an answer only if every phrase is
known, exactly one option is named and nothing negates it. Otherwise the close readings are suggested (`Ambiguous`), or
there is none (`NoMatch`). A typing error is corrected only in one longer word, only if the result has one reading, and
never near a negation.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from dialogs.flow import ALWAYS, Flow, Question
from dialogs.text import lexicon
from dialogs.text.lexicon import BREAK, Index, Kind, Phrase, Tokens, nearest, tokens, words_of
from dialogs.translations import languages

MAX_CANDIDATES = 4
MAX_PAIRS = 24
MAX_QUOTED = 60
"""Characters of the text that a problem repeats."""


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """One answer to the current question."""

    question: str
    option: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command. `argument`: the question to ``change``, or the code of the ``language``; None if not named."""

    name: str
    argument: str | None = None


@dataclass(frozen=True, slots=True)
class QuickCheck:
    """Several answers at once, by question id."""

    answers: dict[str, str]


Match = ParsedAnswer | Command | QuickCheck


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """The closest readings, best first, at least one and at most `MAX_CANDIDATES`. They are only suggestions."""

    candidates: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in a quick check.

    `kind`: ``question`` (unknown name), ``answer`` (unknown answer to `question`), ``twice`` (`question` has two
    different answers, in `nearest`), ``too_many`` (more answers in a row than criteria), ``form`` (no name or no
    answer). `given`: the text, shortened. `nearest`: the closest valid ids.
    """

    kind: str
    given: str
    question: str | None = None
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problems:
    """Every fault of a quick check."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class NoMatch:
    """The text was not understood."""


Parsed = Match | Ambiguous | Problems | NoMatch


def warm_up(flow: Flow) -> None:
    """Build every index now, so that the first message is not slow."""
    for question in flow.questions:
        parse("?", flow, question)
    parse_quick_check("?=?", flow)


def parse(text: str, flow: Flow, question: Question | None) -> Parsed:
    """Parse a message in a dialog. `question`: the current question, if there is one. Never raises."""
    text = text.strip()
    if _has_names(text):
        return parse_quick_check(text, flow)
    words = tokens(text)
    index = lexicon.index(question) if question else None
    answer = _answer(words, index) if index else None
    command = _command(words, flow)
    if command:
        return Ambiguous((answer, *_matches(command))) if isinstance(answer, ParsedAnswer) else command
    row = _row(words[:-1] if index and words[-1:] == ("?",) else words, flow)
    several = isinstance(row, QuickCheck) and len(row.answers) > 1
    if index is None and (several or (isinstance(row, Problems) and row.problems[0].kind == "too_many")):
        return row
    if index and isinstance(row, QuickCheck) and several:
        candidates = _matches(answer)[: MAX_CANDIDATES - 1]
        all_equal = len(set(row.answers.values())) == 1
        if len(row.answers) == len(_criteria(flow)) and not all_equal and "?" not in words:
            return row
        return _suggest((*candidates, row) if all_equal else (row, *candidates))
    return answer if isinstance(answer, ParsedAnswer) else _correct(words, flow, index, answer)


def parse_quick_check(text: str, flow: Flow) -> QuickCheck | Ambiguous | Problems | NoMatch:
    """Parse a quick check: ``oui non oui`` for the criteria in order, ``name=answer``, or both. Never raises.

    A single answer without a name is for the first criterion.
    """
    text = text.strip()
    parts = _parts(text) if tokens(text) else [""]
    if len(parts) == 1:
        row = _row(tokens(text), flow)
        return row if row != QuickCheck({}) else NoMatch()
    if len(parts) > MAX_PAIRS:
        return NoMatch()
    pairs: list[ParsedAnswer | Problem] = []
    row_text, name = _split_name(parts[0], leave=0)
    for number, part in enumerate(parts[1:], 2):
        body, next_name = (part, "") if number == len(parts) else _split_name(part, leave=1)
        pair, rest = _pair(name, body, flow)
        pairs.append(pair)
        row_text, name = f"{row_text}, {rest}", next_name
    return _combine(pairs, _row(tokens(row_text), flow), row_text)


# --- One answer ----------------------------------------------------------------------------------


def _phrases(words: Tokens, index: Index) -> list[Phrase]:
    """Cut words into the phrases of `index`, the longest first."""
    phrases: list[Phrase] = []
    start = 0
    while start < len(words):
        ends = range(min(len(words), start + index.max_length), start, -1)
        known = next((phrase for end in ends if (phrase := index.phrases.get(words[start:end]))), None)
        phrases.append(known or Phrase(Kind.UNKNOWN, (), words[start : start + 1]))
        start += len(phrases[-1].words)
    return phrases


_PLAIN = frozenset({Kind.OPTION, Kind.NUMBER, Kind.AGREE, Kind.AND, Kind.FILLING, Kind.BREAK})
_NAMING = frozenset({Kind.OPTION, Kind.NUMBER})


def _answer(words: Tokens, index: Index) -> ParsedAnswer | Ambiguous | None:
    """Parse words as one answer to the question of `index`; None if they name, deny and hint at nothing."""
    options = index.question.options
    whole = index.alone.get(_without_breaks(words)) or index.phrases.get(_without_breaks(words))
    phrases = [whole] if whole else _phrases(words, index)
    kinds = {phrase.kind for phrase in phrases}
    named, denied = _named_and_denied(phrases)
    if kinds <= _PLAIN:
        if Kind.AND in kinds and (together := lexicon.TOGETHER.get(frozenset(named))) in options:
            named = [together]
        if len(named) == 1 and all(phrase.options for phrase in phrases if phrase.kind in _NAMING):
            return ParsedAnswer(index.question.id, named[0])
    hints = [option for phrase in phrases if phrase.kind is Kind.UNSURE for option in phrase.options]
    negated = bool(kinds & {Kind.DENY, Kind.INSTEAD})
    alone_or_yes_no = Kind.UNKNOWN not in kinds or "no" in options
    if not (named or hints or denied or Kind.AGREE in kinds or (negated and alone_or_yes_no)):
        return None
    if "yes" not in named and (negated or ("no" in named and "yes" not in hints)):
        denied.add("yes")
    left = [option for option in dict.fromkeys((*named, *hints, *options)) if option not in denied] or options
    return Ambiguous(tuple(ParsedAnswer(index.question.id, option) for option in left[:MAX_CANDIDATES]))


def _named_and_denied(phrases: Iterable[Phrase]) -> tuple[list[str], set[str]]:
    """Return the options named and those denied. "Not" denies its whole clause, "rather than" what follows it."""
    named: list[str] = []
    denied: set[str] = set()
    clause: list[Phrase] = []
    for phrase in (*phrases, Phrase(Kind.BREAK)):
        if phrase.kind not in {Kind.BREAK, Kind.BUT}:
            clause.append(phrase)
            continue
        negated = any(part.kind is Kind.DENY for part in clause)
        for part in clause:
            negated = negated or part.kind is Kind.INSTEAD
            if part.kind in _NAMING:
                denied.update(option for option in part.options if negated and option not in lexicon.NEGATIVE)
                named.extend(part.options)
        clause.clear()
    return list(dict.fromkeys(option for option in named if option not in denied)), denied


def _without_breaks(words: Tokens) -> Tokens:
    return tuple(word for word in words if word != BREAK)


def _matches(parsed: Parsed | None) -> tuple[Match, ...]:
    match parsed:
        case Ambiguous(candidates):
            return candidates
        case ParsedAnswer() | Command() | QuickCheck():
            return (parsed,)
    return ()


def _suggest(matches: Iterable[Match]) -> Ambiguous | NoMatch:
    candidates: list[Match] = []
    for match in matches:
        if match not in candidates:
            candidates.append(match)
    return Ambiguous(tuple(candidates[:MAX_CANDIDATES])) if candidates else NoMatch()


# --- Commands ------------------------------------------------------------------------------------


def _command(words: Tokens, flow: Flow) -> Command | Ambiguous | None:
    """Parse words as a command; None unless all of them belong to it."""
    words = _without_breaks(words)
    if words != ("?",):
        words = tuple(word for word in words if word != "?")
    for polite in lexicon.prepared(lexicon.POLITE):
        if len(words) > len(polite):
            words = words[len(polite) :] if words[: len(polite)] == polite else words
            words = words[: -len(polite)] if words[-len(polite) :] == polite else words
    if command := lexicon.commands().get(words):
        return Command(*command)
    if words in lexicon.prepared(lexicon.LANGUAGE):
        return Ambiguous(tuple(Command("language", language) for language in languages()))
    verb = next((verb for verb in lexicon.prepared(lexicon.CHANGE) if words[: len(verb)] == verb), None)
    return _change(words[len(verb) :], flow) if verb else None


def _change(name: Tokens, flow: Flow) -> Command | Ambiguous | None:
    name = tuple(word for word in name if (word,) not in lexicon.prepared(lexicon.CHANGE_FILLING))
    if lexicon.negative().intersection(name):
        return None
    if name in lexicon.names() or not name:
        return Command("change", lexicon.names().get(name))
    if len(name) == 1 and name[0].isdecimal():
        # Only the questions that are always asked have a fixed number. For others, the review shows which it is.
        always = (question.id for question in flow.questions if question.asked_when is ALWAYS)
        numbers = {str(number): id for number, id in enumerate(always, 1)}
        return Command("change", numbers.get(name[0]))
    close = nearest(" ".join(name), flow.questions_by_id)
    return Ambiguous((*([Command("change", close)] if close else []), Command("change")))


# --- Typing errors -------------------------------------------------------------------------------


def _correct(words: Tokens, flow: Flow, index: Index | None, answer: Ambiguous | None) -> Parsed:
    """Correct one misspelled word and parse again, if that is safe. Otherwise suggest what is close."""
    unknown = [word for word in words if word.isalpha() and word not in lexicon.known() and 4 <= len(word) <= 24]
    corrections = lexicon.closest(unknown[0]) if len(unknown) == 1 else ()
    readings: list[Parsed | None] = []
    for correction in corrections:
        corrected = tuple(correction if word in unknown else word for word in words)
        readings.append((_answer(corrected, index) if index else None) or _command(corrected, flow))
    negated = lexicon.negative().intersection(words)
    content = (index.content if index else frozenset()) | lexicon.command_words()
    all_equal = bool(readings) and readings.count(readings[0]) == len(readings)
    if all_equal and content.issuperset(corrections) and len(unknown[0]) > 4:
        match readings[0]:
            case ParsedAnswer(option=option) if option != "no" and not negated:
                return readings[0]
            case Command(name) if name not in lexicon.NEVER_CORRECTED:
                return readings[0]
    matches = [match for reading in (*readings, answer) for match in _matches(reading)]
    if index and not matches and not negated:
        similar = [phrase for word in unknown[:3] for phrase in index.similar(word)]
        matches = [ParsedAnswer(index.question.id, option) for phrase in similar for option in phrase.options]
    return _suggest(matches)


# --- A quick check -------------------------------------------------------------------------------

_SIGN = re.compile(r"\s*[=:]+[^\S\n]*")
_SEPARATORS = ",;&|/\n"
_PIECE = re.compile(rf"[^\s{_SEPARATORS}]+|[{_SEPARATORS}]")
_LETTERS = frozenset({"o", "y", "n", "?", BREAK})


def _criteria(flow: Flow) -> list[Question]:
    return [question for question in flow.questions if question.asked_when is ALWAYS and "yes" in question.options]


def _row(words: Tokens, flow: Flow) -> QuickCheck | Ambiguous | Problems | NoMatch:
    """Parse words as answers to the criteria in order. Filling alone gives an empty `QuickCheck`."""
    criteria = _criteria(flow)
    if not criteria:
        return NoMatch()
    only_letters = _LETTERS.issuperset(words)
    if only_letters and len(words) > 1:
        words = tuple("oui" if word == "o" else word for word in words)
    phrases = _phrases(words, lexicon.index(criteria[0]))
    answers = [phrase for phrase in phrases if phrase.kind is Kind.OPTION]
    if len(answers) > len(criteria) and answers[-1].words == ("?",):
        answers.pop()
    allowed = {Kind.OPTION, Kind.FILLING, Kind.BREAK} | ({Kind.AND} if len(answers) > 2 else set())
    single_letters = frozenset() if only_letters else frozenset({"y", "n"})
    others = [phrase for phrase in phrases if phrase.kind not in allowed or single_letters.intersection(phrase.words)]
    if others:
        return _row_problem(phrases, others, criteria) if answers and len(others) < 4 else NoMatch()
    merged = [phrase for position, phrase in enumerate(answers) if not _stresses(phrase, answers, position)]
    if len(merged) > len(criteria):
        return Problems((Problem("too_many", " ".join(_without_breaks(words))[:MAX_QUOTED]),))
    rows = (merged, answers) if len(answers) <= len(criteria) else (merged,)
    readings = [
        QuickCheck({question.id: phrase.options[0] for question, phrase in zip(criteria, row, strict=False)})
        for row in rows
    ]
    return readings[0] if readings[0] == readings[-1] else Ambiguous(tuple(readings))


def _row_problem(phrases: list[Phrase], others: list[Phrase], criteria: list[Question]) -> Problems:
    answered = sum(phrase.kind is Kind.OPTION for phrase in phrases[: phrases.index(others[0])])
    question = criteria[min(answered, len(criteria) - 1)]
    given = " ".join(word for phrase in others for word in phrase.words)
    close = nearest(given, question.options) if others[0].kind is Kind.UNKNOWN else None
    return Problems((_problem("answer", given, question.id, close),))


def _problem(kind: str, given: str, question: str | None = None, close: str | None = None) -> Problem:
    return Problem(kind, given[:MAX_QUOTED], question, (close,) if close else ())


def _stresses(phrase: Phrase, answers: list[Phrase], position: int) -> bool:
    """Return whether an answer may only stress the one beside it, as in "non, pas du tout" or "absolutely no"."""
    if phrase.words in lexicon.prepared(lexicon.BARE):
        return False
    before, after = answers[position - 1 : position], answers[position + 1 : position + 2]
    if before and before[0].options == phrase.options and before[0].words != phrase.words:
        return len(answers) < 3 or phrase.options in {("yes",), ("no",)}
    return phrase.options == ("yes",) and any(other.options == ("no",) for other in (*before, *after))


def _parts(text: str) -> list[str]:
    return _SIGN.split(lexicon.SMILEY.sub(" ", text))


def _has_names(text: str) -> bool:
    """Return whether a text has ``name=answer`` or ``name: answer``. Before a colon, the name must be known."""
    if not tokens(text):
        return False
    parts = _parts(text)
    named = (words_of(_split_name(part, leave=0)[1]) in lexicon.names() for part in parts[:-1])
    return len(parts) > 1 and ("=" in text or any(named))


def _split_name(part: str, leave: int) -> tuple[str, str]:
    """Split the text before a sign into an answer (at least `leave` pieces) and the name that ends it."""
    pieces = _PIECE.findall(part)
    cut = max((position + 1 for position, piece in enumerate(pieces) if piece in _SEPARATORS), default=0)
    first = max(leave, len(pieces) - 6)
    # A name does not contain a separator, except for the few labels that have one.
    for start in (*range(max(first, cut), len(pieces)), *range(first, cut)):
        if words_of(" ".join(pieces[start:])) in lexicon.names():
            return " ".join(pieces[:start]), " ".join(pieces[start:])
    start = cut or max(len(pieces) - 1, 0)
    return " ".join(pieces[:start]), " ".join(pieces[start:])


def _pair(name: str, body: str, flow: Flow) -> tuple[ParsedAnswer | Problem, str]:
    """Parse ``name=body``. Return the answer and the rest of the body after it."""
    question = flow.questions_by_id.get(lexicon.names().get(words_of(name), ""))
    pieces = _PIECE.findall(body)
    end = next((position for position, piece in enumerate(pieces) if piece in _SEPARATORS), len(pieces))
    answer, rest = " ".join(pieces[:end]), " ".join(pieces[end:])
    if not name or not answer:
        return _problem("form", f"{name}={body}", question.id if question else None), rest
    if question is None:
        return _problem("question", name, None, nearest(name, flow.questions_by_id)), rest
    index = lexicon.index(question)
    label = index.phrases.get(words_of(body), Phrase(Kind.UNKNOWN))
    if label.kind is Kind.OPTION:
        return ParsedAnswer(question.id, label.options[0]), ""
    sizes = range(min(end, 10), -1, -1)
    readings = [_answer(tokens(" ".join(pieces[:size])), index) for size in sizes]
    for size, (reading, shorter) in zip(sizes, pairwise(readings), strict=False):
        # In "mode=agence oui", the last word is an answer to the next criterion.
        last_is_separate = words_of(pieces[size - 1]) in lexicon.prepared(lexicon.BARE)
        if isinstance(reading, ParsedAnswer) and not (last_is_separate and isinstance(shorter, ParsedAnswer)):
            return reading, " ".join(pieces[size:])
    return _problem("answer", answer, question.id, nearest(answer, question.options)), rest


def _combine(pairs: list[ParsedAnswer | Problem], row: Parsed, row_text: str) -> QuickCheck | Problems:
    problems = [pair for pair in pairs if isinstance(pair, Problem)]
    answers: dict[str, str] = {}
    match row:
        case Problems(row_problems):
            problems.extend(row_problems)
        case NoMatch():
            problems.append(_problem("answer", row_text.strip(" ,")))
        case QuickCheck(row_answers) | Ambiguous((QuickCheck(row_answers), *_)):
            answers.update(row_answers)
    for pair in pairs:
        if isinstance(pair, ParsedAnswer) and answers.setdefault(pair.question, pair.option) != pair.option:
            problems.append(Problem("twice", pair.question, pair.question, (answers[pair.question], pair.option)))
    return Problems(tuple(problems)) if problems else QuickCheck(answers)
