"""Checks of complete answers: arguments of the command line, or batches in JSON Lines.

A line of a batch is ``{"answers": {question: option, ...}, "id": anything}``. The result of a line is one line: the
check's JSON object, starting with the same ``id`` if there was one. Other members and blank lines are ignored.
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
"""Maximum bytes of a line. It bounds the memory of a batch."""

MAX_CACHED = 1 << 14
"""Encoded checks in memory, about a kilobyte each. There are fewer paths than that."""

Path = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class BatchTotals:
    """The number of lines processed, and how many of them were invalid."""

    checks: int = 0
    invalid: int = 0


def encode(result: object) -> str:
    """Return JSON on one line, in ASCII, which works on every terminal and pipe. Raises `ValueError`."""
    return _ENCODER.encode(result)


def invalid_result(errors: list[AnswerError]) -> dict[str, object]:
    """Return the public JSON object for invalid answers."""
    return {"status": "invalid", "errors": errors}


def parse_arguments(arguments: list[str], t: Translations) -> tuple[dict[str, str], list[AnswerError]]:
    """Parse ``question=answer`` arguments. Return the answers and the errors of form."""
    answers: dict[str, str] = {}
    errors: list[AnswerError] = []
    for argument in arguments:
        question, equals, option = (part.strip() for part in argument.partition("="))
        if not (question and equals and option):
            errors.append(answer_error(t, "form", given=printable(argument)))
        elif answers.setdefault(question, option) != option:
            errors.append(answer_error(t, "twice", question))
    return answers, errors


def batch(source: BinaryIO, sink: BinaryIO, checker: "BatchChecker", advance: Callable[[int], None]) -> BatchTotals:
    """Write a result to `sink` for every line of `source`, in order. Call `advance` with the size of each block read.

    Results are flushed before the next read, so that another program can wait for them on a pipe.
    """
    totals = BatchTotals()
    for size, lines in _lines(source):
        results = [checker.answer(line) for line in lines if line is None or not line.isspace()]
        totals.checks += len(results)
        totals.invalid += sum(not valid for _, valid in results)
        sink.write(b"".join([result for result, _ in results]))
        sink.flush()
        advance(size)
    return totals


def _lines(source: BinaryIO) -> Iterator[tuple[int, list[bytes | None]]]:
    """Yield the size of each block read and the lines it completed; None for a line that is too long."""
    incomplete = b""
    too_long = False
    # A buffered reader's read1 returns what is available, and an empty result only at the end.
    read = getattr(source, "read1", source.read)
    while block := read(1 << 16):
        *complete, incomplete = (incomplete + block).split(b"\n")
        lines: list[bytes | None] = [line if len(line) <= MAX_LINE_BYTES else None for line in complete if line]
        if too_long and complete:
            lines, too_long = ([None, *lines[1:]] if complete[0] else [None, *lines]), False
        if len(incomplete) > MAX_LINE_BYTES or too_long:
            incomplete, too_long = b"", True
        yield len(block), lines
    if incomplete or too_long:
        yield 0, [None if too_long else incomplete]


class _Position:
    """A position in a flow. `path`: the answers that lead to it. `question`: the id of its question; "" at the end.

    `next`: the positions after it by option, as far as they were needed. `unasked`: each question that is not on the
    path, with one of its options.
    """

    __slots__ = ("next", "path", "question", "unasked")

    def __init__(self, flow: Flow, path: Path) -> None:
        question = walk(flow, dict(path)).next_question
        self.path = path
        self.question = question.id if question else ""
        self.next: dict[str, _Position] = {}
        self.unasked = tuple((other.id, other.options[0]) for other in flow.questions if other.id not in dict(path))


class BatchChecker:
    """Checks the lines of a batch. Encoded results are cached: a flow has far fewer paths than a batch has lines."""

    def __init__(self, flow: Flow, t: Translations, *, with_what_if: bool = True) -> None:
        self._flow = flow
        self._t = t
        self._with_what_if = with_what_if
        self._first = _Position(flow, ())
        self._valid = {(question.id, option) for question in flow.questions for option in question.options}
        self._members = lru_cache(MAX_CACHED)(self._encode_members)

    def answer(self, line: bytes | None) -> tuple[bytes, bool]:
        """Return the result of a line, with a line feed, and whether the line was valid. Never raises."""
        id = b""
        try:
            members = _parse(line)
            if not isinstance(members, dict):
                return self._invalid(id, [answer_error(self._t, "not_object")])
            if "id" in members:
                id = f'"id": {encode(members["id"])}, '.encode()
        except (ValueError, RecursionError) as error:
            return self._invalid(id, [self._json_error(error)])
        answers = members.get("answers")
        if not self._is_valid(answers) or _twice(members):
            answers, errors = validate(self._flow, answers, self._t)
            errors += [
                answer_error(self._t, "twice", name) for name in (*_twice(members), *_twice(members.get("answers")))
            ]
            if errors:
                return self._invalid(id, errors)
        return b"{" + id + self._members(*self._key(answers)), True

    def _is_valid(self, answers: object) -> TypeGuard[dict[str, str]]:
        """Return whether `answers` are valid. Faster than `validate`."""
        try:
            return type(answers) is dict and answers.items() <= self._valid
        except TypeError:  # an answer that is a list or an object
            return False

    def _key(self, answers: dict[str, str]) -> tuple["_Position", Path]:
        """Return the position that the answers lead to, and the unused answers. Equal keys have equal results."""
        position = self._first
        while (option := answers.get(position.question)) is not None:
            position = position.next.get(option) or self._add_position(position, option)
        if len(position.path) == len(answers):
            return position, ()
        if position.question or self._with_what_if:
            return position, tuple([(name, answers[name]) for name, _ in position.unasked if name in answers])
        # At the end the result only names the questions of unused answers, except for what-if.
        return position, tuple([other for other in position.unasked if other[0] in answers])

    def _add_position(self, position: "_Position", option: str) -> "_Position":
        added = position.next[option] = _Position(self._flow, (*position.path, (position.question, option)))
        return added

    def _encode_members(self, position: "_Position", rest: Path) -> bytes:
        return _members(check(self._flow, dict(position.path + rest), with_what_if=self._with_what_if))

    def _invalid(self, id: bytes, errors: list[AnswerError]) -> tuple[bytes, bool]:
        return b"{" + id + _members(invalid_result(errors)), False

    def _json_error(self, error: Exception) -> AnswerError:
        t = self._t
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
    """The line is longer than `MAX_LINE_BYTES`."""


class _Object(dict[str, object]):
    """A JSON object with repeated names. `twice`: the names with different values."""

    twice: tuple[str, ...] = ()


def _members(result: Mapping[str, object]) -> bytes:
    """Encode an object without its first brace, so that an id can be put there, and with a line feed."""
    return f"{encode(result)[1:]}\n".encode()


def _parse(line: bytes | None) -> object:
    if line is None:
        raise _TooLong
    return _DECODER.decode(line.decode("utf-8-sig"))


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    repeated = _Object(members)
    repeated.twice = tuple(dict.fromkeys(name for name, value in pairs if value != members[name]))
    return repeated


def _twice(value: object) -> tuple[str, ...]:
    return value.twice if isinstance(value, _Object) else ()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)
_ENCODER = json.JSONEncoder(allow_nan=False)
