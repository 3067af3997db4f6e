"""The words people type, in French and English, and how they are looked up for `dialogs.text.parse`.

The words themselves are in ``locales/phrases.toml``, which says how they are written down.
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
    """Return the comma-separated phrases of a table's cell."""
    return tuple(" ".join(phrase.split()) for phrase in text.split(",") if phrase.strip())


def _listed(name: str) -> tuple[str, ...]:
    """Return the phrases of a table; of ``form, form: phrase, phrase`` every phrase in every form."""
    cells = _TABLES[name]
    found: list[str] = []
    for cell in [cells] if isinstance(cells, str) else cells:
        forms, _, listed = cell.partition(":") if "{}" in cell else ("{}", "", cell)
        found += (form.format(phrase) for form in phrases(forms) for phrase in phrases(listed))
    return tuple(found)


BARE = _listed("bare")
YES, NO, OPEN = _listed("yes"), _listed("no"), _listed("open")
NEGATIONS, INSTEAD = _listed("negations"), _listed("instead")
AND, OR, BUT, FILLING = _listed("and"), _listed("or"), _listed("but"), _listed("filling")
POLITE, CHANGE, CHANGE_FILLING = _listed("polite"), _listed("change"), _listed("change_filling")
LANGUAGE, APART = _listed("language"), _listed("apart")
UNSURE: dict[str, str] = _TABLES["unsure"]
UNSURE_ALONE: dict[str, str] = _TABLES["unsure_alone"]
OPTIONS: dict[str, dict[str, str]] = _TABLES["options"]
QUESTIONS: dict[str, str] = _TABLES["questions"]
COMMANDS: dict[str, str] = _TABLES["commands"]
NUMBERS: dict[int, str] = {int(place): texts for place, texts in _TABLES["numbers"].items()}
SIGNS: dict[str, str] = _TABLES["signs"]

NEGATIVE = frozenset({"no", "nobody"})
"""Options that are negative themselves: "not nobody", "non, personne" must not hide them from what is offered."""
TOGETHER = {frozenset({"in_house", "agency"}): "both"}
"""Two options joined by "and" that are a third."""
WEIGHTY = frozenset({"post", "cancel", "restart", "forget_me"})
"""Commands never taken from a misspelt word: they are offered instead."""

# --- Looked up -----------------------------------------------------------------------------------

MAX_TEXT_LENGTH = 300
"""Characters. Nobody answers a question with more, and the rest would only cost time."""
BREAK = ","
_TOKEN = re.compile(r"(?<!\w)[-+]?\d+\w*|[^\W_]+|[?]+|[%€$]|[,;.!:…/|\n()\[\]«»\"]")
_REPEATED = re.compile(r"([^\W\d_])\1+")
_UNSEEN = frozenset({"Mn", "Me", "Cf"})
SMILEY = re.compile(r"[:;=]-?[()|*\\]+(?!\w)|(?<!\S)[:;=]-?[dpo](?!\S)", re.IGNORECASE)


# Room for the 1,400 phrases of the tables, which question after question looks up, beside what was typed last.
@lru_cache(maxsize=2048)
def tokens(text: str) -> Tokens:
    """Return the words of a text, ``,`` for any break between them; none of a text that is too long."""
    if len(text) > MAX_TEXT_LENGTH:
        return ()
    text = unicodedata.normalize("NFC", SMILEY.sub(" ", text)).casefold()
    for sign, meaning in SIGNS.items():
        text = text.replace(sign, meaning)
    bare = (char for char in unicodedata.normalize("NFKD", text) if unicodedata.category(char) not in _UNSEEN)
    found = _TOKEN.findall(_REPEATED.sub(r"\1", "".join(bare).casefold()))
    return tuple(word if word[-1].isalnum() or word in "%€$" else "?" if word[0] == "?" else BREAK for word in found)


def words_of(text: str) -> Tokens:
    """Return the words of a text without its breaks."""
    return tuple(token for token in tokens(text) if token != BREAK)


