"""Parse a quick check: several answers at once."""

import re
from functools import lru_cache
from itertools import pairwise

from dialogs.flow import ALWAYS, Flow, Question
from dialogs.text import lexicon
from dialogs.text.answer import (
    Ambiguous,
    NoMatch,
    Parsed,
    ParsedAnswer,
    Problem,
    Problems,
    QuickCheck,
    cut,
    parse_answer,
    suggest,
)
from dialogs.text.lexicon import BREAK, Kind, Phrase, Tokens, nearest, tokens, words_of

MAX_PAIRS = 24
MAX_QUOTED = 60
"""Characters of the text that a problem repeats."""
_SIGN = re.compile(r"\s*[=:]+[^\S\n]*")
_SEPARATORS = ",;&|/\n"
_PIECE = re.compile(rf"[^\s{_SEPARATORS}]+|[{_SEPARATORS}]")


def parse_quick_check(text: str, flow: Flow) -> QuickCheck | Ambiguous | Problems | NoMatch:
    """Parse a quick check: ``oui non oui`` for the criteria in order, ``name=answer``, or both. Never raises.

    A single answer without a name is for the first criterion.
    """
    text = text.strip()
    parts = _parts(text) if tokens(text) else [""]
    if len(parts) == 1:
        row = parse_row(tokens(text), flow, text)
        if row == QuickCheck({}) or (isinstance(row, Problems) and not is_row(row, tokens(text), flow)):
            return NoMatch()
        return row
    if len(parts) > MAX_PAIRS:
        return NoMatch()
    pairs: list[ParsedAnswer | Problem] = []
    row_text, name = _split_name(parts[0], leave=0)
    for number, part in enumerate(parts[1:], 2):
        body, next_name = (part, "") if number == len(parts) else _split_name(part, leave=1)
        pair, rest = _pair(name, body, flow)
        pairs.append(pair)
        row_text, name = f"{row_text}, {rest}", next_name
    return _combine(pairs, parse_row(tokens(row_text), flow, row_text), row_text)


def parse_single_answer(text: str, flow: Flow) -> QuickCheck | Ambiguous | Problems | NoMatch:
    """Parse a quick check that may have one answer only. Only a bare one ("yes") is taken; others are suggested.

    What names an answer, as "an agency" does, is for the questions that have it.
    """
    reading = parse_quick_check(text, flow)
    words = tokens(text)
    if isinstance(reading, QuickCheck) and len(reading.answers) == 1 and not has_names(text):
        phrases = cut(words, lexicon.index(criteria_of(flow)[0]))
        content = [phrase.words for phrase in phrases if phrase.kind not in {Kind.FILLING, Kind.BREAK}]
        return reading if all(words in lexicon.prepared(lexicon.BARE) for words in content) else Ambiguous((reading,))
    if reading != NoMatch() or any(word[-1].isdecimal() for word in words):
        return reading
    answers = (parse_answer(words, lexicon.index(question)) for question in flow.questions)
    named = [
        QuickCheck({answer.question: answer.option})
        for answer in answers
        if isinstance(answer, ParsedAnswer) and answer.option not in {"yes", "no", "unknown", "undecided"}
    ]
    return suggest(named)


def criteria_of(flow: Flow) -> list[Question]:
    """Return the yes/no questions that are always asked. A row answers them in order."""
    return [question for question in flow.questions if question.asked_when is ALWAYS and "yes" in question.options]


