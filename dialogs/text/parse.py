"""Parse what people type, in French and English at once. The phrases are in `dialogs.text.lexicon`.

The parser does not guess. A text is cut into known phrases, longest first. It is an answer only if every phrase is
known, exactly one option is named and nothing negates it. Otherwise the close readings are suggested (`Ambiguous`), or
there is none (`NoMatch`). A typing error is corrected only in one longer word, only if the result has one reading, and
never near a negation.
"""

from dialogs.flow import ALWAYS, Flow, Question
from dialogs.text import lexicon
from dialogs.text.answer import (
    MAX_CANDIDATES,
    Ambiguous,
    Command,
    Match,
    NoMatch,
    Parsed,
    ParsedAnswer,
    Problem,
    Problems,
    QuickCheck,
    matches,
    parse_answer,
    suggest,
    without_breaks,
)
from dialogs.text.lexicon import Index, Tokens, nearest, tokens
from dialogs.text.quick_check import criteria_of, has_names, is_row, parse_quick_check, parse_row, parse_single_answer

__all__ = [
    "MAX_CANDIDATES",
    "Ambiguous",
    "Command",
    "Match",
    "NoMatch",
    "Parsed",
    "ParsedAnswer",
    "Problem",
    "Problems",
    "QuickCheck",
    "parse",
    "parse_quick_check",
    "parse_single_answer",
    "warm_up",
]


def warm_up(flow: Flow) -> None:
    """Build every index now, so that the first message is not slow."""
    for question in flow.questions:
        parse("?", flow, question)
    parse_quick_check("?=?", flow)


def parse(text: str, flow: Flow, question: Question | None) -> Parsed:
    """Parse a message in a dialog. `question`: the current question, if there is one. Never raises."""
    text = text.strip()
    if has_names(text):
        return parse_quick_check(text, flow)
    words = tokens(text)
    index = lexicon.index(question) if question else None
    answer = parse_answer(words, index) if index else None
    command = _command(words, flow)
    if command:
        return Ambiguous((answer, *matches(command))) if isinstance(answer, ParsedAnswer) else command
    if not isinstance(answer, ParsedAnswer) and (small_talk := _small_talk(words, max_others=0)):
        return small_talk
    row = parse_row(words[:-1] if index and words[-1:] == ("?",) else words, flow, text)
    if index is None and is_row(row, words, flow):
        return row
    several = isinstance(row, QuickCheck) and len(row.answers) > 1
    if index and isinstance(row, QuickCheck) and several:
        candidates = matches(answer)[: MAX_CANDIDATES - 1]
        all_equal = len(set(row.answers.values())) == 1
        if len(row.answers) == len(criteria_of(flow)) and not all_equal and "?" not in words:
            return row
        return suggest((*candidates, row) if all_equal else (row, *candidates))
    if isinstance(answer, ParsedAnswer):
        return answer
    reading = _correct(words, flow, index, answer)
    if not isinstance(reading, NoMatch):
        return reading
    if small_talk := _small_talk(words):
        return small_talk
    is_filling = index is None and row == QuickCheck({}) and bool(without_breaks(words))
    return Command("hello") if is_filling else reading  # such as "ok"


# --- Commands ------------------------------------------------------------------------------------


def _command(words: Tokens, flow: Flow) -> Command | Ambiguous | None:
    """Parse words as a command; None unless all of them belong to it."""
    words = without_breaks(words)
    if words != ("?",):
        words = tuple(word for word in words if word != "?")
    if words in lexicon.small_talk():
        return Command(lexicon.small_talk()[words])
    for polite in lexicon.prepared(lexicon.POLITE):
        if len(words) > len(polite):
            words = words[len(polite) :] if words[: len(polite)] == polite else words
            words = words[: -len(polite)] if words[-len(polite) :] == polite else words
    if command := lexicon.commands().get(words):
        return Command(*command)
    if any(words[: len(name)] == name and len(words) <= len(name) + 2 for name in lexicon.prepared(lexicon.LANGUAGE)):
        return Command("language")
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


# --- Small talk ----------------------------------------------------------------------------------

_MAX_WORDS_BESIDE_GREETING = 2


def _small_talk(words: Tokens, max_others: int = lexicon.MAX_TEXT_LENGTH) -> Command | None:
    """Parse words that contain small talk: the most particular of it, so that "hello, who are you?" is a question.

    `max_others`: how many other words there may be. Beside a greeting, many are what the person wants.
    """
    words = tuple(word for word in without_breaks(words) if word != "?")
    known = lexicon.small_talk()
    longest = max(map(len, known))
    found: set[str] = set()
    start = others = 0
    while start < len(words):
        ends = range(min(len(words), start + longest), start, -1)
        end = next((end for end in ends if words[start:end] in known), None)
        if end and (max_others == 0 or words[start:end] not in lexicon.prepared(lexicon.PRAISE)):
            found.add(known[words[start:end]])
        others += not end
        start = end or start + 1
    if others > (min(max_others, _MAX_WORDS_BESIDE_GREETING) if found == {"hello"} else max_others):
        return None
    return next((Command(name) for name in lexicon.SMALL_TALK_ORDER if name in found), None)


# --- Typing errors -------------------------------------------------------------------------------


def _correct(words: Tokens, flow: Flow, index: Index | None, answer: Ambiguous | None) -> Parsed:
    """Correct one misspelled word and parse again, if that is safe. Otherwise suggest what is close."""
    unknown = [word for word in words if word.isalpha() and word not in lexicon.known() and 4 <= len(word) <= 24]
    corrections = lexicon.closest(unknown[0]) if len(unknown) == 1 else ()
    readings: list[Parsed | None] = []
    for correction in corrections:
        corrected = tuple(correction if word in unknown else word for word in words)
        readings.append((parse_answer(corrected, index) if index else None) or _command(corrected, flow))
    negated = lexicon.negative().intersection(words)
    content = (index.content if index else frozenset()) | lexicon.command_words()
    all_equal = bool(readings) and readings.count(readings[0]) == len(readings)
    if all_equal and content.issuperset(corrections) and len(unknown[0]) > 4:
        match readings[0]:
            case ParsedAnswer(option=option) if option != "no" and not negated:
                return readings[0]
            case Command(name) if name not in lexicon.NEVER_CORRECTED:
                return readings[0]
    found = [match for reading in (*readings, answer) for match in matches(reading)]
    if index and not found and not negated:
        similar = [phrase for word in unknown[:3] for phrase in index.similar(word)]
        found = [ParsedAnswer(index.question.id, option) for phrase in similar for option in phrase.options]
    return suggest(found)
