"""Batches: every line has a result, whatever it contains."""

import io
import itertools
import json
import os
import random
import re
import subprocess
import sys
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.batch import MAX_LINE_BYTES, BatchChecker, BatchTotals, batch, encode
from dialogs.community_flow import FLOW
from dialogs.recommend import check
from dialogs.text import lexicon
from dialogs.translations import translations
from dialogs.validate import MAX_COMPARED

COMMAND = [sys.executable, "-m", "bot.cli", "check", "--batch"]
QUESTIONS = {question.id: question.options for question in FLOW.questions}
ANSWERS = st.fixed_dictionaries({}, optional={id: st.sampled_from(options) for id, options in QUESTIONS.items()})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def run(lines: bytes, *, what_if: bool = True, language: str = "en") -> tuple[list[dict], BatchTotals]:
    sink = io.BytesIO()
    checker = BatchChecker(FLOW, translations(language), with_what_if=what_if)
    totals = batch(io.BytesIO(lines), sink, checker, lambda size: None)
    answered = sink.getvalue()
    answered.decode()  # UTF-8
    assert not answered or answered.endswith(b"\n")
    return [json.loads(line) for line in answered.splitlines()], totals


def one(line: bytes) -> dict:
    (answered,), _ = run(line)
    return answered


def message(line: bytes) -> str:
    answered = one(line)
    assert answered["status"] == "invalid"
    return " ".join(error["message"] for error in answered["errors"])


# --- Results ------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(ANSWERS, JSON)), st.booleans())
def test_each_result_has_the_id_of_its_line(checks, what_if):
    lines = "\n".join(json.dumps({"answers": answers, "id": id}) for answers, id in checks).encode()
    answered, totals = run(lines, what_if=what_if)
    for (answers, id), line in zip(checks, answered, strict=True):
        assert line == {"id": id} | check(FLOW, answers, with_what_if=what_if)
        assert list(line)[:2] == ["id", "status"]
    assert totals == BatchTotals(len(checks), 0)


def test_a_missing_id_stays_missing_and_null_stays_null():
    assert "id" not in one(b'{"answers": {}}')
    assert one(b'{"answers": {}, "id": null}')["id"] is None


def test_other_members_are_ignored():
    assert one(b'{"answers": {}, "name": "Ann", "since": 2001}')["status"] == "partial"


def test_an_invalid_line_has_its_id_and_all_errors():
    line = one(b'{"id": [1], "answers": {"brnad": "yes", "mode": "agncy", "routine": 3, "person": null}}')
    assert line["id"] == [1]
    assert [error["question"] for error in line["errors"]] == ["brnad", "mode", "routine", "person"]
    assert "brand" in line["errors"][0]["message"]
    assert "agency" in line["errors"][1]["message"]


def test_blank_lines_are_skipped():
    answered, totals = run(b'\n  \r\n{"answers": {}}\r\n\n')
    assert len(answered) == totals.checks == 1


def test_a_byte_order_mark_is_accepted():
    assert one(b'\xef\xbb\xbf{"answers": {}}')["status"] == "partial"


# --- Bad lines ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (b"{", "Line 1 is not valid JSON: the mistake is at character 2"),
        (b"brand=yes", "character 1"),
        (b'{"answers": {}} x', "character 17"),
        (b"[]", "Line 1 must be a JSON object"),
        (b"3", "Line 1 must be a JSON object"),
        (b'{"id": 1}', "Line 1 has no “answers”"),
        (b'{"answers": ["brand"]}', "Line 1: “answers” must be a JSON object"),
        (b'{"answers": null}', "Line 1: “answers” must be a JSON object"),
        (b'{"answers": "\xff"}', "not UTF-8"),
        (b"[" * 30_000 + b"]" * 30_000, "nested too deeply"),
        (b'{"answers": {}, "id": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", "nested too deeply"),
        (b'{"answers": {}, "id": NaN}', "number"),
        (b'{"answers": {}, "id": -Infinity}', "number"),
        (b'{"answers": {}, "id": 1e999}', "number"),
        (b'{"answers": {}, "id": ' + b"9" * 6000 + b"}", "number"),
        (b'{"answers": {"brand": ["yes"]}}', "must be a text"),
        (b'{"answers": {"brand": {"yes": 1}}}', "must be a text"),
        (b'{"answers": {"brand": true}}', "must be a text"),
        (b'{"answers": {"brand": "yes", "brand": "no"}}', "Two different answers"),
        (b'{"answers": {}, "answers": {"brand": "no"}}', "Two different answers"),
        (b'{"answers": {"\\ud800": "yes"}}', "There is no question"),
        (b'{"answers": {"brand": "\\ud800"}}', "is not an answer"),
        (b'{"answers": {"": ""}}', "There is no question"),
        (b'{"answers": {"' + b"x" * 60000 + b'": "yes"}}', "There is no question"),
        (b'{"answers": {"brand": "' + b"x" * MAX_LINE_BYTES + b'"}}', "65536"),
    ],
)
def test_a_malformed_line_is_invalid_with_a_reason(line, part):
    assert part in message(line)
    assert len(message(line)) < 400


