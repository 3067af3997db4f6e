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


def encode(result: object, encoding: str = "utf-8") -> str:
    """Return JSON on one line, with escapes only where `encoding` requires them. Raises `ValueError`."""
    text = _ENCODER.encode(result)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:  # a terminal that is not UTF-8, or a lone surrogate
        return _ASCII_ENCODER.encode(result)
    return text


def invalid_result(errors: list[AnswerError]) -> dict[str, object]:
    """Return the public JSON object for invalid answers."""
    return {"status": "invalid", "errors": errors}


def parse_arguments(flow: Flow, arguments: list[str], t: Translations) -> tuple[dict[str, str], list[AnswerError]]:
    """Parse ``question=answer`` arguments: exact ids, or names and words as in a quick check in a chat.

    Return the answers and the errors of form. Names and words that are not understood are returned as they are.
    """
    pairs = [(question.strip(), option.strip()) for question, _, option in (text.partition("=") for text in arguments)]
    if not all(_is_exact(flow, *pair) for pair in pairs):
        from dialogs.text.parse import QuickCheck, parse_quick_check  # imported here: exact ids do not need the lexicon

        match parse_quick_check(" ".join(arguments), flow):
            case QuickCheck(answers):
                return answers, []
    answers = {}
    errors: list[AnswerError] = []
    for argument, (question, option) in zip(arguments, pairs, strict=True):
        if not (question and option):
            errors.append(answer_error(t, "form", given=printable(argument)))
            continue
        for id, answer in _parse_argument(flow, question, option).items():
            if answers.setdefault(id, answer) != answer:
                errors.append(answer_error(t, "twice", id))
    return answers, errors


def _is_exact(flow: Flow, question_id: str, option: str) -> bool:
    question = flow.questions_by_id.get(question_id)
    return question is not None and option in question.options


def _parse_argument(flow: Flow, name: str, text: str) -> dict[str, str]:
    """Return the answers in ``name=text``, with the text as it is if the question is known and its answer is not."""
    if not _is_exact(flow, name, text):
        from dialogs.text.parse import Problem, Problems, QuickCheck, parse_quick_check

        match parse_quick_check(f"{name}={text}", flow):
            case QuickCheck(answers):
                return answers
            case Problems((Problem("answer", question=str(id)),)):
                return {id: text}
    return {name: text}


def batch(source: BinaryIO, sink: BinaryIO, checker: "BatchChecker", advance: Callable[[int], None]) -> BatchTotals:
    """Write a result to `sink` for every line of `source`, in order. Call `advance` with the size of each block read.

    Results are flushed before the next read, so that another program can wait for them on a pipe.
    """
    totals = BatchTotals()
    number = 1
    for size, lines in _lines(source):
        numbered = enumerate(lines, number)
        results = [checker.answer(line, n) for n, line in numbered if line is None or (line and not line.isspace())]
        number += len(lines)
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
        lines: list[bytes | None] = [line if len(line) <= MAX_LINE_BYTES else None for line in complete]
        if too_long and complete:
            lines[0], too_long = None, False
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

    def answer(self, line: bytes | None, number: int) -> tuple[bytes, bool]:
        """Return the result of line `number`, with a line feed, and whether the line was valid. Never raises."""
        id = b""
        try:
            members = _parse(line)
            if not isinstance(members, dict):
                return self._invalid_line(id, "line_not_object", number)
            if "id" in members:
                id = f'"id": {encode(members["id"])}, '.encode()
        except (ValueError, RecursionError) as error:
            return self._invalid_line(id, "json", number, error=self._json_error(error))
        if "answers" not in members:
            return self._invalid_line(id, "no_answers", number)
        answers = members["answers"]
        if not isinstance(answers, dict):
            return self._invalid_line(id, "answers_not_object", number)
        if not self._is_valid(answers) or _twice(members):
            answers, errors = validate(self._flow, answers, self._t)
            errors += [answer_error(self._t, "twice", name) for name in (*_twice(members), *_twice(members["answers"]))]
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

    def _invalid_line(self, id: bytes, error_id: str, number: int, **values: str) -> tuple[bytes, bool]:
        return self._invalid(id, [answer_error(self._t, error_id, line=str(number), **values)])

    def _json_error(self, error: Exception) -> str:
        t = self._t
        match error:
            case json.JSONDecodeError():
                return t("terminal.json.syntax", position=error.pos + 1)
            case UnicodeDecodeError():
                return t("terminal.json.utf8")
            case RecursionError():
                return t("terminal.json.deep")
            case _TooLong():
                return t("terminal.json.long", most=MAX_LINE_BYTES)
            case _:
                return t("terminal.json.number")


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
_ENCODER = json.JSONEncoder(allow_nan=False, ensure_ascii=False)
_ASCII_ENCODER = json.JSONEncoder(allow_nan=False)
