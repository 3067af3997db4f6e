"""Checks without a dialog: one from the command line, or many as JSON Lines.

A line of a batch is ``{"answers": {question: option, ...}, "id": anything}``; the line that answers it is the check's
JSON object with the same ``id`` first, or none where none was given. Other members are ignored, blank lines skipped.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO, NoReturn, TypeGuard

from dialogs.flow import Flow
from dialogs.recommend import check
from dialogs.translations import Translations
from dialogs.validate import AnswerError, answer_error, printable, validate
from dialogs.walk import walk

MAX_LINE_BYTES = 1 << 16
"""Bytes in a line of a batch, at most: what bounds the memory a batch takes."""

MAX_CACHED = 1 << 14
"""Encoded checks kept at hand: more than there are paths, at about a kilobyte each."""

Path = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class BatchTotals:
    """How many lines a batch answered, and how many of them as ``invalid_result``."""

    checks: int = 0
    invalid: int = 0


def encode(result: object) -> str:
    """Return JSON on one line, in ASCII: it survives any terminal, pipe and line splitter. Raises `ValueError`."""
    return _ENCODER.encode(result)


def invalid_result(faults: list[AnswerError]) -> dict[str, object]:
    """Return the public JSON object of answers that are not valid."""
    return {"status": "invalid", "errors": faults}


def parse_arguments(arguments: list[str], t: Translations) -> tuple[dict[str, str], list[AnswerError]]:
    """Read ``question=answer`` arguments; return them with what is wrong with their form."""
    answers: dict[str, str] = {}
    faults: list[AnswerError] = []
    for argument in arguments:
        question, equals, option = (part.strip() for part in argument.partition("="))
        if not (question and equals and option):
            faults.append(answer_error(t, "form", given=printable(argument)))
        elif answers.setdefault(question, option) != option:
            faults.append(answer_error(t, "twice", question))
    return answers, faults


def batch(source: BinaryIO, sink: BinaryIO, checker: "BatchChecker", advance: Callable[[int], None]) -> BatchTotals:
    """Answer every line of `source` on `sink`, in order; call `advance` with the bytes read so far done.

    What has been read is answered and flushed before more is waited for, so that another program can hold a
    conversation through two pipes.
    """
    tally = BatchTotals()
    for size, lines in _lines(source):
        answered = [checker.answer(line) for line in lines if line is None or not line.isspace()]
        tally.checks += len(answered)
        tally.invalid += sum(not valid for _, valid in answered)
        sink.write(b"".join([answer for answer, _ in answered]))
        sink.flush()
        advance(size)
    return tally


def _lines(source: BinaryIO) -> Iterator[tuple[int, list[bytes | None]]]:
    """Yield what each read brought: its size, and the lines it completed. None stands for a line that is too long."""
    begun = b""
    too_long = False
    # A buffered reader's read1 returns what there is; only an empty answer is the end.
    read = getattr(source, "read1", source.read)
    while block := read(1 << 16):
        *whole, begun = (begun + block).split(b"\n")
        lines: list[bytes | None] = [line if len(line) <= MAX_LINE_BYTES else None for line in whole if line]
        if too_long and whole:
            lines, too_long = ([None, *lines[1:]] if whole[0] else [None, *lines]), False
        if len(begun) > MAX_LINE_BYTES or too_long:
            begun, too_long = b"", True
        yield len(block), lines
    if begun or too_long:
        yield 0, [None if too_long else begun]


class _Place:
    """A place in a flow: the path that led there, the question there ("" at the end), and the places its options lead
    to, as far as they have been visited. `others`: the questions off the path, each with an option of its own."""

    __slots__ = ("onward", "others", "path", "question")

    def __init__(self, flow: Flow, path: Path) -> None:
        here = walk(flow, dict(path)).next_question
        self.path = path
        self.question = here.id if here else ""
        self.onward: dict[str, _Place] = {}
        self.others = tuple((other.id, other.options[0]) for other in flow.questions if other.id not in dict(path))


class BatchChecker:
    """Answers lines of a batch, and remembers what it has encoded: a flow has few paths beside the lines of a batch."""

    def __init__(self, flow: Flow, t: Translations, *, with_what_if: bool = True) -> None:
        self._flow = flow
        self._text = t
        self._with_what_if = with_what_if
        self._first = _Place(flow, ())
        self._valid = {(question.id, option) for question in flow.questions for option in question.options}
        self._members = lru_cache(MAX_CACHED)(self._encode_members)

    def answer(self, line: bytes | None) -> tuple[bytes, bool]:
        """Return the answer to a line, ended, and whether the line was valid. Never raises."""
        id = b""
        try:
            given = _parse(line)
            if not isinstance(given, dict):
                return self._refuse(id, [answer_error(self._text, "not_object")])
            if "id" in given:
                id = f'"id": {encode(given["id"])}, '.encode()
        except (ValueError, RecursionError) as error:
            return self._refuse(id, [self._unreadable(error)])
        answers = given.get("answers")
        if not self._is_valid(answers) or _twice(given):
            answers, faults = validate(self._flow, answers, self._text)
            faults += [
                answer_error(self._text, "twice", name) for name in (*_twice(given), *_twice(given.get("answers")))
            ]
            if faults:
                return self._refuse(id, faults)
        return b"{" + id + self._members(*self._key(answers)), True

    def _is_valid(self, answers: object) -> TypeGuard[dict[str, str]]:
        """Return whether `validate` has nothing to say of `answers`; it takes longer."""
        try:
            return type(answers) is dict and answers.items() <= self._valid
        except TypeError:  # an answer that is a list or an object
            return False

    def _key(self, answers: dict[str, str]) -> tuple["_Place", Path]:
        """Return where the answers lead, and those not needed to get there: equal keys, equal checks."""
        place = self._first
        while (option := answers.get(place.question)) is not None:
            place = place.onward.get(option) or self._grow(place, option)
        if len(place.path) == len(answers):
            return place, ()
        if place.question or self._with_what_if:
            return place, tuple([(name, answers[name]) for name, _ in place.others if name in answers])
        # At the end, unused answers are named and otherwise only matter to what-if: one option stands for all.
        return place, tuple([other for other in place.others if other[0] in answers])

    def _grow(self, place: "_Place", option: str) -> "_Place":
        grown = place.onward[option] = _Place(self._flow, (*place.path, (place.question, option)))
        return grown

    def _encode_members(self, place: "_Place", rest: Path) -> bytes:
        return _members(check(self._flow, dict(place.path + rest), with_what_if=self._with_what_if))

    def _refuse(self, id: bytes, faults: list[AnswerError]) -> tuple[bytes, bool]:
        return b"{" + id + _members(invalid_result(faults)), False

    def _unreadable(self, error: Exception) -> AnswerError:
        t = self._text
        match error:
            case json.JSONDecodeError():
                reason = t("terminal.json.syntax", position=error.pos + 1)
            case UnicodeDecodeError():
                reason = t("terminal.json.utf8")
            case RecursionError():
                reason = t("terminal.json.deep")
            case _TooLong():
                reason = t("terminal.json.long", most=MAX_LINE_BYTES)
            case _:
                reason = t("terminal.json.number")
        return answer_error(t, "json", error=reason)


class _TooLong(ValueError):
    """A line longer than `MAX_LINE_BYTES`."""


class _Object(dict[str, object]):
    """A JSON object that names a member twice: `twice` holds those given with different values."""

    twice: tuple[str, ...] = ()


def _members(result: Mapping[str, object]) -> bytes:
    """Return an encoded object without its first brace, so that an id can be put there; with the end of its line."""
    return f"{encode(result)[1:]}\n".encode()


def _parse(line: bytes | None) -> object:
    if line is None:
        raise _TooLong
    return _DECODER.decode(line.decode("utf-8-sig"))


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    found = _Object(members)
    found.twice = tuple(dict.fromkeys(name for name, value in pairs if value != members[name]))
    return found


def _twice(given: object) -> tuple[str, ...]:
    return given.twice if isinstance(given, _Object) else ()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)
_ENCODER = json.JSONEncoder(allow_nan=False)