def parse_row(words: Tokens, flow: Flow, text: str) -> QuickCheck | Ambiguous | Problems | NoMatch:
    """Parse words as answers to the criteria in order. Filling alone gives an empty `QuickCheck`.

    `text`: what the words are from. A problem quotes it unchanged.
    """
    criteria = criteria_of(flow)
    if not criteria:
        return NoMatch()
    only_bare = _bare_words().issuperset(words)
    if only_bare and len(words) > 1:
        words = tuple("oui" if word == "o" else word for word in words)
    phrases = cut(words, lexicon.index(criteria[0]))
    answers = [phrase for phrase in phrases if phrase.kind is Kind.OPTION]
    if len(answers) > len(criteria) and answers[-1].words == ("?",):
        answers.pop()
    allowed = {Kind.OPTION, Kind.FILLING, Kind.BREAK} | ({Kind.AND} if len(answers) > 2 else set())
    single_letters = frozenset() if only_bare else frozenset({"y", "n"})
    others = [phrase for phrase in phrases if phrase.kind not in allowed or single_letters.intersection(phrase.words)]
    if others:
        return _row_problem(phrases, others, criteria, text) if answers and len(others) < 4 else NoMatch()
    merged = [phrase for position, phrase in enumerate(answers) if not _stresses(phrase, answers, position)]
    if len(merged) > len(criteria):
        return Problems((_problem("too_many", text.strip()),))
    rows = (merged, answers) if len(answers) <= len(criteria) else (merged,)
    readings = [
        QuickCheck({question.id: phrase.options[0] for question, phrase in zip(criteria, row, strict=False)})
        for row in rows
    ]
    return readings[0] if readings[0] == readings[-1] else Ambiguous(tuple(readings))


def is_row(row: Parsed, words: Tokens, flow: Flow) -> bool:
    """Return whether words that `parse_row` made a row of look like one, rather than like any other text.

    "Thanks a lot", "who are you?" and "never mind" contain words that may be an answer.
    """
    content = [
        phrase
        for phrase in cut(words, lexicon.index(criteria_of(flow)[0]))
        if phrase.kind not in {Kind.FILLING, Kind.BREAK}
    ]
    bare = [phrase.words != ("?",) and phrase.words in lexicon.prepared(lexicon.BARE) for phrase in content]
    match row:
        case QuickCheck(answers):
            return len(answers) > 1 and any(bare)
        case Problems((Problem("answer", given, nearest=close),)):
            guessable = bool(close and lexicon.closest("".join(words_of(given)))) or all(
                phrase.kind is not Kind.UNKNOWN for phrase in content
            )
            return bare[0] and (sum(bare) > 1 or guessable)
        case Ambiguous() | Problems():
            return any(bare)
    return False


@lru_cache(maxsize=1)
def _bare_words() -> frozenset[str]:
    """Return the words of a row of bare answers."""
    words = (word for phrase in lexicon.prepared(lexicon.BARE) for word in phrase)
    return frozenset({"o", BREAK, *words})


def _row_problem(phrases: list[Phrase], others: list[Phrase], criteria: list[Question], text: str) -> Problems:
    answered = sum(phrase.kind is Kind.OPTION for phrase in phrases[: phrases.index(others[0])])
    question = criteria[min(answered, len(criteria) - 1)]
    wrong = " ".join(word for phrase in others for word in phrase.words)
    close = nearest(wrong, question.options) if others[0].kind is Kind.UNKNOWN and len(wrong) > 3 else None
    return Problems((_problem("answer", _quote(text, phrases, others), question.id, close),))


def _quote(text: str, phrases: list[Phrase], others: list[Phrase]) -> str:
    """Return the part of `text` from the first to the last of `others`, unchanged; all of it where that is unclear."""
    positions = [
        any(phrase is other for other in others) for phrase in phrases for word in phrase.words if word != BREAK
    ]
    pieces = [piece for piece in re.finditer(r"\S+", text) for _ in words_of(piece[0])]
    if len(pieces) != len(positions):
        return text.strip()
    first, last = positions.index(True), len(positions) - 1 - positions[::-1].index(True)
    return text[pieces[first].start() : pieces[last].end()].strip(" ,;.!")


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
    return _SIGN.split(lexicon.without_signs(text))


def has_names(text: str) -> bool:
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
    readings = [parse_answer(tokens(" ".join(pieces[:size])), index) for size in sizes]
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
