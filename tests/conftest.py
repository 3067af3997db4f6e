"""Settings of every test: Hypothesis profiles, the order of slow files, and the check of the logs."""

import logging
import os
from collections.abc import Iterator
from itertools import groupby

import pytest
from hypothesis import settings

from tests.log_privacy import no_private_data_in_logs

__all__ = ["no_private_data_in_logs"]

# In CI, the same examples on every run, whatever the machine's speed; elsewhere new ones.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """Undo `configure_logging`, so that one test's handler and levels are not those of the next."""
    loggers = [logging.root, *map(logging.getLogger, ("adapters", "bot"))]
    before = [(logger, logger.handlers[:], logger.level) for logger in loggers]
    yield
    for logger, handlers, level in before:
        logger.handlers = handlers
        logger.setLevel(level)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start each xdist worker with its share of the slow files, so that no worker ends with one alone.

    xdist gives each worker an equal part of the list, and lets idle workers take from the end of the others' parts.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    slow = [item for item in items if item.get_closest_marker("slow")]
    rest = [item for item in items if not item.get_closest_marker("slow")]
    files = [list(group) for _, group in groupby(slow, lambda item: item.path)]
    ordered: list[pytest.Item] = []
    for number in range(workers):
        share = [item for file in files[number::workers] for item in file]
        size = max(0, (len(items) - len(ordered)) // (workers - number) - len(share))
        ordered += share + rest[:size]
        del rest[:size]
    items[:] = ordered
