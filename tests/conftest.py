"""What every test shares: how hard Hypothesis searches, and that nobody's words are logged."""

import os
from itertools import groupby

import pytest
from hypothesis import settings

from tests.canaries import no_canary_in_any_log

# The same examples on every run of CI, however slow its machine; fresh ones on a developer's.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have each process begin with its share of the slow files, so that none is left alone with one at the end.

    Each gets an equal piece of the list; what waits at the end of a piece goes to whoever has nothing left to do.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    slow = [item for item in items if item.get_closest_marker("slow")]
    rest = [item for item in items if not item.get_closest_marker("slow")]
    files = [list(found) for _, found in groupby(slow, lambda item: item.path)]
    ordered: list[pytest.Item] = []
    for number in range(workers):
        share = [item for file in files[number::workers] for item in file]
        size = max(0, (len(items) - len(ordered)) // (workers - number) - len(share))
        ordered += share + rest[:size]
        del rest[:size]
    items[:] = ordered


__all__ = ["no_canary_in_any_log"]