class Kind(Enum):
    """What a phrase does in a text."""

    OPTION = auto()  # names an option of the question
    NUMBER = auto()  # the same, by its number
    AGREE = auto()  # "yes", where that is no option
    UNSURE = auto()  # may mean some options, never taken for one
    DENY = auto()  # negates what stands in the same clause
    INSTEAD = auto()  # negates what comes after it
    AND = auto()
    OR = auto()
    BUT = auto()
    FILLING = auto()
    BREAK = auto()
    STRANGE = auto()  # not known


class Mark(NamedTuple):
    """A phrase, what it does, and the options of the question it stands for."""

    kind: Kind
    options: tuple[str, ...] = ()
    phrase: Tokens = ()


class Index(NamedTuple):
    """The phrases that mean something to one question; `alone`: those that do so only by themselves.

    `content`: the words answers are made of, which a slip may be put right to.
    """

    question: Question
    marks: Mapping[Tokens, Mark]
    alone: Mapping[Tokens, Mark]
    content: frozenset[str]
    longest: int

    def close(self, word: str) -> list[Mark]:
        """Return what single words not unlike `word` mean."""
        found = get_close_matches(word, self.content, 3, 0.75)
        return [self.marks[(other,)] for other in found if (other,) in self.marks]


@lru_cache(maxsize=64)
def index(question: Question) -> Index:
    """Return the phrases of a question."""
    marks: dict[Tokens, Mark] = {(BREAK,): Mark(Kind.BREAK, (), (BREAK,))}
    for phrase, kind, options in _vocabulary(question):
        key = words_of(phrase)
        marks[key] = Mark(kind, options, key)
    alone = {words_of(phrase): Mark(kind, found) for phrase, kind, found in _unsure(UNSURE_ALONE, question)}
    telling = [mark for mark in marks.values() if mark.kind in _TELLING]
    content = {word for mark in telling for word in mark.phrase if marks.get((word,), mark).kind in _TELLING}
    return Index(question, marks, alone, frozenset(content), max(map(len, marks)))


_TELLING = frozenset({Kind.OPTION, Kind.UNSURE})
Entry = tuple[str, Kind, tuple[str, ...]]


def _vocabulary(question: Question) -> Iterator[Entry]:
    """Yield phrase, kind and options. What comes later is more particular, and counts."""
    options = question.options
    for kind, table in _AROUND.items():
        yield from ((phrase, kind, ()) for phrase in table)
    for number, texts in NUMBERS.items():
        place = len(options) if number < 0 else number
        yield from ((phrase, Kind.NUMBER, options[place - 1 : place]) for phrase in phrases(texts))
    yield from ((str(place), Kind.NUMBER, (option,)) for place, option in enumerate(options, 1))
    yield from _unsure(UNSURE, question)
    for table, option, otherwise in (
        (YES, "yes", Kind.AGREE),
        (NO, "no", Kind.DENY),
        (OPEN, _open(question), Kind.UNSURE),
    ):
        entry = (Kind.OPTION, (option,)) if option in options else (otherwise, ())
        yield from ((phrase, *entry) for phrase in table)
    for option in options:
        yield from ((phrase, Kind.OPTION, (option,)) for phrase in _ways(question.id, option))


_AROUND = {
    Kind.FILLING: FILLING,
    Kind.AND: AND,
    Kind.OR: OR,
    Kind.BUT: BUT,
    Kind.DENY: NEGATIONS,
    Kind.INSTEAD: INSTEAD,
}


def _open(question: Question) -> str:
    return "undecided" if "undecided" in question.options else "unknown"


def _unsure(table: Mapping[str, str], question: Question) -> Iterator[Entry]:
    for meanings, texts in table.items():
        wanted = meanings.replace("open", _open(question)).split()
        if found := tuple(option for option in wanted if option in question.options):
            yield from ((phrase, Kind.UNSURE, found) for phrase in phrases(texts))


def _ways(question: str, option: str) -> tuple[str, ...]:
    listed = phrases(OPTIONS.get(question, {}).get(option, ""))
    return (option, *listed, *_labels(f"option.{question}.{option}"))


