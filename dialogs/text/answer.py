"""What typed text can mean, and one answer to a question."""

from collections.abc import Iterable
from dataclasses import dataclass

from dialogs.text import lexicon
from dialogs.text.lexicon import BREAK, Index, Kind, Phrase, Tokens

MAX_CANDIDATES = 4


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


def cut(words: Tokens, index: Index) -> list[Phrase]:
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
_EMPTY = frozenset({Kind.FILLING, Kind.BREAK})
_NAMING = frozenset({Kind.OPTION, Kind.NUMBER})


def parse_answer(words: Tokens, index: Index) -> ParsedAnswer | Ambiguous | None:
    """Parse words as one answer to the question of `index`; None if they name, deny and hint at nothing."""
    options = index.question.options
    whole = index.alone.get(without_breaks(words)) or index.phrases.get(without_breaks(words))
    phrases = [whole] if whole else cut(words, index)
    content = tuple(word for phrase in phrases if phrase.kind not in _EMPTY for word in phrase.words)
    if (alone := index.alone.get(content)) and alone.kind is Kind.OPTION:
        phrases = [alone]
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


def without_breaks(words: Tokens) -> Tokens:
    return tuple(word for word in words if word != BREAK)


def matches(parsed: Parsed | None) -> tuple[Match, ...]:
    match parsed:
        case Ambiguous(candidates):
            return candidates
        case ParsedAnswer() | Command() | QuickCheck():
            return (parsed,)
    return ()


def suggest(matches: Iterable[Match]) -> Ambiguous | NoMatch:
    candidates: list[Match] = []
    for match in matches:
        if match not in candidates:
            candidates.append(match)
    return Ambiguous(tuple(candidates[:MAX_CANDIDATES])) if candidates else NoMatch()
