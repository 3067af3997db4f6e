"""Checks a second of the batch command: with random answers, and with only the questions that are asked."""

import io
import json
import random
import time
from collections.abc import Iterator

from bot.commands.batch import BatchChecker, batch
from dialogs.community_flow import FLOW
from dialogs.translations import translations
from dialogs.verify import all_paths
from tests.benchmarks.measure import Figure

COUNT = 100_000


def figures() -> Iterator[Figure]:
    """Yield the figures of a batch, with an empty cache each."""
    for name, lines, count in (
        ("every question answered at random", _random(COUNT), COUNT),
        ("only what is asked", _asked(COUNT), COUNT),
    ):
        peer = count / _bare(lines)
        yield Figure(f"batch, {name}", count / _batch(lines, what_if=False), "checks/s", peer, "bare json, lines/s")
        part = b"".join(lines.splitlines(keepends=True)[: count // 5])
        yield Figure("  with what_if", count / 5 / _batch(part, what_if=True), "checks/s", peer, "bare json, lines/s")


def _random(count: int) -> bytes:
    rng = random.Random(7)
    answers = ({question.id: rng.choice(question.options) for question in FLOW.questions} for _ in range(count))
    return _lines(answers)


def _asked(count: int) -> bytes:
    rng, paths = random.Random(7), [dict(path) for path in all_paths(FLOW)]
    return _lines(rng.choice(paths) for _ in range(count))


def _lines(answers: Iterator[dict[str, str]]) -> bytes:
    return "".join(json.dumps({"id": id, "answers": item}) + "\n" for id, item in enumerate(answers)).encode()


def _batch(lines: bytes, *, what_if: bool) -> float:
    checker = BatchChecker(FLOW, translations("fr"), with_what_if=what_if)
    started = time.perf_counter()
    batch(io.BytesIO(lines), io.BytesIO(), checker, lambda size: None)
    return time.perf_counter() - started


def _bare(lines: bytes) -> float:
    sink = io.BytesIO()
    started = time.perf_counter()
    for line in io.BytesIO(lines):
        sink.write(json.dumps(json.loads(line)).encode())
    return time.perf_counter() - started