def _labels(id: str) -> Iterator[str]:
    return (translations(language)(id) for language in languages() if id in translations(language))


@lru_cache(maxsize=1)
def names() -> dict[Tokens, str]:
    """Return every name of every question, with and without its spaces -> question id."""
    found: dict[Tokens, str] = {}
    for id, listed in QUESTIONS.items():
        for name in (id, *phrases(listed), *_labels(f"question.{id}.short")):
            found.setdefault(words_of(name), id)
            found.setdefault(words_of("".join(words_of(name))), id)
    return found


@lru_cache(maxsize=1)
def commands() -> dict[Tokens, tuple[str, str | None]]:
    """Return every command phrase -> the name of the command and its argument."""
    found: dict[Tokens, tuple[str, str | None]] = {}
    for key, listed in COMMANDS.items():
        name, _, argument = key.partition(":")
        for phrase in (*phrases(listed), *(() if argument else _labels(f"label.{name}"))):
            found.setdefault(words_of(phrase.rstrip(" ?")) or words_of(phrase), (name, argument or None))
    return found


@lru_cache(maxsize=1)
def aliases() -> dict[Tokens, frozenset[str]]:
    """Return every name and every answer of any question -> the ids it may stand for."""
    pairs = [(key, id) for key, id in names().items()]
    for table, ids in ((YES, ("yes",)), (NO, ("no",)), (OPEN, ("unknown", "undecided"))):
        pairs += [(words_of(phrase), id) for phrase in table for id in ids]
    for question, listed in OPTIONS.items():
        pairs += [(words_of(phrase), option) for option in listed for phrase in _ways(question, option)]
    found: dict[Tokens, frozenset[str]] = {}
    for key, id in pairs:
        found[key] = found.get(key, frozenset()) | {id}
    return found


@lru_cache(maxsize=1)
def known() -> frozenset[str]:
    """Return every word of every table."""
    listed = [
        *APART,
        *CHANGE,
        *CHANGE_FILLING,
        *POLITE,
        *LANGUAGE,
        *(phrase for table in _AROUND.values() for phrase in table),
    ]
    for texts in (*UNSURE.values(), *UNSURE_ALONE.values(), *NUMBERS.values()):
        listed += phrases(texts)
    looked_up = (word for key in (*aliases(), *commands()) for word in key)
    return frozenset(looked_up).union(*map(words_of, listed))


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


def nearest(given: str, valid: Iterable[str]) -> str | None:
    """Return the id in `valid` that `given` comes closest to, synonyms of both languages included; None if none does.

    For error messages: it may be wrong, and is never acted upon.
    """
    near = _near(tuple(valid))
    key = " ".join(words_of(given[:60]))
    if key in near or negative().intersection(key.split()):
        return near.get(key)
    return next((near[alias] for alias in get_close_matches(key, near, 1, 0.65)), None)


@lru_cache(maxsize=64)
def _near(valid: tuple[str, ...]) -> dict[str, str]:
    near = {" ".join(words_of(id)): id for id in valid}
    for alias, ids in aliases().items():
        for id in valid:
            if id in ids:
                near.setdefault(" ".join(alias), id)
    return near


# --- Slips of the finger -------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def closest(word: str) -> tuple[str, ...]:
    """Return the known words nearest to `word`: one slip away, or two if it is long."""
    for slips in (1, 2) if len(word) >= 8 else (1,):
        if near := [other for other in known() if len(other) >= 4 and _within(word, other, slips)]:
            return tuple(sorted(near))
    return ()


def _within(one: str, other: str, slips: int) -> bool:
    """Whether words differ by so many slips: a letter more, a letter less, another letter, two letters swapped."""
    if abs(len(one) - len(other)) > slips or len(set(one) ^ set(other)) > 2 * slips:
        return False
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, match in enumerate(other, 1):
            cost = min(last[column] + 1, line[-1] + 1, last[column - 1] + (letter != match))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == match:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        before, last = last, line
    return last[-1] <= slips
