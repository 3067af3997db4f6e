"""The phrases people type, in French and English, indexed for `dialogs.text.parse`.

The phrases are in ``locales/phrases.toml``, which also documents its format.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from enum import Enum, auto
from functools import lru_cache
from typing import Any, NamedTuple

from dialogs.flow import Question
from dialogs.translations import LOCALES_DIR, languages, translations

Tokens = tuple[str, ...]

_TABLES: dict[str, Any] = tomllib.loads((LOCALES_DIR / "phrases.toml").read_text(encoding="utf-8"))


def phrases(text: str) -> tuple[str, ...]:
    """Split comma-separated phrases."""
    return tuple(" ".join(phrase.split()) for phrase in text.split(",") if phrase.strip())


def _table(name: str) -> tuple[str, ...]:
    """Return the phrases of a table."""
    return expand(_TABLES[name])


def expand(cells: str | list[str]) -> tuple[str, ...]:
    """Return the phrases of cells. ``form, form: phrase, phrase`` gives every phrase in every form."""
    table: list[str] = []
    for cell in [cells] if isinstance(cells, str) else cells:
        forms, _, text = cell.partition(":") if "{}" in cell else ("{}", "", cell)
        table += (form.format(phrase) for form in phrases(forms) for phrase in phrases(text))
    return tuple(table)


BARE = _table("bare")
YES, NO, OPEN = _table("yes"), _table("no"), _table("open")
NEGATIONS, INSTEAD = _table("negations"), _table("instead")
AND, OR, BUT, FILLING = _table("and"), _table("or"), _table("but"), _table("filling")
POLITE, CHANGE, CHANGE_FILLING = _table("polite"), _table("change"), _table("change_filling")
LANGUAGE, APART = _table("language"), _table("apart")
OTHER_LANGUAGES = _table("other_languages")
UNSURE: dict[str, str] = _TABLES["unsure"]
UNSURE_ALONE: dict[str, str] = _TABLES["unsure_alone"]
OPTIONS: dict[str, dict[str, str | list[str]]] = {
    question: options for questions, options in _TABLES["options"].items() for question in questions.split()
}
QUESTIONS: dict[str, str] = _TABLES["questions"]
COMMANDS: dict[str, str] = _TABLES["commands"]
NUMBERS: dict[int, str] = {int(number): texts for number, texts in _TABLES["numbers"].items()}
SIGNS: dict[str, str] = _TABLES["signs"]
EMOJI = {name: meaning for meaning, names in _TABLES["emoji"].items() for name in phrases(names)}
SMALL_TALK: dict[str, str] = _TABLES["small_talk"]
PRAISE = _table("praise")

POLITE_SMALL_TALK = ("hello", "thanks", "goodbye")
"""Small talk that may stand beside an answer."""
SMALL_TALK_ORDER = ("joke", "who_are_you", "how_are_you", "goodbye", "thanks", "hello")
"""The most particular first: it is answered when a text has several."""
NEGATIVE = frozenset({"no", "nobody"})
"""Options that are negative themselves: a negation beside one, as in "non, personne", does not exclude it."""
TOGETHER = {frozenset({"in_house", "agency"}): "both"}
"""Pairs of options that, joined by "and", are a third option."""
NEVER_CORRECTED = frozenset({"post", "cancel", "restart", "forget_me"})
"""Commands not run from a misspelled word; they are suggested instead."""

# --- Tokens --------------------------------------------------------------------------------------

MAX_TEXT_LENGTH = 300
"""Characters. A longer text is not an answer, and parsing it would be slow."""
BREAK = ","
_EMOJI_NAME = re.compile(r":([a-z0-9_+'-]{1,60}):(?!\w)", re.IGNORECASE)
_LINK = re.compile(r"\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.)[^\s<>|]+", re.IGNORECASE)
_NE = re.compile(r"\bn(?:['’ʼ]\s*|\s+(?=(?:a|ai|as|en|y\s+(?:a|en)|est|avons|avez|ont)\b))")
_ADVERB_Y = re.compile(r"\b(?:(il|ne|on)\s*|(j|d|t|s|qu)['’ʼ]\s*)y\b")
_SPLIT_WORD = re.compile(r"[^\W\d_]+(?:[/.&+-][^\W\d_]+)+")
_TOKEN = re.compile(r"(?<!\w)[-+]?\d+\w*|[^\W_]+|[?]+|[%€$]|[,;.!:…/|\n()\[\]«»\"]")
_REPEATED = re.compile(r"([^\W\d_])\1+")
_REMOVED = frozenset({"Mn", "Me", "Cf"})
SMILEY = re.compile(r"[:;=]-?[()|*\\]+(?!\w)|(?<!\S)[:;=]-?[dpo](?!\S)", re.IGNORECASE)


# Large enough for the 2,500 phrases of the tables, which every question looks up, and recent messages.
@lru_cache(maxsize=4096)
def tokens(text: str) -> Tokens:
    """Return the normalized words of a text, ``,`` for any break between them; empty if the text is too long."""
    if len(text) > MAX_TEXT_LENGTH:
        return ()
    text = unicodedata.normalize("NFC", without_signs(text)).casefold()
    text = _SPLIT_WORD.sub(_join_letters, _ADVERB_Y.sub(r"\1\2y", _NE.sub("ne ", text)))
    for sign, meaning in SIGNS.items():
        text = text.replace(sign, meaning)
    bare = (char for char in unicodedata.normalize("NFKD", text) if unicodedata.category(char) not in _REMOVED)
    words = _TOKEN.findall(_REPEATED.sub(r"\1", "".join(bare).casefold()))
    return tuple(word if word[-1].isalnum() or word in "%€$" else "?" if word[0] == "?" else BREAK for word in words)


def without_signs(text: str) -> str:
    """Return a text without smileys and links, and with the meaning of an emoji for its name between colons."""
    text = _LINK.sub(" link ", SMILEY.sub(" ", text))
    return _EMOJI_NAME.sub(lambda match: f" {EMOJI.get(match[1].lower(), '')} ", text)


def has_words(text: str) -> bool:
    """Return whether a text has a letter or a digit, apart from the names of emoji."""
    return any(char.isalnum() for char in _EMOJI_NAME.sub(" ", text))


def _join_letters(match: re.Match[str]) -> str:
    """Return a word such as "n/a" in one piece: its letters are not the short answers "y", "o" and "n"."""
    parts = re.split("[/.&+-]", match[0])
    is_split = not _SHORT_ANSWERS.isdisjoint(parts) and not _SHORT_ANSWERS.issuperset(parts)
    return "".join(parts) if is_split else match[0]


_SHORT_ANSWERS = frozenset("yon")


def words_of(text: str) -> Tokens:
    """Return the words of a text without its breaks."""
    return tuple(token for token in tokens(text) if token != BREAK)


class Kind(Enum):
    """The role of a phrase in a text."""

    OPTION = auto()  # names an option of the question
    NUMBER = auto()  # names an option by its number
    AGREE = auto()  # "yes", where that is not an option
    UNSURE = auto()  # may mean some options; never taken as an answer
    DENY = auto()  # negates its clause
    INSTEAD = auto()  # negates what follows it
    AND = auto()
    OR = auto()
    BUT = auto()
    FILLING = auto()
    BREAK = auto()
    UNKNOWN = auto()


class Phrase(NamedTuple):
    """A phrase in a text: its role, the options of the question it stands for, and its words."""

    kind: Kind
    options: tuple[str, ...] = ()
    words: Tokens = ()


class Index(NamedTuple):
    """The phrases known for one question. `alone`: phrases that count only if they are the whole text.

    `content`: the words of the phrases that stand for options; a misspelled word may be corrected to one of them.
    """

    question: Question
    phrases: Mapping[Tokens, Phrase]
    alone: Mapping[Tokens, Phrase]
    content: frozenset[str]
    max_length: int

    def similar(self, word: str) -> list[Phrase]:
        """Return the one-word phrases that resemble `word`."""
        words = get_close_matches(word, self.content, 3, 0.75)
        return [self.phrases[(other,)] for other in words if (other,) in self.phrases]


@lru_cache(maxsize=64)
def index(question: Question) -> Index:
    """Return the index of a question."""
    known: dict[Tokens, Phrase] = {(BREAK,): Phrase(Kind.BREAK, (), (BREAK,))}
    for text, kind, options in _vocabulary(question):
        words = words_of(text)
        known[words] = Phrase(kind, options, words)
    alone = {words_of(text): Phrase(kind, options) for text, kind, options in _alone(question)}
    with_options = [phrase for phrase in known.values() if phrase.kind in _WITH_OPTIONS]
    content = {
        word for phrase in with_options for word in phrase.words if known.get((word,), phrase).kind in _WITH_OPTIONS
    }
    return Index(question, known, alone, frozenset(content), max(map(len, known)))


_WITH_OPTIONS = frozenset({Kind.OPTION, Kind.UNSURE})
Entry = tuple[str, Kind, tuple[str, ...]]


def _vocabulary(question: Question) -> Iterator[Entry]:
    """Yield text, kind and options of each phrase. A later entry replaces an earlier one with the same words."""
    options = question.options
    for kind, table in _COMMON.items():
        yield from ((phrase, kind, ()) for phrase in table)
    for number, texts in NUMBERS.items():
        position = len(options) if number < 0 else number
        yield from ((phrase, Kind.NUMBER, options[position - 1 : position]) for phrase in phrases(texts))
    yield from ((str(number), Kind.NUMBER, (option,)) for number, option in enumerate(options, 1))
    yield from _unsure(UNSURE, question)
    for table, option, otherwise in (
        (YES, "yes", Kind.AGREE),
        (NO, "no", Kind.DENY),
        (OPEN, _open_option(question), Kind.UNSURE),
    ):
        entry = (Kind.OPTION, (option,)) if option in options else (otherwise, ())
        yield from ((phrase, *entry) for phrase in table)
    for option in options:
        yield from ((phrase, Kind.OPTION, (option,)) for phrase in _option_phrases(question.id, option))


def _alone(question: Question) -> Iterator[Entry]:
    yield from _unsure(UNSURE_ALONE, question)
    for option, cells in _TABLES["options_alone"].get(question.id, {}).items():
        yield from ((phrase, Kind.OPTION, (option,)) for phrase in expand(cells))


_COMMON = {
    Kind.FILLING: (*FILLING, *PRAISE, *(phrase for name in POLITE_SMALL_TALK for phrase in phrases(SMALL_TALK[name]))),
    Kind.AND: AND,
    Kind.OR: OR,
    Kind.BUT: BUT,
    Kind.DENY: NEGATIONS,
    Kind.INSTEAD: INSTEAD,
}


def _open_option(question: Question) -> str:
    return "undecided" if "undecided" in question.options else "unknown"


def _unsure(table: Mapping[str, str], question: Question) -> Iterator[Entry]:
    for meanings, texts in table.items():
        ids = meanings.replace("open", _open_option(question)).split()
        if options := tuple(id for id in ids if id in question.options):
            yield from ((phrase, Kind.UNSURE, options) for phrase in phrases(texts))


def _option_phrases(question: str, option: str) -> tuple[str, ...]:
    listed = expand(OPTIONS.get(question, {}).get(option, ""))
    return (option, *listed, *_labels(f"option.{question}.{option}"))


def _labels(id: str) -> Iterator[str]:
    return (translations(language)(id) for language in languages() if id in translations(language))


@lru_cache(maxsize=1)
def names() -> dict[Tokens, str]:
    """Return every name of every question, with and without its spaces -> question id."""
    ids: dict[Tokens, str] = {}
    for id, texts in QUESTIONS.items():
        for name in (id, *phrases(texts), *_labels(f"question.{id}.short")):
            ids.setdefault(words_of(name), id)
            ids.setdefault(words_of("".join(words_of(name))), id)
    return ids


@lru_cache(maxsize=1)
def commands() -> dict[Tokens, tuple[str, str | None]]:
    """Return every command phrase -> the name of the command and its argument."""
    by_phrase: dict[Tokens, tuple[str, str | None]] = {}
    for key, texts in COMMANDS.items():
        name, _, argument = key.partition(":")
        for phrase in (*phrases(texts), *(() if name == "language" else _labels(f"label.{name}"))):
            by_phrase.setdefault(words_of(phrase.rstrip(" ?")) or words_of(phrase), (name, argument or None))
    by_phrase |= {words: (name, None) for words, name in small_talk().items()}
    for phrase in OTHER_LANGUAGES:
        by_phrase.setdefault(words_of(phrase), ("language", None))
    return by_phrase


@lru_cache(maxsize=1)
def small_talk() -> dict[Tokens, str]:
    """Return every phrase of small talk -> its name."""
    known = {words_of(phrase): "thanks" for phrase in PRAISE}
    return known | {words_of(phrase): name for name, texts in SMALL_TALK.items() for phrase in phrases(texts)}


@lru_cache(maxsize=1)
def aliases() -> dict[Tokens, frozenset[str]]:
    """Return every name and every answer of any question -> the ids it may stand for."""
    pairs = [(words, id) for words, id in names().items()]
    for table, ids in ((YES, ("yes",)), (NO, ("no",)), (OPEN, ("unknown", "undecided"))):
        pairs += [(words_of(phrase), id) for phrase in table for id in ids]
    for question, options in OPTIONS.items():
        # "Yes" and "no" mean something else for each question.
        named = [option for option in options if option not in {"yes", "no"}]
        pairs += [(words_of(phrase), option) for option in named for phrase in _option_phrases(question, option)]
    by_alias: dict[Tokens, frozenset[str]] = {}
    for words, id in pairs:
        by_alias[words] = by_alias.get(words, frozenset()) | {id}
    return by_alias


@lru_cache(maxsize=1)
def known() -> frozenset[str]:
    """Return every word of every table."""
    tables = (APART, CHANGE, CHANGE_FILLING, POLITE, LANGUAGE, *_COMMON.values())
    texts = [phrase for table in tables for phrase in table]
    for cell in (*UNSURE.values(), *UNSURE_ALONE.values(), *NUMBERS.values()):
        texts += phrases(cell)
    texts += [phrase for options in OPTIONS.values() for cells in options.values() for phrase in expand(cells)]
    indexed = (word for words in (*aliases(), *commands()) for word in words)
    return frozenset(indexed).union(*map(words_of, texts))


@lru_cache(maxsize=1)
def command_words() -> frozenset[str]:
    """Return the words commands are made of."""
    return frozenset(word for phrase in commands() for word in phrase) - negative()


@lru_cache(maxsize=16)
def prepared(table: tuple[str, ...]) -> tuple[Tokens, ...]:
    """Return the words of every phrase of a table, the longest phrases first."""
    return tuple(sorted(map(words_of, table), key=len, reverse=True))


@lru_cache(maxsize=1)
def negative() -> frozenset[str]:
    """Return the single words that negate."""
    return frozenset(words_of(phrase)[0] for phrase in (*NEGATIONS, *NO) if len(words_of(phrase)) == 1)


def nearest(text: str, valid: Iterable[str]) -> str | None:
    """Return the id in `valid` closest to `text`, or with the closest synonym; None if none is close.

    For error messages only: the result may be wrong.
    """
    ids = _ids_by_alias(tuple(valid))
    key = " ".join(words_of(text[:60]))
    if key in ids or negative().intersection(key.split()):
        return ids.get(key)
    return next((ids[alias] for alias in get_close_matches(key, ids, 1, 0.65)), None)


@lru_cache(maxsize=64)
def _ids_by_alias(valid: tuple[str, ...]) -> dict[str, str]:
    by_alias = {" ".join(words_of(id)): id for id in valid}
    for alias, ids in aliases().items():
        for id in valid:
            if id in ids:
                by_alias.setdefault(" ".join(alias), id)
    return by_alias


# --- Misspelled words ----------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def closest(word: str) -> tuple[str, ...]:
    """Return the known words one typing error away from `word`; if there are none and it is long, two errors away."""
    for distance in (1, 2) if len(word) >= 8 else (1,):
        if words := [other for other in known() if len(other) >= 4 and _within(word, other, distance)]:
            return tuple(sorted(words))
    return ()


def _within(word: str, other: str, distance: int) -> bool:
    """Return whether the edit distance is at most `distance`. A swap of two letters counts as one edit."""
    if abs(len(word) - len(other)) > distance or len(set(word) ^ set(other)) > 2 * distance:
        return False
    before_last: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(word, 1):
        costs = [row]
        for column, other_letter in enumerate(other, 1):
            cost = min(last[column] + 1, costs[-1] + 1, last[column - 1] + (letter != other_letter))
            if row > 1 and column > 1 and letter == other[column - 2] and word[row - 2] == other_letter:
                cost = min(cost, before_last[column - 2] + 1)
            costs.append(cost)
        before_last, last = last, costs
    return last[-1] <= distance