def test_messages_name_the_line_of_the_file():
    long = b'{"answers": {"brand": "' + b"x" * MAX_LINE_BYTES + b'"}}'
    answered, _ = run(b'\n{"answers": {}}\n \r\n{"id": 4}\n{\n\n' + long + b"\n[]\n" + long)
    messages = [line["errors"][0]["message"] for line in answered if line["status"] == "invalid"]
    assert [re.findall(r"\bLine (\d+)\b", message) for message in messages] == [["4"], ["5"], ["7"], ["8"], ["9"]]


def test_accents_are_not_escaped():
    sink = io.BytesIO()
    batch(io.BytesIO('{"id": "café"}'.encode()), sink, BatchChecker(FLOW, translations("fr")), lambda size: None)
    assert sink.getvalue().decode().startswith('{"id": "café", "status": "invalid"')
    assert "\\u" not in sink.getvalue().decode()


def test_json_is_escaped_where_the_encoding_requires_it():
    assert encode({"id": "é"}) == '{"id": "é"}'
    assert encode({"id": "é"}, "ascii") == '{"id": "\\u00e9"}'
    assert encode({"id": "é\ud800"}) == '{"id": "\\u00e9\\ud800"}'


def test_the_same_answer_twice_is_accepted():
    assert one(b'{"answers": {"brand": "yes", "brand": "yes"}}')["control"] == 1


def test_a_lone_surrogate_in_an_id_is_preserved():
    assert one(b'{"answers": {}, "id": "\\ud800"}')["id"] == "\ud800"


def test_errors_are_in_the_requested_language():
    (french,), _ = run(b"{", language="fr")
    (english,), _ = run(b"{", language="en")
    assert french["errors"] != english["errors"]


@given(st.lists(st.binary(max_size=60).map(lambda line: line.replace(b"\n", b"")), max_size=8))
def test_any_bytes_have_a_result_in_order(lines):
    good = b'{"answers": {"brand": "yes"}, "id": "good"}'
    between = [part for line in lines for part in (line, good)]
    answered, totals = run(b"\n".join(between))
    expected = [line for line in between if line and not line.isspace()]
    assert totals.checks == len(answered) == len(expected)
    for line, answer in zip(expected, answered, strict=True):
        assert answer.get("id") == "good" or line != good


@given(JSON, JSON)
def test_any_json_has_a_result(answers, id):
    line = encode({"answers": answers, "id": id})
    assert one(line.encode())["id"] == id


def test_at_most_20_unknown_names_are_compared(monkeypatch):
    compared = []
    monkeypatch.setattr(lexicon, "nearest", lambda given, valid: compared.append(given))
    many = {f"brand{number}": "yes" for number in range(2900)}
    assert len(one(encode({"answers": many}).encode())["errors"]) == 2900
    assert len(compared) == MAX_COMPARED


# --- Streaming ----------------------------------------------------------------------------------------------------


class Dripping(io.BytesIO):
    """Returns a few bytes per read, like a slow pipe."""

    def __init__(self, content: bytes, seed: int) -> None:
        super().__init__(content)
        self.chance = random.Random(seed)

    def read1(self, size: int | None = -1) -> bytes:
        return self.read(self.chance.choice((1, 3, 100, 70_000)))


