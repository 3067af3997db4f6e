"""The lists of function calls in deploy/docs/how-it-works.md."""

from pathlib import Path

import pytest

from deploy.markers import replace_block
from deploy.trace_page import trace_block
from tests.trace import Trace

PAGE = Path(__file__).resolve().parents[2] / "deploy" / "docs" / "how-it-works.md"


def test_visits_are_grouped_and_repeated_calls_counted() -> None:
    trace = Trace([("a.py", "f"), ("a.py", "<lambda>"), ("a.py", "f"), ("a.py", "g"), ("b.py", "h"), ("a.py", "f")])
    block = trace_block(trace)
    assert "a.py: f ×2, g\nb.py: h\na.py: f\n" in block
    assert "2 files, 2 changes from file to file, 6 calls" in block


@pytest.mark.parametrize("platform", ["slack", "teams"])
def test_the_page_has_the_markers(platform: str) -> None:
    begin, end = f"<!-- trace {platform}: made by `make trace` -->", f"<!-- end of trace {platform} -->"
    text = PAGE.read_text(encoding="utf-8")
    assert f"{begin}\nx\n{end}" in replace_block(text, begin, end, "x")
