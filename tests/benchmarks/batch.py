"""Checks a second in a batch: any answers, then the same as a company's path gives them."""

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
    """Yield the figures of a batch, each from nothing remembered."""
    for name, lines, count in (
        ("every question answered at random", _random(COUNT), COUNT),
        ("only what is asked", _asked(COUNT), COUNT),
    ):
        peer = count / _bare(lines)
        yield Figure(f"batch, {name}", count / _batch(lines, what_if=False), "checks/s", peer, "bare json, lines/s")
        some = b"".join(lines.splitlines(keepends=True)[: count // 5])
        yield Figure("  with what_if", count / 5 / _batch(some, what_if=True), "checks/s", peer, "bare json, lines/s")


def _random(count: int) -> bytes:
    chance = random.Random(7)
    each = ({question.id: chance.choice(question.options) for question in FLOW.questions} for _ in range(count))
    return _lines(each)


def _asked(count: int) -> bytes:
    chance, every = random.Random(7), [dict(path) for path in all_paths(FLOW)]
    return _lines(chance.choice(every) for _ in range(count))


def _lines(answers: Iterator[dict[str, str]]) -> bytes:
    return "".join(json.dumps({"id": id, "answers": each}) + "\n" for id, each in enumerate(answers)).encode()


def _batch(lines: bytes, *, what_if: bool) -> float:
    checker = BatchChecker(FLOW, translations("fr"), with_what_if=what_if)
    began = time.perf_counter()
    batch(io.BytesIO(lines), io.BytesIO(), checker, lambda size: None)
    return time.perf_counter() - began


def _bare(lines: bytes) -> float:
    sink = io.BytesIO()
    began = time.perf_counter()
    for line in io.BytesIO(lines):
        sink.write(json.dumps(json.loads(line)).encode())
    return time.perf_counter() - began