@pytest.mark.parametrize("seed", range(5))
def test_block_boundaries_make_no_difference(seed):
    good = [f'{{"answers": {{"brand": "yes"}}, "id": {number}}}'.encode() for number in range(300)]
    for place in (0, 7, 8, 150, 299):
        good[place] = b"x" * (MAX_LINE_BYTES + place)
    lines = b"\n".join(good)
    sink = io.BytesIO()
    batch(Dripping(lines, seed), sink, BatchChecker(FLOW, translations("en")), lambda size: None)
    assert [json.loads(line) for line in sink.getvalue().splitlines()] == run(lines)[0]
    assert [json.loads(line).get("id") for line in sink.getvalue().splitlines()][6:10] == [6, None, None, 9]


def test_a_result_is_flushed_before_the_next_line_is_read():
    process: Any
    with subprocess.Popen([*COMMAND, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for number in range(3):
            process.stdin.write(encode({"answers": {}, "id": number}).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
        assert process.wait(20) == 0


class Endless(io.RawIOBase):
    """Generates blocks as they are read."""

    def __init__(self, blocks) -> None:
        super().__init__()
        self.blocks = iter(blocks)

    def read1(self, size: int = -1) -> bytes:
        return next(self.blocks, b"")


class Nowhere(io.RawIOBase):
    def write(self, block: Any) -> int:
        return len(block)


def test_memory_does_not_grow_with_the_batch():
    lines = b"".join(
        b'{"answers": {"brand": "yes", "mode": "agency"}, "id": "%d"}\n' % number for number in range(1000)
    )
    checker = BatchChecker(FLOW, translations("en"))
    peaks = []
    for count in (1, 20):
        tracemalloc.start()
        # A line without a line feed must not be collected in memory.
        blocks = itertools.chain(itertools.repeat(lines, count), itertools.repeat(b"y" * 60_000, 30 * count))
        source: Any = Endless(blocks)
        sink: Any = Nowhere()
        totals = batch(source, sink, checker, lambda size: None)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert totals == BatchTotals(1000 * count + 1, 1)
    assert peaks[1] < peaks[0] + 200_000


def test_a_closed_pipe_ends_the_batch_quietly(tmp_path):
    file = tmp_path / "many.jsonl"
    file.write_bytes(b'{"answers": {}}\n' * 50_000)
    process: Any
    with subprocess.Popen([*COMMAND, str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == b""


# --- The command --------------------------------------------------------------------------------------------------


def command(*arguments: str, lines: bytes = b"") -> subprocess.CompletedProcess:
    environment = os.environ | {"LC_ALL": "en_US.UTF-8"}
    return subprocess.run(
        [*COMMAND, *arguments], check=False, input=lines, capture_output=True, env=environment, timeout=60
    )


def test_invalid_lines_are_counted_on_standard_error():
    completed = command("-", lines=b'{"answers": {}}\n{\n{}\n')
    assert completed.returncode == 0
    assert [json.loads(line)["status"] for line in completed.stdout.splitlines()] == ["partial", "invalid", "invalid"]
    assert completed.stderr.decode().strip() == "2 invalid lines of 3."


def test_a_valid_batch_prints_only_results(tmp_path):
    file = tmp_path / "lines.jsonl"
    file.write_text('{"answers": {}}')
    completed = command(str(file), "--no-what-if")
    assert (completed.returncode, completed.stderr) == (0, b"")
    assert len(completed.stdout.splitlines()) == 1


def test_an_empty_batch_has_no_results():
    completed = command("-")
    assert (completed.returncode, completed.stdout, completed.stderr) == (0, b"", b"")


def test_a_missing_file(tmp_path):
    completed = command(str(tmp_path / "none.jsonl"))
    assert completed.returncode == 2
    assert b"none.jsonl" in completed.stderr
    assert b"Traceback" not in completed.stderr


def test_a_folder_is_not_a_file(tmp_path):
    completed = command(str(tmp_path))
    assert completed.returncode == 2
    assert b"Traceback" not in completed.stderr


def test_answers_and_a_batch_exclude_each_other():
    completed = command("-", "brand=yes")
    assert completed.returncode == 2
